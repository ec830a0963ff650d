/*-------------------------------------------------------------------------
 *
 * modify_row.c
 *		Values of rows that are written.
 *
 * Writers name columns as the description does; a table may have renamed
 * them, declared them with other types, or left them out.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "rows.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "writer.h"

/*
 * Attribute that shows a column, 0 if the table does not have it.
 */
static int
find_attribute(const TriggerModify *modify, const char *column)
{
	const TriggerColumn *found = trigger_column_find(modify->rel->resource, column);

	Assert(found != NULL);
	return trigger_relation_column(modify->rel, found);
}

/*
 * A column's value; false if it is null or not there.
 */
static bool
get_value(TriggerModify *modify, TupleTableSlot *slot, const char *column,
		  Datum *value, Oid *type)
{
	int			attno = find_attribute(modify, column);
	bool		isnull;

	if (attno == 0)
		return false;
	*value = slot_getattr(slot, attno, &isnull);
	*type = modify->rel->attributes[attno - 1].type;
	return !isnull;
}

/*
 * Does the UPDATE set this column?
 */
bool
trigger_row_sets(const TriggerModify *modify, const char *column)
{
	return list_member_int(modify->columns, find_attribute(modify, column));
}

/*
 * A column as text in UTF-8, NULL if it is null.
 */
char *
trigger_row_text(TriggerModify *modify, TupleTableSlot *slot, const char *column)
{
	Datum		value;
	Oid			type;
	Oid			output;
	bool		varlena;
	char	   *text;

	if (!get_value(modify, slot, column, &value, &type))
		return NULL;
	getTypeOutputInfo(type, &output, &varlena);
	text = OidOutputFunctionCall(output, value);
	return pg_server_to_any(text, strlen(text), PG_UTF8);
}

/*
 * A column as JSON text in UTF-8, NULL if it is null.  Columns of other types
 * must hold JSON all the same.
 */
char *
trigger_row_json(TriggerModify *modify, TupleTableSlot *slot, const char *column)
{
	Datum		value;
	Oid			type;
	char	   *text;

	if (!get_value(modify, slot, column, &value, &type))
		return NULL;
	text = trigger_row_text(modify, slot, column);
	if (type != JSONBOID && type != JSONOID)
		(void) DirectFunctionCall1(json_in, CStringGetDatum(text));
	return text;
}

/*
 * A boolean column; "otherwise" if it is null.
 */
bool
trigger_row_flag(TriggerModify *modify, TupleTableSlot *slot, const char *column,
				 bool otherwise)
{
	Datum		value;
	Oid			type;

	if (!get_value(modify, slot, column, &value, &type))
		return otherwise;
	if (type == BOOLOID)
		return DatumGetBool(value);
	value = CStringGetDatum(trigger_row_text(modify, slot, column));
	return DatumGetBool(DirectFunctionCall1(boolin, value));
}

/*
 * The non-null elements of an array column, in UTF-8; NIL if it is null.
 */
List *
trigger_row_strings(TriggerModify *modify, TupleTableSlot *slot,
					const char *column)
{
	Datum		value;
	Oid			type;
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	List	   *result = NIL;

	if (!get_value(modify, slot, column, &value, &type))
		return NIL;
	if (type != TEXTARRAYOID)
		value = OidInputFunctionCall(F_ARRAY_IN,
									 trigger_row_text(modify, slot, column),
									 TEXTOID, -1);
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *element;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("null value in column \"%s\" of foreign table \"%s\"",
							column, modify->rel->name)));
		element = TextDatumGetCString(elements[i]);
		result = lappend(result, pg_server_to_any(element, strlen(element), PG_UTF8));
	}
	return result;
}

/*
 * A time column; false if it is null.
 */
bool
trigger_row_time(TriggerModify *modify, TupleTableSlot *slot, const char *column,
				 TimestampTz *time)
{
	Datum		value;
	Oid			type;

	if (!get_value(modify, slot, column, &value, &type))
		return false;
	if (type != TIMESTAMPTZOID)
		value = DirectFunctionCall3(timestamptz_in,
									CStringGetDatum(trigger_row_text(modify, slot, column)),
									ObjectIdGetDatum(InvalidOid),
									Int32GetDatum(-1));
	*time = DatumGetTimestampTz(value);
	return true;
}

/*
 * Values of a slot, to be changed and stored again: slots of foreign tables
 * hold heap tuples, which cannot be changed in place.
 */
static void
copy_values(TupleTableSlot *slot, Datum **values, bool **nulls)
{
	int			natts = slot->tts_tupleDescriptor->natts;

	slot_getallattrs(slot);
	*values = palloc(Max(natts, 1) * sizeof(Datum));
	*nulls = palloc(Max(natts, 1) * sizeof(bool));
	memcpy(*values, slot->tts_values, natts * sizeof(Datum));
	memcpy(*nulls, slot->tts_isnull, natts * sizeof(bool));
}

/*
 * Store them.  The tuple belongs to the row's context, not to the slot.
 */
static void
store_values(TupleTableSlot *slot, Datum *values, bool *nulls)
{
	HeapTuple	tuple = heap_form_tuple(slot->tts_tupleDescriptor, values, nulls);

	tuple->t_tableOid = slot->tts_tableOid;
	ExecForceStoreHeapTuple(tuple, slot, false);
}

/*
 * Set a column of the row that RETURNING and triggers will see; "value" is
 * UTF-8 text, NULL for null.
 */
void
trigger_row_set(TriggerModify *modify, TupleTableSlot *slot, const char *column,
				const char *value)
{
	int			attno = find_attribute(modify, column);
	const TriggerAttribute *attribute;
	Oid			input;
	Oid			param;
	Datum	   *values;
	bool	   *nulls;

	if (attno == 0)
		return;
	copy_values(slot, &values, &nulls);
	nulls[attno - 1] = value == NULL;
	attribute = &modify->rel->attributes[attno - 1];
	getTypeInputInfo(attribute->type, &input, &param);
	if (value)
		values[attno - 1] =
			OidInputFunctionCall(input,
								 pg_any_to_server(value, strlen(value), PG_UTF8),
								 param, attribute->typmod);
	store_values(slot, values, nulls);
}

/*
 * Set every column that an answer (one object) tells.
 */
void
trigger_row_fill(TriggerModify *modify, TupleTableSlot *slot, char *body,
				 size_t len, const char *source)
{
	TriggerDecoder *decoder;
	TriggerRows *rows;
	Datum	   *values;
	bool	   *nulls;

	if (modify->fields == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(modify->context);
		List	   *attributes = NIL;

		for (int attno = 1; attno <= modify->rel->natts; attno++)
		{
			if (trigger_relation_attribute(modify->rel, attno))
				attributes = lappend_int(attributes, attno);
		}
		modify->fields = trigger_fields_choose(modify->rel, attributes,
											   false);
		MemoryContextSwitchTo(old);
	}

	decoder = trigger_decoder_create(modify->fields->item, modify->fields->n,
									 TRIGGER_PAGING_ITEM, NULL, modify->rel->name);
	rows = trigger_decode(decoder, body, len, source);
	copy_values(slot, &values, &nulls);
	for (int attno = 1; attno <= modify->rel->natts; attno++)
	{
		int			from = modify->fields->slots[attno - 1];

		if (from < 0 || (modify->fields->item[from].path == NULL &&
						 modify->fields->item[from].moments == NULL))
			continue;
		values[attno - 1] = rows->values[from];
		nulls[attno - 1] = rows->nulls[from];
	}
	store_values(slot, values, nulls);
}
