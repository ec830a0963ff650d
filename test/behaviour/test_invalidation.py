"""Options and mappings that change while sessions, plans and cursors live."""
from base import (Case, PgError, credentials, descriptors, main, other_emulator, quote,
                  wait_until)

COUNT = "SELECT count(*) FROM inv.runs"


class Invalidation(Case):

    def setUp(self):
        super().setUp()
        self.other = other_emulator()
        self.other.clear()
        self.server("inv")
        self.admin = self.session()

    def move(self, session=None):
        (session or self.admin).query(
            f"ALTER SERVER inv OPTIONS (SET base_url {quote(self.other.url)})")

    def new_key(self, key, session=None):
        (session or self.admin).query(
            f"ALTER USER MAPPING FOR PUBLIC SERVER inv OPTIONS (SET secret_key {quote(key)})")

    def test_base_url(self):
        """A new base_url counts from the next statement on, whoever sets it."""
        for setter in (self.s, self.admin):
            self.assertEqual(self.s.one(COUNT), "307")
            self.emulator.clear()
            self.move(setter)
            self.assertEqual(self.s.one(COUNT), "0")
            self.assertEqual(self.emulator.requests(), [])
            self.assertEqual(len(self.other.requests()), 1)
            setter.query(f"ALTER SERVER inv OPTIONS (SET base_url {quote(self.emulator.url)})")

    def test_base_url_in_transaction(self):
        self.s.query("BEGIN")
        self.assertEqual(self.s.one(COUNT), "307")
        self.move()
        self.assertEqual(self.s.one(COUNT), "0")
        self.s.query("COMMIT")

    def test_base_url_rolled_back(self):
        self.s.query("BEGIN")
        self.move(self.s)
        self.assertEqual(self.s.one(COUNT), "0")
        self.s.query("ROLLBACK")
        self.assertEqual(self.s.one(COUNT), "307")

    def test_base_url_of_cached_plan(self):
        for mode in ("force_generic_plan", "force_custom_plan"):
            with self.subTest(mode):
                self.s.query(f"SET plan_cache_mode = {mode};"
                             f"PREPARE p (text) AS {COUNT} WHERE status <> $1")
                for _ in range(6):
                    self.assertEqual(self.s.one("EXECUTE p('NONE')"), "307")
                self.move()
                self.assertEqual(self.s.one("EXECUTE p('NONE')"), "0")
                self.admin.query("ALTER SERVER inv OPTIONS (SET base_url "
                                 f"{quote(self.emulator.url)})")
                self.assertEqual(self.s.one("EXECUTE p('NONE')"), "307")
                self.s.query("DEALLOCATE p")

    def test_base_url_with_open_cursor(self):
        """A cursor goes on where it began; other statements do not."""
        self.s.query("BEGIN; DECLARE c CURSOR FOR SELECT id FROM inv.runs")
        rows = self.s.column("FETCH 5 FROM c")
        self.move()
        self.assertEqual(self.s.one(COUNT), "0")
        rows += self.s.column("FETCH 150 FROM c")
        rows += self.s.column("FETCH ALL FROM c")
        self.assertEqual(len(rows), 307)
        self.assertEqual(len(set(rows)), 307)
        self.assertEqual(len(self.other.requests()), 1)
        self.s.query("COMMIT")
        self.assertEqual(self.s.one(COUNT), "0")

    def test_server_options(self):
        """page_size and max_retries of a cached plan follow the server."""
        self.s.query("PREPARE p AS SELECT id FROM inv.runs")
        self.assertEqual(len(self.s.query("EXECUTE p")), 307)
        self.admin.query("ALTER SERVER inv OPTIONS (ADD page_size '50')")
        self.emulator.clear()
        self.assertEqual(len(self.s.query("EXECUTE p")), 307)
        self.assertTrue(all("page[size]=50" in line for line in self.emulator.requests()))
        self.admin.query("ALTER SERVER inv OPTIONS (ADD max_retries '0')")
        self.emulator.faults({"match": {}, "action": {"kind": "status", "status": 503}})
        self.assert_error(self.s.error("EXECUTE p"), "HV000")

    def test_mapping(self):
        self.assertEqual(self.s.one(COUNT), "307")
        self.emulator.clear()
        for setter in (self.s, self.admin):
            self.new_key(credentials.TR_PROD_SK, setter)
            self.assertEqual(self.s.one(COUNT), "307")
            self.assertEqual(set(self.keys_sent()), {credentials.TR_PROD_SK})
            self.new_key(credentials.TR_STG, setter)
            self.emulator.clear()
            self.assertEqual(self.s.one(COUNT), "40")
            self.assertEqual(set(self.keys_sent()), {credentials.TR_STG})
            self.emulator.clear()

    def test_mapping_of_cached_plan(self):
        for mode in ("force_generic_plan", "force_custom_plan"):
            with self.subTest(mode):
                self.s.query(f"SET plan_cache_mode = {mode}; PREPARE p AS {COUNT}")
                for key, rows in ((credentials.TR_PROD, "307"), (credentials.TR_STG, "40"),
                                  (credentials.TR_PROD_SK, "307")):
                    self.new_key(key)
                    self.emulator.clear()
                    self.assertEqual(self.s.one("EXECUTE p"), rows)
                    self.assertEqual(set(self.keys_sent()), {key})
                self.s.query("DEALLOCATE p")

    def test_mapping_with_open_cursor(self):
        """A cursor keeps the key that it began with: rows are of one environment."""
        self.s.query("BEGIN; DECLARE c CURSOR FOR SELECT environment FROM inv.runs")
        rows = self.s.column("FETCH 5 FROM c")
        self.new_key(credentials.TR_STG)
        self.assertEqual(self.s.one(COUNT), "40")
        rows += self.s.column("FETCH ALL FROM c")
        self.assertEqual((len(rows), set(rows)), (307, {"prod"}))
        self.s.query("COMMIT")

    def test_mapping_dropped_and_made_again(self):
        self.s.query(f"PREPARE p AS {COUNT}")
        self.assertEqual(self.s.one("EXECUTE p"), "307")
        self.s.query("BEGIN; DECLARE c CURSOR FOR SELECT id FROM inv.runs; FETCH 5 FROM c")
        self.admin.query("DROP USER MAPPING FOR PUBLIC SERVER inv")
        self.assertEqual(len(self.s.query("FETCH ALL FROM c")), 302)
        self.s.query("COMMIT")
        self.emulator.clear()
        for statement in ("EXECUTE p", COUNT):
            error = self.s.error(statement)
            self.assert_error(error, "42704", "user mapping not found")
        self.assertEqual(self.emulator.requests(), [])
        self.admin.query("CREATE USER MAPPING FOR PUBLIC SERVER inv")
        self.assert_error(self.s.error("EXECUTE p"), "28000", "no credential")
        self.assertEqual(self.emulator.requests(), [])
        self.admin.query("ALTER USER MAPPING FOR PUBLIC SERVER inv OPTIONS"
                         f" (ADD secret_key {quote(credentials.TR_PROD)})")
        self.assertEqual(self.s.one("EXECUTE p"), "307")

    def test_own_mapping_wins_as_soon_as_it_exists(self):
        self.assertEqual(self.s.one(COUNT), "307")
        self.admin.query("CREATE USER MAPPING FOR postgres SERVER inv OPTIONS"
                         f" (secret_key {quote(credentials.TR_STG)})")
        self.assertEqual(self.s.one(COUNT), "40")
        self.admin.query("DROP USER MAPPING FOR postgres SERVER inv")
        self.assertEqual(self.s.one(COUNT), "307")

    def test_drop_server_with_open_cursor(self):
        """DROP waits for the cursor's transaction, which goes on undisturbed."""
        self.s.query(f"PREPARE p AS {COUNT}")
        self.s.query("BEGIN; DECLARE c CURSOR FOR SELECT id FROM inv.runs")
        rows = self.s.column("FETCH 5 FROM c")
        self.admin.send("DROP SERVER inv CASCADE")
        wait_until(lambda: self.session_waits_for_lock(self.admin), "DROP to wait")
        rows += self.s.column("FETCH ALL FROM c")
        self.assertEqual(len(set(rows)), 307)
        self.s.query("COMMIT")
        self.admin.result()
        self.assert_error(self.s.error(COUNT), "42P01")
        with self.assertRaises(PgError):
            self.s.query("EXECUTE p")
        self.assertNotIn("inv", self.s.column("SELECT server FROM trigger_fdw_stats()"))
        self.assertEqual(self.s.one("SELECT count(*) FROM prod.runs"), "307")

    def session_waits_for_lock(self, session):
        with self.cluster.connect() as watcher:
            return watcher.one("SELECT wait_event_type FROM pg_stat_activity WHERE pid ="
                               f" {session.pid}") == "Lock"

    def test_drop_server_with_held_cursor(self):
        """WITH HOLD has read everything by the end of its transaction."""
        self.s.query("BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT id FROM inv.runs; COMMIT")
        self.admin.query("DROP SERVER inv CASCADE")
        self.emulator.clear()
        self.assertEqual(len(self.s.query("FETCH ALL FROM c")), 307)
        self.assertEqual(self.emulator.requests(), [])

    def test_drop_server_in_own_transaction(self):
        """A cursor of the dropping transaction itself: an error of core, no crash."""
        self.s.query("BEGIN; DECLARE c CURSOR FOR SELECT id FROM inv.runs; FETCH 5 FROM c")
        self.assert_error(self.s.error("DROP SERVER inv CASCADE"), "55006")
        self.s.query("ROLLBACK")
        self.assertEqual(self.s.one(COUNT), "307")

    def test_servers_that_come_and_go_leak_nothing(self):
        """Connections of dropped servers are closed, not kept for the session's life."""
        counts = []
        for turn in range(12):
            self.admin.query(
                f"CREATE SERVER coming{turn} FOREIGN DATA WRAPPER trigger_fdw OPTIONS"
                f" (base_url {quote(self.emulator.url)}); CREATE USER MAPPING FOR PUBLIC SERVER"
                f" coming{turn} OPTIONS (secret_key {quote(credentials.TR_PROD)});"
                f"CREATE SCHEMA coming; IMPORT FOREIGN SCHEMA management FROM SERVER coming{turn}"
                " INTO coming")
            self.assertEqual(self.s.one("SELECT count(*) FROM coming.runs"), "307")
            self.admin.query(f"DROP SERVER coming{turn} CASCADE; DROP SCHEMA coming")
            self.s.query("SELECT 1")
            counts.append(descriptors(self.s.pid))
        self.assertLessEqual(counts[-1], counts[1], f"descriptors per turn: {counts}")

    def test_mappings_that_change_leak_nothing(self):
        counts = []
        for turn in range(12):
            self.new_key((credentials.TR_PROD, credentials.TR_STG)[turn % 2])
            self.s.query(COUNT)
            counts.append(descriptors(self.s.pid))
        self.assertLessEqual(counts[-1], counts[0], f"descriptors per turn: {counts}")


if __name__ == "__main__":
    main()
