/*-------------------------------------------------------------------------
 *
 * trql_combine.c
 *		What is computed here from several fields of an answer's row.
 *
 * Each of these does what PostgreSQL's aggregate does when it has seen the
 * last row, with PostgreSQL's own functions and in the same order, so that the
 * result has the same digits.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_combine.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

/* The fields of a row, and what else a combination needs. */
typedef struct Parts
{
	const Datum *values;
	const bool *nulls;
	Datum		argument;
	Oid			type;			/* of the result */
	bool		sample;			/* variance: not of the whole population */
	bool		interpolated;	/* percentiles: percentile_cont */
	bool		nulls_first;	/* array_agg */
} Parts;

typedef Datum (*Combine) (const Parts *parts, bool *isnull);

/*
 * A field that has a value in every answer.
 */
static Datum
part(const Parts *parts, int i)
{
	if (parts->nulls[i])
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API is not as promised"),
				 errdetail("A part of an aggregate is missing.")));
	return parts->values[i];
}

/*
 * The same of a number, which is finite.
 */
static Datum
number(const Parts *parts, int i)
{
	Datum		value = part(parts, i);

	if (numeric_is_nan(DatumGetNumeric(value)) || numeric_is_inf(DatumGetNumeric(value)))
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API is not as promised"),
				 errdetail("A part of an aggregate is no number.")));
	return value;
}

/*
 * A number of rows, or of decimals.
 */
static int64
count_of(const Parts *parts, int i)
{
	int64		count = DatumGetInt64(DirectFunctionCall1(numeric_int8, number(parts, i)));

	if (count < 0)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API is not as promised"),
				 errdetail("A count is less than 0.")));
	return count;
}

/*
 * The average of a sum and a count.
 */
static Datum
average(const Parts *parts, bool *isnull)
{
	*isnull = parts->nulls[0];
	if (*isnull)
		return (Datum) 0;
	return DirectFunctionCall2(numeric_div, parts->values[0], number(parts, 1));
}

/*
 * A sum, and how many decimals it has.
 */
static Datum
scaled_sum(const Parts *parts, bool *isnull)
{
	*isnull = parts->nulls[0];
	if (*isnull)
		return (Datum) 0;
	return DirectFunctionCall2(numeric_round, parts->values[0],
							   Int32GetDatum((int32) count_of(parts, 1)));
}

/*
 * The same, and a count.
 */
static Datum
scaled_average(const Parts *parts, bool *isnull)
{
	Datum		sum = scaled_sum(parts, isnull);

	if (*isnull)
		return (Datum) 0;
	return DirectFunctionCall2(numeric_div, sum, number(parts, 2));
}

/*
 * The variance from the count, the sum and the sum of squares.
 */
static Datum
variance(const Parts *parts, bool *isnull)
{
	Datum		count = number(parts, 0);
	Datum		zero = NumericGetDatum(int64_to_numeric(0));
	Datum		sum;
	Datum		numerator;
	Datum		divisor = count;

	*isnull = count_of(parts, 0) < (parts->sample ? 2 : 1);
	if (*isnull)
		return (Datum) 0;
	sum = number(parts, 1);
	numerator = DirectFunctionCall2(numeric_sub,
									DirectFunctionCall2(numeric_mul, count, number(parts, 2)),
									DirectFunctionCall2(numeric_mul, sum, sum));
	if (DatumGetBool(DirectFunctionCall2(numeric_le, numerator, zero)))
		return zero;
	if (parts->sample)
		divisor = DirectFunctionCall2(numeric_sub, count,
									  NumericGetDatum(int64_to_numeric(1)));
	return DirectFunctionCall2(numeric_div, numerator,
							   DirectFunctionCall2(numeric_mul, count, divisor));
}

/*
 * The root of a number, rounded to as many decimals as the number has.
 *
 * numeric_sqrt() rounds to that many or more, half up.  So rounding its result
 * again is wrong in one case only: a root that is less than half a unit above
 * the one below, and was rounded to half.  Then it is too great by a unit,
 * which squaring that half tells, without an error.
 */
static Datum
root(Datum number)
{
	Datum		scale = DirectFunctionCall1(numeric_scale, number);
	int			decimals = DatumGetInt32(scale);
	Datum		half;
	Datum		found;
	Datum		middle;

	found = DirectFunctionCall2(numeric_round, DirectFunctionCall1(numeric_sqrt, number),
								scale);
	half = DirectFunctionCall3(numeric_in,
							   CStringGetDatum(psprintf("5e-%d", decimals + 1)),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	middle = DirectFunctionCall2(numeric_sub, found, half);
	if (DatumGetBool(DirectFunctionCall2(numeric_le,
										 DirectFunctionCall2(numeric_mul, middle, middle),
										 number)))
		return found;
	return DirectFunctionCall2(numeric_round,
							   DirectFunctionCall2(numeric_sub, middle, half), scale);
}

/*
 * The standard deviation.  Its variance has been rounded before: so does
 * PostgreSQL.
 */
static Datum
deviation(const Parts *parts, bool *isnull)
{
	Datum		square = variance(parts, isnull);

	if (*isnull || DatumGetBool(DirectFunctionCall2(numeric_eq, square,
													 NumericGetDatum(int64_to_numeric(0)))))
		return square;
	return root(square);
}

/*
 * The texts of an array, which must be as many as were asked for.
 */
static Datum *
elements(Datum array, int expected)
{
	Datum	   *texts;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &texts, NULL, &n);
	if (n != expected)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API is not as promised"),
				 errdetail("A list has %d elements instead of %d.", n, expected)));
	return texts;
}

/*
 * A double from its text.
 */
static double
float_of(Datum datum)
{
	char	   *value = TextDatumGetCString(datum);

	return DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(value)));
}

/*
 * Interpolate between two values of a sorted list of so many.
 */
static Datum
interpolate(double fraction, int64 count, double low, double high)
{
	double		first = floor(fraction * (count - 1));

	if (first == ceil(fraction * (count - 1)))
		return Float8GetDatum(low);
	fraction = (fraction * (count - 1)) - first;
	return Float8GetDatum(low + (fraction * (high - low)));
}

/*
 * percentile_cont of one fraction, from the count and two elements.
 */
static Datum
continuous(const Parts *parts, bool *isnull)
{
	int64		count = count_of(parts, 0);
	Datum	   *texts;

	*isnull = count == 0;
	if (*isnull)
		return (Datum) 0;
	texts = elements(part(parts, 1), 2);
	return interpolate(DatumGetFloat8(parts->argument), count, float_of(texts[0]),
					   float_of(texts[1]));
}

/*
 * A percentile for each of the fractions that the argument is an array of.
 * Its shape is the result's.
 */
static Datum
percentiles(const Parts *parts, bool *isnull)
{
	ArrayType  *shape = DatumGetArrayTypeP(parts->argument);
	int64		count = count_of(parts, 0);
	Oid			type = get_element_type(parts->type);
	Datum	   *fractions;
	bool	   *nulls;
	Datum	   *texts;
	int			n;
	int			asked = 0;
	int16		len;
	bool		byval;
	char		align;

	*isnull = count == 0;
	if (*isnull)
		return (Datum) 0;
	deconstruct_array(shape, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &fractions, &nulls, &n);
	for (int i = 0; i < n; i++)
		asked += nulls[i] ? 0 : parts->interpolated ? 2 : 1;
	texts = elements(part(parts, 1), asked);
	for (int i = 0; i < n; i++)
	{
		Oid			input;
		Oid			parameter;

		if (nulls[i])
			continue;
		if (parts->interpolated)
		{
			fractions[i] = interpolate(DatumGetFloat8(fractions[i]), count,
									   float_of(texts[0]), float_of(texts[1]));
			texts += 2;
			continue;
		}
		getTypeInputInfo(type, &input, &parameter);
		/* times come in UTC and do not say so */
		fractions[i] = OidInputFunctionCall(input,
											psprintf("%s%s", TextDatumGetCString(*texts++),
													 type == TIMESTAMPTZOID ? "+00" : ""),
											parameter, -1);
	}
	get_typlenbyvalalign(type, &len, &byval, &align);
	return PointerGetDatum(construct_md_array(fractions, nulls, ARR_NDIM(shape),
											  ARR_DIMS(shape), ARR_LBOUND(shape), type, len,
											  byval, align));
}

/*
 * array_agg from its texts and a number of nulls.
 */
static Datum
array_with_nulls(const Parts *parts, bool *isnull)
{
	int64		missing = count_of(parts, 1);
	Datum	   *texts;
	Datum	   *all;
	bool	   *nulls;
	int			n;
	int			lower = 1;
	int			total;

	deconstruct_array(DatumGetArrayTypeP(part(parts, 0)), TEXTOID, -1, false,
					  TYPALIGN_INT, &texts, NULL, &n);
	*isnull = n == 0 && missing == 0;
	if (*isnull)
		return (Datum) 0;
	if (missing > (int64) (MaxAllocSize / sizeof(Datum)) - n)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("array size exceeds the maximum allowed (%d)",
						(int) (MaxAllocSize / sizeof(Datum)))));
	total = n + (int) missing;
	all = palloc0(total * sizeof(Datum));
	nulls = palloc(total * sizeof(bool));
	for (int i = 0; i < total; i++)
	{
		int			from = parts->nulls_first ? i - (int) missing : i;

		nulls[i] = from < 0 || from >= n;
		if (!nulls[i])
			all[i] = texts[from];
	}
	return PointerGetDatum(construct_md_array(all, nulls, 1, &total, &lower, TEXTOID, -1,
											  false, TYPALIGN_INT));
}

static const Combine combinations[] = {
	[TRQL_COMBINE_AVERAGE] = average,
	[TRQL_COMBINE_SCALED_SUM] = scaled_sum,
	[TRQL_COMBINE_SCALED_AVERAGE] = scaled_average,
	[TRQL_COMBINE_VAR_SAMP] = variance,
	[TRQL_COMBINE_VAR_POP] = variance,
	[TRQL_COMBINE_STDDEV_SAMP] = deviation,
	[TRQL_COMBINE_STDDEV_POP] = deviation,
	[TRQL_COMBINE_CONTINUOUS] = continuous,
	[TRQL_COMBINE_CONTINUOUS_LIST] = percentiles,
	[TRQL_COMBINE_DISCRETE_LIST] = percentiles,
	[TRQL_COMBINE_NULLS_FIRST] = array_with_nulls,
	[TRQL_COMBINE_NULLS_LAST] = array_with_nulls,
};

/*
 * Compute a value of a type from fields of a row, which begin at "values" and
 * "nulls"; how many they are is the planner's knowledge (trql_parts.c).
 * "argument" is what the combination needs beside them.  The result is in the
 * current context.  An answer that lacks what it must have is an error.
 */
Datum
trql_combine(TrqlCombination combination, const Datum *values, const bool *nulls,
			 Datum argument, Oid type, bool *isnull)
{
	Parts		parts = {values, nulls, argument, type};

	parts.sample = combination == TRQL_COMBINE_VAR_SAMP ||
		combination == TRQL_COMBINE_STDDEV_SAMP;
	parts.interpolated = combination == TRQL_COMBINE_CONTINUOUS_LIST;
	parts.nulls_first = combination == TRQL_COMBINE_NULLS_FIRST;
	return combinations[combination] (&parts, isnull);
}
