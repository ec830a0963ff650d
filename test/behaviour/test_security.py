"""What leaves the machine: to whom, and in which form.

Redirects, proxies, .netrc, cookies of the transport; headers and paths made of hostile names.
"""
import json
import os
import re
import urllib.parse

from base import (Case, Cluster, create_default, credentials, emulator, main, other_emulator,
                  quote, Trap)

ALPHA = f"/api/v1/projects/{credentials.PROJECT_ALPHA}"
# what a path or a URL could take for syntax
NAMES = ("..", ".", "/", "//", "a/b", "../../x", "/..", "%2F", "%2e%2e", "%2E%2E%2F", "%00", "?",
         "?x=y", "a?b=c&d", "#", "#x", "\\", "..\\..\\x", ";", ";x=y", "a b", " ", "a+b", "&", "=",
         "é", "日本", "@", ":", "http://127.0.0.1/", "'\"<>", "a\tb", "a\r\nX: y", "x" * 2000)


class Redirects(Case):

    def assert_refused(self, statement):
        error = self.s.error(statement)
        self.assert_error(error, "08P01", "redirects", "not followed", "base_url")

    def test_redirects(self):
        """Every kind, to the same origin and to another one: an error, and nobody is asked."""
        other = other_emulator()
        trap = self.trap()
        other.clear()
        key = credentials.TR_PROD
        for status in (300, 301, 302, 303, 304, 307, 308):
            for location in (f"{self.emulator.url}/api/v1/timezones", "/api/v1/timezones",
                             f"{other.url}/api/v1/runs", f"{trap.url}/?{key}", "//127.0.0.1/x",
                             trap.url.replace("127.0.0.1", "localhost"), "file:///etc/passwd"):
                with self.subTest(status, location=location):
                    self.emulator.faults({"match": {}, "times": 0, "action": {
                        "kind": "redirect", "status": status, "location": location}})
                    for statement in ("SELECT id FROM prod.runs",
                                      "SELECT payload FROM prod.run_details WHERE id = 'run_x'",
                                      "INSERT INTO prod.runs (task_identifier) VALUES ('x')",
                                      "SELECT trigger_cancel_run('prod', 'run_x')",
                                      "SELECT name FROM prod.timezones"):
                        self.emulator.clear()
                        self.assert_refused(statement)
                        self.assertEqual(len(self.emulator.records()), 1)
        self.assertEqual((other.records(), trap.told), ([], []))

    def test_check_server(self):
        """It reports what the answer is."""
        self.emulator.faults({"match": {}, "action": {
            "kind": "redirect", "status": 302, "location": "/elsewhere"}})
        self.assertIn('"accepted": false', self.s.one("SELECT trigger_check_server('prod')"))
        self.assertEqual(len(self.emulator.records()), 1)

    def test_user_in_url(self):
        """A user name or password has no place in base_url, and is not repeated."""
        for url in ("https://user:password@x.example", "https://user@x.example",
                    "https://:password@x.example", "http://user:password@127.0.0.1:1",
                    "https://x.example@y.example", "https://@x.example",
                    "https://x.example/@", "https://user:pass%40word@x.example"):
            error = self.s.error("CREATE SERVER bad FOREIGN DATA WRAPPER trigger_fdw OPTIONS"
                                 f" (base_url {quote(url)})")
            self.assert_error(error, "22023", "user name or password")
            self.assertNotIn("password@", str(error))


class StoredValues(Case):
    """Where the API says that a value is stored, nothing of ours is sent."""

    def read(self, url, *faults):
        """Read a payload that is said to be at the URL."""
        item = next(row for row in self.emulator.oracle("run_details") if row.get("payload"))
        del item["payload"], item["_"]
        item["payloadPresignedUrl"] = url
        self.emulator.faults(*faults, {"match": {"path_regex": "^/api/v3/runs/"}, "action": {
            "kind": "body", "body": json.dumps(item)}})
        self.emulator.clear()
        return f"SELECT payload FROM prod.run_details WHERE id = {quote(item['id'])}"

    def test_no_credential(self):
        """Neither key nor branch nor cookie, also at the API's own origin."""
        self.s.query("BEGIN; SET LOCAL trigger_fdw.access_token = "
                     + quote(credentials.TR_PREVIEW)
                     + "; SET LOCAL trigger_fdw.branch = 'feature-xyz'")
        statement = self.read(self.emulator.url + "/stored", {
            "match": {"path_regex": "^/stored"}, "action": {
                "kind": "body", "body": '{"stored":1}', "headers": {"Set-Cookie": "a=b"}}})
        self.assertEqual(self.s.one(statement), '{"stored": 1}')
        self.s.query("COMMIT")
        asked, stored = self.emulator.records()
        self.assertIn("authorization", asked["headers"])
        self.assertEqual(set(stored["headers"]) & {"authorization", "x-trigger-branch", "cookie",
                                                   "x-trigger-api-version"}, set())

    def test_elsewhere(self):
        """It may be another host's, with a redirect not even that; other schemes never."""
        trap = self.trap()
        self.s.query("BEGIN")
        self.s.error(self.read(trap.url + "/x?X-Signature=abc"))
        self.s.query("ROLLBACK")
        # repeated, because the trap hangs up
        for told in trap.told:
            self.assertTrue(told.startswith("GET /x?X-Signature=abc HTTP/1.1\r\n"), told)
            self.assertNotIn("tr_prod", told)
            self.assertNotIn("authorization", told.lower())
        self.assertTrue(trap.told)
        trap.told.clear()
        for url in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "//x/y",
                    "/etc/passwd", "", "HTTP+unix://x", "dict://127.0.0.1:1/"):
            error = self.s.error(self.read(url))
            self.assert_error(error, "08P01", "https")
            self.assertEqual(len(self.emulator.records()), 1)
        self.assert_error(self.s.error(self.read(self.emulator.url + "/stored", {
            "match": {"path_regex": "^/stored"}, "action": {
                "kind": "redirect", "location": trap.url}})), "08P01", "redirects")
        self.assertEqual(trap.told, [])


class Environment(Case):
    """A server process whose environment and home directory want to interfere."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = Trap()
        changed = {name: cls.proxy.url for name in (
            "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}
        before = dict(os.environ)
        os.environ.update(changed, no_proxy="", NO_PROXY="")
        try:
            cls.own = Cluster()
            # its home is known now
            with open(os.path.join(cls.own.directory, ".netrc"), "w", encoding="ascii") as file:
                file.write("machine 127.0.0.1 login netrc password netrc\n"
                           "default login netrc password netrc\n")
            os.chmod(file.name, 0o644)
            cls.own.stop("fast")
            os.environ["HOME"] = os.environ["CURL_HOME"] = cls.own.directory
            with open(os.path.join(cls.own.directory, ".curlrc"), "w", encoding="ascii") as file:
                file.write(f'proxy = "{cls.proxy.url}"\n')
            cls.own.start()
        finally:
            os.environ.clear()
            os.environ.update(before)
        with cls.own.connect() as session:
            create_default(session, emulator().url)

    @classmethod
    def tearDownClass(cls):
        cls.own.destroy()
        cls.proxy.close()

    def setUp(self):
        super().setUp()
        self.cluster = self.own
        self.s = self.session()

    def environment(self):
        """Of the backend, as a program would see that it starts."""
        self.s.query("CREATE TEMP TABLE env (line text); COPY env FROM PROGRAM 'env'"
                     " WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')")
        return dict(line.split("=", 1) for line in self.s.column("TABLE env") if "=" in line)

    def test_ignored(self):
        """Proxy variables and .netrc: everything goes straight, with our own credential."""
        found = self.environment()
        self.assertEqual((found["http_proxy"], found["ALL_PROXY"], found["HOME"]),
                         (self.proxy.url, self.proxy.url, self.own.directory))
        self.s.query("SELECT count(*) FROM prod.runs; SELECT count(*) FROM prod.timezones;"
                     "SELECT trigger_check_server('pat');"
                     "SELECT count(*) FROM pat.envvars WHERE environment = 'prod'")
        self.assertEqual(self.proxy.told, [])
        self.assertEqual({record["headers"].get("authorization")
                          for record in self.emulator.records()},
                         {None, f"Bearer {credentials.TR_PROD}", f"Bearer {credentials.PAT}"})
        # https, by a name that only a proxy could know
        self.s.query("CREATE SERVER far FOREIGN DATA WRAPPER trigger_fdw OPTIONS (base_url"
                     " 'https://far.invalid', max_retries '0'); CREATE USER MAPPING FOR PUBLIC"
                     f" SERVER far OPTIONS (secret_key {quote(credentials.TR_PROD)})")
        self.assertIn('"reachable": false', self.s.one("SELECT trigger_check_server('far')"))
        self.assertEqual(self.proxy.told, [])

    def test_the_trap_works(self):
        """A superuser's option does what the variables must not."""
        self.s.query(f"ALTER SERVER prod OPTIONS (ADD proxy {quote(self.proxy.url)},"
                     " ADD max_retries '0')")
        self.addCleanup(self.without_sessions, ["ALTER SERVER prod OPTIONS (DROP proxy)"])
        self.assert_error(self.s.error("SELECT id FROM prod.runs"), "08006")
        self.assertIn("GET http://127.0.0.1:", self.proxy.told.pop())


class Headers(Case):

    def test_branch(self):
        """What could end a header, or change on its way, is no branch: nowhere it can be set."""
        self.s.query("SELECT trigger_fdw_version()")
        self.server("head", secret_key=credentials.TR_PREVIEW, branch="feature-xyz")
        self.emulator.clear()
        for bad in ("x\r\nAuthorization: Bearer y", "x\ny", "x\ry", "x\ty", "\tx", "\x01", "x\x7f",
                    "x\x1b[0m", "\n", " x", "x ", " ", "refs/heads/", "refs/heads/ x", "refs/x",
                    "refs/", "refs/heads/refs/heads/x", "x" * 256):
            for statement in (f"SET trigger_fdw.branch = {quote(bad)}",
                              f"SELECT set_config('trigger_fdw.branch', {quote(bad)}, false)",
                              f"ALTER SERVER head OPTIONS (ADD branch {quote(bad)})",
                              "ALTER USER MAPPING FOR PUBLIC SERVER head OPTIONS"
                              f" (SET branch {quote(bad)})",
                              f"ALTER FOREIGN TABLE head.runs OPTIONS (ADD branch {quote(bad)})",
                              "CREATE FUNCTION head.f() RETURNS int LANGUAGE sql SET"
                              f" trigger_fdw.branch = {quote(bad)} AS 'SELECT 1'"):
                self.assert_error(self.s.error(statement), "22023")
        self.s.query("SELECT count(*) FROM head.runs")
        self.assertEqual({r["headers"]["x-trigger-branch"] for r in self.emulator.records()},
                         {"feature-xyz"})

    def test_placeholder(self):
        """A value from before the library was loaded is checked when it is."""
        fresh = self.session()
        fresh.query("SELECT set_config('trigger_fdw.branch', E'x\\r\\nX-Evil: y', false),"
                    " set_config('trigger_fdw.access_token', E'tr_prod_x\\r\\nX-Evil: y', false)")
        fresh.query("SELECT count(*) FROM prod.runs")
        self.assertEqual(set(self.keys_sent()), {credentials.TR_PROD})
        self.assertEqual(fresh.one("SHOW trigger_fdw.branch"), "")
        self.assertFalse(any("x-evil" in r["headers"] for r in self.emulator.records()))

    def test_stored_by_others(self):
        """What no check has seen (an older version's value) is refused when it is used."""
        self.server("head", secret_key=credentials.TR_PREVIEW, branch="feature-xyz")
        self.emulator.clear()
        for bad in ("x\r\nX-Evil: y", " x", "refs/x"):
            self.s.query("UPDATE pg_user_mapping SET umoptions = ARRAY[umoptions[1],"
                         f" 'branch=' || {quote(bad)}] WHERE umserver ="
                         " (SELECT oid FROM pg_foreign_server WHERE srvname = 'head')")
            self.assert_error(self.s.error("SELECT id FROM head.runs"), "22023", '"branch"')
        self.assertEqual(self.emulator.records(), [])

    def test_names(self):
        """Anything else is a name: it arrives as it is."""
        self.server("head", secret_key=credentials.TR_PREVIEW)
        for branch in ("feature/ünï", "a b", "x: y", "日本", "@;,\"'", "refs", "heads/x", "x" * 255):
            self.emulator.clear()
            self.s.query(f"SET trigger_fdw.branch = {quote(branch)}")
            self.assert_error(self.s.error("SELECT id FROM head.runs"), "28000")
            sent = self.emulator.records()[0]["headers"]["x-trigger-branch"]
            self.assertEqual(sent.encode("latin1").decode(), branch)

    def test_token(self):
        """Nor can a token bring a second header."""
        self.s.query("SELECT trigger_fdw_version()")
        for bad in ("tr_prod_x\r\nX-Evil: y", "tr_prod_x y", "tr_prod_\x7f", "tr_prod_é",
                    "tr_prod_x\n", " tr_prod_x", "eyJa.b\n.c"):
            self.assert_error(self.s.error(f"SET trigger_fdw.access_token = {quote(bad)}"),
                              "22023")
            self.assert_error(self.s.error("CREATE USER MAPPING FOR CURRENT_USER SERVER prod"
                                           f" OPTIONS (secret_key {quote(bad)})"), "22023")


class Paths(Case):
    """Names become one segment of a path, or no request."""

    def setUp(self):
        super().setUp()
        self.server("path", options={"max_retries": 0})

    def targets(self, statement):
        """SQLSTATE (or the rows), and the raw targets."""
        self.emulator.clear()
        try:
            outcome = self.s.query(statement)
        except Exception as error:      # a PgError
            outcome = error.sqlstate
        return outcome, [(r["method"], r["target"]) for r in self.emulator.records()]

    def assert_in_place(self, statement, name, paths):
        """Every request is one of `paths`, with the name, encoded, where {} is."""
        outcome, targets = self.targets(statement)
        encoded = urllib.parse.quote(name, safe="-._~")
        for method, target in targets:
            if method == "DELETE" and re.fullmatch(r"/api/v1/schedules/sched_[0-9a-z]+", target):
                continue                # the probe whether a key is taken
            self.assertIn(f"{method} {target.partition('?')[0]}",
                          [path.replace("{}", encoded) for path in paths])
        return outcome, targets

    def test_conditions(self):
        """Those that name no row get the answer of a plain table: none."""
        for name in NAMES:
            for table, prefix, column, path in (
                    ("runs", "run_", "id", "/api/v3/runs/{}"),
                    ("run_details", "run_", "id", "/api/v3/runs/{}"),
                    ("schedules", "sched_", "id", "/api/v1/schedules/{}"),
                    ("envvars", "", "name", ALPHA + "/envvars/prod/{}")):
                for value in {name, prefix + name}:
                    for test in (f"= {quote(value)}", f"IN ({quote(value)}, 'none')"):
                        with self.subTest(table, value=value[:30]):
                            outcome, targets = self.assert_in_place(
                                f"SELECT {column} FROM path.{table} WHERE {column} {test}", value,
                                [f"GET {path}", "GET " + path.replace("{}", "none"),
                                 # names that a path cannot have are looked for in the list
                                 *(["GET " + path[:-3]] if value in (".", "..") else [])])
                            self.assertEqual(outcome, [])
                            if prefix and not value.startswith(prefix):
                                self.assertEqual(targets, [])

    def test_environments(self):
        """Only names of environments are ever asked for."""
        for name in (*NAMES, "", "stg", "PROD", "prod/../dev", "preview-../x"):
            outcome, targets = self.targets(f"SELECT name FROM pat.envvars WHERE environment ="
                                            f" {quote(name)}")
            self.assertEqual((outcome, targets), ([], []))
            for statement in (
                    "INSERT INTO pat.envvars (name, value, environment) VALUES ('N', '1', {})",
                    "SELECT trigger_upload_envvars('pat', '{{\"N\": \"1\"}}', true, {})",
                    "SELECT trigger_upload_envvars('path', '{{\"N\": \"1\"}}', true, {})"):
                self.assertEqual(self.targets(statement.format(quote(name))), ("22023", []))
            for setting in ("project_ref", "environment"):
                if name:
                    self.assert_error(self.s.error(f"SET trigger_fdw.{setting} = {quote(name)}"),
                                      "22023")

    def test_functions(self):
        for name in ("", *NAMES):
            for value in {name, "run_" + name}:
                for call, paths in (
                        ("cancel_run('path', {})", ["POST /api/v2/runs/{}/cancel"]),
                        ("replay_run('path', {})", ["POST /api/v1/runs/{}/replay"]),
                        ("replay_run('path', {}, '1')", ["GET /api/v3/runs/{}"]),
                        ("reschedule_run('path', {}, '1h')", ["POST /api/v1/runs/{}/reschedule"])):
                    with self.subTest(call, value=value[:30]):
                        outcome, targets = self.assert_in_place(
                            "SELECT trigger_" + call.replace("{}", quote(value)), value, paths)
                        known = value.startswith("run_")
                        self.assertEqual(outcome, "42704" if known else "22023")
                        self.assertEqual(bool(targets), known)

    def test_written(self):
        """Names of new rows: tasks and keys are whatever they are, variables are identifiers."""
        self.addCleanup(self.emulator.reset)
        for name in NAMES:
            with self.subTest(name[:30]):
                outcome, targets = self.assert_in_place(
                    f"INSERT INTO path.runs (task_identifier) VALUES ({quote(name)}) RETURNING"
                    " task_identifier", name, ["POST /api/v1/tasks/{}/trigger"])
                if name in (".", ".."):
                    self.assertEqual((outcome, targets), ("22023", []))
                else:
                    self.assertEqual((outcome, len(targets)), ([[name]], 1))
                outcome, targets = self.assert_in_place(
                    "INSERT INTO path.schedules (task, cron, deduplication_key) VALUES"
                    f" ('hourly-sync', '0 * * * *', {quote(name)}) RETURNING deduplication_key",
                    name, ["POST /api/v1/schedules", "GET /api/v1/schedules/{}",
                           "PUT /api/v1/schedules/{}"])
                self.assertEqual(outcome, "22023" if name in (".", "..") else [[name]])
                for statement in (f"INSERT INTO path.envvars (name, value) VALUES"
                                  f" ({quote(name)}, '1')",
                                  "SELECT trigger_upload_envvars('path',"
                                  f" jsonb_build_object({quote(name)}, '1'))"):
                    if name != "x" * 2000:
                        self.assertEqual(self.targets(statement), ("22023", []))

    def test_changed(self):
        """Variables that exist under such names are changed and deleted, and no others."""
        self.addCleanup(self.emulator.reset)
        # (the server cuts names at a colon)
        names = [name for name in NAMES if name not in (".", "..", " ")
                 and not set(name) & set(":\r")]
        before = {v["name"]: v["value"] for v in self.emulator.oracle("envvars")}
        self.emulator.control("POST", "/envvars", [{"name": name, "value": "old"}
                                                   for name in names])
        for name in names:
            where = f"WHERE name = {quote(name)}"
            path = ALPHA + "/envvars/prod/{}"
            with self.subTest(name[:30]):
                self.assert_in_place(f"UPDATE path.envvars SET value = 'new' {where}", name,
                                     [f"GET {path}", f"PUT {path}"])
                self.assertEqual({v["name"]: v["value"] for v in self.emulator.oracle("envvars")
                                  if v["value"] == "new"}, {name: "new"})
                self.assert_in_place(f"DELETE FROM path.envvars {where}", name,
                                     [f"GET {path}", f"DELETE {path}"])
        self.assertEqual({v["name"]: v["value"] for v in self.emulator.oracle("envvars")}, before)

    def test_from_the_api(self):
        """An id that the API itself says may not lead anywhere else either."""
        item = self.emulator.oracle("runs")[0]
        for name in ("..", ".", "", "a/../b"):
            self.emulator.faults({"match": {"path_regex": "^/api/v1/runs"}, "action": {
                "kind": "body", "body": json.dumps({"data": [{**item, "id": name}],
                                                    "pagination": {}})}})
            outcome, targets = self.targets("SELECT payload FROM path.run_details")
            self.assertEqual([target.partition("?")[0] for _, target in targets],
                             ["/api/v1/runs"] + ["/api/v3/runs/a%2F..%2Fb"] * ("/" in name))
            self.assertEqual(outcome, [] if "/" in name else "22023")


if __name__ == "__main__":
    main()
