/*-------------------------------------------------------------------------
 *
 * qual.h
 *		Which conditions of a query the API can apply.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_QUAL_H
#define TRIGGER_QUAL_H

#include "postgres.h"

#include "nodes/pathnodes.h"
#include "relation.h"
#include "scanspec.h"

extern TriggerCondition *trigger_qual_match(PlannerInfo *root, RelOptInfo *baserel,
											const TriggerRelation *rel,
											Expr *clause);
extern bool trigger_qual_only_remote(const TriggerRelation *rel,
									 const TriggerCondition *condition);
extern void trigger_qual_check_local(PlannerInfo *root, RelOptInfo *baserel,
									 const TriggerRelation *rel, Expr *clause);
extern Bitmapset *trigger_qual_attributes(RelOptInfo *baserel, Node *node);

#endif							/* TRIGGER_QUAL_H */
