/*-------------------------------------------------------------------------
 *
 * trql_look_back.c
 *		How far back the service's plan lets queries look.
 *
 * The engine hides rows that are older than the plan allows, and no answer
 * says so.  It shows only where the list of runs has a run that is older than
 * all that the engine has, which two requests tell.  The import asks them, and
 * writes what follows into the tables' options: the days that queries look
 * back; or, if nothing is hidden, the moment until which that stays so whatever
 * the plan is.  Only after that moment, or without these options, a session
 * asks again, once, and not before a query reaches beyond the shortest plan.
 *
 * All of that serves a notice.  Where the questions fail, nothing is known, and
 * the query that they come with loses nothing but the notice.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_look_back.h"

#include "call.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "endpoint.h"
#include "lib/stringinfo.h"
#include "rows.h"
#include "trql_answer.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define MS_PER_DAY		INT64CONST(86400000)

/*
 * Clocks differ, and go on between two questions: a window that begins this
 * much before what can be seen does not reach further on purpose.
 */
#define TOLERANCE		INT64CONST(3600000)

/* How long a question that has failed is not asked again, in milliseconds. */
#define PATIENCE		INT64CONST(600000)

/* No time of a row. */
#define NO_ROW			PG_INT64_MIN

/* Days of the plans that there are, the shortest first. */
static const int plan_days[] = {1, 7, 30};

/* What this session has found out by itself. */
typedef struct Finding
{
	Oid			serverid;
	Oid			userid;
	const char *scope;
	uint64		identity;		/* of whom and what was asked */
	TrqlLookBack found;
} Finding;

static List *findings = NIL;

/* Servers that this session was told about. */
static List *told = NIL;

/*
 * Now, in milliseconds.
 */
static int64
current_ms(void)
{
	return trigger_timestamp_to_ms(GetCurrentTimestamp(), false);
}

/*
 * Send a call whose answer has rows with a time in "field".  False if the API
 * refuses it: the credential may be good for less than that.  *time gets the
 * first row's in milliseconds, NO_ROW if there is none; *now the server's clock.
 */
static bool
ask_time(TriggerHttp *http, const TriggerTarget *target, TriggerCall *call,
		 const char *name, int64 *time, int64 *now)
{
	static const int refusals[TRIGGER_CALL_STATUSES] = {400, 403, 404, 500};
	TriggerField field = {.path = name,.label = name,
	.kind = TRIGGER_JSON_TIMESTAMP,.null_slot = -1};
	TriggerCallResult *result;
	TriggerRows *rows;

	/* the engine writes no zone */
	field.utc = call->endpoint == &trigger_endpoint_query;
	memcpy(call->statuses, refusals, sizeof(refusals));
	/* it could be, but then an answer that does not come is awaited again */
	call->repeat = TRIGGER_REPEAT_NEVER;
	result = trigger_call(http, target, call);
	if (result->status >= 400)
		return false;
	trigger_field_init(&field, TIMESTAMPTZOID, -1);
	rows = trigger_decode(trigger_decoder_create(&field, 1, TRIGGER_PAGING_NONE,
												 call->endpoint->rows, "runs"),
						  result->body, result->body_len, result->source);
	*time = rows->nrows == 0 || rows->nulls[0] ? NO_ROW :
		trigger_timestamp_to_ms(DatumGetTimestampTz(rows->values[0]), false);
	*now = result->date > 0 ? (int64) (result->date * 1000) : current_ms();
	return true;
}

/*
 * The plan that hides a run of the age "hidden" and shows one of the age
 * "seen", -1 for none.  The longest that fits, because there may be no run
 * where one would show that it is a longer one; days that no plan has, if none
 * fits.  0 if nothing is hidden on purpose: a new run may be missing, too.
 */
static int
days_between(int64 seen, int64 hidden)
{
	for (int i = lengthof(plan_days) - 1; i >= 0; i--)
	{
		int64		age = plan_days[i] * MS_PER_DAY;

		if (hidden > age - TOLERANCE && seen <= age + TOLERANCE)
			return plan_days[i];
	}
	return seen < 0 ? 0 : (int) (seen / MS_PER_DAY) + 1;
}

/*
 * How long it is before a run of this age, the oldest, can be hidden by any
 * plan.  -1: there is no run.
 */
static int64
time_to_hide(int64 oldest)
{
	for (int i = 0; i < lengthof(plan_days); i++)
	{
		int64		age = plan_days[i] * MS_PER_DAY;

		if (oldest < age + TOLERANCE)
			return Max(age - Max(oldest, 0), 0);
	}
	/* no plan of these: look again tomorrow */
	return MS_PER_DAY;
}

/*
 * Ask, and work out what follows.  ERROR unless the API answers or refuses.
 */
static void
ask(TriggerHttp *http, const TriggerTarget *target, const char *scope,
	TrqlLookBack *found)
{
	/* without a row it is NULL, not the beginning of the epoch */
	TrqlRequest request = {.query = "SELECT min(toNullable(triggered_at)) AS c1 FROM runs",
	.scope = scope,.from = "1"};
	TriggerCall query = {.endpoint = &trigger_endpoint_query,
	.scope_ids = list_make1("runs"),.body = trql_request_body(&request)};
	TriggerCall list = {.endpoint = &trigger_endpoint_runs_list};
	int64		seen;
	int64		hidden = NO_ROW;
	int64		now;
	int64		age;

	if (!ask_time(http, target, &query, "c1", &seen, &now))
		return;
	age = seen == NO_ROW ? -1 : Max(now - seen, 0);
	list.params = list_make4("filter[createdAt][from]", "1", "page[size]", "1");
	if (seen != NO_ROW)
		list.params = lappend(lappend(list.params, "filter[createdAt][to]"),
							  psprintf(INT64_FORMAT, seen - 1));

	/* nothing is older than what the API takes for no bound */
	if ((seen == NO_ROW || seen > 1) &&
		!ask_time(http, target, &list, "createdAt", &hidden, &now))
		return;
	if (hidden != NO_ROW)
		found->days = days_between(age, now - hidden);
	if (found->days == 0)
		found->whole_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
														 time_to_hide(age));
}

/*
 * Is an error one of a request or its answer?  Those of the backend, a cancel
 * among them, are none.
 */
static bool
is_failed_request(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_CONNECTION_EXCEPTION:
		case ERRCODE_FDW_ERROR:
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION:
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
			return true;
		default:
			return sqlerrcode == ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
	}
}

/*
 * Find out how far back queries of a scope look.  Two requests.  False if they
 * have failed, in which case it is not known; an API that refuses them has not.
 *
 * An error ends here without a subtransaction: nothing that asks holds anything
 * but memory, and what goes with it.
 */
bool
trql_look_back_probe(TriggerHttp *http, const TriggerTarget *target,
					 const char *scope, TrqlLookBack *found)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(old, "trigger_fdw look-back",
												  ALLOCSET_SMALL_SIZES);
	volatile bool answered = false;

	memset(found, 0, sizeof(*found));
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		ask(http, target, scope, found);
		answered = true;
	}
	PG_CATCH();
	{
		if (!is_failed_request(geterrcode()))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	if (!answered)
		memset(found, 0, sizeof(*found));
	return answered;
}

/*
 * Whom and what a target asks, as a number.  Tokens of a session, of which
 * there may be one for each statement, are taken for each other.
 */
static uint64
target_identity(const TriggerTarget *target)
{
	const char *parts[] = {target->base_url, target->project_ref, target->environment,
		target->branch, OidIsValid(target->umid) ? target->credential : NULL};
	uint64		identity = target->umid;

	for (int i = 0; i < lengthof(parts); i++)
	{
		identity = hash_combine64(identity, 0);
		if (parts[i])
			identity = hash_combine64(identity,
									  hash_bytes_extended((const unsigned char *) parts[i],
														  strlen(parts[i]), 1));
	}
	return identity;
}

/*
 * What this session has found out, NULL if it has not looked.  Without
 * "identity" it is what it has found out last.
 */
static Finding *
find_finding(const TrqlTable *table, Oid userid, const uint64 *identity)
{
	ListCell   *cell;

	foreach(cell, findings)
	{
		Finding    *finding = lfirst(cell);

		if (finding->serverid == table->serverid && finding->userid == userid &&
			(identity == NULL || finding->identity == *identity) &&
			strcmp(finding->scope, table->scope) == 0)
			return finding;
	}
	return NULL;
}

/*
 * Days that queries of a table look back as far as this session knows, 0 if it
 * knows of no limit.
 */
int
trql_look_back_days(const TrqlTable *table, Oid userid)
{
	const Finding *finding = find_finding(table, userid, NULL);

	if (table->look_back.known || finding == NULL)
		return table->look_back.days;
	return finding->found.days;
}

/*
 * Does a window that begins at "from", in milliseconds, reach further back
 * than so many days?  0 are no limit.
 */
bool
trql_look_back_exceeded(int days, int64 from)
{
	return days > 0 && from < current_ms() - days * MS_PER_DAY - TOLERANCE;
}

/*
 * Look, unless that was done, and remember.  Returns the days that queries look
 * back, 0 if no limit is known.
 */
static int
find_out(const TrqlTable *table, Oid userid, TriggerHttp *http,
		 const TriggerTarget *target)
{
	uint64		identity = target_identity(target);
	Finding    *finding = find_finding(table, userid, &identity);
	TrqlLookBack found;
	MemoryContext old;

	/* a credential that was refused will be so again */
	if (finding && (finding->found.days > 0 || finding->found.whole_until == 0 ||
					finding->found.whole_until > GetCurrentTimestamp()))
		return finding->found.days;
	if (!trql_look_back_probe(http, target, table->scope, &found))
		found.whole_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), PATIENCE);
	if (finding == NULL)
	{
		old = MemoryContextSwitchTo(TopMemoryContext);
		finding = palloc(sizeof(Finding));
		finding->serverid = table->serverid;
		finding->userid = userid;
		finding->scope = pstrdup(table->scope);
		finding->identity = identity;
		findings = lcons(finding, findings);
		MemoryContextSwitchTo(old);
	}
	finding->found = found;
	return found.days;
}

/*
 * A query of a window that begins at "from", in milliseconds, was answered: see
 * to it that the user knows if rows are missing.  That is said once in a
 * session for each server.
 */
void
trql_look_back_check(const TrqlTable *table, Oid userid, TriggerHttp *http,
					 const TriggerTarget *target, int64 from)
{
	MemoryContext old;
	int			days = table->look_back.days;

	if (table->time_column == NULL || list_member_oid(told, table->serverid))
		return;
	if (!table->look_back.known && trql_look_back_exceeded(plan_days[0], from) &&
		table->look_back.whole_until <= GetCurrentTimestamp())
		days = find_out(table, userid, http, target);
	if (!trql_look_back_exceeded(days, from))
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	told = lappend_oid(told, table->serverid);
	MemoryContextSwitchTo(old);
	ereport(NOTICE,
			(errcode(ERRCODE_WARNING),
			 errmsg_plural("query reaches further back than the %d day that the API lets foreign table \"%s\" see",
						   "query reaches further back than the %d days that the API lets foreign table \"%s\" see",
						   days, days, table->relname),
			 errdetail("Rows that are older are missing from the answer."),
			 errhint("The lists of schema \"management\" have older rows, too.")));
}
