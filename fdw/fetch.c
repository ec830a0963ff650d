/*-------------------------------------------------------------------------
 *
 * fetch.c
 *		Rows of one scan, from as many requests as it takes.
 *
 * A fetch runs chains, one for each list or look-up.  Those of look-ups and of
 * whole lists are read one after the other, with as many under way as the
 * options allow; those of lists that are ordered by time are merged, so that
 * the result is ordered whatever the number of requests, and so that a row
 * that two of them find is met twice in a row.  They share what may be under
 * way; a chain may use what is left to it for several parts of its list.
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
#include "chain.h"
#include "endpoint.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "seen.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Rows between two looks at the network while a page is handed out. */
#define ROWS_PER_POLL	32

struct TriggerFetch
{
	TriggerFetchPlan plan;
	TriggerLoad load;			/* unless it shares another's */
	MemoryContext context;
	bool		merge;
	TriggerChain **chains;		/* NULL: done, or not created */
	int			nchains;
	int			created;		/* those before have been created */
	int			first;			/* those before are done */
	int			started;		/* those before are started */
	TriggerChain *taken;		/* its row was handed out last */
	int			window;			/* chains that may run at once */
	int64		handed;			/* rows handed out */
	int64		polled;			/* rows when the network was looked at last */
	TriggerSeen *seen;			/* NULL: rows cannot come twice */
	bool		have_last;
	TimestampTz last;			/* time of the row before */

	/* feeding ids to retrieves */
	TriggerFetch *feeder;
	bool		feeder_ended;
};

/*
 * Create the next chain: of an item, with the lists that it may be in, or of
 * a list.
 */
static void
create_chain(TriggerFetch *fetch)
{
	const TriggerRequests *requests = fetch->plan.requests;
	int			i = fetch->created;
	TriggerRequest *item = NULL;
	List	   *lists = NIL;
	MemoryContext old = MemoryContextSwitchTo(fetch->context);

	if (requests->by_key)
	{
		item = list_nth(requests->items, i);
		if (fetch->plan.resource->access != TRIGGER_ACCESS_LIST_ITEM &&
			requests->item_lists)
			lists = list_nth(requests->item_lists, i);
	}
	else
		lists = list_make1(list_nth(requests->lists, i));
	fetch->chains[i] = trigger_chain_create(&fetch->plan, item, lists);
	fetch->created++;
	MemoryContextSwitchTo(old);
}

/*
 * Make room for "n" chains.
 */
static void
allocate_chains(TriggerFetch *fetch, int n)
{
	fetch->chains = palloc0(Max(n, 1) * sizeof(TriggerChain *));
	fetch->nchains = n;
}

/*
 * Make a fetch without chains.
 */
static TriggerFetch *
create_fetch(const TriggerFetchPlan *plan)
{
	TriggerFetch *fetch = palloc0(sizeof(TriggerFetch));

	fetch->plan = *plan;
	fetch->context = CurrentMemoryContext;
	if (fetch->plan.load == NULL)
		fetch->plan.load = &fetch->load;
	return fetch;
}

/*
 * Make a fetch that reads lists only.
 */
static TriggerFetch *
begin_lists(const TriggerFetchPlan *plan)
{
	TriggerFetch *fetch = create_fetch(plan);
	TriggerRequest *first;

	fetch->window = plan->target->concurrency;
	allocate_chains(fetch, list_length(plan->requests->lists));
	while (fetch->created < fetch->nchains)
		create_chain(fetch);
	if (fetch->nchains > 0 && plan->id_slot >= 0)
		fetch->seen = trigger_seen_create(plan->order_slot >= 0);
	if (fetch->nchains > 1 && plan->order_slot >= 0)
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
	TriggerFetch *fetch = create_fetch(plan);

	/* what is under way counts towards the same limit as the retrieves */
	fetch->feeder = begin_lists(&fetch->plan);
	fetch->feeder->plan.serial = true;
	fetch->chains = palloc0(plan->target->concurrency * sizeof(TriggerChain *));
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
		fetch = create_fetch(plan);

		/* each is created when its turn comes: there may be thousands */
		allocate_chains(fetch, list_length(plan->requests->items));
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
 * Start chains and do what can be done without waiting, up to the window.
 * With "look", also for chains that have rows.
 */
static void
run_chains(TriggerFetch *fetch, bool look)
{
	int			concurrency = fetch->plan.target->concurrency;
	int			active = 0;
	int			left = fetch->nchains - fetch->created;

	while (fetch->first < fetch->created &&
		   fetch->chains[fetch->first] == NULL)
		fetch->first++;
	for (int i = fetch->first; i < fetch->created; i++)
	{
		if (fetch->chains[i])
			left++;
	}
	for (int i = fetch->first; i < fetch->nchains; i++)
	{
		TriggerChain *chain;

		if (i == fetch->created)
		{
			if (active >= fetch->window ||
				fetch->plan.load->in_flight >= concurrency)
				break;
			create_chain(fetch);
		}
		chain = fetch->chains[i];
		if (chain == NULL)
			continue;
		trigger_chain_limit(chain, remaining(fetch), Max(concurrency / left, 1));
		if (!trigger_chain_started(chain))
		{
			if (active >= fetch->window ||
				fetch->plan.load->in_flight >= concurrency)
				break;
			trigger_chain_start(chain);
		}

		/*
		 * In a merge, a chain that has rows waits for the others: it does
		 * not count.  One after the other, it is what the window bounds.
		 */
		if (!trigger_chain_advance(chain, look) || !fetch->merge)
			active++;
	}
}

/*
 * Chains one after the other: the row of the first that is not done.
 */
static TriggerFetchResult
next_in_turn(TriggerFetch *fetch, TriggerChain **result, TriggerRow *row)
{
	while (fetch->first < fetch->nchains)
	{
		TriggerChain *chain = fetch->chains[fetch->first];

		/* the fast path: another row of the page at hand */
		if (chain && trigger_chain_peek(chain, row))
		{
			*result = chain;
			return TRIGGER_FETCH_ROW;
		}
		if (chain && trigger_chain_done(chain))
		{
			trigger_chain_free(chain);
			fetch->chains[fetch->first] = chain = NULL;
			if (fetch->plan.limit == 0 || fetch->handed >= fetch->plan.limit)
				widen(fetch);
		}
		if (chain == NULL && fetch->first < fetch->created)
		{
			fetch->first++;
			continue;
		}
		run_chains(fetch, true);
		chain = fetch->chains[fetch->first];
		if (chain == NULL || !trigger_chain_advance(chain, false))
			return TRIGGER_FETCH_WAIT;
	}
	return TRIGGER_FETCH_END;
}

/*
 * The merged chain with the newest of all first rows; NULL if there is none.
 * False if one of them has no row yet.
 */
static bool
find_newest(TriggerFetch *fetch, TriggerChain **result, TriggerRow *row)
{
	TimestampTz newest = 0;
	TriggerRow	candidate;

	*result = NULL;
	for (int i = fetch->first; i < fetch->nchains; i++)
	{
		TriggerChain *chain = fetch->chains[i];
		TimestampTz when;

		if (chain == NULL)
			continue;
		if (trigger_chain_done(chain))
		{
			trigger_chain_free(chain);
			fetch->chains[i] = NULL;
			continue;
		}
		if (!trigger_chain_peek(chain, &candidate))
			return false;
		when = DatumGetTimestampTz(candidate.values[fetch->plan.order_slot]);
		if (*result == NULL || when > newest)
		{
			*result = chain;
			newest = when;
			*row = candidate;
		}
	}
	return true;
}

/*
 * Merged chains: the newest of all first rows.  If one has none, all have a
 * look at what has come: an answer makes room for a request.
 */
static TriggerFetchResult
next_merged(TriggerFetch *fetch, TriggerChain **result, TriggerRow *row)
{
	run_chains(fetch, false);
	if (!find_newest(fetch, result, row))
	{
		run_chains(fetch, true);
		if (!find_newest(fetch, result, row))
			return TRIGGER_FETCH_WAIT;
	}
	return *result ? TRIGGER_FETCH_ROW : TRIGGER_FETCH_END;
}

/*
 * Let the feeder fill the window with retrieves, as far as it can without
 * waiting.
 */
static void
feed_chains(TriggerFetch *fetch)
{
	TriggerRow	row;

	while (!fetch->feeder_ended && fetch->nchains < fetch->window)
	{
		MemoryContext old;
		TriggerChain *chain;
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
		chain = trigger_chain_create_retrieve(&fetch->plan, row.request,
												row.values[fetch->plan.key_slot]);
		MemoryContextSwitchTo(old);
		fetch->chains[fetch->nchains++] = chain;
		trigger_chain_start(chain);
	}
}

/*
 * Rows of a list, each retrieved, in the list's order.
 */
static TriggerFetchResult
next_retrieved(TriggerFetch *fetch, TriggerChain **result, TriggerRow *row)
{
	for (;;)
	{
		TriggerChain *chain;

		if (fetch->plan.limit > 0)
			fetch->window = Min(fetch->plan.target->concurrency,
								Max(remaining(fetch), 1));
		feed_chains(fetch);
		if (fetch->nchains == 0)
			return fetch->feeder_ended ? TRIGGER_FETCH_END : TRIGGER_FETCH_WAIT;

		chain = fetch->chains[0];
		if (!trigger_chain_advance(chain, false))
			return TRIGGER_FETCH_WAIT;
		if (trigger_chain_peek(chain, row))
		{
			*result = chain;
			return TRIGGER_FETCH_ROW;
		}

		/* handed out, or gone since the list was read */
		trigger_chain_free(chain);
		fetch->nchains--;
		memmove(fetch->chains, fetch->chains + 1,
				fetch->nchains * sizeof(TriggerChain *));
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
		trigger_chain_next(fetch->taken);
		fetch->taken = NULL;
	}
	if (fetch->handed % ROWS_PER_POLL == ROWS_PER_POLL - 1)
	{
		trigger_http_poll(fetch->plan.http);
		if (!fetch->feeder && fetch->handed != fetch->polled)
			run_chains(fetch, true);
		fetch->polled = fetch->handed;
	}

	for (;;)
	{
		TriggerChain *chain = NULL;
		TriggerFetchResult result;

		if (fetch->feeder)
			result = next_retrieved(fetch, &chain, row);
		else if (fetch->merge)
			result = next_merged(fetch, &chain, row);
		else
			result = next_in_turn(fetch, &chain, row);
		if (result != TRIGGER_FETCH_ROW)
			return result;
		if (is_repeated(fetch, row))
		{
			trigger_chain_next(chain);
			continue;
		}
		fetch->taken = chain;
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

	CHECK_FOR_INTERRUPTS();
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
