/*-------------------------------------------------------------------------
 *
 * trql_query.h
 *		What the planner tells the executor about a query of the query schema.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_QUERY_H
#define TRIGGER_TRQL_QUERY_H

#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

/*
 * Most rows that the API answers with.  It does not tell when it has left
 * rows out, so that as many are taken for too many.
 */
#define TRQL_MAX_ROWS		10000

/* Rows of a page, so that a full one can be told from a cut one. */
#define TRQL_PAGE_ROWS		(TRQL_MAX_ROWS - 1)

/*
 * Values that a join hands over stand as nulls of this type modifier, which
 * no other array of texts has.
 */
#define TRQL_KEYS_TYPMOD		0

/*
 * Members of ForeignScan.fdw_private.  The first is a String, which tells
 * such a plan from one of the lists.  The values are in fdw_exprs.
 */
enum TrqlPrivate
{
	TrqlPrivateSelect,			/* "SELECT ... FROM ..." */
	TrqlPrivateWhere,			/* a condition, or '' */
	TrqlPrivateGroup,			/* " GROUP BY ... HAVING ...", or '' */
	TrqlPrivateOrder,			/* sort keys, or '' */
	TrqlPrivateNumbers,			/* integer list, see TrqlNumber */
	TrqlPrivateNames,			/* of the answer's fields, String */
	TrqlPrivateLabels,			/* what messages call them, String */
	TrqlPrivateFields,			/* integer lists, see TrqlFieldNumber */
	TrqlPrivateColumns,			/* integer list: for each column of the scan,
								 * its field or -1 */
	TrqlPrivateKinds,			/* integer list: TrqlValueKind of the values */
	TrqlPrivateBounds			/* integer list: strategy and value in turn */
};

enum TrqlNumber
{
	TrqlNumberPaged,			/* rows may be read in pages */
	TrqlNumberLimit,			/* LIMIT of the query, -1: none */
	TrqlNumberOffset,			/* OFFSET */
	TrqlNumberHint,				/* rows that will be asked for, 0: unknown */
	TrqlNumberTime,				/* field with the time, -1: none */
	TrqlNumberKey,				/* field with the key, -1: none */
	TrqlNumberKeyed				/* column whose values a join hands over, 0:
								 * none */
};

enum TrqlFieldNumber
{
	TrqlFieldClass,				/* TrqlClass */
	TrqlFieldFlags,
	TrqlFieldType,				/* of SQL */
	TrqlFieldTypmod,
	TrqlFieldCombination,		/* TrqlCombination: a column of the scan is
								 * computed from this field and those after it */
	TrqlFieldArgument			/* number of the value that it needs, -1: none */
};

/*
 * What is computed here from several fields of a row, because PostgreSQL's
 * own arithmetic has to have the last word.
 */
typedef enum TrqlCombination
{
	TRQL_COMBINE_NONE,
	TRQL_COMBINE_AVERAGE,
	TRQL_COMBINE_SCALED_SUM,
	TRQL_COMBINE_SCALED_AVERAGE,
	TRQL_COMBINE_VAR_SAMP,
	TRQL_COMBINE_VAR_POP,
	TRQL_COMBINE_STDDEV_SAMP,
	TRQL_COMBINE_STDDEV_POP,
	TRQL_COMBINE_CONTINUOUS,	/* percentile_cont of one fraction */
	TRQL_COMBINE_CONTINUOUS_LIST,	/* of an array of fractions */
	TRQL_COMBINE_DISCRETE_LIST, /* percentile_disc of an array of fractions */
	TRQL_COMBINE_NULLS_FIRST,	/* array_agg */
	TRQL_COMBINE_NULLS_LAST
} TrqlCombination;

#define TRQL_FIELD_EMPTY_NULL	0x01	/* '' is NULL */
#define TRQL_FIELD_JSON_TEXT	0x02	/* a string that holds JSON */
#define TRQL_FIELD_STATUS		0x04	/* internal words of "status" */
#define TRQL_FIELD_PLAIN_NUMBER 0x08	/* a JSON number */

/*
 * Does an expression stand for values that a join hands over?
 */
static inline bool
trql_stands_for_keys(const Node *node)
{
	return IsA(node, Const) && ((const Const *) node)->consttype == TEXTARRAYOID &&
		((const Const *) node)->consttypmod == TRQL_KEYS_TYPMOD;
}

#endif							/* TRIGGER_TRQL_QUERY_H */
