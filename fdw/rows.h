/*-------------------------------------------------------------------------
 *
 * rows.h
 *		From the text of one answer to rows of Datums.
 *
 * A decoder is made once a scan from the fields that the query needs; it
 * reads a page in one pass and converts only those.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_ROWS_H
#define TRIGGER_ROWS_H

#include "postgres.h"

#include "fmgr.h"
#include "resource.h"

/* How a JSON value becomes a Datum; chosen once from the column's type. */
typedef enum TriggerConversion
{
	TRIGGER_TO_TEXT,
	TRIGGER_TO_TIMESTAMPTZ,
	TRIGGER_TO_BOOL,
	TRIGGER_TO_INT2,
	TRIGGER_TO_INT4,
	TRIGGER_TO_INT8,
	TRIGGER_TO_NUMERIC,
	TRIGGER_TO_JSONB,
	TRIGGER_TO_JSON,
	TRIGGER_TO_TEXT_ARRAY,
	TRIGGER_TO_OTHER			/* through the type's input function */
} TriggerConversion;

/* One field to read: slot i of a row is field i of the decoder. */
typedef struct TriggerField
{
	const char *path;			/* dotted, "" is the item itself */
	const char *label;			/* column name, for errors */
	TriggerJsonKind kind;
	bool		required;
	bool		json_null;		/* a JSON null is not SQL's */
	bool		slug;			/* show "stg" as "staging" */
	bool		empty_null;		/* '' is SQL's NULL */
	bool		json_text;		/* a string that holds JSON */
	bool		utc;			/* a date without a zone is of UTC */
	const char *(*shown) (const char *word);	/* what a word is shown as */
	int			null_slot;		/* -1, or NULL when that slot ... */
	bool		null_when;		/* ... has this value */
	const TriggerMoment *moments;	/* the value follows from these ... */
	int			moment_slots[TRIGGER_MAX_MOMENTS];	/* ... in these slots */
	const char *const *keep;	/* members kept of an array's objects */
	const char *pluck;			/* one member of an array's objects; set by
								 * the decoder from a path "list[].member" */

	Oid			type;
	int32		typmod;
	TriggerConversion conversion;
	FmgrInfo	input;			/* for TRIGGER_TO_OTHER */
	Oid			input_param;
} TriggerField;

/* The rows of one answer; everything is in the context it was decoded in. */
typedef struct TriggerRows
{
	int			nrows;
	int			nslots;
	Datum	   *values;			/* nrows * nslots */
	bool	   *nulls;
	char	   *next;			/* cursor paging: next page, NULL at the end */
	int			page;			/* number paging: this page ... */
	int			total_pages;	/* ... of so many, with ... */
	int64		total_rows;		/* ... so many rows */
} TriggerRows;

typedef struct TriggerDecoder TriggerDecoder;

extern void trigger_field_init(TriggerField *field, Oid type, int32 typmod);
extern TriggerDecoder *trigger_decoder_create(TriggerField *fields, int nfields,
											  TriggerPaging paging,
											  const char *rows_member,
											  const char *table);
extern TriggerRows *trigger_decode(TriggerDecoder *decoder, char *body,
								   size_t len, const char *source);
extern bool trigger_decode_document(TriggerField *field, const char *table,
									char *body, size_t len,
									const char *source, Datum *value);

#endif							/* TRIGGER_ROWS_H */
