/*-------------------------------------------------------------------------
 *
 * written.h
 *		What a statement has written, should it fail later.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_WRITTEN_H
#define TRIGGER_WRITTEN_H

#include "postgres.h"

typedef struct TriggerWritten TriggerWritten;

extern TriggerWritten *trigger_written_begin(const char *table);
extern void trigger_written_add(TriggerWritten *written, const char *name);
extern void trigger_written_end(TriggerWritten *written);
extern void trigger_written_context(void *written);
extern void trigger_written_told(TriggerWritten *written);
extern void trigger_warn_in_transaction(void);
extern void trigger_define_written_settings(void);

#endif							/* TRIGGER_WRITTEN_H */
