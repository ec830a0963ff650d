/*-------------------------------------------------------------------------
 *
 * http_rate.c
 *		Not to ask for more than a rate limit has left.
 *
 * Every answer tells how many requests are left, and when there will be more.
 * Budgets belong to credentials, so what is known is kept for each that a
 * connection uses.  No more requests are under way than are left; when none
 * is, the next is sent when the budget is renewed, alone, and its answer
 * tells how to go on.  Only requests that come in numbers are paced (see
 * "paced" in http.h); a server that refuses one nevertheless, because others
 * use the same budget, is obeyed by http.c.
 *
 * Time is in microseconds of the monotonic clock; 0 means "no time".
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "http_internal.h"

/* A renewal that is farther away is not believed. */
#define LONGEST_WAIT	INT64CONST(120000000)

/* Two answers mean the same renewal if they are not farther apart. */
#define SAME_RENEWAL	INT64CONST(1500000)

/*
 * Can the statement afford to wait?  If so, charge its budget.
 */
bool
trigger_rate_afford(TriggerHttp *http, int64 now, int64 until)
{
	int64		budget = http->settings.rate_limit_wait * INT64CONST(1000000);
	int64		from = Max(now, http->charged_until);

	/* Transfers that wait at the same time are charged once. */
	if (until > from)
	{
		if (http->rate_spent + (until - from) > budget)
			return false;
		http->rate_spent += until - from;
		http->charged_until = until;
	}
	return true;
}

/*
 * Find the budget that a request will be taken from.
 */
void
trigger_rate_join(TriggerTransfer *transfer, const TriggerHttpRequest *request)
{
	TriggerHttp *http = transfer->http;
	RateBudget *unused = NULL;
	uint32		key = 0;
	int			i;

	if (!request->paced)
		return;
	for (i = 0; request->headers && request->headers[i]; i++)
	{
		const char *header = request->headers[i];

		if (pg_strncasecmp(header, "authorization:", 14) == 0)
			key = hash_bytes((const unsigned char *) header, strlen(header));
	}
	for (i = 0; i < RATE_BUDGETS; i++)
	{
		RateBudget *budget = &http->budgets[i];

		if (budget->known && budget->key == key)
		{
			transfer->budget = budget;
			budget->users++;
			return;
		}
		if (budget->users == 0 && (unused == NULL || !budget->known))
			unused = budget;
	}
	if (unused == NULL)
		return;					/* not paced, then */
	memset(unused, 0, sizeof(RateBudget));
	unused->known = true;
	unused->key = key;
	unused->remaining = -1;
	unused->users = 1;
	transfer->budget = unused;
}

/*
 * The transfer is done.
 */
void
trigger_rate_leave(TriggerTransfer *transfer)
{
	if (transfer->budget)
		transfer->budget->users--;
	transfer->budget = NULL;
}

/*
 * When may a request be sent?  0: now.  *alone tells whether nothing else is
 * under way, so that only time will help.
 */
int64
trigger_rate_wait(const TriggerTransfer *transfer, int64 now, bool *alone)
{
	const RateBudget *budget = transfer->budget;
	int64		left;

	*alone = false;
	if (budget == NULL || budget->remaining < 0)
		return 0;
	left = budget->remaining;
	if (budget->renewed <= now)
		left = Max(left, 1);
	if (budget->in_flight < left)
		return 0;
	*alone = budget->in_flight == 0;
	return Max(budget->renewed, now + 1000);
}

/*
 * A request goes out.
 */
void
trigger_rate_sent(TriggerTransfer *transfer)
{
	if (transfer->budget)
		transfer->budget->in_flight++;
}

/*
 * It was answered, or broken off.  "wait": seconds until there are more
 * requests, below 0 if that was not said.  Those that rest because of it are
 * to be tried again.
 */
void
trigger_rate_ended(TriggerTransfer *transfer, int64 now, double wait)
{
	RateBudget *budget = transfer->budget;
	int64		remaining = transfer->hints.remaining;
	dlist_iter	iter;

	if (budget == NULL)
		return;
	budget->in_flight--;
	if (remaining >= 0 && wait >= 0)
	{
		int64		renewed = now + Min((int64) (wait * 1e6), LONGEST_WAIT);

		/* answers overtake each other: the least of one period counts */
		if (budget->remaining < 0 || renewed > budget->renewed + SAME_RENEWAL)
		{
			budget->remaining = remaining;
			budget->renewed = renewed;
		}
		else if (renewed > budget->renewed - SAME_RENEWAL)
			budget->remaining = Min(budget->remaining, remaining);
	}
	dlist_foreach(iter, &transfer->http->live)
	{
		TriggerTransfer *other = dlist_container(TriggerTransfer, node, iter.cur);

		if (other->budget == budget && other->state == TRANSFER_WAITING &&
			other->resting)
			other->wake = now;
	}
}

/*
 * It was refused: the connection rests for as long as the server says.  What
 * is left then, a single request is to find out.
 */
void
trigger_rate_refused(TriggerTransfer *transfer, int64 now)
{
	if (transfer->budget == NULL)
		return;
	transfer->budget->remaining = 0;
	transfer->budget->renewed = now;
}
