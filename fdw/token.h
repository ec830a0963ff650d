/*-------------------------------------------------------------------------
 *
 * token.h
 *		Public access tokens.
 *
 * A token is a JSON Web Token whose claims say for which environment it is,
 * what it may do (its scopes) and until when.  Everything here is UTF-8 and
 * in the current memory context.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TOKEN_H
#define TRIGGER_TOKEN_H

#include "postgres.h"

#include "call.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/jsonb.h"

/* When a token expires. */
typedef struct TriggerExpiry
{
	const char *text;			/* as given */
	bool		relative;		/* "seconds" are from now, not since 1970 */
	int64		seconds;
} TriggerExpiry;

/* in token.c */
extern bool trigger_key_is_additional(const char *key);
extern List *trigger_claims_read(const TriggerCallResult *result);
extern List *trigger_claims_set(List *claims, const char *name,
								const char *json);
extern char *trigger_token_sign(List *claims, const char *key);

/* in token_scope.c */
extern List *trigger_scopes_flatten(Jsonb *scopes);
extern List *trigger_scopes_of_tasks(const char *action, ArrayType *tasks);
extern bool trigger_scopes_name_session(List *scopes);
extern char *trigger_strings_json(List *strings);
extern char *trigger_realtime_json(Jsonb *realtime);

/* in token_expiry.c */
extern TriggerExpiry trigger_expiry_parse(const char *text);
extern void trigger_expiry_check(const TriggerExpiry *expiry, int64 now);
extern void trigger_expiry_check_early(const TriggerExpiry *expiry, int64 now);
extern int64 trigger_expiry_time(const TriggerExpiry *expiry, int64 now);

#endif							/* TRIGGER_TOKEN_H */
