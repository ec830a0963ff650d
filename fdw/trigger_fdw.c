/*-------------------------------------------------------------------------
 *
 * trigger_fdw.c
 *		Entry points of the extension.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "explain.h"
#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "import.h"
#include "modify.h"
#include "option.h"
#include "plan.h"
#include "scan.h"
#include "utils/guc.h"
#include "written.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(trigger_fdw_handler);

extern void _PG_init(void);

/*
 * Library load: only settings.  libcurl is set up by the first request; the
 * library may be preloaded by the postmaster, and many sessions never ask
 * the API anything.
 */
void
_PG_init(void)
{
	trigger_define_settings();
	trigger_define_written_settings();
	MarkGUCPrefixReserved("trigger_fdw");
}

/*
 * The table of callbacks.
 */
Datum
trigger_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = trigger_get_rel_size;
	routine->GetForeignPaths = trigger_get_paths;
	routine->GetForeignPlan = trigger_get_plan;
	routine->BeginForeignScan = trigger_begin_scan;
	routine->IterateForeignScan = trigger_iterate_scan;
	routine->ReScanForeignScan = trigger_rescan;
	routine->EndForeignScan = trigger_end_scan;
	routine->ExplainForeignScan = trigger_explain_scan;
	routine->ImportForeignSchema = trigger_import_schema;
	trigger_set_modify_callbacks(routine);

	PG_RETURN_POINTER(routine);
}
