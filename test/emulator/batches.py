"""Batches: runs that are triggered together, at once or in two phases."""

import exact_json
from jsontext import iso
from routes_trigger import note_trigger
from run_status import FINAL
from triggering import Trigger, TriggerError, Triggering
from write_state import Origin

MAX_ITEM = 3145728
RESULT_ERROR = {"type": "INTERNAL_ERROR", "code": "TASK_RUN_CANCELLED"}


class Batch:
    """One batch. `items` maps indexes to what arrived; runs are in the order of creation."""

    def __init__(self, batch_id, environment, run_count, now, key=None, two_phase=False):
        self.id = batch_id
        self.environment = environment
        self.run_count = run_count
        self.created_at = now
        self.updated_at = now
        # shown as it is; of v1 and v2 batches the header's key
        self.key = key
        self.key_expires_at = None
        self.two_phase = two_phase
        self.status = "PENDING"
        self.sealed = not two_phase
        self.items = {}
        self.run_ids = []
        self.results = []
        self.errors = []
        self.processed_at = None
        self.created_runs = 0

    def refresh(self, now):
        """Complete the batch when all of its runs have ended (seen when somebody looks)."""
        if self.status != "PENDING" or not self.run_ids or len(self.run_ids) < self.run_count:
            return
        table = self.environment.runs
        runs = [table.find(run_id) for run_id in self.run_ids]
        if all(run is None or run.status in FINAL for run in runs):
            self.status, self.updated_at = "COMPLETED", now

    def _head(self):
        shown = {"id": self.id, "status": self.status}
        if self.key is not None:
            shown["idempotencyKey"] = self.key
        shown["createdAt"] = iso(self.created_at)
        shown["updatedAt"] = iso(self.updated_at)
        return shown

    def shown(self):
        """Return the body of the older retrieve endpoint."""
        shown = self._head()
        shown.update(runCount=self.run_count, runs=list(self.run_ids))
        if self.two_phase and self.processed_at is not None:
            shown["successfulRunCount"] = self.created_runs
            shown["failedRunCount"] = len(self.errors)
        if self.errors:
            shown["errors"] = self.errors
        return shown

    def shown_v2(self):
        """Return the body of the newer retrieve endpoint."""
        shown = self._head()
        if self.processed_at is not None:
            shown["processingCompletedAt"] = iso(self.processed_at)
        shown.update(runCount=self.run_count, runs=list(self.run_ids))
        shown["processing"] = {"errors": self.errors}
        if self.processed_at is not None:
            shown["processing"] = {"completedAt": iso(self.processed_at), "errors": self.errors}
        return shown

    def hidden(self):
        """Return what the oracle adds."""
        return {"sealed": self.sealed, "arrived": sorted(self.items),
                "processed": self.processed_at is not None,
                "results": self.results}


class Batching:
    """Creates batches and triggers their items."""

    def __init__(self, world):
        self.world = world

    def add(self, request, environment, run_count, key=None, two_phase=False):
        """Create a batch and log it."""
        writes = self.world.writes
        batch = Batch("batch_" + writes.new_id(), environment, run_count, self.world.now(), key,
                      two_phase)
        writes.batches[batch.id] = batch
        if key is not None:
            writes.batch_keys[environment.id, key] = batch
        writes.note(request, "batch.create", environment, [batch.id], key=key,
                    runCount=run_count)
        return batch

    def find(self, environment, batch_id):
        """Return the environment's batch with this id, or None."""
        batch = self.world.writes.batches.get(batch_id)
        if batch is None or batch.environment is not environment:
            return None
        batch.refresh(self.world.now())
        return batch

    def trigger_item(self, origin, batch, index, task, item):
        """Trigger one item; returns (run, cached), raises TriggerError."""
        trigger = Trigger.of_item(task, item, batch_id=batch.id, function="batchTrigger")
        run, cached = Triggering(self.world).call(batch.environment, trigger)
        batch.run_ids.append(run.id)
        batch.created_runs += 1
        batch.updated_at = self.world.now()
        batch.results.append({"index": index, "id": run.id, "isCached": cached})
        if not cached:
            note_trigger(self.world, origin, batch.environment, run, trigger, batch=batch.id,
                         index=index)
        return run, cached

    def process_later(self, request, batch):
        """Turn the items into runs after the configured time."""
        origin = Origin(request)
        self.world.writes.after(self.world.settings.batch_item_ms,
                                lambda: self._process(origin, batch))

    def _process(self, origin, batch):
        for index in sorted(batch.items):
            item = batch.items[index]
            try:
                if item.get("tooLarge"):
                    raise TriggerError(413, item["tooLarge"])
                self.trigger_item(origin, batch, index, item["task"], item)
            except TriggerError as problem:
                batch.errors.append({"index": index, "taskIdentifier": item["task"],
                                     "error": problem.message, "errorCode": "TRIGGER_ERROR"})
        now = self.world.now()
        batch.updated_at = now
        if batch.two_phase:
            batch.processed_at = now
        batch.status = "PENDING"
        if batch.errors:
            batch.status = "PARTIAL_FAILED" if batch.created_runs else "ABORTED"
        self.world.writes.note(origin, "batch.processed", batch.environment, [batch.id],
                               runs=list(batch.run_ids), failed=len(batch.errors))


def too_large(size):
    """Return the error of an item that exceeds the limit."""
    return ("Batch item payload is too large (%.1f KB). Maximum allowed size is %.1f KB. Reduce "
            "the payload size or offload large data to external storage."
            % (size / 1024, MAX_ITEM / 1024))


def oracle_rows(world, environment):
    """Yield the environment's batches, oldest first, with what the API does not show."""
    for batch in world.writes.batches.values():
        if batch.environment is environment:
            batch.refresh(world.now())
            yield exact_json.write({**batch.shown_v2(), "_": batch.hidden()})
