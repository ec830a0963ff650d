/*-------------------------------------------------------------------------
 *
 * answer.c
 *		What an answer means: a body to read, nothing, or an error.
 *
 * The primary message says what could not be done, the detail which request
 * it was and what the API said about it.  The API's words come from the
 * network: they are cut, cleaned, and freed of the credential should they
 * repeat it.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "answer.h"

#include <ctype.h>
#include <json-c/json.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/* Most bytes of the API's words that a message repeats. */
#define MAX_MESSAGE		500

/* The same for a body that is not one of its error documents. */
#define MAX_RAW_MESSAGE 200

/* Error bodies are looked at as far as this. */
#define MAX_ERROR_BODY	65536

/*
 * A string member of an object, NULL if it is not one.  Never asserts: the
 * type is checked before any getter is called.
 */
static const char *
string_member(struct json_object *object, const char *name)
{
	struct json_object *member;

	if (object == NULL || !json_object_is_type(object, json_type_object) ||
		!json_object_object_get_ex(object, name, &member) ||
		!json_object_is_type(member, json_type_string))
		return NULL;
	return json_object_get_string(member);
}

/*
 * Length of what looks like a credential at the beginning of a text, 0 if
 * nothing does: a key or an access token by its prefix, a public token by its
 * three parts.
 */
static size_t
credential_length(const char *s)
{
	static const char *const prefixes[] = {"tr_dev_", "tr_stg_", "tr_prod_",
		"tr_preview_", "tr_pat_", "tr_oat_", "tr_uat_", NULL
	};
	const char *word = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t		len;

	for (int i = 0; prefixes[i]; i++)
	{
		if (strncmp(s, prefixes[i], strlen(prefixes[i])) == 0)
			return strspn(s, word);
	}
	if (strncmp(s, "eyJ", 3) != 0)
		return 0;
	len = strspn(s, word);
	for (int part = 0; part < 2; part++)
	{
		if (s[len] != '.')
			return 0;
		len += 1 + strspn(s + len + 1, word);
	}
	return len;
}

/*
 * Copy words from the network without credentials, should they repeat one:
 * the target's, or another that it was exchanged for.  What does not fit into
 * "size" bytes is cut off, but never a part of a credential: half a key is too
 * much.  Never throws.
 */
static void
redact(char *to, size_t size, const char *from, const char *credential)
{
	const char *end = to + size - 1;

	while (*from && to < end)
	{
		size_t		secret = credential_length(from);

		if (credential && strncmp(from, credential, strlen(credential)) == 0)
			secret = Max(secret, strlen(credential));
		if (secret == 0)
			*to++ = *from++;
		else
		{
			/* shorter than any of them */
			for (int i = 0; i < 4 && to < end; i++)
				*to++ = '*';
			from += secret;
		}
	}
	*to = '\0';
}

/*
 * Append words to a buffer of fixed size, without credentials; json-c's memory
 * must be freed before anything here may fail, so nothing is palloc'd
 * meanwhile.
 */
static void
append_words(char *buf, size_t size, const char *words, const char *credential)
{
	size_t		len = strlen(buf);

	if (words == NULL || len >= size - 3)
		return;
	if (len > 0)
	{
		strcpy(buf + len, ": ");
		len += 2;
	}
	redact(buf + len, size - len, words, credential);
}

/*
 * Find the API's words in an error document: there are half a dozen shapes.
 */
static void
find_words(struct json_object *root, char *buf, size_t size,
		   const char *credential)
{
	struct json_object *error = NULL;
	struct json_object *list = NULL;

	if (!json_object_is_type(root, json_type_object))
		return;
	if (json_object_object_get_ex(root, "error", &error) &&
		json_object_is_type(error, json_type_object))
		append_words(buf, size, string_member(error, "message"), credential);
	else
		append_words(buf, size, string_member(root, "error"), credential);
	if (buf[0] == '\0')
		append_words(buf, size, string_member(root, "message"), credential);
	if (buf[0] == '\0')
		append_words(buf, size, string_member(root, "title"), credential);

	/* what a parameter check found wrong */
	if ((json_object_object_get_ex(root, "details", &list) ||
		 json_object_object_get_ex(root, "issues", &list)) &&
		json_object_is_type(list, json_type_array))
	{
		for (size_t i = 0; i < json_object_array_length(list) && i < 3; i++)
			append_words(buf, size,
						 string_member(json_object_array_get_idx(list, i),
									   "message"), credential);
	}
}

/*
 * Read an error document.  False if it is none.  Credentials are taken out of
 * what it says, not out of the document: there they may be written with
 * escapes.
 */
static bool
parse_words(const char *body, size_t len, char *buf, size_t size,
			const char *credential)
{
	struct json_tokener *tokener;
	struct json_object *root;

	buf[0] = '\0';
	if (len == 0 || len > MAX_ERROR_BODY || (*body != '{' && *body != '['))
		return false;
	tokener = json_tokener_new();
	if (tokener == NULL)
		return false;
	root = json_tokener_parse_ex(tokener, body, (int) len);
	if (json_tokener_get_error(tokener) != json_tokener_success)
	{
		json_object_put(root);
		root = NULL;
	}
	json_tokener_free(tokener);
	if (root == NULL)
		return false;
	find_words(root, buf, size, credential);
	json_object_put(root);
	return buf[0] != '\0';
}

/*
 * JSON's escapes of plain characters, which nobody needs, as those characters.
 * Changes the text in place.
 */
static void
unescape_plain(char *text)
{
	char	   *to = text;

	for (const char *from = text; *from;)
	{
		if (strncmp(from, "\\u00", 4) == 0 && from[4] >= '2' && from[4] <= '7' &&
			isxdigit((unsigned char) from[5]))
		{
			char		hex[3] = {from[4], from[5], '\0'};

			*to++ = (char) strtol(hex, NULL, 16);
			from += 6;
		}
		else
			*to++ = *from++;
	}
	*to = '\0';
}

/*
 * A copy of a text from the network without credentials, should it repeat
 * one.
 */
static char *
redacted(const char *text, const char *credential)
{
	size_t		size = strlen(text) + 1;	/* nothing gets longer */
	char	   *copy = palloc(size);

	redact(copy, size, text, credential);
	return copy;
}

/*
 * Make words fit for a message: one line, not too long, valid in the
 * database's encoding.  Changes them in place.
 */
static char *
clean_words(char *words, int max)
{
	for (char *p = words; *p; p++)
	{
		if ((unsigned char) *p < ' ' || *p == 0x7f)
			*p = ' ';
		else if (IS_HIGHBIT_SET(*p) && GetDatabaseEncoding() != PG_UTF8)
			*p = '?';
	}
	if (pg_encoding_verifymbstr(PG_UTF8, words, strlen(words)) != (int) strlen(words))
	{
		for (char *p = words; *p; p++)
		{
			if (IS_HIGHBIT_SET(*p))
				*p = '?';
		}
	}
	if (strlen(words) > max)
		words[pg_encoding_mbcliplen(PG_UTF8, words, strlen(words), max)] = '\0';
	return words;
}

/*
 * What the API says about an error, palloc'd; never fails for what the body
 * looks like.
 */
char *
trigger_answer_message(const TriggerHttpResponse *response,
					   const TriggerTarget *target)
{
	char		words[2 * MAX_MESSAGE];
	char	   *body;

	if (response->body_len == 0)
		return pstrdup("(no text)");
	if (parse_words(response->body, response->body_len, words, sizeof(words),
					target->credential))
		return clean_words(pstrdup(words), MAX_MESSAGE);
	body = pnstrdup(response->body, Min(response->body_len, MAX_ERROR_BODY));
	unescape_plain(body);
	return clean_words(redacted(body, target->credential), MAX_RAW_MESSAGE);
}

/*
 * There is no answer.
 */
static void
report_failure(const TriggerHttpResponse *response, const TriggerTarget *target,
			   const TriggerEndpoint *endpoint, const char *source)
{
	const char *message = response->message ? response->message : "";

	message = clean_words(redacted(message, target->credential), MAX_MESSAGE);
	switch (response->failure)
	{
		case TRIGGER_HTTP_CANNOT_CONNECT:
			ereport(ERROR,
					(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
					 errmsg("could not connect to server \"%s\"",
							target->server_name),
					 errdetail("%s: %s", source, message)));
			break;
		case TRIGGER_HTTP_LOST:
		case TRIGGER_HTTP_TIMEOUT:
			ereport(ERROR,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 response->failure == TRIGGER_HTTP_TIMEOUT ?
					 errmsg("server \"%s\" did not answer in time",
							target->server_name) :
					 errmsg("connection to server \"%s\" was lost",
							target->server_name),
					 errdetail("%s: %s", source, message),
					 response->failure == TRIGGER_HTTP_TIMEOUT ?
					 errhint("The server option \"request_timeout\" sets the limit.") : 0));
			break;
		case TRIGGER_HTTP_TOO_LARGE:
			ereport(ERROR,
					(errcode(ERRCODE_PROTOCOL_VIOLATION),
					 errmsg("answer of server \"%s\" is larger than %d MB",
							target->server_name,
							TRIGGER_HTTP_MAX_BODY / (1024 * 1024)),
					 errdetail("%s: %s", source, message)));
			break;
		case TRIGGER_HTTP_BROKEN:
			ereport(ERROR,
					(errcode(ERRCODE_PROTOCOL_VIOLATION),
					 errmsg("answer of server \"%s\" is not valid HTTP",
							target->server_name),
					 errdetail("%s: %s", source, message)));
			break;
		case TRIGGER_HTTP_RATE_LIMITED:
			ereport(ERROR,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("rate limit of server \"%s\" is exceeded",
							target->server_name),
					 errdetail("%s: the limit is reset in %.1f s.", source,
							   response->rate_limit_reset_in),
					 errhint("Run the statement later, ask for fewer rows, or raise the server option \"rate_limit_wait\".")));
			break;
		case TRIGGER_HTTP_INTERNAL:
		case TRIGGER_HTTP_OK:
			ereport(ERROR,
					(errcode(ERRCODE_FDW_ERROR),
					 errmsg("could not send a request to server \"%s\"",
							target->server_name),
					 errdetail("%s: %s", source, message)));
			break;
	}
}

/*
 * There is an answer, and it is an error.
 */
static void
report_status(const TriggerHttpResponse *response, const TriggerTarget *target,
			  const TriggerEndpoint *endpoint, const char *source)
{
	int			status = response->status;
	const char *words = trigger_answer_message(response, target);
	const char *server = target->server_name;
	const char *operation = endpoint->operation;

	if (status == 401)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("server \"%s\" does not accept the %s", server,
						trigger_credential_name(target->kind)),
				 errdetail("%s: HTTP status %d: %s", source, status, words),
				 errhint("Check the user mapping's credential; it may have expired or been revoked.")));
	if (status == 403)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for operation \"%s\" on server \"%s\"",
						operation, server),
				 errdetail("%s: HTTP status %d: %s", source, status, words),
				 errhint("The %s does not have the needed scope.",
						 trigger_credential_name(target->kind))));
	if (status == 404)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("operation \"%s\" on server \"%s\" found nothing to work on",
						operation, server),
				 errdetail("%s: HTTP status %d: %s", source, status, words),
				 errhint("Check the options \"base_url\", \"project_ref\", \"environment\" and \"branch\".")));
	if (status == 409)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("operation \"%s\" on server \"%s\" conflicts with what is there",
						operation, server),
				 errdetail("%s: HTTP status %d: %s", source, status, words)));
	if (status == 413 || status == 431 || status == 414)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("request of operation \"%s\" is too large for server \"%s\"",
						operation, server),
				 errdetail("%s: HTTP status %d: %s", source, status, words)));
	if (status == 400 || status == 422)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("server \"%s\" refused operation \"%s\"", server,
						operation),
				 errdetail("%s: HTTP status %d: %s", source, status, words)));
	if (status == 429)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("rate limit of server \"%s\" is exceeded", server),
				 errdetail("%s: HTTP status %d: %s", source, status, words),
				 errhint("Run the statement later, or raise the server option \"rate_limit_wait\".")));
	if (status >= 300 && status < 400)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("server \"%s\" redirects operation \"%s\"", server,
						operation),
				 errdetail("%s: HTTP status %d.", source, status),
				 errhint("Redirects are not followed, because the credential would go along.  Check the server option \"base_url\".")));
	ereport(ERROR,
			(errcode(ERRCODE_FDW_ERROR),
			 errmsg("operation \"%s\" failed on server \"%s\"", operation, server),
			 errdetail("%s: HTTP status %d: %s", source, status, words)));
}

/*
 * Does a 404 come from the API, or from something else at that address?
 */
static bool
is_api_answer(const TriggerHttpResponse *response)
{
	char		words[MAX_MESSAGE];

	return parse_words(response->body, response->body_len, words, sizeof(words),
					   NULL);
}

/*
 * Look at an answer.  True: its body is to be read.  False: what a search
 * looked for is not there (only if "search").  ERROR otherwise.
 */
bool
trigger_answer_check(const TriggerHttpResponse *response,
					 const TriggerTarget *target,
					 const TriggerEndpoint *endpoint, const char *source,
					 bool search)
{
	if (response->failure != TRIGGER_HTTP_OK)
		report_failure(response, target, endpoint, source);
	if (response->status == 200 || response->status == 201 ||
		response->status == 202)
		return true;
	if (response->status == 404 && search && is_api_answer(response))
		return false;
	report_status(response, target, endpoint, source);
	return false;				/* not reached */
}
