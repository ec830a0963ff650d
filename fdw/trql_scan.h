/*-------------------------------------------------------------------------
 *
 * trql_scan.h
 *		Execution of queries of the query schema.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_SCAN_H
#define TRIGGER_TRQL_SCAN_H

#include "postgres.h"

#include "commands/explain.h"
#include "compat.h"
#include "fetch.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"

extern bool trql_is_plan(const ForeignScan *plan);
extern void trql_begin_scan(ForeignScanState *node, int eflags);
extern TupleTableSlot *trql_iterate_scan(ForeignScanState *node);
extern void trql_rescan(ForeignScanState *node);
extern void trql_scan_set_keys(ForeignScanState *node, Datum keys);
extern void trql_end_scan(ForeignScanState *node);
extern const TriggerFetchStats *trql_scan_stats(ForeignScanState *node);

/* in trql_explain.c */
extern void trql_explain_scan(ForeignScanState *node, ExplainState *es);

#endif							/* TRIGGER_TRQL_SCAN_H */
