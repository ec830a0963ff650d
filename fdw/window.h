/*-------------------------------------------------------------------------
 *
 * window.h
 *		Paging by time windows, where a list's cursor cannot be trusted.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_WINDOW_H
#define TRIGGER_WINDOW_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Times are milliseconds since 1970, bounds inclusive, 0 for none. */
typedef struct TriggerWindow
{
	int64		from;			/* of the page that was asked for last */
	int64		to;
	bool		by_cursor;		/* the next page follows the cursor */
	List	   *later;			/* windows that come after it, the next one
								 * first: two int64 * each */
} TriggerWindow;

/* What a page has shown. */
typedef struct TriggerWindowPage
{
	int			nrows;
	int64		newest;			/* only if there are rows */
	int64		oldest;
	bool		more;			/* the server has a cursor for more */
} TriggerWindowPage;

extern bool trigger_window_next(TriggerWindow *window,
								const TriggerWindowPage *page, int64 now);

#endif							/* TRIGGER_WINDOW_H */
