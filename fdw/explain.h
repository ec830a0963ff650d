/*-------------------------------------------------------------------------
 *
 * explain.h
 *		EXPLAIN of scans.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_EXPLAIN_H
#define TRIGGER_EXPLAIN_H

#include "postgres.h"

#include "bind.h"
#include "commands/explain.h"
#include "nodes/execnodes.h"

extern TriggerValue *trigger_describe_values(ForeignScanState *node, List *exprs,
											 List *ancestors, ExplainState *es);
extern void trigger_explain_scan(ForeignScanState *node, ExplainState *es);

#endif							/* TRIGGER_EXPLAIN_H */
