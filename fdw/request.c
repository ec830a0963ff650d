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
 * parameter (or the path) takes one value only, and where rows must carry the
 * value that they were found by.
 */
static bool
needs_request_each(const TriggerRelation *rel, const TriggerFilter *filter,
				   List *attributes)
{
	const TriggerColumn *column;

	if (filter->kind == TRIGGER_FILTER_SINGLE ||
		filter->kind == TRIGGER_FILTER_HAS_ONE ||
		filter->kind == TRIGGER_FILTER_PATH)
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
	copy->path = list_copy(request->path);
	copy->carried = palloc(Max(nfilters, 1) * sizeof(char *));
	memcpy(copy->carried, request->carried, nfilters * sizeof(char *));
	return copy;
}

/*
 * Put a value of a filter into a request.
 */
static void
add_value(TriggerRequest *request, const TriggerFilter *filter, const char *text)
{
	List	  **list = filter->kind == TRIGGER_FILTER_PATH ? &request->path :
	&request->params;

	*list = lappend(*list, unconstify(char *, filter->param));
	*list = lappend(*list, unconstify(char *, text));
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

		if (bound->placeholder)
			add_value(request, filter, bound->placeholder);
		else if (filter->kind == TRIGGER_FILTER_BOOLEAN)
			add_value(request, filter, bound->truth ? "true" : "false");
		else if (needs_request_each(rel, filter, attributes))
		{
			foreach(value, bound->values)
			{
				TriggerRequest *one = copy_request(request, nfilters);

				one->carried[index] = lfirst(value);
				add_value(one, filter,
						  joined_values(filter, list_make1(lfirst(value))));
				result = lappend(result, one);
			}
			continue;
		}
		else
		{
			add_value(request, filter, joined_values(filter, bound->values));
			if (list_length(bound->values) == 1)
				request->carried[index] = linitial(bound->values);
		}
		result = lappend(result, request);
	}
	return result;
}

/*
 * Put the bounds of a filter that pages begin or end at into a request.
 */
static void
apply_bounds(TriggerRequest *request, const TriggerFilter *filter,
			 const TriggerBoundFilter *bound, const TriggerBinding *binding)
{
	if (filter->kind == TRIGGER_FILTER_TIME)
	{
		request->time_filter = filter;
		request->from = binding->from;
		request->to = binding->to;
		request->from_placeholder = binding->from_placeholder;
		request->to_placeholder = binding->to_placeholder;
		return;
	}
	request->after_param = filter->param;
	if (bound->placeholder)
		request->after = bound->placeholder;
	else if (bound->bound)
		request->after = psprintf(INT64_FORMAT, bound->after);
}

/*
 * The bound filter that names rows, -1 if there is none: the first will do.
 */
static int
bound_key(const TriggerResource *resource, const TriggerBinding *binding)
{
	for (int i = 0; resource->filters[i].column; i++)
	{
		if (resource->filters[i].kind == TRIGGER_FILTER_KEY &&
			(binding->filters[i].bound || binding->filters[i].placeholder))
			return i;
	}
	return -1;
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
	request->path = list->path;
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
 * Is an item found only where one asks for its environment?
 */
static bool
item_has_environment(const TriggerTarget *target, const TriggerEndpoint *item)
{
	return (item->flags & TRIGGER_EP_ENVIRONMENT) ||
		trigger_target_exchanges(target, item);
}

/*
 * Do two requests ask the same environment?
 */
static bool
same_environment(const TriggerRequest *a, const TriggerRequest *b)
{
	return a->environment == b->environment ||
		(a->environment && b->environment &&
		 strcmp(a->environment, b->environment) == 0);
}

/*
 * Add a request for each key, and for each environment that it could be in.
 * Its row is then looked for in the lists; where the item tells nothing about
 * the environment, in all of them.
 */
static void
add_items(TriggerRequests *requests, const TriggerResource *resource, List *keys,
		  TriggerRequest *list, int nfilters)
{
	bool		fixed = item_has_environment(list->target, resource->item);
	ListCell   *key;
	ListCell   *cell;

	foreach(key, keys)
	{
		List	   *lists = NIL;

		requests->items = lappend(requests->items,
								  trigger_request_item(list, resource->item,
													   lfirst(key)));

		/* copies: the moment of the row is put into them */
		foreach(cell, requests->lists)
		{
			if (!fixed || same_environment(list, lfirst(cell)))
				lists = lappend(lists, copy_request(lfirst(cell), nfilters));
		}
		requests->item_lists = lappend(requests->item_lists, lists);
	}
}

/*
 * The lists of a scan before its filters are put in: one for each environment.
 */
static List *
environment_lists(const TriggerTarget *target, const TriggerRelation *rel,
				  const TriggerBinding *binding, List *known, int nfilters)
{
	const TriggerEndpoint *endpoint = trigger_target_list(target, rel->resource);
	List	   *result = NIL;
	ListCell   *cell;

	if (endpoint == NULL)
		endpoint = rel->resource->lists[0];
	foreach(cell, trigger_environments_choose(target, rel, endpoint, binding, known))
	{
		const TriggerChoice *choice = lfirst(cell);
		TriggerRequest *request = palloc0(sizeof(TriggerRequest));

		request->target = target;
		request->endpoint = choice->endpoint;
		request->environment = choice->name;
		request->environment_id = choice->id;
		request->environment_named = choice->named;
		request->carried = palloc0(Max(nfilters, 1) * sizeof(char *));
		if (choice->slug && choice->endpoint->environment_param)
			request->params =
				list_make2(unconstify(char *, choice->endpoint->environment_param),
						   unconstify(char *, choice->slug));
		result = lappend(result, request);
	}
	return result;
}

/*
 * A named part of the path, NULL if it has none.
 */
static const char *
find_path_part(const TriggerRequest *request, const char *name, size_t len)
{
	for (int i = 0; i + 1 < list_length(request->path); i += 2)
	{
		const char *part = list_nth(request->path, i);

		if (strlen(part) == len && memcmp(part, name, len) == 0)
			return list_nth(request->path, i + 1);
	}
	return NULL;
}

/*
 * Is a text in a list?
 */
static bool
has_string(List *list, const char *text)
{
	ListCell   *cell;

	foreach(cell, list)
	{
		if (strcmp(lfirst(cell), text) == 0)
			return true;
	}
	return false;
}

/*
 * What a token for these requests must be good for, where it is less than
 * everything of its kind: the keys, or what the lists' paths name.  All
 * requests of a scan share one token for each environment.
 */
static void
narrow_scopes(TriggerRequests *requests, List *keys)
{
	List	   *parts = NIL;
	ListCell   *cell;

	foreach(cell, requests->lists)
	{
		TriggerRequest *list = (TriggerRequest *) lfirst(cell);
		const char *name = list->endpoint->scope_part;
		const char *part = name ? find_path_part(list, name, strlen(name)) : NULL;

		if (part && !has_string(parts, part))
			parts = lappend(parts, unconstify(char *, part));
	}
	foreach(cell, requests->lists)
		((TriggerRequest *) lfirst(cell))->scope_ids = parts;
	foreach(cell, requests->items)
	{
		TriggerRequest *item = (TriggerRequest *) lfirst(cell);
		const TriggerRequest *list = linitial(requests->lists);

		/* a row that is looked for in a list needs the list's, too */
		if (!trigger_target_exchanges(item->target, list->endpoint) ||
			requests->item_lists == NIL)
			item->scope_ids = keys;
	}
}

/*
 * The projects that the API listed.
 */
static List *
known_projects(List *known)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, known)
	{
		const TriggerKnown *one = lfirst(cell);

		if (one->kind == TRIGGER_KNOWN_PROJECT)
			result = lappend(result, unconstify(char *, one->name));
	}
	return result;
}

/*
 * Everything that a scan may have to ask for.  "attributes" are those that
 * it delivers, "known" what the API listed (NIL if nobody asked).
 */
TriggerRequests *
trigger_requests_build(const TriggerTarget *target, const TriggerRelation *rel,
					   const TriggerBinding *binding, List *attributes,
					   List *known)
{
	const TriggerResource *resource = rel->resource;
	TriggerRequests *requests = palloc0(sizeof(TriggerRequests));
	TriggerBoundFilter all = {.bound = true};
	const TriggerRequest *before = NULL;
	List	   *keys;
	int			key = bound_key(resource, binding);
	int			nfilters = 0;
	ListCell   *cell;

	while (resource->filters[nfilters].column)
		nfilters++;
	requests->lists = environment_lists(target, rel, binding, known, nfilters);

	for (int i = 0; i < nfilters; i++)
	{
		const TriggerFilter *filter = &resource->filters[i];
		const TriggerBoundFilter *bound = &binding->filters[i];

		if (filter->kind == TRIGGER_FILTER_TIME ||
			filter->kind == TRIGGER_FILTER_AFTER)
		{
			foreach(cell, requests->lists)
				apply_bounds((TriggerRequest *) lfirst(cell), filter, bound, binding);
		}
		else if (filter->param && (bound->bound || bound->placeholder))
			requests->lists = apply_filter(requests->lists, rel, i, bound,
										   attributes, nfilters);
		else if (filter->kind == TRIGGER_FILTER_PATH &&
				 (binding->mentioned & (1 << i)))
		{
			all.values = known_projects(known);
			requests->lists = apply_filter(requests->lists, rel, i, &all,
										   attributes, nfilters);
		}
	}

	if (key < 0 || resource->item == NULL || requests->lists == NIL ||
		(target->kind != TRIGGER_CRED_NONE &&
		 !trigger_target_accepts(target, resource->item)) ||
		(resource->access == TRIGGER_ACCESS_LIST_ITEM &&
		 has_only_remote_filter(rel, binding)))
	{
		narrow_scopes(requests, NIL);
		return requests;
	}

	requests->by_key = true;
	keys = binding->filters[key].values;
	if (binding->filters[key].placeholder)
		keys = list_make1(unconstify(char *, binding->filters[key].placeholder));
	foreach(cell, requests->lists)
	{
		TriggerRequest *list = (TriggerRequest *) lfirst(cell);

		/* lists of one environment stand together */
		if (before == NULL || !same_environment(before, list))
			add_items(requests, resource, keys, list, nfilters);
		before = list;
		if (!item_has_environment(target, resource->item))
			break;
	}
	narrow_scopes(requests, keys);
	return requests;
}

/*
 * The project that a request is about; NULL if it is not known.
 */
const char *
trigger_request_project(const TriggerRequest *request)
{
	const char *project = find_path_part(request, "project", 7);

	return project ? project : request->target->project_ref;
}

/*
 * What the path has for a name in braces; NULL if it is not known.
 */
static const char *
path_part(const TriggerRequest *request, const char *name, size_t len)
{
	if (len == 7 && memcmp(name, "project", len) == 0)
		return trigger_request_project(request);
	if (len == 11 && memcmp(name, "environment", len) == 0)
		return request->environment;
	if (len == 3 && memcmp(name, "key", len) == 0)
		return request->key;
	return find_path_part(request, name, len);
}

/*
 * One part of a path, encoded as one segment, so that no name can leave its
 * place.  The names that no encoding keeps there should not get this far; an
 * answer of the API may contain them, though.
 */
static void
append_segment(StringInfo buf, const char *part)
{
	if (*part == '\0' || strcmp(part, ".") == 0 || strcmp(part, "..") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" cannot be part of a request's path", part)));
	trigger_url_append_segment(buf, part);
}

/*
 * The endpoint's path with its parts filled in; for people if "plain".
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
			append_segment(buf, part);
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
		case TRIGGER_PAGING_WINDOW:
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
		case TRIGGER_PAGING_SEQUENCE:
			if (page->cursor)
				append_param(buf, request->after_param, page->cursor, plain, &first);
			else if (request->after)
				append_param(buf, request->after_param, request->after, plain, &first);
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
	const char *branch = NULL;
	int			n = 0;

	/* a token has its environment, which the header would not change */
	if (request->token == NULL)
		branch = trigger_target_branch(request->target, request->environment);

	if (request->target->credential &&
		request->endpoint->credentials != TRIGGER_CRED_ANYONE)
		headers[n++] = psprintf("Authorization: Bearer %s",
								request->token ? request->token :
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
