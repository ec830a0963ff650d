/*-------------------------------------------------------------------------
 *
 * trql_aggregate.h
 *		Aggregates of SQL to aggregates of the query engine.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_AGGREGATE_H
#define TRIGGER_TRQL_AGGREGATE_H

#include "postgres.h"

#include "trql_deparse.h"
#include "trql_query.h"

#define TRQL_MAX_PARTS	3

/* An aggregate that is computed here from some that the API computes. */
typedef struct TrqlParts
{
	TrqlCombination combination;
	int			n;
	TrqlExpr	parts[TRQL_MAX_PARTS];
	int			argument;		/* number of a value, -1: none */
} TrqlParts;

/* in trql_aggregate.c */
extern bool trql_is_plain_aggregate(const Aggref *aggref, bool any_distinct);
extern bool trql_deparse_filter(TrqlContext *cx, Aggref *aggref, char **filter);
extern bool trql_deparse_argument(TrqlContext *cx, Aggref *aggref, TrqlExpr *expr);
extern char *trql_aggregate_call(const char *name, const char *argument,
								 const char *filter);
extern void trql_count_values(const TrqlExpr *a, const char *filter, TrqlExpr *expr);
extern void trql_sum_values(const TrqlExpr *a, const char *filter, TrqlExpr *expr);

/* in trql_parts.c */
extern bool trql_deparse_parts(TrqlContext *cx, Aggref *aggref, TrqlParts *parts);

/* in trql_ordered.c */
extern bool trql_deparse_percentile(TrqlContext *cx, Aggref *aggref, TrqlExpr *expr);
extern bool trql_deparse_string_agg(TrqlContext *cx, Aggref *aggref, TrqlExpr *expr);
extern bool trql_percentile_parts(TrqlContext *cx, Aggref *aggref, TrqlParts *parts);
extern bool trql_array_agg_parts(TrqlContext *cx, Aggref *aggref, TrqlParts *parts);

#endif							/* TRIGGER_TRQL_AGGREGATE_H */
