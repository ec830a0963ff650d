/*-------------------------------------------------------------------------
 *
 * option.c
 *		Options of servers, user mappings, tables and columns; the session's.
 *
 * The validator checks what it can see of one object at DDL time: names,
 * places, types and ranges.  It requires nothing and contacts nobody, or a
 * dump could not be restored.  What a statement needs is asked for when it
 * runs, in target.c.
 *
 * A value that may be a credential never reaches a message, and errors about
 * one keep their statement out of the server's log as well.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "option.h"

#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "compat.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "trql_table.h"
#include "url.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/varlena.h"

/* Objects that an option may be set on. */
#define ON_SERVER	0x01
#define ON_MAPPING	0x02
#define ON_TABLE	0x04
#define ON_COLUMN	0x08

typedef enum OptionType
{
	OPTION_BASE_URL,
	OPTION_SECRET,
	OPTION_PROJECT,
	OPTION_ENVIRONMENT,
	OPTION_BRANCH,
	OPTION_RESOURCE,
	OPTION_RESOURCE_SCHEMA,
	OPTION_SCOPE,
	OPTION_NAME,
	OPTION_INTEGER,
	OPTION_TIME,
	OPTION_BOOLEAN,
	OPTION_TEXT
} OptionType;

typedef struct Option
{
	const char *name;
	int			places;
	OptionType	type;
	bool		superuser_only;
	int			min;
	int			max;
	TriggerCredential credential;	/* for OPTION_SECRET */
} Option;

static const Option options[] = {
	{"base_url", ON_SERVER, OPTION_BASE_URL},
	{"allow_insecure", ON_SERVER, OPTION_BOOLEAN, true},
	{"secret_key", ON_MAPPING, OPTION_SECRET, .credential = TRIGGER_CRED_SECRET},
	{"personal_access_token", ON_MAPPING, OPTION_SECRET,
	.credential = TRIGGER_CRED_PAT},
	{"public_access_token", ON_MAPPING, OPTION_SECRET,
	.credential = TRIGGER_CRED_PUBLIC},
	{"project_ref", ON_SERVER | ON_MAPPING | ON_TABLE, OPTION_PROJECT},
	{"environment", ON_SERVER | ON_MAPPING | ON_TABLE, OPTION_ENVIRONMENT},
	{"branch", ON_SERVER | ON_MAPPING | ON_TABLE, OPTION_BRANCH},
	{"resource", ON_TABLE, OPTION_RESOURCE},
	{"resource_schema", ON_TABLE, OPTION_RESOURCE_SCHEMA},
	{"scope", ON_TABLE, OPTION_SCOPE},
	{"time_column", ON_TABLE, OPTION_NAME},
	{"look_back", ON_TABLE, OPTION_INTEGER, .min = 0, .max = 36500},
	{"whole_until", ON_TABLE, OPTION_TIME},
	{"page_size", ON_SERVER | ON_TABLE, OPTION_INTEGER, .min = 1, .max = 100},
	{"connect_timeout", ON_SERVER, OPTION_INTEGER, .min = 1, .max = INT_MAX},
	{"request_timeout", ON_SERVER, OPTION_INTEGER, .min = 1, .max = INT_MAX},
	{"max_retries", ON_SERVER, OPTION_INTEGER, .min = 0, .max = 10},
	{"rate_limit_wait", ON_SERVER, OPTION_INTEGER, .min = 0, .max = 86400},
	{"concurrency", ON_SERVER | ON_TABLE, OPTION_INTEGER, .min = 1, .max = 32},
	{"ca_file", ON_SERVER, OPTION_TEXT, true},
	{"proxy", ON_SERVER, OPTION_TEXT, true},
	{"idempotent_inserts", ON_SERVER | ON_TABLE, OPTION_BOOLEAN},
	{"pat_exchange", ON_SERVER, OPTION_BOOLEAN},
	{"updatable", ON_SERVER | ON_TABLE, OPTION_BOOLEAN},
	{"field", ON_COLUMN, OPTION_TEXT},
	{"type", ON_COLUMN, OPTION_TEXT},
	{NULL}
};

/* The session's settings. */
static char *setting_access_token = NULL;
static char *setting_project_ref = NULL;
static char *setting_environment = NULL;
static char *setting_branch = NULL;
static char *setting_allowed_origins = NULL;

PG_FUNCTION_INFO_V1(trigger_fdw_validator);

/*
 * Kind of a credential, from its text alone, as the server decides it;
 * NONE if it is none that the server knows or cannot go into a header.
 */
TriggerCredential
trigger_credential_kind(const char *token)
{
	int			dots = 0;

	for (const char *p = token; *p; p++)
	{
		if (*p <= ' ' || *p > '~')
			return TRIGGER_CRED_NONE;
		if (*p == '.')
			dots++;
	}
	if (strncmp(token, "tr_pat_", 7) == 0)
		return token[7] ? TRIGGER_CRED_PAT : TRIGGER_CRED_NONE;
	if (strncmp(token, "tr_dev_", 7) == 0 ||
		strncmp(token, "tr_stg_", 7) == 0)
		return token[7] ? TRIGGER_CRED_SECRET : TRIGGER_CRED_NONE;
	if (strncmp(token, "tr_prod_", 8) == 0)
		return token[8] ? TRIGGER_CRED_SECRET : TRIGGER_CRED_NONE;
	if (strncmp(token, "tr_preview_", 11) == 0)
		return token[11] ? TRIGGER_CRED_SECRET : TRIGGER_CRED_NONE;
	if (dots == 2 && strncmp(token, "ey", 2) == 0)
		return TRIGGER_CRED_PUBLIC;
	return TRIGGER_CRED_NONE;
}

/*
 * Is this a project reference?
 */
static bool
valid_project(const char *value)
{
	if (strncmp(value, "proj_", 5) != 0 || value[5] == '\0')
		return false;
	return strspn(value + 5, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(value + 5);
}

/*
 * Is this the name of an environment?
 */
static bool
valid_environment(const char *value)
{
	return strcmp(value, "dev") == 0 || strcmp(value, "staging") == 0 ||
		strcmp(value, "prod") == 0 || strcmp(value, "preview") == 0;
}

/*
 * The branch that a value names, a part of it; NULL if it names none.
 *
 * It must survive the way through a header, which drops blanks at both ends,
 * and the server's reading of it: one prefix as Git has them is cut off,
 * anything else below refs/ counts as no branch at all.  With a personal
 * access token that would turn a branch into its parent without a word.
 */
const char *
trigger_branch_name(const char *value)
{
	static const char *const prefixes[] = {"refs/heads/", "refs/remotes/",
	"refs/tags/", "refs/pull/", "refs/merge/", "refs/release/"};
	const char *name = value;

	if (*value == ' ' || strlen(value) > 255)
		return NULL;
	for (int i = 0; name == value && i < lengthof(prefixes); i++)
	{
		if (strncmp(value, prefixes[i], strlen(prefixes[i])) == 0)
			name = value + strlen(prefixes[i]);
	}
	if (*name == '\0' || *name == ' ' || name[strlen(name) - 1] == ' ' ||
		strncmp(name, "refs/", 5) == 0)
		return NULL;
	for (const unsigned char *p = (const unsigned char *) name; *p; p++)
	{
		if (*p < 0x20 || *p == 0x7f)
			return NULL;
	}
	return name;
}

/*
 * An option's value is bad.  "expected" says what it should be.
 */
static void
bad_value(const Option *option, const char *value, const char *expected)
{
	if (option->type == OPTION_SECRET)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for option \"%s\"", option->name),
				 errhint("%s", expected),
				 errhidestmt(true)));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"%s\": \"%s\"",
					option->name, value),
			 errhint("%s", expected)));
}

/*
 * The option is a credential of one kind: refuse any other.
 */
static void
check_secret(const Option *option, const char *value)
{
	if (trigger_credential_kind(value) == option->credential)
		return;
	switch (option->credential)
	{
		case TRIGGER_CRED_SECRET:
			bad_value(option, value,
					  "A secret key starts with tr_dev_, tr_stg_, tr_prod_ or tr_preview_.");
			break;
		case TRIGGER_CRED_PAT:
			bad_value(option, value,
					  "A personal access token starts with tr_pat_.");
			break;
		default:
			bad_value(option, value,
					  "A public access token is a JSON Web Token of three parts.");
			break;
	}
}

/*
 * Names of all resources, for hints.
 */
static char *
resource_names(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; trigger_resources[i]; i++)
		appendStringInfo(&buf, "%s%s", i ? ", " : "", trigger_resources[i]->name);
	return buf.data;
}

/*
 * The option is a name that is written into queries.
 */
static void
check_name(const Option *option, const char *value)
{
	if (!trql_is_name(value))
		bad_value(option, value, "A name has letters, digits and underscores.");
}

/*
 * Check one option's value.  "all" is the list that it comes from.
 */
static void
check_value(const Option *option, const char *value, List *all)
{
	int			number;
	bool		flag;
	char	   *normalized;
	const char *problem;
	const char *insecure;

	switch (option->type)
	{
		case OPTION_BASE_URL:
			insecure = trigger_option_get(all, "allow_insecure");
			if (!trigger_url_check(value,
								   insecure && parse_bool(insecure, &flag) && flag,
								   &normalized, &problem))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("invalid value for option \"%s\": %s",
								option->name, problem)));
			break;
		case OPTION_SECRET:
			check_secret(option, value);
			break;
		case OPTION_PROJECT:
			if (!valid_project(value))
				bad_value(option, value, "A project reference looks like proj_abcdefghijklmnopqrst.");
			break;
		case OPTION_ENVIRONMENT:
			if (!valid_environment(value))
				bad_value(option, value, "Valid values are: dev, staging, prod, preview.");
			break;
		case OPTION_BRANCH:
			if (trigger_branch_name(value) == NULL)
				bad_value(option, value, TRIGGER_BRANCH_HINT);
			break;
		case OPTION_RESOURCE:
			/* which tables can be queried, only the API knows */
			if (trql_options_are_query(all))
				check_name(option, value);
			else if (trigger_resource_find(value) == NULL)
				bad_value(option, value, psprintf("Valid values are: %s.",
												  resource_names()));
			break;
		case OPTION_RESOURCE_SCHEMA:
			if (strcmp(value, "management") != 0 && strcmp(value, "query") != 0)
				bad_value(option, value, "Valid values are: management, query.");
			break;
		case OPTION_SCOPE:
			if (strcmp(value, "environment") != 0 && strcmp(value, "project") != 0 &&
				strcmp(value, "organization") != 0)
				bad_value(option, value, "Valid values are: environment, project, organization.");
			break;
		case OPTION_NAME:
			check_name(option, value);
			break;
		case OPTION_INTEGER:
			if (!parse_int(value, &number, 0, NULL) ||
				number < option->min || number > option->max)
				bad_value(option, value,
						  option->max == INT_MAX ?
						  psprintf("The value must be an integer of at least %d.",
								   option->min) :
						  psprintf("The value must be an integer between %d and %d.",
								   option->min, option->max));
			break;
		case OPTION_TIME:
			(void) DirectFunctionCall3(timestamptz_in, CStringGetDatum(value),
									   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
			break;
		case OPTION_BOOLEAN:
			if (!parse_bool(value, &flag))
				bad_value(option, value, "The value must be a boolean.");
			if (option->superuser_only && !flag)
				return;
			break;
		case OPTION_TEXT:
			if (*value == '\0')
				bad_value(option, value, "The value must not be empty.");
			break;
	}

	if (option->superuser_only && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to set option \"%s\"", option->name),
				 errdetail("Only superusers can set it.")));
}

/*
 * The object's catalog to our notion of a place.
 */
static int
place_of(Oid catalog)
{
	switch (catalog)
	{
		case ForeignServerRelationId:
			return ON_SERVER;
		case UserMappingRelationId:
			return ON_MAPPING;
		case ForeignTableRelationId:
			return ON_TABLE;
		case AttributeRelationId:
			return ON_COLUMN;
		default:
			return 0;
	}
}

/*
 * Names of the options that a place takes, for hints.
 */
static char *
option_names(int place)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const Option *option = options; option->name; option++)
	{
		if (option->places & place)
			appendStringInfo(&buf, "%s%s", buf.len ? ", " : "", option->name);
	}
	return buf.data;
}

/*
 * No option of this name may be set here.
 */
static void
unknown_option(const char *name, int place)
{
	for (const Option *option = options; option->name; option++)
	{
		if (strcmp(option->name, name) != 0)
			continue;
		if (option->type == OPTION_SECRET)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					 errmsg("option \"%s\" can only be set in a user mapping", name),
					 errhint("Options of other objects can be read by everyone."),
					 errhidestmt(true)));
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\"", name),
			 place == 0 ?
			 errhint("There are no valid options in this context.") :
			 errhint("Valid options in this context are: %s.",
					 option_names(place)),
			 errhidestmt(place == ON_MAPPING)));
}

/*
 * Check the options of an object that is created or altered.
 */
Datum
trigger_fdw_validator(PG_FUNCTION_ARGS)
{
	List	   *list = untransformRelOptions(PG_GETARG_DATUM(0));
	int			place = place_of(PG_GETARG_OID(1));
	const char *credential = NULL;
	ListCell   *cell;

	foreach(cell, list)
	{
		DefElem    *def = (DefElem *) lfirst(cell);
		const Option *option;

		for (option = options; option->name; option++)
		{
			if ((option->places & place) &&
				strcmp(option->name, def->defname) == 0)
				break;
		}
		if (option->name == NULL)
			unknown_option(def->defname, place);
		if (option->type == OPTION_SECRET)
		{
			if (credential)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("a user mapping has only one credential"),
						 errdetail("Both \"%s\" and \"%s\" are set.",
								   credential, option->name),
						 errhidestmt(true)));
			credential = option->name;
		}
		check_value(option, defGetString(def), list);
	}

	PG_RETURN_VOID();
}

/*
 * Value of an option in a list of DefElems, NULL if it is not set.
 */
const char *
trigger_option_get(List *list, const char *name)
{
	ListCell   *cell;

	foreach(cell, list)
	{
		DefElem    *def = (DefElem *) lfirst(cell);

		if (strcmp(def->defname, name) == 0)
			return defGetString(def);
	}
	return NULL;
}

/*
 * A boolean option that the validator has seen.
 */
bool
trigger_option_bool(const char *value)
{
	bool		flag = false;

	(void) parse_bool(value, &flag);
	return flag;
}

/*
 * The resource that a table maps.  ERROR if there is none of that name.
 */
const TriggerResource *
trigger_options_resource(List *table_options, const char *relname)
{
	const char *name = trigger_option_get(table_options, "resource");
	const TriggerResource *resource;

	/* scans of query tables come another way */
	if (trql_options_are_query(table_options))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("foreign table \"%s\" cannot be written", relname),
				 errdetail("Tables of schema \"query\" are for analysis.")));
	resource = trigger_resource_find(name ? name : relname);
	if (resource == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
				 errmsg("the API has no resource \"%s\"", name ? name : relname),
				 errdetail("It is what foreign table \"%s\" maps.", relname),
				 errhint("Set the table's option \"resource\" to one of: %s.",
						 resource_names())));
	return resource;
}

/*
 * Check hook of the token: any kind of credential, or nothing.  The value
 * must not be in the message that core would write, hence one of our own.
 */
static bool
check_access_token(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0' ||
		trigger_credential_kind(*newval) != TRIGGER_CRED_NONE)
		return true;
	GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
	GUC_check_errmsg("invalid value for parameter \"%s\"",
					 "trigger_fdw.access_token");
	GUC_check_errhint("The value must be a secret key, a personal access token or a public access token.");
	return false;
}

/*
 * The token is never shown, not even to the session that set it.
 */
static const char *
show_access_token(void)
{
	return setting_access_token && *setting_access_token ? "********" : "";
}

/*
 * Check hooks of the other settings: as the options, or nothing.
 */
static bool
check_project_ref(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0' || valid_project(*newval))
		return true;
	GUC_check_errhint("A project reference looks like proj_abcdefghijklmnopqrst.");
	return false;
}

/* the same for an environment */
static bool
check_environment(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0' || valid_environment(*newval))
		return true;
	GUC_check_errhint("Valid values are: dev, staging, prod, preview.");
	return false;
}

/* the same for a branch */
static bool
check_branch(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0' || trigger_branch_name(*newval))
		return true;
	GUC_check_errhint(TRIGGER_BRANCH_HINT);
	return false;
}

/*
 * Check hook of the origins: each is one that a server could have, or "*".
 */
static bool
check_allowed_origins(char **newval, void **extra, GucSource source)
{
	List	   *items;
	ListCell   *cell;

	if (!SplitGUCList(pstrdup(*newval), ',', &items))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	foreach(cell, items)
	{
		const char *item = lfirst(cell);
		char	   *url;
		const char *problem;

		if (strcmp(item, "*") == 0)
			continue;
		if (trigger_url_check(item, true, &url, &problem))
		{
			if (strchr(strstr(url, "://") + 3, '/') == NULL)
				continue;
			problem = "an origin has no path";
		}
		GUC_check_errdetail("\"%s\" is not an origin: %s.", item, problem);
		GUC_check_errhint("The value must be a list of origins such as https://trigger.example:8443, or *.");
		return false;
	}
	return true;
}

/*
 * Has a superuser said that credentials may be sent to this origin, whoever
 * owns the server?
 */
bool
trigger_setting_allows_origin(const char *origin)
{
	List	   *items;
	ListCell   *cell;

	(void) SplitGUCList(pstrdup(setting_allowed_origins), ',', &items);
	foreach(cell, items)
	{
		const char *item = lfirst(cell);

		if (strcmp(item, "*") == 0 || strcmp(trigger_url_origin(item), origin) == 0)
			return true;
	}
	return false;
}

/*
 * Define the session's settings; from _PG_init, which reserves the prefix.
 */
void
trigger_define_settings(void)
{
	DefineCustomStringVariable("trigger_fdw.access_token",
							   "Credential used instead of the user mapping's.",
							   NULL, &setting_access_token, "", PGC_USERSET,
							   GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE |
							   GUC_DISALLOW_IN_FILE | GUC_DISALLOW_IN_AUTO_FILE,
							   check_access_token, NULL, show_access_token);
	DefineCustomStringVariable("trigger_fdw.project_ref",
							   "Project used instead of the options'.",
							   NULL, &setting_project_ref, "", PGC_USERSET, 0,
							   check_project_ref, NULL, NULL);
	DefineCustomStringVariable("trigger_fdw.environment",
							   "Environment used instead of the options'.",
							   NULL, &setting_environment, "", PGC_USERSET, 0,
							   check_environment, NULL, NULL);
	DefineCustomStringVariable("trigger_fdw.branch",
							   "Branch used instead of the options'.",
							   NULL, &setting_branch, "", PGC_USERSET, 0,
							   check_branch, NULL, NULL);
	DefineCustomStringVariable("trigger_fdw.allowed_origins",
							   "Origins that every user's credential may be sent to.",
							   "Whoever owns the server; \"*\" stands for all.",
							   &setting_allowed_origins, "", PGC_SUSET,
							   GUC_LIST_INPUT, check_allowed_origins, NULL, NULL);
}

/* An empty setting is one that is not set. */
static const char *
non_empty(const char *value)
{
	return value && *value ? value : NULL;
}

/* The session's token, NULL if it has none.  Not to be shown. */
const char *
trigger_setting_access_token(void)
{
	return non_empty(setting_access_token);
}

/*
 * Whose credential the session's token is: whoever has set it, which need not
 * be the current user (in a SECURITY DEFINER function, after SET ROLE).  What
 * no command has set, but the start of the session, is the session user's.
 */
Oid
trigger_setting_access_token_role(void)
{
	struct config_generic *setting = TRIGGER_FIND_SETTING("trigger_fdw.access_token");

	if (setting && setting->source >= PGC_S_INTERACTIVE)
		return setting->srole;
	return GetSessionUserId();
}

/* The session's project, NULL if it has none. */
const char *
trigger_setting_project_ref(void)
{
	return non_empty(setting_project_ref);
}

/* The session's environment, NULL if it has none. */
const char *
trigger_setting_environment(void)
{
	return non_empty(setting_environment);
}

/* The session's branch, NULL if it has none. */
const char *
trigger_setting_branch(void)
{
	return non_empty(setting_branch);
}
