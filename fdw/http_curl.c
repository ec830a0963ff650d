/*-------------------------------------------------------------------------
 *
 * http_curl.c
 *		The libcurl side of http.c: callbacks, options, failures.
 *
 * Nothing here calls back into PostgreSQL.  libcurl's callbacks edit an epoll
 * set, note a time, or append to malloc'd memory, and return: an error thrown
 * through libcurl's frames would leave its handles unusable.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http_internal.h"
#include "miscadmin.h"

#ifndef TRIGGER_FDW_VERSION
#define TRIGGER_FDW_VERSION "0.1"
#endif

/* CURLOPT_PREREQFUNCTION, without which writes could be sent twice */
#if LIBCURL_VERSION_NUM < 0x075000
#error trigger_fdw needs libcurl 7.80.0 or later
#endif

#define MAX_CONNECTIONS 32
#define MAX_IDLE_EASY	32

/* The first allocation for a body. */
#define FIRST_BODY		(16 * 1024)

/* The largest body whose memory is kept for the next answer. */
#define KEEP_BODY		(1024 * 1024)

/* A longer token than this is none. */
#define MAX_HEADER		(16 * 1024)

/* Set an option, or say which one could not be set and return false. */
#define CHECK_SETOPT(slot, option, value) \
do { \
	CURLcode	rc_ = curl_easy_setopt((slot)->curl, option, value); \
	if (rc_ != CURLE_OK) \
	{ \
		snprintf((slot)->error, CURL_ERROR_SIZE, \
				 "could not set %s: %s", #option, curl_easy_strerror(rc_)); \
		return false; \
	} \
} while (0)

#define CHECK_MSETOPT(multi, option, value) \
do { \
	if (curl_multi_setopt(multi, option, value) != CURLM_OK) \
		return "could not set " #option; \
} while (0)

/* Microseconds of a clock that never jumps; never 0. */
int64
trigger_http_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64CONST(1000000) + ts.tv_nsec / 1000 + 1;
}

/* ------------------------------------------------------------------------
 * Callbacks of libcurl.  None of them may throw, palloc or log.
 * ------------------------------------------------------------------------
 */

/* The entry of a descriptor, or NULL. */
WatchedSocket *
trigger_curl_find_socket(TriggerHttp *http, int fd)
{
	int			i;

	for (i = 0; i < http->nsockets; i++)
		if (http->sockets[i].fd == fd)
			return &http->sockets[i];
	return NULL;
}

/* A new entry, or NULL without memory. */
static WatchedSocket *
add_socket(TriggerHttp *http, int fd, bool ours)
{
	WatchedSocket *entry;

	if (http->nsockets == http->maxsockets)
	{
		int			max = http->maxsockets ? http->maxsockets * 2 : 8;
		WatchedSocket *sockets = realloc(http->sockets, max * sizeof(*sockets));

		if (sockets == NULL)
			return NULL;
		http->sockets = sockets;
		http->maxsockets = max;
	}
	entry = &http->sockets[http->nsockets++];
	entry->fd = fd;
	entry->armed = 0;
	entry->wanted = 0;
	entry->ours = ours;
	return entry;
}

/* Make the epoll set watch for "events", 0 for not at all. */
bool
trigger_curl_arm_socket(TriggerHttp *http, WatchedSocket *entry, uint32 events)
{
	struct epoll_event event = {0};
	int			op;

	if (entry->armed == events)
		return true;
	if (events == 0)
		op = EPOLL_CTL_DEL;
	else
		op = entry->armed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	event.events = events;
	event.data.fd = entry->fd;
	entry->armed = events;
	return epoll_ctl(http->epoll_fd, op, entry->fd, &event) == 0 ||
		op == EPOLL_CTL_DEL;
}

/* Remove an entry; the last one takes its place. */
static void
forget_socket(TriggerHttp *http, WatchedSocket *entry)
{
	(void) trigger_curl_arm_socket(http, entry, 0);
	*entry = http->sockets[--http->nsockets];
}

/*
 * CURLMOPT_SOCKETFUNCTION: what to watch a descriptor for.
 *
 * A connection that becomes idle stays in the epoll set as it is, because
 * the next request will want it again, which saves two system calls per
 * request.  If the server closes it meanwhile, socket_event() takes it out.
 */
static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	TriggerHttp *http = arg;
	WatchedSocket *entry = trigger_curl_find_socket(http, fd);
	uint32		events = 0;

	(void) easy;
	(void) unused;
	if (what == CURL_POLL_REMOVE)
	{
		if (entry == NULL)
			return 0;
		entry->wanted = 0;
		if (!entry->ours)
			forget_socket(http, entry);
		else if (entry->armed != EPOLLIN)
			(void) trigger_curl_arm_socket(http, entry, 0);
		return 0;
	}

	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	if (entry == NULL && (entry = add_socket(http, fd, false)) == NULL)
		return -1;
	entry->wanted = events;
	return trigger_curl_arm_socket(http, entry, events) ? 0 : -1;
}

/* CURLMOPT_TIMERFUNCTION: when libcurl wants to be called. */
static int
set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	TriggerHttp *http = arg;

	(void) multi;
	http->curl_deadline = timeout_ms < 0 ? 0 :
		trigger_http_now() + timeout_ms * INT64CONST(1000);
	return 0;
}

/* CURLOPT_OPENSOCKETFUNCTION: as libcurl would, but not inherited by exec. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	TriggerHttp *http = arg;
	int			fd;

	(void) purpose;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
				address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (add_socket(http, fd, true) == NULL)
	{
		close(fd);
		return CURL_SOCKET_BAD;
	}
	http->open_sockets++;
	return fd;
}

/* CURLOPT_CLOSESOCKETFUNCTION */
static int
close_socket(void *arg, curl_socket_t fd)
{
	TriggerHttp *http = arg;
	WatchedSocket *entry = trigger_curl_find_socket(http, fd);

	if (entry != NULL)
	{
		if (entry->ours)
			http->open_sockets--;
		forget_socket(http, entry);
	}
	return close(fd);
}

/*
 * CURLOPT_PREREQFUNCTION: the request is about to be sent.
 *
 * libcurl repeats a request by itself, whatever its method, when a reused
 * connection ends before the answer begins.  The server may have processed
 * it by then, so that decision belongs to retry.c: the second time within an
 * attempt is refused.
 */
static int
before_send(void *arg, char *server_ip, char *local_ip, int server_port,
			int local_port)
{
	TriggerTransfer *transfer = ((EasySlot *) arg)->transfer;

	(void) server_ip;
	(void) local_ip;
	(void) server_port;
	(void) local_port;
	if (transfer == NULL || transfer->sends++ > 0)
		return CURL_PREREQFUNC_ABORT;
	transfer->http->unsent--;
	transfer->http->stats.requests++;
	if (transfer->stats)
		transfer->stats->requests++;
	return CURL_PREREQFUNC_OK;
}

/* Make room for "more" bytes and a NUL; false without memory. */
static bool
reserve_body(TriggerTransfer *transfer, size_t more)
{
	size_t		need = transfer->body_len + more + 1;
	size_t		size = transfer->body_size ? transfer->body_size : FIRST_BODY;
	char	   *body;

	if (need <= transfer->body_size)
		return true;
	while (size < need)
		size *= 2;
	body = realloc(transfer->body, size);
	if (body == NULL)
		return false;
	transfer->body = body;
	transfer->body_size = size;
	return true;
}

/*
 * Will the statement end as soon as libcurl returns?  Reads flags only.
 */
static bool
about_to_end(const TriggerHttp *http)
{
	return http->interruptible && (QueryCancelPending || ProcDiePending) &&
		INTERRUPTS_CAN_BE_PROCESSED();
}

/*
 * CURLOPT_WRITEFUNCTION: decompressed bytes of the body.  The limit is on
 * these, so that a small answer cannot unfold into a large one.
 *
 * libcurl decompresses all that it has read before it returns, which can
 * take longer than an interrupt may wait.  So the attempt ends here then;
 * should the transfer survive the statement's end, it starts again, as after
 * a pause.
 */
static size_t
write_body(char *data, size_t size, size_t n, void *arg)
{
	TriggerTransfer *transfer = ((EasySlot *) arg)->transfer;
	size_t		len = size * n;

	if (transfer == NULL)
		return 0;
	transfer->answer_begun = true;
	if (about_to_end(transfer->http))
	{
		transfer->unattended = true;
		return 0;
	}
	if (len > TRIGGER_HTTP_MAX_BODY - transfer->body_len)
	{
		transfer->too_large = true;
		return 0;
	}
	if (!reserve_body(transfer, len))
	{
		transfer->out_of_memory = true;
		return 0;
	}
	memcpy(transfer->body + transfer->body_len, data, len);
	transfer->body_len += len;
	transfer->body[transfer->body_len] = '\0';
	return len;
}

/* Forget what a header block said. */
void
trigger_curl_reset_headers(TriggerTransfer *transfer)
{
	trigger_hints_init(&transfer->hints);
	transfer->content_type[0] = '\0';
	free(transfer->jwt);
	free(transfer->claims);
	transfer->jwt = NULL;
	transfer->claims = NULL;
}

/* Keep a copy of a header's value, unless it is absurdly long. */
static bool
keep_header(char **copy, const char *value, size_t len)
{
	free(*copy);
	*copy = NULL;
	if (len > MAX_HEADER)
		return true;
	*copy = strndup(value, len);
	return *copy != NULL;
}

/* Note a header that we have a use for; false without memory. */
static bool
note_header(TriggerTransfer *transfer, const char *name, size_t name_len,
			const char *value, size_t len)
{
	if (trigger_hints_header(&transfer->hints, name, name_len, value, len))
		return true;
	if (name_len == 12 && pg_strncasecmp(name, "content-type", 12) == 0)
	{
		len = Min(len, sizeof(transfer->content_type) - 1);
		memcpy(transfer->content_type, value, len);
		transfer->content_type[len] = '\0';
	}
	else if (name_len == 13 && pg_strncasecmp(name, "x-trigger-jwt", 13) == 0)
		return keep_header(&transfer->jwt, value, len);
	else if (name_len == 20 &&
			 pg_strncasecmp(name, "x-trigger-jwt-claims", 20) == 0)
		return keep_header(&transfer->claims, value, len);
	return true;
}

/*
 * CURLOPT_HEADERFUNCTION: one line of a header block.  A status line begins
 * a new block (the one before was a 1xx); lines after the body's begin are
 * trailers, which must not change what the headers said.
 */
static size_t
read_header(char *data, size_t size, size_t n, void *arg)
{
	TriggerTransfer *transfer = ((EasySlot *) arg)->transfer;
	size_t		len = size * n;
	const char *value;
	const char *end = data + len;

	if (transfer == NULL)
		return 0;
	transfer->answer_begun = true;
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
	{
		trigger_curl_reset_headers(transfer);
		return len;
	}
	value = memchr(data, ':', len);
	if (value == NULL || transfer->body_len > 0)
		return len;
	len = value - data;
	for (value++; value < end && (*value == ' ' || *value == '\t'); value++)
		;
	while (end > value && (unsigned char) end[-1] <= ' ')
		end--;
	if (!note_header(transfer, data, len, value, end - value))
	{
		transfer->out_of_memory = true;
		return 0;
	}
	return size * n;
}

/* ------------------------------------------------------------------------
 * Easy handles
 * ------------------------------------------------------------------------
 */

/* Options that are the same for every request of a connection. */
static bool
set_fixed_options(TriggerHttp *http, EasySlot *slot)
{
	const TriggerHttpSettings *settings = &http->settings;
	CURLcode	rc;

	CHECK_SETOPT(slot, CURLOPT_ERRORBUFFER, slot->error);
	CHECK_SETOPT(slot, CURLOPT_PRIVATE, slot);
	/* No SIGALRM: it belongs to PostgreSQL's timeouts. */
	CHECK_SETOPT(slot, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Do not join a resolver thread that is stuck; old libraries cannot. */
	rc = curl_easy_setopt(slot->curl, CURLOPT_QUICK_EXIT, 1L);
	if (rc != CURLE_OK && rc != CURLE_UNKNOWN_OPTION)
		CHECK_SETOPT(slot, CURLOPT_QUICK_EXIT, 1L);
#else
	(void) rc;
#endif

	CHECK_SETOPT(slot, CURLOPT_WRITEFUNCTION, write_body);
	CHECK_SETOPT(slot, CURLOPT_WRITEDATA, slot);
	CHECK_SETOPT(slot, CURLOPT_HEADERFUNCTION, read_header);
	CHECK_SETOPT(slot, CURLOPT_HEADERDATA, slot);
	CHECK_SETOPT(slot, CURLOPT_PREREQFUNCTION, before_send);
	CHECK_SETOPT(slot, CURLOPT_PREREQDATA, slot);
	CHECK_SETOPT(slot, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	CHECK_SETOPT(slot, CURLOPT_OPENSOCKETDATA, http);
	CHECK_SETOPT(slot, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	CHECK_SETOPT(slot, CURLOPT_CLOSESOCKETDATA, http);

	/* A redirect would carry the credential to another place. */
	CHECK_SETOPT(slot, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
	CHECK_SETOPT(slot, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	CHECK_SETOPT(slot, CURLOPT_PROTOCOLS,
				 (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	CHECK_SETOPT(slot, CURLOPT_SSL_VERIFYPEER, 1L);
	CHECK_SETOPT(slot, CURLOPT_SSL_VERIFYHOST, 2L);
	CHECK_SETOPT(slot, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (settings->ca_file)
	{
		CHECK_SETOPT(slot, CURLOPT_CAINFO, settings->ca_file);
		CHECK_SETOPT(slot, CURLOPT_CAPATH, NULL);
	}
	/* An empty proxy keeps libcurl from looking at the environment. */
	CHECK_SETOPT(slot, CURLOPT_PROXY, settings->proxy ? settings->proxy : "");
	CHECK_SETOPT(slot, CURLOPT_NOPROXY, "");
	CHECK_SETOPT(slot, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	CHECK_SETOPT(slot, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);

	CHECK_SETOPT(slot, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
	CHECK_SETOPT(slot, CURLOPT_ACCEPT_ENCODING, "");
	CHECK_SETOPT(slot, CURLOPT_USERAGENT, "trigger_fdw/" TRIGGER_FDW_VERSION);
	CHECK_SETOPT(slot, CURLOPT_PATH_AS_IS, 1L);
	CHECK_SETOPT(slot, CURLOPT_TCP_NODELAY, 1L);
	CHECK_SETOPT(slot, CURLOPT_TCP_KEEPALIVE, 1L);

	/*
	 * libcurl reads up to 100 buffers in one call if the data keeps coming,
	 * and interrupts wait for so long: no larger ones, then.
	 */
	CHECK_SETOPT(slot, CURLOPT_BUFFERSIZE, 16384L);
	CHECK_SETOPT(slot, CURLOPT_CONNECTTIMEOUT_MS,
				 (long) settings->connect_timeout);
	return true;
}

/* Take an idle handle or make one; NULL without memory. */
EasySlot *
trigger_curl_take(TriggerHttp *http)
{
	EasySlot   *slot = http->idle;

	if (slot != NULL)
	{
		http->idle = slot->next;
		http->nidle--;
		return slot;
	}
	slot = calloc(1, sizeof(EasySlot));
	if (slot == NULL)
		return NULL;
	slot->curl = curl_easy_init();
	if (slot->curl == NULL)
	{
		free(slot);
		return NULL;
	}
	if (!set_fixed_options(http, slot))
	{
		/* The caller sees the text when it sets its own options. */
		curl_easy_cleanup(slot->curl);
		slot->curl = NULL;
	}
	return slot;
}

/* Free a handle that is in no multi handle. */
void
trigger_curl_free(EasySlot *slot)
{
	if (slot->curl)
		curl_easy_cleanup(slot->curl);
	free(slot);
}

/* Undo trigger_curl_prepare(), so that nothing leaks into the next request. */
static bool
clear_request_options(EasySlot *slot)
{
	CHECK_SETOPT(slot, CURLOPT_CUSTOMREQUEST, NULL);
	CHECK_SETOPT(slot, CURLOPT_POSTFIELDS, NULL);
	CHECK_SETOPT(slot, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) -1);
	CHECK_SETOPT(slot, CURLOPT_HTTPGET, 1L);
	CHECK_SETOPT(slot, CURLOPT_HTTPHEADER, NULL);
	CHECK_SETOPT(slot, CURLOPT_FRESH_CONNECT, 0L);
	return true;
}

/* Give a handle back.  One whose attempt was broken off is not reused. */
void
trigger_curl_release(TriggerHttp *http, EasySlot *slot, bool broken_off)
{
	slot->transfer = NULL;
	if (broken_off || slot->curl == NULL || http->nidle >= MAX_IDLE_EASY ||
		!clear_request_options(slot))
	{
		trigger_curl_free(slot);
		return;
	}
	slot->next = http->idle;
	http->idle = slot;
	http->nidle++;
}

/* Append a header; false without memory. */
static bool
append_header(TriggerTransfer *transfer, const char *line)
{
	struct curl_slist *list = curl_slist_append(transfer->headers, line);

	if (list == NULL)
		return false;
	transfer->headers = list;
	return true;
}

/*
 * Copy the request's headers.  libcurl would add a Content-Type of its own
 * to what it takes for a form, and would ask before sending a large body.
 */
static bool
copy_headers(TriggerTransfer *transfer, const TriggerHttpRequest *request,
			 bool has_body)
{
	const char *const *h;
	bool		typed = false;

	for (h = request->headers; h && *h; h++)
	{
		if (pg_strncasecmp(*h, "content-type:", 13) == 0)
			typed = true;
		if (!append_header(transfer, *h))
			return false;
	}
	if (!has_body)
		return true;
	return (typed || append_header(transfer, "Content-Type:")) &&
		append_header(transfer, "Expect:");
}

/* Options of one request; false with a text in the slot's error. */
bool
trigger_curl_prepare(TriggerTransfer *transfer,
					const TriggerHttpRequest *request)
{
	EasySlot   *slot = transfer->easy;
	const char *method = request->method;
	bool		post = strcmp(method, "POST") == 0;
	bool		has_body;

	if (slot->curl == NULL)
		return false;
	strlcpy(slot->error, "out of memory", CURL_ERROR_SIZE);

	/* Without a body these say so ("Content-Length: 0"). */
	has_body = request->body != NULL || post ||
		strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
	if (!copy_headers(transfer, request, has_body))
		return false;
	if (has_body)
	{
		size_t		len = request->body ? request->body_len : 0;

		transfer->request_body = malloc(len + 1);
		if (transfer->request_body == NULL)
			return false;
		if (len > 0)
			memcpy(transfer->request_body, request->body, len);
		transfer->request_body[len] = '\0';
		CHECK_SETOPT(slot, CURLOPT_POST, 1L);
		CHECK_SETOPT(slot, CURLOPT_POSTFIELDS, transfer->request_body);
		CHECK_SETOPT(slot, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) len);
	}
	if (!post && (has_body || strcmp(method, "GET") != 0))
		CHECK_SETOPT(slot, CURLOPT_CUSTOMREQUEST, method);
	CHECK_SETOPT(slot, CURLOPT_HTTPHEADER, transfer->headers);
	CHECK_SETOPT(slot, CURLOPT_URL, request->url);
	/* Wait for a connection that may turn out to be HTTP/2. */
	CHECK_SETOPT(slot, CURLOPT_PIPEWAIT,
				 pg_strncasecmp(request->url, "https:", 6) == 0 ? 1L : 0L);
	slot->error[0] = '\0';
	return true;
}

/* ------------------------------------------------------------------------
 * What went wrong
 * ------------------------------------------------------------------------
 */

/* A time of the attempt in milliseconds, 0 if it was not reached. */
static double
time_of(const TriggerTransfer *transfer, CURLINFO info)
{
	curl_off_t	usec = 0;

	(void) curl_easy_getinfo(transfer->easy->curl, info, &usec);
	return usec / 1000.0;
}

/* Say which phase used up the time. */
static void
describe_timeout(TriggerTransfer *transfer, int timeout_ms)
{
	double		lookup = time_of(transfer, CURLINFO_NAMELOOKUP_TIME_T);
	double		tcp = time_of(transfer, CURLINFO_CONNECT_TIME_T);
	double		tls = time_of(transfer, CURLINFO_APPCONNECT_TIME_T);
	const char *phase;

	if (transfer->sends > 0)
		phase = transfer->answer_begun ? "reading the answer" :
			"waiting for the first byte of the answer";
	else if (lookup <= 0)
		phase = "looking up the host name";
	else if (tcp <= 0)
		phase = "connecting";
	else
		phase = "in the TLS handshake";
	snprintf(transfer->message, sizeof(transfer->message),
			 "timed out after %d ms while %s (name lookup %.1f ms, connect %.1f ms, TLS handshake %.1f ms)",
			 timeout_ms, phase, lookup, Max(tcp - lookup, 0),
			 Max(tls - tcp, 0));
}

/* Overwrite what stands between "://" and "@" in a text. */
static void
hide_user_part(char *text)
{
	char	   *start = text;

	while ((start = strstr(start, "://")) != NULL)
	{
		size_t		len;

		start += 3;
		len = strcspn(start, "@/ \t'\"");
		if (start[len] == '@')
			memset(start, '*', len);
	}
}

/* libcurl's words for a failure. */
static void
describe_failure(TriggerTransfer *transfer, CURLcode code)
{
	const char *text = transfer->easy->error;

	if (code == CURLE_ABORTED_BY_CALLBACK)
		text = "the connection was closed before the answer began";
	else if (transfer->too_large)
		text = "the answer is larger than " "64 MB";
	else if (transfer->out_of_memory)
		text = "out of memory";
	else if (text[0] == '\0')
		text = curl_easy_strerror(code);
	strlcpy(transfer->message, text, sizeof(transfer->message));
	hide_user_part(transfer->message);
}

/* A failure before the request was sent: can another attempt help? */
static TriggerHttpFailure
classify_unsent(CURLcode code, bool *permanent)
{
	switch (code)
	{
		case CURLE_UNSUPPORTED_PROTOCOL:
		case CURLE_URL_MALFORMAT:
		case CURLE_FAILED_INIT:
		case CURLE_OUT_OF_MEMORY:
		case CURLE_BAD_FUNCTION_ARGUMENT:
		case CURLE_NOT_BUILT_IN:
		case CURLE_UNKNOWN_OPTION:
			*permanent = true;
			return TRIGGER_HTTP_INTERNAL;

			/* A certificate does not get better. */
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_CRL_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_INVALIDCERTSTATUS:
		case CURLE_SSL_ENGINE_NOTFOUND:
		case CURLE_SSL_ENGINE_SETFAILED:
		case CURLE_SSL_ENGINE_INITFAILED:
			*permanent = true;
			return TRIGGER_HTTP_CANNOT_CONNECT;

			/* Name, TCP, proxy, a broken handshake, the connect timeout. */
		default:
			return TRIGGER_HTTP_CANNOT_CONNECT;
	}
}

/* A failure after the request was, perhaps only partly, sent. */
static TriggerHttpFailure
classify_sent(const TriggerTransfer *transfer, CURLcode code, bool *permanent)
{
	*permanent = true;
	if (transfer->too_large)
		return TRIGGER_HTTP_TOO_LARGE;
	if (transfer->out_of_memory)
		return TRIGGER_HTTP_INTERNAL;

	switch (code)
	{
		case CURLE_OPERATION_TIMEDOUT:
			*permanent = false;
			return TRIGGER_HTTP_TIMEOUT;

		case CURLE_BAD_CONTENT_ENCODING:
		case CURLE_WEIRD_SERVER_REPLY:
		case CURLE_UNSUPPORTED_PROTOCOL:	/* HTTP/0.9 */
		case CURLE_FILESIZE_EXCEEDED:
		case CURLE_RANGE_ERROR:
#if LIBCURL_VERSION_NUM >= 0x080600
		case CURLE_TOO_LARGE:
#endif
			return TRIGGER_HTTP_BROKEN;

		case CURLE_OUT_OF_MEMORY:
		case CURLE_FAILED_INIT:
		case CURLE_BAD_FUNCTION_ARGUMENT:
			return TRIGGER_HTTP_INTERNAL;

			/*
			 * Send, receive, nothing got, HTTP/2 stream, partial body; a
			 * write error that is neither of ours above is about_to_end().
			 */
		default:
			*permanent = false;
			return TRIGGER_HTTP_LOST;
	}
}

/*
 * What came of an attempt that libcurl, or our own clock, has ended with
 * "code".  Fills "attempt" for retry.c and, for a failure, the transfer's
 * message; "timeout_ms" is the time limit to name in it.
 */
TriggerHttpFailure
trigger_curl_diagnose(TriggerTransfer *transfer, CURLcode code,
					  int timeout_ms, TriggerAttempt *attempt)
{
	CURL	   *curl = transfer->easy->curl;
	TriggerHttpFailure failure;
	long		number = 0;

	memset(attempt, 0, sizeof(*attempt));
	attempt->hints = transfer->hints;
	transfer->message[0] = '\0';
	if (code == CURLE_OK)
	{
		(void) curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &number);
		attempt->status = (int) number;
		if (number > 0)
			return TRIGGER_HTTP_OK;
		code = CURLE_WEIRD_SERVER_REPLY;
	}

	if (transfer->sends == 0)
		failure = classify_unsent(code, &attempt->permanent);
	else
		failure = classify_sent(transfer, code, &attempt->permanent);

	/*
	 * Once libcurl has begun to send, the server may have the request; only
	 * if it says that sending failed, and that it sent nothing, it has not.
	 */
	attempt->maybe_processed = transfer->sends > 0;
	if (code == CURLE_SEND_ERROR && transfer->sends == 1)
	{
		(void) curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &number);
		attempt->maybe_processed = number > 0;
	}

	/* A second before_send() only ever comes after a reused connection. */
	number = 1;
	(void) curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &number);
	attempt->reused = failure == TRIGGER_HTTP_LOST &&
		(transfer->sends > 1 || number == 0);
	attempt->answer_begun = transfer->answer_begun;
	attempt->unattended = transfer->unattended;

	if (code == CURLE_OPERATION_TIMEDOUT)
		describe_timeout(transfer, timeout_ms);
	else
		describe_failure(transfer, code);
	return failure;
}

/* Bytes that an attempt received, as they were on the wire. */
uint64
trigger_curl_bytes(const TriggerTransfer *transfer)
{
	curl_off_t	body = 0;
	long		head = 0;

	(void) curl_easy_getinfo(transfer->easy->curl, CURLINFO_SIZE_DOWNLOAD_T,
							 &body);
	(void) curl_easy_getinfo(transfer->easy->curl, CURLINFO_HEADER_SIZE,
							 &head);
	return (uint64) body + (uint64) head;
}

/* ------------------------------------------------------------------------
 * The multi handle
 * ------------------------------------------------------------------------
 */

/*
 * Initialize libcurl, once per process and not before it is needed: the
 * library may be preloaded into the postmaster, and most sessions never make
 * a request.  A failure is remembered.  It is never undone, because other
 * extensions may use libcurl too.
 */
static bool
init_libcurl(void)
{
	static bool tried = false;
	static bool usable = false;

	if (!tried)
	{
		tried = true;
		usable = curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK;
	}
	return usable;
}

/* Make the multi handle; NULL, or what went wrong. */
const char *
trigger_curl_open(TriggerHttp *http)
{
	if (!init_libcurl())
		return "could not initialize libcurl";
	http->multi = curl_multi_init();
	if (http->multi == NULL)
		return "out of memory";
	CHECK_MSETOPT(http->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	CHECK_MSETOPT(http->multi, CURLMOPT_SOCKETDATA, http);
	CHECK_MSETOPT(http->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	CHECK_MSETOPT(http->multi, CURLMOPT_TIMERDATA, http);
	CHECK_MSETOPT(http->multi, CURLMOPT_MAXCONNECTS, (long) MAX_CONNECTIONS);
	return NULL;
}

/* Give a body's memory back, for the next answer if it is of a usual size. */
void
trigger_curl_recycle_body(TriggerTransfer *transfer)
{
	TriggerHttp *http = transfer->http;
	int			i;

	for (i = 0; http && i < SPARE_BODIES; i++)
	{
		if (transfer->body && transfer->body_size <= KEEP_BODY &&
			http->spare_body[i] == NULL)
		{
			http->spare_body[i] = transfer->body;
			http->spare_size[i] = transfer->body_size;
			transfer->body = NULL;
		}
	}
	free(transfer->body);
	transfer->body = NULL;
	transfer->body_size = 0;
}

/* Take memory for a body from an earlier answer. */
void
trigger_curl_reuse_body(TriggerTransfer *transfer)
{
	TriggerHttp *http = transfer->http;
	int			i;

	for (i = 0; i < SPARE_BODIES && transfer->body == NULL; i++)
	{
		transfer->body = http->spare_body[i];
		transfer->body_size = transfer->body ? http->spare_size[i] : 0;
		http->spare_body[i] = NULL;
	}
}
