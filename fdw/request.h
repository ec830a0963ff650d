/*-------------------------------------------------------------------------
 *
 * request.h
 *		Requests as data, before they become URLs.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_REQUEST_H
#define TRIGGER_REQUEST_H

#include "postgres.h"

#include "bind.h"
#include "environment.h"
#include "http.h"
#include "target.h"

/* One page, or one row, to ask for. */
typedef struct TriggerPage
{
	int			size;			/* 0: the endpoint has no pages */
	const char *cursor;			/* NULL: the first page */
	int			number;			/* number paging, from 1 */
} TriggerPage;

typedef struct TriggerRequest
{
	const TriggerTarget *target;
	const TriggerEndpoint *endpoint;
	const char *environment;	/* as shown; NULL: not known */
	const char *environment_id; /* rows of another are not wanted; NULL: not
								 * known */
	bool		environment_named;	/* the query has asked for it by name */
	const char *key;			/* UTF-8; for a retrieve endpoint */
	List	   *path;			/* names and values in turn of other parts of
								 * the path, char * */
	List	   *scope_ids;		/* what a token must be good for, char *; NIL:
								 * for all of the kind */
	const char *token;			/* instead of the target's credential, NULL:
								 * that will do */
	bool		token_kept;		/* it is not a new one */
	List	   *params;			/* names and values in turn, char * */
	const TriggerFilter *time_filter;	/* NULL: no bounds are sent */
	int64		from;			/* milliseconds, 0: none */
	int64		to;
	const char *from_placeholder;
	const char *to_placeholder;
	const char *after_param;	/* SEQUENCE: where a page begins */
	const char *after;			/* what the first begins behind, or NULL */
	const char **carried;		/* for each filter: the one value it has in
								 * this request, or NULL */
} TriggerRequest;

/* All that a scan may have to ask for. */
typedef struct TriggerRequests
{
	bool		by_key;			/* keys are known: "items" is used */
	List	   *lists;			/* of TriggerRequest */
	List	   *items;			/* of TriggerRequest, one for each key */
	List	   *item_lists;		/* for each item, a list of the lists that it
								 * may be in */
} TriggerRequests;

extern TriggerRequests *trigger_requests_build(const TriggerTarget *target,
											   const TriggerRelation *rel,
											   const TriggerBinding *binding,
											   List *attributes,
											   List *environments);
extern const char *trigger_request_project(const TriggerRequest *request);
extern TriggerRequest *trigger_request_item(const TriggerRequest *list,
											const TriggerEndpoint *item,
											const char *key);
extern char *trigger_request_url(const TriggerRequest *request,
								 const TriggerPage *page);
extern char *trigger_request_describe(const TriggerRequest *request,
									  const TriggerPage *page);
extern const char *const *trigger_request_headers(const TriggerRequest *request,
												  bool body);

#endif							/* TRIGGER_REQUEST_H */
