"""Joins that look up many ids at once: what they ask, and how they end."""
import os
import random
import sys

from base import Case, Emulator, PgError, main, wait_until

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "differential"))

import reference  # noqa: E402
from lookup_queries import INNER, Queries  # noqa: E402

STALL = {"kind": "stall", "where": "headers"}
JOIN = "SELECT i.n, d.attempt_count FROM ids i JOIN {}.run_details d ON d.id = i.id"
CASES = int(os.environ.get("LOOKUP_CASES", "40"))

# keys that are there, some twice; none, and what no request can name
OWN = """
CREATE TABLE own.{0} AS SELECT (row_number() OVER ())::int AS n, id, other, grp, word FROM (
    SELECT {1} COLLATE "default" AS id, NULL::text AS other, (ascii(md5({1})) % 5) AS grp,
           left(md5({1}), 3) AS word FROM (SELECT * FROM plain.{0} ORDER BY md5({1}) LIMIT 25) x
    UNION ALL
    SELECT CASE WHEN g % 4 = 0 THEN NULL WHEN g % 4 = 1 THEN 'run_none' || g
                WHEN g % 8 = 2 THEN 'sched_none' || g WHEN g = 3 THEN '' WHEN g = 7 THEN '.'
                WHEN g = 11 THEN 'import' ELSE (SELECT max({1}) FROM plain.{0}) END,
           (SELECT {1} FROM plain.{0} ORDER BY md5({1} || g) LIMIT 1), g % 5, 'w' || g
    FROM generate_series(1, 20) g ORDER BY 4) q;
ANALYZE own.{0}"""


class LookupJoins(Case):

    def setUp(self):
        super().setUp()
        self.ids = [row["id"] for row in self.emulator.oracle("run_details")]
        values = ", ".join(f"({n}, '{run}')" for n, run in enumerate(self.ids, 1))
        self.s.query(f"CREATE TEMP TABLE ids (n integer, id text); INSERT INTO ids VALUES {values};"
                     "ANALYZE ids; SET enable_hashjoin = off; SET enable_mergejoin = off")
        self.emulator.clear()

    def retrieved(self):
        """Ids that were retrieved since the last call, in order."""
        lines = self.emulator.requests()
        for line in lines:
            self.assertIn("GET /api/v3/runs/", line)
        return [line.rsplit("/", 1)[1] for line in lines]

    def most_in_flight(self):
        return max(record["in_flight"] for record in self.emulator.records())

    def test_each_id_once(self):
        """All ids, each once, in their order, never more at once than the option says."""
        for width in (1, 3, 8):
            with self.subTest(width):
                name = f"wide{width}"
                self.server(name, options={"concurrency": width})
                self.emulator.settings(latency_ms=10)
                self.emulator.clear()
                rows = self.s.query(JOIN.format(name))
                self.assertEqual([int(row[0]) for row in rows],
                                 list(range(1, len(self.ids) + 1)))
                self.assertEqual(self.most_in_flight(), width)
                asked = self.retrieved()
                self.assertCountEqual(asked, self.ids)
                # the first batch has as many as may be under way, each other twice as many
                batches, left = 0, len(self.ids)
                while left > 0:
                    left -= width << batches
                    batches += 1
                self.assertIn(f"Batches: {batches}'",
                              str(self.s.query("EXPLAIN (ANALYZE) " + JOIN.format(name))))
                # side by side, so neighbours may change places, and no others
                for at, run in enumerate(asked):
                    self.assertLessEqual(abs(self.ids.index(run) - at), width)

    def test_same_id_many_times(self):
        """Ids that come again, at once and much later, are looked up once."""
        rows = self.s.query(JOIN.format("prod").replace(
            "ids i", "(SELECT i.n, i.id FROM ids i, generate_series(1, 30) g WHERE i.n <= 20"
            " ORDER BY g, n OFFSET 0) i"))
        self.assertEqual(len(rows), 600)
        self.assertCountEqual(self.retrieved(), self.ids[:20])

    def test_limit(self):
        """What ends early has looked up little more than it needed."""
        for limit in (1, 2, 5, 17):
            with self.subTest(limit):
                self.assertEqual(len(self.s.query(JOIN.format("prod") + f" LIMIT {limit}")), limit)
                self.assertEqual(len(self.retrieved()), limit)
        # one in eight qualifies: each batch doubles
        self.assertEqual(len(self.s.query(JOIN.format("prod") + " AND i.n + d.depth * 0 > 8"
                                          " LIMIT 1")), 1)
        self.assertEqual(len(self.retrieved()), 15)
        # rows without a key do not count
        self.s.query("SELECT d.attempt_count FROM (SELECT NULL AS id FROM generate_series(1, 999)"
                     " UNION ALL SELECT id FROM ids) i JOIN prod.run_details d ON d.id = i.id"
                     " LIMIT 1")
        self.assertEqual(len(self.retrieved()), 1)
        self.s.query("PREPARE p (int) AS " + JOIN.format("prod") + " LIMIT $1;"
                     "SET plan_cache_mode = force_generic_plan")
        self.assertEqual(len(self.s.query("EXECUTE p (3)")), 3)
        self.assertEqual(len(self.retrieved()), 3)
        self.s.query("SELECT EXISTS (" + JOIN.format("prod") + ")")
        self.assertEqual(len(self.retrieved()), 1)

    def test_cursor(self):
        """A cursor looks up as it goes, across subtransactions, and nothing after its end."""
        self.s.query("BEGIN; DECLARE c CURSOR FOR " + JOIN.format("prod"))
        self.assertEqual(self.retrieved(), [])
        self.assertEqual(len(self.s.query("FETCH 1 FROM c")), 1)
        self.assertEqual(len(self.retrieved()), 1)
        self.assertEqual(len(self.s.query("SAVEPOINT s; FETCH 10 FROM c")), 10)
        self.assertLessEqual(len(self.retrieved()), 20)
        with self.assertRaises(PgError):
            self.s.query("SELECT 1 / 0")
        self.s.query("ROLLBACK TO s")
        self.assertEqual(len(self.s.query("FETCH ALL FROM c")), len(self.ids) - 11)
        self.s.query("CLOSE c; COMMIT")

    def test_cursor_on_disk(self):
        """Rows that wait in a temporary file survive the subtransaction that wrote them."""
        query = ("SELECT i.n, d.metadata, d.tags, d.status, d.error FROM ids i JOIN"
                 " prod.run_details d ON d.id = i.id")
        want = self.s.query(query)
        self.s.query("SET work_mem = '64kB'")
        self.assertIn("Batches on Disk", str(self.s.query("EXPLAIN (ANALYZE) " + query)))
        self.s.query("BEGIN; DECLARE c CURSOR FOR " + query)
        got = []
        for _ in range(40):
            self.s.query("SAVEPOINT s")
            got += self.s.query("FETCH 9 FROM c")
            self.s.query("RELEASE s")
        self.assertEqual(got, want)
        self.s.query("CLOSE c; COMMIT")
        temporary = self.s.one("SELECT count(*) FROM pg_ls_tmpdir()")
        self.assertEqual(int(temporary), 0)

    def test_nothing_to_look_up(self):
        """No outer rows, and keys that name nothing, ask nobody."""
        for where in ("i.n < 0", "i.n < 5 AND i.id || 'x' < 'a'"):
            self.assertEqual(self.s.query(JOIN.format("prod") + f" WHERE {where}"), [])
        for key in ("NULL", "''", "'task' || n", "'run_..' || NULL"):
            rows = self.s.query("SELECT i.n, d.id, d.attempt_count FROM (SELECT n,"
                                f" ({key})::text AS id FROM ids OFFSET 0) i"
                                " LEFT JOIN prod.run_details d ON d.id = i.id")
            self.assertEqual(len(rows), len(self.ids))
            self.assertEqual({row[1] for row in rows}, {None})
        self.assertEqual(self.retrieved(), [])

    def test_explain_asks_nobody(self):
        for query in (JOIN.format("prod"), JOIN.format("prod").replace("JOIN", "LEFT JOIN")):
            plan = str(self.s.query("EXPLAIN (VERBOSE) " + query))
            self.assertIn("Lookup Join", plan)
        self.assertEqual(self.emulator.requests(), [])

    def test_cancel_in_the_middle(self):
        """A batch that is cancelled leaves nothing behind; the next statement starts anew."""
        self.emulator.faults({"match": {"path_regex": "/v3/runs/"}, "after": 20, "times": 0,
                              "action": STALL})
        for _ in range(2):
            self.emulator.clear()
            self.s.send(JOIN.format("prod"))
            wait_until(lambda: self.emulator.records() and self.waiting(self.s), "a wait")
            self.s.cancel()
            with self.assertRaises(PgError) as caught:
                self.s.result()
            self.assertEqual(caught.exception.sqlstate, "57014")
        self.emulator.faults()
        self.assertEqual(len(self.s.query(JOIN.format("prod"))), len(self.ids))

    def test_fault_in_the_middle(self):
        """An error is that of the look-up; rows of batches before have been handed out."""
        for status, sqlstate in ((400, "22023"), (403, "42501"), (500, "HV000")):
            self.emulator.faults({"match": {"path_regex": f"/v3/runs/{self.ids[40]}"}, "times": 0,
                                  "action": {"kind": "status", "status": status}})
            self.server("once", options={"max_retries": 0})
            with self.assertRaises(PgError) as caught:
                self.s.query(JOIN.format("once"))
            self.assert_error(caught.exception, sqlstate, self.ids[40])
            self.assertEqual(len(self.s.query(JOIN.format("once") + " WHERE i.n <= 40")), 40)
            self.s.query("DROP SERVER once CASCADE; DROP SCHEMA once CASCADE")
        self.emulator.faults({"match": {"path_regex": "/v3/runs/"}, "after": 9, "times": 2,
                              "action": {"kind": "status", "status": 503}})
        self.assertEqual(len(self.s.query(JOIN.format("prod"))), len(self.ids))

    def test_many_rows_of_a_moment(self):
        """Rows of many keys that no answer holds, where pages end between two moments only."""
        emulator = Emulator("empty")
        self.addCleanup(emulator.destroy)
        rows = [{"metric_name": f"m{n}", "machine_id": f"k{key}", "metric_value": n,
                 "bucket_start": f"2026-05-0{day} 00:00:00", "attributes": {}}
                for key in range(300) for day, most in ((1, 4), (2, 45), (3, 3), (4, 9 * (key < 9)))
                for n in range(most)]
        emulator.settings(query_period_days=4000)
        emulator.control("POST", "/query_rows", [{"table": "metrics", "rows": rows}])
        self.server("dense", url=emulator.url)
        self.s.query("IMPORT FOREIGN SCHEMA query LIMIT TO (metrics) FROM SERVER dense INTO dense"
                     " OPTIONS (look_back '0')")
        self.s.query("CREATE TEMP TABLE keys AS SELECT 'k' || n AS key FROM"
                     " generate_series(0, 329) n; ANALYZE keys; SET enable_material = off")
        joined = ("SELECT k.key, m.metric_name, m.bucket_start, m.metric_value FROM keys k"
                  " JOIN dense.metrics m ON m.machine_id = k.key")
        self.assertIn("Lookup Join", str(self.s.query("EXPLAIN " + joined)))
        self.emulator.clear()
        got = sorted((row[0], row[1], row[2][:10], float(row[3])) for row in self.s.query(joined))
        self.assertEqual(got, sorted((row["machine_id"], row["metric_name"],
                                      row["bucket_start"][:10], float(row["metric_value"]))
                                     for row in rows))
        # one key has too many of them by itself
        emulator.control("POST", "/query_rows", [{"table": "metrics", "rows": [
            {**rows[0], "metric_name": f"x{n}"} for n in range(10001)]}])
        self.assert_error(self.s.error(joined), "54000", "more rows")

    def test_random_joins(self):
        """The same rows in batches, one by one, and from plain tables."""
        self.addCleanup(self.without_sessions, [
            "DROP SCHEMA IF EXISTS plain, own CASCADE;"
            "DROP FOREIGN TABLE IF EXISTS prod.query_runs, prod.query_roots"])
        self.s.query("CREATE SCHEMA plain; CREATE SCHEMA own")
        for resource, (key, _, _) in INNER.items():
            if resource.startswith("query_"):
                self.s.query("CREATE SCHEMA fresh; IMPORT FOREIGN SCHEMA query LIMIT TO (runs)"
                             " FROM SERVER prod INTO fresh OPTIONS (look_back '0');"
                             f"ALTER FOREIGN TABLE fresh.runs RENAME TO {resource};"
                             f"ALTER FOREIGN TABLE fresh.{resource} SET SCHEMA prod;"
                             "DROP SCHEMA fresh;"
                             f"CREATE TABLE plain.{resource} AS SELECT * FROM prod.{resource}")
            else:
                reference.load(self.s, self.emulator, f"plain.{resource}", f"prod.{resource}",
                               resource)
            self.s.query(OWN.format(resource, key))
        used = 0
        for number in range(CASES):
            rng = random.Random(number)
            queries = Queries(number)
            query = queries.query().replace("{own}", f"own.{queries.resource}")
            self.s.query("RESET ALL")
            for method in ("hashjoin", "mergejoin", "nestloop", "memoize", "material"):
                if rng.random() < 0.6:
                    self.s.query(f"SET enable_{method} = off")
            if rng.random() < 0.3:
                self.s.query("SET work_mem = '64kB'")

            def rows(schema):
                done = self.s.query(query.replace(f"{{{queries.resource}}}",
                                                  f"{schema}.{queries.resource}"))
                return done if "ORDER BY 1," in query else sorted(map(str, done))

            with self.subTest(number, query=query):
                used += "Lookup Join" in str(self.s.query("EXPLAIN " + query.replace(
                    f"{{{queries.resource}}}", f"prod.{queries.resource}")))
                batched = rows("prod")
                self.assertEqual(batched, rows("plain"))
                self.s.query("SET trigger_fdw.enable_batched_lookups = off")
                self.assertEqual(batched, rows("prod"))
        print(f"    {used} of {CASES} random joins were looked up in batches")
        self.assertGreater(used, CASES // 3)


if __name__ == "__main__":
    main()
