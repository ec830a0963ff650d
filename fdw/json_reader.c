/*-------------------------------------------------------------------------
 *
 * json_reader.c
 *		Pull reader over PostgreSQL's JSON lexer.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "json_reader.h"

#include "compat.h"
#include "mb/pg_wchar.h"

/*
 * Raise 08P01: the answer is not what the API promises.  "fmt" becomes part
 * of the detail; it must not quote more of the answer than a member's name.
 */
void
trigger_json_error(const TriggerJson *json, const char *fmt,...)
{
	va_list		args;
	char		reason[256];

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);

	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("answer of the API is not as promised"),
			 errdetail("%s: %s.", json->source, reason)));
}

/*
 * Start reading "text" (of "len" bytes, which need not end with NUL).  The
 * whole text is checked to be UTF-8 without NUL first: the lexer looks at
 * bytes only, and invalid ones would otherwise reach tuples.  "source"
 * names the request in errors and must live as long as the reader.
 */
void
trigger_json_open(TriggerJson *json, char *text, size_t len,
				  const char *source)
{
	json->source = source;
	json->lex = NULL;

	if (len == 0)
		trigger_json_error(json, "the body is empty");
	if (pg_encoding_verifymbstr(PG_UTF8, text, len) != (int) len)
		trigger_json_error(json, "the body is not valid UTF-8");

	json->lex = TRIGGER_MAKE_JSON_LEXER(text, len);
	trigger_json_advance(json);
}

/*
 * Go to the next token.
 */
void
trigger_json_advance(TriggerJson *json)
{
	JsonParseErrorType result = json_lex(json->lex);

	if (unlikely(result != JSON_SUCCESS))
		trigger_json_error(json, "the body is not valid JSON at byte %d",
						   (int) (json->lex->token_start - json->lex->input));
}

/*
 * The current token must be "token"; go past it.
 */
void
trigger_json_expect(TriggerJson *json, JsonTokenType token, const char *what)
{
	if (unlikely(trigger_json_peek(json) != token))
		trigger_json_error(json, "%s expected at byte %d", what,
						   (int) (json->lex->token_start - json->lex->input));
	trigger_json_advance(json);
}

/*
 * Nothing may follow the value that was read.
 */
void
trigger_json_close(TriggerJson *json)
{
	if (trigger_json_peek(json) != JSON_TOKEN_END)
		trigger_json_error(json, "the body goes on after its end at byte %d",
						   (int) (json->lex->token_start - json->lex->input));
}

/*
 * After a member or an element: true if another one follows (the comma is
 * consumed), false if the container ends (its closing token is consumed).
 */
bool
trigger_json_more(TriggerJson *json, JsonTokenType close)
{
	if (trigger_json_peek(json) == JSON_TOKEN_COMMA)
	{
		trigger_json_advance(json);
		/* a comma must be followed by something */
		if (trigger_json_peek(json) == close)
			trigger_json_expect(json, JSON_TOKEN_STRING, "a value");
		return true;
	}
	trigger_json_expect(json, close, "a comma or the end of the container");
	return false;
}

/*
 * Pass over one value of any kind, checking that it is well formed.
 *
 * Without recursion: the depth of an answer is the server's choice.
 */
void
trigger_json_skip(TriggerJson *json)
{
	bool		in_object[TRIGGER_JSON_MAX_DEPTH];
	int			depth = 0;

	for (;;)
	{
		bool		opened = false;

		switch (trigger_json_peek(json))
		{
			case JSON_TOKEN_OBJECT_START:
			case JSON_TOKEN_ARRAY_START:
				if (depth >= TRIGGER_JSON_MAX_DEPTH)
					trigger_json_error(json,
									   "values are nested more than %d levels deep",
									   TRIGGER_JSON_MAX_DEPTH);
				in_object[depth++] =
					trigger_json_peek(json) == JSON_TOKEN_OBJECT_START;
				opened = true;
				trigger_json_advance(json);
				break;
			case JSON_TOKEN_STRING:
			case JSON_TOKEN_NUMBER:
			case JSON_TOKEN_TRUE:
			case JSON_TOKEN_FALSE:
			case JSON_TOKEN_NULL:
				trigger_json_advance(json);
				break;
			default:
				trigger_json_expect(json, JSON_TOKEN_STRING, "a value");
		}

		/* close what ends here */
		for (;;)
		{
			JsonTokenType close;

			if (depth == 0)
				return;
			close = in_object[depth - 1] ? JSON_TOKEN_OBJECT_END :
				JSON_TOKEN_ARRAY_END;
			if (opened && trigger_json_peek(json) == close)
				trigger_json_advance(json); /* empty container */
			else if (opened || trigger_json_more(json, close))
				break;
			depth--;
			opened = false;
		}

		if (in_object[depth - 1])
		{
			trigger_json_expect(json, JSON_TOKEN_STRING, "a member's name");
			trigger_json_expect(json, JSON_TOKEN_COLON, "a colon");
		}
	}
}

/*
 * Pass over one value and return its exact text.
 */
TriggerSlice
trigger_json_value(TriggerJson *json)
{
	TriggerSlice slice;

	slice.start = json->lex->token_start;
	trigger_json_skip(json);
	slice.len = json->lex->prev_token_terminator - slice.start;
	return slice;
}

/*
 * Is a string token (with its quotes) this name?  Names are plain ASCII; a
 * key that spells one with escapes counts as well.
 */
bool
trigger_json_key_is(TriggerSlice key, const char *name)
{
	size_t		len = strlen(name);
	const char *p;
	const char *end;

	if (key.len == len + 2 && memcmp(key.start + 1, name, len) == 0)
		return true;
	if (key.len < len + 2 || memchr(key.start, '\\', key.len) == NULL)
		return false;

	/* rare: compare character by character */
	end = key.start + key.len - 1;
	for (p = key.start + 1; p < end; name++)
	{
		int			c = (unsigned char) *p;

		if (c == '\\' && p[1] == 'u')
		{
			char		hex[5] = {p[2], p[3], p[4], p[5], '\0'};

			c = (int) strtol(hex, NULL, 16);
			p += 6;
		}
		else if (c == '\\')
		{
			c = (unsigned char) p[1];
			if (strchr("bfnrt", c) != NULL)
				return false;
			p += 2;
		}
		else
			p++;
		if (c == '\0' || c != (unsigned char) *name)
			return false;
	}
	return *name == '\0';
}

/*
 * Four hexadecimal digits, which the lexer has checked.
 */
static unsigned int
read_hex4(const char *p)
{
	char		hex[5] = {p[0], p[1], p[2], p[3], '\0'};

	return (unsigned int) strtoul(hex, NULL, 16);
}

/*
 * Value of a string token as UTF-8, palloc'd and NUL-terminated; its length
 * is put into *len.  ERROR if it has a character that PostgreSQL cannot
 * store or half a surrogate pair.
 */
char *
trigger_json_unescape(TriggerJson *json, TriggerSlice string, size_t *len)
{
	const char *p = string.start + 1;
	const char *end = string.start + string.len - 1;
	char	   *result = palloc(string.len);
	char	   *out = result;

	while (p < end)
	{
		const char *plain = memchr(p, '\\', end - p);
		unsigned int c;

		if (plain == NULL)
			plain = end;
		memcpy(out, p, plain - p);
		out += plain - p;
		p = plain;
		if (p == end)
			break;

		p++;
		switch (*p++)
		{
			case 'b':
				*out++ = '\b';
				break;
			case 'f':
				*out++ = '\f';
				break;
			case 'n':
				*out++ = '\n';
				break;
			case 'r':
				*out++ = '\r';
				break;
			case 't':
				*out++ = '\t';
				break;
			case 'u':
				c = read_hex4(p);
				p += 4;
				if (c == 0)
					trigger_json_error(json, "a text has the character \\u0000, which PostgreSQL cannot store");
				if (is_utf16_surrogate_first(c))
				{
					unsigned int low = 0;

					if (end - p >= 6 && p[0] == '\\' && p[1] == 'u')
						low = read_hex4(p + 2);
					if (!is_utf16_surrogate_second(low))
						trigger_json_error(json, "a text has half a surrogate pair");
					c = surrogate_pair_to_codepoint(c, low);
					p += 6;
				}
				else if (is_utf16_surrogate_second(c))
					trigger_json_error(json, "a text has half a surrogate pair");
				unicode_to_utf8(c, (unsigned char *) out);
				out += pg_utf_mblen((unsigned char *) out);
				break;
			default:
				*out++ = p[-1]; /* quote, slash, backslash */
				break;
		}
	}
	*out = '\0';
	*len = out - result;
	return result;
}

/*
 * Does a piece of JSON have the escape of the NUL character, which jsonb and
 * text cannot hold?
 */
bool
trigger_json_has_nul_escape(TriggerSlice slice)
{
	const char *p = slice.start;
	const char *end = slice.start + slice.len;

	while ((p = memchr(p, '\\', end - p)) != NULL)
	{
		if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0)
			return true;
		p += 2;					/* the lexer saw that something follows */
	}
	return false;
}
