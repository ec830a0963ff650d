/*-------------------------------------------------------------------------
 *
 * trql_text.c
 *		From a plan and its values to the text of a query and its window.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_text.h"

#include "access/stratnum.h"
#include "lib/stringinfo.h"
#include "trql_query.h"
#include "trql_value.h"
#include "utils/timestamp.h"

/* Times with nanoseconds end in 2262; the engine refuses to compare later ones. */
#define LAST_MILLISECOND	INT64CONST(9214646400000)

/*
 * A text that the planner wrote down.
 */
static const char *
plan_text(const ForeignScan *plan, enum TrqlPrivate which)
{
	return strVal(list_nth(plan->fdw_private, which));
}

/*
 * A number that it wrote down.
 */
int
trql_plan_number(const ForeignScan *plan, enum TrqlNumber which)
{
	return list_nth_int(list_nth(plan->fdw_private, TrqlPrivateNumbers), which);
}

/*
 * The table in the range table.  What is above a table has no relation of its
 * own, and only this set is kept up to date when subqueries are put together.
 */
int
trql_plan_relation(const ForeignScan *plan)
{
	return plan->scan.scanrelid > 0 ? plan->scan.scanrelid :
		bms_next_member(plan->fs_relids, -1);
}

/*
 * A text of the planner's with its values.
 */
static char *
filled(const ForeignScan *plan, enum TrqlPrivate which, const TriggerValue *values)
{
	return trql_fill(plan_text(plan, which), list_nth(plan->fdw_private, TrqlPrivateKinds),
					 values);
}

/*
 * The text of a query.  "page" is a condition that a page begins with, NULL
 * if there is none; it has words of the server's, so marks are not looked for
 * in it.
 */
char *
trql_query_text(const ForeignScan *plan, const TrqlTable *table,
		   const TriggerValue *values, const char *page, int rows)
{
	StringInfoData buf;
	const char *where = filled(plan, TrqlPrivateWhere, values);
	const char *order = filled(plan, TrqlPrivateOrder, values);

	initStringInfo(&buf);
	appendStringInfoString(&buf, filled(plan, TrqlPrivateSelect, values));
	if (*where && page)
		appendStringInfo(&buf, " WHERE and(%s, %s)", where, page);
	else if (*where || page)
		appendStringInfo(&buf, " WHERE %s", page ? page : where);
	appendStringInfoString(&buf, filled(plan, TrqlPrivateGroup, values));
	if (*order)
		appendStringInfo(&buf, " ORDER BY %s", order);
	else if (trql_plan_number(plan, TrqlNumberPaged))
		appendStringInfo(&buf, " ORDER BY %s DESC%s%s%s", table->time_column,
						 table->key_column ? ", " : "",
						 table->key_column ? table->key_column : "",
						 table->key_column ? " DESC" : "");
	appendStringInfo(&buf, " LIMIT %d", rows);
	if (trql_plan_number(plan, TrqlNumberOffset) > 0)
		appendStringInfo(&buf, " OFFSET %d", trql_plan_number(plan, TrqlNumberOffset));
	return buf.data;
}

/*
 * Rows to ask for.  Where pages end between two moments only, one more shows
 * whether the last that is wanted is one.
 */
int
trql_rows_to_ask(const ForeignScan *plan, bool first)
{
	if (trql_plan_number(plan, TrqlNumberLimit) >= 0)
		return trql_plan_number(plan, TrqlNumberLimit);
	if (!trql_plan_number(plan, TrqlNumberPaged))
		return TRQL_MAX_ROWS;
	if (first && trql_plan_number(plan, TrqlNumberHint) > 0)
		return Min(trql_plan_number(plan, TrqlNumberHint) +
				   (trql_plan_number(plan, TrqlNumberKey) < 0 ? 1 : 0), TRQL_PAGE_ROWS);
	return TRQL_PAGE_ROWS;
}

/*
 * The window of the request.  Without a lower bound the server makes one up:
 * the first millisecond of the epoch stands for none.  The conditions that
 * the window comes from are applied besides, so it may be wider than they.
 */
void
trql_choose_window(const ForeignScan *plan, const TriggerValue *values, char **from,
			  char **to)
{
	List	   *bounds = list_nth(plan->fdw_private, TrqlPrivateBounds);
	int64		lower = 1;
	int64		upper = PG_INT64_MAX;

	for (int i = 0; i < list_length(bounds); i += 2)
	{
		int			strategy = list_nth_int(bounds, i);
		const TriggerValue *value = &values[list_nth_int(bounds, i + 1)];
		TimestampTz when;

		if (!value->known || value->isnull)
			continue;
		when = DatumGetTimestampTz(value->value);
		if (TIMESTAMP_NOT_FINITE(when))
			continue;
		if (strategy >= BTEqualStrategyNumber)
			lower = Max(lower, trigger_timestamp_to_ms(when, false));
		if (strategy <= BTEqualStrategyNumber)
			upper = Min(upper, trigger_timestamp_to_ms(when, false) + 1);
	}
	*from = psprintf(INT64_FORMAT, Min(lower, LAST_MILLISECOND));
	*to = upper > LAST_MILLISECOND ? NULL : psprintf(INT64_FORMAT, Max(upper, 1));
}
