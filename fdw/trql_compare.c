/*-------------------------------------------------------------------------
 *
 * trql_compare.c
 *		Comparisons of numbers in the query engine.
 *
 * A value of type numeric may have more digits than what it is compared with
 * can have.  It stands in the query as a number of the other side's kind, or
 * as one between two neighbours of them: see trql_decimal.c.  So the operator
 * need not depend on the value, which may be known only at execution.
 *
 * In SQL NaN equals itself and is greater than all other floats; in the
 * engine every comparison with it is false, but for "<>".
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_deparse.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

/*
 * The mark of a value of type numeric (or of an array of them) that is
 * compared with an expression.
 */
static char *
numeric_mark(TrqlContext *cx, const TrqlExpr *left, Node *value, bool list)
{
	if (left->class == TRQL_INT)
		return trql_mark(cx, value, list ? TRQL_VALUE_WHOLE_LIST : TRQL_VALUE_WHOLE);
	return trql_mark(cx, value,
					 TRQL_DECIMAL_KIND(list ? TRQL_VALUE_DECIMAL_LIST : TRQL_VALUE_DECIMAL,
									   left->digits, left->scale));
}

/*
 * Can a numeric be compared with an expression?
 */
static bool
takes_numeric(const TrqlExpr *left)
{
	return (left->class == TRQL_INT || left->class == TRQL_DECIMAL) && left->digits > 0;
}

/*
 * Write a comparison of type numeric; "right" may be a value, "left" is none.
 */
bool
trql_compare_numerics(TrqlContext *cx, int strategy, Node *left, Node *right,
					  TrqlExpr *expr)
{
	TrqlExpr	a,
				b;
	char	   *text;

	if (trql_is_value(cx, left) || !trql_deparse(cx, left, &a) || !takes_numeric(&a))
		return false;
	if (trql_is_value(cx, right))
	{
		text = numeric_mark(cx, &a, right, false);
		b.nullable = true;
	}
	else
	{
		/* decimals of different scales could overflow on the way */
		if (!trql_deparse(cx, right, &b) || a.class != b.class || !takes_numeric(&b) ||
			a.scale != b.scale)
			return false;
		text = b.text;
	}
	return trql_result(expr, psprintf("%s(%s, %s)", trql_comparison_name(strategy), a.text,
									  text),
					   TRQL_BOOL, a.nullable || b.nullable);
}

/*
 * A comparison of two floats of which either may be NaN or NULL: a number is
 * less than NaN, which isNaN() says of both.
 */
static char *
compare_any_floats(int strategy, const char *a, const char *b)
{
	switch (strategy)
	{
		case BTLessStrategyNumber:
		case BTGreaterStrategyNumber:
			return psprintf("or(%s(%s, %s), %s(isNaN(%s), isNaN(%s)))",
							trql_comparison_name(strategy), a, b,
							trql_comparison_name(strategy), a, b);
		case BTLessEqualStrategyNumber:
			return psprintf("not(%s)", compare_any_floats(BTGreaterStrategyNumber, a, b));
		case BTGreaterEqualStrategyNumber:
			return psprintf("not(%s)", compare_any_floats(BTLessStrategyNumber, a, b));
		case BTEqualStrategyNumber:
			return psprintf("or(equals(%s, %s), and(isNaN(%s), isNaN(%s)))", a, b, a, b);
		default:
			return psprintf("not(%s)", compare_any_floats(BTEqualStrategyNumber, a, b));
	}
}

/*
 * Write a comparison of floats.
 */
bool
trql_compare_floats(TrqlContext *cx, int strategy, const TrqlExpr *left, Node *right,
					TrqlExpr *expr)
{
	Const	   *constant = (Const *) right;
	TrqlExpr	b;
	const char *name = trql_comparison_name(strategy);
	char	   *text;

	if (!trql_deparse(cx, right, &b) || b.class != TRQL_FLOAT)
		return false;
	if (!IsA(constant, Const) || constant->constisnull)
		text = compare_any_floats(strategy, left->text, b.text);
	else if (isnan(constant->consttype == FLOAT4OID ? DatumGetFloat4(constant->constvalue) :
				   DatumGetFloat8(constant->constvalue)))
		text = psprintf("%s(isNaN(%s), 1)", name, left->text);
	else if (strategy == BTGreaterStrategyNumber || strategy == BTGreaterEqualStrategyNumber)
		text = psprintf("or(%s(%s, %s), isNaN(%s))", name, left->text, b.text, left->text);
	else
		text = psprintf("%s(%s, %s)", name, left->text, b.text);
	return trql_result(expr, text, TRQL_BOOL, left->nullable || b.nullable);
}

/*
 * A float as what is grouped by, or looked for in a list: there, zeros of
 * both signs are different values, and so are NaNs of different bits.
 */
char *
trql_float_key(const char *text)
{
	return psprintf("if(isNaN(%s), toFloat64('nan'), plus(%s, 0))", text, text);
}

/*
 * x = ANY (array), for an x that is not NULL; NULL if it cannot be written.
 */
char *
trql_in_list(TrqlContext *cx, const TrqlExpr *left, Node *array)
{
	Oid			element = get_element_type(exprType(array));
	char	   *null = trql_mark(cx, array, TRQL_VALUE_LIST_NULL);
	const char *list;

	if (left->class == TRQL_FLOAT && (element == FLOAT4OID || element == FLOAT8OID))
		return psprintf("or(in(plus(%s, 0), %s), and(isNaN(%s), %s), %s)", left->text,
						trql_mark(cx, array, TRQL_VALUE_FLOAT_LIST), left->text,
						trql_mark(cx, array, TRQL_VALUE_LIST_NAN), null);
	if (left->class == TRQL_TEXT && element == TEXTOID)
		list = trql_mark(cx, array, TRQL_VALUE_TEXT_LIST);
	else if (left->class == TRQL_INT &&
			 (element == INT2OID || element == INT4OID || element == INT8OID))
		list = trql_mark(cx, array, TRQL_VALUE_INT_LIST);
	else if (takes_numeric(left) && element == NUMERICOID)
		list = numeric_mark(cx, left, array, true);
	else
		return NULL;
	return psprintf("or(in(%s, %s), %s)", left->text, list, null);
}
