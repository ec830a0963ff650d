/*-------------------------------------------------------------------------
 *
 * trql_zone.h
 *		Time zones that PostgreSQL and the query engine read alike.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_ZONE_H
#define TRIGGER_TRQL_ZONE_H

#include "postgres.h"

extern const char *trql_zone_name(const char *name);
extern const char *trql_session_zone(void);

#endif							/* TRIGGER_TRQL_ZONE_H */
