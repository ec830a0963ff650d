/*-------------------------------------------------------------------------
 *
 * function_token.c
 *		SQL functions that create public access tokens.
 *
 * With an environment's root key, which is what tokens are signed with, they
 * are made here: the server only says which claims they have.  Any other
 * secret key has the server make them.
 *
 * A token is a credential.  It is the function's result and must appear
 * nowhere else.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "call.h"
#include "connection.h"
#include "endpoint.h"
#include "fmgr.h"
#include "function.h"
#include "miscadmin.h"
#include "option.h"
#include "token.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "writer.h"

#define TOKEN_ISSUER	"\"https://id.trigger.dev\""
#define TOKEN_AUDIENCE	"\"https://api.trigger.dev\""

/* How long tokens live, and those for sessions, unless something is said. */
#define DEFAULT_LIFE	"15m"
#define SESSION_LIFE	"1h"

/* Seconds that a token made by the server may live. */
#define LONGEST_LIFE	(30 * SECS_PER_DAY)

/* Seconds by which clocks may differ before the server's is used. */
#define CLOCK_TOLERANCE 30

PG_FUNCTION_INFO_V1(trigger_create_public_token);
PG_FUNCTION_INFO_V1(trigger_create_trigger_token);
PG_FUNCTION_INFO_V1(trigger_create_batch_trigger_token);

/* A token to be made; texts in UTF-8. */
typedef struct TokenOrder
{
	const char *operation;		/* the official client's name of it */
	List	   *scopes;
	const char *one_time;		/* JSON; NULL: it is not for triggering */
	const char *realtime;		/* JSON; NULL: nothing is said */
	bool		expiry_given;
	TriggerExpiry expiry;
} TokenOrder;

/*
 * Seconds since 1970 on this machine's clock.
 */
static int64
local_now(void)
{
	return (int64) timestamptz_to_time_t(GetCurrentTimestamp());
}

/*
 * An endpoint by another operation's name, for messages.
 */
static TriggerEndpoint
endpoint_named(const TriggerEndpoint *endpoint, const char *operation)
{
	TriggerEndpoint copy = *endpoint;

	copy.operation = operation;
	return copy;
}

/*
 * Sign a token.  The server looks at its own clock only, so its time counts
 * where this machine's is wrong.
 */
static char *
sign_token(TriggerHttp *http, const TriggerTarget *target, const TokenOrder *order)
{
	TriggerEndpoint endpoint = endpoint_named(&trigger_endpoint_jwt_claims,
											  order->operation);
	TriggerCall call = {.endpoint = &endpoint, .repeat = TRIGGER_REPEAT_SAFE};
	TriggerCallResult *result;
	List	   *claims;
	const char *scopes = trigger_strings_json(order->scopes);
	int64		now;

	result = trigger_call(http, target, &call);
	now = local_now();
	if (result->date > 0 && fabs(result->date - now) > CLOCK_TOLERANCE)
		now = (int64) result->date;
	trigger_expiry_check(&order->expiry, now);

	claims = trigger_claims_read(result);
	if (order->one_time)
	{
		claims = trigger_claims_set(claims, "otu", order->one_time);
		claims = trigger_claims_set(claims, "realtime", order->realtime);
		claims = trigger_claims_set(claims, "scopes", scopes);
	}
	else
	{
		claims = trigger_claims_set(claims, "scopes", scopes);
		claims = trigger_claims_set(claims, "realtime", order->realtime);
	}
	claims = trigger_claims_set(claims, "iss", TOKEN_ISSUER);
	claims = trigger_claims_set(claims, "aud", TOKEN_AUDIENCE);
	claims = trigger_claims_set(claims, "exp",
								psprintf(INT64_FORMAT,
										 trigger_expiry_time(&order->expiry, now)));
	claims = trigger_claims_set(claims, "iat", psprintf(INT64_FORMAT, now));
	return trigger_token_sign(claims, target->credential);
}

/*
 * The request's body.  A time span is sent as it is, so that it begins by
 * the server's clock.
 */
static char *
mint_body(const TokenOrder *order)
{
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	trigger_body_member(&body, "scopes", trigger_strings_json(order->scopes));
	if (order->expiry.relative && order->expiry_given)
		trigger_body_text(&body, "expirationTime", order->expiry.text);
	else if (order->expiry_given)
		trigger_body_member(&body, "expirationTime",
							psprintf(INT64_FORMAT, order->expiry.seconds));
	if (order->one_time)
		trigger_body_member(&body, "oneTimeUse", order->one_time);
	if (order->realtime)
		trigger_body_member(&body, "realtime", order->realtime);
	appendStringInfoChar(&body, '}');
	return body.data;
}

/*
 * Have the server make a token.
 */
static char *
mint_token(TriggerHttp *http, const TriggerTarget *target, const TokenOrder *order)
{
	TriggerEndpoint endpoint = endpoint_named(&trigger_endpoint_public_tokens,
											  order->operation);
	TriggerCall call = {.endpoint = &endpoint, .repeat = TRIGGER_REPEAT_SAFE,
		.statuses = {404}};
	TriggerCallResult *result;
	int64		now = local_now();
	char	   *token;

	if (order->scopes == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a token needs at least one scope"),
				 errdetail("Only with a root key can there be tokens that may do nothing."),
				 errhint("For example, scopes can be {\"read\": {\"runs\": [\"run_1234\"]}}.")));
	trigger_expiry_check(&order->expiry, now);
	if (trigger_expiry_time(&order->expiry, now) > now + LONGEST_LIFE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("expiration_time is more than 30 days ahead: \"%s\"",
						order->expiry.text),
				 errhint("Only with a root key can there be tokens that live longer.")));

	call.body = mint_body(order);
	result = trigger_call(http, target, &call);
	if (result->status == 404)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("server \"%s\" does not create tokens for additional secret keys",
						target->server_name),
				 errdetail("%s: HTTP status %d.", result->source, result->status),
				 errhint("Upgrade the server, or use the environment's root key.")));
	token = trigger_call_member(result, "token");
	if (token == NULL || trigger_credential_kind(token) != TRIGGER_CRED_PUBLIC)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API is not as promised"),
				 errdetail("%s: \"token\" is missing or is no token.",
						   result->source)));
	return token;
}

/*
 * Make a token; "expiration" and "realtime" (an argument's number each) are
 * the function's last two arguments.  Nothing is changed anywhere, so this
 * works in read-only transactions too.
 */
static Datum
create_token(FunctionCallInfo fcinfo, TokenOrder *order, int expiration)
{
	ForeignServer *server = trigger_function_server(PG_GETARG_NAME(0));
	TriggerTarget *target = trigger_target_resolve(server->serverid,
												   GetUserId(), NIL, false);
	TriggerEndpoint endpoint = endpoint_named(&trigger_endpoint_jwt_claims,
											  order->operation);
	TriggerHttp *http;
	char	   *token;

	trigger_target_check(target, &endpoint);
	if (!PG_ARGISNULL(expiration))
	{
		order->expiry_given = true;
		order->expiry = trigger_expiry_parse(text_to_cstring(PG_GETARG_TEXT_PP(expiration)));
		trigger_expiry_check_early(&order->expiry, local_now());
	}
	else
	{
		/* the server's own default is that of the others */
		order->expiry_given = trigger_scopes_name_session(order->scopes);
		order->expiry = trigger_expiry_parse(order->expiry_given ? SESSION_LIFE :
											 DEFAULT_LIFE);
	}
	if (!PG_ARGISNULL(expiration + 1))
		order->realtime = trigger_realtime_json(PG_GETARG_JSONB_P(expiration + 1));

	http = trigger_connection_get(target, CurrentMemoryContext);
	token = trigger_key_is_additional(target->credential) ?
		mint_token(http, target, order) : sign_token(http, target, order);
	return PointerGetDatum(cstring_to_text(token));
}

/*
 * trigger_create_public_token(server, scopes [, expiration_time, realtime]) →
 * a token that may do what the scopes say.
 */
Datum
trigger_create_public_token(PG_FUNCTION_ARGS)
{
	TokenOrder	order = {.operation = "auth.createPublicToken"};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	order.scopes = trigger_scopes_flatten(PG_GETARG_JSONB_P(1));
	return create_token(fcinfo, &order, 2);
}

/*
 * The same for an action on tasks.
 */
static Datum
create_task_token(FunctionCallInfo fcinfo, const char *operation, const char *action)
{
	TokenOrder	order = {.operation = operation};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
	{
		fcinfo->isnull = true;
		return (Datum) 0;
	}
	order.scopes = trigger_scopes_of_tasks(action, PG_GETARG_ARRAYTYPE_P(1));
	order.one_time = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2) ? "false" : "true";
	return create_token(fcinfo, &order, 3);
}

/*
 * trigger_create_trigger_token(server, tasks [, multiple_use,
 * expiration_time, realtime]) → a token that may trigger the tasks, once
 * unless said otherwise.
 */
Datum
trigger_create_trigger_token(PG_FUNCTION_ARGS)
{
	return create_task_token(fcinfo, "auth.createTriggerPublicToken", "trigger");
}

/*
 * trigger_create_batch_trigger_token(...) → the same for batches.
 */
Datum
trigger_create_batch_trigger_token(PG_FUNCTION_ARGS)
{
	return create_task_token(fcinfo, "auth.createBatchTriggerPublicToken",
							 "batchTrigger");
}
