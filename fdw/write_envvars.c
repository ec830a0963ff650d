/*-------------------------------------------------------------------------
 *
 * write_envvars.c
 *		Writes of environment variables.
 *
 * The API's "create" overwrites, so it is never used: rows are inserted by an
 * import that refuses names which exist.  What exists is listed once a
 * statement and environment before the first write.  That gives a unique
 * violation its name, lets ON CONFLICT DO NOTHING skip, and tells after a
 * lost answer which variables are ours: those that were not there before.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "call.h"
#include "catalog/pg_type.h"
#include "endpoint.h"
#include "mb/pg_wchar.h"
#include "nodes/nodes.h"
#include "rows.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "writer.h"

/* A variable that an environment has. */
typedef struct Variable
{
	char	   *name;
	char	   *value;			/* NULL: not shown, or not known */
} Variable;

/* What an environment has, as far as this statement knows. */
typedef struct Environment
{
	char	   *name;
	List	   *variables;		/* of Variable */
} Environment;

/* One row of an INSERT. */
typedef struct NewVariable
{
	char	   *name;
	char	   *value;
	char	   *environment;
	int			secret;			/* -1: not said */
	bool		wanted;			/* false: exists, and may be skipped */
	bool		done;
} NewVariable;

/*
 * The variable of a name, NULL if there is none.
 */
static Variable *
find_variable(List *variables, const char *name)
{
	ListCell   *cell;

	foreach(cell, variables)
	{
		Variable   *variable = (Variable *) lfirst(cell);

		if (strcmp(variable->name, name) == 0)
			return variable;
	}
	return NULL;
}

/*
 * A text of an answer in UTF-8 again.
 */
static char *
answer_text(Datum value)
{
	char	   *s = TextDatumGetCString(value);

	return pg_server_to_any(s, strlen(s), PG_UTF8);
}

/*
 * The variables that an environment has now.
 */
static List *
list_variables(TriggerModify *modify, const char *environment)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_envvars_list, .environment = environment,
		.repeat = TRIGGER_REPEAT_SAFE};
	TriggerCallResult *result = trigger_call(modify->http, modify->target, &call);
	TriggerField fields[3] = {
		{.path = "name", .label = "name", .required = true,
		.kind = TRIGGER_JSON_STRING, .null_slot = -1},
		{.path = "value", .label = "value", .kind = TRIGGER_JSON_STRING,
		.null_slot = 2, .null_when = true},
		{.path = "isSecret", .label = "is_secret", .required = true,
		.kind = TRIGGER_JSON_BOOLEAN, .null_slot = -1}
	};
	TriggerDecoder *decoder;
	TriggerRows *rows;
	List	   *variables = NIL;

	trigger_field_init(&fields[0], TEXTOID, -1);
	trigger_field_init(&fields[1], TEXTOID, -1);
	trigger_field_init(&fields[2], BOOLOID, -1);
	decoder = trigger_decoder_create(fields, 3, TRIGGER_PAGING_NONE, NULL, "envvars");
	rows = trigger_decode(decoder, result->body, result->body_len, result->source);
	for (int i = 0; i < rows->nrows; i++)
	{
		Variable   *variable = palloc0(sizeof(Variable));

		variable->name = answer_text(rows->values[3 * i]);
		if (!rows->nulls[3 * i + 1])
			variable->value = answer_text(rows->values[3 * i + 1]);
		variables = lappend(variables, variable);
	}
	return variables;
}

/*
 * What is known of an environment; it is listed when first asked for.
 */
static Environment *
get_environment(TriggerModify *modify, const char *name)
{
	List	   *known = (List *) modify->state;
	Environment *environment;
	MemoryContext old;
	ListCell   *cell;

	foreach(cell, known)
	{
		environment = (Environment *) lfirst(cell);
		if (strcmp(environment->name, name) == 0)
			return environment;
	}
	old = MemoryContextSwitchTo(modify->context);
	environment = palloc0(sizeof(Environment));
	environment->name = pstrdup(name);
	environment->variables = list_variables(modify, name);
	modify->state = lappend(known, environment);
	MemoryContextSwitchTo(old);
	return environment;
}

/*
 * The environment to write to: *environment, or the target's if that is NULL.
 * A secret key writes to its own, and the server would do so whatever the
 * path says.
 */
void
trigger_check_envvar_environment(const TriggerTarget *target,
								 const char **environment)
{
	const char *name = *environment;

	if (name == NULL && target->environment == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("the environment of a variable is not known"),
				 errhint("Name it, or set the option \"environment\".")));
	if (name == NULL)
	{
		*environment = target->environment;
		return;
	}
	if (strcmp(name, "dev") != 0 && strcmp(name, "staging") != 0 &&
		strcmp(name, "prod") != 0 && strcmp(name, "preview") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid environment \"%s\"", name),
				 errhint("Valid values are: dev, staging, prod, preview.")));
	if (target->kind == TRIGGER_CRED_SECRET &&
		strcmp(name, target->environment) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot write to environment \"%s\" with the secret key of environment \"%s\"",
						name, target->environment),
				 errhint("Use that environment's key, or a personal access token.")));
}

/*
 * The environment that a row is for.
 */
static char *
row_environment(TriggerModify *modify, TupleTableSlot *slot)
{
	const char *environment = trigger_row_text(modify, slot, "environment");

	trigger_check_envvar_environment(modify->target, &environment);
	return pstrdup(environment);
}

/*
 * Names that work in every runtime; the server does not check, and damages
 * or hides others.
 */
void
trigger_check_envvar_name(const char *name)
{
	bool		valid = *name != '\0' && !(*name >= '0' && *name <= '9');

	for (const char *p = name; *p; p++)
	{
		if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z') &&
			!(*p >= '0' && *p <= '9') && *p != '_')
			valid = false;
	}
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name of an environment variable: \"%s\"", name),
				 errhint("A name has letters, digits and underscores, and does not start with a digit.")));
	if (strcmp(name, "TRIGGER_SECRET_KEY") == 0 ||
		strcmp(name, "TRIGGER_API_URL") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("environment variable \"%s\" is reserved", name),
				 errdetail("The platform sets it.")));
	if (strcmp(name, "import") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("environment variable \"%s\" is reserved", name),
				 errdetail("The API uses the name for an operation, so the variable could never be changed or deleted.")));
}

/*
 * The server drops blank values without a word.
 */
void
trigger_check_envvar_value(const char *value)
{
	if (trigger_is_blank(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the value of an environment variable must not be blank"),
				 errdetail("The API would ignore it.")));
}

/*
 * The value that a row is to have.
 */
static char *
new_value(TriggerModify *modify, TupleTableSlot *slot)
{
	char	   *value = trigger_row_text(modify, slot, "value");

	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("null value in column \"value\" of foreign table \"%s\"",
						modify->rel->name)));
	trigger_check_envvar_value(value);
	return value;
}

/*
 * Read and check one row.
 */
static void
read_variable(TriggerModify *modify, TupleTableSlot *slot, NewVariable *variable)
{
	variable->name = trigger_row_text(modify, slot, "name");
	if (variable->name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("null value in column \"name\" of foreign table \"%s\"",
						modify->rel->name)));
	trigger_check_envvar_name(variable->name);
	variable->value = new_value(modify, slot);
	variable->environment = row_environment(modify, slot);
	variable->secret = -1;
	if (trigger_row_text(modify, slot, "is_secret"))
		variable->secret = trigger_row_flag(modify, slot, "is_secret", false);
}

/*
 * A name is taken.
 */
static void
report_taken(TriggerModify *modify, const NewVariable *variable)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("environment variable \"%s\" already exists in environment \"%s\"",
					variable->name, variable->environment),
			 errdetail("Nothing was changed by this call."),
			 errhint("Change it with UPDATE, or use ON CONFLICT DO NOTHING.")));
}

/*
 * Sort out rows whose names are taken, by the API or by rows before.
 */
static void
check_taken(TriggerModify *modify, NewVariable *variables, int n)
{
	for (int i = 0; i < n; i++)
	{
		Environment *environment = get_environment(modify,
												   variables[i].environment);
		bool		taken = find_variable(environment->variables,
										  variables[i].name) != NULL;

		for (int j = 0; j < i && !taken; j++)
			taken = strcmp(variables[j].name, variables[i].name) == 0 &&
				strcmp(variables[j].environment, variables[i].environment) == 0;
		if (taken && !modify->do_nothing)
			report_taken(modify, &variables[i]);
		variables[i].wanted = !taken;
	}
}

/*
 * Does a row belong to the same import as another?
 */
static bool
same_import(const NewVariable *a, const NewVariable *b)
{
	return a->wanted && !a->done && a->secret == b->secret &&
		strcmp(a->environment, b->environment) == 0;
}

/*
 * The body of the import that row "first" belongs to.
 */
static char *
import_body(NewVariable *variables, int n, const NewVariable *first)
{
	StringInfoData body;
	StringInfoData map;

	initStringInfo(&map);
	appendStringInfoChar(&map, '{');
	for (int i = 0; i < n; i++)
	{
		if (same_import(&variables[i], first))
			trigger_body_text(&map, variables[i].name, variables[i].value);
	}
	appendStringInfoChar(&map, '}');

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	trigger_body_member(&body, "variables", map.data);
	trigger_body_member(&body, "override", "false");
	if (first->secret >= 0)
		trigger_body_member(&body, "isSecret", first->secret ? "true" : "false");
	appendStringInfoChar(&body, '}');
	return body.data;
}

/*
 * A row was written: from now on its name is taken.
 */
static void
mark_done(TriggerModify *modify, NewVariable *variable)
{
	Environment *environment = get_environment(modify, variable->environment);
	MemoryContext old = MemoryContextSwitchTo(modify->context);
	Variable   *known = palloc0(sizeof(Variable));

	known->name = pstrdup(variable->name);
	environment->variables = lappend(environment->variables, known);
	variable->done = true;
	trigger_written_add(modify->written, variable->name);
	MemoryContextSwitchTo(old);
}

/*
 * The first attempt at an import may have been carried out.  Rows of it that
 * exist now, with our value, were written by it, as none existed before.  (A
 * secret's value is not shown: there we cannot tell ours from one that
 * another session has written in between.)
 */
static void
mark_written(TriggerModify *modify, NewVariable *variables, int n,
			 const NewVariable *first)
{
	List	   *now = list_variables(modify, first->environment);
	NewVariable like = *first;

	for (int i = 0; i < n; i++)
	{
		Variable   *there = find_variable(now, variables[i].name);

		if (same_import(&variables[i], &like) && there &&
			(there->value == NULL ? like.secret != 0 :
			 strcmp(there->value, variables[i].value) == 0))
			mark_done(modify, &variables[i]);
	}
}

/*
 * An import was refused: if one of its names exists now, say so, or skip it.
 * True if there was one to skip.
 */
static bool
report_faster(TriggerModify *modify, NewVariable *variables, int n,
			  const NewVariable *first_row)
{
	NewVariable first = *first_row; /* which may be changed below */
	List	   *now = list_variables(modify, first.environment);
	bool		found = false;

	for (int i = 0; i < n; i++)
	{
		if (!same_import(&variables[i], &first) ||
			find_variable(now, variables[i].name) == NULL)
			continue;
		if (!modify->do_nothing)
			report_taken(modify, &variables[i]);
		variables[i].wanted = false;
		found = true;
	}
	return found;
}

/*
 * Rows that are still to be written.
 */
static int
count_open(const NewVariable *variables, int n)
{
	int			open = 0;

	for (int i = 0; i < n; i++)
	{
		if (variables[i].wanted && !variables[i].done)
			open++;
	}
	return open;
}

/*
 * One import: all rows of an environment with the same secrecy.
 */
static void
run_import(TriggerModify *modify, NewVariable *variables, int n,
		   NewVariable *first)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_envvars_upload,
		.environment = first->environment, .repeat = TRIGGER_REPEAT_SAFE,
		.statuses = {400}};
	TriggerCallResult *result;

	call.body = import_body(variables, n, first);
	result = trigger_call(modify->http, modify->target, &call);
	if (result->status != 400)
	{
		NewVariable like = *first;

		for (int i = 0; i < n; i++)
		{
			if (same_import(&variables[i], &like))
				mark_done(modify, &variables[i]);
		}
		return;
	}

	/*
	 * It is refused because a name exists.  An attempt before, whose answer
	 * was lost, may have written it; each variable is a transaction of its
	 * own there, so perhaps not all of them.  Or somebody else was faster.
	 * What is left over is tried again by the caller.
	 */
	if (result->repeated)
	{
		int			before = count_open(variables, n);

		mark_written(modify, variables, n, first);
		if (count_open(variables, n) < before)
			return;
	}
	if (!report_faster(modify, variables, n, first))
		trigger_call_refused(result, modify->target, &trigger_endpoint_envvars_upload);
}

/*
 * INSERT.
 */
static void
insert_variables(TriggerModify *modify, TupleTableSlot **slots, int n,
				 bool *written)
{
	NewVariable *variables = palloc0(n * sizeof(NewVariable));

	/* everything is checked before anything is written */
	for (int i = 0; i < n; i++)
		read_variable(modify, slots[i], &variables[i]);
	check_taken(modify, variables, n);

	for (int i = 0; i < n; i++)
	{
		/* each call finishes at least one row, or fails */
		while (variables[i].wanted && !variables[i].done)
			run_import(modify, variables, n, &variables[i]);
	}

	for (int i = 0; i < n; i++)
	{
		written[i] = variables[i].done;
		if (!written[i])
			continue;
		trigger_row_set(modify, slots[i], "environment", variables[i].environment);
		trigger_row_set(modify, slots[i], "is_secret",
						variables[i].secret == 1 ? "true" : "false");
		trigger_row_set(modify, slots[i], "branch",
						trigger_target_branch(modify->target,
											  variables[i].environment));
		trigger_row_set(modify, slots[i], "project_ref",
						modify->target->project_ref);
		/* as a SELECT would show it */
		if (variables[i].secret == 1)
			trigger_row_set(modify, slots[i], "value", NULL);
	}
}

/*
 * UPDATE: the value.  The scan has just seen the variable here; if another
 * session has deleted it everywhere since, no row is affected.
 */
static bool
update_variable(TriggerModify *modify, TupleTableSlot *slot, TupleTableSlot *old)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_envvars_update,
		.repeat = TRIGGER_REPEAT_SAFE, .statuses = {404}};
	char	   *value = trigger_row_text(modify, slot, "value");
	char	   *before = trigger_row_text(modify, old, "value");
	bool		secret = trigger_row_flag(modify, old, "is_secret", false);
	StringInfoData body;

	/* a secret's value reads NULL: setting it to what was read changes nothing */
	if (!trigger_row_sets(modify, "value") ||
		(value == NULL && before == NULL && secret) ||
		(value && before && strcmp(value, before) == 0))
		return true;
	value = new_value(modify, slot);

	call.environment = row_environment(modify, old);
	call.key = trigger_row_text(modify, old, "name");
	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	trigger_body_text(&body, "value", value);
	appendStringInfoChar(&body, '}');
	call.body = body.data;
	if (trigger_call(modify->http, modify->target, &call)->status == 404)
		return false;
	trigger_written_add(modify->written, call.key);
	if (secret)
		trigger_row_set(modify, slot, "value", NULL);
	return true;
}

/*
 * DELETE.  A value that is inherited from the parent of a branch, or gone,
 * cannot be deleted here: no row is affected.  If the first answer was lost,
 * "not there" means that the request before has done it.
 */
static bool
delete_variable(TriggerModify *modify, TupleTableSlot *old)
{
	TriggerCall call = {.endpoint = &trigger_endpoint_envvars_del,
		.repeat = TRIGGER_REPEAT_SAFE, .statuses = {404, 400}};
	TriggerCallResult *result;

	call.environment = row_environment(modify, old);
	call.key = trigger_row_text(modify, old, "name");
	result = trigger_call(modify->http, modify->target, &call);
	if ((result->status == 404 || result->status == 400) && !result->repeated)
		return false;
	trigger_written_add(modify->written, call.key);
	return true;
}

/*
 * Everything that a statement needs must be known before its first request.
 */
static void
check_target(TriggerModify *modify, CmdType operation)
{
	trigger_target_check(modify->target,
						 operation == CMD_INSERT ? &trigger_endpoint_envvars_upload :
						 operation == CMD_UPDATE ? &trigger_endpoint_envvars_update :
						 &trigger_endpoint_envvars_del);
}

static const char *const insertable[] = {
	"name", "value", "is_secret", "environment", NULL
};

static const char *const updatable[] = {"value", NULL};

const TriggerWriter trigger_writer_envvars = {
	.operations = (1 << CMD_INSERT) | (1 << CMD_UPDATE) | (1 << CMD_DELETE),
	.insertable = insertable,
	.updatable = updatable,
	.batch_size = 1000,
	.check_target = check_target,
	.insert = insert_variables,
	.update = update_variable,
	.remove = delete_variable,
};
