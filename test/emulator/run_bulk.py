"""A million runs without storing one: every field is a pure function of the row's number.

Row 0 is the newest. The attributes that filters look at depend only on `number % CYCLE`
(and the batch id on `number // BATCH_SIZE`), so that a filtered page is found by arithmetic
over the matching residues instead of a scan.
"""

import bisect
import hashlib
import random

from jsontext import dumps, iso
from run_model import MACHINES, Run
from run_status import FLAGS, SHOWN

CYCLE = 4999
BATCH_SIZE = 10
STEP_MS = 2600
_MAX_RENDERED = 1000000

TASKS = ("send-email", "process-order", "generate-report", "hourly-sync", "daily-digest",
         "always-fails", "long-running", "resize-image")
_STATUSES = (("COMPLETED_SUCCESSFULLY",) * 780 + ("COMPLETED_WITH_ERRORS",) * 90
             + ("CRASHED",) * 20 + ("CANCELED",) * 30 + ("SYSTEM_FAILURE",) * 10
             + ("TIMED_OUT",) * 15 + ("EXPIRED",) * 15 + ("INTERRUPTED",) * 5
             + ("EXECUTING",) * 10 + ("RETRYING_AFTER_FAILURE",) * 5
             + ("WAITING_TO_RESUME",) * 7 + ("PAUSED",) * 3 + ("DEQUEUED",) * 3
             + ("PENDING",) * 5 + ("DELAYED",) * 5)
_QUEUED = frozenset(("PENDING", "DELAYED"))


class _Shape:
    """The attributes shared by all rows of one residue."""

    __slots__ = ("status", "task", "version", "tags", "tags_json", "queue", "machine", "region",
                 "is_test", "kind", "schedule_id", "error_id", "in_batch", "wait_ms", "run_ms",
                 "templates", "hidden_json")

    def __init__(self, rng):
        self.status = rng.choice(_STATUSES)
        self.task = rng.choice(TASKS)
        queued = self.status in _QUEUED
        self.version = None if queued else "2026%02d01.%d" % (rng.randint(1, 9), rng.randint(1, 4))
        tags = {"user:%d" % rng.randrange(200)}
        if rng.random() < 0.5:
            tags.add("plan:" + rng.choice(("free", "hobby", "pro")))
        if rng.random() < 0.02:
            tags.add("rare")
        self.tags = tuple(sorted(tags)) if rng.random() < 0.9 else ()
        self.tags_json = dumps(self.tags)
        self.queue = "emails" if self.task == "send-email" else "task/" + self.task
        self.machine = rng.choice(MACHINES)
        self.region = rng.choice(("us-east-1", "us-east-1", "eu-central-1"))
        self.is_test = rng.random() < 0.03
        scheduled = self.task in ("hourly-sync", "daily-digest")
        self.kind = "SCHEDULED" if scheduled else "STANDARD"
        self.schedule_id = "sched_bulk%03d" % rng.randrange(20) if scheduled else None
        failed = self.status in ("COMPLETED_WITH_ERRORS", "CRASHED", "SYSTEM_FAILURE")
        self.error_id = "error_%016x" % rng.randrange(8) if failed else None
        self.in_batch = rng.random() < 0.2
        self.wait_ms = rng.randrange(40, 3000)
        self.run_ms = 0 if queued or self.status == "EXPIRED" else rng.randrange(50, 20000)
        self.hidden_json = dumps({
            "status": self.status, "indexedAs": [self.status], "queue": self.queue,
            "machine": self.machine, "scheduleId": self.schedule_id, "bulkActionIds": [],
            "errorId": self.error_id})[1:-1]
        # per API version: the constant text of a list item, with places for what varies
        self.templates = [None, None]


class BulkRuns:
    """`count` evenly spaced runs, the newest `offset_ms` before `anchor_ms`."""

    def __init__(self, count, anchor_ms, seed, step_ms=STEP_MS):
        self.count = count
        self.newest = anchor_ms - 1000
        self.step = step_ms
        self.batch_size = BATCH_SIZE
        rng = random.Random(seed)
        self.shapes = [_Shape(rng) for _ in range(CYCLE)]
        self.env_json = "{}"
        # numbers of rows that were changed through the control interface and are stored
        # explicitly in the table instead
        self.replaced = set()
        self._residues = {}
        # rendered rows per API version; at 1,000,000 rows some 800 MB
        self._rendered = ({}, {})

    # -- identity -----------------------------------------------------------------------

    def created_at(self, number):
        return self.newest - number * self.step

    def key(self, number):
        """Return the order key of a row."""
        return (self.created_at(number), self.internal_id(number))

    @staticmethod
    def internal_id(number):
        scrambled = (number * 2654435761) & 0xFFFFFFFF
        return "cb%08x%08xbulkrun" % (number, scrambled)

    def number_of(self, run_id):
        """Return the row number that a run id belongs to, or None."""
        if not run_id.startswith("run_cb"):
            return None
        try:
            number = int(run_id[6:14], 16)
        except ValueError:
            return None
        known = number < self.count and "run_" + self.internal_id(number) == run_id
        return number if known and number not in self.replaced else None

    # -- order --------------------------------------------------------------------------

    def first_below(self, key):
        """Return the first number whose order key is strictly below `key`."""
        created, internal_id = key
        number = max(0, -(-(self.newest - created) // self.step))
        if number < self.count and self.created_at(number) == created:
            if not self.internal_id(number) < internal_id:
                number += 1
        return min(number, self.count)

    def matching(self, run_filter):
        """Return (sorted matching residues, first number, end number) for a filter."""
        residues = self._residues.get(run_filter.key)
        if residues is None:
            residues = [r for r, shape in enumerate(self.shapes) if run_filter.accepts_bulk(shape)]
            self._residues[run_filter.key] = residues
        if run_filter.batch is None:
            return residues, 0, self.count
        first = self._batch_start(run_filter.batch)
        return residues, first, min(first + BATCH_SIZE, self.count)

    def descending(self, run_filter, upper, lower):
        """Yield numbers newest first with lower <= key < upper."""
        residues, first, end = self.matching(run_filter)
        first = max(first, self.first_below(upper))
        end = min(end, self.first_below(lower))
        if not residues:
            return
        if len(residues) == CYCLE and not self.replaced:
            yield from range(first, end)
            return
        cycle, residue = divmod(first, CYCLE)
        index = bisect.bisect_left(residues, residue)
        size = len(residues)
        replaced = self.replaced
        while True:
            if index == size:
                index = 0
                cycle += 1
            number = cycle * CYCLE + residues[index]
            if number >= end:
                return
            if number not in replaced:
                yield number
            index += 1

    def ascending(self, run_filter, above):
        """Yield numbers oldest first with key > above."""
        residues, first, end = self.matching(run_filter)
        # everything from first_below(above) on is below; the row equal to `above` is not newer
        last = self.first_below(above) - 1
        if last >= 0 and self.key(last) == above:
            last -= 1
        last = min(last, end - 1)
        if not residues or last < first:
            return
        cycle, residue = divmod(last, CYCLE)
        index = bisect.bisect_right(residues, residue) - 1
        while True:
            if index < 0:
                index = len(residues) - 1
                cycle -= 1
            number = cycle * CYCLE + residues[index]
            if number < first:
                return
            if number not in self.replaced:
                yield number
            index -= 1

    @staticmethod
    def batch_id(number):
        return "batch_bulk%08x" % (number // BATCH_SIZE)

    def _batch_start(self, batch_id):
        try:
            start = int(batch_id.removeprefix("batch_bulk"), 16) * BATCH_SIZE
        except ValueError:
            return self.count
        return start if self.batch_id(start) == batch_id else self.count

    # -- content ------------------------------------------------------------------------

    def run(self, number):
        """Return the row as a full Run (what retrieve, the oracle and patches work on)."""
        shape = self.shapes[number % CYCLE]
        created = self.created_at(number)
        queued = shape.status in _QUEUED
        started = None if queued or shape.status == "EXPIRED" else created + shape.wait_ms
        ended = created + shape.wait_ms + shape.run_ms
        final = self.is_final(shape.status)
        expired = shape.status == "EXPIRED"
        key = self._key_hash(number) if number % 7 == 0 else None
        done = shape.status == "COMPLETED_SUCCESSFULLY"
        return Run(
            self.internal_id(number), created, status=shape.status, task=shape.task,
            version=shape.version, updated_at=ended + 20, started_at=started,
            completed_at=ended if final else None, ttl="10m" if expired else None,
            expired_at=created + 600000 if expired else None, is_test=shape.is_test,
            tags=shape.tags, cost_in_cents=self._cost(number, shape),
            base_cost_in_cents=0.0025 if shape.run_ms else 0, duration_ms=shape.run_ms,
            metadata=self._metadata(number) if number % 3 == 0 else None, task_kind=shape.kind,
            region=shape.region, idempotency_key_hash=key,
            idempotency_key="key-%d" % number if key else None, queue=shape.queue,
            machine=shape.machine, schedule_id=shape.schedule_id, error_id=shape.error_id,
            batch_id=self.batch_id(number) if shape.in_batch else None,
            payload='{"number":%d,"to":"user%d@example.test"}' % (number, number),
            output='{"ok":true,"number":%d}' % number if done else None,
            error='{"message":"failure of kind %s"}' % shape.error_id if shape.error_id else None,
            attempt_count=0 if started is None else 1,
        )

    def list_item(self, number, version):
        """Return a list item; equal to run(number).list_item(), and kept for the next time."""
        rendered = self._rendered[version]
        item = rendered.get(number)
        if item is None:
            if len(rendered) >= _MAX_RENDERED:
                rendered.clear()
            item = rendered[number] = self._render(number, version)
        return item

    def _render(self, number, version):
        """Fill the template of the row's shape."""
        shape = self.shapes[number % CYCLE]
        template = shape.templates[version]
        if template is None:
            template = shape.templates[version] = self._template(shape, version)
        created = self.newest - number * self.step
        ended = created + shape.wait_ms + shape.run_ms
        return (template % (
            number, (number * 2654435761) & 0xFFFFFFFF,
            "" if number % 7 else '"idempotencyKey":"%s",' % self._key_hash(number),
            iso(created), iso(ended + 20), iso(created + shape.wait_ms), iso(ended),
            iso(created + 600000) if shape.status == "EXPIRED" else "",
            repr(self._cost(number, shape)),
            "" if number % 3 else '"metadata":%s,' % self._metadata(number),
        )).encode()

    def _template(self, shape, version):
        """Return the format text of a shape; `%.0s` swallows the dates that it lacks."""
        status = shape.status
        started = ended = expired = "%.0s"
        if status == "EXPIRED":
            ended = ',"finishedAt":"%s"'
            expired = ',"ttl":"10m","expiredAt":"%s"'
        elif status not in _QUEUED:
            started = ',"startedAt":"%s"'
            if self.is_final(status):
                ended = ',"finishedAt":"%s"'
        parts = (
            '{"id":"run_cb%08x%08xbulkrun","status":"', SHOWN[version][status],
            '","taskIdentifier":"', shape.task, '",%s',
            '"version":"%s",' % shape.version if shape.version is not None else "",
            '"createdAt":"%s","updatedAt":"%s"', started, ended,
            ',"isTest":', "true" if shape.is_test else "false", expired,
            ',"env":', self.env_json.replace("%", "%%"), ',"tags":', shape.tags_json,
            ',"costInCents":%s,"baseCostInCents":', "0.0025" if shape.run_ms else "0",
            ',"durationMs":%d,"depth":0,' % shape.run_ms, "%s",
            '"taskKind":"', shape.kind, '","region":"', shape.region, '",',
            FLAGS[version][status], "}")
        return "".join(parts)

    def oracle_row(self, number):
        """Return the list item with the hidden attributes under "_", quickly; as text."""
        shape = self.shapes[number % CYCLE]
        item = self._render(number, 1).decode()
        internal_id = self.internal_id(number)
        return '%s,"_":{%s,"batchId":%s,"internalId":"%s","orderKey":[%d,"%s"]}}' % (
            item[:-1], shape.hidden_json,
            '"%s"' % self.batch_id(number) if shape.in_batch else "null", internal_id,
            self.created_at(number), internal_id)

    @staticmethod
    def is_final(status):
        return status not in ("PENDING", "DELAYED", "EXECUTING", "RETRYING_AFTER_FAILURE",
                              "WAITING_TO_RESUME", "PAUSED", "DEQUEUED")

    @staticmethod
    def _key_hash(number):
        return hashlib.sha256(b"key-%d" % number).hexdigest()

    @staticmethod
    def _cost(number, shape):
        return (shape.run_ms * 337 + number % 1000) / 10000000

    @staticmethod
    def _metadata(number):
        return '{"progress":%d,"label":"run %d","nested":{"k":[1,null]}}' % (number % 101, number)
