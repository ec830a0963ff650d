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

#include "catalog/pg_type.h"
#include "connection.h"
#include "endpoint.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "scan.h"
#include "trql_answer.h"
#include "trql_combine.h"
#include "trql_look_back.h"
#include "trql_query.h"
#include "trql_table.h"
#include "trql_text.h"
#include "trql_value.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Keys of a join whose turn comes later, and where their page begins. */
typedef struct LaterKeys
{
	Datum		keys;			/* text[] */
	char	   *last_time;
} LaterKeys;

typedef struct TrqlScanState
{
	ForeignScan *plan;
	TrqlTable  *table;
	Oid			userid;			/* whose credential is used */
	TriggerTarget *target;
	TriggerHttp *http;
	TriggerFetchStats *stats;
	List	   *values;			/* ExprStates */
	Datum		keys;			/* of a join, text[] */
	TriggerDecoder *decoder;
	int			nfields;
	ExprContext *econtext;

	MemoryContext scan_context; /* of one execution */
	MemoryContext page_context; /* of one answer */
	Datum		asked_keys;		/* of this execution's pages, in its context */
	List	   *later;			/* LaterKeys * */
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
 * BeginForeignScan for queries.  Contacts nobody.
 */
void
trql_begin_scan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState	   *estate = node->ss.ps.state;
	RangeTblEntry *rte = exec_rt_fetch(trql_plan_relation(plan), estate);
	TrqlScanState *state;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	state = palloc0(sizeof(TrqlScanState));
	node->fdw_state = state;
	state->plan = plan;
	state->table = trql_table_open_by_id(rte->relid);
	state->values = ExecInitExprList(plan->fdw_exprs, (PlanState *) node);
	state->econtext = node->ss.ps.ps_ExprContext;
	state->userid = TRIGGER_SCAN_USER(node, rte);
	state->target = trigger_target_resolve(state->table->serverid, state->userid,
										   state->table->options, false);
	trigger_target_check(state->target, &trigger_endpoint_query);
	trql_check_scope(state->target, state->table->scope);
	state->decoder = trql_decoder_create(plan, state->table->relname, &state->nfields);
	state->stats = palloc0(sizeof(TriggerFetchStats));
	state->scan_context = AllocSetContextCreate(estate->es_query_cxt,
												"trigger_fdw query",
												ALLOCSET_DEFAULT_SIZES);
	state->page_context = AllocSetContextCreate(estate->es_query_cxt,
												"trigger_fdw answer",
												ALLOCSET_DEFAULT_SIZES);
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
						   field == trql_plan_number(state->plan, TrqlNumberTime) ?
						   state->table->time_column : state->table->key_column)));
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
 * Put keys of a join into the values.
 */
static void
set_keys(TrqlScanState *state, Datum keys)
{
	state->asked_keys = keys;
	for (int i = 0; i < list_length(state->plan->fdw_exprs); i++)
	{
		if (!trql_stands_for_keys(list_nth(state->plan->fdw_exprs, i)))
			continue;
		state->bound[i].value = keys;
		state->bound[i].isnull = false;
	}
}

/*
 * Rows of one moment are more than an answer has.  If they are those of several
 * keys of a join, ask for one half of the keys, and for the other when the rows
 * of those are through: both from where the page began, of which nothing has
 * been handed out.  False if there is nothing to divide.
 */
static bool
divide_keys(TrqlScanState *state)
{
	MemoryContext old;
	LaterKeys  *later;
	Datum	   *keys;
	int			n;

	if (state->asked_keys == (Datum) 0)
		return false;
	old = MemoryContextSwitchTo(state->scan_context);
	deconstruct_array(DatumGetArrayTypeP(state->asked_keys), TEXTOID, -1, false,
					  TYPALIGN_INT, &keys, NULL, &n);
	if (n > 1)
	{
		later = palloc(sizeof(LaterKeys));
		later->keys = PointerGetDatum(construct_array(keys + n / 2, n - n / 2, TEXTOID, -1,
													  false, TYPALIGN_INT));
		later->last_time = state->last_time;
		state->later = lcons(later, state->later);
		set_keys(state, PointerGetDatum(construct_array(keys, n / 2, TEXTOID, -1, false,
														TYPALIGN_INT)));
	}
	MemoryContextSwitchTo(old);
	return n > 1;
}

/*
 * The rows of the keys that were asked for are through: go on with those that
 * were put off.  False if there are none.
 */
static bool
resume_keys(TrqlScanState *state)
{
	LaterKeys  *later;

	if (state->later == NIL)
		return false;
	later = linitial(state->later);
	state->later = list_delete_first(state->later);
	set_keys(state, later->keys);
	state->last_time = later->last_time;
	return true;
}

/*
 * A full page has come: find out where the next one begins.  Without a key
 * the rows of the last time are read again with the next page, because some
 * may be missing here.
 */
static void
end_page(TrqlScanState *state, int asked)
{
	int			key = trql_plan_number(state->plan, TrqlNumberKey);
	int			time_field = trql_plan_number(state->plan, TrqlNumberTime);
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
		if (state->end == 0 && asked < TRQL_PAGE_ROWS)
		{
			/* few rows were asked for, of one moment: ask for more of them */
			state->no_hint = true;
			return;
		}

		/* a page that is one moment, or begins with the last, gets no further */
		if (state->end == 0 || (before && strcmp(before, time) == 0))
		{
			if (!divide_keys(state))
				report_cut(state);
			state->end = 0;
			return;
		}
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
	int			asked = trql_rows_to_ask(state->plan, first && !state->no_hint);
	TrqlRequest request = {.table = state->table->name,.scope = state->table->scope};
	MemoryContext old;

	MemoryContextReset(state->page_context);
	old = MemoryContextSwitchTo(state->page_context);
	request.query = trql_query_text(state->plan, state->table, state->bound,
							   first ? NULL : page_condition(state), asked);
	request.from = state->from;
	request.to = state->to;
	if (state->stats->first_request == NULL)
		state->stats->first_request =
			MemoryContextStrdup(GetMemoryChunkContext(state->stats), request.query);
	state->rows = trql_fetch(state->http, state->target, &request, state->decoder,
							 state->stats);
	state->next = 0;
	state->end = state->rows->nrows;
	state->last_page = state->rows->nrows < asked ||
		trql_plan_number(state->plan, TrqlNumberLimit) >= 0;
	if (!state->last_page)
	{
		if (!trql_plan_number(state->plan, TrqlNumberPaged))
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

	state->bound = trigger_compute_values(state->values, state->plan->fdw_exprs,
										  state->econtext);
	if (trql_plan_number(state->plan, TrqlNumberKeyed) && state->keys)
		set_keys(state, state->keys);
	trql_choose_window(state->plan, state->bound, &state->from, &state->to);
	state->http = trigger_connection_get(state->target, state->scan_context);
	MemoryContextSwitchTo(old);
	next_page(state);
	trql_look_back_check(state->table, state->userid, state->http, state->target,
						 pg_strtoint64(state->from));
}

/*
 * The value of a column of the scan that has a field.
 */
static Datum
column_value(const TrqlScanState *state, int row, int field, Oid type, bool *isnull)
{
	List	   *numbers = list_nth(list_nth(state->plan->fdw_private, TrqlPrivateFields),
								   field);
	int			combination = list_nth_int(numbers, TrqlFieldCombination);
	int			argument = list_nth_int(numbers, TrqlFieldArgument);
	int			at = row * state->nfields + field;

	if (combination != TRQL_COMBINE_NONE)
		return trql_combine((TrqlCombination) combination, state->rows->values + at,
							state->rows->nulls + at,
							argument >= 0 ? state->bound[argument].value : (Datum) 0,
							type, isnull);
	*isnull = state->rows->nulls[at];
	return state->rows->values[at];
}

/*
 * Put a row into a slot.
 */
static void
store_row(TrqlScanState *state, int row, TupleTableSlot *slot)
{
	List	   *columns = list_nth(state->plan->fdw_private, TrqlPrivateColumns);
	ListCell   *cell;
	int			i = 0;

	ExecClearTuple(slot);
	foreach(cell, columns)
	{
		slot->tts_isnull[i] = true;
		if (lfirst_int(cell) >= 0)
			slot->tts_values[i] =
				column_value(state, row, lfirst_int(cell),
							 TupleDescAttr(slot->tts_tupleDescriptor, i)->atttypid,
							 &slot->tts_isnull[i]);
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
		if (state->last_page && !resume_keys(state))
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
	state->asked_keys = (Datum) 0;
	state->later = NIL;
	state->rows = NULL;
	state->next = state->end = 0;
	state->last_page = state->no_hint = false;
}

/*
 * The keys of the executions from the next rescan on.
 */
void
trql_scan_set_keys(ForeignScanState *node, Datum keys)
{
	((TrqlScanState *) node->fdw_state)->keys = keys;
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
 * Counters of a query, NULL if it was never executed.
 */
const TriggerFetchStats *
trql_scan_stats(ForeignScanState *node)
{
	TrqlScanState *state = (TrqlScanState *) node->fdw_state;

	return state ? state->stats : NULL;
}
