"""How far back the plan lets queries look: found at the import, shown, and said once."""
from base import Case, main, public_token, quote

NOTICE = 'query reaches further back than the 7 days that the API lets foreign table "runs" see'


class LookBack(Case):

    def setUp(self):
        super().setUp()
        self.addCleanup(self.emulator.settings, query_period_days=None)
        self.addCleanup(self.emulator.faults)
        self.server("back", options={"max_retries": 0})

    def load(self, options="", session=None, tables="LIMIT TO (runs)"):
        """Import, and return the option of each table and the number of requests."""
        self.emulator.clear()
        (session or self.s).query(
            "DROP SCHEMA IF EXISTS back_query CASCADE; CREATE SCHEMA back_query;"
            f" IMPORT FOREIGN SCHEMA query {tables} FROM SERVER back INTO back_query {options}")
        rows = self.s.query(
            "SELECT relname, (SELECT option_value FROM pg_options_to_table(ftoptions)"
            " WHERE option_name = 'look_back') FROM pg_foreign_table JOIN pg_class ON oid = ftrelid"
            " WHERE relnamespace = 'back_query'::regnamespace")
        return dict(rows), len(self.emulator.requests())

    def runs(self, options=""):
        found, requests = self.load(options)
        return found["runs"], requests

    def test_plans(self):
        for days, expected in ((1, "1"), (7, "7"), (30, "30"), (4000, None), (3, None)):
            with self.subTest(days=days):
                self.emulator.settings(query_period_days=days)
                self.assertEqual(self.runs(), (expected, 3))

    def test_nothing_is_seen(self):
        """Every run is older than the plan allows."""
        self.emulator.settings(query_period_days=0.000001)
        self.assertEqual(self.runs()[0], None)
        self.emulator.settings(query_period_days=0)
        self.assertEqual(self.runs()[0], None)

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

    def test_refused(self):
        """A credential that may not read the list, and one that may not query runs."""
        self.emulator.settings(query_period_days=7)
        for scopes, requests in ((["read:query"], 3), (["read:query:schema"], 2)):
            with self.subTest(scopes=scopes), self.session() as session:
                session.query("SET trigger_fdw.access_token = " + quote(public_token(scopes)))
                self.assertEqual(self.load(session=session), ({"runs": None}, requests))
        for path, requests in (("/query$", 2), ("/runs[?]", 3)):
            with self.subTest(path=path):
                self.emulator.faults({"match": {"path_regex": path}, "times": 9,
                                      "action": {"kind": "status", "status": 500}})
                self.assertEqual(self.runs(), (None, requests))

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


if __name__ == "__main__":
    main()
