/*-------------------------------------------------------------------------
 *
 * scope.c
 *		What a public access token says that it may do.
 *
 * The server decides.  But where a token's own words say that it will refuse,
 * a statement can fail before its first request.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "scope.h"

#include <json-c/json.h>

#include "common/base64.h"

/*
 * The payload of a token, decoded; NULL if it is none.  palloc'd.
 */
static char *
decode_payload(const char *token)
{
	const char *begin = strchr(token, '.');
	const char *end = begin ? strchr(begin + 1, '.') : NULL;
	char	   *text;
	char	   *payload;
	int			len;
	int			size;

	if (end == NULL)
		return NULL;
	len = end - begin - 1;
	text = palloc(len + 4);
	for (int i = 0; i < len; i++)
	{
		char		c = begin[1 + i];

		text[i] = c == '-' ? '+' : c == '_' ? '/' : c;
	}
	while (len % 4 != 0)
		text[len++] = '=';
	size = pg_b64_dec_len(len);
	payload = palloc(size + 1);
	size = pg_b64_decode(text, len, payload, size);
	if (size < 0)
		return NULL;
	payload[size] = '\0';
	return payload;
}

/*
 * The scopes of a public access token, as a list of char *.  False if they
 * cannot be read, which says nothing about the token.
 */
bool
trigger_scopes_read(const char *token, List **scopes)
{
	char	   *payload = decode_payload(token);
	struct json_object *root;
	struct json_object *list;
	bool		valid = false;

	*scopes = NIL;
	if (payload == NULL)
		return false;
	root = json_tokener_parse(payload);
	if (root && json_object_is_type(root, json_type_object))
	{
		valid = !json_object_object_get_ex(root, "scopes", &list);
		if (!valid && json_object_is_type(list, json_type_array))
		{
			/* nothing may be thrown before the document is freed */
			MemoryContext context = CurrentMemoryContext;

			valid = true;
			PG_TRY();
			{
				for (size_t i = 0; i < json_object_array_length(list); i++)
				{
					struct json_object *scope = json_object_array_get_idx(list, i);

					if (json_object_is_type(scope, json_type_string))
						*scopes = lappend(*scopes,
										  MemoryContextStrdup(context,
															  json_object_get_string(scope)));
				}
			}
			PG_CATCH();
			{
				json_object_put(root);
				PG_RE_THROW();
			}
			PG_END_TRY();
		}
	}
	json_object_put(root);
	return valid;
}

/*
 * Does one of the scopes allow an action on something?  As the server reads
 * them: only the first two colons divide; "admin" alone is everything; a
 * scope without an id is good for every id.
 */
bool
trigger_scopes_allow(List *scopes, const char *action, const char *type,
					 const char *id)
{
	ListCell   *cell;

	foreach(cell, scopes)
	{
		const char *scope = lfirst(cell);
		const char *colon = strchr(scope, ':');
		const char *second;
		size_t		len;

		if (strcmp(scope, "admin") == 0)
			return true;
		if (colon == NULL)
			continue;
		len = colon - scope;
		if (!(len == 1 && *scope == '*') &&
			!(len == strlen(action) && memcmp(scope, action, len) == 0))
			continue;
		second = strchr(colon + 1, ':');
		len = second ? second - colon - 1 : strlen(colon + 1);
		if (!(len == 3 && memcmp(colon + 1, "all", len) == 0) &&
			!(len == strlen(type) && memcmp(colon + 1, type, len) == 0))
			continue;
		if (second == NULL || (id && strcmp(second + 1, id) == 0))
			return true;
	}
	return false;
}
