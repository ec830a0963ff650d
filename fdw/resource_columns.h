/*-------------------------------------------------------------------------
 *
 * resource_columns.h
 *		Short forms for the descriptions of columns.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_RESOURCE_COLUMNS_H
#define TRIGGER_RESOURCE_COLUMNS_H

#include "resource.h"

/* name, field in a list's items, field of a retrieved item, flags */
#define TEXT(name_, list_, item_, flags_) \
	{.name = name_, .type = "text", .kind = TRIGGER_JSON_STRING, \
	 .list_field = list_, .item_field = item_, .flags = flags_}
#define TIME(name_, list_, item_, flags_) \
	{.name = name_, .type = "timestamp with time zone", \
	 .kind = TRIGGER_JSON_TIMESTAMP, \
	 .list_field = list_, .item_field = item_, .flags = flags_}
#define FLAG(name_, field_, flags_) \
	{.name = name_, .type = "boolean", .kind = TRIGGER_JSON_BOOLEAN, \
	 .list_field = field_, .item_field = field_, .flags = flags_}
#define NUMBER(name_, type_, kind_, field_, flags_) \
	{.name = name_, .type = type_, .kind = kind_, \
	 .list_field = field_, .item_field = field_, .flags = flags_}
#define TAGS(flags_) \
	{.name = "tags", .type = "text[]", .kind = TRIGGER_JSON_STRINGS, \
	 .list_field = "tags", .item_field = "tags", .flags = flags_}
#define JSON(name_, list_, item_, flags_) \
	{.name = name_, .type = "jsonb", .kind = TRIGGER_JSON_ANY, \
	 .list_field = list_, .item_field = item_, .flags = flags_}
#define FILTER_ONLY(name_) \
	{.name = name_, .type = "text", .kind = TRIGGER_JSON_STRING, \
	 .flags = TRIGGER_COL_C, .source = TRIGGER_FROM_FILTER}
#define WRITE_ONLY(name_, type_) \
	{.name = name_, .type = type_, .kind = TRIGGER_JSON_ANY, \
	 .source = TRIGGER_FROM_NOWHERE}

#endif							/* TRIGGER_RESOURCE_COLUMNS_H */
