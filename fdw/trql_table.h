/*-------------------------------------------------------------------------
 *
 * trql_table.h
 *		A foreign table of the query schema.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_TABLE_H
#define TRIGGER_TRQL_TABLE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "trql_type.h"
#include "utils/timestamp.h"
#include "utils/rel.h"

typedef struct TrqlColumn
{
	const char *attname;		/* NULL: dropped */
	const char *name;			/* the engine's */
	TrqlType	type;
	TrqlSpecial special;
	Oid			atttype;
	int32		typmod;
	bool		known;			/* declared as its type asks for: conditions
								 * on it mean the same here and there */
} TrqlColumn;

/* How far back queries look, as far as options tell. */
typedef struct TrqlLookBack
{
	bool		known;			/* there is an option for the days */
	int			days;			/* 0: no limit, or not known */
	TimestampTz whole_until;	/* nothing is hidden before; 0: not known */
} TrqlLookBack;

typedef struct TrqlTable
{
	Oid			relid;
	Oid			serverid;
	const char *relname;
	const char *name;			/* the engine's */
	const char *scope;			/* environment, project, organization */
	const char *time_column;	/* the engine's name, NULL: none */
	const char *key_column;		/* tells rows of one time apart, NULL: none */
	TrqlLookBack look_back;
	List	   *options;
	int			natts;
	TrqlColumn *columns;		/* [attno - 1] */
} TrqlTable;

extern bool trql_is_query_table(Oid relid);
extern bool trql_options_are_query(List *table_options);
extern bool trql_is_name(const char *name);
extern TrqlTable *trql_table_open(Relation relation);
extern TrqlTable *trql_table_open_by_id(Oid relid);
extern const TrqlColumn *trql_table_column(const TrqlTable *table, int attno);

#endif							/* TRIGGER_TRQL_TABLE_H */
