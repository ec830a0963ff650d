/*
 * target_window.c
 *		window.c against a server whose rows are known.
 *
 * The server has the oddities that window.c is for: a cursor is an id, and
 * what follows it are smaller ids, whatever their time; rows may be dropped
 * from a page after it was cut.
 */
#include "fuzz.h"

#include "window.h"

#define MAX_ROWS	64
#define NOW			1000		/* of this machine; the server may be ahead */

typedef struct Row
{
	int64		time;
	int			id;
	bool		dropped;		/* counts for the page, but is not in it */
	bool		seen;
} Row;

/* Newest first, those of one time by id. */
static int
compare_rows(const void *a, const void *b)
{
	const Row  *left = a;
	const Row  *right = b;

	if (left->time != right->time)
		return left->time > right->time ? -1 : 1;
	return right->id - left->id;
}

/* Is a time within bounds, as the server reads them? */
static bool
within(int64 time, int64 from, int64 to)
{
	return (from == 0 || time >= from) && (to == 0 || time <= to);
}

/*
 * Is a moment still to be read: in the present window or a later one?  Windows
 * never share one.
 */
static bool
is_ahead(const TriggerWindow *window, int64 time)
{
	int			found = within(time, window->from, window->to);
	ListCell   *cell;

	foreach(cell, window->later)
	{
		const int64 *bounds = lfirst(cell);

		found += within(time, bounds[0], bounds[1]);
	}
	fuzz_require(found <= 1);
	return found;
}

/*
 * One scan.
 */
static void
run(FuzzInput *input)
{
	TriggerWindow window = {0};
	Row			rows[MAX_ROWS];
	int			nrows = 0;
	int			size = 1 + fuzz_byte(input) % 8;
	int64		from = fuzz_byte(input) % 64;
	int64		to = fuzz_byte(input) % 128;
	int			span = 1 + fuzz_byte(input) % 64;
	int64		last = PG_INT64_MAX;
	int			cursor = 0;
	int			steps = 0;

	while (input->len > 0 && nrows < MAX_ROWS)
	{
		Row		   *row = &rows[nrows++];
		unsigned char byte = fuzz_byte(input);

		row->time = 1 + byte % span;
		/* the one or other of the server's future */
		if (byte == 255)
			row->time = NOW + INT64CONST(86400000);
		byte = fuzz_byte(input);
		row->dropped = byte & 1;
		row->id = 1 + (byte >> 1) * MAX_ROWS + nrows;
		row->seen = false;
	}
	qsort(rows, nrows, sizeof(Row), compare_rows);

	window.from = from;
	window.to = to;
	for (;;)
	{
		TriggerWindowPage page = {0};
		int			raw = 0;
		int			next = 0;

		/* each step sees a row, or halves a window */
		fuzz_require(++steps < 40 * (nrows + 2));
		for (int i = 0; i < nrows; i++)
		{
			Row		   *row = &rows[i];

			if (!within(row->time, window.from, window.to) ||
				(window.by_cursor && row->id >= cursor))
				continue;
			if (raw == size)
			{
				page.more = true;
				break;
			}
			raw++;
			next = row->id;
			if (row->dropped)
				continue;
			if (page.nrows++ == 0)
				page.newest = row->time;
			page.oldest = row->time;
			row->seen = true;
		}
		/* newest first, over all pages */
		if (page.nrows > 0)
		{
			fuzz_require(page.newest <= last);
			last = page.oldest;
		}
		cursor = next;
		if (!trigger_window_next(&window, &page, NOW))
			break;
		fuzz_require(window.from == 0 || window.to == 0 || window.from <= window.to);
		fuzz_require(window.from >= from && (to == 0 || window.to <= to || window.by_cursor));
		for (int i = 0; i < nrows; i++)
		{
			if (!rows[i].dropped && !rows[i].seen && within(rows[i].time, from, to))
				fuzz_require(is_ahead(&window, rows[i].time));
		}
	}
	for (int i = 0; i < nrows; i++)
		fuzz_require(rows[i].dropped || rows[i].seen || !within(rows[i].time, from, to));
}

FUZZ_TARGET(window,.run = run,.sqlstates = (const int[]) {0});
