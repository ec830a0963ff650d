/*-------------------------------------------------------------------------
 *
 * trql_answer.h
 *		Requests to the query endpoint, and their answers.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_ANSWER_H
#define TRIGGER_TRQL_ANSWER_H

#include "postgres.h"

#include "call.h"
#include "fetch.h"
#include "nodes/plannodes.h"
#include "rows.h"
#include "target.h"

/* A query and its window. */
typedef struct TrqlRequest
{
	const char *query;			/* in the database's encoding */
	const char *table;			/* whom a token must be good for; NULL: all */
	const char *scope;			/* NULL: the environment's */
	const char *period;			/* NULL: none */
	const char *from;			/* NULL: none; epoch milliseconds */
	const char *to;
} TrqlRequest;

extern char *trql_request_body(const TrqlRequest *request);
extern void trql_check_scope(const TriggerTarget *target, const char *scope);
extern TriggerDecoder *trql_decoder_create(const ForeignScan *plan,
											const char *table, int *nfields);
extern TriggerRows *trql_fetch(TriggerHttp *http, const TriggerTarget *target,
							   const TrqlRequest *request, TriggerDecoder *decoder,
							   TriggerFetchStats *stats);

#endif							/* TRIGGER_TRQL_ANSWER_H */
