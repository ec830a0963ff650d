/*-------------------------------------------------------------------------
 *
 * async.c
 *		Several scans of one Append at once.
 *
 * The Append asks each scan for a row; a scan that has none without waiting
 * says so, and the Append waits for all of those together, on the descriptor
 * of each one's connection.
 *
 * Scans of one server share a connection, and whichever serves it does so for
 * all of them.  So one of them has the descriptor watched (it must not be in
 * the set twice), and when it tells, all of them are tried.  And what was
 * there already must not be waited for: the descriptor would not tell again.
 *
 * The Append of some versions does not notice a cancel while it waits, so the
 * descriptor tells every now and then without a reason.
 *
 * Portions Copyright (c) 2026, trigger_fdw contributors
 *
 *-------------------------------------------------------------------------
 */
#include "async.h"

#include "executor/execAsync.h"
#include "executor/instrument.h"
#include "http.h"
#include "nodes/execnodes.h"
#include "scan.h"
#include "storage/latch.h"
#include "trql_plan.h"

/* Milliseconds that an Append waits at a time. */
#define TICK	50

/*
 * IsForeignPathAsyncCapable: any scan of a list is.  Queries are run one at a
 * time, because the API refuses more than a few of a project.
 */
static bool
is_async_capable(ForeignPath *path)
{
	return !trql_is_path(path);
}

/*
 * The connection that a request's scan uses.
 */
static TriggerHttp *
request_http(const AsyncRequest *areq)
{
	return trigger_scan_http((ForeignScanState *) areq->requestee);
}

/*
 * Is a request one of ours that waits?
 */
static bool
is_waiting(const AsyncRequest *areq)
{
	ForeignScanState *node = (ForeignScanState *) areq->requestee;

	return areq->callback_pending && IsA(node, ForeignScanState) &&
		node->fdwroutine->IsForeignPathAsyncCapable == is_async_capable;
}

/*
 * Get a row, the end, or neither.
 */
static void
produce(AsyncRequest *areq)
{
	TupleTableSlot *slot = areq->requestee->ExecProcNodeReal(areq->requestee);

	if (TupIsNull(slot) &&
		trigger_scan_waits((ForeignScanState *) areq->requestee))
		ExecAsyncRequestPending(areq);
	else
		ExecAsyncRequestDone(areq, slot);
}

/*
 * Try a request that waits, outside of the callbacks that the executor would
 * deliver a result of.  False if it still waits.
 */
static bool
try_waiting(AsyncRequest *areq)
{
	areq->callback_pending = false;
	produce(areq);
	if (!areq->request_complete)
		return false;
	ExecAsyncResponse(areq);
	if (areq->requestee->instrument)
		InstrUpdateTupleCount(areq->requestee->instrument,
							  TupIsNull(areq->result) ? 0.0 : 1.0);
	return true;
}

/*
 * ForeignAsyncRequest: the next row, if there is one.
 */
static void
async_request(AsyncRequest *areq)
{
	produce(areq);
}

/*
 * ForeignAsyncConfigureWait: put the connection's descriptor into the set
 * that the Append is going to wait for.
 */
static void
async_configure_wait(AsyncRequest *areq)
{
	AppendState *append = (AppendState *) areq->requestor;
	bool		done = try_waiting(areq);
	bool		others = false;
	int			i = -1;

	while ((i = bms_next_member(append->as_asyncplans, i)) >= 0)
	{
		AsyncRequest *other = append->as_asyncrequests[i];

		if (other == areq || !is_waiting(other))
			continue;
		if (done)
		{
			/* there is a row: any descriptor must end the wait at once */
			trigger_http_wake(request_http(other), 0);
			others = true;
		}
		else if (i < areq->request_index &&
				 request_http(other) == request_http(areq))
			return;				/* it is in the set */
	}
	if (others)
		return;
	trigger_http_wake(request_http(areq), done ? 0 : TICK);
	AddWaitEventToSet(append->as_eventset, WL_SOCKET_READABLE,
					  trigger_http_fd(request_http(areq)), NULL, areq);
}

/*
 * ForeignAsyncNotify: the descriptor has told.
 */
static void
async_notify(AsyncRequest *areq)
{
	AppendState *append = (AppendState *) areq->requestor;
	TriggerHttp *http = request_http(areq);
	int			i = -1;

	trigger_http_poll(http);
	produce(areq);
	while ((i = bms_next_member(append->as_asyncplans, i)) >= 0)
	{
		AsyncRequest *other = append->as_asyncrequests[i];

		if (other != areq && is_waiting(other) && request_http(other) == http)
			(void) try_waiting(other);
	}
}

/*
 * Add our callbacks.
 */
void
trigger_set_async_callbacks(FdwRoutine *routine)
{
	routine->IsForeignPathAsyncCapable = is_async_capable;
	routine->ForeignAsyncRequest = async_request;
	routine->ForeignAsyncConfigureWait = async_configure_wait;
	routine->ForeignAsyncNotify = async_notify;
}
