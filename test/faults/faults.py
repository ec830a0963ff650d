#!/usr/bin/env python3
"""Randomised faults in the middle of writes: nothing lost, nothing doubled.

    PG_CONFIG=… python3 test/faults/faults.py [--seed N] [--cases N] [--case K] [--jobs N]
        [--kind TEXT] [--verbose] [--double]

Every case is a random statement with random faults at a random request of it, on an emulator
with a state of its own.  What the session said is compared with what the emulator then has.
`--double` sends some write of each case twice by hand, to prove that the check notices.
"""
import argparse
import collections
import http.client
import json
import os
import queue
import random
import re
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))

from cluster import PORT, Cluster  # noqa: E402
from emulator_process import Emulator, credentials  # noqa: E402
from pgwire import Connection, PgError  # noqa: E402
from setup import create_server  # noqa: E402

import cases_envvars  # noqa: E402
import cases_runs  # noqa: E402
import cases_schedules  # noqa: E402
from case import Result  # noqa: E402
from plan import REQUEST_TIMEOUT, SLOW_TIMEOUT, Gate, Plan, wait_for  # noqa: E402
from state import State  # noqa: E402

KINDS = cases_runs.KINDS + cases_envvars.KINDS + cases_schedules.KINDS
# without a rival or a taken name, only these say that a fault was met
FAULT_STATES = ("08001", "08006", "08P01", "53400", "HV000", "57014")
RETRIABLE = ("reset_before", "reset_after", "reset_mid", "truncate", "stall", "rate_limit",
             "connection_close", "delay")


class Session(Connection):
    """A session that keeps the details of warnings, too."""

    def _message(self):
        kind, body = super()._message()
        if kind == b"N":
            fields = {f[:1]: f[1:].decode("utf-8", "replace") for f in body.split(b"\0") if f}
            self.details.append(f"{fields.get(b'M')} {fields.get(b'D', '')}")
        return kind, body

    details = []


class Worker:
    """A session, an emulator and a gate; runs cases one after the other."""

    def __init__(self, number, cluster, args):
        self.cluster = cluster
        self.args = args
        self.database = f"faults{number}"
        self.emulator = Emulator("empty")
        self.gate = Gate(self.emulator.port)
        with cluster.connect() as session:
            session.query(f"CREATE DATABASE {self.database}")
        self.session = self._connect()
        self.session.query("CREATE EXTENSION trigger_fdw")
        options = {"project_ref": credentials.PROJECT_ALPHA, "max_retries": 0,
                   "request_timeout": REQUEST_TIMEOUT, "rate_limit_wait": 1, "page_size": 100,
                   "idempotent_inserts": "true"}
        create_server(self.session, "f", self.emulator.url, "f", options,
                      secret_key=credentials.TR_PROD)
        create_server(self.session, "g", self.emulator.url, "g", options,
                      personal_access_token=credentials.PAT)
        self.file = os.path.join(cluster.directory, f"copy{number}.txt")

    def destroy(self):
        """End what this worker started."""
        self.session.close()
        self.emulator.destroy()

    def _connect(self):
        session = Session(self.cluster.directory, PORT, database=self.database)
        session.details = []
        return session

    # -- one case -----------------------------------------------------------------------

    def run(self, number):
        """Run a case; returns (kind, faults, outcome, problems, report)."""
        rng = random.Random(f"{self.args.seed}/{number}")
        kinds = [kind for kind in KINDS]
        kind = rng.choices([one for one, _ in kinds], [weight for _, weight in kinds])[0]
        case = kind(rng, f"{number:x}q")
        plan = Plan(rng, case)
        if self.args.kind and self.args.kind not in case.name:
            return None
        self._set_up(case, plan)
        before = State(self.emulator)
        started = time.monotonic()
        result, problems = self._execute(case, plan, before)
        took = time.monotonic() - started
        if self.args.double:
            self._double()
        self.emulator.faults()
        self.gate.disarm()
        records = [record for record in self.emulator.records()
                   if record["headers"].get("user-agent") != "rival"]
        hit = _hits(plan, records)
        writes = json.loads(self.emulator.control("GET", "/writes"))
        after = State(self.emulator)
        lossy = any(_is_lossy(record) for record in records) or any(
            rule["action"]["kind"] in ("delay", "stall") for rule in plan.rules) \
            or plan.cancel_at is not None
        case.ambiguous = any(_is_ambiguous(plan.rules[met - 1]["action"])
                             for met in hit if met)
        problems += case.judge(result, before, after, writes, lossy)
        problems += self._check_error(case, plan, result, records, hit)
        problems += self._check_session(case)
        outcome = "ok" if result.error is None else result.error.sqlstate
        if not any(hit) and not plan.gate and not plan.settings:
            outcome += " (no fault met)"
        if case.strays:
            outcome += " (announced stray)"
        report = self._report(number, case, plan, result, records, took, problems)
        return case.name, plan.kind(), outcome, problems, report

    def _set_up(self, case, plan):
        emulator = self.emulator
        emulator.reset()
        case.prepare(emulator)
        if case.settings or plan.settings:
            emulator.settings(**case.settings, **plan.settings)
        url = f"http://127.0.0.1:{self.gate.port}" if plan.gate else emulator.url
        self.session.query(
            f"ALTER SERVER {case.server} OPTIONS (SET base_url '{url}', "
            f"SET max_retries '{plan.max_retries}', SET rate_limit_wait "
            f"'{plan.rate_limit_wait}', SET page_size '{case.page_size}', "
            f"SET request_timeout '{SLOW_TIMEOUT if case.slow else REQUEST_TIMEOUT}', "
            f"SET idempotent_inserts '{str(case.idempotent).lower()}')")
        self.session.query(f"SELECT trigger_fdw_disconnect('{case.server}')")
        if plan.warm:
            self.session.query(f"SELECT count(*) FROM {case.server}.envvars "
                               "WHERE name = 'NOTHING' AND environment = 'prod'")
        emulator.clear()
        emulator.faults(*[{**rule, "match": {**rule["match"], "header": {
            "user-agent": "^(?!rival)"}}} for rule in plan.rules])
        if plan.gate:
            self.gate.arm(*plan.gate)

    def _execute(self, case, plan, before):
        """Send the statement; returns (Result, problems)."""
        session = self.session
        session.details.clear()
        session.tag = None
        sql = case.sql
        if "{file}" in sql:
            with open(self.file, "w", encoding="utf-8") as file:
                file.write(case.file)
            os.chmod(self.file, 0o644)
            sql = sql.replace("{file}", self.file)
        rows, error = [], None
        try:
            session.send(sql)
            if plan.cancel_at is not None or plan.rival:
                self._interfere(case, plan, before)
            rows = session.result()
        except PgError as problem:
            error = problem
        except ConnectionError:
            self.session = self._connect()
            result = Result([], None, None, [])
            result.dead = True
            return result, ["the server closed the connection (crash?)"]
        return Result(rows, session.tag if error is None else None, error,
                      list(session.details)), []

    def _interfere(self, case, plan, before):
        """Cancel, or let the rival act, as soon as the first fault has hit."""
        sock = self.session.sock

        def over():
            sock.setblocking(False)
            try:
                return bool(sock.recv(1, 2))    # MSG_PEEK
            except BlockingIOError:
                return False
            finally:
                sock.settimeout(120)

        def met():
            return over() or any(_hits(plan, self.emulator.records()))

        if wait_for(met, 3) and not over():
            if plan.rival:
                case.act(self.emulator, before)
            if plan.cancel_at is not None:
                time.sleep(0.03)
                self.session.cancel()

    def _double(self):
        """Send the last request that wrote once more, as it was (without its key)."""
        for record in reversed(self.emulator.records()):
            if record["method"] == "POST" and record["status"] in (200, 202):
                body = re.sub(r'"idempotencyKey":"[^"]*"', '"other":1', record["body"])
                connection = http.client.HTTPConnection("127.0.0.1", self.emulator.port)
                headers = {name: record["headers"][name]
                           for name in ("authorization", "content-type")
                           if name in record["headers"]}
                connection.request("POST", record["target"], body.encode(), headers)
                connection.getresponse().read()
                connection.close()
                return

    # -- more checks --------------------------------------------------------------------

    @staticmethod
    def _check_error(case, plan, result, records, hit):
        """Errors that no fault explains, and errors that a retry should have prevented."""
        problems = []
        error = result.error
        if error is None:
            return problems
        text = " ".join((error.message, error.detail, error.hint, error.context))
        for secret in (credentials.TR_PROD, credentials.PAT):
            if secret in text:
                problems.append("a credential is in the error")
        if error.sqlstate not in FAULT_STATES + tuple(case.expect):
            problems.append(f"unexpected SQLSTATE {error.sqlstate}")
        if error.sqlstate in case.expect or result.dead:
            return problems
        if not any(hit) and not plan.gate and not plan.settings:
            problems.append("an error, and no fault was met")
        if _is_needless(case, plan, records, hit):
            problems.append("an error, although one retry would have been enough")
        return problems

    def _check_session(self, case):
        """The session must work afterwards."""
        try:
            self.session.query(f"ALTER SERVER {case.server} OPTIONS (SET base_url "
                               f"'{self.emulator.url}', SET request_timeout '4000')")
            self.session.query(f"SELECT trigger_fdw_disconnect('{case.server}')")
            if self.session.one(f"SELECT count(*) FROM {case.server}.envvars WHERE name = "
                                "'NOTHING' AND environment = 'prod'") != "0":
                return ["the session answers wrongly afterwards"]
        except (PgError, ConnectionError, OSError) as problem:
            self.session = self._connect()
            return [f"the session does not work afterwards: {problem}"]
        return []

    def _report(self, number, case, plan, result, records, took, problems):
        """All that is needed to reproduce."""
        error = result.error
        said = f"ok, {result.affected} rows, {result.rows}" if error is None else \
            f"{error.sqlstate} {error.message} | {error.detail} | CONTEXT {error.context} " \
            f"{result.notices}"
        lines = [f"case {number} of seed {self.args.seed}: {case.name}, {took:.2f} s",
                 f"  statement: {case.sql[:1500]}",
                 f"  options: server {case.server}, idempotent_inserts {case.idempotent}, "
                 f"max_retries {plan.max_retries}, rate_limit_wait {plan.rate_limit_wait}, "
                 f"page_size {case.page_size}, connection "
                 f"{'kept' if plan.warm else 'new'}",
                 f"  faults: {plan.describe()}",
                 "  requests: " + "; ".join(
                     f"{r['method']} {r['path'][-60:]} -> {r['outcome'] or r['status']}"
                     for r in records[:40]),
                 f"  said: {said[:1500]}"]
        lines += [f"  WRONG: {problem[:1200]}" for problem in problems]
        return "\n".join(lines)


def _hits(plan, records):
    """For each record, the number of the rule that it met + 1, or 0."""
    left = [rule["times"] for rule in plan.rules]
    seen = [0] * len(plan.rules)
    found = []
    for record in records:
        found.append(0)
        if record["headers"].get("user-agent") == "rival":
            continue
        for number, rule in enumerate(plan.rules):
            match = rule["match"]
            if match.get("method", record["method"]) != record["method"] or \
                    not re.search(match.get("path_regex", ""), record["target"]):
                continue
            seen[number] += 1
            if seen[number] < match["nth"] or left[number] == 0:
                continue
            left[number] -= 1
            found[-1] = number + 1
            break
    return found


def _is_lossy(record):
    """Was it processed, and did the answer get lost?"""
    return record["status"] is not None and record["status"] < 300 \
        and record["outcome"] is not None


def _is_ambiguous(action):
    """May a client think after this fault that its request was processed?"""
    return action["kind"] in ("reset_before", "reset_after", "reset_mid", "truncate",
                              "stall") or action["kind"] == "status"


def _is_needless(case, plan, records, hit):
    """Could the one fault that was met have been healed by a retry?"""
    met = [number for number in range(len(hit)) if hit[number]]
    if len(met) != 1 or plan.gate or plan.cancel_at is not None or plan.rival or \
            plan.max_retries == 0:
        return False
    record = records[met[0]]
    action = plan.rules[hit[met[0]] - 1]["action"]
    unsafe = case.unsafe and re.search(
        case.unsafe, f"{record['method']} {record['path']}")
    if action["kind"] == "status":
        hint = action["headers"].get("X-Should-Retry")
        if hint == "false" or unsafe and hint != "true":
            return False
        return True
    if action["kind"] == "rate_limit":
        return action.get("seconds", 1) < plan.rate_limit_wait - 0.5
    return not unsafe and action["kind"] in RETRIABLE


# -- the whole ------------------------------------------------------------------------------


def run_all(args):
    """All cases on some workers; returns the results by number."""
    numbers = queue.Queue()
    for number in range(args.cases) if args.case is None else [args.case]:
        numbers.put(number)
    results = {}
    with Cluster() as cluster:
        workers = [Worker(number, cluster, args)
                   for number in range(min(args.jobs, numbers.qsize()))]

        def work(worker):
            while True:
                try:
                    number = numbers.get_nowait()
                except queue.Empty:
                    return
                try:
                    found = worker.run(number)
                except Exception:       # pylint: disable=broad-except
                    found = ("?", "?", "?", ["the test itself failed"],
                             f"case {number} of seed {args.seed}\n{traceback.format_exc()}")
                if found is None:
                    continue
                results[number] = found
                if found[3] or args.verbose or args.case is not None:
                    print(found[4], flush=True)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for worker in workers:
            worker.destroy()
        log = cluster.log_text()
        for line in log.splitlines():
            if re.search(r"TRAP|PANIC|terminated by signal|resource was not|leak", line):
                print("server log:", line)
                results.setdefault(-1, ("server log", "", "", [line], line))
    return results


def summarise(results):
    """Tables of kinds and outcomes."""
    table = collections.defaultdict(collections.Counter)
    faults = collections.Counter()
    for kind, fault, outcome, problems, _ in results.values():
        table[kind][outcome] += 1
        for part in fault.split(" + "):
            faults[part] += 1
        if problems:
            table[kind]["FAILED"] += 1
    print("\nstatement: outcomes")
    for kind in sorted(table):
        total = sum(count for name, count in table[kind].items() if name != "FAILED")
        print(f"  {kind:22} {total:4}: " + ", ".join(
            f"{count} {name}" for name, count in sorted(table[kind].items())))
    print("faults: " + ", ".join(f"{count} {name}" for name, count in faults.most_common()))


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--case", type=int)
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--kind", default="")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--double", action="store_true")
    args = parser.parse_args()
    started = time.monotonic()
    results = run_all(args)
    failed = sum(bool(result[3]) for result in results.values())
    summarise(results)
    print(f"seed {args.seed}, {len(results)} cases, {time.monotonic() - started:.0f} s")
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
