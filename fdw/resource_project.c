/*-------------------------------------------------------------------------
 *
 * resource_project.c
 *		Descriptions of the tables "envvars", "schedules" and "timezones".
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "endpoint.h"
#include "resource.h"
#include "writer.h"

static const TriggerColumn envvars_columns[] = {
	{.name = "name", .type = "text", .kind = TRIGGER_JSON_STRING,
		.list_field = "name", .item_field = "name",
	.flags = TRIGGER_COL_REQUIRED | TRIGGER_COL_C},
	/* a secret's value is redacted; the flag tells, not the text */
	{.name = "value", .type = "text", .kind = TRIGGER_JSON_STRING,
		.list_field = "value", .item_field = "value",
	.null_field = "isSecret", .null_when = true},
	{.name = "is_secret", .type = "boolean", .kind = TRIGGER_JSON_BOOLEAN,
		.list_field = "isSecret", .item_field = "isSecret",
	.flags = TRIGGER_COL_REQUIRED},
	{.name = "environment", .type = "text", .kind = TRIGGER_JSON_STRING,
	.flags = TRIGGER_COL_C, .source = TRIGGER_FROM_ENVIRONMENT},
	{.name = "branch", .type = "text", .kind = TRIGGER_JSON_STRING,
	.flags = TRIGGER_COL_C, .source = TRIGGER_FROM_BRANCH},
	{.name = "project_ref", .type = "text", .kind = TRIGGER_JSON_STRING,
	.flags = TRIGGER_COL_C, .source = TRIGGER_FROM_PROJECT},
	{NULL}
};

static const TriggerFilter envvars_filters[] = {
	{"name", TRIGGER_FILTER_KEY, NULL, NULL, NULL},
	{"environment", TRIGGER_FILTER_ENVIRONMENT, NULL, NULL, NULL},
	{NULL}
};

/* Set by the platform; the list leaves them out. */
static const char *const envvars_hidden[] = {
	"TRIGGER_SECRET_KEY", "TRIGGER_API_URL", NULL
};

/* The path of the import operation. */
static const char *const envvars_unaddressable[] = {"import", NULL};

const TriggerResource trigger_resource_envvars = {
	.name = "envvars",
	.comment = "environment variables of a project's environments",
	.access = TRIGGER_ACCESS_ITEM,
	.columns = envvars_columns,
	.filters = envvars_filters,
	.lists = {&trigger_endpoint_envvars_list},
	.item = &trigger_endpoint_envvars_retrieve,
	.hidden_keys = envvars_hidden,
	.unaddressable_keys = envvars_unaddressable,
	.expected_rows = 100,
	.writer = &trigger_writer_envvars,
};

/*
 * The list describes an environment with more members than retrieve does.
 * Only what both have is shown, so that a look-up by id reads the same row.
 */
static const char *const schedules_environment_members[] = {
	"id", "type", NULL
};

static const TriggerColumn schedules_columns[] = {
	{.name = "id", .type = "text", .kind = TRIGGER_JSON_STRING,
		.list_field = "id", .item_field = "id",
	.flags = TRIGGER_COL_REQUIRED | TRIGGER_COL_ID | TRIGGER_COL_C},
	{.name = "type", .type = "text", .kind = TRIGGER_JSON_STRING,
		.list_field = "type", .item_field = "type",
	.flags = TRIGGER_COL_C},
	{.name = "task", .type = "text", .kind = TRIGGER_JSON_STRING,
		.list_field = "task", .item_field = "task",
	.flags = TRIGGER_COL_C},
	{.name = "active", .type = "boolean", .kind = TRIGGER_JSON_BOOLEAN,
		.list_field = "active", .item_field = "active",
	.flags = TRIGGER_COL_REQUIRED},
	{.name = "cron", .type = "text", .kind = TRIGGER_JSON_STRING,
	.list_field = "generator.expression", .item_field = "generator.expression"},
	{.name = "cron_description", .type = "text", .kind = TRIGGER_JSON_STRING,
		.list_field = "generator.description",
	.item_field = "generator.description"},
	{.name = "timezone", .type = "text", .kind = TRIGGER_JSON_STRING,
		.list_field = "timezone", .item_field = "timezone",
	.flags = TRIGGER_COL_C},
	{.name = "schedule_window", .type = "text", .kind = TRIGGER_JSON_STRING,
	.list_field = "window", .item_field = "window"},
	{.name = "deduplication_key", .type = "text", .kind = TRIGGER_JSON_STRING,
		.list_field = "deduplicationKey", .item_field = "deduplicationKey",
	.flags = TRIGGER_COL_C},
	{.name = "external_id", .type = "text", .kind = TRIGGER_JSON_STRING,
		.list_field = "externalId", .item_field = "externalId",
	.flags = TRIGGER_COL_C},
	/* the list shows a next run of inactive schedules too, retrieve none */
	{.name = "next_run", .type = "timestamp with time zone",
		.kind = TRIGGER_JSON_TIMESTAMP,
		.list_field = "nextRun", .item_field = "nextRun",
	.null_field = "active", .null_when = false},
	{.name = "next_run_effective_at", .type = "timestamp with time zone",
		.kind = TRIGGER_JSON_TIMESTAMP,
		.list_field = "nextRunEffectiveAt", .item_field = "nextRunEffectiveAt",
	.null_field = "active", .null_when = false},
	{.name = "environments", .type = "jsonb", .kind = TRIGGER_JSON_ANY,
		.list_field = "environments", .item_field = "environments",
	.keep = schedules_environment_members},
	{NULL}
};

static const TriggerFilter schedules_filters[] = {
	/* any other text would be taken for a deduplication key */
	{"id", TRIGGER_FILTER_KEY, NULL, NULL, NULL, "sched_"},
	{NULL}
};

const TriggerResource trigger_resource_schedules = {
	.name = "schedules",
	.comment = "schedules that trigger tasks",
	.access = TRIGGER_ACCESS_ITEM,
	.columns = schedules_columns,
	.filters = schedules_filters,
	.lists = {&trigger_endpoint_schedules_list},
	.item = &trigger_endpoint_schedules_retrieve,
	.expected_rows = 200,
	.writer = &trigger_writer_schedules,
};

static const TriggerColumn timezones_columns[] = {
	{.name = "name", .type = "text", .kind = TRIGGER_JSON_STRING,
	.list_field = "", .flags = TRIGGER_COL_REQUIRED | TRIGGER_COL_C},
	{NULL}
};

static const TriggerFilter timezones_filters[] = {
	{NULL}
};

const TriggerResource trigger_resource_timezones = {
	.name = "timezones",
	.comment = "time zones that schedules can use",
	.access = TRIGGER_ACCESS_LIST,
	.columns = timezones_columns,
	.filters = timezones_filters,
	.lists = {&trigger_endpoint_timezones_list},
	.expected_rows = 420,
};
