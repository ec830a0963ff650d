"""No key in anything that the server or the extension writes.

A statement that itself contains a key (a successful CREATE or ALTER USER MAPPING, or SET) is
logged by PostgreSQL if it is told to log statements; that is not ours to prevent. Such
statements are run here with a quiet log. All others are run with everything that PostgreSQL
can log switched on.
"""
import os

from base import (Case, Cluster, PgError, create_default, credentials, emulator, main,
                  public_token, quote, wait_until)
from test_credentials import OPERATIONS

NOISY = (
    "log_min_messages = debug5", "log_min_error_statement = debug5", "log_statement = all",
    "log_error_verbosity = verbose", "debug_print_parse = on", "debug_print_rewritten = on",
    "debug_print_plan = on", "log_duration = on", "log_connections = on",
    "log_disconnections = on", "log_planner_stats = off", "log_parameter_max_length = -1",
    "log_parameter_max_length_on_error = -1", "auto_explain.log_min_duration = 0",
    "auto_explain.log_verbose = on", "auto_explain.log_analyze = on",
    "auto_explain.log_settings = on", "auto_explain.log_nested_statements = on",
    "session_preload_libraries = 'auto_explain'", "track_activity_query_size = 16384",
    "shared_preload_libraries = 'pg_stat_statements'", "pg_stat_statements.track = all",
    "pg_stat_statements.track_planning = on", "compute_query_id = on",
)
QUIET = ("SET log_min_messages = panic; SET log_min_error_statement = panic;"
         "SET log_statement = none; SET log_duration = off; SET debug_print_parse = off;"
         "SET debug_print_rewritten = off; SET debug_print_plan = off;"
         "SET auto_explain.log_min_duration = -1")
LOUD = ("RESET log_min_messages; RESET log_min_error_statement; RESET log_statement;"
        "RESET log_duration; RESET debug_print_parse; RESET debug_print_rewritten;"
        "RESET debug_print_plan; RESET auto_explain.log_min_duration")
# keys that only this test uses, besides the emulator's
SESSION_KEY = credentials.TR_STG
WRONG_KEY = "tr_prod_WrongKeyThatNobodyKnows0001"
SCHEMAS = ("prod", "pat", "wrong", "jwt", "token")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJub2JvZHktc2VjcmV0In0.c2lnbmF0dXJlLXNlY3JldA"


class Secrets(Case):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.noisy = Cluster()
        cls.token = public_token(["admin"])
        with cls.noisy.connect() as s:
            create_default(s, emulator().url)
            s.query("CREATE SERVER wrong FOREIGN DATA WRAPPER trigger_fdw OPTIONS"
                    f" (base_url {quote(emulator().url)}, project_ref"
                    f" {quote(credentials.PROJECT_ALPHA)}); CREATE USER MAPPING FOR PUBLIC SERVER"
                    f" wrong OPTIONS (secret_key {quote(WRONG_KEY)}); CREATE SCHEMA wrong;"
                    "IMPORT FOREIGN SCHEMA management FROM SERVER wrong INTO wrong;"
                    "CREATE SERVER jwt FOREIGN DATA WRAPPER trigger_fdw OPTIONS"
                    f" (base_url {quote(emulator().url)}); CREATE USER MAPPING FOR PUBLIC SERVER"
                    f" jwt OPTIONS (public_access_token {quote(JWT)}); CREATE SCHEMA jwt;"
                    "IMPORT FOREIGN SCHEMA management FROM SERVER jwt INTO jwt;"
                    "CREATE SERVER token FOREIGN DATA WRAPPER trigger_fdw OPTIONS"
                    f" (base_url {quote(emulator().url)}); CREATE USER MAPPING FOR PUBLIC SERVER"
                    f" token OPTIONS (public_access_token {quote(cls.token)}); CREATE SCHEMA token;"
                    "IMPORT FOREIGN SCHEMA management FROM SERVER token INTO token;"
                    "CREATE EXTENSION pg_stat_statements;"
                    "CREATE ROLE plain_user LOGIN; GRANT USAGE ON SCHEMA prod TO plain_user;"
                    "GRANT SELECT ON ALL TABLES IN SCHEMA prod TO plain_user")
        with open(os.path.join(cls.noisy.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
            conf.write("".join(setting + "\n" for setting in NOISY))
        cls.noisy.stop("fast")
        with open(cls.noisy.log, "w", encoding="utf-8"):
            pass                # what was logged with the keys in it
        cls.noisy.start()

    @classmethod
    def tearDownClass(cls):
        cls.noisy.destroy()

    def setUp(self):
        super().setUp()
        self.cluster = self.noisy
        with open(self.noisy.log, "w", encoding="utf-8"):
            pass
        self.s = self.session()
        self.seen = []          # all that the server told us
        self.used = {value for name, value in credentials.all_credentials().items()
                     if value.startswith("tr_")} | {WRONG_KEY, JWT, self.token}

    def say(self, statement, session=None):
        """Run a statement, whatever comes of it, and keep every word."""
        session = session or self.s
        try:
            rows = session.query(statement)
            self.seen += [value for row in rows for value in row if value]
        except PgError as error:
            self.seen += [error.message, error.detail, error.hint, error.context]
        self.seen += session.notices
        session.notices.clear()

    def quietly(self, statement, session=None):
        session = session or self.s
        session.query(QUIET)
        session.query(statement)
        session.query(LOUD)

    def assert_no_key(self, text, where):
        for key in self.used:
            for part in (key, key[-12:], key[-12:].lower()):
                at = text.find(part)
                self.assertEqual(at, -1, f"{where}: {text[max(at - 200, 0):at + 100]!r}")

    def check(self):
        self.assert_no_key("\n".join(self.seen), "answers, messages, plans")
        self.assert_no_key(self.noisy.log_text(), "the server's log")

    def test_queries_and_plans(self):
        for schema in ("prod", "pat", "wrong", "jwt"):
            for query in ("SELECT * FROM {}.runs WHERE environment = 'prod' LIMIT 3",
                          "SELECT * FROM {}.run_details WHERE id = 'run_none'",
                          "SELECT payload FROM {}.run_details LIMIT 1",
                          "SELECT name, is_secret FROM {}.envvars WHERE environment = 'prod'",
                          "SELECT * FROM {}.schedules LIMIT 1", "SELECT queue FROM {}.runs"
                          " WHERE queue LIKE 'x'", "INSERT INTO {}.runs (task_identifier)"
                          " VALUES ('x')",
                          "UPDATE {}.runs SET status = 'CANCELED' WHERE queue = 'none'"):
                query = query.format(schema)
                self.say(query)
                for options in ("VERBOSE", "VERBOSE, FORMAT json", "VERBOSE, FORMAT xml",
                                "VERBOSE, FORMAT yaml, SETTINGS", "ANALYZE, VERBOSE, BUFFERS",
                                "ANALYZE, FORMAT json"):
                    self.say(f"EXPLAIN ({options}) {query}")
        self.emulator.reset()       # some of them have triggered runs
        # the plans must have been logged for this to mean anything
        self.assertIn("FOREIGNSCAN", self.noisy.log_text())
        self.assertIn("/api/v1/runs", self.noisy.log_text())
        self.check()

    def operations(self):
        """A statement for every operation and every kind of credential."""
        names = {"run": "run_none", "active": "sched_none", "idle": "sched_none"}
        for schema in SCHEMAS:
            for operation in OPERATIONS:
                yield operation.statement.format(s=schema, **names)

    def test_every_operation(self):
        """By itself, from a prepared statement with parameters, and from PL/pgSQL."""
        self.addCleanup(self.emulator.reset)
        for statement in self.operations():
            self.say(statement)
            self.say(f"DO $do$ BEGIN EXECUTE {quote(statement)}; END $do$")
        for schema in SCHEMAS:
            for name, types, text, values in (
                    ("a", "text", "SELECT * FROM {}.runs WHERE id = $1", "'run_x'"),
                    ("b", "text", "INSERT INTO {}.runs (task_identifier) VALUES ($1), ($1)"
                     " RETURNING *", "'send-email'"),
                    ("c", "text", "UPDATE {}.envvars SET value = $1 WHERE name = 'LOG_LEVEL' AND"
                     " environment = 'prod'", "'x'"),
                    ("d", "text", "DELETE FROM {}.schedules WHERE id = $1", "'sched_x'"),
                    ("e", "name, text", "SELECT trigger_cancel_run($1, $2)",
                     quote(schema) + ", 'run_x'")):
                self.say(f"PREPARE {schema}_{name} ({types}) AS {text.format(schema)}")
                self.say(f"EXECUTE {schema}_{name} ({values})")
        self.assertIn("INSERT INTO prod.runs", self.noisy.log_text())
        self.check()

    def test_explain(self):
        """In all four formats, with all options, for everything that can be explained."""
        self.addCleanup(self.emulator.reset)
        self.s.query("SELECT trigger_fdw_version(); SET trigger_fdw.environment = 'prod';"
                     "SET work_mem = '5MB'")
        for form in ("text", "json", "xml", "yaml"):
            for statement in self.operations():
                self.say(f"EXPLAIN (ANALYZE, VERBOSE, SETTINGS, BUFFERS, WAL, FORMAT {form})"
                         f" {statement}")
        self.assertTrue(any("work_mem" in text for text in self.seen))
        self.check()

    def test_auto_explain(self):
        """Plans of statements inside functions are logged too."""
        self.s.query("CREATE FUNCTION pg_temp.f() RETURNS bigint LANGUAGE plpgsql AS"
                     " 'BEGIN RETURN (SELECT count(*) FROM prod.runs r JOIN pat.runs p USING (id)"
                     " WHERE p.environment = ''prod''); END'")
        self.say("SELECT pg_temp.f()")
        log = self.noisy.log_text()
        self.assertIn("Query Text: (SELECT count(*)", log)
        self.assertIn("Request: GET /api/v1/projects/", log)
        self.check()

    def test_pg_stat_statements(self):
        """Texts of everything that this extension does, with parameters, nested or not."""
        self.addCleanup(self.emulator.reset)
        self.s.query("SELECT pg_stat_statements_reset()")
        for statement in self.operations():
            self.say(statement)
            self.say(f"DO $do$ BEGIN EXECUTE {quote(statement)}; END $do$")
        self.say("PREPARE q (text) AS SELECT * FROM prod.run_details WHERE id = $1")
        self.say("EXECUTE q ('run_x')")
        for function in ("trigger_check_server('prod')", "trigger_check_server('pat')",
                         "trigger_check_server('token')", "trigger_fdw_disconnect('prod')"):
            self.say(f"SELECT {function}")
        self.say("SELECT * FROM trigger_fdw_stats()")
        texts = self.s.column("SELECT query FROM pg_stat_statements")
        self.assertGreater(len(texts), 50)
        self.assertTrue(any("trigger_check_server($1)" in text for text in texts))
        self.seen += texts
        self.check()

    def test_catalogs(self):
        """Nothing that core or the extension keeps, except for the mappings themselves."""
        for schema in SCHEMAS:
            self.say(f"SELECT * FROM {schema}.runs WHERE environment = 'prod' LIMIT 1")
        for statement in (
                "SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_depend d ON d.objid ="
                " p.oid JOIN pg_extension e ON e.oid = d.refobjid WHERE extname = 'trigger_fdw'",
                "SELECT d::text FROM pg_description d", "SELECT s::text FROM pg_settings s",
                "SELECT a::text FROM pg_stat_activity a", "SELECT l::text FROM pg_stat_ssl l",
                "SELECT s::text FROM pg_foreign_server s",
                "SELECT t::text FROM pg_foreign_table t",
                "SELECT w::text FROM pg_foreign_data_wrapper w",
                "SELECT s::text FROM information_schema.foreign_server_options s",
                "SELECT t::text FROM information_schema.foreign_table_options t",
                "SELECT c::text FROM information_schema.column_options c",
                "SELECT m::text FROM pg_backend_memory_contexts m",
                "SELECT p::text FROM pg_prepared_statements p", "SELECT c::text FROM pg_cursors c",
                "SELECT f::text FROM pg_file_settings f",
                "SELECT s::text FROM pg_shmem_allocations s",
                "SELECT g::text FROM pg_db_role_setting g", "SELECT s::text FROM pg_stats s",
                "SELECT x::text FROM trigger_fdw_stats() x", "SHOW ALL"):
            self.say(statement)
        self.assertTrue(any("trigger_replay_run" in text for text in self.seen))
        self.check()

    def test_failures(self):
        """The API echoes the key in every way it can."""
        key = credentials.TR_PROD
        echoes = (f'{{"error":"Invalid key {key} given"}}',
                  f'{{"error":{{"message":"{key}"}},"details":[{{"message":"{key} {key}"}}]}}',
                  f"<html>{key}</html>", key, "x" * 190 + key, "x" * 170 + key, f"Bearer {key}",
                  f'{{"title":"{key}"}}')
        for code in (400, 401, 403, 404, 409, 413, 422, 500, 302, 200):
            for body in echoes:
                self.emulator.faults({"match": {}, "times": 0, "action": {
                    "kind": "status", "status": code, "body": body,
                    "headers": {"x-should-retry": "false", "x-echo": key}}})
                self.say("SELECT id FROM prod.runs")
                self.say("SELECT id, payload FROM prod.run_details WHERE id = 'run_x'")
        for fault in ({"kind": "redirect", "location": f"http://127.0.0.1/{key}"},
                      {"kind": "truncate", "bytes": 10}, {"kind": "wrong_length", "delta": -5},
                      {"kind": "body", "body": '{"data":[{"id":"' + key + '","status":5}]}'}):
            self.emulator.faults({"match": {}, "times": 0, "action": fault})
            self.say("SELECT id, status FROM prod.runs")
        self.emulator.faults()
        self.check()

    def test_refused_ddl(self):
        """A refused key is not repeated, neither in the message nor as the logged statement."""
        # what logs every statement as it comes is off; errors are logged with their statement
        self.s.query(f"{QUIET}; SET log_min_messages = error; SET log_min_error_statement = error")
        self.say("SELECT the_log_has_statements")
        self.assertIn("STATEMENT:  SELECT the_log_has_statements", self.noisy.log_text())
        bad = "tr_nonsense_RefusedSecret000001"
        self.used |= {bad}
        for options in (f"secret_key {quote(bad)}", f"secret_key {quote(credentials.PAT)}",
                        f"personal_access_token {quote(credentials.TR_PROD)}",
                        f"public_access_token {quote(credentials.TR_PROD)}",
                        f"secret_key {quote(credentials.TR_PROD)}, personal_access_token"
                        f" {quote(credentials.PAT)}", f"secretkey {quote(credentials.TR_PROD)}",
                        f"secret_key {quote(credentials.TR_PROD)}, page_size '5'",
                        f"secret_key {quote(bad + chr(10))}"):
            self.say(f"CREATE USER MAPPING FOR plain_user SERVER prod OPTIONS ({options})")
            # (SET of an option that is not there would be an error of core, which logs it)
            self.say("ALTER USER MAPPING FOR PUBLIC SERVER wrong OPTIONS (DROP secret_key, ADD "
                     + options.replace("', ", "', ADD ") + ")")
        for place in (f"CREATE SERVER x FOREIGN DATA WRAPPER trigger_fdw OPTIONS"
                      f" (secret_key {quote(credentials.TR_PROD)})",
                      f"ALTER SERVER prod OPTIONS (ADD secret_key {quote(credentials.TR_PROD)})",
                      f"ALTER FOREIGN TABLE prod.runs OPTIONS (ADD secret_key"
                      f" {quote(credentials.TR_PROD)})"):
            self.say(place)
        self.check()

    def test_session_token(self):
        self.say("SELECT count(*) FROM prod.runs LIMIT 1")       # the library is loaded
        self.quietly(f"SET trigger_fdw.access_token = {quote(SESSION_KEY)}")
        for statement in (
                "SHOW trigger_fdw.access_token", "SHOW ALL",
                "SELECT current_setting('trigger_fdw.access_token')",
                "SELECT * FROM pg_settings WHERE name LIKE 'trigger%'",
                "SELECT set_config('trigger_fdw.project_ref', 'proj_x', false)",
                "EXPLAIN (SETTINGS, VERBOSE, FORMAT json) SELECT * FROM prod.runs",
                "EXPLAIN (ANALYZE, SETTINGS) SELECT * FROM prod.runs LIMIT 1",
                "SELECT * FROM trigger_fdw_stats()", "SELECT trigger_check_server('prod')",
                "SELECT trigger_check_server('wrong')", "SELECT * FROM pg_file_settings",
                "SELECT * FROM pg_db_role_setting", "SELECT * FROM pat.schedules"):
            self.say(statement)
        self.assertEqual(self.s.one("SELECT environment FROM prod.runs LIMIT 1"), "staging")
        self.check()

    def test_refused_session_token(self):
        self.say("SELECT count(*) FROM prod.runs")
        # the statement of a refused SET is logged by core with its error
        self.s.query(f"{QUIET}; SET log_min_messages = info")
        bad = "tr_nonsense_RefusedSecret000002"
        self.used |= {bad}
        self.say(f"SET trigger_fdw.access_token = {quote(bad)}")
        self.assertTrue(any("access_token" in text for text in self.seen))
        self.check()

    def test_views_of_other_sessions(self):
        """What a second session, also a privileged one, sees of one that waits."""
        self.emulator.faults({"match": {}, "times": 0, "action": {"kind": "stall"}})
        waiting = self.session()
        waiting.query("PREPARE p (text) AS SELECT id FROM prod.runs WHERE id = $1")
        waiting.send("EXECUTE p('run_x')")
        wait_until(lambda: self.waiting(waiting), "the backend to block")
        for user in ("postgres", "plain_user"):
            other = self.session(user=user)
            for view in ("pg_stat_activity", "pg_settings", "pg_prepared_statements",
                         "pg_cursors", "pg_backend_memory_contexts", "pg_locks",
                         "pg_foreign_server", "pg_foreign_table",
                         "information_schema.foreign_server_options",
                         "information_schema.foreign_table_options"):
                self.say(f"SELECT * FROM {view}", other)
        plain = self.session(user="plain_user")
        self.say("SELECT * FROM pg_user_mappings", plain)
        self.say("SELECT * FROM information_schema.user_mapping_options", plain)
        self.say("SELECT * FROM pg_user_mapping", plain)
        self.s.query(f"SELECT pg_log_backend_memory_contexts({waiting.pid})")
        waiting.cancel()
        with self.assertRaises(PgError):
            waiting.result()
        self.check()

    def test_the_check_can_fail(self):
        """The same words with a key in them are found."""
        self.say(f"SELECT {quote(credentials.TR_PROD)}")
        with self.assertRaises(AssertionError):
            self.assert_no_key("\n".join(self.seen), "answers")
        with self.assertRaises(AssertionError):
            wait_until(lambda: credentials.TR_PROD in self.noisy.log_text(), "the log")
            self.check()


if __name__ == "__main__":
    main()
