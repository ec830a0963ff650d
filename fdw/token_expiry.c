/*-------------------------------------------------------------------------
 *
 * token_expiry.c
 *		When a public access token expires.
 *
 * The official client takes a time span ("15m", "2 days from now"), a date
 * object, or a number of seconds since 1970.  Here all three are texts: the
 * date is whatever PostgreSQL reads as a timestamp with time zone, the number
 * has nothing but digits.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "token.h"

#include <math.h>

#include "compat.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/* JavaScript counts exactly up to here. */
#define LARGEST_SAFE	INT64CONST(9007199254740991)

/* Seconds of 1970-01-01 before PostgreSQL's epoch. */
#define EPOCH_SECONDS \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/*
 * Move over a word, whatever its case.  False if it is not there.
 */
static bool
skip_word(const char **p, const char *word)
{
	size_t		len = strlen(word);

	if (pg_strncasecmp(*p, word, len) != 0)
		return false;
	*p += len;
	return true;
}

/*
 * Seconds of a unit of time, 0 if it is none.
 */
static double
unit_seconds(const char *unit, size_t len)
{
	static const struct
	{
		const char *name;
		double		seconds;
	}			units[] = {
		{"s", 1}, {"sec", 1}, {"secs", 1}, {"second", 1}, {"seconds", 1},
		{"m", 60}, {"min", 60}, {"mins", 60}, {"minute", 60}, {"minutes", 60},
		{"h", 3600}, {"hr", 3600}, {"hrs", 3600}, {"hour", 3600}, {"hours", 3600},
		{"d", 86400}, {"day", 86400}, {"days", 86400},
		{"w", 604800}, {"week", 604800}, {"weeks", 604800},
		{"y", 31557600}, {"yr", 31557600}, {"yrs", 31557600},
		{"year", 31557600}, {"years", 31557600}
	};

	for (int i = 0; i < lengthof(units); i++)
	{
		if (strlen(units[i].name) == len &&
			pg_strncasecmp(unit, units[i].name, len) == 0)
			return units[i].seconds;
	}
	return 0;
}

/*
 * Read a time span into seconds from now, negative for one that is over.
 * The grammar is that of the client's library, jose:
 * [+-][ ]number[ ]unit[ ago| from now], and not both sign and suffix, in any
 * case of letters.  (For jose, only "ago" in small letters is in the past.)
 * False if the text is none.
 */
static bool
parse_span(const char *text, double *seconds)
{
	const char *p = text;
	const char *number;
	char		sign = '\0';
	double		value;
	double		unit;
	size_t		len;

	if (*p == '+' || *p == '-')
		sign = *p++;
	if (*p == ' ')
		p++;
	number = p;
	p += strspn(p, "0123456789");
	if (p == number)
		return false;
	if (*p == '.')
	{
		len = strspn(p + 1, "0123456789");
		if (len == 0)
			return false;
		p += 1 + len;
	}
	value = strtod(number, NULL);
	if (*p == ' ')
		p++;
	len = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
	unit = unit_seconds(p, len);
	if (unit == 0)
		return false;
	p += len;
	value *= unit;

	/* halves go up, as with Math.round() */
	*seconds = floor(value);
	if (value - *seconds >= 0.5)
		*seconds += 1;
	if (*p != '\0')
	{
		bool		ago = skip_word(&p, " ago");

		if (sign || (!ago && !skip_word(&p, " from now")) || *p != '\0')
			return false;
		if (ago)
			sign = '-';
	}
	if (sign == '-')
		*seconds = -*seconds;
	return true;
}

/*
 * Read a point in time as timestamptz's input function would, without its
 * errors.  False if it would refuse the text.
 */
static bool
parse_timestamp(const char *text, TimestampTz *time)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			zone;
	int			kind;
	int			nfields;
	char	   *fields[MAXDATEFIELDS];
	int			types[MAXDATEFIELDS];
	char		buf[MAXDATELEN + MAXDATEFIELDS];

	if (ParseDateTime(text, buf, sizeof(buf), fields, types, MAXDATEFIELDS,
					  &nfields) != 0 ||
		TRIGGER_DECODE_DATETIME(fields, types, nfields, &kind, &tm, &fsec,
								&zone) != 0)
		return false;
	switch (kind)
	{
		case DTK_DATE:
			return tm2timestamp(&tm, fsec, &zone, time) == 0;
		case DTK_EPOCH:
			*time = SetEpochTimestamp();
			return true;
		case DTK_EARLY:
			TIMESTAMP_NOBEGIN(*time);
			return true;
		case DTK_LATE:
			TIMESTAMP_NOEND(*time);
			return true;
		default:
			return false;
	}
}

/*
 * A token cannot say this time.
 */
static void
refuse_range(const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("expiration_time is out of range: \"%s\"", text)));
}

/*
 * Read an expiry.  ERROR if it is none.  "text" (in the database's encoding)
 * becomes part of the result.
 */
TriggerExpiry
trigger_expiry_parse(const char *text)
{
	TriggerExpiry expiry = {.text = text};
	size_t		len = strlen(text);
	double		seconds;
	TimestampTz time;

	if (len > 0 && strspn(text, "0123456789") == len)
	{
		seconds = strtod(text, NULL);
		if (seconds > LARGEST_SAFE)
			refuse_range(text);
		expiry.seconds = (int64) seconds;
	}
	else if (parse_span(text, &seconds))
	{
		if (fabs(seconds) > LARGEST_SAFE / 2)
			refuse_range(text);
		expiry.relative = true;
		expiry.seconds = (int64) seconds;
	}
	else if (parse_timestamp(text, &time))
	{
		if (TIMESTAMP_NOT_FINITE(time))
			refuse_range(text);
		expiry.seconds = time / USECS_PER_SEC + EPOCH_SECONDS;
		if (time % USECS_PER_SEC < 0)
			expiry.seconds--;
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid expiration_time: \"%s\"", text),
				 errhint("Use a time span such as 15m or 2 hours, a timestamp, or seconds since 1970.")));
	return expiry;
}

/*
 * The expiry in seconds since 1970, when it is "now".
 */
int64
trigger_expiry_time(const TriggerExpiry *expiry, int64 now)
{
	return expiry->relative ? now + expiry->seconds : expiry->seconds;
}

/*
 * ERROR unless the expiry is ahead: the server takes no token that expires
 * in this very second.
 */
void
trigger_expiry_check(const TriggerExpiry *expiry, int64 now)
{
	bool		digits = strspn(expiry->text, "0123456789") == strlen(expiry->text);

	if (trigger_expiry_time(expiry, now) > now)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("expiration_time is not in the future: \"%s\"", expiry->text),
			 digits ?
			 errhint("Digits alone are seconds since 1970; a time span has a unit, as in 15m.") : 0));
}

/*
 * The same before it is known what the server's clock says: what is long
 * over is over on every clock.
 */
void
trigger_expiry_check_early(const TriggerExpiry *expiry, int64 now)
{
	trigger_expiry_check(expiry, expiry->relative ? now : now - SECS_PER_DAY);
}
