/*-------------------------------------------------------------------------
 *
 * resource_account.c
 *		Descriptions of the tables "projects", "environments" and "branches":
 *		what a personal access token reaches.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "endpoint.h"
#include "resource_columns.h"

/* Flags of columns that list and retrieve agree on. */
#define SHARED	TRIGGER_COL_SHARED

static const TriggerColumn projects_columns[] = {
	TEXT("id", "id", "id",
		 TRIGGER_COL_REQUIRED | TRIGGER_COL_ID | TRIGGER_COL_C | SHARED),
	TEXT("external_ref", "externalRef", "externalRef",
		 TRIGGER_COL_REQUIRED | TRIGGER_COL_C | SHARED),
	TEXT("name", "name", "name", SHARED),
	TEXT("slug", "slug", "slug", TRIGGER_COL_C | SHARED),
	TIME("created_at", "createdAt", "createdAt", SHARED),
	TEXT("default_region", "defaultRegion", "defaultRegion",
		 TRIGGER_COL_C | SHARED),
	TEXT("default_runtime", NULL, "defaultRuntime", TRIGGER_COL_C),
	JSON("organization", "organization", "organization", SHARED),
	{NULL}
};

static const TriggerFilter projects_filters[] = {
	{"external_ref", TRIGGER_FILTER_KEY, NULL, NULL, NULL, "proj_"},
	{NULL}
};

const TriggerResource trigger_resource_projects = {
	.name = "projects",
	.comment = "projects that the personal access token reaches",
	.access = TRIGGER_ACCESS_LIST_ITEM,
	.columns = projects_columns,
	.filters = projects_filters,
	.lists = {&trigger_endpoint_projects_list},
	.item = &trigger_endpoint_projects_retrieve,
	.list_suffices = true,
	.expected_rows = 20,
};

/* The project of a list that names it in its path: the option's, if no
 * condition names another. */
#define OF_PROJECT \
	{.name = "project_ref", .type = "text", .kind = TRIGGER_JSON_STRING, \
	 .flags = TRIGGER_COL_C, .source = TRIGGER_FROM_PROJECT}
#define PROJECT_FILTER \
	{"project_ref", TRIGGER_FILTER_PATH, "project", NULL, NULL, "proj_"}

static const TriggerColumn environments_columns[] = {
	TEXT("id", "id", NULL, TRIGGER_COL_REQUIRED | TRIGGER_COL_ID | TRIGGER_COL_C),
	/* as the server stores it, and as every other table shows it */
	TEXT("slug", "slug", NULL, TRIGGER_COL_REQUIRED | TRIGGER_COL_C),
	TEXT("environment", "slug", NULL,
		 TRIGGER_COL_REQUIRED | TRIGGER_COL_SLUG | TRIGGER_COL_C),
	TEXT("type", "type", NULL, TRIGGER_COL_C),
	FLAG("is_branchable_environment", "isBranchableEnvironment", 0),
	TEXT("branch_name", "branchName", NULL, TRIGGER_COL_C),
	FLAG("paused", "paused", 0),
	OF_PROJECT,
	{NULL}
};

static const TriggerFilter environments_filters[] = {
	PROJECT_FILTER,
	{NULL}
};

const TriggerResource trigger_resource_environments = {
	.name = "environments",
	.comment = "environments of a project; of dev environments only one's own",
	.access = TRIGGER_ACCESS_LIST,
	.columns = environments_columns,
	.filters = environments_filters,
	.lists = {&trigger_endpoint_environments_list},
	.expected_rows = 4,
};

static const TriggerColumn branches_columns[] = {
	TEXT("id", "id", NULL, TRIGGER_COL_REQUIRED | TRIGGER_COL_ID | TRIGGER_COL_C),
	TEXT("name", "name", NULL, TRIGGER_COL_REQUIRED | TRIGGER_COL_C),
	TIME("created_at", "createdAt", NULL, 0),
	TIME("updated_at", "updatedAt", NULL, 0),
	JSON("git", "git", NULL, 0),
	FLAG("is_paused", "isPaused", 0),
	OF_PROJECT,
	{NULL}
};

static const TriggerFilter branches_filters[] = {
	PROJECT_FILTER,
	{NULL}
};

const TriggerResource trigger_resource_branches = {
	.name = "branches",
	.comment = "active preview branches of a project",
	.access = TRIGGER_ACCESS_LIST,
	.columns = branches_columns,
	.filters = branches_filters,
	.lists = {&trigger_endpoint_branches_list},
	.expected_rows = 20,
};
