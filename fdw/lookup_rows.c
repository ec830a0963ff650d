/*-------------------------------------------------------------------------
 *
 * lookup_rows.c
 *		Keys that were looked up, and the rows that were found.
 *
 * How large a row is, is known only when it has come: a batch that fits into
 * memory by any estimate may have payloads of many megabytes.  So rows beyond
 * work_mem go to a temporary file, and are read from it when their turn comes.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "lookup_rows.h"

#include "access/htup_details.h"
#include "commands/tablespace.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

struct TriggerLookupRow
{
	TriggerLookupRow *next;
	MinimalTuple tuple;			/* NULL: it is in the file */
	int			fileno;
	off_t		offset;
};

struct TriggerLookupEntry
{
	text	   *key;
	bool		closed;			/* its rows are complete */
	TriggerLookupRow *first;	/* in the order of their arrival */
	TriggerLookupRow *last;
};

typedef struct KeySlot
{
	text	   *key;
	TriggerLookupEntry *entry;
	uint32		hash;
	char		status;
} KeySlot;

/*
 * Equality of keys is that of their bytes: no other is looked up by.
 */
static uint32
hash_key(const text *key)
{
	return hash_bytes((const unsigned char *) VARDATA_ANY(key),
					  VARSIZE_ANY_EXHDR(key));
}

/*
 * The same bytes?
 */
static bool
equal_keys(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

#define SH_PREFIX keys
#define SH_ELEMENT_TYPE KeySlot
#define SH_KEY_TYPE text *
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_key(key)
#define SH_EQUAL(table, a, b) equal_keys(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, slot) (slot)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct TriggerLookupRows
{
	MemoryContext context;		/* of everything but this */
	ResourceOwner owner;		/* of the file */
	keys_hash  *table;			/* NULL: empty */
	List	   *open;			/* entries that rows may come for */
	BufFile    *file;			/* NULL: none */
	int			end_fileno;		/* where the next row goes */
	off_t		end_offset;
};

/*
 * Make an empty set.  It lives in "parent"; its file must be closed by
 * trigger_lookup_rows_clear(), or is by the transaction's end.
 */
TriggerLookupRows *
trigger_lookup_rows_create(MemoryContext parent)
{
	TriggerLookupRows *rows = MemoryContextAllocZero(parent,
													 sizeof(TriggerLookupRows));

	rows->context = AllocSetContextCreate(parent, "trigger_fdw look-ups",
										  ALLOCSET_DEFAULT_SIZES);
	rows->owner = CurrentResourceOwner;
	return rows;
}

/*
 * Forget everything.
 */
void
trigger_lookup_rows_clear(TriggerLookupRows *rows)
{
	if (rows->file)
		BufFileClose(rows->file);
	rows->file = NULL;
	rows->table = NULL;
	rows->open = NIL;
	MemoryContextReset(rows->context);
}

/*
 * Does the memory not suffice for more?
 */
bool
trigger_lookup_rows_full(const TriggerLookupRows *rows)
{
	return MemoryContextMemAllocated(rows->context, true) > work_mem * (Size) 1024;
}

/*
 * Did rows have to go to a file?
 */
bool
trigger_lookup_rows_spilled(const TriggerLookupRows *rows)
{
	return rows->file != NULL;
}

/*
 * The entry of a key, a text; a new one is open.
 */
TriggerLookupEntry *
trigger_lookup_rows_add(TriggerLookupRows *rows, Datum key, bool *is_new)
{
	text	   *detoasted = DatumGetTextPP(key);
	bool		found;
	KeySlot    *slot;
	MemoryContext old = MemoryContextSwitchTo(rows->context);

	if (rows->table == NULL)
		rows->table = keys_create(rows->context, 64, NULL);
	slot = keys_insert(rows->table, detoasted, &found);
	if (!found)
	{
		/* the hash table moves its slots, so entries are not in them */
		slot->entry = palloc0(sizeof(TriggerLookupEntry));
		slot->entry->key = palloc(VARSIZE_ANY(detoasted));
		memcpy(slot->entry->key, detoasted, VARSIZE_ANY(detoasted));
		slot->key = slot->entry->key;
		rows->open = lappend(rows->open, slot->entry);
	}
	MemoryContextSwitchTo(old);
	*is_new = !found;
	return slot->entry;
}

/*
 * The open entry of a key, NULL if there is none.
 */
TriggerLookupEntry *
trigger_lookup_rows_find(TriggerLookupRows *rows, Datum key)
{
	KeySlot    *slot = rows->table ?
		keys_lookup(rows->table, DatumGetTextPP(key)) : NULL;

	return slot && !slot->entry->closed ? slot->entry : NULL;
}

/*
 * An entry's key; it lives as long as the entry.
 */
Datum
trigger_lookup_entry_key(const TriggerLookupEntry *entry)
{
	return PointerGetDatum(entry->key);
}

/*
 * All rows of the open entries have come.
 */
void
trigger_lookup_rows_close(TriggerLookupRows *rows)
{
	ListCell   *cell;

	foreach(cell, rows->open)
		((TriggerLookupEntry *) lfirst(cell))->closed = true;
	list_free(rows->open);
	rows->open = NIL;
}

/*
 * Write a row to the end of the file.
 */
static void
write_row(TriggerLookupRows *rows, TriggerLookupRow *row, MinimalTuple tuple)
{
	if (rows->file == NULL)
	{
		ResourceOwner old = CurrentResourceOwner;

		PrepareTempTablespaces();
		CurrentResourceOwner = rows->owner;
		rows->file = BufFileCreateTemp(false);
		CurrentResourceOwner = old;
		BufFileTell(rows->file, &rows->end_fileno, &rows->end_offset);
	}
	else if (BufFileSeek(rows->file, rows->end_fileno, rows->end_offset,
						 SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in temporary file of looked-up rows")));
	row->fileno = rows->end_fileno;
	row->offset = rows->end_offset;
	BufFileWrite(rows->file, tuple, tuple->t_len);
	BufFileTell(rows->file, &rows->end_fileno, &rows->end_offset);
}

/*
 * Add a row to an entry.
 */
void
trigger_lookup_rows_put(TriggerLookupRows *rows, TriggerLookupEntry *entry,
						TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(rows->context);
	TriggerLookupRow *row = palloc0(sizeof(TriggerLookupRow));
	bool		should_free;

	if (!trigger_lookup_rows_full(rows))
		row->tuple = ExecCopySlotMinimalTuple(slot);
	else
	{
		MinimalTuple tuple = ExecFetchSlotMinimalTuple(slot, &should_free);

		write_row(rows, row, tuple);
		if (should_free)
			pfree(tuple);
	}
	MemoryContextSwitchTo(old);

	if (entry->last)
		entry->last->next = row;
	else
		entry->first = row;
	entry->last = row;
}

/*
 * An entry's first row, NULL if there is none.
 */
TriggerLookupRow *
trigger_lookup_entry_first(const TriggerLookupEntry *entry)
{
	return entry->first;
}

/*
 * The row after another of the same key, NULL if there is none.
 */
TriggerLookupRow *
trigger_lookup_row_next(const TriggerLookupRow *row)
{
	return row->next;
}

/*
 * Read from the file.
 */
static void
read_file(TriggerLookupRows *rows, void *to, size_t size)
{
	if (BufFileRead(rows->file, to, size) != size)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read from temporary file of looked-up rows")));
}

/*
 * Put a row into a slot of minimal tuples, which owns what was read from the
 * file.
 */
void
trigger_lookup_row_load(TriggerLookupRows *rows, const TriggerLookupRow *row,
						TupleTableSlot *slot)
{
	MinimalTuple tuple;
	uint32		length;
	MemoryContext old;

	if (row->tuple)
	{
		ExecStoreMinimalTuple(row->tuple, slot, false);
		return;
	}
	if (BufFileSeek(rows->file, row->fileno, row->offset, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in temporary file of looked-up rows")));
	read_file(rows, &length, sizeof(length));
	old = MemoryContextSwitchTo(slot->tts_mcxt);
	tuple = palloc(length);
	MemoryContextSwitchTo(old);
	tuple->t_len = length;
	read_file(rows, (char *) tuple + sizeof(length), length - sizeof(length));
	ExecStoreMinimalTuple(tuple, slot, true);
}
