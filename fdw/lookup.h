/*-------------------------------------------------------------------------
 *
 * lookup.h
 *		Joins that look up the keys of many outer rows at once.
 *
 * A nested loop asks its inner side for the rows of one outer row, and only
 * then has a look at the next.  Where each question is a round trip, that is
 * the time of all of them in turn.  This join reads a batch of outer rows,
 * hands all their keys to the foreign scan in one execution, and then goes
 * through the batch in its order, like a nested loop whose inner rows are at
 * hand already.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_LOOKUP_H
#define TRIGGER_LOOKUP_H

#include "postgres.h"

#include "nodes/extensible.h"
#include "nodes/pathnodes.h"

/* What EXPLAIN calls it; the name is registered for the whole server. */
#define TRIGGER_LOOKUP_NAME		"trigger_fdw Lookup Join"

/*
 * CustomScan.custom_private, an integer list.
 */
enum TriggerLookupNumber
{
	TriggerLookupJoinType,
	TriggerLookupKeyColumn,		/* of the inner plan's rows, from 1 */
	TriggerLookupFirstBatch		/* keys of the first batch, 0: all rows will be
								 * read */
};

/*
 * Members of CustomScan.custom_exprs.
 */
enum TriggerLookupExpr
{
	TriggerLookupKey,			/* what the outer rows are looked up by */
	TriggerLookupClause,		/* the condition that this comes from */
	TriggerLookupJoinQuals		/* list of the other join conditions */
};

/* lookup_plan.c */
extern void trigger_add_lookup_joins(PlannerInfo *root, RelOptInfo *joinrel,
									 RelOptInfo *outerrel, RelOptInfo *innerrel,
									 JoinType jointype,
									 JoinPathExtraData *extra);
extern void trigger_define_lookup_settings(void);

/* lookup_scan.c */
extern const CustomScanMethods trigger_lookup_scan_methods;

#endif							/* TRIGGER_LOOKUP_H */
