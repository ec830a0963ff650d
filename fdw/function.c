/*-------------------------------------------------------------------------
 *
 * function.c
 *		SQL functions about the extension itself and its connections.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "answer.h"
#include "catalog/pg_foreign_server.h"
#include "compat.h"
#include "connection.h"
#include "endpoint.h"
#include "exchange.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "function.h"
#include "miscadmin.h"
#include "request.h"
#include "target.h"
#include "trigger_fdw.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(trigger_fdw_version);
PG_FUNCTION_INFO_V1(trigger_fdw_disconnect);
PG_FUNCTION_INFO_V1(trigger_fdw_stats);
PG_FUNCTION_INFO_V1(trigger_check_server);

/*
 * Server of a name that belongs to this extension and that the caller may
 * use.  ERROR otherwise.
 */
ForeignServer *
trigger_function_server(Name name)
{
	ForeignServer *server = GetForeignServerByName(NameStr(*name), false);
	ForeignDataWrapper *fdw = GetForeignDataWrapper(server->fdwid);
	AclResult	access = TRIGGER_SERVER_ACLCHECK(server->serverid);

	if (strcmp(fdw->fdwname, "trigger_fdw") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("server \"%s\" does not use trigger_fdw",
						server->servername)));
	if (access != ACLCHECK_OK)
		aclcheck_error(access, OBJECT_FOREIGN_SERVER, server->servername);
	return server;
}

/*
 * trigger_fdw_version() → text
 */
Datum
trigger_fdw_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(TRIGGER_FDW_VERSION));
}

/*
 * trigger_fdw_disconnect(server) → boolean: was anything open?
 */
Datum
trigger_fdw_disconnect(PG_FUNCTION_ARGS)
{
	ForeignServer *server = trigger_function_server(PG_GETARG_NAME(0));

	trigger_exchange_forget(server->serverid);
	PG_RETURN_BOOL(trigger_connection_close(server->serverid));
}

/*
 * One row of the statistics.
 */
static void
put_stats(Oid serverid, const TriggerHttpStats *stats, void *arg)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) arg;
	ForeignServer *server = GetForeignServerExtended(serverid, FSV_MISSING_OK);
	Datum		values[8];
	bool		nulls[8] = {0};

	if (server == NULL)
		return;					/* dropped meanwhile */
	values[0] = CStringGetTextDatum(server->servername);
	values[1] = Int64GetDatum((int64) stats->requests);
	values[2] = Int64GetDatum((int64) stats->retries);
	values[3] = Int64GetDatum((int64) stats->bytes);
	values[4] = Int64GetDatum((int64) stats->rate_limit_waits);
	values[5] = Float8GetDatum(stats->wait_time / 1000.0);
	values[6] = Float8GetDatum(stats->backoff_time / 1000.0);
	values[7] = Int64GetDatum(stats->rate_remaining);
	nulls[7] = stats->rate_remaining < 0;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * trigger_fdw_stats() → a row for each server of this session.
 */
Datum
trigger_fdw_stats(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	TRIGGER_INIT_SET(fcinfo);
	trigger_connection_visit(put_stats, rsinfo);
	return (Datum) 0;
}

/*
 * Append a member to a JSON object under construction.
 */
static void
append_member(StringInfo buf, const char *name, const char *value)
{
	appendStringInfo(buf, "%s\"%s\": ", buf->len > 1 ? ", " : "", name);
	if (value)
		escape_json(buf, value);
	else
		appendStringInfoString(buf, "null");
}

/*
 * trigger_check_server(server) → jsonb: what this session would use, and
 * whether the API answers.  An answer that is an error is a result here.
 */
Datum
trigger_check_server(PG_FUNCTION_ARGS)
{
	ForeignServer *server = trigger_function_server(PG_GETARG_NAME(0));
	TriggerTarget *target = trigger_target_resolve(server->serverid,
												   GetUserId(), NIL, false);
	TriggerRequest request = {.target = target};
	TriggerPage page = {.size = 1, .number = 1};
	TriggerHttpRequest http = {.method = "GET", .repeat = TRIGGER_REPEAT_SAFE};
	TriggerHttpResponse *response;
	TriggerTransfer *transfer;
	TriggerHttp *connection;
	StringInfoData buf;

	/* the cheapest question that each kind of credential may ask */
	request.endpoint = target->kind == TRIGGER_CRED_PAT ?
		&trigger_endpoint_projects_list : &trigger_endpoint_runs_list;
	request.environment = target->environment;
	trigger_target_check(target, request.endpoint);
	http.url = trigger_request_url(&request, &page);
	http.headers = trigger_request_headers(&request, false);
	connection = trigger_connection_get(target, CurrentMemoryContext);
	transfer = trigger_transfer_start(connection, &http, CurrentMemoryContext, NULL);
	trigger_http_wait(connection, transfer);
	response = trigger_transfer_response(transfer);

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	append_member(&buf, "server", target->server_name);
	append_member(&buf, "base_url", target->base_url);
	append_member(&buf, "credential", trigger_credential_name(target->kind));
	append_member(&buf, "project_ref", target->project_ref);
	append_member(&buf, "environment", target->environment);
	append_member(&buf, "branch", target->branch);
	appendStringInfo(&buf, ", \"reachable\": %s",
					 response->failure == TRIGGER_HTTP_OK ? "true" : "false");
	appendStringInfo(&buf, ", \"accepted\": %s",
					 response->failure == TRIGGER_HTTP_OK &&
					 response->status == 200 ? "true" : "false");
	if (response->failure != TRIGGER_HTTP_OK)
		append_member(&buf, "message", response->message);
	else if (response->status != 200)
		append_member(&buf, "message", trigger_answer_message(response, target));
	appendStringInfoChar(&buf, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(buf.data)));
}
