/*-------------------------------------------------------------------------
 *
 * trql_explain.c
 *		EXPLAIN of queries.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_scan.h"

#include "explain.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "trql_look_back.h"
#include "trql_text.h"
#include "utils/builtins.h"

/*
 * Are all bounds of the window known?
 */
static bool
window_is_known(const ForeignScan *plan, const TriggerValue *values)
{
	List	   *bounds = list_nth(plan->fdw_private, TrqlPrivateBounds);

	for (int i = 1; i < list_length(bounds); i += 2)
	{
		if (!values[list_nth_int(bounds, i)].known)
			return false;
	}
	return true;
}

/*
 * Show the window, in milliseconds of the epoch, and what the plan of the
 * service leaves of it, if it is known to leave "days" only.
 */
static void
explain_window(const ForeignScan *plan, int days, const TriggerValue *values,
			   ExplainState *es)
{
	bool		known = window_is_known(plan, values);
	bool		exceeded = false;
	char	   *from;
	char	   *to;

	if (known)
	{
		trql_choose_window(plan, values, &from, &to);
		ExplainPropertyText("Window", psprintf("from %s%s%s", from, to ? " to " : "",
											   to ? to : ""), es);
		exceeded = trql_look_back_exceeded(days, pg_strtoint64(from));
	}
	else
		ExplainPropertyText("Window", "bounded at execution", es);
	if (days > 0)
		ExplainPropertyText("Look-Back",
							psprintf("%d %s%s", days, days == 1 ? "day" : "days",
									 exceeded ? ", less than the window" : ""), es);
}

/*
 * ExplainForeignScan for queries.
 */
void
trql_explain_scan(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	const TriggerFetchStats *stats = trql_scan_stats(node);
	RangeTblEntry *rte = rt_fetch(trql_plan_relation(plan), es->rtable);
	TrqlTable  *table = trql_table_open_by_id(rte->relid);
	TriggerValue *values = trigger_describe_values(node, plan->fdw_exprs, NIL, es);
	int			keyed = trql_plan_number(plan, TrqlNumberKeyed);

	for (int i = 0; keyed && i < list_length(plan->fdw_exprs); i++)
	{
		if (!trql_stands_for_keys(list_nth(plan->fdw_exprs, i)))
			continue;
		values[i].known = false;
		values[i].text = trql_table_column(table, keyed)->attname;
	}
	ExplainPropertyText("Query",
						stats && stats->first_request ? stats->first_request :
						trql_query_text(plan, table, values, NULL, trql_rows_to_ask(plan, true)),
						es);
	if (table->time_column)
		explain_window(plan, trql_look_back_days(table, TRIGGER_SCAN_USER(node, rte)),
					   values, es);
	if (strcmp(table->scope, "environment") != 0)
		ExplainPropertyText("Scope", table->scope, es);
	if (es->analyze && stats)
	{
		ExplainPropertyInteger("Requests", NULL, (int64) stats->http.requests, es);
		ExplainPropertyInteger("Rows Received", NULL, (int64) stats->rows, es);
		ExplainPropertyInteger("Bytes Received", NULL, (int64) stats->http.bytes,
							   es);
		ExplainPropertyInteger("Retries", NULL, (int64) stats->http.retries, es);
		if (es->timing)
			ExplainPropertyFloat("Time Waited", "ms",
								 stats->http.wait_time / 1000.0, 3, es);
	}
}
