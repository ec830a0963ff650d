/*-------------------------------------------------------------------------
 *
 * http.c
 *		Interruptible HTTP for a PostgreSQL backend.
 *
 * libcurl never blocks here and never calls back into PostgreSQL: its
 * callbacks edit an epoll set, note a time, or append to malloc'd memory,
 * and return.  All waiting is done by http_block(), on the latch, the
 * postmaster and the epoll set at once, and interrupts are only served there,
 * outside libcurl.
 *
 * Memory.  A transfer and all that hangs off it is malloc'd, because libcurl
 * allocates with malloc anyway and because palloc may throw, which it must
 * not do inside a callback.  The only palloc'd thing is the TriggerGuard, a
 * reset callback in the owner's context, which is registered before anything
 * is malloc'd: from then on any error frees the transfer with its owner.
 * Transfer and TriggerHttp know each other, and each clears the other's
 * pointer when it goes first, so they may end in any order.
 *
 * Time is in microseconds of the monotonic clock; 0 means "no time".
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <curl/curl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"
#include "http.h"
#include "http_internal.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "retry.h"
#include "storage/fd.h"

/* Not polled for longer than this: the executor rested, see note_pause(). */
#define PAUSE			INT64CONST(1000000)

/* A rate limit that lasts longer than this is asked about again. */
#define LONGEST_BLOCK	INT64CONST(300000000)

/* Rounds of http_step() before the caller looks at its interrupts. */
#define MAX_ROUNDS		8

/* Descriptors besides the sockets: epoll, timer, libcurl's wake-up pair. */
#define OWN_FDS			4

/* Seconds since 1970. */
static double
wall_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/*
 * Tell fd.c how many descriptors we hold.  Sockets are opened and closed in
 * callbacks, where fd.c must not be called (it may log), so this follows
 * after each visit to libcurl.
 */
static void
count_fds(TriggerHttp *http)
{
	while (http->counted_fds < OWN_FDS + http->open_sockets)
	{
		ReserveExternalFD();
		http->counted_fds++;
	}
	while (http->counted_fds > OWN_FDS + http->open_sockets)
	{
		ReleaseExternalFD();
		http->counted_fds--;
	}
}

/* ------------------------------------------------------------------------
 * The life of a transfer
 * ------------------------------------------------------------------------
 */

/* Take a transfer out of libcurl's hands, finished or not. */
static void
leave_multi(TriggerTransfer *transfer)
{
	TriggerHttp *http = transfer->http;

	(void) curl_multi_remove_handle(http->multi, transfer->easy->curl);
	if (transfer->sends == 0)
		http->unsent--;
	trigger_rate_ended(transfer, trigger_http_now(),
					   trigger_hints_wait(&transfer->hints, wall_now()));
	transfer->deadline = 0;
}

/* Free what is only needed to send the request. */
static void
free_request(TriggerTransfer *transfer, bool broken_off)
{
	if (transfer->easy)
		trigger_curl_release(transfer->http, transfer->easy, broken_off);
	transfer->easy = NULL;
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	free(transfer->request_body);
	transfer->request_body = NULL;
}

/* The transfer is done; fill in what its response says in any case. */
static void
finish(TriggerTransfer *transfer, TriggerHttpFailure failure, int status,
	   bool broken_off)
{
	TriggerHttp *http = transfer->http;
	TriggerHttpResponse *response = &transfer->response;

	free_request(transfer, broken_off);
	trigger_rate_leave(transfer);
	transfer->state = TRANSFER_DONE;
	dlist_delete(&transfer->node);
	dlist_push_tail(&http->done, &transfer->node);
	http->in_flight--;
	http->ended++;

	if (status == 0)
	{
		trigger_curl_reset_headers(transfer);
		transfer->body_len = 0;
	}
	response->failure = failure;
	response->message = transfer->message;
	response->status = status;
	response->content_type = transfer->content_type;
	response->trigger_jwt = transfer->jwt;
	response->trigger_jwt_claims = transfer->claims;
	response->date = transfer->hints.date;
	response->body = transfer->body_len > 0 ? transfer->body :
		transfer->empty;
	response->body_len = transfer->body_len;
}

/* Let a transfer rest until "wake". */
static void
rest(TriggerTransfer *transfer, int64 now, int64 wake)
{
	transfer->state = TRANSFER_WAITING;
	transfer->wake = wake;
	transfer->http->stats.backoff_time += wake - now;
	if (transfer->stats)
		transfer->stats->backoff_time += wake - now;
}

/*
 * Let a transfer wait for the end of a rate limit, or end it because the
 * statement cannot wait so long.  "status" is that of its answer, 0 if it
 * was not sent at all.
 */
static void
hold(TriggerTransfer *transfer, int64 now, int64 wake, int status)
{
	TriggerHttp *http = transfer->http;
	double		seconds = (wake - now) / 1e6;

	if (!trigger_rate_afford(http, now, wake))
	{
		transfer->response.rate_limit_reset_in = seconds;
		snprintf(transfer->message, sizeof(transfer->message),
				 "the rate limit ends in %.1f s, which is longer than may be waited",
				 seconds);
		finish(transfer, TRIGGER_HTTP_RATE_LIMITED, status, false);
		return;
	}
	http->stats.rate_limit_waits++;
	if (transfer->stats)
		transfer->stats->rate_limit_waits++;
	rest(transfer, now, wake);
}

/* libcurl cannot do it. */
static void
finish_internal(TriggerTransfer *transfer, const char *what)
{
	strlcpy(transfer->message, what, sizeof(transfer->message));
	finish(transfer, TRIGGER_HTTP_INTERNAL, 0, true);
}

/*
 * Let a transfer wait if a rate limit is in force, or has nothing left.  What
 * the statement cannot afford to wait for, the server may refuse itself.
 */
static bool
keep_back(TriggerTransfer *transfer, int64 now)
{
	TriggerHttp *http = transfer->http;
	int64		jitter = (int64)
	(trigger_retry_jitter(trigger_retry_random(&http->random)) * 1e6);
	int64		wake;
	bool		alone;

	transfer->resting = false;
	if (http->blocked_until > now)
	{
		hold(transfer, now, http->blocked_until + jitter, 0);
		return true;
	}
	wake = trigger_rate_wait(transfer, now, &alone);
	if (wake == 0)
		return false;
	if (alone)
	{
		if (!trigger_rate_afford(http, now, wake + jitter))
			return false;
		hold(transfer, now, wake + jitter, 0);
	}
	transfer->state = TRANSFER_WAITING;
	transfer->wake = wake + jitter;
	transfer->resting = true;
	return true;
}

/* Send the request, unless a rate limit is in force. */
static void
begin_attempt(TriggerTransfer *transfer, int64 now)
{
	TriggerHttp *http = transfer->http;
	EasySlot   *slot = transfer->easy;
	CURLMcode	rc;

	if (keep_back(transfer, now))
		return;

	transfer->sends = 0;
	transfer->unattended = false;
	transfer->answer_begun = false;
	transfer->body_len = 0;
	trigger_curl_reset_headers(transfer);
	slot->transfer = transfer;
	slot->error[0] = '\0';
	if (curl_easy_setopt(slot->curl, CURLOPT_FRESH_CONNECT,
						 transfer->fresh ? 1L : 0L) != CURLE_OK)
	{
		finish_internal(transfer, "could not set CURLOPT_FRESH_CONNECT");
		return;
	}
	transfer->fresh = false;
	rc = curl_multi_add_handle(http->multi, slot->curl);
	if (rc != CURLM_OK)
	{
		finish_internal(transfer, curl_multi_strerror(rc));
		return;
	}
	http->unsent++;
	transfer->response.attempts++;
	trigger_rate_sent(transfer);
	transfer->state = TRANSFER_ACTIVE;
	transfer->deadline = now +
		http->settings.request_timeout * INT64CONST(1000);
}

/*
 * A 429: nothing else is sent before the limit ends either.  If the transfer
 * cannot wait so long, others are held back only until the server's own
 * reset, not for the back-off that was added to it.
 */
static void
meet_rate_limit(TriggerTransfer *transfer, int64 now, double delay)
{
	TriggerHttp *http = transfer->http;
	int64		wake = now + (int64) (delay * 1e6);

	trigger_rate_refused(transfer, now);
	hold(transfer, now, wake, 429);
	if (transfer->state != TRANSFER_WAITING)
		wake = now + (int64) (Max(trigger_hints_wait(&transfer->hints,
													 wall_now()), 0) * 1e6);
	http->blocked_until = Max(http->blocked_until, wake);
}

/* No (further) attempt: what there is, is the outcome. */
static void
give_up(TriggerTransfer *transfer, TriggerHttpFailure failure,
		const TriggerAttempt *attempt, int64 now, bool broken_off)
{
	double		wait;

	transfer->response.maybe_processed = attempt->maybe_processed;
	if (attempt->status != 429)
	{
		finish(transfer, failure, attempt->status, broken_off);
		return;
	}
	trigger_rate_refused(transfer, now);
	wait = Max(trigger_hints_wait(&attempt->hints, wall_now()), 0);
	transfer->http->blocked_until = Max(transfer->http->blocked_until,
										now + (int64) (wait * 1e6));
	transfer->response.rate_limit_reset_in = wait;
	strlcpy(transfer->message, "the rate limit is reached",
			sizeof(transfer->message));
	finish(transfer, TRIGGER_HTTP_RATE_LIMITED, 429, broken_off);
}

/* Count what an attempt has brought. */
static void
count_attempt(TriggerTransfer *transfer, TriggerHttpStats *stats)
{
	if (stats == NULL)
		return;
	stats->bytes += trigger_curl_bytes(transfer);
	if (transfer->hints.remaining >= 0)
		stats->rate_remaining = transfer->hints.remaining;
}

/* Count a repetition. */
static void
count_retry(TriggerTransfer *transfer)
{
	transfer->http->stats.retries++;
	if (transfer->stats)
		transfer->stats->retries++;
}

/*
 * An attempt has ended; "timeout_ms" is the limit that it met if "code" is a
 * timeout.  Ends the transfer or prepares the next attempt.
 */
static void
attempt_ended(TriggerTransfer *transfer, CURLcode code, int timeout_ms,
			  int64 now)
{
	TriggerHttp *http = transfer->http;
	TriggerAttempt attempt;
	TriggerHttpFailure failure;
	TriggerRetryAction action;
	double		delay;

	failure = trigger_curl_diagnose(transfer, code, timeout_ms, &attempt);
	count_attempt(transfer, &http->stats);
	count_attempt(transfer, transfer->stats);
	leave_multi(transfer);

	action = trigger_retry_decide(&transfer->policy, &transfer->retry,
								  &attempt, wall_now(),
								  trigger_retry_random(&http->random),
								  &delay);
	if (action == TRIGGER_RETRY_WHEN_TOLD &&
		!trigger_rate_afford(http, now, now + (int64) (delay * 1e6)))
		action = TRIGGER_RETRY_GIVE_UP;

	if (action == TRIGGER_RETRY_GIVE_UP)
	{
		give_up(transfer, failure, &attempt, now, code != CURLE_OK);
		return;
	}

	/* 429 and 503 are refusals; any other answer may come after the deed */
	if (attempt.status == 0 ? attempt.maybe_processed :
		attempt.status != 429 && attempt.status != 503)
		transfer->response.repeated = true;

	/* finding a kept-alive connection closed is an everyday matter */
	if (action != TRIGGER_RETRY_AT_ONCE)
		count_retry(transfer);
	if (action == TRIGGER_RETRY_RATE_LIMIT)
		meet_rate_limit(transfer, now, delay);
	else if (action == TRIGGER_RETRY_AT_ONCE)
	{
		transfer->fresh = true;
		begin_attempt(transfer, now);
	}
	else
		rest(transfer, now, now + (int64) (delay * 1e6));
}

/* ------------------------------------------------------------------------
 * The loop
 * ------------------------------------------------------------------------
 */

/*
 * If nobody has called us for a while, the executor has had a pause (an open
 * cursor).  What fails now may have failed because of that; and a time limit
 * that expired unseen starts again, see check_times().
 */
static void
note_pause(TriggerHttp *http, int64 now)
{
	dlist_iter	iter;

	if (now - http->last_served <= PAUSE)
		return;
	dlist_foreach(iter, &http->live)
	{
		TriggerTransfer *transfer = dlist_container(TriggerTransfer, node,
													iter.cur);

		if (transfer->state == TRANSFER_ACTIVE)
			transfer->unattended = true;
	}
}

/*
 * Start what has rested long enough and end what has taken too long.  Called
 * after the sockets were served, so an answer that lies ready is read first.
 */
static void
check_times(TriggerHttp *http, int64 now)
{
	int			timeout = http->settings.request_timeout;
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &http->live)
	{
		TriggerTransfer *transfer = dlist_container(TriggerTransfer, node,
													iter.cur);

		if (transfer->state == TRANSFER_WAITING)
		{
			if (transfer->wake <= now)
				begin_attempt(transfer, now);
		}
		else if (transfer->deadline <= now)
		{
			if (now - transfer->deadline > PAUSE)
				transfer->deadline = now + timeout * INT64CONST(1000);
			else
				attempt_ended(transfer, CURLE_OPERATION_TIMEDOUT, timeout, now);
		}
	}
}

/* libcurl has given up altogether, for want of memory. */
static void
fail_all(TriggerHttp *http, CURLMcode rc)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &http->live)
	{
		TriggerTransfer *transfer = dlist_container(TriggerTransfer, node,
													iter.cur);

		if (transfer->state != TRANSFER_ACTIVE)
			continue;
		leave_multi(transfer);
		transfer->response.maybe_processed = transfer->sends > 0;
		finish_internal(transfer, curl_multi_strerror(rc));
	}
}

/* Let libcurl serve a descriptor, or its own timers (CURL_SOCKET_TIMEOUT). */
static void
serve(TriggerHttp *http, curl_socket_t fd, int events)
{
	int			running;
	CURLMcode	rc;

	rc = curl_multi_socket_action(http->multi, fd, events, &running);

	/* A descriptor may be closed while its event was waiting for us. */
	if (rc != CURLM_OK && rc != CURLM_BAD_SOCKET)
		fail_all(http, rc);
}

/* Something happened on a descriptor of the epoll set. */
static void
serve_event(TriggerHttp *http, const struct epoll_event *event)
{
	WatchedSocket *entry;
	int			events = 0;

	if (event->data.fd == http->timer_fd)
	{
		http->timer_armed = 0;
		return;
	}
	entry = trigger_curl_find_socket(http, event->data.fd);
	if (entry == NULL)
		return;
	if (entry->wanted == 0)
	{
		/* Closed by the server while idle; libcurl sees it on reuse. */
		(void) trigger_curl_arm_socket(http, entry, 0);
		return;
	}

	/* On an error libcurl is to read or write, and so learn which one. */
	if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		events |= CURL_CSELECT_IN;
	if (event->events & (EPOLLOUT | EPOLLERR))
		events |= CURL_CSELECT_OUT;
	serve(http, entry->fd, events);
}

/* Is it time for libcurl's own timers? */
static bool
curl_is_due(const TriggerHttp *http, int64 now)
{
	return http->curl_deadline != 0 && http->curl_deadline <= now;
}

/*
 * Call libcurl for what has happened.  It may start a thread to resolve a
 * name if a request is not sent yet.  That thread inherits the signal mask,
 * and PostgreSQL's handlers must never run in it, so all are blocked then.
 */
static void
serve_events(TriggerHttp *http, const struct epoll_event *events, int n,
			 int64 now)
{
	bool		block = http->unsent > 0;
	sigset_t	mask;
	int			i;

	if (block)
		sigprocmask(SIG_SETMASK, &BlockSig, &mask);
	for (i = 0; i < n; i++)
		serve_event(http, &events[i]);
	if (curl_is_due(http, now))
	{
		http->curl_deadline = 0;
		serve(http, CURL_SOCKET_TIMEOUT, 0);
	}
	if (block)
		sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* Collect the attempts that libcurl has finished. */
static void
reap(TriggerHttp *http, int64 now)
{
	CURLMsg    *msg;
	int			left;

	while ((msg = curl_multi_info_read(http->multi, &left)) != NULL)
	{
		CURLcode	code = msg->data.result;
		char	   *slot = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void) curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &slot);
		attempt_ended(((EasySlot *) slot)->transfer, code,
					  http->settings.connect_timeout, now);
	}
}

/*
 * Make what progress can be made without blocking.  With "look" false only
 * what was just started is served.  Never throws.
 */
static void
http_step(TriggerHttp *http, bool look)
{
	struct epoll_event events[16];
	int64		now = trigger_http_now();
	int			round;

	note_pause(http, now);
	for (round = 0; round < MAX_ROUNDS; round++)
	{
		int			n = 0;

		if (look)
			n = epoll_wait(http->epoll_fd, events, lengthof(events), 0);
		serve_events(http, events, n, now);
		reap(http, now);
		now = trigger_http_now();
		check_times(http, now);
		if (n < (int) lengthof(events) && !curl_is_due(http, now))
			break;
	}
	count_fds(http);
	trigger_timer_arm(http);
	http->last_served = trigger_http_now();
}

/* The set of what http_block() waits for; made once, because it is costly. */
static void
make_wait_set(TriggerHttp *http)
{
	WaitEventSet *set = TRIGGER_CREATE_WAIT_EVENT_SET(3);

	PG_TRY();
	{
		AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
		/* A standalone backend has no postmaster. */
		if (IsUnderPostmaster)
			AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET,
							  NULL, NULL);
		AddWaitEventToSet(set, WL_SOCKET_READABLE, http->epoll_fd, NULL, NULL);
	}
	PG_CATCH();
	{
		FreeWaitEventSet(set);
		PG_RE_THROW();
	}
	PG_END_TRY();
	http->wait_set = set;
}

/*
 * Block until there is something to do, do it, and serve interrupts.  This
 * is the only place of this file that throws on behalf of somebody else;
 * libcurl is not on the stack then.
 */
static void
http_block(TriggerHttp *http, TriggerHttpStats *stats)
{
	static uint32 wait_event = 0;
	WaitEvent	events[2];
	int64		start = trigger_http_now();
	int			n;
	int			i;

	if (http->wait_set == NULL)
		make_wait_set(http);
	if (wait_event == 0)
		wait_event = TRIGGER_WAIT_EVENT_NEW("TriggerFdwHttp");
	note_pause(http, start);

	n = WaitEventSetWait(http->wait_set, -1, events, lengthof(events),
						 wait_event);
	for (i = 0; i < n; i++)
		if (events[i].events & WL_LATCH_SET)
			ResetLatch(MyLatch);

	/* Whoever waits here has no pause. */
	http->last_served = trigger_http_now();
	http->stats.wait_time += http->last_served - start;
	if (stats)
		stats->wait_time += http->last_served - start;
	CHECK_FOR_INTERRUPTS();

	http->interruptible = true;
	http_step(http, true);
	http->interruptible = false;
	CHECK_FOR_INTERRUPTS();
}

/* ------------------------------------------------------------------------
 * The interface; see http.h
 * ------------------------------------------------------------------------
 */

/* A copy of an optional setting; false without memory. */
static bool
copy_setting(const char **copy)
{
	if (*copy == NULL)
		return true;
	*copy = strdup(*copy);
	return *copy != NULL;
}

/* Acquire everything a connection needs; NULL, or what went wrong. */
static const char *
http_open(TriggerHttp *http, const TriggerHttpSettings *settings)
{
	struct epoll_event event = {0};

	http->settings = *settings;
	if (!copy_setting(&http->settings.ca_file))
	{
		http->settings.proxy = NULL;	/* not ours to free */
		return "out of memory";
	}
	if (!copy_setting(&http->settings.proxy))
		return "out of memory";

	for (; http->counted_fds < OWN_FDS; http->counted_fds++)
		if (!AcquireExternalFD())
			return "too many open files";
	http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	http->timer_fd = timerfd_create(CLOCK_MONOTONIC,
									TFD_CLOEXEC | TFD_NONBLOCK);
	if (http->epoll_fd < 0 || http->timer_fd < 0)
		return "could not create a descriptor";

	/* Edge-triggered, so that the timer need not be read. */
	event.events = EPOLLIN | EPOLLET;
	event.data.fd = http->timer_fd;
	if (epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, http->timer_fd, &event) != 0)
		return "could not create a descriptor";
	return trigger_curl_open(http);
}

TriggerHttp *
trigger_http_create(const TriggerHttpSettings *settings)
{
	TriggerHttp *http = calloc(1, sizeof(TriggerHttp));
	const char *problem;

	if (http == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	http->epoll_fd = -1;
	http->timer_fd = -1;
	http->stats.rate_remaining = -1;
	dlist_init(&http->live);
	dlist_init(&http->done);
	dlist_init(&http->spare_guards);
	http->last_served = trigger_http_now();
	http->random = (uint64) http->last_served * MyProcPid | 1;

	problem = http_open(http, settings);
	if (problem)
	{
		trigger_http_destroy(http);
		ereport(ERROR,
				(errcode(ERRCODE_SYSTEM_ERROR),
				 errmsg("could not set up an HTTP connection: %s", problem)));
	}
	return http;
}

/* Break a transfer off, leaving it done and without its connection. */
static void
cancel(TriggerTransfer *transfer)
{
	bool		active = transfer->state == TRANSFER_ACTIVE;

	if (transfer->state == TRANSFER_DONE)
		return;
	if (active)
	{
		transfer->response.maybe_processed = transfer->sends > 0;
		leave_multi(transfer);
	}
	strlcpy(transfer->message, "the request was cancelled",
			sizeof(transfer->message));
	finish(transfer, TRIGGER_HTTP_LOST, 0, active);
}

void
trigger_http_destroy(TriggerHttp *http)
{
	int			i;

	if (http == NULL)
		return;
	while (!dlist_is_empty(&http->live))
		cancel(dlist_head_element(TriggerTransfer, node, &http->live));
	while (!dlist_is_empty(&http->done))
		dlist_container(TriggerTransfer, node,
						dlist_pop_head_node(&http->done))->http = NULL;
	while (!dlist_is_empty(&http->spare_guards))
		dlist_container(TriggerGuard, node,
						dlist_pop_head_node(&http->spare_guards))->listed = false;
	while (http->idle)
	{
		EasySlot   *slot = http->idle;

		http->idle = slot->next;
		trigger_curl_free(slot);
	}
	if (http->multi)
		curl_multi_cleanup(http->multi);
	if (http->wait_set)
		FreeWaitEventSet(http->wait_set);
	if (http->timer_fd >= 0)
		close(http->timer_fd);
	if (http->epoll_fd >= 0)
		close(http->epoll_fd);
	while (http->counted_fds-- > 0)
		ReleaseExternalFD();
	for (i = 0; i < SPARE_BODIES; i++)
		free(http->spare_body[i]);
	free(http->sockets);
	free(unconstify(char *, http->settings.ca_file));
	free(unconstify(char *, http->settings.proxy));
	free(http);
}

/* Free a transfer whose guard is already taken care of.  Never throws. */
static void
free_transfer(TriggerTransfer *transfer)
{
	TriggerHttp *http = transfer->http;

	if (http)
	{
		cancel(transfer);
		dlist_delete(&transfer->node);
		count_fds(http);
	}
	trigger_curl_recycle_body(transfer);
	free(transfer->jwt);
	free(transfer->claims);
	free(transfer);
}

/* The owner's context is being reset, and this guard with it. */
static void
guard_fires(void *arg)
{
	TriggerGuard *guard = arg;

	if (guard->listed)
		dlist_delete(&guard->node);
	if (guard->transfer)
	{
		guard->transfer->guard = NULL;
		free_transfer(guard->transfer);
	}
}

/*
 * A guard in "owner": a spare one, or a new one.  Guards cannot be taken out
 * of a context, so that a scan of many pages would pile them up otherwise.
 * Out of memory is the only error.
 */
static TriggerGuard *
take_guard(TriggerHttp *http, MemoryContext owner)
{
	TriggerGuard *guard;
	dlist_iter	iter;

	dlist_foreach(iter, &http->spare_guards)
	{
		guard = dlist_container(TriggerGuard, node, iter.cur);
		if (guard->owner == owner)
		{
			dlist_delete(&guard->node);
			guard->listed = false;
			return guard;
		}
	}
	guard = MemoryContextAllocZero(owner, sizeof(TriggerGuard));
	guard->owner = owner;
	guard->callback.func = guard_fires;
	guard->callback.arg = guard;
	MemoryContextRegisterResetCallback(owner, &guard->callback);
	return guard;
}

/* Headers are built from options, some of which a user can set. */
static void
check_headers(const TriggerHttpRequest *request)
{
	const char *const *h;

	for (h = request->headers; h && *h; h++)
		if (strpbrk(*h, "\r\n") != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("HTTP header must not contain a line break")));
}

TriggerTransfer *
trigger_transfer_start(TriggerHttp *http, const TriggerHttpRequest *request,
					   MemoryContext owner, TriggerHttpStats *stats)
{
	TriggerGuard *guard;
	TriggerTransfer *transfer;

	check_headers(request);
	guard = take_guard(http, owner);
	transfer = calloc(1, sizeof(TriggerTransfer));
	if (transfer == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	guard->transfer = transfer;
	transfer->guard = guard;
	transfer->http = http;
	transfer->stats = stats;
	transfer->policy.safe = request->repeat == TRIGGER_REPEAT_SAFE;
	transfer->policy.answered = request->repeat == TRIGGER_REPEAT_ANSWERED;
	transfer->policy.final_500 = request->final_500;
	transfer->policy.max_retries = http->settings.max_retries;
	transfer->policy.not_found_retries = request->not_found_retries;
	dlist_push_tail(&http->live, &transfer->node);
	http->in_flight++;
	trigger_curl_reuse_body(transfer);
	trigger_rate_join(transfer, request);

	transfer->easy = trigger_curl_take(http);
	if (transfer->easy == NULL)
		finish_internal(transfer, "out of memory");
	else if (!trigger_curl_prepare(transfer, request))
		finish_internal(transfer, transfer->easy->error);
	else
		begin_attempt(transfer, trigger_http_now());
	http_step(http, false);
	return transfer;
}

bool
trigger_transfer_done(const TriggerTransfer *transfer)
{
	return transfer->state == TRANSFER_DONE;
}

TriggerHttpResponse *
trigger_transfer_response(TriggerTransfer *transfer)
{
	Assert(transfer->state == TRANSFER_DONE);
	return &transfer->response;
}

void
trigger_transfer_free(TriggerTransfer *transfer)
{
	TriggerGuard *guard;

	if (transfer == NULL)
		return;
	guard = transfer->guard;
	guard->transfer = NULL;
	if (transfer->http)
	{
		dlist_push_head(&transfer->http->spare_guards, &guard->node);
		guard->listed = true;
	}
	free_transfer(transfer);
}

void
trigger_http_poll(TriggerHttp *http)
{
	http_step(http, true);
}

void
trigger_http_wait(TriggerHttp *http, TriggerTransfer *transfer)
{
	while (transfer->state != TRANSFER_DONE)
		http_block(http, transfer->stats);
}

void
trigger_http_wait_any(TriggerHttp *http)
{
	while (http->ended == 0 && http->in_flight > 0)
		http_block(http, NULL);
	http->ended = 0;
}

/* See http.h. */
int
trigger_http_fd(const TriggerHttp *http)
{
	return http->epoll_fd;
}

/* See http.h. */
int
trigger_http_in_flight(const TriggerHttp *http)
{
	return http->in_flight;
}

/* See http.h. */
const TriggerHttpStats *
trigger_http_stats(const TriggerHttp *http)
{
	return &http->stats;
}

void
trigger_http_new_statement(TriggerHttp *http)
{
	http->rate_spent = 0;
	http->charged_until = 0;

	/* Do not let a server with a wrong clock lock us out for long. */
	if (http->blocked_until > trigger_http_now() + LONGEST_BLOCK)
		http->blocked_until = 0;
}
