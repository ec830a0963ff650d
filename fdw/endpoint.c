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

const TriggerEndpoint trigger_endpoint_runs_list = {
	.operation = "runs.list",
	.path = "/api/v1/runs",
	.credentials = TRIGGER_CRED_SECRET | TRIGGER_CRED_PUBLIC,
	.paging = TRIGGER_PAGING_CURSOR,
	.rows = "data",
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
	.credentials = TRIGGER_CRED_SECRET | TRIGGER_CRED_PUBLIC,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_tasks_trigger = {
	.operation = "tasks.trigger",
	.method = "POST",
	.path = "/api/v1/tasks/{key}/trigger",
	.credentials = TRIGGER_CRED_SECRET | TRIGGER_CRED_PUBLIC,
	.paging = TRIGGER_PAGING_ITEM,
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_tasks_batch = {
	.operation = "tasks.batchTrigger",
	.method = "POST",
	.path = "/api/v1/tasks/batch",
	.credentials = TRIGGER_CRED_SECRET | TRIGGER_CRED_PUBLIC,
	.paging = TRIGGER_PAGING_NONE,
	.rows = "runs",
	.flags = TRIGGER_EP_BRANCH,
};

const TriggerEndpoint trigger_endpoint_runs_cancel = {
	.operation = "runs.cancel",
	.method = "POST",
	.path = "/api/v2/runs/{key}/cancel",
	.credentials = TRIGGER_CRED_SECRET | TRIGGER_CRED_PUBLIC,
	.paging = TRIGGER_PAGING_ITEM,
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
