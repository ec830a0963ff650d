#!/usr/bin/env python3
"""How fast the runs are read, beside the other ways to read them.

    python3 test/bench/bench.py [--rows N] [--repeat N] [part ...]

Parts: read, transport, append, joins, requests, planning, cancel, memory, query,
instructions (default: all).

Everybody reads the same 20,000 runs in 200 pages of 100 from the emulator on
loopback, uncompressed, pages rendered in advance, over one kept-alive
connection, in turns:

  ours       COPY (SELECT six columns FROM runs) TO '/dev/null', with
             concurrency 1: one page after the other, as everybody else
  ours 4     the same with concurrency 4, the default: several windows at once
  ours 8     the same with concurrency 8
  jsonb      what a generic HTTP extension leaves to do: the bodies come in
             through COPY FROM PROGRAM as jsonb, jsonb_to_recordset takes the
             same six columns out, same sink.  (Debian has no pgsql-http.
             This is its upper bound: fetching is a process of its own, and
             overlaps with the parsing.)
  client     the official client's async iterator in a fresh process; only the
             iteration counts
  curl       a C program that follows the cursors and prints the bodies to
             /dev/null: the floor

"append" reads the runs of three such servers by one UNION ALL, beside curl,
which reads those of one.

The transports are compared through the same nginx: plain HTTP/1.1, and TLS 1.3
with HTTP/2 (one handshake included), beside the emulator without it.

"joins" looks up 1,000 ids of a local table, beside the time of ceil(1000 / concurrency) answers.

The part "query" counts 200,000 runs by task and status on the query table and on the list's,
and reads 250,000 from the query table. Without latency the list's pages, rendered in advance,
take less than 1 ms each, while the engine takes what it takes: that ratio is not judged.

"instructions" are compared with those of PostgreSQL's own JSON lexer for the same bytes.

The exit status is 1 when a target is missed.  Nothing is written but to a
temporary directory.
"""
import argparse
import json
import math
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))

from cluster import Cluster, bindir  # noqa: E402
from emulator_process import Emulator, credentials  # noqa: E402
from nginx import Nginx  # noqa: E402
from pgwire import PgError  # noqa: E402
from setup import create_server  # noqa: E402

SIX = "id, status, task_identifier, created_at, duration_ms, cost_in_cents"
QUERY_SIX = "run_id, status, task_identifier, triggered_at, usage_duration, total_cost"
# all six are read, and no row is lost
SIX_USED = "(id, status, task_identifier, created_at, duration_ms, cost_in_cents) IS NOT NULL"
LOOK_UPS = 1000
LIST = "/api/v1/runs?page%5Bsize%5D=100&filter%5BcreatedAt%5D%5Bfrom%5D=1"
RECORD = ('"id" text, "status" text, "taskIdentifier" text, "createdAt" timestamptz, '
          '"durationMs" bigint, "costInCents" numeric')
# a body has neither of these control characters, nor a newline
COPY_FORMAT = r"(FORMAT csv, QUOTE E'\x01', ESCAPE E'\x01', DELIMITER E'\x02')"

QUERIES = {
    "all runs": f"SELECT {SIX} FROM prod.runs",
    "failed today": "SELECT task_identifier, count(*) FROM prod.runs WHERE status = 'FAILED' "
                    "AND created_at > now() - interval '1 day' GROUP BY 1",
    "last ten": "SELECT * FROM prod.runs ORDER BY created_at DESC LIMIT 10",
    "one run": "SELECT * FROM prod.run_details WHERE id = 'run_x'",
    "join": "SELECT * FROM prod.runs r JOIN prod.schedules s ON s.task = r.task_identifier",
}


def pg_config(what):
    """What PG_CONFIG says."""
    return subprocess.check_output([os.environ.get("PG_CONFIG", "pg_config"), what],
                                   text=True).strip()


def callgrind(command, **options):
    """Instructions that a command takes."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                           *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          check=True, **options)
    text = done.stderr if isinstance(done.stderr, str) else done.stderr.decode()
    return int(re.search(r"Collected : (\d+)", text).group(1))


class Bench:
    """One cluster, one emulator, the results."""

    def __init__(self, arguments):
        self.rows = arguments.rows
        self.repeat = arguments.repeat
        self.missed = 0
        self.directory = tempfile.mkdtemp(prefix="trigger_bench_")
        os.chmod(self.directory, 0o755)
        self.curlpages = os.path.join(self.directory, "curlpages")
        subprocess.run(["cc", "-O2", "-o", self.curlpages, os.path.join(HERE, "curlpages.c"),
                        "-lcurl"], check=True)
        self.emulator = Emulator("bulk", self.rows)
        self.emulator.settings(gzip=False)
        self.cluster = Cluster(["log_min_messages = fatal"])
        self.session = self.connect()
        self.session.query("CREATE EXTENSION trigger_fdw")
        for name, concurrency in (("prod", 1), ("prod4", 4), ("prod8", 8)):
            self.server(name, self.emulator.url, concurrency)

    def server(self, name, url, concurrency):
        create_server(self.session, name, url, name,
                      {"project_ref": credentials.PROJECT_ALPHA, "concurrency": concurrency},
                      secret_key=credentials.TR_PROD)

    def connect(self):
        session = self.cluster.connect()
        session.query("SET timezone = 'UTC'")
        return session

    def close(self):
        self.cluster.destroy()
        self.emulator.destroy()
        shutil.rmtree(self.directory)

    def target(self, text, met):
        """Print a target and whether it was met."""
        self.missed += not met
        print(f"  {'met   ' if met else 'MISSED'}  {text}", flush=True)

    # the readers; each returns seconds

    def ours(self, schema="prod"):
        begun = time.perf_counter()
        self.session.query(f"COPY (SELECT {SIX} FROM {schema}.runs) TO '/dev/null'")
        seconds = time.perf_counter() - begun
        assert self.session.tag == f"COPY {self.rows}", self.session.tag
        return seconds

    def jsonb(self):
        program = f'{self.curlpages} "{self.emulator.url}{LIST}" {credentials.TR_PROD}'
        self.session.query("CREATE TEMP TABLE IF NOT EXISTS page (body jsonb); TRUNCATE page")
        begun = time.perf_counter()
        self.session.query(f"COPY page FROM PROGRAM '{program}' {COPY_FORMAT}")
        self.session.query("COPY (SELECT r.* FROM page, jsonb_to_recordset(body->'data') "
                           f"AS r({RECORD})) TO '/dev/null'")
        seconds = time.perf_counter() - begun
        assert self.session.tag == f"COPY {self.rows}", self.session.tag
        return seconds

    def client(self):
        answer = json.loads(subprocess.check_output(
            ["node", os.path.join(HERE, "official.mjs"), self.emulator.url,
             credentials.TR_PROD]))
        assert answer["rows"] == self.rows, answer
        return answer["ms"] / 1000

    def curl(self):
        begun = time.perf_counter()
        subprocess.run([self.curlpages, self.emulator.url + LIST, credentials.TR_PROD],
                       stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - begun

    # the parts

    def read(self):
        readers = {"ours": self.ours, "ours 4": lambda: self.ours("prod4"),
                   "ours 8": lambda: self.ours("prod8"), "jsonb": self.jsonb, "client": self.client,
                   "curl": self.curl}
        self.emulator.control("POST", f"/warm?rows={self.rows}")
        for latency in (0, 20):
            self.emulator.settings(latency_ms=latency)
            self.ours()             # connections are open, catalogs are cached
            seconds = {name: [] for name in readers}
            requests = {}
            for _ in range(self.repeat):
                for name, reader in readers.items():
                    self.emulator.clear()
                    seconds[name].append(reader())
                    requests[name] = len(self.emulator.requests())
            median = {name: statistics.median(times) for name, times in seconds.items()}
            print(f"\nread {self.rows} runs, latency {latency} ms, median of {self.repeat}")
            print("  reader      seconds   least    most   / ours  requests")
            for name, times in seconds.items():
                print(f"  {name:8} {median[name]:10.3f} {min(times):7.3f} {max(times):7.3f} "
                      f"{median[name] / median['ours']:8.2f} {requests[name]:9}")
            if latency == 0:
                for name, factor in (("jsonb", 2), ("client", 3)):
                    self.target(f"at least {factor} times as fast as {name}",
                                median[name] >= factor * median["ours"])
            else:
                self.target("at most 1.05 times the time of curl",
                            median["ours"] <= 1.05 * median["curl"])
                self.target("with concurrency 8, at most a fifth of the time of curl",
                            median["ours 8"] <= median["curl"] / 5)
            self.target("as many requests as curl", requests["ours"] == requests["curl"])
        self.emulator.settings(latency_ms=None)

    def transport(self):
        """The same pages and look-ups over three transports, in turns."""
        nginx = Nginx(self.emulator.port)
        try:
            self._transport(nginx)
        finally:
            nginx.destroy()

    def _transport(self, nginx):
        urls = {"direct": self.emulator.url, "http11": nginx.plain_url, "tls_h2": nginx.url}
        for name, url in urls.items():
            create_server(self.session, name, url, name,
                          {"project_ref": credentials.PROJECT_ALPHA, "ca_file": nginx.ca_file,
                           "concurrency": 16}, secret_key=credentials.TR_PROD)
        self.emulator.control("POST", f"/warm?rows={self.rows}")
        ids = ", ".join(f"'{row}'" for row in self.session.column(
            f"SELECT id FROM direct.runs LIMIT {LOOK_UPS}"))
        works = {f"{self.rows // 100} pages": f"SELECT count(*) FROM {{}}.runs WHERE {SIX_USED}",
                 f"{LOOK_UPS} look-ups, 16 at once":
                     f"SELECT count(status) FROM {{}}.run_details WHERE id IN ({ids})"}
        for work, sql in works.items():
            seconds = {name: [] for name in urls}
            connections = {}
            for _ in range(self.repeat):
                for name in urls:
                    self.session.query(f"SELECT trigger_fdw_disconnect('{name}')")
                    nginx.clear()
                    begun = time.perf_counter()
                    self.session.query(sql.format(name))
                    seconds[name].append(time.perf_counter() - begun)
                    connections[name] = len({line.connection for line in nginx.lines()})
            median = {name: statistics.median(times) for name, times in seconds.items()}
            print(f"\ntransport, {work}, median of {self.repeat}")
            print("  transport   seconds  / http11  connections")
            for name in urls:
                print(f"  {name:8} {median[name]:10.3f} {median[name] / median['http11']:9.2f}"
                      f" {connections[name] or '':>12}")
            self.target("one connection with HTTP/2", connections["tls_h2"] == 1)
        self.session.query("".join(f"DROP SERVER {name} CASCADE;" for name in urls))

    def append(self):
        """Three servers at once take no longer than the slowest of them alone."""
        rows = self.rows // 4
        latency = {"one": 20, "two": 20, "three": 10}
        apis = {name: Emulator("bulk", rows) for name in latency}
        parts = " UNION ALL ".join(f"SELECT {SIX} FROM {name}.runs" for name in latency)
        seconds = {"ours": [], "ours, one by one": [], "curl, one server": []}
        try:
            for name, api in apis.items():
                api.settings(gzip=False, latency_ms=latency[name])
                api.control("POST", f"/warm?rows={rows}")
                self.server(name, api.url, 1)
            url = apis["one"].url + LIST
            for _ in range(self.repeat):
                for name, setting in (("ours", "on"), ("ours, one by one", "off")):
                    self.session.query(f"SET enable_async_append = {setting}")
                    begun = time.perf_counter()
                    self.session.query(f"COPY ({parts}) TO '/dev/null'")
                    seconds[name].append(time.perf_counter() - begun)
                    assert self.session.tag == f"COPY {3 * rows}", self.session.tag
                begun = time.perf_counter()
                subprocess.run([self.curlpages, url, credentials.TR_PROD],
                               stdout=subprocess.DEVNULL, check=True)
                seconds["curl, one server"].append(time.perf_counter() - begun)
        finally:
            self.session.query("RESET enable_async_append; DROP SERVER IF EXISTS "
                               + ", ".join(latency) + " CASCADE")
            for api in apis.values():
                api.destroy()
        median = {name: statistics.median(times) for name, times in seconds.items()}
        print(f"\nappend: {rows} runs of each of three servers, latencies "
              f"{', '.join(map(str, latency.values()))} ms, median of {self.repeat}")
        for name, value in median.items():
            print(f"  {name:18} {value:7.3f} s")
        self.target("at most 1.15 times the time of curl for the slowest",
                    median["ours"] <= 1.15 * median["curl, one server"])

    def joins(self):
        """Ids of a local table, joined to what they name."""
        latency, width = 20, 8
        ideal = math.ceil(LOOK_UPS / width) * latency / 1000
        self.session.query(f"CREATE TABLE local_ids AS SELECT id FROM prod8.runs LIMIT {LOOK_UPS};"
                           "ANALYZE local_ids")
        joined = "local_ids i {} prod8.run_details d ON d.id = i.id"
        works = {
            "JOIN": f"SELECT count(d.id), count(d.output) FROM {joined.format('JOIN')}",
            "LEFT JOIN": f"SELECT count(d.id), count(d.output) FROM {joined.format('LEFT JOIN')}",
            "rows": f"COPY (SELECT * FROM {joined.format('JOIN')}) TO '/dev/null'",
            "ids given": "SELECT count(d.id), count(d.output) FROM prod8.run_details d"
                         " WHERE d.id = ANY (ARRAY(SELECT id FROM local_ids))",
        }
        print(f"\njoins: {LOOK_UPS} local ids, latency {latency} ms, concurrency {width},"
              f" median of {self.repeat}; {ideal:.2f} s of latencies")
        seconds = {name: [] for name in works}
        self.session.query(works["JOIN"])
        self.emulator.settings(latency_ms=latency)
        for _ in range(self.repeat):
            for name, sql in works.items():
                self.emulator.clear()
                begun = time.perf_counter()
                answer = self.session.query(sql)
                seconds[name].append(time.perf_counter() - begun)
                looked_up = sum("/api/v3/runs/" in line for line in self.emulator.requests())
                assert looked_up == LOOK_UPS, looked_up
                assert name == "rows" or answer[0][0] == str(LOOK_UPS), answer
        self.emulator.settings(latency_ms=None)
        self.session.query("DROP TABLE local_ids")
        for name, times in seconds.items():
            median = statistics.median(times)
            print(f"  {name:10} {median:7.3f} s, {median / ideal:5.2f} times")
            if name != "ids given":
                self.target("at most 1.3 times the latencies", median <= 1.3 * ideal)

    def requests(self):
        print("\nrequests")
        self.emulator.clear()
        for sql in QUERIES.values():
            self.session.query("EXPLAIN (VERBOSE) " + sql)
        self.target("EXPLAIN makes none", not self.emulator.requests())
        self.session.query(QUERIES["last ten"])
        made = self.emulator.requests()
        self.target("LIMIT 10 is one of ten rows",
                    len(made) == 1 and "page[size]=10" in made[0])

    def planning(self):
        print("\nplanning, median of 50")
        for name, sql in QUERIES.items():
            times = []
            for _ in range(50):
                plan = self.session.column("EXPLAIN (SUMMARY) " + sql)
                times += [float(line.split()[2]) for line in plan if "Planning Time" in line]
            print(f"  {name:14} {statistics.median(times):7.3f} ms")
            self.target("below 1 ms", statistics.median(times) < 1)

    def cancel(self):
        print("\ncancel while the first byte is awaited, 50 times")
        self.emulator.faults({"match": {"path_regex": "/runs"}, "times": 0,
                              "action": {"kind": "stall", "where": "headers"}})
        times = []
        for _ in range(50):
            self.session.send("SELECT id FROM prod.runs LIMIT 1")
            time.sleep(0.02 + random.random() / 50)
            begun = time.perf_counter()
            self.session.cancel()
            try:
                self.session.result()
                raise AssertionError("not cancelled")
            except PgError as error:
                assert error.sqlstate == "57014", error
            times.append((time.perf_counter() - begun) * 1000)
        self.emulator.faults()
        times.sort()
        print(f"  median {statistics.median(times):.2f} ms, 95th percentile {times[47]:.2f} ms, "
              f"most {times[-1]:.2f} ms")
        self.target("95th percentile below 100 ms", times[47] < 100)

    def memory(self):
        print("\nmemory of the backend")
        peaks = {}
        for rows in (10000, 1000000):
            self.emulator.reset(dataset="bulk", runs=rows)
            with self.connect() as session:
                for _ in range(2):
                    session.query(f"COPY (SELECT {SIX} FROM prod.runs) TO '/dev/null'")
                    assert session.tag == f"COPY {rows}", session.tag
                with open(f"/proc/{session.pid}/status", encoding="ascii") as status:
                    peaks[rows] = int(re.search(r"VmHWM:\s*(\d+)", status.read()).group(1))
            print(f"  peak after {rows:7} runs {peaks[rows] / 1024:6.1f} MB")
        self.target("growth below 8 MB", peaks[1000000] - peaks[10000] < 8 * 1024)
        self.emulator.reset(dataset="bulk", runs=self.rows)

    def query(self):
        print("\nquery tables")
        self.session.query("CREATE SCHEMA IF NOT EXISTS trql; IMPORT FOREIGN SCHEMA query"
                           " FROM SERVER prod INTO trql")
        self.groups()
        self.emulator.reset(dataset="bulk", runs=250000)
        peaks = {}
        for rows in (20000, 250000):
            with self.connect() as session:
                # the engine makes its rows before its first answer
                session.query("SELECT count(*) FROM trql.runs")
                self.emulator.clear()
                begun = time.perf_counter()
                session.query(f"COPY (SELECT {QUERY_SIX} FROM trql.runs LIMIT {rows}) "
                              "TO '/dev/null'")
                seconds = time.perf_counter() - begun
                assert session.tag == f"COPY {rows}", session.tag
                requests = len(self.emulator.requests())
                with open(f"/proc/{session.pid}/status", encoding="ascii") as status:
                    peaks[rows] = int(re.search(r"VmHWM:\s*(\d+)", status.read()).group(1))
            print(f"  {rows:6} runs in {seconds:6.3f} s and {requests:2} requests, "
                  f"peak {peaks[rows] / 1024:.1f} MB")
        self.target("250,000 runs take at most 26 requests", requests <= 26)
        self.target("growth below 8 MB", peaks[250000] - peaks[20000] < 8 * 1024)
        self.emulator.reset(dataset="bulk", runs=self.rows)

    def groups(self):
        """Count by task and status: the engine's work, or ours."""
        self.emulator.reset(dataset="bulk", runs=200000)
        self.emulator.control("POST", "/warm?rows=200000")
        for latency in (0, 20):
            self.emulator.settings(latency_ms=latency)
            seconds, requests = {}, {}
            for schema, repeat in (("trql", self.repeat), ("prod", 1)):
                sql = f"SELECT task_identifier, status, count(*) FROM {schema}.runs GROUP BY 1, 2"
                times = []
                if schema == "trql":
                    self.session.query(sql)
                for _ in range(repeat):
                    self.emulator.clear()
                    begun = time.perf_counter()
                    groups = self.session.query(sql)
                    times.append(time.perf_counter() - begun)
                assert sum(int(group[2]) for group in groups) == 200000, groups
                seconds[schema] = statistics.median(times)
                requests[schema] = len(self.emulator.requests())
                print(f"  latency {latency:2} ms, 200000 runs by task and status from "
                      f"{schema}.runs: {seconds[schema]:.3f} s, {requests[schema]} requests")
            self.target("groups of the query table are one request", requests["trql"] == 1)
            times = seconds["prod"] / seconds["trql"]
            if latency:
                self.target(f"at least 100 times as fast as the list table: {times:.0f} times",
                            times >= 100)
            else:
                print(f"  {times:.0f} times as fast as the list table, whose pages come at once")
        self.emulator.settings(latency_ms=None)

    def instructions(self):
        """Count those of a single-user server, and take those of the start away."""
        print("\ninstructions per row")
        if not shutil.which("valgrind"):
            print("  not counted, valgrind is missing")
            return
        # a reset has brought compression back
        self.emulator.settings(gzip=False)
        lexer = self.lexer()
        self.session.close()
        self.cluster.stop("fast")
        counts = []
        for limit in (2000, 12000):
            sql = f"COPY (SELECT {SIX} FROM prod.runs LIMIT {limit}) TO '/dev/null'\n"
            counts.append(callgrind(
                [os.path.join(bindir(), "postgres"), "--single", "-D", self.cluster.data,
                 "postgres"], input=sql, text=True, cwd=self.cluster.directory,
                preexec_fn=self.cluster._demote))
        self.cluster.start()
        self.session = self.connect()
        ours = (counts[1] - counts[0]) // 10000
        print(f"  ours {ours} (six columns, COPY TO), PostgreSQL's lexer alone {lexer}: "
              f"{ours / lexer:.2f} times")
        self.target("at most 1.6 times PostgreSQL's lexer", ours <= 1.6 * lexer)

    def lexer(self):
        """Count those of PostgreSQL's JSON lexer for the same bytes."""
        program = os.path.join(self.directory, "lexer")
        include, library = pg_config("--includedir-server"), pg_config("--pkglibdir")
        subprocess.run(["cc", "-O2", "-I" + include, "-o", program,
                        os.path.join(HERE, "lexer.c"), "-L" + library, "-lpgcommon",
                        "-lpgport"], check=True)
        pages = subprocess.check_output(
            [self.curlpages, self.emulator.url + LIST, credentials.TR_PROD])
        counts = [callgrind([program, times], input=pages) for times in ("1", "2")]
        return (counts[1] - counts[0]) // self.rows


PARTS = ["read", "transport", "append", "joins", "requests", "planning", "cancel", "memory",
         "query", "instructions"]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []])
    arguments = parser.parse_args()
    bench = Bench(arguments)
    try:
        for part in PARTS:
            if not arguments.part or part in arguments.part:
                getattr(bench, part)()
    finally:
        bench.close()
    print(f"\n{bench.missed} targets missed" if bench.missed else "\nall targets met")
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main())
