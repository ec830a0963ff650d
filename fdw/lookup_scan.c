/*-------------------------------------------------------------------------
 *
 * lookup_scan.c
 *		Execution of joins that look up many keys at once.
 *
 * The first batch has few keys, and each has twice as many as the one before:
 * whoever stops reading early has not paid for much more than was read, and
 * whoever reads on has as many requests under way as the options allow.
 *
 * Keys stay known from batch to batch while the memory suffices, so that a
 * value that comes again is not looked up again.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "lookup.h"

#include "catalog/pg_type.h"
#include "compat.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "lookup_rows.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"

/* Outer rows of a batch for each of its keys: some have none, or the same. */
#define ROWS_PER_KEY	16

/* An outer row. */
typedef struct OuterRow
{
	MinimalTuple tuple;
	TriggerLookupEntry *entry;	/* NULL: its key is null */
} OuterRow;

typedef struct LookupJoinState
{
	CustomScanState css;		/* must be first */

	/* from the plan */
	JoinType	jointype;
	int			key_column;
	int			first_batch;
	ExprState  *key;
	ExprState  *joinqual;

	/* of the execution */
	PlanState  *outer;
	ForeignScanState *inner;
	TupleTableSlot *outer_slot;
	TupleTableSlot *inner_slot;
	TriggerLookupRows *found;
	MemoryContext batch_context;
	OuterRow   *rows;			/* of the batch */
	int			nrows;
	int			position;		/* the next of them */
	bool		outer_ended;
	int			size;			/* keys of the next batch, 0: the first */

	/* of the current outer row */
	bool		have_row;
	bool		matched;
	TriggerLookupRow *candidate;	/* the next, NULL: no more */

	/* for EXPLAIN; they outlive a rescan */
	int64		batches;
	int64		keys;
	int64		spilled;		/* batches */
} LookupJoinState;

/*
 * A number that the planner wrote down.
 */
static int
number(const CustomScan *plan, enum TriggerLookupNumber which)
{
	return list_nth_int(plan->custom_private, which);
}

/*
 * Put both sides' rows next to each other into the scan's slot.  A side that
 * is not there is null.
 */
static TupleTableSlot *
join_rows(LookupJoinState *state, bool with_inner)
{
	TupleTableSlot *slot = state->css.ss.ss_ScanTupleSlot;
	int			nouter = state->outer_slot->tts_tupleDescriptor->natts;
	int			ninner = state->inner_slot->tts_tupleDescriptor->natts;

	ExecClearTuple(slot);
	slot_getallattrs(state->outer_slot);
	memcpy(slot->tts_values, state->outer_slot->tts_values, nouter * sizeof(Datum));
	memcpy(slot->tts_isnull, state->outer_slot->tts_isnull, nouter * sizeof(bool));
	if (with_inner)
	{
		slot_getallattrs(state->inner_slot);
		memcpy(slot->tts_values + nouter, state->inner_slot->tts_values,
			   ninner * sizeof(Datum));
		memcpy(slot->tts_isnull + nouter, state->inner_slot->tts_isnull,
			   ninner * sizeof(bool));
	}
	else
	{
		memset(slot->tts_values + nouter, 0, ninner * sizeof(Datum));
		memset(slot->tts_isnull + nouter, true, ninner * sizeof(bool));
	}
	ExecStoreVirtualTuple(slot);
	state->css.ss.ps.ps_ExprContext->ecxt_scantuple = slot;
	return slot;
}

/*
 * Keys of the batch that comes next, after one that might have state->size.
 */
static int
next_size(LookupJoinState *state)
{
	int			at_once = trigger_keys_at_once(state->inner);
	int			most = TRIGGER_LOOKUP_MAX_KEYS - TRIGGER_LOOKUP_MAX_KEYS % at_once;
	int			size;

	if (state->size == 0)
		return state->first_batch > 0 ? Min(state->first_batch, most) : at_once;
	if (trigger_lookup_rows_spilled(state->found))
		return Max(state->size / 2, Min(state->size, at_once));
	size = Min(state->size * 2, most);

	/* the last answers of a batch come together if they are asked together */
	return size > at_once ? size - size % at_once : size;
}

/*
 * Does an outer row without a partner matter?
 */
static bool
keeps_outer(const LookupJoinState *state)
{
	return state->jointype == JOIN_LEFT || state->jointype == JOIN_ANTI;
}

/*
 * Read outer rows until the batch has enough of them.  Returns the number of
 * keys that have to be looked up.
 */
static int
read_outer(LookupJoinState *state, int size, Datum *keys)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	int			allocated = 64;
	int			nkeys = 0;
	int			scanned = 0;
	Size		bytes = 0;		/* of the keys */

	state->rows = MemoryContextAlloc(state->batch_context,
									 allocated * sizeof(OuterRow));
	while (nkeys < size && scanned < size * ROWS_PER_KEY &&
		   bytes < TRIGGER_LOOKUP_MAX_BYTES &&
		   MemoryContextMemAllocated(state->batch_context, true) <=
		   work_mem * (Size) 1024)
	{
		TupleTableSlot *slot = ExecProcNode(state->outer);
		TriggerLookupEntry *entry = NULL;
		MinimalTuple tuple;
		Datum		key;
		bool		isnull;
		bool		is_new = false;
		MemoryContext old;

		if (TupIsNull(slot))
		{
			state->outer_ended = true;
			break;
		}
		CHECK_FOR_INTERRUPTS();
		scanned++;
		ResetExprContext(econtext);
		old = MemoryContextSwitchTo(state->batch_context);
		tuple = ExecCopySlotMinimalTuple(slot);
		MemoryContextSwitchTo(old);
		ExecStoreMinimalTuple(tuple, state->outer_slot, false);
		join_rows(state, false);
		key = ExecEvalExprSwitchContext(state->key, econtext, &isnull);
		if (isnull && !keeps_outer(state))
		{
			pfree(tuple);
			continue;
		}
		if (!isnull)
		{
			old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
			entry = trigger_lookup_rows_add(state->found, key, &is_new);
			MemoryContextSwitchTo(old);
		}
		if (is_new)
		{
			keys[nkeys] = trigger_lookup_entry_key(entry);
			bytes += VARSIZE_ANY_EXHDR(DatumGetPointer(keys[nkeys]));
			nkeys++;
		}
		if (state->nrows == allocated)
		{
			allocated *= 2;
			state->rows = repalloc_huge(state->rows, allocated * sizeof(OuterRow));
		}
		state->rows[state->nrows].tuple = tuple;
		state->rows[state->nrows++].entry = entry;
	}
	return nkeys;
}

/*
 * Look up keys, and keep the rows that have one of them.  (A key that cannot
 * be named in a request makes the scan read all rows.)
 */
static void
look_up(LookupJoinState *state, Datum *keys, int nkeys)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	MemoryContext old = MemoryContextSwitchTo(state->batch_context);
	ArrayType  *array = construct_array(keys, nkeys, TEXTOID, -1, false, TYPALIGN_INT);

	MemoryContextSwitchTo(old);
	trigger_hand_over_keys(state->inner, PointerGetDatum(array));
	ExecReScan((PlanState *) state->inner);
	for (;;)
	{
		TupleTableSlot *slot = ExecProcNode((PlanState *) state->inner);
		TriggerLookupEntry *entry;
		Datum		key;
		bool		isnull;

		if (TupIsNull(slot))
			break;
		ResetExprContext(econtext);
		old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
		key = slot_getattr(slot, state->key_column, &isnull);
		entry = isnull ? NULL : trigger_lookup_rows_find(state->found, key);
		if (entry)
			trigger_lookup_rows_put(state->found, entry, slot);
		MemoryContextSwitchTo(old);
	}
	trigger_lookup_rows_close(state->found);
	state->keys += nkeys;
	state->batches++;
	if (trigger_lookup_rows_spilled(state->found))
		state->spilled++;
}

/*
 * Read the next batch, and look up its keys.  False if there are no more outer
 * rows.
 */
static bool
next_batch(LookupJoinState *state)
{
	state->nrows = state->position = 0;
	while (state->nrows == 0 && !state->outer_ended)
	{
		int			size = next_size(state);
		Datum	   *keys;
		int			nkeys;

		ExecClearTuple(state->outer_slot);
		ExecClearTuple(state->inner_slot);
		MemoryContextReset(state->batch_context);
		if (trigger_lookup_rows_full(state->found) ||
			trigger_lookup_rows_spilled(state->found))
			trigger_lookup_rows_clear(state->found);
		keys = MemoryContextAlloc(state->batch_context, size * sizeof(Datum));
		nkeys = read_outer(state, size, keys);
		if (nkeys > 0)
		{
			state->size = size;
			look_up(state, keys, nkeys);
		}
	}
	return state->nrows > 0;
}

/*
 * The next outer row of the batch, or of the next one.
 */
static bool
next_outer(LookupJoinState *state)
{
	OuterRow   *row;

	if (state->position >= state->nrows && !next_batch(state))
		return false;
	row = &state->rows[state->position++];
	ExecStoreMinimalTuple(row->tuple, state->outer_slot, false);
	state->candidate = row->entry ? trigger_lookup_entry_first(row->entry) : NULL;
	state->matched = false;
	state->have_row = true;
	return true;
}

/*
 * What the plan selects of the row in the scan's slot.
 */
static TupleTableSlot *
project(LookupJoinState *state)
{
	ProjectionInfo *projection = state->css.ss.ps.ps_ProjInfo;

	return projection ? ExecProject(projection) : state->css.ss.ss_ScanTupleSlot;
}

/*
 * Is the pair in the scan's slot a result?  Conditions above an outer join
 * are those of the plan, and apply to rows without a partner, too.
 */
static bool
passes_filter(LookupJoinState *state)
{
	if (ExecQual(state->css.ss.ps.qual, state->css.ss.ps.ps_ExprContext))
		return true;
	InstrCountFiltered1(&state->css, 1);
	return false;
}

/*
 * Try the next partner of the current outer row; when there are none left, go
 * on to the next outer row.  True if there is a result in the scan's slot.
 */
static bool
step(LookupJoinState *state)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;

	ResetExprContext(econtext);
	if (state->candidate == NULL)
	{
		state->have_row = false;
		if (state->matched || !keeps_outer(state))
			return false;
		join_rows(state, false);
		return passes_filter(state);
	}

	trigger_lookup_row_load(state->found, state->candidate, state->inner_slot);
	state->candidate = trigger_lookup_row_next(state->candidate);
	join_rows(state, true);
	if (!ExecQual(state->joinqual, econtext))
	{
		InstrCountFiltered2(&state->css, 1);
		return false;
	}
	state->matched = true;
	if (state->jointype == JOIN_SEMI || state->jointype == JOIN_ANTI)
		state->candidate = NULL;
	return state->jointype != JOIN_ANTI && passes_filter(state);
}

/*
 * ExecCustomScan: the next row.
 */
static TupleTableSlot *
exec_lookup_join(CustomScanState *node)
{
	LookupJoinState *state = (LookupJoinState *) node;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (!state->have_row && !next_outer(state))
			return NULL;
		if (step(state))
			return project(state);
	}
}

/*
 * BeginCustomScan: get ready, without contacting anybody.
 */
static void
begin_lookup_join(CustomScanState *node, EState *estate, int eflags)
{
	LookupJoinState *state = (LookupJoinState *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;

	state->outer = ExecInitNode(linitial(plan->custom_plans), estate, eflags);
	state->inner = castNode(ForeignScanState,
							ExecInitNode(lsecond(plan->custom_plans), estate, eflags));
	node->custom_ps = list_make2(state->outer, state->inner);

	state->jointype = (JoinType) number(plan, TriggerLookupJoinType);
	state->key_column = number(plan, TriggerLookupKeyColumn);
	state->first_batch = number(plan, TriggerLookupFirstBatch);
	state->key = ExecInitExpr(list_nth(plan->custom_exprs, TriggerLookupKey),
							  (PlanState *) node);
	state->joinqual = ExecInitQual(list_nth(plan->custom_exprs, TriggerLookupJoinQuals),
								   (PlanState *) node);

	state->outer_slot = ExecInitExtraTupleSlot(estate, ExecGetResultType(state->outer),
											   &TTSOpsMinimalTuple);
	state->inner_slot =
		ExecInitExtraTupleSlot(estate, ExecGetResultType((PlanState *) state->inner),
							   &TTSOpsMinimalTuple);
	state->found = trigger_lookup_rows_create(estate->es_query_cxt);
	state->batch_context = AllocSetContextCreate(estate->es_query_cxt,
												 "trigger_fdw look-up batch",
												 ALLOCSET_DEFAULT_SIZES);
}

/*
 * Forget the batch, and what was found.
 */
static void
forget_batch(LookupJoinState *state)
{
	ExecClearTuple(state->outer_slot);
	ExecClearTuple(state->inner_slot);
	trigger_lookup_rows_clear(state->found);
	MemoryContextReset(state->batch_context);
	state->nrows = state->position = 0;
	state->have_row = false;
	state->candidate = NULL;
}

/*
 * ReScanCustomScan: begin again.  The scan of the table is begun again with
 * the next batch in any case.
 */
static void
rescan_lookup_join(CustomScanState *node)
{
	LookupJoinState *state = (LookupJoinState *) node;

	forget_batch(state);
	state->outer_ended = false;
	state->size = 0;
	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	if (node->ss.ps.chgParam)
	{
		UpdateChangedParamSet(state->outer, node->ss.ps.chgParam);
		UpdateChangedParamSet((PlanState *) state->inner, node->ss.ps.chgParam);
	}
	if (state->outer->chgParam == NULL)
		ExecReScan(state->outer);
}

/*
 * EndCustomScan.  After an error it is not called; contexts and the
 * transaction's end do the same then.
 */
static void
end_lookup_join(CustomScanState *node)
{
	LookupJoinState *state = (LookupJoinState *) node;

	forget_batch(state);
	ExecEndNode(state->outer);
	ExecEndNode((PlanState *) state->inner);
}

/*
 * Show conditions.
 */
static void
explain_quals(CustomScanState *node, const char *label, List *quals,
			  List *ancestors, ExplainState *es)
{
	bool		prefix = es->verbose || list_length(es->rtable) > 1;
	List	   *context;

	if (quals == NIL)
		return;
	context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, ancestors);
	ExplainPropertyText(label,
						deparse_expression((Node *) make_ands_explicit(quals),
										   context, prefix, false), es);
}

/*
 * ExplainCustomScan.
 */
static void
explain_lookup_join(CustomScanState *node, List *ancestors, ExplainState *es)
{
	LookupJoinState *state = (LookupJoinState *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;
	List	   *joinquals = list_nth(plan->custom_exprs, TriggerLookupJoinQuals);
	const char *type = "Inner";

	if (state->jointype == JOIN_LEFT)
		type = "Left";
	else if (state->jointype == JOIN_SEMI)
		type = "Semi";
	else if (state->jointype == JOIN_ANTI)
		type = "Anti";
	ExplainPropertyText("Join Type", type, es);
	explain_quals(node, "Lookup Cond",
				  list_make1(list_nth(plan->custom_exprs, TriggerLookupClause)),
				  ancestors, es);
	explain_quals(node, "Join Filter", joinquals, ancestors, es);
	if (!es->analyze || node->ss.ps.instrument == NULL)
		return;
	if (joinquals && node->ss.ps.instrument->nloops > 0)
		ExplainPropertyFloat("Rows Removed by Join Filter", NULL,
							 node->ss.ps.instrument->nfiltered2 /
							 node->ss.ps.instrument->nloops, 0, es);
	ExplainPropertyInteger("Batches", NULL, state->batches, es);
	ExplainPropertyInteger("Keys", NULL, state->keys, es);
	if (state->spilled > 0)
		ExplainPropertyInteger("Batches on Disk", NULL, state->spilled, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = TRIGGER_LOOKUP_NAME,
	.BeginCustomScan = begin_lookup_join,
	.ExecCustomScan = exec_lookup_join,
	.EndCustomScan = end_lookup_join,
	.ReScanCustomScan = rescan_lookup_join,
	.ExplainCustomScan = explain_lookup_join,
};

/*
 * CreateCustomScanState
 */
static Node *
create_state(CustomScan *plan)
{
	LookupJoinState *state = palloc0(sizeof(LookupJoinState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &exec_methods;
	return (Node *) state;
}

const CustomScanMethods trigger_lookup_scan_methods = {
	.CustomName = TRIGGER_LOOKUP_NAME,
	.CreateCustomScanState = create_state,
};
