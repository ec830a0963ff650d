/*
 * Unit tests of split.c, and lists of many shapes that are read by its rules.
 * Needs neither a server nor a backend.
 */
#include "postgres.h"

#include "split.h"

#define MOST_ROWS	40000
#define MOST_PARTS	100000

static int	passed;
static int	failed;

#define CHECK(cond) \
do { \
	if (cond) \
		passed++; \
	else \
	{ \
		failed++; \
		(printf) ("FAILED line %d: %s\n", __LINE__, #cond); \
	} \
} while (0)

static TriggerSplit split;
static TriggerSpan spans[TRIGGER_SPLIT_MAX];

/* A full page of 100 rows that covers "time". */
static TriggerSplitPage
full_page(int64 newest, int64 time)
{
	TriggerSplitPage page = {.more = true, .sorted = true, .nrows = 100,
	.clock = INT64CONST(1780272000000)};

	page.newest = newest;
	page.oldest = newest - time;
	return page;
}

static void
note_pages(int n, int64 time)
{
	trigger_split_init(&split);
	for (int i = 0; i < n; i++)
	{
		TriggerSplitPage page = full_page(1000000000 - i * time, time);

		page.to = page.newest;
		trigger_split_note(&split, &page, 100);
	}
}

/* When a list is cut, and when not. */
static void
test_rules(void)
{
	TriggerSplitPage page = full_page(900000000, 10000);
	int			n;

	note_pages(TRIGGER_SPLIT_AFTER - 1, 10000);
	CHECK(trigger_split_rest(&split, &page, 8, spans) == 0);
	note_pages(TRIGGER_SPLIT_AFTER, 10000);
	CHECK(trigger_split_rest(&split, &page, 1, spans) == 0);
	CHECK(trigger_split_rest(&split, &page, 2, spans) == 2);
	CHECK(trigger_split_rest(&split, &page, 8, spans) == TRIGGER_SPLIT_AFTER);
	note_pages(8, 10000);
	n = trigger_split_rest(&split, &page, 8, spans);
	CHECK(n == 8);
	CHECK(spans[0].to == page.oldest);
	CHECK(spans[n - 1].from == 0 && spans[n - 1].rest);
	for (int i = 0; i < n - 1; i++)
	{
		int64		length = spans[i].to - spans[i].from + 1;

		CHECK(spans[i + 1].to == spans[i].from - 1);
		CHECK(!spans[i].rest);
		CHECK(length > 5000 && length < 10200);
	}

	/* a lower bound: all of it, in equal parts, or not at all */
	page.from = page.oldest - 30000;
	n = trigger_split_rest(&split, &page, 8, spans);
	CHECK(n >= 3 && n <= 5);
	CHECK(spans[n - 1].from == page.from && !spans[n - 1].rest);
	page.from = page.oldest - 9000;
	CHECK(trigger_split_rest(&split, &page, 8, spans) == 0);
	page.from = page.oldest;
	CHECK(trigger_split_rest(&split, &page, 8, spans) == 0);

	/* what cannot be relied on */
	page = full_page(900000000, 10000);
	page.sorted = false;
	CHECK(trigger_split_rest(&split, &page, 8, spans) == 0);
	page = full_page(900000000, 0);
	CHECK(trigger_split_rest(&split, &page, 8, spans) == 0);
	page = full_page(900000000, 10000);
	page.nrows = 0;
	CHECK(trigger_split_rest(&split, &page, 8, spans) == 0);
	page = full_page(900000000, 10000);
	page.more = false;
	CHECK(trigger_split_rest(&split, &page, 8, spans) == 0);

	/* what may be later than the server's clock, or no clock at all */
	page = full_page(900000000, 10000);
	page.clock = page.oldest + 4999;
	CHECK(trigger_split_rest(&split, &page, 8, spans) == 0);
	page.clock = page.oldest + 5000;
	CHECK(trigger_split_rest(&split, &page, 8, spans) == 8);
	page.clock = 0;
	CHECK(trigger_split_rest(&split, &page, 8, spans) == 0);

	/* rows too dense to be cut by milliseconds */
	note_pages(8, 1);
	page = full_page(900000000, 1);
	CHECK(trigger_split_rest(&split, &page, 8, spans) == 0);

	/* empty parts are not worth while, full ones are again */
	note_pages(8, 10000);
	page = full_page(900000000, 10000);
	for (int i = 0; i < 20; i++)
	{
		TriggerSplitPage empty = {.from = 100, .to = 10100, .window = true, .sorted = true};

		trigger_split_note(&split, &empty, 100);
	}
	CHECK(trigger_split_rest(&split, &page, 32, spans) == 0);
	for (int i = 0; i < 25; i++)
		trigger_split_note(&split, &page, 100);
	CHECK(trigger_split_rest(&split, &page, 32, spans) >= 2);
}

/* The list: times, newest first. */
static int64 list[MOST_ROWS];
static int	nlist;
static uint64 seed;

static uint32
random_below(uint32 n)
{
	seed = seed * UINT64CONST(6364136223846793005) + 1442695040888963407;
	return (uint32) (seed >> 33) % n;
}

/* First row that is not newer than "to" (0: the first of all). */
static int
find(int64 to)
{
	int			low = 0;
	int			high = nlist;

	while (to > 0 && low < high)
	{
		int			middle = (low + high) / 2;

		if (list[middle] > to)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Parts that are to be read, the next one last. */
static struct
{
	TriggerSpan span;
	bool		window;
} parts[MOST_PARTS];

/*
 * Read the list part by part.  Returns the requests; *lost tells whether a
 * row was passed over, or came in the wrong order.
 */
static int
read_list(int width, int size, int drop, bool *lost)
{
	static bool read[MOST_ROWS];
	int			nparts = 1;
	int			requests = 0;
	int			newest_unread = 0;

	*lost = false;
	memset(read, 0, sizeof(read));
	trigger_split_init(&split);
	memset(&parts[0], 0, sizeof(parts[0]));
	parts[0].span.rest = true;
	while (nparts > 0)
	{
		TriggerSpan span = parts[nparts - 1].span;
		bool		window = parts[nparts - 1].window;
		int			at = find(span.to);

		nparts--;
		for (;;)
		{
			TriggerSplitPage page = {.from = span.from, .to = span.to, .window = window,
			.sorted = true, .clock = INT64CONST(1780272005000)};
			int			n;
			int			end = at;

			/* some of the rows are gone by the time they are shown */
			while (end < nlist && end - at < size && list[end] >= span.from)
				end++;
			requests++;
			page.more = end < nlist && list[end] >= span.from;
			for (; at < end; at++)
			{
				if (at > newest_unread)
					*lost = true;
				read[at] = true;
				while (newest_unread < nlist && read[newest_unread])
					newest_unread++;
				if (drop && random_below(100) < drop)
					continue;
				if (page.nrows++ == 0)
					page.newest = list[at];
				page.oldest = list[at];
			}
			trigger_split_note(&split, &page, size);
			window = false;
			if (page.nrows > 0)
				span.to = page.oldest;
			if (!page.more)
				break;
			n = trigger_split_rest(&split, &page, width, spans);
			if (n == 0)
				continue;
			CHECK(spans[0].to == page.oldest && spans[n - 1].from == span.from);
			for (int i = n - 1; i >= 0; i--)
			{
				if (spans[i].from > spans[i].to ||
					(i > 0 && spans[i].to != spans[i - 1].from - 1))
					*lost = true;
				parts[nparts].span = spans[i];
				parts[nparts++].window = !spans[i].rest;
			}
			break;
		}
	}
	if (newest_unread < nlist)
		*lost = true;
	return requests;
}

/* Fill the list with rows of a shape. */
static void
make_list(int shape, int rows)
{
	int64		when = INT64CONST(1780272000000);

	nlist = rows;
	for (int i = 0; i < rows; i++)
	{
		list[i] = when;
		switch (shape)
		{
			case 0:				/* even */
				when -= 2600;
				break;
			case 1:				/* random */
				when -= random_below(5000);
				break;
			case 2:				/* bursts and gaps */
				when -= i % 150 == 149 ? 3600000 : random_below(20);
				break;
			case 3:				/* many of one millisecond */
				when -= random_below(400) == 0 ? 10000 : 0;
				break;
			case 4:				/* ever thinner */
				when -= 1 + (int64) i * i / 50;
				break;
			case 5:				/* ever denser */
				when -= 1 + (int64) (rows - i) * (rows - i) / 50;
				break;
			case 6:				/* days and nights */
				when -= (i / 700) % 2 ? random_below(200) : random_below(60000);
				break;
			case 7:				/* rarely anything for weeks */
				when -= random_below(300) == 0 ? INT64CONST(2000000000) : random_below(3000);
				break;
		}
		when = Max(when, 2);
	}
}

static void
test_lists(void)
{
	static const int widths[] = {1, 2, 3, 8, 32};
	static const int sizes[] = {100, 100, 7, 1};

	for (int turn = 0; turn < 400; turn++)
	{
		int			shape = turn % 8;
		int			size = sizes[turn / 8 % 4];
		int			rows = size * (1 + random_below(turn % 3 == 0 ? 12 : 300));
		int			drop = turn % 5 == 0 ? 30 : 0;
		int			pages;

		seed = turn;
		make_list(shape, Min(rows, MOST_ROWS));
		pages = nlist / size + 1;
		for (int i = 0; i < lengthof(widths); i++)
		{
			bool		lost;
			int			requests = read_list(widths[i], size, drop, &lost);

			CHECK(!lost);
			if (widths[i] == 1 || pages <= TRIGGER_SPLIT_AFTER)
				CHECK(requests <= pages);
			/* those of the last cut may all be in vain */
			CHECK(requests <= pages * 1.45 + widths[i] + 4);
			if (shape == 0 && size == 100 && !drop)
				CHECK(requests <= pages * 1.12 + widths[i]);
		}
	}
}

int
main(void)
{
	test_rules();
	test_lists();
	(printf) ("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
