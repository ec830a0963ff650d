/*-------------------------------------------------------------------------
 *
 * trql_import.h
 *		IMPORT FOREIGN SCHEMA query.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_TRQL_IMPORT_H
#define TRIGGER_TRQL_IMPORT_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern List *trql_import_schema(ImportForeignSchemaStmt *stmt, Oid serverid);

#endif							/* TRIGGER_TRQL_IMPORT_H */
