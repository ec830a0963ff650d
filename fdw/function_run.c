/*-------------------------------------------------------------------------
 *
 * function_run.c
 *		SQL functions that do something to a run, or to several variables.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "call.h"
#include "catalog/pg_type.h"
#include "connection.h"
#include "document.h"
#include "endpoint.h"
#include "fmgr.h"
#include "function.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "rows.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "writer.h"

PG_FUNCTION_INFO_V1(trigger_replay_run);
PG_FUNCTION_INFO_V1(trigger_cancel_run);
PG_FUNCTION_INFO_V1(trigger_reschedule_run);
PG_FUNCTION_INFO_V1(trigger_upload_envvars);

/*
 * The target and the connection of a function that writes.
 */
static TriggerTarget *
writing_target(Name server_name, const char *command, TriggerHttp **http)
{
	ForeignServer *server = trigger_function_server(server_name);
	TriggerTarget *target;

	PreventCommandIfReadOnly(command);
	target = trigger_target_resolve(server->serverid, GetUserId(), NIL, false);
	if (!target->updatable)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("server \"%s\" does not allow writes", target->server_name),
				 errhint("Its option \"updatable\" is false.")));
	*http = trigger_connection_get(target, CurrentMemoryContext);
	trigger_warn_in_transaction();
	return target;
}

/*
 * A text argument in UTF-8.
 */
static char *
utf8_argument(text *argument)
{
	char	   *s = text_to_cstring(argument);

	return pg_server_to_any(s, strlen(s), PG_UTF8);
}

/*
 * A jsonb argument in UTF-8.
 */
static char *
utf8_json(Jsonb *argument)
{
	char	   *s = JsonbToCString(NULL, &argument->root, VARSIZE(argument));

	return pg_server_to_any(s, strlen(s), PG_UTF8);
}

/*
 * The id of a run, which becomes part of a path.
 */
static char *
run_argument(text *argument)
{
	char	   *id = utf8_argument(argument);

	if (strncmp(id, "run_", 4) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid id of a run: \"%s\"", id)));
	return id;
}

/*
 * The "id" of an answer as a text datum.
 */
static text *
answered_id(const TriggerCallResult *result)
{
	char	   *id = trigger_call_member(result, "id");

	if (id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API is not as promised"),
				 errdetail("%s: \"id\" is missing.", result->source)));
	return cstring_to_text(id);
}

/*
 * A run's task and payload, to trigger it again in another way.
 */
static void
read_original(TriggerHttp *http, const TriggerTarget *target, const char *id,
			  char **task, char **payload)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_runs_retrieve, .key = id,
		.repeat = TRIGGER_REPEAT_SAFE};
	TriggerCallResult *result = trigger_call(http, target, &call);
	TriggerField fields[3] = {
		{.path = "taskIdentifier", .label = "task_identifier", .required = true,
		.kind = TRIGGER_JSON_STRING, .null_slot = -1},
		{.path = "payload", .label = "payload", .json_null = true,
		.kind = TRIGGER_JSON_ANY, .null_slot = -1},
		{.path = "payloadPresignedUrl", .label = "payload_presigned_url",
		.kind = TRIGGER_JSON_STRING, .null_slot = -1}
	};
	TriggerFetchStats stats = {{0}};
	TriggerRows *rows;

	trigger_field_init(&fields[0], TEXTOID, -1);
	trigger_field_init(&fields[1], JSONOID, -1);
	trigger_field_init(&fields[2], TEXTOID, -1);
	rows = trigger_decode(trigger_decoder_create(fields, 3, TRIGGER_PAGING_ITEM,
												 NULL, "runs"),
						  result->body, result->body_len, result->source);
	*task = utf8_argument(DatumGetTextPP(rows->values[0]));
	if (rows->nulls[1] && !rows->nulls[2])
		rows->nulls[1] =
			!trigger_document_read(http, target,
								   TextDatumGetCString(rows->values[2]),
								   &fields[1], "runs", &stats, &rows->values[1]);
	*payload = rows->nulls[1] ? NULL : utf8_argument(DatumGetTextPP(rows->values[1]));
}

/*
 * trigger_replay_run(server, run_id [, payload, options]) → id of the new
 * run.  The API's replay takes neither payload nor options; with either, the
 * run's task is triggered anew.
 */
Datum
trigger_replay_run(PG_FUNCTION_ARGS)
{
	TriggerHttp *http;
	TriggerTarget *target;
	TriggerCall call = {.repeat = TRIGGER_REPEAT_NEVER};
	char	   *id;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	target = writing_target(PG_GETARG_NAME(0), "trigger_replay_run()", &http);
	id = run_argument(PG_GETARG_TEXT_PP(1));
	if (PG_ARGISNULL(2) && PG_ARGISNULL(3))
	{
		call.endpoint = &trigger_endpoint_runs_replay;
		call.key = id;
	}
	else
	{
		StringInfoData body;
		char	   *task;
		char	   *payload;

		if (!PG_ARGISNULL(3))
			trigger_check_options(PG_GETARG_JSONB_P(3));
		read_original(http, target, id, &task, &payload);
		if (!PG_ARGISNULL(2))
			payload = utf8_json(PG_GETARG_JSONB_P(2));
		initStringInfo(&body);
		appendStringInfoChar(&body, '{');
		if (payload)
			trigger_body_member(&body, "payload", payload);
		if (!PG_ARGISNULL(3))
			trigger_body_member(&body, "options", utf8_json(PG_GETARG_JSONB_P(3)));
		appendStringInfoChar(&body, '}');
		call.endpoint = &trigger_endpoint_tasks_trigger;
		call.key = task;
		call.body = body.data;
	}
	PG_RETURN_TEXT_P(answered_id(trigger_call(http, target, &call)));
}

/*
 * trigger_cancel_run(server, run_id) → the id.  A run that is over stays as
 * it is.
 */
Datum
trigger_cancel_run(PG_FUNCTION_ARGS)
{
	TriggerHttp *http;
	TriggerTarget *target = writing_target(PG_GETARG_NAME(0),
										   "trigger_cancel_run()", &http);
	TriggerCall call = {.endpoint = &trigger_endpoint_runs_cancel, .repeat = TRIGGER_REPEAT_SAFE};

	call.key = run_argument(PG_GETARG_TEXT_PP(1));
	PG_RETURN_TEXT_P(answered_id(trigger_call(http, target, &call)));
}

/*
 * trigger_reschedule_run(server, run_id, delay) → the id.
 */
Datum
trigger_reschedule_run(PG_FUNCTION_ARGS)
{
	TriggerHttp *http;
	TriggerTarget *target = writing_target(PG_GETARG_NAME(0),
										   "trigger_reschedule_run()", &http);
	TriggerCall call = {.endpoint = &trigger_endpoint_runs_reschedule,
		.repeat = TRIGGER_REPEAT_SAFE};
	char	   *delay = utf8_argument(PG_GETARG_TEXT_PP(2));

	trigger_check_delay(delay);
	call.key = run_argument(PG_GETARG_TEXT_PP(1));
	call.body = psprintf("{\"delay\":%s}", trigger_json_quote(delay));
	PG_RETURN_TEXT_P(answered_id(trigger_call(http, target, &call)));
}

/*
 * trigger_upload_envvars(server, variables, override, environment) → number
 * of variables.  The API's import as it is, apart from what it would drop in
 * silence.
 */
Datum
trigger_upload_envvars(PG_FUNCTION_ARGS)
{
	TriggerHttp *http;
	TriggerTarget *target;
	TriggerCall call = {.endpoint = &trigger_endpoint_envvars_upload, .statuses = {400}};
	TriggerCallResult *result;
	Jsonb	   *variables;
	bool		override;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	int			n = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	target = writing_target(PG_GETARG_NAME(0), "trigger_upload_envvars()", &http);
	variables = PG_GETARG_JSONB_P(1);
	override = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	if (!JB_ROOT_IS_OBJECT(variables))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("variables must be a JSON object of names and values")));

	iterator = JsonbIteratorInit(&variables->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			trigger_check_envvar_name(pnstrdup(value.val.string.val,
											   value.val.string.len));
		if (token != WJB_VALUE)
			continue;
		if (value.type != jbvString)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("values of variables must be strings")));
		trigger_check_envvar_value(pnstrdup(value.val.string.val,
											value.val.string.len));
		n++;
	}
	if (n == 0)
		PG_RETURN_INT32(0);

	call.environment = PG_ARGISNULL(3) ? NULL : utf8_argument(PG_GETARG_TEXT_PP(3));
	trigger_check_envvar_environment(target, &call.environment);
	call.body = psprintf("{\"variables\":%s,\"override\":%s}", utf8_json(variables),
						 override ? "true" : "false");
	/* with override, a second time does what the first did */
	call.repeat = override ? TRIGGER_REPEAT_SAFE : TRIGGER_REPEAT_NEVER;
	result = trigger_call(http, target, &call);
	if (result->status == 400)
	{
		if (trigger_call_has(result, "variableErrors"))
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg("some of the environment variables already exist"),
					 errdetail("Nothing was changed."),
					 errhint("Use override => true to replace them.")));
		trigger_call_refused(result, target, &trigger_endpoint_envvars_upload);
	}
	PG_RETURN_INT32(n);
}
