/*-------------------------------------------------------------------------
 *
 * trql_ordered.c
 *		Aggregates that depend on an order, as what is in sorted arrays.
 *
 * Only where the order leaves nothing open: values that are equal in it are
 * the same value.  The engine's own quantiles count the rows in another way
 * than PostgreSQL, or interpolate in another, so that the elements are picked
 * here one by one; all values of a group are in the engine's memory for that.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_aggregate.h"

#include <math.h>

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/pg_locale.h"
#include "utils/typcache.h"

/* Most fractions of one call, each of which repeats the array. */
#define MAX_FRACTIONS	20

/* Decimal digits that a double holds whatever they are. */
#define MAX_DIGITS		15

/* A sorted array under construction. */
typedef struct Sorted
{
	TrqlExpr	value;			/* what is sorted */
	char	   *filter;			/* NULL: none */
	bool		distinct;
	bool		descending;
	bool		nulls_first;
	char	   *array;			/* the values that are not NULL */
	TrqlExpr	count;			/* their number, which is not that of the
								 * array if it is distinct */
} Sorted;

/*
 * Do both sides sort the values alike, and are equal ones the same?
 */
static bool
is_sorted_alike(const TrqlExpr *value, Node *node)
{
	Oid			collation = exprCollation(node);

	switch (value->class)
	{
		case TRQL_TEXT:
			return OidIsValid(collation) && lc_collate_is_c(collation);
		case TRQL_INT:
		case TRQL_FLOAT:
		case TRQL_DATE:
		case TRQL_TIME:
			return true;
		default:
			return false;
	}
}

/*
 * Read a clause of ORDER BY.  False if it is not the type's own order.
 */
static bool
read_direction(const SortGroupClause *clause, Node *node, Sorted *sorted)
{
	TypeCacheEntry *type = lookup_type_cache(exprType(node),
											 TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);

	sorted->descending = clause->sortop == type->gt_opr;
	sorted->nulls_first = clause->nulls_first;
	return sorted->descending || clause->sortop == type->lt_opr;
}

/*
 * Write the array.  The engine leaves NULL out, has NaN after all else (also
 * in its own descending order), and shows a sign of 0 that columns do not have
 * here (see trql_add_column).
 */
static void
write_array(Sorted *sorted)
{
	const char *value = sorted->value.text;

	if (sorted->value.class == TRQL_FLOAT)
		value = psprintf("plus(%s, 0)", value);
	sorted->array = psprintf(sorted->descending ? "arrayReverse(arraySort(%s))" :
							 "arraySort(%s)",
							 trql_aggregate_call(sorted->distinct ? "groupUniqArray" :
												 "groupArray", value, sorted->filter));
	trql_count_values(&sorted->value, sorted->filter, &sorted->count);
}

/*
 * Is an aggregate computed as a whole?
 */
static bool
is_whole(const Aggref *aggref)
{
	return aggref->aggsplit == AGGSPLIT_SIMPLE && aggref->agglevelsup == 0 &&
		!aggref->aggvariadic;
}

/*
 * What is cast to a double, if its order and its text say the same: an
 * integer, of which no rounding changes the order.
 */
static Node *
strip_float(Node *node)
{
	FuncExpr   *cast = (FuncExpr *) node;

	if (IsA(cast, FuncExpr) &&
		(cast->funcid == F_FLOAT8_INT2 || cast->funcid == F_FLOAT8_INT4 ||
		 cast->funcid == F_FLOAT8_INT8 || cast->funcid == F_FLOAT8_NUMERIC))
		return linitial(cast->args);
	return node;
}

/*
 * The array that an ordered-set aggregate is about: WITHIN GROUP (ORDER BY x).
 * With "as_text", of its elements only their texts are used, as what x is.
 */
static bool
deparse_within_group(TrqlContext *cx, Aggref *aggref, bool as_text, Sorted *sorted)
{
	Node	   *node = (Node *) linitial_node(TargetEntry, aggref->args)->expr;
	Node	   *value = as_text ? strip_float(node) : node;

	memset(sorted, 0, sizeof(*sorted));
	if (!is_whole(aggref) || list_length(aggref->aggorder) != 1 ||
		!read_direction(linitial(aggref->aggorder), node, sorted) ||
		!trql_deparse_filter(cx, aggref, &sorted->filter) ||
		!trql_deparse(cx, value, &sorted->value) ||
		!trql_has_exact_value(cx, value, sorted->value.class) ||
		!is_sorted_alike(&sorted->value, node) ||
		(value != node && sorted->value.class != TRQL_INT))
		return false;
	write_array(sorted);
	return true;
}

/*
 * The array of a normal aggregate that is ordered by its first argument, by
 * ORDER BY or because it is DISTINCT.  What it is ordered by after that
 * changes nothing, unless it fails.
 */
static bool
deparse_ordered_argument(TrqlContext *cx, Aggref *aggref, Sorted *sorted)
{
	TargetEntry *first = linitial_node(TargetEntry, aggref->args);
	Node	   *node = (Node *) first->expr;
	List	   *order = aggref->aggorder ? aggref->aggorder : aggref->aggdistinct;
	ListCell   *cell;

	memset(sorted, 0, sizeof(*sorted));
	if (!is_whole(aggref) || aggref->aggkind != AGGKIND_NORMAL || order == NIL ||
		get_sortgroupclause_tle(linitial(order), aggref->args) != first ||
		!read_direction(linitial(order), node, sorted))
		return false;
	foreach(cell, order)
	{
		Node	   *key = trql_strip(get_sortgroupclause_expr(lfirst(cell), aggref->args));

		if (cell != list_head(order) && !IsA(key, Var) && !IsA(key, Const))
			return false;
	}
	sorted->distinct = aggref->aggdistinct != NIL;
	if (!trql_deparse_filter(cx, aggref, &sorted->filter) ||
		!trql_deparse(cx, node, &sorted->value) || sorted->value.class != TRQL_TEXT ||
		!is_sorted_alike(&sorted->value, node))
		return false;
	write_array(sorted);
	return true;
}

/*
 * A fraction as the engine computes it exactly, however it reads doubles: the
 * quotient of two integers that doubles hold is rounded as the decimal is.
 * NULL if it is not within 0 and 1 (PostgreSQL reports that), or has more
 * digits.
 */
static char *
fraction_text(Datum datum)
{
	double		fraction = DatumGetFloat8(datum);
	int64		divisor = 1;

	if (!(fraction >= 0 && fraction <= 1))
		return NULL;
	for (int i = 0; i <= MAX_DIGITS; i++)
	{
		double		dividend = rint(fraction * (double) divisor);

		if (dividend / (double) divisor == fraction)
			return psprintf("divide(" INT64_FORMAT ", " INT64_FORMAT ")",
							(int64) dividend, divisor);
		divisor *= 10;
	}
	return NULL;
}

/*
 * The element that percentile_disc takes: number ceil(p * n), or the first.
 */
static char *
discrete_element(const Sorted *sorted, const char *fraction)
{
	return psprintf("arrayElement(%s, greatest(toInt64(ceil(multiply(%s, %s))), 1))",
					sorted->array, fraction, sorted->count.text);
}

/*
 * One of the elements that percentile_cont interpolates: behind floor(p *
 * (n - 1)) or ceil(p * (n - 1)) others.
 */
static char *
continuous_element(const Sorted *sorted, const char *round, const char *fraction)
{
	return psprintf("arrayElement(%s, plus(toInt64(%s(multiply(%s, minus(%s, 1)))), 1))",
					sorted->array, round, fraction, sorted->count.text);
}

/*
 * percentile_disc of one fraction.
 */
bool
trql_deparse_percentile(TrqlContext *cx, Aggref *aggref, TrqlExpr *expr)
{
	Const	   *constant = linitial(aggref->aggdirectargs);
	Sorted		sorted;
	char	   *fraction;

	if (!IsA(constant, Const) || constant->constisnull ||
		(fraction = fraction_text(constant->constvalue)) == NULL ||
		!deparse_within_group(cx, aggref, false, &sorted))
		return false;
	return trql_result(expr, psprintf("if(empty(%s), null, %s)", sorted.array,
									  discrete_element(&sorted, fraction)),
					   sorted.value.class, true);
}

/*
 * Append an element's text to a list of them.
 */
static void
append_element(StringInfo buf, const Sorted *sorted, char *element)
{
	TrqlExpr	expr = sorted->value;

	expr.text = element;
	appendStringInfo(buf, "%s%s", buf->data[buf->len - 1] == '(' ? "" : ", ",
					 trql_output_text(&expr));
}

/*
 * Append the elements that a fraction asks for.  False if it cannot be
 * written.
 */
static bool
append_elements(StringInfo buf, const Sorted *sorted, bool continuous, Datum datum)
{
	char	   *fraction = fraction_text(datum);

	if (fraction == NULL)
		return false;
	if (continuous)
	{
		append_element(buf, sorted, continuous_element(sorted, "floor", fraction));
		append_element(buf, sorted, continuous_element(sorted, "ceil", fraction));
	}
	else
		append_element(buf, sorted, discrete_element(sorted, fraction));
	return true;
}

/*
 * Append the elements that an array of fractions asks for; NULL asks for
 * none.
 */
static bool
append_list_elements(StringInfo buf, const Sorted *sorted, bool continuous, Datum list)
{
	Datum	   *fractions;
	bool	   *nulls;
	int			n;
	bool		any = false;

	deconstruct_array(DatumGetArrayTypeP(list), FLOAT8OID, sizeof(float8),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &fractions, &nulls, &n);
	if (n > MAX_FRACTIONS)
		return false;
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			continue;
		if (!append_elements(buf, sorted, continuous, fractions[i]))
			return false;
		any = true;
	}
	return any;
}

/*
 * percentile_cont, and percentile_disc of an array of fractions: how many
 * values there are, and the elements as text.
 */
bool
trql_percentile_parts(TrqlContext *cx, Aggref *aggref, TrqlParts *parts)
{
	Const	   *constant = linitial(aggref->aggdirectargs);
	bool		list = aggref->aggfnoid != F_PERCENTILE_CONT_FLOAT8_FLOAT8;
	bool		continuous = aggref->aggfnoid != F_PERCENTILE_DISC__FLOAT8_ANYELEMENT;
	Sorted		sorted;
	StringInfoData buf;

	if (!IsA(constant, Const) || constant->constisnull ||
		!deparse_within_group(cx, aggref, true, &sorted))
		return false;
	initStringInfo(&buf);
	appendStringInfoString(&buf, "array(");
	if (!(list ? append_list_elements : append_elements) (&buf, &sorted, continuous,
														   constant->constvalue))
		return false;
	appendStringInfoChar(&buf, ')');

	parts->combination = !list ? TRQL_COMBINE_CONTINUOUS :
		continuous ? TRQL_COMBINE_CONTINUOUS_LIST : TRQL_COMBINE_DISCRETE_LIST;
	parts->n = 2;
	parts->parts[0] = sorted.count;
	(void) trql_result(&parts->parts[1], buf.data, TRQL_TEXTS, false);
	parts->argument = trql_mark_number(trql_mark(cx, (Node *) constant,
												 TRQL_VALUE_ARGUMENT));
	return true;
}

/*
 * string_agg(x, constant ORDER BY x).
 */
bool
trql_deparse_string_agg(TrqlContext *cx, Aggref *aggref, TrqlExpr *expr)
{
	Node	   *separator = trql_strip((Node *) lsecond_node(TargetEntry, aggref->args)->expr);
	Sorted		sorted;

	if (!IsA(separator, Const) || ((Const *) separator)->constisnull ||
		!deparse_ordered_argument(cx, aggref, &sorted))
		return false;
	return trql_result(expr, psprintf("if(empty(%s), null, arrayStringConcat(%s, %s))",
									  sorted.array, sorted.array,
									  trql_mark(cx, separator, TRQL_VALUE_TEXT)),
					   TRQL_TEXT, true);
}

/*
 * array_agg(x ORDER BY x) of text: the values, and how many are NULL.
 */
bool
trql_array_agg_parts(TrqlContext *cx, Aggref *aggref, TrqlParts *parts)
{
	Sorted		sorted;
	char	   *nulls;

	if (aggref->aggtype != TEXTARRAYOID ||
		!deparse_ordered_argument(cx, aggref, &sorted))
		return false;
	parts->combination = sorted.nulls_first ? TRQL_COMBINE_NULLS_FIRST :
		TRQL_COMBINE_NULLS_LAST;
	parts->n = 2;
	nulls = psprintf("isNull(%s)", sorted.value.text);
	if (sorted.filter)
		nulls = psprintf("and(%s, %s)", nulls, sorted.filter);
	nulls = psprintf("countIf(%s)", nulls);
	if (sorted.distinct)
		nulls = psprintf("least(%s, 1)", nulls);
	(void) trql_result(&parts->parts[0], sorted.array, TRQL_TEXTS, false);
	return trql_result(&parts->parts[1], nulls, TRQL_INT, false);
}
