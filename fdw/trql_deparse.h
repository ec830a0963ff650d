/*-------------------------------------------------------------------------
 *
 * trql_deparse.h
 *		Expressions of SQL to expressions of the query engine.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_DEPARSE_H
#define TRIGGER_TRQL_DEPARSE_H

#include "postgres.h"

#include "access/stratnum.h"
#include "nodes/pathnodes.h"
#include "trql_table.h"

/*
 * How a value that is known only at execution stands in a query.  The text
 * of a query has TRQL_MARK, the value's number, and TRQL_MARK again.
 */
#define TRQL_MARK	'\001'

typedef enum TrqlValueKind
{
	TRQL_VALUE_TEXT,
	TRQL_VALUE_INT,
	TRQL_VALUE_FLOAT,
	TRQL_VALUE_BOOL,
	TRQL_VALUE_DATE,
	TRQL_VALUE_TIME,
	TRQL_VALUE_ZONE,			/* name of a time zone */
	TRQL_VALUE_PATTERN,			/* of LIKE */
	TRQL_VALUE_LOWER_PATTERN,	/* of ILIKE, whose other side is lower() */
	TRQL_VALUE_TEXT_LIST,		/* array, as the right side of IN */
	TRQL_VALUE_INT_LIST,
	TRQL_VALUE_LIST_NULL,		/* NULL if the array has one, else false */
	TRQL_VALUE_LIST_SOME,		/* false if the array has no elements */
	TRQL_VALUE_IS_NULL,
	TRQL_VALUE_TEXT_SET,		/* array without its nulls, which may be empty */
	TRQL_VALUE_WHOLE,			/* numeric, as integers are compared with it */
	TRQL_VALUE_WHOLE_LIST,
	TRQL_VALUE_DECIMAL,			/* numeric, as decimals are, see below */
	TRQL_VALUE_DECIMAL_LIST,
	TRQL_VALUE_FLOAT_LIST,		/* without NaN */
	TRQL_VALUE_LIST_NAN,		/* whether the array has NaN */
	TRQL_VALUE_ARGUMENT,		/* of a combination: not in the text at all */
	/* whole conditions, because the value decides what they look like */
	TRQL_VALUE_STATUS,			/* status = value */
	TRQL_VALUE_STATUS_LIST,
	TRQL_VALUE_BATCH,			/* batch_id = value */
	TRQL_VALUE_BATCH_LIST,
	TRQL_VALUE_ROOT_RUN,
	TRQL_VALUE_ROOT_RUN_LIST,
	TRQL_VALUE_PARENT_RUN,
	TRQL_VALUE_PARENT_RUN_LIST
} TrqlValueKind;

/*
 * Of a decimal's value, the number of its kind also tells how many digits the
 * other side has, and how many of them after the point.
 */
#define TRQL_DECIMAL_KIND(kind, digits, scale)	((kind) | (digits) << 8 | (scale) << 16)
#define TRQL_KIND(number)			((TrqlValueKind) ((number) & 0xff))
#define TRQL_KIND_DIGITS(number)	((number) >> 8 & 0xff)
#define TRQL_KIND_SCALE(number)		((number) >> 16)

/* Digits of the longest integers that sums are made of: 128 bits. */
#define TRQL_INT_DIGITS		39

/* "<>", which no btree has. */
#define NOT_EQUAL_STRATEGY	(BTMaxStrategyNumber + 1)

/* An expression of the engine. */
typedef struct TrqlExpr
{
	char	   *text;
	TrqlClass	class;
	bool		nullable;
	int			digits;			/* INT, DECIMAL: most of them, 0: unknown */
	int			scale;			/* DECIMAL: digits after the point */
	int64		low;			/* INT: no value is less ... */
	int64		high;			/* ... or greater */
} TrqlExpr;

/* What a bound of the time window is compared with. */
typedef struct TrqlBound
{
	int			strategy;		/* of a btree: column strategy value */
	int			value;			/* its number */
} TrqlBound;

/* A query under construction. */
typedef struct TrqlContext
{
	PlannerInfo *root;
	RelOptInfo *rel;			/* of the table */
	const TrqlTable *table;
	List	   *values;			/* Expr *, for fdw_exprs */
	List	   *kinds;			/* integer list, TrqlValueKind (and digits) */
	List	   *bounds;			/* TrqlBound *: of the window */
} TrqlContext;

extern bool trql_deparse(TrqlContext *cx, Node *node, TrqlExpr *expr);
extern bool trql_deparse_condition(TrqlContext *cx, Node *node, char **text);
extern bool trql_deparse_bound(TrqlContext *cx, Node *node);
extern bool trql_deparse_order(TrqlContext *cx, Node *node, Oid collation,
							   bool descending, bool nulls_first, char **text);
extern char *trql_output_text(const TrqlExpr *expr);

extern bool trql_result(TrqlExpr *expr, char *text, TrqlClass class, bool nullable);
extern bool trql_is_value(TrqlContext *cx, Node *node);
extern char *trql_mark(TrqlContext *cx, Node *node, int kind);
extern int	trql_mark_number(const char *mark);
extern Node *trql_strip(Node *node);
extern const TrqlColumn *trql_match_column(TrqlContext *cx, Node *node);
extern bool trql_is_deterministic(Oid collation);

extern int	trql_comparison(Oid opno, Oid family);
extern const char *trql_comparison_name(int strategy);

/* in trql_compare.c */
extern bool trql_compare_numerics(TrqlContext *cx, int strategy, Node *left, Node *right,
								  TrqlExpr *expr);
extern bool trql_compare_floats(TrqlContext *cx, int strategy, const TrqlExpr *left,
								Node *right, TrqlExpr *expr);
extern char *trql_in_list(TrqlContext *cx, const TrqlExpr *left, Node *array);
extern char *trql_float_key(const char *text);

/* in trql_function.c */
extern char *trql_constant_text(Node *node);
extern bool trql_has_exact_value(TrqlContext *cx, Node *node, TrqlClass class);
extern bool trql_deparse_function(TrqlContext *cx, FuncExpr *function, TrqlExpr *expr);
extern bool trql_deparse_coalesce(TrqlContext *cx, CoalesceExpr *coalesce,
								  TrqlExpr *expr);
extern bool trql_deparse_case(TrqlContext *cx, CaseExpr *expression, TrqlExpr *expr);

/* in trql_arithmetic.c */
extern bool trql_deparse_arithmetic(TrqlContext *cx, OpExpr *op, TrqlExpr *expr);
extern void trql_range_of_value(Node *node, TrqlExpr *expr);
extern void trql_range_of_column(const TrqlType *type, TrqlExpr *expr);
extern bool trql_range_fits(const TrqlExpr *expr, Oid type);

/* in trql_bin.c */
extern bool trql_deparse_date_bin(TrqlContext *cx, List *args, TrqlExpr *expr);
extern bool trql_deparse_floor(TrqlContext *cx, Node *arg, TrqlExpr *expr);
extern bool trql_deparse_to_timestamp(TrqlContext *cx, Node *arg, TrqlExpr *expr);

/* in trql_aggregate.c */
extern bool trql_deparse_aggregate(TrqlContext *cx, Aggref *aggref,
								   TrqlExpr *expr);

#endif							/* TRIGGER_TRQL_DEPARSE_H */
