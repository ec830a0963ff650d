/*-------------------------------------------------------------------------
 *
 * modify.h
 *		Execution of INSERT, UPDATE and DELETE.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_MODIFY_H
#define TRIGGER_MODIFY_H

#include "postgres.h"

#include "foreign/fdwapi.h"

extern void trigger_set_modify_callbacks(FdwRoutine *routine);

#endif							/* TRIGGER_MODIFY_H */
