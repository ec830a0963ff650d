/*-------------------------------------------------------------------------
 *
 * function.h
 *		What SQL functions share.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_FUNCTION_H
#define TRIGGER_FUNCTION_H

#include "postgres.h"

#include "foreign/foreign.h"

extern ForeignServer *trigger_function_server(Name name);

#endif							/* TRIGGER_FUNCTION_H */
