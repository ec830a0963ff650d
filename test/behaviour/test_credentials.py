"""Which credential every operation takes, and that a wrong one costs no request.

One entry of OPERATIONS is a statement and what it must do; every test goes through all of them
with one kind of credential.
"""
import json
from collections import namedtuple

from base import Case, credentials, main, public_token, quote

ALPHA = f"/api/v1/projects/{credentials.PROJECT_ALPHA}"
NAMES = {"secret": "secret key", "pat": "personal access token", "jwt": "public access token"}

# name of the operation; what takes it besides a secret key; the statement, with {s} for schema
# and server; method and path of its request; what the emulator then has noted (for reads: rows);
# scopes that a public token needs
Operation = namedtuple("Operation", "name also statement method path effect scopes",
                       defaults=((),))

OPERATIONS = (
    Operation("tasks.trigger", "jwt", "INSERT INTO {s}.runs (task_identifier, payload)"
              " VALUES ('send-email', '{{\"n\": 1}}')",
              "POST", "/api/v1/tasks/send-email/trigger", ["run.trigger"],
              ("trigger:tasks:send-email",)),
    Operation("tasks.batchTrigger", "jwt", "INSERT INTO {s}.runs (task_identifier)"
              " VALUES ('send-email'), ('process-order')",
              "POST", "/api/v1/tasks/batch", ["batch.create", "run.trigger", "run.trigger"],
              ("batchTrigger:tasks:send-email", "batchTrigger:tasks:process-order")),
    Operation("runs.list", "pat jwt", "SELECT id FROM {s}.runs WHERE status = 'CRASHED'"
              " AND environment = 'prod'", "GET", "/api/v1/runs", "crashed", ("read:runs",)),
    Operation("runs.retrieve", "jwt", "SELECT id FROM {s}.run_details WHERE id = '{run}'"
              " AND attempt_count >= 0", "GET", "/api/v3/runs/{run}", "run",
              ("read:runs:{run}",)),
    Operation("runs.cancel", "jwt", "UPDATE {s}.runs SET status = 'CANCELED' WHERE id = '{run}'",
              "POST", "/api/v2/runs/{run}/cancel", ["run.cancel"],
              ("read:runs", "write:runs:{run}")),
    Operation("runs.cancel", "jwt", "UPDATE {s}.runs SET status = 'CANCELED' WHERE environment ="
              " 'prod' AND id || '' = '{run}'", "POST", "/api/v2/runs/{run}/cancel",
              ["run.cancel"], ("read:runs", "write:runs:{run}")),
    Operation("runs.cancel", "jwt", "SELECT trigger_cancel_run('{s}', '{run}')",
              "POST", "/api/v2/runs/{run}/cancel", ["run.cancel"], ("write:runs:{run}",)),
    Operation("runs.replay", "", "SELECT trigger_replay_run('{s}', '{run}')",
              "POST", "/api/v1/runs/{run}/replay", ["run.replay"]),
    Operation("envvars.list", "pat", "SELECT name FROM {s}.envvars WHERE environment = 'prod'",
              "GET", ALPHA + "/envvars/prod", "names"),
    Operation("envvars.retrieve", "pat", "SELECT value FROM {s}.envvars WHERE name = 'LOG_LEVEL'"
              " AND environment = 'prod'", "GET", ALPHA + "/envvars/prod/LOG_LEVEL", "level"),
    Operation("envvars.upload", "pat", "SELECT trigger_upload_envvars('{s}',"
              " '{{\"NEW_ONE\": \"1\"}}', environment => 'prod')",
              "POST", ALPHA + "/envvars/prod/import", ["envvar.import"]),
    # INSERT is the API's create for a name that is free; it is carried out as an import
    Operation("envvars.upload", "pat", "INSERT INTO {s}.envvars (name, value, environment)"
              " VALUES ('NEW_ONE', '1', 'prod')",
              "POST", ALPHA + "/envvars/prod/import", ["envvar.import"]),
    Operation("envvars.update", "pat", "UPDATE {s}.envvars SET value = 'new' WHERE"
              " name = 'LOG_LEVEL' AND environment = 'prod'",
              "PUT", ALPHA + "/envvars/prod/LOG_LEVEL", ["envvar.update"]),
    Operation("envvars.del", "pat", "DELETE FROM {s}.envvars WHERE name = 'LOG_LEVEL'"
              " AND environment = 'prod'",
              "DELETE", ALPHA + "/envvars/prod/LOG_LEVEL", ["envvar.delete"]),
    Operation("schedules.list", "", "SELECT id FROM {s}.schedules",
              "GET", "/api/v1/schedules", "schedules"),
    Operation("schedules.retrieve", "", "SELECT cron FROM {s}.schedules WHERE id = '{active}'",
              "GET", "/api/v1/schedules/{active}", "cron"),
    Operation("schedules.create", "", "INSERT INTO {s}.schedules (task, cron)"
              " VALUES ('hourly-sync', '0 * * * *')",
              "POST", "/api/v1/schedules", ["schedule.create"]),
    Operation("schedules.update", "", "UPDATE {s}.schedules SET cron = '7 7 * * *'"
              " WHERE id = '{active}'", "PUT", "/api/v1/schedules/{active}",
              ["schedule.update"]),
    Operation("schedules.activate", "", "UPDATE {s}.schedules SET active = true"
              " WHERE id = '{idle}'", "POST", "/api/v1/schedules/{idle}/activate",
              ["schedule.activate"]),
    Operation("schedules.deactivate", "", "UPDATE {s}.schedules SET active = false"
              " WHERE id = '{active}'", "POST", "/api/v1/schedules/{active}/deactivate",
              ["schedule.deactivate"]),
    Operation("schedules.del", "", "DELETE FROM {s}.schedules WHERE id = '{active}'",
              "DELETE", "/api/v1/schedules/{active}", ["schedule.delete"]),
    Operation("schedules.del", "", "DELETE FROM {s}.schedules WHERE external_id = 'user_1'",
              "DELETE", "/api/v1/schedules/{active}", ["schedule.delete"]),
)


class Credentials(Case):

    def setUp(self):
        super().setUp()
        self.addCleanup(self.emulator.reset)
        self.reset()

    def reset(self):
        """The state that the operations start from, and the names that they use."""
        self.emulator.reset()
        runs = self.emulator.oracle("runs")
        schedules = self.emulator.oracle("schedules")
        variables = self.emulator.oracle("envvars")
        active = next(s for s in schedules if s["externalId"] == "user_1")
        self.names = {
            "run": next(r["id"] for r in runs if r["status"] == "QUEUED"),
            "active": active["id"],
            "idle": next(s["id"] for s in schedules if not s["active"]),
        }
        self.rows = {
            "crashed": sorted(r["id"] for r in runs if r["status"] == "CRASHED"),
            "run": [self.names["run"]],
            "names": sorted(v["name"] for v in variables),
            "level": [v["value"] for v in variables if v["name"] == "LOG_LEVEL"],
            "schedules": sorted(s["id"] for s in schedules),
            "cron": [active["generator"]["expression"]],
        }

    def named(self, text):
        for name, value in self.names.items():
            text = text.replace("{" + name + "}", value)
        return text

    def statement(self, operation, schema="cred"):
        return operation.statement.format(s=schema, **self.names)

    def writes(self):
        """What has really been changed since the state was made."""
        return [entry["kind"] for entry in json.loads(self.emulator.control("GET", "/writes"))]

    def assert_done(self, operation, key, path=None):
        """The statement works; its request was made, with this credential and no other."""
        rows = self.s.query(self.statement(operation))
        records = self.emulator.records()
        made = {(r["method"], r["path"]) for r in records if r["status"] in (200, 201, 202)}
        self.assertIn((operation.method, path or self.named(operation.path)), made)
        self.assertEqual({r["headers"]["authorization"] for r in records}, {f"Bearer {key}"})
        done = self.writes()
        if isinstance(operation.effect, list):
            self.assertEqual(done, operation.effect)
        else:
            self.assertEqual(sorted(row[0] for row in rows), self.rows[operation.effect])
            self.assertTrue(rows)
            self.assertEqual(done, [])

    def assert_refused(self, operation, kind):
        """Refused by name, with what to use instead, and nobody was asked."""
        error = self.s.error(self.statement(operation))
        self.assert_error(error, "0A000")
        self.assertIn(operation.name, error.message)
        self.assertIn(NAMES[kind], error.message)
        for other, name in NAMES.items():
            takes = other == "secret" or other in operation.also.split()
            self.assertEqual(name in error.hint, takes, error.hint)
        self.assert_untouched()

    def each(self, check, chosen=lambda operation: True):
        """Check every operation that is chosen, from the same state."""
        for operation in OPERATIONS:
            if chosen(operation):
                with self.subTest(operation.name, statement=operation.statement):
                    self.emulator.clear()
                    check(operation)
                if self.writes():
                    self.reset()

    def assert_untouched(self):
        self.assertEqual(self.emulator.records(), [])
        self.assertEqual(self.writes(), [])

    def test_all_are_here(self):
        """Nineteen operations; create is another way to say upload."""
        self.assertEqual(len({operation.name for operation in OPERATIONS}), 18)

    def test_secret_key(self):
        self.server("cred", secret_key=credentials.TR_PROD)
        self.each(lambda o: self.assert_done(o, credentials.TR_PROD))

    def test_additional_key(self):
        """Keys of the form tr_..._sk_... without restrictions can do what a root key can."""
        self.server("cred", secret_key=credentials.TR_PROD_SK)
        self.each(lambda o: self.assert_done(o, credentials.TR_PROD_SK))

    def test_restricted_key(self):
        """A key with scopes is asked for what the API lets it do; the API's refusal is 42501.

        Where the API takes unrestricted keys only, it says that it does not know the key.
        """
        def check(operation):
            if operation.name in ("runs.list", "runs.retrieve"):
                self.assert_done(operation, credentials.TR_PROD_SK_RO)
                return
            error = self.s.error(self.statement(operation))
            self.assert_error(error, "28000" if operation.name.startswith("schedules")
                              else "42501", "secret key")
            self.assertEqual(self.writes(), [])

        self.server("cred", secret_key=credentials.TR_PROD_SK_RO)
        self.each(check)

    def with_pat(self, operation):
        self.assert_done(operation, credentials.PAT,
                         ALPHA + "/runs" if operation.name == "runs.list" else None)

    def test_personal_access_token(self):
        self.server("cred", personal_access_token=credentials.PAT)
        self.each(self.with_pat, lambda o: "pat" in o.also)

    def test_personal_access_token_refused(self):
        self.server("cred", personal_access_token=credentials.PAT)
        self.each(lambda o: self.assert_refused(o, "pat"), lambda o: "pat" not in o.also)

    def test_public_token(self):
        def check(operation):
            token = public_token([self.named(scope) for scope in operation.scopes])
            self.s.query(f"ALTER USER MAPPING FOR PUBLIC SERVER cred OPTIONS"
                         f" (SET public_access_token {quote(token)})")
            self.emulator.clear()
            self.assert_done(operation, token)

        self.server("cred", public_access_token="eyJh.eyJh.x")
        self.each(check, lambda o: "jwt" in o.also)

    def test_public_token_without_scope(self):
        """Where the kind of token is right, the API decides by its scopes."""
        def check(operation):
            error = self.s.error(self.statement(operation))
            self.assert_error(error, "42501", "public access token does not have the needed scope")
            self.assertEqual(self.writes(), [])

        self.server("cred", public_access_token=public_token(["read:deployments"]))
        self.each(check, lambda o: "jwt" in o.also)

    def test_public_token_refused(self):
        self.server("cred", public_access_token=public_token(["admin"]))
        self.each(lambda o: self.assert_refused(o, "jwt"), lambda o: "jwt" not in o.also)

    def without_project(self, operation):
        error = self.s.error(self.statement(operation))
        self.assert_error(error, "HV00J", operation.name, '"project_ref"',
                          "trigger_fdw.project_ref")
        self.assert_untouched()

    def test_project_is_needed(self):
        """By everything with a personal access token; the session's setting is enough."""
        self.server("cred", personal_access_token=credentials.PAT)
        self.s.query("ALTER SERVER cred OPTIONS (DROP project_ref)")
        self.each(self.without_project, lambda o: "pat" in o.also)
        self.s.query(f"SET trigger_fdw.project_ref = {quote(credentials.PROJECT_ALPHA)}")
        self.each(self.with_pat, lambda o: "pat" in o.also)

    def test_project_is_needed_for_variables(self):
        """With a secret key, too."""
        def variables(operation):
            return operation.name.startswith("envvars")

        self.server("cred", secret_key=credentials.TR_PROD)
        self.s.query("ALTER SERVER cred OPTIONS (DROP project_ref)")
        self.each(self.without_project, variables)
        self.each(lambda o: self.assert_done(o, credentials.TR_PROD),
                  lambda o: not variables(o))
        self.s.query(f"SET trigger_fdw.project_ref = {quote(credentials.PROJECT_ALPHA)}")
        self.each(lambda o: self.assert_done(o, credentials.TR_PROD), variables)

    def test_environment_is_needed(self):
        """Reading without one reads them all; a variable must be put somewhere."""
        self.server("cred", personal_access_token=credentials.PAT)
        for statement in ("INSERT INTO cred.envvars (name, value) VALUES ('NEW_ONE', '1')",
                          "SELECT trigger_upload_envvars('cred', '{\"NEW_ONE\": \"1\"}')"):
            error = self.s.error(statement)
            self.assert_error(error, "23502", "option \"environment\"")
            self.assert_untouched()
        self.s.query("SET trigger_fdw.environment = 'staging'")
        self.s.query(statement)
        self.assertEqual([r["path"] for r in self.emulator.records()],
                         [ALPHA + "/envvars/staging/import"])

    def test_refused_before_anything_else(self):
        """Other parts of the statement have asked and written nothing either."""
        self.server("cred", personal_access_token=credentials.PAT)
        for statement in (
                "SELECT * FROM cred.schedules WHERE id = (SELECT id FROM prod.schedules LIMIT 1)",
                "SELECT * FROM prod.schedules JOIN cred.schedules USING (id)",
                "SELECT id FROM prod.runs UNION ALL SELECT id FROM cred.run_details",
                "WITH x AS (INSERT INTO prod.runs (task_identifier) VALUES ('send-email')"
                " RETURNING id) SELECT x.id, s.id FROM x, cred.schedules s",
                "INSERT INTO cred.schedules (task, cron) SELECT task, cron FROM prod.schedules",
                "UPDATE cred.runs SET status = 'CANCELED' WHERE environment = 'prod' AND id IN"
                " (SELECT id FROM prod.runs)",
                "SELECT (SELECT count(*) FROM cred.schedules) FROM prod.runs"):
            with self.subTest(statement):
                self.assert_error(self.s.error(statement), "0A000", "personal access token")
                self.assert_untouched()

    def test_no_credential(self):
        def empty(operation):
            self.assert_error(self.s.error(self.statement(operation)), "28000", "no credential",
                              "ALTER USER MAPPING")
            self.assert_untouched()

        def none(operation):
            self.assert_error(self.s.error(self.statement(operation)), "42704", "user mapping")
            self.assert_untouched()

        self.server("cred")
        self.s.query("ALTER USER MAPPING FOR PUBLIC SERVER cred OPTIONS (DROP secret_key)")
        self.each(empty)
        self.s.query("DROP USER MAPPING FOR PUBLIC SERVER cred")
        self.each(none)


if __name__ == "__main__":
    main()
