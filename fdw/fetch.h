/*-------------------------------------------------------------------------
 *
 * fetch.h
 *		Rows of one scan, from as many requests as it takes.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_FETCH_H
#define TRIGGER_FETCH_H

#include "postgres.h"

#include "http.h"
#include "request.h"
#include "rows.h"
#include "scanspec.h"

/* Counters for EXPLAIN ANALYZE; they outlive a rescan. */
typedef struct TriggerFetchStats
{
	TriggerHttpStats http;
	uint64		pages;
	uint64		rows;			/* decoded */
	uint64		duplicates;
	char	   *first_request;	/* what was really sent first */
} TriggerFetchStats;

/* A row; valid until the next one is asked for. */
typedef struct TriggerRow
{
	Datum	   *values;			/* one for each field */
	bool	   *nulls;
	const TriggerRequest *request;	/* that found it */
} TriggerRow;

typedef enum TriggerFetchResult
{
	TRIGGER_FETCH_ROW,
	TRIGGER_FETCH_END,
	TRIGGER_FETCH_WAIT			/* nothing yet; trigger_fetch_wait() */
} TriggerFetchResult;

/* Requests that are under way, of all streams of a fetch. */
typedef struct TriggerLoad
{
	int			in_flight;
} TriggerLoad;

/* Should a row that the list found be retrieved? */
typedef bool (*TriggerFetchQualifies) (void *arg, const TriggerRow *row);

/*
 * Everything that a fetch needs; the caller keeps it alive.  List and item
 * fields describe the same slots.
 */
typedef struct TriggerFetchPlan
{
	TriggerHttp *http;
	const TriggerTarget *target;
	const TriggerResource *resource;
	const char *table;			/* name, for errors */
	TriggerRequests *requests;
	TriggerField *list_fields;
	TriggerField *item_fields;
	int			nfields;
	int			id_slot;		/* -1: rows have no id */
	int			order_slot;		/* -1: the list has no order */
	int			key_slot;		/* -1: rows have no key */
	int			sequence_slot;	/* -1: rows are not numbered */
	int			environment_slot;	/* -1: it does not matter */
	bool		details;		/* rows of lists are retrieved one by one */
	int			limit;			/* rows that will be asked for, 0: unknown */
	TriggerReadAhead ahead;
	bool		serial;			/* a page only when it is needed */
	TriggerFetchQualifies qualifies;
	void	   *qualifies_arg;
	TriggerFetchStats *stats;
	TriggerLoad *load;			/* set by the fetch */
} TriggerFetchPlan;

typedef struct TriggerFetch TriggerFetch;

extern TriggerFetch *trigger_fetch_begin(const TriggerFetchPlan *plan);
extern TriggerFetchResult trigger_fetch_try(TriggerFetch *fetch, TriggerRow *row);
extern void trigger_fetch_wait(TriggerFetch *fetch);
extern List *trigger_fetch_known(TriggerHttp *http, const TriggerTarget *target,
								 int needed, TriggerFetchStats *stats);

#endif							/* TRIGGER_FETCH_H */
