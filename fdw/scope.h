/*-------------------------------------------------------------------------
 *
 * scope.h
 *		What a public access token says that it may do.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_SCOPE_H
#define TRIGGER_SCOPE_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern bool trigger_scopes_read(const char *token, List **scopes);
extern bool trigger_scopes_allow(List *scopes, const char *action,
								 const char *type, const char *id);

#endif							/* TRIGGER_SCOPE_H */
