/*-------------------------------------------------------------------------
 *
 * trql_aggregate.c
 *		Aggregates of SQL to aggregates of the query engine.
 *
 * The engine's aggregates give 0 or '' for no rows, unless their argument can
 * be NULL; so it is made so.  Sums are of 128 bits and come as text.  Sums and
 * averages of floats are not written: they depend on the order of the rows.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_aggregate.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/pg_locale.h"

/*
 * The filter of an aggregate as a condition that is never NULL; NULL if there
 * is none.  False if it cannot be written.
 */
bool
trql_deparse_filter(TrqlContext *cx, Aggref *aggref, char **filter)
{
	*filter = NULL;
	if (aggref->aggfilter == NULL)
		return true;
	if (!trql_deparse_condition(cx, (Node *) aggref->aggfilter, filter))
		return false;
	*filter = psprintf("ifNull(%s, 0)", *filter);
	return true;
}

/*
 * The first argument of an aggregate.
 */
bool
trql_deparse_argument(TrqlContext *cx, Aggref *aggref, TrqlExpr *expr)
{
	Node	   *node = (Node *) linitial_node(TargetEntry, aggref->args)->expr;

	return trql_deparse(cx, node, expr) && trql_has_exact_value(cx, node, expr->class);
}

/*
 * A call of an aggregate, with its filter.
 */
char *
trql_aggregate_call(const char *name, const char *argument, const char *filter)
{
	if (filter == NULL)
		return psprintf("%s(%s)", name, argument);
	if (*argument == '\0')
		return psprintf("%sIf(%s)", name, filter);
	return psprintf("%sIf(%s, %s)", name, argument, filter);
}

/*
 * How many values are not NULL.
 */
void
trql_count_values(const TrqlExpr *a, const char *filter, TrqlExpr *expr)
{
	char	   *text;

	if (a->nullable)
		text = psprintf("isNotNull(%s)", a->text);
	else
		text = pstrdup("equals(1, 1)");
	if (filter)
		text = psprintf("and(%s, %s)", text, filter);
	(void) trql_result(expr, psprintf("countIf(%s)", text), TRQL_INT, false);
}

/*
 * The sum of integers.
 */
void
trql_sum_values(const TrqlExpr *a, const char *filter, TrqlExpr *expr)
{
	(void) trql_result(expr,
					   trql_aggregate_call("sum",
										   psprintf("toInt128(toNullable(%s))", a->text),
										   filter),
					   TRQL_INT, true);
}

/*
 * count(*), count(x), count(DISTINCT x).
 */
static bool
deparse_count(TrqlContext *cx, Aggref *aggref, const char *filter, TrqlExpr *expr)
{
	TrqlExpr	a;

	if (aggref->aggstar)
		return trql_result(expr, trql_aggregate_call("count", "", filter), TRQL_INT,
						   false);
	if (list_length(aggref->args) != 1 || !trql_deparse_argument(cx, aggref, &a))
		return false;
	if (aggref->aggdistinct == NIL)
	{
		trql_count_values(&a, filter, expr);
		return true;
	}
	if (a.class == TRQL_FLOAT || a.class == TRQL_TEXTS || a.class == TRQL_JSON ||
		!trql_is_deterministic(aggref->inputcollid))
		return false;
	return trql_result(expr, trql_aggregate_call("uniqExact", a.text, filter), TRQL_INT,
					   false);
}

/*
 * min and max of floats.  NaN is greater than all else in SQL and is nothing
 * to the engine.  That 0 has a sign the answer does not show (see
 * trql_add_column).
 */
static bool
deparse_float_extreme(const TrqlExpr *a, bool greatest, const char *filter,
					  TrqlExpr *expr)
{
	const char *format = "ifNull(%s, 0)";
	char	   *value = psprintf("plus(toNullable(%s), 0)", a->text);
	char	   *nans;
	char	   *others;

	nans = psprintf(format, psprintf("isNaN(%s)", value));
	others = psprintf(format, psprintf("not(isNaN(%s))", value));
	if (filter)
	{
		nans = psprintf("and(%s, %s)", nans, filter);
		others = psprintf("and(%s, %s)", others, filter);
	}
	nans = psprintf("if(greater(countIf(%s), 0), toFloat64('nan'), null)", nans);
	others = psprintf("%sIf(%s, %s)", greatest ? "max" : "min", value, others);
	return trql_result(expr, psprintf("coalesce(%s, %s)", greatest ? nans : others,
									  greatest ? others : nans),
					   TRQL_FLOAT, true);
}

/*
 * min and max of times.  Once the engine has compiled its min and max, they
 * take times before 1970 for the greatest; argMin and argMax are never
 * compiled.
 */
static bool
deparse_time_extreme(const TrqlExpr *a, bool greatest, const char *filter, TrqlExpr *expr)
{
	return trql_result(expr,
					   trql_aggregate_call(greatest ? "argMax" : "argMin",
										   psprintf("toNullable(%s), %s", a->text, a->text),
										   filter),
					   TRQL_TIME, true);
}

/*
 * min and max.
 */
static bool
deparse_extreme(TrqlContext *cx, Aggref *aggref, bool greatest, const char *filter,
				TrqlExpr *expr)
{
	TrqlExpr	a;

	if (!trql_deparse_argument(cx, aggref, &a))
		return false;
	switch (a.class)
	{
		case TRQL_TEXT:
			if (!OidIsValid(aggref->inputcollid) ||
				!lc_collate_is_c(aggref->inputcollid))
				return false;
			break;
		case TRQL_FLOAT:
			return deparse_float_extreme(&a, greatest, filter, expr);
		case TRQL_TIME:
			return deparse_time_extreme(&a, greatest, filter, expr);
		case TRQL_INT:
		case TRQL_DECIMAL:
		case TRQL_DATE:
			break;
		default:
			return false;
	}
	(void) trql_result(expr,
					   trql_aggregate_call(greatest ? "max" : "min",
										   psprintf("toNullable(%s)", a.text), filter),
					   a.class, true);
	expr->digits = a.digits;
	expr->scale = a.scale;
	return true;
}

/*
 * sum of integers.
 */
static bool
deparse_sum(TrqlContext *cx, Aggref *aggref, const char *filter, TrqlExpr *expr)
{
	TrqlExpr	a;

	if (!trql_deparse_argument(cx, aggref, &a) || a.class != TRQL_INT)
		return false;
	trql_sum_values(&a, filter, expr);
	return true;
}

/*
 * bool_and and bool_or are the extremes of 0 and 1.
 */
static bool
deparse_bool_aggregate(TrqlContext *cx, Aggref *aggref, const char *name,
					   const char *filter, TrqlExpr *expr)
{
	TrqlExpr	a;
	char	   *text;

	if (!trql_deparse_argument(cx, aggref, &a) || a.class != TRQL_BOOL)
		return false;
	text = trql_aggregate_call(name, psprintf("toUInt8(toNullable(%s))", a.text),
							   filter);
	return trql_result(expr, psprintf("equals(%s, 1)", text), TRQL_BOOL, true);
}

/*
 * Is an aggregate computed as a whole from plain arguments?  What min and max
 * are given twice does not matter to them.
 */
bool
trql_is_plain_aggregate(const Aggref *aggref, bool any_distinct)
{
	return aggref->aggsplit == AGGSPLIT_SIMPLE &&
		aggref->aggkind == AGGKIND_NORMAL && aggref->agglevelsup == 0 &&
		!aggref->aggvariadic && aggref->aggorder == NIL &&
		(any_distinct || aggref->aggdistinct == NIL);
}

/*
 * Write an aggregate.
 */
bool
trql_deparse_aggregate(TrqlContext *cx, Aggref *aggref, TrqlExpr *expr)
{
	char	   *filter;

	switch (aggref->aggfnoid)
	{
		case F_COUNT_:
		case F_COUNT_ANY:
			return trql_is_plain_aggregate(aggref, true) &&
				trql_deparse_filter(cx, aggref, &filter) &&
				deparse_count(cx, aggref, filter, expr);
		case F_MIN_INT2:
		case F_MIN_INT4:
		case F_MIN_INT8:
		case F_MIN_NUMERIC:
		case F_MIN_FLOAT8:
		case F_MIN_DATE:
		case F_MIN_TEXT:
		case F_MIN_TIMESTAMPTZ:
			return trql_is_plain_aggregate(aggref, true) &&
				trql_deparse_filter(cx, aggref, &filter) &&
				deparse_extreme(cx, aggref, false, filter, expr);
		case F_MAX_INT2:
		case F_MAX_INT4:
		case F_MAX_INT8:
		case F_MAX_NUMERIC:
		case F_MAX_FLOAT8:
		case F_MAX_DATE:
		case F_MAX_TEXT:
		case F_MAX_TIMESTAMPTZ:
			return trql_is_plain_aggregate(aggref, true) &&
				trql_deparse_filter(cx, aggref, &filter) &&
				deparse_extreme(cx, aggref, true, filter, expr);
		case F_SUM_INT2:
		case F_SUM_INT4:
		case F_SUM_INT8:
		case F_SUM_NUMERIC:
			return trql_is_plain_aggregate(aggref, false) &&
				trql_deparse_filter(cx, aggref, &filter) &&
				deparse_sum(cx, aggref, filter, expr);
		case F_BOOL_AND:
		case F_EVERY:
			return trql_is_plain_aggregate(aggref, true) &&
				trql_deparse_filter(cx, aggref, &filter) &&
				deparse_bool_aggregate(cx, aggref, "min", filter, expr);
		case F_BOOL_OR:
			return trql_is_plain_aggregate(aggref, true) &&
				trql_deparse_filter(cx, aggref, &filter) &&
				deparse_bool_aggregate(cx, aggref, "max", filter, expr);
		case F_PERCENTILE_DISC_FLOAT8_ANYELEMENT:
			return trql_deparse_percentile(cx, aggref, expr);
		case F_STRING_AGG_TEXT_TEXT:
			return trql_deparse_string_agg(cx, aggref, expr);
		default:
			return false;
	}
}
