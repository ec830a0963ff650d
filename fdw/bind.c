/*-------------------------------------------------------------------------
 *
 * bind.c
 *		Conditions and their values to what can be sent.
 *
 * The rule throughout: what is sent selects a superset of the rows that the
 * conditions select.  A value that the API would take for something else
 * (it splits at commas, ignores empty values, refuses unknown words) leaves
 * its filter unbound, and the executor's own check does the work.  A column
 * that only the API can check has no such way out: there it is an error.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "bind.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/*
 * Longest list of values in a request.  The server refuses requests whose
 * URL and headers exceed 16 kB; encoding makes at most three bytes of one.
 */
#define MAX_LIST_BYTES	4000

/*
 * A timestamp in milliseconds since 1970, rounded down or up; infinities and
 * times beyond what the API takes become its extremes.
 */
int64
trigger_timestamp_to_ms(TimestampTz ts, bool up)
{
	const int64 epoch = (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) *
	SECS_PER_DAY * 1000;
	int64		ms;

	if (TIMESTAMP_IS_NOBEGIN(ts))
		return -1;
	if (TIMESTAMP_IS_NOEND(ts))
		return TRIGGER_MAX_MS + 1;
	ms = ts / 1000;
	if (ts % 1000 < 0)
		ms--;
	if (up && ts % 1000 != 0)
		ms++;
	ms += epoch;
	if (ms < 0)
		return -1;
	return Min(ms, TRIGGER_MAX_MS + 1);
}

/*
 * A text datum as UTF-8.
 */
static char *
text_to_utf8(Datum value)
{
	char	   *s = TextDatumGetCString(value);
	char	   *utf8 = pg_server_to_any(s, strlen(s), PG_UTF8);

	return utf8;
}

/*
 * Is a string in a list?
 */
static bool
has_string(List *list, const char *s)
{
	ListCell   *cell;

	foreach(cell, list)
	{
		if (strcmp((const char *) lfirst(cell), s) == 0)
			return true;
	}
	return false;
}

/*
 * The distinct, non-null strings of a text or text[] value, as UTF-8.  *nulls
 * tells whether there were nulls.
 */
static List *
value_strings(const TriggerValue *value, bool array, bool *nulls)
{
	List	   *result = NIL;
	Datum	   *elements;
	bool	   *isnull;
	int			n;

	*nulls = false;
	if (!array)
		return list_make1(text_to_utf8(value->value));

	deconstruct_array(DatumGetArrayTypeP(value->value),
					  ARR_ELEMTYPE(DatumGetArrayTypeP(value->value)),
					  -1, false, TYPALIGN_INT, &elements, &isnull, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *s;

		if (isnull[i])
		{
			*nulls = true;
			continue;
		}
		s = text_to_utf8(elements[i]);
		if (!has_string(result, s))
			result = lappend(result, s);
	}
	return result;
}

/*
 * Every word that a closed vocabulary can show.
 */
static List *
all_words(const TriggerWord *words)
{
	List	   *result = NIL;

	for (; words->shown; words++)
		result = lappend(result, unconstify(char *, words->shown));
	return result;
}

/*
 * Narrow a filter to the values in "strings", or to all but those.
 */
static void
narrow(TriggerBoundFilter *bound, const TriggerFilter *filter, List *strings,
	   bool negated)
{
	List	   *before;
	List	   *after = NIL;
	ListCell   *cell;

	if (!bound->bound && filter->words == NULL)
		before = strings;		/* an open vocabulary is never negated */
	else
		before = bound->bound ? bound->values : all_words(filter->words);
	foreach(cell, before)
	{
		if (has_string(strings, lfirst(cell)) != negated)
			after = lappend(after, lfirst(cell));
	}
	bound->values = after;
	bound->bound = true;
}

/*
 * Apply a condition on a text column.
 */
static void
bind_strings(TriggerBinding *binding, TriggerBoundFilter *bound,
			 const TriggerFilter *filter, TriggerOp op,
			 const TriggerValue *value)
{
	bool		array = op == TRIGGER_OP_ANY || op == TRIGGER_OP_NOT_ANY;
	bool		negated = op == TRIGGER_OP_NE || op == TRIGGER_OP_NOT_ANY;
	bool		nulls;
	List	   *strings = value_strings(value, array, &nulls);

	/* x <> ALL with a null among the values is never true */
	if (negated && nulls)
		binding->empty = true;
	narrow(bound, filter, strings, negated);
	if (bound->values == NIL)
		binding->empty = true;
}

/*
 * Apply a condition on a boolean column.
 */
static void
bind_boolean(TriggerBinding *binding, TriggerBoundFilter *bound, bool truth)
{
	if (bound->bound && bound->truth != truth)
		binding->empty = true;
	bound->bound = true;
	bound->truth = truth;
}

/*
 * Can this go into a comma-separated list and come out as itself?
 */
static bool
is_list_value(const char *s)
{
	return *s != '\0' && strchr(s, ',') == NULL;
}

/*
 * Apply a condition on an array column.  The API asks for one thing only,
 * "has any of these"; of several conditions the shortest list is sent, and
 * any one element of those that a row must contain will do.
 */
static void
bind_has_any(TriggerBinding *binding, TriggerBoundFilter *bound,
			 const TriggerFilter *filter, TriggerOp op,
			 const TriggerValue *value)
{
	bool		nulls;
	List	   *strings = value_strings(value, op != TRIGGER_OP_HAS, &nulls);
	List	   *sendable = NIL;
	ListCell   *cell;

	if (op == TRIGGER_OP_OVERLAPS && strings == NIL)
	{
		binding->empty = true;	/* nothing overlaps nothing */
		return;
	}
	if (op == TRIGGER_OP_CONTAINS && nulls)
	{
		binding->empty = true;	/* nothing contains a null */
		return;
	}

	foreach(cell, strings)
	{
		if (filter->kind == TRIGGER_FILTER_HAS_ONE ? *(char *) lfirst(cell) != '\0' :
			is_list_value(lfirst(cell)))
			sendable = lappend(sendable, lfirst(cell));
		else if (op == TRIGGER_OP_OVERLAPS)
			return;
	}
	if (sendable == NIL)
		return;
	if (op == TRIGGER_OP_CONTAINS)
		sendable = list_make1(linitial(sendable));
	if (!bound->bound || list_length(sendable) < list_length(bound->values))
		bound->values = sendable;
	bound->bound = true;
}

/*
 * Apply a comparison of the time column.  The API's bounds are inclusive and
 * in milliseconds; both ends are widened to those.
 */
static void
bind_time(TriggerBinding *binding, TriggerOp op, const TriggerValue *value)
{
	TimestampTz ts = DatumGetTimestampTz(value->value);

	if (op == TRIGGER_OP_EQ || op == TRIGGER_OP_GT || op == TRIGGER_OP_GE)
	{
		int64		from = trigger_timestamp_to_ms(ts, false);

		if (from > TRIGGER_MAX_MS)
			binding->empty = true;
		/* 0 would be taken for "no bound": the last seven days */
		binding->from = Max(binding->from, Max(from, 1));
	}
	if (op == TRIGGER_OP_EQ || op == TRIGGER_OP_LT || op == TRIGGER_OP_LE)
	{
		int64		to = trigger_timestamp_to_ms(ts, true);

		if (to < 1)
			binding->empty = true;
		else if (to <= TRIGGER_MAX_MS)
			binding->to = binding->to == 0 ? to : Min(binding->to, to);
	}
}

/*
 * Apply a lower bound of an integer that counts from 0.
 */
static void
bind_after(TriggerBoundFilter *bound, TriggerOp op, const TriggerValue *value)
{
	int64		after = DatumGetInt64(value->value);

	if (op != TRIGGER_OP_GT && after > PG_INT64_MIN)
		after--;
	if (after < 0)
		return;
	bound->after = bound->bound ? Max(bound->after, after) : after;
	bound->bound = true;
}

/*
 * EXPLAIN without values: remember the expression instead.
 */
static void
bind_placeholder(TriggerBinding *binding, TriggerBoundFilter *bound,
				 const TriggerFilter *filter, TriggerOp op, const char *text)
{
	const char *placeholder = psprintf("{%s}", text);

	if (filter->kind != TRIGGER_FILTER_TIME)
	{
		bound->placeholder = placeholder;
		return;
	}
	if (op != TRIGGER_OP_LT && op != TRIGGER_OP_LE)
		binding->from_placeholder = placeholder;
	if (op != TRIGGER_OP_GT && op != TRIGGER_OP_GE)
		binding->to_placeholder = placeholder;
}

/*
 * Is the filter's column one that only the API can check?
 */
static bool
is_only_remote(const TriggerRelation *rel, const TriggerFilter *filter)
{
	return trigger_column_find(rel->resource, filter->column)->source ==
		TRIGGER_FROM_FILTER;
}

/*
 * Is a name in a list that ends with NULL (or is NULL)?
 */
static bool
has_name(const char *const *list, const char *name)
{
	for (; list && *list; list++)
	{
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

/*
 * Drop what cannot be sent as it is.
 */
static void
check_sendable(const TriggerRelation *rel, const TriggerFilter *filter,
			   TriggerBinding *binding, TriggerBoundFilter *bound)
{
	bool		sendable = true;
	size_t		bytes = 0;
	ListCell   *cell;

	if (!bound->bound || filter->kind == TRIGGER_FILTER_BOOLEAN ||
		filter->kind == TRIGGER_FILTER_AFTER ||
		filter->kind == TRIGGER_FILTER_ENVIRONMENT)
		return;

	foreach(cell, bound->values)
	{
		const char *s = lfirst(cell);

		bytes += strlen(s) + 1;
		switch (filter->kind)
		{
			case TRIGGER_FILTER_KEY:
			case TRIGGER_FILTER_PATH:
				/* "." and ".." are not names in a path */
				if (*s == '\0' || strcmp(s, ".") == 0 || strcmp(s, "..") == 0 ||
					has_name(rel->resource->unaddressable_keys, s))
					sendable = false;
				bytes = 0;		/* a request each */
				break;
			case TRIGGER_FILTER_SINGLE:
			case TRIGGER_FILTER_HAS_ONE:
				if (*s == '\0')
					sendable = false;
				bytes = 0;
				break;
			default:
				if (!is_list_value(s))
					sendable = false;
				break;
		}
	}
	if (sendable && bytes <= MAX_LIST_BYTES)
		return;

	if (is_only_remote(rel, filter))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("condition on column \"%s\" of foreign table \"%s\" cannot be applied",
						filter->column, rel->name),
				 filter->kind == TRIGGER_FILTER_PATH ?
				 errdetail("The value cannot be part of a path.") :
				 errdetail("The API cannot filter by an empty value, by one with a comma, or by so many values at once.")));
	bound->bound = false;
	bound->values = NIL;
}

/*
 * Does a text begin with another?
 */
static bool
begins_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/*
 * Values that name no row at all: they are not worth a request.
 */
static void
drop_impossible_keys(const TriggerRelation *rel, const TriggerFilter *filter,
					 TriggerBinding *binding, TriggerBoundFilter *bound)
{
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, bound->values)
	{
		const char *s = lfirst(cell);

		if (*s != '\0' && !has_name(rel->resource->hidden_keys, s) &&
			(filter->prefix == NULL || begins_with(s, filter->prefix)) &&
			(filter->never == NULL || !begins_with(s, filter->never)))
			kept = lappend(kept, lfirst(cell));
	}
	bound->values = kept;
	if (kept == NIL)
		binding->empty = true;
}

/*
 * Work out what to ask for.  "conditions" is the plan's list of integer
 * lists, "values" what they point into, "mentioned" the plan's number.  The
 * result is in the current context.
 */
TriggerBinding *
trigger_bind(const TriggerRelation *rel, List *conditions, int mentioned,
			 const TriggerValue *values)
{
	TriggerBinding *binding = palloc0(sizeof(TriggerBinding));
	int			nfilters = 0;
	ListCell   *cell;

	while (rel->resource->filters[nfilters].column)
		nfilters++;
	binding->filters = palloc0(Max(nfilters, 1) * sizeof(TriggerBoundFilter));
	binding->mentioned = mentioned;

	foreach(cell, conditions)
	{
		List	   *condition = (List *) lfirst(cell);
		int			index = linitial_int(condition);
		TriggerOp	op = (TriggerOp) lsecond_int(condition);
		const TriggerFilter *filter = &rel->resource->filters[index];
		TriggerBoundFilter *bound = &binding->filters[index];
		const TriggerValue *value = NULL;

		if (lthird_int(condition) >= 0)
		{
			value = &values[lthird_int(condition)];
			if (!value->known)
			{
				bind_placeholder(binding, bound, filter, op, value->text);
				continue;
			}
			if (value->isnull)
			{
				/* every operator here is strict */
				binding->empty = true;
				continue;
			}
		}

		switch (filter->kind)
		{
			case TRIGGER_FILTER_BOOLEAN:
				bind_boolean(binding, bound,
							 op == TRIGGER_OP_EQ ? DatumGetBool(value->value) :
							 op == TRIGGER_OP_TRUE);
				break;
			case TRIGGER_FILTER_HAS_ANY:
			case TRIGGER_FILTER_HAS_ONE:
				bind_has_any(binding, bound, filter, op, value);
				break;
			case TRIGGER_FILTER_AFTER:
				bind_after(bound, op, value);
				break;
			case TRIGGER_FILTER_TIME:
				bind_time(binding, op, value);
				break;
			default:
				bind_strings(binding, bound, filter, op, value);
				break;
		}
	}

	for (int i = 0; i < nfilters; i++)
	{
		const TriggerFilter *filter = &rel->resource->filters[i];
		TriggerBoundFilter *bound = &binding->filters[i];

		if (bound->bound && (filter->kind == TRIGGER_FILTER_KEY ||
							 (filter->kind == TRIGGER_FILTER_PATH && filter->prefix)))
			drop_impossible_keys(rel, filter, binding, bound);
		if (bound->bound && filter->words &&
			list_length(bound->values) == list_length(all_words(filter->words)) &&
			!is_only_remote(rel, filter))
			bound->bound = false;	/* every word: no filter at all */
		if (!binding->empty)
			check_sendable(rel, filter, binding, bound);
	}
	if (binding->from && binding->to && binding->from > binding->to)
		binding->empty = true;
	return binding;
}
