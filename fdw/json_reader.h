/*-------------------------------------------------------------------------
 *
 * json_reader.h
 *		Pull reader over PostgreSQL's JSON lexer.
 *
 * The lexer gives the exact text of every token and refuses what is not
 * JSON; the reader adds the grammar, a bound on nesting, and slices of whole
 * values.  Nothing is built for values that nobody asked for.  A pull reader
 * is preferred to pg_parse_json()'s callbacks because those copy every key
 * and scalar before anyone can say that they are not needed.
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
	JsonLexContext *lex;
	const char *source;			/* the request, for error details */
} TriggerJson;

/* A piece of the text; for a string token the quotes are included. */
typedef struct TriggerSlice
{
	const char *start;
	size_t		len;
} TriggerSlice;

extern void trigger_json_open(TriggerJson *json, char *text, size_t len,
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
	return json->lex->token_type;
}

/* Text of that token. */
static inline TriggerSlice
trigger_json_slice(const TriggerJson *json)
{
	TriggerSlice slice;

	slice.start = json->lex->token_start;
	slice.len = json->lex->token_terminator - json->lex->token_start;
	return slice;
}

#endif							/* TRIGGER_JSON_READER_H */
