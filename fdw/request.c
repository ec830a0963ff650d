/*-------------------------------------------------------------------------
 *
 * request.c
 *		Requests as data, before they become URLs.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "request.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "url.h"
#include "utils/builtins.h"

/* The only version whose statuses the descriptions know. */
#define API_VERSION		"2025-07-16"

/*
 * A filter's values as the server wants them in one parameter.
 */
static char *
joined_values(const TriggerFilter *filter, List *values)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	foreach(cell, values)
	{
		const char *value = lfirst(cell);

		if (filter->words)
			value = trigger_word_sent(filter->words, value);
		appendStringInfo(&buf, "%s%s", buf.len ? "," : "", value);
	}
	return buf.data;
}

/*
 * Does each value of a filter need a request of its own?  So it is where the
 * parameter takes one value only, and where rows must carry the value that
 * they were found by.
 */
static bool
needs_request_each(const TriggerRelation *rel, const TriggerFilter *filter,
				   List *attributes)
{
	const TriggerColumn *column;

	if (filter->kind == TRIGGER_FILTER_SINGLE)
		return true;
	column = trigger_column_find(rel->resource, filter->column);
	return column->source == TRIGGER_FROM_FILTER &&
		list_member_int(attributes, trigger_relation_column(rel, column));
}

/*
 * A copy that can be narrowed further.
 */
static TriggerRequest *
copy_request(const TriggerRequest *request, int nfilters)
{
	TriggerRequest *copy = palloc(sizeof(TriggerRequest));

	memcpy(copy, request, sizeof(TriggerRequest));
	copy->params = list_copy(request->params);
	copy->carried = palloc(Max(nfilters, 1) * sizeof(char *));
	memcpy(copy->carried, request->carried, nfilters * sizeof(char *));
	return copy;
}

/*
 * Put one filter into each request of a list; the list grows where values
 * need requests of their own.
 */
static List *
apply_filter(List *requests, const TriggerRelation *rel, int index,
			 const TriggerBoundFilter *bound, List *attributes, int nfilters)
{
	const TriggerFilter *filter = &rel->resource->filters[index];
	List	   *result = NIL;
	ListCell   *cell;
	ListCell   *value;

	foreach(cell, requests)
	{
		TriggerRequest *request = (TriggerRequest *) lfirst(cell);
		char	   *text;

		if (bound->placeholder)
			text = unconstify(char *, bound->placeholder);
		else if (filter->kind == TRIGGER_FILTER_BOOLEAN)
			text = bound->truth ? "true" : "false";
		else if (needs_request_each(rel, filter, attributes))
		{
			foreach(value, bound->values)
			{
				TriggerRequest *one = copy_request(request, nfilters);

				one->carried[index] = lfirst(value);
				one->params = lappend(one->params, unconstify(char *, filter->param));
				one->params = lappend(one->params,
									  joined_values(filter, list_make1(lfirst(value))));
				result = lappend(result, one);
			}
			continue;
		}
		else
		{
			text = joined_values(filter, bound->values);
			if (list_length(bound->values) == 1)
				request->carried[index] = linitial(bound->values);
		}
		request->params = lappend(request->params, unconstify(char *, filter->param));
		request->params = lappend(request->params, text);
		result = lappend(result, request);
	}
	return result;
}

/*
 * Index of a resource's filter of a kind, -1 if it has none.
 */
static int
filter_of_kind(const TriggerResource *resource, TriggerFilterKind kind)
{
	for (int i = 0; resource->filters[i].column; i++)
	{
		if (resource->filters[i].kind == kind)
			return i;
	}
	return -1;
}

/*
 * May the environment of this name be asked for?  Unknown names make some
 * endpoints fail; no row ever shows them.
 */
static bool
is_environment(const char *name, bool branches)
{
	return strcmp(name, "dev") == 0 || strcmp(name, "staging") == 0 ||
		strcmp(name, "prod") == 0 || strcmp(name, "preview") == 0 ||
		(branches && (strncmp(name, "preview-", 8) == 0 ||
					  strncmp(name, "dev-", 4) == 0));
}

/*
 * Does a secret key's own environment show under its plain name?  That of a
 * branch shows the branch's.
 */
static bool
shows_plain_name(const TriggerTarget *target, const TriggerColumn *column)
{
	if (column->source == TRIGGER_FROM_ENVIRONMENT)
		return true;
	return strcmp(target->environment, "prod") == 0 ||
		strcmp(target->environment, "staging") == 0 ||
		(strcmp(target->environment, "dev") == 0 && target->branch == NULL);
}

/*
 * Must the environments be listed before anything can be asked?  Only a
 * personal access token sees more than one, and only if nobody names any.
 */
bool
trigger_requests_need_environments(const TriggerTarget *target,
								   const TriggerRelation *rel,
								   const TriggerBinding *binding)
{
	const TriggerEndpoint *endpoint = trigger_resource_list(rel->resource,
															target->kind);
	int			index = filter_of_kind(rel->resource,
									   TRIGGER_FILTER_ENVIRONMENT);

	return endpoint && (endpoint->flags & TRIGGER_EP_ENVIRONMENT) &&
		target->kind == TRIGGER_CRED_PAT && target->environment == NULL &&
		!(index >= 0 && (binding->filters[index].bound ||
						 binding->filters[index].placeholder));
}

/*
 * The environments to ask, as they are shown.  A condition selects them; the
 * option is for queries that have none.  A list with a NULL means that the
 * credential decides; an empty one, that no row can qualify.
 */
static List *
choose_environments(const TriggerTarget *target, const TriggerRelation *rel,
					const TriggerEndpoint *endpoint,
					const TriggerBinding *binding, List *environments)
{
	int			index = filter_of_kind(rel->resource,
									   TRIGGER_FILTER_ENVIRONMENT);
	const TriggerBoundFilter *bound = index >= 0 ? &binding->filters[index] : NULL;
	const TriggerColumn *column;
	List	   *result = NIL;
	ListCell   *cell;

	if (bound && bound->placeholder)
		return list_make1(unconstify(char *, bound->placeholder));
	if (target->kind != TRIGGER_CRED_PAT)
	{
		if (bound && bound->bound && target->kind == TRIGGER_CRED_SECRET)
		{
			bool		wanted = false;

			column = trigger_column_find(rel->resource,
										 rel->resource->filters[index].column);
			foreach(cell, bound->values)
				wanted = wanted || strcmp(lfirst(cell), target->environment) == 0;
			if (!wanted && shows_plain_name(target, column))
				return NIL;
		}
		return list_make1(unconstify(char *, target->environment));
	}

	if (bound && bound->bound)
	{
		foreach(cell, bound->values)
		{
			if (is_environment(lfirst(cell), endpoint->environment_param != NULL))
				result = lappend(result, lfirst(cell));
		}
		return result;
	}
	if (target->environment || !(endpoint->flags & TRIGGER_EP_ENVIRONMENT))
		return list_make1(unconstify(char *, target->environment));
	return environments;
}

/*
 * The request for one row, from the list that the row is in.
 */
TriggerRequest *
trigger_request_item(const TriggerRequest *list, const TriggerEndpoint *item,
					 const char *key)
{
	TriggerRequest *request = palloc0(sizeof(TriggerRequest));

	request->target = list->target;
	request->endpoint = item;
	request->environment = list->environment;
	request->carried = list->carried;
	request->key = key;
	return request;
}

/*
 * Is a filter bound whose column rows do not carry?  One row's endpoint
 * could not check it.
 */
static bool
has_only_remote_filter(const TriggerRelation *rel, const TriggerBinding *binding)
{
	for (int i = 0; rel->resource->filters[i].column; i++)
	{
		const TriggerColumn *column = trigger_column_find(rel->resource,
														  rel->resource->filters[i].column);

		if (column->source == TRIGGER_FROM_FILTER && binding->filters[i].bound)
			return true;
	}
	return false;
}

/*
 * Add a request for each key.  "list" is where the rows are if an item's path
 * says so much; else they may be in any of the lists.
 */
static void
add_items(TriggerRequests *requests, const TriggerResource *resource, List *keys,
		  TriggerRequest *list, int nfilters)
{
	ListCell   *key;
	ListCell   *cell;

	foreach(key, keys)
	{
		List	   *lists = NIL;

		requests->items = lappend(requests->items,
								  trigger_request_item(list, resource->item,
													   lfirst(key)));
		if (resource->item->flags & TRIGGER_EP_ENVIRONMENT)
			lists = list_make1(list);
		else
		{
			/* copies: the moment of the row is put into them */
			foreach(cell, requests->lists)
				lists = lappend(lists, copy_request(lfirst(cell), nfilters));
		}
		requests->item_lists = lappend(requests->item_lists, lists);
	}
}

/*
 * Everything that a scan may have to ask for.  "attributes" are those that
 * it delivers, "environments" what the API listed (NIL if nobody asked).
 */
TriggerRequests *
trigger_requests_build(const TriggerTarget *target, const TriggerRelation *rel,
					   const TriggerBinding *binding, List *attributes,
					   List *environments)
{
	const TriggerResource *resource = rel->resource;
	const TriggerEndpoint *endpoint = trigger_resource_list(resource, target->kind);
	TriggerRequests *requests = palloc0(sizeof(TriggerRequests));
	List	   *keys;
	int			key = filter_of_kind(resource, TRIGGER_FILTER_KEY);
	int			nfilters = 0;
	ListCell   *cell;

	if (endpoint == NULL)
		endpoint = resource->lists[0];
	while (resource->filters[nfilters].column)
		nfilters++;

	foreach(cell, choose_environments(target, rel, endpoint, binding, environments))
	{
		TriggerRequest *request = palloc0(sizeof(TriggerRequest));
		char	   *environment = (char *) lfirst(cell);

		request->target = target;
		request->endpoint = endpoint;
		request->environment = environment;
		request->carried = palloc0(Max(nfilters, 1) * sizeof(char *));
		if (environment && endpoint->environment_param)
			request->params =
				list_make2(unconstify(char *, endpoint->environment_param),
						   unconstify(char *, trigger_target_slug(environment)));
		requests->lists = lappend(requests->lists, request);
	}

	for (int i = 0; i < nfilters; i++)
	{
		const TriggerFilter *filter = &resource->filters[i];

		if (filter->kind == TRIGGER_FILTER_TIME)
		{
			foreach(cell, requests->lists)
			{
				TriggerRequest *request = (TriggerRequest *) lfirst(cell);

				request->time_filter = filter;
				request->from = binding->from;
				request->to = binding->to;
				request->from_placeholder = binding->from_placeholder;
				request->to_placeholder = binding->to_placeholder;
			}
		}
		else if (filter->param && (binding->filters[i].bound ||
								   binding->filters[i].placeholder))
			requests->lists = apply_filter(requests->lists, rel, i,
										   &binding->filters[i], attributes,
										   nfilters);
	}

	if (key < 0 || resource->item == NULL || requests->lists == NIL ||
		!(binding->filters[key].bound || binding->filters[key].placeholder) ||
		(target->credential && !trigger_endpoint_accepts(resource->item, target->kind)) ||
		(resource->access == TRIGGER_ACCESS_LIST_ITEM &&
		 has_only_remote_filter(rel, binding)))
		return requests;

	requests->by_key = true;
	keys = binding->filters[key].values;
	if (binding->filters[key].placeholder)
		keys = list_make1(unconstify(char *, binding->filters[key].placeholder));
	foreach(cell, requests->lists)
	{
		add_items(requests, resource, keys, (TriggerRequest *) lfirst(cell),
				  nfilters);

		/* only where the path names an environment are there several items */
		if (!(resource->item->flags & TRIGGER_EP_ENVIRONMENT))
			break;
	}
	return requests;
}

/*
 * Name that a path uses for an environment.
 */
static const char *
path_part(const TriggerRequest *request, const char *name, size_t len)
{
	if (len == 7 && memcmp(name, "project", len) == 0)
		return request->target->project_ref;
	if (len == 11 && memcmp(name, "environment", len) == 0)
		return request->environment;
	return request->key;
}

/*
 * The endpoint's path with its parts filled in; for people if "plain".
 * Every part is encoded as one segment, so no name can leave its place.
 */
static void
append_path(StringInfo buf, const TriggerRequest *request, bool plain)
{
	const char *p = request->endpoint->path;
	const char *brace;

	while ((brace = strchr(p, '{')) != NULL)
	{
		const char *end = strchr(brace, '}');
		const char *part = path_part(request, brace + 1, end - brace - 1);

		appendBinaryStringInfo(buf, p, brace - p);
		if (part == NULL)
			appendBinaryStringInfo(buf, brace, end + 1 - brace);
		else if (plain)
			appendStringInfoString(buf, part);
		else
			trigger_url_append_segment(buf, part);
		p = end + 1;
	}
	appendStringInfoString(buf, p);
}

/*
 * One more parameter.
 */
static void
append_param(StringInfo buf, const char *name, const char *value, bool plain,
			 bool *first)
{
	appendStringInfoChar(buf, *first ? '?' : '&');
	*first = false;
	if (plain)
	{
		appendStringInfo(buf, "%s=%s", name, value);
		return;
	}
	trigger_url_append_query(buf, name);
	appendStringInfoChar(buf, '=');
	trigger_url_append_query(buf, value);
}

/*
 * A time bound.  Without a lower one the server would show the last seven
 * days only, so there always is one, however early.
 */
static void
append_bounds(StringInfo buf, const TriggerRequest *request, bool plain,
			  bool *first)
{
	const TriggerFilter *filter = request->time_filter;
	int64		from = request->from;

	if (filter == NULL)
		return;
	if (from == 0 && (request->endpoint->flags & TRIGGER_EP_WINDOW))
		from = 1;
	if (plain && request->from_placeholder)
		append_param(buf, filter->param, request->from_placeholder, plain, first);
	else if (from)
		append_param(buf, filter->param, psprintf(INT64_FORMAT, from), plain,
					 first);
	if (plain && request->to_placeholder)
		append_param(buf, filter->param_upper, request->to_placeholder, plain,
					 first);
	else if (request->to)
		append_param(buf, filter->param_upper,
					 psprintf(INT64_FORMAT, request->to), plain, first);
}

/*
 * Path and query of a request for a page.
 */
static void
append_request(StringInfo buf, const TriggerRequest *request,
			   const TriggerPage *page, bool plain)
{
	bool		first = true;
	ListCell   *cell;

	append_path(buf, request, plain);
	for (cell = list_head(request->params); cell != NULL;)
	{
		const char *name = lfirst(cell);

		cell = lnext(request->params, cell);
		append_param(buf, name, lfirst(cell), plain, &first);
		cell = lnext(request->params, cell);
	}
	append_bounds(buf, request, plain, &first);

	if (page == NULL)
		return;
	switch (request->endpoint->paging)
	{
		case TRIGGER_PAGING_CURSOR:
			append_param(buf, "page[size]", psprintf("%d", page->size), plain,
						 &first);
			/* cursors are opaque, long, and tell people nothing */
			if (page->cursor)
				append_param(buf, "page[after]", plain ? "..." : page->cursor,
							 plain, &first);
			break;
		case TRIGGER_PAGING_NUMBER:
			append_param(buf, "page", psprintf("%d", page->number), plain, &first);
			append_param(buf, "perPage", psprintf("%d", page->size), plain, &first);
			break;
		case TRIGGER_PAGING_NONE:
		case TRIGGER_PAGING_ITEM:
			break;
	}
}

/*
 * Absolute URL, encoded.
 */
char *
trigger_request_url(const TriggerRequest *request, const TriggerPage *page)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, request->target->base_url);
	append_request(&buf, request, page, false);
	return buf.data;
}

/*
 * Method, path and query for people: not encoded, in the database's
 * encoding, without anything secret.
 */
char *
trigger_request_describe(const TriggerRequest *request, const TriggerPage *page)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s ", request->endpoint->method ?
					 request->endpoint->method : "GET");
	append_request(&buf, request, page, true);

	/* an error about a value must not fail for another value's encoding */
	if (GetDatabaseEncoding() != PG_UTF8)
	{
		for (char *p = buf.data; *p; p++)
		{
			if (IS_HIGHBIT_SET(*p))
				*p = '?';
		}
	}
	return buf.data;
}

/*
 * Headers of a request, with a JSON body if "body"; NULL-terminated, palloc'd.
 * The first may hold the credential: not for messages.
 */
const char *const *
trigger_request_headers(const TriggerRequest *request, bool body)
{
	const char **headers = palloc0(6 * sizeof(char *));
	const char *branch = trigger_target_branch(request->target,
											   request->environment);
	int			n = 0;

	if (request->target->credential &&
		request->endpoint->credentials != TRIGGER_CRED_ANYONE)
		headers[n++] = psprintf("Authorization: Bearer %s",
								request->target->credential);
	headers[n++] = "Accept: application/json";
	if (body)
		headers[n++] = "Content-Type: application/json";
	headers[n++] = "x-trigger-api-version: " API_VERSION;
	if (branch && (request->endpoint->flags & TRIGGER_EP_BRANCH))
		headers[n++] = psprintf("x-trigger-branch: %s",
								(char *) pg_server_to_any(branch, strlen(branch),
														  PG_UTF8));
	return headers;
}
