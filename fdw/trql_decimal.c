/*-------------------------------------------------------------------------
 *
 * trql_decimal.c
 *		Values of type numeric, as the query engine reads them.
 *
 * The language rounds long numbers where it reads them, so they go as text to
 * a function that makes a number of it.
 *
 * What a value is compared with has so many digits before and after the
 * point.  A value between two such numbers is replaced by the one half way
 * between them, and one beyond all of them by one that is beyond as well: what
 * is less, equal or greater stays so.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_decimal.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

/* A number of so many digits is not rounded where it is read. */
#define EXACT_DIGITS	15

/* Digits before the point of what integers are compared with. */
#define WHOLE_DIGITS	37

/* The parts of a number's text. */
typedef struct Parts
{
	const char *sign;
	const char *whole;
	int			nwhole;			/* 0: none but zero */
	const char *fraction;
	int			nfraction;		/* without zeros at its end */
	bool		infinite;
} Parts;

/*
 * Take the text of a numeric apart.  NaN is greater than all numbers, and so
 * is infinity.
 */
static void
split(Datum value, Parts *parts)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out, value));

	memset(parts, 0, sizeof(*parts));
	parts->sign = *text == '-' ? "-" : "";
	text += *text == '-' ? 1 : 0;
	parts->infinite = *text == 'N' || *text == 'I';
	text += strspn(text, "0");
	parts->whole = text;
	parts->nwhole = strspn(text, "0123456789");
	text += parts->nwhole;
	if (*text != '.')
		return;
	parts->fraction = text + 1;
	parts->nfraction = strlen(parts->fraction);
	while (parts->nfraction > 0 && parts->fraction[parts->nfraction - 1] == '0')
		parts->nfraction--;
}

/*
 * Write a number with so many digits before and after the point, or the
 * neighbour that stands for it.  Returns how many there are after it.
 */
static int
append_number(StringInfo buf, const Parts *parts, int most, int scale)
{
	appendStringInfoString(buf, parts->sign);
	if (parts->infinite || parts->nwhole > most)
	{
		appendStringInfoChar(buf, '1');
		for (int i = 0; i < most; i++)
			appendStringInfoChar(buf, '0');
		return scale;
	}
	if (parts->nwhole > 0)
		appendBinaryStringInfo(buf, parts->whole, parts->nwhole);
	else
		appendStringInfoChar(buf, '0');
	if (parts->nfraction == 0)
		return scale;
	appendStringInfoChar(buf, '.');
	appendBinaryStringInfo(buf, parts->fraction, Min(parts->nfraction, scale));
	if (parts->nfraction <= scale)
		return scale;
	appendStringInfoChar(buf, '5');
	return scale + 1;
}

/*
 * A value that integers are compared with.  If "exact", NULL for one that
 * equals no integer.
 */
char *
trql_whole_literal(Datum value, bool exact)
{
	StringInfoData buf;
	Parts		parts;
	int			scale;

	split(value, &parts);
	if (exact && (parts.infinite || parts.nwhole > WHOLE_DIGITS || parts.nfraction > 0))
		return NULL;
	initStringInfo(&buf);
	scale = append_number(&buf, &parts, WHOLE_DIGITS, 0);
	if (scale > 0)
		return psprintf("toDecimal128('%s', %d)", buf.data, scale);
	if (!parts.infinite && parts.nwhole <= EXACT_DIGITS)
		return buf.data;
	return psprintf("toInt128('%s')", buf.data);
}

/*
 * A value that decimals of so many digits are compared with; the same holds.
 * The engine keeps them in integers that hold one digit more, so a value has
 * to go beyond that to be beyond all of them; but a list must not have what
 * those integers do not hold.
 */
char *
trql_decimal_literal(Datum value, int digits, int scale, bool exact)
{
	const char *type = digits <= 18 ? "toDecimal128" : "toDecimal256";
	int			most = (digits <= 18 ? 19 : 39) - scale;
	StringInfoData buf;
	Parts		parts;

	split(value, &parts);
	if (exact && (parts.infinite || parts.nwhole > digits - scale ||
				  parts.nfraction > scale))
		return NULL;
	initStringInfo(&buf);
	scale = append_number(&buf, &parts, most, scale);
	return psprintf("%s('%s', %d)", type, buf.data, scale);
}
