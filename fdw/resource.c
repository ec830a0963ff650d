/*-------------------------------------------------------------------------
 *
 * resource.c
 *		Register of the API's resources and look-ups in their descriptions.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "resource.h"

const TriggerResource *const trigger_resources[] = {
	&trigger_resource_runs,
	&trigger_resource_run_details,
	&trigger_resource_envvars,
	&trigger_resource_schedules,
	&trigger_resource_timezones,
	&trigger_resource_sessions,
	&trigger_resource_session_records,
	&trigger_resource_projects,
	&trigger_resource_environments,
	&trigger_resource_branches,
	NULL
};

/*
 * Find a resource by its name, which is also the default name of its table.
 * NULL if there is none.
 */
const TriggerResource *
trigger_resource_find(const char *name)
{
	for (int i = 0; trigger_resources[i] != NULL; i++)
	{
		if (strcmp(trigger_resources[i]->name, name) == 0)
			return trigger_resources[i];
	}
	return NULL;
}

/*
 * Find a column by its SQL name; NULL if the resource does not have it.
 */
const TriggerColumn *
trigger_column_find(const TriggerResource *resource, const char *name)
{
	for (const TriggerColumn *column = resource->columns; column->name; column++)
	{
		if (strcmp(column->name, name) == 0)
			return column;
	}
	return NULL;
}

/*
 * Find the column that reads a JSON field; NULL if none does.
 */
const TriggerColumn *
trigger_column_find_field(const TriggerResource *resource, const char *field)
{
	for (const TriggerColumn *column = resource->columns; column->name; column++)
	{
		if (column->list_field && strcmp(column->list_field, field) == 0)
			return column;
		if (column->item_field && strcmp(column->item_field, field) == 0)
			return column;
	}
	return NULL;
}

/*
 * Find the filter of a column; NULL if the API cannot filter by it.
 */
const TriggerFilter *
trigger_filter_find(const TriggerResource *resource, const char *column)
{
	for (const TriggerFilter *filter = resource->filters; filter->column; filter++)
	{
		if (strcmp(filter->column, column) == 0)
			return filter;
	}
	return NULL;
}

/*
 * The list endpoint that a kind of credential may use; NULL if none.
 */
const TriggerEndpoint *
trigger_resource_list(const TriggerResource *resource, TriggerCredential kind)
{
	for (int i = 0; i < TRIGGER_MAX_LISTS; i++)
	{
		if (resource->lists[i] &&
			trigger_endpoint_accepts(resource->lists[i], kind))
			return resource->lists[i];
	}
	return NULL;
}

/*
 * Does an endpoint take this kind of credential?
 */
bool
trigger_endpoint_accepts(const TriggerEndpoint *endpoint,
						 TriggerCredential kind)
{
	if (endpoint->credentials == TRIGGER_CRED_ANYONE)
		return true;
	return (endpoint->credentials & kind) != 0;
}

/*
 * The words that find all rows showing "shown"; NULL if no row ever does.
 */
const char *
trigger_word_sent(const TriggerWord *words, const char *shown)
{
	for (; words->shown; words++)
	{
		if (strcmp(words->shown, shown) == 0)
			return words->sent;
	}
	return NULL;
}

/*
 * What a kind of credential is called in messages.
 */
const char *
trigger_credential_name(TriggerCredential kind)
{
	switch (kind)
	{
		case TRIGGER_CRED_SECRET:
			return "secret key";
		case TRIGGER_CRED_PAT:
			return "personal access token";
		case TRIGGER_CRED_PUBLIC:
			return "public access token";
		case TRIGGER_CRED_NONE:
			break;
	}
	return "no credential";
}
