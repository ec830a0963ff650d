/*-------------------------------------------------------------------------
 *
 * trql_text.h
 *		From a plan and its values to the text of a query and its window.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_TEXT_H
#define TRIGGER_TRQL_TEXT_H

#include "postgres.h"

#include "bind.h"
#include "nodes/plannodes.h"
#include "trql_query.h"
#include "trql_table.h"

extern int	trql_plan_number(const ForeignScan *plan, enum TrqlNumber which);
extern int	trql_plan_relation(const ForeignScan *plan);
extern char *trql_query_text(const ForeignScan *plan, const TrqlTable *table,
							 const TriggerValue *values, const char *page, int rows);
extern int	trql_rows_to_ask(const ForeignScan *plan, bool first);
extern void trql_choose_window(const ForeignScan *plan, const TriggerValue *values,
							   char **from, char **to);

#endif							/* TRIGGER_TRQL_TEXT_H */
