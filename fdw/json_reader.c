/*-------------------------------------------------------------------------
 *
 * json_reader.c
 *		Pull reader for JSON texts.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "json_reader.h"

#include <ctype.h>

#include "mb/pg_wchar.h"
#include "port/pg_bitutils.h"

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
 * whole text is checked to be UTF-8 without NUL first, so that the reader
 * can look at bytes only.  "source" names the request in errors; it and the
 * text must live as long as the reader.
 */
void
trigger_json_open(TriggerJson *json, const char *text, size_t len,
				  const char *source)
{
	TriggerSlice slice = {text, len};

	json->source = source;
	if (len == 0)
		trigger_json_error(json, "the body is empty");
	if (pg_encoding_verifymbstr(PG_UTF8, text, len) != (int) len)
		trigger_json_error(json, "the body is not valid UTF-8");
	trigger_json_reopen(json, slice, source);
}

/*
 * Start reading a part of a text that was opened before.
 */
void
trigger_json_reopen(TriggerJson *json, TriggerSlice slice, const char *source)
{
	json->source = source;
	json->text = slice.start;
	json->end = slice.start + slice.len;
	json->token = json->next = json->previous = slice.start;
	json->type = JSON_TOKEN_INVALID;
	trigger_json_advance(json);
}

static void invalid_json(const TriggerJson *json, const char *at)
			pg_attribute_noreturn();

/*
 * The text is not JSON from "at" on.
 */
static void
invalid_json(const TriggerJson *json, const char *at)
{
	trigger_json_error(json, "the body is not valid JSON at byte %d",
					   (int) (at - json->text));
}

/*
 * Bytes of a word that are a quote, a backslash or a control character: the
 * top bit of the first of them is the lowest one set in the result.  (Bit
 * tricks on all bytes at once: x - 0x01 borrows from the top bit of a byte
 * that is zero, x - 0x20 from that of one below a blank; a borrow can only
 * disturb bytes behind a hit.)
 */
static inline uint64
special_bytes(uint64 word)
{
	const uint64 ones = UINT64CONST(0x0101010101010101);
	uint64		quote = word ^ (ones * '"');
	uint64		backslash = word ^ (ones * '\\');

	return (((quote - ones) & ~quote) |
			((backslash - ones) & ~backslash) |
			((word - ones * 0x20) & ~word)) & (ones * 0x80);
}

/*
 * The first quote, backslash or control character from "p" on, or the end.
 */
static inline const char *
find_special(const char *p, const char *end)
{
	while (end - p >= 8)
	{
		uint64		word;
		uint64		special;

		memcpy(&word, p, 8);
		special = special_bytes(word);
		if (special != 0)
		{
#ifndef WORDS_BIGENDIAN
			return p + pg_rightmost_one_pos64(special) / 8;
#else
			break;
#endif
		}
		p += 8;
	}
	while (p < end && *p != '"' && *p != '\\' && (unsigned char) *p >= 0x20)
		p++;
	return p;
}

/*
 * End of the string that begins before "p", past its closing quote.
 */
static inline const char *
scan_string(const TriggerJson *json, const char *p)
{
	for (;;)
	{
		p = find_special(p, json->end);
		if (p < json->end && *p == '"')
			return p + 1;
		if (json->end - p < 2 || *p != '\\')
			invalid_json(json, p);

		/* an escape */
		switch (p[1])
		{
			case '"':
			case '\\':
			case '/':
			case 'b':
			case 'f':
			case 'n':
			case 'r':
			case 't':
				p += 2;
				break;
			case 'u':
				if (json->end - p < 6)
					invalid_json(json, p);
				for (int i = 2; i < 6; i++)
				{
					if (!isxdigit((unsigned char) p[i]))
						invalid_json(json, p);
				}
				p += 6;
				break;
			default:
				invalid_json(json, p);
		}
	}
}

/*
 * Go past decimal digits; there must be one.
 */
static inline const char *
scan_digits(const TriggerJson *json, const char *p)
{
	if (p >= json->end || *p < '0' || *p > '9')
		invalid_json(json, p);
	while (p < json->end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/*
 * End of the number that begins at "p".
 */
static inline const char *
scan_number(const TriggerJson *json, const char *p)
{
	if (*p == '-')
		p++;
	if (p < json->end && *p == '0')
		p++;
	else
		p = scan_digits(json, p);
	if (p < json->end && *p == '.')
		p = scan_digits(json, p + 1);
	if (p < json->end && (*p == 'e' || *p == 'E'))
	{
		p++;
		if (p < json->end && (*p == '+' || *p == '-'))
			p++;
		p = scan_digits(json, p);
	}
	return p;
}

/*
 * End of a word such as "true" at "p".
 */
static inline const char *
scan_word(const TriggerJson *json, const char *p, const char *word, size_t len)
{
	if ((size_t) (json->end - p) < len || memcmp(p, word, len) != 0)
		invalid_json(json, p);
	return p + len;
}

/*
 * Go to the next token.
 */
void
trigger_json_advance(TriggerJson *json)
{
	const char *p = json->next;

	json->previous = p;
	while (p < json->end &&
		   (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	json->token = p;
	if (p >= json->end)
	{
		json->type = JSON_TOKEN_END;
		json->next = p;
		return;
	}

	switch (*p)
	{
		case '"':
			json->type = JSON_TOKEN_STRING;
			json->next = scan_string(json, p + 1);
			return;
		case ',':
			json->type = JSON_TOKEN_COMMA;
			break;
		case ':':
			json->type = JSON_TOKEN_COLON;
			break;
		case '{':
			json->type = JSON_TOKEN_OBJECT_START;
			break;
		case '}':
			json->type = JSON_TOKEN_OBJECT_END;
			break;
		case '[':
			json->type = JSON_TOKEN_ARRAY_START;
			break;
		case ']':
			json->type = JSON_TOKEN_ARRAY_END;
			break;
		case 't':
			json->type = JSON_TOKEN_TRUE;
			json->next = scan_word(json, p, "true", 4);
			return;
		case 'f':
			json->type = JSON_TOKEN_FALSE;
			json->next = scan_word(json, p, "false", 5);
			return;
		case 'n':
			json->type = JSON_TOKEN_NULL;
			json->next = scan_word(json, p, "null", 4);
			return;
		default:
			if (*p != '-' && (*p < '0' || *p > '9'))
				invalid_json(json, p);
			json->type = JSON_TOKEN_NUMBER;
			json->next = scan_number(json, p);
			return;
	}
	json->next = p + 1;
}

/*
 * The current token must be "token"; go past it.
 */
void
trigger_json_expect(TriggerJson *json, JsonTokenType token, const char *what)
{
	if (unlikely(trigger_json_peek(json) != token))
		trigger_json_error(json, "%s expected at byte %d", what,
						   (int) (json->token - json->text));
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
						   (int) (json->token - json->text));
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

	slice.start = json->token;
	trigger_json_skip(json);
	slice.len = json->previous - slice.start;
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
		p += 2;					/* every backslash is followed by something */
	}
	return false;
}
