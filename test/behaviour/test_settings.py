"""Session settings as the official client's withAuth(): scope, nesting, composition, restoration.

Every request says by its path, credential and branch what was in force when it was made.
"""
from base import Case, credentials, main, quote, sockets

PROD, STG, DEV, PAT = (credentials.TR_PROD, credentials.TR_STG, credentials.TR_DEV,
                       credentials.PAT)
ALPHA, BETA = credentials.PROJECT_ALPHA, credentials.PROJECT_BETA
VALUE = "SELECT string_agg(value, ' ' ORDER BY value) FROM auth.envvars WHERE name = 'LOG_LEVEL'"
INSIDE = VALUE.replace("'", "''")           # the same in the text of a function
TOKEN, PROJECT, ENVIRONMENT, BRANCH = (f"trigger_fdw.{name}" for name in (
    "access_token", "project_ref", "environment", "branch"))


def put(name, value, word="SET"):
    return f"{word} {name} = {quote(value)};"


class Settings(Case):

    def setUp(self):
        super().setUp()
        self.server("auth", secret_key=PROD)
        self.emulator.clear()

    def seen(self):
        """Who asked for which variable: (key, project, environment, branch) of each request."""
        found = []
        for record in self.emulator.records():
            parts = record["path"].split("/")
            found.append((record["headers"]["authorization"].removeprefix("Bearer "),
                          parts[4], parts[6], record["headers"].get("x-trigger-branch")))
        self.emulator.clear()
        return found

    def now(self):
        """What a query sends at this moment."""
        self.s.query(VALUE)
        return self.seen()[-1]

    def test_composition(self):
        """An inner setting changes what it names; everything else is the outer one's."""
        self.s.query("BEGIN;" + put(TOKEN, PAT, "SET LOCAL")
                     + put(ENVIRONMENT, "staging", "SET LOCAL"))
        self.assertEqual(self.now(), (PAT, ALPHA, "staging", None))
        self.s.query("SAVEPOINT a;" + put(PROJECT, BETA, "SET LOCAL"))
        self.assertEqual(self.now(), (PAT, BETA, "staging", None))
        self.s.query("SAVEPOINT b;" + put(PROJECT, ALPHA, "SET LOCAL")
                     + put(ENVIRONMENT, "preview", "SET LOCAL")
                     + put(BRANCH, "feature-xyz", "SET LOCAL"))
        self.assertEqual(self.now(), (PAT, ALPHA, "preview", "feature-xyz"))
        # an inner token for another environment: the branch stays, and is not for it
        self.s.query("SAVEPOINT c;" + put(ENVIRONMENT, "", "SET LOCAL")
                     + put(TOKEN, STG, "SET LOCAL"))
        self.assertEqual(self.now(), (STG, ALPHA, "staging", None))
        self.s.query("ROLLBACK TO c")
        self.assertEqual(self.now(), (PAT, ALPHA, "preview", "feature-xyz"))
        self.s.query("ROLLBACK TO b")
        self.assertEqual(self.now(), (PAT, BETA, "staging", None))
        self.s.query("RELEASE a")
        self.assertEqual(self.now(), (PAT, BETA, "staging", None))
        self.s.query("COMMIT")
        self.assertEqual(self.now(), (PROD, ALPHA, "prod", None))

    def test_functions_compose(self):
        """Inner token, outer environment and branch; each level ends where it began."""
        self.s.query(
            f"CREATE FUNCTION auth.get() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN ({INSIDE}"
            "); END';"
            f"CREATE FUNCTION auth.inner_() RETURNS text LANGUAGE plpgsql {put(TOKEN, PAT)[:-1]}"
            " AS 'BEGIN RETURN auth.get(); END';"
            f"CREATE FUNCTION auth.outer_() RETURNS text LANGUAGE plpgsql"
            f" {put(ENVIRONMENT, 'preview')[:-1]} {put(BRANCH, 'feature-xyz')[:-1]}"
            f" {put(TOKEN, credentials.TR_PREVIEW)[:-1]}"
            " AS 'BEGIN RETURN concat_ws('' '', auth.get(), auth.inner_(), auth.get()); END'")
        self.assertEqual(self.s.one("SELECT auth.outer_()"), "trace trace trace")
        self.assertEqual(self.seen(), [
            (credentials.TR_PREVIEW, ALPHA, "preview", "feature-xyz"),
            (PAT, ALPHA, "preview", "feature-xyz"),
            (credentials.TR_PREVIEW, ALPHA, "preview", "feature-xyz")])
        self.assertEqual(self.now(), (PROD, ALPHA, "prod", None))
        # two levels that set the same: the outer one's is back after the inner one
        self.s.query(f"CREATE FUNCTION auth.two() RETURNS text LANGUAGE sql"
                     f" {put(TOKEN, STG)[:-1]} AS 'SELECT auth.get()';"
                     f"CREATE FUNCTION auth.one() RETURNS text LANGUAGE plpgsql"
                     f" {put(TOKEN, DEV)[:-1]} AS 'BEGIN RETURN concat_ws('' '', auth.get(),"
                     " auth.two(), auth.get()); END'")
        self.assertEqual(self.s.one("SELECT auth.one()"), "dev-owner stg dev-owner")
        self.assertEqual([key for key, *_ in self.seen()], [DEV, STG, DEV])

    def test_function_that_raises(self):
        self.s.query(
            f"CREATE FUNCTION auth.fail() RETURNS text LANGUAGE plpgsql {put(TOKEN, STG)[:-1]}"
            f" AS 'DECLARE v text := ({INSIDE}); BEGIN RAISE ''% failed'', v; END';"
            "CREATE FUNCTION auth.caught() RETURNS text LANGUAGE plpgsql AS 'DECLARE e text;"
            " BEGIN BEGIN PERFORM auth.fail(); EXCEPTION WHEN OTHERS THEN e := SQLERRM; END;"
            f" RETURN concat_ws('' '', e, ({INSIDE})); END'")
        self.assert_error(self.s.error("SELECT auth.fail()"), "P0001", "stg failed")
        self.assertEqual(self.now(), (PROD, ALPHA, "prod", None))
        self.assertEqual(self.s.one("SELECT auth.caught()"), "stg failed prod")
        self.assertEqual([key for key, *_ in self.seen()], [STG, PROD])

    def test_exception_block(self):
        """What an inner block has set is gone with it when it fails; kept when it does not."""
        self.s.query(
            f"DO $$ BEGIN BEGIN {put(TOKEN, STG, 'SET LOCAL')} PERFORM ({VALUE}); PERFORM 1 / 0;"
            f" EXCEPTION WHEN division_by_zero THEN PERFORM ({VALUE}); END;"
            f" BEGIN {put(TOKEN, DEV, 'SET LOCAL')} EXCEPTION WHEN OTHERS THEN NULL; END;"
            f" PERFORM ({VALUE}); END $$")
        self.assertEqual([key for key, *_ in self.seen()], [STG, PROD, DEV])
        self.assertEqual(self.now()[0], PROD)

    def test_errors(self):
        """After a statement or a transaction that failed, everything is as before."""
        self.s.query("BEGIN;" + put(TOKEN, STG, "SET LOCAL") + put(PROJECT, BETA, "SET LOCAL"))
        self.s.error("SELECT 1 / 0")
        self.s.query("ROLLBACK")
        self.assertEqual(self.now(), (PROD, ALPHA, "prod", None))
        # in one implicit transaction
        self.s.error(put(TOKEN, STG) + VALUE + "; SELECT 1 / 0")
        self.assertEqual(self.seen()[-1][0], STG)
        self.assertEqual(self.now(), (PROD, ALPHA, "prod", None))
        # refused values change nothing
        self.s.query(put(TOKEN, STG))
        for bad in (put(TOKEN, "nonsense"), put(PROJECT, "x"), put(ENVIRONMENT, "stg"),
                    put(BRANCH, " x"), put(BRANCH, "refs/x")):
            self.assert_error(self.s.error(bad), "22023")
        self.assertEqual(self.now(), (STG, ALPHA, "staging", None))
        self.s.query("RESET ALL")
        self.assertEqual(self.now(), (PROD, ALPHA, "prod", None))

    def test_failed_requests(self):
        """An error of the API inside a scope ends the scope like any other."""
        for key, sqlstate in (("tr_prod_unknown", "28000"), (credentials.TR_PROD_SK_RO, "42501")):
            self.assert_error(self.s.error("BEGIN;" + put(TOKEN, key, "SET LOCAL") + VALUE),
                              sqlstate)
            self.s.query("ROLLBACK")
            self.emulator.clear()
            self.assertEqual(self.now(), (PROD, ALPHA, "prod", None))

    def test_cached_plans(self):
        """Plans, generic ones and PL/pgSQL's, keep nothing of the session's settings."""
        self.s.query(f"SET plan_cache_mode = force_generic_plan; PREPARE p AS {VALUE};"
                     f"CREATE FUNCTION auth.get() RETURNS text LANGUAGE plpgsql AS"
                     f" 'BEGIN RETURN ({INSIDE}); END'")
        for name, statement in (("prepared", "EXECUTE p"), ("PL/pgSQL", "SELECT auth.get()")):
            with self.subTest(name):
                for _ in range(2):
                    for settings, expected in (
                            ("", (PROD, ALPHA, "prod", None)),
                            (put(TOKEN, STG), (STG, ALPHA, "staging", None)),
                            (put(TOKEN, PAT) + put(ENVIRONMENT, "preview")
                             + put(BRANCH, "fix-1"), (PAT, ALPHA, "preview", "fix-1")),
                            (put(TOKEN, PAT) + put(ENVIRONMENT, "staging")
                             + put(BRANCH, "fix-1") + put(PROJECT, BETA),
                             (PAT, BETA, "staging", None))):
                        self.s.query(settings or "SELECT 1")
                        self.s.query(statement)
                        self.assertEqual(self.seen(), [expected])
                        for setting in (TOKEN, PROJECT, ENVIRONMENT, BRANCH):
                            self.s.query(f"RESET {setting}")

    def test_connections(self):
        """Two tokens share none, nor the end of a rate limit; one token keeps its own."""
        for key in (STG, DEV, STG):
            self.s.query(put(TOKEN, key))
            for _ in range(3):
                self.s.query(VALUE)
        used = [(r["connection"], r["headers"]["authorization"][7:])
                for r in self.emulator.records()]
        self.assertEqual([key for _, key in dict.fromkeys(used)], [STG, DEV, STG])
        self.assertEqual(len({connection for connection, _ in used}), 3)
        # while a cursor of the one is open, which keeps what it has
        self.emulator.clear()
        self.s.query("ALTER SERVER auth OPTIONS (ADD page_size '10'); BEGIN;"
                     "DECLARE c CURSOR FOR SELECT environment FROM auth.runs")
        for key in (DEV, PAT, DEV, PAT):
            self.assertEqual(self.s.column("FETCH 5 FROM c"), ["staging"] * 5)
            self.s.query(put(TOKEN, key) + "SELECT count(*) FROM auth.envvars WHERE environment"
                         " IN ('dev', 'prod')")
        self.s.query("COMMIT")
        used = {}
        for record in self.emulator.records():
            used.setdefault(record["connection"], set()).add(record["headers"]["authorization"])
        self.assertEqual({len(keys) for keys in used.values()}, {1})
        self.assertLessEqual(len(sockets(self.s.pid)), 4)
        # DEV must wait; STG need not
        self.s.query("ALTER SERVER auth OPTIONS (ADD rate_limit_wait '0')")
        self.emulator.faults({"match": {"header": {"authorization": DEV}}, "times": 0, "action": {
            "kind": "rate_limit", "reset": "s", "seconds": 30}})
        self.s.query(put(TOKEN, DEV))
        self.assert_error(self.s.error(VALUE), "53400")
        self.s.query(put(TOKEN, STG))
        self.assertEqual(self.s.one(VALUE), "stg")

    def test_cursor_ends_as_it_began(self):
        """All of its pages are asked for with what was set when it was opened."""
        self.s.query("ALTER SERVER auth OPTIONS (ADD page_size '5');"
                     + put(TOKEN, credentials.TR_PREVIEW) + put(BRANCH, "feature-xyz"))
        self.s.query("BEGIN; DECLARE c CURSOR FOR SELECT environment FROM auth.runs")
        self.assertEqual(len(self.s.column("FETCH 2 FROM c")), 2)
        for change in (put(TOKEN, STG), put(BRANCH, "fix-1") + put(TOKEN, credentials.TR_PREVIEW),
                       put(BRANCH, "") + put(TOKEN, "")):
            self.s.query(change)
            self.s.one("SELECT count(*) FROM auth.schedules")
            self.assertEqual(set(self.s.column("FETCH 5 FROM c")), {"preview-feature-xyz"})
        self.assertEqual(len(self.s.column("FETCH ALL FROM c")), 3)
        self.s.query("COMMIT")
        self.assertEqual({(r["headers"]["authorization"], r["headers"].get("x-trigger-branch"))
                          for r in self.emulator.records() if r["path"] == "/api/v1/runs"},
                         {(f"Bearer {credentials.TR_PREVIEW}", "feature-xyz")})
        self.assertEqual(len({r["headers"]["authorization"] for r in self.emulator.records()}), 3)

    def test_writes(self):
        """Writes and functions go where the settings say, too."""
        self.addCleanup(self.emulator.reset)
        self.s.query(put(TOKEN, PAT) + put(ENVIRONMENT, "preview") + put(BRANCH, "feature-xyz"))
        self.s.query("INSERT INTO auth.envvars (name, value) VALUES ('WRITTEN', 'first');"
                     "UPDATE auth.envvars SET value = 'second' WHERE name = 'WRITTEN';"
                     "SELECT trigger_upload_envvars('auth', '{\"UPLOADED\": \"1\"}')")
        self.assertEqual(set(self.seen()), {(PAT, ALPHA, "preview", "feature-xyz")})
        for environment, there in (("preview-feature-xyz", True), ("preview", False),
                                   ("prod", False)):
            names = {v["name"] for v in self.emulator.oracle("envvars", environment)}
            self.assertEqual({"WRITTEN", "UPLOADED"} <= names, there, environment)


if __name__ == "__main__":
    main()
