/*-------------------------------------------------------------------------
 *
 * trql_arithmetic.c
 *		Arithmetic of integers in the query engine.
 *
 * Where PostgreSQL reports that a result is out of range, the engine goes on
 * with more bits or wraps around.  So a range is kept for each expression, and
 * an operation is written only if its result fits its type for all values.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_deparse.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"

/*
 * Least and greatest value of an integer type; false if it is none.
 */
static bool
type_range(Oid type, int64 *low, int64 *high)
{
	switch (type)
	{
		case INT2OID:
			*low = PG_INT16_MIN;
			*high = PG_INT16_MAX;
			return true;
		case INT4OID:
			*low = PG_INT32_MIN;
			*high = PG_INT32_MAX;
			return true;
		case INT8OID:
			*low = PG_INT64_MIN;
			*high = PG_INT64_MAX;
			return true;
		default:
			return false;
	}
}

/*
 * Set the range of a value: of its type, or, of a constant, itself.
 */
void
trql_range_of_value(Node *node, TrqlExpr *expr)
{
	Const	   *constant = (Const *) node;

	(void) type_range(exprType(node), &expr->low, &expr->high);
	if (!IsA(node, Const) || constant->constisnull)
		return;
	expr->low = exprType(node) == INT2OID ? DatumGetInt16(constant->constvalue) :
		exprType(node) == INT4OID ? DatumGetInt32(constant->constvalue) :
		DatumGetInt64(constant->constvalue);
	expr->high = expr->low;
}

/*
 * Set the range of a column.
 */
void
trql_range_of_column(const TrqlType *type, TrqlExpr *expr)
{
	if (type->class != TRQL_INT || type->bits >= 64)
		return;
	if (type->is_unsigned)
	{
		expr->low = 0;
		expr->high = (INT64CONST(1) << type->bits) - 1;
	}
	else
	{
		expr->low = -(INT64CONST(1) << (type->bits - 1));
		expr->high = (INT64CONST(1) << (type->bits - 1)) - 1;
	}
}

/*
 * Do all values fit a type?
 */
bool
trql_range_fits(const TrqlExpr *expr, Oid type)
{
	int64		low,
				high;

	return type_range(type, &low, &high) && expr->low >= low && expr->high <= high;
}

/*
 * Set the range of a product.  False if it overflows.
 */
static bool
multiply_ranges(const TrqlExpr *a, const TrqlExpr *b, TrqlExpr *expr)
{
	const int64 left[] = {a->low, a->high};
	const int64 right[] = {b->low, b->high};

	expr->low = PG_INT64_MAX;
	expr->high = PG_INT64_MIN;
	for (int i = 0; i < 4; i++)
	{
		int64		product;

		if (pg_mul_s64_overflow(left[i / 2], right[i % 2], &product))
			return false;
		expr->low = Min(expr->low, product);
		expr->high = Max(expr->high, product);
	}
	return true;
}

/*
 * Write an operation of two integers.
 */
static bool
binary(TrqlContext *cx, OpExpr *op, char which, TrqlExpr *expr)
{
	TrqlExpr	a,
				b;
	const char *name = NULL;
	int64		low = 0;
	int64		high = 0;
	int64		extreme;

	if (!trql_deparse(cx, linitial(op->args), &a) ||
		!trql_deparse(cx, lsecond(op->args), &b) || a.class != TRQL_INT ||
		b.class != TRQL_INT)
		return false;

	/* a numeric may be any integer where nothing is known of it */
	if (exprType((Node *) op) == NUMERICOID &&
		(a.low == PG_INT64_MIN || a.high == PG_INT64_MAX ||
		 b.low == PG_INT64_MIN || b.high == PG_INT64_MAX))
		return false;
	memset(expr, 0, sizeof(*expr));
	switch (which)
	{
		case '+':
			name = "plus";
			if (pg_add_s64_overflow(a.low, b.low, &low) ||
				pg_add_s64_overflow(a.high, b.high, &high))
				return false;
			break;
		case '-':
			name = "minus";
			if (pg_sub_s64_overflow(a.low, b.high, &low) ||
				pg_sub_s64_overflow(a.high, b.low, &high))
				return false;
			break;
		case '*':
			name = "multiply";
			if (!multiply_ranges(&a, &b, expr))
				return false;
			low = expr->low;
			high = expr->high;
			break;
		case '/':
		case '%':
			/* by a constant that neither fails nor overflows */
			if (b.low != b.high || b.low == 0 || b.low == -1)
				return false;
			name = which == '/' ? "intDiv" : "modulo";
			extreme = Max(a.high, a.low == PG_INT64_MIN ? PG_INT64_MAX : -a.low);
			low = Min(a.low, a.high == PG_INT64_MIN ? a.low : -extreme);
			high = extreme;
			break;
	}
	(void) trql_result(expr, psprintf("%s(toInt64(%s), toInt64(%s))", name, a.text,
									  b.text),
					   TRQL_INT, a.nullable || b.nullable);
	expr->low = low;
	expr->high = high;
	return exprType((Node *) op) == NUMERICOID ||
		trql_range_fits(expr, exprType((Node *) op));
}

/*
 * Write an operation of integers.
 */
bool
trql_deparse_arithmetic(TrqlContext *cx, OpExpr *op, TrqlExpr *expr)
{
	TrqlExpr	a;

	switch (op->opfuncid)
	{
		case F_INT2PL:
		case F_INT4PL:
		case F_INT8PL:
		case F_INT24PL:
		case F_INT42PL:
		case F_INT28PL:
		case F_INT82PL:
		case F_INT48PL:
		case F_INT84PL:
		case F_NUMERIC_ADD:
			return binary(cx, op, '+', expr);
		case F_INT2MI:
		case F_INT4MI:
		case F_INT8MI:
		case F_INT24MI:
		case F_INT42MI:
		case F_INT28MI:
		case F_INT82MI:
		case F_INT48MI:
		case F_INT84MI:
		case F_NUMERIC_SUB:
			return binary(cx, op, '-', expr);
		case F_INT2MUL:
		case F_INT4MUL:
		case F_INT8MUL:
		case F_INT24MUL:
		case F_INT42MUL:
		case F_INT28MUL:
		case F_INT82MUL:
		case F_INT48MUL:
		case F_INT84MUL:
		case F_NUMERIC_MUL:
			return binary(cx, op, '*', expr);
		case F_INT2DIV:
		case F_INT4DIV:
		case F_INT8DIV:
		case F_INT24DIV:
		case F_INT42DIV:
		case F_INT28DIV:
		case F_INT82DIV:
		case F_INT48DIV:
		case F_INT84DIV:
			return binary(cx, op, '/', expr);
		case F_INT2MOD:
		case F_INT4MOD:
		case F_INT8MOD:
			return binary(cx, op, '%', expr);
		case F_INT2UM:
		case F_INT4UM:
		case F_INT8UM:
			if (!trql_deparse(cx, linitial(op->args), &a) || a.class != TRQL_INT ||
				a.low == PG_INT64_MIN)
				return false;
			(void) trql_result(expr, psprintf("negate(toInt64(%s))", a.text), TRQL_INT,
							   a.nullable);
			expr->low = -a.high;
			expr->high = -a.low;
			return trql_range_fits(expr, exprType((Node *) op));
		default:
			return false;
	}
}
