/*-------------------------------------------------------------------------
 *
 * target.h
 *		Where a statement's requests go and as whom.
 *
 * A target is resolved anew for each scan, from the server, the user
 * mapping, the table and the session, and never changes after that; plans do
 * not contain it, so a rotated key reaches cached plans too.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TARGET_H
#define TRIGGER_TARGET_H

#include "postgres.h"

#include "http.h"
#include "nodes/pg_list.h"
#include "resource.h"

typedef struct TriggerTarget
{
	Oid			serverid;
	Oid			userid;			/* who asks */
	Oid			umid;			/* user mapping, InvalidOid: none is needed */
	const char *server_name;
	const char *base_url;
	TriggerCredential kind;
	const char *credential;		/* NULL: there is none.  Never show it. */
	Oid			credential_of;	/* role whose it is */
	bool		withheld;		/* there is one, but not for this origin */
	const char *project_ref;	/* NULL: not known */
	const char *environment;	/* dev, staging, prod, preview; NULL: not known */
	const char *branch;			/* NULL: none */
	TriggerHttpSettings http;
	int			page_size;
	int			concurrency;
	bool		updatable;
	bool		idempotent_inserts;
	bool		pat_exchange;	/* a personal access token may be exchanged for
								 * an environment's own */
} TriggerTarget;

extern TriggerTarget *trigger_target_resolve(Oid serverid, Oid userid,
											 List *table_options,
											 bool missing_ok);
extern void trigger_target_check(const TriggerTarget *target,
								 const TriggerEndpoint *endpoint);
extern void trigger_target_check_named(const TriggerTarget *target,
									   const TriggerEndpoint *endpoint,
									   const char *project,
									   const char *environment);
extern void trigger_target_refuse(const TriggerTarget *target,
								  const TriggerEndpoint *endpoint);
extern bool trigger_target_exchanges(const TriggerTarget *target,
									 const TriggerEndpoint *endpoint);
extern bool trigger_target_accepts(const TriggerTarget *target,
								   const TriggerEndpoint *endpoint);
extern const TriggerEndpoint *trigger_target_list(const TriggerTarget *target,
												  const TriggerResource *resource);
extern bool trigger_target_is_updatable(Oid serverid, List *table_options);
extern const char *trigger_target_slug(const char *environment);
extern const char *trigger_target_branch(const TriggerTarget *target,
										 const char *environment);

#endif							/* TRIGGER_TARGET_H */
