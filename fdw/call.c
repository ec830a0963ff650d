/*-------------------------------------------------------------------------
 *
 * call.c
 *		One request that changes something, or asks about one thing.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "call.h"

#include "answer.h"
#include "exchange.h"
#include "json_reader.h"
#include "mb/pg_wchar.h"
#include "request.h"
#include "utils/memutils.h"

/*
 * Did the caller ask for this status?
 */
static bool
is_wanted(const TriggerCall *call, int status)
{
	for (int i = 0; i < TRIGGER_CALL_STATUSES && call->statuses[i]; i++)
	{
		if (call->statuses[i] == status)
			return true;
	}
	return false;
}

/*
 * Nobody knows what became of a request that must not be sent twice: its
 * answer was lost, cannot be read, or comes from a gateway that has waited in
 * vain for the API's.  The SQLSTATE is that of the failure.
 */
static void
report_unknown_outcome(const TriggerHttpResponse *response,
					   const TriggerTarget *target,
					   const TriggerCall *call, const char *source)
{
	const char *reason = response->message ? response->message : "no answer";
	int			sqlstate = ERRCODE_CONNECTION_FAILURE;

	if (response->failure == TRIGGER_HTTP_OK)
	{
		sqlstate = ERRCODE_FDW_ERROR;
		reason = psprintf("HTTP status %d: %s", response->status,
						  trigger_answer_message(response, target));
	}
	else if (response->failure == TRIGGER_HTTP_BROKEN ||
			 response->failure == TRIGGER_HTTP_TOO_LARGE)
		sqlstate = ERRCODE_PROTOCOL_VIOLATION;
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("outcome of operation \"%s\" on server \"%s\" is unknown",
					call->endpoint->operation, target->server_name),
			 errdetail("%s: %s.  The request may have been carried out.", source,
					   reason),
			 errhint("It was not repeated, because that could do it twice.  Look at what is there before you run the statement again.")));
}

/*
 * Is it unknown what became of a request, although it must not be repeated?
 */
static bool
is_unknown(const TriggerHttpResponse *response, const TriggerCall *call)
{
	if (response->failure == TRIGGER_HTTP_OK)
		return call->repeat == TRIGGER_REPEAT_NEVER &&
			(response->status == 502 || response->status == 504);
	return call->repeat != TRIGGER_REPEAT_SAFE && response->maybe_processed;
}

/*
 * Success is an answer of the API's: an object.  A page of a proxy's with
 * status 200, say, must not pass for it where nothing of it is needed.
 */
static void
check_document(const TriggerCallResult *result, const TriggerCall *call)
{
	TriggerJson json;

	trigger_json_open(&json, result->body, result->body_len, result->source);
	if (call->endpoint->method &&
		trigger_json_peek(&json) != JSON_TOKEN_OBJECT_START)
		trigger_json_expect(&json, JSON_TOKEN_OBJECT_START, "an object");
	trigger_json_skip(&json);
	trigger_json_close(&json);
}

/*
 * Headers of a call; the first may hold a credential.
 */
static const char *const *
call_headers(const TriggerRequest *request, const TriggerCall *call)
{
	const char *const *usual = trigger_request_headers(request, call->body != NULL);
	const char **headers;
	int			n = 0;

	if (call->header == NULL)
		return usual;
	while (usual[n])
		n++;
	headers = palloc((n + 2) * sizeof(char *));
	memcpy(headers, usual, n * sizeof(char *));
	headers[n++] = call->header;
	headers[n] = NULL;
	return headers;
}

/*
 * Send a request once (and again as its connection's rules allow) and wait.
 * Everything is allocated in the current context.
 */
static TriggerHttpResponse *
send_call(TriggerHttp *http, const TriggerRequest *request,
		  const TriggerCall *call, const TriggerPage *page)
{
	TriggerHttpRequest sent = {.repeat = call->repeat};
	TriggerTransfer *transfer;

	sent.method = call->endpoint->method ? call->endpoint->method : "GET";
	sent.url = trigger_request_url(request, page);
	sent.headers = call_headers(request, call);
	sent.body = call->body;
	sent.body_len = call->body ? strlen(call->body) : 0;
	transfer = trigger_transfer_start(http, &sent, CurrentMemoryContext, NULL);
	trigger_http_wait(http, transfer);
	return trigger_transfer_response(transfer);
}

/*
 * The request that a call is.
 */
static TriggerRequest
call_request(const TriggerTarget *target, const TriggerCall *call)
{
	TriggerRequest request = {.target = target, .endpoint = call->endpoint,
		.key = call->key, .params = call->params, .scope_ids = call->scope_ids};

	request.environment = call->environment ? call->environment : target->environment;
	if (call->project)
		request.path = list_make2("project", unconstify(char *, call->project));
	if (request.scope_ids == NIL && call->key && call->endpoint->scope_part)
		request.scope_ids = list_make1(unconstify(char *, call->key));
	return request;
}

/*
 * Send a request and wait for its answer.  ERROR unless it succeeds or ends
 * with a status that the caller wants to see.  The result is in the current
 * context.
 */
TriggerCallResult *
trigger_call(TriggerHttp *http, const TriggerTarget *target,
			 const TriggerCall *call)
{
	TriggerCallResult *result = palloc0(sizeof(TriggerCallResult));
	TriggerRequest request = call_request(target, call);
	TriggerPage size = {.size = target->page_size, .number = call->page};
	const TriggerPage *page = call->page ? &size : NULL;
	TriggerHttpResponse *response;
	MemoryContext context;
	MemoryContext old;

	trigger_target_check_named(target, call->endpoint, call->project,
							   call->environment);
	result->source = trigger_request_describe(&request, page);

	context = AllocSetContextCreate(CurrentMemoryContext, "trigger_fdw call",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	do
	{
		trigger_exchange(http, &request);
		response = send_call(http, &request, call, page);
	} while (response->failure == TRIGGER_HTTP_OK &&
			 trigger_exchange_renew(&request, response->status));
	MemoryContextSwitchTo(old);

	if (is_unknown(response, call) && !is_wanted(call, response->status))
	{
		if (!call->report_loss)
			report_unknown_outcome(response, target, call, result->source);
		result->lost = true;
		MemoryContextDelete(context);
		return result;
	}
	if (response->failure != TRIGGER_HTTP_OK ||
		!is_wanted(call, response->status))
		(void) trigger_answer_check(response, target, call->endpoint,
									result->source, false);

	result->status = response->status;
	result->repeated = response->repeated;
	result->date = response->date;
	result->body_len = response->body_len;
	result->body = pnstrdup(response->body, response->body_len);
	MemoryContextDelete(context);
	/* who asks for losses has something to clean up, and looks by himself */
	if (!is_wanted(call, result->status) && !call->report_loss)
		check_document(result, call);
	return result;
}

/*
 * A status that the caller wanted to see is an error after all.
 */
void
trigger_call_refused(const TriggerCallResult *result,
					 const TriggerTarget *target,
					 const TriggerEndpoint *endpoint)
{
	TriggerHttpResponse response = {.status = result->status,
		.body = result->body, .body_len = result->body_len};

	(void) trigger_answer_check(&response, target, endpoint, result->source, false);
	elog(ERROR, "unexpected HTTP status %d", result->status);
}

/*
 * Find a member of the answer's object: the reader is left at its value.
 * ERROR if the answer is not an object.
 */
static bool
find_member(TriggerJson *json, const TriggerCallResult *result,
			const char *member)
{
	trigger_json_open(json, result->body, result->body_len, result->source);
	trigger_json_expect(json, JSON_TOKEN_OBJECT_START, "an object");
	if (trigger_json_peek(json) == JSON_TOKEN_OBJECT_END)
		return false;
	do
	{
		TriggerSlice key = trigger_json_slice(json);

		trigger_json_expect(json, JSON_TOKEN_STRING, "a member's name");
		trigger_json_expect(json, JSON_TOKEN_COLON, "a colon");
		if (trigger_json_key_is(key, member))
			return true;
		trigger_json_skip(json);
	} while (trigger_json_more(json, JSON_TOKEN_OBJECT_END));
	return false;
}

/*
 * Does the answer's object have a member?
 */
bool
trigger_call_has(const TriggerCallResult *result, const char *member)
{
	TriggerJson json;

	return find_member(&json, result, member);
}

/*
 * A string member of the answer's object, as UTF-8; NULL if it has none.
 * ERROR if the answer is not an object, or the member not a string.
 */
char *
trigger_call_member(const TriggerCallResult *result, const char *member)
{
	TriggerJson json;
	size_t		len;

	if (!find_member(&json, result, member) ||
		trigger_json_peek(&json) == JSON_TOKEN_NULL)
		return NULL;
	if (trigger_json_peek(&json) != JSON_TOKEN_STRING)
		trigger_json_error(&json, "field \"%s\" is not a string", member);
	return trigger_json_unescape(&json, trigger_json_slice(&json), &len);
}
