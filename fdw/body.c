/*-------------------------------------------------------------------------
 *
 * body.c
 *		JSON bodies of requests.
 *
 * Bodies are put together as text, with PostgreSQL's own quoting: a payload
 * is the text of a jsonb value, and every number in it must arrive as it is,
 * which a document tree of doubles could not promise.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"
#include "writer.h"

/*
 * A string as JSON.
 */
char *
trigger_json_quote(const char *utf8)
{
	StringInfoData buf;

	initStringInfo(&buf);
	escape_json(&buf, utf8);
	return buf.data;
}

/*
 * Append a member to an object under construction, which starts as "{".
 */
void
trigger_body_member(StringInfo body, const char *name, const char *json)
{
	if (body->len > 1)
		appendStringInfoChar(body, ',');
	escape_json(body, name);
	appendStringInfoChar(body, ':');
	appendStringInfoString(body, json);
}

/*
 * The same for a string; NULL leaves the member out.
 */
void
trigger_body_text(StringInfo body, const char *name, const char *utf8)
{
	if (utf8)
		trigger_body_member(body, name, trigger_json_quote(utf8));
}

/*
 * A time as the API writes it, in UTC whatever the session's zone, rounded
 * down to milliseconds.
 */
char *
trigger_time_text(TimestampTz time)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (TIMESTAMP_NOT_FINITE(time) ||
		timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0 ||
		tm.tm_year < 1 || tm.tm_year > 9999)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("the API cannot represent the timestamp \"%s\"",
						timestamptz_to_str(time))));
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year,
					tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
					(int) (fsec / 1000));
}

/*
 * Is a text nothing but white space, as JavaScript's trim() sees it?  That is
 * what the server takes for empty.
 */
bool
trigger_is_blank(const char *utf8)
{
	const unsigned char *p = (const unsigned char *) utf8;

	while (*p)
	{
		pg_wchar	c = utf8_to_unicode(p);

		if (!(c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 ||
			  c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
			  c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000 ||
			  c == 0xfeff))
			return false;
		p += pg_utf_mblen(p);
	}
	return true;
}

/*
 * A name that nobody else uses: 128 random bits.
 */
char *
trigger_random_name(void)
{
	unsigned char bits[16];
	char	   *name = palloc(2 * sizeof(bits) + 1);

	if (!pg_strong_random(bits, sizeof(bits)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	hex_encode((char *) bits, sizeof(bits), name);
	name[2 * sizeof(bits)] = '\0';
	return name;
}

/*
 * Characters of a UTF-8 text.
 */
int
trigger_utf8_length(const char *utf8)
{
	int			n = 0;

	for (const unsigned char *p = (const unsigned char *) utf8; *p;
		 p += pg_utf_mblen(p))
		n++;
	return n;
}

/*
 * Tags within the API's limits, as a JSON array.  "owner" is what has them, for
 * messages.
 */
char *
trigger_tags_json(List *tags, const char *owner)
{
	StringInfoData buf;
	ListCell   *cell;

	if (list_length(tags) > TRIGGER_MAX_TAGS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a %s can have at most %d tags", owner, TRIGGER_MAX_TAGS)));
	initStringInfo(&buf);
	appendStringInfoChar(&buf, '[');
	foreach(cell, tags)
	{
		const char *tag = lfirst(cell);

		if (trigger_is_blank(tag) ||
			trigger_utf8_length(tag) > TRIGGER_MAX_TAG_LENGTH)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a tag has 1 to %d characters, not all of them blank",
							TRIGGER_MAX_TAG_LENGTH)));
		appendStringInfo(&buf, "%s%s", buf.len > 1 ? "," : "",
						 trigger_json_quote(tag));
	}
	appendStringInfoChar(&buf, ']');
	return buf.data;
}
