"""The API runs three queries of a project at once and refuses more, without saying for how long."""
import threading

from base import Case, main

SESSIONS = 8


class BusyQueries(Case):

    def setUp(self):
        super().setUp()
        self.addCleanup(self.emulator.settings, query_ms=None)
        self.addCleanup(self.emulator.faults)
        self.s.query("DROP SCHEMA IF EXISTS busy CASCADE; CREATE SCHEMA busy;"
                     " IMPORT FOREIGN SCHEMA query LIMIT TO (runs) FROM SERVER prod INTO busy")
        self.count = self.s.query("SELECT count(*) FROM busy.runs")
        self.emulator.clear()

    def test_many_sessions(self):
        """More sessions than the API answers at once: all get their answer."""
        self.emulator.settings(query_ms=200)
        counts = []

        def ask(session):
            counts.append(session.query("SELECT count(*) FROM busy.runs"))

        threads = [threading.Thread(target=ask, args=(self.session(),)) for _ in range(SESSIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(counts, [self.count] * SESSIONS)
        statuses = [record["status"] for record in self.emulator.records()]
        self.assertEqual(statuses.count(200), SESSIONS)
        # five are refused at first; they wait longer each time
        refused = statuses.count(429)
        self.assertGreaterEqual(refused, SESSIONS - 3)
        self.assertLess(refused, 10 * SESSIONS)

    def test_one_statement(self):
        """The parts of a statement ask one after the other."""
        self.emulator.settings(query_ms=50)
        rows = self.s.query(" UNION ALL ".join(["SELECT count(*) FROM busy.runs"] * 6))
        self.assertEqual(rows, self.count * 6)
        self.assertEqual([(record["status"], record["in_flight"])
                          for record in self.emulator.records()], [(200, 1)] * 6)

    def test_always_busy(self):
        """It ends when the statement has waited long enough."""
        self.server("hasty", options={"rate_limit_wait": 1})
        self.s.query("CREATE SCHEMA hasty_query; IMPORT FOREIGN SCHEMA query LIMIT TO (runs)"
                     " FROM SERVER hasty INTO hasty_query")
        self.addCleanup(self.s.query, "DROP SCHEMA hasty_query CASCADE")
        self.emulator.faults({"match": {"path_regex": "/query$"}, "times": 0,
                              "action": {"kind": "status", "status": 429,
                                         "body": '{"error":"busy"}'}})
        self.emulator.clear()
        error = self.s.error("SELECT count(*) FROM hasty_query.runs")
        self.assertEqual(error.sqlstate, "53400")
        self.assertLess(len(self.emulator.records()), 12)


if __name__ == "__main__":
    main()
