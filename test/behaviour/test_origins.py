"""Whose credential may be sent where: not to a host that somebody else has chosen.

The owner of a server, mallory, is a plain role. Others have mappings on it.
"""
from base import Case, credentials, main, quote, wait_until

KEY, OTHER = credentials.TR_PROD, credentials.TR_STG
COUNT = "SELECT count(*) FROM origin.schedules"
STATEMENTS = (
    COUNT, "SELECT id FROM origin.runs WHERE id = 'run_x'",
    "SELECT payload FROM origin.run_details",
    "SELECT * FROM origin.envvars WHERE name = 'LOG_LEVEL'",
    "EXPLAIN (ANALYZE) SELECT * FROM origin.runs",
    "INSERT INTO origin.runs (task_identifier) VALUES ('send-email')",
    "INSERT INTO origin.runs (task_identifier) VALUES ('send-email'), ('x') RETURNING id",
    "UPDATE origin.runs SET status = 'CANCELED'",
    "INSERT INTO origin.envvars (name, value) VALUES ('STOLEN', '1')",
    "UPDATE origin.envvars SET value = 'x'", "DELETE FROM origin.envvars",
    "INSERT INTO origin.schedules (task, cron) VALUES ('hourly-sync', '* * * * *')",
    "UPDATE origin.schedules SET active = false", "DELETE FROM origin.schedules",
    "SELECT trigger_check_server('origin')", "SELECT trigger_replay_run('origin', 'run_x')",
    "SELECT trigger_replay_run('origin', 'run_x', '{}')",
    "SELECT trigger_cancel_run('origin', 'run_x')",
    "SELECT trigger_reschedule_run('origin', 'run_x', '1h')",
    "SELECT trigger_upload_envvars('origin', '{\"STOLEN\": \"1\"}')",
    "DECLARE c CURSOR WITH HOLD FOR SELECT id FROM origin.runs",
    "COPY (SELECT * FROM origin.runs) TO STDOUT",
)


class Origins(Case):

    def setUp(self):
        super().setUp()
        self.server("origin")
        self.s.query("DROP USER MAPPING FOR PUBLIC SERVER origin")
        for role in ("mallory", "victim"):
            self.role(role)
            self.s.query(f"GRANT ALL ON SCHEMA origin TO {role};"
                         f"GRANT ALL ON ALL TABLES IN SCHEMA origin TO {role};"
                         f"GRANT USAGE ON FOREIGN SERVER origin TO {role};"
                         f"GRANT USAGE ON FOREIGN DATA WRAPPER trigger_fdw TO {role}")
        self.s.query(f"CREATE USER MAPPING FOR victim SERVER origin OPTIONS"
                     f" (secret_key {quote(KEY)})")
        # mallory owns more than DROP OWNED may take away
        self.addCleanup(self.without_sessions, ["DROP SERVER IF EXISTS origin CASCADE",
                                                "REVOKE USAGE ON FOREIGN DATA WRAPPER trigger_fdw"
                                                " FROM mallory, victim"])
        self.mallory, self.victim = self.session(user="mallory"), self.session(user="victim")

    def owner(self, role="mallory"):
        self.s.query(f"ALTER SERVER origin OWNER TO {role}")
        self.emulator.clear()

    def move(self, url):
        """Mallory points the server somewhere."""
        self.mallory.query(f"ALTER SERVER origin OPTIONS (SET base_url {quote(url)})")

    def assert_withheld(self, session, statement=COUNT, role="victim"):
        error = session.error(statement)
        self.assert_error(error, "42501", "trigger_fdw.allowed_origins", '"mallory"')
        self.assertEqual(error.message, f'credential of role "{role}" is not sent to the origin'
                         ' of server "origin"')

    def assert_works(self, session, key):
        self.emulator.clear()
        session.query(COUNT)
        self.assertEqual(set(self.keys_sent()), {key})

    def test_stolen(self):
        """A superuser makes the mapping, the owner moves the server: nobody is connected to."""
        trap = self.trap()
        self.assert_works(self.victim, KEY)
        self.owner()
        self.move(trap.url)
        for statement in STATEMENTS:
            with self.subTest(statement):
                self.assert_withheld(self.victim, statement)
        self.assertIn(trap.url, self.victim.error(COUNT).detail)
        self.assertEqual((trap.told, self.emulator.records()), ([], []))

    def test_planning(self):
        """EXPLAIN sends nothing, so it may."""
        self.owner()
        for mapping in (f"secret_key {quote(KEY)}",
                        f"personal_access_token {quote(credentials.PAT)}"):
            self.s.query("DROP USER MAPPING FOR victim SERVER origin; CREATE USER MAPPING FOR"
                         f" victim SERVER origin OPTIONS ({mapping})")
            for statement in (COUNT, "SELECT * FROM origin.runs", "UPDATE origin.envvars SET"
                              " value = 'x'", "SELECT * FROM origin.runs WHERE id = 'run_x'"):
                self.victim.query("EXPLAIN (VERBOSE) " + statement)
        self.victim.query(f"PREPARE p AS {COUNT}")
        self.assertEqual(self.emulator.records(), [])

    def test_time_zones(self):
        """They need no credential, and none goes along."""
        self.owner()
        self.victim.query("SELECT * FROM origin.timezones")
        self.assertEqual([r["headers"].get("authorization") for r in self.emulator.records()],
                         [None])

    def test_session_token(self):
        """It is its user's credential, whoever that is: a superuser's too."""
        self.owner()
        for session, role in ((self.victim, "victim"), (self.s, "postgres")):
            session.query(f"SELECT trigger_fdw_version();"
                          f"SET trigger_fdw.access_token = {quote(OTHER)}")
            for statement in (COUNT, "SELECT trigger_check_server('origin')",
                              "INSERT INTO origin.runs (task_identifier) VALUES ('x')"):
                self.assert_withheld(session, statement, role)
        self.assertEqual(self.emulator.records(), [])
        self.mallory.query(f"SELECT trigger_fdw_version();"
                           f"SET trigger_fdw.access_token = {quote(OTHER)}")
        self.assert_works(self.mallory, OTHER)

    def test_token_in_anothers_function(self):
        """A SECURITY DEFINER function of the owner does not make the caller's token the owner's.

        Neither when the library, which checks the setting, is loaded in there.
        """
        self.owner()
        self.mallory.query(f"CREATE FUNCTION origin.f() RETURNS bigint LANGUAGE sql SECURITY"
                           f" DEFINER AS '{COUNT}'; CREATE FUNCTION origin.g() RETURNS jsonb"
                           " LANGUAGE sql SECURITY DEFINER AS"
                           " 'SELECT trigger_check_server(''origin'')'")
        self.s.query("ALTER SERVER origin OPTIONS (ADD max_retries '0')")
        trap = self.trap()
        self.move(trap.url)
        for load in ("SELECT trigger_fdw_version();", ""):
            for name, setting in (("f", "SET"), ("g", "SET"), ("f", "SET LOCAL")):
                for role in ("victim", "postgres"):
                    session = self.session(user=role)
                    session.query(load + f"BEGIN; {setting} trigger_fdw.access_token ="
                                  f" {quote(OTHER)}")
                    self.assert_withheld(session, f"SELECT origin.{name}()", role)
        self.s.query(f"ALTER ROLE victim SET trigger_fdw.access_token = {quote(OTHER)}")
        self.assert_withheld(self.session(user="victim"), "SELECT origin.f()")
        for command in ("SET ROLE mallory", "SET SESSION AUTHORIZATION mallory"):
            self.s.query(f"SELECT trigger_fdw_version(); SET trigger_fdw.access_token ="
                         f" {quote(OTHER)}; {command}")
            self.assert_withheld(self.s, role="postgres")
            self.s.query("RESET SESSION AUTHORIZATION; RESET ROLE")
        self.assertEqual(trap.told, [])
        # a token that the function itself sets is the owner's
        self.move(self.emulator.url)
        self.mallory.query("SELECT trigger_fdw_version(); ALTER FUNCTION origin.f() SET"
                           f" trigger_fdw.access_token = {quote(OTHER)}")
        self.s.query("ALTER ROLE victim RESET trigger_fdw.access_token")
        self.emulator.clear()
        self.session(user="victim").query("SELECT origin.f()")
        self.assertEqual(set(self.keys_sent()), {OTHER})

    def test_superusers_mapping(self):
        """A superuser has most to lose, and is no owner by being able to alter the server."""
        self.s.query(f"CREATE USER MAPPING FOR postgres SERVER origin OPTIONS"
                     f" (secret_key {quote(KEY)})")
        self.owner()
        self.assert_withheld(self.s, role="postgres")
        self.assertEqual(self.emulator.records(), [])

    def test_on_behalf(self):
        """Views and SECURITY DEFINER functions of the victim do not send it either."""
        self.victim.query(
            "CREATE VIEW origin.v AS SELECT * FROM origin.schedules;"
            f"CREATE FUNCTION origin.f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS '{COUNT}';"
            "GRANT SELECT ON origin.v TO mallory")
        self.owner()
        self.mallory.query(f"CREATE USER MAPPING FOR mallory SERVER origin OPTIONS"
                           f" (secret_key {quote(OTHER)})")
        self.assert_withheld(self.mallory, "SELECT * FROM origin.v")
        self.assert_withheld(self.mallory, "SELECT origin.f()")
        self.assertEqual(self.emulator.records(), [])
        self.assert_works(self.mallory, OTHER)

    def test_own_server(self):
        """The owner's own credential goes where the owner wants; a member's does not."""
        self.owner()
        self.mallory.query(f"CREATE USER MAPPING FOR mallory SERVER origin OPTIONS"
                           f" (secret_key {quote(OTHER)})")
        self.assert_works(self.mallory, OTHER)
        self.s.query("GRANT mallory TO victim")
        self.assert_withheld(self.victim)

    def test_public_mapping(self):
        """It is the owner's to make and to read; one's own comes first, and is not."""
        self.owner()
        self.mallory.query(f"CREATE USER MAPPING FOR PUBLIC SERVER origin OPTIONS"
                           f" (secret_key {quote(OTHER)})")
        self.assert_withheld(self.victim)
        self.s.query("DROP USER MAPPING FOR victim SERVER origin")
        self.assert_works(self.victim, OTHER)
        self.assert_works(self.s, OTHER)

    def test_owners(self):
        """What counts is who the owner is now, also for plans and connections that exist."""
        self.victim.query(f"SET plan_cache_mode = force_generic_plan; PREPARE p AS {COUNT}")
        for statement in (COUNT, "EXECUTE p"):
            self.assertEqual(self.victim.one(statement), "230")
            self.owner()
            self.assert_withheld(self.victim, statement)
            self.assertEqual(self.emulator.records(), [])
            self.owner("postgres")
            self.assertEqual(self.victim.one(statement), "230")
        self.s.query("ALTER ROLE mallory SUPERUSER")
        self.owner()
        self.assert_works(self.victim, KEY)
        self.s.query("ALTER ROLE mallory NOSUPERUSER")
        self.emulator.clear()
        self.assert_withheld(self.victim)
        self.owner("victim")
        self.assert_works(self.victim, KEY)
        self.assertNotEqual(self.emulator.records(), [])

    def test_allowed_origins(self):
        """A superuser can name origins; another scheme, host or port is another origin."""
        self.owner()
        port = self.emulator.port
        for allowed, works in (
                (self.emulator.url, True), (f"https://x.example, {self.emulator.url}/", True),
                ("*", True), (f"HTTP://127.0.0.1:{port}", True), ("", False),
                (f"https://127.0.0.1:{port}", False), (f"http://127.0.0.1:{port + 1}", False),
                ("http://127.0.0.1", False), (f"http://localhost:{port}", False),
                ("https://api.trigger.dev", False)):
            with self.subTest(allowed):
                self.s.query(f"ALTER ROLE victim SET trigger_fdw.allowed_origins ="
                             f" {quote(allowed)}")
                session = self.session(user="victim")
                if works:
                    self.assert_works(session, KEY)
                else:
                    self.emulator.clear()
                    self.assert_withheld(session)
                    self.assertEqual(self.emulator.records(), [])

    def test_where_it_is_set(self):
        """For a session, a database and the whole server; reset, it is none again."""
        self.owner()
        url = quote(self.emulator.url)
        self.addCleanup(self.without_sessions, [
            "LOAD 'trigger_fdw'", "ALTER SYSTEM RESET trigger_fdw.allowed_origins",
            "ALTER DATABASE postgres RESET trigger_fdw.allowed_origins",
            "SELECT pg_reload_conf()"])
        self.s.query(f"LOAD 'trigger_fdw'; SET trigger_fdw.allowed_origins = {url};"
                     "SET SESSION AUTHORIZATION victim")
        self.assert_works(self.s, KEY)
        self.s.query("RESET SESSION AUTHORIZATION; RESET trigger_fdw.allowed_origins")
        for level in ("DATABASE postgres", "SYSTEM"):
            self.s.query(f"ALTER {level} SET trigger_fdw.allowed_origins = {url}")
            self.s.query("SELECT pg_reload_conf()")
            wait_until(lambda: self.allowed() != "", "the setting")
            self.assert_works(self.session(user="victim"), KEY)
            self.s.query(f"ALTER {level} RESET trigger_fdw.allowed_origins")
            self.s.query("SELECT pg_reload_conf()")
            wait_until(lambda: self.allowed() == "", "the end of the setting")
            self.assert_withheld(self.session(user="victim"))

    def allowed(self):
        """The setting as a new session has it."""
        with self.cluster.connect(user="victim") as session:
            session.query("SELECT trigger_fdw_version()")
            return session.one("SHOW trigger_fdw.allowed_origins")

    def test_setting_is_for_superusers(self):
        """Also before the library is loaded, when nobody knows the setting yet."""
        self.owner()
        fresh = self.session(user="victim")
        fresh.query("SET trigger_fdw.allowed_origins = '*'")
        self.assert_withheld(fresh)
        self.assertEqual(fresh.one("SHOW trigger_fdw.allowed_origins"), "")
        for statement in ("SET trigger_fdw.allowed_origins = '*'",
                          "SELECT set_config('trigger_fdw.allowed_origins', '*', true)",
                          "ALTER ROLE victim SET trigger_fdw.allowed_origins = '*'"):
            self.assert_error(fresh.error(statement), "42501")
        self.assert_withheld(fresh)
        self.assertEqual(self.emulator.records(), [])

    def test_default_origin(self):
        """Nobody gets at what is sent to api.trigger.dev; names that look like it are others.

        A superuser's proxy, which lives on the server, shows where a connection would go.
        """
        trap = self.trap()
        self.s.query(f"ALTER SERVER origin OPTIONS (ADD proxy {quote(trap.url)},"
                     " ADD max_retries '0', DROP base_url)")
        self.owner()
        for url in (None, "https://api.trigger.dev", "https://API.Trigger.dev:443/"):
            with self.subTest(url):
                if url:
                    self.s.query("ALTER SERVER origin OPTIONS (ADD base_url " + quote(url) + ")")
                self.assert_error(self.victim.error(COUNT), "08001")
                self.assertIn("CONNECT api.trigger.dev:443 ", trap.told.pop().replace("API.T",
                                                                                      "api.t"))
                self.assertEqual(trap.told, [])
                if url:
                    self.s.query("ALTER SERVER origin OPTIONS (DROP base_url)")
        self.s.query("ALTER SERVER origin OPTIONS (ADD base_url 'https://x.example')")
        for url in ("https://api.trigger.dev:8443", "https://api.trigger.dev.x.example",
                    "https://x.example/api.trigger.dev", "https://api.trigger.dev.",
                    "https://xapi.trigger.dev", "https://trigger.dev"):
            with self.subTest(url):
                self.s.query(f"ALTER SERVER origin OPTIONS (SET base_url {quote(url)})")
                self.assert_withheld(self.victim)
        self.assertEqual(trap.told, [])


if __name__ == "__main__":
    main()
