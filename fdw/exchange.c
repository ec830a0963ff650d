/*-------------------------------------------------------------------------
 *
 * exchange.c
 *		Personal access tokens exchanged for tokens of one environment.
 *
 * Most endpoints do not take a personal access token, but a public token that
 * such a token may ask for.  It is asked for what the statement needs and no
 * more, lives for a quarter of an hour, and is kept in this session's memory
 * until shortly before it expires.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "exchange.h"

#include "call.h"
#include "endpoint.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* How long a token lives, and for how long it is used; in minutes. */
#define LIFE		15
#define USE			13

/* Tokens that are kept: the oldest go first. */
#define MAX_TOKENS	64

/*
 * Ids that a token is asked for one by one.  It goes along with every
 * request, and a server takes headers of 16 kB altogether.
 */
#define MAX_IDS		32

/* A token and everything that it depends on; in TopMemoryContext. */
typedef struct Exchanged
{
	dlist_node	node;
	Oid			serverid;
	char	   *purpose;		/* see purpose_of() */
	char	   *token;
	TimestampTz until;
} Exchanged;

/* The newest first. */
static dlist_head tokens = DLIST_STATIC_INIT(tokens);
static int	ntokens = 0;

/*
 * Free a token.
 */
static void
forget(Exchanged *exchanged)
{
	dlist_delete(&exchanged->node);
	ntokens--;
	pfree(exchanged->purpose);
	pfree(exchanged->token);
	pfree(exchanged);
}

/*
 * Forget a server's tokens.
 */
void
trigger_exchange_forget(Oid serverid)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &tokens)
	{
		Exchanged  *exchanged = dlist_container(Exchanged, node, iter.cur);

		if (exchanged->serverid == serverid)
			forget(exchanged);
	}
}

/*
 * The scopes that a request's token is asked for, as a JSON array; NULL if its
 * target's credential is not exchanged.
 */
char *
trigger_exchange_scopes(const TriggerRequest *request)
{
	StringInfoData buf;
	ListCell   *cell;

	if (!trigger_target_exchanges(request->target, request->endpoint))
		return NULL;
	initStringInfo(&buf);
	appendStringInfoChar(&buf, '[');
	if (request->scope_ids == NIL || list_length(request->scope_ids) > MAX_IDS)
		escape_json(&buf, request->endpoint->scope);
	else
	{
		foreach(cell, request->scope_ids)
		{
			if (buf.len > 1)
				appendStringInfoChar(&buf, ',');
			escape_json(&buf, psprintf("%s:%s", request->endpoint->scope,
									   (char *) lfirst(cell)));
		}
	}
	appendStringInfoChar(&buf, ']');
	return buf.data;
}

/*
 * Everything that a token depends on, in one text: it is never shown.
 */
static char *
purpose_of(const TriggerRequest *request, const char *environment,
		   const char *scopes)
{
	const TriggerTarget *target = request->target;
	const char *branch = trigger_target_branch(target, environment);

	return psprintf("%u\n%s\n%s\n%s\n%s\n%s\n%s", target->userid, target->base_url,
					target->credential, trigger_request_project(request),
					environment, branch ? branch : "", scopes);
}

/*
 * A token for a purpose that is kept and still good, NULL if there is none.
 */
static const char *
find_token(Oid serverid, const char *purpose)
{
	TimestampTz now = GetCurrentTimestamp();
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &tokens)
	{
		Exchanged  *exchanged = dlist_container(Exchanged, node, iter.cur);

		if (exchanged->until <= now)
			forget(exchanged);
		else if (exchanged->serverid == serverid &&
				 strcmp(exchanged->purpose, purpose) == 0)
			return exchanged->token;
	}
	return NULL;
}

/*
 * Keep a token.
 */
static void
keep_token(Oid serverid, const char *purpose, const char *token)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Exchanged  *exchanged = palloc(sizeof(Exchanged));

	exchanged->serverid = serverid;
	exchanged->purpose = pstrdup(purpose);
	exchanged->token = pstrdup(token);
	exchanged->until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
												   USE * 60 * 1000);
	MemoryContextSwitchTo(old);
	dlist_push_head(&tokens, &exchanged->node);
	if (++ntokens > MAX_TOKENS)
		forget(dlist_container(Exchanged, node, dlist_tail_node(&tokens)));
}

/*
 * Ask for a token.  Waits; the result is in the current context.
 */
static char *
ask_for_token(TriggerHttp *http, const TriggerRequest *request,
			  const char *environment, const char *scopes)
{
	/* a second token does no harm */
	TriggerCall call = {.endpoint = &trigger_endpoint_exchange,
		.environment = environment, .repeat = TRIGGER_REPEAT_SAFE};
	TriggerCallResult *result;
	char	   *token;

	call.project = trigger_request_project(request);
	call.body = psprintf("{\"claims\":{\"scopes\":%s},\"expirationTime\":\"%dm\"}",
						 scopes, LIFE);
	result = trigger_call(http, request->target, &call);
	token = trigger_call_member(result, "token");
	if (token == NULL || strpbrk(token, " \r\n") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API is not as promised"),
				 errdetail("%s: \"token\" is missing.", result->source)));
	return token;
}

/*
 * Give a request the token that it needs, if its target's credential must be
 * exchanged.  Waits if there is none yet.  The token is in the current
 * context.
 */
void
trigger_exchange(TriggerHttp *http, TriggerRequest *request)
{
	const TriggerTarget *target = request->target;
	const char *environment = request->environment;
	const char *found;
	char	   *scopes = trigger_exchange_scopes(request);
	char	   *purpose;

	request->token = NULL;
	if (scopes == NULL)
		return;
	trigger_target_check_named(target, request->endpoint,
							   trigger_request_project(request), environment);
	if (environment == NULL)
		environment = target->environment;
	purpose = purpose_of(request, environment, scopes);

	found = find_token(target->serverid, purpose);
	request->token_kept = found != NULL;
	if (found)
	{
		request->token = pstrdup(found);
		return;
	}
	request->token = ask_for_token(http, request, environment, scopes);
	keep_token(target->serverid, purpose, request->token);
}

/*
 * Should a request that was answered with a status be repeated with another
 * token?  Only if its token was not asked for just now.
 */
bool
trigger_exchange_renew(const TriggerRequest *request, int status)
{
	dlist_mutable_iter iter;

	if (status != 401 || request->token == NULL || !request->token_kept)
		return false;
	dlist_foreach_modify(iter, &tokens)
	{
		Exchanged  *exchanged = dlist_container(Exchanged, node, iter.cur);

		if (strcmp(exchanged->token, request->token) == 0)
			forget(exchanged);
	}
	return true;
}
