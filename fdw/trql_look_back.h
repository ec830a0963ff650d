/*-------------------------------------------------------------------------
 *
 * trql_look_back.h
 *		How far back the service's plan lets queries look.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_LOOK_BACK_H
#define TRIGGER_TRQL_LOOK_BACK_H

#include "postgres.h"

#include "http.h"
#include "target.h"
#include "trql_table.h"

extern bool trql_look_back_probe(TriggerHttp *http, const TriggerTarget *target,
								 const char *scope, TrqlLookBack *found);
extern int	trql_look_back_days(const TrqlTable *table, Oid userid);
extern bool trql_look_back_exceeded(int days, int64 from);
extern void trql_look_back_check(const TrqlTable *table, Oid userid, TriggerHttp *http,
								 const TriggerTarget *target, int64 from);

#endif							/* TRIGGER_TRQL_LOOK_BACK_H */
