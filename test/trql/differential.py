#!/usr/bin/env python3
"""Random queries: a query table must answer like a plain table that holds the same rows.

    differential.py [--seed N] [--queries N] [--only CASE] [--boards] [--sabotage] [--stand-in]

Each case is a query that is run on the foreign table and on the plain one, in one transaction.
A difference is printed with the seed, the query (made shorter where that is possible), both
answers, the plan and the requests. At the end it says how many queries the API's engine
answered alone, and fails if these are too few.

--sabotage changes some rows of the plain tables, so that the comparison must find differences.
--stand-in asks other plain tables, with the rows in another order, instead of foreign tables.
"""
import argparse
import collections
import json
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))

from cluster import Cluster  # noqa: E402
from emulator_process import Emulator, credentials  # noqa: E402
from pgwire import PgError  # noqa: E402
from setup import create_server, quote  # noqa: E402

import boards  # noqa: E402
import data  # noqa: E402
import defects  # noqa: E402
import digits  # noqa: E402
import edges  # noqa: E402
import generator  # noqa: E402
import number_cases  # noqa: E402
import paging  # noqa: E402
import plain  # noqa: E402
import shrink  # noqa: E402
import zones  # noqa: E402
from compare import difference  # noqa: E402
from expressions import Table  # noqa: E402

ALPHA = credentials.PROJECT_ALPHA
PROD = [(ALPHA, "prod")]
PROJECT = [(ALPHA, slug) for slug in ("prod", "stg", "dev", "dev:other", "preview",
                                      "preview-feature-xyz", "preview-fix-1")]
ORGANIZATION = PROJECT + [(credentials.PROJECT_BETA, slug)
                          for slug in ("prod", "stg", "dev")]
# foreign table, plain table, weight
TABLES = (("trql.runs", "plain.runs", 80), ("project.runs", "plain.project_runs", 6),
          ("organization.runs", "plain.organization_runs", 4), ("trql.llm_metrics", None, 16),
          ("trql.metrics", None, 9), ("trql.llm_models", None, 3))
KEYS = {"llm_metrics": "span_id", "metrics": "machine_id"}
PLANNER = ("enable_hashjoin", "enable_mergejoin", "enable_nestloop", "enable_sort",
           "enable_incremental_sort", "enable_memoize", "enable_material", "enable_hashagg")
# compiling takes longer than all else, for rows that are only estimated to be there
QUIET = ("jit = off",)
SLOW = 3                    # seconds of a case that are worth a line
# of the queries that one request could answer, so many must be answered by one
LEAST_FULLY, LEAST_PARTLY = 0.17, 0.15


def rows_of(rows):
    return [tuple(row) for row in rows]


def import_schemas(session, emulator):
    """A foreign schema for each scope."""
    session.query("CREATE EXTENSION trigger_fdw")
    create_server(session, "emulator", emulator.url, None, {"project_ref": ALPHA},
                  secret_key=credentials.TR_PROD)
    for schema, options in (("trql", ""), ("project", " OPTIONS (scope 'project')"),
                            ("organization", " OPTIONS (scope 'organization')")):
        session.query(f"CREATE SCHEMA {schema}; IMPORT FOREIGN SCHEMA query FROM SERVER "
                      f"emulator INTO {schema}{options}")


class Pages:
    """What the tests of paging need."""

    def __init__(self, cluster, emulator):
        self.session = cluster.connect()
        self.emulator = emulator
        import_schemas(self.session, emulator)


class Differential:
    """The tables, and what is needed to ask them."""

    def __init__(self, cluster, emulator, options, recent=False):
        self.emulator = emulator
        self.seed = options.seed
        self.stand_in = options.stand_in
        self.session = cluster.connect()
        self.counts = collections.Counter()
        self.pushed = collections.Counter()
        emulator.settings(query_period_days=30 if recent else 40000)
        emulator.control("POST", "/runs", data.runs(options.seed, recent))
        self.session.query("CREATE SCHEMA plain; CREATE SCHEMA local")
        self.tables = self.load(recent)
        self.make_local()
        if options.stand_in:
            self.make_stand_in()
        else:
            import_schemas(self.session, emulator)
        if options.sabotage:
            self.sabotage()
        self.failed = 0 if options.stand_in else self.check_columns()
        self.weights = [table[2] for table in TABLES] if not recent else [1, 0, 0, 0, 0, 0]
        emulator.clear()

    # -- the tables ---------------------------------------------------------------------

    def load(self, recent):
        loaded = {}
        schema = plain.schema(self.emulator)
        others = data.others(self.seed)
        self.emulator.control("POST", "/query_rows", [
            {"table": table, "rows": rows} for table, rows in others.items()])
        inner = {json_row["_"]["environmentId"] for json_row in self.emulator.oracle("query_runs")}
        for foreign, name, _ in TABLES:
            resource = foreign.partition(".")[2]
            columns = schema[resource]
            plain_name = name or f"plain.{resource}"
            plain.create(self.session, plain_name, columns)
            if resource == "runs":
                environments = {"trql": PROD, "project": PROJECT,
                                "organization": ORGANIZATION}[foreign.partition(".")[0]]
                rows = plain.fill(self.session, plain_name, columns,
                                  plain.runs(self.emulator, environments))
                if recent:
                    self.session.query(f"DELETE FROM {plain_name} WHERE triggered_at < "
                                       f"to_timestamp({data.NOW / 1000}) - interval '30 days'")
                print(f"{plain_name}: {rows} rows")
            elif resource in others:
                plain.fill(self.session, plain_name, columns, [
                    json.dumps({"environment": "prod", "project": ALPHA, **row})
                    for row in others[resource]])
            loaded[foreign] = Table(self.session, plain_name, KEYS.get(resource))
            loaded[foreign].inner = {"environment": sorted(inner), "region": ["cmregion"]}
        return loaded

    def make_local(self):
        self.session.query("""
            CREATE TABLE local.ids AS
                SELECT row_number() OVER (ORDER BY md5(run_id)) AS n, run_id AS id
                FROM plain.runs LIMIT 30;
            INSERT INTO local.ids VALUES (-1, 'missing'), (-2, NULL), (-3, '');
            CREATE TABLE local.words (w text COLLATE "C");
            INSERT INTO local.words SELECT task_identifier FROM plain.runs
                WHERE task_identifier LIKE '%e%' OR length(task_identifier) = 1
                GROUP BY 1 ORDER BY md5(task_identifier) LIMIT 10;
            INSERT INTO local.words VALUES ('Completed'), ('Failed'), ('Pending version'), (NULL),
                ('COMPLETED'), ('batch_one'), ('one'), (''), ('us-east-1'), ('nobody');
            CREATE TABLE local.numbers (n numeric, f float8);
            INSERT INTO local.numbers SELECT v::numeric, v::numeric::float8 FROM unnest(ARRAY['0',
                '1', '1.5', '0.1', '0.0000000000005', '18446744073709551615', '9007199254740993',
                '-1e30', 'NaN', 'Infinity', '-Infinity', '255', NULL]) AS v;
            ANALYZE""")

    def make_stand_in(self):
        for schema in ("trql", "project", "organization"):
            self.session.query(f"CREATE SCHEMA {schema}")
        for foreign, table in self.tables.items():
            self.session.query(f"CREATE TABLE {foreign} AS SELECT * FROM {table.plain} ORDER BY "
                               f"md5({table.key}); ANALYZE {foreign}")

    def check_columns(self):
        """Compare names, types and collations; the number of tables that differ."""
        failed = 0
        columns = ("SELECT attname, format_type(atttypid, atttypmod), collname FROM pg_attribute"
                   " LEFT JOIN pg_collation c ON c.oid = attcollation WHERE attnum > 0"
                   " AND attrelid = '{}'::regclass ORDER BY attnum")
        for foreign, table in self.tables.items():
            got, expected = (rows_of(self.session.query(columns.format(name)))
                             for name in (foreign, table.plain))
            if got != expected:
                failed += 1
                print(f"--- columns of {foreign}: {sorted(set(got) - set(expected))} instead of"
                      f" {sorted(set(expected) - set(got))}")
        return failed

    def sabotage(self):
        """Leave some rows out of the plain tables, and change a value in others."""
        for table in {table.plain for table in self.tables.values()
                      if table.plain.endswith("runs")}:
            self.session.query(f"""
                DELETE FROM {table} WHERE md5(run_id) < '02';
                UPDATE {table} SET status = NULL WHERE md5(run_id) > 'fe'""")

    # -- asking -------------------------------------------------------------------------

    def ask(self, text, parameters=None, way="simple", fetches=()):
        """The answer of one statement, asked in one of three ways."""
        if way == "simple":
            return rows_of(self.session.query(inline(text, parameters)))
        if way == "cursor":
            return self.through_cursor(inline(text, parameters), fetches)
        types = ", ".join(cast for _, cast in parameters)
        values = ", ".join(literal for literal, _ in parameters)
        self.session.query(f"PREPARE p{f' ({types})' if types else ''} AS {text}")
        execute = f"EXECUTE p{f'({values})' if values else ''}"
        self.session.query(execute)
        self.emulator.clear()
        second = rows_of(self.session.query(execute))
        self.session.query("DEALLOCATE p")
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
        return rows_of(rows)

    def answer(self, function):
        """(answer, error), in a transaction that goes on."""
        try:
            self.session.query("SAVEPOINT s")
            return function(), None
        except PgError as error:
            self.session.query("ROLLBACK TO s; DEALLOCATE ALL")
            return [], error

    def begin(self, settings):
        self.session.query("BEGIN; " + "; ".join(f"SET LOCAL {s}" for s in settings))

    def compared(self, query, foreign, settings, how=None):
        """What is wrong with the foreign answer (or None), and both answers.

        `how` are parameters, way and fetches.
        """
        self.begin(settings)
        try:
            return self._compared(query, foreign, how or (None, "simple", ()))
        finally:
            self.session.query("ROLLBACK; DEALLOCATE ALL")

    def _compared(self, query, foreign, how):
        table = self.tables[foreign].plain
        expected, failure = self.answer(lambda: self.ask(query.text.replace("{t}", table), *how))
        everything = broken = None
        if query.unlimited:
            everything, broken = self.answer(
                lambda: self.ask(query.unlimited.replace("{t}", table), how[0]))
        self.emulator.clear()
        got, error = self.answer(lambda: self.ask(query.text.replace("{t}", foreign), *how))
        if failure:
            self.counts[f"error {failure.sqlstate}"] += 1
        if failure or error:
            if failure and error and failure.sqlstate[:2] == error.sqlstate[:2]:
                # which row fails first is open
                return None, got, expected
            if failure and query.how != "errors":
                # which of two conditions is evaluated first is open
                self.counts["failed on the plain table only"] += not error
                return (f"another error: {error}" if error else None), got, expected
            if error:
                return f"ERROR: {error} {error.hint}", got, expected
            return f"no error, but on the plain table: {failure}", got, expected
        if broken:
            # a row fails that the limited query does not need
            everything = got
        return difference(query.how, got, expected, everything, query.rough), got, expected

    def explain(self, text, settings, options="COSTS OFF"):
        self.begin(settings)
        plan, error = self.answer(lambda: self.ask(f"EXPLAIN ({options}) {text}"))
        self.session.query("ROLLBACK")
        return [str(error)] if error else [row[0] for row in plan]

    def share(self, text, settings):
        """How much of a query was the engine's work: fully, partly, not."""
        asked = [record["body"] for record in self.emulator.records()]
        plan = self.explain(text, settings)
        nodes = [line for line in plan if "->" in line or not line.startswith(" ")]
        if len(nodes) == 1 and nodes[0].strip().startswith("Foreign Scan") and len(asked) == 1 \
                and not any(line.strip().startswith("Filter:") for line in plan):
            return "fully"
        return "partly" if any(map(pushes, asked)) else "not"

    # -- one case -----------------------------------------------------------------------

    def run_case(self, number):
        """None, or the report of a difference."""
        rng = random.Random(f"{self.seed}/{number}/settings")
        foreign = rng.choices(list(self.tables), self.weights)[0]
        made = generator.make(self.seed, number, self.tables[foreign])
        way = rng.choices(("simple", "prepared", "cursor"), (7, 2, 1))[0]
        if way == "prepared":
            made.parameters = []
        query = made.query()
        settings = ["TimeZone = " + quote(rng.choice(("UTC", "UTC", "Asia/Kolkata",
                                                      "America/New_York", "Europe/Paris"))),
                    "DateStyle = " + quote(rng.choice(("ISO", "ISO", "SQL, DMY", "German"))),
                    "extra_float_digits = " + rng.choice(("1", "1", "1", "0", "3"))]
        settings += [f"{name} = off" for name in PLANNER if rng.random() < 0.1]
        if way == "prepared":
            settings.append("plan_cache_mode = " + rng.choice(
                ("force_generic_plan", "force_custom_plan", "auto")))
        fetches = [rng.choice((1, 3, 50, 100, 101)) for _ in range(40)]
        self.counts[foreign] += 1
        self.counts[way] += 1
        how = (made.parameters, way, fetches)
        began = time.monotonic()
        problem, got, expected = self.compared(query, foreign, settings, how)
        if time.monotonic() - began > SLOW:
            print(f"case {number} took {time.monotonic() - began:.1f} s and "
                  f"{len(self.emulator.records())} requests: {query.text[:150]}", flush=True)
        self.counts["empty answers"] += not expected
        if not problem:
            if query.simple and not self.stand_in:
                text = inline(query.text, made.parameters).replace("{t}", foreign)
                self.pushed[self.share(text, settings)] += 1
            return None
        where = f"seed {self.seed} case {number} ({way}, {query.how})"
        query = generator.dataclasses.replace(
            query, text=inline(query.text, made.parameters),
            unlimited=query.unlimited and inline(query.unlimited, made.parameters))
        again, got2, expected2 = self.compared(query, foreign, settings)
        if again:
            query, settings = shrink.shrink(
                query, settings,
                lambda q, s: kind(self.compared(q, foreign, s)[0]) == kind(again))
            problem, got, expected = self.compared(query, foreign, settings)
        else:
            where += f", only with {made.parameters} {settings}"
        return self.report(f"{where}: {problem}", query, foreign, settings, got, expected)

    def report(self, title, query, foreign, settings, got, expected):
        requests = [str(record["body"]) for record in self.emulator.records()]
        text = query.text.replace("{t}", foreign)
        missing = collections.Counter(expected) - collections.Counter(got)
        extra = collections.Counter(got) - collections.Counter(expected)
        return "\n".join((
            f"--- {title}", *(f"SET {s};" for s in settings), text + ";",
            f"plain table: {len(expected)} rows; foreign table: {len(got)} rows",
            *(f"  only plain:   {cut(row)}" for row in list(missing)[:4]),
            *(f"  only foreign: {cut(row)}" for row in list(extra)[:4]),
            *(f"  {line[:400]}" for line in self.explain(text, settings, "VERBOSE, COSTS OFF")),
            *(f"  request: {body[:900]}" for body in requests[:4])))


def cut(row):
    return str(row)[:300]


def kind(problem):
    """What two failures must have in common to be the same one."""
    if problem is None:
        return None
    return problem.split("|", maxsplit=1)[0][:40] if problem.startswith("ERROR") else "rows"


def pushes(body):
    """Whether a request asks for less than all rows."""
    text = re.sub(r"'(?:[^'\\]|''|\\.)*'", "''", str(body))
    return bool(re.search(r"\bWHERE\b|\bGROUP BY\b|\bDISTINCT\b|\bcount\(", text, re.IGNORECASE))


def inline(query, parameters):
    """The text with the parameters' values in their places."""
    for number in range(len(parameters or []), 0, -1):
        literal, cast = parameters[number - 1]
        query = query.replace(f"${number}", f"({literal})::{cast}")
    return query


def run_random(differential, cases):
    """The number of differences."""
    failed = 0
    for number in cases:
        report = differential.run_case(number)
        if report:
            failed += 1
            print(report, flush=True)
    return failed


def judge(pushed):
    """Say how much was pushed; 1 if it was too little."""
    total = sum(pushed.values()) or 1
    fully, partly = pushed["fully"] / total, pushed["partly"] / total
    print(f"of {total} queries that one request could answer, the engine answered fully "
          f"{pushed['fully']} ({fully:.0%}), partly {pushed['partly']} ({partly:.0%}), "
          f"not {pushed['not']}")
    if fully >= LEAST_FULLY and partly >= LEAST_PARTLY:
        return 0
    print(f"--- too few: at least {LEAST_FULLY:.0%} fully and {LEAST_PARTLY:.0%} partly")
    return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--only", type=int, help="run this case only")
    parser.add_argument("--boards", action="store_true", help="only the fixed queries")
    parser.add_argument("--sabotage", action="store_true")
    parser.add_argument("--stand-in", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    print(f"seed {options.seed}", flush=True)
    passed = failed = 0
    # once with all rows in the plan's period, once with its usual 30 days
    for recent in (False, True):
        # what the engine compiles it does once for all rows, and then as usual
        os.environ["TRIGGER_TEST_COMPILE_AFTER"] = "" if recent else "0"
        with Cluster(QUIET) as cluster, \
                Emulator("small", 20000, 1, "--now", str(data.NOW)) as emulator:
            differential = Differential(cluster, emulator, options, recent)
            failed += differential.failed
            if not recent:
                for fixed in (boards, edges, zones, number_cases):
                    done, wrong = fixed.run(differential)
                    passed, failed = passed + done - wrong, failed + wrong
            if options.boards:
                break
            count = options.queries // 10 if recent else options.queries
            cases = range(10**6, 10**6 + count) if recent else range(count)
            if options.only is not None:
                cases = [case for case in [options.only] if recent == (case >= 10**6)]
            wrong = run_random(differential, cases)
            passed, failed = passed + len(cases) - wrong, failed + wrong
            print(", ".join(f"{name} {n}" for name, n in sorted(differential.counts.items())))
            if len(cases) >= 200 and not options.stand_in:
                failed += judge(differential.pushed)
    if not (options.boards or options.stand_in or options.only is not None):
        # which rows there are decides whether a defect shows
        always = argparse.Namespace(seed=1, stand_in=False, sabotage=options.sabotage)
        with Cluster(QUIET) as cluster, \
                Emulator("small", 20000, 1, "--now", str(data.NOW)) as emulator:
            done, wrong = defects.run(Differential(cluster, emulator, always))
            passed, failed = passed + done - wrong, failed + wrong
        with Cluster(QUIET) as cluster, Emulator("empty", 0, 1, "--now", str(data.NOW)) as emulator:
            paging.fill(emulator)
            pages = Pages(cluster, emulator)
            for done, wrong in (paging.run(pages), digits.run(pages, options.seed)):
                passed, failed = passed + done - wrong, failed + wrong
    print(f"seed {options.seed}, {time.monotonic() - began:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
