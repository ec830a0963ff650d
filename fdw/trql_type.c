/*-------------------------------------------------------------------------
 *
 * trql_type.c
 *		Types of the query engine, and what they are in SQL.
 *
 * The API's schema tells each column's type as the engine (ClickHouse) writes
 * it.  The only thing that it does not tell is which small integers are
 * flags; their names do.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "trql_type.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * Does a text begin with another?  Then *rest is what follows.
 */
static bool
begins(const char *text, const char *prefix, const char **rest)
{
	size_t		len = strlen(prefix);

	if (strncmp(text, prefix, len) != 0)
		return false;
	*rest = text + len;
	return true;
}

/*
 * Is this the name of a flag?
 */
static bool
is_flag(const char *column)
{
	return strncmp(column, "is_", 3) == 0 || strncmp(column, "has_", 4) == 0;
}

/*
 * An integer type.
 */
static bool
parse_integer(const char *text, const char *column, TrqlType *type)
{
	const char *rest;

	type->is_unsigned = begins(text, "UInt", &rest);
	if (!type->is_unsigned && !begins(text, "Int", &rest))
		return false;
	type->bits = atoi(rest);
	if (type->bits < 8)
		return false;
	type->class = TRQL_INT;
	if (type->bits == 8 && type->is_unsigned && is_flag(column))
		type->class = TRQL_BOOL;
	return true;
}

/*
 * A decimal type: Decimal(P, S), or DecimalBITS(S).
 */
static bool
parse_decimal(const char *text, TrqlType *type)
{
	const char *rest;
	int			bits;

	if (!begins(text, "Decimal", &rest))
		return false;
	type->class = TRQL_DECIMAL;
	if (sscanf(rest, "(%d, %d)", &type->precision, &type->scale) == 2 ||
		sscanf(rest, "(%d,%d)", &type->precision, &type->scale) == 2)
		return true;
	if (sscanf(rest, "%d(%d)", &bits, &type->scale) == 2)
		type->precision = bits <= 32 ? 9 : bits <= 64 ? 18 : bits <= 128 ? 38 : 76;
	return true;
}

/*
 * A type of date or time.
 */
static bool
parse_time(const char *text, TrqlType *type)
{
	const char *rest;

	if (begins(text, "DateTime64", &rest))
	{
		type->class = TRQL_TIME;
		type->precision = 3;
		(void) sscanf(rest, "(%d", &type->precision);
		return true;
	}
	if (begins(text, "DateTime", &rest))
	{
		type->class = TRQL_TIME;
		return true;
	}
	if (begins(text, "Date", &rest))
	{
		type->class = TRQL_DATE;
		return true;
	}
	return false;
}

/*
 * Read a type's text; "column" is the name of what has it.
 */
void
trql_type_parse(const char *text, const char *column, TrqlType *type)
{
	const char *rest;

	memset(type, 0, sizeof(*type));
	for (;;)
	{
		if (begins(text, "LowCardinality(", &rest))
			text = rest;
		else if (begins(text, "Nullable(", &rest))
		{
			type->nullable = true;
			text = rest;
		}
		else
			break;
	}

	if (begins(text, "AggregateFunction", &rest))
	{
		type->state = true;
		type->class = TRQL_JSON;
	}
	else if (begins(text, "Bool", &rest))
		type->class = TRQL_BOOL;
	else if (begins(text, "Array(String)", &rest) ||
			 begins(text, "Array(LowCardinality(String))", &rest))
		type->class = TRQL_TEXTS;
	else if (begins(text, "String", &rest) || begins(text, "FixedString", &rest) ||
			 begins(text, "Enum", &rest) || begins(text, "UUID", &rest))
		type->class = TRQL_TEXT;
	else if (begins(text, "Float", &rest))
	{
		type->class = TRQL_FLOAT;
		type->bits = atoi(rest);
	}
	else if (!parse_integer(text, column, type) && !parse_decimal(text, type) &&
			 !parse_time(text, type))
	{
		type->class = TRQL_JSON;
		type->json_text = begins(text, "JSON", &rest) || begins(text, "Object", &rest);
	}
}

/*
 * What a column is read as if its options do not tell the engine's type: as
 * what it is declared.  A time has no zone there, and a text no quotes.
 */
void
trql_type_guess(Oid declared, const char *column, TrqlType *type)
{
	const char *text = "JSON";

	switch (getBaseType(declared))
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			text = "String";
			break;
		case BOOLOID:
			text = "Bool";
			break;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			text = "Int64";
			break;
		case NUMERICOID:
			text = "Decimal(76, 0)";
			break;
		case FLOAT4OID:
		case FLOAT8OID:
			text = "Float64";
			break;
		case DATEOID:
			text = "Date";
			break;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			text = "DateTime64(9)";
			break;
		case TEXTARRAYOID:
			text = "Array(String)";
			break;
		default:
			break;
	}
	trql_type_parse(text, column, type);
}

/*
 * How IMPORT FOREIGN SCHEMA declares a column of the type.
 */
const char *
trql_type_sql(const TrqlType *type)
{
	switch (trql_type_oid(type))
	{
		case TEXTOID:
			return "text";
		case BOOLOID:
			return "boolean";
		case INT2OID:
			return "smallint";
		case INT4OID:
			return "integer";
		case INT8OID:
			return "bigint";
		case NUMERICOID:
			return "numeric";
		case FLOAT8OID:
			return "double precision";
		case DATEOID:
			return "date";
		case TIMESTAMPTZOID:
			return "timestamp with time zone";
		case TEXTARRAYOID:
			return "text[]";
		default:
			return "jsonb";
	}
}

/*
 * The SQL type that holds every value of the type.
 */
Oid
trql_type_oid(const TrqlType *type)
{
	switch (type->class)
	{
		case TRQL_TEXT:
			return TEXTOID;
		case TRQL_BOOL:
			return BOOLOID;
		case TRQL_INT:
			if (type->bits + (type->is_unsigned ? 1 : 0) <= 16)
				return INT2OID;
			if (type->bits + (type->is_unsigned ? 1 : 0) <= 32)
				return INT4OID;
			return type->bits + (type->is_unsigned ? 1 : 0) <= 64 ? INT8OID : NUMERICOID;
		case TRQL_FLOAT:
			return FLOAT8OID;
		case TRQL_DECIMAL:
			return NUMERICOID;
		case TRQL_DATE:
			return DATEOID;
		case TRQL_TIME:
			return TIMESTAMPTZOID;
		case TRQL_TEXTS:
			return TEXTARRAYOID;
		case TRQL_JSON:
			break;
	}
	return JSONBOID;
}

/*
 * What the API does to the values of a column of this name.
 */
TrqlSpecial
trql_special(const char *column)
{
	static const struct
	{
		const char *name;
		TrqlSpecial special;
	}			specials[] =
	{
		{"status", TRQL_STATUS},
		{"environment", TRQL_ENVIRONMENT},
		{"project", TRQL_PROJECT},
		{"batch_id", TRQL_PREFIXED},
		{"root_run_id", TRQL_PREFIXED},
		{"parent_run_id", TRQL_PREFIXED},
		{"bulk_action_group_ids", TRQL_PREFIXED},
	};

	for (int i = 0; i < lengthof(specials); i++)
	{
		if (strcmp(specials[i].name, column) == 0)
			return specials[i].special;
	}
	return TRQL_PLAIN;
}

/*
 * Internal words of "status" and what is shown for them.
 */
static const struct
{
	const char *internal;
	const char *shown;
}			statuses[] =

{
	{"DELAYED", "Delayed"},
	{"PENDING", "Queued"},
	{"PENDING_VERSION", "Pending version"},
	{"WAITING_FOR_DEPLOY", "Pending version"},
	{"DEQUEUED", "Dequeued"},
	{"EXECUTING", "Executing"},
	{"RETRYING_AFTER_FAILURE", "Reattempting"},
	{"WAITING_TO_RESUME", "Waiting"},
	{"PAUSED", "Paused"},
	{"COMPLETED_SUCCESSFULLY", "Completed"},
	{"COMPLETED_WITH_ERRORS", "Failed"},
	{"INTERRUPTED", "Interrupted"},
	{"CANCELED", "Canceled"},
	{"CRASHED", "Crashed"},
	{"SYSTEM_FAILURE", "System failure"},
	{"EXPIRED", "Expired"},
	{"TIMED_OUT", "Timed out"},
};

/*
 * What is shown for an internal word; the word itself if it is not known.
 */
const char *
trql_status_shown(const char *internal)
{
	for (int i = 0; i < lengthof(statuses); i++)
	{
		if (strcmp(statuses[i].internal, internal) == 0)
			return statuses[i].shown;
	}
	return internal;
}

/*
 * The internal words that are shown so: one or two, else *second is NULL.
 * False if none is known.
 */
bool
trql_status_words(const char *shown, const char **first, const char **second)
{
	*first = *second = NULL;
	for (int i = 0; i < lengthof(statuses); i++)
	{
		if (strcmp(statuses[i].shown, shown) != 0)
			continue;
		if (*first == NULL)
			*first = statuses[i].internal;
		else
			*second = statuses[i].internal;
	}
	return *first != NULL;
}

/*
 * Would the API take a word for one of the known ones, though nothing is
 * shown exactly so?  It looks at neither letter case nor which list a word is
 * from.
 */
bool
trql_status_resembles(const char *word)
{
	for (int i = 0; i < lengthof(statuses); i++)
	{
		if (pg_strcasecmp(statuses[i].shown, word) == 0 ||
			pg_strcasecmp(statuses[i].internal, word) == 0)
			return true;
	}
	return pg_strcasecmp(word, "COMPLETED") == 0;
}
