/*-------------------------------------------------------------------------
 *
 * endpoint.c
 *		The API's endpoints, as data.
 *
 * What each of them is called, where it is, and which credentials it takes.
 * Tables, writes and functions share them.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "endpoint.h"

#define ENVVARS_FLAGS \
	(TRIGGER_EP_PROJECT | TRIGGER_EP_ENVIRONMENT | TRIGGER_EP_BRANCH)
#define ENVVARS_CREDENTIALS (TRIGGER_CRED_SECRET | TRIGGER_CRED_PAT)
#define KEY_OR_TOKEN (TRIGGER_CRED_SECRET | TRIGGER_CRED_PUBLIC)

const TriggerEndpoint trigger_endpoint_runs_list = {
	.operation = "runs.list",
	.path = "/api/v1/runs",
	.credentials = KEY_OR_TOKEN,
	.paging = TRIGGER_PAGING_CURSOR,
	.rows = "data",
	.scope = "read:runs",
	.flags = TRIGGER_EP_BRANCH | TRIGGER_EP_WINDOW,
};

const TriggerEndpoint trigger_endpoint_project_runs_list = {
	.operation = "runs.list",
	.path = "/api/v1/projects/{project}/runs",
	.credentials = TRIGGER_CRED_PAT,
	.paging = TRIGGER_PAGING_CURSOR,
	.rows = "data",
	.environment_param = "filter[env]",
	.flags = TRIGGER_EP_PROJECT | TRIGGER_EP_ENVIRONMENT | TRIGGER_EP_WINDOW |
	TRIGGER_EP_FINAL_500,
};

const TriggerEndpoint trigger_endpoint_runs_retrieve = {
	.operation = "runs.retrieve",
	.path = "/api/v3/runs/{key}",
	.credentials = KEY_OR_TOKEN,
	.paging = TRIGGER_PAGING_ITEM,
	.scope = "read:runs",
	.scope_part = "key",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_tasks_trigger = {
	.operation = "tasks.trigger",
	.method = "POST",
	.path = "/api/v1/tasks/{key}/trigger",
	.credentials = KEY_OR_TOKEN,
	.paging = TRIGGER_PAGING_ITEM,
	.scope = "trigger:tasks",
	.scope_part = "key",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_tasks_batch = {
	.operation = "tasks.batchTrigger",
	.method = "POST",
	.path = "/api/v1/tasks/batch",
	.credentials = KEY_OR_TOKEN,
	.paging = TRIGGER_PAGING_NONE,
	.rows = "runs",
	.scope = "batchTrigger:tasks",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_runs_cancel = {
	.operation = "runs.cancel",
	.method = "POST",
	.path = "/api/v2/runs/{key}/cancel",
	.credentials = KEY_OR_TOKEN,
	.paging = TRIGGER_PAGING_ITEM,
	.scope = "write:runs",
	.scope_part = "key",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_runs_add_tags = {
	.operation = "runs.addTags",
	.method = "POST",
	.path = "/api/v1/runs/{key}/tags",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_runs_metadata = {
	.operation = "runs.metadata",
	.method = "PUT",
	.path = "/api/v1/runs/{key}/metadata",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_runs_reschedule = {
	.operation = "runs.reschedule",
	.method = "POST",
	.path = "/api/v1/runs/{key}/reschedule",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_runs_replay = {
	.operation = "runs.replay",
	.method = "POST",
	.path = "/api/v1/runs/{key}/replay",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_envvars_list = {
	.operation = "envvars.list",
	.path = "/api/v1/projects/{project}/envvars/{environment}",
	.credentials = ENVVARS_CREDENTIALS,
	.paging = TRIGGER_PAGING_NONE,
	.flags = ENVVARS_FLAGS,
};

const TriggerEndpoint trigger_endpoint_envvars_retrieve = {
	.operation = "envvars.retrieve",
	.path = "/api/v1/projects/{project}/envvars/{environment}/{key}",
	.credentials = ENVVARS_CREDENTIALS,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = ENVVARS_FLAGS,
};

const TriggerEndpoint trigger_endpoint_envvars_upload = {
	.operation = "envvars.upload",
	.method = "POST",
	.path = "/api/v1/projects/{project}/envvars/{environment}/import",
	.credentials = ENVVARS_CREDENTIALS,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = ENVVARS_FLAGS,
};

const TriggerEndpoint trigger_endpoint_envvars_update = {
	.operation = "envvars.update",
	.method = "PUT",
	.path = "/api/v1/projects/{project}/envvars/{environment}/{key}",
	.credentials = ENVVARS_CREDENTIALS,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = ENVVARS_FLAGS,
};

const TriggerEndpoint trigger_endpoint_envvars_del = {
	.operation = "envvars.del",
	.method = "DELETE",
	.path = "/api/v1/projects/{project}/envvars/{environment}/{key}",
	.credentials = ENVVARS_CREDENTIALS,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = ENVVARS_FLAGS,
};

const TriggerEndpoint trigger_endpoint_schedules_list = {
	.operation = "schedules.list",
	.path = "/api/v1/schedules",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_NUMBER,
	.rows = "data",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_schedules_retrieve = {
	.operation = "schedules.retrieve",
	.path = "/api/v1/schedules/{key}",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_timezones_list = {
	.operation = "schedules.timezones",
	.path = "/api/v1/timezones",
	.credentials = TRIGGER_CRED_ANYONE,
	.paging = TRIGGER_PAGING_NONE,
	.rows = "timezones",
};

const TriggerEndpoint trigger_endpoint_schedules_create = {
	.operation = "schedules.create",
	.method = "POST",
	.path = "/api/v1/schedules",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_schedules_update = {
	.operation = "schedules.update",
	.method = "PUT",
	.path = "/api/v1/schedules/{key}",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_schedules_del = {
	.operation = "schedules.del",
	.method = "DELETE",
	.path = "/api/v1/schedules/{key}",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_schedules_activate = {
	.operation = "schedules.activate",
	.method = "POST",
	.path = "/api/v1/schedules/{key}/activate",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_schedules_deactivate = {
	.operation = "schedules.deactivate",
	.method = "POST",
	.path = "/api/v1/schedules/{key}/deactivate",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

/*
 * Both make any kind of token; whoever calls them knows which, and puts the
 * operation's name into a copy.  The first takes root keys only, the second
 * is for the other keys.
 */
const TriggerEndpoint trigger_endpoint_jwt_claims = {
	.operation = "auth.createPublicToken",
	.method = "POST",
	.path = "/api/v1/auth/jwt/claims",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_public_tokens = {
	.operation = "auth.createPublicToken",
	.method = "POST",
	.path = "/api/v1/auth/public-tokens",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_projects_list = {
	.operation = "projects.list",
	.path = "/api/v1/projects",
	.credentials = TRIGGER_CRED_PAT,
	.paging = TRIGGER_PAGING_NONE,
};

const TriggerEndpoint trigger_endpoint_environments_list = {
	.operation = "environments.list",
	.path = "/api/v1/projects/{project}/environments",
	.credentials = TRIGGER_CRED_PAT,
	.paging = TRIGGER_PAGING_NONE,
	.flags = TRIGGER_EP_PROJECT,
};

const TriggerEndpoint trigger_endpoint_projects_retrieve = {
	.operation = "projects.retrieve",
	.path = "/api/v1/projects/{key}",
	.credentials = TRIGGER_CRED_PAT,
	.paging = TRIGGER_PAGING_ITEM,
};

const TriggerEndpoint trigger_endpoint_branches_list = {
	.operation = "branches.list",
	.path = "/api/v1/projects/{project}/branches",
	.credentials = TRIGGER_CRED_PAT,
	.paging = TRIGGER_PAGING_NONE,
	.rows = "branches",
	.flags = TRIGGER_EP_PROJECT,
};

/* a personal access token for a token of one environment */
const TriggerEndpoint trigger_endpoint_exchange = {
	.operation = "auth.exchange",
	.method = "POST",
	.path = "/api/v1/projects/{project}/{environment}/jwt",
	.credentials = TRIGGER_CRED_PAT,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_PROJECT | TRIGGER_EP_ENVIRONMENT | TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_sessions_list = {
	.operation = "sessions.list",
	.path = "/api/v1/sessions",
	.credentials = KEY_OR_TOKEN,
	.paging = TRIGGER_PAGING_WINDOW,
	.rows = "data",
	.scope = "read:sessions",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_sessions_retrieve = {
	.operation = "sessions.retrieve",
	.path = "/api/v1/sessions/{key}",
	.credentials = KEY_OR_TOKEN,
	.paging = TRIGGER_PAGING_ITEM,
	.scope = "read:sessions",
	.scope_part = "key",
	.flags = TRIGGER_EP_BRANCH,
};

/* its scope is about the task: a session's own does not allow to make it */
const TriggerEndpoint trigger_endpoint_sessions_start = {
	.operation = "sessions.start",
	.method = "POST",
	.path = "/api/v1/sessions",
	.credentials = KEY_OR_TOKEN,
	.paging = TRIGGER_PAGING_ITEM,
	.scope = "write:tasks",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_sessions_update = {
	.operation = "sessions.update",
	.method = "PATCH",
	.path = "/api/v1/sessions/{key}",
	.credentials = KEY_OR_TOKEN,
	.paging = TRIGGER_PAGING_ITEM,
	.scope = "admin:sessions",
	.scope_part = "key",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_sessions_close = {
	.operation = "sessions.close",
	.method = "POST",
	.path = "/api/v1/sessions/{key}/close",
	.credentials = KEY_OR_TOKEN,
	.paging = TRIGGER_PAGING_ITEM,
	.scope = "admin:sessions",
	.scope_part = "key",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_session_records_list = {
	.operation = "sessions.records",
	.path = "/realtime/v1/sessions/{session}/{io}/records",
	.credentials = KEY_OR_TOKEN,
	.paging = TRIGGER_PAGING_SEQUENCE,
	.rows = "records",
	.scope = "read:sessions",
	.scope_part = "session",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_session_records_append = {
	.operation = "sessions.in.append",
	.method = "POST",
	.path = "/realtime/v1/sessions/{key}/in/append",
	.credentials = KEY_OR_TOKEN,
	.paging = TRIGGER_PAGING_ITEM,
	.scope = "write:sessions",
	.scope_part = "key",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_session_records_append_out = {
	.operation = "sessions.out.append",
	.method = "POST",
	.path = "/realtime/v1/sessions/{key}/out/append",
	.credentials = TRIGGER_CRED_SECRET,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_query = {
	.operation = "query.execute",
	.method = "POST",
	.path = "/api/v1/query",
	.credentials = KEY_OR_TOKEN,
	.rows = "results",
	.scope = "read:query",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_query_schema = {
	.operation = "query.schema",
	.path = "/api/v1/query/schema",
	.credentials = KEY_OR_TOKEN,
	.rows = "tables",
	.scope = "read:query",
	.flags = TRIGGER_EP_BRANCH,
};
