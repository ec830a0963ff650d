"""How many TCP connections and requests a session has at a time, and when pages are asked for."""
from base import Case, credentials, main, sockets, wait_until


class Connections(Case):

    def used(self):
        return {record["connection"] for record in self.emulator.records()}

    def test_statements_share_a_connection(self):
        for number in range(20):
            self.s.query(("SELECT count(*) FROM prod.runs", "SELECT * FROM prod.schedules",
                          "SELECT id FROM prod.runs LIMIT 1",
                          "SELECT value FROM prod.envvars WHERE name = 'LOG_LEVEL'")[number % 4])
        self.assertEqual(len(self.emulator.records()), 5 * (4 + 3 + 1 + 1))
        self.assertEqual(len(self.used()), 1)
        self.assertEqual(len(sockets(self.s.pid)), 1)

    def test_connection_survives_errors(self):
        """An answer that was read to its end leaves a connection that can be used again."""
        for number in range(5):
            self.emulator.faults({"match": {}, "action": {"kind": "status", "status": 400}})
            self.assert_error(self.s.error("SELECT count(*) FROM prod.runs"), "22023")
            self.assertEqual(self.s.one("SELECT count(*) FROM prod.runs"), "307")
        self.assertEqual(len(self.used()), 1)

    def test_server_closes_after_each_answer(self):
        self.emulator.settings(drop_keepalive_after=1)
        for _ in range(5):
            plan = self.s.query("EXPLAIN (ANALYZE, COSTS off) SELECT id FROM prod.runs")
            self.assertIn(["  Retries: 0"], plan)
            self.assertTrue(any("rows=307" in line[0] for line in plan), plan)
        self.assertEqual(len(self.used()), 20)

    def test_server_says_close(self):
        self.emulator.faults({"match": {}, "times": 0, "action": {"kind": "connection_close"}})
        for _ in range(3):
            self.assertEqual(self.s.one("SELECT count(*) FROM prod.runs"), "307")
        self.assertEqual(len(self.used()), 12)
        self.assertEqual(len(sockets(self.s.pid)), 0)

    def test_reconnect_after_idle_close(self):
        """A kept-alive connection that is reset under the next request is no failure."""
        self.server("strict", options={"max_retries": 0})
        for _ in range(4):
            self.assertEqual(self.s.one("SELECT count(*) FROM strict.schedules"), "230")
            self.emulator.faults({"match": {}, "action": {"kind": "reset_before"}})
            self.assertEqual(self.s.one("SELECT count(*) FROM strict.schedules"), "230")

    def test_disconnect(self):
        self.s.one("SELECT count(*) FROM prod.schedules")
        self.assertEqual(self.s.one("SELECT trigger_fdw_disconnect('prod')"), "t")
        self.assertEqual(len(sockets(self.s.pid)), 0)
        self.assertEqual(self.s.one("SELECT trigger_fdw_disconnect('prod')"), "f")
        self.s.one("SELECT count(*) FROM prod.schedules")
        self.assertEqual(len(self.used()), 2)

    def test_disconnect_under_a_cursor(self):
        self.s.query("BEGIN; DECLARE c CURSOR FOR SELECT id FROM prod.runs")
        rows = self.s.column("FETCH 5 FROM c")
        self.assertEqual(self.s.one("SELECT trigger_fdw_disconnect('prod')"), "t")
        rows += self.s.column("FETCH ALL FROM c")
        self.assertEqual(len(set(rows)), 307)
        self.s.query("COMMIT")
        self.assertEqual(len(sockets(self.s.pid)), 0)

    def most_in_flight(self):
        return max(record["in_flight"] for record in self.emulator.records())

    def test_concurrency_of_details(self):
        """run_details retrieves as many runs at once as the option says, and no more."""
        self.emulator.settings(latency_ms=15)
        for width in (1, 2, 4, 8):
            with self.subTest(width):
                self.server(f"wide{width}", options={"concurrency": width})
                self.emulator.clear()
                found = self.s.one(f"SELECT count(payload) FROM wide{width}.run_details"
                                   " WHERE tags @> '{import}' AND created_at >"
                                   " now() - interval '4 days'")
                self.assertEqual(found, "120")
                self.assertLessEqual(self.most_in_flight(), width)
                self.assertGreaterEqual(self.most_in_flight(), width - 1 or 1)

    def test_concurrency_of_look_ups(self):
        ids = ", ".join(f"'{row['id']}'" for row in self.emulator.oracle("runs")[:24])
        self.emulator.settings(latency_ms=15)
        for width in (1, 3, 16):
            with self.subTest(width):
                # the table's option wins over the server's
                self.server(f"wide{width}", options={"concurrency": 2})
                self.s.query(f"ALTER FOREIGN TABLE wide{width}.runs OPTIONS"
                             f" (ADD concurrency '{width}')")
                self.emulator.clear()
                rows = self.s.query(f"SELECT status FROM wide{width}.runs WHERE id IN ({ids})")
                self.assertEqual(len(rows), 24)
                self.assertLessEqual(self.most_in_flight(), width)
                self.assertGreaterEqual(self.most_in_flight(), width)

    def test_concurrency_of_environments(self):
        """A PAT asks several environments at once."""
        self.emulator.settings(latency_ms=30)
        self.s.query("SELECT count(*) FROM pat.runs WHERE environment IN ('prod', 'staging')")
        self.assertEqual(self.most_in_flight(), 2)

    def test_pages_are_asked_for_ahead(self):
        """The whole result is wanted: page 2 is under way while page 1 is handed out."""
        self.s.query("SET cursor_tuple_fraction = 1; BEGIN;"
                     "DECLARE c CURSOR FOR SELECT id FROM prod.runs")
        self.assertEqual(len(self.s.query("FETCH 1 FROM c")), 1)
        wait_until(lambda: len(self.emulator.records()) == 2, "the second page's request")
        # but only one page ahead
        self.s.query("FETCH 50 FROM c")
        self.assertEqual(len(self.emulator.records()), 2)
        self.s.query("FETCH 60 FROM c")
        wait_until(lambda: len(self.emulator.records()) == 3, "the third page's request")
        self.s.query("COMMIT")

    def test_cursor_reads_ahead_when_it_goes_on(self):
        """A cursor may be closed after its first rows; one that goes on will want the rest."""
        self.s.query("BEGIN; DECLARE c CURSOR FOR SELECT id FROM prod.runs")
        self.s.query("FETCH 5 FROM c; SELECT pg_sleep(0.05)")
        self.assertEqual(len(self.emulator.records()), 1)
        self.s.query("FETCH 110 FROM c")
        wait_until(lambda: len(self.emulator.records()) == 3, "the third page's request")
        self.s.query("COMMIT")

    def through_cursor(self, query, sizes):
        """Requests after each FETCH, given time to be sent."""
        self.s.query(f"BEGIN; DECLARE c CURSOR FOR {query}")
        self.emulator.clear()
        seen = []
        for size in sizes:
            self.assertEqual(len(self.s.query(f"FETCH {size} FROM c")), size)
            self.s.query("SELECT pg_sleep(0.01)")
            seen.append(len(self.emulator.records()))
        self.s.query("COMMIT")
        return seen

    def test_never_ahead_with_limit(self):
        """A page that the limit does not need is never asked for."""
        self.server("limited", options={"page_size": 10}, secret_key=credentials.TR_STG)
        for fraction in (0.1, 1):
            self.s.query(f"SET cursor_tuple_fraction = {fraction}")
            for order in ("", " ORDER BY created_at DESC"):
                with self.subTest(fraction=fraction, order=order):
                    query = f"SELECT id FROM limited.runs{order} LIMIT "
                    self.assertEqual(self.through_cursor(query + "10", (1, 9)), [1, 1])
                    self.assertEqual(self.through_cursor(query + "11", (1, 10))[-1], 2)
                    self.assertEqual(self.through_cursor(query + "25", (1, 9, 1, 14))[-1], 3)
                    # a condition of our own: nobody knows how many pages it takes
                    query = ("SELECT id FROM limited.runs WHERE length(id) > 3"
                             f"{order} LIMIT 25")
                    self.assertEqual(self.through_cursor(query, (1, 9, 1, 9, 5)),
                                     [1, 1, 2, 2, 3])

    def test_limit_asks_for_no_more_rows(self):
        for limit, sizes in ((1, [1]), (7, [7]), (10, [10])):
            self.emulator.clear()
            self.s.query(f"SELECT id FROM prod.runs ORDER BY created_at DESC LIMIT {limit}")
            asked = [int(r["query"]["page[size]"]) for r in self.emulator.records()]
            self.assertEqual(asked[:1], sizes)

    def test_existence_needs_one_page(self):
        self.assertEqual(self.s.one("SELECT EXISTS (SELECT 1 FROM prod.runs)"), "t")
        self.assertEqual(len(self.emulator.requests()), 1)

    def test_scan_that_is_not_reached(self):
        """Nothing is sent for a scan below a join whose outer side is empty."""
        self.s.query("SET enable_hashjoin = off; SET enable_mergejoin = off")
        self.assertEqual(self.s.query("SELECT r.id FROM generate_series(1, 0) g,"
                                      " LATERAL (SELECT id FROM prod.runs WHERE depth = g) r"), [])
        self.assertEqual(self.emulator.requests(), [])

    def test_all_columns_unused_is_one_look(self):
        """count(*) of a look-up that finds nothing."""
        self.assertEqual(self.s.one("SELECT count(*) FROM prod.runs WHERE id = 'run_none'"), "0")
        self.assertTrue(all("/api/v3/runs/run_none" in line for line in self.emulator.requests()))


if __name__ == "__main__":
    main()
