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

/* Most keys of a batch; at its end, nothing is under way for a moment. */
#define TRIGGER_LOOKUP_MAX_KEYS 512

/*
 * Most bytes of them, but at least one key: all of them may be parts of one
 * query, and what can be asked for each of them must not fail for all.
 */
#define TRIGGER_LOOKUP_MAX_BYTES	65536

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

/*
 * Tables that can be looked up by keys.  A key is text, and equality that of
 * its bytes.
 */
typedef struct TriggerLookupTable
{
	/* can a join by these RestrictInfos hand over keys at all? */
	bool		(*takes_keys) (PlannerInfo *root, RelOptInfo *baserel,
							   List *clauses);

	/* the number of the key that a condition compares with *value, or -1 */
	int			(*key_number) (PlannerInfo *root, RelOptInfo *baserel,
							   Expr *clause, Expr **value);

	/* the scan of about so many, in as many executions as the join likes */
	ForeignPath *(*keyed_path) (PlannerInfo *root, RelOptInfo *baserel,
								int key, double keys);
} TriggerLookupTable;

/* lookup_plan.c */
extern void trigger_add_lookup_joins(PlannerInfo *root, RelOptInfo *joinrel,
									 RelOptInfo *outerrel, RelOptInfo *innerrel,
									 JoinType jointype, JoinPathExtraData *extra,
									 const TriggerLookupTable *table);
extern void trigger_define_lookup_settings(void);

/* trigger_fdw.c: what scans of either kind are told */
extern void trigger_hand_over_keys(ForeignScanState *node, Datum keys);
extern int	trigger_keys_at_once(ForeignScanState *node);

/* lookup_scan.c */
extern const CustomScanMethods trigger_lookup_scan_methods;

#endif							/* TRIGGER_LOOKUP_H */
