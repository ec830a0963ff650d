/*-------------------------------------------------------------------------
 *
 * endpoint.h
 *		The API's endpoints, as data.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_ENDPOINT_H
#define TRIGGER_ENDPOINT_H

#include "postgres.h"

#include "resource.h"

extern const TriggerEndpoint trigger_endpoint_runs_list;
extern const TriggerEndpoint trigger_endpoint_project_runs_list;
extern const TriggerEndpoint trigger_endpoint_runs_retrieve;
extern const TriggerEndpoint trigger_endpoint_envvars_list;
extern const TriggerEndpoint trigger_endpoint_envvars_retrieve;
extern const TriggerEndpoint trigger_endpoint_schedules_list;
extern const TriggerEndpoint trigger_endpoint_schedules_retrieve;
extern const TriggerEndpoint trigger_endpoint_timezones_list;
extern const TriggerEndpoint trigger_endpoint_tasks_trigger;
extern const TriggerEndpoint trigger_endpoint_tasks_batch;
extern const TriggerEndpoint trigger_endpoint_runs_cancel;
extern const TriggerEndpoint trigger_endpoint_runs_add_tags;
extern const TriggerEndpoint trigger_endpoint_runs_metadata;
extern const TriggerEndpoint trigger_endpoint_runs_reschedule;
extern const TriggerEndpoint trigger_endpoint_envvars_upload;
extern const TriggerEndpoint trigger_endpoint_envvars_update;
extern const TriggerEndpoint trigger_endpoint_envvars_del;
extern const TriggerEndpoint trigger_endpoint_schedules_create;
extern const TriggerEndpoint trigger_endpoint_schedules_update;
extern const TriggerEndpoint trigger_endpoint_schedules_del;
extern const TriggerEndpoint trigger_endpoint_schedules_activate;
extern const TriggerEndpoint trigger_endpoint_schedules_deactivate;
extern const TriggerEndpoint trigger_endpoint_runs_replay;
extern const TriggerEndpoint trigger_endpoint_jwt_claims;
extern const TriggerEndpoint trigger_endpoint_public_tokens;
extern const TriggerEndpoint trigger_endpoint_projects_list;
extern const TriggerEndpoint trigger_endpoint_projects_retrieve;
extern const TriggerEndpoint trigger_endpoint_environments_list;
extern const TriggerEndpoint trigger_endpoint_branches_list;
extern const TriggerEndpoint trigger_endpoint_exchange;
extern const TriggerEndpoint trigger_endpoint_sessions_list;
extern const TriggerEndpoint trigger_endpoint_sessions_retrieve;
extern const TriggerEndpoint trigger_endpoint_sessions_start;
extern const TriggerEndpoint trigger_endpoint_sessions_update;
extern const TriggerEndpoint trigger_endpoint_sessions_close;
extern const TriggerEndpoint trigger_endpoint_session_records_list;
extern const TriggerEndpoint trigger_endpoint_session_records_append;
extern const TriggerEndpoint trigger_endpoint_session_records_append_out;
extern const TriggerEndpoint trigger_endpoint_query;
extern const TriggerEndpoint trigger_endpoint_query_schema;

#endif							/* TRIGGER_ENDPOINT_H */
