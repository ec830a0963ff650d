/*-------------------------------------------------------------------------
 *
 * fetch.c
 *		Rows of one scan, from as many requests as it takes.
 *
 * A fetch runs streams.  Streams of look-ups and of whole lists are read one
 * after the other, with as many under way as the options allow; streams of
 * lists that are ordered by time are merged, so that the result is ordered
 * whatever the number of requests, and so that a row that two of them find
 * is met twice in a row.
 *
 * Where rows of a list are to be retrieved one by one, a second fetch feeds
 * the ids, and the retrieves run ahead of the rows that are handed out.
 *
 * Nothing here waits, except trigger_fetch_wait(): several fetches can be
 * driven at once.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "fetch.h"

#include "answer.h"
#include "catalog/pg_type.h"
#include "endpoint.h"
#include "portability/instr_time.h"
#include "seen.h"
#include "stream.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Rows between two looks at the network while a page is handed out. */
#define ROWS_PER_POLL	32

struct TriggerFetch
{
	TriggerFetchPlan plan;
	MemoryContext context;
	bool		merge;
	TriggerStream **streams;
	int			nstreams;
	int			first;			/* those before are done */
	int			started;		/* those before are started */
	TriggerStream *taken;		/* its row was handed out last */
	int			window;			/* streams that may run at once */
	int64		handed;			/* rows handed out */
	TriggerSeen *seen;			/* NULL: rows cannot come twice */
	bool		have_last;
	TimestampTz last;			/* time of the row before */

	/* feeding ids to retrieves */
	TriggerFetch *feeder;
	bool		feeder_ended;
};

/*
 * Make streams: one for each item, with the lists that it may be in, or one
 * for each list.
 */
static void
create_streams(TriggerFetch *fetch, List *items, List *lists)
{
	int			n = Max(list_length(items), list_length(lists));

	fetch->streams = palloc0(Max(n, 1) * sizeof(TriggerStream *));
	fetch->nstreams = n;
	for (int i = 0; i < n; i++)
	{
		List	   *own = NIL;

		if (items && lists)
			own = list_nth(lists, i);
		else if (lists)
			own = list_make1(list_nth(lists, i));
		fetch->streams[i] =
			trigger_stream_create(&fetch->plan,
								  items ? list_nth(items, i) : NULL, own);
	}
}

/*
 * Make a fetch that reads lists only.
 */
static TriggerFetch *
begin_lists(const TriggerFetchPlan *plan)
{
	TriggerFetch *fetch = palloc0(sizeof(TriggerFetch));
	TriggerRequest *first;

	fetch->plan = *plan;
	fetch->context = CurrentMemoryContext;
	fetch->window = plan->target->concurrency;
	create_streams(fetch, NIL, plan->requests->lists);
	if (fetch->nstreams > 0 && plan->id_slot >= 0)
		fetch->seen = trigger_seen_create(plan->order_slot >= 0);
	if (fetch->nstreams > 1 && plan->order_slot >= 0)
	{
		first = linitial(plan->requests->lists);
		fetch->merge = first->endpoint->paging == TRIGGER_PAGING_CURSOR ||
			first->endpoint->paging == TRIGGER_PAGING_WINDOW;
	}
	return fetch;
}

/*
 * Make a fetch that retrieves what a list finds.
 */
static TriggerFetch *
begin_details(const TriggerFetchPlan *plan)
{
	TriggerFetch *fetch = palloc0(sizeof(TriggerFetch));

	fetch->plan = *plan;
	fetch->context = CurrentMemoryContext;
	fetch->feeder = begin_lists(plan);

	/* what is under way counts towards the same limit as the retrieves */
	fetch->feeder->plan.serial = true;
	fetch->streams = palloc0(plan->target->concurrency * sizeof(TriggerStream *));
	return fetch;
}

/*
 * Begin to fetch.  Nothing is sent before the first row is asked for.  The
 * fetch lives in the current context, and is cancelled and freed with it.
 */
TriggerFetch *
trigger_fetch_begin(const TriggerFetchPlan *plan)
{
	TriggerFetch *fetch;

	if (plan->requests->by_key)
	{
		fetch = palloc0(sizeof(TriggerFetch));
		fetch->plan = *plan;
		fetch->context = CurrentMemoryContext;
		create_streams(fetch, plan->requests->items,
					   plan->resource->access == TRIGGER_ACCESS_LIST_ITEM ?
					   NIL : plan->requests->item_lists);
	}
	else if (plan->details)
		fetch = begin_details(plan);
	else
		return begin_lists(plan);

	/* a scan that may end at any row must not run far ahead of it */
	fetch->window = plan->target->concurrency;
	if (plan->limit > 0)
		fetch->window = Min(fetch->window, plan->limit);
	else if (plan->ahead == TRIGGER_AHEAD_NEVER)
		fetch->window = 1;
	return fetch;
}

/*
 * Rows that are still needed, 0 if that is not known (any more).
 */
static int64
remaining(const TriggerFetch *fetch)
{
	return Max((int64) fetch->plan.limit - fetch->handed, 0);
}

/*
 * The query wants more rows than have been prepared for: prepare for more.
 */
static void
widen(TriggerFetch *fetch)
{
	if (fetch->window < fetch->plan.target->concurrency)
		fetch->window = Min(fetch->window * 2, fetch->plan.target->concurrency);
}

/*
 * Was a row handed out before?  Checks the order on the way, if the plan
 * relies on it: a sort that does not take place must not be missed.
 */
static bool
is_repeated(TriggerFetch *fetch, const TriggerRow *row)
{
	const TriggerFetchPlan *plan = &fetch->plan;
	text	   *id;
	TimestampTz when = 0;

	if (fetch->seen == NULL)
		return false;
	id = DatumGetTextPP(row->values[plan->id_slot]);
	if (plan->order_slot >= 0)
		when = DatumGetTimestampTz(row->values[plan->order_slot]);
	if (trigger_seen_before(fetch->seen, VARDATA_ANY(id), VARSIZE_ANY_EXHDR(id),
							when))
	{
		plan->stats->duplicates++;
		return true;
	}
	if (plan->order_slot >= 0)
	{
		if (fetch->have_last && when > fetch->last)
			ereport(ERROR,
					(errcode(ERRCODE_PROTOCOL_VIOLATION),
					 errmsg("rows of server \"%s\" are not in the promised order",
							plan->target->server_name),
					 errdetail("Foreign table \"%s\": a row is newer than the one before.",
							   plan->table)));
		fetch->last = when;
		fetch->have_last = true;
	}
	return false;
}

/*
 * Start streams and do what can be done without waiting, up to the window.
 */
static void
run_streams(TriggerFetch *fetch)
{
	int			active = 0;

	while (fetch->first < fetch->nstreams &&
		   fetch->streams[fetch->first] == NULL)
		fetch->first++;
	for (int i = fetch->first; i < fetch->nstreams; i++)
	{
		TriggerStream *stream = fetch->streams[i];

		if (stream == NULL)
			continue;
		trigger_stream_limit(stream, remaining(fetch));
		if (!trigger_stream_started(stream))
		{
			if (active >= fetch->window)
				break;
			trigger_stream_start(stream);
		}

		/*
		 * In a merge, a stream that has rows waits for the others: it does
		 * not count.  One after the other, it is what the window bounds.
		 */
		if (!trigger_stream_advance(stream) || !fetch->merge)
			active++;
	}
}

/*
 * Streams one after the other: the row of the first that is not done.
 */
static TriggerFetchResult
next_in_turn(TriggerFetch *fetch, TriggerStream **result, TriggerRow *row)
{
	while (fetch->first < fetch->nstreams)
	{
		TriggerStream *stream = fetch->streams[fetch->first];

		/* the fast path: another row of the page at hand */
		if (stream && trigger_stream_peek(stream, row))
		{
			*result = stream;
			return TRIGGER_FETCH_ROW;
		}
		if (stream && trigger_stream_done(stream))
		{
			trigger_stream_free(stream);
			fetch->streams[fetch->first] = stream = NULL;
			if (fetch->plan.limit == 0 || fetch->handed >= fetch->plan.limit)
				widen(fetch);
		}
		if (stream == NULL)
		{
			fetch->first++;
			continue;
		}
		run_streams(fetch);
		if (!trigger_stream_advance(stream))
			return TRIGGER_FETCH_WAIT;
	}
	return TRIGGER_FETCH_END;
}

/*
 * Merged streams: the newest of all first rows.
 */
static TriggerFetchResult
next_merged(TriggerFetch *fetch, TriggerStream **result, TriggerRow *row)
{
	TimestampTz newest = 0;
	TriggerRow	candidate;

	run_streams(fetch);
	*result = NULL;
	for (int i = fetch->first; i < fetch->nstreams; i++)
	{
		TriggerStream *stream = fetch->streams[i];
		TimestampTz when;

		if (stream == NULL)
			continue;
		if (trigger_stream_done(stream))
		{
			trigger_stream_free(stream);
			fetch->streams[i] = NULL;
			continue;
		}
		if (!trigger_stream_peek(stream, &candidate))
			return TRIGGER_FETCH_WAIT;
		when = DatumGetTimestampTz(candidate.values[fetch->plan.order_slot]);
		if (*result == NULL || when > newest)
		{
			*result = stream;
			newest = when;
			*row = candidate;
		}
	}
	return *result ? TRIGGER_FETCH_ROW : TRIGGER_FETCH_END;
}

/*
 * Let the feeder fill the window with retrieves, as far as it can without
 * waiting.
 */
static void
feed_streams(TriggerFetch *fetch)
{
	TriggerRow	row;

	while (!fetch->feeder_ended && fetch->nstreams < fetch->window)
	{
		MemoryContext old;
		TriggerStream *stream;
		TriggerFetchResult result = trigger_fetch_try(fetch->feeder, &row);

		if (result == TRIGGER_FETCH_WAIT)
			return;
		if (result == TRIGGER_FETCH_END)
		{
			fetch->feeder_ended = true;
			return;
		}
		if (fetch->plan.qualifies &&
			!fetch->plan.qualifies(fetch->plan.qualifies_arg, &row))
			continue;

		old = MemoryContextSwitchTo(fetch->context);
		stream = trigger_stream_create_retrieve(&fetch->plan, row.request,
												row.values[fetch->plan.key_slot]);
		MemoryContextSwitchTo(old);
		fetch->streams[fetch->nstreams++] = stream;
		trigger_stream_start(stream);
	}
}

/*
 * Rows of a list, each retrieved, in the list's order.
 */
static TriggerFetchResult
next_retrieved(TriggerFetch *fetch, TriggerStream **result, TriggerRow *row)
{
	for (;;)
	{
		TriggerStream *stream;

		if (fetch->plan.limit > 0)
			fetch->window = Min(fetch->plan.target->concurrency,
								Max(remaining(fetch), 1));
		feed_streams(fetch);
		if (fetch->nstreams == 0)
			return fetch->feeder_ended ? TRIGGER_FETCH_END : TRIGGER_FETCH_WAIT;

		stream = fetch->streams[0];
		if (!trigger_stream_advance(stream))
			return TRIGGER_FETCH_WAIT;
		if (trigger_stream_peek(stream, row))
		{
			*result = stream;
			return TRIGGER_FETCH_ROW;
		}

		/* handed out, or gone since the list was read */
		trigger_stream_free(stream);
		fetch->nstreams--;
		memmove(fetch->streams, fetch->streams + 1,
				fetch->nstreams * sizeof(TriggerStream *));
		if (fetch->plan.limit == 0)
			widen(fetch);
	}
}

/*
 * The next row, if there is one without waiting.
 */
TriggerFetchResult
trigger_fetch_try(TriggerFetch *fetch, TriggerRow *row)
{
	if (fetch->taken)
	{
		trigger_stream_next(fetch->taken);
		fetch->taken = NULL;
	}
	if (fetch->handed % ROWS_PER_POLL == ROWS_PER_POLL - 1)
		trigger_http_poll(fetch->plan.http);

	for (;;)
	{
		TriggerStream *stream = NULL;
		TriggerFetchResult result;

		if (fetch->feeder)
			result = next_retrieved(fetch, &stream, row);
		else if (fetch->merge)
			result = next_merged(fetch, &stream, row);
		else
			result = next_in_turn(fetch, &stream, row);
		if (result != TRIGGER_FETCH_ROW)
			return result;
		if (is_repeated(fetch, row))
		{
			trigger_stream_next(stream);
			continue;
		}
		fetch->taken = stream;
		fetch->handed++;
		return TRIGGER_FETCH_ROW;
	}
}

/*
 * Wait until another try may give more.
 */
void
trigger_fetch_wait(TriggerFetch *fetch)
{
	instr_time	start;
	instr_time	duration;

	INSTR_TIME_SET_CURRENT(start);
	trigger_http_wait_any(fetch->plan.http);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	fetch->plan.stats->http.wait_time += INSTR_TIME_GET_MICROSEC(duration);
}

/*
 * Names and ids that one endpoint lists, added to "known".  Waits.
 */
static List *
fetch_names(List *known, TriggerHttp *http, const TriggerTarget *target,
			const TriggerEndpoint *endpoint, const char *name_field,
			TriggerKnownKind kind, TriggerFetchStats *stats)
{
	TriggerRequest request = {.target = target, .endpoint = endpoint};
	TriggerRequests requests = {.lists = list_make1(&request)};
	TriggerField fields[2] = {
		{.path = name_field, .label = name_field, .required = true,
			.kind = TRIGGER_JSON_STRING,
		.slug = kind == TRIGGER_KNOWN_ENVIRONMENT, .null_slot = -1},
		{.path = "id", .label = "id", .required = true,
		.kind = TRIGGER_JSON_STRING, .null_slot = -1}
	};
	TriggerFetchPlan plan = {.http = http, .target = target,
		.requests = &requests, .table = "environments", .list_fields = fields,
		.nfields = 2, .id_slot = -1, .order_slot = -1, .key_slot = -1,
		.sequence_slot = -1, .environment_slot = -1, .stats = stats};
	TriggerFetch *fetch;
	TriggerFetchResult result;
	TriggerRow	row;

	trigger_target_check(target, endpoint);
	trigger_field_init(&fields[0], TEXTOID, -1);
	trigger_field_init(&fields[1], TEXTOID, -1);
	fetch = begin_lists(&plan);
	while ((result = trigger_fetch_try(fetch, &row)) != TRIGGER_FETCH_END)
	{
		TriggerKnown *one;

		if (result == TRIGGER_FETCH_WAIT)
		{
			trigger_fetch_wait(fetch);
			continue;
		}
		one = palloc(sizeof(TriggerKnown));
		one->kind = kind;
		one->name = TextDatumGetCString(row.values[0]);
		one->id = TextDatumGetCString(row.values[1]);
		known = lappend(known, one);
	}
	return known;
}

/*
 * What is "needed" (see environment.h) before requests can be made, as a list
 * of TriggerKnown.  Waits.
 */
List *
trigger_fetch_known(TriggerHttp *http, const TriggerTarget *target, int needed,
					TriggerFetchStats *stats)
{
	List	   *known = NIL;

	if (needed & TRIGGER_KNOW_ENVIRONMENTS)
		known = fetch_names(known, http, target, &trigger_endpoint_environments_list,
							"slug", TRIGGER_KNOWN_ENVIRONMENT, stats);
	if (needed & TRIGGER_KNOW_BRANCHES)
		known = fetch_names(known, http, target, &trigger_endpoint_branches_list,
							"name", TRIGGER_KNOWN_BRANCH, stats);
	if (needed & TRIGGER_KNOW_PROJECTS)
		known = fetch_names(known, http, target, &trigger_endpoint_projects_list,
							"externalRef", TRIGGER_KNOWN_PROJECT, stats);
	return known;
}
