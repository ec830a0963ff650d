/*-------------------------------------------------------------------------
 *
 * trql_upper.c
 *		Planning of what is above a scan: groups, DISTINCT, order, limit.
 *
 * Each step takes the query of the step below and adds to it.  A step is
 * taken only if everything below it is the API's work, and only if its result
 * is the same there.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_plan.h"

#include "catalog/pg_type.h"
#include "compat.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "plan.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/typcache.h"

/*
 * The query of a step as the next step's beginning.
 */
static TrqlRel *
continue_rel(const TrqlRel *input)
{
	TrqlRel    *rel = palloc(sizeof(TrqlRel));

	*rel = *input;
	rel->cx.values = list_copy(input->cx.values);
	rel->cx.kinds = list_copy(input->cx.kinds);
	rel->cx.bounds = list_copy(input->cx.bounds);
	rel->conditions = list_copy(input->conditions);
	rel->texts = list_copy(input->texts);
	rel->names = list_copy(input->names);
	rel->labels = list_copy(input->labels);
	rel->fields = list_copy(input->fields);
	rel->columns = list_copy(input->columns);
	rel->tlist = list_copy(input->tlist);
	return rel;
}

/*
 * Add what a result's expression is computed from: aggregates and keys of the
 * groups, or columns.
 */
static bool
add_parts(Node *node, TrqlRel *rel)
{
	if (node == NULL || list_member(rel->keys, node))
		return false;
	if (IsA(node, Aggref))
		return !trql_add_expression(rel, node);
	if (IsA(node, Var) && !rel->grouped)
	{
		Var		   *var = (Var *) node;
		const TrqlColumn *column = var->varno == rel->base->relid &&
			var->varlevelsup == 0 ? trql_table_column(rel->table, var->varattno) : NULL;

		if (column == NULL)
			return true;
		if (!list_member(rel->tlist, node))
		{
			int			field = trql_add_column(rel, column);

			rel->columns = lappend_int(rel->columns, field);
			rel->tlist = lappend(rel->tlist, node);
		}
		return false;
	}
	if (IsA(node, Var) || IsA(node, PlaceHolderVar) || IsA(node, GroupingFunc) ||
		IsA(node, WindowFunc))
		return true;
	return expression_tree_walker(node, add_parts, rel);
}

/*
 * The same, said the right way round: can it be computed?
 */
static bool
add_result(TrqlRel *rel, Node *node)
{
	return !add_parts(node, rel);
}

/*
 * Does an expression depend on the table's rows?
 */
static bool
depends(const TrqlRel *rel, Node *node)
{
	return bms_is_member(rel->base->relid, pull_varnos(rel->cx.root, node));
}

/*
 * Add the keys of GROUP BY: the target's expressions that a clause refers to.
 */
static bool
add_group_keys(TrqlRel *rel, Query *parse, PathTarget *target)
{
	ListCell   *cell;
	int			i = 0;

	foreach(cell, target->exprs)
	{
		Index		ref = get_pathtarget_sortgroupref(target, i++);

		if (ref && get_sortgroupref_clause_noerr(ref, parse->groupClause) &&
			depends(rel, lfirst(cell)) && !trql_add_key(rel, lfirst(cell)))
			return false;
	}
	return true;
}

/*
 * Does an expression of the groups need a key that has another value there
 * than the column that it is made from?  Such a key is known by its name
 * only: what is shown in other words, and floats, of which -0 is 0.
 */
static bool
needs_made_key(Node *node, TrqlRel *rel)
{
	if (node == NULL || IsA(node, Aggref))
		return false;
	if (list_member(rel->keys, node))
	{
		Var		   *var = (Var *) node;
		const TrqlColumn *column = IsA(var, Var) ?
			trql_table_column(rel->table, var->varattno) : NULL;

		return exprType(node) == FLOAT8OID || (column && column->special != TRQL_PLAIN);
	}
	return expression_tree_walker(node, needs_made_key, rel);
}

/*
 * Sort the conditions on groups.
 */
static void
classify_having(TrqlRel *rel, List *having)
{
	ListCell   *cell;

	foreach(cell, having)
	{
		char	   *text;

		if (!needs_made_key(lfirst(cell), rel) &&
			trql_deparse_condition(&rel->cx, lfirst(cell), &text))
			rel->having = lappend(rel->having, text);
		else
			rel->local = lappend(rel->local, lfirst(cell));
	}
}

/*
 * A path of one request.
 */
static void
add_upper_path(PlannerInfo *root, RelOptInfo *output_rel, PathTarget *target,
			   double rows, List *pathkeys, Cost startup)
{
	Cost		total = startup + rows * TRIGGER_ROW_COST + target->cost.startup +
		rows * target->cost.per_tuple;

	add_path(output_rel, (Path *)
			 TRIGGER_UPPER_PATH(root, output_rel, target, rows, startup, total,
								pathkeys, TRQL_PATH_PRIVATE));
}

/*
 * GROUP BY, and aggregates without it.
 */
static void
add_grouping(PlannerInfo *root, const TrqlRel *input, RelOptInfo *output_rel,
			 GroupPathExtraData *extra)
{
	Query	   *parse = root->parse;
	PathTarget *target = output_rel->reltarget;
	TrqlRel    *rel = continue_rel(input);
	double		rows = 1;
	ListCell   *cell;

	if (parse->groupingSets || parse->hasTargetSRFs)
		return;
	rel->grouped = true;
	if (!add_group_keys(rel, parse, target))
		return;

	/* groups by constants only are none there */
	if (parse->groupClause && rel->keys == NIL)
		return;
	foreach(cell, target->exprs)
	{
		if (!add_result(rel, lfirst(cell)))
			return;
	}
	classify_having(rel, (List *) extra->havingQual);
	foreach(cell, rel->local)
	{
		if (!add_result(rel, lfirst(cell)))
			return;
	}

	/* without a key it takes an aggregate to have one row */
	if (rel->tlist == NIL)
		return;
	if (rel->keys)
		rows = estimate_num_groups(root, rel->keys, input->base->rows, NULL, NULL);
	output_rel->fdw_private = rel;
	add_upper_path(root, output_rel, target, rows, NIL, TRIGGER_REQUEST_COST);
}

/*
 * SELECT DISTINCT.
 */
static void
add_distinct(PlannerInfo *root, const TrqlRel *input, RelOptInfo *output_rel)
{
	PathTarget *target = root->upper_targets[UPPERREL_DISTINCT];
	TrqlRel    *rel = continue_rel(input);
	double		rows;
	ListCell   *cell;

	if (root->parse->hasDistinctOn || root->parse->hasTargetSRFs || input->grouped ||
		target == NULL)
		return;
	rel->grouped = true;
	foreach(cell, target->exprs)
	{
		if (depends(rel, lfirst(cell)) && !trql_add_key(rel, lfirst(cell)))
			return;
	}
	if (rel->keys == NIL)
		return;
	rows = estimate_num_groups(root, rel->keys, input->base->rows, NULL, NULL);
	output_rel->fdw_private = rel;
	add_upper_path(root, output_rel, target, rows, NIL, TRIGGER_REQUEST_COST);
}

/*
 * If a sort key is a key of the groups, use the name that it is selected as.
 */
static char *
name_key(const TrqlRel *rel, Node *node, char *order)
{
	ListCell   *key;
	ListCell   *text;
	ListCell   *value;

	forthree(key, rel->keys, text, rel->key_texts, value, rel->key_values)
	{
		StringInfoData buf;
		const char *from = lfirst(text);
		char	   *at;

		if (!equal(lfirst(key), node))
			continue;
		initStringInfo(&buf);
		while ((at = strstr(order, from)) != NULL)
		{
			appendBinaryStringInfo(&buf, order, at - order);
			appendStringInfoString(&buf, lfirst(value));
			order = at + strlen(from);
		}
		appendStringInfoString(&buf, order);
		return buf.data;
	}
	return order;
}

/*
 * Add a key of ORDER BY.
 */
static bool
add_sort_key(TrqlRel *rel, SortGroupClause *clause, List *tlist, StringInfo order)
{
	Node	   *node = get_sortgroupclause_expr(clause, tlist);
	TypeCacheEntry *type = lookup_type_cache(exprType(node),
											 TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
	char	   *text;

	/* what is the same for all rows does not sort them */
	if (!depends(rel, node) && !contain_agg_clause(node) &&
		!contain_volatile_functions(node))
		return true;
	if (!list_member(rel->keys, node) && needs_made_key(node, rel))
		return false;
	if ((clause->sortop != type->lt_opr && clause->sortop != type->gt_opr) ||
		!trql_deparse_order(&rel->cx, node, exprCollation(node),
							clause->sortop == type->gt_opr, clause->nulls_first, &text))
		return false;
	appendStringInfo(order, "%s%s", order->len ? ", " : "",
					 name_key(rel, node, text));
	return true;
}

/*
 * ORDER BY.  There is a path only for groups: as many rows as the API sorts
 * are not an answer if they are all that there is, and of a table's rows
 * that is known only with a LIMIT.
 */
static void
add_order(PlannerInfo *root, const TrqlRel *input, RelOptInfo *input_rel,
		  RelOptInfo *output_rel)
{
	TrqlRel    *rel = continue_rel(input);
	PathTarget *target = root->upper_targets[UPPERREL_FINAL];
	StringInfoData order;
	ListCell   *cell;

	if (root->parse->hasTargetSRFs || target == NULL)
		return;
	initStringInfo(&order);
	foreach(cell, root->parse->sortClause)
	{
		if (!add_sort_key(rel, lfirst_node(SortGroupClause, cell),
						  root->processed_tlist, &order))
			return;
	}
	rel->order = order.data;
	foreach(cell, target->exprs)
	{
		if (!add_result(rel, lfirst(cell)))
			return;
	}
	output_rel->fdw_private = rel;
	if (rel->grouped)
		add_upper_path(root, output_rel, target, input_rel->rows > 0 ?
					   input_rel->rows : input_rel->cheapest_total_path->rows,
					   root->sort_pathkeys, TRIGGER_REQUEST_COST);
}

/*
 * A LIMIT's or OFFSET's value, -1 if it is not a constant.
 */
static int64
constant_count(Node *node)
{
	Const	   *constant = (Const *) node;

	if (node == NULL)
		return 0;
	if (!IsA(constant, Const) || constant->constisnull)
		return -1;
	return DatumGetInt64(constant->constvalue);
}

/*
 * LIMIT and OFFSET.
 */
static void
add_limit(PlannerInfo *root, const TrqlRel *input, RelOptInfo *input_rel,
		  RelOptInfo *output_rel, FinalPathExtraData *extra)
{
	Query	   *parse = root->parse;
	PathTarget *target = root->upper_targets[UPPERREL_FINAL];
	TrqlRel    *rel = continue_rel(input);
	int64		limit = constant_count(parse->limitCount);
	int64		offset = constant_count(parse->limitOffset);
	double		rows = limit;
	ListCell   *cell;

	if (parse->commandType != CMD_SELECT || parse->rowMarks || parse->hasTargetSRFs ||
		!extra->limit_needed || parse->limitCount == NULL ||
		parse->limitOption != LIMIT_OPTION_COUNT || limit < 0 || offset < 0 ||
		limit >= TRQL_MAX_ROWS || offset > PG_INT32_MAX || target == NULL)
		return;

	/* rows in any order are read page by page, as far as they are wanted */
	if (!rel->grouped && rel->order == NULL)
		return;
	if (parse->sortClause && rel->order == NULL)
		return;
	rel->limit = (int) limit;
	rel->offset = (int) offset;
	foreach(cell, target->exprs)
	{
		if (!add_result(rel, lfirst(cell)))
			return;
	}
	output_rel->fdw_private = rel;

	/*
	 * Clearly less than a LIMIT above the same groups, which would not keep
	 * the answer below what the API cuts.
	 */
	if (input_rel->pathlist)
		rows = Min(rows, ((Path *) linitial(input_rel->pathlist))->rows);
	add_upper_path(root, output_rel, target, Max(rows, 1), root->sort_pathkeys,
				   TRIGGER_REQUEST_COST / 2);
}

/*
 * GetForeignUpperPaths.
 */
void
trql_get_upper_paths(PlannerInfo *root, UpperRelationKind stage,
					 RelOptInfo *input_rel, RelOptInfo *output_rel, void *extra)
{
	TrqlRel    *input = input_rel->fdw_private;

	/* conditions that are left to the executor come before all of this */
	if (input == NULL || input->local != NIL || output_rel->fdw_private ||
		(IS_SIMPLE_REL(input_rel) && input_rel->reloptkind != RELOPT_BASEREL) ||
		(input_rel->lateral_relids && !bms_is_empty(input_rel->lateral_relids)))
		return;
	switch (stage)
	{
		case UPPERREL_GROUP_AGG:
			add_grouping(root, input, output_rel, extra);
			break;
		case UPPERREL_DISTINCT:
			add_distinct(root, input, output_rel);
			break;
		case UPPERREL_ORDERED:
			add_order(root, input, input_rel, output_rel);
			break;
		case UPPERREL_FINAL:
			add_limit(root, input, input_rel, output_rel, extra);
			break;
		default:
			break;
	}
}
