/*-------------------------------------------------------------------------
 *
 * write_schedules.c
 *		Writes of schedules.
 *
 * Three habits of the server shape this file.  An update replaces everything,
 * so every field is sent.  A create with a deduplication key that exists is
 * an update, and one that exists in another environment of the project even
 * moves the schedule here; the answers tell no difference.  And an update of
 * an unknown id creates a schedule of another id.
 *
 * The last habit is what makes the second harmless: an update addressed by
 * the key is refused (404) exactly if another environment has the key, and
 * else creates a stray schedule, under a key of its own, which is deleted at
 * once.  It never runs: its cron fires on 29 February only.
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
#include "nodes/nodes.h"
#include "rows.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "writer.h"

/* Cron of the stray schedule that looks for a key in other environments. */
#define PROBE_CRON		"0 0 29 2 *"

/*
 * A cron expression has five fields with single blanks between them: the
 * server takes two blanks for an empty field, fails on fewer fields, and
 * fails on nicknames.
 */
static void
check_cron(const char *cron)
{
	int			fields = 1;
	bool		valid = *cron != '\0';

	for (const char *p = cron; *p; p++)
	{
		if (*p != ' ')
			continue;
		fields++;
		if (p == cron || p[1] == ' ' || p[1] == '\0')
			valid = false;
	}
	if (!valid || fields != 5 || *cron == '@')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid cron expression: \"%s\"", cron),
				 errhint("It needs five fields, separated by single blanks: minute, hour, day of month, month, day of week.")));
}

/*
 * A column that must not be null.
 */
static char *
required_text(TriggerModify *modify, TupleTableSlot *slot, const char *column)
{
	char	   *text = trigger_row_text(modify, slot, column);

	if (text == NULL || *text == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("null value in column \"%s\" of foreign table \"%s\"",
						column, modify->rel->name)));
	return text;
}

/*
 * Everything that an update would reset if it were left out.
 */
static void
append_settings(TriggerModify *modify, TupleTableSlot *slot, StringInfo body)
{
	trigger_body_text(body, "cron", required_text(modify, slot, "cron"));
	trigger_body_text(body, "timezone",
					  trigger_row_text(modify, slot, "timezone"));
	trigger_body_text(body, "externalId",
					  trigger_row_text(modify, slot, "external_id"));
	trigger_body_text(body, "window",
					  trigger_row_text(modify, slot, "schedule_window"));
}

/*
 * Delete by id; true if it was there.
 */
static bool
delete_id(TriggerModify *modify, const char *id)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_schedules_del, .key = id,
		.repeat = TRIGGER_REPEAT_SAFE, .statuses = {404}};
	TriggerCallResult *result = trigger_call(modify->http, modify->target, &call);

	/* if an answer was lost, "not there" means that it is done */
	return result->status != 404 || result->repeated;
}

/*
 * A key is taken.
 */
static void
report_taken(const char *key, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("a schedule with deduplication key \"%s\" already exists", key),
			 errdetail("%s", detail)));
}

/*
 * Delete the stray schedule of a probe whose answer was lost; its external
 * id tells which it is.
 */
static void
delete_stray(TriggerModify *modify, const char *mark)
{
	TriggerField fields[2] = {
		{.path = "id", .label = "id", .required = true,
		.kind = TRIGGER_JSON_STRING, .null_slot = -1},
		{.path = "externalId", .label = "external_id",
		.kind = TRIGGER_JSON_STRING, .null_slot = -1}
	};
	TriggerDecoder *decoder;
	int			page = 1;
	int			pages = 1;

	trigger_field_init(&fields[0], TEXTOID, -1);
	trigger_field_init(&fields[1], TEXTOID, -1);
	decoder = trigger_decoder_create(fields, 2, TRIGGER_PAGING_NUMBER, "data",
									 modify->rel->name);
	for (; page <= pages; page++)
	{
		TriggerCall call = {.endpoint = &trigger_endpoint_schedules_list,
			.repeat = TRIGGER_REPEAT_SAFE, .page = page};
		TriggerCallResult *result = trigger_call(modify->http, modify->target,
												 &call);
		TriggerRows *rows = trigger_decode(decoder, result->body,
										   result->body_len, result->source);

		pages = rows->total_pages;
		for (int i = 0; i < rows->nrows; i++)
		{
			if (!rows->nulls[2 * i + 1] &&
				strcmp(TextDatumGetCString(rows->values[2 * i + 1]), mark) == 0)
			{
				(void) delete_id(modify,
								 TextDatumGetCString(rows->values[2 * i]));
				return;
			}
		}
	}
}

/*
 * Stray schedules of probes that were interrupted: their marks, in
 * TopMemoryContext, and the servers that have them, in the same order.
 */
static List *strays = NIL;
static List *stray_servers = NIL;

/*
 * Note a stray.
 */
static void
remember_stray(TriggerModify *modify, const char *mark)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	strays = lcons(pstrdup(mark), strays);
	stray_servers = lcons_oid(modify->target->serverid, stray_servers);
	MemoryContextSwitchTo(old);
}

/*
 * Forget the n-th of them.
 */
static void
forget_stray(int n)
{
	pfree(list_nth(strays, n));
	strays = list_delete_nth_cell(strays, n);
	stray_servers = list_delete_nth_cell(stray_servers, n);
}

/*
 * Delete what interrupted statements of this session have left on the server.
 */
static void
delete_strays(TriggerModify *modify)
{
	for (int n = list_length(strays) - 1; n >= 0; n--)
	{
		if (list_nth_oid(stray_servers, n) != modify->target->serverid)
			continue;
		delete_stray(modify, list_nth(strays, n));
		forget_stray(n);
	}
}

/*
 * Send the probe; NULL if nobody knows what became of it.  Between the
 * probe and its answer a cancel may come: whoever cancels does not want to
 * wait until we have cleaned up, so that is left to the next statement, and
 * said.
 */
static TriggerCallResult *
send_probe(TriggerModify *modify, TriggerCall *call, char *mark)
{
	TriggerCallResult *volatile result = NULL;
	volatile bool made = false; /* or nobody knows */

	remember_stray(modify, mark);
	call->report_loss = true;
	PG_TRY();
	{
		result = trigger_call(modify->http, modify->target, call);
		made = result->lost || result->status != 404;
		if (result->lost)
			delete_stray(modify, mark);
		else if (made)
			(void) delete_id(modify, trigger_call_member(result, "id"));
	}
	PG_CATCH();
	{
		/* an answer that is an error says that there is none */
		if (made || geterrcode() == ERRCODE_QUERY_CANCELED ||
			geterrcode() == ERRCODE_ADMIN_SHUTDOWN)
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg("a schedule with external id \"%s\" may be left", mark),
					 errdetail("It was made to look for a deduplication key, and the statement ended before it was deleted."),
					 errhint("The next INSERT of a deduplication key in this session deletes it.")));
		else
			forget_stray(0);
		PG_RE_THROW();
	}
	PG_END_TRY();
	forget_stray(0);
	return result->lost ? NULL : result;
}

/*
 * Is a deduplication key taken by another environment?  See the head of this
 * file.
 */
static bool
is_taken_elsewhere(TriggerModify *modify, const char *key, const char *task)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_schedules_update, .key = key,
		.repeat = TRIGGER_REPEAT_NEVER, .statuses = {404}};
	TriggerCallResult *result = NULL;
	StringInfoData body;
	char	   *mark = psprintf("trigger_fdw probe %s", trigger_random_name());

	delete_strays(modify);
	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	trigger_body_text(&body, "task", task);
	trigger_body_text(&body, "cron", PROBE_CRON);
	trigger_body_text(&body, "externalId", mark);
	appendStringInfoChar(&body, '}');
	call.body = body.data;

	for (int attempt = 0; result == NULL; attempt++)
	{
		if (attempt > modify->target->http.max_retries)
			ereport(ERROR,
					(errcode(ERRCODE_CONNECTION_FAILURE),
					 errmsg("could not find out whether deduplication key \"%s\" is free",
							key),
					 errdetail("The connection to server \"%s\" was lost.  Nothing was created.",
							   modify->target->server_name)));
		result = send_probe(modify, &call, mark);
	}
	return result->status == 404;
}

/*
 * Is a deduplication key free?
 */
static bool
is_key_free(TriggerModify *modify, const char *key, const char *task)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_schedules_retrieve, .key = key,
		.repeat = TRIGGER_REPEAT_SAFE, .statuses = {404}};

	if (strncmp(key, "sched_", 6) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid deduplication key: \"%s\"", key),
				 errdetail("The API would take it for the id of a schedule.")));
	if (strcmp(key, ".") == 0 || strcmp(key, "..") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid deduplication key: \"%s\"", key)));

	if (trigger_call(modify->http, modify->target, &call)->status != 404)
	{
		if (!modify->do_nothing)
			report_taken(key, "It belongs to a schedule of this environment.");
		return false;
	}
	if (is_taken_elsewhere(modify, key, task))
	{
		if (!modify->do_nothing)
			report_taken(key, "It belongs to a schedule of another environment of the project.");
		return false;
	}
	return true;
}

/*
 * Switch a schedule on or off; NULL if it is gone.
 */
static TriggerCallResult *
set_active(TriggerModify *modify, const char *id, bool active)
{
	TriggerCall call = {.key = id, .repeat = TRIGGER_REPEAT_SAFE,
		.statuses = {404}};
	TriggerCallResult *result;

	call.endpoint = active ? &trigger_endpoint_schedules_activate :
		&trigger_endpoint_schedules_deactivate;
	result = trigger_call(modify->http, modify->target, &call);
	return result->status == 404 ? NULL : result;
}

/*
 * INSERT of one row.  With a key of ours the call can be repeated: a second
 * one would be an update to the same values.
 */
static bool
insert_schedule(TriggerModify *modify, TupleTableSlot *slot)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_schedules_create,
		.repeat = TRIGGER_REPEAT_SAFE};
	TriggerCallResult *result;
	StringInfoData body;
	char	   *task = required_text(modify, slot, "task");
	char	   *key = trigger_row_text(modify, slot, "deduplication_key");
	char	   *id;

	check_cron(required_text(modify, slot, "cron"));
	if (key == NULL || *key == '\0')
		key = psprintf("trigger_fdw_%s", trigger_random_name());
	else if (!is_key_free(modify, key, task))
		return false;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	trigger_body_text(&body, "task", task);
	trigger_body_text(&body, "deduplicationKey", key);
	append_settings(modify, slot, &body);
	appendStringInfoChar(&body, '}');
	call.body = body.data;
	result = trigger_call(modify->http, modify->target, &call);
	id = trigger_call_member(result, "id");
	if (id == NULL || strcmp(trigger_call_member(result, "task"), task) != 0)
		report_taken(key, "Another session has just created it.");
	trigger_written_add(modify->written, id);

	if (!trigger_row_flag(modify, slot, "active", true))
	{
		TriggerCallResult *inactive = set_active(modify, id, false);

		if (inactive)
			result = inactive;
	}
	trigger_row_fill(modify, slot, result->body, result->body_len, result->source);
	return true;
}

/*
 * INSERT: the API creates them one by one.
 */
static void
insert_schedules(TriggerModify *modify, TupleTableSlot **slots, int n,
				 bool *written)
{
	for (int i = 0; i < n; i++)
		written[i] = insert_schedule(modify, slots[i]);
}

/*
 * How many environments does a schedule have?
 */
static int
count_environments(const char *environments)
{
	TriggerJson json;
	int			n = 0;

	trigger_json_open(&json, environments, strlen(environments), "environments");
	trigger_json_expect(&json, JSON_TOKEN_ARRAY_START, "a list");
	if (trigger_json_peek(&json) == JSON_TOKEN_ARRAY_END)
		return 0;
	do
	{
		trigger_json_skip(&json);
		n++;
	} while (trigger_json_more(&json, JSON_TOKEN_ARRAY_END));
	return n;
}

/*
 * Fields that must be known before a schedule is changed, and the columns
 * that show them.
 */
static const struct
{
	const char *column;
	const char *path;
	TriggerJsonKind kind;
	Oid			type;
}			needed[] =

{
	{"type", "type", TRIGGER_JSON_STRING, TEXTOID},
	{"task", "task", TRIGGER_JSON_STRING, TEXTOID},
	{"active", "active", TRIGGER_JSON_BOOLEAN, BOOLOID},
	{"cron", "generator.expression", TRIGGER_JSON_STRING, TEXTOID},
	{"timezone", "timezone", TRIGGER_JSON_STRING, TEXTOID},
	{"external_id", "externalId", TRIGGER_JSON_STRING, TEXTOID},
	{"schedule_window", "window", TRIGGER_JSON_STRING, TEXTOID},
	{"environments", "environments", TRIGGER_JSON_ANY, JSONOID}
};

enum Needed
{
	NeedType, NeedTask, NeedActive, NeedCron, NeedTimezone, NeedExternalId,
	NeedWindow, NeedEnvironments, NeedCount
};

/* A schedule as it is: a text (in UTF-8) for each of them, or NULL. */
typedef struct Schedule
{
	char	   *id;
	char	   *is[NeedCount];
} Schedule;

/*
 * Does the table have a column?
 */
static bool
has_column(TriggerModify *modify, const char *column)
{
	return trigger_relation_column(modify->rel,
								   trigger_column_find(modify->rel->resource,
													   column)) != 0;
}

/*
 * Ask for a schedule; false if it is gone.
 */
static bool
retrieve_schedule(TriggerModify *modify, Schedule *schedule)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_schedules_retrieve, .key = schedule->id,
		.repeat = TRIGGER_REPEAT_SAFE, .statuses = {404}};
	TriggerCallResult *result = trigger_call(modify->http, modify->target, &call);
	TriggerField fields[NeedCount] = {{0}};
	TriggerDecoder *decoder;
	TriggerRows *rows;

	if (result->status == 404)
		return false;
	for (int i = 0; i < NeedCount; i++)
	{
		fields[i].path = needed[i].path;
		fields[i].label = needed[i].column;
		fields[i].kind = needed[i].kind;
		fields[i].null_slot = -1;
		trigger_field_init(&fields[i], needed[i].type, -1);
	}
	decoder = trigger_decoder_create(fields, NeedCount, TRIGGER_PAGING_ITEM, NULL,
									 modify->rel->name);
	rows = trigger_decode(decoder, result->body, result->body_len, result->source);
	for (int i = 0; i < NeedCount; i++)
	{
		if (rows->nulls[i])
			schedule->is[i] = NULL;
		else if (needed[i].type == BOOLOID)
			schedule->is[i] = DatumGetBool(rows->values[i]) ? "t" : "f";
		else
			schedule->is[i] = TextDatumGetCString(rows->values[i]);
	}
	return true;
}

/*
 * The schedule of a row, as the scan has just seen it.  Only a table that
 * leaves out some of the columns costs another request.  False if it is gone.
 */
static bool
current_schedule(TriggerModify *modify, TupleTableSlot *old, Schedule *schedule)
{
	schedule->id = trigger_row_text(modify, old, "id");
	if (schedule->id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("foreign table \"%s\" has no column \"id\" to write by",
						modify->rel->name)));
	for (int i = 0; i < NeedCount; i++)
	{
		if (!has_column(modify, needed[i].column))
			return retrieve_schedule(modify, schedule);
		schedule->is[i] = trigger_row_text(modify, old, needed[i].column);
	}
	return true;
}

/*
 * Schedules that are defined in code come back with the next deployment, and
 * those of several environments would lose all but this one.
 */
static void
check_changeable(const Schedule *schedule)
{
	if (schedule->is[NeedType] && strcmp(schedule->is[NeedType], "DECLARATIVE") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot change declarative schedule \"%s\"", schedule->id),
				 errdetail("Cannot update a declarative schedule: it is defined in the code of task \"%s\".",
						   schedule->is[NeedTask]),
				 errhint("Change the code and deploy it.")));
	if (schedule->is[NeedEnvironments] &&
		count_environments(schedule->is[NeedEnvironments]) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot change schedule \"%s\" of several environments",
						schedule->id),
				 errdetail("The API would remove it from all environments but this one.")));
}

/*
 * Has a column's value changed?
 */
static bool
differs(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a != b;
	return strcmp(a, b) != 0;
}

/*
 * The new value of a field: the row's, or what it is if the table does not
 * have the column.
 */
static char *
new_value(TriggerModify *modify, TupleTableSlot *slot, const Schedule *schedule,
		  enum Needed which)
{
	if (!has_column(modify, needed[which].column))
		return schedule->is[which];
	return trigger_row_text(modify, slot, needed[which].column);
}

/*
 * Send new settings.  If the answer is lost, they may be sent again only if
 * the schedule is still there: for one that is gone, each time would create
 * another.  NULL if it is gone.
 */
static TriggerCallResult *
send_settings(TriggerModify *modify, TriggerCall *call, const Schedule *schedule)
{
	TriggerCall look = {.endpoint = &trigger_endpoint_schedules_retrieve, .key = schedule->id,
		.repeat = TRIGGER_REPEAT_SAFE, .statuses = {404}};

	for (int attempt = 0;; attempt++)
	{
		TriggerCallResult *result;

		/* after the last chance, say that the outcome is unknown */
		call->report_loss = attempt < modify->target->http.max_retries;
		result = trigger_call(modify->http, modify->target, call);
		if (!result->lost)
			return result;
		if (trigger_call(modify->http, modify->target, &look)->status == 404)
		{
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg("schedule \"%s\" was deleted while it was changed",
							schedule->id),
					 errdetail("The connection was lost; the API may have created a schedule with the new settings instead.")));
			return NULL;
		}
	}
}

/*
 * Replace a schedule's settings; NULL if it is gone.
 */
static TriggerCallResult *
replace_settings(TriggerModify *modify, TupleTableSlot *slot,
				 const Schedule *schedule)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_schedules_update, .key = schedule->id,
		.repeat = TRIGGER_REPEAT_ANSWERED, .statuses = {404}};
	TriggerCallResult *result;
	StringInfoData body;
	char	   *cron = new_value(modify, slot, schedule, NeedCron);
	char	   *id;

	if (cron == NULL)
		cron = required_text(modify, slot, "cron");
	check_cron(cron);
	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	trigger_body_text(&body, "task", schedule->is[NeedTask]);
	trigger_body_text(&body, "cron", cron);
	trigger_body_text(&body, "timezone",
					  new_value(modify, slot, schedule, NeedTimezone));
	trigger_body_text(&body, "externalId",
					  new_value(modify, slot, schedule, NeedExternalId));
	trigger_body_text(&body, "window",
					  new_value(modify, slot, schedule, NeedWindow));
	appendStringInfoChar(&body, '}');
	call.body = body.data;
	result = send_settings(modify, &call, schedule);
	if (result == NULL || result->status == 404)
		return NULL;

	/* it was gone, and the server has made another one instead */
	id = trigger_call_member(result, "id");
	if (id && strcmp(id, schedule->id) != 0)
	{
		(void) delete_id(modify, id);
		return NULL;
	}
	return result;
}

/*
 * UPDATE of one row.
 */
static bool
update_schedule(TriggerModify *modify, TupleTableSlot *slot, TupleTableSlot *old)
{
	static const enum Needed settings[] = {NeedCron, NeedTimezone,
		NeedExternalId, NeedWindow};
	Schedule	schedule;
	TriggerCallResult *result = NULL;
	bool		active;
	bool		replace = false;

	if (!current_schedule(modify, old, &schedule))
		return false;
	for (int i = 0; i < lengthof(settings); i++)
		replace = replace ||
			differs(new_value(modify, slot, &schedule, settings[i]),
					schedule.is[settings[i]]);
	active = schedule.is[NeedActive] && schedule.is[NeedActive][0] == 't';
	if (trigger_row_sets(modify, "active"))
		(void) required_text(modify, slot, "active");
	if (!replace && trigger_row_flag(modify, slot, "active", active) == active)
		return true;			/* nothing to change */
	check_changeable(&schedule);

	if (replace)
	{
		result = replace_settings(modify, slot, &schedule);
		if (result == NULL)
			return false;
	}
	if (trigger_row_flag(modify, slot, "active", active) != active)
	{
		result = set_active(modify, schedule.id, !active);
		if (result == NULL)
			return false;
	}
	trigger_written_add(modify->written, schedule.id);
	trigger_row_fill(modify, slot, result->body, result->body_len, result->source);
	return true;
}

/*
 * DELETE of one row.
 */
static bool
delete_schedule(TriggerModify *modify, TupleTableSlot *old)
{
	Schedule	schedule;

	if (!current_schedule(modify, old, &schedule))
		return false;
	check_changeable(&schedule);
	if (!delete_id(modify, schedule.id))
		return false;
	trigger_written_add(modify->written, schedule.id);
	return true;
}

/*
 * Everything that a statement needs must be known before its first request.
 */
static void
check_target(TriggerModify *modify, CmdType operation)
{
	if (operation == CMD_UPDATE && list_length(modify->columns) == 1 &&
		trigger_row_sets(modify, "active"))
	{
		/* which of the two it will be is not known yet */
		TriggerEndpoint either = trigger_endpoint_schedules_activate;

		either.operation = "schedules.activate or schedules.deactivate";
		trigger_target_check(modify->target, &either);
		return;
	}
	trigger_target_check(modify->target,
						 operation == CMD_INSERT ? &trigger_endpoint_schedules_create :
						 operation == CMD_UPDATE ? &trigger_endpoint_schedules_update :
						 &trigger_endpoint_schedules_del);
}

static const char *const insertable[] = {
	"task", "active", "cron", "timezone", "schedule_window",
	"deduplication_key", "external_id", NULL
};

static const char *const updatable[] = {
	"active", "cron", "timezone", "schedule_window", "external_id", NULL
};

const TriggerWriter trigger_writer_schedules = {
	.operations = (1 << CMD_INSERT) | (1 << CMD_UPDATE) | (1 << CMD_DELETE),
	.insertable = insertable,
	.updatable = updatable,
	.batch_size = 1,
	.check_target = check_target,
	.insert = insert_schedules,
	.update = update_schedule,
	.remove = delete_schedule,
};
