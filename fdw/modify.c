/*-------------------------------------------------------------------------
 *
 * modify.c
 *		Execution of INSERT, UPDATE and DELETE.
 *
 * Every write is an API call that takes effect at once and that ROLLBACK
 * cannot undo.  So everything that can be checked is checked before the first
 * call, an error says what was done before it, and inside a transaction block
 * a warning says once what such a block is worth here.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "modify.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "connection.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/appendinfo.h"
#include "optimizer/inherit.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/planmain.h"
#include "option.h"
#include "parser/parsetree.h"
#include "tcop/utility.h"
#include "trql_table.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "writer.h"

/* Members of a ModifyTable's private list. */
enum ModifyPrivate
{
	ModifyPrivateColumns,		/* integer list: attributes that are set */
	ModifyPrivateFlags			/* integer list, see ModifyFlag */
};

enum ModifyFlag
{
	ModifyFlagDoNothing,		/* ON CONFLICT DO NOTHING */
	ModifyFlagReread,			/* RETURNING needs more than is known */
	ModifyFlagSetTag			/* direct INSERT: rows count for the statement */
};

typedef struct ModifyState
{
	TriggerModify modify;		/* what writers see */
	const TriggerWriter *writer;
	CmdType		operation;
	AttrNumber	row_attno;		/* of the old row, in the subplan */
	TupleTableSlot *old;

	bool		check_values;	/* rows may have values that cannot be set */

	/* rows that wait to be written together, or to be delivered */
	TupleTableSlot **collected;
	int			ncollected;
	bool		collect;		/* COPY */
	int			delivered;		/* direct INSERT */
	bool		set_tag;
} ModifyState;

/* ------------------------------------------------------------------------
 * Planning
 * ------------------------------------------------------------------------
 */

/*
 * Is a name in a list that ends with NULL?
 */
static bool
is_listed(const char *const *list, const char *name)
{
	for (; list && *list; list++)
	{
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

/*
 * The names of a list, for hints.
 */
static char *
join_names(const char *const *list)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (; list && *list; list++)
		appendStringInfo(&buf, "%s%s", buf.len ? ", " : "", *list);
	return buf.data;
}

/*
 * Refuse columns that the API cannot set.
 */
static void
check_columns(const TriggerRelation *rel, const TriggerWriter *writer,
			  CmdType operation, List *columns)
{
	const char *const *able = operation == CMD_INSERT ? writer->insertable :
	writer->updatable;
	ListCell   *cell;

	foreach(cell, columns)
	{
		const TriggerAttribute *attribute = trigger_relation_attribute(rel,
																	   lfirst_int(cell));

		if (attribute == NULL)
			continue;
		if (attribute->column && is_listed(able, attribute->column->name))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 operation == CMD_INSERT ?
				 errmsg("cannot insert into column \"%s\" of foreign table \"%s\"",
						attribute->name, rel->name) :
				 errmsg("cannot update column \"%s\" of foreign table \"%s\"",
						attribute->name, rel->name),
				 errdetail("The API has no operation that sets it."),
				 errhint("Columns that can be set are: %s.", join_names(able))));
	}
}

/*
 * Refuse what the resource cannot do at all, before anything is planned.
 */
static const TriggerWriter *
check_operation(const TriggerRelation *rel, CmdType operation)
{
	const TriggerWriter *writer = rel->resource->writer;

	if (writer && (writer->operations & (1 << operation)))
		return writer;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot %s foreign table \"%s\"",
					operation == CMD_INSERT ? "insert into" :
					operation == CMD_UPDATE ? "update" : "delete from",
					rel->name),
			 errdetail("The API has no such operation."),
			 writer && operation == CMD_DELETE && writer->delete_hint ?
			 errhint("%s", writer->delete_hint) : 0));
	return NULL;				/* not reached */
}

/*
 * A set of attributes (as catalogs offset them) to an integer list.
 */
static List *
attribute_list(Bitmapset *attributes)
{
	List	   *result = NIL;
	int			bit = -1;

	while ((bit = bms_next_member(attributes, bit)) >= 0)
		result = lappend_int(result, bit + FirstLowInvalidHeapAttributeNumber);
	return result;
}

/*
 * Every attribute of a table.
 */
static List *
all_attributes(const TriggerRelation *rel)
{
	List	   *result = NIL;

	for (int attno = 1; attno <= rel->natts; attno++)
	{
		if (trigger_relation_attribute(rel, attno))
			result = lappend_int(result, attno);
	}
	return result;
}

/*
 * AddForeignUpdateTargets: the whole old row.  Writes compare with it, send
 * along what the API would otherwise reset, and need no second look at what
 * the scan has just read.
 */
static void
trigger_add_update_targets(PlannerInfo *root, Index rtindex,
						   RangeTblEntry *rte, Relation relation)
{
	/* the same that core adds for an UPDATE, so that they are one */
	Var		   *row = makeVar(rtindex, InvalidAttrNumber, RECORDOID, -1,
							  InvalidOid, 0);

	add_row_identity_var(root, row, rtindex, "wholerow");
}

/*
 * Does RETURNING use a column that is not known without reading the row?
 */
static bool
needs_reread(const TriggerRelation *rel, const TriggerWriter *writer,
			 ModifyTable *plan, Index rtindex, int subplan_index)
{
	const char *const *known = plan->operation == CMD_INSERT ?
	writer->known_inserted : writer->known_updated;
	Bitmapset  *used = NULL;
	ListCell   *cell;

	if (plan->returningLists == NIL || known == NULL)
		return false;
	pull_varattnos((Node *) list_nth(plan->returningLists, subplan_index), rtindex,
				   &used);
	foreach(cell, attribute_list(used))
	{
		int			attno = lfirst_int(cell);
		const TriggerAttribute *attribute = trigger_relation_attribute(rel, attno);

		if (attno == 0 ||
			(attribute && !(attribute->column &&
							is_listed(known, attribute->column->name))))
			return true;
	}
	return false;
}

/*
 * PlanForeignModify: check a statement and describe it for the executor.
 */
static List *
trigger_plan_modify(PlannerInfo *root, ModifyTable *plan, Index rtindex,
					int subplan_index)
{
	RangeTblEntry *rte = planner_rt_fetch(rtindex, root);
	Relation	relation = table_open(rte->relid, NoLock);
	TriggerRelation *rel = trigger_relation_open(relation);
	const TriggerWriter *writer;
	List	   *columns = NIL;
	bool		do_nothing = false;
	bool		has_trigger = relation->trigdesc &&
	relation->trigdesc->trig_update_before_row;

	table_close(relation, NoLock);
	writer = check_operation(rel, plan->operation);

	if (plan->onConflictAction == ONCONFLICT_NOTHING)
		do_nothing = true;
	else if (plan->onConflictAction != ONCONFLICT_NONE)
		elog(ERROR, "unexpected ON CONFLICT specification: %d",
			 (int) plan->onConflictAction);

	if (plan->operation == CMD_INSERT)
		columns = attribute_list(TRIGGER_INSERTED_COLUMNS(root, rte));
	else if (plan->operation == CMD_UPDATE)
		columns = attribute_list(get_rel_all_updated_cols(root,
														  find_base_rel(root, rtindex)));
	check_columns(rel, writer, plan->operation, columns);

	/* a trigger may change columns that the statement does not name */
	if (plan->operation == CMD_UPDATE && has_trigger)
		columns = all_attributes(rel);
	return list_make2(columns,
					  list_make3_int(do_nothing,
									 needs_reread(rel, writer, plan, rtindex,
												  subplan_index),
									 plan->canSetTag));
}

/*
 * PlanDirectModify: an INSERT of several rows with RETURNING.
 *
 * Core hands such rows over one by one and wants each one's outcome at once,
 * which would be a call a row.  Instead, the rows' plan is put below a
 * foreign scan that reads them, writes them in batches, and delivers what was
 * written.
 */
static bool
trigger_plan_direct_modify(PlannerInfo *root, ModifyTable *plan, Index rtindex,
						   int subplan_index)
{
	Plan	   *rows = outerPlan(plan);
	Relation	relation;
	TriggerRelation *rel;
	ForeignScan *scan;

	if (plan->operation != CMD_INSERT || plan->returningLists == NIL ||
		list_length(plan->resultRelations) != 1 ||
		(IsA(rows, Result) && outerPlan(rows) == NULL))
		return false;
	relation = table_open(planner_rt_fetch(rtindex, root)->relid, NoLock);
	rel = trigger_relation_open(relation);
	table_close(relation, NoLock);
	if (check_operation(rel, CMD_INSERT)->batch_size <= 1)
		return false;

	scan = make_foreignscan(NIL, NIL, rtindex, NIL,
							trigger_plan_modify(root, plan, rtindex, subplan_index),
							NIL, NIL, rows);
	scan->operation = CMD_INSERT;
	scan->resultRelation = rtindex;
	scan->fs_server = rel->serverid;
	scan->fs_relids = bms_make_singleton(rtindex);
	scan->scan.plan.startup_cost = rows->startup_cost;
	scan->scan.plan.total_cost = rows->total_cost;
	scan->scan.plan.plan_rows = rows->plan_rows;
	outerPlan(plan) = (Plan *) scan;
	return true;
}

/*
 * IsForeignRelUpdatable: what information_schema and clients are told.  Must
 * not fail for a table that maps nothing, or nobody could list the others.
 */
static int
trigger_is_updatable(Relation relation)
{
	ForeignTable *table = GetForeignTable(RelationGetRelid(relation));
	const char *name = trigger_option_get(table->options, "resource");
	const TriggerResource *resource;

	resource = trigger_resource_find(name ? name :
									 RelationGetRelationName(relation));
	if (trql_options_are_query(table->options) ||
		resource == NULL || resource->writer == NULL ||
		!trigger_target_is_updatable(table->serverid, table->options))
		return 0;
	return resource->writer->operations;
}

/* ------------------------------------------------------------------------
 * Execution
 * ------------------------------------------------------------------------
 */

/*
 * Set up a statement's writes.  Nothing is sent.
 */
static ModifyState *
create_state(Relation relation, Oid userid, CmdType operation)
{
	ModifyState *state = palloc0(sizeof(ModifyState));
	TriggerModify *modify = &state->modify;
	TriggerRelation *rel = trigger_relation_open(relation);

	modify->rel = rel;
	modify->context = CurrentMemoryContext;
	modify->target = trigger_target_resolve(rel->serverid, userid, rel->options,
											false);
	if (!modify->target->updatable)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("foreign table \"%s\" does not allow writes", rel->name),
				 errhint("The option \"updatable\" of the table or its server is false.")));
	PreventCommandIfReadOnly(operation == CMD_INSERT ? "INSERT" :
							 operation == CMD_UPDATE ? "UPDATE" : "DELETE");
	modify->idempotent = modify->target->idempotent_inserts;
	modify->row_context = AllocSetContextCreate(CurrentMemoryContext,
												"trigger_fdw written row",
												ALLOCSET_DEFAULT_SIZES);
	state->writer = check_operation(rel, operation);
	state->operation = operation;
	return state;
}

/*
 * The connection, when the first row is written.
 */
static void
connect_state(ModifyState *state)
{
	TriggerModify *modify = &state->modify;

	if (modify->http == NULL)
	{
		modify->http = trigger_connection_get(modify->target, modify->context);
		modify->written = trigger_written_begin(modify->rel->name);
		trigger_warn_in_transaction();
	}
}

/*
 * What the planner wrote down.
 */
static void
read_private(ModifyState *state, List *private)
{
	List	   *flags = list_nth(private, ModifyPrivateFlags);

	state->modify.columns = list_nth(private, ModifyPrivateColumns);
	state->modify.do_nothing = list_nth_int(flags, ModifyFlagDoNothing);
	state->modify.reread = list_nth_int(flags, ModifyFlagReread);
}

/*
 * BeginForeignModify.
 */
static void
trigger_begin_modify(ModifyTableState *mtstate, ResultRelInfo *info,
					 List *private, int subplan_index, int eflags)
{
	EState	   *estate = mtstate->ps.state;
	RangeTblEntry *rte = exec_rt_fetch(info->ri_RangeTableIndex, estate);
	ModifyState *state;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	state = create_state(info->ri_RelationDesc,
						 TRIGGER_RESULT_USER(info, estate, rte),
						 mtstate->operation);
	read_private(state, private);
	state->check_values = info->ri_TrigDesc &&
		info->ri_TrigDesc->trig_insert_before_row;
	state->writer->check_target(&state->modify, state->operation);
	state->modify.reread = state->modify.reread ||
		(info->ri_TrigDesc && (info->ri_TrigDesc->trig_insert_after_row ||
							   info->ri_TrigDesc->trig_update_after_row));
	if (mtstate->operation != CMD_INSERT)
	{
		Plan	   *subplan = outerPlanState(mtstate)->plan;

		state->row_attno = ExecFindJunkAttributeInTlist(subplan->targetlist,
														"wholerow");
		if (!AttributeNumberIsValid(state->row_attno))
			elog(ERROR, "could not find junk wholerow column");
		state->old = MakeSingleTupleTableSlot(RelationGetDescr(info->ri_RelationDesc),
											  &TTSOpsHeapTuple);
	}
	info->ri_FdwState = state;
}

/*
 * GetForeignModifyBatchSize: rows that core may hand over at once.  RETURNING
 * and row triggers want each row's outcome before the next.
 */
static int
trigger_batch_size(ResultRelInfo *info)
{
	ModifyState *state = (ModifyState *) info->ri_FdwState;

	if (state == NULL || info->ri_projectReturning != NULL ||
		info->ri_WithCheckOptions != NIL ||
		(info->ri_TrigDesc && (info->ri_TrigDesc->trig_insert_before_row ||
							   info->ri_TrigDesc->trig_insert_after_row)))
		return 1;
	return state->writer->batch_size;
}

/*
 * Hand rows to the writer.  Whatever goes wrong in there says what was
 * written before.
 */
static void
write_guarded(ModifyState *state, TupleTableSlot **slots, int n, bool *written,
			  TupleTableSlot *old)
{
	TriggerModify *modify = &state->modify;
	ErrorContextCallback context;

	context.callback = trigger_written_context;
	context.arg = modify->written;
	context.previous = error_context_stack;
	error_context_stack = &context;
	PG_TRY();
	{
		if (state->operation == CMD_INSERT)
			state->writer->insert(modify, slots, n, written);
		else if (state->operation == CMD_UPDATE)
			written[0] = state->writer->update(modify, slots[0], old);
		else
			written[0] = state->writer->remove(modify, old);
	}
	PG_CATCH();
	{
		trigger_written_told(modify->written);
		PG_RE_THROW();
	}
	PG_END_TRY();
	error_context_stack = context.previous;
}

/*
 * Where rows did not go through check_columns() (those that a partitioned
 * table routes here, or that a trigger has changed), a value that the API
 * cannot set must not get lost.
 */
static void
check_values(ModifyState *state, TupleTableSlot *slot)
{
	const TriggerRelation *rel = state->modify.rel;

	for (int attno = 1; state->check_values && attno <= rel->natts; attno++)
	{
		const TriggerAttribute *attribute = trigger_relation_attribute(rel, attno);
		bool		isnull;

		if (attribute == NULL)
			continue;
		(void) slot_getattr(slot, attno, &isnull);
		if (!isnull)
			check_columns(rel, state->writer, CMD_INSERT, list_make1_int(attno));
	}
}

/*
 * Write rows.  Returns how many were written; their slots come first.
 */
static int
insert_rows(ModifyState *state, TupleTableSlot **slots, int n)
{
	TriggerModify *modify = &state->modify;
	bool	   *written;
	int			kept = 0;
	MemoryContext old;

	connect_state(state);
	MemoryContextReset(modify->row_context);
	old = MemoryContextSwitchTo(modify->row_context);
	written = palloc0(n * sizeof(bool));
	for (int i = 0; i < n; i++)
	{
		check_values(state, slots[i]);
		ExecMaterializeSlot(slots[i]);
	}
	write_guarded(state, slots, n, written, NULL);
	MemoryContextSwitchTo(old);

	for (int i = 0; i < n; i++)
	{
		if (written[i])
		{
			TupleTableSlot *slot = slots[i];

			slots[i] = slots[kept];
			slots[kept++] = slot;
		}
	}
	return kept;
}

/*
 * ExecForeignBatchInsert.
 */
static TupleTableSlot **
trigger_insert_batch(EState *estate, ResultRelInfo *info, TupleTableSlot **slots,
					 TupleTableSlot **plan_slots, int *n)
{
	ModifyState *state = (ModifyState *) info->ri_FdwState;

	*n = insert_rows(state, slots, *n);
	return slots;
}

/*
 * Write the rows of a COPY that have been collected.
 */
static void
flush_collected(ModifyState *state)
{
	if (state->ncollected > 0)
		(void) insert_rows(state, state->collected, state->ncollected);
	state->ncollected = 0;
}

/*
 * Keep a row of a COPY until there are enough for one call.
 */
static void
collect_row(ModifyState *state, TupleTableSlot *slot)
{
	TupleTableSlot **kept = &state->collected[state->ncollected];

	if (*kept == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(state->modify.context);

		*kept = MakeSingleTupleTableSlot(slot->tts_tupleDescriptor, &TTSOpsVirtual);
		MemoryContextSwitchTo(old);
	}
	ExecCopySlot(*kept, slot);
	if (++state->ncollected == state->writer->batch_size)
		flush_collected(state);
}

/*
 * ExecForeignInsert.
 */
static TupleTableSlot *
trigger_insert_row(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
				   TupleTableSlot *plan_slot)
{
	ModifyState *state = (ModifyState *) info->ri_FdwState;
	TupleTableSlot *one = slot;

	if (state->collect)
	{
		collect_row(state, slot);
		return slot;
	}
	return insert_rows(state, &one, 1) == 1 ? slot : NULL;
}

/*
 * The row as the scan read it.
 */
static TupleTableSlot *
old_row(ModifyState *state, TupleTableSlot *plan_slot)
{
	bool		isnull;
	Datum		row = ExecGetJunkAttribute(plan_slot, state->row_attno, &isnull);
	HeapTupleHeader header;
	HeapTuple	tuple;

	if (isnull)
		elog(ERROR, "wholerow is NULL");
	header = DatumGetHeapTupleHeader(row);
	tuple = palloc0(sizeof(HeapTupleData));
	tuple->t_len = HeapTupleHeaderGetDatumLength(header);
	tuple->t_data = header;
	ItemPointerSetInvalid(&tuple->t_self);
	tuple->t_tableOid = state->modify.rel->relid;
	ExecStoreHeapTuple(tuple, state->old, false);
	return state->old;
}

/*
 * Change a row, or delete it if "slot" is NULL; false if it was not there.
 */
static bool
change_row(ModifyState *state, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	TriggerModify *modify = &state->modify;
	MemoryContext old;
	bool		changed = false;

	connect_state(state);
	MemoryContextReset(modify->row_context);
	old = MemoryContextSwitchTo(modify->row_context);
	if (slot)
		ExecMaterializeSlot(slot);
	write_guarded(state, &slot, 1, &changed, old_row(state, plan_slot));
	MemoryContextSwitchTo(old);
	return changed;
}

/*
 * ExecForeignUpdate.
 */
static TupleTableSlot *
trigger_update_row(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
				   TupleTableSlot *plan_slot)
{
	return change_row((ModifyState *) info->ri_FdwState, slot, plan_slot) ?
		slot : NULL;
}

/*
 * ExecForeignDelete.
 */
static TupleTableSlot *
trigger_delete_row(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
				   TupleTableSlot *plan_slot)
{
	ModifyState *state = (ModifyState *) info->ri_FdwState;

	if (!change_row(state, NULL, plan_slot))
		return NULL;

	/* RETURNING shows the row that is gone */
	ExecCopySlot(slot, state->old);
	return slot;
}

/*
 * Give back what a context does not free.
 */
static void
free_state(ModifyState *state)
{
	if (state->modify.written)
		trigger_written_end(state->modify.written);
	if (state->old)
		ExecDropSingleTupleTableSlot(state->old);
	for (int i = 0; state->collected && i < state->writer->batch_size; i++)
	{
		if (state->collected[i])
			ExecDropSingleTupleTableSlot(state->collected[i]);
	}
	MemoryContextDelete(state->modify.row_context);
}

/*
 * EndForeignModify.
 */
static void
trigger_end_modify(EState *estate, ResultRelInfo *info)
{
	ModifyState *state = (ModifyState *) info->ri_FdwState;

	if (state)
		free_state(state);
}

/*
 * BeginForeignInsert: COPY, or rows routed to a partition.
 */
static void
trigger_begin_insert(ModifyTableState *mtstate, ResultRelInfo *info)
{
	EState	   *estate = mtstate->ps.state;
	Index		rtindex = info->ri_RangeTableIndex ? info->ri_RangeTableIndex :
	mtstate->rootResultRelInfo->ri_RangeTableIndex;
	RangeTblEntry *rte = exec_rt_fetch(rtindex, estate);
	ModifyTable *plan = (ModifyTable *) mtstate->ps.plan;
	ModifyState *state;

	if (plan && plan->onConflictAction != ONCONFLICT_NONE &&
		plan->onConflictAction != ONCONFLICT_NOTHING)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot route rows into foreign table \"%s\" with ON CONFLICT DO UPDATE",
						RelationGetRelationName(info->ri_RelationDesc))));
	if (plan && plan->operation == CMD_UPDATE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot move rows into foreign table \"%s\" by UPDATE",
						RelationGetRelationName(info->ri_RelationDesc))));

	state = create_state(info->ri_RelationDesc,
						 TRIGGER_RESULT_USER(info, estate, rte), CMD_INSERT);
	state->modify.do_nothing = plan && plan->onConflictAction == ONCONFLICT_NOTHING;
	state->modify.reread = info->ri_projectReturning != NULL;
	state->check_values = true;
	state->writer->check_target(&state->modify, CMD_INSERT);
	if (rte->relid == state->modify.rel->relid)
		check_columns(state->modify.rel, state->writer, CMD_INSERT,
					  attribute_list(TRIGGER_EXEC_INSERTED_COLUMNS(estate, rte)));

	info->ri_FdwState = state;

	/* COPY has no plan, and nobody looks at its rows one by one */
	if (plan == NULL && trigger_batch_size(info) > 1)
	{
		state->collect = true;
		state->collected = palloc0(state->writer->batch_size *
								   sizeof(TupleTableSlot *));
	}
}

/*
 * EndForeignInsert.
 */
static void
trigger_end_insert(EState *estate, ResultRelInfo *info)
{
	ModifyState *state = (ModifyState *) info->ri_FdwState;

	if (state && state->collect)
		flush_collected(state);
	trigger_end_modify(estate, info);
}

/*
 * BeginDirectModify.
 */
static void
trigger_begin_direct_modify(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState	   *estate = node->ss.ps.state;
	RangeTblEntry *rte = exec_rt_fetch(plan->resultRelation, estate);
	ModifyState *state;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	state = create_state(node->resultRelInfo->ri_RelationDesc,
						 TRIGGER_RESULT_USER(node->resultRelInfo, estate, rte),
						 CMD_INSERT);
	read_private(state, plan->fdw_private);
	state->writer->check_target(&state->modify, CMD_INSERT);
	state->set_tag = list_nth_int(list_nth(plan->fdw_private, ModifyPrivateFlags),
								  ModifyFlagSetTag);
	state->collected = palloc0(state->writer->batch_size * sizeof(TupleTableSlot *));
	node->fdw_state = state;
}

/*
 * Read the next rows and write them.  False at the end.
 */
static bool
next_batch(ModifyState *state, PlanState *rows, TupleDesc desc)
{
	int			n = 0;

	state->delivered = 0;
	while (n < state->writer->batch_size)
	{
		TupleTableSlot *row = ExecProcNode(rows);
		TupleTableSlot *copy = state->collected[n];

		if (TupIsNull(row))
			break;
		if (copy == NULL)
		{
			MemoryContext old = MemoryContextSwitchTo(state->modify.context);

			copy = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
			state->collected[n] = copy;
			MemoryContextSwitchTo(old);
		}
		ExecClearTuple(copy);
		slot_getallattrs(row);
		memcpy(copy->tts_values, row->tts_values, desc->natts * sizeof(Datum));
		memcpy(copy->tts_isnull, row->tts_isnull, desc->natts * sizeof(bool));
		ExecStoreVirtualTuple(copy);
		ExecMaterializeSlot(copy);
		n++;
	}
	if (n == 0)
		return false;
	state->ncollected = insert_rows(state, state->collected, n);
	return true;
}

/*
 * IterateDirectModify: the next row that was written, for RETURNING.
 */
static TupleTableSlot *
trigger_iterate_direct_modify(ForeignScanState *node)
{
	ModifyState *state = (ModifyState *) node->fdw_state;
	ResultRelInfo *info = node->resultRelInfo;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	while (state->delivered >= state->ncollected)
	{
		if (!next_batch(state, outerPlanState(node),
						RelationGetDescr(info->ri_RelationDesc)))
			return ExecClearTuple(slot);
	}
	info->ri_projectReturning->pi_exprContext->ecxt_scantuple =
		state->collected[state->delivered++];
	if (state->set_tag)
		node->ss.ps.state->es_processed++;
	return ExecStoreAllNullTuple(slot);
}

/*
 * EndDirectModify.
 */
static void
trigger_end_direct_modify(ForeignScanState *node)
{
	ModifyState *state = (ModifyState *) node->fdw_state;

	if (state)
		free_state(state);
}

/*
 * Enter everything above into the table of callbacks.
 */
void
trigger_set_modify_callbacks(FdwRoutine *routine)
{
	routine->AddForeignUpdateTargets = trigger_add_update_targets;
	routine->PlanForeignModify = trigger_plan_modify;
	routine->BeginForeignModify = trigger_begin_modify;
	routine->ExecForeignInsert = trigger_insert_row;
	routine->ExecForeignBatchInsert = trigger_insert_batch;
	routine->GetForeignModifyBatchSize = trigger_batch_size;
	routine->ExecForeignUpdate = trigger_update_row;
	routine->ExecForeignDelete = trigger_delete_row;
	routine->EndForeignModify = trigger_end_modify;
	routine->BeginForeignInsert = trigger_begin_insert;
	routine->EndForeignInsert = trigger_end_insert;
	routine->IsForeignRelUpdatable = trigger_is_updatable;
	routine->PlanDirectModify = trigger_plan_direct_modify;
	routine->BeginDirectModify = trigger_begin_direct_modify;
	routine->IterateDirectModify = trigger_iterate_direct_modify;
	routine->EndDirectModify = trigger_end_direct_modify;
}
