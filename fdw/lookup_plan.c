/*-------------------------------------------------------------------------
 *
 * lookup_plan.c
 *		Planning of joins that look up many keys at once.
 *
 * Such a join does what a nested loop with a parameterized inner scan does:
 * same kinds of join, same order of rows.  What it costs is its requests, and
 * those wait together.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "lookup.h"

#include <limits.h>

#include "compat.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/guc.h"
#include "utils/selfuncs.h"

/* Setting trigger_fdw.enable_batched_lookups. */
static bool enable_batched_lookups = true;

/* Members of CustomPath.custom_private. */
enum LookupPathPrivate
{
	PathJoinType,				/* integer list of one */
	PathKeyValue,					/* Expr */
	PathKeyClause,				/* RestrictInfo */
	PathJoinClauses				/* list of the other RestrictInfos */
};

/* What the paths of one pair of relations share. */
typedef struct LookupJoin
{
	const TriggerLookupTable *table;	/* of the inner relation */
	PlannerInfo *root;
	RelOptInfo *joinrel;
	RelOptInfo *innerrel;
	JoinType	jointype;
	RestrictInfo *clause;		/* compares the key */
	Expr	   *key;			/* with this */
	int			number;			/* of the key */
	List	   *others;			/* the other RestrictInfos */
} LookupJoin;

/*
 * The kind of join that is executed; JOIN_FULL if this node cannot do it.
 */
static JoinType
executed_jointype(JoinType jointype)
{
	switch (jointype)
	{
		case JOIN_INNER:
		case JOIN_UNIQUE_OUTER:
			return JOIN_INNER;
		case JOIN_LEFT:
		case JOIN_SEMI:
		case JOIN_ANTI:
			return jointype;
		default:
			return JOIN_FULL;
	}
}

/*
 * Can rows of this query be read ahead and matched later?  Rows that are
 * locked or changed may have to be joined a second time, by themselves.
 */
static bool
is_plain_query(PlannerInfo *root)
{
	Query	   *query = root->parse;

	return root->rowMarks == NIL && !TRIGGER_HAS_OUTER_JOINS(root) &&
		(query->commandType == CMD_SELECT || query->commandType == CMD_INSERT);
}

/*
 * Find the condition that compares a key with the outer rows, in
 * "restrictlist"; false if there is none.  Values that are sent must not be
 * those of rows that a security barrier hides.
 */
static bool
find_key(LookupJoin *join, RelOptInfo *outerrel, List *restrictlist)
{
	ListCell   *cell;

	foreach(cell, restrictlist)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		Relids		relids;

		if (rinfo->pseudoconstant)
			return false;
		if (join->clause != NULL ||
			(IS_OUTER_JOIN(join->jointype) &&
			 RINFO_IS_PUSHED_DOWN(rinfo, join->joinrel->relids)) ||
			!restriction_is_securely_promotable(rinfo, join->innerrel))
			continue;
		join->number = join->table->key_number(join->root, join->innerrel,
											   rinfo->clause, &join->key);
		if (join->number < 0)
			continue;
		relids = pull_varnos(join->root, (Node *) join->key);
		if (!bms_is_empty(relids) && bms_is_subset(relids, outerrel->relids))
			join->clause = rinfo;
	}
	if (join->clause == NULL)
		return false;

	foreach(cell, restrictlist)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);

		if (rinfo == join->clause)
			continue;
		if (rinfo->security_level < join->clause->security_level &&
			!join->clause->leakproof)
			return false;
		join->others = lappend(join->others, rinfo);
	}
	return true;
}

/*
 * Keys that the outer rows of a path will have.
 */
static double
estimate_keys(const LookupJoin *join, double outer_rows)
{
	return estimate_num_groups(join->root, list_make1(join->key), outer_rows,
							   NULL, NULL);
}

static Plan *plan_lookup_join(PlannerInfo *root, RelOptInfo *rel,
							  CustomPath *best_path, List *tlist, List *clauses,
							  List *custom_plans);

static const CustomPathMethods path_methods = {
	.CustomName = TRIGGER_LOOKUP_NAME,
	.PlanCustomPath = plan_lookup_join,
};

/*
 * Add the path that joins the rows of "outer" with what they name.
 */
static void
add_join_path(const LookupJoin *join, Path *outer)
{
	RelOptInfo *joinrel = join->joinrel;
	ForeignPath *inner = join->table->keyed_path(join->root, join->innerrel, join->number,
												 estimate_keys(join, outer->rows));
	CustomPath *path = makeNode(CustomPath);
	QualCost	quals;
	Cost		run;

	cost_qual_eval(&quals, join->others, join->root);
	path->path.pathtype = T_CustomScan;
	path->path.parent = joinrel;
	path->path.pathtarget = joinrel->reltarget;
	path->path.rows = joinrel->rows;
	path->path.pathkeys = build_join_pathkeys(join->root, joinrel, join->jointype,
											  outer->pathkeys);
	TRIGGER_PATH_DISABLED_AS(path->path, *outer);
	path->path.startup_cost = outer->startup_cost + inner->path.startup_cost +
		quals.startup + joinrel->reltarget->cost.startup;

	/*
	 * The key of an outer row is looked for, and about one row is found.  (How
	 * many rows the join has, is a guess that knows nothing of keys; nested
	 * loops do not take it into account either.)  For a single row that must
	 * not be more than a nested loop, which would be so much worse if there
	 * were more rows than the planner thinks.
	 */
	run = outer->total_cost - outer->startup_cost;
	run += inner->path.total_cost - inner->path.startup_cost;
	run += outer->rows * (2 * cpu_operator_cost + quals.per_tuple);
	run += joinrel->rows * joinrel->reltarget->cost.per_tuple;
	path->path.total_cost = path->path.startup_cost + run;

	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make2(outer, inner);
	path->custom_private = list_make4(list_make1_int(join->jointype), join->key,
									  join->clause, join->others);
	path->methods = &path_methods;
	add_path(joinrel, (Path *) path);
}

/*
 * Add the paths of a join whose inner side is one of our tables, where it can
 * be looked up by a key that the outer side has.
 */
void
trigger_add_lookup_joins(PlannerInfo *root, RelOptInfo *joinrel,
						 RelOptInfo *outerrel, RelOptInfo *innerrel,
						 JoinType jointype, JoinPathExtraData *extra,
						 const TriggerLookupTable *table)
{
	LookupJoin	join = {
		.table = table,
		.root = root,
		.joinrel = joinrel,
		.innerrel = innerrel,
		.jointype = executed_jointype(jointype),
	};
	ListCell   *cell;

	if (!enable_batched_lookups || join.jointype == JOIN_FULL ||
		!is_plain_query(root) || !bms_is_empty(joinrel->lateral_relids) ||
		!table->takes_keys(root, innerrel, extra->restrictlist) ||
		!find_key(&join, outerrel, extra->restrictlist))
		return;

	if (jointype == JOIN_UNIQUE_OUTER)
	{
		Path	   *cheapest = outerrel->cheapest_total_path;
		Path	   *outer = NULL;

		if (PATH_REQ_OUTER(cheapest) == NULL)
			outer = (Path *) create_unique_path(root, outerrel, cheapest,
												extra->sjinfo);
		if (outer)
			add_join_path(&join, outer);
		return;
	}
	foreach(cell, outerrel->pathlist)
	{
		Path	   *outer = (Path *) lfirst(cell);

		if (PATH_REQ_OUTER(outer) == NULL)
			add_join_path(&join, outer);
	}
}

/*
 * Conditions in the order in which they may be checked: those of a security
 * barrier first.  Within a level they stay as they are.
 */
static List *
order_by_security(List *clauses)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		int			i = list_length(result);

		while (i > 0 && list_nth_node(RestrictInfo, result, i - 1)->security_level >
			   rinfo->security_level)
			i--;
		result = list_insert_nth(result, i, rinfo);
	}
	return result;
}

/*
 * Keys of the first batch: as many as there may be requests under way (0) if
 * all rows will be read, else no more than a nested loop would look up.
 */
static int
first_batch(PlannerInfo *root, RelOptInfo *joinrel, const Path *path)
{
	Query	   *query = root->parse;
	bool		top = bms_is_subset(root->all_baserels, joinrel->relids);
	int			ordered;

	if (query->hasAggs || query->groupClause || query->groupingSets ||
		query->hasWindowFuncs)
		return 0;
	if (query->limitCount == NULL && root->tuple_fraction <= 0)
		return 0;
	if (!top)
		return 1;
	if (root->query_pathkeys != NIL &&
		!pathkeys_count_contained_in(root->query_pathkeys, path->pathkeys, &ordered) &&
		ordered == 0)
		return 0;				/* they are going to be sorted */
	if (query->distinctClause || query->hasTargetSRFs ||
		root->limit_tuples < 1 || root->limit_tuples > INT_MAX)
		return 1;
	return (int) root->limit_tuples;
}

/*
 * The column of the scan's rows that has the key.
 */
static int
find_key_column(PlannerInfo *root, RelOptInfo *innerrel, const Plan *inner,
				Expr *clause)
{
	ListCell   *cell;

	foreach(cell, inner->targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, cell);
		List	   *vars = pull_var_clause((Node *) clause,
										   PVC_RECURSE_PLACEHOLDERS);
		ListCell   *var;

		foreach(var, vars)
		{
			Var		   *one = (Var *) lfirst(var);

			if (one->varno == innerrel->relid && IsA(tle->expr, Var) &&
				((Var *) tle->expr)->varno == one->varno &&
				((Var *) tle->expr)->varattno == one->varattno)
				return tle->resno;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg_internal("key of a look-up is not among the columns of its scan")));
}

/*
 * Rows of both sides, next to each other: what expressions refer to.
 */
static List *
joined_columns(const Plan *outer, const Plan *inner)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, list_concat_copy(outer->targetlist, inner->targetlist))
	{
		TargetEntry *tle = lfirst_node(TargetEntry, cell);

		result = lappend(result,
						 makeTargetEntry(copyObject(tle->expr),
										 list_length(result) + 1, NULL, false));
	}
	return result;
}

/*
 * PlanCustomPath: write down what the executor needs.
 */
static Plan *
plan_lookup_join(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
				 List *tlist, List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	JoinType	jointype =
		(JoinType) linitial_int(list_nth(best_path->custom_private, PathJoinType));
	RestrictInfo *clause = list_nth_node(RestrictInfo, best_path->custom_private,
										 PathKeyClause);
	List	   *others = list_nth(best_path->custom_private, PathJoinClauses);
	Plan	   *outer = linitial(custom_plans);
	Plan	   *inner = lsecond(custom_plans);
	RelOptInfo *innerrel = ((Path *) lsecond(best_path->custom_paths))->parent;
	List	   *joinquals;
	List	   *quals = NIL;

	others = order_by_security(others);
	if (IS_OUTER_JOIN(jointype))
		extract_actual_join_clauses(others, rel->relids, &joinquals, &quals);
	else
		joinquals = extract_actual_clauses(others, false);

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = quals;
	scan->flags = best_path->flags;
	scan->custom_plans = custom_plans;
	scan->custom_exprs = list_make3(list_nth(best_path->custom_private, PathKeyValue),
									clause->clause, joinquals);
	scan->custom_private =
		list_make3_int(jointype,
					   find_key_column(root, innerrel, inner, clause->clause),
					   first_batch(root, rel, &best_path->path));
	scan->custom_scan_tlist = joined_columns(outer, inner);
	scan->methods = &trigger_lookup_scan_methods;
	return (Plan *) scan;
}

/*
 * Define the setting, and make plans known that were written down; from
 * _PG_init.
 */
void
trigger_define_lookup_settings(void)
{
	DefineCustomBoolVariable("trigger_fdw.enable_batched_lookups",
							 "Let joins look up the keys of many rows at once.",
							 NULL, &enable_batched_lookups, true, PGC_USERSET,
							 GUC_EXPLAIN, NULL, NULL, NULL);
	RegisterCustomScanMethods(&trigger_lookup_scan_methods);
}
