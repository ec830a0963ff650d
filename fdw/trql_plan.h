/*-------------------------------------------------------------------------
 *
 * trql_plan.h
 *		Planning of queries of the query schema.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_PLAN_H
#define TRIGGER_TRQL_PLAN_H

#include "postgres.h"

#include "lookup.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "trql_deparse.h"
#include "trql_query.h"

/*
 * A query under construction, RelOptInfo.fdw_private of a table and of what
 * is above it.
 */
typedef struct TrqlRel
{
	TrqlTable  *table;
	RelOptInfo *base;			/* of the table */
	TrqlContext cx;
	int			keyed;			/* column whose values a join hands over, 0: none */
	List	   *conditions;		/* char *, applied by the API */
	List	   *local;			/* Expr * or RestrictInfo *, applied here */
	double		tuples;			/* rows that the API has */

	/* above the table */
	bool		grouped;
	List	   *keys;			/* Expr *, of GROUP BY */
	List	   *key_texts;		/* char *, the same */
	List	   *key_names;		/* char *, what they are selected as */
	List	   *key_values;		/* char *, the texts by these names */
	List	   *having;			/* char * */
	char	   *order;			/* NULL: none */
	int			limit;			/* -1: none */
	int			offset;

	/* the answer's fields; the lists are parallel */
	List	   *texts;			/* char *: expressions, with AS */
	List	   *names;			/* String */
	List	   *labels;			/* String */
	List	   *fields;			/* integer lists */
	List	   *columns;		/* integer list: fields of the scan's columns */
	List	   *tlist;			/* what is above the table: its columns, Expr * */
} TrqlRel;

/*
 * ForeignPath.fdw_private of a query: a String, which no other path has; then
 * an Integer, the column whose values a join hands over, if it does.
 */
#define TRQL_PATH_PRIVATE	list_make1(makeString(pstrdup("query")))

extern const TriggerLookupTable trql_lookups;

extern bool trql_is_unique(const RelOptInfo *baserel, AttrNumber attno);
extern bool trql_is_path(const ForeignPath *path);
extern void trql_get_rel_size(PlannerInfo *root, RelOptInfo *baserel, Oid relid);
extern void trql_get_paths(PlannerInfo *root, RelOptInfo *baserel, Oid relid);
extern void trql_get_upper_paths(PlannerInfo *root, UpperRelationKind stage,
								 RelOptInfo *input_rel, RelOptInfo *output_rel,
								 void *extra);
extern ForeignScan *trql_get_plan(PlannerInfo *root, RelOptInfo *rel,
								  ForeignPath *best_path, List *tlist,
								  List *scan_clauses, Plan *outer_plan);

/* in trql_output.c */
extern int	trql_add_column(TrqlRel *rel, const TrqlColumn *column);
extern int	trql_add_field(TrqlRel *rel, const char *text, const char *label,
						   TrqlClass class, int flags, Oid type, int32 typmod);
extern bool trql_add_expression(TrqlRel *rel, Node *node);
extern bool trql_add_key(TrqlRel *rel, Node *node);
extern ForeignScan *trql_make_plan(TrqlRel *rel, List *tlist, List *quals,
								   int scanrelid, int hint, Plan *outer_plan);

#endif							/* TRIGGER_TRQL_PLAN_H */
