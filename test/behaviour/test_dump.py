"""pg_dump and restore of a database with servers, mappings and tables."""
import os
import subprocess

from base import Case, cluster, create_server, credentials, emulator, main, quote
from cluster import bindir


class Dump(Case):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with cluster().connect() as admin:
            admin.query("CREATE ROLE owner_ LOGIN")
            admin.query("CREATE ROLE nobody_ LOGIN")
            admin.query("CREATE DATABASE source")
        with cluster().connect(database="source") as s:
            s.query("CREATE EXTENSION trigger_fdw;"
                    "GRANT USAGE ON FOREIGN DATA WRAPPER trigger_fdw TO owner_;"
                    "GRANT CREATE ON DATABASE source TO owner_")
        with cluster().connect(database="source", user="owner_") as s:
            create_server(s, "dumped", emulator().url, "dumped",
                          {"project_ref": credentials.PROJECT_ALPHA, "page_size": 50,
                           "concurrency": 2, "max_retries": 1}, secret_key=credentials.TR_PROD)
            s.query("CREATE USER MAPPING FOR owner_ SERVER dumped OPTIONS"
                    f" (personal_access_token {quote(credentials.PAT)}, environment 'staging')")
            s.query("CREATE USER MAPPING FOR nobody_ SERVER dumped")
            s.query("""
                CREATE FOREIGN TABLE dumped.mine (
                    key text OPTIONS (field 'id'), "Odd ""name" text
                    OPTIONS (field 'status') COLLATE "C", cost_in_cents numeric(10, 2))
                    SERVER dumped OPTIONS (resource 'runs', page_size '20');
                CREATE VIEW dumped.failed AS SELECT * FROM dumped.runs WHERE status = 'FAILED';
                CREATE FUNCTION dumped.n() RETURNS bigint LANGUAGE sql SECURITY DEFINER
                    SET trigger_fdw.environment = 'staging'
                    AS 'SELECT count(*) FROM dumped.envvars'""")

    @classmethod
    def tearDownClass(cls):
        with cluster().connect() as admin:
            for name in ("source", "restored"):
                admin.query(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            admin.query("DROP ROLE owner_, nobody_")

    def program(self, *arguments, stdin=None, **environment):
        done = subprocess.run([os.path.join(bindir(), arguments[0]), *arguments[1:]], input=stdin,
                              env={**self.cluster.environment(), **environment}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def restore(self, dump):
        self.s.query("DROP DATABASE IF EXISTS restored WITH (FORCE)")
        self.s.query("CREATE DATABASE restored")
        self.program("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "restored", stdin=dump)
        return self.session(database="restored")

    def test_superuser(self):
        """A dump that may see everything restores to the same thing."""
        dump = self.program("pg_dump", "source")
        restored = self.restore(dump)
        self.assertEqual(self.emulator.requests(), [])
        # psql's \restrict keys differ from dump to dump
        again = self.program("pg_dump", "restored")
        self.assertEqual(self.comparable(again), self.comparable(dump))
        self.assertIn("CREATE USER MAPPING FOR nobody_ SERVER dumped", dump)
        self.assertEqual(restored.one("SELECT count(*) FROM dumped.runs"), "307")
        self.assertEqual(set(self.keys_sent()), {credentials.TR_PROD})
        self.assertTrue(all("size%5D=50" in r["target"] for r in self.emulator.records()))
        self.assertEqual(restored.one('SELECT count("Odd ""name") FROM dumped.mine'), "307")
        self.assertEqual(restored.one("SELECT dumped.n()"), "30")
        nobody = self.session(database="restored", user="nobody_")
        restored.query("GRANT USAGE ON SCHEMA dumped TO nobody_;"
                       "GRANT SELECT ON ALL TABLES IN SCHEMA dumped TO nobody_")
        self.assert_error(nobody.error("SELECT count(*) FROM dumped.runs"), "28000",
                          "no credential", "ALTER USER MAPPING")

    @staticmethod
    def comparable(dump):
        return [line for line in dump.splitlines() if not line.startswith("\\")]

    def test_without_secrets(self):
        """Who may not see the mappings' options dumps empty ones; they restore, too."""
        self.s.query("GRANT pg_read_all_data TO nobody_")
        with self.cluster.connect(database="source") as admin:
            admin.query("GRANT USAGE ON FOREIGN SERVER dumped TO nobody_")
        dump = self.program("pg_dump", "source", PGUSER="nobody_")
        for secret in (credentials.TR_PROD, credentials.PAT):
            self.assertNotIn(secret, dump)
        self.assertEqual(dump.count("CREATE USER MAPPING FOR"), 3)
        restored = self.restore(dump)
        self.assert_error(restored.error("SELECT count(*) FROM dumped.runs"), "28000")
        self.assertEqual(self.emulator.requests(), [])
        restored.query("ALTER USER MAPPING FOR PUBLIC SERVER dumped OPTIONS"
                       f" (ADD secret_key {quote(credentials.TR_PROD)})")
        self.assertEqual(restored.one("SELECT count(*) FROM dumped.runs"), "307")
        # the view reads with its owner's mapping
        self.assert_error(restored.error("SELECT count(*) FROM dumped.failed"), "28000")
        restored.query("ALTER USER MAPPING FOR owner_ SERVER dumped OPTIONS"
                       f" (ADD secret_key {quote(credentials.TR_PROD)})")
        self.assertEqual(restored.one("SELECT count(*) FROM dumped.failed"),
                         restored.one("SELECT count(*) FROM dumped.runs"
                                      " WHERE status = 'FAILED'"))

    def test_data_only_dump_asks_nobody(self):
        self.program("pg_dump", "--data-only", "source")
        self.assertEqual(self.emulator.requests(), [])


if __name__ == "__main__":
    main()
