/*-------------------------------------------------------------------------
 *
 * trql_answer.c
 *		Requests to the query endpoint, and their answers.
 *
 * One at a time: the API runs three queries of a project at once, whoever
 * asks them, and refuses a fourth.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_answer.h"

#include "endpoint.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "portability/instr_time.h"
#include "writer.h"

/*
 * A token, and a personal access token that is exchanged for one, reach one
 * environment only.
 */
void
trql_check_scope(const TriggerTarget *target, const char *scope)
{
	if (scope == NULL || strcmp(scope, "environment") == 0 ||
		target->kind == TRIGGER_CRED_SECRET)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("scope \"%s\" cannot be queried with a %s", scope,
					trigger_credential_name(target->kind)),
			 errhint("Use a server whose user mapping has a %s, or scope \"environment\".",
					 trigger_credential_name(TRIGGER_CRED_SECRET))));
}

/*
 * Append a member with a text, in UTF-8.
 */
static void
append_text(StringInfo body, const char *name, const char *value)
{
	if (value == NULL)
		return;
	trigger_body_member(body, name,
						trigger_json_quote(pg_server_to_any(value, strlen(value),
															PG_UTF8)));
}

/*
 * The body of a request.
 */
static char *
request_body(const TrqlRequest *request)
{
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	append_text(&body, "query", request->query);
	append_text(&body, "scope", request->scope ? request->scope : "environment");
	append_text(&body, "period", request->period);
	append_text(&body, "from", request->from);
	append_text(&body, "to", request->to);
	append_text(&body, "format", "json");
	appendStringInfoChar(&body, '}');
	return body.data;
}

/*
 * Add what the connection has done since "before".
 */
static void
add_stats(TriggerHttpStats *stats, const TriggerHttpStats *before,
		  const TriggerHttpStats *now)
{
	stats->requests += now->requests - before->requests;
	stats->retries += now->retries - before->retries;
	stats->bytes += now->bytes - before->bytes;
	stats->rate_limit_waits += now->rate_limit_waits - before->rate_limit_waits;
	stats->backoff_time += now->backoff_time - before->backoff_time;
}

/*
 * Send a query and wait for its answer.  The result is in the current
 * context.
 */
TriggerCallResult *
trql_send(TriggerHttp *http, const TriggerTarget *target,
		  const TrqlRequest *request, TriggerFetchStats *stats)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_query,
	.repeat = TRIGGER_REPEAT_SAFE};
	TriggerHttpStats before = *trigger_http_stats(http);
	TriggerCallResult *result;
	instr_time	start;
	instr_time	duration;

	if (request->table)
		call.scope_ids = list_make1(unconstify(char *, request->table));
	call.body = request_body(request);
	INSTR_TIME_SET_CURRENT(start);
	result = trigger_call(http, target, &call);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	add_stats(&stats->http, &before, trigger_http_stats(http));
	stats->http.wait_time += INSTR_TIME_GET_MICROSEC(duration);
	stats->pages++;
	return result;
}
