/*-------------------------------------------------------------------------
 *
 * retry.c
 *		When to repeat an HTTP request, and after how long.
 *
 * The rules, in the order in which they are asked:
 *
 * Only a request that is marked as safe is repeated after the server may
 * have seen it.  Any request is repeated when nothing of it was sent, and
 * after a 429, which the API's limiter sends before it looks at a request.
 *
 * A failure that the next attempt would meet again (an untrusted
 * certificate, a body that is not HTTP) is final.
 *
 * Waiting for a rate limit is not a retry: it is bounded by the caller's
 * budget of seconds, not by a number of attempts.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>
#include <strings.h>

#include "retry.h"

/*
 * Back-off.  The API's own client waits 1 s * 1.6^n, at most 30 s and
 * without jitter, which suits a background worker.  A statement holds a
 * transaction and its locks while it waits, so the first repetition comes
 * sooner and the last ones less late; the jitter keeps the backends of one
 * server, which fail together, from coming back together.
 */
#define BACKOFF_FIRST	0.5
#define BACKOFF_CAP		8.0
#define BACKOFF_SPREAD	0.2

/* A fresh object becomes visible within a replication delay. */
#define NOT_FOUND_FIRST	0.1
#define NOT_FOUND_CAP	2.0

/* Spread of those who were told the same moment to come back. */
#define RESET_SPREAD	0.25

/*
 * Free restarts after pauses, of one transfer.  There is no way to tell a
 * portal that rested from an executor that waited on our descriptor, so
 * there has to be an end.
 */
#define MAX_UNATTENDED	8

/* x-ratelimit-reset above these is a point in time, below a duration. */
#define RESET_IS_EPOCH_MS	1e11
#define RESET_IS_EPOCH_S	1e9

/*
 * The Date header has whole seconds.  Where the local clock agrees with it
 * to that precision, the local clock says the same and more exactly.
 */
#define DATE_RESOLUTION	1.5

/* Forget everything; also used at the start of each new header block. */
void
trigger_hints_init(TriggerRetryHints *hints)
{
	hints->should_retry = -1;
	hints->retry_after = -1;
	hints->retry_at = 0;
	hints->reset = -1;
	hints->date = 0;
	hints->remaining = -1;
}

/* Is this the header's name?  "want" is in lower case. */
static bool
name_is(const char *name, size_t len, const char *want)
{
	return strlen(want) == len && strncasecmp(name, want, len) == 0;
}

/* A finite number >= 0 that fills all of "s", or -1. */
static double
parse_number(const char *s)
{
	char	   *end;
	double		number;

	/* strtod() would take hexadecimal, "inf" and "nan" as well. */
	if (*s == '\0' || s[strspn(s, "0123456789.")] != '\0')
		return -1;
	number = strtod(s, &end);
	if (*end != '\0' || !isfinite(number) || number < 0)
		return -1;
	return number;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64
days_from_civil(int year, int month, int day)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273,
	304, 334};
	int64		y = year - 1;
	int64		days = y * 365 + y / 4 - y / 100 + y / 400;
	bool		leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	days += before[month - 1] + day - 1;
	if (leap && month > 2)
		days++;
	return days - 719162;
}

/*
 * An HTTP date ("Sun, 06 Nov 1994 08:49:37 GMT", the only form that may be
 * sent today) as epoch seconds; 0 if it is none.
 */
double
trigger_parse_http_date(const char *s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char		name[4];
	const char *found;
	int			day;
	int			year;
	int			hour;
	int			minute;
	int			second;
	int			end = 0;

	if (sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n",
			   &day, name, &year, &hour, &minute, &second, &end) != 6 ||
		end == 0 || s[end] != '\0' || strlen(name) != 3)
		return 0;
	found = strstr(months, name);
	if (found == NULL || (found - months) % 3 != 0 ||
		year < 1970 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
		minute < 0 || minute > 59 || second < 0 || second > 60)
		return 0;
	return days_from_civil(year, (int) (found - months) / 3 + 1, day) * 86400.0 +
		hour * 3600.0 + minute * 60.0 + second;
}

/*
 * Note one header of an answer.  Returns false if it says nothing about
 * retries.  A value that makes no sense is as good as absent: hints only
 * ever improve on the back-off.
 */
bool
trigger_hints_header(TriggerRetryHints *hints, const char *name,
					 size_t name_len, const char *value, size_t value_len)
{
	char		buf[64];

	if (name_len < 4 || name_len > 21 || strchr("xXrRdD", name[0]) == NULL)
		return false;			/* most headers end here */
	if (value_len >= sizeof(buf))
		value_len = 0;
	memcpy(buf, value, value_len);
	buf[value_len] = '\0';

	if (name_is(name, name_len, "x-should-retry"))
	{
		if (strcasecmp(buf, "true") == 0)
			hints->should_retry = 1;
		else if (strcasecmp(buf, "false") == 0)
			hints->should_retry = 0;
	}
	else if (name_is(name, name_len, "retry-after"))
	{
		hints->retry_after = parse_number(buf);
		hints->retry_at = hints->retry_after < 0 ?
			trigger_parse_http_date(buf) : 0;
	}
	else if (name_is(name, name_len, "x-ratelimit-reset"))
		hints->reset = parse_number(buf);
	else if (name_is(name, name_len, "x-ratelimit-remaining"))
	{
		double		remaining = parse_number(buf);

		hints->remaining = remaining < 0 || remaining > 1e15 ?
			-1 : (int64) remaining;
	}
	else if (name_is(name, name_len, "date"))
		hints->date = trigger_parse_http_date(buf);
	else
		return false;
	return true;
}

/*
 * How long the server asks us to stay away: seconds >= 0, or -1 if it does
 * not say.  "now" is the local clock in epoch seconds; a point in time is
 * measured against the server's own clock (its Date header) when that is
 * known, because the local one may be wrong by more than the wait.
 *
 * Retry-After wins: a duration depends on nobody's clock.
 */
double
trigger_hints_wait(const TriggerRetryHints *hints, double now)
{
	double		at;

	if (hints->retry_after >= 0)
		return hints->retry_after;
	if (hints->retry_at > 0)
		at = hints->retry_at;
	else if (hints->reset < 0)
		return -1;
	else if (hints->reset > RESET_IS_EPOCH_MS)
		at = hints->reset / 1000.0;
	else if (hints->reset > RESET_IS_EPOCH_S)
		at = hints->reset;
	else
		return hints->reset;

	if (hints->date > 0 &&
		(now < hints->date || now > hints->date + DATE_RESOLUTION))
		now = hints->date;
	return Max(at - now, 0);
}

/* The wait before repetition n (from 0); "random" is from [0, 1). */
double
trigger_retry_backoff(int n, double random)
{
	double		wait = Min(BACKOFF_FIRST * pow(2, Min(n, 30)), BACKOFF_CAP);

	return wait * (1 - BACKOFF_SPREAD + 2 * BACKOFF_SPREAD * random);
}

/* What is added to a moment that many were told; "random" from [0, 1). */
double
trigger_retry_jitter(double random)
{
	return RESET_SPREAD * random;
}

/*
 * A number from [0, 1), good enough to spread retries (xorshift64*).  The
 * state must not be 0.
 */
double
trigger_retry_random(uint64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return ((*state * UINT64CONST(2685821657736338717)) >> 11) /
		9007199254740992.0;
}

/* Count a repetition and compute its back-off, or give up. */
static TriggerRetryAction
back_off(const TriggerRetryPolicy *policy, TriggerRetryState *state,
		 double random, double *delay)
{
	if (state->retries >= policy->max_retries)
		return TRIGGER_RETRY_GIVE_UP;
	*delay = trigger_retry_backoff(state->retries++, random);
	return TRIGGER_RETRY_BACK_OFF;
}

/* No complete answer came. */
static TriggerRetryAction
decide_failure(const TriggerRetryPolicy *policy, TriggerRetryState *state,
			   const TriggerAttempt *attempt, double random, double *delay)
{
	if (attempt->permanent || (attempt->maybe_processed && !policy->safe))
		return TRIGGER_RETRY_GIVE_UP;

	/*
	 * A server closes an idle connection whenever it likes, and our request
	 * may be under way just then.  That is nobody's failure.
	 */
	if (attempt->reused && !attempt->answer_begun && !state->fresh_tried)
	{
		state->fresh_tried = true;
		return TRIGGER_RETRY_AT_ONCE;
	}

	/* Nor is it the server's failure that nobody read what it sent. */
	if (attempt->unattended && policy->safe &&
		state->unattended < MAX_UNATTENDED)
	{
		state->unattended++;
		return TRIGGER_RETRY_AT_ONCE;
	}
	return back_off(policy, state, random, delay);
}

/* 429: not processed, whatever the request was. */
static TriggerRetryAction
decide_rate_limit(const TriggerRetryPolicy *policy, TriggerRetryState *state,
				  double wait, double random, double *delay)
{
	double		least = 0;

	/*
	 * Believe a reset once.  When the next answer is 429 again, it was too
	 * early, and a reset in the past must not turn into a busy loop.
	 */
	if (wait < 0)
		least = trigger_retry_backoff(state->rate_limits, random);
	else if (state->rate_limits > 0)
		least = trigger_retry_backoff(state->rate_limits - 1, random);
	state->rate_limits++;
	*delay = Max(wait + trigger_retry_jitter(random), least);
	return TRIGGER_RETRY_RATE_LIMIT;
}

/* 5xx and 408 */
static TriggerRetryAction
decide_server_error(const TriggerRetryPolicy *policy,
					TriggerRetryState *state, const TriggerAttempt *attempt,
					double now, double random, double *delay)
{
	TriggerRetryAction action;
	double		wait = -1;

	if (attempt->status == 500 && policy->final_500)
		return TRIGGER_RETRY_GIVE_UP;
	if (!policy->safe && !policy->answered &&
		!((attempt->status == 500 || attempt->status == 503) &&
		  attempt->hints.should_retry == 1))
		return TRIGGER_RETRY_GIVE_UP;

	if (attempt->status == 503)
		wait = trigger_hints_wait(&attempt->hints, now);
	action = back_off(policy, state, random, delay);
	if (action == TRIGGER_RETRY_BACK_OFF && wait >= 0)
	{
		*delay = wait + trigger_retry_jitter(random);
		action = TRIGGER_RETRY_WHEN_TOLD;
	}
	return action;
}

/*
 * What to do after an attempt.  "now" is the local clock in epoch seconds,
 * "random" from [0, 1); "*delay" gets the seconds to wait (0 unless the
 * action says otherwise).  Updates "state".
 */
TriggerRetryAction
trigger_retry_decide(const TriggerRetryPolicy *policy,
					 TriggerRetryState *state, const TriggerAttempt *attempt,
					 double now, double random, double *delay)
{
	int			status = attempt->status;

	*delay = 0;
	if (status != 429)
		state->rate_limits = 0;
	if (status == 0)
		return decide_failure(policy, state, attempt, random, delay);
	if (attempt->hints.should_retry == 0)
		return TRIGGER_RETRY_GIVE_UP;
	if (status == 429)
		return decide_rate_limit(policy, state,
								 trigger_hints_wait(&attempt->hints, now),
								 random, delay);
	if (status == 408 || status >= 500)
		return decide_server_error(policy, state, attempt, now, random,
								   delay);
	if (status == 404 && attempt->hints.should_retry == 1 &&
		policy->max_retries > 0 &&
		state->not_found < policy->not_found_retries)
	{
		*delay = Min(NOT_FOUND_FIRST * pow(2, state->not_found),
					 NOT_FOUND_CAP);
		state->not_found++;
		return TRIGGER_RETRY_BACK_OFF;
	}

	/* Any other 4xx says what is wrong with the request: 409 never heals. */
	return TRIGGER_RETRY_GIVE_UP;
}
