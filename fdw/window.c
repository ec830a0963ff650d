/*-------------------------------------------------------------------------
 *
 * window.c
 *		Paging by time windows, where a list's cursor cannot be trusted.
 *
 * Some lists are ordered by time, but their cursor is an id, and what follows
 * it are the smaller ids.  Where rows were not made in the order of their ids
 * such a cursor passes over some of them and repeats others.  A page without
 * a cursor is what it seems: the newest rows of its time bounds.  So the next
 * page is asked for by the time of the oldest row seen, inclusively, because
 * there may be more of that millisecond (rows that come twice are dropped by
 * their ids).
 *
 * Two cases need more.  If a page shows rows of one millisecond only, the
 * rest of that millisecond is read by the cursor, which is right there: rows
 * of one time are ordered by their ids.  And if a page shows nothing although
 * there is more (the server drops rows whose status has changed meanwhile),
 * the window is halved until it shows something, or there is no more.
 *
 * Rows come out newest first, each window once, and every step makes the
 * windows smaller, so there is an end.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "window.h"

/* The server's clock may be ahead of ours by so much. */
#define CLOCK_MARGIN	INT64CONST(86400000)

/*
 * Put a window first in the line.
 */
static void
push(TriggerWindow *window, int64 from, int64 to)
{
	int64	   *bounds = palloc(2 * sizeof(int64));

	bounds[0] = from;
	bounds[1] = to;
	window->later = lcons(bounds, window->later);
}

/*
 * Go on with the window that is next.  False if there is none.
 */
static bool
pop(TriggerWindow *window)
{
	int64	   *bounds;

	window->by_cursor = false;
	if (window->later == NIL)
		return false;
	bounds = linitial(window->later);
	window->from = bounds[0];
	window->to = bounds[1];
	window->later = list_delete_first(window->later);
	pfree(bounds);
	return true;
}

/*
 * Work out the bounds of the next page from what the last one has shown.
 * False if there is none.  "now" is the time of this machine.  Allocates in
 * the current context, which must live as long as the window.
 */
bool
trigger_window_next(TriggerWindow *window, const TriggerWindowPage *page,
					int64 now)
{
	int64		lowest = Max(window->from, 1);
	int64		middle;

	if (!page->more)
		return pop(window);
	if (window->to != 0 && lowest >= window->to)
	{
		window->by_cursor = true;
		return true;
	}
	if (page->nrows > 0 && page->oldest < page->newest)
	{
		window->to = page->oldest;
		return true;
	}
	if (page->nrows > 0)
	{
		if (page->oldest > lowest)
			push(window, window->from, page->oldest - 1);
		window->from = window->to = page->oldest;
		window->by_cursor = true;
		return true;
	}

	if (window->to == 0)
		window->to = Max(now + CLOCK_MARGIN, lowest + 1);
	middle = lowest + (window->to - lowest) / 2;
	push(window, window->from, middle);
	window->from = middle + 1;
	return true;
}
