/*-------------------------------------------------------------------------
 *
 * scan.h
 *		Execution of scans.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_SCAN_H
#define TRIGGER_SCAN_H

#include "postgres.h"

#include "bind.h"
#include "fetch.h"
#include "nodes/execnodes.h"
#include "relation.h"

extern void trigger_begin_scan(ForeignScanState *node, int eflags);
extern TupleTableSlot *trigger_iterate_scan(ForeignScanState *node);
extern void trigger_rescan(ForeignScanState *node);
extern void trigger_scan_set_keys(ForeignScanState *node, Datum keys);
extern int	trigger_scan_concurrency(ForeignScanState *node);
extern void trigger_end_scan(ForeignScanState *node);
extern bool trigger_scan_waits(ForeignScanState *node);
extern TriggerHttp *trigger_scan_http(ForeignScanState *node);
extern TriggerValue *trigger_compute_values(List *states, List *exprs,
											ExprContext *econtext);
extern const TriggerFetchStats *trigger_scan_stats(ForeignScanState *node);

#endif							/* TRIGGER_SCAN_H */
