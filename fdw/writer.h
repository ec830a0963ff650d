/*-------------------------------------------------------------------------
 *
 * writer.h
 *		What the executor's side of writes and a resource's own side share.
 *
 * modify.c knows PostgreSQL: plans, slots, batches, counts.  A writer knows
 * one resource: which request does what to it, and what the server's answers
 * mean.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_WRITER_H
#define TRIGGER_WRITER_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "fields.h"
#include "http.h"
#include "relation.h"
#include "target.h"
#include "utils/jsonb.h"
#include "written.h"

/* A statement that writes to one table. */
typedef struct TriggerModify
{
	const TriggerRelation *rel;
	TriggerTarget *target;
	TriggerHttp *http;
	List	   *columns;		/* attributes that an UPDATE sets */
	bool		do_nothing;		/* ON CONFLICT DO NOTHING */
	bool		reread;			/* more of the stored row than its key will be
								 * looked at */
	bool		idempotent;		/* option idempotent_inserts */
	MemoryContext row_context;	/* reset after each row or batch */
	TriggerFields *fields;		/* of a whole row, made when first needed */
	TriggerWritten *written;	/* what cannot be undone; set when connected */

	void	   *state;			/* the writer's own */
	MemoryContext context;		/* of the statement */
} TriggerModify;

typedef struct TriggerWriter
{
	int			operations;		/* 1 << CMD_INSERT and so on */
	const char *const *insertable;	/* columns, NULL at the end */
	const char *const *updatable;
	/* columns that are known after a write without reading the row again;
	 * NULL: all of them */
	const char *const *known_inserted;
	const char *const *known_updated;
	int			batch_size;		/* rows that one INSERT can take at once */
	const char *delete_hint;	/* what there is instead of DELETE */

	/* Refuse what the credential cannot do, before any request. */
	void		(*check_target) (TriggerModify *modify, CmdType operation);
	/* Write rows; written[i] tells whether row i is new. */
	void		(*insert) (TriggerModify *modify, TupleTableSlot **slots, int n,
						   bool *written);
	/* Change a row; false if it is not there (any more). */
	bool		(*update) (TriggerModify *modify, TupleTableSlot *slot,
						   TupleTableSlot *old);
	bool		(*remove) (TriggerModify *modify, TupleTableSlot *old);
} TriggerWriter;

extern const TriggerWriter trigger_writer_runs;
extern const TriggerWriter trigger_writer_envvars;
extern const TriggerWriter trigger_writer_schedules;
extern const TriggerWriter trigger_writer_sessions;
extern const TriggerWriter trigger_writer_session_records;

/* Tags of a run or a session. */
#define TRIGGER_MAX_TAGS		10
#define TRIGGER_MAX_TAG_LENGTH	128

/* in write_runs.c */
struct TriggerCallResult;
extern void trigger_check_delay(const char *delay);
extern void trigger_check_options(Jsonb *options);
extern void trigger_check_future(TimestampTz when);
extern void trigger_run_result(const struct TriggerCallResult *result,
							   char **id, bool *cached);

/* in write_envvars.c */
extern void trigger_check_envvar_name(const char *name);
extern void trigger_check_envvar_value(const char *value);
extern void trigger_check_envvar_environment(const TriggerTarget *target,
											 const char **environment);

/* in modify_row.c */
extern bool trigger_row_sets(const TriggerModify *modify, const char *column);
extern char *trigger_row_text(TriggerModify *modify, TupleTableSlot *slot,
							  const char *column);
extern char *trigger_row_json(TriggerModify *modify, TupleTableSlot *slot,
							  const char *column);
extern bool trigger_row_flag(TriggerModify *modify, TupleTableSlot *slot,
							 const char *column, bool otherwise);
extern List *trigger_row_strings(TriggerModify *modify, TupleTableSlot *slot,
								 const char *column);
extern bool trigger_row_time(TriggerModify *modify, TupleTableSlot *slot,
							 const char *column, TimestampTz *value);
extern void trigger_row_set(TriggerModify *modify, TupleTableSlot *slot,
							const char *column, const char *value);
extern void trigger_row_fill(TriggerModify *modify, TupleTableSlot *slot,
							 char *body, size_t len, const char *source);

/* in body.c */
extern char *trigger_json_quote(const char *utf8);
extern void trigger_body_member(StringInfo body, const char *name,
								const char *json);
extern void trigger_body_text(StringInfo body, const char *name,
							  const char *utf8);
extern char *trigger_time_text(TimestampTz time);
extern char *trigger_random_name(void);
extern bool trigger_is_blank(const char *utf8);
extern int	trigger_utf8_length(const char *utf8);
extern char *trigger_tags_json(List *tags, const char *owner);

#endif							/* TRIGGER_WRITER_H */
