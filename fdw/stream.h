/*-------------------------------------------------------------------------
 *
 * stream.h
 *		One sequence of requests, each following from the answer before.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_STREAM_H
#define TRIGGER_STREAM_H

#include "postgres.h"

#include "fetch.h"
#include "split.h"

typedef struct TriggerStream TriggerStream;

extern TriggerStream *trigger_stream_create(const TriggerFetchPlan *plan,
											TriggerRequest *item,
											List *lists);
extern TriggerStream *trigger_stream_create_retrieve(const TriggerFetchPlan *plan,
													 const TriggerRequest *list,
													 Datum key);
extern void trigger_stream_restart(TriggerStream *stream,
								   const TriggerRequest *list, int64 from,
								   int64 to);
extern void trigger_stream_start(TriggerStream *stream);
extern bool trigger_stream_advance(TriggerStream *stream);
extern bool trigger_stream_done(const TriggerStream *stream);
extern bool trigger_stream_peek(TriggerStream *stream, TriggerRow *row);
extern void trigger_stream_next(TriggerStream *stream);
extern void trigger_stream_free(TriggerStream *stream);
extern void trigger_stream_limit(TriggerStream *stream, int64 remaining);
extern int	trigger_stream_unread(const TriggerStream *stream);
extern bool trigger_stream_busy(const TriggerStream *stream);
extern bool trigger_stream_more(const TriggerStream *stream);
extern void trigger_stream_ask(TriggerStream *stream);
extern bool trigger_stream_shown(TriggerStream *stream, TriggerSplitPage *page);
extern void trigger_stream_cut(TriggerStream *stream);

#endif							/* TRIGGER_STREAM_H */
