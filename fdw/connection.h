/*-------------------------------------------------------------------------
 *
 * connection.h
 *		Connections of a session, kept from statement to statement.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_CONNECTION_H
#define TRIGGER_CONNECTION_H

#include "postgres.h"

#include "http.h"
#include "target.h"

extern TriggerHttp *trigger_connection_get(const TriggerTarget *target,
										   MemoryContext user);
extern bool trigger_connection_close(Oid serverid);

/* Called for each server that this session has used. */
typedef void (*TriggerConnectionVisitor) (Oid serverid,
										  const TriggerHttpStats *stats,
										  void *arg);
extern void trigger_connection_visit(TriggerConnectionVisitor visitor, void *arg);

#endif							/* TRIGGER_CONNECTION_H */
