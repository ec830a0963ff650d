/*-------------------------------------------------------------------------
 *
 * document.h
 *		Values that the API keeps in object storage.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_DOCUMENT_H
#define TRIGGER_DOCUMENT_H

#include "postgres.h"

#include "fetch.h"

extern bool trigger_document_read(TriggerHttp *http, const TriggerTarget *target,
								  const char *url, TriggerField *field,
								  const char *table, TriggerFetchStats *stats,
								  Datum *value);

#endif							/* TRIGGER_DOCUMENT_H */
