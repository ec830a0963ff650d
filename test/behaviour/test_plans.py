"""Which plans are chosen, and that choosing them contacts nobody."""
import os
import random
import sys

from base import Case, main

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "differential"))

import generator  # noqa: E402
import reference  # noqa: E402


class Plans(Case):

    def setUp(self):
        super().setUp()
        ids = [row["id"] for row in self.emulator.oracle("runs")]
        values = ", ".join(f"({n}, '{run}')" for n, run in enumerate(ids))
        self.s.query("CREATE TEMP TABLE few (n integer, id text); CREATE TEMP TABLE many"
                     f" (n integer, id text); INSERT INTO many VALUES {values};"
                     "INSERT INTO few SELECT * FROM many WHERE n % 80 = 1; ANALYZE few, many;"
                     "INSERT INTO many SELECT 1000 + g, 'run_none' || g FROM"
                     " generate_series(1, 3000) g; ANALYZE many")
        self.emulator.clear()

    def plan(self, query):
        return "\n".join(self.s.column("EXPLAIN (COSTS off) " + query))

    def looked_up(self):
        lines = self.emulator.requests()
        return (sum("/api/v3/runs/" in line for line in lines),
                sum("/api/v1/runs?" in line for line in lines))

    def test_few_ids(self):
        """A look-up per row: retrieve, then the list at that millisecond."""
        query = "SELECT f.n, r.status FROM few f JOIN prod.runs r ON r.id = f.id"
        self.assertIn("Lookup Join", self.plan(query))
        self.assertEqual(len(self.s.query(query)), 4)
        self.assertEqual(self.looked_up(), (4, 4))

    def test_few_ids_details(self):
        query = "SELECT f.n, r.payload FROM few f JOIN prod.run_details r USING (id)"
        self.assertIn("Lookup Join", self.plan(query))
        self.assertEqual(len(self.s.query(query)), 4)
        self.assertEqual(self.looked_up(), (4, 0))

    def test_many_ids(self):
        """One scan of everything, and a hash join."""
        query = "SELECT m.n, r.status FROM many m JOIN prod.runs r ON r.id = m.id"
        self.assertIn("Hash Join", self.plan(query))
        self.assertEqual(len(self.s.query(query)), 307)
        self.assertEqual(self.looked_up(), (0, 4))

    def test_few_ids_left_join(self):
        query = "SELECT f.n, r.status FROM few f LEFT JOIN prod.runs r ON r.id = f.id"
        self.assertEqual(len(self.s.query(query)), 4)
        self.assertEqual(self.looked_up(), (4, 4))

    def test_one_by_one(self):
        """Without batches it is a nested loop; with them, for a single row it is none either,
        because there may be more than the planner thinks."""
        query = "SELECT f.n, r.payload FROM few f JOIN prod.run_details r USING (id)"
        self.s.query("SET trigger_fdw.enable_batched_lookups = off")
        self.assertIn("Nested Loop", self.plan(query))
        self.assertEqual(len(self.s.query(query)), 4)
        self.assertEqual(self.looked_up(), (4, 0))
        self.s.query("RESET trigger_fdw.enable_batched_lookups")
        self.assertIn("Lookup Join", self.plan(query + " WHERE n = 1"))
        self.assertIn("Lookup Join", self.plan(query.replace("prod.run_details", "prod.runs")
                                               .replace("payload", "status") + " WHERE n = 1"))

    def test_sub_select_of_few(self):
        query = "SELECT status FROM prod.runs WHERE id IN (SELECT id FROM few)"
        self.assertEqual(len(self.s.query(query)), 4)
        self.assertEqual(self.looked_up(), (4, 4))

    def test_same_id_many_times(self):
        """Equal keys are looked up once."""
        query = ("SELECT r.status FROM (SELECT f.id FROM few f, generate_series(1, 5)"
                 " WHERE n < 5) f JOIN prod.runs r ON r.id = f.id")
        self.assertEqual(len(self.s.query(query)), 5)
        self.assertEqual(self.looked_up()[0], 1)

    def test_order_by_needs_no_sort(self):
        self.assertNotIn("Sort", self.plan("SELECT id FROM prod.runs ORDER BY created_at DESC"))
        self.assertIn("Incremental Sort",
                      self.plan("SELECT id FROM prod.runs ORDER BY created_at DESC, id LIMIT 5"))
        for other in ("created_at", "updated_at DESC", "id"):
            self.assertIn("Sort", self.plan(f"SELECT id FROM prod.runs ORDER BY {other}"))

    def test_explain_asks_nobody(self):
        for options in ("", "(VERBOSE)", "(FORMAT json)", "(FORMAT xml, VERBOSE)",
                        "(FORMAT yaml, SETTINGS)", "(SUMMARY)", "(COSTS off)"):
            for table in ("prod.runs", "prod.run_details", "pat.runs", "pat.envvars",
                          "prod.schedules", "prod.timezones"):
                self.s.query(f"EXPLAIN {options} SELECT * FROM {table}")
            self.s.query(f"EXPLAIN {options} SELECT * FROM few LEFT JOIN prod.run_details d"
                         " USING (id)")
        self.s.query("PREPARE p (text) AS SELECT * FROM prod.runs WHERE id = $1;"
                     "SET plan_cache_mode = force_generic_plan; EXPLAIN EXECUTE p('run_x');"
                     "EXPLAIN SELECT * FROM prod.runs WHERE id = (SELECT id FROM few LIMIT 1)")
        self.assertEqual(self.emulator.requests(), [])

    def test_statements_that_do_not_run_ask_nobody(self):
        self.s.query(
            "BEGIN; CREATE VIEW v AS SELECT * FROM prod.runs;"
            "CREATE TABLE t AS SELECT * FROM prod.runs WITH NO DATA;"
            "CREATE MATERIALIZED VIEW m AS SELECT * FROM prod.runs WITH NO DATA;"
            "DECLARE c CURSOR FOR SELECT * FROM prod.runs; CLOSE c;"
            "PREPARE q AS SELECT * FROM prod.runs; SELECT * FROM prod.runs WHERE false;"
            "SELECT * FROM prod.runs LIMIT 0; ROLLBACK")
        self.assertEqual(self.emulator.requests(), [])

    def test_planning_of_200_queries(self):
        """The planner is shown queries of all shapes; none makes it ask."""
        self.s.query("CREATE SCHEMA local; CREATE TABLE local.few AS SELECT n, id FROM few;"
                     "CREATE TABLE local.many AS SELECT n, id FROM many;"
                     "CREATE TABLE local.nobody AS SELECT n, id FROM few LIMIT 0;"
                     "CREATE TABLE local.words AS SELECT 'status' AS c, 'FAILED' AS k")
        self.addCleanup(self.without_sessions, [
            "DROP SCHEMA local CASCADE", "DROP SCHEMA IF EXISTS plain CASCADE"])
        self.s.query("CREATE SCHEMA plain")
        tables = []
        for resource in ("runs", "run_details", "schedules", "envvars"):
            reference.load(self.s, self.emulator, f"plain.{resource}", f"prod.{resource}",
                           resource)
            tables.append((f"prod.{resource}",
                           generator.Table(self.s, f"plain.{resource}", resource)))
        self.emulator.clear()
        rng = random.Random(7)
        explained = 0
        for number in range(200):
            foreign, table = rng.choice(tables)
            query = generator.Generator(rng, table).query()[0].replace("{t}", foreign)
            plan = self.s.query(f"EXPLAIN (VERBOSE) {query}")
            explained += "Foreign Scan" in str(plan)
            self.s.query(f"PREPARE q AS {query}; DEALLOCATE q")
        self.assertEqual(self.emulator.requests(), [])
        self.assertGreater(explained, 150)

    def test_maintenance_asks_nobody(self):
        self.s.query("VACUUM")
        self.s.query("ANALYZE prod.runs")
        self.assertEqual(self.emulator.requests(), [])


if __name__ == "__main__":
    main()
