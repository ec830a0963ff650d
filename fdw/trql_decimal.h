/*-------------------------------------------------------------------------
 *
 * trql_decimal.h
 *		Values of type numeric, as the query engine reads them.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_DECIMAL_H
#define TRIGGER_TRQL_DECIMAL_H

#include "postgres.h"

extern char *trql_whole_literal(Datum value, bool exact);
extern char *trql_decimal_literal(Datum value, int digits, int scale, bool exact);

#endif							/* TRIGGER_TRQL_DECIMAL_H */
