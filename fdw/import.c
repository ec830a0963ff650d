/*-------------------------------------------------------------------------
 *
 * import.c
 *		IMPORT FOREIGN SCHEMA: table definitions from the descriptions.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "import.h"

#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "resource.h"
#include "trql_import.h"
#include "utils/builtins.h"

/*
 * CREATE FOREIGN TABLE for a resource.
 */
static char *
table_definition(const TriggerResource *resource, const char *server)
{
	StringInfoData buf;
	const char *separator = "\n\t";

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE FOREIGN TABLE %s (",
					 quote_identifier(resource->name));
	for (const TriggerColumn *column = resource->columns; column->name; column++)
	{
		appendStringInfo(&buf, "%s%s %s", separator,
						 quote_identifier(column->name), column->type);

		/*
		 * Ids and enumerations are compared byte by byte, in the API and
		 * here; their sort order must not depend on the database's locale.
		 */
		if (column->flags & TRIGGER_COL_C)
			appendStringInfoString(&buf, " COLLATE pg_catalog.\"C\"");
		separator = ",\n\t";
	}
	appendStringInfo(&buf, "\n) SERVER %s OPTIONS (resource %s)",
					 quote_identifier(server),
					 quote_literal_cstr(resource->name));
	return buf.data;
}

/*
 * ImportForeignSchema.  Core picks the tables that LIMIT TO and EXCEPT name;
 * contacts nobody for the schema "management".
 */
List *
trigger_import_schema(ImportForeignSchemaStmt *stmt, Oid serverid)
{
	ForeignServer *server = GetForeignServer(serverid);
	List	   *commands = NIL;

	if (strcmp(stmt->remote_schema, "query") == 0)
		return trql_import_schema(stmt, serverid);
	if (stmt->options != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("invalid option \"%s\"",
						((DefElem *) linitial(stmt->options))->defname),
				 errhint("Schema \"management\" has no options.")));
	if (strcmp(stmt->remote_schema, "management") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_SCHEMA_NOT_FOUND),
				 errmsg("schema \"%s\" is not present on foreign server \"%s\"",
						stmt->remote_schema, server->servername),
				 errhint("Valid schemas are: management, query.")));

	for (int i = 0; trigger_resources[i]; i++)
	{
		if (IsImportableForeignTable(trigger_resources[i]->name, stmt))
			commands = lappend(commands,
							   table_definition(trigger_resources[i],
												server->servername));
	}
	return commands;
}
