"""One run: what the databases hold of it and how the list and retrieve endpoints show it."""

from jsontext import RawJSON, dumps, iso, quote, splice_object
from run_status import FINAL, FLAGS, SHOWN

MACHINES = ("micro", "small-1x", "small-2x", "medium-1x", "medium-2x", "large-1x", "large-2x")

# attribute -> default of a run that is given as a partial object
DEFAULTS = {
    "status": "PENDING",
    "task": "send-email",
    "version": None,
    "updated_at": None,
    "started_at": None,
    "locked_at": None,
    "completed_at": None,
    "delayed_until": None,
    "expired_at": None,
    "ttl": None,
    "is_test": False,
    "tags": (),
    "cost_in_cents": 0,
    "base_cost_in_cents": 0,
    "duration_ms": 0,
    "depth": 0,
    "metadata": None,
    "task_kind": "STANDARD",
    "region": "us-east-1",
    "idempotency_key_hash": None,
    "idempotency_key": None,
    "queue": None,
    "machine": "small-1x",
    "batch_id": None,
    "schedule_id": None,
    "bulk_action_ids": (),
    "error_id": None,
    "payload": None,
    "payload_offloaded": False,
    "output": None,
    "output_offloaded": False,
    "error": None,
    "attempt_count": 0,
    "trigger_function": "trigger",
    "root_id": None,
    "parent_id": None,
    # statuses under which the analytical index knows the run; None: just its status
    "indexed_as": None,
    # in the index, but gone from the database: every page that picks it comes out short
    "deleted": False,
    # real clock (ms) at which the run appeared; 0 for runs of the data set
    "inserted_at": 0,
    # only of runs that were triggered here: when the idempotency key ends, the metadata that
    # a replay starts from, options that are shown nowhere, the path of an uploaded payload
    "idempotency_expires_at": None,
    "seed_metadata": None,
    "triggered_with": None,
    "payload_path": None,
    # shown by queries only; None: what follows from the other attributes
    "queued_at": None,
    "executed_at": None,
    "is_warm_start": None,
    "idempotency_key_scope": None,
    "concurrency_key": None,
    "max_duration": None,
}


class Run:
    """A run with its hidden attributes.

    `metadata`, `payload`, `output` and `error` are JSON *text*. `payload` None means that
    the run has none (the key is missing), the text "null" that it is JSON null.
    """

    __slots__ = ("id", "internal_id", "created_at", "cache") + tuple(DEFAULTS)

    def __init__(self, internal_id, created_at, **attributes):
        self.internal_id = internal_id
        self.id = "run_" + internal_id
        self.created_at = created_at
        self.cache = [None, None]
        for name, default in DEFAULTS.items():
            setattr(self, name, attributes.pop(name, default))
        if attributes:
            raise ValueError("unknown run attributes: %s" % ", ".join(sorted(attributes)))
        if self.updated_at is None:
            self.updated_at = created_at
        if self.queue is None:
            self.queue = "task/" + self.task
        self.tags = tuple(sorted(self.tags))

    @property
    def key(self):
        """Position in the list order (ascending; the list shows descending)."""
        return (self.created_at, self.internal_id)

    def indexed_statuses(self):
        """Return the internal statuses under which a status filter finds this run."""
        return self.indexed_as or (self.status,)

    def list_item(self, version, env_json):
        """Return the list item as bytes; `version` 1 is 2025-07-16, 0 the legacy form."""
        cached = self.cache[version]
        if cached is None:
            cached = self.cache[version] = self._render_list_item(version, env_json).encode()
        return cached

    def forget_rendered(self):
        """Drop the cached renderings after a change."""
        self.cache = [None, None]

    def _render_list_item(self, version, env_json):
        started = self.started_at if self.started_at is not None else self.locked_at
        finished = self.completed_at
        if finished is None and self.status in FINAL:
            finished = self.updated_at
        parts = ['{"id":"%s","status":"%s","taskIdentifier":%s' % (
            self.id, SHOWN[version][self.status], quote(self.task))]
        add = parts.append
        if self.idempotency_key_hash is not None:
            add(',"idempotencyKey":' + quote(self.idempotency_key_hash))
        if self.version is not None:
            add(',"version":' + quote(self.version))
        add(',"createdAt":"%s","updatedAt":"%s"' % (iso(self.created_at), iso(self.updated_at)))
        if started is not None:
            add(',"startedAt":"%s"' % iso(started))
        if finished is not None:
            add(',"finishedAt":"%s"' % iso(finished))
        if self.delayed_until is not None:
            add(',"delayedUntil":"%s"' % iso(self.delayed_until))
        add(',"isTest":%s' % ("true" if self.is_test else "false"))
        if self.ttl is not None:
            add(',"ttl":' + quote(self.ttl))
        if self.expired_at is not None:
            add(',"expiredAt":"%s"' % iso(self.expired_at))
        add(',"env":%s,"tags":%s,"costInCents":%s,"baseCostInCents":%s,"durationMs":%d,"depth":%d'
            % (env_json, dumps(self.tags), dumps(self.cost_in_cents),
               dumps(self.base_cost_in_cents), self.duration_ms, self.depth))
        if self.metadata is not None:
            add(',"metadata":' + self.metadata)
        add(',"taskKind":' + quote(self.task_kind))
        if self.region is not None:
            add(',"region":' + quote(self.region))
        add("," + FLAGS[version][self.status] + "}")
        return "".join(parts)

    def _common_members(self, version):
        """Return the members that retrieve shows of a run and of its relatives.

        Unlike the list: the user's idempotency key, no fallbacks for the dates, no env and
        no taskKind.
        """
        def date(value):
            return None if value is None else iso(value)

        return [
            ("id", self.id),
            ("taskIdentifier", self.task),
            ("idempotencyKey", self.idempotency_key),
            ("version", self.version),
            ("status", SHOWN[version][self.status]),
            ("createdAt", iso(self.created_at)),
            ("startedAt", date(self.started_at)),
            ("updatedAt", iso(self.updated_at)),
            ("finishedAt", date(self.completed_at)),
            ("expiredAt", date(self.expired_at)),
            ("delayedUntil", date(self.delayed_until)),
            ("ttl", self.ttl),
            ("costInCents", self.cost_in_cents),
            ("baseCostInCents", self.base_cost_in_cents),
            ("durationMs", self.duration_ms),
            ("isTest", self.is_test),
            ("depth", self.depth),
            ("tags", list(self.tags)),
        ]

    def _common_json(self, version, extra):
        """Join the common members, the flags and `extra` members into one object."""
        head = splice_object(self._common_members(version))[:-1]
        middle = splice_object([
            ("triggerFunction", self.trigger_function),
            ("batchId", self.batch_id),
            ("metadata", RawJSON(self.metadata) if self.metadata is not None else None),
            ("region", self.region),
        ] + extra)
        return head + "," + FLAGS[version][self.status] + "," + middle[1:]

    def details(self, version, table, schedule, presign):
        """Return the body of the retrieve endpoint as text.

        `table` finds relatives, `schedule` is the object to show (or None), and
        `presign(kind)` makes the URL of an offloaded payload or output.
        """
        shows_output = self.status == "COMPLETED_SUCCESSFULLY"
        extra = []
        if self.payload is not None:
            extra.append(("payloadPresignedUrl", presign("payload")) if self.payload_offloaded
                         else ("payload", RawJSON(self.payload)))
        if self.output is not None and shows_output:
            extra.append(("outputPresignedUrl", presign("output")) if self.output_offloaded
                         else ("output", RawJSON(self.output)))
        if self.error is not None:
            extra.append(("error", RawJSON(self.error)))
        extra.append(("schedule", RawJSON(dumps(schedule)) if schedule else None))
        related = []
        for name, relative_id in (("root", self.root_id), ("parent", self.parent_id)):
            relative = table.find(relative_id) if relative_id else None
            if relative is not None:
                related.append((name, RawJSON(relative._common_json(version, []))))
        children = [child._common_json(version, []) for child in table.children_of(self.id)]
        related.append(("children", RawJSON("[" + ",".join(children) + "]")))
        extra += [
            ("attemptCount", self.attempt_count),
            ("attempts", []),
            ("relatedRuns", RawJSON(splice_object(related))),
        ]
        return self._common_json(version, extra)

    def hidden(self):
        """Return what no list item shows but filters can see, for the oracle."""
        hidden = {
            "status": self.status,
            "indexedAs": list(self.indexed_statuses()),
            "queue": self.queue,
            "machine": self.machine,
            "batchId": self.batch_id,
            "scheduleId": self.schedule_id,
            "bulkActionIds": list(self.bulk_action_ids),
            "errorId": self.error_id,
            "internalId": self.internal_id,
            "orderKey": [self.created_at, self.internal_id],
        }
        if self.triggered_with is not None:
            hidden["triggeredWith"] = self.triggered_with
            hidden["storedIdempotencyKey"] = self.idempotency_key_hash
            hidden["idempotencyKeyExpiresAt"] = self.idempotency_expires_at
        return hidden
