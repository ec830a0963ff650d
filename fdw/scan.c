/*-------------------------------------------------------------------------
 *
 * scan.c
 *		Execution of scans.
 *
 * Nothing is sent before the first row is asked for: a scan below an Append
 * or a join may never run.  When it does, the values of the pushed
 * conditions are computed, bound to the API's filters, and turned into
 * requests; from there on a fetch delivers rows.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "scan.h"

#include "bind.h"
#include "compat.h"
#include "connection.h"
#include "document.h"
#include "executor/executor.h"
#include "fields.h"
#include "foreign/fdwapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

typedef struct TriggerScanState
{
	/* from the plan */
	TriggerRelation *rel;
	List	   *conditions;
	List	   *attributes;		/* to deliver */
	List	   *numbers;
	List	   *values;			/* ExprStates of the conditions' values */
	List	   *value_exprs;
	ExprState  *prefilter;		/* NULL: none */

	/* of the execution */
	Datum		keys;			/* of a join, text[]; 0: not handed over yet */
	TriggerTarget *target;
	TriggerHttp *http;
	TriggerFields *fields;
	TriggerFetchStats *stats;
	MemoryContext fetch_context;
	TriggerFetch *fetch;		/* NULL: not begun, or nothing to fetch */
	TriggerFetchPlan fetch_plan;
	bool		begun;
	bool		rescanned;
	bool		async;			/* an Append waits, not we */
	bool		waits;			/* for it: there is no row at present */
	Tuplestorestate *whole;		/* all rows, if they are read beforehand */
	bool		whole_read;
	TupleTableSlot *whole_slot;
	TupleTableSlot *list_slot;	/* for the prefilter */
	ExprContext *econtext;
} TriggerScanState;

/*
 * A number that the planner wrote down.
 */
static int
number(const TriggerScanState *state, enum TriggerScanNumber which)
{
	return list_nth_int(state->numbers, which);
}

/*
 * Do the query's conditions mention the project?
 */
static bool
mentions_project(const TriggerScanState *state)
{
	const TriggerFilter *filters = state->rel->resource->filters;

	for (int i = 0; filters[i].column; i++)
	{
		if (filters[i].kind == TRIGGER_FILTER_PATH && !filters[i].required &&
			(number(state, TriggerNumberMentioned) & (1 << i)))
			return true;
	}
	return false;
}

/*
 * Does a condition name the rows that are wanted?
 */
static bool
has_keys(const TriggerScanState *state)
{
	ListCell   *cell;

	foreach(cell, state->conditions)
	{
		List	   *condition = (List *) lfirst(cell);

		if (state->rel->resource->filters[linitial_int(condition)].kind ==
			TRIGGER_FILTER_KEY)
			return true;
	}
	return false;
}

/*
 * ERROR unless the target has everything that the scan needs, as far as that
 * is known before the conditions' values are.
 */
static void
check_target(const TriggerScanState *state)
{
	const TriggerResource *resource = state->rel->resource;
	const TriggerEndpoint *list = trigger_target_list(state->target, resource);
	const TriggerEndpoint *endpoint = list;

	/* name the one that would be used */
	if (resource->item && has_keys(state) &&
		(endpoint == NULL || trigger_target_accepts(state->target, resource->item)))
		endpoint = resource->item;
	if (endpoint == NULL)
		trigger_target_refuse(state->target, resource->lists[0]);
	if (resource->access == TRIGGER_ACCESS_LIST_ITEM &&
		!trigger_target_accepts(state->target, resource->item))
		trigger_target_refuse(state->target, resource->item);
	trigger_target_check_named(state->target, endpoint,
							   mentions_project(state) ? "" : NULL,
							   list && (list->flags & TRIGGER_EP_ENVIRONMENT) ? "" : NULL);
}

/*
 * BeginForeignScan: get ready, without contacting anybody.
 *
 * A scan that cannot work is refused now, before any other part of the
 * statement has asked or written something.  Where the table is the target
 * of an UPDATE or DELETE, that is left to BeginForeignModify, which comes
 * next and names the operation that was meant.
 */
void
trigger_begin_scan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState	   *estate = node->ss.ps.state;
	RangeTblEntry *rte;
	TriggerScanState  *state;
	Oid			userid;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	state = palloc0(sizeof(TriggerScanState));
	node->fdw_state = state;
	rte = exec_rt_fetch(plan->scan.scanrelid, estate);
	userid = TRIGGER_SCAN_USER(node, rte);

	state->rel = trigger_relation_open(node->ss.ss_currentRelation);
	state->conditions = list_nth(plan->fdw_private, TriggerPrivateConditions);
	state->attributes = list_nth(plan->fdw_private, TriggerPrivateAttributes);
	state->numbers = list_nth(plan->fdw_private, TriggerPrivateNumbers);
	state->value_exprs = list_nth(plan->fdw_exprs, TriggerExprValues);
	state->values = ExecInitExprList(state->value_exprs, (PlanState *) node);
	state->econtext = node->ss.ps.ps_ExprContext;
	state->async = node->ss.ps.async_capable;

	state->target = trigger_target_resolve(state->rel->serverid, userid,
										   state->rel->options, false);
	if (!list_member_int(estate->es_plannedstmt->resultRelations,
						 plan->scan.scanrelid))
		check_target(state);
	state->fields = trigger_fields_choose(state->rel, state->attributes,
										  state->target->kind == TRIGGER_CRED_PAT);
	state->stats = palloc0(sizeof(TriggerFetchStats));
	state->stats->http.rate_remaining = -1;
	state->fetch_context = AllocSetContextCreate(estate->es_query_cxt,
												 "trigger_fdw fetch",
												 ALLOCSET_DEFAULT_SIZES);

	if (number(state, TriggerNumberWhole))
		state->whole_slot =
			MakeSingleTupleTableSlot(RelationGetDescr(node->ss.ss_currentRelation),
									 &TTSOpsMinimalTuple);
	if (number(state, TriggerNumberDetails))
	{
		List	   *prefilter = list_nth(plan->fdw_exprs, TriggerExprPrefilter);

		state->prefilter = ExecInitQual(prefilter, (PlanState *) node);
		state->list_slot =
			MakeSingleTupleTableSlot(RelationGetDescr(node->ss.ss_currentRelation),
									 &TTSOpsVirtual);
	}
}

/*
 * Compute the values that a request is made of.  "states" are the expressions
 * "exprs", made ready.
 */
TriggerValue *
trigger_compute_values(List *states, List *exprs, ExprContext *econtext)
{
	TriggerValue *values = palloc0(Max(list_length(states), 1) * sizeof(TriggerValue));
	int			i = 0;
	ListCell   *cell;
	ListCell   *expr;

	forboth(cell, states, expr, exprs)
	{
		values[i].known = true;
		values[i].type = exprType((Node *) lfirst(expr));
		values[i].value = ExecEvalExpr((ExprState *) lfirst(cell), econtext,
									   &values[i].isnull);
		i++;
	}
	return values;
}

/*
 * A value that comes with the request, not with the answer.
 */
static bool
request_value(TriggerScanState *state, const TriggerAttribute *attribute,
			  const TriggerRequest *request, Datum *value)
{
	const char *text = NULL;
	Oid			input;
	Oid			param;

	switch (attribute->column->source)
	{
		case TRIGGER_FROM_FILTER:
			if (attribute->filter >= 0)
				text = request->carried[attribute->filter];
			if (text)
				text = pg_any_to_server(text, strlen(text), PG_UTF8);
			break;
		case TRIGGER_FROM_ENVIRONMENT:
			text = request->environment;
			break;
		case TRIGGER_FROM_BRANCH:
			text = trigger_target_branch(state->target, request->environment);
			break;
		case TRIGGER_FROM_PROJECT:
			text = trigger_request_project(request);
			break;
		case TRIGGER_FROM_INSERT:
		case TRIGGER_FROM_NOWHERE:
		case TRIGGER_FROM_FIELD:
			break;
	}
	if (text == NULL)
		return false;
	getTypeInputInfo(attribute->type, &input, &param);
	*value = OidInputFunctionCall(input, unconstify(char *, text), param,
								  attribute->typmod);
	return true;
}

/*
 * Put a row into a slot.  "documents": values that were left in object
 * storage are read from there.
 */
static void
store_row(TriggerScanState *state, const TriggerRow *row, TupleTableSlot *slot,
		  bool documents)
{
	ListCell   *cell;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true,
		   slot->tts_tupleDescriptor->natts * sizeof(bool));
	foreach(cell, state->attributes)
	{
		int			i = lfirst_int(cell) - 1;
		int			from = state->fields->slots[i];
		int			url = state->fields->url_slots[i];

		if (from < 0)
		{
			slot->tts_isnull[i] =
				!request_value(state, &state->rel->attributes[i], row->request,
							   &slot->tts_values[i]);
			continue;
		}
		slot->tts_values[i] = row->values[from];
		slot->tts_isnull[i] = row->nulls[from];
		if (documents && row->nulls[from] && url >= 0 && !row->nulls[url])
			slot->tts_isnull[i] =
				!trigger_document_read(state->http, state->target,
									   TextDatumGetCString(row->values[url]),
									   &state->fields->item[from],
									   state->rel->name, state->stats,
									   &slot->tts_values[i]);
	}
	ExecStoreVirtualTuple(slot);
}

/*
 * Can a list row still qualify once it is retrieved?
 */
static bool
list_row_qualifies(void *arg, const TriggerRow *row)
{
	TriggerScanState  *state = (TriggerScanState *) arg;
	TupleTableSlot *before = state->econtext->ecxt_scantuple;
	MemoryContext old;
	bool		result;

	if (state->prefilter == NULL)
		return true;
	old = MemoryContextSwitchTo(state->econtext->ecxt_per_tuple_memory);
	store_row(state, row, state->list_slot, false);
	MemoryContextSwitchTo(old);
	state->econtext->ecxt_scantuple = state->list_slot;
	result = ExecQual(state->prefilter, state->econtext);
	state->econtext->ecxt_scantuple = before;
	ResetExprContext(state->econtext);
	return result;
}

/*
 * The plan is one that only exists because there must be one.
 */
static void
refuse_impossible(TriggerScanState *state)
{
	int			attno = number(state, TriggerNumberImpossible);

	if (attno == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("foreign table \"%s\" cannot be joined this way on column \"%s\"",
					state->rel->name, state->rel->attributes[attno - 1].name),
			 errdetail("The API can filter by it but does not return it."),
			 errhint("Compare it by = or IN with values that are known before the scan, or let the planner use a nested loop.")));
}

/*
 * What the endpoints need besides must be known.  Tokens for a row that is
 * looked up are made for this row; if the same scan looks up one row after
 * another, for any of them.
 */
static void
check_requests(const TriggerScanState *state, TriggerRequests *requests)
{
	List	   *all = list_concat_copy(requests->lists, requests->items);
	ListCell   *cell;

	foreach(cell, all)
	{
		TriggerRequest *request = lfirst(cell);

		trigger_target_check_named(state->target, request->endpoint,
								   trigger_request_project(request),
								   request->environment);
		if (state->rescanned)
			request->scope_ids = NIL;
	}
}

/*
 * Check what the scan needs, and begin to fetch.
 */
static void
begin_fetch(TriggerScanState *state)
{
	TriggerFetchPlan *plan = &state->fetch_plan;
	TriggerValue *values;
	TriggerBinding *binding;
	TriggerRequests *requests;
	List	   *known = NIL;
	int			needed;
	MemoryContext old;

	refuse_impossible(state);
	check_target(state);
	old = MemoryContextSwitchTo(state->fetch_context);
	values = trigger_compute_values(state->values, state->value_exprs,
									state->econtext);
	if (number(state, TriggerNumberKeyed) && state->keys)
	{
		TriggerValue *keys = &values[list_length(state->values) - 1];

		keys->value = state->keys;
		keys->isnull = false;
	}
	binding = trigger_bind(state->rel, state->conditions,
						   number(state, TriggerNumberMentioned), values);
	state->begun = true;
	if (binding->empty)
	{
		MemoryContextSwitchTo(old);
		return;
	}

	/* held with the fetch, so that a rescan counts as one user, not two */
	state->http = trigger_connection_get(state->target, state->fetch_context);
	needed = trigger_environments_needed(state->target, state->rel, binding);
	if (needed)
		known = trigger_fetch_known(state->http, state->target, needed,
									state->stats);
	requests = trigger_requests_build(state->target, state->rel, binding,
									  state->attributes, known);
	check_requests(state, requests);

	plan->http = state->http;
	plan->target = state->target;
	plan->resource = state->rel->resource;
	plan->table = state->rel->name;
	plan->requests = requests;
	plan->list_fields = state->fields->list;
	plan->item_fields = state->fields->item;
	plan->nfields = state->fields->n;
	plan->id_slot = state->fields->id_slot;
	plan->order_slot = state->fields->order_slot;
	plan->key_slot = state->fields->key_slot;
	plan->sequence_slot = state->fields->sequence_slot;
	plan->environment_slot = state->fields->environment_slot;
	plan->details = number(state, TriggerNumberDetails);
	plan->limit = number(state, TriggerNumberLimit);
	plan->ahead = (TriggerReadAhead) number(state, TriggerNumberReadAhead);
	plan->qualifies = state->prefilter ? list_row_qualifies : NULL;
	plan->qualifies_arg = state;
	plan->stats = state->stats;
	state->fetch = trigger_fetch_begin(plan);
	MemoryContextSwitchTo(old);
}

/*
 * The next row from the API, false at the end; or, where an Append waits for
 * it, at present.
 */
static bool
fetch_row(TriggerScanState *state, TupleTableSlot *slot)
{
	TriggerFetchResult result;
	TriggerRow	row;

	while ((result = trigger_fetch_try(state->fetch, &row)) == TRIGGER_FETCH_WAIT &&
		   !state->async)
		trigger_fetch_wait(state->fetch);
	state->waits = result == TRIGGER_FETCH_WAIT;
	if (result != TRIGGER_FETCH_ROW)
	{
		ExecClearTuple(slot);
		return false;
	}
	store_row(state, &row, slot, true);
	return true;
}

/*
 * Read everything before the first row is handed out.  Where an Append waits
 * for it, so much as there is.
 */
static void
read_whole(TriggerScanState *state, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(state->fetch_context);

	if (state->whole == NULL)
		state->whole = tuplestore_begin_heap(false, false, work_mem);
	MemoryContextSwitchTo(old);
	while (fetch_row(state, slot))
	{
		tuplestore_puttupleslot(state->whole, slot);
		ResetExprContext(state->econtext);
	}
	state->whole_read = !state->waits;
}

/*
 * IterateForeignScan: the next row.
 */
TupleTableSlot *
trigger_iterate_scan(ForeignScanState *node)
{
	TriggerScanState  *state = (TriggerScanState *) node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	if (!state->begun)
		begin_fetch(state);
	state->waits = false;
	if (state->fetch == NULL)
		return ExecClearTuple(slot);
	if (!number(state, TriggerNumberWhole))
	{
		(void) fetch_row(state, slot);
		return slot;
	}
	if (!state->whole_read)
		read_whole(state, slot);
	if (state->whole_read &&
		tuplestore_gettupleslot(state->whole, true, false, state->whole_slot))
		ExecCopySlot(slot, state->whole_slot);
	else
		ExecClearTuple(slot);
	return slot;
}

/*
 * ReScanForeignScan: begin again, with whatever the parameters are by then.
 * The API has no snapshots and pages are not kept, so it is asked again.
 */
void
trigger_rescan(ForeignScanState *node)
{
	TriggerScanState  *state = (TriggerScanState *) node->fdw_state;

	if (state == NULL)
		return;
	if (node->ss.ss_ScanTupleSlot)
		ExecClearTuple(node->ss.ss_ScanTupleSlot);
	if (state->whole)
		tuplestore_end(state->whole);
	state->whole = NULL;
	state->whole_read = false;
	state->waits = false;
	state->fetch = NULL;
	state->rescanned = state->begun;
	state->begun = false;
	MemoryContextReset(state->fetch_context);
}

/*
 * The keys of the executions from the next rescan on.
 */
void
trigger_scan_set_keys(ForeignScanState *node, Datum keys)
{
	((TriggerScanState *) node->fdw_state)->keys = keys;
}

/*
 * Requests that a scan may have under way.
 */
int
trigger_scan_concurrency(ForeignScanState *node)
{
	return ((TriggerScanState *) node->fdw_state)->target->concurrency;
}

/*
 * EndForeignScan.  After an error it is not called; the context's callbacks
 * do the same then.
 */
void
trigger_end_scan(ForeignScanState *node)
{
	TriggerScanState  *state = (TriggerScanState *) node->fdw_state;

	if (state == NULL)
		return;
	if (state->list_slot)
		ExecDropSingleTupleTableSlot(state->list_slot);
	if (state->whole_slot)
		ExecDropSingleTupleTableSlot(state->whole_slot);
	if (state->whole)
		tuplestore_end(state->whole);
	state->fetch = NULL;
	MemoryContextDelete(state->fetch_context);
}

/*
 * Was there no row only because the answer has not come yet?
 */
bool
trigger_scan_waits(ForeignScanState *node)
{
	return ((TriggerScanState *) node->fdw_state)->waits;
}

/*
 * The connection of a scan that waits.
 */
TriggerHttp *
trigger_scan_http(ForeignScanState *node)
{
	return ((TriggerScanState *) node->fdw_state)->http;
}

/*
 * Counters of a scan, NULL if it was never executed.
 */
const TriggerFetchStats *
trigger_scan_stats(ForeignScanState *node)
{
	TriggerScanState  *state = (TriggerScanState *) node->fdw_state;

	return state ? state->stats : NULL;
}
