/*-------------------------------------------------------------------------
 *
 * relation.h
 *		A foreign table's columns, matched with its resource's description.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_RELATION_H
#define TRIGGER_RELATION_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "resource.h"
#include "utils/rel.h"

typedef struct TriggerAttribute
{
	const char *name;			/* NULL: dropped */
	const TriggerColumn *column;	/* NULL: dropped, or only "field" is known */
	const char *field;			/* of a column that the description lacks */
	int			filter;			/* index into the filters, -1: none */
	Oid			type;
	int32		typmod;
} TriggerAttribute;

typedef struct TriggerRelation
{
	Oid			relid;
	Oid			serverid;
	const char *name;
	const TriggerResource *resource;
	List	   *options;		/* the table's */
	int			natts;
	TriggerAttribute *attributes;	/* [attno - 1] */
} TriggerRelation;

extern TriggerRelation *trigger_relation_open(Relation rel);
extern const TriggerAttribute *trigger_relation_attribute(const TriggerRelation *rel,
														  int attno);
extern int	trigger_relation_column(const TriggerRelation *rel,
									const TriggerColumn *column);

#endif							/* TRIGGER_RELATION_H */
