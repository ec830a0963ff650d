#!/usr/bin/env python3
"""Cancel, statement_timeout and pg_terminate_backend at random moments of random statements.

    PG_CONFIG=… python3 test/faults/storm.py [--shots N] [--seed N] [--jobs N] [-v]

Statements of all kinds meet random latency and, now and then, a server that stalls, drips, is
unavailable or limits its rate. Every shot must end its statement soon, leave a session that
works (or, terminated, none), and do nothing twice; what was reported as done must be there.
Over all shots, descriptors and memory of the sessions that go on must stay what they were.
"""
import argparse
import collections
import json
import os
import random
import sys
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))

from cluster import Cluster  # noqa: E402
from emulator_process import Emulator, credentials  # noqa: E402
from pgwire import PgError  # noqa: E402
from processes import network_descriptors, private_kb  # noqa: E402
from setup import create_server  # noqa: E402

LATENCY = {"latency_ms": 1, "latency_jitter_ms": 60}
MOMENT_MS = 120                 # the latest shot after the statement's begin
LATE_MS = 1500                  # of some: the first repetition comes after half a second
WANTED_MS = 100                 # said of the 95th percentile
MOST_MS = 1000                  # of it, and what fails: machines are slow
GROWTH_KB = 1536                # of a session, from the first quarter on
WAYS = ("cancel", "timeout", "terminate")

# name: (statement, kind of the emulator's log); {m}: a mark of this shot's own
STATEMENTS = {
    "scan": ("SELECT id FROM s.runs", None),
    "schedules": ("SELECT * FROM s.schedules", None),
    "look-ups": ("SELECT status FROM s.run_details WHERE id IN ({ids})", None),
    "fan-out": ("SELECT id, payload FROM s.run_details"
                " WHERE created_at > now() - '3 days'::interval", None),
    "join": ("SELECT d.output FROM (VALUES {values}) AS v (id) JOIN s.run_details AS d USING (id)",
             None),
    "exchange": ("SELECT trigger_fdw_disconnect('pat');"
                 "SELECT type FROM pat.sessions WHERE external_id = 'special-exact'", None),
    "insert": ("INSERT INTO s.runs (task_identifier, tags) VALUES ('process-order', '{{{m}}}')",
               "run.trigger"),
    "insert many": ("INSERT INTO s.runs (task_identifier, tags) SELECT 'process-order',"
                    " ARRAY['{m}', 'n' || n] FROM generate_series(1, 7) AS n", "run.trigger"),
    "insert unsafe": ("INSERT INTO u.runs (task_identifier, tags) VALUES"
                      " ('process-order', '{{{m}}}') RETURNING id", "run.trigger"),
    "append": ("INSERT INTO s.session_records (session, io, data) VALUES"
               " ('special-exact', 'out', '\"{m}\"'), ('special-exact', 'out', '\"{m} 2\"')",
               "session.append"),
    "update": ("UPDATE s.envvars SET value = '{m}' WHERE name = 'LOG_LEVEL'", None),
    "cancel_run": ("SELECT trigger_cancel_run('s', '{m}')", "run.cancel"),
    "replay_run": ("SELECT trigger_replay_run('s', '{m}')", "run.replay"),
    "token": ("SELECT trigger_create_public_token('s', '{{\"read\":{{\"runs\":true}}}}')", None),
    "check": ("SELECT trigger_check_server('s')", None),
}
FAULTS = (
    {"kind": "stall", "where": "headers"},
    {"kind": "stall", "where": "body", "after_bytes": 10},
    {"kind": "drip", "bytes_per_tick": 20, "tick_ms": 10},
    {"kind": "status", "status": 503, "headers": {"x-should-retry": "true"}},
    {"kind": "rate_limit", "reset": "ms", "seconds": 20},
    {"kind": "reset_after"},
)


class Worker:
    """An emulator, a session that goes on, and those that are terminated."""

    def __init__(self, number, cluster, arguments):
        self.rng = random.Random(f"{arguments.seed}/{number}")
        self.aloud = arguments.verbose
        self.number = number
        self.cluster = cluster
        self.database = f"storm{number}"
        self.emulator = Emulator("small", 0, 1)
        self.admin = cluster.connect()
        self.admin.query(f"CREATE DATABASE {self.database}")
        self.session = self.connect()
        self.session.query("CREATE EXTENSION trigger_fdw")
        options = {"project_ref": credentials.PROJECT_ALPHA, "rate_limit_wait": 60}
        for name, more, mapping in (
                ("s", {}, {"secret_key": credentials.TR_PROD}),
                ("u", {"idempotent_inserts": "false"}, {"secret_key": credentials.TR_PROD}),
                ("pat", {"pat_exchange": "true", "environment": "prod"},
                 {"personal_access_token": credentials.PAT})):
            create_server(self.session, name, self.emulator.url, name, {**options, **more},
                          **mapping)
        self.ids = [run["id"] for run in self.emulator.oracle("runs")[:40]]
        self.emulator.settings(**LATENCY)
        self.times = []                 # (way, statement, ms)
        self.outcomes = collections.Counter()
        self.problems = []
        self.reported = {}              # mark: (kind, statement) of what was said to be done
        self.levels = []

    def connect(self):
        """A session."""
        return self.cluster.connect(database=self.database)

    def destroy(self):
        """End what was started."""
        self.session.close()
        self.admin.close()
        self.emulator.destroy()

    def wrong(self, text):
        """Note a problem."""
        self.problems.append(f"worker {self.number}: {text}")
        print(self.problems[-1], flush=True)

    # -- one shot -----------------------------------------------------------------------

    def shoot(self, shot):
        """A statement, and what interrupts it."""
        rng = self.rng
        name = rng.choice(list(STATEMENTS))
        way = rng.choice(WAYS)
        mark = f"run_w{self.number}x{shot:019}"
        moment = rng.uniform(1, MOMENT_MS) / 1000
        template, kind = STATEMENTS[name]
        chosen = rng.sample(self.ids, 12)
        sql = template.format(m=mark, ids=", ".join(f"'{one}'" for one in chosen),
                              values=", ".join(f"('{one}')" for one in chosen))
        if name in ("cancel_run", "replay_run"):
            self.emulator.control("POST", "/runs", [{
                "id": mark, "task": "process-order",
                "status": "PENDING" if name == "cancel_run" else "COMPLETED_SUCCESSFULLY"}])
        if rng.random() < 0.3:
            self.emulator.faults({"match": {"nth": rng.choice((1, 1, 2, 3))},
                                  "times": rng.randint(0, 2), "action": rng.choice(FAULTS)})
            if rng.random() < 0.3:
                moment = rng.uniform(MOMENT_MS, LATE_MS) / 1000
        session = self.connect() if way == "terminate" else self.session
        error = self.interrupted(session, sql, way, name, moment)
        self.emulator.faults()
        outcome = "finished" if error is None else error.sqlstate
        self.outcomes[way, outcome] += 1
        if kind and error is None:
            self.reported[mark] = (kind, name)
        if self.aloud:
            print(f"{shot:5} {way:10} {name:14} {moment * 1000:4.0f} ms: {outcome}", flush=True)
        self.check_outcome(way, name, error)
        self.check_session(session, way)

    def interrupted(self, session, sql, way, name, moment):
        """Send, interrupt, and take the time; the error, or None."""
        error = None
        if way == "timeout":
            session.query(f"SET statement_timeout = {max(1, round(moment * 1000))}")
        begun = time.monotonic()
        session.send(sql)
        if way != "timeout":
            time.sleep(moment)
            begun = time.monotonic()
            if way == "cancel":
                session.cancel()
            else:
                self.admin.query(f"SELECT pg_terminate_backend({session.pid})")
        try:
            session.result()
        except PgError as problem:
            error = problem
        except (ConnectionError, OSError):
            # it had finished, and was terminated while it was idle
            return None
        took = time.monotonic() - begun - (moment if way == "timeout" else 0)
        if error is not None and error.sqlstate in ("57014", "57P01"):
            self.times.append((way, name, took * 1000))
            if took * 1000 > MOST_MS:
                self.wrong(f"{way} of {name} took {took * 1000:.0f} ms")
        return error

    def check_outcome(self, way, name, error):
        """Only the interruption may end a statement, or a fault that is not repeated."""
        if error is None:
            return
        right = {"57P01" if way == "terminate" else "57014"}
        right |= {"08006", "HV000"}     # lost answers of what is not repeated
        if error.sqlstate not in right:
            self.wrong(f"{way} of {name}: {error}")
        if error.sqlstate in ("08006", "HV000") and name not in ("insert unsafe", "replay_run"):
            self.wrong(f"{way} of {name}, which is repeated: {error}")
        for secret in (credentials.TR_PROD, credentials.PAT):
            if secret in f"{error} {error.hint} {error.context}":
                self.wrong(f"a key is shown: {error}")

    def check_session(self, session, way):
        """It works, or its backend is gone."""
        if way == "terminate":
            deadline = time.monotonic() + 5
            while os.path.exists(f"/proc/{session.pid}"):
                if time.monotonic() > deadline:
                    self.wrong("a terminated backend goes on")
                    break
                time.sleep(0.002)
            session.close()
            return
        while True:
            # a cancel that came late hits the next statement
            try:
                session.query("RESET statement_timeout; SELECT trigger_fdw_disconnect('s')")
                good = session.one("SELECT count(*) FROM s.envvars WHERE name = 'LOG_LEVEL'")
                if good != "1":
                    self.wrong(f"the next statement answers {good}")
                return
            except PgError as error:
                if way != "cancel" or error.sqlstate != "57014":
                    self.wrong(f"the next statement after {way}: {error}")
                    return
                way = "cancelled late"

    # -- the whole ----------------------------------------------------------------------

    def level(self):
        """Descriptors and memory of the session that goes on, with all its connections."""
        for server in ("s", "u"):
            self.session.query(f"SELECT trigger_fdw_disconnect('{server}');"
                               f"SELECT count(*) FROM {server}.envvars WHERE name = 'LOG_LEVEL'")
        self.session.query("SELECT trigger_fdw_disconnect('pat')")
        pid = self.session.pid
        self.levels.append((network_descriptors(pid), private_kb(pid)))

    def warm_up(self):
        """Every statement to its end, so that memory is what each of them needs."""
        self.emulator.settings(latency_ms=0, latency_jitter_ms=0)
        for number, (name, (template, _)) in enumerate(STATEMENTS.items()):
            mark = f"run_W{self.number}x{number:019}"
            if name in ("cancel_run", "replay_run"):
                self.emulator.control("POST", "/runs", [{
                    "id": mark, "task": "process-order", "status": "PENDING"}])
            self.session.query(template.format(
                m=mark, ids=", ".join(f"'{one}'" for one in self.ids),
                values=", ".join(f"('{one}')" for one in self.ids)))
        self.emulator.settings(**LATENCY)

    def run(self, shots):
        """All shots of this worker."""
        try:
            self.warm_up()
            self.level()
            for shot in range(shots):
                self.shoot(shot)
                if (shot + 1) % max(1, shots // 4) == 0:
                    self.level()
            self.judge()
        except Exception:               # pylint: disable=broad-except
            self.wrong(traceback.format_exc())

    def judge(self):
        """Doubles, losses, leaks."""
        time.sleep(0.3)                 # what was under way arrives
        counts = collections.Counter()
        for run in self.emulator.oracle("runs"):
            marks = [tag for tag in run["tags"] if tag.startswith("run_w")]
            other = [tag for tag in run["tags"] if not tag.startswith("run_w")]
            for mark in marks:
                counts["run.trigger", mark, " ".join(other)] += 1
        records = self.emulator.control(
            "GET", "/oracle/session_records?session=special-exact&io=out"
            f"&project={credentials.PROJECT_ALPHA}&environment=prod")
        for line in records.splitlines():
            for part in line.split('"'):
                if part.startswith("run_w"):
                    counts["session.append", part.rstrip("\\").split(" ")[0],
                           part.rstrip("\\")] += 1
        for write in json.loads(self.emulator.control("GET", "/writes")):
            if write["kind"] == "run.cancel":
                counts["run.cancel", write["ids"][0], ""] += 1
            elif write["kind"] == "run.replay":
                counts["run.replay", write["of"], ""] += 1
        for (kind, mark, more), count in counts.items():
            if count > 1:
                self.wrong(f"{kind} of {mark} {more} was done {count} times")
        rows = collections.Counter()
        for kind, mark, _ in counts:
            rows[kind, mark] += 1
        for mark, (kind, name) in self.reported.items():
            want = {"insert many": 7, "append": 2}.get(name, 1)
            if rows[kind, mark] != want:
                self.wrong(f"{name} of {mark} was reported, and is there {rows[kind, mark]} times")
        fds = [level[0] for level in self.levels]
        sizes = [level[1] for level in self.levels]
        if fds[-1] > fds[0]:
            self.wrong(f"descriptors: {fds}")
        if sizes[-1] - sizes[1] > GROWTH_KB:
            self.wrong(f"memory in kB: {sizes}")


def percentile(values, share):
    """Of a sorted list."""
    return values[min(len(values) - 1, int(len(values) * share))]


def summarise(workers, shots):
    """Print figures; returns the number of problems."""
    bad = [problem for worker in workers for problem in worker.problems]
    for worker in workers:
        print(f"worker {worker.number}: descriptors, kB: "
              f"{', '.join(f'{fds}, {kb}' for fds, kb in worker.levels)}")
    outcomes = sum((worker.outcomes for worker in workers), collections.Counter())
    print("outcomes: " + ", ".join(f"{way} {what} {count}"
                                   for (way, what), count in sorted(outcomes.items())))
    times = [one for worker in workers for one in worker.times]
    for way in WAYS:
        found = sorted(ms for this, _, ms in times if this == way)
        if not found:
            bad.append(f"no {way} hit anything")
            continue
        late = percentile(found, 0.95)
        print(f"{way:10} {len(found):5} hits, answer after {percentile(found, 0.5):6.1f} ms"
              f" (median), {late:6.1f} ms (95 %), {found[-1]:6.1f} ms (most)"
              f"{'' if late <= WANTED_MS else f'   above {WANTED_MS} ms'}")
        if late > MOST_MS:
            bad.append(f"{way}: {late:.0f} ms at the 95th percentile")
    if len(times) < shots / 3:
        bad.append(f"only {len(times)} of {shots} shots hit a statement")
    return bad


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shots", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    print(f"{arguments.shots} shots, seed {arguments.seed}", flush=True)
    with Cluster(["log_min_messages = error"]) as cluster:
        workers = [Worker(number, cluster, arguments) for number in range(arguments.jobs)]
        threads = [threading.Thread(target=worker.run, args=(arguments.shots // arguments.jobs,))
                   for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        bad = summarise(workers, arguments.shots)
        for worker in workers:
            worker.destroy()
        log = cluster.log_text()
        bad += [line for line in log.splitlines()
                if any(word in line for word in ("TRAP", "PANIC", "terminated by signal"))]
        if any(secret in log for secret in (credentials.TR_PROD, credentials.PAT)):
            bad.append("a key is in the server's log")
    print(*bad, sep="\n")
    print(f"{max(arguments.shots - len(bad), 0)} passed, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
