/*-------------------------------------------------------------------------
 *
 * trql_plan.c
 *		Planning of scans of query tables.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_plan.h"

#include <math.h>

#include "access/stratnum.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "plan.h"
#include "qual.h"
#include "utils/lsyscache.h"

/* Rows of a table that nobody has counted. */
#define DEFAULT_TUPLES		100000.0

/* Values of a column, likewise; the planner's own guess. */
#define DEFAULT_DISTINCT	200.0

/*
 * Is a path a query's?
 */
bool
trql_is_path(const ForeignPath *path)
{
	const List *private = path->fdw_private;

	return private != NIL && IsA(private, List) && IsA(linitial(private), String);
}

/*
 * Sort a condition into those of the API and those of the executor.
 */
static void
classify(TrqlRel *rel, Node *clause, bool *pushed)
{
	char	   *text;

	*pushed = trql_deparse_condition(&rel->cx, clause, &text);
	if (*pushed)
		rel->conditions = lappend(rel->conditions, text);
	(void) trql_deparse_bound(&rel->cx, clause);
}

/*
 * Begin a query of a table.
 */
static TrqlRel *
begin_rel(PlannerInfo *root, RelOptInfo *baserel, TrqlTable *table)
{
	TrqlRel    *rel = palloc0(sizeof(TrqlRel));

	rel->table = table;
	rel->base = baserel;
	rel->cx.root = root;
	rel->cx.rel = baserel;
	rel->cx.table = table;
	rel->limit = -1;
	return rel;
}

/*
 * GetForeignRelSize for query tables.
 */
void
trql_get_rel_size(PlannerInfo *root, RelOptInfo *baserel, Oid relid)
{
	TrqlRel    *rel = begin_rel(root, baserel, trql_table_open_by_id(relid));
	ListCell   *cell;

	baserel->fdw_private = rel;
	foreach(cell, baserel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		bool		pushed = false;

		if (!rinfo->pseudoconstant)
			classify(rel, (Node *) rinfo->clause, &pushed);
		if (!pushed)
			rel->local = lappend(rel->local, rinfo);
	}
	if (baserel->tuples <= 0)
		baserel->tuples = DEFAULT_TUPLES;
	rel->tuples = baserel->tuples;
	set_baserel_size_estimates(root, baserel);
}

/*
 * Cost of reading "rows" rows.
 */
static void
cost_scan(RelOptInfo *baserel, double rows, Cost *startup, Cost *total)
{
	double		pages = ceil(Max(rows, 1) / (TRQL_MAX_ROWS - 1));

	*startup = baserel->baserestrictcost.startup + TRIGGER_REQUEST_COST;
	*total = *startup + (pages - 1) * TRIGGER_REQUEST_COST +
		rows * (TRIGGER_ROW_COST + cpu_tuple_cost + baserel->baserestrictcost.per_tuple);
}

/*
 * Clauses that join the table with others.
 */
static List *
join_clauses(PlannerInfo *root, RelOptInfo *baserel, const TrqlTable *table)
{
	List	   *clauses = list_copy(baserel->joininfo);

	if (!baserel->has_eclass_joins)
		return clauses;
	for (AttrNumber attno = 1; attno <= table->natts; attno++)
		clauses = list_concat(clauses,
							  generate_implied_equalities_for_column(root, baserel,
																	 trigger_match_attribute,
																	 &attno,
																	 baserel->lateral_referencers));
	return clauses;
}

/*
 * Add a path that is driven by the rows of other tables, if the API can apply
 * one of their conditions.
 */
static void
add_lookup_path(PlannerInfo *root, RelOptInfo *baserel, Relids required_outer)
{
	TrqlRel    *scratch = begin_rel(root, baserel,
									((TrqlRel *) baserel->fdw_private)->table);
	ParamPathInfo *param_info = get_baserel_parampathinfo(root, baserel,
														  required_outer);
	bool		any = false;
	Cost		startup,
				total;
	ListCell   *cell;

	foreach(cell, param_info->ppi_clauses)
	{
		bool		pushed;

		classify(scratch, (Node *) lfirst_node(RestrictInfo, cell)->clause, &pushed);
		any = any || pushed;
	}
	if (!any)
		return;
	cost_scan(baserel, param_info->ppi_rows, &startup, &total);
	add_path(baserel, (Path *)
			 TRIGGER_FOREIGN_PATH(root, baserel, param_info->ppi_rows, startup, total,
								  NIL, required_outer, TRQL_PATH_PRIVATE));
}

/*
 * GetForeignPaths for query tables.
 */
void
trql_get_paths(PlannerInfo *root, RelOptInfo *baserel, Oid relid)
{
	TrqlRel    *rel = baserel->fdw_private;
	List	   *seen = NIL;
	Cost		startup,
				total;
	ListCell   *cell;

	cost_scan(baserel, baserel->rows, &startup, &total);
	add_path(baserel, (Path *)
			 TRIGGER_FOREIGN_PATH(root, baserel, baserel->rows, startup, total, NIL,
								  baserel->lateral_relids, TRQL_PATH_PRIVATE));

	foreach(cell, join_clauses(root, baserel, rel->table))
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		Relids		outer;
		ListCell   *other;
		bool		known = false;

		if (!join_clause_is_movable_to(rinfo, baserel))
			continue;
		outer = bms_union(rinfo->clause_relids, baserel->lateral_relids);
		outer = bms_del_member(outer, baserel->relid);
		foreach(other, seen)
			known = known || bms_equal(outer, (Relids) lfirst(other));
		if (known || bms_is_empty(outer))
			continue;
		seen = lappend(seen, outer);
		add_lookup_path(root, baserel, outer);
	}
}

/*
 * Has each row a value of its own in this column?
 */
bool
trql_is_unique(const RelOptInfo *baserel, AttrNumber attno)
{
	const TrqlTable *table = ((const TrqlRel *) baserel->fdw_private)->table;
	const TrqlColumn *column = trql_table_column(table, attno);

	return column && table->key_column && strcmp(column->name, table->key_column) == 0;
}

/*
 * The condition that a column has one of the values that a join hands over.
 */
static Node *
keyed_condition(RelOptInfo *baserel, int attno)
{
	ScalarArrayOpExpr *op = makeNode(ScalarArrayOpExpr);

	op->opno = get_opfamily_member(TEXT_BTREE_FAM_OID, TEXTOID, TEXTOID,
								   BTEqualStrategyNumber);
	op->opfuncid = get_opcode(op->opno);
	op->useOr = true;
	op->inputcollid = C_COLLATION_OID;
	op->args = list_make2(makeVar(baserel->relid, attno, TEXTOID, -1, C_COLLATION_OID, 0),
						  makeNullConst(TEXTARRAYOID, TRQL_KEYS_TYPMOD, C_COLLATION_OID));
	op->location = -1;
	return (Node *) op;
}

/*
 * Can a join hand over values?  What they find may be more rows than one
 * answer has, so it must be possible to read them in pages.
 */
static bool
takes_keys(PlannerInfo *root, RelOptInfo *baserel, List *clauses)
{
	TrqlRel    *rel = baserel->fdw_private;

	return rel->table->time_column != NULL && bms_is_empty(baserel->lateral_relids);
}

/*
 * The column of text that a condition compares by = with other tables' values,
 * if the API can do that with many of them at once; else -1.
 */
static int
key_column(PlannerInfo *root, RelOptInfo *baserel, Expr *clause, Expr **value)
{
	TrqlTable  *table = ((TrqlRel *) baserel->fdw_private)->table;
	OpExpr	   *op = (OpExpr *) clause;
	Node	   *side;
	Var		   *var;
	bool		pushed;

	/* the family compares text with "name", too, which is no text in memory */
	if (!IsA(op, OpExpr) || list_length(op->args) != 2 ||
		op->opno != get_opfamily_member(TEXT_BTREE_FAM_OID, TEXTOID, TEXTOID,
										BTEqualStrategyNumber) ||
		!trql_is_deterministic(op->inputcollid))
		return -1;
	side = trql_strip(linitial(op->args));
	*value = lsecond(op->args);
	if (!IsA(side, Var) || ((Var *) side)->varno != baserel->relid)
	{
		side = trql_strip(lsecond(op->args));
		*value = linitial(op->args);
	}
	var = (Var *) side;
	if (!IsA(var, Var) || var->varno != baserel->relid || var->varlevelsup != 0 ||
		trql_table_column(table, var->varattno) == NULL || var->vartype != TEXTOID ||
		!trql_is_value(&begin_rel(root, baserel, table)->cx, (Node *) *value))
		return -1;
	classify(begin_rel(root, baserel, table), keyed_condition(baserel, var->varattno),
			 &pushed);
	return pushed ? var->varattno : -1;
}

/*
 * The path of a scan that a join hands about "keys" values to.
 */
static ForeignPath *
keyed_path(PlannerInfo *root, RelOptInfo *baserel, int attno, double keys)
{
	TrqlRel    *rel = baserel->fdw_private;
	double		distinct = trql_is_unique(baserel, attno) ? rel->tuples : DEFAULT_DISTINCT;
	double		rows = clamp_row_est(Min(keys / distinct, 1) * baserel->rows);
	Cost		startup,
				total;

	cost_scan(baserel, rows, &startup, &total);
	total += (ceil(Max(keys, 1) / TRIGGER_LOOKUP_MAX_KEYS) - 1) * TRIGGER_REQUEST_COST;
	return TRIGGER_FOREIGN_PATH(root, baserel, rows, startup, total, NIL, NULL,
								lappend(TRQL_PATH_PRIVATE, makeInteger(attno)));
}

/* Look-ups in query tables. */
const TriggerLookupTable trql_lookups = {
	.takes_keys = takes_keys,
	.key_number = key_column,
	.keyed_path = keyed_path,
};

/*
 * Rows that the query will ask this scan for at most, 0 if unknown.  A hint
 * for the first page, never a truncation.
 */
static int
limit_hint(PlannerInfo *root, RelOptInfo *baserel, bool local)
{
	Query	   *query = root->parse;
	double		limit = root->limit_tuples;

	if (limit < 1 && root->tuple_fraction >= 1 && !query->hasAggs &&
		!query->groupClause && !query->groupingSets && !query->distinctClause &&
		!query->hasWindowFuncs && !query->hasTargetSRFs)
		limit = root->tuple_fraction;
	if (limit < 1 || limit >= TRQL_MAX_ROWS || local ||
		root->query_pathkeys != NIL ||
		!bms_equal(root->all_baserels, baserel->relids))
		return 0;
	return (int) limit;
}

/*
 * The plan of a scan: its conditions are written anew, because some of a
 * path's may come from a join.
 */
static ForeignScan *
plan_scan(PlannerInfo *root, RelOptInfo *baserel, const ForeignPath *path,
		  List *tlist, List *scan_clauses, Plan *outer_plan)
{
	TrqlRel    *rel = begin_rel(root, baserel,
								((TrqlRel *) baserel->fdw_private)->table);
	List	   *local = NIL;
	Bitmapset  *used;
	ListCell   *cell;

	foreach(cell, extract_actual_clauses(scan_clauses, false))
	{
		bool		pushed;

		classify(rel, lfirst(cell), &pushed);
		if (!pushed)
			local = lappend(local, lfirst(cell));
	}
	if (list_length(path->fdw_private) > 1)
	{
		bool		pushed;

		rel->keyed = intVal(lsecond(path->fdw_private));
		classify(rel, keyed_condition(baserel, rel->keyed), &pushed);
	}
	used = trigger_qual_attributes(baserel, (Node *) baserel->reltarget->exprs);
	used = bms_add_members(used, trigger_qual_attributes(baserel, (Node *) local));
	for (int attno = 1; attno <= rel->table->natts; attno++)
	{
		const TrqlColumn *column = trql_table_column(rel->table, attno);
		int			field = -1;

		if (column && (bms_is_member(0, used) || bms_is_member(attno, used)))
			field = trql_add_column(rel, column);
		rel->columns = lappend_int(rel->columns, field);
	}
	return trql_make_plan(rel, tlist, local, baserel->relid,
						  limit_hint(root, baserel, local != NIL), outer_plan);
}

/*
 * GetForeignPlan for query tables, and for what is above them.
 */
ForeignScan *
trql_get_plan(PlannerInfo *root, RelOptInfo *rel, ForeignPath *best_path,
			  List *tlist, List *scan_clauses, Plan *outer_plan)
{
	TrqlRel    *query = rel->fdw_private;

	if (IS_SIMPLE_REL(rel))
		return plan_scan(root, rel, best_path, tlist, scan_clauses, outer_plan);
	return trql_make_plan(query, tlist, query->local, 0, 0, outer_plan);
}
