/*-------------------------------------------------------------------------
 *
 * write_runs.c
 *		Writes of runs: trigger, cancel, tags, metadata, reschedule.
 *
 * One row of a statement is one trigger call.  Several rows are calls of the
 * multi-task batch endpoint of the first generation: it is the only one that
 * answers with the runs' ids, in the order of the items, and it takes 500 of
 * them in a megabyte.  (The two-phase batches take 1,000, but create the runs
 * later and in the background, so that neither RETURNING nor "this row was
 * not accepted" could be told.)
 *
 * The server ignores the header that was meant to make requests idempotent.
 * What it honours is an idempotency key among the options, so every row gets
 * one if it has none, and a call whose answer was lost can be repeated.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "call.h"
#include "catalog/pg_type.h"
#include "convert.h"
#include "endpoint.h"
#include "json_reader.h"
#include "mb/pg_wchar.h"
#include "nodes/nodes.h"
#include "rows.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "writer.h"

/* The batch endpoint's limits, a little below what the server refuses. */
#define BATCH_ITEMS		500
#define BATCH_BYTES		(1000 * 1024)

/* The trigger endpoint's limit for a body. */
#define TRIGGER_BYTES	(3 * 1024 * 1024)

/* One row of an INSERT. */
typedef struct NewRun
{
	char	   *task;
	char	   *payload;		/* JSON, NULL: none */
	char	   *options;		/* JSON object */
	bool		has_key;		/* it has an idempotency key ... */
	bool		own_key;		/* ... which is ours */
	char	   *id;				/* after the call */
	bool		cached;
} NewRun;

/*
 * Is this a duration of the server's: numbers with units, at least one?
 */
static bool
is_duration(const char *text)
{
	static const char *const units[] = {"w", "d", "hr", "h", "m", "s", NULL};
	const char *p = text;

	while (*p)
	{
		const char *digits = p;
		int			i;

		while (*p >= '0' && *p <= '9')
			p++;
		if (p == digits)
			return false;
		for (i = 0; units[i]; i++)
		{
			if (strncmp(p, units[i], strlen(units[i])) == 0)
				break;
		}
		if (units[i] == NULL)
			return false;
		p += strlen(units[i]);
	}
	return p != text;
}

/*
 * A ttl: a duration.  (Seconds are a number for the API; as a string it would
 * ignore them.)
 */
static void
check_ttl(const char *ttl)
{
	if (!is_duration(ttl))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid ttl: \"%s\"", ttl),
				 errdetail("The API would ignore it."),
				 errhint("Use a duration such as 1h30m.")));
}

/*
 * Is this a number of seconds?
 */
static bool
is_seconds(const char *text)
{
	return *text && strlen(text) <= 9 && strspn(text, "0123456789") == strlen(text);
}

/*
 * A time to start at must be ahead: the server takes one that has passed for
 * "now".
 */
void
trigger_check_future(TimestampTz when)
{
	if (when <= GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a run cannot be delayed until a time that has passed"),
				 errdetail("The time is %s; the API would start the run at once.",
						   timestamptz_to_str(when))));
}

/*
 * A delay in the API's own words: a duration, or a date that is ahead.
 */
void
trigger_check_delay(const char *delay)
{
	TimestampTz when;

	if (is_duration(delay))
		return;
	if (!trigger_parse_timestamp(delay, strlen(delay), &when))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid delay: \"%s\"", delay),
				 errdetail("The API would ignore it and start the run at once."),
				 errhint("Use a duration such as 1h30m, or a date such as 2030-01-31T12:00:00Z.")));
	trigger_check_future(when);
}

/*
 * How long a generated idempotency key must be remembered: longer than all
 * repetitions of a call can take.
 */
static char *
key_ttl(const TriggerTarget *target)
{
	const TriggerHttpSettings *http = &target->http;
	int64		seconds = (int64) (http->max_retries + 1) *
	(http->request_timeout / 1000 + http->connect_timeout / 1000 + 10) +
	http->rate_limit_wait;

	return psprintf(INT64_FORMAT "m", Max(10, seconds / 60 + 5));
}

/*
 * A string member of a JSON object in UTF-8, NULL if it is not there or not a
 * string.
 */
static char *
option_text(Jsonb *options, const char *name)
{
	JsonbValue	value;

	if (options == NULL ||
		getKeyJsonValueFromContainer(&options->root, name, strlen(name),
									 &value) == NULL ||
		value.type != jbvString)
		return NULL;
	return pg_server_to_any(pnstrdup(value.val.string.val, value.val.string.len),
							value.val.string.len, PG_UTF8);
}

/*
 * The options that columns give.
 */
static void
append_columns(TriggerModify *modify, TupleTableSlot *slot, StringInfo body)
{
	List	   *tags = trigger_row_strings(modify, slot, "tags");
	char	   *metadata = trigger_row_json(modify, slot, "metadata");
	char	   *ttl = trigger_row_text(modify, slot, "ttl");
	char	   *queue = trigger_row_text(modify, slot, "queue");
	TimestampTz delayed;

	if (tags)
		trigger_body_member(body, "tags", trigger_tags_json(tags, "run"));
	if (metadata)
		trigger_body_member(body, "metadata", metadata);
	if (ttl && is_seconds(ttl))
		trigger_body_member(body, "ttl", psprintf("%ld", strtol(ttl, NULL, 10)));
	else if (ttl)
	{
		check_ttl(ttl);
		trigger_body_text(body, "ttl", ttl);
	}
	if (trigger_row_time(modify, slot, "delayed_until", &delayed))
	{
		trigger_check_future(delayed);
		trigger_body_text(body, "delay", trigger_time_text(delayed));
	}
	if (trigger_row_text(modify, slot, "is_test"))
		trigger_body_member(body, "test",
							trigger_row_flag(modify, slot, "is_test", false) ?
							"true" : "false");
	if (queue)
		trigger_body_member(body, "queue",
							psprintf("{\"name\":%s}", trigger_json_quote(queue)));
	trigger_body_text(body, "machine", trigger_row_text(modify, slot, "machine"));
	trigger_body_text(body, "region", trigger_row_text(modify, slot, "region"));
	trigger_body_text(body, "lockToVersion",
					  trigger_row_text(modify, slot, "version"));
}

/*
 * Options that the user gave as JSON: refuse what the server would silently
 * take for something else.
 */
void
trigger_check_options(Jsonb *options)
{
	char	   *delay;
	char	   *ttl;

	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options of a run must be a JSON object")));
	delay = option_text(options, "delay");
	if (delay)
		trigger_check_delay(delay);
	ttl = option_text(options, "ttl");
	if (ttl)
		check_ttl(ttl);
	ttl = option_text(options, "idempotencyKeyTTL");
	if (ttl && !(is_duration(ttl) && strpbrk(ttl, "smhd") == ttl + strlen(ttl) - 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid idempotencyKeyTTL: \"%s\"", ttl),
				 errdetail("The API would ignore it."),
				 errhint("Use one number and one of the units s, m, h, d.")));
}

/*
 * The row's options as JSON, checked; NULL if it has none.
 */
static Jsonb *
given_options(TriggerModify *modify, TupleTableSlot *slot)
{
	char	   *text = trigger_row_text(modify, slot, "trigger_options");
	Jsonb	   *options;

	if (text == NULL)
		return NULL;
	text = pg_any_to_server(text, strlen(text), PG_UTF8);
	options = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	trigger_check_options(options);
	return options;
}

/*
 * The idempotency key that a row brings, NULL if none: an empty one is none
 * for the API.
 */
static char *
given_key(TriggerModify *modify, TupleTableSlot *slot, Jsonb *options)
{
	char	   *key = trigger_row_text(modify, slot, "idempotency_key");

	if (key == NULL || *key == '\0')
		key = option_text(options, "idempotencyKey");
	return key && *key ? key : NULL;
}

/*
 * Everything about a new run, from its row.
 */
static void
read_run(TriggerModify *modify, TupleTableSlot *slot, NewRun *run)
{
	StringInfoData columns;
	Jsonb	   *options = given_options(modify, slot);
	char	   *key = given_key(modify, slot, options);
	Datum		merged;

	run->task = trigger_row_text(modify, slot, "task_identifier");
	if (run->task == NULL || *run->task == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("null value in column \"task_identifier\" of foreign table \"%s\"",
						modify->rel->name)));
	if (strcmp(run->task, ".") == 0 || strcmp(run->task, "..") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid task identifier: \"%s\"", run->task)));
	run->payload = trigger_row_json(modify, slot, "payload");

	initStringInfo(&columns);
	appendStringInfoChar(&columns, '{');
	append_columns(modify, slot, &columns);
	run->own_key = modify->idempotent && key == NULL;
	if (run->own_key)
	{
		key = psprintf("trigger_fdw_%s", trigger_random_name());
		trigger_body_text(&columns, "idempotencyKeyTTL", key_ttl(modify->target));
	}
	run->has_key = key != NULL;
	trigger_body_text(&columns, "idempotencyKey", key);
	appendStringInfoChar(&columns, '}');

	/* columns win over options of the same name */
	if (options)
	{
		char	   *text = pg_any_to_server(columns.data, columns.len, PG_UTF8);

		merged = DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(options),
									 DirectFunctionCall1(jsonb_in,
														 CStringGetDatum(text)));
		text = JsonbToCString(NULL, &DatumGetJsonbP(merged)->root, -1);
		run->options = pg_server_to_any(text, strlen(text), PG_UTF8);
	}
	else
		run->options = columns.data;

	if ((run->payload ? strlen(run->payload) : 0) + strlen(run->options) + 64 >
		TRIGGER_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("payload for task \"%s\" is too large", run->task),
				 errdetail("With its options it has %zu bytes; the API takes %d.",
						   (run->payload ? strlen(run->payload) : 0) +
						   strlen(run->options), TRIGGER_BYTES)));
}

/*
 * What is common to a trigger's body and a batch's item.
 */
static void
append_run(StringInfo body, const NewRun *run)
{
	if (run->payload)
		trigger_body_member(body, "payload", run->payload);
	trigger_body_member(body, "options", run->options);
	appendStringInfoChar(body, '}');
}

/*
 * May a call for these runs be repeated without doing anything twice?  Every
 * one of them needs a key for that.
 */
static bool
all_have_keys(const NewRun *runs, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (!runs[i].has_key)
			return false;
	}
	return true;
}

/*
 * Trigger one run.
 */
static void
trigger_one(TriggerModify *modify, NewRun *run)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_tasks_trigger, .key = run->task};
	TriggerCallResult *result;
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	append_run(&body, run);
	call.body = body.data;
	call.repeat = all_have_keys(run, 1) ? TRIGGER_REPEAT_SAFE : TRIGGER_REPEAT_NEVER;
	result = trigger_call(modify->http, modify->target, &call);
	trigger_run_result(result, &run->id, &run->cached);

	/* found by a repetition: it is the run of the call before */
	if (run->own_key || result->repeated)
		run->cached = false;
}

/*
 * Read "id" and "isCached" of a trigger's answer.
 */
void
trigger_run_result(const TriggerCallResult *result, char **id, bool *cached)
{
	TriggerField fields[2] = {
		{.path = "id", .label = "id", .required = true,
		.kind = TRIGGER_JSON_STRING, .null_slot = -1},
		{.path = "isCached", .label = "isCached",
		.kind = TRIGGER_JSON_BOOLEAN, .null_slot = -1}
	};
	TriggerRows *rows;

	trigger_field_init(&fields[0], TEXTOID, -1);
	trigger_field_init(&fields[1], BOOLOID, -1);
	rows = trigger_decode(trigger_decoder_create(fields, 2, TRIGGER_PAGING_ITEM,
												 NULL, "runs"),
						  result->body, result->body_len, result->source);
	*id = TextDatumGetCString(rows->values[0]);
	*cached = !rows->nulls[1] && DatumGetBool(rows->values[1]);
}

/*
 * Is a text in a list?
 */
static bool
has_text(List *list, const char *text)
{
	ListCell   *cell;

	foreach(cell, list)
	{
		if (strcmp(lfirst(cell), text) == 0)
			return true;
	}
	return false;
}

/*
 * Trigger several runs with one call.
 */
static void
trigger_many(TriggerModify *modify, NewRun *runs, int n, StringInfo items)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_tasks_batch};
	TriggerCallResult *result;
	TriggerField fields[2] = {
		{.path = "id", .label = "id", .required = true,
		.kind = TRIGGER_JSON_STRING, .null_slot = -1},
		{.path = "isCached", .label = "isCached",
		.kind = TRIGGER_JSON_BOOLEAN, .null_slot = -1}
	};
	TriggerRows *rows;

	call.body = psprintf("{\"items\":[%s]}", items->data);
	for (int i = 0; i < n; i++)
	{
		if (!has_text(call.scope_ids, runs[i].task))
			call.scope_ids = lappend(call.scope_ids, runs[i].task);
	}
	call.repeat = all_have_keys(runs, n) ? TRIGGER_REPEAT_SAFE : TRIGGER_REPEAT_NEVER;
	result = trigger_call(modify->http, modify->target, &call);

	trigger_field_init(&fields[0], TEXTOID, -1);
	trigger_field_init(&fields[1], BOOLOID, -1);
	rows = trigger_decode(trigger_decoder_create(fields, 2, TRIGGER_PAGING_NONE,
												 "runs", modify->rel->name),
						  result->body, result->body_len, result->source);
	if (rows->nrows != n)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("answer of the API is not as promised"),
				 errdetail("%s: %d runs for %d items.", result->source,
						   rows->nrows, n)));
	for (int i = 0; i < n; i++)
	{
		runs[i].id = TextDatumGetCString(rows->values[2 * i]);
		runs[i].cached = !rows->nulls[2 * i + 1] &&
			DatumGetBool(rows->values[2 * i + 1]) &&
			!runs[i].own_key && !result->repeated;
	}
}

/*
 * A key of the user's named a run that exists: nothing was triggered.
 */
static void
notice_cached(TriggerModify *modify, const NewRun *run)
{
	if (!modify->do_nothing)
		ereport(NOTICE,
				(errcode(ERRCODE_SUCCESSFUL_COMPLETION),
				 errmsg("no run was triggered for a row of foreign table \"%s\"",
						modify->rel->name),
				 errdetail("Run \"%s\" has the row's idempotency key.", run->id)));
}

/*
 * Show the row as the API has it, if anybody looks.
 */
static void
fill_from_run(TriggerModify *modify, TupleTableSlot *slot, const char *id)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_runs_retrieve, .key = id,
		.repeat = TRIGGER_REPEAT_SAFE};
	TriggerCallResult *result;

	trigger_row_set(modify, slot, "id", id);
	if (!modify->reread)
		return;
	result = trigger_call(modify->http, modify->target, &call);
	trigger_row_fill(modify, slot, result->body, result->body_len, result->source);
	trigger_row_set(modify, slot, "environment", modify->target->environment);
}

/*
 * Runs whose calls have succeeded.
 */
static void
finish_runs(TriggerModify *modify, TupleTableSlot **slots, NewRun *runs, int n,
			bool *written)
{
	for (int i = 0; i < n; i++)
	{
		written[i] = !runs[i].cached;
		if (written[i])
			trigger_written_add(modify->written, runs[i].id);
		else
			notice_cached(modify, &runs[i]);
	}

	/* reading them may fail, so all are noted before the first */
	for (int i = 0; i < n; i++)
	{
		if (written[i])
			fill_from_run(modify, slots[i], runs[i].id);
	}
}

/*
 * INSERT.
 */
static void
insert_runs(TriggerModify *modify, TupleTableSlot **slots, int n, bool *written)
{
	NewRun	   *runs = palloc0(n * sizeof(NewRun));
	StringInfoData items;
	int			first = 0;

	/* everything is checked before anything is triggered */
	for (int i = 0; i < n; i++)
		read_run(modify, slots[i], &runs[i]);

	initStringInfo(&items);
	for (int i = 0; i <= n; i++)
	{
		StringInfoData item;

		initStringInfo(&item);
		if (i < n)
		{
			appendStringInfoString(&item, "{");
			trigger_body_text(&item, "task", runs[i].task);
			append_run(&item, &runs[i]);
		}

		/* what is collected so far is full, or all there is */
		if (i > first && (i == n || i - first == BATCH_ITEMS ||
						  items.len + item.len > BATCH_BYTES))
		{
			if (i - first == 1)
				trigger_one(modify, &runs[first]);
			else
				trigger_many(modify, runs + first, i - first, &items);
			finish_runs(modify, slots + first, runs + first, i - first,
						written + first);
			first = i;
			resetStringInfo(&items);
		}
		appendStringInfo(&items, "%s%s", items.len ? "," : "", item.data);
	}
}

/*
 * Has the run come to its end?
 */
static bool
is_final(const char *status)
{
	static const char *const final[] = {"COMPLETED", "CANCELED", "FAILED",
		"CRASHED", "INTERRUPTED", "SYSTEM_FAILURE", "EXPIRED", "TIMED_OUT", NULL
	};

	for (int i = 0; final[i]; i++)
	{
		if (strcmp(final[i], status) == 0)
			return true;
	}
	return false;
}

/*
 * What an UPDATE of a run comes to: the calls to make, NULL or NIL for none.
 */
typedef struct RunChange
{
	List	   *tags;			/* to add */
	char	   *metadata;		/* to replace it with */
	char	   *delay;			/* to put it off until */
	bool		cancel;
	bool		too_late;		/* to cancel a run that is over */
} RunChange;

/*
 * Tags that are new.  There is no way to remove one.
 */
static List *
plan_tags(const char *id, List *tags, List *before)
{
	List	   *added = NIL;
	ListCell   *cell;

	foreach(cell, before)
	{
		if (!has_text(tags, lfirst(cell)))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot remove tag \"%s\" from run \"%s\"",
							(char *) lfirst(cell), id),
					 errdetail("The API can only add tags."),
					 errhint("Use SET tags = tags || '{...}'.")));
	}
	foreach(cell, tags)
	{
		if (!has_text(before, lfirst(cell)) && !has_text(added, lfirst(cell)))
			added = lappend(added, lfirst(cell));
	}
	if (added && list_length(added) + list_length(before) > TRIGGER_MAX_TAGS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a run can have at most %d tags", TRIGGER_MAX_TAGS),
				 errdetail("Run \"%s\" would have %d.", id,
						   list_length(added) + list_length(before))));
	return added;
}

/*
 * The metadata to send, NULL if it has not changed.
 */
static char *
plan_metadata(char *metadata, const char *before)
{
	TriggerJson json;

	if ((metadata == NULL && before == NULL) ||
		(metadata && before && strcmp(metadata, before) == 0))
		return NULL;
	if (metadata)
		trigger_json_open(&json, metadata, strlen(metadata), "metadata");
	if (metadata == NULL || trigger_json_peek(&json) != JSON_TOKEN_OBJECT_START)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("metadata of a run must be a JSON object")));
	return metadata;
}

/*
 * The time to put a run off until, NULL if it has not changed.
 */
static char *
plan_delay(TriggerModify *modify, TupleTableSlot *slot, TupleTableSlot *old)
{
	TimestampTz when;
	TimestampTz before;
	bool		set = trigger_row_time(modify, slot, "delayed_until", &when);
	bool		had = trigger_row_time(modify, old, "delayed_until", &before);

	if (set == had && (!set || when == before))
		return NULL;
	if (!set)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the delay of a run cannot be removed")));
	trigger_check_future(when);
	return trigger_time_text(when);
}

/*
 * Work out an UPDATE, and refuse it, before anything is sent.
 */
static void
plan_change(TriggerModify *modify, const char *id, TupleTableSlot *slot,
			TupleTableSlot *old, RunChange *change)
{
	char	   *status = trigger_row_text(modify, slot, "status");
	char	   *before = trigger_row_text(modify, old, "status");

	memset(change, 0, sizeof(RunChange));
	if (trigger_row_sets(modify, "status") &&
		!(status && before && strcmp(status, before) == 0))
	{
		if (status == NULL || strcmp(status, "CANCELED") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot set the status of a run to \"%s\"",
							status ? status : "NULL"),
					 errhint("Only 'CANCELED' can be set: it cancels the run.")));
		change->too_late = before && is_final(before);
		change->cancel = !change->too_late;
	}
	if (trigger_row_sets(modify, "tags"))
	{
		change->tags = plan_tags(id, trigger_row_strings(modify, slot, "tags"),
								 trigger_row_strings(modify, old, "tags"));
		if (change->tags)
			(void) trigger_tags_json(change->tags, "run");
	}
	if (trigger_row_sets(modify, "metadata"))
		change->metadata = plan_metadata(trigger_row_json(modify, slot, "metadata"),
										 trigger_row_json(modify, old, "metadata"));
	if (trigger_row_sets(modify, "delayed_until"))
		change->delay = plan_delay(modify, slot, old);
}

/*
 * One call about a run; false if the run is not there.
 */
static bool
change_run(TriggerModify *modify, const TriggerEndpoint *endpoint,
		   const char *id, const char *body)
{
	TriggerCall call = {.endpoint = endpoint, .key = id, .body = body,
		.repeat = TRIGGER_REPEAT_SAFE, .statuses = {404}};

	return trigger_call(modify->http, modify->target, &call)->status != 404;
}

/*
 * UPDATE of one row.  All of its calls may be repeated: each sets what is
 * there to what it should be.
 */
static bool
update_run(TriggerModify *modify, TupleTableSlot *slot, TupleTableSlot *old)
{
	char	   *id = trigger_row_text(modify, old, "id");
	RunChange	change;

	if (id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("foreign table \"%s\" has no column \"id\" to write by",
						modify->rel->name)));
	plan_change(modify, id, slot, old, &change);
	if (change.too_late)
		return false;			/* as if another had just changed the row */

	/* cancelling comes last: a run that is over takes no metadata */
	if (change.tags &&
		!change_run(modify, &trigger_endpoint_runs_add_tags, id,
					psprintf("{\"tags\":%s}", trigger_tags_json(change.tags, "run"))))
		return false;
	if (change.metadata &&
		!change_run(modify, &trigger_endpoint_runs_metadata, id,
					psprintf("{\"metadata\":%s}", change.metadata)))
		return false;
	if (change.delay &&
		!change_run(modify, &trigger_endpoint_runs_reschedule, id,
					psprintf("{\"delay\":\"%s\"}", change.delay)))
		return false;
	if (change.cancel && !change_run(modify, &trigger_endpoint_runs_cancel, id, NULL))
		return false;
	trigger_written_add(modify->written, id);
	if (modify->reread)
		fill_from_run(modify, slot, id);
	return true;
}

/*
 * Everything that a statement needs must be known before its first request.
 */
static void
check_target(TriggerModify *modify, CmdType operation)
{
	if (operation == CMD_INSERT)
	{
		/* how many rows there will be is not known yet */
		TriggerEndpoint either = trigger_endpoint_tasks_trigger;

		either.operation = "tasks.trigger or tasks.batchTrigger";
		trigger_target_check(modify->target, &either);
	}
	else
	{
		if (trigger_row_sets(modify, "status"))
			trigger_target_check(modify->target, &trigger_endpoint_runs_cancel);
		if (trigger_row_sets(modify, "tags"))
			trigger_target_check(modify->target, &trigger_endpoint_runs_add_tags);
		if (trigger_row_sets(modify, "metadata"))
			trigger_target_check(modify->target, &trigger_endpoint_runs_metadata);
		if (trigger_row_sets(modify, "delayed_until"))
			trigger_target_check(modify->target, &trigger_endpoint_runs_reschedule);
	}
}

static const char *const insertable[] = {
	"task_identifier", "payload", "idempotency_key", "trigger_options", "tags",
	"metadata", "delayed_until", "ttl", "is_test", "queue", "machine", "region",
	"version", NULL
};

static const char *const updatable[] = {
	"status", "tags", "metadata", "delayed_until", NULL
};

static const char *const known_inserted[] = {
	"id", "task_identifier", "payload", "idempotency_key", "trigger_options",
	NULL
};

static const char *const known_updated[] = {
	"id", "task_identifier", NULL
};

const TriggerWriter trigger_writer_runs = {
	.operations = (1 << CMD_INSERT) | (1 << CMD_UPDATE),
	.insertable = insertable,
	.updatable = updatable,
	.known_inserted = known_inserted,
	.known_updated = known_updated,
	.batch_size = 1000,
	.delete_hint = "To cancel runs, use UPDATE ... SET status = 'CANCELED'.",
	.check_target = check_target,
	.insert = insert_runs,
	.update = update_run,
};
