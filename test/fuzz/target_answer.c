/*
 * target_answer.c
 *		answer.c: error bodies never show a credential.
 *
 * Some bytes that no text has stand for credentials, so that a mutation need
 * not make one up.
 */
#include "fuzz.h"

#include "answer.h"
#include "mb/pg_wchar.h"

#define KEY			"tr_prod_FuzzedSecretKey012345"
#define TOKEN		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJmdXp6In0.c2lnbmF0dXJlMDEyMzQ1"

/* What no message may have: the target's credential, or the half of a key. */
static const char *forbidden[3];

static void
check(const char *text)
{
	if (text == NULL)
		return;
	for (int i = 0; i < lengthof(forbidden); i++)
		fuzz_require(strstr(text, forbidden[i]) == NULL);
	fuzz_require(pg_encoding_verifymbstr(PG_UTF8, text, strlen(text)) == (int) strlen(text));
	fuzz_require(strlen(text) < 1000);
	for (const char *p = text; *p; p++)
		fuzz_require((unsigned char) *p >= ' ' && *p != 0x7f);
}

static void
check_error(const ErrorData *error)
{
	check(error->message);
	check(error->detail);
	check(error->hint);
}

static void
append_body(StringInfo body, unsigned char byte)
{
	switch (byte)
	{
		case 0xff:
			appendStringInfoString(body, KEY);
			break;
		case 0xfe:
			appendStringInfoString(body, TOKEN);
			break;
		case 0xfd:				/* as JSON may write it */
			appendStringInfoString(body, "tr\\u005fprod\\u005f" "FuzzedSecretKey012345");
			break;
		case 0xfc:
			appendStringInfoString(body, "\\u0065yJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJmdXp6In0.c2lnbmF0dXJlMDEyMzQ1");
			break;
		case 0xfb:				/* of somebody else */
			appendStringInfoString(body, "tr_dev_FuzzedSecretKey012345");
			break;
		case 0xfa:				/* to get near limits */
			for (int i = 0; i < 100; i++)
				appendStringInfoChar(body, 'x');
			break;
		default:
			appendStringInfoChar(body, byte);
	}
}

static void
run(FuzzInput *input)
{
	static const int statuses[] = {200, 201, 202, 204, 302, 400, 401, 403, 404, 409, 413, 414,
		422, 429, 431, 500, 503, 0
	};
	static const TriggerEndpoint endpoint = {.operation = "runs.list", .path = "/api/v1/runs"};
	TriggerTarget target = {.server_name = "fuzz", .base_url = "https://api.trigger.dev"};
	TriggerHttpResponse response = {.content_type = ""};
	unsigned char flags = fuzz_byte(input);
	StringInfoData body;

	target.kind = flags & 1 ? TRIGGER_CRED_PUBLIC : TRIGGER_CRED_SECRET;
	target.credential = flags & 1 ? TOKEN : KEY;
	forbidden[0] = target.credential;
	forbidden[1] = "tr_prod_F";
	forbidden[2] = "tr_dev_F";
	response.status = statuses[fuzz_byte(input) % lengthof(statuses)];
	if (response.status == 0)
		response.failure = 1 + fuzz_byte(input) % TRIGGER_HTTP_INTERNAL;

	initStringInfo(&body);
	while (input->len > 0)
		append_body(&body, fuzz_byte(input));
	/* of exactly its size and one NUL */
	response.body = palloc(body.len + 1);
	memcpy(response.body, body.data, body.len + 1);
	response.body_len = body.len;
	/* what libcurl says has no binary in it, but anything else */
	response.message = response.body;

	check(trigger_answer_message(&response, &target));
	(void) trigger_answer_check(&response, &target, &endpoint, "GET /api/v1/runs",
								flags & 2);
}

FUZZ_TARGET(answer,.run = run,.error = check_error,
			.sqlstates = (const int[]) {
				ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, ERRCODE_CONNECTION_FAILURE,
				ERRCODE_PROTOCOL_VIOLATION, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
				ERRCODE_FDW_ERROR, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
				ERRCODE_INSUFFICIENT_PRIVILEGE, ERRCODE_UNDEFINED_OBJECT,
				ERRCODE_UNIQUE_VIOLATION, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
				ERRCODE_INVALID_PARAMETER_VALUE, 0
			});
