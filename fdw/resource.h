/*-------------------------------------------------------------------------
 *
 * resource.h
 *		What the API offers, as data.
 *
 * A resource is one foreign table: its columns, the endpoints that deliver
 * its rows, and the filters that those endpoints understand.  The planner
 * reads the filters, the executor the columns, the request builder the
 * endpoints; none of them knows a resource by name.  A new resource is a new
 * description in one of the resource_*.c files and a line in resource.c.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_RESOURCE_H
#define TRIGGER_RESOURCE_H

#include "postgres.h"

/* Kinds of credential; an endpoint accepts a set of them. */
typedef enum TriggerCredential
{
	TRIGGER_CRED_NONE = 0,
	TRIGGER_CRED_SECRET = 1 << 0,	/* tr_dev_, tr_stg_, tr_prod_, tr_preview_ */
	TRIGGER_CRED_PAT = 1 << 1,	/* tr_pat_ */
	TRIGGER_CRED_PUBLIC = 1 << 2	/* public JWT */
} TriggerCredential;

#define TRIGGER_CRED_ANYONE	(-1)	/* no credential needed */

/* What the API promises to send for a field. */
typedef enum TriggerJsonKind
{
	TRIGGER_JSON_STRING,
	TRIGGER_JSON_TIMESTAMP,		/* string, ISO 8601 */
	TRIGGER_JSON_BOOLEAN,
	TRIGGER_JSON_INTEGER,
	TRIGGER_JSON_NUMBER,
	TRIGGER_JSON_STRINGS,		/* array of strings */
	TRIGGER_JSON_ANY			/* any JSON, kept as it is */
} TriggerJsonKind;

/* Where a column's value comes from when it is not a field of the answer. */
typedef enum TriggerColumnSource
{
	TRIGGER_FROM_FIELD,
	TRIGGER_FROM_FILTER,		/* the value that the request filtered by */
	TRIGGER_FROM_NOWHERE,		/* write-only: always NULL */
	TRIGGER_FROM_INSERT,		/* returned by INSERT, else NULL */
	TRIGGER_FROM_ENVIRONMENT,	/* the request's environment */
	TRIGGER_FROM_BRANCH,
	TRIGGER_FROM_PROJECT
} TriggerColumnSource;

/* The promised field must be there and not null. */
#define TRIGGER_COL_REQUIRED	0x01
/* Identifies a row: repeated rows of one scan are dropped by it. */
#define TRIGGER_COL_ID			0x02
/* The list is ordered by this column, newest first; never null. */
#define TRIGGER_COL_ORDER		0x04
/* List and retrieve mean the same, so a list row can be filtered by it. */
#define TRIGGER_COL_SHARED		0x08
/* The server's slug "stg" is shown as "staging". */
#define TRIGGER_COL_SLUG		0x10
/* A JSON null is a value of its own, not an absent one. */
#define TRIGGER_COL_JSON_NULL	0x20
/* Declared COLLATE "C": ids and enumerations. */
#define TRIGGER_COL_C			0x40
/* Internal id of the environment that the row belongs to. */
#define TRIGGER_COL_ENV_ID		0x80

#define TRIGGER_MAX_MOMENTS 2

/*
 * A word that follows from a moment: the first of a list whose field is there
 * (and, if "past", over) names the row's state.
 */
typedef struct TriggerMoment
{
	const char *field;			/* NULL: always, ends the list */
	bool		past;			/* only once it is over */
	const char *word;
} TriggerMoment;

typedef struct TriggerColumn
{
	const char *name;
	const char *type;			/* as IMPORT FOREIGN SCHEMA declares it */
	TriggerJsonKind kind;
	const char *list_field;		/* dotted path in a list item; "" is the item
								 * itself; NULL: the list does not have it */
	const char *item_field;		/* the same for the retrieve endpoint */
	int			flags;
	TriggerColumnSource source;
	/* NULL whenever this boolean field has this value */
	const char *null_field;
	bool		null_when;
	/* of an array of objects, only these members are kept */
	const char *const *keep;
	/* object storage URL to read the value from, if the field is absent */
	const char *url_field;
	/* the value is not sent, but follows from these */
	const TriggerMoment *moments;
} TriggerColumn;

/* How a filter is put into a request. */
typedef enum TriggerFilterKind
{
	TRIGGER_FILTER_LIST,		/* comma-separated, any of them */
	TRIGGER_FILTER_SINGLE,		/* one value; several need several requests */
	TRIGGER_FILTER_BOOLEAN,		/* true or false */
	TRIGGER_FILTER_HAS_ANY,		/* comma-separated, array column has any */
	TRIGGER_FILTER_HAS_ONE,		/* one value that the array column has */
	TRIGGER_FILTER_TIME,		/* inclusive bounds in milliseconds */
	TRIGGER_FILTER_AFTER,		/* exclusive lower bound, an integer */
	TRIGGER_FILTER_PATH,		/* part of the list's path; "param" names it */
	TRIGGER_FILTER_KEY,			/* names one row: the retrieve endpoint */
	TRIGGER_FILTER_ENVIRONMENT	/* selects the environment to ask */
} TriggerFilterKind;

/* A word that a column shows, and the words that find all rows showing it. */
typedef struct TriggerWord
{
	const char *shown;
	const char *sent;			/* comma-separated */
} TriggerWord;

typedef struct TriggerFilter
{
	const char *column;
	TriggerFilterKind kind;
	const char *param;			/* query parameter; for TIME the lower bound's */
	const char *param_upper;	/* TIME: the upper bound's */
	const TriggerWord *words;	/* closed vocabulary, NULL if open */
	const char *prefix;			/* all values begin so; others find no row */
	const char *never;			/* none begins so: it would be something else */
	bool		required;		/* PATH: nothing can be asked without it */
} TriggerFilter;

/* How an endpoint's answer is cut into pages. */
typedef enum TriggerPaging
{
	TRIGGER_PAGING_CURSOR,		/* page[size], page[after]; pagination.next */
	TRIGGER_PAGING_WINDOW,		/* the same, but the cursor passes over rows:
								 * only time bounds can be trusted */
	TRIGGER_PAGING_SEQUENCE,	/* what comes after a number; nothing: the end */
	TRIGGER_PAGING_NUMBER,		/* page, perPage; pagination.totalPages */
	TRIGGER_PAGING_NONE,		/* everything at once */
	TRIGGER_PAGING_ITEM			/* the answer is one object */
} TriggerPaging;

/* The path names the project: an option must tell which. */
#define TRIGGER_EP_PROJECT		0x01
/* The path or a parameter names the environment. */
#define TRIGGER_EP_ENVIRONMENT	0x02
/* x-trigger-branch may be sent. */
#define TRIGGER_EP_BRANCH		0x04
/* Without a lower time bound the server invents one: always send it. */
#define TRIGGER_EP_WINDOW		0x08
/* A 500 means bad input here and is never worth a retry. */
#define TRIGGER_EP_FINAL_500	0x10

typedef struct TriggerEndpoint
{
	const char *operation;		/* the official client's name, for messages */
	const char *method;			/* NULL: GET */
	const char *path;			/* with {project}, {environment}, {key} */
	int			credentials;	/* set of TriggerCredential, or ANYONE */
	TriggerPaging paging;
	const char *rows;			/* member that holds the rows, NULL: the root */
	const char *environment_param;	/* query parameter for the environment */
	/* What a token must be allowed to do; NULL: the endpoint takes none */
	const char *scope;
	/* The part of the path that the scope can be narrowed to, or NULL */
	const char *scope_part;
	int			flags;
} TriggerEndpoint;

/* How rows are found when the key is known, and how when it is not. */
typedef enum TriggerAccess
{
	TRIGGER_ACCESS_LIST,		/* list only */
	TRIGGER_ACCESS_ITEM,		/* a key: retrieve; else list */
	TRIGGER_ACCESS_ITEM_LIST,	/* a key: retrieve, then list that moment */
	TRIGGER_ACCESS_LIST_ITEM	/* a key: retrieve; else list, then retrieve */
} TriggerAccess;

#define TRIGGER_MAX_LISTS 2

typedef struct TriggerResource
{
	const char *name;
	const char *comment;
	TriggerAccess access;
	const TriggerColumn *columns;	/* ends with a NULL name */
	const TriggerFilter *filters;	/* ends with a NULL column */
	/* Alternatives by credential; the first that accepts it is used. */
	const TriggerEndpoint *lists[TRIGGER_MAX_LISTS];
	const TriggerEndpoint *item;	/* NULL: there is none */
	/* ITEM_LIST: the retrieve answer's field that tells the moment */
	const char *moment_field;
	/* LIST_ITEM: where list and retrieve share a column, the list's will do */
	bool		list_suffices;
	/* Keys that the list hides: looking one up must not show it either. */
	const char *const *hidden_keys;
	/* Keys that a path cannot name: they are looked for in the list. */
	const char *const *unaddressable_keys;
	double		expected_rows;	/* without statistics */
	/* Where a qual on a write-only column should have gone. */
	const char *write_only_hint;
	/* How rows are written; NULL: they are not. */
	const struct TriggerWriter *writer;
} TriggerResource;

extern const TriggerResource trigger_resource_runs;
extern const TriggerResource trigger_resource_run_details;
extern const TriggerResource trigger_resource_envvars;
extern const TriggerResource trigger_resource_schedules;
extern const TriggerResource trigger_resource_timezones;
extern const TriggerResource trigger_resource_sessions;
extern const TriggerResource trigger_resource_session_records;
extern const TriggerResource trigger_resource_projects;
extern const TriggerResource trigger_resource_environments;
extern const TriggerResource trigger_resource_branches;

extern const TriggerResource *const trigger_resources[];	/* NULL at the end */

extern const TriggerResource *trigger_resource_find(const char *name);
extern const TriggerColumn *trigger_column_find(const TriggerResource *resource,
												const char *name);
extern const TriggerColumn *trigger_column_find_field(const TriggerResource *resource,
													  const char *field);
extern const TriggerFilter *trigger_filter_find(const TriggerResource *resource,
												const char *column);
extern const TriggerEndpoint *trigger_resource_list(const TriggerResource *resource,
													TriggerCredential kind);
extern const char *trigger_word_sent(const TriggerWord *words,
									 const char *shown);
extern const char *trigger_credential_name(TriggerCredential kind);
extern bool trigger_endpoint_accepts(const TriggerEndpoint *endpoint,
									 TriggerCredential kind);

#endif							/* TRIGGER_RESOURCE_H */
