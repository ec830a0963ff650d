/*-------------------------------------------------------------------------
 *
 * compat.h
 *		Every difference between PostgreSQL's major versions, in one place.
 *
 * The extension is developed and tested against PostgreSQL 15.  The branches
 * for other versions follow their headers.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#ifndef TRIGGER_COMPAT_H
#define TRIGGER_COMPAT_H

#include "postgres.h"

#include "utils/memutils.h"

#if PG_VERSION_NUM < 150000
#error trigger_fdw needs PostgreSQL 15 or later
#endif

/* A wait event of our own since 17, the general one before. */
#if PG_VERSION_NUM >= 170000
#include "utils/wait_event.h"
#define TRIGGER_WAIT_EVENT_NEW(name) WaitEventExtensionNew(name)
#else
#include "utils/wait_event.h"
#define TRIGGER_WAIT_EVENT_NEW(name) ((uint32) PG_WAIT_EXTENSION)
#endif

/* Since 17 a wait event set belongs to a resource owner, or to nobody. */
#if PG_VERSION_NUM >= 170000
#define TRIGGER_CREATE_WAIT_EVENT_SET(n) CreateWaitEventSet(NULL, n)
#else
#define TRIGGER_CREATE_WAIT_EVENT_SET(n) \
	CreateWaitEventSet(TopMemoryContext, n)
#endif

/* The user whose mapping a scan uses. */
#if PG_VERSION_NUM >= 160000
#define TRIGGER_SCAN_USER(node, rte) \
	(OidIsValid(((ForeignScan *) (node)->ss.ps.plan)->checkAsUser) ? \
	 ((ForeignScan *) (node)->ss.ps.plan)->checkAsUser : GetUserId())
#define TRIGGER_REL_USER(root, rel) \
	(OidIsValid((rel)->userid) ? (rel)->userid : GetUserId())
#else
#define TRIGGER_SCAN_USER(node, rte) \
	(OidIsValid((rte)->checkAsUser) ? (rte)->checkAsUser : GetUserId())
#define TRIGGER_REL_USER(root, rel) \
	(OidIsValid(planner_rt_fetch((rel)->relid, root)->checkAsUser) ? \
	 planner_rt_fetch((rel)->relid, root)->checkAsUser : GetUserId())
#endif

/* ForeignPath grew fdw_restrictinfo in 17 and disabled_nodes in 18. */
#if PG_VERSION_NUM >= 180000
#define TRIGGER_FOREIGN_PATH(root, rel, rows, startup, total, keys, outer, priv) \
	create_foreignscan_path(root, rel, NULL, rows, 0, startup, total, keys, \
							outer, NULL, NIL, priv)
#elif PG_VERSION_NUM >= 170000
#define TRIGGER_FOREIGN_PATH(root, rel, rows, startup, total, keys, outer, priv) \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, keys, \
							outer, NULL, NIL, priv)
#else
#define TRIGGER_FOREIGN_PATH(root, rel, rows, startup, total, keys, outer, priv) \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, keys, \
							outer, NULL, priv)
#endif

/* The same for what is above a scan. */
#if PG_VERSION_NUM >= 180000
#define TRIGGER_UPPER_PATH(root, rel, target, rows, startup, total, keys, priv) \
	create_foreign_upper_path(root, rel, target, rows, 0, startup, total, keys, \
							  NULL, NIL, priv)
#elif PG_VERSION_NUM >= 170000
#define TRIGGER_UPPER_PATH(root, rel, target, rows, startup, total, keys, priv) \
	create_foreign_upper_path(root, rel, target, rows, startup, total, keys, \
							  NULL, NIL, priv)
#else
#define TRIGGER_UPPER_PATH(root, rel, target, rows, startup, total, keys, priv) \
	create_foreign_upper_path(root, rel, target, rows, startup, total, keys, \
							  NULL, priv)
#endif

/* Paths count what was switched off since 18. */
#if PG_VERSION_NUM >= 180000
#define TRIGGER_PATH_DISABLED_AS(path, other) \
	((path).disabled_nodes = (other).disabled_nodes)
#else
#define TRIGGER_PATH_DISABLED_AS(path, other) ((void) 0)
#endif

/*
 * Since 16 a Var above an outer join differs from the same one below it, and
 * the expressions of a custom scan must not have both.
 */
#if PG_VERSION_NUM >= 160000
#define TRIGGER_HAS_OUTER_JOINS(root) (!bms_is_empty((root)->outer_join_rels))
#else
#define TRIGGER_HAS_OUTER_JOINS(root) false
#endif

/* make_canonical_pathkey()'s way of saying "descending". */
#if PG_VERSION_NUM >= 180000
#define TRIGGER_PATHKEY_IS_DESC(pk) ((pk)->pk_cmptype == COMPARE_GT)
#else
#define TRIGGER_PATHKEY_IS_DESC(pk) ((pk)->pk_strategy == BTGreaterStrategyNumber)
#endif

/* An array's length can be estimated from statistics since 17. */
#if PG_VERSION_NUM >= 170000
#define TRIGGER_ARRAY_LENGTH(root, node) estimate_array_length(root, node)
#else
#define TRIGGER_ARRAY_LENGTH(root, node) ((double) estimate_array_length(node))
#endif

/* Privileges of any object are checked by one function since 16. */
#if PG_VERSION_NUM >= 160000
#define TRIGGER_SERVER_ACLCHECK(oid) \
	object_aclcheck(ForeignServerRelationId, oid, GetUserId(), ACL_USAGE)
#else
#define TRIGGER_SERVER_ACLCHECK(oid) \
	pg_foreign_server_aclcheck(oid, GetUserId(), ACL_USAGE)
#endif

/* Set-returning functions got a helper in 15, renamed in 16. */
#if PG_VERSION_NUM >= 160000
#define TRIGGER_INIT_SET(fcinfo) InitMaterializedSRF(fcinfo, 0)
#define TRIGGER_INIT_SET_SCALAR(fcinfo) \
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC)
#else
#define TRIGGER_INIT_SET(fcinfo) SetSingleFuncCall(fcinfo, 0)
#define TRIGGER_INIT_SET_SCALAR(fcinfo) \
	SetSingleFuncCall(fcinfo, SRF_SINGLE_USE_EXPECTED)
#endif

/* Whose privileges, and which columns: moved out of the range table in 16. */
#if PG_VERSION_NUM >= 160000
#define TRIGGER_RESULT_USER(info, estate, rte) \
	ExecGetResultRelCheckAsUser(info, estate)
#define TRIGGER_INSERTED_COLUMNS(root, rte) \
	(getRTEPermissionInfo((root)->parse->rteperminfos, rte)->insertedCols)
#define TRIGGER_EXEC_INSERTED_COLUMNS(estate, rte) \
	(getRTEPermissionInfo((estate)->es_rteperminfos, rte)->insertedCols)
#else
#define TRIGGER_RESULT_USER(info, estate, rte) \
	(OidIsValid((rte)->checkAsUser) ? (rte)->checkAsUser : GetUserId())
#define TRIGGER_INSERTED_COLUMNS(root, rte) ((rte)->insertedCols)
#define TRIGGER_EXEC_INSERTED_COLUMNS(estate, rte) ((rte)->insertedCols)
#endif

/* A setting's own record, which knows who has set it. */
#include "utils/guc_tables.h"
#if PG_VERSION_NUM >= 160000
#define TRIGGER_FIND_SETTING(name) find_option(name, false, true, 0)
#else
static inline struct config_generic *
trigger_find_setting(const char *name)
{
	struct config_generic **all = get_guc_variables();

	for (int i = 0; i < GetNumConfigOptions(); i++)
	{
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	}
	return NULL;
}
#define TRIGGER_FIND_SETTING(name) trigger_find_setting(name)
#endif

/* This backend's transaction. */
#if PG_VERSION_NUM >= 170000
#define TRIGGER_LOCAL_XID (MyProc->vxid.lxid)
#else
#define TRIGGER_LOCAL_XID (MyProc->lxid)
#endif

/* Details of what is wrong with a date came in 16. */
#if PG_VERSION_NUM >= 160000
#define TRIGGER_DECODE_DATETIME(field, ftype, nf, dtype, tm, fsec, tz) \
	DecodeDateTime(field, ftype, nf, dtype, tm, fsec, tz, \
				   &(DateTimeErrorExtra) {0})
#else
#define TRIGGER_DECODE_DATETIME(field, ftype, nf, dtype, tm, fsec, tz) \
	DecodeDateTime(field, ftype, nf, dtype, tm, fsec, tz)
#endif

/* EXPLAIN's headers were split in 18. */
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

#endif							/* TRIGGER_COMPAT_H */
