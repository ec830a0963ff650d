/*-------------------------------------------------------------------------
 *
 * async.h
 *		Several scans of one Append at once.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_ASYNC_H
#define TRIGGER_ASYNC_H

#include "postgres.h"

#include "foreign/fdwapi.h"

extern void trigger_set_async_callbacks(FdwRoutine *routine);

#endif							/* TRIGGER_ASYNC_H */
