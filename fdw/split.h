/*-------------------------------------------------------------------------
 *
 * split.h
 *		Where to cut the rest of a list, so that its parts are read at once.
 *
 * Pure functions: no backend state, no clock, no memory of their own, so that
 * every rule can be tested without a server.  Times are whole milliseconds.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_SPLIT_H
#define TRIGGER_SPLIT_H

#include "postgres.h"

/* Most parts that one cut makes. */
#define TRIGGER_SPLIT_MAX	32

/* Pages that are read one after the other before a list is cut at all. */
#define TRIGGER_SPLIT_AFTER	4

/* A part of a list; bounds are inclusive, "from" 0 for none. */
typedef struct TriggerSpan
{
	int64		from;
	int64		to;
	bool		rest;			/* of unknown size, not one page's worth */
} TriggerSpan;

/* What a page has shown. */
typedef struct TriggerSplitPage
{
	int64		from;			/* what was asked for, 0 for no bound; if it
								 * follows a page, "to" is where that ended */
	int64		to;
	bool		window;			/* it was to be a part's only page */
	bool		more;			/* the server has a cursor for more */
	bool		sorted;			/* newest first, and in whole milliseconds */
	int64		clock;			/* the server's, 0 if it did not say */
	int			nrows;
	int64		newest;			/* only if there are rows */
	int64		oldest;
} TriggerSplitPage;

/* What a list has shown so far; trigger_split_init() at first. */
typedef struct TriggerSplit
{
	uint64		pages;
	double		rows;			/* the rows of the last pages ... */
	double		time;			/* ... and the time that they cover */
	double		fill;			/* share of a page that a part should have */
	double		full;			/* rows of a page that is followed by others */
	double		worth;			/* share of a page that a request brings */
	double		width;			/* parts at once that this pays for */
} TriggerSplit;

extern void trigger_split_init(TriggerSplit *split);
extern void trigger_split_note(TriggerSplit *split,
							   const TriggerSplitPage *page, int page_size);
extern int	trigger_split_rest(const TriggerSplit *split,
							   const TriggerSplitPage *page, int width,
							   TriggerSpan *spans);

#endif							/* TRIGGER_SPLIT_H */
