/*-------------------------------------------------------------------------
 *
 * chain.c
 *		One list, read by as many streams at once as it pays to.
 *
 * A chain begins as one stream.  Where the list can be cut by time (see
 * split.c), what follows a page can be cut into parts, each with a stream of
 * its own; parts follow each other from the newest to the oldest, and their
 * rows are handed out in this order.  Any part can be cut again.
 *
 * Of all the parts, no more pages are under way or waiting than twice the
 * streams that may run at once; only the first part may always ask, because
 * everything waits for its rows.  That bounds the memory and keeps the chain
 * going.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "chain.h"

#include "lib/ilist.h"
#include "split.h"
#include "stream.h"
#include "utils/memutils.h"

typedef struct ChainPart
{
	dlist_node	node;
	TriggerSpan span;
	bool		window;			/* made to be one page */
	TriggerStream *stream;		/* NULL: not begun */
	TriggerSplitPage page;		/* the last one that has come */
	bool		have_page;
} ChainPart;

struct TriggerChain
{
	const TriggerFetchPlan *plan;
	MemoryContext context;
	TriggerRequest *list;		/* that is cut; NULL: it cannot be */
	bool		item;			/* a row that is looked for */
	bool		started;
	dlist_head	parts;
	List	   *spare;			/* streams to be used again */
	TriggerSplit split;
	int64		remaining;		/* rows that are still needed, 0: unknown */
	int			width;			/* requests that may be under way */
};

/*
 * Make a chain of one part.
 */
static TriggerChain *
create_chain(const TriggerFetchPlan *plan, TriggerStream *stream)
{
	TriggerChain *chain = palloc0(sizeof(TriggerChain));
	ChainPart  *part = palloc0(sizeof(ChainPart));

	chain->plan = plan;
	chain->context = CurrentMemoryContext;
	chain->width = 1;
	dlist_init(&chain->parts);
	trigger_split_init(&chain->split);
	part->stream = stream;
	dlist_push_tail(&chain->parts, &part->node);
	return chain;
}

/*
 * Make a chain for a list, or for an item with the lists that it may be in.
 */
TriggerChain *
trigger_chain_create(const TriggerFetchPlan *plan, TriggerRequest *item,
					 List *lists)
{
	TriggerChain *chain = create_chain(plan,
									   trigger_stream_create(plan, item, lists));
	TriggerRequest *list = lists ? linitial(lists) : NULL;
	ChainPart  *part = dlist_head_element(ChainPart, node, &chain->parts);

	chain->item = item != NULL;
	if (item || list == NULL)
		return chain;
	part->span.from = list->from;
	part->span.to = list->to;
	part->span.rest = true;
	if (list->endpoint->paging == TRIGGER_PAGING_CURSOR && list->time_filter &&
		plan->order_slot >= 0 && plan->id_slot >= 0)
		chain->list = list;
	return chain;
}

/*
 * Make a chain that retrieves a row which a list found.
 */
TriggerChain *
trigger_chain_create_retrieve(const TriggerFetchPlan *plan,
							  const TriggerRequest *list, Datum key)
{
	TriggerChain *chain = create_chain(plan,
									   trigger_stream_create_retrieve(plan, list, key));

	chain->item = true;
	return chain;
}

/*
 * The part whose rows are handed out, NULL if all have been.
 */
static ChainPart *
first_part(const TriggerChain *chain)
{
	dlist_head *parts = unconstify(dlist_head *, &chain->parts);

	return dlist_is_empty(parts) ? NULL :
		dlist_head_element(ChainPart, node, parts);
}

/*
 * Free a part, but keep its stream for the next.
 */
static void
drop_part(TriggerChain *chain, ChainPart *part)
{
	dlist_delete(&part->node);
	if (part->stream && chain->list)
	{
		MemoryContext old = MemoryContextSwitchTo(chain->context);

		chain->spare = lappend(chain->spare, part->stream);
		MemoryContextSwitchTo(old);
	}
	else if (part->stream)
		trigger_stream_free(part->stream);
	pfree(part);
}

/*
 * Free a chain, cancelling what is under way.
 */
void
trigger_chain_free(TriggerChain *chain)
{
	ChainPart  *part;
	ListCell   *cell;

	while ((part = first_part(chain)) != NULL)
		drop_part(chain, part);
	foreach(cell, chain->spare)
		trigger_stream_free(lfirst(cell));
	list_free(chain->spare);
	pfree(chain);
}

/*
 * Tell how many more rows will be needed, 0 if unknown, and how many requests
 * may be under way.
 */
void
trigger_chain_limit(TriggerChain *chain, int64 remaining, int width)
{
	ChainPart  *part = first_part(chain);

	chain->remaining = Max(remaining, 0);
	chain->width = width;

	/* what parts of a list will have to give is not known */
	if (part && part->stream)
		trigger_stream_limit(part->stream, dlist_has_next(&chain->parts, &part->node) ?
							 0 : chain->remaining);
}

/*
 * Has the first request been sent?
 */
bool
trigger_chain_started(const TriggerChain *chain)
{
	return chain->started;
}

/*
 * Send the first request.
 */
void
trigger_chain_start(TriggerChain *chain)
{
	chain->started = true;
	trigger_stream_start(first_part(chain)->stream);
}

/*
 * May one more request be sent?
 */
static bool
may_send(const TriggerChain *chain)
{
	return chain->plan->load->in_flight < chain->plan->target->concurrency;
}

/*
 * Pages that are under way or have not been handed out yet.
 */
static int
count_pages(const TriggerChain *chain)
{
	int			n = 0;
	dlist_iter	iter;

	dlist_foreach(iter, unconstify(dlist_head *, &chain->parts))
	{
		ChainPart  *part = dlist_container(ChainPart, node, iter.cur);

		if (part->stream)
			n += (trigger_stream_unread(part->stream) > 0) +
				trigger_stream_busy(part->stream);
	}
	return n;
}

/*
 * Rows that have come and were not handed out yet, and those that are to be
 * expected of the parts that were begun or will be.
 */
static int64
count_rows(const TriggerChain *chain)
{
	int64		page = (int64) (chain->plan->target->page_size * chain->split.fill);
	int64		n = 0;
	dlist_iter	iter;

	dlist_foreach(iter, unconstify(dlist_head *, &chain->parts))
	{
		ChainPart  *part = dlist_container(ChainPart, node, iter.cur);

		if (part->stream)
			n += trigger_stream_unread(part->stream);
		if (part->stream == NULL || trigger_stream_busy(part->stream))
			n += page;
	}
	return n;
}

/*
 * May a part ask for a page now?  The first may, whenever it needs one.
 */
static bool
has_room(const TriggerChain *chain, const ChainPart *part)
{
	return may_send(chain) &&
		(part == first_part(chain) || count_pages(chain) < 2 * chain->width);
}

/*
 * A page of a part has come: remember what it has shown.
 */
static void
note_page(TriggerChain *chain, ChainPart *part)
{
	TriggerSplitPage page;

	if (!trigger_stream_shown(part->stream, &page))
		return;
	page.from = part->span.from;
	page.to = part->span.to;
	page.window = part->window;
	if (page.nrows > 0 && page.to > 0 && page.newest > page.to)
		page.sorted = false;
	trigger_split_note(&chain->split, &page, chain->plan->target->page_size);

	/* what follows it is asked for below it */
	part->window = false;
	if (page.nrows > 0 && page.sorted)
		part->span.to = page.oldest;
	part->page = page;
	part->have_page = true;
}

/*
 * Should a part's next page be asked for while others are handed out?
 */
static bool
wants_page(const TriggerChain *chain, const ChainPart *part)
{
	bool		first = part == first_part(chain);

	if (first && trigger_stream_unread(part->stream) == 0)
		return true;
	if (chain->item || chain->plan->serial)
		return false;
	if (chain->remaining > 0)
		return chain->remaining > count_rows(chain);
	switch (chain->plan->ahead)
	{
		case TRIGGER_AHEAD_ALWAYS:
			return true;
		case TRIGGER_AHEAD_LATER:
			return first && chain->split.pages > 1;
		case TRIGGER_AHEAD_NEVER:
			break;
	}
	return false;
}

/*
 * Parts that could be begun, but are not yet.
 */
static int
count_waiting(const TriggerChain *chain)
{
	int			n = 0;
	dlist_iter	iter;

	dlist_foreach(iter, unconstify(dlist_head *, &chain->parts))
	{
		if (dlist_container(ChainPart, node, iter.cur)->stream == NULL)
			n++;
	}
	return n;
}

/*
 * Cut what follows a part's last page into parts, if that is worth while.
 */
static bool
cut_rest(TriggerChain *chain, ChainPart *part)
{
	TriggerSpan spans[TRIGGER_SPLIT_MAX];
	int			width = chain->width;
	int			n;
	dlist_node *after = &part->node;

	if (chain->list == NULL || !part->have_page || chain->plan->serial ||
		count_waiting(chain) > width)
		return false;
	if (chain->remaining > 0 && part->page.nrows > 0)
	{
		int64		missing = chain->remaining - count_rows(chain);

		width = (int) Min(width, (missing + part->page.nrows - 1) / part->page.nrows);
	}
	n = trigger_split_rest(&chain->split, &part->page, width, spans);
	if (n == 0)
		return false;

	for (int i = 0; i < n; i++)
	{
		ChainPart  *next = MemoryContextAllocZero(chain->context,
												  sizeof(ChainPart));

		next->span = spans[i];
		next->window = !spans[i].rest;
		dlist_insert_after(after, &next->node);
		after = &next->node;
	}
	trigger_stream_cut(part->stream);
	trigger_stream_limit(part->stream, 0);
	return true;
}

/*
 * Begin with a part of the list.
 */
static void
begin_part(TriggerChain *chain, ChainPart *part)
{
	MemoryContext old = MemoryContextSwitchTo(chain->context);

	if (chain->spare)
	{
		part->stream = llast(chain->spare);
		chain->spare = list_delete_last(chain->spare);
	}
	else
		part->stream = trigger_stream_create(chain->plan, NULL,
											 list_make1(chain->list));
	MemoryContextSwitchTo(old);
	trigger_stream_restart(part->stream, chain->list, part->span.from,
						   part->span.to);
	trigger_stream_start(part->stream);
}

/*
 * Send what can be sent.  What takes all the rest of a list goes first: where
 * to go on from there depends on it.
 */
static void
send_requests(TriggerChain *chain)
{
	dlist_iter	iter;

	dlist_foreach(iter, &chain->parts)
	{
		ChainPart  *part = dlist_container(ChainPart, node, iter.cur);

		if (part->stream && trigger_stream_more(part->stream) &&
			wants_page(chain, part) && has_room(chain, part) &&
			!cut_rest(chain, part))
			trigger_stream_ask(part->stream);
	}
	dlist_reverse_foreach(iter, &chain->parts)
	{
		ChainPart  *part = dlist_container(ChainPart, node, iter.cur);

		if (part->stream == NULL && part->span.rest && has_room(chain, part))
			begin_part(chain, part);
	}
	dlist_foreach(iter, &chain->parts)
	{
		ChainPart  *part = dlist_container(ChainPart, node, iter.cur);

		if (part->stream == NULL && has_room(chain, part))
			begin_part(chain, part);
	}
}

/*
 * Take the answers that have come, and drop the parts that are done with.
 */
static void
take_answers(TriggerChain *chain)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &chain->parts)
	{
		ChainPart  *part = dlist_container(ChainPart, node, iter.cur);

		if (part->stream == NULL)
			continue;
		(void) trigger_stream_advance(part->stream);
		note_page(chain, part);
		if (trigger_stream_done(part->stream))
			drop_part(chain, part);
	}
}

/*
 * Do what can be done without waiting.  True if a row can be taken or the
 * chain is done; false if an answer must be waited for.  Without "look", that
 * there is a row is enough.
 */
bool
trigger_chain_advance(TriggerChain *chain, bool look)
{
	ChainPart  *part = first_part(chain);

	if (!look && part && part->stream && trigger_stream_unread(part->stream) > 0)
		return true;
	for (;;)
	{
		take_answers(chain);
		send_requests(chain);
		part = first_part(chain);
		if (part == NULL)
			return true;
		if (part->stream == NULL)
			return false;
		if (trigger_stream_unread(part->stream) > 0)
			return true;
		if (!trigger_stream_done(part->stream))
			return false;
	}
}

/*
 * Has everything been delivered?
 */
bool
trigger_chain_done(const TriggerChain *chain)
{
	ChainPart  *part = first_part(chain);

	return part == NULL ||
		(part->stream && trigger_stream_done(part->stream) &&
		 !dlist_has_next(unconstify(dlist_head *, &chain->parts), &part->node));
}

/*
 * Look at the row that is next.  False if there is none at present.
 */
bool
trigger_chain_peek(TriggerChain *chain, TriggerRow *row)
{
	ChainPart  *part = first_part(chain);

	return part && part->stream && trigger_stream_peek(part->stream, row);
}

/*
 * The row was taken.
 */
void
trigger_chain_next(TriggerChain *chain)
{
	trigger_stream_next(first_part(chain)->stream);
}
