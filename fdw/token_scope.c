/*-------------------------------------------------------------------------
 *
 * token_scope.c
 *		What a public access token may do: JSON and arrays into claims.
 *
 * Scopes come in the official client's nested form, {"read": {"runs":
 * ["run_1"], "tags": "x"}}, and go into a token as "read:runs:run_1",
 * "read:tags:x".  They are flattened as the client does it, for all actions
 * and kinds of resources, known or not.  What the client's types forbid, and
 * its code would drop in silence or turn into nonsense, is an error here.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "token.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "writer.h"

#define SCOPES_HINT \
	"Scopes look like this: {\"read\": {\"runs\": [\"run_1234\"], \"tags\": \"x\", \"sessions\": true}}."

/* A member of a JSON object. */
typedef struct Member
{
	char	   *name;			/* in the database's encoding */
	JsonbValue	value;
} Member;

/*
 * A NUL-terminated copy in UTF-8 of a part of a text in the database's
 * encoding.
 */
static char *
utf8_copy(const char *s, int len)
{
	char	   *copy = pnstrdup(s, len);

	return pg_server_to_any(copy, len, PG_UTF8);
}

/*
 * Is this the canonical text of an array index?  JavaScript enumerates such
 * members of an object before all others.
 */
static bool
is_array_index(const char *name)
{
	size_t		len = strlen(name);

	if (len == 0 || len > 10 || strspn(name, "0123456789") != len ||
		(name[0] == '0' && len > 1))
		return false;
	return strtoull(name, NULL, 10) < PG_UINT32_MAX;
}

/*
 * Members of an object in the order in which JavaScript enumerates them.
 * (Among array indexes jsonb's order, by length and then by bytes, is
 * already the ascending one.)
 */
static List *
members(JsonbContainer *object)
{
	List	   *indexes = NIL;
	List	   *others = NIL;
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	value;
	Member	   *member = NULL;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			member = palloc(sizeof(Member));
			member->name = pnstrdup(value.val.string.val, value.val.string.len);
		}
		else if (token == WJB_VALUE && member)
		{
			member->value = value;
			if (is_array_index(member->name))
				indexes = lappend(indexes, member);
			else
				others = lappend(others, member);
		}
	}
	return list_concat(indexes, others);
}

/*
 * Elements of an array, as JsonbValues.
 */
static List *
elements(JsonbContainer *array)
{
	List	   *list = NIL;
	JsonbIterator *iterator = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM)
		{
			JsonbValue *copy = palloc(sizeof(JsonbValue));

			*copy = value;
			list = lappend(list, copy);
		}
	}
	return list;
}

/*
 * Is a value an object, or (with "array") an array?
 */
static bool
is_container(const JsonbValue *value, bool array)
{
	if (value->type != jbvBinary)
		return false;
	return array ? JsonContainerIsArray(value->val.binary.data) :
		JsonContainerIsObject(value->val.binary.data);
}

/*
 * The scope of an action on one thing.  All in UTF-8.
 */
static char *
scope_of(const char *action, const char *resource, const char *id)
{
	if (trigger_is_blank(id))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an id in the scopes of a token must not be empty"),
				 errhint("To allow all that there is of a kind, use true instead of an id.")));
	return psprintf("%s:%s:%s", action, resource, id);
}

/*
 * The same with an id that is a JSON string.
 */
static char *
scope_of_json(const char *action, const char *resource, const JsonbValue *id)
{
	return scope_of(utf8_copy(action, strlen(action)),
					utf8_copy(resource, strlen(resource)),
					utf8_copy(id->val.string.val, id->val.string.len));
}

/*
 * Add an action's scopes on one kind of resources.
 */
static List *
add_resource(List *list, const char *action, const Member *resource)
{
	const JsonbValue *value = &resource->value;
	char	   *scope;
	ListCell   *cell;

	if (value->type == jbvString)
		return lappend(list, scope_of_json(action, resource->name, value));
	if (value->type == jbvNull || (value->type == jbvBool && !value->val.boolean))
		return list;			/* as if it were not there */
	if (value->type == jbvBool)
	{
		scope = psprintf("%s:%s", action, resource->name);
		return lappend(list, utf8_copy(scope, strlen(scope)));
	}
	if (!is_container(value, true))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of action \"%s\" in the scopes of a token must be a string, an array of strings or a boolean",
						resource->name, action),
				 errhint(SCOPES_HINT)));
	foreach(cell, elements(value->val.binary.data))
	{
		const JsonbValue *id = (const JsonbValue *) lfirst(cell);

		if (id->type != jbvString)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("ids of \"%s\" of action \"%s\" in the scopes of a token must be strings",
							resource->name, action),
					 errhint(SCOPES_HINT)));
		list = lappend(list, scope_of_json(action, resource->name, id));
	}
	return list;
}

/*
 * Scopes as a list of texts.  ERROR for what is none.
 */
List *
trigger_scopes_flatten(Jsonb *scopes)
{
	List	   *list = NIL;
	ListCell   *cell;

	if (!JB_ROOT_IS_OBJECT(scopes))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("scopes of a token must be a JSON object"),
				 errhint(SCOPES_HINT)));
	foreach(cell, members(&scopes->root))
	{
		const Member *action = (const Member *) lfirst(cell);
		const JsonbValue *value = &action->value;
		ListCell   *inner;

		if (value->type == jbvNull || (value->type == jbvBool && !value->val.boolean))
			continue;			/* as if it were not there */
		if (value->type == jbvBool)
		{
			list = lappend(list, utf8_copy(action->name, strlen(action->name)));
			continue;
		}
		if (!is_container(value, false))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("action \"%s\" in the scopes of a token must be a JSON object or a boolean",
							action->name),
					 errhint(SCOPES_HINT)));
		foreach(inner, members(value->val.binary.data))
			list = add_resource(list, action->name, (const Member *) lfirst(inner));
	}
	return list;
}

/*
 * Scopes of an action on tasks.
 */
List *
trigger_scopes_of_tasks(const char *action, ArrayType *tasks)
{
	List	   *list = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			n;

	if (ARR_NDIM(tasks) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tasks must be a one-dimensional array")));
	deconstruct_array(tasks, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *task;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("tasks must not contain nulls")));
		task = TextDatumGetCString(values[i]);
		list = lappend(list, scope_of(action, "tasks", utf8_copy(task, strlen(task))));
	}
	return list;
}

/*
 * Is any of the scopes about sessions?
 */
bool
trigger_scopes_name_session(List *scopes)
{
	ListCell   *cell;

	foreach(cell, scopes)
	{
		const char *colon = strchr((const char *) lfirst(cell), ':');

		if (colon && strncmp(colon + 1, "sessions", 8) == 0 &&
			(colon[9] == '\0' || colon[9] == ':'))
			return true;
	}
	return false;
}

/*
 * Texts as a JSON array of strings.
 */
char *
trigger_strings_json(List *strings)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '[');
	foreach(cell, strings)
		appendStringInfo(&buf, "%s%s", buf.len > 1 ? "," : "",
						 trigger_json_quote((const char *) lfirst(cell)));
	appendStringInfoChar(&buf, ']');
	return buf.data;
}

/*
 * What a token says about realtime subscriptions is not as it should be.
 */
static void
refuse_realtime(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value of realtime for a token"),
			 errhint("The value looks like this: {\"skipColumns\": [\"payload\", \"output\"]}.")));
}

/*
 * What a token says about realtime subscriptions, as the client writes it.
 * ERROR for anything but columns to leave out.
 */
char *
trigger_realtime_json(Jsonb *realtime)
{
	List	   *columns = NIL;
	List	   *all;
	const Member *member;
	ListCell   *cell;

	if (!JB_ROOT_IS_OBJECT(realtime))
		refuse_realtime();
	all = members(&realtime->root);
	if (all == NIL)
		return "{}";
	member = (const Member *) linitial(all);
	if (list_length(all) > 1 || strcmp(member->name, "skipColumns") != 0 ||
		!is_container(&member->value, true))
		refuse_realtime();
	foreach(cell, elements(member->value.val.binary.data))
	{
		const JsonbValue *column = (const JsonbValue *) lfirst(cell);

		if (column->type != jbvString)
			refuse_realtime();
		columns = lappend(columns, utf8_copy(column->val.string.val,
											 column->val.string.len));
	}
	return psprintf("{\"skipColumns\":%s}", trigger_strings_json(columns));
}
