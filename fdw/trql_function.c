/*-------------------------------------------------------------------------
 *
 * trql_function.c
 *		Functions of SQL to functions of the query engine.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_deparse.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "trql_zone.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/pg_locale.h"
#include "utils/timestamp.h"

/* Times before this (of 2298) are the engine's, and so is what they round to. */
#define LAST_EXACT_TIME	((INT64CONST(2299) - 2000) * 365 * USECS_PER_DAY)

/*
 * A constant text, NULL if the node is none.
 */
char *
trql_constant_text(Node *node)
{
	Const	   *constant = (Const *) trql_strip(node);

	if (constant == NULL || !IsA(constant, Const) || constant->constisnull ||
		constant->consttype != TEXTOID)
		return NULL;
	return TextDatumGetCString(constant->constvalue);
}

/*
 * Is a text in a list that ends with NULL?
 */
static int
index_of(const char *const *list, const char *text)
{
	for (int i = 0; text && list[i]; i++)
	{
		if (pg_strcasecmp(list[i], text) == 0)
			return i;
	}
	return -1;
}

/*
 * The zone of a function of time: its argument, or the session's.
 */
static char *
deparse_zone(TrqlContext *cx, Node *zone)
{
	if (zone && (trql_constant_text(zone) == NULL ||
				 trql_zone_name(trql_constant_text(zone)) == NULL))
		return NULL;
	if (zone == NULL && trql_session_zone() == NULL)
		return NULL;
	if (zone)
		return trql_mark(cx, trql_strip(zone), TRQL_VALUE_ZONE);

	/* NULL stands for the session's zone, as it is at execution */
	return trql_mark(cx, (Node *) makeNullConst(TEXTOID, -1, DEFAULT_COLLATION_OID),
				TRQL_VALUE_ZONE);
}

/*
 * date_trunc.  The engine's own functions for it have a range of 32 or 16 bits
 * and wrap around; so days are computed as dates of the long range, which are
 * midnights of the zone again, and hours by what has passed since.
 */
static bool
deparse_date_trunc(TrqlContext *cx, List *args, TrqlExpr *expr)
{
	static const char *const units[] = {"second", "minute", "hour", "day", "week",
		"month", "quarter", "year", NULL
	};
	int			unit = index_of(units, trql_constant_text(linitial(args)));
	char	   *zone = deparse_zone(cx, list_length(args) > 2 ? lthird(args) : NULL);
	TrqlExpr	a;
	char	   *local;
	char	   *second;
	char	   *date;
	char	   *text;

	if (unit < 0 || zone == NULL || !trql_deparse(cx, lsecond(args), &a) ||
		a.class != TRQL_TIME)
		return false;
	local = psprintf("toTimeZone(%s, %s)", a.text, zone);
	second = psprintf("toStartOfSecond(toDateTime64(%s, 6, 'UTC'))", a.text);
	date = psprintf("toDate32(%s)", local);
	switch (unit)
	{
		case 0:
			text = second;
			break;
		case 1:
			text = psprintf("subtractSeconds(%s, toSecond(%s))", second, local);
			break;
		case 2:
			text = psprintf("subtractSeconds(%s, plus(multiply(60, toMinute(%s)), toSecond(%s)))",
							second, local, local);
			break;
		case 3:
			text = date;
			break;
		case 4:
			text = psprintf("subtractDays(%s, minus(toDayOfWeek(%s), 1))", date, local);
			break;
		case 7:
			text = psprintf("subtractDays(%s, minus(toDayOfYear(%s), 1))", date, local);
			break;
		default:
			text = psprintf("subtractDays(%s, minus(toDayOfMonth(%s), 1))", date, local);
			if (unit == 6)
				text = psprintf("subtractMonths(%s, modulo(minus(toMonth(%s), 1), 3))",
								text, local);
			break;
	}
	if (unit >= 3)
		text = psprintf("toDateTime64(%s, 0, %s)", text, zone);
	return trql_result(expr, text, TRQL_TIME, a.nullable);
}

/*
 * extract and date_part, where they give integers.
 */
static bool
deparse_extract(TrqlContext *cx, List *args, TrqlExpr *expr)
{
	static const char *const units[] = {"year", "quarter", "month", "day", "hour",
		"minute", "doy", "dow", "isodow", "week", "isoyear", NULL
	};
	static const char *const formats[] = {
		"toYear(%s)", "toQuarter(%s)", "toMonth(%s)", "toDayOfMonth(%s)", "toHour(%s)",
		"toMinute(%s)", "toDayOfYear(%s)", "modulo(toDayOfWeek(%s), 7)",
		"toDayOfWeek(%s)", "toISOWeek(%s)", "toISOYear(%s)"
	};
	int			unit = index_of(units, trql_constant_text(linitial(args)));
	char	   *zone = deparse_zone(cx, NULL);
	TrqlExpr	a;

	if (unit < 0 || zone == NULL || !trql_deparse(cx, lsecond(args), &a) || a.class != TRQL_TIME)
		return false;
	(void) trql_result(expr, psprintf(formats[unit], psprintf("toTimeZone(%s, %s)", a.text,
															  zone)),
					   TRQL_INT, a.nullable);
	/* the engine has the years 1900 to 2299 */
	expr->low = 0;
	expr->high = 9999;
	return true;
}

/*
 * A function of one argument.
 */
static bool
deparse_unary(TrqlContext *cx, List *args, TrqlClass from, TrqlClass to,
			  const char *format, TrqlExpr *expr)
{
	TrqlExpr	a;

	if (!trql_deparse(cx, linitial(args), &a) || a.class != from)
		return false;
	(void) trql_result(expr, psprintf(format, a.text), to, a.nullable);
	if (from == to)
	{
		expr->low = a.low;
		expr->high = a.high;
		expr->digits = a.digits;
	}
	return true;
}

/*
 * A number as a float.  Of one that is longer than a float both sides take the
 * nearest to its text.
 */
static bool
deparse_float(TrqlContext *cx, List *args, TrqlExpr *expr)
{
	TrqlExpr	a;

	if (!trql_deparse(cx, linitial(args), &a) ||
		(a.class != TRQL_INT && a.class != TRQL_DECIMAL))
		return false;
	return trql_result(expr, psprintf("toFloat64(toString(%s))", a.text), TRQL_FLOAT,
					   a.nullable);
}

/*
 * abs() of all but the least of its type.
 */
static bool
deparse_abs(TrqlContext *cx, FuncExpr *function, TrqlExpr *expr)
{
	TrqlExpr	a;

	if (!trql_deparse(cx, linitial(function->args), &a) || a.class != TRQL_INT ||
		a.low < -PG_INT16_MAX)
		return false;
	return trql_result(expr, psprintf("abs(toInt64(%s))", a.text), TRQL_INT, a.nullable);
}

/*
 * round() and trunc() of an integer that is a numeric, to no decimals.
 */
static bool
deparse_round(TrqlContext *cx, List *args, TrqlExpr *expr)
{
	Const	   *scale = list_length(args) > 1 ? lsecond(args) : NULL;

	if (scale && (!IsA(scale, Const) || scale->constisnull ||
				  DatumGetInt32(scale->constvalue) != 0))
		return false;
	return deparse_unary(cx, args, TRQL_INT, TRQL_INT, "%s", expr);
}

/*
 * A cast of an integer that is a numeric to an integer type.
 */
static bool
deparse_narrowing(TrqlContext *cx, FuncExpr *function, TrqlExpr *expr)
{
	return deparse_unary(cx, function->args, TRQL_INT, TRQL_INT, "%s", expr) &&
		exprType(linitial(function->args)) == NUMERICOID &&
		expr->low > PG_INT64_MIN && expr->high < PG_INT64_MAX &&
		trql_range_fits(expr, function->funcresulttype);
}

/*
 * A call of a function.
 */
bool
trql_deparse_function(TrqlContext *cx, FuncExpr *function, TrqlExpr *expr)
{
	switch (function->funcid)
	{
		case F_LOWER_TEXT:
			return lc_ctype_is_c(function->inputcollid) &&
				deparse_unary(cx, function->args, TRQL_TEXT, TRQL_TEXT, "lower(%s)", expr);
		case F_UPPER_TEXT:
			return lc_ctype_is_c(function->inputcollid) &&
				deparse_unary(cx, function->args, TRQL_TEXT, TRQL_TEXT, "upper(%s)", expr);
		case F_LENGTH_TEXT:
		case F_CHAR_LENGTH_TEXT:
		case F_CHARACTER_LENGTH_TEXT:
			return deparse_unary(cx, function->args, TRQL_TEXT, TRQL_INT,
								 "lengthUTF8(%s)", expr);
		case F_ABS_INT2:
		case F_ABS_INT4:
			return deparse_abs(cx, function, expr);
		case F_INT8_INT4:
		case F_INT4_INT2:
		case F_INT8_INT2:
		case F_NUMERIC_INT2:
		case F_NUMERIC_INT4:
		case F_NUMERIC_INT8:
			return deparse_unary(cx, function->args, TRQL_INT, TRQL_INT, "%s", expr);
		case F_INT2_NUMERIC:
		case F_INT4_NUMERIC:
		case F_INT8_NUMERIC:
			return deparse_narrowing(cx, function, expr);
		case F_FLOAT8_INT2:
		case F_FLOAT8_INT4:
			return deparse_unary(cx, function->args, TRQL_INT, TRQL_FLOAT,
								 "toFloat64(%s)", expr);
		case F_FLOAT8_INT8:
		case F_FLOAT8_NUMERIC:
			return deparse_float(cx, function->args, expr);
		case F_FLOOR_NUMERIC:
			return trql_deparse_floor(cx, linitial(function->args), expr);
		case F_CEIL_NUMERIC:
		case F_CEILING_NUMERIC:
		case F_ROUND_NUMERIC:
		case F_ROUND_NUMERIC_INT4:
		case F_TRUNC_NUMERIC:
		case F_TRUNC_NUMERIC_INT4:
			return deparse_round(cx, function->args, expr);
		case F_FLOOR_FLOAT8:
			return deparse_unary(cx, function->args, TRQL_FLOAT, TRQL_FLOAT, "floor(%s)",
								 expr);
		case F_CEIL_FLOAT8:
		case F_CEILING_FLOAT8:
			return deparse_unary(cx, function->args, TRQL_FLOAT, TRQL_FLOAT, "ceil(%s)",
								 expr);
		case F_TRUNC_FLOAT8:
			return deparse_unary(cx, function->args, TRQL_FLOAT, TRQL_FLOAT, "trunc(%s)",
								 expr);
		case F_ROUND_FLOAT8:
			return deparse_unary(cx, function->args, TRQL_FLOAT, TRQL_FLOAT, "round(%s)",
								 expr);
		case F_TO_TIMESTAMP_FLOAT8:
			return trql_deparse_to_timestamp(cx, linitial(function->args), expr);
		case F_DATE_BIN_INTERVAL_TIMESTAMPTZ_TIMESTAMPTZ:
			return trql_deparse_date_bin(cx, function->args, expr);
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ:
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT:
			return deparse_date_trunc(cx, function->args, expr);
		case F_EXTRACT_TEXT_TIMESTAMPTZ:
		case F_DATE_PART_TEXT_TIMESTAMPTZ:
			return deparse_extract(cx, function->args, expr);
		default:
			return false;
	}
}

/*
 * A result of an expression that has several: what they are must be one type
 * there, too.  Of an unsigned and a signed integer the engine has none that
 * sorts them.  NULL if an integer is too long.
 */
static const char *
common_text(const TrqlExpr *a, Oid type)
{
	if (a->class != TRQL_INT)
		return a->text;
	if (a->digits == 0)
		return NULL;
	return psprintf(type == NUMERICOID ? "toInt128(%s)" : "toInt64(%s)", a->text);
}

/*
 * Is a value shown as it is, and not only compared?  Times beyond the engine's
 * are not; which a parameter has is not known.
 */
bool
trql_has_exact_value(TrqlContext *cx, Node *node, TrqlClass class)
{
	Const	   *constant = (Const *) trql_strip(node);

	if ((class != TRQL_TIME && class != TRQL_DATE) || !trql_is_value(cx, node))
		return true;
	if (IsA(constant, Const) && constant->constisnull)
		return true;
	if (IsA(constant, Const) && constant->consttype == TIMESTAMPTZOID)
	{
		TimestampTz time = DatumGetTimestampTz(constant->constvalue);

		return time >= SetEpochTimestamp() && time < LAST_EXACT_TIME;
	}
	return IsA(node, SQLValueFunction) ||
		(IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid == F_NOW);
}

/*
 * The first that is not null.
 */
bool
trql_deparse_coalesce(TrqlContext *cx, CoalesceExpr *coalesce, TrqlExpr *expr)
{
	StringInfoData buf;
	TrqlClass	class = TRQL_JSON;
	bool		nullable = true;
	int			digits = 0;
	int			scale = 0;
	const char *text;
	ListCell   *cell;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "coalesce(");
	foreach(cell, coalesce->args)
	{
		TrqlExpr	a;

		if (!trql_deparse(cx, lfirst(cell), &a) || a.class == TRQL_TEXTS ||
			!trql_has_exact_value(cx, lfirst(cell), a.class) ||
			(text = common_text(&a, coalesce->coalescetype)) == NULL)
			return false;
		if (cell == list_head(coalesce->args))
		{
			class = a.class;
			digits = a.digits;
			scale = a.scale;
		}
		else
			appendStringInfoString(&buf, ", ");
		if (a.class != class || a.digits != digits || a.scale != scale)
			return false;
		appendStringInfoString(&buf, text);
		nullable = nullable && a.nullable;
	}
	appendStringInfoChar(&buf, ')');
	(void) trql_result(expr, buf.data, class, nullable);
	expr->digits = digits;
	expr->scale = scale;
	return true;
}

/*
 * Append a result of CASE, and set or check the class of all.  False if it
 * cannot be written.
 */
static bool
append_result(StringInfo buf, TrqlContext *cx, Node *node, const char *end, bool first,
			  TrqlExpr *result)
{
	TrqlExpr	a;
	const char *text;

	if (!trql_deparse(cx, node, &a) || (!first && a.class != result->class) ||
		(a.class != TRQL_TEXT && a.class != TRQL_INT && a.class != TRQL_BOOL) ||
		(text = common_text(&a, exprType(node))) == NULL)
		return false;
	appendStringInfo(buf, "%s%s", text, end);
	result->class = a.class;
	result->nullable = result->nullable || a.nullable;
	return true;
}

/*
 * CASE WHEN, as one call: the language's own CASE needs an ELSE.
 */
bool
trql_deparse_case(TrqlContext *cx, CaseExpr *expression, TrqlExpr *expr)
{
	StringInfoData buf;
	TrqlExpr	result = {.nullable = false};
	Node	   *otherwise = (Node *) expression->defresult;
	ListCell   *cell;

	if (expression->arg)
		return false;
	if (otherwise == NULL)
		otherwise = (Node *) makeNullConst(expression->casetype, -1, expression->casecollid);
	initStringInfo(&buf);
	appendStringInfoString(&buf, "multiIf(");
	foreach(cell, expression->args)
	{
		CaseWhen   *when = lfirst_node(CaseWhen, cell);
		TrqlExpr	a;

		if (!trql_deparse(cx, (Node *) when->expr, &a) || a.class != TRQL_BOOL)
			return false;
		appendStringInfo(&buf, "ifNull(%s, 0), ", a.text);
		if (!append_result(&buf, cx, (Node *) when->result, ", ",
						   cell == list_head(expression->args), &result))
			return false;
	}
	if (!append_result(&buf, cx, otherwise, ")", false, &result))
		return false;
	return trql_result(expr, buf.data, result.class, result.nullable);
}
