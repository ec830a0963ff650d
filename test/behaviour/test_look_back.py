"""How far back the plan lets queries look: found at the import, shown, and said once."""
import json
import time

from base import Case, PgError, main, public_token, quote, wait_until

NOTICE = 'query reaches further back than the 7 days that the API lets foreign table "runs" see'


class LookBack(Case):

    def setUp(self):
        super().setUp()
        self.addCleanup(self.emulator.settings, query_period_days=None)
        self.addCleanup(self.emulator.faults)
        self.server("back", options={"max_retries": 0})

    def load(self, options="", session=None, tables="LIMIT TO (runs)"):
        """Import, and return what the tables got, look_back or whole_until in days, and the
        number of requests."""
        self.emulator.clear()
        (session or self.s).query(
            "DROP SCHEMA IF EXISTS back_query CASCADE; CREATE SCHEMA back_query;"
            f" IMPORT FOREIGN SCHEMA query {tables} FROM SERVER back INTO back_query {options}")
        rows = self.s.query(
            "SELECT relname, coalesce((SELECT CASE option_name WHEN 'look_back' THEN option_value"
            " ELSE 'in ' || round(extract(epoch FROM option_value::timestamptz - now()) / 86400, 1)"
            " END FROM pg_options_to_table(ftoptions)"
            " WHERE option_name IN ('look_back', 'whole_until')), '')"
            " FROM pg_foreign_table JOIN pg_class ON oid = ftrelid"
            " WHERE relnamespace = 'back_query'::regnamespace")
        return dict(rows), len(self.emulator.requests())

    def runs(self, options=""):
        found, requests = self.load(options)
        return found["runs"], requests

    def test_plans(self):
        """Also one that is none of the usual, and one that hides nothing."""
        for days, expected in ((1, "1"), (7, "7"), (30, "30"), (3, "3"), (4000, "in 1.0")):
            with self.subTest(days=days):
                self.emulator.settings(query_period_days=days)
                self.assertEqual(self.runs(), (expected, 3))

    def test_nothing_is_seen(self):
        """Every run is older than the plan allows: of those that fit, it is the longest."""
        self.emulator.settings(query_period_days=0)
        self.emulator.faults(self.newest(hours=24 * 8))
        self.assertEqual(self.runs(), ("7", 3))

    def newest(self, hours):
        """A list whose newest run is so old."""
        created = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - hours * 3600))
        body = json.dumps({"data": [{"createdAt": created}], "pagination": {}})
        return {"match": {"path_regex": "/runs[?]"}, "times": 0,
                "action": {"kind": "body", "body": body}}

    def oldest(self, days):
        """Queries see no run that is older, and the list none that they do not see."""
        seen = time.strftime("%Y-%m-%d %H:%M:%S.000", time.gmtime(time.time() - days * 86400))
        rows = [{"c1": seen if days else None}]
        self.emulator.faults(
            {"match": {"path_regex": "/query$"}, "times": 0, "action": {
                "kind": "body", "body": json.dumps({"format": "json", "results": rows})}},
            {"match": {"path_regex": "/runs[?]"}, "times": 0, "action": {
                "kind": "body", "body": json.dumps({"data": [], "pagination": {}})}})

    def test_young(self):
        """How long it stays certain that nothing is hidden, whatever the plan is."""
        for days, expected in ((0, "in 1.0"), (0.2, "in 0.8"), (1.5, "in 5.5"), (20, "in 10.0"),
                               (6.99, "in 0.0"), (7.01, "in 0.0"), (200, "in 1.0")):
            with self.subTest(days=days):
                self.oldest(days)
                self.assertEqual(self.runs(), (expected, 3))

    def test_new_run(self):
        """A run that queries do not have yet is not hidden."""
        self.emulator.settings(query_period_days=0)
        self.emulator.faults(self.newest(hours=0.1))
        self.assertEqual(self.runs(), ("in 1.0", 3))

    def test_all_tables_of_time(self):
        self.emulator.settings(query_period_days=7)
        found, requests = self.load(tables="LIMIT TO (runs, metrics, llm_metrics)")
        self.assertEqual(found, {"runs": "7", "metrics": "7", "llm_metrics": "7"})
        self.assertEqual(requests, 3)

    def test_no_table(self):
        self.assertEqual(self.load(tables="LIMIT TO (nothing)"), ({}, 1))

    def test_given(self):
        self.emulator.settings(query_period_days=7)
        self.assertEqual(self.runs("OPTIONS (look_back '3')"), ("3", 1))
        self.assertEqual(self.runs("OPTIONS (look_back '0')"), ("0", 1))
        error = self.s.error("DROP FOREIGN TABLE back_query.runs; IMPORT FOREIGN SCHEMA query"
                             " LIMIT TO (runs) FROM SERVER back INTO back_query"
                             " OPTIONS (look_back 'x')")
        self.assertEqual(error.sqlstate, "22023")
        error = self.s.error("ALTER FOREIGN TABLE back_query.runs OPTIONS (whole_until 'x')")
        self.assertEqual(error.sqlstate, "22007")

    def test_refused(self):
        """A credential that may not read the list, and one that may not query runs."""
        self.emulator.settings(query_period_days=7)
        for scopes, requests in ((["read:query"], 3), (["read:query:schema"], 2)):
            with self.subTest(scopes=scopes), self.session() as session:
                session.query("SET trigger_fdw.access_token = " + quote(public_token(scopes)))
                self.assertEqual(self.load(session=session), ({"runs": ""}, requests))
        for path, requests in (("/query$", 2), ("/runs[?]", 3)):
            with self.subTest(path=path):
                self.emulator.faults({"match": {"path_regex": path}, "times": 9,
                                      "action": {"kind": "status", "status": 500}})
                self.assertEqual(self.runs(), ("", requests))

    def test_said_once(self):
        self.emulator.settings(query_period_days=7)
        self.load()
        self.emulator.clear()
        count = "SELECT count(*) FROM back_query.runs"
        cases = ((count + " WHERE triggered_at > now() - interval '7 days'", 0),
                 ("EXPLAIN " + count, 0),
                 (count + " WHERE triggered_at > now() - interval '8 days'", 1),
                 (count, 0))
        for sql, notices in cases:
            with self.subTest(sql=sql):
                del self.s.notices[:]
                self.s.query(sql)
                self.assertEqual(self.s.notices, [NOTICE] * notices)
        # and it has cost nothing
        self.assertEqual(len(self.emulator.requests()), 3)
        with self.session() as other:
            other.query(count)
            self.assertEqual(other.notices, [NOTICE])
            other.query("ALTER FOREIGN TABLE back_query.runs OPTIONS (SET look_back '0')")
        with self.session() as other:
            other.query(count)
            self.assertEqual(other.notices, [])

    def test_later(self):
        """Where the options do not tell, a session looks: once, and only if it may matter."""
        self.emulator.settings(query_period_days=7)
        self.load()
        count = "SELECT count(*) FROM back_query.runs"
        day = count + " WHERE triggered_at > now() - interval '1 day'"
        shown = "Look-Back: 7 days, less than the window"
        for options, requests in (("DROP look_back", 3),
                                  ("ADD whole_until '2020-01-01'", 3),
                                  ("SET whole_until '2999-01-01'", 1),
                                  ("ADD look_back '0'", 1)):
            self.s.query(f"ALTER FOREIGN TABLE back_query.runs OPTIONS ({options})")
            with self.subTest(options=options), self.session() as session:
                self.emulator.clear()
                session.query(day)
                self.assertEqual(len(self.emulator.requests()), 1)
                session.query(count)
                self.assertEqual(len(self.emulator.requests()), requests)
                session.query(count)
                self.assertEqual(len(self.emulator.requests()), 1)
                found = requests > 1
                self.assertEqual(session.notices, [NOTICE] * found)
                plan = [row[0].strip() for row in session.query("EXPLAIN (COSTS off) " + count)]
                self.assertEqual(shown in plan, found)

    def test_later_again(self):
        """What was found to be whole is looked at again when it may not be any more."""
        self.oldest(7.02)
        self.load("OPTIONS (look_back '0')")
        self.s.query("ALTER FOREIGN TABLE back_query.runs OPTIONS (DROP look_back)")
        for requests in (3, 3):
            self.emulator.clear()
            self.s.query("SELECT min(triggered_at) FROM back_query.runs")
            self.assertEqual(len(self.emulator.requests()), requests)

    def test_lost_probe(self):
        """A query that was answered loses nothing if what is asked besides fails."""
        self.emulator.settings(query_period_days=7)
        self.s.query("ALTER SERVER back OPTIONS (ADD request_timeout '500',"
                     " ADD rate_limit_wait '0')")
        self.load("OPTIONS (look_back '0')")
        self.s.query("ALTER FOREIGN TABLE back_query.runs OPTIONS (DROP look_back)")
        count = "SELECT count(*) FROM back_query.runs"
        want = self.s.query(count + " WHERE triggered_at > now() - interval '7 days'")
        failures = [{"kind": "status", "status": status}
                    for status in (401, 402, 413, 422, 429, 502, 503, 504)]
        failures += [{"kind": "body", "body": body}
                     for body in ("<html>", '{"data": 3}', '{"data": [{"createdAt": "x"}]}')]
        failures += [{"kind": "reset_before"}, {"kind": "reset_after"},
                     {"kind": "truncate", "bytes": 3},
                     {"kind": "stall", "where": "headers"}, {"kind": "stall", "where": "body"}]
        for failure in failures:
            # of the query engine the second request, after the one that counts
            for match in ({"path_regex": "/runs[?]"}, {"path_regex": "/query$", "nth": 2}):
                self.emulator.faults({"match": match, "times": 0, "action": failure})
                with self.subTest(failure, match=match), self.session() as session:
                    self.assertEqual(session.query(count), want)
                    self.emulator.faults()
                    # and is not asked again at once
                    self.emulator.clear()
                    self.assertEqual(session.query(count), want)
                    self.assertEqual(len(self.emulator.requests()), 1)
                    self.assertEqual(session.notices, [])
                self.emulator.faults({"match": match, "times": 0, "action": failure})
                if "nth" not in match:
                    with self.subTest(failure, match="import"):
                        self.assertEqual(self.runs()[0], "")

    def test_cancelled_probe(self):
        """A cancel is one; the next query asks."""
        self.emulator.settings(query_period_days=7)
        self.load("OPTIONS (look_back '0')")
        self.s.query("ALTER FOREIGN TABLE back_query.runs OPTIONS (DROP look_back)")
        self.emulator.faults({"match": {"path_regex": "/runs[?]"}, "times": 0,
                              "action": {"kind": "stall", "where": "headers"}})
        count = "SELECT count(*) FROM back_query.runs"
        self.emulator.clear()
        self.s.send(count)
        wait_until(lambda: len(self.emulator.records()) == 3 and self.waiting(self.s), "a wait")
        self.s.cancel()
        with self.assertRaises(PgError) as caught:
            self.s.result()
        self.assertEqual(caught.exception.sqlstate, "57014")
        self.emulator.faults()
        self.s.query(count)
        self.assertEqual(self.s.notices, [NOTICE])

    def test_other_credential(self):
        """What one credential is refused, another is asked for."""
        self.emulator.settings(query_period_days=7)
        self.load("OPTIONS (look_back '0')")
        self.s.query("ALTER FOREIGN TABLE back_query.runs OPTIONS (DROP look_back)")
        count = "SELECT count(*) FROM back_query.runs"
        for requests in (3, 1):
            self.s.query("SET trigger_fdw.access_token = " + quote(public_token(["read:query"])))
            self.emulator.clear()
            self.s.query(count)
            self.assertEqual(len(self.emulator.requests()), requests)
        self.assertEqual(self.s.notices, [])
        self.s.query("RESET trigger_fdw.access_token")
        self.s.query(count)
        self.assertEqual(self.s.notices, [NOTICE])

    def test_no_limit(self):
        """What an option says of one table is not what was found out for another."""
        self.emulator.settings(query_period_days=7)
        self.load("OPTIONS (look_back '0')", tables="LIMIT TO (runs, metrics)")
        self.s.query("ALTER FOREIGN TABLE back_query.metrics OPTIONS (DROP look_back)")
        self.s.query("SELECT count(*) FROM back_query.metrics")
        self.assertEqual(self.s.notices, [NOTICE.replace("runs", "metrics")])
        plan = str(self.s.query("EXPLAIN SELECT count(*) FROM back_query.metrics"))
        self.assertIn("Look-Back: 7 days", plan)
        plan = str(self.s.query("EXPLAIN SELECT count(*) FROM back_query.runs"))
        self.assertNotIn("Look-Back", plan)

    def test_shown(self):
        self.emulator.settings(query_period_days=7)
        self.load()
        for condition, line in (("", "Look-Back: 7 days, less than the window"),
                                ("WHERE triggered_at > '2999-01-01'",
                                 "Look-Back: 7 days"),
                                ("WHERE triggered_at > now()", "Look-Back: 7 days")):
            plan = self.s.query("EXPLAIN (COSTS off) SELECT count(*) FROM back_query.runs "
                                + condition)
            self.assertIn(line, [row[0].strip() for row in plan])
        self.load("OPTIONS (look_back '1')")
        self.assertIn("Look-Back: 1 day, less than the window", [
            row[0].strip() for row in self.s.query("EXPLAIN SELECT count(*) FROM back_query.runs")])


if __name__ == "__main__":
    main()
