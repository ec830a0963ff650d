/*-------------------------------------------------------------------------
 *
 * plan.h
 *		Planning of scans.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_PLAN_H
#define TRIGGER_PLAN_H

#include "postgres.h"

#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

extern void trigger_get_rel_size(PlannerInfo *root, RelOptInfo *baserel,
								 Oid relid);
extern void trigger_get_paths(PlannerInfo *root, RelOptInfo *baserel,
							  Oid relid);
extern ForeignScan *trigger_get_plan(PlannerInfo *root, RelOptInfo *baserel,
									 Oid relid, ForeignPath *best_path,
									 List *tlist, List *scan_clauses,
									 Plan *outer_plan);

#endif							/* TRIGGER_PLAN_H */
