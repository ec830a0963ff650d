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

#include "lookup.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/*
 * Cost of waiting for one answer: what postgres_fdw takes for starting a
 * remote query.  Plans are chosen by the ratio to local costs, and any round
 * trip is far beyond those; a figure closer to the truth (2000 page reads)
 * would lift scans of a few thousand rows over jit_above_cost.
 */
#define TRIGGER_REQUEST_COST		100.0

/* Cost of decoding one row of an answer. */
#define TRIGGER_ROW_COST			0.05

extern bool trigger_match_attribute(PlannerInfo *root, RelOptInfo *baserel,
									EquivalenceClass *ec, EquivalenceMember *em,
									void *arg);
extern void trigger_get_rel_size(PlannerInfo *root, RelOptInfo *baserel,
								 Oid relid);
extern void trigger_get_paths(PlannerInfo *root, RelOptInfo *baserel,
							  Oid relid);
extern bool trigger_is_unique(const RelOptInfo *baserel, AttrNumber attno);
extern const TriggerLookupTable trigger_list_lookups;
extern ForeignScan *trigger_get_plan(PlannerInfo *root, RelOptInfo *baserel,
									 Oid relid, ForeignPath *best_path,
									 List *tlist, List *scan_clauses,
									 Plan *outer_plan);

#endif							/* TRIGGER_PLAN_H */
