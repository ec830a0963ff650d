"""Several servers, mappings and tables in one session: every request is its own target's.

What the official client has as separate instances, and as withAuth(), is here servers and
settings. All claims are read from the requests that the emulator has seen.
"""
from base import Case, credentials, main, public_token, quote

PROD, STG, DEV, PREVIEW = (credentials.TR_PROD, credentials.TR_STG, credentials.TR_DEV,
                           credentials.TR_PREVIEW)
SK, PAT = credentials.TR_PROD_SK, credentials.PAT
ALPHA, BETA = credentials.PROJECT_ALPHA, credentials.PROJECT_BETA
PLAIN = "name LIKE 'PLAIN%' AND NOT is_secret"
LEVEL = "SELECT environment || ' ' || value FROM {}.envvars WHERE name = 'LOG_LEVEL'"


class Targets(Case):

    def targets(self, *names):
        """Servers of these names, with pages of ten rows; all but PAT's have one environment."""
        known = {"one": {"secret_key": PROD}, "same": {"secret_key": SK},
                 "stg": {"secret_key": STG}, "dev": {"secret_key": DEV},
                 "feature": {"secret_key": PREVIEW, "branch": "feature-xyz"},
                 "fix": {"secret_key": PREVIEW, "branch": "fix-1"},
                 "person": {"personal_access_token": PAT}}
        for name in names:
            self.server(name, options={"page_size": 10}, **known[name])
        self.expected = {(known[name].get("secret_key", PAT), known[name].get("branch"))
                         for name in names}
        self.emulator.clear()

    def sent(self):
        """Credential and branch of each request, in order; the log is empty afterwards."""
        pairs = [(r["headers"]["authorization"].removeprefix("Bearer "),
                  r["headers"].get("x-trigger-branch")) for r in self.emulator.records()]
        self.emulator.clear()
        return pairs

    def assert_isolated(self):
        """Everyone was asked, nobody with another's credential, branch, connection or cookie."""
        used = {}
        for record in self.emulator.records():
            self.assertNotIn("cookie", record["headers"])
            pair = (record["headers"]["authorization"].removeprefix("Bearer "),
                    record["headers"].get("x-trigger-branch"))
            used.setdefault(record["connection"], set()).add(pair)
        self.assertEqual(set().union(*used.values()), self.expected)
        for pairs in used.values():
            self.assertEqual(len(pairs), 1)
        self.emulator.clear()

    def test_join(self):
        """A production variable beside that of a preview branch."""
        self.targets("one", "feature")
        rows = self.s.query("SELECT p.environment, p.value, f.environment, f.branch, f.value"
                            " FROM one.envvars p JOIN feature.envvars f USING (name)"
                            " WHERE name = 'LOG_LEVEL'")
        self.assertEqual(rows, [["prod", "prod", "preview", "feature-xyz", "trace"]])
        self.assert_isolated()

    def test_union(self):
        self.targets("one", "stg", "dev", "feature")
        rows = self.s.query("SELECT environment, count(*) FROM (SELECT environment FROM one.runs"
                            " UNION ALL SELECT environment FROM stg.runs"
                            " UNION ALL SELECT environment FROM dev.runs"
                            " UNION ALL SELECT environment FROM feature.runs) r GROUP BY 1"
                            " ORDER BY 1")
        self.assertEqual(rows, [["dev", "40"], ["preview-feature-xyz", "20"], ["prod", "307"],
                                ["staging", "40"]])
        self.assert_isolated()

    def test_nested_loop(self):
        """Rows of one server are looked up in another, page by page."""
        self.targets("one", "same")
        self.s.query("SET enable_hashjoin = off; SET enable_mergejoin = off;"
                     "SET enable_material = off")
        statement = ("SELECT count(d.id), count(*) FROM one.runs r JOIN same.run_details d"
                     " ON d.id = r.id AND d.attempt_count >= 0 WHERE r.status = 'COMPLETED'")
        rows = sum(r["status"] == "COMPLETED" for r in self.emulator.oracle("runs"))
        # one by one, and in batches
        for batched, request, least in (("off", "{$0}", 20), ("on", "{id}", 4)):
            self.s.query(f"SET trigger_fdw.enable_batched_lookups = {batched}")
            plan = "\n".join(self.s.column("EXPLAIN " + statement))
            self.assertIn(f"GET /api/v3/runs/{request}", plan)
            self.emulator.clear()
            self.assertEqual(self.s.query(statement), [[str(rows)] * 2])
            keys = [key for key, _ in self.sent()]
            turns = sum(a != b for a, b in zip(keys, keys[1:]))
            self.assertGreater(turns, least)
        self.s.query(statement)
        self.assert_isolated()

    def test_cursors(self):
        """Four scans take turns; each goes on as what it was."""
        self.targets("one", "stg", "feature", "person")
        shown = {"one": "prod", "stg": "staging", "feature": "preview-feature-xyz",
                 "person": "staging"}
        self.s.query("BEGIN")
        for name in shown:
            where = " WHERE environment = 'staging'" if name == "person" else ""
            self.s.query(f"DECLARE {name} CURSOR FOR SELECT environment FROM {name}.runs{where}")
        for _ in range(5):
            for name, environment in shown.items():
                self.assertEqual(self.s.column(f"FETCH 4 FROM {name}"), [environment] * 4)
        self.s.query("COMMIT")
        self.assert_isolated()

    def test_write_while_scanning(self):
        """The rows of one environment become variables of another."""
        self.addCleanup(self.emulator.reset)
        self.targets("one", "stg")
        plain = {v["name"]: v["value"] for v in self.emulator.oracle("envvars")
                 if v["name"].startswith("PLAIN") and not v["isSecret"]}
        self.s.query("INSERT INTO stg.envvars (name, value) SELECT 'COPY_' || name, value"
                     f" FROM one.envvars WHERE {PLAIN}")
        self.s.query("UPDATE stg.envvars s SET value = p.value FROM one.envvars p"
                     f" WHERE p.name = s.name AND p.{PLAIN}".replace("AND NOT is", "AND NOT p.is"))
        now = {v["name"]: v["value"] for v in self.emulator.oracle("envvars", "stg")}
        for name, value in plain.items():
            self.assertEqual((now["COPY_" + name], now[name]), (value, value))
        for record in self.emulator.records():
            prod = record["headers"]["authorization"] == f"Bearer {PROD}"
            self.assertIn("/envvars/prod" if prod else "/envvars/staging", record["path"])
            self.assertTrue(record["method"] == "GET" or not prod)
        self.assert_isolated()
        unchanged = {v["name"]: v["value"] for v in self.emulator.oracle("envvars")}
        self.assertEqual({name: unchanged[name] for name in plain}, plain)

    def test_trigger_from_another(self):
        """RETURNING and reading back of the one do not mix with the scan of the other."""
        self.addCleanup(self.emulator.reset)
        self.targets("one", "dev")
        rows = self.s.query("INSERT INTO dev.runs (task_identifier, tags) SELECT 'send-email',"
                            " ARRAY['from-' || environment] FROM one.runs LIMIT 15"
                            " RETURNING environment, tags")
        self.assertEqual(rows, [["dev", "{from-prod}"]] * 15)
        self.assert_isolated()

    def test_two_mappings_of_one_server(self):
        """A view brings its owner's mapping into a query of another user."""
        self.server("shared")
        self.s.query("DROP USER MAPPING FOR PUBLIC SERVER shared")
        for role, key in (("target_a", PROD), ("target_b", STG)):
            self.role(role)
            self.s.query(f"GRANT ALL ON SCHEMA shared TO {role};"
                         f"GRANT SELECT ON ALL TABLES IN SCHEMA shared TO {role};"
                         f"CREATE USER MAPPING FOR {role} SERVER shared OPTIONS"
                         f" (secret_key {quote(key)})")
        self.session(user="target_a").query("CREATE VIEW shared.v AS SELECT * FROM shared.runs;"
                                            "GRANT SELECT ON shared.v TO target_b")
        b = self.session(user="target_b")
        b.query("BEGIN; DECLARE v CURSOR FOR SELECT environment FROM shared.v;"
                "DECLARE t CURSOR FOR SELECT environment FROM shared.runs")
        self.emulator.clear()
        self.expected = {(PROD, None), (STG, None)}
        for _ in range(4):
            self.assertEqual(b.column("FETCH 10 FROM v"), ["prod"] * 10)
            self.assertEqual(b.column("FETCH 10 FROM t"), ["staging"] * 10)
        b.query("COMMIT")
        self.assert_isolated()

    def test_two_branches_of_one_key(self):
        """The branch is the table's: two tables of one server, two branches."""
        self.server("tree", schema=False, options={"page_size": 5}, secret_key=PREVIEW)
        self.s.query("CREATE SCHEMA tree")
        for name, branch in (("a", "feature-xyz"), ("b", "fix-1")):
            self.s.query(f"CREATE FOREIGN TABLE tree.{name} (id text, environment text,"
                         " created_at timestamptz) SERVER tree OPTIONS (resource 'runs',"
                         f" branch {quote(branch)})")
        self.emulator.clear()
        rows = self.s.query("SELECT environment, count(*) FROM (TABLE tree.a UNION ALL"
                            " TABLE tree.b) x GROUP BY 1 ORDER BY 1")
        self.assertEqual(rows, [["preview-feature-xyz", "20"], ["preview-fix-1", "20"]])
        self.assertEqual(set(self.sent()), {(PREVIEW, "feature-xyz"), (PREVIEW, "fix-1")})

    def test_cookies(self):
        """None is kept: not for the next request, not for a retry, not for another server."""
        self.targets("one", "stg")
        cookie = {"Set-Cookie": "session=abc; Path=/", "Set-Cookie2": "x=y"}
        self.emulator.faults(
            {"match": {}, "action": {"kind": "status", "status": 503, "headers": cookie}},
            {"match": {}, "action": {
                "kind": "body", "status": 200, "headers": cookie,
                "body": '{"data":[],"pagination":{"next":"cursor"}}'}},
            {"match": {}, "action": {
                "kind": "body", "status": 200, "headers": cookie,
                "body": '{"data":[],"pagination":{}}'}})
        self.assertEqual(self.s.one("SELECT count(*) FROM one.runs"), "0")
        self.emulator.faults({"match": {}, "times": 0, "action": {
            "kind": "status", "status": 403, "headers": cookie}})
        for table in ("one.runs", "stg.runs", "one.schedules", "one.envvars"):
            self.assert_error(self.s.error(f"SELECT count(*) FROM {table}"), "42501")
        self.emulator.faults()
        self.s.query("SELECT count(*) FROM one.runs, stg.schedules")
        self.assertGreater(len(self.emulator.records()), 10)
        self.assert_isolated()


class Branches(Case):
    """x-trigger-branch goes where there are branches, and nowhere else."""

    def twig(self, **mapping):
        """The server of these tests, made anew."""
        self.s.query("DROP SERVER IF EXISTS twig CASCADE; DROP SCHEMA IF EXISTS twig CASCADE")
        self.server("twig", **mapping)
        self.emulator.clear()

    def headers(self, statement):
        self.emulator.clear()
        self.s.query(statement)
        return {(r["path"].rpartition("/envvars/")[2].partition("/")[0]
                 if "/envvars/" in r["path"] else "",
                 r["headers"].get("x-trigger-branch")) for r in self.emulator.records()}

    def test_secret_keys(self):
        self.addCleanup(self.emulator.reset)
        for key, branch, sent in ((PROD, "feature-xyz", None), (STG, "feature-xyz", None),
                                  (SK, "feature-xyz", None), (DEV, "default", None),
                                  (PREVIEW, "feature-xyz", "feature-xyz"),
                                  (PREVIEW, "refs/heads/fix-1", "fix-1")):
            with self.subTest(key, branch=branch):
                self.twig(secret_key=key, branch=branch)
                for statement in (
                        "SELECT id FROM twig.runs LIMIT 1", "SELECT * FROM twig.run_details"
                        " LIMIT 1", "SELECT id FROM twig.schedules", "SELECT * FROM twig.envvars",
                        "SELECT value FROM twig.envvars WHERE name = 'LOG_LEVEL'",
                        "INSERT INTO twig.runs (task_identifier) VALUES ('send-email')",
                        "INSERT INTO twig.envvars (name, value) VALUES ('TWIG', '1')",
                        "UPDATE twig.envvars SET value = '2' WHERE name = 'TWIG'",
                        "DELETE FROM twig.envvars WHERE name = 'TWIG'",
                        "SELECT trigger_upload_envvars('twig', '{\"TWIG\": \"3\"}')",
                        "DELETE FROM twig.envvars WHERE name = 'TWIG'",
                        "SELECT trigger_check_server('twig')"):
                    self.assertEqual({b for _, b in self.headers(statement)}, {sent}, statement)

    def test_named_dev_branch(self):
        """The emulator has none of that name; the header is what matters."""
        self.twig(secret_key=DEV, branch="mine")
        self.assert_error(self.s.error("SELECT id FROM twig.runs"), "28000")
        self.assertEqual(self.emulator.records()[0]["headers"]["x-trigger-branch"], "mine")

    def test_personal_access_token(self):
        """With it, the header would turn any environment into the branch."""
        self.addCleanup(self.emulator.reset)
        self.twig(personal_access_token=PAT, branch="feature-xyz")
        for environment, path, sent in (("prod", "prod", None), ("staging", "staging", None),
                                        ("preview", "preview", "feature-xyz")):
            for statement in (
                    "SELECT * FROM twig.envvars WHERE environment = '{e}'",
                    "SELECT value FROM twig.envvars WHERE environment = '{e}' AND name = 'JSON'",
                    "INSERT INTO twig.envvars (name, value, environment) VALUES"
                    " ('TWIG', '{e}', '{e}')",
                    "UPDATE twig.envvars SET value = '2' WHERE name = 'TWIG' AND"
                    " environment = '{e}'",
                    "SELECT trigger_upload_envvars('twig', '{{\"TWIG\": \"3\"}}', true, '{e}')",
                    "DELETE FROM twig.envvars WHERE name = 'TWIG' AND environment = '{e}'"):
                statement = statement.format(e=environment)
                self.assertEqual(self.headers(statement), {(path, sent)}, statement)
        self.assertEqual(self.headers("SELECT id FROM twig.runs WHERE environment = 'prod'"),
                         {("", None)})
        rows = self.s.query("SELECT environment, branch, value FROM twig.envvars WHERE"
                            " name = 'LOG_LEVEL' AND environment IN ('prod', 'preview')"
                            " ORDER BY 1")
        self.assertEqual(rows, [["preview", "feature-xyz", "trace"], ["prod", None, "prod"]])

    def test_public_token(self):
        """Its environment is in it; a branch option changes nothing."""
        self.twig(public_access_token=public_token(["read:runs"]), branch="feature-xyz")
        self.assertEqual(self.headers("SELECT id FROM twig.runs LIMIT 1"), {("", None)})

    def test_missing(self):
        """A preview key without a branch: an error that names the option, and no request."""
        self.twig(secret_key=PREVIEW)
        statements = (
            "SELECT id FROM twig.runs", "SELECT * FROM twig.run_details WHERE id = 'run_x'",
            "SELECT id FROM twig.schedules", "SELECT * FROM twig.envvars",
            "INSERT INTO twig.runs (task_identifier) VALUES ('send-email')",
            "UPDATE twig.runs SET status = 'CANCELED'",
            "INSERT INTO twig.envvars (name, value) VALUES ('TWIG', '1')",
            "DELETE FROM twig.envvars", "UPDATE twig.schedules SET active = false",
            "INSERT INTO twig.schedules (task, cron) VALUES ('hourly-sync', '* * * * *')",
            "SELECT trigger_cancel_run('twig', 'run_x')", "SELECT trigger_check_server('twig')",
            "SELECT trigger_upload_envvars('twig', '{\"TWIG\": \"3\"}')")
        for statement in statements:
            error = self.s.error(statement)
            self.assert_error(error, "HV00J", "trigger_fdw.branch")
            self.assertIn('option "branch"', error.message)
        self.assertEqual(self.emulator.records(), [])
        self.s.query("SET trigger_fdw.branch = 'feature-xyz'")
        self.assertEqual(self.s.one("SELECT count(*) FROM twig.runs"), "20")


if __name__ == "__main__":
    main()
