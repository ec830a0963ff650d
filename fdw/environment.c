/*-------------------------------------------------------------------------
 *
 * environment.c
 *		Which environments a scan asks.
 *
 * A secret key has one.  A personal access token reaches all of a project's,
 * and two of the names that it asks by are ambiguous in the list of runs:
 * "dev" finds the dev environment of whichever member the server meets first,
 * and of a preview branch only the slug is a name, which is made from the
 * branch's own in a way that the API does not tell.  So the ids of these are
 * looked up, and rows that carry another id are not the caller's.  Where
 * tokens may be exchanged, an environment's own token asks without either
 * doubt.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "environment.h"

#include "lib/stringinfo.h"

/*
 * The filter that selects environments, -1 if the resource has none.
 */
static int
environment_filter(const TriggerResource *resource)
{
	for (int i = 0; resource->filters[i].column; i++)
	{
		if (resource->filters[i].kind == TRIGGER_FILTER_ENVIRONMENT)
			return i;
	}
	return -1;
}

/*
 * Does the option "environment" stand in for a condition?  Only if there is
 * none: if it did so for conditions that cannot be pushed, or for a join that
 * does not look up rows, the answer would depend on the plan.
 */
static bool
option_counts(const TriggerRelation *rel, const TriggerBinding *binding)
{
	int			index = environment_filter(rel->resource);

	return index < 0 || !(binding->mentioned & (1 << index));
}

/*
 * What the conditions say about the environment; NULL if nothing.
 */
static const TriggerBoundFilter *
bound_environment(const TriggerRelation *rel, const TriggerBinding *binding)
{
	int			index = environment_filter(rel->resource);
	const TriggerBoundFilter *bound;

	if (index < 0)
		return NULL;
	bound = &binding->filters[index];
	return bound->bound || bound->placeholder ? bound : NULL;
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
 * Does the target mean a preview branch where nobody names an environment?
 */
static bool
means_branch(const TriggerTarget *target, const char *environment)
{
	return trigger_target_branch(target, "preview") != NULL &&
		(environment == NULL || strcmp(environment, "preview") == 0);
}

/*
 * Must all projects be asked?  So it is if a condition mentions the project
 * but does not say which.
 */
static bool
needs_projects(const TriggerResource *resource, const TriggerBinding *binding)
{
	for (int i = 0; resource->filters[i].column; i++)
	{
		const TriggerFilter *filter = &resource->filters[i];

		if (filter->kind == TRIGGER_FILTER_PATH && !filter->required &&
			(binding->mentioned & (1 << i)) && !binding->filters[i].bound &&
			binding->filters[i].placeholder == NULL)
			return true;
	}
	return false;
}

/*
 * What must be asked before the environments can be: the project's, if nobody
 * names any, and ids, if names are ambiguous.
 */
int
trigger_environments_needed(const TriggerTarget *target,
							const TriggerRelation *rel,
							const TriggerBinding *binding)
{
	const TriggerEndpoint *endpoint = trigger_target_list(target, rel->resource);
	const TriggerBoundFilter *bound = bound_environment(rel, binding);
	const char *environment = option_counts(rel, binding) ? target->environment : NULL;
	bool		ambiguous;
	int			needed = 0;
	ListCell   *cell;

	if (endpoint == NULL || target->kind != TRIGGER_CRED_PAT)
		return 0;
	if (needs_projects(rel->resource, binding))
		needed |= TRIGGER_KNOW_PROJECTS;
	if (!(endpoint->flags & TRIGGER_EP_ENVIRONMENT))
		return needed;
	ambiguous = endpoint->environment_param != NULL && !target->pat_exchange;
	if (bound)
	{
		foreach(cell, bound->values)
		{
			if (ambiguous && strcmp(lfirst(cell), "dev") == 0)
				needed |= TRIGGER_KNOW_ENVIRONMENTS;
		}
		return needed;
	}
	if (environment == NULL || (ambiguous && strcmp(environment, "dev") == 0))
		needed |= TRIGGER_KNOW_ENVIRONMENTS;
	if (ambiguous && means_branch(target, environment))
		needed |= TRIGGER_KNOW_BRANCHES;
	return needed;
}

/*
 * An environment or branch of a name, NULL if it was not listed.
 */
static const TriggerKnown *
find_known(List *known, TriggerKnownKind kind, const char *name)
{
	ListCell   *cell;

	foreach(cell, known)
	{
		const TriggerKnown *one = lfirst(cell);

		if (one->kind == kind && strcmp(one->name, name) == 0)
			return one;
	}
	return NULL;
}

/*
 * Has the API been asked?  EXPLAIN does not, and has a placeholder at most.
 */
static bool
is_listed(List *known)
{
	return known != NIL && ((TriggerKnown *) linitial(known))->id != NULL;
}

/*
 * The slug of a preview branch, as the server makes it of most names.
 */
static char *
branch_slug(const char *branch)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "preview-");
	for (const char *p = branch; *p; p++)
	{
		char		c = pg_ascii_tolower((unsigned char) *p);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			appendStringInfoChar(&buf, c);
		else if (buf.data[buf.len - 1] != '-')
			appendStringInfoChar(&buf, '-');
	}
	if (buf.data[buf.len - 1] == '-')
		buf.data[--buf.len] = '\0';
	return buf.data;
}

/*
 * Something that only an environment's own token can ask.
 */
static void
refuse_ambiguous(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s cannot be listed with a personal access token", what),
			 errdetail("The API does not tell it from others of the same name."),
			 errhint("Use the environment's secret key, or set the server option \"pat_exchange\".")));
}

/*
 * One environment that a personal access token asks, added to "choices".
 * "branch" tells whether the target's branch is meant by "preview".
 */
static List *
choose_one(List *choices, const TriggerTarget *target,
		   const TriggerRelation *rel, const TriggerEndpoint *endpoint,
		   const char *name, bool named, bool branch, List *known)
{
	TriggerChoice *choice = palloc0(sizeof(TriggerChoice));
	const char *branch_name = branch ? trigger_target_branch(target, name) : NULL;
	const TriggerKnown *environment;

	choice->endpoint = endpoint;
	choice->name = name;
	choice->slug = trigger_target_slug(name);
	choice->named = named;
	if (endpoint->environment_param == NULL ||
		(strcmp(name, "dev") != 0 && branch_name == NULL))
		return lappend(choices, choice);

	if (target->pat_exchange)
		choice->endpoint = trigger_resource_list(rel->resource,
												 TRIGGER_CRED_PUBLIC);
	else if (strcmp(name, "preview") == 0)
	{
		environment = find_known(known, TRIGGER_KNOWN_BRANCH, branch_name);
		if (is_listed(known) && environment == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("project \"%s\" has no preview branch \"%s\"",
							target->project_ref, branch_name)));
		choice->slug = branch_slug(branch_name);
		choice->id = environment ? environment->id : NULL;
	}
	else if (branch_name)
		refuse_ambiguous("a branch of the dev environment");
	else
	{
		environment = find_known(known, TRIGGER_KNOWN_ENVIRONMENT, name);

		/* whoever has no dev environment has no runs in it */
		if (is_listed(known) && environment == NULL)
			return choices;
		choice->id = environment ? environment->id : NULL;
	}
	return lappend(choices, choice);
}

/*
 * What a personal access token asks.
 */
static List *
choose_for_token(const TriggerTarget *target, const TriggerRelation *rel,
				 const TriggerEndpoint *endpoint,
				 const TriggerBoundFilter *bound, const char *option, List *known)
{
	List	   *choices = NIL;
	ListCell   *cell;

	/* rows of a branch never show the plain name that a condition has */
	if (bound)
	{
		foreach(cell, bound->values)
		{
			if (is_environment(lfirst(cell), endpoint->environment_param != NULL))
				choices = choose_one(choices, target, rel, endpoint, lfirst(cell),
									 true, false, known);
		}
		return choices;
	}
	if (option)
		return choose_one(NIL, target, rel, endpoint, option, true, true, known);
	foreach(cell, known)
	{
		const TriggerKnown *environment = lfirst(cell);

		if (environment->kind == TRIGGER_KNOWN_ENVIRONMENT)
			choices = choose_one(choices, target, rel, endpoint,
								 environment->name, false, true, known);
	}
	return choices;
}

/*
 * The environments to ask, as a list of TriggerChoice in the current context;
 * an empty one means that no row can qualify.  A condition selects them; the
 * option is for queries that have none; without either, all that the API has
 * listed ("known", NIL if nobody asked) are.
 */
List *
trigger_environments_choose(const TriggerTarget *target,
							const TriggerRelation *rel,
							const TriggerEndpoint *endpoint,
							const TriggerBinding *binding, List *known)
{
	const TriggerBoundFilter *bound = bound_environment(rel, binding);
	TriggerChoice *choice = palloc0(sizeof(TriggerChoice));
	ListCell   *cell;

	choice->endpoint = endpoint;
	choice->name = target->environment;
	if (bound && bound->placeholder)
		choice->name = choice->slug = bound->placeholder;
	else if (target->kind == TRIGGER_CRED_PAT &&
			 (endpoint->flags & TRIGGER_EP_ENVIRONMENT))
		return choose_for_token(target, rel, endpoint, bound,
								option_counts(rel, binding) ? target->environment : NULL,
								known);
	else if (bound && target->kind == TRIGGER_CRED_SECRET)
	{
		const TriggerFilter *filter =
		&rel->resource->filters[environment_filter(rel->resource)];
		bool		wanted = false;

		foreach(cell, bound->values)
			wanted = wanted || strcmp(lfirst(cell), target->environment) == 0;
		if (!wanted &&
			shows_plain_name(target, trigger_column_find(rel->resource,
														 filter->column)))
			return NIL;
	}
	return list_make1(choice);
}
