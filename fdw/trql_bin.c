/*-------------------------------------------------------------------------
 *
 * trql_bin.c
 *		Times in bins of equal width.
 *
 * The engine's own functions for that know only some widths and origins, and
 * have a smaller range.  So the microseconds since 1970 are rounded, which is
 * exact; the bins are whole seconds wide, because seconds are the finest that
 * the language adds to a time.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_deparse.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgrprotos.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* Seconds since 1970 of the engine's first and last moments. */
#define FIRST_SECOND	(-INT64CONST(2208988800))
#define LAST_SECOND		INT64CONST(10413791999)

/*
 * The widest bins.  One that begins before the engine's first moment is the
 * bin of nobody: no row is that old.
 */
#define MAX_WIDTH		(366 * (int64) SECS_PER_DAY)

/* Origins that are looked at: the years of our era up to 4000. */
#define MAX_ORIGIN		(INT64CONST(2000) * 366 * USECS_PER_DAY)

/* 1970 in microseconds since 2000. */
#define UNIX_EPOCH		((UNIX_EPOCH_JDATE - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY)

/* The same as the engine reads it. */
#define EPOCH_TEXT		"toDateTime64('1970-01-01 00:00:00', 6, 'UTC')"

/*
 * Where the bin of a time begins, if bins are "width" seconds wide and one
 * begins at "origin": so many times "unit" seconds behind that.
 */
static char *
bin_start(const TrqlExpr *time, const char *origin, int64 width, int64 unit)
{
	char	   *micros = psprintf("dateDiff('microsecond', %s, %s)", origin, time->text);

	/* intDiv alone rounds towards 0; large literals are without sign to it */
	return psprintf("intDiv(minus(%s, positiveModulo(%s, toInt64(" INT64_FORMAT "))), toInt64(" INT64_FORMAT "))",
					micros, micros, width * USECS_PER_SEC, unit * USECS_PER_SEC);
}

/*
 * The width of a bin in seconds; 0 if it is not a whole number of them, not
 * within bounds, or depends on the calendar.
 */
static int64
width_of(const Interval *interval)
{
	int64		micros;

	if (interval->month != 0 ||
		pg_mul_s64_overflow(interval->day, USECS_PER_DAY, &micros) ||
		pg_add_s64_overflow(micros, interval->time, &micros) ||
		micros <= 0 || micros % USECS_PER_SEC != 0 || micros / USECS_PER_SEC > MAX_WIDTH)
		return 0;
	return micros / USECS_PER_SEC;
}

/*
 * Does date_bin() put a bin's first moment into that bin where it lies before
 * the origin?  Releases before 2024 did not.
 */
static bool
bins_begin_right(Datum interval, int64 width, TimestampTz origin)
{
	TimestampTz begin = origin - width * USECS_PER_SEC;

	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_bin, interval,
												   TimestampTzGetDatum(begin),
												   TimestampTzGetDatum(origin))) == begin;
}

/*
 * A constant's value, NULL if the node is none.
 */
static Const *
constant_of(Node *node)
{
	Const	   *constant = (Const *) trql_strip(node);

	return constant && IsA(constant, Const) && !constant->constisnull ? constant : NULL;
}

/*
 * date_bin(width, time, origin).
 */
bool
trql_deparse_date_bin(TrqlContext *cx, List *args, TrqlExpr *expr)
{
	Const	   *interval = constant_of(linitial(args));
	Const	   *start = constant_of(lthird(args));
	int64		width = interval ? width_of(DatumGetIntervalP(interval->constvalue)) : 0;
	TimestampTz origin = start ? DatumGetTimestampTz(start->constvalue) : DT_NOEND;
	TrqlExpr	a;
	char	   *text;

	if (width == 0 || origin < -MAX_ORIGIN || origin > MAX_ORIGIN ||
		!bins_begin_right(interval->constvalue, width, origin) ||
		!trql_deparse(cx, lsecond(args), &a) || a.class != TRQL_TIME)
		return false;

	/* the first bin that begins since 1970 is an origin of the same bins */
	origin = (origin - UNIX_EPOCH) % (width * USECS_PER_SEC);
	if (origin < 0)
		origin += width * USECS_PER_SEC;
	text = trql_mark(cx, (Node *) makeConst(TIMESTAMPTZOID, -1, InvalidOid, sizeof(int64),
											TimestampTzGetDatum(origin + UNIX_EPOCH), false,
											FLOAT8PASSBYVAL),
					 TRQL_VALUE_TIME);
	return trql_result(expr, psprintf("addSeconds(%s, %s)", text,
									  bin_start(&a, text, width, 1)),
					   TRQL_TIME, a.nullable);
}

/*
 * The time of extract(epoch FROM time), NULL if the node is something else.
 */
static Node *
epoch_of(Node *node)
{
	FuncExpr   *function = (FuncExpr *) node;
	char	   *unit;

	if (!IsA(function, FuncExpr) || function->funcid != F_EXTRACT_TEXT_TIMESTAMPTZ)
		return NULL;
	unit = trql_constant_text(linitial(function->args));
	return unit && pg_strcasecmp(unit, "epoch") == 0 ? lsecond(function->args) : NULL;
}

/*
 * A divisor in whole seconds, shown without decimals; 0 if the node is
 * something else.
 */
static int64
divisor_of(Node *node)
{
	Const	   *constant = constant_of(node);
	char	   *text;

	if (constant == NULL || constant->consttype != NUMERICOID)
		return 0;
	text = DatumGetCString(DirectFunctionCall1(numeric_out, constant->constvalue));
	if (strlen(text) > 8 || strspn(text, "0123456789") != strlen(text) ||
		atoi(text) > MAX_WIDTH)
		return 0;
	return atoi(text);
}

/*
 * floor(x): of extract(epoch FROM time) divided by a number of seconds, of it
 * alone, or of what is an integer.
 *
 * PostgreSQL rounds the quotient, but never up to an integer: it has at least
 * 16 digits, and what is missing to the next integer is at least a millionth
 * of the divisor's reciprocal, which is more than half of the last digit of
 * any time that is less than 20,000,000,000 seconds from 1970.
 */
bool
trql_deparse_floor(TrqlContext *cx, Node *arg, TrqlExpr *expr)
{
	OpExpr	   *quotient = (OpExpr *) arg;
	Node	   *time = epoch_of(arg);
	int64		width = 1;
	TrqlExpr	a;

	if (IsA(quotient, OpExpr))
		set_opfuncid(quotient);
	if (IsA(quotient, OpExpr) && quotient->opfuncid == F_NUMERIC_DIV)
	{
		time = epoch_of(linitial(quotient->args));
		width = divisor_of(lsecond(quotient->args));
		if (time == NULL || width == 0)
			return false;
	}
	if (time == NULL)
		return trql_deparse(cx, arg, expr) && expr->class == TRQL_INT;
	if (!trql_deparse(cx, time, &a) || a.class != TRQL_TIME)
		return false;
	(void) trql_result(expr, bin_start(&a, EPOCH_TEXT, width, width), TRQL_INT, a.nullable);
	expr->low = FIRST_SECOND / width - 1;
	expr->high = LAST_SECOND / width;
	return true;
}

/*
 * to_timestamp(x) of an integer that is a number of seconds.
 */
bool
trql_deparse_to_timestamp(TrqlContext *cx, Node *arg, TrqlExpr *expr)
{
	FuncExpr   *cast = (FuncExpr *) arg;
	TrqlExpr	a;

	if (!IsA(cast, FuncExpr) ||
		(cast->funcid != F_FLOAT8_NUMERIC && cast->funcid != F_FLOAT8_INT8 &&
		 cast->funcid != F_FLOAT8_INT4 && cast->funcid != F_FLOAT8_INT2) ||
		!trql_deparse(cx, linitial(cast->args), &a) || a.class != TRQL_INT ||
		a.low < FIRST_SECOND - MAX_WIDTH || a.high > LAST_SECOND)
		return false;
	return trql_result(expr, psprintf("addSeconds(" EPOCH_TEXT ", %s)", a.text), TRQL_TIME, a.nullable);
}
