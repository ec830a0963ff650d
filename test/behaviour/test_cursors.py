"""Portals that pause, scans that begin again, several scans of one table in one query."""
from base import Case, credentials, main, sockets, wait_until

ROWS = 307


class Cursors(Case):

    def open_cursor(self, query="SELECT id FROM prod.runs", options=""):
        self.s.query(f"BEGIN; DECLARE c {options} CURSOR FOR {query}")

    def assert_whole(self, rows):
        self.assertEqual((len(rows), len(set(rows))), (ROWS, ROWS))

    def test_fetch_in_pieces(self):
        for sizes in ((5, 200, 500), (1, 1, 98, 1, 500), (100, 100, 100, 100), (307, 1)):
            with self.subTest(sizes):
                self.open_cursor()
                rows = []
                for size in sizes:
                    rows += self.s.column(f"FETCH {size} FROM c")
                self.assert_whole(rows)
                self.assertEqual(self.s.query("FETCH 1 FROM c"), [])
                self.s.query("CLOSE c; COMMIT")

    def test_close_early(self):
        """CLOSE ends the scan; what was under way is not waited for, and nothing leaks."""
        self.s.one("SELECT count(*) FROM prod.runs")
        before = len(sockets(self.s.pid))
        self.emulator.faults({"match": {"path_regex": "after"}, "times": 0,
                              "action": {"kind": "stall"}})
        for _ in range(5):
            self.open_cursor()
            self.assertEqual(len(self.s.query("FETCH 50 FROM c")), 50)
            self.s.query("CLOSE c; COMMIT")
        self.emulator.faults()
        self.assertEqual(self.s.one("SELECT count(*) FROM prod.runs"), str(ROWS))
        self.assertLessEqual(len(sockets(self.s.pid)), before + 1)

    def test_server_drops_connection_while_paused(self):
        self.emulator.settings(drop_keepalive_after=1)
        self.open_cursor()
        rows = self.s.column("FETCH 5 FROM c")
        for size in (120, 90, 300):
            # the server's end is closed by now; ours finds out when it next looks
            rows += self.s.column(f"FETCH {size} FROM c")
        self.assert_whole(rows)
        self.s.query("COMMIT")

    def test_page_in_flight_is_reset_while_paused(self):
        """The next page is under way while the portal rests, and its connection dies."""
        self.emulator.faults({"match": {"path_regex": "after", "nth": 2},
                              "action": {"kind": "reset_mid", "bytes": 300}})
        self.open_cursor()
        rows = self.s.column("FETCH 150 FROM c")
        wait_until(lambda: all(r["end_ms"] for r in self.emulator.records()), "the reset")
        rows += self.s.column("FETCH ALL FROM c")
        self.assert_whole(rows)
        self.s.query("COMMIT")

    def test_page_in_flight_stalls_while_paused(self):
        """A page that stalls longer than request_timeout is asked for again."""
        self.server("impatient", options={"request_timeout": 300})
        self.emulator.faults({"match": {"path_regex": "after", "nth": 2},
                              "action": {"kind": "stall", "where": "body", "after_bytes": 99}})
        self.open_cursor("SELECT id FROM impatient.runs")
        rows = self.s.column("FETCH 150 FROM c")
        self.s.query("SELECT pg_sleep(0.5)")     # the pause is what is tested
        rows += self.s.column("FETCH ALL FROM c")
        self.assert_whole(rows)
        self.s.query("COMMIT")

    def test_pause_longer_than_request_timeout(self):
        """That nobody reads for a while is not the server's failure."""
        self.server("impatient", options={"request_timeout": 200, "max_retries": 0})
        self.open_cursor("SELECT id FROM impatient.runs")
        rows = []
        for size in (5, 101, 101, 300):
            rows += self.s.column(f"FETCH {size} FROM c")
            self.s.query("SELECT pg_sleep(0.3)")
        self.assert_whole(rows)
        self.s.query("COMMIT")

    def test_other_statements_in_between(self):
        """Other scans run on the same connection while a cursor's next page is under way."""
        self.open_cursor()
        rows = self.s.column("FETCH 5 FROM c")
        for _ in range(4):
            self.assertEqual(self.s.one("SELECT count(*) FROM prod.runs"), str(ROWS))
            self.s.one("SELECT payload FROM prod.run_details LIMIT 1")
            rows += self.s.column("FETCH 60 FROM c")
        rows += self.s.column("FETCH ALL FROM c")
        self.assert_whole(rows)
        self.s.query("COMMIT")

    def test_interleaved_cursors(self):
        """Ten cursors at once, each gets its own rows."""
        self.s.query("BEGIN")
        got = {}
        for number in range(10):
            self.s.query(f"DECLARE c{number} CURSOR FOR SELECT id FROM prod.runs"
                         f" WHERE created_at < now() - interval '{number} days'"
                         " ORDER BY created_at DESC, id")
            got[number] = []
        for size in (1, 10, 95, 30, 400):
            for number in got:
                got[number] += self.s.column(f"FETCH {size} FROM c{number}")
        self.s.query("COMMIT")
        for number, rows in got.items():
            self.assertEqual(rows, self.s.column(
                f"SELECT id FROM prod.runs WHERE created_at < now() - interval '{number} days'"
                " ORDER BY created_at DESC, id"))

    def test_with_hold(self):
        self.open_cursor(options="")
        self.s.query("COMMIT; BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT id FROM prod.runs")
        rows = self.s.column("FETCH 5 FROM h")
        self.s.query("COMMIT")
        self.emulator.clear()
        rows += self.s.column("FETCH ALL FROM h")
        self.assertEqual(self.emulator.requests(), [])
        self.assert_whole(rows)
        self.s.query("CLOSE h")

    def test_scroll(self):
        """A SCROLL cursor reads each page once, in whatever direction it goes."""
        self.s.query("BEGIN; DECLARE c SCROLL CURSOR FOR SELECT id FROM prod.runs"
                     " ORDER BY created_at DESC, id")
        first = self.s.column("FETCH 150 FROM c")
        back = self.s.column("FETCH BACKWARD 149 FROM c")
        self.assertEqual(back, first[:149][::-1])
        self.assertEqual(self.s.column("FETCH ABSOLUTE 10 FROM c"), first[9:10])
        everything = self.s.column("MOVE ABSOLUTE 0 FROM c; FETCH ALL FROM c")
        self.assert_whole(everything)
        self.assertEqual(everything[:150], first)
        self.assertEqual(self.s.column("FETCH LAST FROM c"), everything[-1:])
        self.assertEqual(sum("page[after]" not in line for line in self.emulator.requests()), 1)
        self.s.query("COMMIT")

    def test_plpgsql_loops(self):
        """A loop over one scan, with look-ups and other scans inside it."""
        total = self.s.one("""
            DO $$
            DECLARE r record; n integer := 0; s text;
            BEGIN
                FOR r IN SELECT id, status FROM prod.runs LOOP
                    n := n + 1;
                    IF n % 100 = 0 THEN
                        SELECT status INTO STRICT s FROM prod.runs WHERE id = r.id;
                        ASSERT s = r.status;
                        PERFORM count(*) FROM prod.schedules;
                    END IF;
                END LOOP;
                PERFORM set_config('test.n', n::text, false);
            END $$; SELECT current_setting('test.n')""")
        self.assertEqual(total, str(ROWS))

    def test_plpgsql_loop_left_early(self):
        self.emulator.clear()
        self.s.query("DO $$ DECLARE r record; BEGIN FOR r IN SELECT id FROM prod.runs LOOP"
                     " EXIT; END LOOP; END $$")
        self.assertLessEqual(len(self.emulator.requests()), 2)
        self.assertEqual(self.s.one("SELECT count(*) FROM prod.runs"), str(ROWS))

    def test_portal_that_survives_its_subtransaction(self):
        """ROLLBACK TO closes cursors opened since; those opened before go on."""
        self.open_cursor()
        rows = self.s.column("FETCH 5 FROM c")
        self.s.query("SAVEPOINT a; DECLARE d CURSOR FOR SELECT id FROM prod.runs; FETCH 5 FROM d")
        rows += self.s.column("FETCH 100 FROM c")
        self.s.query("ROLLBACK TO a")
        self.assert_error(self.s.error("FETCH 1 FROM d"), "34000")
        self.s.query("ROLLBACK TO a")
        rows += self.s.column("FETCH ALL FROM c")
        self.assert_whole(rows)
        self.s.query("COMMIT")

    def test_nested_scans(self):
        """The inner side is scanned again for each outer row."""
        self.s.query("SET enable_hashjoin = off; SET enable_mergejoin = off;"
                     "SET enable_material = off; SET enable_memoize = off")
        found = self.s.one("SELECT count(*) FROM (SELECT * FROM prod.runs LIMIT 3) a,"
                           " prod.schedules b, (SELECT id FROM prod.runs"
                           " ORDER BY created_at DESC LIMIT 2) c")
        self.assertEqual(found, str(3 * 230 * 2))

    def test_self_joins(self):
        for method in ("hashjoin", "mergejoin", "nestloop"):
            off = {"hashjoin", "mergejoin", "nestloop"} - {method}
            self.s.query("".join(f"SET enable_{m} = off;" for m in off)
                         + f"SET enable_{method} = on")
            with self.subTest(method):
                self.assertEqual(self.s.one(
                    "SELECT count(*) FROM prod.runs a JOIN prod.runs b USING (id)"
                    " WHERE a.status = 'FAILED'"),
                    self.s.one("SELECT count(*) FROM prod.runs WHERE status = 'FAILED'"))
                self.assertEqual(self.s.one(
                    "SELECT count(*) FROM (SELECT * FROM prod.runs LIMIT 20) a LEFT JOIN"
                    " prod.run_details b ON b.id = a.id AND b.payload IS NOT NULL"
                    " WHERE a.id IS NOT NULL"), "20")

    def test_recursive_query(self):
        """From a child upwards, a look-up per step."""
        depths = self.s.column("""
            WITH RECURSIVE up(id, parent, n) AS (
                SELECT id, parent_run_id, 0 FROM prod.run_details
                WHERE tags @> '{special:family}' AND depth = 2
                UNION ALL
                SELECT d.id, d.parent_run_id, n + 1 FROM up JOIN prod.run_details d
                    ON d.id = up.parent)
            SELECT n FROM up ORDER BY n""")
        self.assertEqual(depths, ["0", "0", "1", "1", "2", "2"])

    def test_recursion_of_functions(self):
        """A function that scans calls itself inside its scan: many scans open at once."""
        self.s.query("""
            CREATE FUNCTION deep(n integer) RETURNS integer LANGUAGE plpgsql AS $$
            DECLARE r record;
            BEGIN
                IF n = 0 THEN RETURN 0; END IF;
                FOR r IN SELECT id FROM prod.runs LOOP
                    RETURN 1 + deep(n - 1);
                END LOOP;
            END $$""")
        self.addCleanup(lambda: self.s.query("DROP FUNCTION deep"))
        self.assertEqual(self.s.one("SELECT deep(40)"), "40")
        self.s.query("SET max_stack_depth = '200kB'")
        self.assert_error(self.s.error("SELECT deep(100000)"), "54001")
        self.assertEqual(self.s.one("SELECT count(*) FROM prod.runs"), str(ROWS))
        self.assertLess(len(sockets(self.s.pid)), 20)

    def test_same_rows_under_two_servers(self):
        """A union of two credentials' tables in one cursor."""
        self.open_cursor("SELECT id FROM prod.runs UNION ALL SELECT id FROM pat.runs"
                         " WHERE environment = 'prod'")
        rows = self.s.column("FETCH 5 FROM c") + self.s.column("FETCH ALL FROM c")
        self.assertEqual((len(rows), len(set(rows))), (2 * ROWS, ROWS))
        self.s.query("COMMIT")
        keys = set(self.keys_sent())
        self.assertEqual(keys, {credentials.TR_PROD, credentials.PAT})


if __name__ == "__main__":
    main()
