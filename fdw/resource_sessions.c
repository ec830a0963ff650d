/*-------------------------------------------------------------------------
 *
 * resource_sessions.c
 *		Descriptions of the tables "sessions" and "session_records".
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "endpoint.h"
#include "resource_columns.h"
#include "writer.h"

/* Flags of columns that list and retrieve agree on. */
#define SHARED	TRIGGER_COL_SHARED

/* The API shows no status; its filter understands these. */
static const TriggerMoment session_states[] = {
	{"closedAt", false, "CLOSED"},
	{"expiresAt", true, "EXPIRED"},
	{NULL, false, "ACTIVE"}
};

static const TriggerWord session_statuses[] = {
	{"ACTIVE", "ACTIVE"},
	{"CLOSED", "CLOSED"},
	{"EXPIRED", "EXPIRED"},
	{NULL, NULL}
};

/* What only the answer to INSERT tells. */
#define INSERT_TELLS(name_, type_, kind_) \
	{.name = name_, .type = type_, .kind = kind_, \
	 .source = TRIGGER_FROM_INSERT}

static const TriggerColumn sessions_columns[] = {
	TEXT("id", "id", "id",
		 TRIGGER_COL_REQUIRED | TRIGGER_COL_ID | TRIGGER_COL_C | SHARED),
	TEXT("external_id", "externalId", "externalId", TRIGGER_COL_C | SHARED),
	TEXT("type", "type", "type", TRIGGER_COL_C | SHARED),
	TEXT("task_identifier", "taskIdentifier", "taskIdentifier",
		 TRIGGER_COL_C | SHARED),
	JSON("trigger_config", NULL, "triggerConfig", 0),
	TEXT("current_run_id", "currentRunId", "currentRunId",
		 TRIGGER_COL_C | SHARED),
	TAGS(SHARED),
	JSON("metadata", "metadata", "metadata", SHARED),
	{.name = "status", .type = "text", .kind = TRIGGER_JSON_STRING,
		.flags = TRIGGER_COL_REQUIRED | TRIGGER_COL_C | SHARED,
	.moments = session_states},
	TIME("closed_at", "closedAt", "closedAt", SHARED),
	TEXT("closed_reason", "closedReason", "closedReason", SHARED),
	TIME("expires_at", "expiresAt", "expiresAt", SHARED),
	TIME("created_at", "createdAt", "createdAt",
		 TRIGGER_COL_REQUIRED | TRIGGER_COL_ORDER | SHARED),
	TIME("updated_at", "updatedAt", "updatedAt", SHARED),
	INSERT_TELLS("run_id", "text", TRIGGER_JSON_STRING),
	INSERT_TELLS("public_access_token", "text", TRIGGER_JSON_STRING),
	INSERT_TELLS("is_cached", "boolean", TRIGGER_JSON_BOOLEAN),
	{NULL}
};

/*
 * The list's filters take one value each, whatever the official client does
 * with several: a comma is part of the value.
 */
static const TriggerFilter sessions_filters[] = {
	{"id", TRIGGER_FILTER_KEY, NULL, NULL, NULL, "session_"},
	{"external_id", TRIGGER_FILTER_KEY, NULL, NULL, NULL, NULL, "session_"},
	{"type", TRIGGER_FILTER_SINGLE, "filter[type]", NULL, NULL},
	{"task_identifier", TRIGGER_FILTER_SINGLE, "filter[taskIdentifier]", NULL,
	NULL},
	{"status", TRIGGER_FILTER_SINGLE, "filter[status]", NULL, session_statuses},
	{"tags", TRIGGER_FILTER_HAS_ONE, "filter[tags]", NULL, NULL},
	{"created_at", TRIGGER_FILTER_TIME, "filter[createdAt][from]",
	"filter[createdAt][to]", NULL},
	{NULL}
};

const TriggerResource trigger_resource_sessions = {
	.name = "sessions",
	.comment = "sessions of agents",
	.access = TRIGGER_ACCESS_LIST_ITEM,
	.columns = sessions_columns,
	.filters = sessions_filters,
	.lists = {&trigger_endpoint_sessions_list},
	.item = &trigger_endpoint_sessions_retrieve,
	.list_suffices = true,
	.expected_rows = 2000,
	.writer = &trigger_writer_sessions,
};

static const TriggerWord session_channels[] = {
	{"in", "in"},
	{"out", "out"},
	{NULL, NULL}
};

static const TriggerColumn session_records_columns[] = {
	FILTER_ONLY("session"),
	{.name = "io", .type = "text", .kind = TRIGGER_JSON_STRING,
		.flags = TRIGGER_COL_C | TRIGGER_COL_REQUIRED,
	.source = TRIGGER_FROM_FILTER},
	NUMBER("seq_num", "bigint", TRIGGER_JSON_INTEGER, "seqNum",
		   TRIGGER_COL_REQUIRED),
	TEXT("id", "id", NULL, TRIGGER_COL_C),
	/* a record of JSON null is one, too */
	JSON("data", "data", NULL, TRIGGER_COL_JSON_NULL),
	JSON("headers", "headers", NULL, 0),
	/* the id that its writer gave it, or the server */
	TEXT("part_id", "id", NULL, TRIGGER_COL_C),
	{NULL}
};

static const TriggerFilter session_records_filters[] = {
	{"session", TRIGGER_FILTER_PATH, "session", NULL, NULL, .required = true},
	{"io", TRIGGER_FILTER_PATH, "io", NULL, session_channels, .required = true},
	{"seq_num", TRIGGER_FILTER_AFTER, "afterEventId", NULL, NULL},
	{NULL}
};

const TriggerResource trigger_resource_session_records = {
	.name = "session_records",
	.comment = "records of the two channels of a session",
	.access = TRIGGER_ACCESS_LIST,
	.columns = session_records_columns,
	.filters = session_records_filters,
	.lists = {&trigger_endpoint_session_records_list},
	.expected_rows = 200,
	.writer = &trigger_writer_session_records,
};
