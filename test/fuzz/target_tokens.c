/*
 * target_tokens.c
 *		token_expiry.c, token_scope.c and scope.c.
 *
 * Expiries are compared with PostgreSQL's own reading of timestamps, scopes
 * with what is read back from a token that was made of them.
 */
#include "fuzz.h"

#include "catalog/pg_type.h"
#include "scope.h"
#include "token.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#define NOW		INT64CONST(1780272000)

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

typedef struct Expiry_call
{
	char	   *text;
	TriggerExpiry expiry;
} Expiry_call;

static void
call_expiry(void *arg)
{
	Expiry_call *call = arg;

	call->expiry = trigger_expiry_parse(call->text);
}

static void
run_expiry(FuzzInput *input)
{
	Expiry_call ours = {.text = fuzz_text(input, '\n')};
	Timestamp_call theirs = {.text = ours.text};
	bool		refused;
	bool		refused_there;
	const int64 day = SECS_PER_DAY;

	if (ours.text == NULL)
		return;
	refused = fuzz_raises(call_expiry, &ours);
	refused_there = fuzz_raises(call_timestamp, &theirs) || TIMESTAMP_NOT_FINITE(theirs.time);
	if (!refused && !ours.expiry.relative &&
		strspn(ours.text, "0123456789") != strlen(ours.text))
	{
		fuzz_require(!refused_there);
		fuzz_require(ours.expiry.seconds ==
					 (int64) floor((double) theirs.time / USECS_PER_SEC) + 10957 * day ||
					 llabs(theirs.time) > INT64CONST(9000000000000000));
	}
	if (refused)
		fuzz_require(refused_there || *ours.text == '\0' ||
					 strspn(ours.text, "0123456789") == strlen(ours.text));
	/* its errors are ours to see */
	ours.expiry = trigger_expiry_parse(ours.text);
	fuzz_require(ours.expiry.relative ==
				 (trigger_expiry_time(&ours.expiry, NOW) !=
				  trigger_expiry_time(&ours.expiry, NOW + 1)));
	trigger_expiry_check_early(&ours.expiry, NOW);
	trigger_expiry_check(&ours.expiry, NOW);
	fuzz_require(trigger_expiry_time(&ours.expiry, NOW) > NOW);
}

static Jsonb *
read_jsonb(FuzzInput *input)
{
	char	   *text = fuzz_text(input, '\n');

	if (text == NULL)
		return NULL;
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

/*
 * A list of scopes is what a token of it says.
 */
static void
check_scopes(List *scopes)
{
	char	   *json = trigger_strings_json(scopes);
	List	   *claims = trigger_claims_set(NIL, "scopes", json);
	char	   *token = trigger_token_sign(claims, "tr_prod_FuzzedSecretKey012345");
	List	   *read;
	ListCell   *mine;
	ListCell   *other;

	(void) DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
	fuzz_require(trigger_scopes_read(token, &read));
	fuzz_require(list_length(read) == list_length(scopes));
	forboth(mine, scopes, other, read)
		fuzz_require(strcmp(lfirst(mine), lfirst(other)) == 0);
	(void) trigger_scopes_name_session(scopes);
	/* a scope allows what it says; one with two colons at least */
	foreach(mine, scopes)
	{
		char	   *action = pstrdup(lfirst(mine));
		char	   *type = strchr(action, ':');
		char	   *id = type ? strchr(type + 1, ':') : NULL;

		if (id == NULL)
			continue;
		*type++ = *id++ = '\0';
		fuzz_require(trigger_scopes_allow(scopes, action, type, id));
	}
	(void) trigger_scopes_allow(scopes, "read", "runs", NULL);
}

static void
run_tasks(FuzzInput *input)
{
	Datum		tasks[16];
	bool		nulls[16];
	int			dimensions[] = {0};
	int			bounds[] = {1};

	while (input->len > 0 && dimensions[0] < lengthof(tasks))
	{
		char	   *task = fuzz_text(input, '\n');

		nulls[dimensions[0]] = task == NULL;
		tasks[dimensions[0]++] = task ? CStringGetTextDatum(task) : (Datum) 0;
	}
	check_scopes(trigger_scopes_of_tasks("trigger",
										 construct_md_array(tasks, nulls, 1, dimensions, bounds,
															TEXTOID, -1, false, TYPALIGN_INT)));
}

static void
run(FuzzInput *input)
{
	Jsonb	   *json;
	char	   *text;
	List	   *scopes;

	switch (fuzz_byte(input) % 5)
	{
		case 0:
			run_expiry(input);
			break;
		case 1:
			if ((json = read_jsonb(input)) != NULL)
				check_scopes(trigger_scopes_flatten(json));
			break;
		case 2:
			if ((json = read_jsonb(input)) != NULL)
				(void) DirectFunctionCall1(jsonb_in,
										   CStringGetDatum(trigger_realtime_json(json)));
			break;
		case 3:
			run_tasks(input);
			break;
		case 4:
			/* somebody else's token */
			if ((text = fuzz_text(input, '\n')) != NULL &&
				trigger_scopes_read(text, &scopes))
				(void) trigger_scopes_allow(scopes, "read", "runs", "run_1");
			break;
	}
}

FUZZ_TARGET(tokens,.run = run,
			.sqlstates = (const int[]) {
				ERRCODE_INVALID_PARAMETER_VALUE, ERRCODE_NULL_VALUE_NOT_ALLOWED,
	/* of jsonb_in */
				ERRCODE_INVALID_TEXT_REPRESENTATION, ERRCODE_UNTRANSLATABLE_CHARACTER,
				ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, ERRCODE_STATEMENT_TOO_COMPLEX,
				ERRCODE_PROGRAM_LIMIT_EXCEEDED, 0
			});
