/*-------------------------------------------------------------------------
 *
 * resource_runs.c
 *		Descriptions of the tables "runs" and "run_details".
 *
 * The two tables exist because the list and the retrieve endpoint disagree
 * on the meaning of several fields (startedAt, finishedAt, idempotencyKey,
 * metadata) and on which fields there are.  One table that mixed both would
 * change its answers with the plan.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "endpoint.h"
#include "resource_columns.h"
#include "writer.h"

/*
 * Statuses as shown under API version 2025-07-16, and the filter words that
 * find every run shown so.  The two vocabularies are not inverse: the filter
 * compares with the stored status, several of which are shown alike.
 */
static const TriggerWord run_statuses[] = {
	{"DELAYED", "DELAYED"},
	{"QUEUED", "QUEUED"},
	{"PENDING_VERSION", "PENDING_VERSION,WAITING_FOR_DEPLOY"},
	{"DEQUEUED", "DEQUEUED"},
	{"EXECUTING", "EXECUTING,REATTEMPTING"},
	{"WAITING", "WAITING,FROZEN"},
	{"COMPLETED", "COMPLETED"},
	{"FAILED", "FAILED,INTERRUPTED"},
	{"CANCELED", "CANCELED"},
	{"CRASHED", "CRASHED"},
	{"SYSTEM_FAILURE", "SYSTEM_FAILURE"},
	{"EXPIRED", "EXPIRED"},
	{"TIMED_OUT", "TIMED_OUT"},
	{NULL, NULL}
};

/* Machine presets; the server refuses any other word. */
static const TriggerWord run_machines[] = {
	{"micro", "micro"},
	{"small-1x", "small-1x"},
	{"small-2x", "small-2x"},
	{"medium-1x", "medium-1x"},
	{"medium-2x", "medium-2x"},
	{"large-1x", "large-1x"},
	{"large-2x", "large-2x"},
	{NULL, NULL}
};

/* Flags of columns that list and retrieve agree on. */
#define SHARED	TRIGGER_COL_SHARED

static const TriggerColumn runs_columns[] = {
	TEXT("id", "id", "id", TRIGGER_COL_REQUIRED | TRIGGER_COL_ID | TRIGGER_COL_C),
	TEXT("status", "status", "status", TRIGGER_COL_REQUIRED | TRIGGER_COL_C),
	TEXT("task_identifier", "taskIdentifier", "taskIdentifier",
		 TRIGGER_COL_REQUIRED | TRIGGER_COL_C),
	TEXT("idempotency_key_hash", "idempotencyKey", NULL, TRIGGER_COL_C),
	TEXT("version", "version", "version", TRIGGER_COL_C),
	FLAG("is_test", "isTest", TRIGGER_COL_REQUIRED),
	TIME("created_at", "createdAt", "createdAt",
		 TRIGGER_COL_REQUIRED | TRIGGER_COL_ORDER),
	TIME("updated_at", "updatedAt", "updatedAt", 0),
	TIME("started_at", "startedAt", NULL, 0),
	TIME("finished_at", "finishedAt", NULL, 0),
	TIME("delayed_until", "delayedUntil", "delayedUntil", 0),
	TEXT("ttl", "ttl", "ttl", 0),
	TIME("expired_at", "expiredAt", "expiredAt", 0),
	TAGS(0),
	NUMBER("cost_in_cents", "numeric", TRIGGER_JSON_NUMBER, "costInCents", 0),
	NUMBER("base_cost_in_cents", "numeric", TRIGGER_JSON_NUMBER,
		   "baseCostInCents", 0),
	NUMBER("duration_ms", "bigint", TRIGGER_JSON_INTEGER, "durationMs", 0),
	NUMBER("depth", "integer", TRIGGER_JSON_INTEGER, "depth", 0),
	JSON("metadata", "metadata", NULL, 0),
	TEXT("task_kind", "taskKind", NULL, TRIGGER_COL_C),
	TEXT("region", "region", "region", TRIGGER_COL_C),
	FLAG("is_queued", "isQueued", 0),
	FLAG("is_executing", "isExecuting", 0),
	FLAG("is_waiting", "isWaiting", 0),
	FLAG("is_completed", "isCompleted", 0),
	FLAG("is_success", "isSuccess", 0),
	FLAG("is_failed", "isFailed", 0),
	FLAG("is_cancelled", "isCancelled", 0),
	TEXT("environment", "env.name", NULL, TRIGGER_COL_SLUG | TRIGGER_COL_C),
	TEXT("env_id", "env.id", NULL, TRIGGER_COL_C | TRIGGER_COL_ENV_ID),
	TEXT("env_user", "env.user", NULL, 0),
	FILTER_ONLY("queue"),
	FILTER_ONLY("machine"),
	FILTER_ONLY("batch_id"),
	FILTER_ONLY("schedule_id"),
	FILTER_ONLY("bulk_action_id"),
	FILTER_ONLY("error_id"),
	WRITE_ONLY("payload", "jsonb"),
	WRITE_ONLY("idempotency_key", "text"),
	WRITE_ONLY("trigger_options", "jsonb"),
	{NULL}
};

/* Every filter of the run list; "run_details" finds its ids through it. */
#define RUN_FILTERS \
	{"id", TRIGGER_FILTER_KEY, NULL, NULL, NULL, "run_"}, \
	{"status", TRIGGER_FILTER_LIST, "filter[status]", NULL, run_statuses}, \
	{"task_identifier", TRIGGER_FILTER_LIST, "filter[taskIdentifier]", NULL, NULL}, \
	{"version", TRIGGER_FILTER_LIST, "filter[version]", NULL, NULL}, \
	{"region", TRIGGER_FILTER_LIST, "filter[region]", NULL, NULL}, \
	{"is_test", TRIGGER_FILTER_BOOLEAN, "filter[isTest]", NULL, NULL}, \
	{"tags", TRIGGER_FILTER_HAS_ANY, "filter[tag]", NULL, NULL}, \
	{"created_at", TRIGGER_FILTER_TIME, "filter[createdAt][from]", \
	 "filter[createdAt][to]", NULL}, \
	{"batch_id", TRIGGER_FILTER_SINGLE, "filter[batch]", NULL, NULL}, \
	{"queue", TRIGGER_FILTER_LIST, "filter[queue]", NULL, NULL}, \
	{"machine", TRIGGER_FILTER_LIST, "filter[machine]", NULL, run_machines}, \
	{"schedule_id", TRIGGER_FILTER_SINGLE, "filter[schedule]", NULL, NULL}, \
	{"bulk_action_id", TRIGGER_FILTER_SINGLE, "filter[bulkAction]", NULL, NULL}, \
	{"error_id", TRIGGER_FILTER_SINGLE, "filter[error]", NULL, NULL}

static const TriggerFilter runs_filters[] = {
	RUN_FILTERS,
	{"environment", TRIGGER_FILTER_ENVIRONMENT, NULL, NULL, NULL},
	{NULL}
};

const TriggerResource trigger_resource_runs = {
	.name = "runs",
	.comment = "runs of tasks, with the list endpoint's meaning of each field",
	.access = TRIGGER_ACCESS_ITEM_LIST,
	.columns = runs_columns,
	.filters = runs_filters,
	.lists = {&trigger_endpoint_runs_list, &trigger_endpoint_project_runs_list},
	.item = &trigger_endpoint_runs_retrieve,
	.moment_field = "createdAt",
	.expected_rows = 20000,
	.write_only_hint = "Read it from a table of the resource \"run_details\".",
	.writer = &trigger_writer_runs,
};

static const TriggerColumn run_details_columns[] = {
	TEXT("id", "id", "id",
		 TRIGGER_COL_REQUIRED | TRIGGER_COL_ID | TRIGGER_COL_C | SHARED),
	TEXT("status", "status", "status",
		 TRIGGER_COL_REQUIRED | TRIGGER_COL_C | SHARED),
	TEXT("task_identifier", "taskIdentifier", "taskIdentifier",
		 TRIGGER_COL_REQUIRED | TRIGGER_COL_C | SHARED),
	TEXT("idempotency_key", NULL, "idempotencyKey", 0),
	TEXT("version", "version", "version", TRIGGER_COL_C | SHARED),
	FLAG("is_test", "isTest", TRIGGER_COL_REQUIRED | SHARED),
	TIME("created_at", "createdAt", "createdAt",
		 TRIGGER_COL_REQUIRED | TRIGGER_COL_ORDER | SHARED),
	TIME("updated_at", NULL, "updatedAt", 0),
	TIME("started_at", NULL, "startedAt", 0),
	TIME("finished_at", NULL, "finishedAt", 0),
	TIME("delayed_until", "delayedUntil", "delayedUntil", SHARED),
	TEXT("ttl", "ttl", "ttl", SHARED),
	TIME("expired_at", "expiredAt", "expiredAt", SHARED),
	TAGS(SHARED),
	NUMBER("cost_in_cents", "numeric", TRIGGER_JSON_NUMBER, "costInCents", SHARED),
	NUMBER("base_cost_in_cents", "numeric", TRIGGER_JSON_NUMBER,
		   "baseCostInCents", SHARED),
	NUMBER("duration_ms", "bigint", TRIGGER_JSON_INTEGER, "durationMs", SHARED),
	NUMBER("depth", "integer", TRIGGER_JSON_INTEGER, "depth", SHARED),
	JSON("metadata", NULL, "metadata", 0),
	TEXT("region", "region", "region", TRIGGER_COL_C | SHARED),
	FLAG("is_queued", "isQueued", SHARED),
	FLAG("is_executing", "isExecuting", SHARED),
	FLAG("is_waiting", "isWaiting", SHARED),
	FLAG("is_completed", "isCompleted", SHARED),
	FLAG("is_success", "isSuccess", SHARED),
	FLAG("is_failed", "isFailed", SHARED),
	FLAG("is_cancelled", "isCancelled", SHARED),
	{.name = "payload", .type = "jsonb", .kind = TRIGGER_JSON_ANY,
		.item_field = "payload", .flags = TRIGGER_COL_JSON_NULL,
	.url_field = "payloadPresignedUrl"},
	TEXT("payload_presigned_url", NULL, "payloadPresignedUrl", 0),
	{.name = "output", .type = "jsonb", .kind = TRIGGER_JSON_ANY,
		.item_field = "output", .flags = TRIGGER_COL_JSON_NULL,
	.url_field = "outputPresignedUrl"},
	TEXT("output_presigned_url", NULL, "outputPresignedUrl", 0),
	JSON("error", NULL, "error", 0),
	{.name = "attempt_count", .type = "integer", .kind = TRIGGER_JSON_INTEGER,
	.item_field = "attemptCount"},
	TEXT("trigger_function", NULL, "triggerFunction", TRIGGER_COL_C),
	TEXT("batch_id", NULL, "batchId", TRIGGER_COL_C),
	JSON("schedule", NULL, "schedule", 0),
	TEXT("root_run_id", NULL, "relatedRuns.root.id", TRIGGER_COL_C),
	TEXT("parent_run_id", NULL, "relatedRuns.parent.id", TRIGGER_COL_C),
	{.name = "child_run_ids", .type = "text[]", .kind = TRIGGER_JSON_STRINGS,
	.item_field = "relatedRuns.children[].id"},
	FILTER_ONLY("queue"),
	FILTER_ONLY("machine"),
	FILTER_ONLY("schedule_id"),
	FILTER_ONLY("bulk_action_id"),
	FILTER_ONLY("error_id"),
	{NULL}
};

static const TriggerFilter run_details_filters[] = {
	RUN_FILTERS,
	{NULL}
};

const TriggerResource trigger_resource_run_details = {
	.name = "run_details",
	.comment = "runs of tasks, with the retrieve endpoint's meaning of each field",
	.access = TRIGGER_ACCESS_LIST_ITEM,
	.columns = run_details_columns,
	.filters = run_details_filters,
	.lists = {&trigger_endpoint_runs_list, &trigger_endpoint_project_runs_list},
	.item = &trigger_endpoint_runs_retrieve,
	.expected_rows = 20000,
};
