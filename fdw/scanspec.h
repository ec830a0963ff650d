/*-------------------------------------------------------------------------
 *
 * scanspec.h
 *		What the planner tells the executor about a scan.
 *
 * Everything is plain Nodes: plans are copied, cached and printed.  They
 * contain no pointer, no option and no credential; those are looked up when
 * the scan begins.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_SCANSPEC_H
#define TRIGGER_SCANSPEC_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "resource.h"

/* How a pushed condition compares its column with its value. */
typedef enum TriggerOp
{
	TRIGGER_OP_EQ,				/* column = value */
	TRIGGER_OP_ANY,				/* column = ANY (value) */
	TRIGGER_OP_NE,				/* column <> value */
	TRIGGER_OP_NOT_ANY,			/* column <> ALL (value) */
	TRIGGER_OP_LT,
	TRIGGER_OP_LE,
	TRIGGER_OP_GT,
	TRIGGER_OP_GE,
	TRIGGER_OP_OVERLAPS,		/* column && value */
	TRIGGER_OP_CONTAINS,		/* column @> value */
	TRIGGER_OP_HAS,				/* value = ANY (column) */
	TRIGGER_OP_TRUE,			/* column */
	TRIGGER_OP_FALSE			/* NOT column */
} TriggerOp;

/* A condition that a request can express. */
typedef struct TriggerCondition
{
	int			filter;			/* index into the resource's filters */
	TriggerOp	op;
	Expr	   *value;			/* NULL for TRUE and FALSE */
	Expr	   *clause;			/* the whole condition */
} TriggerCondition;

/* When pages are asked for before they are needed. */
typedef enum TriggerReadAhead
{
	TRIGGER_AHEAD_NEVER,		/* a LIMIT may end the scan at any row */
	TRIGGER_AHEAD_LATER,		/* once a second page was needed */
	TRIGGER_AHEAD_ALWAYS		/* everything will be read */
} TriggerReadAhead;

/*
 * Members of ForeignScan.fdw_private.
 */
enum TriggerScanPrivate
{
	/* list of integer lists: filter, op, position in the values or -1 */
	TriggerPrivateConditions,
	/* integer list: attributes to deliver */
	TriggerPrivateAttributes,
	/* integer list, see TriggerScanNumber */
	TriggerPrivateNumbers
};

enum TriggerScanNumber
{
	TriggerNumberLimit,			/* rows that will be asked for, 0: unknown */
	TriggerNumberOrdered,		/* the plan relies on the order */
	TriggerNumberReadAhead,
	TriggerNumberDetails,		/* LIST_ITEM: list rows must be retrieved */
	TriggerNumberImpossible,	/* attribute that should have been fixed, 0 */
	TriggerNumberWhole,			/* read everything before the first row */
	TriggerNumberMentioned,		/* filters whose columns the query's conditions
								 * mention, pushed or not; 1 << index */
	TriggerNumberKeyed			/* filter whose values a join hands over, plus
								 * 1, else 0; the last of the values stands
								 * for them */
};

/*
 * Members of ForeignScan.fdw_exprs.
 */
enum TriggerScanExprs
{
	/* values that conditions compare with */
	TriggerExprValues,
	/* LIST_ITEM: conditions that a list row can be tested by */
	TriggerExprPrefilter,
	/* the pushed conditions themselves, for EXPLAIN */
	TriggerExprPushed
};

#endif							/* TRIGGER_SCANSPEC_H */
