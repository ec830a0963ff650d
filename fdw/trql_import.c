/*-------------------------------------------------------------------------
 *
 * trql_import.c
 *		IMPORT FOREIGN SCHEMA query: tables from the API's own description.
 *
 * The API tells names and types, so tables that this version has never heard
 * of work like any other.  What planning needs to know later is written into
 * the tables' options.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_import.h"

#include "access/htup_details.h"
#include "call.h"
#include "catalog/heap.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "connection.h"
#include "endpoint.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "rows.h"
#include "trql_answer.h"
#include "trql_look_back.h"
#include "trql_table.h"
#include "trql_type.h"
#include "utils/builtins.h"

/* Fields of the description of a table ... */
enum
{
	TABLE_NAME,
	TABLE_TIME,
	TABLE_COLUMNS,
	TABLE_FIELDS
};

/* ... and of a column. */
enum
{
	COLUMN_NAME,
	COLUMN_TYPE,
	COLUMN_FIELDS
};

/* Options of the statement, which the tables get. */
typedef struct ImportOptions
{
	const char *scope;			/* NULL: not given */
	const char *look_back;		/* days, NULL: not given, and none found */
	const char *whole_until;	/* when to look again, NULL: unknown */
} ImportOptions;

/*
 * Read the options.  Their values are checked when the tables are created.
 */
static void
read_options(ImportForeignSchemaStmt *stmt, ImportOptions *options)
{
	ListCell   *cell;

	memset(options, 0, sizeof(*options));
	foreach(cell, stmt->options)
	{
		DefElem    *def = lfirst(cell);

		if (strcmp(def->defname, "scope") == 0)
			options->scope = defGetString(def);
		else if (strcmp(def->defname, "look_back") == 0)
			options->look_back = defGetString(def);
		else
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					 errmsg("invalid option \"%s\"", def->defname),
					 errhint("Valid options in this context are: scope, look_back.")));
	}
}

/*
 * Ask for the description.
 */
static TriggerCallResult *
fetch_schema(TriggerHttp *http, const TriggerTarget *target)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_query_schema,
		.scope_ids = list_make1("schema"), .repeat = TRIGGER_REPEAT_SAFE};

	trigger_target_check(target, call.endpoint);
	return trigger_call(http, target, &call);
}

/*
 * Text of a field, NULL if there is none.
 */
static char *
row_text(const TriggerRows *rows, int row, int field)
{
	int			at = row * rows->nslots + field;

	return rows->nulls[at] ? NULL : TextDatumGetCString(rows->values[at]);
}

/*
 * Is a column one that nobody can read?  States of aggregates are described
 * as what they are, or, in some tables, as text.
 */
static bool
is_unreadable(const TrqlType *type, const char *name)
{
	size_t		len = strlen(name);

	return type->state ||
		(type->class == TRQL_TEXT && len > 10 &&
		 strcmp(name + len - 10, "_quantiles") == 0);
}

/*
 * The columns of a table, as they are declared.  NULL if it has none that can
 * be.
 */
static char *
column_definitions(char *json, const char *table, const char *source)
{
	TriggerField fields[COLUMN_FIELDS] = {
		{.path = "name",.label = "name",.required = true,
		.kind = TRIGGER_JSON_STRING,.null_slot = -1},
		{.path = "type",.label = "type",.required = true,
		.kind = TRIGGER_JSON_STRING,.null_slot = -1}
	};
	TriggerRows *rows;
	StringInfoData buf;
	List	   *seen = NIL;

	for (int i = 0; i < COLUMN_FIELDS; i++)
		trigger_field_init(&fields[i], TEXTOID, -1);
	rows = trigger_decode(trigger_decoder_create(fields, COLUMN_FIELDS,
												 TRIGGER_PAGING_NONE, NULL, table),
						  json, strlen(json), source);
	initStringInfo(&buf);
	for (int row = 0; row < rows->nrows; row++)
	{
		char	   *name = row_text(rows, row, COLUMN_NAME);
		char	   *type = row_text(rows, row, COLUMN_TYPE);
		TrqlType	parsed;

		trql_type_parse(type, name, &parsed);
		if (is_unreadable(&parsed, name) || !trql_is_name(name) ||
			SystemAttributeByName(name) != NULL ||
			list_member(seen, makeString(name)) ||
			list_length(seen) == MaxHeapAttributeNumber)
			continue;
		seen = lappend(seen, makeString(name));
		appendStringInfo(&buf, "%s\n\t%s %s OPTIONS (type %s)", buf.len ? "," : "",
						 quote_identifier(name), trql_type_sql(&parsed),
						 quote_literal_cstr(type));
		if (parsed.class == TRQL_TEXT)
			appendStringInfoString(&buf, " COLLATE pg_catalog.\"C\"");
	}
	return buf.len ? buf.data : NULL;
}

/*
 * CREATE FOREIGN TABLE for a table.
 */
static char *
table_definition(const char *name, const char *columns, const char *time,
				 const ImportOptions *options, const char *server)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE FOREIGN TABLE %s (%s\n) SERVER %s OPTIONS "
					 "(resource_schema 'query', resource %s",
					 quote_identifier(name), columns, quote_identifier(server),
					 quote_literal_cstr(name));
	if (time && trql_is_name(time))
		appendStringInfo(&buf, ", time_column %s", quote_literal_cstr(time));
	if (options->scope)
		appendStringInfo(&buf, ", scope %s", quote_literal_cstr(options->scope));
	if (time && options->look_back)
		appendStringInfo(&buf, ", look_back %s", quote_literal_cstr(options->look_back));
	if (time && options->whole_until)
		appendStringInfo(&buf, ", whole_until %s",
						 quote_literal_cstr(options->whole_until));
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

/*
 * A moment to the second, in UTC: no setting changes what it says.
 */
static char *
utc_text(TimestampTz when)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(when, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	return psprintf("%04d-%02d-%02d %02d:%02d:%02d+00", tm.tm_year, tm.tm_mon,
					tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/*
 * Find out how far back queries look, unless the statement says it.
 */
static void
find_look_back(TriggerHttp *http, const TriggerTarget *target, ImportOptions *options)
{
	TrqlLookBack found;

	if (options->look_back)
		return;
	(void) trql_look_back_probe(http, target, options->scope, &found);
	if (found.days > 0)
		options->look_back = psprintf("%d", found.days);
	if (found.whole_until != 0)
		options->whole_until = utc_text(found.whole_until);
}

/*
 * ImportForeignSchema for schema "query".  Core picks the tables that LIMIT
 * TO and EXCEPT name.
 */
List *
trql_import_schema(ImportForeignSchemaStmt *stmt, Oid serverid)
{
	TriggerField fields[TABLE_FIELDS] = {
		{.path = "name",.label = "name",.required = true,
		.kind = TRIGGER_JSON_STRING,.null_slot = -1},
		{.path = "timeColumn",.label = "timeColumn",.kind = TRIGGER_JSON_STRING,
		.null_slot = -1},
		{.path = "columns",.label = "columns",.required = true,
		.kind = TRIGGER_JSON_ANY,.null_slot = -1}
	};
	TriggerTarget *target = trigger_target_resolve(serverid, GetUserId(), NIL, false);
	TriggerHttp *http = trigger_connection_get(target, CurrentMemoryContext);
	TriggerCallResult *result;
	ImportOptions options;
	TriggerRows *rows;
	List	   *commands = NIL;
	bool		probed = false;

	read_options(stmt, &options);
	result = fetch_schema(http, target);
	trigger_field_init(&fields[TABLE_NAME], TEXTOID, -1);
	trigger_field_init(&fields[TABLE_TIME], TEXTOID, -1);
	trigger_field_init(&fields[TABLE_COLUMNS], JSONOID, -1);
	rows = trigger_decode(trigger_decoder_create(fields, TABLE_FIELDS,
												 TRIGGER_PAGING_NONE,
												 trigger_endpoint_query_schema.rows,
												 "query"),
						  result->body, result->body_len, result->source);
	for (int row = 0; row < rows->nrows; row++)
	{
		char	   *name = row_text(rows, row, TABLE_NAME);
		char	   *time = row_text(rows, row, TABLE_TIME);
		char	   *columns;

		if (!trql_is_name(name) || !IsImportableForeignTable(name, stmt))
			continue;
		columns = column_definitions(row_text(rows, row, TABLE_COLUMNS), name,
									 result->source);
		if (columns == NULL)
			continue;
		if (time && !probed)
		{
			find_look_back(http, target, &options);
			probed = true;
		}
		commands = lappend(commands,
						   table_definition(name, columns, time, &options,
											GetForeignServer(serverid)->servername));
	}
	return commands;
}
