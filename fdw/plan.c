/*-------------------------------------------------------------------------
 *
 * plan.c
 *		Planning of scans: sizes, paths, and the plan's private lists.
 *
 * No request is made here.  Sizes come from constants per resource (or from
 * pg_class, if somebody has set them there) and PostgreSQL's own
 * selectivities; what decides between plans is the number of requests, which
 * costs thousands of times more than a row.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "plan.h"

#include <limits.h>
#include <math.h>

#include "access/table.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "nodes/makefuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "option.h"
#include "qual.h"
#include "relation.h"
#include "scanspec.h"
#include "utils/selfuncs.h"

/*
 * A plan that can only fail is made this unattractive: clearly more so than
 * one with a join method that was switched off.
 */
#define IMPOSSIBLE_COST		1.0e12

/* What the callbacks of one table share. */
typedef struct PlanInfo
{
	TriggerRelation *rel;
	List	   *pushed;			/* RestrictInfos that the API can apply */
	List	   *local;			/* the others */
	Bitmapset  *used;			/* attributes that the query needs */
	bool		details;		/* LIST_ITEM: rows must be retrieved */
	int			required;		/* attribute that a join must fix, 0: none */
	double		tuples;			/* rows that the API has */
} PlanInfo;

/*
 * Members of ForeignPath.fdw_private, an integer list; what is not there is 0.
 */
enum PathNumber
{
	PathImpossible,				/* attribute that should have been fixed */
	PathKeyed					/* filter whose values a join hands over, + 1 */
};

/*
 * A number that a path carries.
 */
static int
path_number(const ForeignPath *path, enum PathNumber which)
{
	return (int) which < list_length(path->fdw_private) ?
		list_nth_int(path->fdw_private, which) : 0;
}

/*
 * Does a condition keep a scan from looking its rows up?  The list can check
 * it, and the endpoint of one row neither checks nor shows the column.
 */
static bool
needs_list(const TriggerRelation *rel, const TriggerCondition *condition)
{
	return rel->resource->access == TRIGGER_ACCESS_LIST_ITEM &&
		trigger_qual_only_remote(rel, condition);
}

/*
 * Number of keys that a list of clauses fixes; 0 if they fix none, or if it is
 * of no use.
 */
static double
count_keys(PlannerInfo *root, RelOptInfo *baserel, TriggerRelation *rel,
		   List *clauses)
{
	double		keys = 0;
	ListCell   *cell;

	foreach(cell, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		TriggerCondition *condition = trigger_qual_match(root, baserel, rel,
														 rinfo->clause);
		double		n = 1;

		if (condition && needs_list(rel, condition))
			return 0;
		if (condition == NULL ||
			rel->resource->filters[condition->filter].kind != TRIGGER_FILTER_KEY)
			continue;
		if (condition->op == TRIGGER_OP_ANY)
			n = TRIGGER_ARRAY_LENGTH(root, (Node *) condition->value);
		keys = keys == 0 ? n : Min(keys, n);
	}
	return keys;
}

/*
 * How often a look-up of "keys" keys waits for answers.
 */
static double
lookup_waits(const TriggerResource *resource, double keys)
{
	return ceil(keys / TRIGGER_DEFAULT_CONCURRENCY) *
		(resource->access == TRIGGER_ACCESS_ITEM_LIST ? 2 : 1);
}

/*
 * Cost of a scan whose API-side conditions are "pushed".
 */
static void
cost_scan(PlannerInfo *root, RelOptInfo *baserel, PlanInfo *info,
		  List *pushed, double rows, Cost *startup, Cost *total)
{
	const TriggerResource *resource = info->rel->resource;
	double		keys = count_keys(root, baserel, info->rel, pushed);
	double		fetched;
	double		waits;
	Cost		cpu;

	if (keys > 0)
	{
		fetched = keys;
		waits = lookup_waits(resource, keys);
	}
	else
	{
		fetched = info->tuples *
			clauselist_selectivity(root, pushed, baserel->relid, JOIN_INNER, NULL);
		fetched = clamp_row_est(fetched);
		waits = resource->lists[0]->paging == TRIGGER_PAGING_NONE ? 1 :
			ceil(fetched / TRIGGER_DEFAULT_PAGE_SIZE);
		if (info->details)
			waits += ceil(fetched / TRIGGER_DEFAULT_CONCURRENCY);
	}

	cpu = cpu_tuple_cost + baserel->baserestrictcost.per_tuple;
	*startup = baserel->baserestrictcost.startup + TRIGGER_REQUEST_COST;
	*total = *startup + (waits - 1) * TRIGGER_REQUEST_COST + fetched * (TRIGGER_ROW_COST + cpu);
}

/*
 * Callback of generate_implied_equalities_for_column(): is a member of an
 * equivalence class this attribute?
 */
bool
trigger_match_attribute(PlannerInfo *root, RelOptInfo *baserel,
					   EquivalenceClass *ec, EquivalenceMember *em, void *arg)
{
	Var		   *var = (Var *) em->em_expr;

	while (var && IsA(var, RelabelType))
		var = (Var *) ((RelabelType *) var)->arg;
	return var && IsA(var, Var) && var->varno == baserel->relid &&
		var->varattno == *(AttrNumber *) arg;
}

/*
 * The same: does it at least use the attribute?
 */
static bool
uses_attribute_member(PlannerInfo *root, RelOptInfo *baserel,
					  EquivalenceClass *ec, EquivalenceMember *em, void *arg)
{
	Bitmapset  *used = trigger_qual_attributes(baserel, (Node *) em->em_expr);

	return bms_is_member(*(AttrNumber *) arg, used);
}

/*
 * Refuse join conditions on columns that rows do not carry, and find those
 * that fix such a column.  Returns the attribute that must be fixed by a
 * join, 0 if none.
 */
static int
find_required_join(PlannerInfo *root, RelOptInfo *baserel, PlanInfo *info)
{
	int			required = 0;
	ListCell   *cell;

	for (AttrNumber attno = 1; attno <= info->rel->natts; attno++)
	{
		const TriggerAttribute *attribute =
		trigger_relation_attribute(info->rel, attno);
		List	   *clauses;

		if (attribute == NULL || attribute->column == NULL ||
			(attribute->column->source != TRIGGER_FROM_FILTER &&
			 attribute->column->source != TRIGGER_FROM_NOWHERE))
			continue;

		clauses = list_copy(baserel->joininfo);
		if (baserel->has_eclass_joins)
			clauses = list_concat(clauses,
								  generate_implied_equalities_for_column(root, baserel,
																		 uses_attribute_member,
																		 &attno, NULL));
		foreach(cell, clauses)
		{
			RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
			Bitmapset  *used = trigger_qual_attributes(baserel,
													   (Node *) rinfo->clause);

			if (!bms_is_member(attno, used))
				continue;
			if (trigger_qual_match(root, baserel, info->rel, rinfo->clause) == NULL)
				trigger_qual_check_local(root, baserel, info->rel, rinfo->clause);
			required = attno;
		}
	}
	return required;
}

/*
 * Do these clauses fix a filter's column?
 */
static bool
fixes_filter(PlannerInfo *root, RelOptInfo *baserel, const TriggerRelation *rel,
			 List *clauses, const TriggerFilter *filter)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		TriggerCondition *condition = trigger_qual_match(root, baserel, rel,
														 rinfo->clause);

		if (condition && &rel->resource->filters[condition->filter] == filter)
			return true;
	}
	return false;
}

/*
 * Do these clauses fix everything that nothing can be asked without?
 */
static bool
fixes_required(PlannerInfo *root, RelOptInfo *baserel, PlanInfo *info,
			   List *clauses)
{
	const TriggerFilter *filter;

	for (filter = info->rel->resource->filters; filter->column; filter++)
	{
		if (filter->required &&
			!fixes_filter(root, baserel, info->rel, clauses, filter))
			return false;
	}
	return true;
}

/*
 * Refuse a query that leaves open what nothing can be asked without.  What a
 * join might fix is not refused here.
 */
static void
check_required(PlannerInfo *root, RelOptInfo *baserel, PlanInfo *info)
{
	const TriggerFilter *filter;

	for (filter = info->rel->resource->filters; filter->column; filter++)
	{
		const TriggerColumn *column;
		int			attno;
		AttrNumber	number;

		if (!filter->required ||
			fixes_filter(root, baserel, info->rel, info->pushed, filter))
			continue;
		column = trigger_column_find(info->rel->resource, filter->column);
		attno = number = trigger_relation_column(info->rel, column);
		if (attno != 0 &&
			(fixes_filter(root, baserel, info->rel, baserel->joininfo, filter) ||
			 (baserel->has_eclass_joins &&
			  generate_implied_equalities_for_column(root, baserel,
													 trigger_match_attribute,
													 &number, NULL) != NIL)))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("foreign table \"%s\" needs a condition on column \"%s\"",
						info->rel->name, filter->column),
				 errdetail("The API has no operation that finds rows without it."),
				 errhint("Compare the column by = or IN.")));
	}
}

/*
 * Attributes that nodes above the scan, or local conditions, use.
 */
static Bitmapset *
used_attributes(RelOptInfo *baserel, PlanInfo *info)
{
	Bitmapset  *used;
	ListCell   *cell;

	used = trigger_qual_attributes(baserel, (Node *) baserel->reltarget->exprs);
	foreach(cell, baserel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);

		used = bms_add_members(used,
							   trigger_qual_attributes(baserel,
													   (Node *) rinfo->clause));
	}
	return used;
}

/*
 * May an attribute be read from a list row without changing its meaning?
 */
static bool
is_shared(const TriggerRelation *rel, int attno)
{
	const TriggerAttribute *attribute = trigger_relation_attribute(rel, attno);

	return attribute && attribute->column &&
		((attribute->column->flags & TRIGGER_COL_SHARED) ||
		 attribute->column->source == TRIGGER_FROM_FILTER ||
		 attribute->column->source == TRIGGER_FROM_INSERT);
}

/*
 * Must the rows that the list finds be retrieved one by one?  Not if the
 * query wants nothing but ids (or what a list row has just as well), and its
 * conditions mean the same on list rows.
 */
static bool
needs_details(RelOptInfo *baserel, PlanInfo *info)
{
	Bitmapset  *output;
	int			attno = -1;

	if (info->rel->resource->access != TRIGGER_ACCESS_LIST_ITEM)
		return false;
	output = trigger_qual_attributes(baserel, (Node *) baserel->reltarget->exprs);
	while ((attno = bms_next_member(output, attno)) >= 0)
	{
		const TriggerAttribute *attribute = trigger_relation_attribute(info->rel, attno);

		if (!info->rel->resource->list_suffices &&
			(attribute == NULL || attribute->column == NULL ||
			 !(attribute->column->flags & TRIGGER_COL_ID)))
			return true;
	}
	attno = -1;
	while ((attno = bms_next_member(info->used, attno)) >= 0)
	{
		if (!is_shared(info->rel, attno))
			return true;
	}
	return false;
}

/*
 * GetForeignRelSize: classify the conditions and estimate the rows.
 */
void
trigger_get_rel_size(PlannerInfo *root, RelOptInfo *baserel, Oid relid)
{
	PlanInfo   *info = palloc0(sizeof(PlanInfo));
	Relation	relation = table_open(relid, NoLock);
	double		keys;
	ListCell   *cell;

	info->rel = trigger_relation_open(relation);
	table_close(relation, NoLock);
	baserel->fdw_private = info;

	foreach(cell, baserel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);

		if (!rinfo->pseudoconstant &&
			trigger_qual_match(root, baserel, info->rel, rinfo->clause))
			info->pushed = lappend(info->pushed, rinfo);
		else
		{
			trigger_qual_check_local(root, baserel, info->rel, rinfo->clause);
			info->local = lappend(info->local, rinfo);
		}
	}
	info->used = used_attributes(baserel, info);
	info->details = needs_details(baserel, info);

	info->tuples = baserel->tuples > 0 ? baserel->tuples :
		info->rel->resource->expected_rows;
	baserel->tuples = info->tuples;
	set_baserel_size_estimates(root, baserel);
	keys = count_keys(root, baserel, info->rel, info->pushed);
	if (keys > 0 && keys < baserel->rows)
		baserel->rows = clamp_row_est(keys);
}

/*
 * The query's first sort key, if the list delivers rows in that order.
 */
static List *
useful_pathkeys(PlannerInfo *root, RelOptInfo *baserel, PlanInfo *info)
{
	PathKey    *key;
	ListCell   *cell;

	if (root->query_pathkeys == NIL ||
		count_keys(root, baserel, info->rel, info->pushed) > 0)
		return NIL;
	key = linitial_node(PathKey, root->query_pathkeys);
	if (!TRIGGER_PATHKEY_IS_DESC(key) || key->pk_eclass->ec_has_volatile)
		return NIL;

	foreach(cell, key->pk_eclass->ec_members)
	{
		EquivalenceMember *member = lfirst_node(EquivalenceMember, cell);
		Var		   *var = (Var *) member->em_expr;
		const TriggerAttribute *attribute;

		if (!IsA(var, Var) || var->varno != baserel->relid)
			continue;
		attribute = trigger_relation_attribute(info->rel, var->varattno);

		/*
		 * The column is never null, so where nulls go does not matter.  Its
		 * declared type must be the one whose order the API knows.
		 */
		if (attribute && attribute->column &&
			(attribute->column->flags & TRIGGER_COL_ORDER) &&
			attribute->type == TIMESTAMPTZOID)
			return list_make1(key);
	}
	return NIL;
}

/*
 * Add a path that is driven by the rows of other tables.
 */
static void
add_lookup_path(PlannerInfo *root, RelOptInfo *baserel, PlanInfo *info,
				Relids required_outer)
{
	ParamPathInfo *param_info = get_baserel_parampathinfo(root, baserel,
														  required_outer);
	List	   *pushed = list_copy(info->pushed);
	bool		matched = false;
	double		keys;
	Cost		startup,
				total;
	ListCell   *cell;

	foreach(cell, param_info->ppi_clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);

		if (trigger_qual_match(root, baserel, info->rel, rinfo->clause))
		{
			pushed = lappend(pushed, rinfo);
			matched = true;
		}
	}
	if (!matched || !fixes_required(root, baserel, info, pushed))
		return;

	keys = count_keys(root, baserel, info->rel, pushed);
	if (keys > 0 && keys < param_info->ppi_rows)
		param_info->ppi_rows = clamp_row_est(keys);
	cost_scan(root, baserel, info, pushed, param_info->ppi_rows, &startup, &total);
	add_path(baserel, (Path *)
			 TRIGGER_FOREIGN_PATH(root, baserel, param_info->ppi_rows,
								  startup, total, NIL, required_outer, NIL));
}

/*
 * Outer relations that a join clause could be driven by; NULL if the clause
 * is of no use.
 */
static Relids
outer_relids(PlannerInfo *root, RelOptInfo *baserel, PlanInfo *info,
			 RestrictInfo *rinfo)
{
	Relids		required_outer;

	if (!join_clause_is_movable_to(rinfo, baserel) ||
		trigger_qual_match(root, baserel, info->rel, rinfo->clause) == NULL)
		return NULL;
	required_outer = bms_union(rinfo->clause_relids, baserel->lateral_relids);
	required_outer = bms_del_member(required_outer, baserel->relid);
	return bms_is_empty(required_outer) ? NULL : required_outer;
}

/*
 * Collect the sets of outer relations that look-ups could be driven by.
 */
static List *
lookup_relids(PlannerInfo *root, RelOptInfo *baserel, PlanInfo *info)
{
	List	   *result = NIL;
	List	   *clauses = list_copy(baserel->joininfo);
	ListCell   *cell;

	if (baserel->has_eclass_joins)
	{
		for (AttrNumber attno = 1; attno <= info->rel->natts; attno++)
		{
			const TriggerAttribute *attribute =
			trigger_relation_attribute(info->rel, attno);

			List	   *equalities;

			if (attribute == NULL || attribute->filter < 0)
				continue;
			equalities =
				generate_implied_equalities_for_column(root, baserel,
													   trigger_match_attribute,
													   &attno,
													   baserel->lateral_referencers);
			clauses = list_concat(clauses, equalities);
		}
	}

	foreach(cell, clauses)
	{
		Relids		relids = outer_relids(root, baserel, info,
										  lfirst_node(RestrictInfo, cell));
		ListCell   *other;
		bool		known = false;

		if (relids == NULL)
			continue;
		foreach(other, result)
			known = known || bms_equal(relids, (Relids) lfirst(other));
		if (!known)
			result = lappend(result, relids);
	}
	return result;
}

/*
 * GetForeignPaths: the whole table as far as its own conditions go, and
 * look-ups driven by other tables.
 */
void
trigger_get_paths(PlannerInfo *root, RelOptInfo *baserel, Oid relid)
{
	PlanInfo   *info = (PlanInfo *) baserel->fdw_private;
	Cost		startup,
				total;
	ListCell   *cell;

	info->required = find_required_join(root, baserel, info);
	check_required(root, baserel, info);
	cost_scan(root, baserel, info, info->pushed, baserel->rows, &startup, &total);

	/*
	 * A join on a column that rows do not carry works only as a look-up.  The
	 * plain path must exist nevertheless; it fails if it is ever run.
	 */
	if (info->required)
		total += IMPOSSIBLE_COST;
	add_path(baserel, (Path *)
			 TRIGGER_FOREIGN_PATH(root, baserel, baserel->rows, startup, total,
								  useful_pathkeys(root, baserel, info),
								  baserel->lateral_relids,
								  list_make1_int(info->required)));

	foreach(cell, lookup_relids(root, baserel, info))
		add_lookup_path(root, baserel, info, (Relids) lfirst(cell));
}

/*
 * Has each row a value of its own in this column?
 */
bool
trigger_is_unique(const RelOptInfo *baserel, AttrNumber attno)
{
	const PlanInfo *info = (const PlanInfo *) baserel->fdw_private;
	const TriggerAttribute *attribute = trigger_relation_attribute(info->rel, attno);

	return attribute && attribute->column &&
		(attribute->column->flags & TRIGGER_COL_ID);
}

/*
 * The filter that names rows if a join clause fixes it, else -1.  *value gets
 * the expression of the other tables that it is compared with.
 */
static int
key_filter(PlannerInfo *root, RelOptInfo *baserel, Expr *clause, Expr **value)
{
	PlanInfo   *info = (PlanInfo *) baserel->fdw_private;
	TriggerCondition *condition = trigger_qual_match(root, baserel, info->rel,
													 clause);

	if (condition == NULL || condition->op != TRIGGER_OP_EQ ||
		info->rel->resource->filters[condition->filter].kind != TRIGGER_FILTER_KEY)
		return -1;
	*value = condition->value;
	return condition->filter;
}

/*
 * Can a join by "clauses" hand over keys?  Not if the rows are named already,
 * if they do not carry a column that is joined, or if the value of another
 * column tells where to ask for a key: that is a matter of one row at a time.
 */
static bool
takes_keys(PlannerInfo *root, RelOptInfo *baserel, List *clauses)
{
	PlanInfo   *info = (PlanInfo *) baserel->fdw_private;
	ListCell   *cell;

	if (info->required || info->rel->resource->item == NULL ||
		!bms_is_empty(baserel->lateral_relids) ||
		count_keys(root, baserel, info->rel, info->pushed) > 0 ||
		!fixes_required(root, baserel, info, info->pushed))
		return false;
	foreach(cell, info->pushed)
	{
		Expr	   *clause = lfirst_node(RestrictInfo, cell)->clause;

		if (needs_list(info->rel, trigger_qual_match(root, baserel, info->rel, clause)))
			return false;
	}
	foreach(cell, clauses)
	{
		Expr	   *clause = lfirst_node(RestrictInfo, cell)->clause;
		TriggerCondition *condition = trigger_qual_match(root, baserel, info->rel,
														 clause);
		TriggerFilterKind kind;

		if (condition == NULL)
			continue;
		kind = info->rel->resource->filters[condition->filter].kind;
		if (kind == TRIGGER_FILTER_ENVIRONMENT || kind == TRIGGER_FILTER_PATH)
			return false;
	}
	return true;
}

/*
 * The path of a scan that a join hands about "keys" keys to, in as many
 * executions as it likes.  Rows and costs are those of all of them.
 */
static ForeignPath *
keyed_path(PlannerInfo *root, RelOptInfo *baserel, int filter, double keys)
{
	PlanInfo   *info = (PlanInfo *) baserel->fdw_private;
	double		rows = clamp_row_est(Min(keys, info->tuples) *
									 baserel->rows / info->tuples);
	double		waits = lookup_waits(info->rel->resource, Max(keys, 1));
	Cost		startup = baserel->baserestrictcost.startup + TRIGGER_REQUEST_COST;
	Cost		per_row = TRIGGER_ROW_COST + cpu_tuple_cost +
		baserel->baserestrictcost.per_tuple;

	return TRIGGER_FOREIGN_PATH(root, baserel, rows, startup,
								startup + (waits - 1) * TRIGGER_REQUEST_COST +
								keys * per_row, NIL, NULL,
								list_make2_int(0, filter + 1));
}

/* Look-ups in tables of lists. */
const TriggerLookupTable trigger_list_lookups = {
	.takes_keys = takes_keys,
	.key_number = key_filter,
	.keyed_path = keyed_path,
};

/*
 * The rows that the query will ask this scan for at most, 0 if unknown: its
 * LIMIT, or the one row that EXISTS wants.  A hint for the page size, never a
 * truncation.
 */
static int
limit_hint(PlannerInfo *root, RelOptInfo *baserel, ForeignPath *path, bool local)
{
	Query	   *query = root->parse;
	double		limit = root->limit_tuples;

	if (limit < 1 && root->tuple_fraction >= 1 && !query->hasAggs &&
		!query->groupClause && !query->groupingSets && !query->distinctClause &&
		!query->hasWindowFuncs && !query->hasTargetSRFs)
		limit = root->tuple_fraction;
	if (limit < 1 || limit > INT_MAX || local ||
		!bms_equal(root->all_baserels, baserel->relids) ||
		!pathkeys_contained_in(root->query_pathkeys, path->path.pathkeys))
		return 0;
	return (int) limit;
}

/*
 * May pages be asked for before they are needed?
 */
static TriggerReadAhead
read_ahead(PlannerInfo *root, RelOptInfo *baserel, ForeignPath *path)
{
	Query	   *query = root->parse;

	/* whatever has to see every row first reads everything */
	if (query->hasAggs || query->groupClause || query->groupingSets ||
		query->hasWindowFuncs)
		return TRIGGER_AHEAD_ALWAYS;
	if (root->query_pathkeys != NIL && path->path.pathkeys == NIL &&
		bms_equal(root->all_baserels, baserel->relids))
		return TRIGGER_AHEAD_ALWAYS;

	/* a LIMIT counts even if its value is not known yet */
	if (query->limitCount != NULL || root->tuple_fraction >= 1.0)
		return bms_equal(root->all_baserels, baserel->relids) ?
			TRIGGER_AHEAD_NEVER : TRIGGER_AHEAD_LATER;
	if (root->tuple_fraction > 0.0)
		return TRIGGER_AHEAD_LATER;
	return TRIGGER_AHEAD_ALWAYS;
}

/*
 * Attributes that the scan must deliver, as an integer list.
 */
static List *
delivered_attributes(RelOptInfo *baserel, PlanInfo *info, List *local)
{
	Bitmapset  *used;
	List	   *result = NIL;
	int			attno;

	used = trigger_qual_attributes(baserel, (Node *) baserel->reltarget->exprs);
	used = bms_add_members(used,
						   trigger_qual_attributes(baserel, (Node *) local));
	for (attno = 1; attno <= info->rel->natts; attno++)
	{
		if (trigger_relation_attribute(info->rel, attno) &&
			(bms_is_member(0, used) || bms_is_member(attno, used)))
			result = lappend_int(result, attno);
	}
	return result;
}

/*
 * Can a condition be tested on a list row, before the run is retrieved?
 */
static bool
is_prefilter(RelOptInfo *baserel, const TriggerRelation *rel, Expr *clause)
{
	Bitmapset  *used = trigger_qual_attributes(baserel, (Node *) clause);
	int			attno = -1;

	if (contain_volatile_functions((Node *) clause) ||
		contain_subplans((Node *) clause))
		return false;
	while ((attno = bms_next_member(used, attno)) >= 0)
	{
		if (!is_shared(rel, attno))
			return false;
	}
	return true;
}

/*
 * Filters whose columns are mentioned by any condition of the query, also by
 * those that the API cannot apply, and by joins however they are done.  An
 * option that stands in for a missing condition must not stand in for some
 * plans only.
 */
static int
mentioned_filters(PlannerInfo *root, RelOptInfo *baserel, PlanInfo *info)
{
	Bitmapset  *used = NULL;
	int			result = 0;
	ListCell   *cell;

	foreach(cell, list_concat_copy(baserel->baserestrictinfo, baserel->joininfo))
	{
		Node	   *clause = (Node *) lfirst_node(RestrictInfo, cell)->clause;

		used = bms_add_members(used, trigger_qual_attributes(baserel, clause));
	}
	for (AttrNumber attno = 1; attno <= info->rel->natts; attno++)
	{
		const TriggerAttribute *attribute = trigger_relation_attribute(info->rel,
																	   attno);

		if (attribute == NULL || attribute->filter < 0)
			continue;
		if (bms_is_member(attno, used) || bms_is_member(0, used) ||
			(baserel->has_eclass_joins &&
			 generate_implied_equalities_for_column(root, baserel,
													uses_attribute_member,
													&attno, NULL) != NIL))
			result |= 1 << attribute->filter;
	}
	return result;
}

/*
 * GetForeignPlan: write down what the executor needs.
 */
ForeignScan *
trigger_get_plan(PlannerInfo *root, RelOptInfo *baserel, Oid relid,
				 ForeignPath *best_path, List *tlist, List *scan_clauses,
				 Plan *outer_plan)
{
	PlanInfo   *info = (PlanInfo *) baserel->fdw_private;
	List	   *clauses = extract_actual_clauses(scan_clauses, false);
	List	   *local = NIL;	/* checked by the executor */
	List	   *removed = NIL;	/* checked by the API alone */
	List	   *conditions = NIL;
	List	   *values = NIL;
	List	   *prefilter = NIL;
	List	   *pushed = NIL;
	List	   *numbers;
	bool		inexact = false;
	bool		whole;
	ListCell   *cell;

	foreach(cell, clauses)
	{
		Expr	   *clause = (Expr *) lfirst(cell);
		TriggerCondition *condition = trigger_qual_match(root, baserel,
														 info->rel, clause);

		if (condition)
		{
			conditions = lappend(conditions,
								 list_make3_int(condition->filter, condition->op,
												condition->value ? list_length(values) : -1));
			if (condition->value)
				values = lappend(values, condition->value);
			pushed = lappend(pushed, clause);
			if (condition->op == TRIGGER_OP_CONTAINS)
				inexact = true;
		}
		else
			inexact = true;

		if (condition && trigger_qual_only_remote(info->rel, condition))
			removed = lappend(removed, clause);
		else
			local = lappend(local, clause);
	}

	if (info->rel->resource->access == TRIGGER_ACCESS_LIST_ITEM)
	{
		foreach(cell, local)
		{
			if (is_prefilter(baserel, info->rel, (Expr *) lfirst(cell)))
				prefilter = lappend(prefilter, lfirst(cell));
		}
	}

	/* the keys come later */
	if (path_number(best_path, PathKeyed))
	{
		conditions = lappend(conditions,
							 list_make3_int(path_number(best_path, PathKeyed) - 1,
											TRIGGER_OP_ANY, list_length(values)));
		values = lappend(values, makeNullConst(TEXTARRAYOID, -1, InvalidOid));
	}

	/*
	 * A list with page numbers shifts under the rows that a statement deletes
	 * from it: read it to its end first.
	 */
	whole = bms_is_member(baserel->relid, root->all_result_relids) &&
		info->rel->resource->lists[0]->paging == TRIGGER_PAGING_NUMBER;

	numbers = list_make5_int(limit_hint(root, baserel, best_path, inexact),
							 best_path->path.pathkeys != NIL,
							 read_ahead(root, baserel, best_path),
							 info->details,
							 path_number(best_path, PathImpossible));
	numbers = lappend_int(numbers, whole);
	numbers = lappend_int(numbers, mentioned_filters(root, baserel, info));
	numbers = lappend_int(numbers, path_number(best_path, PathKeyed));

	return make_foreignscan(tlist, local, baserel->relid,
							list_make3(values, prefilter, pushed),
							list_make3(conditions,
									   delivered_attributes(baserel, info, local),
									   numbers),
							NIL, removed, outer_plan);
}
