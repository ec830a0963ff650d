"""Whose credential is sent: read from the Authorization headers that the emulator has seen."""
from base import Case, credentials, main, quote

PROD, STG, RO = credentials.TR_PROD, credentials.TR_STG, credentials.TR_PROD_SK
COUNT = "SELECT count(*) FROM who.runs"


class Roles(Case):

    def setUp(self):
        super().setUp()
        self.server("who")
        self.s.query("DROP USER MAPPING FOR PUBLIC SERVER who")
        for role, key in (("alice", PROD), ("bob", STG), ("carol", None)):
            self.role(role)
            self.s.query(f"GRANT USAGE ON SCHEMA who TO {role};"
                         f"GRANT SELECT ON ALL TABLES IN SCHEMA who TO {role};"
                         f"GRANT CREATE ON SCHEMA who TO {role};"
                         f"GRANT USAGE ON FOREIGN SERVER who TO {role}")
            if key:
                self.s.query(f"CREATE USER MAPPING FOR {role} SERVER who OPTIONS"
                             f" (secret_key {quote(key)})")
        self.emulator.clear()

    def sent(self):
        keys = set(self.keys_sent())
        self.emulator.clear()
        return keys

    def as_role(self, role):
        return self.session(user=role)

    def test_own_mapping(self):
        for role, key, rows in (("alice", PROD, "307"), ("bob", STG, "40")):
            self.assertEqual(self.as_role(role).one(COUNT), rows)
            self.assertEqual(self.sent(), {key})

    def test_no_mapping(self):
        for session in (self.as_role("carol"), self.s):
            self.assert_error(session.error(COUNT), "42704", "user mapping not found")
        self.assertEqual(self.sent(), set())

    def test_explain_needs_no_mapping(self):
        plan = "\n".join(self.as_role("carol").column("EXPLAIN " + COUNT))
        self.assertIn("/api/v1/runs", plan)

    def test_public_mapping(self):
        self.s.query(f"CREATE USER MAPPING FOR PUBLIC SERVER who OPTIONS (secret_key {quote(RO)})")
        for role, key in (("carol", RO), ("alice", PROD), ("bob", STG)):
            self.as_role(role).one(COUNT)
            self.assertEqual(self.sent(), {key})

    def test_public_mapping_shares_a_connection(self):
        """Roles that use PUBLIC's mapping in one session are one user to the server."""
        self.s.query(f"CREATE USER MAPPING FOR PUBLIC SERVER who OPTIONS (secret_key {quote(RO)})")
        self.s.one(COUNT)
        self.s.query("SET ROLE carol")
        self.s.one(COUNT)
        self.assertEqual(len({r["connection"] for r in self.emulator.records()}), 1)

    def test_set_role(self):
        for role, key in (("alice", PROD), ("bob", STG), ("alice", PROD)):
            self.s.query(f"SET ROLE {role}")
            self.s.one(COUNT)
            self.assertEqual(self.sent(), {key})
        self.s.query("SET ROLE carol")
        self.assert_error(self.s.error(COUNT), "42704")
        self.s.query("RESET ROLE")
        self.assert_error(self.s.error(COUNT), "42704")

    def test_set_role_with_cached_plan(self):
        self.s.query(f"SET plan_cache_mode = force_generic_plan; PREPARE p AS {COUNT}")
        for role, key in (("alice", PROD), ("bob", STG), ("alice", PROD)):
            self.s.query(f"SET ROLE {role}")
            self.s.one("EXECUTE p")
            self.assertEqual(self.sent(), {key})

    def test_two_keys_never_share_a_connection(self):
        used = {}
        for role in ("alice", "bob", "alice", "bob"):
            self.s.query(f"SET ROLE {role}")
            self.s.one(COUNT)
        for record in self.emulator.records():
            used.setdefault(record["connection"], set()).add(record["headers"]["authorization"])
        self.assertEqual([len(keys) for keys in used.values()], [1] * len(used))
        self.assertEqual(len(used), 2)

    def test_view(self):
        """A view reads with its owner's mapping, a security_invoker view with the caller's."""
        self.as_role("alice").query(
            "CREATE VIEW who.v AS SELECT * FROM who.runs; GRANT SELECT ON who.v TO bob, carol;"
            "CREATE VIEW who.iv WITH (security_invoker = true) AS SELECT * FROM who.runs;"
            "GRANT SELECT ON who.iv TO bob, carol")
        bob, carol = self.as_role("bob"), self.as_role("carol")
        for session, view, key in ((bob, "v", PROD), (carol, "v", PROD), (bob, "iv", STG)):
            session.one(f"SELECT count(*) FROM who.{view}")
            self.assertEqual(self.sent(), {key})
        self.assert_error(carol.error("SELECT count(*) FROM who.iv"), "42704")

    def test_view_and_table_in_one_query(self):
        """Two mappings in one statement: each scan with its own."""
        self.as_role("alice").query("CREATE VIEW who.v AS SELECT * FROM who.runs;"
                                    "GRANT SELECT ON who.v TO bob")
        rows = self.as_role("bob").query("SELECT environment, count(*) FROM (SELECT * FROM who.v"
                                         " UNION ALL SELECT * FROM who.runs) s GROUP BY 1"
                                         " ORDER BY 1")
        self.assertEqual(rows, [["prod", "307"], ["staging", "40"]])
        self.assertEqual(self.sent(), {PROD, STG})

    def test_view_of_owner_without_mapping(self):
        self.as_role("carol").query("CREATE VIEW who.v AS SELECT * FROM who.runs;"
                                    "GRANT SELECT ON who.v TO alice")
        self.assert_error(self.as_role("alice").error("SELECT count(*) FROM who.v"), "42704")
        self.assertEqual(self.sent(), set())

    def test_security_definer(self):
        self.as_role("alice").query(
            f"CREATE FUNCTION who.f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS '{COUNT}';"
            f"CREATE FUNCTION who.g() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS"
            f" 'BEGIN RETURN ({COUNT}); END';"
            f"CREATE FUNCTION who.h() RETURNS bigint LANGUAGE sql AS '{COUNT}'")
        bob = self.as_role("bob")
        for function, key, rows in (("f", PROD, "307"), ("g", PROD, "307"), ("h", STG, "40")):
            self.assertEqual(bob.one(f"SELECT who.{function}()"), rows)
            self.assertEqual(self.sent(), {key})
        self.assertEqual(self.as_role("carol").one("SELECT who.f()"), "307")
        self.assertEqual(self.sent(), {PROD})
        self.assert_error(self.as_role("carol").error("SELECT who.h()"), "42704")

    def test_cursor_of_security_definer(self):
        """A cursor that a SECURITY DEFINER function opened is read with its owner's key."""
        self.as_role("alice").query(
            "CREATE FUNCTION who.opened(c refcursor) RETURNS refcursor LANGUAGE plpgsql"
            " SECURITY DEFINER AS 'BEGIN OPEN c FOR SELECT environment FROM who.runs;"
            " RETURN c; END'")
        bob = self.as_role("bob")
        bob.query("BEGIN; SELECT who.opened('c')")
        rows = bob.column("FETCH ALL FROM c")
        self.assertEqual((len(rows), self.sent()), (307, {PROD}))
        bob.query("COMMIT")

    def test_session_token(self):
        """trigger_fdw.access_token wins over the mapping, needs none, and is scoped by SET."""
        self.s.query(f"BEGIN; SET LOCAL trigger_fdw.access_token = {quote(STG)}")
        self.assertEqual(self.s.one(COUNT), "40")
        self.s.query(f"SAVEPOINT a; SET LOCAL trigger_fdw.access_token = {quote(RO)}")
        self.s.one(COUNT)
        self.s.query("ROLLBACK TO a")
        self.s.one(COUNT)
        self.s.query("COMMIT")
        self.assertEqual([key for key in dict.fromkeys(self.keys_sent())], [STG, RO])
        self.assertEqual(self.keys_sent()[-1], STG)
        self.assert_error(self.s.error(COUNT), "42704")

    def test_session_token_of_functions(self):
        """CREATE FUNCTION ... SET: inner and outer overrides nest."""
        self.s.query(
            f"CREATE FUNCTION who.inner_() RETURNS bigint LANGUAGE plpgsql SET"
            f" trigger_fdw.access_token = {quote(STG)} AS 'BEGIN RETURN ({COUNT}); END';"
            f"CREATE FUNCTION who.outer_() RETURNS text LANGUAGE plpgsql SET"
            f" trigger_fdw.access_token = {quote(PROD)} AS"
            f" 'DECLARE a bigint := ({COUNT}); b bigint := who.inner_(); c bigint := ({COUNT});"
            f" BEGIN RETURN concat_ws('','', a, b, c); END'")
        self.assertEqual(self.s.one("SELECT who.outer_()"), "307,40,307")
        self.assertEqual(self.s.one("SHOW trigger_fdw.access_token"), "")

    def test_settings_and_views(self):
        """A view that reads for its owner ignores its caller's settings, also when it writes."""
        self.addCleanup(self.emulator.reset)
        everyone = "SELECT project_ref, environment, branch, value FROM who.{} ORDER BY 1, 2"
        self.s.query("ALTER USER MAPPING FOR alice SERVER who OPTIONS (DROP secret_key,"
                     f" ADD personal_access_token {quote(credentials.PAT)},"
                     " ADD environment 'prod')")
        self.s.query("GRANT INSERT, UPDATE ON who.envvars TO alice")
        self.as_role("alice").query(
            "CREATE VIEW who.v AS SELECT * FROM who.envvars WHERE name = 'LOG_LEVEL';"
            "CREATE VIEW who.w AS SELECT name, value FROM who.envvars;"
            "CREATE VIEW who.iv WITH (security_invoker = true) AS SELECT * FROM who.envvars"
            " WHERE name = 'LOG_LEVEL'; GRANT SELECT, INSERT, UPDATE ON who.v, who.w, who.iv"
            " TO bob")
        alpha = credentials.PROJECT_ALPHA
        settings = (f"SET trigger_fdw.project_ref = {quote(credentials.PROJECT_BETA)};"
                    "SET trigger_fdw.environment = 'preview'; SET trigger_fdw.branch = 'fix-1'")
        bob, alice = self.as_role("bob"), self.as_role("alice")
        for token in ("", RO, credentials.PAT_OTHER):
            bob.query(f"{settings}; SET trigger_fdw.access_token = {quote(token)}")
            self.assertEqual(bob.query(everyone.format("v")), [[alpha, "prod", None, "prod"]])
            self.assertEqual(self.sent(), {credentials.PAT})
            self.assertIn("/envvars/prod/LOG_LEVEL",
                          "\n".join(bob.column("EXPLAIN " + everyone.format("v"))))
        bob.query("INSERT INTO who.w (name, value) VALUES ('BY_BOB', '1');"
                  "UPDATE who.w SET value = '2' WHERE name = 'BY_BOB'")
        self.assertEqual(self.sent(), {credentials.PAT})
        for environment, values in (("prod", ["2"]), ("preview-fix-1", [])):
            self.assertEqual([v["value"] for v in self.emulator.oracle("envvars", environment)
                              if v["name"] == "BY_BOB"], values)
        # they apply to what runs as the caller: the caller's own scans and views
        bob.query(f"SET trigger_fdw.project_ref = {quote(alpha)}")
        bob.query("SET trigger_fdw.branch = 'feature-xyz'")
        for view in ("iv", "envvars WHERE name = 'LOG_LEVEL'"):
            self.assertEqual(bob.query(everyone.format(view)),
                             [[alpha, "preview", "feature-xyz", "trace"]])
            self.assertEqual(self.sent(), {credentials.PAT_OTHER})
        alice.query("SET trigger_fdw.environment = 'staging'")
        self.assertEqual(alice.query(everyone.format("v")), [[alpha, "staging", None, "stg"]])

    def test_settings_and_view_beside_table(self):
        """In one query, the session's token is the table's and not the view's."""
        self.as_role("alice").query("CREATE VIEW who.v AS SELECT * FROM who.runs;"
                                    "GRANT SELECT ON who.v TO bob")
        bob = self.as_role("bob")
        bob.query(f"SET trigger_fdw.access_token = {quote(credentials.TR_DEV)}")
        rows = bob.query("SELECT environment, count(*) FROM (SELECT * FROM who.v UNION ALL"
                         " SELECT * FROM who.runs) s GROUP BY 1 ORDER BY 1")
        self.assertEqual(rows, [["dev", "40"], ["prod", "307"]])
        self.assertEqual(self.sent(), {PROD, credentials.TR_DEV})

    def test_settings_and_security_definer(self):
        """Such functions see their caller's settings like any other; they can pin them."""
        self.s.query("ALTER USER MAPPING FOR alice SERVER who OPTIONS (DROP secret_key,"
                     f" ADD personal_access_token {quote(credentials.PAT)},"
                     " ADD environment 'prod')")
        query = "$$ SELECT min(value) FROM who.envvars WHERE name = 'LOG_LEVEL' $$"
        pins = " ".join(f"SET trigger_fdw.{name} = ''" for name in
                        ("access_token", "project_ref", "environment", "branch"))
        self.as_role("alice").query(
            "SELECT trigger_fdw_version();"
            f"CREATE FUNCTION who.f() RETURNS text LANGUAGE sql SECURITY DEFINER AS {query};"
            f"CREATE FUNCTION who.g() RETURNS text LANGUAGE sql SECURITY DEFINER {pins}"
            f" AS {query}")
        bob = self.as_role("bob")
        bob.query("SELECT trigger_fdw_version(); SET trigger_fdw.environment = 'staging'")
        self.assertEqual((bob.one("SELECT who.f()"), bob.one("SELECT who.g()")), ("stg", "prod"))
        bob.query(f"SET trigger_fdw.access_token = {quote(STG)}")
        bob.one("SELECT who.f()")
        self.assertIn(STG, self.sent())
        self.assertEqual(bob.one("SELECT who.g()"), "prod")
        self.assertEqual(self.sent(), {credentials.PAT})


if __name__ == "__main__":
    main()
