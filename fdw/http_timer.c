/*-------------------------------------------------------------------------
 *
 * http_timer.c
 *		When a connection has to be looked at though nothing has come.
 *
 * Time is in microseconds of the monotonic clock; 0 means "no time".
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/timerfd.h>

#include "http_internal.h"

/*
 * Have the timer ring at a time, or before.  If it rings too early, that
 * costs one wake-up; setting it for each request costs a system call per
 * request.
 */
static void
set_timer(TriggerHttp *http, int64 when)
{
	struct itimerspec spec = {{0, 0}, {0, 0}};

	if (http->timer_armed != 0 && http->timer_armed <= when)
		return;
	spec.it_value.tv_sec = when / 1000000;
	spec.it_value.tv_nsec = when % 1000000 * 1000;
	(void) timerfd_settime(http->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
	http->timer_armed = when;
}

/*
 * Set the timer to the earliest time at which there is something to do.
 */
void
trigger_timer_arm(TriggerHttp *http)
{
	int64		first = http->curl_deadline;
	dlist_iter	iter;

	dlist_foreach(iter, &http->live)
	{
		TriggerTransfer *transfer = dlist_container(TriggerTransfer, node,
													iter.cur);
		int64		next = transfer->state == TRANSFER_WAITING ?
		transfer->wake : transfer->deadline;

		if (first == 0 || next < first)
			first = next;
	}

	if (first != 0)
		set_timer(http, first);
}

/* See http.h. */
void
trigger_http_wake(TriggerHttp *http, int ms)
{
	set_timer(http, trigger_http_now() + ms * INT64CONST(1000));
}
