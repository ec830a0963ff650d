/*
 * target_options.c
 *		option.c and url.c, and convert.c's reading of timestamps.
 */
#include "fuzz.h"

#include <curl/curl.h>

#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "convert.h"
#include "mb/pg_wchar.h"
#include "option.h"
#include "pgtime.h"
#include "url.h"
#include "utils/array.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "writer.h"

extern Datum trigger_fdw_validator(PG_FUNCTION_ARGS);

/* A value that looks like a credential, whose errors must not show it. */
static const char *secret;

/* The server's log must not get the statement.  (A setting's check cannot say
 * so.) */
static bool hides_statement;

static void
check_error(const ErrorData *error)
{
	if (secret == NULL)
		return;
	fuzz_require(strstr(error->message, secret) == NULL);
	fuzz_require(error->detail == NULL || strstr(error->detail, secret) == NULL);
	fuzz_require(error->hint == NULL || strstr(error->hint, secret) == NULL);
	fuzz_require(error->hide_stmt || !hides_statement);
}

static void
check_url(const char *url, bool allow_insecure)
{
	char	   *normalized;
	char	   *again;
	char	   *origin;
	const char *problem;

	if (!trigger_url_check(url, allow_insecure, &normalized, &problem))
	{
		fuzz_require(problem != NULL);
		return;
	}
	fuzz_require(problem == NULL);
	fuzz_require(strncmp(url, normalized, strlen(normalized)) == 0);
	fuzz_require(strpbrk(normalized, "@?#\\ ") == NULL);
	fuzz_require(trigger_url_check(normalized, allow_insecure, &again, NULL));
	fuzz_require(strcmp(again, normalized) == 0);
	origin = trigger_url_origin(normalized);
	fuzz_require(strcmp(trigger_url_origin(url), origin) == 0);
	fuzz_require(trigger_url_check(origin, true, NULL, NULL));
	fuzz_require(strcmp(trigger_url_origin(origin), origin) == 0);
}

static void
run_validator(FuzzInput *input)
{
	static const Oid catalogs[] = {ForeignServerRelationId, UserMappingRelationId,
	ForeignTableRelationId, AttributeRelationId, InvalidOid};
	Oid			catalog = catalogs[fuzz_byte(input) % lengthof(catalogs)];
	Datum		items[8];
	int			n = 0;
	ArrayType  *array;

	while (input->len > 0 && n < lengthof(items))
	{
		char	   *item = fuzz_text(input, '\n');
		char	   *value = item ? strchr(item, '=') : NULL;

		if (value == NULL)
			return;
		items[n++] = CStringGetTextDatum(item);
		*value++ = '\0';
		/* the only option, or another one may be the error's */
		if (n == 1 && input->len == 0 &&
			(strcmp(item, "secret_key") == 0 || strcmp(item, "personal_access_token") == 0 ||
			 strcmp(item, "public_access_token") == 0) &&
			strlen(value) > 24 && strpbrk(value, " ,.") == NULL)
			secret = value;
		if (strcmp(item, "base_url") == 0)
			check_url(value, false);
	}
	array = construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT);
	(void) DirectFunctionCall2(trigger_fdw_validator, PointerGetDatum(array),
							   ObjectIdGetDatum(catalog));
}

static void
run_branch(FuzzInput *input)
{
	char	   *value = fuzz_text(input, '\n');
	const char *branch = value ? trigger_branch_name(value) : NULL;
	size_t		len;

	if (branch == NULL)
		return;
	len = strlen(branch);
	fuzz_require(len > 0 && len <= 255 && branch >= value &&
				 branch + len == value + strlen(value));
	fuzz_require(branch[0] != ' ' && branch[len - 1] != ' ');
	for (size_t i = 0; i < len; i++)
		fuzz_require((unsigned char) branch[i] >= ' ' && branch[i] != 0x7f);
	/* what was read once is read the same again */
	fuzz_require(trigger_branch_name(branch) == branch);
}

/*
 * What is encoded can be decoded, and has nothing in it that a URL reads.
 */
static void
check_encoded(const char *text, const char *encoded, bool query)
{
	char	   *plain = pstrdup(encoded);
	char	   *decoded;

	fuzz_require(strspn(encoded, query ? "+*%-._0123456789"
						"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" :
						"~%-._0123456789"
						"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
				 strlen(encoded));
	for (char *p = plain; query && *p; p++)
	{
		if (*p == '+')
			*p = ' ';
	}
	decoded = curl_easy_unescape(NULL, plain, strlen(plain), NULL);
	fuzz_require(decoded != NULL && strcmp(decoded, text) == 0);
	curl_free(decoded);
}

static void
run_encoding(FuzzInput *input)
{
	char	   *text = fuzz_text(input, '\n');
	StringInfoData segment;
	StringInfoData query;

	if (text == NULL)
		return;
	initStringInfo(&segment);
	initStringInfo(&query);
	trigger_url_append_segment(&segment, text);
	trigger_url_append_query(&query, text);
	check_encoded(text, segment.data, false);
	check_encoded(text, query.data, true);
}

static void
run_settings(FuzzInput *input)
{
	static const char *const names[] = {"trigger_fdw.allowed_origins", "trigger_fdw.project_ref",
	"trigger_fdw.environment", "trigger_fdw.branch", "trigger_fdw.access_token"};
	const char *name = names[fuzz_byte(input) % lengthof(names)];
	char	   *value = fuzz_text(input, '\n');

	if (value == NULL)
		return;
	if (strcmp(name, "trigger_fdw.access_token") == 0 && strlen(value) > 24 &&
		strpbrk(value, " ,.*") == NULL)
		secret = value;
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SET, true, 0,
							 false);
	(void) trigger_setting_allows_origin("https://trigger.example:8443");
	if (strcmp(name, "trigger_fdw.access_token") == 0)
		fuzz_require(strcmp(GetConfigOptionByName(name, NULL, false), *value ? "********" : "") == 0);
}

typedef struct Timestamp_call
{
	char	   *text;
	TimestampTz time;
} Timestamp_call;

static void
call_timestamp(void *arg)
{
	Timestamp_call *call = arg;

	call->time = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
														 CStringGetDatum(call->text),
														 ObjectIdGetDatum(InvalidOid),
														 Int32GetDatum(-1)));
}

static void
run_timestamp(FuzzInput *input)
{
	size_t		len = input->len;
	char	   *text = fuzz_bytes(input, len);
	Timestamp_call theirs = {.text = pnstrdup(text, len)};
	TimestampTz time;
	TimestampTz again;
	char	   *written;
	const char *point;
	size_t		digits;

	if (!trigger_parse_timestamp(text, len, &time))
		return;
	point = memchr(text, '.', len);
	digits = point ? strspn(strchr(theirs.text, '.') + 1, "0123456789") : 0;

	/* PostgreSQL rounds what is below a microsecond, and knows no such zones */
	if (digits <= 6 && !(point && digits == 0) &&
		(text[len - 1] == 'Z' ||
		 (memcmp(text + len - 5, "15", 2) <= 0 && memcmp(text + len - 2, "59", 2) <= 0)))
	{
		fuzz_require(!fuzz_raises(call_timestamp, &theirs));
		fuzz_require(theirs.time == time);
	}
	/* in milliseconds, downwards, and only if there is such a year */
	written = trigger_time_text(time);
	fuzz_require(trigger_parse_timestamp(written, strlen(written), &again));
	fuzz_require(again <= time && time - again < 1000);
}

static void
run(FuzzInput *input)
{
	int			part = fuzz_byte(input) % 6;

	secret = NULL;
	hides_statement = part == 0;
	switch (part)
	{
		case 0:
			run_validator(input);
			break;
		case 1:
			{
				bool		insecure = fuzz_byte(input) & 1;
				char	   *url = fuzz_text(input, '\n');

				if (url)
					check_url(url, insecure);
			}
			break;
		case 2:
			run_branch(input);
			break;
		case 3:
			run_encoding(input);
			break;
		case 4:
			run_settings(input);
			break;
		case 5:
			run_timestamp(input);
			break;
	}
}

FUZZ_TARGET(options,.run = run,.error = check_error,
			.sqlstates = (const int[]) {
				ERRCODE_INVALID_PARAMETER_VALUE, ERRCODE_FDW_INVALID_OPTION_NAME,
	/* of years before the first */
				ERRCODE_DATETIME_VALUE_OUT_OF_RANGE, 0
			});
