"""The runs of one environment: explicit rows, optionally on top of a generated bulk.

A list request works in two steps, as on the real server: the *index* picks candidates by
filters and order, then the *database* is asked for them, and rows that are gone or whose
status no longer matches are dropped. Pages may therefore be short or empty and still have
a next cursor.
"""

import bisect
import collections
import heapq
import itertools

MIN_KEY = (-(1 << 62), "")
MAX_KEY = (1 << 62, "")
_CACHED_FILTERS = 64


class RunFilter:
    """Attribute filters of a list request (not its time window); None means not filtered."""

    __slots__ = ("statuses", "tasks", "versions", "tags", "queues", "machines", "regions",
                 "is_test", "batch", "schedule", "bulk_action", "error", "key")

    def __init__(self, statuses=None, tasks=None, versions=None, tags=None, queues=None,
                 machines=None, regions=None, is_test=None, batch=None, schedule=None,
                 bulk_action=None, error=None):
        self.statuses = statuses
        self.tasks = tasks
        self.versions = versions
        self.tags = tags
        self.queues = queues
        self.machines = machines
        self.regions = regions
        self.is_test = is_test
        self.batch = batch
        self.schedule = schedule
        self.bulk_action = bulk_action
        self.error = error
        self.key = (statuses, tasks, versions, tags, queues, machines, regions, is_test, batch,
                    schedule, bulk_action, error)

    def accepts(self, run):
        """Tell whether the index would pick this run."""
        if self.statuses is not None and self.statuses.isdisjoint(run.indexed_statuses()):
            return False
        if self.batch is not None and run.batch_id != self.batch:
            return False
        if self.bulk_action is not None and self.bulk_action not in run.bulk_action_ids:
            return False
        return self._accepts_common(run)

    def accepts_bulk(self, shape):
        """Tell whether the index would pick the bulk rows of this shape."""
        if self.statuses is not None and shape.status not in self.statuses:
            return False
        if self.batch is not None and not shape.in_batch:
            return False
        if self.bulk_action is not None:
            return False
        return self._accepts_common(shape)

    def _accepts_common(self, run):
        return (
            (self.tasks is None or run.task in self.tasks)
            and (self.versions is None or run.version in self.versions)
            and (self.tags is None or not self.tags.isdisjoint(run.tags))
            and (self.queues is None or run.queue in self.queues)
            and (self.machines is None or run.machine in self.machines)
            and (self.regions is None or run.region in self.regions)
            and (self.is_test is None or run.is_test == self.is_test)
            and (self.schedule is None or run.schedule_id == self.schedule)
            and (self.error is None or run.error_id == self.error)
        )


class Candidate:
    """A stored row picked by the index."""

    __slots__ = ("key", "run")

    def __init__(self, key, run):
        self.key = key
        self.run = run

    def __lt__(self, other):
        return self.key < other.key


class BulkCandidate:
    """A generated row picked by the index; its key is computed only when asked for."""

    __slots__ = ("bulk", "number")
    run = None

    def __init__(self, bulk, number):
        self.bulk = bulk
        self.number = number

    @property
    def key(self):
        return self.bulk.key(self.number)

    def __lt__(self, other):
        return self.key < other.key


class RunTable:
    """All runs of one environment."""

    def __init__(self, bulk=None, env_json="{}"):
        self.bulk = bulk
        self.env_json = env_json
        if bulk is not None:
            bulk.env_json = env_json
        self.rows = []
        self._keys = []
        self._by_id = {}
        self._children = {}
        self._by_key = {}
        self._filtered = collections.OrderedDict()
        # grows with every change
        self.changes = 0

    # -- content ------------------------------------------------------------------------

    def add(self, run):
        """Insert a run at its place in the order."""
        position = bisect.bisect_left(self._keys, run.key)
        self.rows.insert(position, run)
        self._keys.insert(position, run.key)
        self._by_id[run.id] = run
        if run.parent_id:
            self._children.setdefault(run.parent_id, []).append(run)
        if run.idempotency_key_hash is not None:
            self._by_key[run.task, run.idempotency_key_hash] = run
        self._changed()

    def find(self, run_id):
        """Return the run with this id as the database knows it, or None."""
        run = self._by_id.get(run_id)
        if run is None and self.bulk is not None:
            number = self.bulk.number_of(run_id)
            if number is not None:
                run = self.bulk.run(number)
        return None if run is None or run.deleted else run

    def by_key(self, task, key):
        """Return the run of a task that holds this idempotency key, or None."""
        run = self._by_key.get((task, key))
        if run is None or run.deleted or run.idempotency_key_hash != key:
            return None
        return run

    def children_of(self, run_id):
        """Return the direct children of a run."""
        return [run for run in self._children.get(run_id, ()) if not run.deleted]

    def change(self, run_id, attributes):
        """Set attributes of a run; returns False when there is no such run."""
        run = self._by_id.get(run_id)
        if run is None and self.bulk is not None:
            number = self.bulk.number_of(run_id)
            if number is not None:
                run = self.bulk.run(number)
                self.bulk.replaced.add(number)
                self.add(run)
        if run is None:
            return False
        for name, value in attributes.items():
            setattr(run, name, value)
        run.forget_rendered()
        self._changed()
        return True

    def all_runs(self):
        """Yield every run that the database holds, newest first."""
        return (run for run in self.indexed_runs() if not run.deleted)

    def __len__(self):
        bulk = 0 if self.bulk is None else self.bulk.count - len(self.bulk.replaced)
        return len(self.rows) + bulk

    def indexed_runs(self):
        """Yield every run that the index knows, newest first, also those that are gone."""
        from_bulk = () if self.bulk is None else (
            self.bulk.run(number)
            for number in range(self.bulk.count) if number not in self.bulk.replaced)
        return heapq.merge(reversed(self.rows), from_bulk, key=lambda run: run.key, reverse=True)

    def _changed(self):
        self.changes += 1
        self._filtered.clear()

    # -- the index ----------------------------------------------------------------------

    def _matching(self, run_filter):
        """Return (keys, rows) of the explicit rows that the filter picks, cached."""
        found = self._filtered.get(run_filter.key)
        if found is None:
            if run_filter.key == _NO_FILTER_KEY:
                found = (self._keys, self.rows)
            else:
                rows = [run for run in self.rows if run_filter.accepts(run)]
                found = ([run.key for run in rows], rows)
            self._filtered[run_filter.key] = found
            if len(self._filtered) > _CACHED_FILTERS:
                self._filtered.popitem(last=False)
        return found

    def descending(self, run_filter, upper, lower, hide_after=None):
        """Yield candidates newest first with lower <= key < upper.

        `hide_after` (real clock, ms) hides rows that appeared later: the index lags.
        """
        keys, rows = self._matching(run_filter)
        first = bisect.bisect_left(keys, lower)
        end = bisect.bisect_left(keys, upper)
        explicit = (
            Candidate(keys[i], rows[i]) for i in range(end - 1, first - 1, -1)
            if hide_after is None or rows[i].inserted_at <= hide_after)
        if self.bulk is None:
            return explicit
        bulk = self.bulk
        generated = (
            BulkCandidate(bulk, number) for number in bulk.descending(run_filter, upper, lower))
        if first == end:
            return generated
        return heapq.merge(explicit, generated, reverse=True)

    def ascending(self, run_filter, above, lower, upper, hide_after=None):
        """Yield candidates oldest first with above < key, within lower <= key < upper."""
        keys, rows = self._matching(run_filter)
        first = max(bisect.bisect_right(keys, above), bisect.bisect_left(keys, lower))
        end = bisect.bisect_left(keys, upper)
        explicit = (
            Candidate(keys[i], rows[i]) for i in range(first, end)
            if hide_after is None or rows[i].inserted_at <= hide_after)
        if self.bulk is None:
            return explicit
        bulk = self.bulk
        numbers = bulk.ascending(run_filter, max(above, lower))
        generated = (BulkCandidate(bulk, number) for number in numbers)
        generated = itertools.takewhile(lambda candidate: candidate.key < upper, generated)
        return heapq.merge(explicit, generated)

    # -- the database -------------------------------------------------------------------

    def show(self, candidate, run_filter, api_version):
        """Return the candidate's list item, or None when the database drops it."""
        run = candidate.run
        if run is None:
            return self.bulk.list_item(candidate.number, api_version)
        if run.deleted:
            return None
        if run_filter.statuses is not None and run.status not in run_filter.statuses:
            return None
        return run.list_item(api_version, self.env_json)


_NO_FILTER_KEY = RunFilter().key
NO_FILTER = RunFilter()
