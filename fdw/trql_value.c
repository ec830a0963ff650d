/*-------------------------------------------------------------------------
 *
 * trql_value.c
 *		Values of a query, as the query engine reads them.
 *
 * The planner has left marks where values go, because prepared statements and
 * joins have them only at execution.  Some conditions are made here as a
 * whole: how they look depends on the value.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_value.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "trql_decimal.h"
#include "trql_zone.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/* Conditions that are the same for all rows, and NULL. */
#define ALWAYS		"equals(1, 1)"
#define NEVER		"equals(1, 0)"
#define UNKNOWN		"nullIf(0, 0)"
#define NULL_TEXT	"nullIf('', '')"

/* Integers beyond this are rounded where they are read. */
#define MAX_EXACT	(INT64CONST(1) << 53)

/* A kind that is a whole condition on one column. */
typedef struct Whole
{
	TrqlValueKind kind;
	bool		list;
	const char *column;
	const char *prefix;			/* of ids; NULL for status */
} Whole;

static const Whole wholes[] = {
	{TRQL_VALUE_STATUS, false, "status", NULL},
	{TRQL_VALUE_STATUS_LIST, true, "status", NULL},
	{TRQL_VALUE_BATCH, false, "batch_id", "batch_"},
	{TRQL_VALUE_BATCH_LIST, true, "batch_id", "batch_"},
	{TRQL_VALUE_ROOT_RUN, false, "root_run_id", "run_"},
	{TRQL_VALUE_ROOT_RUN_LIST, true, "root_run_id", "run_"},
	{TRQL_VALUE_PARENT_RUN, false, "parent_run_id", "run_"},
	{TRQL_VALUE_PARENT_RUN_LIST, true, "parent_run_id", "run_"},
};

/*
 * A text literal without backslashes.
 */
static void
append_plain(StringInfo buf, const char *value, size_t len)
{
	appendStringInfoChar(buf, '\'');
	for (size_t i = 0; i < len; i++)
	{
		if (value[i] == '\'')
			appendStringInfoChar(buf, '\'');
		appendStringInfoChar(buf, value[i]);
	}
	appendStringInfoChar(buf, '\'');
}

/*
 * A text as a literal.  The language unescapes one sequence after another, so
 * that a backslash must not stand before anything.
 */
char *
trql_text_literal(const char *value)
{
	StringInfoData buf;
	bool		first = true;

	initStringInfo(&buf);
	if (strchr(value, '\\') == NULL)
	{
		append_plain(&buf, value, strlen(value));
		return buf.data;
	}
	appendStringInfoString(&buf, "concat(");
	while (*value)
	{
		size_t		len = strcspn(value, "\\");

		if (!first)
			appendStringInfoString(&buf, ", ");
		first = false;
		if (len > 0)
			append_plain(&buf, value, len);
		else
		{
			appendStringInfoString(&buf, "'\\\\'");
			len = 1;
		}
		value += len;
	}
	/* it takes at least two */
	appendStringInfoString(&buf, ", '')");
	return buf.data;
}

/*
 * A moment in UTC, as the engine writes it.
 */
char *
trql_time_literal(const char *utc, int precision)
{
	return psprintf("toDateTime64('%s', %d, 'UTC')", utc, precision);
}

/*
 * A timestamp.  What lies beyond the engine's range is as far as it goes: no
 * row has that time.
 */
static char *
time_literal(TimestampTz value)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (TIMESTAMP_IS_NOBEGIN(value))
		return trql_time_literal("1900-01-01 00:00:00.000000", 6);
	if (TIMESTAMP_IS_NOEND(value) ||
		timestamp2tm(value, NULL, &tm, &fsec, NULL, NULL) != 0 || tm.tm_year > 2299)
		return trql_time_literal("2299-12-31 23:59:59.999999", 6);
	if (tm.tm_year < 1900)
		return trql_time_literal("1900-01-01 00:00:00.000000", 6);
	return trql_time_literal(psprintf("%04d-%02d-%02d %02d:%02d:%02d.%06d", tm.tm_year,
									  tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min,
									  tm.tm_sec, (int) fsec), 6);
}

/*
 * A date; the same holds.
 */
static char *
date_literal(DateADT value)
{
	int			year,
				month,
				day;

	if (DATE_IS_NOBEGIN(value))
		return pstrdup("toDate32('1900-01-01')");
	if (DATE_IS_NOEND(value))
		return pstrdup("toDate32('2299-12-31')");
	j2date(value + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	if (year < 1900)
		return pstrdup("toDate32('1900-01-01')");
	if (year > 2299)
		return pstrdup("toDate32('2299-12-31')");
	return psprintf("toDate32('%04d-%02d-%02d')", year, month, day);
}

/*
 * An integer of any width.
 */
static int64
integer_value(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/*
 * An integer; one that would be rounded goes as text.
 */
static char *
integer_literal(int64 value)
{
	if (value > -MAX_EXACT && value < MAX_EXACT)
		return psprintf(INT64_FORMAT, value);
	return psprintf("toInt64('" INT64_FORMAT "')", value);
}

/*
 * A float of either width.
 */
static float8
float_value(Oid type, Datum value)
{
	return type == FLOAT4OID ? (float8) DatumGetFloat4(value) : DatumGetFloat8(value);
}

/*
 * A float, with all its digits, whatever extra_float_digits says.
 */
static char *
float_literal(float8 value)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (isnan(value))
		return pstrdup("toFloat64('nan')");
	if (isinf(value))
		return pstrdup(value > 0 ? "toFloat64('inf')" : "toFloat64('-inf')");
	double_to_shortest_decimal_buf(value, digits);
	return psprintf("toFloat64('%s')", digits);
}

/*
 * The pattern of LIKE.  Where a backslash does not matter it is left out: the
 * engine would look for it.
 */
static char *
pattern_literal(const char *pattern, bool fold)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (; *pattern; pattern++)
	{
		if (*pattern == '\\' && pattern[1])
		{
			pattern++;
			if (strchr("\\%_", *pattern))
				appendStringInfoChar(&buf, '\\');
		}
		appendStringInfoChar(&buf, fold ? pg_ascii_tolower((unsigned char) *pattern) :
							 *pattern);
	}
	return trql_text_literal(buf.data);
}

/*
 * The name of a zone.  The planner has checked the session's, but plans last
 * longer.
 */
static char *
zone_literal(const TriggerValue *value)
{
	const char *name = value->isnull ? trql_session_zone() :
		trql_zone_name(TextDatumGetCString(value->value));

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the API cannot compute with the time zone of this session"),
				 errhint("Set the parameter \"timezone\" before the statement is prepared.")));
	return trql_text_literal(name);
}

/*
 * NULL of a kind.
 */
static const char *
null_literal(TrqlValueKind kind)
{
	switch (kind)
	{
		case TRQL_VALUE_TEXT:
		case TRQL_VALUE_PATTERN:
		case TRQL_VALUE_LOWER_PATTERN:
			return NULL_TEXT;
		case TRQL_VALUE_FLOAT:
			return "toFloat64(" UNKNOWN ")";
		case TRQL_VALUE_DATE:
			return "toDate32(" UNKNOWN ")";
		case TRQL_VALUE_TIME:
			/* of a text that is NULL, it fails */
			return "toDateTime64(" UNKNOWN ", 6, 'UTC')";
		default:
			return UNKNOWN;
	}
}

/*
 * Elements of an array; none if it is null.
 */
static int
array_elements(const TriggerValue *value, Oid *type, Datum **elems, bool **nulls)
{
	ArrayType  *array;
	int16		len;
	bool		byval;
	char		align;
	int			n;

	if (value->isnull)
		return 0;
	array = DatumGetArrayTypeP(value->value);
	*type = ARR_ELEMTYPE(array);
	get_typlenbyvalalign(*type, &len, &byval, &align);
	deconstruct_array(array, *type, len, byval, align, elems, nulls, &n);
	return n;
}

/*
 * Has an array a null?
 */
static bool
has_null(const TriggerValue *value)
{
	Oid			type;
	Datum	   *elems;
	bool	   *nulls;
	int			n = array_elements(value, &type, &elems, &nulls);

	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			return true;
	}
	return false;
}

/*
 * Has an array a NaN?
 */
static bool
has_nan(const TriggerValue *value)
{
	Oid			type;
	Datum	   *elems;
	bool	   *nulls;
	int			n = array_elements(value, &type, &elems, &nulls);

	for (int i = 0; i < n; i++)
	{
		if (!nulls[i] && isnan(float_value(type, elems[i])))
			return true;
	}
	return false;
}

/*
 * An element of an array, NULL if nothing that it is looked for among can
 * equal it.  "kind" is a number with what belongs to it.
 */
static char *
element_literal(int kind, Oid type, Datum value)
{
	switch (TRQL_KIND(kind))
	{
		case TRQL_VALUE_INT_LIST:
			return integer_literal(integer_value(type, value));
		case TRQL_VALUE_WHOLE_LIST:
			return trql_whole_literal(value, true);
		case TRQL_VALUE_DECIMAL_LIST:
			return trql_decimal_literal(value, TRQL_KIND_DIGITS(kind),
										TRQL_KIND_SCALE(kind), true);
		case TRQL_VALUE_FLOAT_LIST:
			/* -0 is 0, where the engine tells them apart */
			return isnan(float_value(type, value)) ? NULL :
				float_literal(float_value(type, value) + 0.0);
		default:
			return trql_text_literal(TextDatumGetCString(value));
	}
}

/*
 * An array.  Nulls equal nothing, and are left out.
 */
static char *
array_literal(int kind, const TriggerValue *value, const char *empty)
{
	StringInfoData buf;
	Oid			type;
	Datum	   *elems;
	bool	   *nulls;
	int			n = array_elements(value, &type, &elems, &nulls);
	const char *separator = "[";

	initStringInfo(&buf);
	for (int i = 0; i < n; i++)
	{
		char	   *text = nulls[i] ? NULL : element_literal(kind, type, elems[i]);

		if (text == NULL)
			continue;
		appendStringInfo(&buf, "%s%s", separator, text);
		separator = ", ";
	}
	if (buf.len == 0)
		return pstrdup(empty);
	appendStringInfoChar(&buf, ']');
	return buf.data;
}

/*
 * status = word, or a condition that says the same.
 */
static char *
status_condition(const char *word)
{
	const char *first;
	const char *second;

	if (trql_status_words(word, &first, &second))
		return second ? psprintf("or(status = '%s', status = '%s')", first, second) :
			psprintf("status = '%s'", first);

	/* the API is less strict about the words that it knows */
	if (trql_status_resembles(word) || strchr(word, '\\') != NULL)
		return pstrdup(NEVER);
	return psprintf("status = %s", trql_text_literal(word));
}

/*
 * Column = value of a whole condition, for a row that has a value.
 */
static char *
whole_equality(const Whole *whole, const char *value)
{
	if (whole->prefix == NULL)
		return status_condition(value);
	/* ids are stored without their prefix; without it, nothing is shown so */
	if (strncmp(value, whole->prefix, strlen(whole->prefix)) != 0 ||
		strchr(value, '\\') != NULL)
		return pstrdup(NEVER);
	return psprintf("%s = %s", whole->column, trql_text_literal(value));
}

/*
 * The same, for all rows: where there is no value the result is NULL.
 */
static char *
whole_condition(const Whole *whole, char *equality)
{
	if (whole->prefix == NULL)
		return equality;
	return psprintf("if(%s = '', " UNKNOWN ", %s)", whole->column, equality);
}

/*
 * A whole condition.
 */
static char *
whole_literal(const Whole *whole, const TriggerValue *value)
{
	StringInfoData buf;
	Oid			type;
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	if (!value->known)
		return psprintf("%s %s {%s}", whole->column, whole->list ? "IN" : "=",
						value->text);
	if (value->isnull)
		return pstrdup(UNKNOWN);
	if (!whole->list)
		return whole_condition(whole,
							   whole_equality(whole,
											  TextDatumGetCString(value->value)));

	n = array_elements(value, &type, &elems, &nulls);
	if (n == 0)
		return pstrdup(NEVER);
	initStringInfo(&buf);
	appendStringInfoString(&buf, "or(" NEVER);
	for (int i = 0; i < n; i++)
		appendStringInfo(&buf, ", %s", nulls[i] ? UNKNOWN :
						 whole_equality(whole, TextDatumGetCString(elems[i])));
	appendStringInfoChar(&buf, ')');
	return whole_condition(whole, buf.data);
}

/*
 * A value that is known.  "number" is its kind with what belongs to it.
 */
static char *
known_literal(int number, const TriggerValue *value)
{
	TrqlValueKind kind = TRQL_KIND(number);
	Oid			type;
	Datum	   *elems;
	bool	   *nulls;

	switch (kind)
	{
		case TRQL_VALUE_ZONE:
			return zone_literal(value);
		case TRQL_VALUE_TEXT_LIST:
			return array_literal(number, value, "[" NULL_TEXT "]");
		case TRQL_VALUE_INT_LIST:
		case TRQL_VALUE_WHOLE_LIST:
		case TRQL_VALUE_DECIMAL_LIST:
		case TRQL_VALUE_FLOAT_LIST:
			return array_literal(number, value, "[" UNKNOWN "]");
		case TRQL_VALUE_TEXT_SET:
			return array_literal(number, value, "arrayResize([''], 0)");
		case TRQL_VALUE_LIST_NAN:
			return pstrdup(has_nan(value) ? ALWAYS : NEVER);
		case TRQL_VALUE_LIST_NULL:
			return pstrdup(value->isnull || has_null(value) ? UNKNOWN : NEVER);
		case TRQL_VALUE_LIST_SOME:
			return pstrdup(value->isnull ||
						   array_elements(value, &type, &elems, &nulls) > 0 ?
						   ALWAYS : NEVER);
		case TRQL_VALUE_IS_NULL:
			return pstrdup(value->isnull ? ALWAYS : NEVER);
		default:
			break;
	}
	if (value->isnull)
		return pstrdup(null_literal(kind));
	switch (kind)
	{
		case TRQL_VALUE_TEXT:
			return trql_text_literal(TextDatumGetCString(value->value));
		case TRQL_VALUE_PATTERN:
		case TRQL_VALUE_LOWER_PATTERN:
			return pattern_literal(TextDatumGetCString(value->value),
								   kind == TRQL_VALUE_LOWER_PATTERN);
		case TRQL_VALUE_INT:
			return integer_literal(integer_value(value->type, value->value));
		case TRQL_VALUE_FLOAT:
			return float_literal(float_value(value->type, value->value));
		case TRQL_VALUE_WHOLE:
			return trql_whole_literal(value->value, false);
		case TRQL_VALUE_DECIMAL:
			return trql_decimal_literal(value->value, TRQL_KIND_DIGITS(number),
										TRQL_KIND_SCALE(number), false);
		case TRQL_VALUE_BOOL:
			return pstrdup(DatumGetBool(value->value) ? ALWAYS : NEVER);
		case TRQL_VALUE_DATE:
			return date_literal(DatumGetDateADT(value->value));
		default:
			return time_literal(DatumGetTimestampTz(value->value));
	}
}

/*
 * A value as it stands in a query; {expression} if it is not known yet.
 */
static char *
literal(int number, const TriggerValue *value)
{
	for (int i = 0; i < lengthof(wholes); i++)
	{
		if (wholes[i].kind == TRQL_KIND(number))
			return whole_literal(&wholes[i], value);
	}
	return value->known ? known_literal(number, value) : psprintf("{%s}", value->text);
}

/*
 * Put the values into a text of the planner's.  The result is in the current
 * context and in the database's encoding.
 */
char *
trql_fill(const char *text, List *kinds, const TriggerValue *values)
{
	StringInfoData buf;

	initStringInfo(&buf);
	while (*text)
	{
		int			n;

		if (*text != TRQL_MARK)
		{
			appendStringInfoChar(&buf, *text++);
			continue;
		}
		n = atoi(text + 1);
		text = strchr(text + 1, TRQL_MARK) + 1;
		appendStringInfoString(&buf, literal(list_nth_int(kinds, n), &values[n]));
	}
	return buf.data;
}
