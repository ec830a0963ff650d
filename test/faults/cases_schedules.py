"""Cases that write schedules."""
import http.client

from case import Case, Op
from emulator_process import credentials
from setup import quote

ITEM = "/schedules/[^/]+$"


class InsertSchedules(Case):
    """INSERT, with keys that are free, taken here, taken elsewhere, or missing."""

    name = "schedules INSERT"
    unsafe = "^PUT"                     # the probe
    writes = (("POST", "/schedules$"), ("PUT", ITEM), ("DELETE", ITEM),
              ("POST", "/deactivate$"))

    def build(self):
        rng = self.rng
        count = rng.choice((1, 1, 2, 3))
        self.returning = rng.random() < 0.4
        self.skip = rng.random() < 0.4
        self.taken = []
        values = []
        calls = 0
        for number in range(count):
            state = rng.choice(("none", "free", "free", "free", "here", "elsewhere"))
            op = Op(number)
            op.mark = f"{self.tag}-{number}"
            op.key = None if state == "none" else f"key {self.tag}/{number}"
            op.active = rng.random() < 0.7
            op.zone = rng.choice(("UTC", "Europe/Berlin"))
            op.cron = rng.choice(("0 5 * * *", "*/7 1-3 * * 1"))
            op.task = rng.choice(("hourly-sync", "daily-digest"))
            if state in ("here", "elsewhere"):
                self.taken.append((op.key, "prod" if state == "here" else "stg"))
                op.affects = op.visible = False
                if not self.skip:
                    self.expect = ("23505",)
            self.ops.append(op)
            calls += 1 if state == "none" else 5
            values.append(f"({quote(op.task)}, {quote(op.cron)}, {quote(op.zone)}, "
                          f"{quote(op.mark)}, {quote(op.key) if op.key else 'NULL'}, "
                          f"{str(op.active).lower()})")
        self.write_calls = count
        self.calls = calls
        self.sql = ("INSERT INTO f.schedules (task, cron, timezone, external_id, "
                    "deduplication_key, active) VALUES " + ", ".join(values) +
                    (" ON CONFLICT DO NOTHING" if self.skip else "") +
                    (" RETURNING id, external_id, active, timezone, cron" if self.returning
                     else ""))

    def prepare(self, emulator):
        entries = [{"task": "hourly-sync", "expression": "1 2 3 4 *", "environment": where,
                    "deduplication_key": key, "timezone": "Asia/Tokyo",
                    "external_id": "of somebody", "active": False}
                   for key, where in self.taken]
        # nobody's business
        entries.append({"task": "hourly-sync", "expression": "0 0 1 1 *", "environment": "prod"})
        emulator.control("POST", "/schedules", entries)

    def observe(self, before, after, writes):
        allowed = []
        marks = {op.mark: op for op in self.ops}
        for op in self.ops:
            op.count, op.name = 0, f"(row {op.label})"
        for place, item in after.items.items():
            op = marks.get(item.get("externalId")) if place[1] == "schedules" else None
            if op is None or place in before.items or place[0] != "prod":
                continue
            op.count += 1
            op.name = place[2]
            op.is_active = item["active"]
            wanted = (op.task, op.cron, op.zone)
            got = (item["task"], item["generator"]["expression"], item["timezone"])
            if got != wanted or op.key and item.get("deduplicationKey") != op.key:
                op.problem = f"wrong content: {item}"
            if not op.affects:
                op.problem = "it was created although its key is taken"
            allowed.append(place)
        return allowed

    def check_rows(self, result, after):
        if self.expect:
            yield "success, although a key is taken"
        wanted = []
        for op in self.ops:
            if op.affects:
                if op.count and op.is_active != op.active:
                    yield f"row {op.label}: active is {op.is_active}"
                wanted.append([op.name, op.mark, "t" if op.active else "f", op.zone, op.cron])
        if self.returning and sorted(result.rows) != sorted(wanted):
            yield f"RETURNING {result.rows}, true {wanted}"


class ChangeSchedules(Case):
    """Partial UPDATE, activation, DELETE of several."""

    unsafe = "^PUT"                     # repeated only if the schedule is still there
    rival = "deletes one"

    def build(self):
        rng = self.rng
        count = rng.choice((1, 2, 3, 4))
        self.page_size = rng.choice((1, 2, 100))
        self.delete = rng.random() < 0.4
        self.name = "schedules " + ("DELETE" if self.delete else "UPDATE")
        self.sets = rng.choice((["cron"], ["timezone"], ["active"], ["cron", "active"],
                                ["schedule_window", "timezone"]))
        self.ops = []
        for number in range(count):
            op = Op("sched_" + f"{self.tag}{number}".ljust(21, "x"))
            op.active = rng.random() < 0.5
            self.ops.append(op)
        if "active" in self.sets:
            self.active = rng.random() < 0.5
            for op in self.ops:
                op.visible = self.delete or len(self.sets) > 1 or op.active != self.active
        values = {"cron": "'9 9 9 9 *'", "timezone": "'Asia/Tokyo'",
                  "schedule_window": "'2h'", "active": str(getattr(self, "active", 0)).lower()}
        listed = ", ".join(quote(op.label) for op in self.ops)
        where = rng.choice((f"id IN ({listed})", f"external_id LIKE 'x{self.tag}-%'"))
        self.returning = rng.random() < 0.4
        verb = "DELETE FROM f.schedules" if self.delete else "UPDATE f.schedules SET " + \
            ", ".join(f"{one} = {values[one]}" for one in self.sets)
        self.sql = f"{verb} WHERE {where}" + (" RETURNING id, external_id" if self.returning
                                              else "")
        if self.delete:
            self.writes = (("DELETE", ITEM),)
        else:
            self.writes = [("POST", "activate$") if one == "active" else ("PUT", ITEM)
                           for one in self.sets]
        self.write_calls = count
        self.calls = count * 3 + 1
        self.victim = rng.choice(self.ops)

    gone = False

    def prepare(self, emulator):
        emulator.control("POST", "/schedules", [
            {"id": op.label, "task": "hourly-sync", "expression": "1 2 3 4 *",
             "timezone": "Europe/Berlin", "window": "1h", "environment": "prod",
             "external_id": f"x{self.tag}-{number}", "deduplication_key": f"{self.tag}~{number}",
             "active": op.active} for number, op in enumerate(self.ops)] + [
            {"task": "hourly-sync", "expression": "0 0 1 1 *", "environment": "prod"}])

    def act(self, emulator, before):
        """The rival deletes a schedule that is still there."""
        connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=10)
        connection.request("DELETE", "/api/v1/schedules/" + self.victim.label, headers={
            "Authorization": "Bearer " + credentials.TR_PROD, "User-Agent": "rival"})
        self.gone = connection.getresponse().status == 200
        connection.close()

    def observe(self, before, after, writes):
        allowed = []
        new = {"cron": ("generator", lambda item: item["generator"]["expression"], "9 9 9 9 *"),
               "timezone": ("timezone", lambda item: item["timezone"], "Asia/Tokyo"),
               "schedule_window": ("window", lambda item: item.get("window"), "2h"),
               "active": ("active", lambda item: item["active"],
                          getattr(self, "active", None))}
        for op in self.ops:
            place = ("prod", "schedules", op.label)
            allowed.append(place)
            item, old = after.items.get(place), before.items[place]
            visible = op.visible
            if self.gone and op is self.victim:
                op.affects = op.visible = False
                # it may have been updated (or found as wanted) before it was deleted
                op.either = self.ambiguous if self.delete else not visible or any(
                    op.label in entry["ids"] and entry["kind"] != "schedule.delete"
                    for entry in writes)
                if item is not None:
                    op.problem = "it is back"
            elif self.delete:
                op.count = int(item is None)
            elif item is None:
                op.problem = "it is gone"
            else:
                self._compare(op, item, old, [new[one] for one in self.sets])
        return allowed

    @staticmethod
    def _compare(op, item, old, sets):
        seen = [read(item) == value for _, read, value in sets if read(old) != value]
        op.count = 1 if seen and all(seen) else "partly" if any(seen) else 0
        touched = {name for name, _, _ in sets}
        for name in old:
            if name not in touched and item.get(name) != old[name]:
                op.problem = f"{name} was changed to {item.get(name)!r}"

    def check_rows(self, result, after):
        wanted = sorted(op.label for op in self.ops if op.affects)
        if self.returning and sorted(row[0] for row in result.rows) != wanted and \
                not any(op.either for op in self.ops):
            yield f"RETURNING {result.rows}, true {wanted}"


KINDS = ((InsertSchedules, 17), (ChangeSchedules, 14))
