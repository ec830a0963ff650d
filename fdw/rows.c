/*-------------------------------------------------------------------------
 *
 * rows.c
 *		From the text of one answer to rows of Datums.
 *
 * A page is read once, front to back: members that no field asks for are
 * passed over by the lexer, the others are converted where they stand.  The
 * paging information follows the rows in the answer, so the whole page is
 * decoded before its first row is handed out; only then can the next page be
 * asked for while the rows are being used.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "rows.h"

#include "convert.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/* A member that some field wants, or that leads to one. */
typedef struct Member
{
	const char *key;
	size_t		key_len;
	List	   *slots;			/* fields that are this member */
	struct Member *children;		/* fields inside of it */
	struct Member *sibling;
} Member;

struct TriggerDecoder
{
	TriggerField *fields;
	int			nfields;
	TriggerPaging paging;
	const char *rows_member;	/* NULL: the root is the array */
	const char *table;			/* for error contexts */
	Member	   *root;			/* members of a row */
	int			item_slot;		/* slot of the item itself, or -1 */
	TimestampTz now;			/* of this answer */

	/* of the row being read */
	TriggerJson *json;
	Datum	   *values;
	bool	   *nulls;
	TriggerField *current;		/* field being converted */
};

static void decode_object(TriggerDecoder *decoder, Member *nodes);

/*
 * Choose a field's conversion and look up what it needs.
 */
void
trigger_field_init(TriggerField *field, Oid type, int32 typmod)
{
	Oid			input;

	field->type = type;
	field->typmod = typmod;
	field->conversion = trigger_conversion_for(type);
	getTypeInputInfo(type, &input, &field->input_param);
	fmgr_info(input, &field->input);
}

/*
 * Enter a field's path into the tree of wanted members.
 */
static void
add_path(Member **nodes, const char *path, int slot)
{
	const char *dot = strchr(path, '.');
	const char *brackets = strstr(path, "[]");
	size_t		len = dot ? dot - path : strlen(path);
	Member	   *node;
	Member	  **link;

	/* "list[].member" is read from the whole list */
	if (brackets && brackets < path + len)
	{
		len = brackets - path;
		dot = NULL;
	}

	for (link = nodes; (node = *link) != NULL; link = &node->sibling)
	{
		if (node->key_len == len && memcmp(node->key, path, len) == 0)
			break;
	}
	if (node == NULL)
	{
		node = palloc0(sizeof(Member));
		node->key = pnstrdup(path, len);
		node->key_len = len;
		*link = node;
	}
	if (dot)
		add_path(&node->children, dot + 1, slot);
	else
		node->slots = lappend_int(node->slots, slot);
}

/*
 * Make a decoder for pages of a kind.  "fields" stays the caller's and must
 * live as long; "table" is named in error contexts.  Lives in the current
 * context.
 */
TriggerDecoder *
trigger_decoder_create(TriggerField *fields, int nfields,
					   TriggerPaging paging, const char *rows_member,
					   const char *table)
{
	TriggerDecoder *decoder = palloc0(sizeof(TriggerDecoder));

	decoder->fields = fields;
	decoder->nfields = nfields;
	decoder->paging = paging;
	decoder->rows_member = rows_member;
	decoder->table = table;
	decoder->item_slot = -1;
	for (int i = 0; i < nfields; i++)
	{
		const char *brackets;

		if (fields[i].path == NULL)
			continue;
		brackets = strstr(fields[i].path, "[].");
		fields[i].pluck = brackets ? brackets + 3 : NULL;
		if (fields[i].path[0] == '\0')
			decoder->item_slot = i;
		else
			add_path(&decoder->root, fields[i].path, i);
	}
	return decoder;
}

/*
 * errcontext for everything that a value's conversion may raise.
 */
static void
conversion_error_callback(void *arg)
{
	TriggerDecoder *decoder = (TriggerDecoder *) arg;

	if (decoder->current)
		errcontext("column \"%s\" of foreign table \"%s\"",
				   decoder->current->label, decoder->table);
}

/*
 * Keep only some members of every object in an array: used where two
 * endpoints describe the same thing with more or fewer members.  Returns
 * JSON text, palloc'd.
 */
static char *
keep_members(TriggerJson *json, const char *const *keep, size_t *len)
{
	StringInfoData buf;
	bool		first_object = true;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '[');
	trigger_json_expect(json, JSON_TOKEN_ARRAY_START, "a list");
	if (trigger_json_peek(json) == JSON_TOKEN_ARRAY_END)
		trigger_json_advance(json);
	else
	{
		do
		{
			bool		first_member = true;

			appendStringInfoString(&buf, first_object ? "{" : ",{");
			first_object = false;
			trigger_json_expect(json, JSON_TOKEN_OBJECT_START, "an object");
			if (trigger_json_peek(json) == JSON_TOKEN_OBJECT_END)
				trigger_json_advance(json);
			else
			{
				do
				{
					TriggerSlice key = trigger_json_slice(json);
					TriggerSlice value;

					trigger_json_expect(json, JSON_TOKEN_STRING, "a member's name");
					trigger_json_expect(json, JSON_TOKEN_COLON, "a colon");
					value = trigger_json_value(json);
					for (int i = 0; keep[i]; i++)
					{
						if (!trigger_json_key_is(key, keep[i]))
							continue;
						appendStringInfo(&buf, "%s\"%s\":",
										 first_member ? "" : ",", keep[i]);
						appendBinaryStringInfo(&buf, value.start, value.len);
						first_member = false;
					}
				} while (trigger_json_more(json, JSON_TOKEN_OBJECT_END));
			}
			appendStringInfoChar(&buf, '}');
		} while (trigger_json_more(json, JSON_TOKEN_ARRAY_END));
	}
	appendStringInfoChar(&buf, ']');
	*len = buf.len;
	return buf.data;
}

/*
 * A list of objects to the list of one of their members, as JSON text.
 */
static char *
pluck_member(TriggerJson *json, const char *member, size_t *len)
{
	StringInfoData buf;
	bool		first = true;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '[');
	trigger_json_expect(json, JSON_TOKEN_ARRAY_START, "a list");
	if (trigger_json_peek(json) == JSON_TOKEN_ARRAY_END)
		trigger_json_advance(json);
	else
	{
		do
		{
			trigger_json_expect(json, JSON_TOKEN_OBJECT_START, "an object");
			if (trigger_json_peek(json) == JSON_TOKEN_OBJECT_END)
			{
				trigger_json_advance(json);
				continue;
			}
			do
			{
				TriggerSlice key = trigger_json_slice(json);
				TriggerSlice value;

				trigger_json_expect(json, JSON_TOKEN_STRING, "a member's name");
				trigger_json_expect(json, JSON_TOKEN_COLON, "a colon");
				value = trigger_json_value(json);
				if (trigger_json_key_is(key, member))
				{
					if (!first)
						appendStringInfoChar(&buf, ',');
					appendBinaryStringInfo(&buf, value.start, value.len);
					first = false;
				}
			} while (trigger_json_more(json, JSON_TOKEN_OBJECT_END));
		} while (trigger_json_more(json, JSON_TOKEN_ARRAY_END));
	}
	appendStringInfoChar(&buf, ']');
	*len = buf.len;
	return buf.data;
}

/*
 * Convert the value at the reader's position into a slot.
 */
static void
decode_slot(TriggerDecoder *decoder, TriggerJson *json, int slot)
{
	TriggerField *field = &decoder->fields[slot];
	Datum		value;

	decoder->current = field;
	if ((field->keep || field->pluck) && trigger_json_peek(json) != JSON_TOKEN_NULL)
	{
		TriggerJson inner;
		size_t		len;
		char	   *text;

		text = field->pluck ? pluck_member(json, field->pluck, &len) :
			keep_members(json, field->keep, &len);
		trigger_json_open(&inner, text, len, json->source);
		decoder->nulls[slot] = !trigger_convert(&inner, field, &value);
	}
	else
		decoder->nulls[slot] = !trigger_convert(json, field, &value);
	if (!decoder->nulls[slot])
		decoder->values[slot] = value;
	decoder->current = NULL;
}

/*
 * The value at the reader's position belongs to a wanted member.
 */
static void
decode_member(TriggerDecoder *decoder, Member *node)
{
	TriggerJson *json = decoder->json;
	ListCell   *cell;

	if (node->children == NULL && list_length(node->slots) == 1)
	{
		decode_slot(decoder, json, linitial_int(node->slots));
		return;
	}
	if (node->slots == NIL)
	{
		if (trigger_json_peek(json) == JSON_TOKEN_NULL)
			trigger_json_advance(json);
		else if (trigger_json_peek(json) == JSON_TOKEN_OBJECT_START)
			decode_object(decoder, node->children);
		else
			trigger_json_error(json, "field \"%s\" is not an object", node->key);
		return;
	}

	/* wanted more than once: read its text again for each */
	{
		TriggerSlice slice = trigger_json_value(json);
		TriggerJson inner;

		foreach(cell, node->slots)
		{
			trigger_json_reopen(&inner, slice, json->source);
			decode_slot(decoder, &inner, lfirst_int(cell));
		}
		if (node->children)
		{
			trigger_json_reopen(&inner, slice, json->source);
			decoder->json = &inner;
			if (trigger_json_peek(&inner) == JSON_TOKEN_OBJECT_START)
				decode_object(decoder, node->children);
			decoder->json = json;
		}
	}
}

/*
 * Read an object, converting the members that are in "nodes".
 *
 * Answers repeat their members in the same order, so the search starts
 * behind the member found last: it hits at once for nearly every key.
 */
static void
decode_object(TriggerDecoder *decoder, Member *nodes)
{
	TriggerJson *json = decoder->json;
	Member	   *guess = nodes;

	trigger_json_expect(json, JSON_TOKEN_OBJECT_START, "an object");
	if (trigger_json_peek(json) == JSON_TOKEN_OBJECT_END)
	{
		trigger_json_advance(json);
		return;
	}

	do
	{
		TriggerSlice key = trigger_json_slice(json);
		Member	   *node = guess ? guess : nodes;
		Member	   *start = node;

		trigger_json_expect(json, JSON_TOKEN_STRING, "a member's name");
		trigger_json_expect(json, JSON_TOKEN_COLON, "a colon");

		while (node != NULL)
		{
			if ((key.len == node->key_len + 2 &&
				 memcmp(key.start + 1, node->key, node->key_len) == 0) ||
				(key.start[1] == '\\' && trigger_json_key_is(key, node->key)))
				break;
			node = node->sibling ? node->sibling : nodes;
			if (node == start)
				node = NULL;
		}
		if (node)
		{
			guess = node->sibling;
			decode_member(decoder, node);
		}
		else
			trigger_json_skip(json);
	} while (trigger_json_more(json, JSON_TOKEN_OBJECT_END));
}

/*
 * A value that follows from moments, which have been read.
 */
static Datum
decode_moments(TriggerDecoder *decoder, TriggerField *field)
{
	const TriggerMoment *moment = field->moments;

	for (int i = 0; moment->field; moment++, i++)
	{
		int			slot = field->moment_slots[i];

		if (!decoder->nulls[slot] &&
			(!moment->past ||
			 DatumGetTimestampTz(decoder->values[slot]) < decoder->now))
			break;
	}
	return InputFunctionCall(&field->input, unconstify(char *, moment->word),
							 field->input_param, field->typmod);
}

/*
 * Read one item of the list (or the one object) into a row.
 */
static void
decode_row(TriggerDecoder *decoder)
{
	memset(decoder->nulls, true, decoder->nfields * sizeof(bool));
	if (decoder->item_slot >= 0)
		decode_slot(decoder, decoder->json, decoder->item_slot);
	else if (decoder->root)
		decode_object(decoder, decoder->root);
	else
		trigger_json_skip(decoder->json);	/* rows are only counted */

	for (int i = 0; i < decoder->nfields; i++)
	{
		TriggerField *field = &decoder->fields[i];

		if (field->required && decoder->nulls[i])
			trigger_json_error(decoder->json, "field \"%s\" is missing",
							   field->path[0] ? field->path : field->label);
	}

	/* after the check: a rule may hide a value that had to be there */
	for (int i = 0; i < decoder->nfields; i++)
	{
		TriggerField *field = &decoder->fields[i];

		if (field->null_slot >= 0 && !decoder->nulls[field->null_slot] &&
			DatumGetBool(decoder->values[field->null_slot]) == field->null_when)
			decoder->nulls[i] = true;
		if (field->moments)
		{
			decoder->values[i] = decode_moments(decoder, field);
			decoder->nulls[i] = false;
		}
	}
}

/*
 * Make room for a row and point the decoder at it.
 */
static void
new_row(TriggerDecoder *decoder, TriggerRows *rows, int *capacity)
{
	size_t		width = Max(decoder->nfields, 1);

	if (rows->nrows == *capacity)
	{
		*capacity = *capacity ? *capacity * 2 : 104;
		if (rows->values == NULL)
		{
			rows->values = palloc(*capacity * width * sizeof(Datum));
			rows->nulls = palloc(*capacity * width * sizeof(bool));
		}
		else
		{
			rows->values = repalloc_huge(rows->values,
										 *capacity * width * sizeof(Datum));
			rows->nulls = repalloc_huge(rows->nulls,
										*capacity * width * sizeof(bool));
		}
	}
	decoder->values = rows->values + rows->nrows * decoder->nfields;
	decoder->nulls = rows->nulls + rows->nrows * decoder->nfields;
	rows->nrows++;
}

/*
 * Read the array of rows.
 */
static void
decode_array(TriggerDecoder *decoder, TriggerRows *rows)
{
	TriggerJson *json = decoder->json;
	int			capacity = 0;

	trigger_json_expect(json, JSON_TOKEN_ARRAY_START, "the list of rows");
	if (trigger_json_peek(json) == JSON_TOKEN_ARRAY_END)
	{
		trigger_json_advance(json);
		return;
	}
	do
	{
		new_row(decoder, rows, &capacity);
		decode_row(decoder);
	} while (trigger_json_more(json, JSON_TOKEN_ARRAY_END));
}

/*
 * A number of the paging information.
 */
static int64
paging_number(TriggerJson *json, const char *name)
{
	TriggerSlice slice = trigger_json_slice(json);
	char		buf[24];
	char	   *end;
	int64		value;

	if (trigger_json_peek(json) != JSON_TOKEN_NUMBER || slice.len >= sizeof(buf))
		trigger_json_error(json, "\"pagination.%s\" is not a number", name);
	memcpy(buf, slice.start, slice.len);
	buf[slice.len] = '\0';
	value = strtoll(buf, &end, 10);
	if (*end != '\0' || value < 0)
		trigger_json_error(json, "\"pagination.%s\" is not a count", name);
	trigger_json_advance(json);
	return value;
}

/*
 * Read the paging information.
 */
static void
decode_paging(TriggerDecoder *decoder, TriggerRows *rows)
{
	TriggerJson *json = decoder->json;

	trigger_json_expect(json, JSON_TOKEN_OBJECT_START, "the paging information");
	if (trigger_json_peek(json) == JSON_TOKEN_OBJECT_END)
	{
		trigger_json_advance(json);
		return;
	}
	do
	{
		TriggerSlice key = trigger_json_slice(json);

		trigger_json_expect(json, JSON_TOKEN_STRING, "a member's name");
		trigger_json_expect(json, JSON_TOKEN_COLON, "a colon");
		if ((decoder->paging == TRIGGER_PAGING_CURSOR ||
			 decoder->paging == TRIGGER_PAGING_WINDOW) &&
			trigger_json_key_is(key, "next"))
		{
			size_t		len;

			if (trigger_json_peek(json) == JSON_TOKEN_NULL)
				trigger_json_advance(json);
			else if (trigger_json_peek(json) != JSON_TOKEN_STRING)
				trigger_json_error(json, "\"pagination.next\" is not a string");
			else
			{
				rows->next = trigger_json_unescape(json,
												   trigger_json_slice(json),
												   &len);
				trigger_json_advance(json);
				if (len == 0)
					trigger_json_error(json, "\"pagination.next\" is empty");
			}
		}
		else if (decoder->paging == TRIGGER_PAGING_NUMBER &&
				 trigger_json_key_is(key, "currentPage"))
			rows->page = (int) paging_number(json, "currentPage");
		else if (decoder->paging == TRIGGER_PAGING_NUMBER &&
				 trigger_json_key_is(key, "totalPages"))
			rows->total_pages = (int) paging_number(json, "totalPages");
		else if (decoder->paging == TRIGGER_PAGING_NUMBER &&
				 trigger_json_key_is(key, "count"))
			rows->total_rows = paging_number(json, "count");
		else
			trigger_json_skip(json);
	} while (trigger_json_more(json, JSON_TOKEN_OBJECT_END));
}

/*
 * Do answers have paging information?
 */
static bool
has_paging(const TriggerDecoder *decoder)
{
	return decoder->paging != TRIGGER_PAGING_NONE &&
		decoder->paging != TRIGGER_PAGING_SEQUENCE;
}

/*
 * Read the object around the rows.  Both parts must be there: an answer
 * without them is not an empty page but something else, for instance the
 * 200 that older routes give to a wrong method.
 */
static void
decode_envelope(TriggerDecoder *decoder, TriggerRows *rows)
{
	TriggerJson *json = decoder->json;
	bool		rows_seen = false;
	bool		paging_seen = false;

	trigger_json_expect(json, JSON_TOKEN_OBJECT_START, "an object");
	if (trigger_json_peek(json) != JSON_TOKEN_OBJECT_END)
	{
		do
		{
			TriggerSlice key = trigger_json_slice(json);

			trigger_json_expect(json, JSON_TOKEN_STRING, "a member's name");
			trigger_json_expect(json, JSON_TOKEN_COLON, "a colon");
			if (trigger_json_key_is(key, decoder->rows_member))
			{
				if (rows_seen)
					trigger_json_error(json, "\"%s\" is there twice",
									   decoder->rows_member);
				decode_array(decoder, rows);
				rows_seen = true;
			}
			else if (has_paging(decoder) && trigger_json_key_is(key, "pagination"))
			{
				if (paging_seen)
					trigger_json_error(json, "\"pagination\" is there twice");
				decode_paging(decoder, rows);
				paging_seen = true;
			}
			else
				trigger_json_skip(json);
		} while (trigger_json_more(json, JSON_TOKEN_OBJECT_END));
	}
	else
		trigger_json_advance(json);

	if (!rows_seen)
		trigger_json_error(json, "\"%s\" is missing", decoder->rows_member);
	if (has_paging(decoder) && !paging_seen)
		trigger_json_error(json, "\"pagination\" is missing");
	if (decoder->paging == TRIGGER_PAGING_NUMBER &&
		(rows->page < 0 || rows->total_pages < 0 || rows->total_rows < 0))
		trigger_json_error(json, "\"pagination\" is incomplete");
}

/*
 * Decode one answer.  Everything in the result is allocated in the current
 * context; "body" may be freed afterwards.
 */
TriggerRows *
trigger_decode(TriggerDecoder *decoder, char *body, size_t len,
			   const char *source)
{
	TriggerRows *rows = palloc0(sizeof(TriggerRows));
	TriggerJson json;
	ErrorContextCallback context;

	context.callback = conversion_error_callback;
	context.arg = decoder;
	context.previous = error_context_stack;
	error_context_stack = &context;

	rows->nslots = decoder->nfields;
	rows->page = rows->total_pages = -1;
	rows->total_rows = -1;
	decoder->current = NULL;
	decoder->now = GetCurrentTimestamp();
	decoder->json = &json;
	trigger_json_open(&json, body, len, source);

	if (decoder->paging == TRIGGER_PAGING_ITEM)
	{
		int			capacity = 0;

		new_row(decoder, rows, &capacity);
		decode_row(decoder);
	}
	else if (decoder->rows_member == NULL)
		decode_array(decoder, rows);
	else
		decode_envelope(decoder, rows);
	trigger_json_close(&json);

	decoder->json = NULL;
	error_context_stack = context.previous;
	return rows;
}

/*
 * Decode a body that is one value as a whole, such as an offloaded payload.
 * False if it is SQL's NULL.
 */
bool
trigger_decode_document(TriggerField *field, const char *table, char *body,
						size_t len, const char *source, Datum *value)
{
	TriggerDecoder decoder = {.table = table, .current = field};
	TriggerJson json;
	ErrorContextCallback context;
	bool		result;

	context.callback = conversion_error_callback;
	context.arg = &decoder;
	context.previous = error_context_stack;
	error_context_stack = &context;

	trigger_json_open(&json, body, len, source);
	result = trigger_convert(&json, field, value);
	trigger_json_close(&json);

	error_context_stack = context.previous;
	return result;
}
