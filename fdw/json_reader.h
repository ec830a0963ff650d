/*-------------------------------------------------------------------------
 *
 * json_reader.h
 *		Pull reader for JSON texts.
 *
 * The reader refuses what is not JSON, bounds the nesting, and gives the
 * exact text of every token and value.  Nothing is built for values that
 * nobody asked for.
 *
 * Why not PostgreSQL's own: pg_parse_json()'s callbacks get a copy of every
 * key and scalar before anyone can say that they are not needed, and its
 * lexer, which looks at one byte at a time, takes 26 instructions for each
 * byte of a page, more than everything else together.  This one takes 12.
 * It accepts exactly what that one does; test/json compares them.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_JSON_READER_H
#define TRIGGER_JSON_READER_H

#include "postgres.h"

#include "common/jsonapi.h"

/*
 * Deepest nesting of an answer.  PostgreSQL's jsonb recurses for each level;
 * this many fit in the smallest stack that it is usually given.
 */
#define TRIGGER_JSON_MAX_DEPTH	1024

typedef struct TriggerJson
{
	const char *text;			/* all of it */
	const char *end;
	const char *token;			/* the current token ... */
	const char *next;			/* ... and what follows it */
	const char *previous;		/* where the token before ended */
	JsonTokenType type;			/* of the current token */
	const char *source;			/* the request, for error details */
} TriggerJson;

/* A piece of the text; for a string token the quotes are included. */
typedef struct TriggerSlice
{
	const char *start;
	size_t		len;
} TriggerSlice;

extern void trigger_json_open(TriggerJson *json, const char *text, size_t len,
							  const char *source);
extern void trigger_json_reopen(TriggerJson *json, TriggerSlice slice,
								const char *source);
extern void trigger_json_advance(TriggerJson *json);
extern void trigger_json_expect(TriggerJson *json, JsonTokenType token,
								const char *what);
extern void trigger_json_skip(TriggerJson *json);
extern TriggerSlice trigger_json_value(TriggerJson *json);
extern bool trigger_json_more(TriggerJson *json, JsonTokenType close);
extern void trigger_json_close(TriggerJson *json);
extern bool trigger_json_key_is(TriggerSlice key, const char *name);
extern char *trigger_json_unescape(TriggerJson *json, TriggerSlice string,
								   size_t *len);
extern bool trigger_json_has_nul_escape(TriggerSlice slice);
extern void trigger_json_error(const TriggerJson *json, const char *fmt,...)
			pg_attribute_printf(2, 3) pg_attribute_noreturn();

/* The token that the next step will consume. */
static inline JsonTokenType
trigger_json_peek(const TriggerJson *json)
{
	return json->type;
}

/* Text of that token. */
static inline TriggerSlice
trigger_json_slice(const TriggerJson *json)
{
	TriggerSlice slice;

	slice.start = json->token;
	slice.len = json->next - json->token;
	return slice;
}

#endif							/* TRIGGER_JSON_READER_H */
