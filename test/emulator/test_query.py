"""Tests of the query endpoint: the compiler and its documented mistakes, the engine, limits.

The tests of the compiler alone need nothing; the others need node and the engine.
"""

import concurrent.futures
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import auth  # noqa: E402
import credentials  # noqa: E402
from run_bulk import BulkRuns  # noqa: E402
from trql import compiler, engine, errors, lexer, parser, schema, window  # noqa: E402
from trql.nodes import QueryProblem, SyntaxProblem, Unsupported  # noqa: E402

NOW = 1767225600000
DAY = 86400000
HOUR = 3600000
MISSING = engine.missing()
COLUMNS = [column["name"] for column in schema.listed()["tables"][0]["columns"]]


def condition(text):
    """Return the SQL of a WHERE clause's own part, with its texts filled in."""
    sql, params = compiled("SELECT 1 FROM runs WHERE triggered_at > 0 AND or(%s, 0)" % text)
    start = sql.index("greater(created_at, 0)") + len("greater(created_at, 0), or(")
    own = sql[start:sql.rindex(", 0)) LIMIT")]
    for name, value in params.items():
        own = own.replace("{%s: String}" % name, "'%s'" % value)
    return own


def compiled(text, period=None, lookback=30):
    """Return (SQL, parameters) of a query."""
    bounds = window.Window(NOW, lookback, period)
    table = window.time_table(text)
    column = table.time_column if table else "triggered_at"
    result = compiler.compile_query(parser.parse(text), compiler.Context(
        [("organization_id", "equals", "org"), (column, "since", window.text_of(bounds.oldest))],
        {"environment": {"env1": "prod"}, "project": {"p1": "proj_x"}}, 10000,
        bounds.bucket(table), column, bounds.condition(column)))
    return result.sql, result.params


class CompilerTest(unittest.TestCase):
    def test_mixed_and_or_lose_their_grouping(self):
        a, b, c = "depth = 1", "depth = 2", "depth = 3"
        sql_a, sql_b, sql_c, sql_d = ("equals(depth, %d)" % number for number in (1, 2, 3, 4))
        for text, op, members in (
                ("(%s OR %s) AND %s" % (a, b, c), "and", (sql_a, sql_b, sql_c)),
                ("%s AND %s OR %s" % (a, b, c), "or", (sql_a, sql_b, sql_c)),
                ("(%s AND %s) OR (%s AND depth = 4)" % (a, b, c), "or",
                 (sql_a, sql_b, sql_c, sql_d)),
                # a tuple is a list as well
                ("(%s, %s) AND %s" % (a, b, c), "and", (sql_a, sql_b, sql_c))):
            self.assertEqual(condition(text), "%s(%s)" % (op, ", ".join(members)), text)
        # the safe forms
        self.assertEqual(condition("and(or(%s, %s), %s)" % (a, b, c)),
                         "and(or(%s, %s), %s)" % (sql_a, sql_b, sql_c))
        self.assertEqual(condition("NOT (%s OR %s) AND %s" % (a, b, c)),
                         "and(not(or(%s, %s)), %s)" % (sql_a, sql_b, sql_c))

    def test_grouping_is_lost_inside_calls_too(self):
        sql, _ = compiled("SELECT countIf((depth = 1 OR depth = 2) AND depth = 3) AS n FROM runs")
        self.assertIn("countIf(and(equals(depth, 1), equals(depth, 2), equals(depth, 3)))", sql)

    def test_between_binds_weakest(self):
        self.assertEqual(condition("status = 'Failed' AND depth BETWEEN 1 AND 3"),
                         "and(equals(status, 'COMPLETED_WITH_ERRORS'), depth) BETWEEN 1 AND 3")
        self.assertEqual(condition("depth BETWEEN 5 AND 3 AND is_test"),
                         "depth BETWEEN and(5, 3) AND (if(is_test > 0, true, false))")
        self.assertEqual(condition("NOT depth BETWEEN 1 AND 3"), "not(depth) BETWEEN 1 AND 3")
        # the safe form
        self.assertEqual(condition("(depth BETWEEN 1 AND 3) AND depth != 2"),
                         "and(depth BETWEEN 1 AND 3, notEquals(depth, 2))")

    def test_backslashes(self):
        for literal, value in (
                (r"'a''b'", "a'b"), (r"'a\'b'", "a'b"), (r"'c\\d'", "c\\d"),
                (r"'x\ny'", "x\ny"), (r"'x\ty'", "x\ty"), (r"'x\0y'", "xy"),
                # the escapes are undone one after the other
                (r"'C:\\new'", "C:\\\new"), (r"'\\t'", "\\\t"), (r"'\\x'", "\\x")):
            self.assertEqual(parser.parse("SELECT %s" % literal).columns[0].value, value, literal)
        with self.assertRaises(SyntaxProblem):
            parser.parse(r"SELECT 'a\xb'")

    def test_numbers_are_doubles(self):
        for literal, printed in (
                ("9007199254740993", "9007199254740992"), ("1e3", "1000"), ("1.5", "1.5"),
                (".5", "0.5"), ("-2", "-2"), ("0x10", "16"), ("0x1e", "0"), ("1e-7", "1e-7"),
                ("123456789012345678901234", "1.2345678901234569e+23")):
            value = parser.parse("SELECT " + literal).columns[0].value
            self.assertEqual(compiler.js_number(value), printed)

    def test_aliases_of_tables_are_written_twice(self):
        for text in ("SELECT r.run_id FROM runs r", "SELECT r.run_id FROM runs AS r"):
            self.assertIn("FROM trigger_dev.task_runs_v2 AS r AS r FINAL", compiled(text)[0])
        # a subquery's alias once; what looks like a clause is an alias
        self.assertIn(") AS x WHERE", compiled(
            "SELECT a FROM (SELECT depth AS a FROM runs) AS x WHERE a > 1")[0])
        self.assertIn("AS JSON AS JSON", compiled("SELECT 1 FROM runs FORMAT JSON")[0])

    def test_limits(self):
        for text, end in (
                ("LIMIT 5, 3", "LIMIT 5 OFFSET 3"), ("LIMIT 5 OFFSET 3", "LIMIT 5 OFFSET 3"),
                ("OFFSET 3", "LIMIT 10001 OFFSET 3"), ("LIMIT 20000", "LIMIT 10001"),
                ("LIMIT 0", "LIMIT 0"), ("", "LIMIT 10001")):
            self.assertTrue(compiled("SELECT depth FROM runs " + text)[0].endswith(end), text)
        sql, _ = compiled("SELECT count() AS n FROM (SELECT depth FROM runs OFFSET 7)")
        self.assertNotIn("OFFSET", sql)
        union, _ = compiled("SELECT depth FROM runs UNION ALL SELECT depth FROM runs LIMIT 3")
        self.assertEqual(union.count("LIMIT 10001 UNION ALL"), 1)

    def test_forgotten_words(self):
        plain, _ = compiled("SELECT queue FROM runs ORDER BY queue")
        for text in ("SELECT queue FROM runs ORDER BY queue NULLS LAST",
                     "SELECT queue FROM runs FINAL ORDER BY queue COLLATE 'de' ",
                     "SELECT queue FROM runs WITH TOTALS ORDER BY queue ASC NULLS FIRST"):
            self.assertEqual(compiled(text)[0], plain)

    def test_refused(self):
        for text, part in (
                ("SELECT queue name FROM runs", "mismatched input 'name' expecting <EOF>"),
                ("SELECT 1 FROM runs UNION SELECT 2 FROM runs", "Syntax error at line 1:25"),
                ("SELECT 1 FROM runs WHERE depth IN ()", "Syntax error"),
                ("SELECT depth::String FROM runs", "Syntax error"),
                ("SELECT count() FILTER (WHERE depth > 1) FROM runs", "Syntax error"),
                ("SELECT 1 FROM runs LIMIT 1 BY depth", "out of range"),
                ("UPDATE runs SET depth = 1", "mismatched input 'UPDATE' expecting {SELECT")):
            with self.assertRaises(SyntaxProblem, msg=text) as caught:
                parser.parse(text)
            self.assertIn(part, str(caught.exception))
        for text, message in (
                ("SELECT -depth FROM runs", "Unknown expression type: undefined"),
                ("SELECT CAST(depth AS String) FROM runs", "Unknown expression type: undefined"),
                ("SELECT DATE '2026-01-01' FROM runs", "Unknown expression type: undefined"),
                ("SELECT TRIM(BOTH ' ' FROM queue) FROM runs",
                 "Unknown expression type: undefined"),
                ("SELECT now() - INTERVAL '1 day' FROM runs",
                 "Unknown expression type: undefined"),
                ("SELECT CASE WHEN depth = 1 THEN 2 END FROM runs",
                 "Function 'multiIf' expects at least 3 arguments, found 2"),
                ("SELECT CASE depth WHEN 1 THEN 2 ELSE 3 END FROM runs",
                 "Function 'transform' expects at most 4 arguments, found 5"),
                ("SELECT count(DISTINCT depth, queue) FROM runs",
                 "Aggregation 'count' expects at most 1 argument, found 2"),
                ("SELECT sum(count()) FROM runs",
                 "Aggregation 'count' cannot be nested inside another aggregation 'sum'"),
                ("SELECT 1 FROM runs WHERE EXISTS (SELECT 1 FROM runs)",
                 "Unknown function: EXISTS"),
                ("SELECT rand() FROM runs", "Unknown function: rand"),
                ("SELECT arrayExists(x -> x = 1, tags) FROM runs",
                 "Unknown function: arrayExists"),
                ("SELECT started_at FROM runs",
                 'Unknown column "started_at". Did you mean "dequeued_at"?')):
            with self.assertRaises(QueryProblem, msg=text) as caught:
                compiled(text)
            self.assertEqual(str(caught.exception), message)
        for text in ("SELECT Status FROM runs", "SELECT depth FROM runs GROUP BY ALL",
                     "SELECT runs.nope FROM runs", "SELECT organization_id FROM runs",
                     "SELECT t FROM runs ARRAY JOIN tags AS t", "SELECT 1 FROM numbers(3)"):
            with self.assertRaises(QueryProblem, msg=text):
                compiled(text)
        with self.assertRaises(Unsupported):
            parser.parse("SELECT 1 FROM runs SETTINGS max_threads = 1")

    def test_accepted(self):
        for text in ("SELECT CASE WHEN depth = 1 THEN 2 ELSE 3 END AS a FROM runs",
                     "SELECT a.n AS n FROM (SELECT 1 AS n FROM runs) AS a CROSS JOIN runs",
                     "SELECT runs.* FROM runs, metrics;",
                     "SELECT depth > 1 ? 'a' : 'b' AS x, tags[1] AS y, f'n {depth}' AS z FROM runs",
                     "select queue, sum(depth) over (partition by queue order by depth) as s "
                     "from runs",
                     "SELECT depth, FROM runs -- comment\n/* another */",
                     "(SELECT 1 AS a FROM runs) EXCEPT (SELECT 2 AS a FROM runs)"):
            compiled(text)

    def test_time_window(self):
        week = window.text_of(NOW - 7 * DAY)

        def injected(where, period=None):
            sql, params = compiled("SELECT 1 FROM runs WHERE " + where, period)
            return sql.count("greaterOrEquals(created_at, toDateTime64("), list(params.values())

        for where, count in (
                ("depth = 1", 1), ("triggered_at > now() - INTERVAL 1 DAY", 0),
                ("depth = 1 AND (queue = 'a' AND triggered_at IS NOT NULL)", 0),
                ("(triggered_at BETWEEN 1 AND 2)", 0), ("runs.triggered_at < now()", 0),
                # not recognised
                ("toDate(triggered_at) = today()", 1), ("and(triggered_at > 1, depth = 1)", 1),
                ("NOT (triggered_at > 1)", 1), ("NOT triggered_at > 1", 1)):
            self.assertEqual(injected(where)[0], count, where)
        self.assertIn(week, injected("depth = 1")[1])
        self.assertIn(window.text_of(NOW - 2 * DAY), injected("depth = 1", "2d")[1])
        self.assertIn(week, injected("depth = 1", "fortnight")[1])
        # with an own condition the request's window is dropped, the plan's is not
        _, params = injected("triggered_at > 1", "2d")
        self.assertNotIn(window.text_of(NOW - 2 * DAY), params)
        self.assertIn(window.text_of(NOW - 30 * DAY), params)

    def test_where_the_window_goes(self):
        part = "greaterOrEquals(created_at, "
        for text, count in (
                ("SELECT 1 FROM (SELECT depth FROM runs)", 1),
                ("SELECT 1 FROM runs UNION ALL SELECT 2 FROM runs", 2),
                ("SELECT 1 FROM runs WHERE run_id IN (SELECT run_id FROM runs)", 1),
                ("SELECT 1 FROM runs WHERE depth = 1 HAVING max(triggered_at) > 1", 1)):
            self.assertEqual(compiled(text)[0].count(part), count, text)
        # one time column for all, that of the first table in the server's order
        with self.assertRaises(QueryProblem) as caught:
            compiled("SELECT run_id FROM runs UNION ALL SELECT run_id FROM llm_metrics")
        self.assertIn('Unknown column "triggered_at"', str(caught.exception))

    def test_bounds(self):
        for lookback, period, start, end, low, high in (
                (30, None, None, None, NOW - 7 * DAY, None),
                (1, None, None, None, NOW - DAY, None),
                (30, "0d", None, None, NOW, None), (30, "1h30m", "5", "6", NOW - 5400000, None),
                (30, None, "1700000000123", None, 1700000000123, None),
                (30, None, None, "2026-01-01", None, NOW),
                (30, None, "yesterday", "5", False, 5)):
            bounds = window.Window(NOW, lookback, period, start, end)
            self.assertEqual((bounds.low, bounds.high), (low, high))
            self.assertEqual(bounds.oldest, NOW - lookback * DAY)

    def test_time_buckets(self):
        for period, table, width in (
                ("4m", "runs", "5 SECOND"), ("5m", "runs", "30 SECOND"), ("1h", "runs", "1 MINUTE"),
                ("5h", "runs", "5 MINUTE"), ("23h", "runs", "15 MINUTE"), ("2d", "runs", "1 HOUR"),
                ("7d", "runs", "6 HOUR"), ("14d", "runs", "1 DAY"), ("100d", "runs", "1 WEEK"),
                ("400d", "runs", "1 MONTH"), ("3h", "metrics", "10 SECOND"),
                ("2d", "metrics", "5 MINUTE"), ("8d", "metrics", "1 HOUR")):
            bounds = window.Window(NOW, 30, period)
            self.assertEqual(bounds.bucket(schema.table(table)), "INTERVAL " + width, period)
        for text in ("SELECT timeBucket() FROM runs GROUP BY timeBucket ORDER BY timeBucket",
                     "SELECT timebucket() FROM runs GROUP BY timeBucket() ORDER BY timebucket"):
            self.assertIn("toStartOfInterval(created_at, INTERVAL 6 HOUR) AS timebucket",
                          compiled(text)[0])

    def test_value_mapping(self):
        for text, sql in (
                ("status = 'completed'", "equals(status, 'COMPLETED_SUCCESSFULLY')"),
                ("status IN ('Queued', 'EXECUTING')", "in(status, tuple('PENDING', 'EXECUTING'))"),
                ("status != 'BOGUS'", "notEquals(status, 'BOGUS')"),
                ("status = 'Pending version'", "equals(status, 'PENDING_VERSION')"),
                ("environment = 'PROD'", "equals(environment_id, 'env1')"),
                ("environment != 'nope'", "notEquals(environment_id, 'nope')"),
                ("project = 'proj_x'", "equals(project_id, 'p1')"),
                ("batch_id = 'batch_1'", "equals(runs.batch_id, '1')"),
                ("batch_id IS NULL", "isNull(runs.batch_id)"),
                ("parent_run_id IN ('run_1', 'run_2')", "in(runs.parent_run_id, tuple('1', '2'))"),
                # not translated
                ("'Completed' = status", "equals('Completed', status)"),
                ("status LIKE 'Comp%'", "like(status, 'Comp%')"),
                ("lower(status) = 'completed'", "equals(lower(status), 'completed')"),
                ("(status, depth) = ('Failed', 1)",
                 "equals(tuple(status, depth), tuple('Failed', 1))"),
                ("machine = 'MICRO'", "equals(machine_preset, 'MICRO')"),
                # texts of JSON columns, and what they are compared with instead of NULL
                ("output IS NULL", "equals(output_text, '{}')"),
                ("error != NULL", "notEquals(error_text, '{}')"),
                ("output LIKE '%x%'", "like(output_text, '%x%')"),
                ("error.name = 'E'", "equals(error.data.name, 'E')"),
                ("ttl = NULL", "isNull(expiration_ttl)")):
            self.assertEqual(condition(text), sql)

    def test_derived_tables_map_nothing(self):
        _, params = compiled("SELECT status FROM (SELECT status FROM runs) "
                             "WHERE status = 'Completed'")
        self.assertIn("Completed", params.values())

    def test_inside_a_comparison_prefixed_ids_are_bare(self):
        sql, _ = compiled("SELECT 1 FROM runs WHERE run_id IN (SELECT parent_run_id FROM runs)")
        self.assertIn("(SELECT runs.parent_run_id AS parent_run_id FROM", sql)

    def test_positions_and_texts_of_errors(self):
        self.assertEqual(lexer.position("a\nbc", 3), (2, 1))
        self.assertEqual(
            errors.reason("Query failed: Code: 62. DB::Exception: Bad thing. (SYNTAX_ERROR)"),
            "Bad thing. ")
        self.assertEqual(
            errors.sanitize("trigger_dev.task_runs_v2.friendly_id, friendly_id AS run_id, "
                            "WHERE and(and(a), b) (engine = 'V2') AND c()"),
            "runs.run_id, run_id, WHERE(and(a), b) c")

    def test_clock(self):
        text = "SELECT now() AS n, today() AS t FROM runs"
        context = compiler.Context([], {}, 10, "", "triggered_at",
                                   window.Window(NOW, 30).condition("triggered_at"), NOW)
        sql = compiler.compile_query(parser.parse(text), context).sql
        self.assertIn("toDateTime(%d) AS n, toDate(%d) AS t" % (NOW // 1000, NOW // DAY), sql)


def token(*scopes):
    """Return a public token for alpha's prod."""
    now = int(time.time())
    return auth.sign({"sub": "ce0alphaprod0000000000001", "pub": True, "scopes": list(scopes),
                      "iss": auth.ISSUER, "aud": auth.AUDIENCE, "exp": now + 900, "iat": now},
                     credentials.TR_PROD)


class ServedTest(unittest.TestCase):
    """A running emulator with a frozen clock."""

    dataset = ("--dataset", "small")

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        port_file = os.path.join(cls.directory.name, "port")
        cls.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "emulator.py"), "--now", str(NOW),
             "--port-file", port_file, "--exit-with-parent", *cls.dataset])
        deadline = time.monotonic() + 20
        while not os.path.exists(port_file):
            if time.monotonic() > deadline:
                raise RuntimeError("the emulator did not start")
            time.sleep(0.02)
        with open(port_file, encoding="ascii") as file:
            cls.port = int(file.read())

    @classmethod
    def tearDownClass(cls):
        cls.process.terminate()
        cls.process.wait()
        cls.directory.cleanup()

    def send(self, method, path, body=None, key=credentials.TR_PROD):
        """Return (status, value or text, headers)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": "Bearer " + key} if key else {}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        json_type = response.getheader("content-type", "").startswith("application/json")
        return response.status, json.loads(text) if json_type else text, response.headers

    def control(self, method, path, body=None):
        """Send a control request."""
        status, value, _ = self.send(method, "/_emulator/" + path, body, key=None)
        self.assertEqual(status, 200, value)
        return value

    def query(self, text, key=credentials.TR_PROD, **more):
        """Return (status, value) of a query."""
        return self.send("POST", "/api/v1/query", {"query": text, **more}, key)[:2]

    def rows(self, text, **more):
        """Return the rows of a query."""
        status, value = self.query(text, **more)
        self.assertEqual(status, 200, value)
        self.assertEqual(value["format"], "json")
        return value["results"]

    def column(self, text, **more):
        """Return the values of a query's only column."""
        return [next(iter(row.values())) for row in self.rows(text, **more)]

    def refusal(self, text, **more):
        """Return the message of a refused query."""
        status, value = self.query(text, **more)
        self.assertEqual((status, list(value)), (400, ["error"]), value)
        return value["error"]


class RequestTest(ServedTest):
    """What needs no engine."""

    def test_bodies(self):
        for body, message in (
                (b"{x", "Invalid JSON"), ({}, 'Validation error: Required at "query"'),
                ({"query": 1}, 'Validation error: Expected string, received number at "query"'),
                ({"query": "", "from": 5},
                 'Validation error: Expected string, received number at "from"'),
                ({"query": "", "format": "xml"}, "Validation error: Invalid enum value. Expected "
                 "'json' | 'csv', received 'xml' at \"format\""),
                ({"query": "", "scope": "galaxy"}, "Validation error: Invalid enum value. "
                 "Expected 'organization' | 'project' | 'environment', received 'galaxy' "
                 'at "scope"')):
            status, value, _ = self.send("POST", "/api/v1/query", body)
            self.assertEqual((status, value), (400, {"error": message}))
        self.assertEqual(self.query("SELECT 1 FROM runs SETTINGS a = 1"),
                         (500, {"error": "Internal Server Error"}))
        self.assertEqual(self.send("GET", "/api/v1/query")[0], 405)

    def test_credentials(self):
        text = "SELECT nope FROM runs"
        for key, status in (
                (credentials.PAT, 401), ("tr_prod_bogus", 401), (token(), 403),
                (token("read:runs"), 403), (token("read:query:metrics"), 403),
                (token("write:query"), 403), (token("read:query"), 400), (token("admin"), 400),
                (token("read:query:runs"), 400), (token("read:all"), 400),
                (credentials.TR_PROD_SK_RO, 403), (credentials.TR_PROD_SK, 400)):
            self.assertEqual(self.query(text, key)[0], status, key)
        join = "SELECT nope FROM runs JOIN metrics ON runs.run_id = metrics.run_id"
        self.assertEqual(self.query(join, token("read:query:runs"))[0], 403)
        self.assertEqual(self.query(join, token("read:query:runs", "read:query:metrics"))[0], 400)
        # a token cannot leave its environment, nor send what cannot be parsed
        key = token("read:query")
        self.assertEqual(self.query("SELECT x y z", key)[0], 403)
        status, value = self.query(text, key, scope="project")
        self.assertEqual(status, 403)
        self.assertTrue(value["error"].startswith("This token is scoped to one environment, "))

    def test_listings(self):
        status, value, headers = self.send("GET", "/api/v1/query/schema")
        self.assertEqual(status, 200)
        self.assertEqual([table["name"] for table in value["tables"]],
                         ["runs", "metrics", "llm_metrics", "llm_models"])
        self.assertEqual(len(value["tables"][0]["columns"]), 46)
        self.assertIn("x-ratelimit-limit", headers)
        self.assertEqual(self.send("GET", "/api/v1/query/schema", key=credentials.PAT)[0], 401)
        for scope, status in (("read:query", 200), ("read:query:schema", 200),
                              ("read:query:runs", 403)):
            self.assertEqual(
                self.send("GET", "/api/v1/query/schema", key=token(scope))[0], status)
        value = self.send("GET", "/api/v1/query/dashboards")[1]
        self.assertEqual([board["key"] for board in value["dashboards"]], ["overview", "llm"])


# age in hours, and what differs from a run of the defaults
RUNS = (
    (1, {"status": "COMPLETED_SUCCESSFULLY", "depth": 2, "cost_in_cents": 150,
         "base_cost_in_cents": 50, "output_text": '{"a":{"b":"deep","n":5},"list":[1]}',
         "version": "20260101.1", "started_at": NOW - HOUR + 1000,
         "completed_at": NOW - HOUR + 5000, "idempotency_key": "mine",
         "idempotency_key_hash": "hash", "batch_id": "batch_1", "tags": ["x", "y"]}),
    (2, {"status": "COMPLETED_WITH_ERRORS", "depth": 0, "queue": "emails", "is_test": True,
         "error_text": '{"name":"TypeError","message":"no"}', "batch_id": "batch_1",
         "bulk_action_ids": ["bulk_7"]}),
    (3, {"status": "COMPLETED_WITH_ERRORS", "depth": 5, "queue": "c:\\new\ttab", "ttl": "10m"}),
    (4, {"status": "PAUSED", "depth": 1, "parent_id": "run_q1", "root_id": "run_q1",
         "max_duration": 300, "concurrency_key": "it's"}),
    (5, {"status": "INTERRUPTED", "depth": 3, "region": None}),
    (8 * 24, {"status": "PENDING", "depth": 1}),
    (31 * 24, {"status": "PENDING", "depth": 9}),
)


@unittest.skipIf(MISSING, MISSING)
class EngineTest(ServedTest):
    """Queries of a handful of runs."""

    dataset = ("--dataset", "empty")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls().control("POST", "runs", [
            {"id": "run_q%d" % number, "created_at": NOW - age * HOUR, **attributes}
            for number, (age, attributes) in enumerate(RUNS, 1)])
        cls().control("POST", "runs", [
            {"id": "run_other1", "created_at": NOW, "environment": "stg"},
            {"id": "run_other2", "created_at": NOW, "project": credentials.PROJECT_BETA},
            {"id": "run_other3", "created_at": NOW, "project": credentials.PROJECT_FOREIGN}])

    def tearDown(self):
        self.control("PUT", "settings", {
            "query_period_days": None, "query_max_rows": None, "query_concurrency": None,
            "query_ms": None, "lag_ms": None})

    def numbers(self, where, **more):
        """Return the numbers of the runs that a condition selects."""
        return [int(name[5:]) for name in self.column(
            "SELECT run_id FROM runs WHERE %s ORDER BY triggered_at DESC" % where, **more)]

    def test_windows(self):
        self.assertEqual(self.numbers("depth >= 0"), [1, 2, 3, 4, 5])
        self.assertEqual(self.numbers("depth >= 0", period="2h"), [1, 2])
        self.assertEqual(self.numbers("depth >= 0", period="0d"), [])
        # both bounds are included
        self.assertEqual(self.numbers("depth >= 0", **{
            "from": str(NOW - 3 * HOUR), "to": "2025-12-31T22:00:00Z"}), [2, 3])
        # 31 days are beyond the plan's look-back, whatever is asked
        for more in ({"period": "45d"}, {"from": "1"}):
            self.assertEqual(self.numbers("depth >= 0", **more), [1, 2, 3, 4, 5, 6])
        self.assertEqual(self.numbers("triggered_at < now()", period="1h"), [1, 2, 3, 4, 5, 6])
        self.assertEqual(self.numbers("run_id = 'run_q7'", period="45d"), [])
        self.control("PUT", "settings", {"query_period_days": 40})
        self.assertEqual(self.numbers("run_id = 'run_q7'", period="45d"), [7])
        self.control("PUT", "settings", {"query_period_days": 1})
        self.assertEqual(self.numbers("triggered_at > 0"), [1, 2, 3, 4, 5])

    def test_lost_grouping(self):
        # correct would be [1, 4]
        self.assertEqual(self.numbers("(depth = 2 OR depth = 1) AND depth < 3"), [])
        self.assertEqual(self.numbers("and(or(depth = 2, depth = 1), depth < 3)"), [1, 4])
        # correct would be [5]
        self.assertEqual(self.numbers("depth = 3 AND (depth = 1 OR depth = 3)"), [])
        self.assertEqual(self.numbers("(depth BETWEEN 1 AND 3) AND depth != 2"), [4, 5])
        # correct would be [2]: (… AND depth) is 0 or 1
        self.assertEqual(self.numbers("status = 'Failed' AND depth BETWEEN 0 AND 0"),
                         [1, 2, 4, 5])

    def test_literals(self):
        self.assertEqual(
            self.rows(r"SELECT 'a\'b' AS s, 'c\\d' AS t, 'C:\\new' AS u FROM runs LIMIT 1"),
            [{"s": "a'b", "t": "c\\d", "u": "C:\\\new"}])
        # found only when it is put together
        self.assertEqual(self.numbers(r"queue = 'c:\\new\ttab'"), [])
        self.assertEqual(self.numbers(r"queue = concat('c:', '\\', 'new', '\t', 'tab')"), [3])
        self.assertEqual(self.numbers("concurrency_key = 'it''s'"), [4])

    def test_values(self):
        row = self.rows("SELECT %s FROM runs WHERE run_id = 'run_q1'" % ", ".join(COLUMNS))[0]
        self.assertEqual(list(row), COLUMNS)
        self.assertEqual(row, {**row, **{
            "environment": "prod", "project": credentials.PROJECT_ALPHA,
            "environment_type": "PRODUCTION", "status": "Completed", "is_finished": True,
            "triggered_at": "2025-12-31 23:00:00.000", "dequeued_at": "2025-12-31 23:00:01.000",
            "completed_at": "2025-12-31 23:00:05.000", "delay_until": None, "ttl": "",
            "total_duration": 5000, "compute_cost": 1.5, "invocation_cost": 0.5,
            "total_cost": 2, "output": '{"a":{"b":"deep","n":5},"list":[1]}', "error": "",
            "tags": ["x", "y"], "is_test": False, "batch_id": "batch_1", "parent_run_id": None,
            "idempotency_key": "mine", "idempotency_key_scope": "run", "max_duration": None,
            "bulk_action_group_ids": [], "region": "us-east-1", "is_root_run": False}})
        self.assertEqual(
            self.rows("SELECT is_finished, region FROM runs WHERE run_id IN "
                      "('run_q4', 'run_q5') ORDER BY run_id"),
            [{"is_finished": True, "region": "us-east-1"}, {"is_finished": False, "region": None}])
        self.assertEqual(self.rows("SELECT * FROM runs WHERE run_id = 'run_q2'"), [{
            "run_id": "run_q2", "status": "Failed", "task_identifier": "send-email",
            "triggered_at": "2025-12-31 22:00:00.000"}])

    def test_types(self):
        text = """SELECT toUInt64('9007199254740993') AS big,
            toString(toUInt64('9007199254740993')) AS s,
            9007199254740993 AS literal, true AS b, depth > 1 AS compared, is_test AS t,
            1 / 0 AS inf, NULL AS nul, now() AS at, today() AS d, [1, 2] AS a, (1, 'x') AS p,
            map('k', 1) AS m, toDecimal64('1.5', 3) AS dec, avg(depth) OVER () AS w
            FROM runs WHERE run_id = 'run_q1'"""
        self.assertEqual(self.rows(text), [{
            "big": 9007199254740992, "s": "9007199254740993", "literal": 9007199254740992,
            "b": 1, "compared": 1, "t": False, "inf": None, "nul": None,
            "at": "2026-01-01 00:00:00", "d": "2026-01-01", "a": [1, 2], "p": [1, "x"],
            "m": {"k": 1}, "dec": 1.5, "w": 2}])

    def test_names(self):
        row = self.rows("SELECT count(), max(depth), 'lit', 1 + 1, toString(1), min(depth) - 1 "
                        "FROM runs")[0]
        self.assertEqual(list(row), ["count", "max", "lit", "plus", "tostring", "minus"])
        # the output's name decides what is translated
        self.assertEqual(
            self.rows("SELECT 'x' AS environment, 'PENDING' AS status, 'y' AS project FROM runs "
                      "LIMIT 1"), [{"environment": None, "status": "Queued", "project": None}])
        self.assertEqual(self.column("SELECT status AS s FROM runs WHERE run_id = 'run_q4'"),
                         ["PAUSED"])
        self.assertIn("Multiple expressions", self.refusal(
            "SELECT queue AS a, depth AS a FROM runs"))
        self.assertEqual(self.rows("SELECT queue AS a FROM runs WHERE depth = 99"), [])

    def test_status(self):
        for text, numbers in (
                ("status = 'Failed'", [2, 3]), ("status = 'COMPLETED_WITH_ERRORS'", [2, 3]),
                ("status IN ('failed', 'PAUSED')", [2, 3, 4]), ("status = 'COMPLETED'", [1]),
                ("status = 'BOGUS'", []), ("'Failed' = status", []),
                ("status LIKE 'Fail%'", []), ("environment = 'prod'", [1, 2, 3, 4, 5]),
                ("environment != 'nope'", [1, 2, 3, 4, 5]), ("environment = 'nope'", [])):
            self.assertEqual(self.numbers(text), numbers, text)
        self.assertEqual(self.rows("SELECT status FROM (SELECT status FROM runs) "
                                   "WHERE status = 'Failed'"), [])
        self.assertEqual(
            self.rows("SELECT status, count() AS n FROM runs WHERE depth < 4 GROUP BY status "
                      "ORDER BY status DESC")[0], {"status": "Paused", "n": 1})

    def test_ids_and_nulls(self):
        for text, numbers in (
                ("batch_id = 'batch_1'", [1, 2]), ("batch_id = '1'", [1, 2]),
                # never true
                ("batch_id IS NULL", []), ("parent_run_id IS NULL", []),
                ("parent_run_id = ''", [1, 2, 3, 5]), ("parent_run_id = 'run_q1'", [4]),
                # compared with '{}'
                ("output IS NOT NULL", [1, 2, 3, 4, 5]), ("output != ''", [1]),
                ("output IS NULL", []), ("completed_at IS NULL", [2, 3, 4, 5]),
                ("idempotency_key IS NULL", []), ("idempotency_key = ''", [2, 3, 4, 5]),
                ("has(bulk_action_group_ids, '7')", [2])):
            self.assertEqual(self.numbers(text), numbers, text)
        # inside IN the ids of the inner query are bare and match nothing
        self.assertEqual(self.numbers("run_id IN (SELECT parent_run_id FROM runs)"), [])
        self.assertEqual(self.rows("SELECT parent_run_id, count() AS n FROM runs "
                                   "GROUP BY parent_run_id ORDER BY n"),
                         [{"parent_run_id": "run_q1", "n": 1}, {"parent_run_id": None, "n": 4}])

    def test_json(self):
        self.assertEqual(
            self.rows("SELECT output.a.b, output.a.n AS n, output.nope AS x, output.list AS l "
                      "FROM runs WHERE run_id = 'run_q1'"),
            [{"output_a_b": "deep", "n": 5, "x": None, "l": [1]}])
        self.assertEqual(
            self.rows("SELECT error.name AS name, count() AS n FROM runs GROUP BY name "
                      "ORDER BY n"), [{"name": "TypeError", "n": 1}, {"name": None, "n": 4}])
        self.assertEqual(self.column("SELECT JSONExtractString(output, 'a', 'b') AS b FROM runs "
                                     "WHERE run_id = 'run_q1'"), ["deep"])
        self.assertEqual(self.numbers("error.name = 'TypeError'"), [2])

    def test_scopes(self):
        text = "SELECT count() AS n FROM runs WHERE task_identifier = 'send-email'"
        for scope, count in (("environment", 5), ("project", 6), ("organization", 7)):
            self.assertEqual(self.column(text, scope=scope), [count])
        self.assertEqual(
            self.column("SELECT run_id FROM runs WHERE 1 = 1 OR 1 = 1",
                        key=credentials.TR_FOREIGN_PROD, scope="organization"), ["run_other3"])
        self.assertEqual(self.column(text, key=token("read:query:runs")), [5])
        self.assertEqual(
            self.rows("SELECT environment, project FROM runs WHERE environment = 'stg'",
                      scope="project"),
            [{"environment": "stg", "project": credentials.PROJECT_ALPHA}])
        # the slug is looked up in the whole organization, and the first project has it
        own = "SELECT count() AS n FROM runs WHERE environment = 'prod'"
        self.assertEqual(self.column(own, key=credentials.TR_BETA_PROD), [0])
        self.assertEqual(self.column(text, key=credentials.TR_BETA_PROD), [1])
        for table in ("system.tables", "trigger_dev.task_runs_v2", "numbers(3)", "nope"):
            self.assertEqual(
                self.refusal("SELECT * FROM " + table),
                'Table "%s" is not accessible. Available tables: runs, metrics, llm_metrics, '
                "llm_models, queue_metrics, env_metrics, queue_metrics_by_key"
                % table.split(".", 1)[0].split("(", 1)[0])

    def test_limits(self):
        self.control("PUT", "settings", {"query_max_rows": 3})
        for text, count in (
                ("", 3), (" LIMIT 20000", 3), (" LIMIT 2", 2), (" LIMIT 0", 0),
                (" ORDER BY run_id LIMIT 1, 3", 1), (" OFFSET 3", 2)):
            self.assertEqual(len(self.rows("SELECT run_id FROM runs" + text)), count, text)
        self.assertEqual(self.column("SELECT run_id FROM runs ORDER BY run_id LIMIT 1, 3"),
                         ["run_q4"])
        # each branch has a limit of its own
        union = "SELECT run_id FROM runs UNION ALL SELECT run_id FROM runs"
        self.assertEqual(len(self.rows(union)), 7)
        self.assertEqual(len(self.rows("SELECT * FROM (%s)" % union)), 3)
        # what is aggregated is not limited
        self.assertEqual(self.column("SELECT count() AS n FROM runs"), [5])

    def test_csv(self):
        text = "SELECT run_id, tags, completed_at, is_test, queue, tags[1] FROM runs " \
            "WHERE run_id IN ('run_q1', 'run_q3') ORDER BY run_id"
        self.assertEqual(self.query(text, format="csv"), (200, {
            "format": "csv", "results": "run_id,tags,completed_at,is_test,queue\n"
            'run_q1,"[""x"",""y""]",2025-12-31 23:00:05.000,false,task/send-email\n'
            "run_q3,[],,false,c:\\new\ttab"}))
        # a column that is qualified by a subquery's alias gets the wrong name
        self.assertEqual(self.query("SELECT a.n FROM (SELECT depth AS n FROM runs) AS a LIMIT 1",
                                    format="csv")[1]["results"], "a\n")
        self.assertEqual(self.query("SELECT depth AS a, queue FROM runs WHERE depth = 99",
                                    format="csv")[1]["results"], "a,queue")

    def test_refusals_of_the_engine(self):
        for text, start in (
                ("SELECT r.status FROM runs AS r LIMIT 1",
                 "Syntax error: failed at position 52 (AS) (line 1, col 52): AS r FINAL "
                 "WHERE(and(equals(r.organization_id, {tsql_val_0: String}), equals(r.project, "),
                ("SELECT a.run_id FROM runs a JOIN runs b ON a.run_id = b.parent_run_id LIMIT 3",
                 "Syntax error: failed at position 67 (AS) (line 1, col 67): AS a FINAL JOIN "
                 "runs AS b FINAL ON equals(a.run_id, b.parent_run_id) WHERE(and(equals(b."),
                ("SELECT 1 AS one", "Unknown expression or function identifier `triggered_at` "
                 "in scope SELECT 1 AS one WHERE greaterOrEquals(triggered_at, toDateTime64("),
                ("SELECT toDate(queue) AS a FROM runs", "Cannot parse")):
            self.assertTrue(self.refusal(text).startswith(start), self.refusal(text))
        self.assertTrue(self.refusal("SELECT 1 FROM runs", **{"from": "yesterday"}).startswith(
            "Cannot read DateTime: unexpected word"))
        self.assertEqual(self.refusal("SELECT %sdepth FROM runs" % ("1 + " * 30000)),
                         "Maximum call stack size exceeded")
        # one refusal does not harm the next query
        self.assertEqual(self.column("SELECT count() AS n FROM runs"), [5])

    def test_sources(self):
        self.assertEqual(
            self.column("SELECT a.n AS n FROM (SELECT run_id AS id, depth AS n FROM runs) AS a "
                        "JOIN runs ON a.id = runs.run_id ORDER BY n"), [0, 1, 2, 3, 5])
        self.assertEqual(self.rows("SELECT runs.run_id FROM runs JOIN metrics "
                                   "ON runs.run_id = metrics.run_id"), [])
        for table in schema.tables():
            if table != "runs":
                self.assertEqual(self.rows("SELECT * FROM %s" % table), [])
        for text in ("SELECT metadata.userId AS u, metadata['x'] AS x FROM llm_metrics",
                     "SELECT deltaSumTimestampMerge(started_delta) AS d, queue FROM queue_metrics "
                     "GROUP BY queue",
                     "SELECT quantilesMerge(0.5)(ttfc_quantiles)[1] AS p, response_model "
                     "FROM llm_models GROUP BY response_model"):
            self.assertEqual(self.rows(text), [])
        self.assertEqual(
            self.rows("SELECT arrayJoin(tags) AS t, count() AS n FROM runs GROUP BY t "
                      "ORDER BY t LIMIT 1"), [{"t": "x", "n": 1}])
        self.assertEqual(
            self.rows("SELECT timeBucket(), count() AS n FROM runs GROUP BY timeBucket "
                      "ORDER BY timeBucket", period="20h"),
            [{"timebucket": "2025-12-31 %d:00:00" % hour, "n": 1} for hour in range(19, 24)])

    def test_dashboards_run(self):
        boards = self.send("GET", "/api/v1/query/dashboards")[1]["dashboards"]
        for board in boards:
            for widget in board["widgets"]:
                status, value = self.query(widget["query"])
                self.assertEqual(status, 200, (widget["query"], value))

    def test_functions(self):
        for expression, value in (
                ("dateDiff('hour', triggered_at, now())", 1), ("dateAdd(DAY, 1, today())",
                                                               "2026-01-02"),
                ("date_trunc('month', triggered_at)", "2025-12-01"), ("lower('ÄB')", "Äb"),
                ("COALESCE(NULL, queue)", "task/send-email"), ("ltrim(' x')", "x"),
                ("substr('abc', 2, 1)", "b"), ("length(output)", 35), ("'a' || 'b' || 'c'", "abc"),
                ("formatDateTime(now(), '%Y')", "2026"), ("depth % 2", 0), ("multiIf(1, 2, 3)", 2),
                ("toTimeZone(now(), 'Europe/Paris')", "2026-01-01 01:00:00"),
                ("prettyFormat(1024, 'bytes')", 1024), ("'x' ~ '^X$'", 0), ("'x' ~* '^X$'", 1),
                ("ifNull(NULL, 1) ?? 2", 1), ("quantile(0.5)(depth) OVER ()", None)):
            if value is None:
                continue
            self.assertEqual(self.column("SELECT %s AS v FROM runs WHERE run_id = 'run_q1'"
                                         % expression), [value], expression)
        for aggregate, value in (
                ("uniq(queue)", 3), ("countIf(depth > 1)", 3), ("quantile(0.5)(depth)", 2),
                ("count(DISTINCT queue)", 3), ("countDistinct(queue)", 3),
                ("argMax(run_id, depth)", "run_q3"), ("topK(1)(queue)", ["task/send-email"]),
                ("arraySort(groupArray(depth))", [0, 1, 2, 3, 5]), ("median(depth)", 2),
                ("sumIf(depth, is_test)", 0), ("SUM(depth)", 11)):
            self.assertEqual(self.column("SELECT %s AS v FROM runs" % aggregate), [value])

    def test_concurrency(self):
        self.control("PUT", "settings", {"query_ms": 400})
        text = "SELECT count() AS n FROM runs"
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda _: self.send("POST", "/api/v1/query",
                                                        {"query": text}), range(5)))
        statuses = sorted(answer[0] for answer in answers)
        self.assertEqual(statuses, [200, 200, 200, 429, 429])
        refused = next(answer for answer in answers if answer[0] == 429)
        self.assertIn("query concurrency of 3", refused[1]["error"])
        self.assertFalse([name for name in refused[2] if name.startswith("x-ratelimit")
                          or name == "retry-after"])
        self.control("PUT", "settings", {"query_ms": None})
        self.assertEqual(self.column(text), [5])

    def test_other_requests_go_on_meanwhile(self):
        self.control("PUT", "settings", {"query_ms": 1000})
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            slow = pool.submit(self.query, "SELECT count() AS n FROM runs")
            begun = time.monotonic()
            self.assertEqual(self.send("GET", "/api/v1/runs")[0], 200)
            self.assertLess(time.monotonic() - begun, 0.9)
            self.assertEqual(slow.result()[0], 200)

    def test_faults_and_journal(self):
        self.control("DELETE", "requests")
        text = "SELECT count() AS n FROM runs"
        self.control("PUT", "faults", [
            {"match": {"path_regex": "/query"}, "action": {"kind": "reset_after"}}])
        with self.assertRaises(ConnectionError):
            self.query(text)
        self.assertEqual(self.query(text)[0], 200)
        records = self.control("GET", "requests.json")
        self.assertEqual([record["outcome"] or record["status"] for record in records],
                         ["reset", 200])
        self.assertEqual(json.loads(records[1]["body"]), {"query": text})
        # answers on one connection come in the order of the requests
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for number in range(3):
            connection.request("POST", "/api/v1/query", json.dumps(
                {"query": "SELECT %d AS v FROM runs LIMIT 1" % number}),
                {"Authorization": "Bearer " + credentials.TR_PROD})
            value = json.loads(connection.getresponse().read())
            self.assertEqual(value["results"], [{"v": number}])
        connection.close()

    def test_changes_are_seen(self):
        self.control("POST", "runs", [{"id": "run_new1", "created_at": NOW - 5,
                                       "environment": "dev:owner", "status": "EXECUTING",
                                       "task": "late"}])
        text = "SELECT status, tags FROM runs WHERE run_id = 'run_new1'"
        key = credentials.TR_DEV
        self.assertEqual(self.rows(text, key=key), [{"status": "Executing", "tags": []}])
        self.control("PATCH", "runs/run_new1", {"status": "CANCELED", "tags": ["t"]})
        self.assertEqual(self.rows(text, key=key), [{"status": "Canceled", "tags": ["t"]}])
        # gone from one database, still in the other
        self.control("PATCH", "runs/run_new1", {"deleted": True})
        self.assertEqual(len(self.rows(text, key=key)), 1)
        self.control("PUT", "settings", {"lag_ms": 60000})
        self.control("POST", "runs", [{"id": "run_new2", "created_at": NOW - 5,
                                       "environment": "dev:owner", "task": "late"}])
        late = "SELECT count() AS n FROM runs WHERE run_id = 'run_new2'"
        self.assertEqual(self.column(late, key=key), [0])
        self.control("PUT", "settings", {"lag_ms": 0})
        self.assertEqual(self.column(late, key=key), [1])


@unittest.skipIf(MISSING, MISSING)
class OracleTest(ServedTest):
    """The oracle's rows are computed without the engine and equal to its rows."""

    def oracle(self, environment="prod"):
        """Return the rows within the look-back, by id."""
        text = self.control("GET", "oracle/query_runs?environment=" + environment)
        rows = [json.loads(line) for line in text.splitlines()]
        return {row["run_id"]: {name: row[name] for name in COLUMNS} for row in rows
                if row["_"]["createdMs"] >= NOW - 30 * DAY}

    def test_small(self):
        for environment, key in (("prod", credentials.TR_PROD), ("stg", credentials.TR_STG)):
            rows = self.rows("SELECT %s FROM runs" % ", ".join(COLUMNS), key=key, period="30d")
            self.assertEqual({row["run_id"]: row for row in rows}, self.oracle(environment))
            self.assertGreater(len(rows), 30)

    def test_generated(self):
        self.control("POST", "reset", {"dataset": "bulk", "runs": 12000})
        try:
            rows = self.rows("SELECT %s FROM runs WHERE depth = 0 ORDER BY triggered_at"
                             % ", ".join(COLUMNS))
            expected = self.oracle()
            self.assertEqual(len(rows), 10000)
            for row in rows:
                self.assertEqual(row, expected[row["run_id"]])
            # a changed row replaces the generated one
            name = "run_" + BulkRuns.internal_id(0)
            self.control("PATCH", "runs/" + name, {"status": "CRASHED", "queue": "mine"})
            self.assertEqual(self.rows("SELECT status, queue FROM runs WHERE run_id = '%s'"
                                       % name), [{"status": "Crashed", "queue": "mine"}])
            self.assertEqual(self.column("SELECT count() AS n FROM runs"), [12000])
        finally:
            self.control("POST", "reset", {"dataset": "small"})


if __name__ == "__main__":
    unittest.main()
