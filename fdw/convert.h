/*-------------------------------------------------------------------------
 *
 * convert.h
 *		One JSON value to one Datum.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_CONVERT_H
#define TRIGGER_CONVERT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "json_reader.h"
#include "rows.h"

extern TriggerConversion trigger_conversion_for(Oid type);
extern bool trigger_convert(TriggerJson *json, TriggerField *field,
							Datum *value);
extern bool trigger_parse_timestamp(const char *s, size_t len,
									TimestampTz *result);

#endif							/* TRIGGER_CONVERT_H */
