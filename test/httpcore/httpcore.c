/*
 * httpcore.c
 *		SQL functions that expose http.h to run.py; for tests only.
 *
 * Connections and detached transfers are kept in small static arrays, so
 * that a test can look at them again in its next statement.
 */
#include "postgres.h"

#include <dirent.h>
#include <malloc.h>

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "http.h"
#include "url.h"

PG_MODULE_MAGIC;

static TriggerHttp *https[16];
static TriggerTransfer *transfers[16];
static MemoryContext owners[16];

PG_FUNCTION_INFO_V1(hc_open);
PG_FUNCTION_INFO_V1(hc_close);
PG_FUNCTION_INFO_V1(hc_request);
PG_FUNCTION_INFO_V1(hc_many);
PG_FUNCTION_INFO_V1(hc_start);
PG_FUNCTION_INFO_V1(hc_poll);
PG_FUNCTION_INFO_V1(hc_finish);
PG_FUNCTION_INFO_V1(hc_drop);
PG_FUNCTION_INFO_V1(hc_stats);
PG_FUNCTION_INFO_V1(hc_new_statement);
PG_FUNCTION_INFO_V1(hc_fds);
PG_FUNCTION_INFO_V1(hc_heap);
PG_FUNCTION_INFO_V1(hc_url);
PG_FUNCTION_INFO_V1(hc_segment);
PG_FUNCTION_INFO_V1(hc_query);

static char *
opt_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* hc_open(slot, connect_ms, request_ms, retries, rate_s, ca_file, proxy) */
Datum
hc_open(PG_FUNCTION_ARGS)
{
	TriggerHttpSettings s;

	s.connect_timeout = PG_GETARG_INT32(1);
	s.request_timeout = PG_GETARG_INT32(2);
	s.max_retries = PG_GETARG_INT32(3);
	s.rate_limit_wait = PG_GETARG_INT32(4);
	s.ca_file = opt_text(fcinfo, 5);
	s.proxy = opt_text(fcinfo, 6);
	https[PG_GETARG_INT32(0)] = trigger_http_create(&s);
	PG_RETURN_VOID();
}

Datum
hc_close(PG_FUNCTION_ARGS)
{
	trigger_http_destroy(https[PG_GETARG_INT32(0)]);
	https[PG_GETARG_INT32(0)] = NULL;
	PG_RETURN_VOID();
}

/* "failure|status|attempts|maybe|reset|type|jwt|length|body|message" */
static text *
show(TriggerTransfer *t)
{
	TriggerHttpResponse *r = trigger_transfer_response(t);

	return cstring_to_text(psprintf("%d|%d|%d|%d|%.3f|%s|%s|%zu|%.300s|%s",
									r->failure, r->status, r->attempts,
									r->maybe_processed,
									r->rate_limit_reset_in, r->content_type,
									r->trigger_jwt ? r->trigger_jwt : "-",
									r->body_len, r->body, r->message));
}

/* (slot, method, url, body, headers, safe, not_found_retries, final_500) */
static TriggerTransfer *
start(FunctionCallInfo fcinfo, MemoryContext owner, TriggerHttpStats *stats)
{
	TriggerHttpRequest req = {0};
	const char *headers[3] = {"Authorization: Bearer tr_dev_secret", NULL};

	req.method = opt_text(fcinfo, 1);
	req.url = opt_text(fcinfo, 2);
	req.body = opt_text(fcinfo, 3);
	req.body_len = req.body ? strlen(req.body) : 0;
	headers[1] = opt_text(fcinfo, 4);
	req.headers = headers;
	req.repeat = PG_GETARG_BOOL(5) ? TRIGGER_REPEAT_SAFE :
		TRIGGER_REPEAT_NEVER;
	req.not_found_retries = PG_GETARG_INT32(6);
	req.final_500 = PG_GETARG_BOOL(7);
	return trigger_transfer_start(https[PG_GETARG_INT32(0)], &req, owner,
								  stats);
}

Datum
hc_request(PG_FUNCTION_ARGS)
{
	TriggerHttpStats stats = {0};
	TriggerTransfer *t = start(fcinfo, CurrentMemoryContext, NULL);
	text	   *result;

	(void) stats;
	trigger_http_wait(https[PG_GETARG_INT32(0)], t);
	result = show(t);
	trigger_transfer_free(t);
	PG_RETURN_TEXT_P(result);
}

/* hc_many(slot, url, n, concurrency): how many ended well */
Datum
hc_many(PG_FUNCTION_ARGS)
{
	TriggerHttp *http = https[PG_GETARG_INT32(0)];
	char	   *url = opt_text(fcinfo, 1);
	int			n = PG_GETARG_INT32(2);
	int			concurrency = PG_GETARG_INT32(3);
	TriggerTransfer *t[32] = {NULL};
	TriggerHttpRequest req = {0};
	int			started = 0;
	int			good = 0;
	int			i;

	req.method = "GET";
	req.url = url;
	req.repeat = TRIGGER_REPEAT_SAFE;
	while (started < n || trigger_http_in_flight(http) > 0)
	{
		for (i = 0; i < concurrency; i++)
		{
			if (t[i] != NULL && trigger_transfer_done(t[i]))
			{
				if (trigger_transfer_response(t[i])->failure == 0 &&
					trigger_transfer_response(t[i])->status == 200)
					good++;
				trigger_transfer_free(t[i]);
				t[i] = NULL;
			}
			if (t[i] == NULL && started < n)
			{
				t[i] = trigger_transfer_start(http, &req,
											  CurrentMemoryContext, NULL);
				started++;
			}
		}
		trigger_http_wait_any(http);
	}
	for (i = 0; i < concurrency; i++)
	{
		if (t[i] && trigger_transfer_response(t[i])->status == 200)
			good++;
		trigger_transfer_free(t[i]);
	}
	PG_RETURN_INT32(good);
}

/* As hc_request, but the transfer lives on as transfers[$9]. */
Datum
hc_start(PG_FUNCTION_ARGS)
{
	int			n = PG_GETARG_INT32(8);

	owners[n] = AllocSetContextCreate(TopMemoryContext, "hc",
									  ALLOCSET_SMALL_SIZES);
	transfers[n] = start(fcinfo, owners[n], NULL);
	PG_RETURN_VOID();
}

Datum
hc_poll(PG_FUNCTION_ARGS)
{
	TriggerHttp *http = https[PG_GETARG_INT32(0)];

	trigger_http_poll(http);
	PG_RETURN_INT32(trigger_http_in_flight(http));
}

Datum
hc_finish(PG_FUNCTION_ARGS)
{
	TriggerTransfer *t = transfers[PG_GETARG_INT32(1)];

	if (!PG_ARGISNULL(0))
		trigger_http_wait(https[PG_GETARG_INT32(0)], t);
	PG_RETURN_TEXT_P(show(t));
}

/* hc_drop(n, by_context) */
Datum
hc_drop(PG_FUNCTION_ARGS)
{
	int			n = PG_GETARG_INT32(0);

	if (!PG_GETARG_BOOL(1))
		trigger_transfer_free(transfers[n]);
	MemoryContextDelete(owners[n]);
	transfers[n] = NULL;
	PG_RETURN_VOID();
}

Datum
hc_stats(PG_FUNCTION_ARGS)
{
	const TriggerHttpStats *s = trigger_http_stats(https[PG_GETARG_INT32(0)]);

	PG_RETURN_TEXT_P(cstring_to_text(psprintf(
		"{\"requests\":" UINT64_FORMAT ",\"retries\":" UINT64_FORMAT
		",\"bytes\":" UINT64_FORMAT ",\"waits\":" UINT64_FORMAT
		",\"wait_time\":" UINT64_FORMAT ",\"backoff\":" UINT64_FORMAT
		",\"remaining\":" INT64_FORMAT "}",
		s->requests, s->retries, s->bytes, s->rate_limit_waits,
		s->wait_time, s->backoff_time, s->rate_remaining)));
}

Datum
hc_new_statement(PG_FUNCTION_ARGS)
{
	trigger_http_new_statement(https[PG_GETARG_INT32(0)]);
	PG_RETURN_VOID();
}

/* Open descriptors of this process. */
Datum
hc_fds(PG_FUNCTION_ARGS)
{
	DIR		   *dir = opendir("/proc/self/fd");
	int			n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	PG_RETURN_INT32(n);
}

/* malloc'd bytes in use */
Datum
hc_heap(PG_FUNCTION_ARGS)
{
	struct mallinfo2 info = mallinfo2();

	PG_RETURN_INT64((int64) (info.uordblks + info.hblkhd));
}

Datum
hc_url(PG_FUNCTION_ARGS)
{
	char	   *normalized;
	const char *problem;

	if (trigger_url_check(opt_text(fcinfo, 0), PG_GETARG_BOOL(1),
						  &normalized, &problem))
		PG_RETURN_TEXT_P(cstring_to_text(normalized));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("! %s", problem)));
}

Datum
hc_segment(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	initStringInfo(&buf);
	trigger_url_append_segment(&buf, opt_text(fcinfo, 0));
	PG_RETURN_TEXT_P(cstring_to_text(buf.data));
}

Datum
hc_query(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	initStringInfo(&buf);
	trigger_url_append_query(&buf, opt_text(fcinfo, 0));
	PG_RETURN_TEXT_P(cstring_to_text(buf.data));
}
