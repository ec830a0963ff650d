/*-------------------------------------------------------------------------
 *
 * bind.h
 *		Conditions and their values to what can be sent.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_BIND_H
#define TRIGGER_BIND_H

#include "postgres.h"

#include "relation.h"
#include "scanspec.h"

/* A value that conditions compare with. */
typedef struct TriggerValue
{
	bool		known;			/* false in EXPLAIN: it is not computed */
	bool		isnull;
	Datum		value;
	Oid			type;
	const char *text;			/* if not known: the expression */
} TriggerValue;

/* What one filter is asked for. */
typedef struct TriggerBoundFilter
{
	bool		bound;			/* rows of other values are not wanted */
	List	   *values;			/* of char *, UTF-8, distinct */
	bool		truth;			/* BOOLEAN */
	int64		after;			/* AFTER */
	const char *placeholder;	/* EXPLAIN: the value is not known */
} TriggerBoundFilter;

typedef struct TriggerBinding
{
	bool		empty;			/* no row can satisfy the conditions */
	int			mentioned;		/* filters that conditions mention, whether
								 * they bind them or not; 1 << index */
	TriggerBoundFilter *filters;	/* one for each of the resource's */
	/* bounds of the time filter in milliseconds, 0 for none */
	int64		from;
	int64		to;
	const char *from_placeholder;
	const char *to_placeholder;
} TriggerBinding;

/* The greatest time that the API's date parser takes: 9999-12-31. */
#define TRIGGER_MAX_MS	INT64CONST(253402300799999)

extern TriggerBinding *trigger_bind(const TriggerRelation *rel,
									List *conditions, int mentioned,
									const TriggerValue *values);
extern int64 trigger_timestamp_to_ms(TimestampTz ts, bool up);

#endif							/* TRIGGER_BIND_H */
