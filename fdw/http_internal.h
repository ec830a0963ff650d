/*-------------------------------------------------------------------------
 *
 * http_internal.h
 *		What http.c and http_curl.c share; nobody else includes this.
 *
 * Time is in microseconds of the monotonic clock; 0 means "no time".
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_HTTP_INTERNAL_H
#define TRIGGER_HTTP_INTERNAL_H

#include "postgres.h"

#include <curl/curl.h>

#include "http.h"
#include "lib/ilist.h"
#include "retry.h"
#include "storage/latch.h"

/* Bodies that are kept for the next answer. */
#define SPARE_BODIES	4

/* A descriptor that libcurl wants watched. */
typedef struct WatchedSocket
{
	int			fd;
	uint32		armed;			/* what the epoll set has, 0: not in it */
	uint32		wanted;			/* what libcurl wants */
	bool		ours;			/* opened by open_socket() */
} WatchedSocket;

/* An easy handle, which serves one transfer after another. */
typedef struct EasySlot
{
	CURL	   *curl;
	TriggerTransfer *transfer;	/* NULL when idle */
	struct EasySlot *next;		/* in the list of idle ones */
	char		error[CURL_ERROR_SIZE];
} EasySlot;

/* Frees a transfer with the memory context that owns it. */
typedef struct TriggerGuard
{
	MemoryContextCallback callback;
	MemoryContext owner;
	TriggerTransfer *transfer;	/* NULL: spare */
	dlist_node	node;			/* in spare_guards */
	bool		listed;
} TriggerGuard;

/* Budgets of credentials that a connection knows. */
#define RATE_BUDGETS	8

/* What is known of a rate limit. */
typedef struct RateBudget
{
	bool		known;
	uint32		key;			/* of the credential */
	int			users;			/* transfers that are not done */
	int			in_flight;
	int64		remaining;		/* as said last, -1: not yet */
	int64		renewed;		/* when there will be more */
} RateBudget;

struct TriggerHttp
{
	TriggerHttpSettings settings;
	CURLM	   *multi;
	int			epoll_fd;
	int			timer_fd;
	WaitEventSet *wait_set;		/* made by the first wait */

	WatchedSocket *sockets;
	int			nsockets;
	int			maxsockets;
	int			open_sockets;	/* opened by open_socket() */
	int			counted_fds;	/* told to fd.c */

	int64		curl_deadline;	/* when libcurl wants to be called */
	int64		timer_armed;	/* what timer_fd is set to */
	int64		last_served;
	bool		interruptible;	/* interrupts are served after this step */

	dlist_head	live;			/* transfers that are not done */
	dlist_head	done;
	int			in_flight;
	int			unsent;			/* attempts whose request was not sent yet */
	int			ended;			/* since the last trigger_http_wait_any() */

	EasySlot   *idle;
	int			nidle;
	dlist_head	spare_guards;
	char	   *spare_body[SPARE_BODIES];
	size_t		spare_size[SPARE_BODIES];

	/* Rate limit: see hold() */
	int64		blocked_until;
	int64		charged_until;
	int64		rate_spent;
	RateBudget	budgets[RATE_BUDGETS];

	uint64		random;
	TriggerHttpStats stats;
};

typedef enum TransferState
{
	TRANSFER_WAITING,			/* for its "wake" */
	TRANSFER_ACTIVE,			/* libcurl has it */
	TRANSFER_DONE
} TransferState;

struct TriggerTransfer
{
	dlist_node	node;			/* in live or done */
	TriggerHttp *http;			/* NULL: destroyed */
	TriggerGuard *guard;		/* NULL: the context is gone */
	TriggerHttpStats *stats;	/* NULL: none */
	TransferState state;

	/* The request; url and method are in the easy handle. */
	EasySlot   *easy;
	struct curl_slist *headers;
	char	   *request_body;
	TriggerRetryPolicy policy;
	TriggerRetryState retry;
	bool		fresh;			/* next attempt on a new connection */
	RateBudget *budget;			/* NULL: not paced */
	bool		resting;		/* until others of its budget are answered */

	/* The attempt. */
	int64		wake;
	int64		deadline;
	int			sends;			/* times that libcurl began to send */
	bool		unattended;
	bool		answer_begun;
	bool		too_large;
	bool		out_of_memory;

	/* The answer. */
	TriggerRetryHints hints;
	char	   *body;
	size_t		body_len;
	size_t		body_size;
	char	   *jwt;
	char	   *claims;
	char		content_type[128];
	char		message[CURL_ERROR_SIZE + 256];
	char		empty[1];
	TriggerHttpResponse response;
};

extern void trigger_timer_arm(TriggerHttp *http);
extern bool trigger_rate_afford(TriggerHttp *http, int64 now, int64 until);
extern void trigger_rate_join(TriggerTransfer *transfer,
							  const TriggerHttpRequest *request);
extern void trigger_rate_leave(TriggerTransfer *transfer);
extern int64 trigger_rate_wait(const TriggerTransfer *transfer, int64 now,
							   bool *alone);
extern void trigger_rate_sent(TriggerTransfer *transfer);
extern void trigger_rate_ended(TriggerTransfer *transfer, int64 now,
							   double wait);
extern void trigger_rate_refused(TriggerTransfer *transfer, int64 now);
extern void trigger_curl_recycle_body(TriggerTransfer *transfer);
extern void trigger_curl_reuse_body(TriggerTransfer *transfer);
extern int64 trigger_http_now(void);
extern const char *trigger_curl_open(TriggerHttp *http);
extern WatchedSocket *trigger_curl_find_socket(TriggerHttp *http, int fd);
extern bool trigger_curl_arm_socket(TriggerHttp *http, WatchedSocket *entry,
									uint32 events);
extern EasySlot *trigger_curl_take(TriggerHttp *http);
extern void trigger_curl_release(TriggerHttp *http, EasySlot *slot,
								 bool broken_off);
extern void trigger_curl_free(EasySlot *slot);
extern bool trigger_curl_prepare(TriggerTransfer *transfer,
								 const TriggerHttpRequest *request);
extern void trigger_curl_reset_headers(TriggerTransfer *transfer);
extern TriggerHttpFailure trigger_curl_diagnose(TriggerTransfer *transfer,
												CURLcode code, int timeout_ms,
												TriggerAttempt *attempt);
extern uint64 trigger_curl_bytes(const TriggerTransfer *transfer);

#endif							/* TRIGGER_HTTP_INTERNAL_H */
