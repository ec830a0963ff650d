/*-------------------------------------------------------------------------
 *
 * written.c
 *		What a statement has written, should it fail later.
 *
 * Writes take effect at once and cannot be rolled back, so whoever gets an
 * error must learn what was done before it.  Where a write itself fails, the
 * error's context says so.  Where something else does (a division by zero in
 * the SELECT that feeds an INSERT), the error knows nothing of us; then a
 * warning follows when the transaction or subtransaction is aborted.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "written.h"

#include "access/xact.h"
#include "compat.h"
#include "lib/stringinfo.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* Rows that are named; the others are counted. */
#define MAX_NAMES		100

struct TriggerWritten
{
	TriggerWritten *next;
	SubTransactionId subid;
	char	   *table;
	uint64		rows;
	StringInfoData names;
	bool		told;			/* an error has said it */
};

/* Statements that are running, in TopTransactionContext. */
static TriggerWritten *running = NULL;

/* GUC trigger_fdw.warn_in_transaction, and where it last did. */
static bool warn_in_transaction = true;
static LocalTransactionId warned_in = InvalidLocalTransactionId;

/*
 * The statement failed without a word about what it had written.
 */
static void
warn_about(TriggerWritten *written)
{
	if (written->rows == 0 || written->told)
		return;
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("the statement that failed had written " UINT64_FORMAT " rows of foreign table \"%s\"",
					written->rows, written->table),
			 errdetail("They stay so: %s.", written->names.data)));
}

/*
 * End of the transaction: its memory goes away.
 */
static void
at_xact_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
			for (TriggerWritten *written = running; written; written = written->next)
				warn_about(written);
			running = NULL;
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PREPARE:
			running = NULL;
			break;
		default:
			break;
	}
}

/*
 * End of a subtransaction: statements that began in it have failed, or now
 * belong to its parent.
 */
static void
at_subxact_end(SubXactEvent event, SubTransactionId subid,
			   SubTransactionId parent, void *arg)
{
	TriggerWritten **link = &running;

	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	while (*link)
	{
		TriggerWritten *written = *link;

		if (written->subid != subid)
			link = &written->next;
		else if (event == SUBXACT_EVENT_COMMIT_SUB)
		{
			written->subid = parent;
			link = &written->next;
		}
		else
		{
			warn_about(written);
			*link = written->next;
		}
	}
}

/*
 * A statement begins to write to a table.
 */
TriggerWritten *
trigger_written_begin(const char *table)
{
	static bool registered = false;
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	TriggerWritten *written = palloc0(sizeof(TriggerWritten));

	if (!registered)
	{
		RegisterXactCallback(at_xact_end, NULL);
		RegisterSubXactCallback(at_subxact_end, NULL);
		registered = true;
	}
	written->table = pstrdup(table);
	written->subid = GetCurrentSubTransactionId();
	initStringInfo(&written->names);
	written->next = running;
	running = written;
	MemoryContextSwitchTo(old);
	return written;
}

/*
 * A row was written.
 */
void
trigger_written_add(TriggerWritten *written, const char *name)
{
	if (written->rows < MAX_NAMES)
		appendStringInfo(&written->names, "%s%s",
						 written->names.len ? ", " : "", name);
	else if (written->rows == MAX_NAMES)
		appendStringInfoString(&written->names, ", ...");
	written->rows++;
}

/*
 * The statement is done with writing.
 */
void
trigger_written_end(TriggerWritten *written)
{
	for (TriggerWritten **link = &running; *link; link = &(*link)->next)
	{
		if (*link == written)
		{
			*link = written->next;
			return;
		}
	}
}

/*
 * An ErrorContextCallback: what was written before the write that fails.
 */
void
trigger_written_context(void *arg)
{
	TriggerWritten *written = (TriggerWritten *) arg;

	if (written->rows > 0)
		errcontext("foreign table \"%s\": " UINT64_FORMAT " rows were written before and stay so: %s",
				   written->table, written->rows, written->names.data);
}

/*
 * An error has been raised with that context: no warning is needed.
 */
void
trigger_written_told(TriggerWritten *written)
{
	written->told = true;
}

/*
 * Say once in a transaction block what it cannot do.
 */
void
trigger_warn_in_transaction(void)
{
	if (!warn_in_transaction || !IsTransactionBlock() ||
		warned_in == TRIGGER_LOCAL_XID)
		return;
	warned_in = TRIGGER_LOCAL_XID;
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("writes to the Trigger.dev API take effect at once"),
			 errdetail("ROLLBACK does not undo them."),
			 errhint("Set trigger_fdw.warn_in_transaction to off to suppress this warning.")));
}

/*
 * Define the settings of writes; from _PG_init.
 */
void
trigger_define_written_settings(void)
{
	DefineCustomBoolVariable("trigger_fdw.warn_in_transaction",
							 "Warn once in a transaction block that writes to the API cannot be rolled back.",
							 NULL, &warn_in_transaction, true, PGC_USERSET, 0,
							 NULL, NULL, NULL);
}
