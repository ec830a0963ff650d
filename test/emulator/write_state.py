"""What the writes need besides the resources themselves: ids, a log, things that happen later.

The log holds every change of state that was really made, in order. Tests of faults compare
it with what a client believes to have happened: an answer that got lost leaves an entry, a
request that was never processed leaves none.
"""

import hashlib
import heapq
import itertools

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _base36(number, width):
    text = ""
    while number or len(text) < width:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text


def _named(environment):
    """Name an environment like the oracle's parameter does."""
    if environment.owner is None:
        return environment.slug
    return "%s:%s" % (environment.slug, environment.owner.name.lower())


class Origin:
    """The request behind a change, also when the change happens later."""

    __slots__ = ("number", "method", "path")

    def __init__(self, request):
        self.number = request.record.number if request.record is not None else 0
        self.method = request.method
        self.path = request.path


class WriteState:
    """One per world."""

    def __init__(self, world):
        self.world = world
        self.log = []
        self.batches = {}
        # (environment id, path) -> bytes and content type of a packet in the object store
        self.packets = {}
        # (environment id, idempotency key) -> batch
        self.batch_keys = {}
        # (environment id, task, debounce key) -> run id
        self.debounced = {}
        self.used_tokens = set()
        self._ids = itertools.count(1)
        self._entries = itertools.count(1)
        self._order = itertools.count()
        # things to do at a moment of the real clock, and of the clock of the data
        self._later = {"real": [], "data": []}

    def new_id(self):
        """Return a fresh internal id: as long as a real one, ascending, without a clock."""
        count = next(self._ids)
        tail = hashlib.sha1(b"%d" % count).hexdigest()[:14]
        return "cmw" + _base36(count, 8) + tail

    # -- log ----------------------------------------------------------------------------

    def note(self, origin, kind, environment, ids, key=None, **more):
        """Append an entry; `origin` is a request or its Origin."""
        if not isinstance(origin, Origin):
            origin = Origin(origin)
        entry = {"number": next(self._entries), "kind": kind, "ids": list(ids),
                 "request": origin.number, "method": origin.method, "path": origin.path,
                 "project": environment.project.ref, "environment": _named(environment),
                 "idempotencyKey": key}
        entry.update(more)
        self.log.append(entry)

    @staticmethod
    def origin(request):
        """Remember a request for changes that happen later."""
        return Origin(request)

    def take_log(self):
        """Return the log and forget it."""
        log, self.log = self.log, []
        return log

    # -- later --------------------------------------------------------------------------

    def at(self, clock, moment, action):
        """Do something when a clock ("real" or "data") reaches a moment (ms)."""
        heapq.heappush(self._later[clock], (moment, next(self._order), action))

    def after(self, delay_ms, action):
        """Do something after a real delay; at once when there is none."""
        if delay_ms <= 0:
            action()
        else:
            self.at("real", self.world.real_now() + delay_ms, action)

    def catch_up(self):
        """Do what is due. Called before every request, so nobody ever sees an older state."""
        self._run("real", self.world.real_now)
        self._run("data", self.world.now)

    def _run(self, clock, now):
        waiting = self._later[clock]
        while waiting and waiting[0][0] <= now():
            heapq.heappop(waiting)[2]()

    # -- runs ---------------------------------------------------------------------------

    def change_run(self, environment, run_id, **attributes):
        """Change a run now; the list's index learns a new status only after `lag_ms`."""
        table = environment.runs
        old = table.find(run_id)
        attributes.setdefault("updated_at", self.world.now())
        lag = self.world.settings.lag_ms
        status = attributes.get("status")
        if lag and status is not None and status != old.status:
            attributes["indexed_as"] = old.indexed_statuses()
            self.after(lag, lambda: table.change(run_id, {"indexed_as": None}))
        table.change(run_id, attributes)
