/*-------------------------------------------------------------------------
 *
 * write_session_records.c
 *		Writes of session records: append to a channel.
 *
 * A record is appended as a text, which readers get as a JSON string.  A row
 * whose data is a JSON string sends the string itself, so that a SELECT shows
 * what an INSERT had; any other JSON is sent as its text.
 *
 * A part id makes an append idempotent, so every row gets one if it has none,
 * and a call whose answer was lost can be repeated.
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
#include "writer.h"

/* The API's limit for one record, in bytes. */
#define MAX_RECORD		(1024 * 1024)

/* A part id is a header's value. */
#define MAX_PART_ID		255

/* One row of an INSERT. */
typedef struct NewRecord
{
	char	   *session;
	const TriggerEndpoint *endpoint;
	char	   *body;
	char	   *part;			/* NULL: none */
	bool		own_part;		/* it is ours */
} NewRecord;

/*
 * A text column that must not be null or empty.
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
 * The operation that appends to a channel.  Only a secret key may write what
 * the agent says; the server refuses a token with the same words.
 */
static const TriggerEndpoint *
channel_endpoint(TriggerModify *modify, const char *io)
{
	const TriggerTarget *target = modify->target;

	if (strcmp(io, "in") == 0)
		return &trigger_endpoint_session_records_append;
	if (strcmp(io, "out") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid channel of a session: \"%s\"", io),
				 errhint("Valid values are: in, out.")));
	if (target->kind == TRIGGER_CRED_PUBLIC)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for operation \"%s\" on server \"%s\"",
						trigger_endpoint_session_records_append_out.operation,
						target->server_name),
				 errdetail("A public access token cannot append to the channel \"out\"."),
				 errhint("Use a secret key.")));
	trigger_target_check(target, &trigger_endpoint_session_records_append_out);
	return &trigger_endpoint_session_records_append_out;
}

/*
 * The text to append.
 */
static char *
record_text(TriggerModify *modify, TupleTableSlot *slot)
{
	char	   *text = trigger_row_json(modify, slot, "data");
	TriggerJson json;
	size_t		len;

	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("null value in column \"data\" of foreign table \"%s\"",
						modify->rel->name)));
	trigger_json_open(&json, text, strlen(text), "data");
	if (trigger_json_peek(&json) == JSON_TOKEN_STRING)
		text = trigger_json_unescape(&json, trigger_json_slice(&json), &len);
	if (strlen(text) > MAX_RECORD)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("record of a session is too large"),
				 errdetail("It has %zu bytes; the API takes %d.", strlen(text),
						   MAX_RECORD)));
	return text;
}

/*
 * The part id of a row: visible characters that a header keeps as they are.
 */
static char *
part_id(TriggerModify *modify, TupleTableSlot *slot)
{
	char	   *part = trigger_row_text(modify, slot, "part_id");

	if (part == NULL)
		return NULL;
	for (const char *p = part; *p; p++)
	{
		if (*p <= ' ' || *p > '~')
			part = "";
	}
	if (*part == '\0' || strlen(part) > MAX_PART_ID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid part id of a session record"),
				 errdetail("It must have 1 to %d visible ASCII characters.",
						   MAX_PART_ID)));
	return part;
}

/*
 * Read and check one row.
 */
static void
read_record(TriggerModify *modify, TupleTableSlot *slot, NewRecord *record)
{
	record->session = required_text(modify, slot, "session");
	if (strcmp(record->session, ".") == 0 || strcmp(record->session, "..") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid session: \"%s\"", record->session)));
	record->endpoint = channel_endpoint(modify, required_text(modify, slot, "io"));
	record->body = record_text(modify, slot);
	record->part = part_id(modify, slot);
	record->own_part = record->part == NULL && modify->idempotent;
	if (record->own_part)
		record->part = psprintf("trigger_fdw_%s", trigger_random_name());
}

/*
 * The number that a record has got; NULL if the answer does not tell, which
 * means that a record of this part id was there.
 */
static char *
answered_number(const TriggerCallResult *result)
{
	TriggerField field = {.path = "seq", .label = "seq_num",
		.kind = TRIGGER_JSON_INTEGER, .null_slot = -1};
	TriggerRows *rows;

	trigger_field_init(&field, INT8OID, -1);
	rows = trigger_decode(trigger_decoder_create(&field, 1, TRIGGER_PAGING_ITEM,
												 NULL, "session_records"),
						  result->body, result->body_len, result->source);
	return rows->nulls[0] ? NULL : psprintf(INT64_FORMAT,
											DatumGetInt64(rows->values[0]));
}

/*
 * Append a record.  False if there was one of its part id.
 */
static bool
append_record(TriggerModify *modify, TupleTableSlot *slot,
			  const NewRecord *record)
{
	TriggerCall call = {.endpoint = record->endpoint, .key = record->session,
		.body = record->body};
	TriggerCallResult *result;
	char	   *number;

	call.repeat = record->part ? TRIGGER_REPEAT_SAFE : TRIGGER_REPEAT_NEVER;
	if (record->part)
		call.header = psprintf("X-Part-Id: %s", record->part);
	result = trigger_call(modify->http, modify->target, &call);
	number = answered_number(result);

	/* found by a repetition: it is the record of the call before */
	if (number == NULL && !result->repeated && !record->own_part)
	{
		if (!modify->do_nothing)
			ereport(NOTICE,
					(errcode(ERRCODE_SUCCESSFUL_COMPLETION),
					 errmsg("no record was appended for a row of foreign table \"%s\"",
							modify->rel->name),
					 errdetail("Session \"%s\" has a record with part id \"%s\".",
							   record->session, record->part)));
		return false;
	}
	trigger_row_set(modify, slot, "seq_num", number);
	trigger_row_set(modify, slot, "part_id", record->part);
	trigger_row_set(modify, slot, "id", record->part);
	trigger_written_add(modify->written,
						number ? psprintf("%s/%s", record->session, number) :
						record->session);
	return true;
}

/*
 * INSERT: in the order of the rows.
 */
static void
append_records(TriggerModify *modify, TupleTableSlot **slots, int n,
			   bool *written)
{
	NewRecord  *records = palloc0(n * sizeof(NewRecord));

	/* everything is checked before anything is appended */
	for (int i = 0; i < n; i++)
		read_record(modify, slots[i], &records[i]);
	for (int i = 0; i < n; i++)
		written[i] = append_record(modify, slots[i], &records[i]);
}

/*
 * The credential must be good for the channel that takes most of them.
 */
static void
check_target(TriggerModify *modify, CmdType operation)
{
	trigger_target_check(modify->target, &trigger_endpoint_session_records_append);
}

static const char *const insertable[] = {
	"session", "io", "data", "part_id", NULL
};

static const char *const known_inserted[] = {
	"session", "io", "seq_num", "id", "data", "part_id", "headers", NULL
};

const TriggerWriter trigger_writer_session_records = {
	.operations = 1 << CMD_INSERT,
	.insertable = insertable,
	.known_inserted = known_inserted,
	.batch_size = 100,
	.check_target = check_target,
	.insert = append_records,
};
