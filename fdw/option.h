/*-------------------------------------------------------------------------
 *
 * option.h
 *		Options of servers, user mappings, tables and columns; the session's.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_OPTION_H
#define TRIGGER_OPTION_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "resource.h"

#define TRIGGER_DEFAULT_BASE_URL		"https://api.trigger.dev"
#define TRIGGER_DEFAULT_PAGE_SIZE		100
#define TRIGGER_DEFAULT_CONNECT_TIMEOUT 5000
#define TRIGGER_DEFAULT_REQUEST_TIMEOUT 30000
#define TRIGGER_DEFAULT_MAX_RETRIES		3
#define TRIGGER_DEFAULT_RATE_LIMIT_WAIT 60
#define TRIGGER_DEFAULT_CONCURRENCY		4

#define TRIGGER_BRANCH_HINT \
	"A branch name has 1 to 255 bytes, and neither control characters nor blanks at its ends; it may follow refs/heads/."

extern void trigger_define_settings(void);
extern const char *trigger_setting_access_token(void);
extern Oid	trigger_setting_access_token_role(void);
extern const char *trigger_setting_project_ref(void);
extern const char *trigger_setting_environment(void);
extern const char *trigger_setting_branch(void);
extern bool trigger_setting_allows_origin(const char *origin);

extern const char *trigger_option_get(List *options, const char *name);
extern bool trigger_option_bool(const char *value);
extern const char *trigger_branch_name(const char *value);
extern TriggerCredential trigger_credential_kind(const char *token);
extern const TriggerResource *trigger_options_resource(List *table_options,
													   const char *relname);

#endif							/* TRIGGER_OPTION_H */
