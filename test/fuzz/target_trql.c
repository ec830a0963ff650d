/*
 * target_trql.c
 *		trql_value.c: what stands in a query is the value, and nothing else.
 *
 * What was written is read again by the language's rules, as the server has
 * them: a quote is doubled, a backslash stands only before another, alone in
 * a text of its own.  Patterns are compared with LIKE by matching.
 */
#include "fuzz.h"

#include <math.h>

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "trql_value.h"
#include "utils/array.h"
#include "utils/float.h"
#include "utils/timestamp.h"

/*
 * Skip a text that must be there.
 */
static const char *
skip(const char *at, const char *expected)
{
	fuzz_require(strncmp(at, expected, strlen(expected)) == 0);
	return at + strlen(expected);
}

/*
 * Append the value of a quoted text, and return what follows it.
 */
static const char *
read_quoted(const char *at, StringInfo value)
{
	if (strncmp(at, "'\\\\'", 4) == 0 && at[4] != '\'')
	{
		appendStringInfoChar(value, '\\');
		return at + 4;
	}
	at = skip(at, "'");
	for (;;)
	{
		fuzz_require(*at != '\0' && *at != '\\');
		if (*at == '\'' && *++at != '\'')
			return at;
		appendStringInfoChar(value, *at++);
	}
}

/*
 * The value of a text, which may be put together from several.
 */
static const char *
read_text(const char *at, char **value)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (*at == '\'')
		at = read_quoted(at, &buf);
	else
	{
		at = skip(at, "concat(");
		for (;;)
		{
			at = read_quoted(at, &buf);
			if (*at == ')')
				break;
			at = skip(at, ", ");
		}
		at++;
	}
	*value = buf.data;
	return at;
}

/*
 * LIKE of the engine: a backslash that stands before nothing special is one.
 */
static bool
matches(const char *text, const char *pattern)
{
	for (;;)
	{
		int			len = *text ? pg_utf_mblen((const unsigned char *) text) : 0;

		if (*pattern == '\0')
			return *text == '\0';
		if (*pattern == '%')
		{
			while (*pattern == '%')
				pattern++;
			for (;; text += pg_utf_mblen((const unsigned char *) text))
			{
				if (matches(text, pattern))
					return true;
				if (*text == '\0')
					return false;
			}
		}
		if (*text == '\0')
			return false;
		if (*pattern == '_')
		{
			text += len;
			pattern++;
			continue;
		}
		if (*pattern == '\\' && pattern[1] && strchr("\\%_", pattern[1]))
			pattern++;
		if (*text++ != *pattern++)
			return false;
	}
}

/*
 * What a value is written as, with something before and behind it.
 */
static char *
filled(TrqlValueKind kind, Oid type, Datum value)
{
	TriggerValue one = {.known = true,.value = value,.type = type};
	char	   *text = trql_fill("a(\0010\001)z", list_make1_int(kind), &one);
	size_t		len = strlen(text);

	(void) skip(text, "a(");
	fuzz_require(len >= 4 && strcmp(text + len - 2, ")z") == 0);
	return pnstrdup(text + 2, len - 4);
}

static void
run_text(FuzzInput *input)
{
	char	   *text = fuzz_text(input, '\n');
	char	   *value;

	if (text == NULL)
		return;
	fuzz_require(*read_text(filled(TRQL_VALUE_TEXT, TEXTOID, CStringGetTextDatum(text)),
							&value) == '\0');
	fuzz_require(strcmp(value, text) == 0);
}

static void
run_pattern(FuzzInput *input, bool fold)
{
	char	   *pattern = fuzz_text(input, '\n');
	char	   *text = fuzz_text(input, '\n');
	char	   *written;
	bool		expected;

	/* trying all ways takes time */
	if (pattern == NULL || text == NULL || strlen(pattern) > 24 || strlen(text) > 64)
		return;
	expected = DatumGetBool(DirectFunctionCall2Coll(fold ? texticlike : textlike,
													C_COLLATION_OID,
													CStringGetTextDatum(text),
													CStringGetTextDatum(pattern)));
	fuzz_require(*read_text(filled(fold ? TRQL_VALUE_LOWER_PATTERN : TRQL_VALUE_PATTERN,
								   TEXTOID, CStringGetTextDatum(pattern)),
							&written) == '\0');
	for (char *p = text; fold && *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	fuzz_require(matches(text, written) == expected);
}

static void
run_list(FuzzInput *input)
{
	Datum		elems[8];
	char	   *texts[8];
	const char *at;
	int			n = 0;

	while (n < lengthof(elems) && input->len > 0 &&
		   (texts[n] = fuzz_text(input, '\n')) != NULL)
	{
		elems[n] = CStringGetTextDatum(texts[n]);
		n++;
	}
	if (n == 0)
		return;
	at = filled(TRQL_VALUE_TEXT_LIST, TEXTARRAYOID,
				PointerGetDatum(construct_array(elems, n, TEXTOID, -1, false,
												TYPALIGN_INT)));
	for (int i = 0; i < n; i++)
	{
		char	   *value;

		at = read_text(skip(at, i ? ", " : "["), &value);
		fuzz_require(strcmp(value, texts[i]) == 0);
	}
	fuzz_require(strcmp(at, "]") == 0);
}

/*
 * Eight bytes.
 */
static int64
read_int64(FuzzInput *input)
{
	int64		value = 0;

	for (int i = 0; i < 8; i++)
		value = (int64) (((uint64) value << 8) | fuzz_byte(input));
	return value;
}

static void
run_number(FuzzInput *input)
{
	int64		number = read_int64(input);
	const char *text = filled(TRQL_VALUE_INT, INT8OID, Int64GetDatum(number));
	union
	{
		int64		bits;
		float8		value;
	}			f = {.bits = number};
	char	   *digits;

	if (*text == 't')
	{
		fuzz_require(strcmp(read_text(skip(text, "toInt64("), &digits), ")") == 0);
		fuzz_require(pg_strtoint64(digits) == number);
	}
	else
	{
		fuzz_require(pg_strtoint64(text) == number);
		/* what the language's parser keeps */
		fuzz_require((int64) (double) number == number);
	}
	text = filled(TRQL_VALUE_FLOAT, FLOAT8OID, Float8GetDatum(f.value));
	fuzz_require(strcmp(read_text(skip(text, "toFloat64("), &digits), ")") == 0);
	fuzz_require(isnan(f.value) ? isnan(strtod(digits, NULL)) :
				 strtod(digits, NULL) == f.value &&
				 signbit(strtod(digits, NULL)) == signbit(f.value));
}

/*
 * A numeric from its text.
 */
static Datum
read_numeric(const char *text)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/*
 * A numeric, beside one that a column of so many digits can have: what stands
 * for it must be less, equal or greater just like it.
 */
static void
run_numeric(FuzzInput *input)
{
	int			digits = 1 + fuzz_byte(input) % 18;
	int			scale = fuzz_byte(input) % (digits + 1);
	bool		whole = (fuzz_byte(input) & 1) != 0;
	int64		most = 1;
	int64		unscaled = read_int64(input);
	char	   *text = fuzz_text(input, '\n');
	Datum		value;
	Datum		column;
	const char *at;
	char	   *written;

	if (text == NULL)
		return;
	for (int i = 0; i < digits; i++)
		most *= 10;
	unscaled %= most;
	if (whole)
		scale = 0;
	value = read_numeric(text);
	column = read_numeric(psprintf(INT64_FORMAT "e-%d", unscaled, scale));
	at = filled(whole ? TRQL_VALUE_WHOLE :
				TRQL_DECIMAL_KIND(TRQL_VALUE_DECIMAL, digits, scale), NUMERICOID, value);
	if (*at == 't')
		(void) read_text(strchr(at, '(') + 1, &written);
	else
		written = pstrdup(at);
	fuzz_require(DatumGetInt32(DirectFunctionCall2(numeric_cmp, column, value)) ==
				 DatumGetInt32(DirectFunctionCall2(numeric_cmp, column,
												   read_numeric(written))));
}

static void
run_time(FuzzInput *input)
{
	TimestampTz when = read_int64(input);
	const char *text;
	char	   *value;
	TimestampTz back;

	/* the day and the hour of each number are as likely as the year */
	if (!IS_VALID_TIMESTAMP(when))
		when %= INT64CONST(30000000000000000);
	text = filled(TRQL_VALUE_TIME, TIMESTAMPTZOID, TimestampTzGetDatum(when));
	fuzz_require(strcmp(read_text(skip(text, "toDateTime64("), &value), ", 6, 'UTC')") == 0);
	back = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
												   CStringGetDatum(psprintf("%s+00", value)),
												   ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1)));
	if (strcmp(value, "1900-01-01 00:00:00.000000") == 0)
		fuzz_require(when <= back);
	else if (strcmp(value, "2299-12-31 23:59:59.999999") == 0)
		fuzz_require(when >= back);
	else
		fuzz_require(when == back);
}

/*
 * A condition that is written as a whole: outside of quotes it has the words
 * that it is made of, and the value is one that was asked for.
 */
static void
run_whole(FuzzInput *input)
{
	static const TrqlValueKind kinds[] = {TRQL_VALUE_STATUS, TRQL_VALUE_BATCH,
	TRQL_VALUE_ROOT_RUN, TRQL_VALUE_PARENT_RUN};
	TrqlValueKind kind = kinds[fuzz_byte(input) % lengthof(kinds)];
	char	   *text = fuzz_text(input, '\n');
	const char *at;

	if (text == NULL)
		return;
	at = filled(kind, TEXTOID, CStringGetTextDatum(text));
	while (*at)
	{
		char	   *value;

		if (*at != '\'')
		{
			fuzz_require(strchr("abcdefghijklmnopqrstuvwxyzIN_01=(), ", *at) != NULL);
			at++;
			continue;
		}
		at = read_text(at, &value);
		fuzz_require(*value == '\0' || kind == TRQL_VALUE_STATUS ||
					 strcmp(value, text) == 0);
	}
}

static void
run(FuzzInput *input)
{
	switch (fuzz_byte(input) % 8)
	{
		case 0:
			run_text(input);
			break;
		case 1:
			run_pattern(input, false);
			break;
		case 2:
			run_pattern(input, true);
			break;
		case 3:
			run_list(input);
			break;
		case 4:
			run_number(input);
			break;
		case 5:
			run_time(input);
			break;
		case 6:
			run_numeric(input);
			break;
		default:
			run_whole(input);
			break;
	}
}

/* a pattern may end with its escape character; not every text is a number */
FUZZ_TARGET(trql,.run = run,
			.sqlstates = (const int[]) {ERRCODE_INVALID_ESCAPE_SEQUENCE,
				ERRCODE_INVALID_TEXT_REPRESENTATION,
				ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, 0});
