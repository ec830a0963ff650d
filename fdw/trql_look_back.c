/*-------------------------------------------------------------------------
 *
 * trql_look_back.c
 *		How far back the service's plan lets queries look.
 *
 * The engine hides rows that are older than the plan allows, and no answer
 * says so.  It shows only where the list of runs has a run that is older than
 * all that the engine has.  That is looked for once, at the import, and kept
 * as an option of the tables: a query must not cost more requests for it.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_look_back.h"

#include "call.h"
#include "catalog/pg_type.h"
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

/* No time of a row. */
#define NO_ROW			PG_INT64_MIN

/* Days of the plans that there are, the longest first. */
static const int plan_days[] = {30, 7, 1};

/* Servers that this session was told about. */
static List *told = NIL;

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
	call->repeat = TRIGGER_REPEAT_SAFE;
	result = trigger_call(http, target, call);
	if (result->status >= 400)
		return false;
	trigger_field_init(&field, TIMESTAMPTZOID, -1);
	rows = trigger_decode(trigger_decoder_create(&field, 1, TRIGGER_PAGING_NONE,
												 call->endpoint->rows, "runs"),
						  result->body, result->body_len, result->source);
	*time = rows->nrows == 0 || rows->nulls[0] ? NO_ROW :
		trigger_timestamp_to_ms(DatumGetTimestampTz(rows->values[0]), false);
	*now = result->date > 0 ? (int64) (result->date * 1000) :
		trigger_timestamp_to_ms(GetCurrentTimestamp(), false);
	return true;
}

/*
 * Days that queries of a scope look back, as far as can be seen: 0 if nothing
 * is hidden, or if what is hidden fits none of the plans.  Two requests.
 */
int
trql_look_back_probe(TriggerHttp *http, const TriggerTarget *target,
					 const char *scope)
{
	/* without a row it is NULL, not the beginning of the epoch */
	TrqlRequest request = {.query = "SELECT min(toNullable(triggered_at)) AS c1 FROM runs",
	.scope = scope,.from = "1"};
	TriggerCall query = {.endpoint = &trigger_endpoint_query,
	.scope_ids = list_make1("runs"),.body = trql_request_body(&request)};
	TriggerCall list = {.endpoint = &trigger_endpoint_runs_list};
	int64		seen;
	int64		hidden;
	int64		now;

	if (!ask_time(http, target, &query, "c1", &seen, &now))
		return 0;

	/* nothing is older than what the API takes for no bound */
	if (seen != NO_ROW && seen <= 1)
		return 0;
	list.params = list_make4("filter[createdAt][from]", "1", "page[size]", "1");
	if (seen != NO_ROW)
		list.params = lappend(lappend(list.params, "filter[createdAt][to]"),
							  psprintf(INT64_FORMAT, seen - 1));
	if (!ask_time(http, target, &list, "createdAt", &hidden, &now) || hidden == NO_ROW)
		return 0;
	for (int i = 0; i < lengthof(plan_days); i++)
	{
		int64		oldest = now - plan_days[i] * MS_PER_DAY;

		if (hidden < oldest + TOLERANCE && (seen == NO_ROW || oldest <= seen + TOLERANCE))
			return plan_days[i];
	}
	return 0;
}

/*
 * Does a window that begins at "from", in milliseconds, reach further back
 * than the engine looks?
 */
bool
trql_look_back_exceeded(const TrqlTable *table, int64 from)
{
	int64		now = trigger_timestamp_to_ms(GetCurrentTimestamp(), false);

	return table->look_back > 0 &&
		from < now - table->look_back * MS_PER_DAY - TOLERANCE;
}

/*
 * Tell the user that a window reaches too far, once in a session for each
 * server.
 */
void
trql_look_back_notice(const TrqlTable *table, int64 from)
{
	MemoryContext old;

	if (list_member_oid(told, table->serverid) || !trql_look_back_exceeded(table, from))
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	told = lappend_oid(told, table->serverid);
	MemoryContextSwitchTo(old);
	ereport(NOTICE,
			(errcode(ERRCODE_WARNING),
			 errmsg_plural("query reaches further back than the %d day that the API lets foreign table \"%s\" see",
						   "query reaches further back than the %d days that the API lets foreign table \"%s\" see",
						   table->look_back, table->look_back, table->relname),
			 errdetail("Rows that are older are missing from the answer."),
			 errhint("The lists of schema \"management\" have older rows, too. If the service's plan has changed, set option \"look_back\" of the table.")));
}
