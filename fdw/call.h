/*-------------------------------------------------------------------------
 *
 * call.h
 *		One request that changes something, or asks about one thing.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_CALL_H
#define TRIGGER_CALL_H

#include "postgres.h"

#include "http.h"
#include "nodes/pg_list.h"
#include "target.h"

/* Statuses besides success that the caller wants to see, ended by 0. */
#define TRIGGER_CALL_STATUSES	4

typedef struct TriggerCall
{
	const TriggerEndpoint *endpoint;
	const char *project;		/* NULL: the target's */
	const char *environment;	/* the same */
	const char *key;			/* UTF-8; NULL: the path has none */
	int			page;			/* of a list with page numbers; 0: it is none */
	List	   *params;			/* of the URL, names and values in turn, char * */
	const char *body;			/* in UTF-8; NULL: none */
	const char *header;			/* one more, "Name: value"; NULL: none */
	List	   *scope_ids;		/* of a token, if the key is not what it needs;
								 * char * */
	TriggerRepeat repeat;
	int			statuses[TRIGGER_CALL_STATUSES];
	bool		report_loss;	/* by the result, not by an ERROR */
} TriggerCall;

typedef struct TriggerCallResult
{
	int			status;
	char	   *body;			/* NUL-terminated */
	size_t		body_len;
	bool		repeated;		/* a request before may have done it already */
	bool		lost;			/* nobody knows what became of the request */
	double		date;			/* server's clock, epoch seconds; 0 not said */
	const char *source;			/* method and path, for messages */
} TriggerCallResult;

extern TriggerCallResult *trigger_call(TriggerHttp *http,
									   const TriggerTarget *target,
									   const TriggerCall *call);
extern void trigger_call_refused(const TriggerCallResult *result,
								 const TriggerTarget *target,
								 const TriggerEndpoint *endpoint)
			pg_attribute_noreturn();
extern bool trigger_call_has(const TriggerCallResult *result,
							 const char *member);
extern char *trigger_call_member(const TriggerCallResult *result,
								 const char *member);

#endif							/* TRIGGER_CALL_H */
