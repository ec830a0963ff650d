/*-------------------------------------------------------------------------
 *
 * trql_type.h
 *		Types of the query engine, and what they are in SQL.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_TYPE_H
#define TRIGGER_TRQL_TYPE_H

#include "postgres.h"

typedef enum TrqlClass
{
	TRQL_TEXT,					/* String and what is written as one */
	TRQL_BOOL,
	TRQL_INT,
	TRQL_FLOAT,
	TRQL_DECIMAL,
	TRQL_DATE,
	TRQL_TIME,					/* DateTime, DateTime64 */
	TRQL_TEXTS,					/* Array(String) */
	TRQL_JSON					/* anything else, as JSON */
} TrqlClass;

/*
 * Columns whose values are translated by name, on the way in or out.
 */
typedef enum TrqlSpecial
{
	TRQL_PLAIN,
	TRQL_STATUS,				/* internal words are shown as others */
	TRQL_ENVIRONMENT,			/* ids are shown as slugs, which repeat */
	TRQL_PROJECT,				/* ids are shown as refs */
	TRQL_PREFIXED				/* ids are stored without their prefix */
} TrqlSpecial;

typedef struct TrqlType
{
	TrqlClass	class;
	bool		nullable;		/* NULL is a value of the engine's */
	int			bits;			/* INT, FLOAT */
	bool		is_unsigned;	/* INT */
	int			precision;		/* DECIMAL; digits of a second for TIME */
	int			scale;			/* DECIMAL */
	bool		json_text;		/* JSON: comes as a string that holds it */
	bool		state;			/* an aggregate's, which nobody can read */
} TrqlType;

extern void trql_type_parse(const char *text, const char *column, TrqlType *type);
extern void trql_type_guess(Oid declared, const char *column, TrqlType *type);
extern const char *trql_type_sql(const TrqlType *type);
extern Oid	trql_type_oid(const TrqlType *type);
extern TrqlSpecial trql_special(const char *column);

/* Words of the column "status". */
extern const char *trql_status_shown(const char *internal);
extern bool trql_status_words(const char *shown, const char **first,
							  const char **second);
extern bool trql_status_resembles(const char *word);

#endif							/* TRIGGER_TRQL_TYPE_H */
