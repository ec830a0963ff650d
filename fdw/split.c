/*-------------------------------------------------------------------------
 *
 * split.c
 *		Where to cut the rest of a list, so that its parts are read at once.
 *
 * A list that is ordered by time is serial by its cursor: a page's is in the
 * page before.  But it also takes time bounds.  How many rows there are in
 * how much time is seen from the pages read so far; what is left is cut into
 * windows that should have a little less than a page each, and the last of
 * them takes all the rest, because where the list ends is not known.  That
 * one always brings a full page if there is one, so it is never in vain, and
 * shows how to go on from there.
 *
 * Windows touch but do not overlap: bounds are inclusive, so one ends a
 * millisecond before the next begins.  The first begins with the very
 * millisecond that the last page has ended with, because there may be more
 * rows of it; those that come again are known by their ids.  Nothing begins
 * with a time of our own clock.
 *
 * Errors of the estimate cost, but do no harm.  A window with more than a
 * page has a cursor like any list, or is cut again; so windows rather are too
 * large than too small, because a full page is worth its request.  Windows
 * that come back (nearly) empty are not: when requests bring much less than a
 * page each, cuts get narrower, until a list of bursts and gaps is read one
 * page after the other again.  So a list never costs many more requests than
 * it has pages.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "split.h"

#include <math.h>

/* Share of a page that a part is made for: at first, and its limits. */
#define FIRST_FILL		0.85
#define LEAST_FILL		0.5
#define MOST_FILL		0.95

/* How it follows what comes: about every fifth part may be too large. */
#define FILL_DOWN		0.08
#define FILL_UP			0.02

/* What a page counts for when the next one has come. */
#define DECAY			0.85

/* A part with a smaller share of a page says nothing about the others. */
#define TELLING			0.3

/* Pages that the worth of a request is taken from. */
#define WORTH_PAGES		12

/* Below the first, cuts get narrower; above the second, wider again. */
#define LITTLE_WORTH	0.7
#define MUCH_WORTH		0.78
#define WIDTH_DOWN		0.75
#define WIDTH_UP		1.25

/*
 * The server takes no upper bound that is later than its clock, and it may be
 * several machines: milliseconds that they may not agree on.
 */
#define CLOCK_MARGIN	5000

/* A remainder of so many parts is not worth cutting: the cursor will do. */
#define SMALL_REST		1.5

/*
 * Nothing has been read yet.
 */
void
trigger_split_init(TriggerSplit *split)
{
	memset(split, 0, sizeof(TriggerSplit));
	split->fill = FIRST_FILL;
	split->width = TRIGGER_SPLIT_MAX;
	split->worth = 1;
}

/*
 * A page has come.  "page_size": rows that it could have had.
 */
void
trigger_split_note(TriggerSplit *split, const TriggerSplitPage *page,
				   int page_size)
{
	int64		top = page->to;
	int64		bottom = page->from;
	double		full;
	double		worth;

	split->pages++;

	/* beyond the ends of a list there is no time to be counted */
	if (top == 0)
		top = page->nrows > 0 ? page->newest : 0;
	if (page->more)
		bottom = page->nrows > 0 ? page->oldest : top;
	else if (!page->window)
		bottom = page->nrows > 0 ? page->oldest : top;
	if (top > 0 && bottom > 0 && page->sorted)
	{
		split->rows = split->rows * DECAY + page->nrows;
		split->time = split->time * DECAY + Max(top - bottom, 0);
	}

	/* rows of a page that could have no more; some may be gone by now */
	if (page->more && page->nrows > 0)
		split->full = split->full == 0 ? page->nrows :
			(split->full * 3 + page->nrows) / 4;
	full = split->full > 0 ? split->full : page_size;

	if (page->window && page->more)
		split->fill = Max(split->fill - FILL_DOWN, LEAST_FILL);
	else if (page->window && page->nrows >= TELLING * full)
		split->fill = Min(split->fill + FILL_UP, MOST_FILL);

	worth = page->more ? 1 : Min(page->nrows / full, 1);
	split->worth += (worth - split->worth) / WORTH_PAGES;
	if (split->worth < LITTLE_WORTH)
		split->width = Max(split->width * WIDTH_DOWN, 1);
	else if (split->worth > MUCH_WORTH)
		split->width = Min(split->width * WIDTH_UP, TRIGGER_SPLIT_MAX);
}

/*
 * Time in which a page's worth of rows is to be expected below a page.
 */
static double
expected_span(const TriggerSplit *split, const TriggerSplitPage *page)
{
	double		own = (double) (page->newest - page->oldest) *
	page->nrows / Max(page->nrows - 1, 1);
	double		all = split->rows > 0 ? split->time / split->rows * page->nrows : 0;

	return Max(own, all) * split->fill;
}

/*
 * Cut what is left of [page->from, ...] after a page, into at most "width"
 * spans, the newest first.  0: do not cut, follow the cursor.
 */
int
trigger_split_rest(const TriggerSplit *split, const TriggerSplitPage *page,
				   int width, TriggerSpan *spans)
{
	int64		bottom = Max(page->from, 1);
	int64		to = page->oldest;
	double		length;
	double		parts;
	int			n;

	width = Min(width, (int) Min(split->pages, TRIGGER_SPLIT_MAX));
	width = Min(width, (int) split->width);
	if (width < 2 || split->pages < TRIGGER_SPLIT_AFTER || !page->more ||
		!page->sorted || page->nrows < 2 || page->newest <= page->oldest ||
		page->oldest < bottom || page->oldest > page->clock - CLOCK_MARGIN)
		return 0;

	length = expected_span(split, page);
	if (length < 2)
		return 0;
	parts = (double) (page->oldest - bottom + 1) / length;
	if (parts < SMALL_REST)
		return 0;
	if (parts <= width)
	{
		/* all of it, in equal parts */
		n = (int) ceil(parts);
		length = (double) (page->oldest - bottom + 1) / n;
	}
	else
		n = width;

	for (int i = 0; i < n; i++)
	{
		spans[i].to = to;
		spans[i].rest = i == n - 1 && parts > width;
		if (i == n - 1)
			spans[i].from = page->from;
		else
			spans[i].from = page->oldest - (int64) (length * (i + 1)) + 1;
		to = spans[i].from - 1;
	}
	return n;
}
