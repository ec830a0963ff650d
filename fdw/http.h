/*-------------------------------------------------------------------------
 *
 * http.h
 *		Interruptible HTTP for a PostgreSQL backend.
 *
 * A TriggerHttp owns the connections to one origin for one user mapping; any
 * number of transfers can be in flight on it at once.  One file descriptor
 * (an epoll set that also holds a timer) tells when any of them can make
 * progress, so that a caller waits for all of them, for its latch and for
 * the postmaster in one call, and so that an asynchronous Append can put the
 * descriptor into its own wait set.
 *
 * Only this interface is known to the rest of the extension: libcurl appears
 * in http.c and nowhere else, and nothing here knows what a table is.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_HTTP_H
#define TRIGGER_HTTP_H

#include "postgres.h"

#include "utils/palloc.h"

/*
 * Most bytes of one decompressed answer.  The API's largest promised
 * document is a 10 MB output; a page of 100 runs whose metadata is at its
 * 256 kB limit is 26 MB.  More than this is a broken or hostile server.
 */
#define TRIGGER_HTTP_MAX_BODY	(64 * 1024 * 1024)

typedef struct TriggerHttp TriggerHttp;
typedef struct TriggerTransfer TriggerTransfer;

/* How a connection behaves; fixed when it is made. */
typedef struct TriggerHttpSettings
{
	int			connect_timeout;	/* milliseconds */
	int			request_timeout;	/* milliseconds, one attempt */
	int			max_retries;	/* attempts after the first */
	int			rate_limit_wait;	/* seconds, all waits of one statement */
	const char *ca_file;		/* NULL: the system's */
	const char *proxy;			/* NULL: none, whatever the environment says */
} TriggerHttpSettings;

/* What may be repeated when an answer is lost. */
typedef enum TriggerRepeat
{
	TRIGGER_REPEAT_SAFE,		/* reads, and writes that are idempotent */
	TRIGGER_REPEAT_ANSWERED,	/* after an error of the server, but not after
								 * a lost answer */
	TRIGGER_REPEAT_NEVER		/* repeated only if surely not processed */
} TriggerRepeat;

typedef struct TriggerHttpRequest
{
	const char *method;			/* "GET", "POST", ... */
	const char *url;			/* absolute, encoded */
	const char *const *headers; /* "Name: value" strings, NULL-terminated */
	const char *body;			/* NULL: none */
	size_t		body_len;
	TriggerRepeat repeat;
	/* A 404 with "x-should-retry: true" is repeated at most this often. */
	int			not_found_retries;
	/* One of many: do not ask for more than the rate limit has left. */
	bool		paced;
	/* A 500 is known to be the server's answer to bad input: do not repeat. */
	bool		final_500;
} TriggerHttpRequest;

/* Why a transfer ended without an answer. */
typedef enum TriggerHttpFailure
{
	TRIGGER_HTTP_OK,			/* there is an answer; look at its status */
	TRIGGER_HTTP_CANNOT_CONNECT,	/* name, TCP, TLS: nothing was sent */
	TRIGGER_HTTP_LOST,			/* the connection broke */
	TRIGGER_HTTP_TIMEOUT,		/* request_timeout */
	TRIGGER_HTTP_TOO_LARGE,		/* above TRIGGER_HTTP_MAX_BODY */
	TRIGGER_HTTP_BROKEN,		/* not HTTP, wrong length, bad compression */
	TRIGGER_HTTP_RATE_LIMITED,	/* 429 and the wait would exceed the limit */
	TRIGGER_HTTP_INTERNAL		/* out of memory, libcurl misuse */
} TriggerHttpFailure;

typedef struct TriggerHttpResponse
{
	TriggerHttpFailure failure;
	/* For a failure: what libcurl says, never with a URL's user part. */
	const char *message;
	/* The request may have been processed although there is no answer. */
	bool		maybe_processed;
	/* An attempt before the last may have been processed as well. */
	bool		repeated;
	int			status;			/* 0 without an answer */
	const char *content_type;	/* "" when absent */
	const char *trigger_jwt;	/* x-trigger-jwt, NULL when absent */
	const char *trigger_jwt_claims; /* x-trigger-jwt-claims, NULL when absent */
	double		date;			/* server's clock, epoch seconds; 0 not said */
	char	   *body;			/* NUL-terminated, decompressed */
	size_t		body_len;
	int			attempts;
	double		rate_limit_reset_in;	/* seconds, for RATE_LIMITED */
} TriggerHttpResponse;

/* Counters, of a connection or of one scan; times in microseconds. */
typedef struct TriggerHttpStats
{
	uint64		requests;		/* attempts that were sent */
	uint64		retries;
	uint64		bytes;			/* received, as on the wire */
	uint64		rate_limit_waits;
	uint64		wait_time;		/* blocked in trigger_http_wait() */
	uint64		backoff_time;	/* scheduled back-off of its transfers */
	int64		rate_remaining; /* last x-ratelimit-remaining, -1 unknown */
} TriggerHttpStats;

/*
 * Make a connection object.  It lives until trigger_http_destroy(); it holds
 * descriptors and malloc'd memory only, so it may outlive any context.
 * ERROR if libcurl or the descriptors cannot be had.
 */
extern TriggerHttp *trigger_http_create(const TriggerHttpSettings *settings);

/* Close everything.  Transfers that are still alive are cancelled. */
extern void trigger_http_destroy(TriggerHttp *http);

/*
 * Start a transfer and return at once.  Everything in "request" is copied.
 * The transfer is freed with "owner" (a reset callback is registered before
 * anything else), or earlier by trigger_transfer_free().  "stats" (may be
 * NULL) is updated besides the connection's own and must live as long as
 * the transfer.
 */
extern TriggerTransfer *trigger_transfer_start(TriggerHttp *http,
											   const TriggerHttpRequest *request,
											   MemoryContext owner,
											   TriggerHttpStats *stats);

/* Has it ended (with an answer, or with a failure after all retries)? */
extern bool trigger_transfer_done(const TriggerTransfer *transfer);

/* The outcome; only when done.  Owned by the transfer. */
extern TriggerHttpResponse *trigger_transfer_response(TriggerTransfer *transfer);

/* Cancel if needed and free.  Never throws; NULL is ignored. */
extern void trigger_transfer_free(TriggerTransfer *transfer);

/*
 * Let all transfers make what progress they can without blocking.  Cheap
 * when there is none to make.  Never throws.
 */
extern void trigger_http_poll(TriggerHttp *http);

/*
 * Block until "transfer" is done, serving all the others meanwhile.
 * Raises the backend's own error within 100 ms of a cancel, a timeout or a
 * termination.
 */
extern void trigger_http_wait(TriggerHttp *http, TriggerTransfer *transfer);

/*
 * Block until at least one transfer of the connection has ended since the
 * call before, or until none is in flight.
 */
extern void trigger_http_wait_any(TriggerHttp *http);

/* Readable when trigger_http_poll() has something to do. */
extern int	trigger_http_fd(const TriggerHttp *http);

/* Make it readable after so many milliseconds at the latest. */
extern void trigger_http_wake(TriggerHttp *http, int ms);

/* Transfers in flight, those that wait for a retry included. */
extern int	trigger_http_in_flight(const TriggerHttp *http);

extern const TriggerHttpStats *trigger_http_stats(const TriggerHttp *http);

/* A new statement begins: its rate-limit waits are counted from zero. */
extern void trigger_http_new_statement(TriggerHttp *http);

#endif							/* TRIGGER_HTTP_H */
