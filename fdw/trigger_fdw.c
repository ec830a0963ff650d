/*-------------------------------------------------------------------------
 *
 * trigger_fdw.c
 *		Entry points of the extension.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "async.h"
#include "explain.h"
#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "import.h"
#include "lookup.h"
#include "modify.h"
#include "optimizer/paths.h"
#include "option.h"
#include "parser/parsetree.h"
#include "plan.h"
#include "scan.h"
#include "trql_plan.h"
#include "trql_scan.h"
#include "trql_table.h"
#include "utils/guc.h"
#include "utils/selfuncs.h"
#include "written.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(trigger_fdw_handler);

extern void _PG_init(void);

/* Of whoever was loaded before. */
static set_join_pathlist_hook_type next_join_pathlist_hook = NULL;
static get_relation_stats_hook_type next_relation_stats_hook = NULL;

/*
 * Tables of the two schemas are planned and read by different parts; which
 * one is asked is decided here and nowhere else.
 */
static void
get_rel_size(PlannerInfo *root, RelOptInfo *baserel, Oid relid)
{
	if (trql_is_query_table(relid))
		trql_get_rel_size(root, baserel, relid);
	else
		trigger_get_rel_size(root, baserel, relid);
}

/* GetForeignPaths */
static void
get_paths(PlannerInfo *root, RelOptInfo *baserel, Oid relid)
{
	if (trql_is_query_table(relid))
		trql_get_paths(root, baserel, relid);
	else
		trigger_get_paths(root, baserel, relid);
}

/*
 * Is this relation one of our tables, planned as such?  (It is not where it
 * has children, or where its conditions are known to be false.)
 */
static bool
is_our_table(PlannerInfo *root, const RelOptInfo *rel)
{
	return rel->reloptkind == RELOPT_BASEREL && rel->fdwroutine &&
		rel->fdwroutine->GetForeignPaths == get_paths &&
		rel->fdw_private && !planner_rt_fetch(rel->relid, root)->inh;
}

/*
 * set_join_pathlist_hook: joins of anything with one of our tables.  The
 * library is loaded by then, because the table's own paths came from it.
 */
static void
join_pathlist(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outerrel,
			  RelOptInfo *innerrel, JoinType jointype, JoinPathExtraData *extra)
{
	if (next_join_pathlist_hook)
		next_join_pathlist_hook(root, joinrel, outerrel, innerrel, jointype, extra);
	if (is_our_table(root, innerrel))
		trigger_add_lookup_joins(root, joinrel, outerrel, innerrel, jointype, extra,
								 trql_is_query_table(planner_rt_fetch(innerrel->relid,
																	  root)->relid) ?
								 &trql_lookups : &trigger_list_lookups);
}

/*
 * get_relation_stats_hook: there are no statistics of our tables, but some
 * columns are known to be different in each row.  (The tuple of statistics is
 * left to others.)
 */
static bool
relation_stats(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum,
			   VariableStatData *vardata)
{
	if (vardata->rel && is_our_table(root, vardata->rel))
		vardata->isunique |= trql_is_query_table(rte->relid) ?
			trql_is_unique(vardata->rel, attnum) : trigger_is_unique(vardata->rel, attnum);
	return next_relation_stats_hook &&
		next_relation_stats_hook(root, rte, attnum, vardata);
}

/*
 * Library load: only settings, and hooks of the planner.  libcurl is set up
 * by the first request; the library may be preloaded by the postmaster, and
 * many sessions never ask the API anything.
 */
void
_PG_init(void)
{
	trigger_define_settings();
	trigger_define_written_settings();
	trigger_define_lookup_settings();
	MarkGUCPrefixReserved("trigger_fdw");
	next_join_pathlist_hook = set_join_pathlist_hook;
	set_join_pathlist_hook = join_pathlist;
	next_relation_stats_hook = get_relation_stats_hook;
	get_relation_stats_hook = relation_stats;
}

/* GetForeignPlan; only queries have plans above a table */
static ForeignScan *
get_plan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *best_path,
		 List *tlist, List *scan_clauses, Plan *outer_plan)
{
	if (!OidIsValid(relid) || trql_is_query_table(relid))
		return trql_get_plan(root, rel, best_path, tlist, scan_clauses, outer_plan);
	return trigger_get_plan(root, rel, relid, best_path, tlist, scan_clauses,
							outer_plan);
}

/* GetForeignUpperPaths */
static void
get_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input_rel,
				RelOptInfo *output_rel, void *extra)
{
	if (IS_SIMPLE_REL(input_rel))
	{
		RangeTblEntry *rte = planner_rt_fetch(input_rel->relid, root);

		if (rte->rtekind != RTE_RELATION || !trql_is_query_table(rte->relid))
			return;
	}
	trql_get_upper_paths(root, stage, input_rel, output_rel, extra);
}

/*
 * Is this scan a query's?
 */
static bool
is_query(ForeignScanState *node)
{
	return trql_is_plan((ForeignScan *) node->ss.ps.plan);
}

/* BeginForeignScan */
static void
begin_scan(ForeignScanState *node, int eflags)
{
	if (is_query(node))
		trql_begin_scan(node, eflags);
	else
		trigger_begin_scan(node, eflags);
}

/* IterateForeignScan */
static TupleTableSlot *
iterate_scan(ForeignScanState *node)
{
	return is_query(node) ? trql_iterate_scan(node) : trigger_iterate_scan(node);
}

/* ReScanForeignScan */
static void
rescan(ForeignScanState *node)
{
	if (is_query(node))
		trql_rescan(node);
	else
		trigger_rescan(node);
}

/*
 * Hand over the keys, a text[] without nulls, of the executions from the next
 * rescan on.  The caller keeps them until it has read the last row.
 */
void
trigger_hand_over_keys(ForeignScanState *node, Datum keys)
{
	if (is_query(node))
		trql_scan_set_keys(node, keys);
	else
		trigger_scan_set_keys(node, keys);
}

/*
 * How many keys take no longer than one: those that may be under way, or
 * those of one query.
 */
int
trigger_keys_at_once(ForeignScanState *node)
{
	return is_query(node) ? TRIGGER_LOOKUP_MAX_KEYS : trigger_scan_concurrency(node);
}

/* EndForeignScan */
static void
end_scan(ForeignScanState *node)
{
	if (is_query(node))
		trql_end_scan(node);
	else
		trigger_end_scan(node);
}

/* ExplainForeignScan */
static void
explain_scan(ForeignScanState *node, ExplainState *es)
{
	if (is_query(node))
		trql_explain_scan(node, es);
	else
		trigger_explain_scan(node, es);
}

/*
 * The table of callbacks.
 */
Datum
trigger_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = get_rel_size;
	routine->GetForeignPaths = get_paths;
	routine->GetForeignPlan = get_plan;
	routine->GetForeignUpperPaths = get_upper_paths;
	routine->BeginForeignScan = begin_scan;
	routine->IterateForeignScan = iterate_scan;
	routine->ReScanForeignScan = rescan;
	routine->EndForeignScan = end_scan;
	routine->ExplainForeignScan = explain_scan;
	routine->ImportForeignSchema = trigger_import_schema;
	trigger_set_async_callbacks(routine);
	trigger_set_modify_callbacks(routine);

	PG_RETURN_POINTER(routine);
}
