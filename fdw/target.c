/*-------------------------------------------------------------------------
 *
 * target.c
 *		Where a statement's requests go and as whom.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "target.h"

#include "foreign/foreign.h"
#include "miscadmin.h"
#include "option.h"
#include "url.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/*
 * The narrowest setting of an option: session, table, mapping, server.
 */
static const char *
narrowest(const char *session, List *table, List *mapping, List *server,
		  const char *name)
{
	const char *value = session;

	if (value == NULL)
		value = trigger_option_get(table, name);
	if (value == NULL)
		value = trigger_option_get(mapping, name);
	if (value == NULL)
		value = trigger_option_get(server, name);
	return value;
}

/*
 * An integer option; the validator has checked its range.
 */
static int
integer_option(List *table, List *server, const char *name, int otherwise)
{
	const char *value = narrowest(NULL, table, NIL, server, name);
	int			number;

	if (value == NULL || !parse_int(value, &number, 0, NULL))
		return otherwise;
	return number;
}

/*
 * A boolean option that is true unless somebody has said otherwise.
 */
static bool
boolean_option(List *table, List *server, const char *name)
{
	const char *value = narrowest(NULL, table, NIL, server, name);

	return value == NULL || trigger_option_bool(value);
}

/*
 * Does the option "updatable" allow writes?
 */
bool
trigger_target_is_updatable(Oid serverid, List *table_options)
{
	ForeignServer *server = GetForeignServer(serverid);

	return boolean_option(table_options, server->options, "updatable");
}

/*
 * The environment that a secret key belongs to; its prefix tells.
 */
static const char *
environment_of_key(const char *key)
{
	if (strncmp(key, "tr_dev_", 7) == 0)
		return "dev";
	if (strncmp(key, "tr_stg_", 7) == 0)
		return "staging";
	if (strncmp(key, "tr_prod_", 8) == 0)
		return "prod";
	return "preview";
}

/*
 * The server's name of an environment where it stores one.
 */
const char *
trigger_target_slug(const char *environment)
{
	return strcmp(environment, "staging") == 0 ? "stg" : environment;
}

/*
 * The branch that requests for an environment are about; NULL where there are
 * none.  With a personal access token, the header would redirect a request
 * for any other environment to a preview branch.  Of the dev environment it
 * is a branch only where that is the target's: to a token that asks several
 * environments, the branch is preview's.
 */
const char *
trigger_target_branch(const TriggerTarget *target, const char *environment)
{
	if (target->branch == NULL || environment == NULL)
		return NULL;
	if (strcmp(environment, "preview") == 0)
		return target->branch;
	if (strcmp(environment, "dev") == 0 && strcmp(target->branch, "default") != 0 &&
		target->environment && strcmp(target->environment, "dev") == 0)
		return target->branch;
	return NULL;
}

/*
 * Put the credential into the target: the session's, else the mapping's.
 */
static void
resolve_credential(TriggerTarget *target, const char *session, List *mapping)
{
	const char *names[] = {"secret_key", "personal_access_token",
		"public_access_token"};
	const char *token = session;

	for (int i = 0; token == NULL && i < lengthof(names); i++)
		token = trigger_option_get(mapping, names[i]);
	target->credential = token ? pstrdup(token) : NULL;
	target->kind = token ? trigger_credential_kind(token) : TRIGGER_CRED_NONE;
	target->credential_of = session ? trigger_setting_access_token_role() :
		target->userid;
}

/*
 * A secret key works on its own environment only, and the server does not
 * object to another one's name in a path: it reads and writes the key's own.
 * So a contradiction is refused here.
 */
static void
resolve_environment(TriggerTarget *target)
{
	const char *own;

	if (target->kind != TRIGGER_CRED_SECRET)
		return;
	own = environment_of_key(target->credential);
	if (target->environment && strcmp(target->environment, own) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the secret key of server \"%s\" belongs to environment \"%s\", not \"%s\"",
						target->server_name, own, target->environment),
				 errhint("Remove the option \"environment\", or use the key of that environment.")));
	target->environment = own;
}

/*
 * The branch by its name, without what the server would cut off.  The values
 * are checked when they are set, but perhaps by an older version.
 */
static const char *
resolve_branch(const char *value)
{
	const char *name;

	if (value == NULL)
		return NULL;
	name = trigger_branch_name(value);
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for option \"%s\": \"%s\"", "branch", value),
				 errhint("%s", TRIGGER_BRANCH_HINT)));
	return pstrdup(name);
}

/*
 * Does this user (InvalidOid: PUBLIC) have a mapping of their own?
 */
static bool
has_own_mapping(Oid serverid, Oid userid)
{
	return SearchSysCacheExists2(USERMAPPINGUSERSERVER,
								 ObjectIdGetDatum(userid),
								 ObjectIdGetDatum(serverid));
}

/*
 * Is there a user mapping, the user's own or PUBLIC's?
 */
static bool
has_mapping(Oid serverid, Oid userid)
{
	return has_own_mapping(serverid, userid) ||
		has_own_mapping(serverid, InvalidOid);
}

/*
 * May the target's credential be sent to its server's origin?
 *
 * The server's owner decides where it goes, and need not be somebody whom the
 * credential's user trusts: an owner could have it sent to a host of theirs.
 * PUBLIC's mapping is made by the owner, who can read it anyway.
 */
static bool
is_trusted(const TriggerTarget *target, Oid owner)
{
	const char *origin = trigger_url_origin(target->base_url);

	return owner == target->credential_of || superuser_arg(owner) ||
		(OidIsValid(target->umid) &&
		 !has_own_mapping(target->serverid, target->userid)) ||
		strcmp(origin, trigger_url_origin(TRIGGER_DEFAULT_BASE_URL)) == 0 ||
		trigger_setting_allows_origin(origin);
}

/*
 * Resolve the target of a statement on a server as a user.  "table_options"
 * is NIL where there is no table.  Without a user mapping there is an ERROR,
 * unless "missing_ok": then the target has no credential.  The result lives
 * in the current context.
 *
 * A session that brings its own token needs no user mapping, as withAuth()
 * of the official client needs no configured key.  Its settings are those of
 * whoever runs the statement: what is read on behalf of somebody else, the
 * owner of a view, ignores them, or any user of the view could point its
 * owner's credential at other projects and environments.
 */
TriggerTarget *
trigger_target_resolve(Oid serverid, Oid userid, List *table_options,
					   bool missing_ok)
{
	TriggerTarget *target = palloc0(sizeof(TriggerTarget));
	ForeignServer *server = GetForeignServer(serverid);
	List	   *mapping = NIL;
	const char *base_url;
	const char *problem;
	char	   *normalized;
	const char *insecure = trigger_option_get(server->options, "allow_insecure");
	const char *exchange;
	bool		own = userid == GetUserId();
	const char *token = own ? trigger_setting_access_token() : NULL;

	target->serverid = serverid;
	target->userid = userid;
	target->server_name = server->servername;
	if (token == NULL && (!missing_ok || has_mapping(serverid, userid)))
	{
		UserMapping *user = GetUserMapping(userid, serverid);

		mapping = user->options;
		target->umid = user->umid;
	}

	base_url = trigger_option_get(server->options, "base_url");
	if (!trigger_url_check(base_url ? base_url : TRIGGER_DEFAULT_BASE_URL,
						   insecure && trigger_option_bool(insecure),
						   &normalized, &problem))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for option \"%s\": %s", "base_url",
						problem)));
	target->base_url = normalized;

	target->project_ref = narrowest(own ? trigger_setting_project_ref() : NULL,
									table_options, mapping, server->options,
									"project_ref");
	target->environment = narrowest(own ? trigger_setting_environment() : NULL,
									table_options, mapping, server->options,
									"environment");
	target->branch =
		resolve_branch(narrowest(own ? trigger_setting_branch() : NULL,
								 table_options, mapping, server->options,
								 "branch"));
	if (target->project_ref)
		target->project_ref = pstrdup(target->project_ref);
	if (target->environment)
		target->environment = pstrdup(target->environment);
	resolve_credential(target, token, mapping);
	resolve_environment(target);
	if (target->credential && !is_trusted(target, server->owner))
	{
		/* a request could not leak it by mistake; refused when it is needed */
		target->credential = NULL;
		target->withheld = true;
	}

	target->http.connect_timeout =
		integer_option(NIL, server->options, "connect_timeout",
					   TRIGGER_DEFAULT_CONNECT_TIMEOUT);
	target->http.request_timeout =
		integer_option(NIL, server->options, "request_timeout",
					   TRIGGER_DEFAULT_REQUEST_TIMEOUT);
	target->http.max_retries =
		integer_option(NIL, server->options, "max_retries",
					   TRIGGER_DEFAULT_MAX_RETRIES);
	target->http.rate_limit_wait =
		integer_option(NIL, server->options, "rate_limit_wait",
					   TRIGGER_DEFAULT_RATE_LIMIT_WAIT);
	target->http.ca_file = trigger_option_get(server->options, "ca_file");
	target->http.proxy = trigger_option_get(server->options, "proxy");
	target->page_size = integer_option(table_options, server->options,
									   "page_size", TRIGGER_DEFAULT_PAGE_SIZE);
	target->concurrency = integer_option(table_options, server->options,
										 "concurrency",
										 TRIGGER_DEFAULT_CONCURRENCY);
	target->updatable = boolean_option(table_options, server->options,
									   "updatable");
	exchange = trigger_option_get(server->options, "pat_exchange");
	target->pat_exchange = exchange && trigger_option_bool(exchange);
	target->idempotent_inserts = boolean_option(table_options, server->options,
												"idempotent_inserts");
	return target;
}

/*
 * Does the target reach an endpoint by exchanging its personal access token
 * for one of the environment's?
 */
bool
trigger_target_exchanges(const TriggerTarget *target,
						 const TriggerEndpoint *endpoint)
{
	return target->kind == TRIGGER_CRED_PAT && target->pat_exchange &&
		endpoint->scope != NULL &&
		!trigger_endpoint_accepts(endpoint, TRIGGER_CRED_PAT) &&
		trigger_endpoint_accepts(endpoint, TRIGGER_CRED_PUBLIC);
}

/*
 * Does the target reach an endpoint at all?
 */
bool
trigger_target_accepts(const TriggerTarget *target,
					   const TriggerEndpoint *endpoint)
{
	return trigger_endpoint_accepts(endpoint, target->kind) ||
		trigger_target_exchanges(target, endpoint);
}

/*
 * The list endpoint that the target may use; NULL if none.
 */
const TriggerEndpoint *
trigger_target_list(const TriggerTarget *target, const TriggerResource *resource)
{
	const TriggerEndpoint *list = trigger_resource_list(resource, target->kind);

	for (int i = 0; list == NULL && i < TRIGGER_MAX_LISTS; i++)
	{
		if (resource->lists[i] &&
			trigger_target_exchanges(target, resource->lists[i]))
			list = resource->lists[i];
	}
	return list;
}

/*
 * The credential must not be sent where the server is.
 */
static void
report_withheld(const TriggerTarget *target)
{
	Oid			owner = GetForeignServer(target->serverid)->owner;

	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("credential of role \"%s\" is not sent to the origin of server \"%s\"",
					GetUserNameFromId(target->credential_of, false), target->server_name),
			 errdetail("The origin is %s, and the server is owned by role \"%s\".",
					   trigger_url_origin(target->base_url),
					   GetUserNameFromId(owner, false)),
			 errhint("A superuser can own the server, or add the origin to trigger_fdw.allowed_origins.")));
}

/*
 * The endpoint does not take the target's kind of credential.
 */
void
trigger_target_refuse(const TriggerTarget *target,
					  const TriggerEndpoint *endpoint)
{
	StringInfoData accepted;

	if (target->withheld)
		report_withheld(target);
	if (target->credential == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("no credential for server \"%s\"", target->server_name),
				 errdetail("The user mapping has none, and trigger_fdw.access_token is not set."),
				 errhint("Set one with ALTER USER MAPPING ... OPTIONS (ADD secret_key '...').")));

	initStringInfo(&accepted);
	for (int kind = TRIGGER_CRED_SECRET; kind <= TRIGGER_CRED_PUBLIC; kind <<= 1)
	{
		if (endpoint->credentials & kind)
			appendStringInfo(&accepted, "%s%s", accepted.len ? " or a " : "",
							 trigger_credential_name(kind));
	}
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("operation \"%s\" cannot be used with a %s",
					endpoint->operation, trigger_credential_name(target->kind)),
			 errdetail("It needs a %s.", accepted.data),
			 target->kind == TRIGGER_CRED_PAT && endpoint->scope ?
			 errhint("Use a server whose user mapping has a %s, set trigger_fdw.access_token to one, or set the server option \"pat_exchange\".",
					 accepted.data) :
			 errhint("Use a server whose user mapping has a %s, or set trigger_fdw.access_token to one.",
					 accepted.data)));
}

/*
 * An option is needed that is not set.
 */
static void
report_needed(const TriggerEndpoint *endpoint, const char *option)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
			 errmsg("operation \"%s\" needs the option \"%s\"",
					endpoint->operation, option),
			 errhint("Set it on the server, the user mapping or the table, or set trigger_fdw.%s.",
					 option)));
}

/*
 * Everything that an endpoint needs must be known before the first request.
 * "project" and "environment" are those that the request names, NULL where
 * the target's will do.
 */
void
trigger_target_check_named(const TriggerTarget *target,
						   const TriggerEndpoint *endpoint,
						   const char *project, const char *environment)
{
	bool		exchanges;

	if (endpoint->credentials == TRIGGER_CRED_ANYONE)
		return;
	if (target->credential == NULL || !trigger_target_accepts(target, endpoint))
		trigger_target_refuse(target, endpoint);
	exchanges = trigger_target_exchanges(target, endpoint);
	if (project == NULL && target->project_ref == NULL &&
		((endpoint->flags & TRIGGER_EP_PROJECT) || exchanges))
		report_needed(endpoint, "project_ref");
	if (exchanges && environment == NULL && target->environment == NULL)
		report_needed(endpoint, "environment");
	if (target->kind == TRIGGER_CRED_SECRET &&
		strcmp(target->environment, "preview") == 0 && target->branch == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("a secret key of the preview environment needs the option \"branch\""),
				 errhint("Set it on the server, the user mapping or the table, or set trigger_fdw.branch.")));
}

/*
 * The same for a request that names neither.
 */
void
trigger_target_check(const TriggerTarget *target,
					 const TriggerEndpoint *endpoint)
{
	trigger_target_check_named(target, endpoint, NULL, NULL);
}
