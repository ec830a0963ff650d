/*-------------------------------------------------------------------------
 *
 * fields.h
 *		Which fields of the API's answers a scan reads, and for what.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_FIELDS_H
#define TRIGGER_FIELDS_H

#include "postgres.h"

#include "relation.h"
#include "rows.h"

/*
 * Fields of list items and of retrieve answers.  Both arrays have the same
 * slots; a field that one of the answers lacks has no path there.
 */
typedef struct TriggerFields
{
	TriggerField *list;
	TriggerField *item;
	int			n;
	int		   *slots;			/* [attno - 1]: slot of an attribute, or -1 */
	int		   *url_slots;		/* [attno - 1]: where else its value may be */
	int			id_slot;
	int			order_slot;
	int			key_slot;
	int			sequence_slot;
	int			environment_slot;
} TriggerFields;

extern TriggerFields *trigger_fields_choose(const TriggerRelation *rel,
											List *attributes,
											bool check_environment);

#endif							/* TRIGGER_FIELDS_H */
