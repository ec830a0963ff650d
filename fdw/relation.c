/*-------------------------------------------------------------------------
 *
 * relation.c
 *		A foreign table's columns, matched with its resource's description.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "relation.h"

#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "option.h"
#include "utils/builtins.h"

/*
 * Can the API's filter be applied to a column declared with this type?  Of
 * another type, "=" may mean something else (bpchar ignores blanks), so such
 * a column is filtered locally only.
 */
static bool
filter_fits_type(const TriggerFilter *filter, Oid type, int32 typmod)
{
	switch (filter->kind)
	{
		case TRIGGER_FILTER_BOOLEAN:
			return type == BOOLOID;
		case TRIGGER_FILTER_TIME:
			/* not of a time that is rounded here */
			return type == TIMESTAMPTZOID && typmod < 0;
		case TRIGGER_FILTER_HAS_ANY:
		case TRIGGER_FILTER_HAS_ONE:
			return type == TEXTARRAYOID;
		case TRIGGER_FILTER_AFTER:
			return type == INT8OID;
		default:
			return type == TEXTOID || type == VARCHAROID;
	}
}

/*
 * Names of a resource's columns, for hints.
 */
static char *
column_names(const TriggerResource *resource)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const TriggerColumn *column = resource->columns; column->name; column++)
		appendStringInfo(&buf, "%s%s", buf.len ? ", " : "", column->name);
	return buf.data;
}

/*
 * Match one attribute.  A column is found by its name, or by the field that
 * its option names; a field that the description does not know may be read
 * too, as plain JSON, so that a newer API can be used before a newer
 * extension.
 */
static void
match_attribute(TriggerRelation *rel, int attno, Form_pg_attribute form)
{
	TriggerAttribute *attribute = &rel->attributes[attno - 1];
	List	   *options = GetForeignColumnOptions(rel->relid, attno);
	const char *field = trigger_option_get(options, "field");

	attribute->name = pstrdup(NameStr(form->attname));
	attribute->type = form->atttypid;
	attribute->typmod = form->atttypmod;
	attribute->filter = -1;
	if (field)
		attribute->column = trigger_column_find_field(rel->resource, field);
	else
		attribute->column = trigger_column_find(rel->resource, attribute->name);

	if (attribute->column == NULL && field)
		attribute->field = pstrdup(field);
	else if (attribute->column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
				 errmsg("resource \"%s\" has no column \"%s\"",
						rel->resource->name, attribute->name),
				 errdetail("It is declared in foreign table \"%s\".", rel->name),
				 errhint("Valid columns are: %s.  The column option \"field\" reads another JSON field.",
						 column_names(rel->resource))));
	else
	{
		const TriggerFilter *filter = trigger_filter_find(rel->resource,
														  attribute->column->name);

		if (filter && filter_fits_type(filter, attribute->type, attribute->typmod))
			attribute->filter = filter - rel->resource->filters;
	}
}

/*
 * Describe an open foreign table.  The result lives in the current context.
 * ERROR if the table or a column names nothing that the API has.
 */
TriggerRelation *
trigger_relation_open(Relation relation)
{
	TriggerRelation *rel = palloc0(sizeof(TriggerRelation));
	ForeignTable *table = GetForeignTable(RelationGetRelid(relation));
	TupleDesc	tupdesc = RelationGetDescr(relation);

	rel->relid = RelationGetRelid(relation);
	rel->serverid = table->serverid;
	rel->name = pstrdup(RelationGetRelationName(relation));
	rel->options = table->options;
	rel->resource = trigger_options_resource(table->options, rel->name);
	rel->natts = tupdesc->natts;
	rel->attributes = palloc0(Max(rel->natts, 1) * sizeof(TriggerAttribute));
	for (int attno = 1; attno <= rel->natts; attno++)
	{
		Form_pg_attribute form = TupleDescAttr(tupdesc, attno - 1);

		rel->attributes[attno - 1].filter = -1;
		if (!form->attisdropped)
			match_attribute(rel, attno, form);
	}
	return rel;
}

/*
 * Attribute of a number; NULL for system columns and dropped ones.
 */
const TriggerAttribute *
trigger_relation_attribute(const TriggerRelation *rel, int attno)
{
	if (attno < 1 || attno > rel->natts || rel->attributes[attno - 1].name == NULL)
		return NULL;
	return &rel->attributes[attno - 1];
}

/*
 * Number of the attribute that shows a column; 0 if the table has none.
 */
int
trigger_relation_column(const TriggerRelation *rel, const TriggerColumn *column)
{
	for (int attno = 1; attno <= rel->natts; attno++)
	{
		if (rel->attributes[attno - 1].name != NULL &&
			rel->attributes[attno - 1].column == column)
			return attno;
	}
	return 0;
}
