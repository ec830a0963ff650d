"""One case: a statement, what was there before, and what must be true afterwards."""
import re

from state import difference

_DONE = re.compile(r": (\d+) rows were written before and stay so: (.*)")
# what fails besides the write itself is followed by a warning instead
_WARNED = re.compile(r"had written (\d+) rows of .* They stay so: (.*)\.$", re.DOTALL)

# a warning about a schedule that could not be taken away again
_LEFT = re.compile(r'a schedule with external id "([^"]*)" may be left')


class Op:
    """One row of a statement.

    `count` is how often the state shows it after the statement: 0, 1, more; or "partly".
    `name` is what an error's CONTEXT, or the warning after it, calls it. `affects` is false
    for a row that the statement must skip (its name is taken and may be, it is over already,
    ...). `call` tells which rows go in one request.
    """

    def __init__(self, label, call=None):
        self.label = label
        self.call = label if call is None else call
        self.name = label
        self.count = 0
        self.affects = True
        self.either = False             # nobody can know: it may be counted or not
        self.visible = True             # the state tells whether it was done
        self.problem = None             # what is wrong with its content


class Result:
    """What the session said."""

    def __init__(self, rows, tag, error, notices):
        self.rows = rows
        self.error = error
        self.notices = notices
        number = (tag or "").split(" ")[-1]
        self.affected = int(number) if number.isdigit() else None
        self.done = 0
        self.done_names = []
        self.dead = False
        if error is not None:
            warned = [_WARNED.search(notice) for notice in notices]
            found = _DONE.search(error.context) or next(filter(None, warned), None)
            if found:
                self.done = int(found.group(1))
                self.done_names = [name for name in found.group(2).split(", ") if name != "..."]


class Case:
    """Base of all kinds.  `tag` is in the name of everything that belongs to the case."""

    name = "?"
    server = "f"                        # f: prod's secret key, g: personal access token
    idempotent = True
    slow = False
    calls = 3                           # requests of the statement, about
    write_calls = 1
    writes = ()                         # (method, path_regex) of requests that write
    unsafe = None                       # regex of "METHOD path" that must not be repeated
    rival = None                        # what somebody else does in the middle
    page_size = 100
    settings = {}
    counts = True                       # the command's tag counts rows written
    context = True                      # errors say what was done
    expect = ()                         # SQLSTATEs that are right without any fault
    strays = 0                          # helper schedules left behind, with a warning
    ambiguous = False                   # an answer was lost, or a 5xx, before another attempt

    def __init__(self, rng, tag):
        self.rng = rng
        self.tag = tag
        self.sql = ""
        self.ops = []
        self.build()

    def build(self):
        """Choose the statement."""
        raise NotImplementedError

    def prepare(self, emulator):
        """Put into the emulator what must exist before."""

    def observe(self, before, after, writes):
        """Set the ops' count, name and problem; return the places that may differ."""
        raise NotImplementedError

    def check_rows(self, result, after):
        """Yield what is wrong with RETURNING (or a function's results)."""
        return ()

    # -- judgement ----------------------------------------------------------------------

    def judge(self, result, before, after, writes, lossy):
        """All that is wrong, as texts.

        `lossy`: a request was processed and its answer did not arrive.
        """
        problems = []
        allowed = set(self.observe(before, after, writes))
        announced = " ".join(_LEFT.findall(" ".join(result.notices)))
        copied = any("was deleted while it was changed" in text for text in result.notices)
        for place in difference(before, after) - allowed:
            mark = after.items.get(place, {}).get("externalId")
            if place not in before.items and (
                    (mark and mark in announced) or (copied and place[1] == "schedules")):
                self.strays += 1
                allowed.add(place)
        for place in sorted(difference(before, after) - allowed):
            problems.append(f"changed without reason: {place}: "
                            f"{before.items.get(place)} -> {after.items.get(place)}")
        for op in self.ops:
            if op.count not in (0, 1, "partly"):
                problems.append(f"row {op.label} exists {op.count} times")
            if op.problem:
                problems.append(f"row {op.label}: {op.problem}")
        if result.error is None:
            problems += self._judge_success(result)
            problems += list(self.check_rows(result, after))
        else:
            problems += self._judge_error(result, lossy)
        return problems

    def _judge_success(self, result):
        for op in self.ops:
            if op.affects and op.visible and op.count != 1:
                yield f"success, but row {op.label} exists {op.count} times"
        if self.counts:
            true = sum(op.affects for op in self.ops)
            most = true + sum(op.either for op in self.ops)
            if not true <= result.affected <= most:
                yield f"affected rows: said {result.affected}, true {true}"

    def _judge_error(self, result, lossy):
        named = set(result.done_names)
        known = {op.name for op in self.ops if op.affects or op.either}
        for name in sorted(named - known):
            yield f"CONTEXT names {name}, which is no row of the statement"
        for op in self.ops:
            if op.name in named and op.visible and op.count != 1:
                yield f"CONTEXT says that {op.label} was written: it exists {op.count} times"
        done = [op for op in self.ops if op.affects and op.visible and op.count in (1, "partly")]
        if not self.context:
            applied = [bool(op.count) for op in self.ops if op.affects and op.visible]
            if applied != sorted(applied, reverse=True):
                yield f"not a prefix of the calls was made: {applied}"
            return
        if result.done <= len(result.done_names):
            silent = [op for op in done if op.name not in named]
        else:
            silent = done[result.done:]
        if len({op.call for op in silent}) > 1:
            yield ("written, more than one call's rows, and CONTEXT does not say so: "
                   f"{[op.label for op in silent]}")
        full = [op for op in silent if op.count == 1]
        if full and not lossy:
            yield ("written, no answer was lost, and CONTEXT does not say so: "
                   f"{[op.label for op in full]}")
