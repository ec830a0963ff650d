/*-------------------------------------------------------------------------
 *
 * import.h
 *		IMPORT FOREIGN SCHEMA.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_IMPORT_H
#define TRIGGER_IMPORT_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern List *trigger_import_schema(ImportForeignSchemaStmt *stmt, Oid serverid);

#endif							/* TRIGGER_IMPORT_H */
