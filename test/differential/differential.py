#!/usr/bin/env python3
"""Random queries: a foreign table must answer like a plain table that holds the same rows.

    differential.py [--seed N] [--cases N] [--only CASE] [--sabotage]

Each case is a query that is run on the foreign table and on the plain one, in one transaction,
while the emulator behaves well or pages badly. A difference is printed with the seed, the
query, both answers and the requests that were sent. --sabotage changes one row of each plain
table, so that the comparison must find differences.
"""
import argparse
import collections
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))

from cluster import Cluster  # noqa: E402
from emulator_process import Emulator, credentials  # noqa: E402
from pgwire import PgError  # noqa: E402
from setup import create_default, create_server, quote  # noqa: E402

import generator  # noqa: E402
import reference  # noqa: E402

NOW = 1795500000000         # the clock of the data stands still
IN_PROD = ["{a}environment = 'prod'"]
ENVIRONMENTS = ["{a}environment = 'staging'", "{a}environment IN ('prod', 'staging')",
                "{a}environment = ANY('{{staging,stg,bogus}}')", "{a}environment = 'prod'",
                "{a}environment IN ('preview-feature-xyz', 'preview', 'prod', 'PROD', '')"]
# foreign table, plain table, resource, weight, conditions of which one is needed
TABLES = (
    ("prod.runs", "plain.runs", "runs", 34, None),
    ("tiny.runs", "plain.runs", "runs", 22, None),
    ("pat.runs", "plain.pat_runs", "runs", 14, ENVIRONMENTS),
    ("prod.run_details", "plain.run_details", "run_details", 6, None),
    ("tiny.run_details", "plain.run_details", "run_details", 5, None),
    ("prod.schedules", "plain.schedules", "schedules", 5, None),
    ("tiny.schedules", "plain.schedules", "schedules", 5, None),
    ("prod.envvars", "plain.envvars", "envvars", 3, None),
    ("pat.envvars", "plain.pat_envvars", "envvars", 6, None),
)
# how the emulator pages; a case is run under one of them
MODES = (
    {}, {}, {"page_short": True}, {"empty_pages": 2}, {"repeat_rows": 5}, {"hydrate_drop": 0.4},
    {"page_short": True, "empty_pages": 1, "repeat_rows": 3, "chunked": True, "gzip": False},
    {"latency_ms": 1, "latency_jitter_ms": 3, "repeat_rows": 1},
)
PLANNER = ("enable_hashjoin", "enable_mergejoin", "enable_nestloop", "enable_sort",
           "enable_incremental_sort", "enable_memoize", "enable_material", "enable_hashagg")


def rows_as_text(rows):
    return [tuple(row) for row in rows]


def difference(how, got, expected, unlimited):
    """None, or what is wrong with the answer `got`."""
    if how == "sequence":
        return None if got == expected else "other rows, or another order"
    if how == "rows":
        return None if collections.Counter(got) == collections.Counter(expected) else "other rows"
    if len(got) != len(expected):
        return f"{len(got)} rows instead of {len(expected)}"
    if how == "ties" and [row[0] for row in got] != [row[0] for row in expected]:
        return "other sort keys"
    extra = collections.Counter(got) - collections.Counter(unlimited)
    return f"rows that are not in the table: {list(extra)[:3]}" if extra else None


class Differential:
    """Two tables per case, and what is needed to ask them."""

    def __init__(self, cluster, emulator, seed):
        self.emulator = emulator
        self.seed = seed
        self.session = cluster.connect()
        self.counts = collections.Counter()
        self.mode = None
        session = self.session
        create_default(session, emulator.url)
        create_server(session, "tiny", emulator.url, "tiny",
                      {"page_size": 7, "concurrency": 8, "project_ref": credentials.PROJECT_ALPHA},
                      secret_key=credentials.TR_PROD)
        session.query("CREATE SCHEMA plain; CREATE SCHEMA local")
        self.tables = self.load()
        self.make_local()
        emulator.clear()

    def load(self):
        loaded = {}
        for _, plain, resource, _, always in TABLES:
            if plain in loaded:
                continue
            pat = plain.startswith("plain.pat_")
            environments = ("prod",)
            if pat:
                environments = ("prod", "stg", "preview-feature-xyz", "preview-fix-1") \
                    if resource == "runs" else ("prod", "dev", "stg", "preview")
            rows = reference.load(self.session, self.emulator, plain,
                                  f"{'pat' if pat else 'prod'}.{resource}", resource, environments)
            print(f"{plain}: {rows} rows")
            loaded[plain] = generator.Table(self.session, plain, resource, always)
        return loaded

    def make_local(self):
        """Tables of ids and words to join with: rows that exist, and some that do not."""
        self.session.query("""
            CREATE TABLE local.ids AS
                SELECT id, 'r' AS what FROM plain.runs UNION SELECT id, 'r' FROM plain.pat_runs
                UNION SELECT id, 's' FROM plain.schedules UNION SELECT name, 'e'
                FROM plain.pat_envvars;
            CREATE TABLE local.many AS
                SELECT row_number() OVER (ORDER BY md5(id)) AS n, id FROM local.ids
                UNION ALL SELECT -g, 'missing_' || g FROM generate_series(1, 20) g;
            CREATE TABLE local.few AS
                SELECT n, id FROM (SELECT row_number() OVER (PARTITION BY what ORDER BY md5(id))
                                   AS n, id FROM local.ids) s WHERE n <= 2
                UNION ALL SELECT -1, 'missing' UNION ALL SELECT -2, NULL UNION ALL SELECT -3, ''
                UNION ALL (SELECT -4, id FROM local.ids ORDER BY id LIMIT 1);
            CREATE TABLE local.nobody AS SELECT * FROM local.few LIMIT 0;
            CREATE TABLE local.words AS
                SELECT DISTINCT 'task_identifier' AS c, task_identifier AS k FROM plain.runs
                WHERE task_identifier LIKE '%e%'
                UNION ALL VALUES ('status', 'FAILED'), ('status', 'WAITING'), ('status', NULL),
                ('region', 'us-east-1'), ('version', '20260101.1'), ('id', 'missing'),
                ('task_identifier', 'none'), ('name', 'LOG_LEVEL'), ('environment', 'prod');
            ANALYZE""")

    def sabotage(self):
        for table in {plain for _, plain, _, _, _ in TABLES}:
            key = "name" if "envvars" in table else "id"
            self.session.query(f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table}"
                               " ORDER BY md5(" + key + ") LIMIT 5)")

    def set_mode(self, mode):
        if mode != self.mode:
            self.emulator.control("PUT", "/settings", {
                "page_short": None, "empty_pages": None, "repeat_rows": None, "latency_ms": None,
                "hydrate_drop": None, "chunked": None, "gzip": None, "latency_jitter_ms": None,
                **mode})
            self.mode = mode

    # -- one case -----------------------------------------------------------------------

    def run_case(self, number):
        """None, or the report of a difference."""
        rng, _ = generator.make(self.seed, number, None)
        foreign, plain, _, _, _ = rng.choices(TABLES, [table[3] for table in TABLES])[0]
        self.set_mode(rng.choice(MODES))
        made = generator.Generator(rng, self.tables[plain])
        way = rng.choices(("simple", "prepared", "cursor"), (7, 2, 1))[0]
        if way == "prepared":
            made.parameters = []
        query, how, unlimited = made.query()
        settings = ["TimeZone = " + quote(rng.choice(("UTC", "Asia/Kolkata", "America/New_York"))),
                    "DateStyle = " + quote(rng.choice(("ISO", "SQL, DMY", "German")))]
        settings += [f"{name} = off" for name in PLANNER if rng.random() < 0.12]
        if way == "prepared":
            settings.append("plan_cache_mode = " + rng.choice(
                ("force_generic_plan", "force_custom_plan", "auto")))
        fetches = [rng.choice((1, 3, 50, 100, 101)) for _ in range(40)]

        def ask(table):
            text = query.replace("{t}", table)
            if way == "simple":
                return self.session.query(text)
            if way == "cursor":
                return self.through_cursor(text, fetches)
            return self.prepared(text, made.parameters)

        self.counts[f"{foreign}"] += 1
        self.counts[way] += 1
        begin = "BEGIN; " + "; ".join(f"SET LOCAL {s}" for s in settings)
        try:
            self.session.query(begin)
            expected, problem = rows_as_text(ask(plain)), None
            everything = rows_as_text(self.session.query(
                self.inline(unlimited, made.parameters).replace("{t}", plain))) \
                if unlimited else None
            self.emulator.clear()
            got = rows_as_text(ask(foreign))
            problem = difference(how, got, expected, everything)
            self.counts["rows"] += len(expected)
            self.counts["empty answers"] += not expected
        except PgError as error:
            got, expected, problem = [], [], f"ERROR: {error} {error.hint}"
        finally:
            self.session.query("ROLLBACK; DEALLOCATE ALL")
        if not problem:
            return None
        shown = self.inline(query, made.parameters).replace("{t}", foreign)
        return "\n".join((
            f"--- seed {self.seed} case {number} ({way}, {how}, emulator {self.mode}): {problem}",
            "BEGIN; " + "; ".join(f"SET LOCAL {s}" for s in settings) + ";", shown + ";",
            f"plain table {plain}: {len(expected)} rows; foreign table: {len(got)} rows",
            *(f"  only plain:   {row}" for row in list(
                (collections.Counter(expected) - collections.Counter(got)))[:5]),
            *(f"  only foreign: {row}" for row in list(
                (collections.Counter(got) - collections.Counter(expected)))[:5]),
            *(f"  {line}" for line in self.emulator.requests()[:12])))

    @staticmethod
    def inline(query, parameters):
        """The text with the parameters' values in their places."""
        for number in range(len(parameters or []), 0, -1):
            literal, cast = parameters[number - 1]
            query = query.replace(f"${number}", f"({literal})::{cast}")
        return query

    def prepared(self, text, parameters):
        types = ", ".join(cast for _, cast in parameters)
        self.session.query(f"PREPARE p{f' ({types})' if types else ''} AS {text}")
        values = ", ".join(literal for literal, _ in parameters)
        execute = f"EXECUTE p{f'({values})' if values else ''}"
        # a second execution of the same plan must give the same
        first = self.session.query(execute)
        second = self.session.query(execute)
        self.session.query("DEALLOCATE p")
        if collections.Counter(rows_as_text(first)) != collections.Counter(rows_as_text(second)) \
                and "LIMIT" not in text:
            raise AssertionError(f"two executions differ: {text}")
        return second

    def through_cursor(self, text, fetches):
        self.session.query(f"DECLARE c CURSOR FOR {text}")
        rows = []
        for count in fetches:
            part = self.session.query(f"FETCH {count} FROM c")
            rows += part
            if len(part) < count:
                break
        else:
            rows += self.session.query("FETCH ALL FROM c")
        self.session.query("CLOSE c")
        return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--only", type=int, help="run this case only")
    parser.add_argument("--sabotage", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    print(f"seed {options.seed}", flush=True)
    failed = 0
    with Cluster() as cluster, Emulator("small", 20000, 1, "--now", str(NOW)) as emulator:
        differential = Differential(cluster, emulator, options.seed)
        if options.sabotage:
            differential.sabotage()
        cases = range(options.cases) if options.only is None else [options.only]
        for number in cases:
            report = differential.run_case(number)
            if report:
                failed += 1
                print(report, flush=True)
    print(", ".join(f"{name} {count}" for name, count in sorted(differential.counts.items())))
    print(f"seed {options.seed}: {len(cases) - failed} passed, {failed} failed,"
          f" {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
