/*-------------------------------------------------------------------------
 *
 * environment.h
 *		Which environments a scan asks.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_ENVIRONMENT_H
#define TRIGGER_ENVIRONMENT_H

#include "postgres.h"

#include "bind.h"
#include "target.h"

/* What must be known of a project before its environments can be asked. */
#define TRIGGER_KNOW_ENVIRONMENTS	0x01
#define TRIGGER_KNOW_BRANCHES		0x02
#define TRIGGER_KNOW_PROJECTS		0x04

/* What the API has listed. */
typedef enum TriggerKnownKind
{
	TRIGGER_KNOWN_ENVIRONMENT,
	TRIGGER_KNOWN_BRANCH,		/* of preview */
	TRIGGER_KNOWN_PROJECT
} TriggerKnownKind;

typedef struct TriggerKnown
{
	TriggerKnownKind kind;
	const char *name;			/* "staging", not "stg"; a project's ref */
	const char *id;				/* NULL: it was not really listed */
} TriggerKnown;

/* An environment that is asked. */
typedef struct TriggerChoice
{
	const TriggerEndpoint *endpoint;
	const char *name;			/* as shown; NULL: the credential decides */
	const char *slug;			/* as "environment_param" has it */
	const char *id;				/* rows of another are not wanted; NULL: any */
	bool		named;			/* by the query or an option */
} TriggerChoice;

extern int	trigger_environments_needed(const TriggerTarget *target,
										const TriggerRelation *rel,
										const TriggerBinding *binding);
extern List *trigger_environments_choose(const TriggerTarget *target,
										 const TriggerRelation *rel,
										 const TriggerEndpoint *endpoint,
										 const TriggerBinding *binding,
										 List *known);

#endif							/* TRIGGER_ENVIRONMENT_H */
