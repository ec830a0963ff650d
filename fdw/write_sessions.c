/*-------------------------------------------------------------------------
 *
 * write_sessions.c
 *		Writes of sessions: start, update, close.
 *
 * To start a session is an action: a run of its task begins.  One that has
 * the same external id is not made anew but goes on, with the new trigger
 * configuration and nothing else changed; the column is_cached tells.  So a
 * call with an external id can be repeated, one without cannot.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "call.h"
#include "catalog/pg_type.h"
#include "endpoint.h"
#include "json_reader.h"
#include "mb/pg_wchar.h"
#include "nodes/nodes.h"
#include "rows.h"
#include "scope.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "writer.h"

/* The API's limits. */
#define MAX_TYPE		64
#define MAX_NAME		128
#define MAX_EXTERNAL_ID 256
#define MAX_REASON		256

/*
 * A text column within the API's limit, in characters; NULL if it is null.
 */
static char *
limited_text(TriggerModify *modify, TupleTableSlot *slot, const char *column,
			 int max)
{
	char	   *text = trigger_row_text(modify, slot, column);

	if (text && (*text == '\0' || trigger_utf8_length(text) > max))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for column \"%s\" of foreign table \"%s\"",
						column, modify->rel->name),
				 errdetail("It must have 1 to %d characters.", max)));
	return text;
}

/*
 * The same for a column that must not be null.
 */
static char *
required_text(TriggerModify *modify, TupleTableSlot *slot, const char *column,
			  int max)
{
	char	   *text = limited_text(modify, slot, column, max);

	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("null value in column \"%s\" of foreign table \"%s\"",
						column, modify->rel->name)));
	return text;
}

/*
 * A JSON column that must be an object, as text; NULL if it is null.
 */
static char *
object_text(TriggerModify *modify, TupleTableSlot *slot, const char *column)
{
	char	   *text = trigger_row_json(modify, slot, column);
	TriggerJson json;

	if (text == NULL)
		return NULL;
	trigger_json_open(&json, text, strlen(text), column);
	if (trigger_json_peek(&json) != JSON_TOKEN_OBJECT_START)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of foreign table \"%s\" must be a JSON object",
						column, modify->rel->name)));
	return text;
}

/*
 * An external id must not look like an id: the API would take it for one.
 */
static char *
external_id(TriggerModify *modify, TupleTableSlot *slot)
{
	char	   *id = limited_text(modify, slot, "external_id", MAX_EXTERNAL_ID);

	if (id && (strncmp(id, "session_", 8) == 0 || trigger_is_blank(id) ||
			   strcmp(id, ".") == 0 || strcmp(id, "..") == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid external id of a session: \"%s\"", id),
				 errdetail("It must not be blank, a dot or two, or begin with \"session_\".")));
	return id;
}

/*
 * The body of a start.  A time that has passed is refused here, because the
 * API would make the session before it refuses.
 */
static char *
start_body(TriggerModify *modify, TupleTableSlot *slot, const char *external,
		   const char *task)
{
	StringInfoData body;
	char	   *config = object_text(modify, slot, "trigger_config");
	char	   *metadata = object_text(modify, slot, "metadata");
	List	   *tags = trigger_row_strings(modify, slot, "tags");
	TimestampTz expires;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	trigger_body_text(&body, "type", required_text(modify, slot, "type", MAX_TYPE));
	trigger_body_text(&body, "externalId", external);
	trigger_body_text(&body, "taskIdentifier", task);
	trigger_body_member(&body, "triggerConfig",
						config ? config : "{\"basePayload\":{}}");
	if (tags)
		trigger_body_member(&body, "tags", trigger_tags_json(tags, "session"));
	if (metadata)
		trigger_body_member(&body, "metadata", metadata);
	if (trigger_row_time(modify, slot, "expires_at", &expires))
	{
		if (expires <= GetCurrentTimestamp())
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a session cannot expire at a time that has passed"),
					 errdetail("The time is %s.", timestamptz_to_str(expires))));
		trigger_body_text(&body, "expiresAt", trigger_time_text(expires));
	}
	appendStringInfoChar(&body, '}');
	return body.data;
}

/*
 * What the answer to a start tells besides the session.
 */
static bool
read_start(TriggerModify *modify, TupleTableSlot *slot,
		   const TriggerCallResult *result, char **id)
{
	TriggerField fields[4] = {
		{.path = "id", .label = "id", .required = true,
		.kind = TRIGGER_JSON_STRING, .null_slot = -1},
		{.path = "runId", .label = "run_id", .kind = TRIGGER_JSON_STRING,
		.null_slot = -1},
		{.path = "publicAccessToken", .label = "public_access_token",
		.kind = TRIGGER_JSON_STRING, .null_slot = -1},
		{.path = "isCached", .label = "is_cached", .required = true,
		.kind = TRIGGER_JSON_BOOLEAN, .null_slot = -1}
	};
	TriggerRows *rows;
	bool		cached;

	for (int i = 0; i < lengthof(fields); i++)
		trigger_field_init(&fields[i], i == 3 ? BOOLOID : TEXTOID, -1);
	rows = trigger_decode(trigger_decoder_create(fields, lengthof(fields),
												 TRIGGER_PAGING_ITEM, NULL,
												 modify->rel->name),
						  result->body, result->body_len, result->source);
	*id = TextDatumGetCString(rows->values[0]);

	/* found by a repetition: it is the session of the call before */
	cached = DatumGetBool(rows->values[3]) && !result->repeated;
	if (!rows->nulls[1])
		trigger_row_set(modify, slot, "run_id",
						TextDatumGetCString(rows->values[1]));
	if (!rows->nulls[2])
		trigger_row_set(modify, slot, "public_access_token",
						TextDatumGetCString(rows->values[2]));
	trigger_row_set(modify, slot, "is_cached", cached ? "true" : "false");
	return cached;
}

/*
 * Is there a session of this external id?
 */
static bool
session_exists(TriggerModify *modify, const char *external)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_sessions_retrieve,
		.key = external, .repeat = TRIGGER_REPEAT_SAFE, .statuses = {404}};

	return trigger_call(modify->http, modify->target, &call)->status != 404;
}

/*
 * INSERT of one row.  False if the session exists and such rows are not
 * wanted: then it is not touched either, whereas a start would replace its
 * trigger configuration.
 */
static bool
start_session(TriggerModify *modify, TupleTableSlot *slot)
{
	char	   *external = external_id(modify, slot);
	char	   *task = required_text(modify, slot, "task_identifier", MAX_NAME);
	TriggerCall call = {.endpoint = &trigger_endpoint_sessions_start};
	TriggerCallResult *result;
	bool		cached;
	char	   *id;

	if (external && modify->do_nothing && session_exists(modify, external))
		return false;
	call.scope_ids = list_make1(task);
	call.repeat = external ? TRIGGER_REPEAT_SAFE : TRIGGER_REPEAT_NEVER;
	call.body = start_body(modify, slot, external, task);
	result = trigger_call(modify->http, modify->target, &call);
	trigger_row_fill(modify, slot, result->body, result->body_len, result->source);
	cached = read_start(modify, slot, result, &id);
	trigger_written_add(modify->written, id);
	return !(cached && modify->do_nothing);
}

/*
 * INSERT: the API starts them one by one.
 */
static void
start_sessions(TriggerModify *modify, TupleTableSlot **slots, int n,
			   bool *written)
{
	for (int i = 0; i < n; i++)
		written[i] = start_session(modify, slots[i]);
}

/*
 * The name that a call about a session uses in its path: the id, unless a
 * public access token is good for the external id only.  ERROR if such a
 * token does not allow the call at all; the server would refuse it, too.
 */
static const char *
session_key(TriggerModify *modify, TupleTableSlot *old,
			const TriggerEndpoint *endpoint)
{
	const char *id = trigger_row_text(modify, old, "id");
	const char *external = trigger_row_text(modify, old, "external_id");
	List	   *scopes;

	if (id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("foreign table \"%s\" has no column \"id\" to write by",
						modify->rel->name)));
	if (modify->target->kind != TRIGGER_CRED_PUBLIC ||
		!trigger_scopes_read(modify->target->credential, &scopes) ||
		trigger_scopes_allow(scopes, "admin", "sessions", id))
		return id;
	if (external && trigger_scopes_allow(scopes, "admin", "sessions", external))
		return external;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for operation \"%s\" on server \"%s\"",
					endpoint->operation, modify->target->server_name),
			 errdetail("The public access token does not have the scope \"admin\" or \"admin:sessions:%s\".",
					   id),
			 errhint("Use a secret key: a session's own token can neither change nor close it.")));
	return NULL;				/* not reached */
}

/*
 * A call about a session, NULL if it is gone.
 */
static TriggerCallResult *
change_session(TriggerModify *modify, TupleTableSlot *old,
			   const TriggerEndpoint *endpoint, const char *body)
{
	TriggerCall call = {.endpoint = endpoint, .body = body,
		.repeat = TRIGGER_REPEAT_SAFE, .statuses = {404}};
	TriggerCallResult *result;

	call.key = session_key(modify, old, endpoint);
	result = trigger_call(modify->http, modify->target, &call);
	return result->status == 404 ? NULL : result;
}

/*
 * Are two texts the same, or both missing?
 */
static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/*
 * The body of an update of tags and metadata, NULL if neither changes.
 */
static char *
update_body(TriggerModify *modify, TupleTableSlot *slot, TupleTableSlot *old)
{
	StringInfoData body;
	char	   *metadata = object_text(modify, slot, "metadata");

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	if (trigger_row_sets(modify, "tags") &&
		!same_text(trigger_row_text(modify, slot, "tags"),
				   trigger_row_text(modify, old, "tags")))
		trigger_body_member(&body, "tags",
							trigger_tags_json(trigger_row_strings(modify, slot, "tags"),
											  "session"));
	if (trigger_row_sets(modify, "metadata") &&
		!same_text(metadata, trigger_row_json(modify, old, "metadata")))
		trigger_body_member(&body, "metadata", metadata ? metadata : "null");
	if (body.len == 1)
		return NULL;
	appendStringInfoChar(&body, '}');
	return body.data;
}

/*
 * The body of a close, NULL if the row is not closed by this UPDATE.  *late is
 * set if it was before: its first time and reason stay.
 */
static char *
close_body(TriggerModify *modify, TupleTableSlot *slot, TupleTableSlot *old,
		   bool *late)
{
	StringInfoData body;
	char	   *closed = trigger_row_text(modify, slot, "closed_at");
	char	   *before = trigger_row_text(modify, old, "closed_at");
	char	   *reason = limited_text(modify, slot, "closed_reason", MAX_REASON);
	bool		sets_time = trigger_row_sets(modify, "closed_at") &&
	!same_text(closed, before);
	bool		sets_reason = trigger_row_sets(modify, "closed_reason") &&
	!same_text(reason, trigger_row_text(modify, old, "closed_reason"));

	*late = false;
	if (!sets_time && !sets_reason)
		return NULL;
	if ((sets_time && closed == NULL) || (sets_reason && reason == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a session cannot be opened again")));
	if (before)
	{
		*late = true;
		return NULL;
	}
	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	trigger_body_text(&body, "reason", reason);
	appendStringInfoChar(&body, '}');
	return body.data;
}

/*
 * UPDATE of one row.  Both calls set what is there to what it should be, so
 * they can be repeated.  To close a session that is closed affects no row.
 */
static bool
update_session(TriggerModify *modify, TupleTableSlot *slot, TupleTableSlot *old)
{
	bool		late;
	char	   *closing = close_body(modify, slot, old, &late);
	char	   *update = update_body(modify, slot, old);
	TriggerCallResult *result = NULL;

	if (late)
		return false;
	if (update == NULL && closing == NULL)
		return true;
	if (update)
	{
		result = change_session(modify, old, &trigger_endpoint_sessions_update,
								update);
		if (result == NULL)
			return false;
	}
	if (closing)
	{
		result = change_session(modify, old, &trigger_endpoint_sessions_close,
								closing);
		if (result == NULL)
			return false;
	}
	trigger_written_add(modify->written, trigger_row_text(modify, old, "id"));
	trigger_row_fill(modify, slot, result->body, result->body_len, result->source);
	return true;
}

/*
 * Everything that a statement needs must be known before its first request.
 * A public access token that can close or change no session at all is
 * refused here, before the scan.
 */
static void
check_target(TriggerModify *modify, CmdType operation)
{
	const TriggerTarget *target = modify->target;
	List	   *scopes;
	ListCell   *cell;

	trigger_target_check(target, operation == CMD_INSERT ?
						 &trigger_endpoint_sessions_start :
						 &trigger_endpoint_sessions_update);
	if (operation == CMD_INSERT || target->kind != TRIGGER_CRED_PUBLIC ||
		!trigger_scopes_read(target->credential, &scopes))
		return;
	foreach(cell, scopes)
	{
		const char *scope = lfirst(cell);

		if (strncmp(scope, "admin", 5) == 0 || *scope == '*')
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for operation \"%s\" on server \"%s\"",
					"sessions.update", target->server_name),
			 errdetail("The public access token does not have the scope \"admin\"."),
			 errhint("Use a secret key: a session's own token can neither change nor close it.")));
}

static const char *const insertable[] = {
	"external_id", "type", "task_identifier", "trigger_config", "tags",
	"metadata", "expires_at", NULL
};

static const char *const updatable[] = {
	"tags", "metadata", "closed_at", "closed_reason", NULL
};

const TriggerWriter trigger_writer_sessions = {
	.operations = (1 << CMD_INSERT) | (1 << CMD_UPDATE),
	.insertable = insertable,
	.updatable = updatable,
	.batch_size = 1,
	.delete_hint = "To close sessions, use UPDATE ... SET closed_reason = '...'.",
	.check_target = check_target,
	.insert = start_sessions,
	.update = update_session,
};
