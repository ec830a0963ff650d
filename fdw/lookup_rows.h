/*-------------------------------------------------------------------------
 *
 * lookup_rows.h
 *		Keys that were looked up, and the rows that were found.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_LOOKUP_ROWS_H
#define TRIGGER_LOOKUP_ROWS_H

#include "postgres.h"

#include "executor/tuptable.h"

/* All keys and rows; in memory up to work_mem, beyond that in a file. */
typedef struct TriggerLookupRows TriggerLookupRows;

/* A key. */
typedef struct TriggerLookupEntry TriggerLookupEntry;

/* A row of a key. */
typedef struct TriggerLookupRow TriggerLookupRow;

extern TriggerLookupRows *trigger_lookup_rows_create(MemoryContext parent);
extern void trigger_lookup_rows_clear(TriggerLookupRows *rows);
extern bool trigger_lookup_rows_full(const TriggerLookupRows *rows);
extern bool trigger_lookup_rows_spilled(const TriggerLookupRows *rows);
extern TriggerLookupEntry *trigger_lookup_rows_add(TriggerLookupRows *rows,
												   Datum key, bool *is_new);
extern TriggerLookupEntry *trigger_lookup_rows_find(TriggerLookupRows *rows,
													Datum key);
extern Datum trigger_lookup_entry_key(const TriggerLookupEntry *entry);
extern void trigger_lookup_rows_close(TriggerLookupRows *rows);
extern void trigger_lookup_rows_put(TriggerLookupRows *rows,
									TriggerLookupEntry *entry,
									TupleTableSlot *slot);
extern TriggerLookupRow *trigger_lookup_entry_first(const TriggerLookupEntry *entry);
extern TriggerLookupRow *trigger_lookup_row_next(const TriggerLookupRow *row);
extern void trigger_lookup_row_load(TriggerLookupRows *rows,
									const TriggerLookupRow *row,
									TupleTableSlot *slot);

#endif							/* TRIGGER_LOOKUP_ROWS_H */
