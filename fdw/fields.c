/*-------------------------------------------------------------------------
 *
 * fields.c
 *		Which fields of the API's answers a scan reads, and for what.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "fields.h"

#include "catalog/pg_type.h"

/*
 * Add a slot for a column (or, without one, for a plain field), converted to
 * a type.
 */
static int
add_slot(TriggerFields *fields, const TriggerColumn *column,
		 const char *field, const char *label, Oid type, int32 typmod)
{
	TriggerField *list = &fields->list[fields->n];
	TriggerField *item = &fields->item[fields->n];

	memset(list, 0, sizeof(TriggerField));
	list->label = label;
	list->null_slot = -1;
	if (column)
	{
		list->kind = column->kind;
		list->required = (column->flags & TRIGGER_COL_REQUIRED) != 0;
		list->json_null = (column->flags & TRIGGER_COL_JSON_NULL) != 0;
		list->slug = (column->flags & TRIGGER_COL_SLUG) != 0;
		list->null_when = column->null_when;
		list->keep = column->keep;
		list->moments = column->moments;
	}
	else
		list->kind = TRIGGER_JSON_ANY;
	trigger_field_init(list, type, typmod);
	*item = *list;
	list->path = column ? column->list_field : field;
	item->path = column ? column->item_field : field;

	/* what an answer does not have, it cannot lack */
	list->required = list->required && list->path != NULL;
	item->required = item->required && item->path != NULL;
	return fields->n++;
}

/*
 * The slot that has a column as a type, unchanged by a modifier (rounded times
 * would not do to cut lists by); added if there is none yet.
 */
static int
find_slot(TriggerFields *fields, const TriggerColumn *column, Oid type)
{
	const char *path = column->list_field ? column->list_field : column->item_field;

	for (int i = 0; i < fields->n; i++)
	{
		const char *have = fields->list[i].path ? fields->list[i].path :
		fields->item[i].path;

		if (have && strcmp(have, path) == 0 && fields->list[i].type == type &&
			fields->list[i].typmod < 0)
			return i;
	}
	return add_slot(fields, column, NULL, column->name, type, -1);
}

/*
 * The boolean that decides whether a column is null.
 */
static int
find_null_slot(TriggerFields *fields, const TriggerColumn *column)
{
	static const TriggerColumn flag = {
		.name = "flag", .kind = TRIGGER_JSON_BOOLEAN, .flags = TRIGGER_COL_REQUIRED
	};
	TriggerColumn *decides = palloc(sizeof(TriggerColumn));

	*decides = flag;
	decides->list_field = column->null_field;
	decides->item_field = column->null_field;
	return find_slot(fields, decides, BOOLOID);
}

/*
 * Find the slots of the moments that a field follows from.
 */
static void
find_moment_slots(TriggerFields *fields, int slot, const TriggerMoment *moments)
{
	for (int i = 0; moments[i].field; i++)
	{
		TriggerColumn *moment = palloc0(sizeof(TriggerColumn));
		int			found;

		Assert(i < TRIGGER_MAX_MOMENTS);
		moment->name = moments[i].field;
		moment->kind = TRIGGER_JSON_TIMESTAMP;
		moment->list_field = moment->item_field = moments[i].field;
		found = find_slot(fields, moment, TIMESTAMPTZOID);
		fields->list[slot].moment_slots[i] = found;
		fields->item[slot].moment_slots[i] = found;
	}
}

/*
 * Choose what to read.  "attributes" are those that the scan delivers; what
 * the scan itself needs (the id, the order, the key) is added, and on request
 * whose environment a row is of.
 */
TriggerFields *
trigger_fields_choose(const TriggerRelation *rel, List *attributes,
					  bool check_environment)
{
	TriggerFields *fields = palloc0(sizeof(TriggerFields));
	int			capacity = 3 * list_length(attributes) + 5 + TRIGGER_MAX_MOMENTS;
	ListCell   *cell;

	fields->list = palloc(capacity * sizeof(TriggerField));
	fields->item = palloc(capacity * sizeof(TriggerField));
	fields->slots = palloc(Max(rel->natts, 1) * sizeof(int));
	fields->url_slots = palloc(Max(rel->natts, 1) * sizeof(int));
	for (int i = 0; i < rel->natts; i++)
		fields->slots[i] = fields->url_slots[i] = -1;
	fields->id_slot = fields->order_slot = fields->key_slot = -1;
	fields->sequence_slot = fields->environment_slot = -1;

	foreach(cell, attributes)
	{
		int			attno = lfirst_int(cell);
		const TriggerAttribute *attribute = trigger_relation_attribute(rel, attno);

		if (attribute->column && attribute->column->source != TRIGGER_FROM_FIELD)
			continue;
		fields->slots[attno - 1] = add_slot(fields, attribute->column,
											attribute->field, attribute->name,
											attribute->type, attribute->typmod);
	}

	/* only now: a slot found must not move */
	foreach(cell, attributes)
	{
		int			attno = lfirst_int(cell);
		const TriggerColumn *column = rel->attributes[attno - 1].column;
		int			slot = fields->slots[attno - 1];

		if (slot < 0 || column == NULL)
			continue;
		if (column->null_field)
		{
			int			decides = find_null_slot(fields, column);

			fields->list[slot].null_slot = decides;
			fields->item[slot].null_slot = decides;
		}
		if (column->moments)
			find_moment_slots(fields, slot, column->moments);
		if (column->url_field)
		{
			TriggerColumn *url = palloc0(sizeof(TriggerColumn));

			url->name = column->url_field;
			url->kind = TRIGGER_JSON_STRING;
			url->item_field = column->url_field;
			fields->url_slots[attno - 1] = find_slot(fields, url, TEXTOID);
		}
	}

	for (const TriggerColumn *column = rel->resource->columns; column->name; column++)
	{
		const TriggerFilter *filter = trigger_filter_find(rel->resource,
														  column->name);

		if (column->flags & TRIGGER_COL_ID)
			fields->id_slot = find_slot(fields, column, TEXTOID);
		if (column->flags & TRIGGER_COL_ORDER)
			fields->order_slot = find_slot(fields, column, TIMESTAMPTZOID);
		if (filter && filter->kind == TRIGGER_FILTER_KEY && fields->key_slot < 0)
			fields->key_slot = find_slot(fields, column, TEXTOID);
		if (filter && filter->kind == TRIGGER_FILTER_AFTER)
			fields->sequence_slot = find_slot(fields, column, INT8OID);
		if (check_environment && (column->flags & TRIGGER_COL_ENV_ID))
			fields->environment_slot = find_slot(fields, column, TEXTOID);
	}
	return fields;
}
