/*-------------------------------------------------------------------------
 *
 * trql_parts.c
 *		Aggregates that are computed here from what the API computes.
 *
 * Sums and counts are exact there, and PostgreSQL's own numeric arithmetic
 * makes of them what it would make of the rows: see trql_combine.c.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_aggregate.h"

#include "utils/fmgroids.h"

/* Decimals of as many digits cannot overflow the engine's sum, which has 38. */
#define MAX_SUMMED_DIGITS	18

/*
 * avg of integers: sum and count.
 */
static void
average_parts(const TrqlExpr *a, const char *filter, TrqlParts *parts)
{
	parts->combination = TRQL_COMBINE_AVERAGE;
	parts->n = 2;
	trql_sum_values(a, filter, &parts->parts[0]);
	trql_count_values(a, filter, &parts->parts[1]);
}

/*
 * Variance and standard deviation of integers: count, sum and sum of squares.
 * Of integers of 64 bits, squares and their sums have more than 128.
 */
static bool
spread_parts(const TrqlExpr *a, const char *filter, TrqlCombination combination,
			 TrqlParts *parts)
{
	char	   *wide = psprintf("toInt256(toNullable(%s))", a->text);

	if (a->class != TRQL_INT)
		return false;
	parts->combination = combination;
	parts->n = 3;
	trql_count_values(a, filter, &parts->parts[0]);
	trql_sum_values(a, filter, &parts->parts[1]);
	return trql_result(&parts->parts[2],
					   trql_aggregate_call("sum", psprintf("multiply(%s, %s)", wide, wide),
										   filter),
					   TRQL_INT, true);
}

/*
 * sum and avg of decimals.  The result has as many decimals as that of
 * the values which is shown with the most, and zeros at the end are not.
 */
static bool
decimal_parts(TrqlContext *cx, Aggref *aggref, bool average, const char *filter,
			  TrqlParts *parts)
{
	TrqlExpr	a;
	char	   *text;

	if (!trql_deparse_argument(cx, aggref, &a) || a.class != TRQL_DECIMAL ||
		a.digits == 0 || a.digits > MAX_SUMMED_DIGITS)
		return false;
	parts->combination = average ? TRQL_COMBINE_SCALED_AVERAGE : TRQL_COMBINE_SCALED_SUM;
	parts->n = average ? 3 : 2;
	(void) trql_result(&parts->parts[0],
					   trql_aggregate_call("sum", psprintf("toNullable(%s)", a.text), filter),
					   TRQL_DECIMAL, true);
	text = psprintf("splitByChar('.', ifNull(toString(%s), ''))", a.text);
	text = psprintf("length(arrayElement(%s, 2))", text);
	(void) trql_result(&parts->parts[1], trql_aggregate_call("max", text, filter), TRQL_INT,
					   false);
	trql_count_values(&a, filter, &parts->parts[2]);
	return true;
}

/*
 * The parts of an aggregate of numbers.
 */
static bool
number_parts(TrqlContext *cx, Aggref *aggref, TrqlCombination combination,
			 TrqlParts *parts)
{
	char	   *filter;
	TrqlExpr	a;

	if (!trql_is_plain_aggregate(aggref, false) || !trql_deparse_filter(cx, aggref, &filter))
		return false;
	if (combination == TRQL_COMBINE_SCALED_SUM)
		return decimal_parts(cx, aggref, false, filter, parts);
	if (!trql_deparse_argument(cx, aggref, &a))
		return false;
	if (a.class == TRQL_DECIMAL && combination == TRQL_COMBINE_AVERAGE)
		return decimal_parts(cx, aggref, true, filter, parts);
	if (a.class != TRQL_INT)
		return false;
	if (combination != TRQL_COMBINE_AVERAGE)
		return spread_parts(&a, filter, combination, parts);
	average_parts(&a, filter, parts);
	return true;
}

/*
 * The parts of an aggregate.  False if it cannot be computed from parts.
 */
bool
trql_deparse_parts(TrqlContext *cx, Aggref *aggref, TrqlParts *parts)
{
	memset(parts, 0, sizeof(*parts));
	parts->argument = -1;
	switch (aggref->aggfnoid)
	{
		case F_AVG_INT2:
		case F_AVG_INT4:
		case F_AVG_INT8:
		case F_AVG_NUMERIC:
			return number_parts(cx, aggref, TRQL_COMBINE_AVERAGE, parts);
		case F_SUM_NUMERIC:
			return number_parts(cx, aggref, TRQL_COMBINE_SCALED_SUM, parts);
		case F_VARIANCE_INT2:
		case F_VARIANCE_INT4:
		case F_VARIANCE_INT8:
		case F_VARIANCE_NUMERIC:
		case F_VAR_SAMP_INT2:
		case F_VAR_SAMP_INT4:
		case F_VAR_SAMP_INT8:
		case F_VAR_SAMP_NUMERIC:
			return number_parts(cx, aggref, TRQL_COMBINE_VAR_SAMP, parts);
		case F_VAR_POP_INT2:
		case F_VAR_POP_INT4:
		case F_VAR_POP_INT8:
		case F_VAR_POP_NUMERIC:
			return number_parts(cx, aggref, TRQL_COMBINE_VAR_POP, parts);
		case F_STDDEV_INT2:
		case F_STDDEV_INT4:
		case F_STDDEV_INT8:
		case F_STDDEV_NUMERIC:
		case F_STDDEV_SAMP_INT2:
		case F_STDDEV_SAMP_INT4:
		case F_STDDEV_SAMP_INT8:
		case F_STDDEV_SAMP_NUMERIC:
			return number_parts(cx, aggref, TRQL_COMBINE_STDDEV_SAMP, parts);
		case F_STDDEV_POP_INT2:
		case F_STDDEV_POP_INT4:
		case F_STDDEV_POP_INT8:
		case F_STDDEV_POP_NUMERIC:
			return number_parts(cx, aggref, TRQL_COMBINE_STDDEV_POP, parts);
		case F_PERCENTILE_CONT_FLOAT8_FLOAT8:
		case F_PERCENTILE_CONT__FLOAT8_FLOAT8:
		case F_PERCENTILE_DISC__FLOAT8_ANYELEMENT:
			return trql_percentile_parts(cx, aggref, parts);
		case F_ARRAY_AGG_ANYNONARRAY:
			return trql_array_agg_parts(cx, aggref, parts);
		default:
			return false;
	}
}
