/*-------------------------------------------------------------------------
 *
 * trql_value.h
 *		Values of a query, as the query engine reads them.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_VALUE_H
#define TRIGGER_TRQL_VALUE_H

#include "postgres.h"

#include "bind.h"
#include "trql_deparse.h"

extern char *trql_text_literal(const char *value);
extern char *trql_time_literal(const char *utc, int precision);
extern char *trql_fill(const char *text, List *kinds, const TriggerValue *values);

#endif							/* TRIGGER_TRQL_VALUE_H */
