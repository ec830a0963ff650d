/*-------------------------------------------------------------------------
 *
 * trql_table.c
 *		A foreign table of the query schema.
 *
 * What the API's schema says about a table is written into the options of the
 * foreign table when it is imported, so that planning needs no request, and
 * tables that this version has never heard of work like any other.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_table.h"

#include "access/table.h"
#include "foreign/foreign.h"
#include "option.h"
#include "utils/builtins.h"

/*
 * Is this the name of a table or column?  Only such names are written into
 * queries.
 */
bool
trql_is_name(const char *name)
{
	if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
		  *name == '_'))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_") == strlen(name) && strlen(name) < NAMEDATALEN;
}

/*
 * Do a table's options say that it is of the query schema?
 */
bool
trql_options_are_query(List *table_options)
{
	const char *schema = trigger_option_get(table_options, "resource_schema");

	return schema != NULL && strcmp(schema, "query") == 0;
}

/*
 * Is a foreign table of the query schema?
 */
bool
trql_is_query_table(Oid relid)
{
	return trql_options_are_query(GetForeignTable(relid)->options);
}

/*
 * Describe one column.
 */
static void
describe_column(TrqlTable *table, int attno, Form_pg_attribute form)
{
	TrqlColumn *column = &table->columns[attno - 1];
	List	   *options = GetForeignColumnOptions(table->relid, attno);
	const char *name = trigger_option_get(options, "field");
	const char *type = trigger_option_get(options, "type");

	column->attname = pstrdup(NameStr(form->attname));
	column->name = name ? pstrdup(name) : column->attname;
	column->atttype = form->atttypid;
	column->typmod = form->atttypmod;
	column->special = trql_special(column->name);
	if (!trql_is_name(column->name))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
				 errmsg("column \"%s\" of foreign table \"%s\" cannot be queried",
						column->attname, table->relname),
				 errdetail("\"%s\" is not the name of a column of the query engine.",
						   column->name)));
	if (type)
		trql_type_parse(type, column->name, &column->type);
	else
		trql_type_guess(form->atttypid, column->name, &column->type);
	/* a time that is rounded here is another one there */
	column->known = type != NULL && column->typmod < 0 &&
		trql_type_oid(&column->type) == column->atttype;
}

/*
 * What the options say about how far back queries look.
 */
static void
read_look_back(List *options, TrqlLookBack *look_back)
{
	const char *days = trigger_option_get(options, "look_back");
	const char *until = trigger_option_get(options, "whole_until");

	memset(look_back, 0, sizeof(*look_back));
	look_back->known = days != NULL;
	if (days)
		look_back->days = pg_strtoint32(days);
	if (until)
		look_back->whole_until =
			DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in,
													CStringGetDatum(until),
													ObjectIdGetDatum(InvalidOid),
													Int32GetDatum(-1)));
}

/*
 * Describe a foreign table of the query schema.  The result is in the current
 * context.
 */
TrqlTable *
trql_table_open(Relation relation)
{
	TrqlTable  *table = palloc0(sizeof(TrqlTable));
	ForeignTable *foreign = GetForeignTable(RelationGetRelid(relation));
	TupleDesc	tupdesc = RelationGetDescr(relation);
	const char *name = trigger_option_get(foreign->options, "resource");
	const char *scope = trigger_option_get(foreign->options, "scope");
	const char *time = trigger_option_get(foreign->options, "time_column");

	table->relid = RelationGetRelid(relation);
	table->serverid = foreign->serverid;
	table->relname = pstrdup(RelationGetRelationName(relation));
	table->name = name ? pstrdup(name) : table->relname;
	table->scope = scope ? pstrdup(scope) : "environment";
	table->time_column = time ? pstrdup(time) : NULL;
	read_look_back(foreign->options, &table->look_back);
	table->options = foreign->options;
	if (!trql_is_name(table->name))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
				 errmsg("foreign table \"%s\" cannot be queried", table->relname),
				 errdetail("\"%s\" is not the name of a table of the query engine.",
						   table->name)));

	/* what is known of the one table that everybody has */
	if (strcmp(table->name, "runs") == 0)
	{
		if (table->time_column == NULL)
			table->time_column = "triggered_at";
		table->key_column = "run_id";
	}

	table->natts = tupdesc->natts;
	table->columns = palloc0(Max(table->natts, 1) * sizeof(TrqlColumn));
	for (int attno = 1; attno <= table->natts; attno++)
	{
		Form_pg_attribute form = TupleDescAttr(tupdesc, attno - 1);

		if (!form->attisdropped)
			describe_column(table, attno, form);
	}
	return table;
}

/*
 * The same by its oid; the relation is locked already.
 */
TrqlTable *
trql_table_open_by_id(Oid relid)
{
	Relation	relation = table_open(relid, NoLock);
	TrqlTable  *table = trql_table_open(relation);

	table_close(relation, NoLock);
	return table;
}

/*
 * Description of an attribute, NULL if it is dropped or a system column.
 */
const TrqlColumn *
trql_table_column(const TrqlTable *table, int attno)
{
	if (attno < 1 || attno > table->natts ||
		table->columns[attno - 1].attname == NULL)
		return NULL;
	return &table->columns[attno - 1];
}
