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

#include "catalog/pg_type.h"
#include "endpoint.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "portability/instr_time.h"
#include "trql_query.h"
#include "trql_type.h"
#include "writer.h"

/*
 * One field of the answer.
 */
static void
init_field(TriggerField *field, const char *name, const char *label, List *numbers)
{
	TrqlClass	class = (TrqlClass) list_nth_int(numbers, TrqlFieldClass);
	int			flags = list_nth_int(numbers, TrqlFieldFlags);

	field->path = name;
	field->label = label;
	field->null_slot = -1;
	field->empty_null = (flags & TRQL_FIELD_EMPTY_NULL) != 0;
	field->json_text = (flags & TRQL_FIELD_JSON_TEXT) != 0;
	if (flags & TRQL_FIELD_STATUS)
		field->shown = trql_status_shown;
	switch (class)
	{
		case TRQL_TEXT:
			field->kind = TRIGGER_JSON_STRING;
			break;
		case TRQL_TIME:
			field->kind = TRIGGER_JSON_TIMESTAMP;
			field->utc = true;
			break;
		case TRQL_TEXTS:
			field->kind = TRIGGER_JSON_STRINGS;
			break;
		case TRQL_INT:
		case TRQL_FLOAT:
		case TRQL_DECIMAL:
			/* others than plain ones are asked for as text */
			field->kind = flags & TRQL_FIELD_PLAIN_NUMBER ? TRIGGER_JSON_INTEGER :
				TRIGGER_JSON_STRING;
			break;
		default:
			field->kind = TRIGGER_JSON_ANY;
			break;
	}
	trigger_field_init(field, (Oid) list_nth_int(numbers, TrqlFieldType),
					   list_nth_int(numbers, TrqlFieldTypmod));
}

/*
 * A decoder of a plan's answers, for rows of so many fields.  "table" is named
 * in error contexts.  Lives in the current context.
 */
TriggerDecoder *
trql_decoder_create(const ForeignScan *plan, const char *table, int *nfields)
{
	List	   *names = list_nth(plan->fdw_private, TrqlPrivateNames);
	List	   *labels = list_nth(plan->fdw_private, TrqlPrivateLabels);
	List	   *numbers = list_nth(plan->fdw_private, TrqlPrivateFields);
	TriggerField *fields;

	*nfields = list_length(numbers);
	fields = palloc0(*nfields * sizeof(TriggerField));
	for (int i = 0; i < *nfields; i++)
		init_field(&fields[i], strVal(list_nth(names, i)), strVal(list_nth(labels, i)),
				   list_nth(numbers, i));
	return trigger_decoder_create(fields, *nfields, TRIGGER_PAGING_NONE,
								  trigger_endpoint_query.rows, table);
}

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
 * The body of a request, in UTF-8, in the current context.
 */
char *
trql_request_body(const TrqlRequest *request)
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
 * Send a query, wait for its answer and decode it.  The result is in the
 * current context.
 */
TriggerRows *
trql_fetch(TriggerHttp *http, const TriggerTarget *target,
		   const TrqlRequest *request, TriggerDecoder *decoder,
		   TriggerFetchStats *stats)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_query,
	.repeat = TRIGGER_REPEAT_SAFE};
	TriggerHttpStats before = *trigger_http_stats(http);
	TriggerCallResult *result;
	TriggerRows *rows;
	instr_time	start;
	instr_time	duration;

	if (request->table)
		call.scope_ids = list_make1(unconstify(char *, request->table));
	call.body = trql_request_body(request);
	INSTR_TIME_SET_CURRENT(start);
	result = trigger_call(http, target, &call);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	add_stats(&stats->http, &before, trigger_http_stats(http));
	stats->http.wait_time += INSTR_TIME_GET_MICROSEC(duration);
	rows = trigger_decode(decoder, result->body, result->body_len, result->source);
	stats->pages++;
	stats->rows += rows->nrows;
	pfree(result->body);
	return rows;
}
