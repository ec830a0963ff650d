/*-------------------------------------------------------------------------
 *
 * stream.c
 *		One sequence of requests, each following from the answer before.
 *
 * A stream is a list that is paged through, a row that is retrieved, or a
 * row that is looked for: retrieved first, to learn where the list has it,
 * and then read from there.  It never blocks; a fetch runs several of them.
 *
 * Of a list, one page is being handed out while at most one more is under
 * way, so memory is bounded by pages, not by the result.  When to ask for a
 * page is for the caller to say.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "stream.h"

#include "answer.h"
#include "bind.h"
#include "catalog/pg_type.h"
#include "exchange.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "window.h"

/* A list that keeps changing under a scan is read again at most so often. */
#define MAX_RESTARTS	5

/* A retrieve that finds nothing is repeated so often, if the server says. */
#define NOT_FOUND_RETRIES	2

typedef enum StreamPhase
{
	STREAM_NEW,
	STREAM_ITEM,				/* retrieving one row */
	STREAM_LIST,				/* paging through a list */
	STREAM_DONE					/* nothing more to ask for */
} StreamPhase;

struct TriggerStream
{
	const TriggerFetchPlan *plan;
	MemoryContext context;		/* of the stream */
	TriggerRequest *item;		/* NULL: only the list */
	TriggerRequest *list;		/* NULL: only the item */
	TriggerRequest part;		/* what "list" points to after a restart */
	List	   *other_lists;	/* where to look if the item is not in it */
	int64		moment;			/* when the item was created, 0: unknown */
	StreamPhase phase;
	int64		remaining;		/* rows that are still needed, 0: unknown */

	TriggerDecoder *list_decoder;	/* made when first needed */
	TriggerDecoder *item_decoder;

	/* under way */
	TriggerTransfer *transfer;
	bool		in_flight;		/* it is counted as that */
	TriggerRequest sent;		/* with its token, if it has one */
	TriggerPage sent_page;
	bool		has_page;
	MemoryContext transfer_context;
	char	   *source;			/* the request, for messages */
	char	   *cursor;			/* what it continues from, NULL at first */
	int			number;			/* or the number of the page */
	bool		only_moment;	/* the item only tells where the row is */

	/* being handed out */
	MemoryContext page_context;
	TriggerRows *rows;
	int			next_row;

	/* to be asked for next */
	bool		more;
	char	   *next_cursor;
	int			next_number;

	TriggerWindow window;		/* WINDOW paging */

	TriggerSplitPage shown;		/* by the last page of the list */
	bool		fresh;			/* nobody has looked at it yet */

	/* to notice lists that do not end */
	uint64		pages;
	char	   *marked_cursor;
	uint64		mark_at;

	/* to notice lists that change while they are read */
	int64		total_rows;
	int			restarts;
};

/*
 * Make a stream.  With both an item and lists, the item is retrieved to find
 * out where in the lists the row is; the row of the first list that has it is
 * delivered.
 */
TriggerStream *
trigger_stream_create(const TriggerFetchPlan *plan, TriggerRequest *item,
					  List *lists)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "trigger_fdw stream",
												  ALLOCSET_SMALL_SIZES);
	TriggerStream *stream = MemoryContextAllocZero(context,
												   sizeof(TriggerStream));

	stream->plan = plan;
	stream->context = context;
	stream->item = item;
	stream->list = lists ? linitial(lists) : NULL;
	stream->other_lists = lists ? list_copy_tail(lists, 1) : NIL;
	stream->total_rows = -1;
	stream->mark_at = 1;
	stream->page_context = AllocSetContextCreate(context, "trigger_fdw page",
												 ALLOCSET_DEFAULT_SIZES);
	stream->transfer_context = AllocSetContextCreate(context,
													 "trigger_fdw transfer",
													 ALLOCSET_SMALL_SIZES);
	return stream;
}

/*
 * Make a stream that retrieves a row which a list found; "key" is the row's,
 * as text.  The request belongs to the stream.
 */
TriggerStream *
trigger_stream_create_retrieve(const TriggerFetchPlan *plan,
							   const TriggerRequest *list, Datum key)
{
	TriggerStream *stream = trigger_stream_create(plan, NULL, NIL);
	MemoryContext old = MemoryContextSwitchTo(stream->context);
	char	   *name = TextDatumGetCString(key);

	name = pg_server_to_any(name, strlen(name), PG_UTF8);
	stream->item = trigger_request_item(list, plan->resource->item, name);
	MemoryContextSwitchTo(old);
	return stream;
}

/*
 * The transfer is not under way any more.
 */
static void
note_landed(TriggerStream *stream)
{
	if (stream->in_flight)
		stream->plan->load->in_flight--;
	stream->in_flight = false;
}

/*
 * End the transfer, done or not, and give its memory back.
 */
static void
end_transfer(TriggerStream *stream)
{
	note_landed(stream);
	trigger_transfer_free(stream->transfer);
	stream->transfer = NULL;
}

/*
 * Free a stream, cancelling what is under way.
 */
void
trigger_stream_free(TriggerStream *stream)
{
	end_transfer(stream);
	MemoryContextDelete(stream->context);
}

/*
 * Use a stream of a list again, for the part of "list" between two times (0:
 * no bound).
 */
void
trigger_stream_restart(TriggerStream *stream, const TriggerRequest *list,
					   int64 from, int64 to)
{
	Assert(stream->item == NULL);
	end_transfer(stream);
	MemoryContextReset(stream->page_context);
	stream->rows = NULL;
	stream->next_row = 0;
	if (stream->cursor)
		pfree(stream->cursor);
	if (stream->next_cursor)
		pfree(stream->next_cursor);
	if (stream->marked_cursor)
		pfree(stream->marked_cursor);
	stream->cursor = stream->next_cursor = stream->marked_cursor = NULL;
	stream->mark_at = 1;
	stream->pages = 0;
	stream->more = false;
	stream->fresh = false;
	stream->remaining = 0;
	stream->phase = STREAM_NEW;
	stream->part = *list;
	stream->part.from = from;
	stream->part.to = to;
	stream->list = &stream->part;
}

/*
 * Tell how many more rows will be needed, 0 if unknown.
 */
void
trigger_stream_limit(TriggerStream *stream, int64 remaining)
{
	stream->remaining = Max(remaining, 0);
}

/*
 * Has everything been delivered?
 */
bool
trigger_stream_done(const TriggerStream *stream)
{
	return stream->phase == STREAM_DONE &&
		(stream->rows == NULL || stream->next_row >= stream->rows->nrows);
}

/*
 * Send what "sent" and "sent_page" say.
 */
static void
send_it(TriggerStream *stream)
{
	TriggerFetchStats *stats = stream->plan->stats;
	TriggerRequest *request = &stream->sent;
	const TriggerPage *page = stream->has_page ? &stream->sent_page : NULL;
	MemoryContext old;
	TriggerHttpRequest http = {0};

	MemoryContextReset(stream->transfer_context);
	old = MemoryContextSwitchTo(stream->transfer_context);
	trigger_exchange(stream->plan->http, request);
	http.method = "GET";
	http.url = trigger_request_url(request, page);
	http.headers = trigger_request_headers(request, false);
	http.repeat = TRIGGER_REPEAT_SAFE;
	http.paced = true;
	http.final_500 = (request->endpoint->flags & TRIGGER_EP_FINAL_500) != 0;
	if (request->endpoint->paging == TRIGGER_PAGING_ITEM)
		http.not_found_retries = Min(NOT_FOUND_RETRIES,
									 request->target->http.max_retries);
	stream->source = trigger_request_describe(request, page);
	stream->transfer = trigger_transfer_start(stream->plan->http, &http,
											  stream->transfer_context,
											  &stats->http);
	stream->plan->load->in_flight++;
	stream->in_flight = true;
	MemoryContextSwitchTo(old);

	if (stats->first_request == NULL)
		stats->first_request =
			MemoryContextStrdup(GetMemoryChunkContext(stats), stream->source);
	/* get it onto the wire before anything else is done */
	trigger_http_poll(stream->plan->http);
}

/*
 * Send a request for a page, NULL if it has none.
 */
static void
send_request(TriggerStream *stream, const TriggerRequest *request,
			 const TriggerPage *page)
{
	stream->sent = *request;
	stream->has_page = page != NULL;
	if (page)
		stream->sent_page = *page;
	send_it(stream);
}

/*
 * Was an exchanged token refused that was good before?  Then the request is
 * sent again with another.
 */
static bool
send_again(TriggerStream *stream)
{
	TriggerHttpResponse *response = trigger_transfer_response(stream->transfer);

	if (response->failure != TRIGGER_HTTP_OK ||
		!trigger_exchange_renew(&stream->sent, response->status))
		return false;
	end_transfer(stream);
	send_it(stream);
	return true;
}

/*
 * Size of the next page: no larger than what is needed.  A look-up searches
 * its pages for one row.
 */
static int
page_size(const TriggerStream *stream)
{
	int			size = stream->plan->target->page_size;
	int64		needed = stream->item ? 0 : stream->remaining;

	if (needed > 0 && stream->rows)
		needed -= stream->rows->nrows - stream->next_row;
	if (needed > 0 && needed < size)
		size = (int) needed;
	return size;
}

/*
 * Ask for a page of the list.
 */
static void
send_page(TriggerStream *stream, char *cursor, int number)
{
	TriggerPage page = {0};

	page.cursor = cursor;
	page.number = number;
	if (stream->list->endpoint->paging == TRIGGER_PAGING_NUMBER)
		page.size = stream->plan->target->page_size;	/* must not vary */
	else
		page.size = page_size(stream);
	stream->cursor = cursor;
	stream->number = number;
	stream->more = false;
	send_request(stream, stream->list, &page);
}

/*
 * Begin with the list.
 */
static void
start_list(TriggerStream *stream)
{
	stream->phase = STREAM_LIST;
	stream->window.from = stream->list->from;
	stream->window.to = stream->list->to;
	send_page(stream, NULL, 1);
}

/*
 * Send the first request.
 */
void
trigger_stream_start(TriggerStream *stream)
{
	if (stream->item)
	{
		stream->phase = STREAM_ITEM;
		stream->only_moment = stream->list != NULL &&
			stream->plan->resource->access == TRIGGER_ACCESS_ITEM_LIST;
		send_request(stream, stream->item, NULL);
	}
	else
		start_list(stream);
}

/*
 * Decoder of a kind of answer, made at first use.
 */
static TriggerDecoder *
get_decoder(TriggerStream *stream, bool list)
{
	TriggerDecoder **decoder = list ? &stream->list_decoder : &stream->item_decoder;
	const TriggerFetchPlan *plan = stream->plan;

	if (*decoder == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(stream->context);
		const TriggerEndpoint *endpoint = list ? stream->list->endpoint :
			stream->item->endpoint;

		*decoder = trigger_decoder_create(list ? plan->list_fields : plan->item_fields,
										  plan->nfields, endpoint->paging,
										  endpoint->rows, plan->table);
		MemoryContextSwitchTo(old);
	}
	return *decoder;
}

/*
 * Check an answer and decode it into the page context.  False if a search
 * found nothing.
 */
static bool
read_answer(TriggerStream *stream, bool list, bool search)
{
	const TriggerRequest *request = list ? stream->list : stream->item;
	TriggerHttpResponse *response = trigger_transfer_response(stream->transfer);
	MemoryContext old;

	if (!trigger_answer_check(response, request->target, request->endpoint,
							  stream->source, search))
		return false;

	MemoryContextReset(stream->page_context);
	stream->rows = NULL;
	stream->next_row = 0;
	old = MemoryContextSwitchTo(stream->page_context);
	stream->rows = trigger_decode(get_decoder(stream, list), response->body,
								  response->body_len, stream->source);
	MemoryContextSwitchTo(old);
	stream->plan->stats->pages++;
	stream->plan->stats->rows += stream->rows->nrows;
	return true;
}

/*
 * Find out when a run was created, from its retrieve answer.
 */
static int64
read_moment(TriggerStream *stream, TriggerHttpResponse *response)
{
	TriggerField field = {0};
	TriggerDecoder *decoder;
	TriggerRows *rows;
	int64		moment;
	MemoryContext old;

	MemoryContextReset(stream->page_context);
	old = MemoryContextSwitchTo(stream->page_context);
	field.path = stream->plan->resource->moment_field;
	field.label = field.path;
	field.kind = TRIGGER_JSON_TIMESTAMP;
	field.required = true;
	field.null_slot = -1;
	trigger_field_init(&field, TIMESTAMPTZOID, -1);
	decoder = trigger_decoder_create(&field, 1, TRIGGER_PAGING_ITEM, NULL,
									 stream->plan->table);
	rows = trigger_decode(decoder, response->body, response->body_len,
						  stream->source);
	moment = trigger_timestamp_to_ms(DatumGetTimestampTz(rows->values[0]), false);
	MemoryContextSwitchTo(old);
	MemoryContextReset(stream->page_context);
	return Max(moment, 1);
}

/*
 * A row was retrieved, or found missing.
 */
static void
finish_item(TriggerStream *stream)
{
	TriggerHttpResponse *response = trigger_transfer_response(stream->transfer);

	if (stream->only_moment)
	{
		int64		moment;

		if (!trigger_answer_check(response, stream->item->target,
								  stream->item->endpoint, stream->source, true))
		{
			end_transfer(stream);
			stream->phase = STREAM_DONE;
			return;
		}
		moment = read_moment(stream, response);
		end_transfer(stream);

		/* other bounds may exclude it */
		if ((stream->list->from && moment < stream->list->from) ||
			(stream->list->to && moment > stream->list->to))
		{
			stream->phase = STREAM_DONE;
			return;
		}
		stream->moment = moment;
		stream->list->from = stream->list->to = moment;
		start_list(stream);
		return;
	}

	if (read_answer(stream, false, true))
		stream->phase = STREAM_DONE;
	else if (stream->list != NULL &&
			 stream->item->target->kind == TRIGGER_CRED_PAT)
	{
		/*
		 * Where the path names a project and an environment, a 404 may be
		 * theirs.  The list tells: it fails if they do not exist, and else
		 * it does not have the row.
		 */
		end_transfer(stream);
		start_list(stream);
		return;
	}
	else
		stream->phase = STREAM_DONE;
	end_transfer(stream);
}

/*
 * A cursor must lead on.  One that was sent before would lead in a circle,
 * and the scan would never end; circles of any length are noticed by
 * comparing with a cursor that is marked at ever longer intervals.
 */
static void
check_cursor(TriggerStream *stream, const char *next)
{
	bool		circular = (stream->cursor && strcmp(stream->cursor, next) == 0) ||
	(stream->marked_cursor && strcmp(stream->marked_cursor, next) == 0);

	if (circular)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("paging of server \"%s\" does not advance",
						stream->plan->target->server_name),
				 errdetail("%s: the cursor of the next page is one that was used before.",
						   stream->source)));
	if (stream->pages == stream->mark_at)
	{
		if (stream->marked_cursor)
			pfree(stream->marked_cursor);
		stream->marked_cursor = MemoryContextStrdup(stream->context, next);
		stream->mark_at *= 2;
	}
}

/*
 * Pages by number shift when rows come or go.  If the count has changed
 * since the page before, rows may have been passed over: read everything
 * again; what was delivered before is recognized by its id.
 */
static void
follow_numbers(TriggerStream *stream)
{
	TriggerRows *rows = stream->rows;
	bool		changed = stream->number > 1 && stream->total_rows >= 0 &&
	rows->total_rows != stream->total_rows;

	stream->total_rows = rows->total_rows;
	stream->next_number = stream->number + 1;
	stream->more = stream->number < rows->total_pages;
	if (!changed)
		return;
	if (++stream->restarts > MAX_RESTARTS)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("list of server \"%s\" changes faster than it can be read",
						stream->plan->target->server_name),
				 errdetail("%s: it was read %d times.", stream->source,
						   MAX_RESTARTS),
				 errhint("Run the statement again.")));
	stream->next_number = 1;
	stream->more = true;
}

/*
 * A look-up wants one row of its page; false if the page does not have it.
 */
static bool
keep_wanted_row(TriggerStream *stream)
{
	TriggerRows *rows = stream->rows;
	int			slot = stream->plan->key_slot;
	const char *key = stream->item->key;

	key = pg_any_to_server(key, strlen(key), PG_UTF8);
	for (int i = 0; i < rows->nrows; i++)
	{
		Datum	   *values = rows->values + (size_t) i * rows->nslots;
		bool	   *nulls = rows->nulls + (size_t) i * rows->nslots;

		if (!nulls[slot] &&
			strcmp(TextDatumGetCString(values[slot]), key) == 0)
		{
			stream->next_row = i;
			rows->nrows = i + 1;
			return true;
		}
	}
	rows->nrows = stream->next_row = 0;
	return false;
}

/*
 * When a row of the page that has come was created, in milliseconds.
 */
static int64
row_moment(const TriggerStream *stream, int row)
{
	Datum		when = stream->rows->values[(size_t) row * stream->rows->nslots +
											stream->plan->order_slot];

	return trigger_timestamp_to_ms(DatumGetTimestampTz(when), false);
}

/*
 * Note what a page of the list shows of its times.  Rows are looked at one
 * by one: that they are sorted is what cutting a list relies on.
 */
static void
note_shown(TriggerStream *stream)
{
	TriggerRows *rows = stream->rows;
	int			slot = stream->plan->order_slot;
	TriggerSplitPage *shown = &stream->shown;
	TimestampTz newest = 0;
	TimestampTz before = 0;

	stream->fresh = true;
	memset(shown, 0, sizeof(TriggerSplitPage));
	shown->more = stream->more;
	shown->clock = (int64)
		(trigger_transfer_response(stream->transfer)->date * 1000);
	shown->nrows = rows->nrows;
	if (slot < 0)
		return;
	shown->sorted = true;
	for (int i = 0; i < rows->nrows; i++)
	{
		TimestampTz when =
		DatumGetTimestampTz(rows->values[(size_t) i * rows->nslots + slot]);

		if (i == 0)
			newest = when;
		else if (when > before)
			shown->sorted = false;
		if (when % 1000 != 0)
			shown->sorted = false;
		before = when;
	}
	if (rows->nrows > 0)
	{
		shown->newest = trigger_timestamp_to_ms(newest, false);
		shown->oldest = trigger_timestamp_to_ms(before, false);
	}
}

/*
 * Pages by time: work out the bounds of the next.
 */
static void
follow_window(TriggerStream *stream)
{
	TriggerRows *rows = stream->rows;
	TriggerWindowPage page = {.nrows = rows->nrows, .more = rows->next != NULL};
	MemoryContext old = MemoryContextSwitchTo(stream->context);

	if (rows->nrows > 0)
	{
		page.newest = row_moment(stream, 0);
		page.oldest = row_moment(stream, rows->nrows - 1);
	}
	if (stream->cursor && page.more && strcmp(stream->cursor, rows->next) == 0)
		check_cursor(stream, rows->next);

	/* the windows get smaller only if the server keeps to them */
	if (rows->nrows > 0 &&
		((stream->window.to != 0 && page.newest > stream->window.to) ||
		 page.oldest < stream->window.from))
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("paging of server \"%s\" does not advance",
						stream->plan->target->server_name),
				 errdetail("%s: a row is not of the time that was asked for.",
						   stream->source)));
	stream->more = trigger_window_next(&stream->window, &page,
									   trigger_timestamp_to_ms(GetCurrentTimestamp(), true));
	MemoryContextSwitchTo(old);
	stream->list->from = stream->window.from;
	stream->list->to = stream->window.to;
}

/*
 * Pages by number of the rows: the next begins behind the greatest.  What is
 * left may come at once or in parts; only an empty answer is the end.
 */
static void
follow_sequence(TriggerStream *stream)
{
	TriggerRows *rows = stream->rows;
	int64		before = stream->cursor ? strtoll(stream->cursor, NULL, 10) :
	stream->list->after ? strtoll(stream->list->after, NULL, 10) : -1;
	int64		greatest = before;

	for (int i = 0; i < rows->nrows; i++)
		greatest = Max(greatest,
					   DatumGetInt64(rows->values[(size_t) i * rows->nslots +
												  stream->plan->sequence_slot]));
	stream->more = rows->nrows > 0;
	if (stream->more && greatest == before)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("paging of server \"%s\" does not advance",
						stream->plan->target->server_name),
				 errdetail("%s: no record is behind the number that was asked for.",
						   stream->source)));
	rows->next = psprintf(INT64_FORMAT, greatest);
}

/*
 * Rows of another environment than the one that was asked for are somebody
 * else's: the name is ambiguous.  A page has rows of one environment only.
 */
static void
check_environment(TriggerStream *stream)
{
	TriggerRows *rows = stream->rows;
	int			slot = stream->plan->environment_slot;
	const char *name = stream->list->environment;

	if (stream->list->environment_id == NULL || slot < 0 || rows->nrows == 0 ||
		(!rows->nulls[slot] &&
		 strcmp(TextDatumGetCString(rows->values[slot]),
				stream->list->environment_id) == 0))
		return;

	if (stream->list->environment_named)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("runs of environment \"%s\" cannot be listed with this personal access token",
						name),
				 errdetail("By this name the API shows another environment, not the one that belongs to the token."),
				 errhint("Use the environment's secret key, or set the server option \"pat_exchange\".")));
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("runs of environment \"%s\" are left out", name),
			 errdetail("By this name the API shows another environment, not the one that belongs to the token."),
			 errhint("Use the environment's secret key, or set the server option \"pat_exchange\".")));
	rows->nrows = 0;
	rows->next = NULL;
}

/*
 * A page of the list has come.
 */
static void
finish_page(TriggerStream *stream)
{
	TriggerRows *rows;
	bool		by_cursor = true;

	(void) read_answer(stream, true, false);
	rows = stream->rows;
	stream->pages++;
	check_environment(stream);

	switch (stream->list->endpoint->paging)
	{
		case TRIGGER_PAGING_CURSOR:
			stream->more = rows->next != NULL;
			if (stream->more)
				check_cursor(stream, rows->next);
			break;
		case TRIGGER_PAGING_WINDOW:
			follow_window(stream);
			by_cursor = stream->window.by_cursor;
			break;
		case TRIGGER_PAGING_SEQUENCE:
			follow_sequence(stream);
			break;
		case TRIGGER_PAGING_NUMBER:
			follow_numbers(stream);
			break;
		case TRIGGER_PAGING_NONE:
		case TRIGGER_PAGING_ITEM:
			stream->more = false;
			break;
	}
	if (stream->cursor)
		pfree(stream->cursor);
	stream->cursor = NULL;
	stream->next_cursor = NULL;
	if (stream->more && by_cursor && rows->next)
		stream->next_cursor = MemoryContextStrdup(stream->context, rows->next);
	note_shown(stream);
	end_transfer(stream);

	if (stream->item && keep_wanted_row(stream))
	{
		stream->more = false;
		stream->other_lists = NIL;
	}
	if (stream->more)
		return;
	if (stream->other_lists == NIL)
	{
		stream->phase = STREAM_DONE;
		return;
	}
	stream->list = linitial(stream->other_lists);
	stream->other_lists = list_delete_first(stream->other_lists);
	stream->list->from = stream->list->to = stream->moment;
	start_list(stream);
}

/*
 * Do what can be done without waiting, but ask for no further page.  True if
 * a row can be taken or the stream is done; false if an answer must be waited
 * for, or a page asked for.
 */
bool
trigger_stream_advance(TriggerStream *stream)
{
	for (;;)
	{
		if (stream->in_flight && trigger_transfer_done(stream->transfer))
			note_landed(stream);
		if (trigger_stream_unread(stream) > 0)
			return true;
		if (stream->transfer == NULL)
			return stream->phase == STREAM_DONE;
		if (!trigger_transfer_done(stream->transfer))
			return false;
		if (send_again(stream))
			continue;
		if (stream->phase == STREAM_ITEM)
			finish_item(stream);
		else
			finish_page(stream);
	}
}

/*
 * Rows of the page at hand that were not taken yet.
 */
int
trigger_stream_unread(const TriggerStream *stream)
{
	return stream->rows ? stream->rows->nrows - stream->next_row : 0;
}

/*
 * Is an answer under way, or not looked at yet?
 */
bool
trigger_stream_busy(const TriggerStream *stream)
{
	return stream->transfer != NULL;
}

/*
 * Is there a page that could be asked for?
 */
bool
trigger_stream_more(const TriggerStream *stream)
{
	return stream->more && stream->transfer == NULL;
}

/*
 * Ask for it.
 */
void
trigger_stream_ask(TriggerStream *stream)
{
	char	   *cursor = stream->next_cursor;

	stream->next_cursor = NULL;
	send_page(stream, cursor, stream->next_number);
}

/*
 * What the last page has shown (but not what it was asked for), if it has
 * come since the last call.
 */
bool
trigger_stream_shown(TriggerStream *stream, TriggerSplitPage *page)
{
	if (!stream->fresh)
		return false;
	stream->fresh = false;
	*page = stream->shown;
	return true;
}

/*
 * Somebody else reads what follows the page at hand.
 */
void
trigger_stream_cut(TriggerStream *stream)
{
	Assert(stream->transfer == NULL);
	stream->more = false;
	stream->phase = STREAM_DONE;
}

/*
 * Look at the row that is next.  False if there is none at present.
 */
bool
trigger_stream_peek(TriggerStream *stream, TriggerRow *row)
{
	if (stream->rows == NULL || stream->next_row >= stream->rows->nrows)
		return false;
	row->values = stream->rows->values +
		(size_t) stream->next_row * stream->rows->nslots;
	row->nulls = stream->rows->nulls +
		(size_t) stream->next_row * stream->rows->nslots;
	row->request = stream->list ? stream->list : stream->item;
	return true;
}

/*
 * The row was taken.
 */
void
trigger_stream_next(TriggerStream *stream)
{
	stream->next_row++;
}
