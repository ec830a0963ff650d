/*-------------------------------------------------------------------------
 *
 * token.c
 *		Claims of public access tokens, and their signature.
 *
 * The official client's tokens are reproduced byte for byte: its claims are
 * a JavaScript object that is put together with the spread operator, which
 * keeps the place of a member that is set again.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "token.h"

#include "common/base64.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "json_reader.h"
#include "lib/stringinfo.h"
#include "writer.h"

/* {"alg":"HS256"} */
#define TOKEN_HEADER	"eyJhbGciOiJIUzI1NiJ9"

/* Characters of an additional key after its prefix. */
#define ADDITIONAL_KEY_LENGTH	24

typedef struct Claim
{
	char	   *name;
	const char *json;
} Claim;

/*
 * Is this an additional secret key?  The server stores only a hash of those,
 * so what they sign is worth nothing.
 */
bool
trigger_key_is_additional(const char *key)
{
	static const char *const prefixes[] = {"tr_dev_sk_", "tr_stg_sk_",
	"tr_prod_sk_", "tr_preview_sk_"};

	for (int i = 0; i < lengthof(prefixes); i++)
	{
		size_t		len = strlen(prefixes[i]);

		if (strncmp(key, prefixes[i], len) == 0)
			return strlen(key) == len + ADDITIONAL_KEY_LENGTH &&
				strspn(key + len, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "abcdefghijklmnopqrstuvwxyz") == ADDITIONAL_KEY_LENGTH;
	}
	return false;
}

/*
 * Set a claim to a JSON value: in its place if it is there, else at the end.
 * NULL removes it.  Returns the changed list.
 */
List *
trigger_claims_set(List *claims, const char *name, const char *json)
{
	Claim	   *claim;
	ListCell   *cell;

	foreach(cell, claims)
	{
		claim = (Claim *) lfirst(cell);
		if (strcmp(claim->name, name) != 0)
			continue;
		if (json == NULL)
			return foreach_delete_current(claims, cell);
		claim->json = json;
		return claims;
	}
	if (json == NULL)
		return claims;
	claim = palloc(sizeof(Claim));
	claim->name = pstrdup(name);
	claim->json = json;
	return lappend(claims, claim);
}

/*
 * The claims that the server wants in every token of an environment, all of
 * them and as they are.  ERROR if they do not say which environment it is.
 */
List *
trigger_claims_read(const TriggerCallResult *result)
{
	List	   *claims = NIL;
	TriggerJson json;

	if (trigger_call_member(result, "sub") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API is not as promised"),
				 errdetail("%s: \"sub\" is missing.", result->source)));
	trigger_json_open(&json, result->body, result->body_len, result->source);
	trigger_json_expect(&json, JSON_TOKEN_OBJECT_START, "an object");
	do
	{
		TriggerSlice name = trigger_json_slice(&json);
		TriggerSlice value;
		char	   *unescaped;
		size_t		len;

		trigger_json_expect(&json, JSON_TOKEN_STRING, "a member's name");
		unescaped = trigger_json_unescape(&json, name, &len);
		trigger_json_expect(&json, JSON_TOKEN_COLON, "a colon");
		value = trigger_json_value(&json);
		claims = trigger_claims_set(claims, unescaped,
									pnstrdup(value.start, value.len));
	} while (trigger_json_more(&json, JSON_TOKEN_OBJECT_END));
	trigger_json_close(&json);
	return claims;
}

/*
 * Append bytes in base64url, which has no padding.
 */
static void
append_base64url(StringInfo buf, const void *bytes, int len)
{
	int			size = pg_b64_enc_len(len);
	char	   *encoded;

	enlargeStringInfo(buf, size);
	encoded = buf->data + buf->len;
	size = pg_b64_encode(bytes, len, encoded, size);
	if (size < 0)
		elog(ERROR, "could not encode a token");
	while (size > 0 && encoded[size - 1] == '=')
		size--;
	for (int i = 0; i < size; i++)
	{
		if (encoded[i] == '+')
			encoded[i] = '-';
		else if (encoded[i] == '/')
			encoded[i] = '_';
	}
	encoded[size] = '\0';
	buf->len += size;
}

/*
 * HMAC-SHA-256 of "data" under "key", PG_SHA256_DIGEST_LENGTH bytes.  ERROR,
 * with neither of them in it, if the library cannot.
 */
static void
authenticate(const char *key, const StringInfoData *data, uint8 *digest)
{
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);

	if (context == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	if (pg_hmac_init(context, (const uint8 *) key, strlen(key)) < 0 ||
		pg_hmac_update(context, (const uint8 *) data->data, data->len) < 0 ||
		pg_hmac_final(context, digest, PG_SHA256_DIGEST_LENGTH) < 0)
	{
		const char *reason = pstrdup(pg_hmac_error(context));

		pg_hmac_free(context);
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not sign a token: %s", reason)));
	}
	pg_hmac_free(context);
}

/*
 * The token of these claims, signed with the whole text of a root key.  The
 * result is a credential.
 */
char *
trigger_token_sign(List *claims, const char *key)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	StringInfoData payload;
	StringInfoData token;
	ListCell   *cell;

	initStringInfo(&payload);
	appendStringInfoChar(&payload, '{');
	foreach(cell, claims)
	{
		const Claim *claim = (const Claim *) lfirst(cell);

		trigger_body_member(&payload, claim->name, claim->json);
	}
	appendStringInfoChar(&payload, '}');

	initStringInfo(&token);
	appendStringInfoString(&token, TOKEN_HEADER ".");
	append_base64url(&token, payload.data, payload.len);
	authenticate(key, &token, digest);
	appendStringInfoChar(&token, '.');
	append_base64url(&token, digest, sizeof(digest));
	return token.data;
}
