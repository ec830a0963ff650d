/*-------------------------------------------------------------------------
 *
 * trql_scan.c
 *		Execution of queries of the query schema.
 *
 * An answer of as many rows as the API gives at most may be a part of the
 * whole, and nothing says so.  Rows of a table are therefore read page by
 * page, from the newest time to the oldest, each page beginning where the one
 * before has ended; any other answer of that size is an error.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_scan.h"

#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "connection.h"
#include "endpoint.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "trql_answer.h"
#include "trql_query.h"
#include "trql_table.h"
#include "trql_value.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/ruleutils.h"
#include "utils/timestamp.h"

/* Rows of a page, so that a full one can be told from a cut one. */
#define PAGE_ROWS	(TRQL_MAX_ROWS - 1)

/* Times with nanoseconds end in 2262; the engine refuses to compare later ones. */
#define LAST_MILLISECOND	INT64CONST(9214646400000)

typedef struct TrqlScanState
{
	ForeignScan *plan;
	TrqlTable  *table;
	TriggerTarget *target;
	TriggerHttp *http;
	TriggerFetchStats *stats;
	List	   *values;			/* ExprStates */
	TriggerDecoder *decoder;
	TriggerField *fields;
	int			nfields;
	ExprContext *econtext;

	MemoryContext scan_context; /* of one execution */
	MemoryContext page_context; /* of one answer */
	TriggerValue *bound;		/* values of this execution; NULL: not begun */
	char	   *from;			/* window */
	char	   *to;
	char	   *last_time;		/* where the next page begins; NULL: at the top */
	char	   *last_key;
	bool		no_hint;		/* a small page was not enough to go on from */
	TriggerRows *rows;
	int			next;			/* row of the answer at hand */
	int			end;			/* rows of it that count */
	bool		last_page;
} TrqlScanState;

/*
 * Is a plan a query's?
 */
bool
trql_is_plan(const ForeignScan *plan)
{
	/* a plan of a list has a list there, which may be empty */
	return plan->fdw_private != NIL && linitial(plan->fdw_private) != NULL &&
		IsA(linitial(plan->fdw_private), String);
}

/*
 * A text that the planner wrote down.
 */
static const char *
plan_text(const ForeignScan *plan, enum TrqlPrivate which)
{
	return strVal(list_nth(plan->fdw_private, which));
}

/*
 * A number that it wrote down.
 */
static int
plan_number(const ForeignScan *plan, enum TrqlNumber which)
{
	return list_nth_int(list_nth(plan->fdw_private, TrqlPrivateNumbers), which);
}

/*
 * The table in the range table.  What is above a table has no relation of its
 * own, and only this set is kept up to date when subqueries are put together.
 */
static int
plan_relation(const ForeignScan *plan)
{
	return plan->scan.scanrelid > 0 ? plan->scan.scanrelid :
		bms_next_member(plan->fs_relids, -1);
}

/*
 * One field of the answer.
 */
static void
init_field(TriggerField *field, const char *name, const char *label, List *numbers)
{
	TrqlClass	class = (TrqlClass) list_nth_int(numbers, TrqlFieldClass);
	int			flags = list_nth_int(numbers, TrqlFieldFlags);

	field->path = name;
	field->label = label;
	field->null_slot = -1;
	field->empty_null = (flags & TRQL_FIELD_EMPTY_NULL) != 0;
	field->json_text = (flags & TRQL_FIELD_JSON_TEXT) != 0;
	if (flags & TRQL_FIELD_STATUS)
		field->shown = trql_status_shown;
	switch (class)
	{
		case TRQL_TEXT:
			field->kind = TRIGGER_JSON_STRING;
			break;
		case TRQL_TIME:
			field->kind = TRIGGER_JSON_TIMESTAMP;
			field->utc = true;
			break;
		case TRQL_TEXTS:
			field->kind = TRIGGER_JSON_STRINGS;
			break;
		default:
			field->kind = flags & TRQL_FIELD_PLAIN_NUMBER ? TRIGGER_JSON_INTEGER :
				TRIGGER_JSON_ANY;
			break;
	}
	trigger_field_init(field, (flags & TRQL_FIELD_AVERAGE) ? NUMERICOID :
					   (Oid) list_nth_int(numbers, TrqlFieldType),
					   (flags & TRQL_FIELD_AVERAGE) ? -1 :
					   list_nth_int(numbers, TrqlFieldTypmod));
}

/*
 * All fields of the answer.
 */
static void
init_fields(TrqlScanState *state)
{
	List	   *names = list_nth(state->plan->fdw_private, TrqlPrivateNames);
	List	   *labels = list_nth(state->plan->fdw_private, TrqlPrivateLabels);
	List	   *fields = list_nth(state->plan->fdw_private, TrqlPrivateFields);

	state->nfields = list_length(fields);
	state->fields = palloc0(state->nfields * sizeof(TriggerField));
	for (int i = 0; i < state->nfields; i++)
		init_field(&state->fields[i], strVal(list_nth(names, i)),
				   strVal(list_nth(labels, i)), list_nth(fields, i));
	state->decoder = trigger_decoder_create(state->fields, state->nfields,
											TRIGGER_PAGING_NONE,
											trigger_endpoint_query.rows,
											state->table->relname);
}

/*
 * The table that a plan is about.
 */
static TrqlTable *
open_table(const ForeignScan *plan, Oid relid)
{
	Relation	relation = table_open(relid, NoLock);
	TrqlTable  *table = trql_table_open(relation);

	table_close(relation, NoLock);
	return table;
}

/*
 * BeginForeignScan for queries.  Contacts nobody.
 */
void
trql_begin_scan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState	   *estate = node->ss.ps.state;
	RangeTblEntry *rte = exec_rt_fetch(plan_relation(plan), estate);
	TrqlScanState *state;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	state = palloc0(sizeof(TrqlScanState));
	node->fdw_state = state;
	state->plan = plan;
	state->table = open_table(plan, rte->relid);
	state->values = ExecInitExprList(plan->fdw_exprs, (PlanState *) node);
	state->econtext = node->ss.ps.ps_ExprContext;
	state->target = trigger_target_resolve(state->table->serverid,
										   TRIGGER_SCAN_USER(node, rte),
										   state->table->options, false);
	trigger_target_check(state->target, &trigger_endpoint_query);
	trql_check_scope(state->target, state->table->scope);
	init_fields(state);
	state->stats = palloc0(sizeof(TriggerFetchStats));
	state->scan_context = AllocSetContextCreate(estate->es_query_cxt,
												"trigger_fdw query",
												ALLOCSET_DEFAULT_SIZES);
	state->page_context = AllocSetContextCreate(estate->es_query_cxt,
												"trigger_fdw answer",
												ALLOCSET_DEFAULT_SIZES);
}

/*
 * Compute the values of the query.
 */
static TriggerValue *
compute_values(TrqlScanState *state)
{
	TriggerValue *values = palloc0(Max(list_length(state->values), 1) *
								   sizeof(TriggerValue));
	int			i = 0;
	ListCell   *cell;
	ListCell   *expr;

	forboth(cell, state->values, expr, state->plan->fdw_exprs)
	{
		values[i].known = true;
		values[i].type = exprType((Node *) lfirst(expr));
		values[i].value = ExecEvalExpr((ExprState *) lfirst(cell), state->econtext,
									   &values[i].isnull);
		i++;
	}
	return values;
}

/*
 * A timestamp to milliseconds of the epoch, rounded down.
 */
static int64
epoch_milliseconds(TimestampTz when)
{
	int64		micros = when +
		(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

	return micros >= 0 ? micros / 1000 : -((-micros + 999) / 1000);
}

/*
 * The window of the request.  Without a lower bound the server makes one up:
 * the first millisecond of the epoch stands for none.  The conditions that
 * the window comes from are applied besides, so it may be wider than they.
 */
static void
choose_window(const ForeignScan *plan, const TriggerValue *values, char **from,
			  char **to)
{
	List	   *bounds = list_nth(plan->fdw_private, TrqlPrivateBounds);
	int64		lower = 1;
	int64		upper = PG_INT64_MAX;

	for (int i = 0; i < list_length(bounds); i += 2)
	{
		int			strategy = list_nth_int(bounds, i);
		const TriggerValue *value = &values[list_nth_int(bounds, i + 1)];
		TimestampTz when;

		if (!value->known || value->isnull)
			continue;
		when = DatumGetTimestampTz(value->value);
		if (TIMESTAMP_NOT_FINITE(when))
			continue;
		if (strategy >= BTEqualStrategyNumber)
			lower = Max(lower, epoch_milliseconds(when));
		if (strategy <= BTEqualStrategyNumber)
			upper = Min(upper, epoch_milliseconds(when) + 1);
	}
	*from = psprintf(INT64_FORMAT, Min(lower, LAST_MILLISECOND));
	*to = upper > LAST_MILLISECOND ? NULL : psprintf(INT64_FORMAT, Max(upper, 1));
}

/*
 * The condition that a page begins behind the one before; with a key it is
 * exact, without one it has the last time once more.
 */
static char *
page_condition(const TrqlScanState *state)
{
	const char *time = state->table->time_column;
	const char *key = state->table->key_column;
	char	   *at = trql_time_literal(state->last_time, 9);

	if (key == NULL)
		return psprintf("lessOrEquals(%s, %s)", time, at);
	return psprintf("or(less(%s, %s), and(equals(%s, %s), less(%s, %s)))", time, at,
					time, at, key, trql_text_literal(state->last_key));
}

/*
 * A text of the planner's with its values.
 */
static char *
filled(const ForeignScan *plan, enum TrqlPrivate which, const TriggerValue *values)
{
	return trql_fill(plan_text(plan, which), list_nth(plan->fdw_private, TrqlPrivateKinds),
					 values);
}

/*
 * The text of a query.  "page" is a condition that a page begins with, NULL
 * if there is none; it has words of the server's, so marks are not looked for
 * in it.
 */
static char *
query_text(const ForeignScan *plan, const TrqlTable *table,
		   const TriggerValue *values, const char *page, int rows)
{
	StringInfoData buf;
	const char *where = filled(plan, TrqlPrivateWhere, values);
	const char *order = filled(plan, TrqlPrivateOrder, values);

	initStringInfo(&buf);
	appendStringInfoString(&buf, filled(plan, TrqlPrivateSelect, values));
	if (*where && page)
		appendStringInfo(&buf, " WHERE and(%s, %s)", where, page);
	else if (*where || page)
		appendStringInfo(&buf, " WHERE %s", page ? page : where);
	appendStringInfoString(&buf, filled(plan, TrqlPrivateGroup, values));
	if (*order)
		appendStringInfo(&buf, " ORDER BY %s", order);
	else if (plan_number(plan, TrqlNumberPaged))
		appendStringInfo(&buf, " ORDER BY %s DESC%s%s%s", table->time_column,
						 table->key_column ? ", " : "",
						 table->key_column ? table->key_column : "",
						 table->key_column ? " DESC" : "");
	appendStringInfo(&buf, " LIMIT %d", rows);
	if (plan_number(plan, TrqlNumberOffset) > 0)
		appendStringInfo(&buf, " OFFSET %d", plan_number(plan, TrqlNumberOffset));
	return buf.data;
}

/*
 * Rows to ask for.  Where pages end between two moments only, one more shows
 * whether the last that is wanted is one.
 */
static int
rows_to_ask(const ForeignScan *plan, bool first)
{
	if (plan_number(plan, TrqlNumberLimit) >= 0)
		return plan_number(plan, TrqlNumberLimit);
	if (!plan_number(plan, TrqlNumberPaged))
		return TRQL_MAX_ROWS;
	if (first && plan_number(plan, TrqlNumberHint) > 0)
		return Min(plan_number(plan, TrqlNumberHint) +
				   (plan_number(plan, TrqlNumberKey) < 0 ? 1 : 0), PAGE_ROWS);
	return PAGE_ROWS;
}

/*
 * The answer may be a part of the whole.
 */
static void
report_cut(const TrqlScanState *state)
{
	bool		grouped = state->plan->scan.scanrelid == 0;

	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("foreign table \"%s\" has more %s than the API answers with",
					state->table->relname, grouped ? "groups" : "rows"),
			 errdetail("The API answers with %d rows at most and does not say what it leaves out.",
					   TRQL_MAX_ROWS),
			 grouped ?
			 errhint("Narrow the query down, add a LIMIT below %d, or group the rows of a subquery that ends with OFFSET 0.",
					 TRQL_MAX_ROWS) :
			 errhint("Narrow the query down by conditions.")));
}

/*
 * Text of a field in a row.
 */
static char *
field_text(const TrqlScanState *state, int row, int field)
{
	int			at = row * state->nfields + field;

	if (state->rows->nulls[at])
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API is not as promised"),
				 errdetail("A row of \"%s\" has no \"%s\".", state->table->name,
						   state->fields[field].label)));
	return TextDatumGetCString(state->rows->values[at]);
}

/*
 * The next page would begin where the one before did, or above it: a server
 * that does not do what it is asked must not keep the scan busy for ever.
 * Times are as long as each other, and ids are ASCII, so that bytes decide.
 */
static void
check_progress(const TrqlScanState *state, const char *time, const char *key)
{
	int			order;

	if (strspn(time, "0123456789-:. ") != strlen(time))
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API is not as promised"),
				 errdetail("A row of \"%s\" has no date in \"%s\".", state->table->name,
						   state->table->time_column)));
	if (state->last_time == NULL)
		return;
	order = strcmp(time, state->last_time);
	if (order < 0 || (order == 0 && (key == NULL || strcmp(key, state->last_key) < 0)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("paging of server \"%s\" does not advance",
					state->target->server_name),
			 errdetail("A page of \"%s\" ends where the one before has ended, or above it.",
					   state->table->name)));
}

/*
 * A full page has come: find out where the next one begins.  Without a key
 * the rows of the last time are read again with the next page, because some
 * may be missing here.
 */
static void
end_page(TrqlScanState *state, int asked)
{
	int			key = plan_number(state->plan, TrqlNumberKey);
	int			time_field = plan_number(state->plan, TrqlNumberTime);
	int			last = state->rows->nrows - 1;
	char	   *time = field_text(state, last, time_field);
	char	   *before = state->last_time;

	check_progress(state, time, key >= 0 ? field_text(state, last, key) : NULL);
	if (key >= 0)
		state->last_key = MemoryContextStrdup(state->scan_context,
											  field_text(state, last, key));
	else
	{
		while (last >= 0 && strcmp(field_text(state, last, time_field), time) == 0)
			last--;
		state->end = last + 1;
		if (state->end == 0 && asked < PAGE_ROWS)
		{
			/* few rows were asked for, of one moment: ask for more of them */
			state->no_hint = true;
			return;
		}

		/* a page that is one moment, or begins with the last, gets no further */
		if (state->end == 0 || (before && strcmp(before, time) == 0))
			report_cut(state);
	}
	state->last_time = MemoryContextStrdup(state->scan_context, time);
}

/*
 * Ask for the next rows.
 */
static void
next_page(TrqlScanState *state)
{
	bool		first = state->last_time == NULL;
	int			asked = rows_to_ask(state->plan, first && !state->no_hint);
	TrqlRequest request = {.table = state->table->name,.scope = state->table->scope};
	TriggerCallResult *result;
	MemoryContext old;

	MemoryContextReset(state->page_context);
	old = MemoryContextSwitchTo(state->page_context);
	request.query = query_text(state->plan, state->table, state->bound,
							   first ? NULL : page_condition(state), asked);
	request.from = state->from;
	request.to = state->to;
	if (state->stats->first_request == NULL)
		state->stats->first_request =
			MemoryContextStrdup(GetMemoryChunkContext(state->stats), request.query);
	result = trql_send(state->http, state->target, &request, state->stats);
	state->rows = trigger_decode(state->decoder, result->body, result->body_len,
								 result->source);
	state->stats->rows += state->rows->nrows;
	state->next = 0;
	state->end = state->rows->nrows;
	state->last_page = state->rows->nrows < asked ||
		plan_number(state->plan, TrqlNumberLimit) >= 0;
	if (!state->last_page)
	{
		if (!plan_number(state->plan, TrqlNumberPaged))
			report_cut(state);
		end_page(state, asked);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Begin an execution.
 */
static void
begin_query(TrqlScanState *state)
{
	MemoryContext old = MemoryContextSwitchTo(state->scan_context);

	state->bound = compute_values(state);
	choose_window(state->plan, state->bound, &state->from, &state->to);
	state->http = trigger_connection_get(state->target, state->scan_context);
	MemoryContextSwitchTo(old);
	next_page(state);
}

/*
 * The average of a sum and a count.
 */
static Datum
average(const TrqlScanState *state, int at, bool *isnull)
{
	Datum		count;

	*isnull = state->rows->nulls[at];
	if (*isnull)
		return (Datum) 0;
	count = state->rows->values[at + 1];
	return DirectFunctionCall2(numeric_div, state->rows->values[at], count);
}

/*
 * Put a row into a slot.
 */
static void
store_row(TrqlScanState *state, int row, TupleTableSlot *slot)
{
	List	   *columns = list_nth(state->plan->fdw_private, TrqlPrivateColumns);
	List	   *fields = list_nth(state->plan->fdw_private, TrqlPrivateFields);
	ListCell   *cell;
	int			i = 0;

	ExecClearTuple(slot);
	foreach(cell, columns)
	{
		int			field = lfirst_int(cell);
		int			at = row * state->nfields + field;

		slot->tts_isnull[i] = true;
		if (field >= 0 &&
			(list_nth_int(list_nth(fields, field), TrqlFieldFlags) & TRQL_FIELD_AVERAGE))
			slot->tts_values[i] = average(state, at, &slot->tts_isnull[i]);
		else if (field >= 0)
		{
			slot->tts_values[i] = state->rows->values[at];
			slot->tts_isnull[i] = state->rows->nulls[at];
		}
		i++;
	}
	ExecStoreVirtualTuple(slot);
}

/*
 * IterateForeignScan for queries.
 */
TupleTableSlot *
trql_iterate_scan(ForeignScanState *node)
{
	TrqlScanState *state = (TrqlScanState *) node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	if (state->bound == NULL)
		begin_query(state);
	while (state->next >= state->end)
	{
		if (state->last_page)
			return ExecClearTuple(slot);
		/* the slot may still point into the answer */
		ExecClearTuple(slot);
		next_page(state);
	}
	store_row(state, state->next++, slot);
	return slot;
}

/*
 * ReScanForeignScan for queries: ask again.
 */
void
trql_rescan(ForeignScanState *node)
{
	TrqlScanState *state = (TrqlScanState *) node->fdw_state;

	if (state == NULL)
		return;
	if (node->ss.ss_ScanTupleSlot)
		ExecClearTuple(node->ss.ss_ScanTupleSlot);
	MemoryContextReset(state->page_context);
	MemoryContextReset(state->scan_context);
	state->bound = NULL;
	state->last_time = state->last_key = NULL;
	state->rows = NULL;
	state->next = state->end = 0;
	state->last_page = state->no_hint = false;
}

/*
 * EndForeignScan for queries.
 */
void
trql_end_scan(ForeignScanState *node)
{
	TrqlScanState *state = (TrqlScanState *) node->fdw_state;

	if (state == NULL)
		return;
	MemoryContextDelete(state->page_context);
	MemoryContextDelete(state->scan_context);
}

/*
 * Values for a description: constants are known, everything else is text.
 */
static TriggerValue *
describe_values(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	TriggerValue *values = palloc0(Max(list_length(plan->fdw_exprs), 1) *
								   sizeof(TriggerValue));
	List	   *context = set_deparse_context_plan(es->deparse_cxt, (Plan *) plan, NIL);
	int			i = 0;
	ListCell   *cell;

	foreach(cell, plan->fdw_exprs)
	{
		Const	   *constant = (Const *) lfirst(cell);

		values[i].type = exprType((Node *) constant);
		if (IsA(constant, Const))
		{
			values[i].known = true;
			values[i].isnull = constant->constisnull;
			values[i].value = constant->constvalue;
		}
		else
			values[i].text = deparse_expression((Node *) constant, context, false, false);
		i++;
	}
	return values;
}

/*
 * Show the window, in UTC.
 */
static void
explain_window(const ForeignScan *plan, const TriggerValue *values, ExplainState *es)
{
	List	   *bounds = list_nth(plan->fdw_private, TrqlPrivateBounds);
	char	   *from;
	char	   *to;

	for (int i = 1; i < list_length(bounds); i += 2)
	{
		if (!values[list_nth_int(bounds, i)].known)
		{
			ExplainPropertyText("Window", "bounded at execution", es);
			return;
		}
	}
	choose_window(plan, values, &from, &to);
	ExplainPropertyText("Window", psprintf("from %s%s%s", from, to ? " to " : "",
										   to ? to : ""), es);
}

/*
 * ExplainForeignScan for queries.
 */
void
trql_explain_scan(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	TrqlScanState *state = (TrqlScanState *) node->fdw_state;
	RangeTblEntry *rte = rt_fetch(plan_relation(plan), es->rtable);
	TrqlTable  *table = open_table(plan, rte->relid);
	TriggerValue *values = describe_values(node, es);

	ExplainPropertyText("Query",
						state && state->stats->first_request ?
						state->stats->first_request :
						query_text(plan, table, values, NULL, rows_to_ask(plan, true)),
						es);
	if (table->time_column)
		explain_window(plan, values, es);
	if (strcmp(table->scope, "environment") != 0)
		ExplainPropertyText("Scope", table->scope, es);
	if (es->analyze && state)
	{
		ExplainPropertyInteger("Requests", NULL, (int64) state->stats->http.requests, es);
		ExplainPropertyInteger("Rows Received", NULL, (int64) state->stats->rows, es);
		ExplainPropertyInteger("Bytes Received", NULL, (int64) state->stats->http.bytes,
							   es);
		ExplainPropertyInteger("Retries", NULL, (int64) state->stats->http.retries, es);
		if (es->timing)
			ExplainPropertyFloat("Time Waited", "ms",
								 state->stats->http.wait_time / 1000.0, 3, es);
	}
}
