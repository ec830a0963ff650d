/*-------------------------------------------------------------------------
 *
 * seen.h
 *		Rows that a scan has handed out already.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_SEEN_H
#define TRIGGER_SEEN_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct TriggerSeen TriggerSeen;

extern TriggerSeen *trigger_seen_create(bool forget);
extern bool trigger_seen_before(TriggerSeen *seen, const char *id, size_t len,
								TimestampTz when);

#endif							/* TRIGGER_SEEN_H */
