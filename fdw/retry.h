/*-------------------------------------------------------------------------
 *
 * retry.h
 *		When to repeat an HTTP request, and after how long.
 *
 * Pure functions: no libcurl, no backend state, no clock and no randomness
 * of their own, so that every rule can be tested without a server.  All
 * times here are seconds.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_RETRY_H
#define TRIGGER_RETRY_H

#include "postgres.h"

/* What an answer's headers say about repeating it. */
typedef struct TriggerRetryHints
{
	int			should_retry;	/* x-should-retry: 0 or 1, -1 not said */
	double		retry_after;	/* Retry-After in seconds, -1 not said */
	double		retry_at;		/* Retry-After as epoch seconds, 0 not said */
	double		reset;			/* x-ratelimit-reset as sent, -1 not said */
	double		date;			/* Date as epoch seconds, 0 not said */
	int64		remaining;		/* x-ratelimit-remaining, -1 not said */
} TriggerRetryHints;

/* What a request allows; fixed when it starts. */
typedef struct TriggerRetryPolicy
{
	bool		safe;			/* repeating it does no harm */
	bool		answered;		/* nor after an answer, if not after a loss */
	bool		final_500;		/* a 500 is the answer */
	int			max_retries;	/* counted repetitions */
	int			not_found_retries;	/* repetitions of a 404 */
} TriggerRetryPolicy;

/* What has been spent so far; all zero at the start. */
typedef struct TriggerRetryState
{
	int			retries;		/* counted against max_retries */
	int			not_found;		/* counted against not_found_retries */
	int			rate_limits;	/* 429s, one after another */
	int			unattended;		/* free restarts after a pause */
	bool		fresh_tried;	/* the free try on a new connection */
} TriggerRetryState;

/* How an attempt ended. */
typedef struct TriggerAttempt
{
	int			status;			/* 0: no (complete) answer */
	TriggerRetryHints hints;	/* of the answer */
	/* The rest describes a failure. */
	bool		permanent;		/* would fail again in the same way */
	bool		maybe_processed;	/* some of the request was sent */
	bool		reused;			/* it went over a kept-alive connection */
	bool		answer_begun;	/* at least one byte came back */
	bool		unattended;		/* nobody served it for a while */
} TriggerAttempt;

typedef enum TriggerRetryAction
{
	TRIGGER_RETRY_GIVE_UP,		/* what there is, is the outcome */
	TRIGGER_RETRY_AT_ONCE,		/* not counted, on a new connection */
	TRIGGER_RETRY_BACK_OFF,		/* counted, after "delay" */
	TRIGGER_RETRY_WHEN_TOLD,	/* counted, after "delay", if it is affordable */
	TRIGGER_RETRY_RATE_LIMIT	/* not counted, after "delay", if affordable;
								 * the whole connection waits */
} TriggerRetryAction;

extern void trigger_hints_init(TriggerRetryHints *hints);
extern bool trigger_hints_header(TriggerRetryHints *hints,
								 const char *name, size_t name_len,
								 const char *value, size_t value_len);
extern double trigger_hints_wait(const TriggerRetryHints *hints, double now);
extern double trigger_parse_http_date(const char *s);
extern double trigger_retry_backoff(int n, double random);
extern double trigger_retry_jitter(double random);
extern double trigger_retry_random(uint64 *state);
extern TriggerRetryAction trigger_retry_decide(const TriggerRetryPolicy *policy,
											   TriggerRetryState *state,
											   const TriggerAttempt *attempt,
											   double now, double random,
											   double *delay);

#endif							/* TRIGGER_RETRY_H */
