"""Cases that write runs: INSERT, COPY, UPDATE and the functions."""
import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from case import Case, Op
from setup import quote

TASKS = ("send-email", "process-order", "no such task", "hourly-sync")
TRIGGER = ("POST", "/trigger$")
BATCH = ("POST", "/tasks/batch$")
EXACT = '18446744073709551616, "dec": 0.125'


def later(days):
    """A moment ahead, as the API writes it."""
    moment = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=days)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def literal(value):
    """A text literal, or NULL."""
    return "NULL" if value is None else quote(value)


class RunRow:
    """One row of an INSERT."""

    def __init__(self, case, number):
        rng = case.rng
        self.number = number
        self.task = rng.choice(TASKS)
        self.payload = f'{{"case": "{case.tag}", "row": {number}, "big": {EXACT}}}'
        self.tags = rng.choice((None, [], ["a"], ["a,b", "ünï", case.tag]))
        self.metadata = rng.choice((None, None, '{"k": [1, null]}',
                                    '{"idempotencyKey": "not an option"}'))
        self.delayed = rng.choice((None, None, None, later(2)))
        self.key = None
        self.existing = None            # id of the run that has the key
        self.options = None

    def columns(self):
        """SQL of the row's values."""
        tags = "NULL::text[]" if self.tags is None else \
            "ARRAY[" + ", ".join(map(quote, self.tags)) + "]::text[]"
        return (f"({quote(self.task)}, {quote(self.payload)}::jsonb, {tags}, "
                f"{literal(self.metadata)}::jsonb, {literal(self.delayed)}::timestamptz, "
                f"{literal(self.key)}, {literal(self.options)}::jsonb)")

    def problem(self, run):
        """What is wrong with a run that came of this row."""
        wanted = {
            "taskIdentifier": self.task,
            "payload": json.loads(self.payload, parse_float=Decimal),
            "tags": sorted(self.tags or []),
            "metadata": None if self.metadata is None else json.loads(self.metadata),
            "status": "DELAYED" if self.delayed else "QUEUED",
            "delayedUntil": self.delayed,
        }
        for name, value in wanted.items():
            if run.get(name) != value:
                return f"{name} is {run.get(name)!r}, wanted {value!r}"
        return None


class InsertRuns(Case):
    """INSERT of one or many runs."""

    name = "runs INSERT"
    writes = (TRIGGER, BATCH)
    unsafe = "trigger$|/batch$"

    def build(self):
        rng = self.rng
        self.idempotent = rng.random() < 0.6
        count = rng.choice((1, 1, 2, 3, 5)) if rng.random() < 0.97 else 505
        self.slow = count > 100
        self.returning = not self.slow and rng.random() < 0.4
        self.rows = [RunRow(self, number) for number in range(count)]
        keyed = rng.random() < 0.4 and not self.slow
        for row in self.rows if keyed else ():
            self._give_key(row)
        single = count == 1
        self.writes = (TRIGGER,) if single else (BATCH,)
        self.write_calls = count if single else 1
        self.calls = self.write_calls
        if self.idempotent or keyed and all(self._is_keyed(row) for row in self.rows):
            self.unsafe = None
        self.ops = [self._op(row, single) for row in self.rows]
        self.sql = self._statement()

    def _give_key(self, row):
        rng = self.rng
        roll = rng.random()
        if roll < 0.5:
            row.key = f"{self.tag}-{row.number}"
            if rng.random() < 0.5:
                row.existing = "run_" + f"cx{self.tag}{row.number}".ljust(25, "0")
        elif roll < 0.6:
            row.key = ""
        elif roll < 0.75:
            key = rng.choice((None, "", f"{self.tag}-o{row.number}"))
            row.options = json.dumps({"idempotencyKey": key})
            if key is None and not self.idempotent:
                self.expect = ("22023",)
        elif roll < 0.85 and row.number > 0 and self.rows[row.number - 1].key:
            # the same key twice in one statement
            earlier = self.rows[row.number - 1]
            row.key, row.task, row.existing = earlier.key, earlier.task, earlier.existing

    @staticmethod
    def _is_keyed(row):
        return bool(row.key or row.options and (json.loads(row.options)["idempotencyKey"]))

    def _op(self, row, single):
        op = Op(row.number, row.number if single else row.number // 500)
        op.row = row
        op.affects = row.existing is None and not (row.key and any(
            other.key == row.key and other.task == row.task
            for other in self.rows[:row.number]))
        return op

    def _statement(self):
        sql = ("INSERT INTO f.runs (task_identifier, payload, tags, metadata, delayed_until, "
               "idempotency_key, trigger_options) ")
        values = "VALUES " + ", ".join(row.columns() for row in self.rows)
        if self.rng.random() < 0.3:
            values = f"SELECT * FROM ({values}) v (a, b, c, d, e, f, g)"
        sql += values
        if self.rng.random() < 0.2:
            sql += " ON CONFLICT DO NOTHING"
        if self.returning:
            sql += " RETURNING id, task_identifier, tags, metadata"
            if self.rng.random() < 0.5:
                # more than is known without another look
                sql += ", status, created_at"
                self.calls += len(self.rows)
        return sql

    def prepare(self, emulator):
        runs = {row.existing: {"id": row.existing, "task": row.task, "status": "EXECUTING",
                               "idempotency_key_hash": row.key, "idempotency_key": row.key,
                               "payload": {"old": True}}
                for row in self.rows if row.existing}
        if runs:
            emulator.control("POST", "/runs", list(runs.values()))

    def observe(self, before, after, writes):
        made = [place for place in after.items
                if place[1] == "run_details" and place not in before.items]
        allowed = []
        for op in self.ops:
            op.count, op.name = 0, f"(row {op.label})"
            op.either = not op.affects and self.ambiguous
        for place in made:
            payload = after.items[place].get("payload")
            if place[0] != "prod" or not isinstance(payload, dict) \
                    or payload.get("case") != self.tag:
                continue
            op = self.ops[payload["row"]]
            op.count += 1
            op.name = place[2]
            op.problem = op.row.problem(after.items[place])
            if not op.affects:
                op.problem = "a run was triggered although the key was taken"
            allowed.append(place)
        return allowed

    def check_rows(self, result, after):
        if not self.returning:
            return
        wanted = {op.name: op for op in self.ops if op.affects}
        if any(op.either for op in self.ops):
            return
        if sorted(row[0] for row in result.rows) != sorted(wanted):
            yield f"RETURNING ids {[row[0] for row in result.rows]}, true {sorted(wanted)}"
            return
        for run_id, task, _, metadata, *_ in result.rows:
            row = wanted[run_id].row
            if task != row.task or (metadata is None) != (row.metadata is None):
                yield f"RETURNING of row {row.number} is another row's"


class CopyRuns(InsertRuns):
    """COPY FROM: rows are collected, 500 to a call."""

    name = "runs COPY"

    def build(self):
        rng = self.rng
        self.idempotent = rng.random() < 0.6
        count = rng.choice((1, 2, 3, 20)) if rng.random() < 0.92 else rng.choice((501, 620))
        self.slow = count > 100
        self.returning = False
        self.rows = [RunRow(self, number) for number in range(count)]
        for row in self.rows:
            row.tags = row.metadata = row.delayed = None
        self.writes = (BATCH, TRIGGER) if count % 500 == 1 else (BATCH,)
        self.write_calls = self.calls = 1 + count // 501
        if self.idempotent:
            self.unsafe = None
        self.ops = [self._op(row, count == 1) for row in self.rows]
        self.sql = "COPY f.runs (task_identifier, payload) FROM '{file}'"
        self.file = "".join(f"{row.task}\t{row.payload}\n" for row in self.rows)


class UpdateRuns(Case):
    """UPDATE: cancel, tags, metadata, reschedule, or several of them."""

    name = "runs UPDATE"
    writes = (("POST", "/cancel$|/tags$|/reschedule$"), ("PUT", "/metadata$"))

    def build(self):
        rng = self.rng
        count = rng.choice((1, 2, 3, 5))
        self.page_size = rng.choice((1, 2, 100))
        self.sets = rng.choice((["status"], ["status"], ["tags"], ["metadata"],
                                ["delayed_until"], ["tags", "metadata"],
                                ["metadata", "status"], ["tags", "delayed_until", "status"]))
        self.settings = {"cancel_ms": rng.choice((0, 200))}
        self.runs = []
        self.ops = []
        for number in range(count):
            status = rng.choice(("PENDING", "EXECUTING", "DELAYED", "CANCELED",
                                 "COMPLETED_SUCCESSFULLY"))
            if self.sets != ["status"]:
                status = "DELAYED"
            op = Op("run_" + f"cy{self.tag}{number}".ljust(25, "0"))
            op.affects = status != "COMPLETED_SUCCESSFULLY"
            op.visible = not (self.sets == ["status"] and status == "CANCELED")
            op.status = status
            self.ops.append(op)
        self.delay = later(3)
        self.by_id = rng.random() < 0.3
        self.returning = rng.random() < 0.4
        self.sql = self._statement()
        names = {"status": "/cancel$", "tags": "/tags$", "delayed_until": "/reschedule$"}
        self.writes = [("POST", names[one]) if one in names else ("PUT", "/metadata$")
                       for one in self.sets]
        self.write_calls = count
        self.calls = count * (len(self.sets) + self.returning + self.by_id * 2) + 2

    def _statement(self):
        values = {"status": "'CANCELED'", "tags": f"tags || ARRAY['new', '{self.tag}']",
                  "metadata": f"""'{{"set": "{self.tag}", "big": {EXACT}}}'""",
                  "delayed_until": quote(self.delay)}
        sql = "UPDATE f.runs SET " + ", ".join(f"{one} = {values[one]}" for one in self.sets)
        if self.by_id:
            sql += " WHERE id IN (" + ", ".join(quote(op.label) for op in self.ops) + ")"
        else:
            sql += f" WHERE tags @> ARRAY['case{self.tag}']"
        return sql + (" RETURNING id, tags, metadata, delayed_until" if self.returning else "")

    def prepare(self, emulator):
        now = int(datetime.now().timestamp() * 1000)
        emulator.control("POST", "/runs", [
            {"id": op.label, "task": "send-email", "status": op.status,
             "created_at": now - 1000 * number, "tags": ["case" + self.tag, f"n{number}"],
             "metadata": {"old": 1}, "payload": {"row": number},
             **({"delayed_until": now + 86400000} if op.status == "DELAYED" else {}),
             **({"completed_at": now} if op.status in ("CANCELED", "COMPLETED_SUCCESSFULLY")
                else {})}
            for number, op in enumerate(self.ops)])

    def observe(self, before, after, writes):
        canceled = {run for entry in writes if entry["kind"] == "run.cancel"
                    for run in entry["ids"]}
        allowed = []
        for number, op in enumerate(self.ops):
            place = ("prod", "run_details", op.label)
            old, run = before.items[place], after.items[place]
            seen = []
            for one in self.sets:
                seen.append(self._is_set(one, run, op, canceled))
                if seen[-1] is None:
                    op.problem = f"{one} is neither old nor new: {run}"
            if op.visible and op.affects:
                op.count = 1 if all(seen) else "partly" if any(seen) else 0
                allowed.append(place)
            same = ("payload", "taskIdentifier", "createdAt", "isTest")
            if any(old.get(one) != run.get(one) for one in same):
                op.problem = f"other fields changed: {run}"
        return allowed

    def _is_set(self, one, run, op, canceled):
        """True: new value, False: old value, None: neither."""
        if one == "status":
            return op.label in canceled
        if one == "tags":
            extra = sorted(set(run["tags"]) - {tag for tag in run["tags"] if tag[0] in "n"
                                               and tag != "new"} - {"case" + self.tag})
            return {(): False, tuple(sorted(("new", self.tag))): True}.get(tuple(extra))
        if one == "metadata":
            new = json.loads(f'{{"set": "{self.tag}", "big": {EXACT}}}', parse_float=Decimal)
            return True if run["metadata"] == new else \
                False if run["metadata"] == {"old": 1} else None
        return run["delayedUntil"] == self.delay

    def check_rows(self, result, after):
        if not self.returning:
            return
        wanted = sorted(op.label for op in self.ops if op.affects)
        if sorted(row[0] for row in result.rows) != wanted:
            yield f"RETURNING ids {result.rows}, true {wanted}"
        for run_id, _, metadata, _ in result.rows:
            run = after.items["prod", "run_details", run_id]
            if json.loads(metadata, parse_float=Decimal) != run["metadata"]:
                yield f"RETURNING metadata {metadata}, true {run['metadata']}"


class RunFunction(Case):
    """A function called over a query: replay, cancel, reschedule."""

    name = "run functions"
    counts = False
    context = False

    def build(self):
        rng = self.rng
        self.what = rng.choice(("replay", "replay", "replay with payload", "cancel",
                                "reschedule"))
        count = rng.choice((1, 2, 3))
        self.ops = [Op("run_" + f"cz{self.tag}{number}".ljust(25, "0"))
                    for number in range(count)]
        self.delay = later(4)
        self.settings = {"cancel_ms": rng.choice((0, 200))}
        call = {"replay": "trigger_replay_run('f', id)",
                "replay with payload":
                    "trigger_replay_run('f', id, jsonb_build_object('of', id))",
                "cancel": "trigger_cancel_run('f', id)",
                "reschedule": f"trigger_reschedule_run('f', id, '{self.delay}')"}[self.what]
        listed = ", ".join(f"({quote(op.label)})" for op in self.ops)
        self.sql = f"SELECT {call}, id FROM (VALUES {listed}) v (id)"
        self.writes = [("POST", {"replay": "/replay$", "replay with payload": "/trigger$",
                                 "cancel": "/cancel$", "reschedule": "/reschedule$"}[self.what])]
        self.unsafe = "/replay$|/trigger$"
        self.write_calls = count
        self.calls = count * (2 if self.what == "replay with payload" else 1)

    def prepare(self, emulator):
        now = int(datetime.now().timestamp() * 1000)
        status = "DELAYED" if self.what == "reschedule" else "EXECUTING"
        emulator.control("POST", "/runs", [
            {"id": op.label, "task": "process-order", "status": status, "payload": {"old": 1},
             **({"delayed_until": now + 86400000} if status == "DELAYED" else {})}
            for op in self.ops])

    def observe(self, before, after, writes):
        self.made = {op.label: [] for op in self.ops}
        for entry in writes:
            if entry["kind"] == "run.replay":
                self.made[entry["of"]] += entry["ids"]
            elif entry["kind"] == "run.trigger":
                payload = after.items["prod", "run_details", entry["ids"][0]]["payload"]
                self.made[payload["of"]] += entry["ids"]
            elif entry["kind"] == "run.cancel":
                self.made[entry["ids"][0]] = entry["ids"]
        allowed = []
        for op in self.ops:
            place = ("prod", "run_details", op.label)
            if self.what == "reschedule":
                op.count = int(after.items[place]["delayedUntil"] == self.delay)
                self.made[op.label] = [op.label]
            else:
                op.count = len(self.made[op.label])
            if "replay" in self.what:
                allowed += [("prod", "run_details", made) for made in self.made[op.label]]
            else:
                allowed.append(place)
        return allowed

    def check_rows(self, result, after):
        for answer, run_id in result.rows:
            if [answer] != self.made[run_id]:
                yield f"the function said {answer} for {run_id}, true {self.made[run_id]}"
        if len(result.rows) != len(self.ops):
            yield f"{len(result.rows)} rows"


KINDS = ((InsertRuns, 26), (CopyRuns, 7), (UpdateRuns, 14), (RunFunction, 9))
