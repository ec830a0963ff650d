/*-------------------------------------------------------------------------
 *
 * convert.c
 *		One JSON value to one Datum.
 *
 * Every conversion checks that the API sent what it promises: a value of
 * another type is an error that names the field, never a NULL or a guess.
 * Numbers keep their text until the type that stores them reads it, so
 * nothing is rounded on the way.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "convert.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/*
 * Which conversion a column's type asks for.
 */
TriggerConversion
trigger_conversion_for(Oid type)
{
	switch (type)
	{
		case TEXTOID:
			return TRIGGER_TO_TEXT;
		case TIMESTAMPTZOID:
			return TRIGGER_TO_TIMESTAMPTZ;
		case BOOLOID:
			return TRIGGER_TO_BOOL;
		case INT2OID:
			return TRIGGER_TO_INT2;
		case INT4OID:
			return TRIGGER_TO_INT4;
		case INT8OID:
			return TRIGGER_TO_INT8;
		case NUMERICOID:
			return TRIGGER_TO_NUMERIC;
		case JSONBOID:
			return TRIGGER_TO_JSONB;
		case JSONOID:
			return TRIGGER_TO_JSON;
		case TEXTARRAYOID:
			return TRIGGER_TO_TEXT_ARRAY;
		default:
			return TRIGGER_TO_OTHER;
	}
}

/*
 * UTF-8 of "len" bytes to the database's encoding, NUL-terminated.  In UTF-8
 * and SQL_ASCII databases the result is the input if "terminated", else a
 * palloc'd copy.
 */
static char *
to_server(const char *s, size_t len, bool terminated)
{
	char	   *converted = pg_any_to_server(s, len, PG_UTF8);

	if (converted != s)
		return converted;
	return terminated ? unconstify(char *, s) : pnstrdup(s, len);
}

/*
 * The members of the promised type are not there.
 */
static void
wrong_type(TriggerJson *json, TriggerField *field, const char *promised)
{
	trigger_json_error(json, "field \"%s\" is not %s",
					   field->path[0] ? field->path : field->label, promised);
}

/*
 * Fixed-width decimal digits; -1 if any is not one.
 */
static int
digits(const char *s, int n)
{
	int			value = 0;

	while (n-- > 0)
	{
		if (*s < '0' || *s > '9')
			return -1;
		value = value * 10 + (*s++ - '0');
	}
	return value;
}

/*
 * Read a date as the API writes it: YYYY-MM-DDTHH:MM:SS[.fraction]Z, or with
 * a numeric offset.  Not timestamptz_in(): that one depends on DateStyle and
 * TimeZone, and costs ten times as much.
 */
bool
trigger_parse_timestamp(const char *s, size_t len, TimestampTz *result)
{
	int			year,
				month,
				day,
				hour,
				minute,
				second;
	int			micros = 0;
	int			offset = 0;		/* minutes east of UTC */
	const char *end = s + len;
	int64		seconds;

	if (len < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' ||
		s[13] != ':' || s[16] != ':')
		return false;
	year = digits(s, 4);
	month = digits(s + 5, 2);
	day = digits(s + 8, 2);
	hour = digits(s + 11, 2);
	minute = digits(s + 14, 2);
	second = digits(s + 17, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
		day > day_tab[isleap(year)][month - 1] ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
		second < 0 || second > 59)
		return false;
	s += 19;

	if (*s == '.')
	{
		int			scale = 100000;

		for (s++; s < end && *s >= '0' && *s <= '9'; s++)
		{
			micros += (*s - '0') * scale;
			scale /= 10;		/* digits beyond microseconds add nothing */
		}
	}
	if (s == end)
		return false;
	if (*s == 'Z')
		s++;
	else if ((*s == '+' || *s == '-') && end - s == 6 && s[3] == ':')
	{
		int			h = digits(s + 1, 2);
		int			m = digits(s + 4, 2);

		if (h < 0 || m < 0)
			return false;
		offset = (h * 60 + m) * (*s == '-' ? -1 : 1);
		s += 6;
	}
	if (s != end)
		return false;

	seconds = (int64) (date2j(year, month, day) - POSTGRES_EPOCH_JDATE) *
		SECS_PER_DAY + hour * SECS_PER_HOUR + minute * SECS_PER_MINUTE +
		second - offset * SECS_PER_MINUTE;
	*result = seconds * USECS_PER_SEC + micros;
	return true;
}

/*
 * The same without a zone: YYYY-MM-DD HH:MM:SS[.fraction], in UTC.
 */
static bool
parse_utc(const char *s, size_t len, TimestampTz *result)
{
	char		buf[MAXDATELEN];

	if (len < 19 || len + 2 > sizeof(buf) || s[10] != ' ')
		return false;
	memcpy(buf, s, len);
	buf[10] = 'T';
	buf[len] = 'Z';
	return trigger_parse_timestamp(buf, len + 1, result);
}

/*
 * A number that is an integer, however it is written.
 */
static int64
convert_integer(TriggerJson *json, TriggerField *field, TriggerSlice number,
				int64 min, int64 max)
{
	char		buf[32];
	char	   *end;
	long long	value;

	if (number.len < sizeof(buf))
	{
		memcpy(buf, number.start, number.len);
		buf[number.len] = '\0';
		errno = 0;
		value = strtoll(buf, &end, 10);
		if (*end == '\0')
		{
			if (errno == ERANGE || value < min || value > max)
				trigger_json_error(json, "field \"%s\" is out of range",
								   field->path);
			return value;
		}
	}
	wrong_type(json, field, "an integer");
	return 0;					/* not reached */
}

/*
 * A list of strings to text[].
 */
static Datum
convert_strings(TriggerJson *json, TriggerField *field)
{
	Datum	   *elems = palloc(8 * sizeof(Datum));
	int			nelems = 0;
	int			capacity = 8;

	if (trigger_json_peek(json) != JSON_TOKEN_ARRAY_START)
		wrong_type(json, field, "a list");
	trigger_json_advance(json);
	if (trigger_json_peek(json) == JSON_TOKEN_ARRAY_END)
	{
		trigger_json_advance(json);
		return PointerGetDatum(construct_empty_array(TEXTOID));
	}

	do
	{
		size_t		len;
		char	   *s;

		if (trigger_json_peek(json) != JSON_TOKEN_STRING)
			wrong_type(json, field, "a list of strings");
		s = trigger_json_unescape(json, trigger_json_slice(json), &len);
		trigger_json_advance(json);
		if (nelems == capacity)
		{
			capacity *= 2;
			elems = repalloc(elems, capacity * sizeof(Datum));
		}
		elems[nelems++] = CStringGetTextDatum(to_server(s, len, true));
	} while (trigger_json_more(json, JSON_TOKEN_ARRAY_END));

	return PointerGetDatum(construct_array(elems, nelems, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/*
 * Exact text of the current value, in the database's encoding.
 */
static char *
raw_text(TriggerJson *json, TriggerField *field)
{
	TriggerSlice slice = trigger_json_value(json);

	/* only "json" keeps escapes as they are */
	if (field->conversion != TRIGGER_TO_JSON &&
		trigger_json_has_nul_escape(slice))
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API has a value that PostgreSQL cannot store"),
				 errdetail("%s: field \"%s\" has the character \\u0000.",
						   json->source, field->path),
				 errhint("Declare the column with type json to read the text as it is.")));
	return to_server(slice.start, slice.len, false);
}

/*
 * Value of the current string token, in the database's encoding.
 */
static char *
string_text(TriggerJson *json, TriggerField *field)
{
	size_t		len;
	char	   *s;

	if (trigger_json_peek(json) != JSON_TOKEN_STRING)
		wrong_type(json, field, "a string");
	s = trigger_json_unescape(json, trigger_json_slice(json), &len);
	trigger_json_advance(json);
	if (field->slug && strcmp(s, "stg") == 0)
		return "staging";
	if (field->shown)
		return unconstify(char *, field->shown(s));
	return to_server(s, len, true);
}

/*
 * A string token to text, without a detour if it needs none.
 */
static Datum
convert_text(TriggerJson *json, TriggerField *field)
{
	TriggerSlice slice = trigger_json_slice(json);

	if (trigger_json_peek(json) == JSON_TOKEN_STRING && !field->slug &&
		!field->shown && GetDatabaseEncoding() == PG_UTF8 &&
		memchr(slice.start, '\\', slice.len) == NULL)
	{
		trigger_json_advance(json);
		return PointerGetDatum(cstring_to_text_with_len(slice.start + 1,
														slice.len - 2));
	}
	return CStringGetTextDatum(string_text(json, field));
}

/*
 * A string that holds JSON becomes a value of the column's type.  False if it
 * is empty.
 */
static bool
convert_json_text(TriggerJson *json, TriggerField *field, Datum *value)
{
	char	   *text = string_text(json, field);

	if (*text == '\0')
		return false;
	*value = InputFunctionCall(&field->input, text, field->input_param,
							   field->typmod);
	return true;
}

/*
 * The value's text for a type that has only its input function.
 */
static char *
input_text(TriggerJson *json, TriggerField *field)
{
	JsonTokenType token = trigger_json_peek(json);

	switch (field->kind)
	{
		case TRIGGER_JSON_STRING:
		case TRIGGER_JSON_TIMESTAMP:
			return string_text(json, field);
		case TRIGGER_JSON_BOOLEAN:
			if (token != JSON_TOKEN_TRUE && token != JSON_TOKEN_FALSE)
				wrong_type(json, field, "a boolean");
			break;
		case TRIGGER_JSON_INTEGER:
		case TRIGGER_JSON_NUMBER:
			if (token != JSON_TOKEN_NUMBER)
				wrong_type(json, field, "a number");
			break;
		case TRIGGER_JSON_STRINGS:
			if (token != JSON_TOKEN_ARRAY_START)
				wrong_type(json, field, "a list");
			/* another type of array: by way of its text */
			if (OidIsValid(get_element_type(field->type)))
				return OidOutputFunctionCall(F_ARRAY_OUT,
											 convert_strings(json, field));
			break;
		case TRIGGER_JSON_ANY:
			/* a field of unknown type: a string is its value */
			if (token == JSON_TOKEN_STRING && field->type != TEXTOID)
				return string_text(json, field);
			break;
	}
	return raw_text(json, field);
}

/*
 * Convert the value at the reader's position to the field's type and go past
 * it.  False if it is SQL's NULL.
 */
bool
trigger_convert(TriggerJson *json, TriggerField *field, Datum *value)
{
	JsonTokenType token = trigger_json_peek(json);
	TriggerConversion conversion = field->conversion;
	TriggerSlice slice;
	TimestampTz ts;

	if (token == JSON_TOKEN_NULL &&
		!(field->json_null && (conversion == TRIGGER_TO_JSONB ||
							   conversion == TRIGGER_TO_JSON)))
	{
		trigger_json_advance(json);
		return false;
	}

	if (token == JSON_TOKEN_STRING && field->empty_null &&
		trigger_json_slice(json).len == 2)
	{
		trigger_json_advance(json);
		return false;
	}
	if (token == JSON_TOKEN_STRING && field->json_text)
		return convert_json_text(json, field, value);

	/*
	 * The direct conversions hold for the kind that the type was made for;
	 * any other pair goes through the input function.
	 */
	switch (field->kind)
	{
		case TRIGGER_JSON_STRING:
			if (conversion == TRIGGER_TO_TEXT)
			{
				*value = convert_text(json, field);
				return true;
			}
			break;

		case TRIGGER_JSON_TIMESTAMP:
			if (conversion == TRIGGER_TO_TIMESTAMPTZ)
			{
				slice = trigger_json_slice(json);
				if (token != JSON_TOKEN_STRING ||
					!(field->utc ? parse_utc : trigger_parse_timestamp)
					(slice.start + 1, slice.len - 2, &ts))
					wrong_type(json, field, "a date");
				trigger_json_advance(json);
				*value = TimestampTzGetDatum(ts);
				if (field->typmod >= 0)
					*value = DirectFunctionCall2(timestamptz_scale, *value,
												 Int32GetDatum(field->typmod));
				return true;
			}
			break;

		case TRIGGER_JSON_BOOLEAN:
			if (conversion == TRIGGER_TO_BOOL)
			{
				if (token != JSON_TOKEN_TRUE && token != JSON_TOKEN_FALSE)
					wrong_type(json, field, "a boolean");
				trigger_json_advance(json);
				*value = BoolGetDatum(token == JSON_TOKEN_TRUE);
				return true;
			}
			break;

		case TRIGGER_JSON_INTEGER:
		case TRIGGER_JSON_NUMBER:
			if (conversion == TRIGGER_TO_INT2 || conversion == TRIGGER_TO_INT4 ||
				conversion == TRIGGER_TO_INT8)
			{
				slice = trigger_json_slice(json);
				if (token != JSON_TOKEN_NUMBER)
					wrong_type(json, field, "a number");
				trigger_json_advance(json);
				if (conversion == TRIGGER_TO_INT8)
					*value = Int64GetDatum(convert_integer(json, field, slice,
														   PG_INT64_MIN, PG_INT64_MAX));
				else if (conversion == TRIGGER_TO_INT4)
					*value = Int32GetDatum((int32) convert_integer(json, field, slice,
																   PG_INT32_MIN, PG_INT32_MAX));
				else
					*value = Int16GetDatum((int16) convert_integer(json, field, slice,
																   PG_INT16_MIN, PG_INT16_MAX));
				return true;
			}
			break;

		case TRIGGER_JSON_STRINGS:
			if (conversion == TRIGGER_TO_TEXT_ARRAY)
			{
				*value = convert_strings(json, field);
				return true;
			}
			break;

		case TRIGGER_JSON_ANY:
			if (conversion == TRIGGER_TO_JSONB)
			{
				*value = DirectFunctionCall1(jsonb_in,
											 CStringGetDatum(raw_text(json, field)));
				return true;
			}
			if (conversion == TRIGGER_TO_JSON)
			{
				*value = CStringGetTextDatum(raw_text(json, field));
				return true;
			}
			break;
	}

	/* jsonb and json of a typed field are its JSON, whatever the kind */
	if (conversion == TRIGGER_TO_JSONB || conversion == TRIGGER_TO_JSON)
		*value = InputFunctionCall(&field->input, raw_text(json, field),
								   field->input_param, field->typmod);
	else
		*value = InputFunctionCall(&field->input, input_text(json, field),
								   field->input_param, field->typmod);
	return true;
}
