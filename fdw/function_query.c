/*-------------------------------------------------------------------------
 *
 * function_query.c
 *		trigger_query(): a query in the API's own language.
 *
 * The text is sent as it is.  Two defects of the language change what a query
 * means without a word; the function warns of text that they may concern.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "bind.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "connection.h"
#include "datatype/timestamp.h"
#include "endpoint.h"
#include "fmgr.h"
#include "funcapi.h"
#include "function.h"
#include "miscadmin.h"
#include "trql_answer.h"
#include "trql_query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(trigger_query);

/* Deepest parentheses that are told apart. */
#define MAX_DEPTH	256

/* What stands between two parentheses. */
typedef struct QueryGroup
{
	int			logical;		/* infix AND, OR, NOT */
	int			between;
	int			open_between;	/* whose AND is still to come */
} QueryGroup;

typedef struct QueryText
{
	const char *p;
	bool		operand;		/* what came last ends an operand */
	bool		any_and;
	bool		any_or;
	bool		mixed_between;
	int			depth;
	QueryGroup		groups[MAX_DEPTH];
} QueryText;

/*
 * Go past a quoted text or name.
 */
static void
skip_quoted(QueryText *text)
{
	char		quote = *text->p++;

	while (*text->p && *text->p != quote)
	{
		if (*text->p == '\\' && text->p[1])
			text->p++;
		text->p++;
	}
	if (*text->p)
		text->p++;
	text->operand = true;
}

/*
 * Go past a comment, if there is one.
 */
static bool
skip_comment(QueryText *text)
{
	const char *end;

	if (text->p[0] == '-' && text->p[1] == '-')
		text->p += strcspn(text->p, "\n");
	else if (text->p[0] == '/' && text->p[1] == '*')
	{
		end = strstr(text->p + 2, "*/");
		text->p = end ? end + 2 : text->p + strlen(text->p);
	}
	else
		return false;
	return true;
}

/*
 * Is a word one of these?
 */
static bool
word_is(const char *word, size_t len, const char *other)
{
	return strlen(other) == len && pg_strncasecmp(word, other, len) == 0;
}

/*
 * A group ends, or the text.
 */
static void
end_group(QueryText *text)
{
	QueryGroup	   *group = &text->groups[Min(text->depth, MAX_DEPTH - 1)];

	if (group->between > 0 && (group->logical > 0 || group->between > 1))
		text->mixed_between = true;
	memset(group, 0, sizeof(*group));
}

/*
 * Words after which no operand has ended.
 */
static bool
opens_operand(const char *word, size_t len)
{
	static const char *const words[] = {"select", "distinct", "where", "having", "on",
		"when", "then", "else", "by", "in", "like", "ilike", "case", "from", "limit",
		"offset", "union", "all", "intersect", "except", NULL
	};

	for (int i = 0; words[i]; i++)
	{
		if (word_is(word, len, words[i]))
			return true;
	}
	return false;
}

/*
 * A word.
 */
static void
scan_word(QueryText *text)
{
	QueryGroup	   *group = &text->groups[Min(text->depth, MAX_DEPTH - 1)];
	const char *word = text->p;
	size_t		len;

	while (isalnum((unsigned char) *text->p) || *text->p == '_' || *text->p == '.')
		text->p++;
	len = text->p - word;
	if (word_is(word, len, "between"))
	{
		group->between++;
		group->open_between++;
		text->operand = false;
	}
	else if (word_is(word, len, "and") && text->operand && group->open_between > 0)
	{
		group->open_between--;
		text->operand = false;
	}
	else if ((word_is(word, len, "and") || word_is(word, len, "or")) && text->operand)
	{
		if (word_is(word, len, "and"))
			text->any_and = true;
		else
			text->any_or = true;
		group->logical++;
		text->operand = false;
	}
	else if (word_is(word, len, "not") && *text->p != '(')
	{
		group->logical++;
		text->operand = false;
	}
	else
		text->operand = !opens_operand(word, len);
}

/*
 * Warn of text that the API may read in another way than it is meant.
 */
static void
warn_of_defects(const char *query)
{
	QueryText  *text = palloc0(sizeof(QueryText));

	text->p = query;
	while (*text->p)
	{
		if (isspace((unsigned char) *text->p))
			text->p++;
		else if (skip_comment(text))
			continue;
		else if (*text->p == '\'' || *text->p == '"' || *text->p == '`')
			skip_quoted(text);
		else if (isalnum((unsigned char) *text->p) || *text->p == '_')
			scan_word(text);
		else
		{
			if (*text->p == '(')
			{
				text->depth++;
				memset(&text->groups[Min(text->depth, MAX_DEPTH - 1)], 0, sizeof(QueryGroup));
			}
			else if (*text->p == ')')
			{
				end_group(text);
				text->depth = Max(text->depth - 1, 0);
			}
			text->operand = *text->p == ')' || *text->p == ']' || *text->p == '*';
			text->p++;
		}
	}
	end_group(text);

	if (text->any_and && text->any_or)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("the API may join the conditions of this query in another way than it says"),
				 errdetail("Where AND and OR are mixed, it loses their grouping, even that of parentheses."),
				 errhint("Write and(a, or(b, c)) instead.")));
	if (text->mixed_between)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("the API may read BETWEEN in this query in another way than it says"),
				 errdetail("It binds weaker than AND, OR and NOT there."),
				 errhint("Write the comparison in parentheses of its own.")));
}

/*
 * A time as the API takes it, NULL if there is none.  It takes 0 for no bound
 * at all, and would use one of its own.
 */
static char *
milliseconds(FunctionCallInfo fcinfo, int argument, const char *name)
{
	TimestampTz when;

	if (PG_ARGISNULL(argument))
		return NULL;
	when = PG_GETARG_TIMESTAMPTZ(argument);
	if (TIMESTAMP_NOT_FINITE(when) ||
		when < (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * -USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
				 errmsg("argument \"%s\" is out of range", name)));
	return psprintf(INT64_FORMAT, Max(trigger_timestamp_to_ms(when, false), 1));
}

/*
 * A text argument, NULL if there is none.
 */
static char *
text_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

/*
 * Run the query and put the answer's rows into the result.
 */
static void
put_rows(ReturnSetInfo *rsinfo, const TriggerTarget *target,
		 const TrqlRequest *request)
{
	TriggerHttp *http = trigger_connection_get(target, CurrentMemoryContext);
	TriggerFetchStats stats = {{0}};
	TriggerField field = {.path = "",.label = "row",.kind = TRIGGER_JSON_ANY,
	.null_slot = -1};
	TriggerRows *rows;

	trigger_field_init(&field, JSONBOID, -1);
	rows = trql_fetch(http, target, request,
					  trigger_decoder_create(&field, 1, TRIGGER_PAGING_NONE,
											 trigger_endpoint_query.rows,
											 "trigger_query"), &stats);
	for (int row = 0; row < rows->nrows; row++)
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &rows->values[row],
							 &rows->nulls[row]);
	if (rows->nrows >= TRQL_MAX_ROWS)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("the answer may be a part of the whole"),
				 errdetail("The API answers with %d rows at most and does not say what it leaves out.",
						   TRQL_MAX_ROWS)));
}

/*
 * trigger_query(server, query [, scope, period, from, to]) → SETOF jsonb
 */
Datum
trigger_query(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TrqlRequest request = {0};
	TriggerTarget *target;

	TRIGGER_INIT_SET_SCALAR(fcinfo);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	target = trigger_target_resolve(trigger_function_server(PG_GETARG_NAME(0))->serverid,
									GetUserId(), NIL, false);
	request.query = text_argument(fcinfo, 1);
	request.scope = text_argument(fcinfo, 2);
	request.period = text_argument(fcinfo, 3);
	request.from = milliseconds(fcinfo, 4, "from");
	request.to = milliseconds(fcinfo, 5, "to");

	/* what the API does without a window is nobody's wish */
	if (request.period == NULL && request.from == NULL)
		request.from = "1";
	trigger_target_check(target, &trigger_endpoint_query);
	trql_check_scope(target, request.scope);
	warn_of_defects(request.query);
	put_rows(rsinfo, target, &request);
	return (Datum) 0;
}
