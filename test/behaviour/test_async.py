"""An Append asks all its servers at once."""
import time

from base import Case, Emulator, PgError, credentials, descriptors, main, wait_until

RUNS = 1200
LATENCY = {"a": 40, "b": 25, "c": 10}
UNION = " UNION ALL ".join(f"SELECT '{name}' AS name, id FROM {name}.runs" for name in LATENCY)


def overlap(records, others):
    """Milliseconds of the one's requests during which one of the other was under way."""
    return sum(max(0, min(a["end_ms"], b["end_ms"]) - max(a["start_ms"], b["start_ms"]))
               for a in records for b in others)


class Async(Case):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.apis = {name: Emulator("bulk", RUNS) for name in LATENCY}

    @classmethod
    def tearDownClass(cls):
        for api in cls.apis.values():
            api.destroy()

    def setUp(self):
        super().setUp()
        for name, api in self.apis.items():
            api.settings(latency_ms=LATENCY[name])
            api.faults()
            self.server(name, api.url, {"concurrency": 1})
        self.s.query("SET jit = off")
        self.clear()

    def clear(self):
        for api in self.apis.values():
            api.clear()

    def records(self):
        return {name: api.records() for name, api in self.apis.items()}

    def span(self, records):
        return records[-1]["end_ms"] - records[0]["start_ms"]

    def plan(self, query):
        return "\n".join(self.s.column("EXPLAIN (COSTS off) " + query))

    def test_union_all(self):
        """The faster servers are done while the slowest is read, and cost nothing besides."""
        self.assertIn("Async Foreign Scan", self.plan(UNION))
        rows = self.s.query(f"SELECT name, count(*), count(DISTINCT id) FROM ({UNION}) q GROUP BY 1"
                            " ORDER BY 1")
        self.assertEqual([tuple(row) for row in rows],
                         [(name, str(RUNS), str(RUNS)) for name in LATENCY])
        records = self.records()
        slowest = records["a"]
        for name in "bc":
            # all of the faster ones' requests, but for what lies between two of the slower's
            share = overlap(records[name], slowest) / sum(
                r["end_ms"] - r["start_ms"] for r in records[name])
            self.assertGreater(share, 0.8, name)
            self.assertLess(records[name][-1]["end_ms"], slowest[-1]["end_ms"])
        begun = min(r[0]["start_ms"] for r in records.values())
        ended = max(r[-1]["end_ms"] for r in records.values())
        self.assertLess(ended - begun, 1.15 * self.span(slowest))

    def test_switched_off(self):
        self.s.query("SET enable_async_append = off")
        self.assertNotIn("Async", self.plan(UNION))
        self.assertEqual(self.s.one(f"SELECT count(*) FROM ({UNION}) q"), str(3 * RUNS))
        records = self.records()
        self.assertEqual(overlap(records["a"], records["c"]), 0)

    def inherited(self):
        """One table over all servers."""
        self.s.query("CREATE TABLE every (LIKE a.runs); CREATE SCHEMA parts;" + "".join(
            f"IMPORT FOREIGN SCHEMA management LIMIT TO (runs) FROM SERVER {name} INTO parts;"
            f"ALTER TABLE parts.runs RENAME TO {name};"
            f"ALTER TABLE parts.{name} INHERIT every;" for name in LATENCY))
        self.addCleanup(self.without_sessions, ["DROP TABLE every CASCADE",
                                                "DROP SCHEMA parts CASCADE"])
        self.clear()

    def test_inheritance(self):
        self.inherited()
        self.assertEqual(self.plan("SELECT id FROM every").count("Async Foreign Scan"), 3)
        self.assertEqual(self.s.one("SELECT count(*) FROM every"), str(3 * RUNS))
        records = self.records()
        self.assertGreater(overlap(records["a"], records["b"]), 100)

    def test_update_of_all(self):
        """Lists that are read to their end before the first row is written."""
        self.s.query("CREATE TABLE every (LIKE a.schedules);" + "".join(
            f"ALTER TABLE {name}.schedules INHERIT every;" for name in LATENCY))
        self.addCleanup(self.without_sessions, ["DROP TABLE every CASCADE"])
        count = self.s.one("SELECT count(*) FROM every WHERE type = 'IMPERATIVE' AND active")
        self.assertGreater(int(count), 100)
        query = "UPDATE every SET active = false WHERE type = 'IMPERATIVE' AND active"
        self.assertEqual(self.plan(query).count("Async Foreign Scan"), 3)
        self.s.query(query)
        self.assertEqual(self.s.tag, f"UPDATE {count}")
        self.assertEqual(
            self.s.one("SELECT count(*) FROM every WHERE type = 'IMPERATIVE' AND active"), "0")
        for api in self.apis.values():
            api.reset(dataset="bulk", runs=RUNS)

    def test_one_connection(self):
        """Scans that share a connection and its descriptor, one of them of another server."""
        query = ("SELECT id FROM a.runs WHERE created_at > now() - interval '30 min' UNION ALL"
                 " SELECT id FROM a.runs UNION ALL SELECT id FROM b.runs UNION ALL"
                 " SELECT id FROM a.runs WHERE status = 'COMPLETED' UNION ALL SELECT id FROM a.runs"
                 " WHERE id = 'run_nosuchrunatallreally'")
        self.assertEqual(self.plan(query).count("Async"), 5)
        expected = {}
        for setting in ("off", "on"):
            self.s.query(f"SET enable_async_append = {setting}")
            for turn in range(5 if setting == "on" else 1):
                expected[setting, turn] = self.s.column(query)
        whole = expected.pop(("off", 0))
        self.assertGreater(len(whole), 2 * RUNS)
        for rows in expected.values():
            # the first bound moves on with the clock
            self.assertLess(abs(len(rows) - len(whole)), 40)
            self.assertEqual(set(rows), set(whole))
        self.clear()
        self.s.query(query)
        self.assertGreater(max(r["in_flight"] for r in self.records()["a"]), 2)

    def test_answers_that_are_there_already(self):
        """A local part in between takes its time: nothing is waited for twice."""
        self.s.query("CREATE TEMP TABLE slow AS SELECT g FROM generate_series(1, 40) g")
        rows = self.s.query(f"SELECT count(*) FROM ({UNION} UNION ALL SELECT 'local',"
                            " pg_sleep(0.02)::text || g FROM slow) q")
        self.assertEqual(rows[0][0], str(3 * RUNS + 40))

    def test_limit(self):
        """A LIMIT above ends all of them, and the session goes on."""
        before = None
        for _ in range(5):
            self.assertEqual(len(self.s.query(f"SELECT * FROM ({UNION}) q LIMIT 3")), 3)
            before = before or descriptors(self.s.pid)
        self.assertLessEqual(descriptors(self.s.pid), before)
        self.assertEqual(self.s.one("SELECT count(*) FROM c.runs"), str(RUNS))
        self.clear()
        self.s.query(f"SELECT * FROM ({UNION}) q LIMIT 3")
        self.assertLessEqual(sum(map(len, self.records().values())), 6)

    def test_rescans(self):
        self.s.query("SET enable_material = off; SET enable_hashjoin = off;"
                     "SET enable_mergejoin = off; SET enable_memoize = off")
        query = (f"SELECT g, (SELECT count(*) FROM ({UNION.replace('id FROM', 'depth FROM')}) q"
                 " WHERE depth < g) FROM generate_series(0, 2) g")
        rows = {}
        for setting in ("off", "on"):
            self.s.query(f"SET enable_async_append = {setting}")
            rows[setting] = self.s.query(query)
        self.assertEqual(rows["on"], rows["off"])

    def test_rescan_with_rows_left(self):
        """Each scan of the Append is given up in the middle, and begun again."""
        rows = self.s.query(f"SELECT g, n FROM generate_series(1, 5) g, LATERAL (SELECT count(*) AS"
                            f" n FROM (SELECT * FROM ({UNION}) q WHERE g > 0 LIMIT 150) r) s")
        self.assertEqual([row[1] for row in rows], ["150"] * 5)

    def test_details(self):
        moment = self.s.one("SELECT created_at FROM a.runs ORDER BY created_at DESC"
                            " OFFSET 20 LIMIT 1")
        query = " UNION ALL ".join(f"SELECT id, payload FROM {name}.run_details WHERE created_at >"
                                   f" '{moment}'" for name in LATENCY)
        self.clear()
        self.assertIn("Async", self.plan(query))
        self.assertGreater(len(self.s.query(query)), 40)
        records = self.records()
        self.assertGreater(overlap(records["a"], records["b"]), 100)

    def test_error_in_one(self):
        self.apis["b"].faults({"match": {"path_regex": "after", "nth": 3}, "times": 0,
                               "action": {"kind": "status", "status": 400}})
        for _ in range(3):
            self.assert_error(self.s.error(f"SELECT count(*) FROM ({UNION}) q"), "22023")
        self.apis["b"].faults()
        self.assertEqual(self.s.one(f"SELECT count(*) FROM ({UNION}) q"), str(3 * RUNS))

    def test_cancel(self):
        """A cancel, a timeout and a termination end the wait of the Append."""
        for api in self.apis.values():
            api.faults({"match": {}, "times": 0, "action": {"kind": "stall", "where": "headers"}})
        counts = []
        for _ in range(4):
            self.clear()
            self.s.send(f"SELECT count(*) FROM ({UNION}) q")
            wait_until(lambda: all(self.records().values()), "requests")
            wait_until(lambda: self.event(self.s.pid) == "AppendReady", "the wait")
            began = time.monotonic()
            self.s.cancel()
            with self.assertRaises(PgError) as caught:
                self.s.result()
            self.assertEqual(caught.exception.sqlstate, "57014")
            self.assertLess(time.monotonic() - began, 0.5)
            counts.append(descriptors(self.s.pid))
        self.assertLessEqual(counts[-1], counts[0])
        self.s.query("SET statement_timeout = 200")
        self.assert_error(self.s.error(f"SELECT count(*) FROM ({UNION}) q"), "57014")
        doomed = self.session()
        doomed.send(f"SELECT count(*) FROM ({UNION}) q")
        wait_until(lambda: self.event(doomed.pid) == "AppendReady", "the wait")
        self.s.query(f"SET statement_timeout = 0; SELECT pg_terminate_backend({doomed.pid})")
        with self.assertRaises(PgError) as caught:
            doomed.result()
        self.assertEqual(caught.exception.sqlstate, "57P01")

    def event(self, pid):
        with self.cluster.connect() as admin:
            return admin.one(f"SELECT wait_event FROM pg_stat_activity WHERE pid = {pid}")

    def test_silence_longer_than_a_second(self):
        """Waiting is not a pause: request_timeout holds, with its own error."""
        self.s.query("ALTER SERVER b OPTIONS (ADD request_timeout '1500', ADD max_retries '0')")
        self.apis["b"].faults({"match": {}, "times": 0,
                               "action": {"kind": "stall", "where": "headers"}})
        began = time.monotonic()
        self.assert_error(self.s.error(f"SELECT count(*) FROM ({UNION}) q"), "08006")
        self.assertLess(time.monotonic() - began, 3)

    def test_cursor(self):
        self.s.query(f"BEGIN; DECLARE c CURSOR FOR {UNION}")
        rows = []
        for size in (1, 10, 333, 5):
            rows += self.s.query(f"FETCH {size} FROM c")
        rows += self.s.query("FETCH ALL FROM c")
        self.s.query("COMMIT")
        self.assertEqual(len({(row[0], row[1]) for row in rows}), 3 * RUNS)

    def test_environments_are_asked_for_first(self):
        """What blocks before the first request does so once."""
        self.server("pat2", self.apis["c"].url, personal_access_token=credentials.PAT)
        rows = self.s.query("SELECT id FROM pat2.runs UNION ALL SELECT id FROM a.runs")
        self.assertEqual(len(rows), 2 * RUNS)

    def test_analyze(self):
        text = self.plan(f"SELECT count(*) FROM ({UNION}) q")
        self.assertIn("Async Foreign Scan", text)
        lines = self.s.column("EXPLAIN (ANALYZE, TIMING off, SUMMARY off, COSTS off) "
                              f"SELECT * FROM ({UNION}) q")
        self.assertEqual(sum(f"rows={RUNS} " in line for line in lines), 3, lines)


if __name__ == "__main__":
    main()
