/*-------------------------------------------------------------------------
 *
 * explain.c
 *		EXPLAIN of scans.
 *
 * Shows the request that a scan would send, without sending it: constants as
 * they would be sent, other values as the expressions that they are computed
 * from.  After ANALYZE, the first request that was really sent.  Nothing
 * here knows a credential.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "explain.h"

#include "access/table.h"
#include "bind.h"
#include "compat.h"
#include "exchange.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "request.h"
#include "scan.h"
#include "scanspec.h"
#include "utils/builtins.h"
#include "utils/ruleutils.h"

/*
 * Values for a description: constants are known, everything else is text.
 */
TriggerValue *
trigger_describe_values(ForeignScanState *node, List *exprs, List *ancestors,
						ExplainState *es)
{
	TriggerValue *values = palloc0(Max(list_length(exprs), 1) *
								   sizeof(TriggerValue));
	List	   *context;
	int			i = 0;
	ListCell   *cell;

	context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan,
									   ancestors);
	foreach(cell, exprs)
	{
		Node	   *expr = (Node *) lfirst(cell);

		values[i].type = exprType(expr);
		if (IsA(expr, Const))
		{
			values[i].known = true;
			values[i].isnull = ((Const *) expr)->constisnull;
			values[i].value = ((Const *) expr)->constvalue;
		}
		else
			values[i].text = deparse_expression(expr, context, false, false);
		i++;
	}
	return values;
}

/*
 * The first page that a list would be asked for.
 */
static TriggerPage
first_page(const TriggerTarget *target, int limit)
{
	TriggerPage page = {0};

	page.size = target->page_size;
	if (limit > 0 && limit < page.size)
		page.size = limit;
	page.number = 1;
	return page;
}

/*
 * Show what a personal access token is exchanged for, if it is.
 */
static void
explain_exchange(const TriggerRequest *first, const TriggerRequest *then,
				 ExplainState *es)
{
	char	   *scopes = trigger_exchange_scopes(first);

	if (scopes == NULL && then)
		scopes = trigger_exchange_scopes(then);
	if (scopes)
		ExplainPropertyText("Token", psprintf("exchanged, with scopes %s", scopes),
							es);
}

/*
 * Describe the requests of a plan that was not run.
 */
static void
explain_plan(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	RangeTblEntry *rte = rt_fetch(plan->scan.scanrelid, es->rtable);
	Oid			userid = TRIGGER_SCAN_USER(node, rte);
	List	   *numbers = list_nth(plan->fdw_private, TriggerPrivateNumbers);
	List	   *attributes = list_nth(plan->fdw_private, TriggerPrivateAttributes);
	Relation	relation = table_open(rte->relid, NoLock);
	TriggerRelation *rel = trigger_relation_open(relation);
	List	   *exprs = list_nth(plan->fdw_exprs, TriggerExprValues);
	int			keyed = list_nth_int(numbers, TriggerNumberKeyed);
	TriggerTarget *target;
	TriggerValue *values;
	TriggerBinding *binding;
	TriggerRequests *requests;
	TriggerRequest *first;
	TriggerRequest *then = NULL;
	TriggerKnown each = {.kind = TRIGGER_KNOWN_ENVIRONMENT,
	.name = "{each environment}"};
	TriggerKnown projects = {.kind = TRIGGER_KNOWN_PROJECT,
	.name = "{each project}"};
	List	   *known = NIL;
	TriggerPage page;

	table_close(relation, NoLock);
	target = trigger_target_resolve(rel->serverid, userid, rel->options, true);
	values = trigger_describe_values(node, exprs, NIL, es);
	if (keyed)
	{
		TriggerValue *keys = &values[list_length(exprs) - 1];

		keys->known = false;
		keys->text = rel->resource->filters[keyed - 1].column;
	}
	binding = trigger_bind(rel,
						   list_nth(plan->fdw_private, TriggerPrivateConditions),
						   list_nth_int(numbers, TriggerNumberMentioned), values);
	if (binding->empty)
	{
		ExplainPropertyText("Request", "none, because no row can qualify", es);
		return;
	}
	if (target->kind == TRIGGER_CRED_PAT)
		known = list_make2(&each, &projects);
	requests = trigger_requests_build(target, rel, binding, attributes, known);

	if (requests->lists == NIL)
	{
		ExplainPropertyText("Request", "none, because no row can qualify", es);
		return;
	}
	page = first_page(target, list_nth_int(numbers, TriggerNumberLimit));
	first = linitial(requests->by_key ? requests->items : requests->lists);
	ExplainPropertyText("Request",
						trigger_request_describe(first, requests->by_key ? NULL : &page),
						es);
	if (requests->by_key && rel->resource->access == TRIGGER_ACCESS_ITEM_LIST)
	{
		then = linitial(linitial(requests->item_lists));
		then->from_placeholder = then->to_placeholder = "{createdAt}";
		page.size = target->page_size;
		ExplainPropertyText("Then", trigger_request_describe(then, &page), es);
	}
	else if (!requests->by_key && list_nth_int(numbers, TriggerNumberDetails))
	{
		then = trigger_request_item(first, rel->resource->item, NULL);
		ExplainPropertyText("Then", psprintf("%s for each row",
											 trigger_request_describe(then, NULL)),
							es);
	}
	explain_exchange(first, then, es);
	if (list_length(requests->by_key ? requests->items : requests->lists) > 1)
		ExplainPropertyInteger("Request Streams", NULL,
							   list_length(requests->by_key ? requests->items :
										   requests->lists), es);
}

/*
 * Show the pushed conditions.
 */
static void
explain_pushed(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	List	   *pushed = list_nth(plan->fdw_exprs, TriggerExprPushed);
	List	   *context;

	if (pushed == NIL)
		return;
	context = set_deparse_context_plan(es->deparse_cxt, (Plan *) plan, NIL);
	ExplainPropertyText("Pushed",
						deparse_expression((Node *) make_ands_explicit(pushed),
										   context, false, false),
						es);
}

/*
 * Show what the execution cost.
 */
static void
explain_execution(const TriggerFetchStats *stats, ExplainState *es)
{
	ExplainPropertyInteger("Requests", NULL, (int64) stats->http.requests, es);
	ExplainPropertyInteger("Pages", NULL, (int64) stats->pages, es);
	ExplainPropertyInteger("Rows Received", NULL, (int64) stats->rows, es);
	if (stats->duplicates > 0)
		ExplainPropertyInteger("Duplicates Dropped", NULL,
							   (int64) stats->duplicates, es);
	ExplainPropertyInteger("Bytes Received", NULL, (int64) stats->http.bytes, es);
	ExplainPropertyInteger("Retries", NULL, (int64) stats->http.retries, es);
	if (stats->http.rate_limit_waits > 0)
		ExplainPropertyInteger("Rate Limit Waits", NULL,
							   (int64) stats->http.rate_limit_waits, es);
	if (es->timing)
	{
		ExplainPropertyFloat("Time Waited", "ms",
							 stats->http.wait_time / 1000.0, 3, es);
		if (stats->http.backoff_time > 0)
			ExplainPropertyFloat("Back-Off", "ms",
								 stats->http.backoff_time / 1000.0, 3, es);
	}
}

/*
 * ExplainForeignScan.  There is no execution state for plain EXPLAIN.
 */
void
trigger_explain_scan(ForeignScanState *node, ExplainState *es)
{
	const TriggerFetchStats *stats = trigger_scan_stats(node);

	if (stats && stats->first_request)
		ExplainPropertyText("Request", stats->first_request, es);
	else
		explain_plan(node, es);
	explain_pushed(node, es);
	if (es->analyze && stats)
		explain_execution(stats, es);
}
