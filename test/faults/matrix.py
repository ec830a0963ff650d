#!/usr/bin/env python3
"""Every fault in every kind of request: the error is the promised one and nothing else changes.

    PG_CONFIG=… python3 test/faults/matrix.py [--jobs N] [-v] [PATTERN ...]

A cell of the matrix is a fault, an operation, and whether the fault stays (no retries) or goes
away after its first time (one retry). Patterns select by "fault / operation / mode". Checked
are SQLSTATE and words of the error, what the emulator has really done, that no key is shown,
that the session answers its next statement, and, over all cells, descriptors and memory.
"""
import argparse
import base64
import collections
import gzip
import json
import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))

from certificates import Authority  # noqa: E402
from cluster import Cluster  # noqa: E402
from emulator_process import Emulator, credentials  # noqa: E402
from pgwire import PgError  # noqa: E402
from processes import network_descriptors, private_kb, sockets  # noqa: E402
from setup import create_server  # noqa: E402

# ms; connect_timeout and request_timeout where they are to be met, where they are but the second
# attempt has to succeed, and else: machines are slow
TIMEOUT = 400
AGAIN = 1000
PATIENT = 8000
SLOW = 20.0                     # seconds that no cell may take
GROWTH_KB = 1024                # of a backend, over all cells with passing faults
ROUNDS = 25                     # of the quick faults, at the end
ROUNDS_KB = 256                 # of growth by them: some 500 failures
SECRETS = (credentials.TR_PROD, credentials.TR_PROD_SK, credentials.PAT)
SERVERS = ("s", "u", "sk", "pat")


# -- operations -----------------------------------------------------------------------------


class Operation:
    """A statement, the request of it that is hit, and how often its effect is there."""

    def __init__(self, name, server, sql, method, path, wrong, **more):
        self.name = name
        self.server = server
        self.sql = sql                          # {s}: server, {id}: of this cell
        self.match = {"method": method, "path_regex": path}
        self.wrong = wrong                      # JSON of the wrong types
        self.writes = more.get("writes")        # kind of the emulator's log
        self.safe = more.get("safe", True)      # repeated after a lost answer
        self.needs_run = more.get("needs_run", False)
        self.expect = more.get("expect", {})    # fault: SQLSTATE, where it differs
        self.names = more.get("names", ())      # an error has one of these


LOOK = "SELECT status FROM {s}.run_details WHERE id = '{known}'"
TOKEN = """SELECT trigger_create_public_token('{s}', '{{"read":{{"runs":true}}}}')"""
OPERATIONS = [
    Operation("scan", "s", "SELECT id FROM {s}.schedules", "GET", "/schedules",
              '{"data":[{"id":5}],"pagination":{"currentPage":1,"totalPages":1,"count":1}}'),
    Operation("later page", "s", "SELECT id FROM {s}.runs", "GET", "after%5D",
              '{"data":[{"id":{}}],"pagination":{}}'),
    Operation("look-up", "s", LOOK, "GET", "/api/v3/runs/", '{"id":"run_x","status":[]}',
              expect={"404": None}),
    Operation("exchange", "pat", "SELECT type FROM {s}.sessions"
              " WHERE external_id = 'special-exact'", "POST", "/jwt$", '{"token":5}'),
    Operation("insert", "s", "INSERT INTO {s}.runs (task_identifier, tags) VALUES"
              " ('process-order', '{{{id}}}') RETURNING id", "POST", "/trigger$", '{"id":5}',
              writes="run.trigger"),
    Operation("insert, not idempotent", "u", "INSERT INTO {s}.runs (task_identifier, tags) VALUES"
              " ('process-order', '{{{id}}}') RETURNING id", "POST", "/trigger$", '{"id":5}',
              writes="run.trigger", safe=False),
    Operation("update", "s", "UPDATE {s}.envvars SET value = '{id}' WHERE name = 'LOG_LEVEL'",
              "PUT", "/envvars/", '[5]', writes="envvar.update",
              expect={"404": None}),
    Operation("cancel_run", "s", "SELECT trigger_cancel_run('{s}', '{id}')", "POST", "/cancel$",
              '{"id":5}', writes="run.cancel", needs_run=True),
    Operation("replay_run", "u", "SELECT trigger_replay_run('{s}', '{known}')", "POST", "/replay$",
              '{"id":5}', writes="run.replay", safe=False),
    Operation("token", "s", TOKEN, "POST", "/jwt/claims$", '[5]'),
    Operation("minted token", "sk", TOKEN, "POST", "/public-tokens$", '{"token":5}',
              expect={"404": "0A000"}),
    Operation("append", "s", "INSERT INTO {s}.session_records (session, io, data) VALUES"
              " ('special-exact', 'out', '\"{id}\"')", "POST", "/append$", '{"ok":1,"seq":"x"}',
              writes="session.append"),
    Operation("append, not idempotent", "u", "INSERT INTO {s}.session_records (session, io, data)"
              " VALUES ('special-exact', 'out', '\"{id}\"')", "POST", "/append$",
              '{"ok":1,"seq":"x"}', writes="session.append", safe=False),
    # makes no request today: whatever the network does, it succeeds
    Operation("import", "s", "IMPORT FOREIGN SCHEMA management FROM SERVER {s} INTO imported",
              "GET", ".", "[]"),
]


# -- faults ---------------------------------------------------------------------------------


class Fault:
    """What happens to the request, and what must come of it.

    `state`: the SQLSTATE, None for success. `done`: the API has processed the request.
    `heals`: a repetition helps, if the operation may be repeated ("refused": always).
    """

    def __init__(self, name, state, action=None, done=False, heals=False, url=None, **more):
        self.name = name
        self.state = state
        self.action = action
        self.done = done
        self.heals = heals
        self.url = url                          # instead of a fault: another address
        self.options = more.get("options", {})
        self.words = more.get("words", ())
        self.slow = "stall" in name or name == "drip"


def status(code, headers=None, **more):
    """An answer of this status."""
    return {"kind": "status", "status": code, "headers": headers or {}, **more}


HTML = {"body": "<!DOCTYPE html><html><h1>Bad gateway</h1></html>",
        "content_type": "text/html"}
DEEP = "[" * 100000
BOMB = base64.b64encode(gzip.compress(b"[" + b" " * (66 << 20), 9)).decode()

FAULTS = [
    Fault("reset before", "08006", {"kind": "reset_before"}, heals=True),
    Fault("reset after processing", "08006", {"kind": "reset_after"}, done=True, heals=True),
    Fault("reset in headers", "08006", {"kind": "reset_mid", "bytes": -40}, done=True, heals=True),
    Fault("reset in body", "08006", {"kind": "reset_mid", "bytes": 3}, done=True, heals=True),
    Fault("reset after the answer", None, {"kind": "reset_mid", "bytes": 1 << 30}, done=True,
          heals=True),
    Fault("truncated", "08006", {"kind": "truncate", "bytes": 5}, done=True, heals=True),
    Fault("truncated at once", "08006", {"kind": "truncate", "bytes": 0}, done=True, heals=True),
    Fault("more promised than sent", "08006", {"kind": "wrong_length", "delta": 5}, done=True,
          heals=True),
    Fault("less promised than sent", "08P01", {"kind": "wrong_length", "delta": -12}, done=True),
    Fault("stall", "08006", {"kind": "stall"}, done=True, heals=True,
          words=(f"{TIMEOUT} ms", "first byte")),
    Fault("stall in body", "08006", {"kind": "stall", "where": "body", "after_bytes": 3},
          done=True, heals=True, words=(f"{TIMEOUT} ms", "reading the answer")),
    Fault("drip", "08006", {"kind": "drip", "bytes_per_tick": 30, "tick_ms": 250}, done=True,
          heals=True, words=(f"{TIMEOUT} ms", "reading the answer")),
    Fault("gzip bomb", "08P01", {"kind": "body", "base64": BOMB,
                                 "headers": {"Content-Encoding": "gzip"}}, words=("64 MB",)),
    Fault("bad gzip", "08P01", {"kind": "body", "base64": "H4sI/////////////////w==",
                                "headers": {"Content-Encoding": "gzip"}}),
    Fault("invalid JSON", "08P01", {"kind": "body", "body": '{"data":[}'}),
    Fault("cut JSON", "08P01", {"kind": "body", "body": '{"id":"run_x'}),
    Fault("invalid UTF-8", "08P01", {"kind": "body", "base64": "eyJpZCI6Iv8ifQ=="}),
    Fault("wrong types", "08P01", {"kind": "body"}),
    Fault("deep nesting", "08P01", {"kind": "body", "body": DEEP}),
    Fault("deep nesting of a field", "08P01", {"kind": "body", "body": '{"new":' + DEEP}),
    Fault("HTML", "08P01", {"kind": "body", **HTML}),
    Fault("empty body", "08P01", {"kind": "body", "body": ""}),
    Fault("redirect", "08P01", {"kind": "redirect", "location": "http://127.0.0.1:9/"},
          words=("redirects",)),
    Fault("400", "22023", status(400)),
    Fault("401", "28000", status(401)),
    Fault("403", "42501", status(403)),
    Fault("404", "42704", status(404)),
    Fault("409", "23505", status(409)),
    Fault("413", "54000", status(413)),
    Fault("422", "22023", status(422)),
    Fault("429 of a moment", "53400", {"kind": "rate_limit", "reset": "ms", "seconds": 0.1},
          heals="refused"),
    Fault("429 too long", "53400", {"kind": "rate_limit", "reset": "retry-after", "seconds": 30}),
    Fault("429 without headers", "53400", {"kind": "rate_limit", "reset": "none"},
          heals="refused"),
    Fault("429 HTML", "53400", status(429, **HTML), heals="refused"),
    Fault("500", "HV000", status(500), heals=True),
    Fault("502", "HV000", status(502), heals=True),
    Fault("502 HTML", "HV000", status(502, **HTML), heals=True, words=("Bad gateway",)),
    Fault("503", "HV000", status(503), heals=True),
    Fault("503, to be retried", "HV000", status(503, {"x-should-retry": "true",
                                                      "Retry-After": "0.1"}), heals="refused"),
    Fault("504", "HV000", status(504), heals=True),
    Fault("500, not to be retried", "HV000", status(500, {"x-should-retry": "false"})),
    # no connection at all: nothing is sent, whatever it is
    Fault("DNS failure", "08001", url="http://fail.test", words=("resolve",)),
    Fault("DNS stall", "08001", url="http://dns.stall.test", words=("looking up",)),
    Fault("refused", "08001", url="http://127.0.0.1:{refused}"),
    Fault("connect stall", "08001", url="http://127.0.0.1:{backlog}", words=("connecting",)),
    Fault("not TLS", "08001", url="https://127.0.0.1:{plain}"),
    Fault("TLS stall", "08001", url="https://127.0.0.1:{silent}", words=("TLS handshake",)),
    Fault("unknown authority", "08001", url="https://localhost:{tls}", words=("certificate",)),
    Fault("other host's certificate", "08001", url="https://127.0.0.1:{tls}",
          options={"ca_file": "{ca}"}),
    Fault("no authorities", "08001", url="https://localhost:{tls}",
          options={"ca_file": "/nonexistent"}),
    Fault("not HTTP", "08P01", url="http://127.0.0.1:{mute}", done=None),
    # and what must work
    Fault("none", None, {"kind": "delay", "ms": 0}, done=True),
]


# of these, those that fail at once
QUICK = ("reset before", "reset after processing", "truncated", "more promised than sent",
         "bad gzip", "invalid JSON", "502 HTML")


class Places:
    """Addresses where something is wrong, and a TLS server where nothing is."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="trigger_matrix_")
        os.chmod(self.directory, 0o755)
        authority = Authority(self.directory)
        cert, key = authority.certificate("localhost")
        silent = os.path.join(self.directory, "silent")
        self.emulator = Emulator("empty", 0, 1, "--tls-cert", cert, "--tls-key", key,
                                 "--stall-port-file", silent)
        with open(silent, encoding="ascii") as file:
            port = int(file.read())
        self.values = {"tls": self.emulator.port, "ca": authority.file, "silent": port,
                       "refused": self._refused(), "backlog": self._backlog(),
                       "mute": self._mute()}

    def _refused(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return listener.getsockname()[1]

    def _backlog(self):
        """A port whose connections are neither accepted nor refused."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        self.kept = [listener]
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            self.kept.append(client)
        return listener.getsockname()[1]

    def _mute(self):
        """A port with another protocol."""
        listener = socket.create_server(("127.0.0.1", 0))

        def greet():
            while True:
                client, _ = listener.accept()
                with client:
                    client.settimeout(1)
                    try:
                        client.recv(65536)
                        client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
                    except OSError:
                        pass
        threading.Thread(target=greet, daemon=True).start()
        return listener.getsockname()[1]

    def fill(self, text, plain):
        """Put ports and files into an address or an option."""
        return text.format(plain=plain, **self.values)

    def destroy(self):
        """End what was started."""
        self.emulator.destroy()
        subprocess.run(["rm", "-r", self.directory], check=False)


# -- running --------------------------------------------------------------------------------


class Worker:
    """A session with servers and an emulator of its own."""

    def __init__(self, number, cluster, places):
        self.number = number
        self.places = places
        self.emulator = Emulator("small", 0, 1)
        database = f"matrix{number}"
        with cluster.connect() as session:
            session.query(f"CREATE DATABASE {database}")
        self.session = cluster.connect(database=database)
        self.session.query("CREATE EXTENSION trigger_fdw; CREATE SCHEMA imported;"
                           "SET trigger_fdw.warn_in_transaction = off")
        options = {"project_ref": credentials.PROJECT_ALPHA, "connect_timeout": PATIENT,
                   "request_timeout": PATIENT, "max_retries": 0, "rate_limit_wait": 0,
                   "page_size": 100}
        for name, more, mapping in (
                ("s", {}, {"secret_key": credentials.TR_PROD}),
                ("u", {"idempotent_inserts": "false"}, {"secret_key": credentials.TR_PROD}),
                ("sk", {}, {"secret_key": credentials.TR_PROD_SK}),
                ("pat", {"pat_exchange": "true", "environment": "prod"},
                 {"personal_access_token": credentials.PAT})):
            create_server(self.session, name, self.emulator.url, name, {**options, **more},
                          **mapping)
        self.known = self.emulator.oracle("runs")[5]["id"]
        self.counter = 0
        self.baseline = None
        self.marks = []

    def destroy(self):
        """End what was started."""
        self.session.close()
        self.emulator.destroy()

    def set_options(self, server, options):
        """Change options of a server; the connections that it has are closed."""
        listed = ", ".join(f"SET {name} '{value}'" for name, value in options.items())
        self.session.query(f"ALTER SERVER {server} OPTIONS ({listed})")

    def set_mode(self, retries):
        """How patient all servers are."""
        for server in SERVERS:
            self.set_options(server, {"max_retries": retries, "rate_limit_wait": 2 * retries})

    def good(self, server):
        """The session answers, on a connection that stays."""
        sql = f"SELECT count(*) FROM {server}.envvars WHERE name = 'LOG_LEVEL'"
        if server == "pat":
            sql += " AND environment = 'prod'"
        return self.session.one(sql) == "1"

    def rest(self):
        """All servers connected, nothing under way: what the backend holds."""
        self.emulator.faults()
        for server in SERVERS:
            assert self.good(server)
        self.session.query("SELECT 1")
        pid = self.session.pid
        return network_descriptors(pid), len(sockets(pid)), private_kb(pid)

    def effects(self, operation):
        """How often the emulator has done what the operation is for."""
        writes = json.loads(self.emulator.control("GET", "/writes?take=1"))
        count = sum(write["kind"] == operation.writes for write in writes)
        # the same value twice is there once
        return min(count, 1) if operation.name == "update" else count

    def prepare(self, operation, index):
        """A fresh id, what it needs, and a connection that is new or used."""
        self.counter += 1
        cell = f"run_m{self.number}x{self.counter:018}"
        if operation.needs_run:
            self.emulator.control("POST", "/runs", [
                {"id": cell, "status": "PENDING", "task": "process-order"}])
        if operation.name == "import":
            self.session.query("DROP SCHEMA imported CASCADE; CREATE SCHEMA imported")
        # forgets tokens and rate limits as well
        self.session.query(f"SELECT trigger_fdw_disconnect('{operation.server}')")
        if index % 2:
            assert self.good(operation.server)
        self.emulator.clear()
        self.emulator.control("DELETE", "/writes")
        return cell

    def run(self, index, fault, operation, once):
        """Yield what is wrong with a cell."""
        cell = self.prepare(operation, index)
        added = {}
        if fault.slow:
            limit = AGAIN if once else TIMEOUT
            self.set_options(operation.server, {"connect_timeout": limit,
                                                "request_timeout": limit})
        if fault.url:
            plain = self.emulator.port
            options = {"base_url": self.places.fill(fault.url, plain)}
            added = {name: self.places.fill(value, plain)
                     for name, value in fault.options.items()}
            if options["base_url"].startswith("http://") and ".test" in options["base_url"]:
                added["allow_insecure"] = "true"
            changes = [f"SET {name} '{value}'" for name, value in options.items()] + \
                [f"ADD {name} '{value}'" for name, value in added.items()]
            # the option that allows the address comes before it
            self.session.query(f"ALTER SERVER {operation.server} OPTIONS"
                               f" ({', '.join(reversed(changes))})")
        else:
            action = fault.action
            if fault.name == "wrong types":
                action = {**action, "body": operation.wrong}
            self.emulator.faults({"match": operation.match, "times": 1 if once else 0,
                                  "action": action})
        sql = operation.sql.format(s=operation.server, id=cell, known=self.known)
        error, rows = None, []
        begun = time.monotonic()
        try:
            rows = self.session.query(sql)
        except PgError as problem:
            error = problem
        took = time.monotonic() - begun
        requests = self.emulator.records()
        self.emulator.faults()
        yield from self.judge(fault, operation, once, error, rows, requests)
        if took > SLOW:
            yield f"took {took:.1f} s"
        if fault.url:
            changes = [f"SET base_url '{self.emulator.url}'"] + [f"DROP {name}" for name in added]
            self.session.query(f"ALTER SERVER {operation.server} OPTIONS ({', '.join(changes)})")
        if fault.slow:
            self.set_options(operation.server, {"connect_timeout": PATIENT,
                                                "request_timeout": PATIENT})
        if "429" in fault.name:
            self.session.query(f"SELECT trigger_fdw_disconnect('{operation.server}')")
        if not self.good(operation.server):
            yield "the next statement answers wrongly"

    def judge(self, fault, operation, once, error, rows, requests):
        """Yield what is wrong with the outcome."""
        said = "success" if error is None else \
            f"{error.sqlstate}: {error.message} | {error.detail} | {error.hint} | {error.context}"
        healed = once and (fault.heals == "refused" or fault.heals and operation.safe)
        if operation.name == "import":
            if error or requests:
                yield f"import: {said}, {len(requests)} requests"
            return
        want = operation.expect.get(fault.name, fault.state)
        if healed:
            want = None
        if (error.sqlstate if error else None) != want:
            yield f"wanted {want or 'success'}: {said}"
        if any(secret in said for secret in SECRETS):
            yield f"a key is shown: {said}"
        if error:
            words = f"{error.message} {error.detail}"
            if f'server "{operation.server}"' not in error.message and \
                    operation.match["method"] not in error.detail:
                yield f"neither server nor request is named: {said}"
            for word in () if operation.writes and not operation.safe else fault.words:
                if word not in words:
                    yield f'no word of "{word}": {said}'
        elif operation.name in ("scan", "later page"):
            resource = "schedules" if operation.name == "scan" else "runs"
            if len(rows) != len(self.emulator.oracle(resource)):
                yield f"{len(rows)} rows"
        if operation.writes and fault.done is not None:
            self_done = 1 if healed or fault.done and not fault.url else 0
            found = self.effects(operation)
            if found != self_done:
                yield f"done {found} times, should be {self_done}: {said}"
        if once and healed and sum(
                record["method"] == operation.match["method"] for record in requests) < 1:
            yield "not a single request"

    def repeat(self):
        """Quick failures, over and over: a kilobyte lost in each of them must be seen."""
        self.set_mode(0)
        actions = [fault.action for fault in FAULTS if fault.name in QUICK]
        for number in range(ROUNDS + 1):
            if number == 1:
                self.mark("before the rounds")
            for operation in OPERATIONS:
                if operation.name not in ("scan", "insert", "replay_run"):
                    continue
                for action in actions:
                    self.emulator.faults({"match": operation.match, "times": 0, "action": action})
                    self.session.error(operation.sql.format(
                        s=operation.server, id=f"round {number}", known=self.known))
                self.emulator.clear()
        self.mark("after the rounds")

    def mark(self, what):
        """Note what the backend holds."""
        self.marks.append((what, *self.rest()))

    def judge_marks(self):
        """Yield leaks: the first mark is of a backend that has seen every operation."""
        _, fds, tcp, first = self.marks[0]
        for what, now, open_sockets, kb in self.marks[1:]:
            if now > fds or open_sockets > tcp:
                yield (f"worker {self.number}, {what}: {now} descriptors and {open_sockets}"
                       f" sockets, before {fds} and {tcp}")
            if kb - first > GROWTH_KB:
                yield f"worker {self.number}, {what}: grown by {kb - first} kB"
        if self.marks[-1][3] - self.marks[-2][3] > ROUNDS_KB:
            yield f"worker {self.number}: grown from {self.marks[-2]} to {self.marks[-1]}"


def run_worker(worker, cells, results, aloud):
    """The cells of one worker; the stalled look-ups first, so that their threads end meanwhile."""
    try:
        for once in (False, True):
            worker.set_mode(int(once))
            for index, (fault, operation, mode) in enumerate(cells):
                if mode != once:
                    continue
                name = f"{fault.name} / {operation.name} / {'once' if once else 'always'}"
                try:
                    problems = list(worker.run(index, fault, operation, once))
                except Exception:       # pylint: disable=broad-except
                    problems = [traceback.format_exc()]
                results.put((name, problems))
                if aloud or problems:
                    print(f"{'FAILED' if problems else 'ok':7} {name}", *problems,
                          sep="\n        ", flush=True)
            if not once:
                time.sleep(4.1)         # resolver threads that stalled hold descriptors
            worker.mark("once" if once else "always")
        worker.repeat()
    except Exception:                   # pylint: disable=broad-except
        results.put(("worker", [traceback.format_exc()]))
        traceback.print_exc(file=sys.stdout)


def start_cluster(directory):
    """A cluster in whose processes some names do not resolve, or not soon."""
    library = os.path.join(directory, "dns_stall.so")
    subprocess.run(["cc", "-fPIC", "-shared", os.path.join(HERE, "..", "httpcore", "dns_stall.c"),
                    "-ldl", "-o", library], check=True)
    os.environ["LD_PRELOAD"] = library
    try:
        return Cluster()
    finally:
        del os.environ["LD_PRELOAD"]


def choose(patterns):
    """The cells, in an order that mixes the slow with the fast."""
    for once in (False, True):
        for fault in FAULTS:
            if once and (fault.url or not fault.heals) and fault.name != "none":
                continue
            for operation in OPERATIONS:
                name = f"{fault.name} / {operation.name} / {'once' if once else 'always'}"
                if not patterns or any(pattern in name for pattern in patterns):
                    yield fault, operation, once


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("pattern", nargs="*")
    arguments = parser.parse_args()
    cells = list(choose(arguments.pattern))
    results = queue.Queue()
    places = Places()
    try:
        with start_cluster(places.directory) as cluster:
            workers = [Worker(number, cluster, places) for number in range(arguments.jobs)]
            threads = [threading.Thread(target=run_worker, args=(
                worker, cells[worker.number::arguments.jobs], results, arguments.verbose))
                for worker in workers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            leaks = [line for worker in workers for line in worker.judge_marks()]
            for worker in workers:
                print(f"worker {worker.number}: " + "; ".join(
                    f"{what}: {fds} descriptors, {tcp} sockets, {kb} kB"
                    for what, fds, tcp, kb in worker.marks))
                worker.destroy()
            log = cluster.log_text()
            if any(secret in log for secret in SECRETS):
                leaks.append("a key is in the server's log")
            leaks += [line for line in log.splitlines()
                      if "TRAP" in line or "PANIC" in line or "terminated by signal" in line]
    finally:
        places.destroy()
    results.put(("leaks", leaks))
    print(*leaks, sep="\n")
    found = collections.Counter(bool(problems) for _, problems in results.queue)
    print(f"{found[False]} passed, {found[True]} failed")
    return 1 if found[True] else 0


if __name__ == "__main__":
    sys.exit(main())
