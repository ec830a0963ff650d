/*-------------------------------------------------------------------------
 *
 * trql_zone.c
 *		Time zones that PostgreSQL and the query engine read alike.
 *
 * Names with a slash are places of the IANA database, which both have.  Other
 * names may be abbreviations (CET is a fixed offset here, and has summers
 * there) or formulas that only PostgreSQL knows.
 *
 * Of a midnight that happens twice, date_trunc() takes the second and the
 * engine the first, so that zones where that occurs are not used.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_zone.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

/*
 * What is looked at: the years 2010 to 2040.  No row is older than the
 * service, and in the 1970s midnights were repeated in half of Europe.
 */
#define FIRST_TIME	((pg_time_t) 14610 * SECS_PER_DAY)
#define LAST_TIME	((pg_time_t) 25933 * SECS_PER_DAY)

/*
 * Does a clock ever show midnight twice?
 */
static bool
repeats_midnight(const pg_tz *zone)
{
	pg_time_t	time = FIRST_TIME;

	while (time < LAST_TIME)
	{
		long		before,
					after;
		int			before_isdst,
					after_isdst;
		pg_time_t	boundary;
		int			n;

		n = pg_next_dst_boundary(&time, &before, &before_isdst, &boundary,
								 &after, &after_isdst, zone);
		if (n <= 0)
			return false;
		if (after < before)
		{
			pg_time_t	first = boundary + after;
			pg_time_t	end = boundary + before;
			pg_time_t	midnight = (first + SECS_PER_DAY - 1) / SECS_PER_DAY *
				SECS_PER_DAY;

			if (midnight < end)
				return true;
		}
		time = boundary;
	}
	return false;
}

/*
 * The name of a zone as the engine knows it; NULL if it does not, or has
 * other days there.
 */
static const char *
usable_name(const pg_tz *zone)
{
	const char *name = zone ? pg_get_timezone_name(unconstify(pg_tz *, zone)) : NULL;

	if (name == NULL)
		return NULL;
	if (strcmp(name, "UTC") == 0 || strcmp(name, "GMT") == 0)
		return "UTC";
	if (strchr(name, '/') == NULL || strchr(name, '<') != NULL ||
		strncmp(name, "posix/", 6) == 0 || strncmp(name, "right/", 6) == 0 ||
		repeats_midnight(zone))
		return NULL;
	return name;
}

/*
 * The same for a name that a query gives.
 */
const char *
trql_zone_name(const char *name)
{
	if (strchr(name, '/') == NULL && pg_strcasecmp(name, "UTC") != 0)
		return NULL;
	return usable_name(pg_tzset(name));
}

/*
 * The same for the session's zone, as it is now.
 */
const char *
trql_session_zone(void)
{
	return usable_name(session_timezone);
}
