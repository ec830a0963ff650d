/*-------------------------------------------------------------------------
 *
 * trql_combine.h
 *		What is computed here from several fields of an answer's row.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_COMBINE_H
#define TRIGGER_TRQL_COMBINE_H

#include "postgres.h"

#include "trql_query.h"

extern Datum trql_combine(TrqlCombination combination, const Datum *values,
						  const bool *nulls, Datum argument, Oid type, bool *isnull);

#endif							/* TRIGGER_TRQL_COMBINE_H */
