"""Databases that are not UTF-8, and names that are not ASCII."""
import time

from base import Case, credentials, cluster, create_default, emulator, main, quote

TAG, TASK = "größe", "tâche-é"


class Encodings(Case):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # "größe" and "tâche-é" exist in LATIN1, the row after it has text that does not
        made = emulator().control("POST", "/runs", [
            {"id": "run_latin", "task": TASK, "tags": [TAG], "status": "CANCELED",
             "metadata_text": '{"grüße": "ñ", "escaped": "\\u00fc"}', "queue": "schlange-ü",
             "environment": "stg", "created_at": int(time.time() * 1000) - 5000},
            {"id": "run_wide", "task": "wide", "tags": ["日本", TAG], "status": "CANCELED",
             "metadata_text": '{"k": "✓"}', "environment": "stg"}])
        assert "run_latin" in made
        with cluster().connect() as admin:
            for name, encoding in (("latin", "LATIN1"), ("ascii", "SQL_ASCII")):
                admin.query(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C'"
                            " LC_CTYPE 'C' TEMPLATE template0")
                with cluster().connect(database=name) as session:
                    create_default(session, emulator().url)
                    session.query("ALTER USER MAPPING FOR PUBLIC SERVER prod OPTIONS"
                                  f" (SET secret_key {quote(credentials.TR_STG)})")

    @classmethod
    def tearDownClass(cls):
        with cluster().connect() as admin:
            for name in ("latin", "ascii"):
                admin.query(f"DROP DATABASE {name} WITH (FORCE)")
        emulator().reset()

    def setUp(self):
        super().setUp()
        self.latin = self.session(database="latin")
        self.ascii = self.session(database="ascii")

    def targets(self):
        return [record["target"] for record in self.emulator.records()]

    def test_values_convert(self):
        row = self.latin.query("SELECT task_identifier, tags, metadata->>'grüße',"
                               " metadata->>'escaped', octet_length(task_identifier)"
                               " FROM prod.runs WHERE id = 'run_latin'")
        self.assertEqual(row, [[TASK, "{" + TAG + "}", "ñ", "ü", str(len(TASK))]])

    def test_value_that_does_not_fit(self):
        """An error that names the text's fault, only if the column is wanted."""
        for column in ("tags", "metadata"):
            error = self.latin.error(f"SELECT {column} FROM prod.runs WHERE id = 'run_wide'")
            self.assert_error(error, "22P05", "LATIN1")
        self.assertEqual(self.latin.query("SELECT task_identifier, status FROM prod.runs"
                                          " WHERE id = 'run_wide'"), [["wide", "CANCELED"]])
        self.assertEqual(self.latin.one("SELECT count(*) FROM prod.runs"), "42")
        # the session goes on
        self.assertEqual(self.latin.one("SELECT task_identifier FROM prod.runs"
                                        " WHERE id = 'run_latin'"), TASK)

    def test_variables(self):
        self.assert_error(self.latin.error("SELECT value FROM prod.envvars"), "22P05")
        self.assertEqual(self.latin.one("SELECT value FROM prod.envvars WHERE name = 'EQUALS'"),
                         "a=b=c&d")
        self.assertEqual(self.latin.one("SELECT count(name) FROM prod.envvars"), "30")

    def test_filters_arrive_as_utf8(self):
        for session in (self.s, self.latin, self.ascii):
            for column, value, param in (("task_identifier", TASK, "taskIdentifier"),
                                         ("queue", "schlange-ü", "queue"),
                                         ("region", "süd", "region")):
                self.emulator.clear()
                session.query(f"SELECT id FROM prod.runs WHERE {column} = '{value}'")
                encoded = "".join(c if c.isascii() else
                                  "".join(f"%{b:02X}" for b in c.encode()) for c in value)
                self.assertIn(f"filter%5B{param}%5D={encoded}&", self.targets()[0])

    def test_filtered_rows(self):
        for session in (self.latin, self.ascii):
            self.assertEqual(session.column("SELECT id FROM prod.runs WHERE"
                                            f" task_identifier = '{TASK}'"), ["run_latin"])
            self.assertEqual(session.query("SELECT id, queue FROM prod.runs WHERE"
                                           " queue = 'schlange-ü'"), [["run_latin", "schlange-ü"]])
        self.assertEqual(sorted(self.ascii.column(
            f"SELECT id FROM prod.runs WHERE '{TAG}' = ANY (tags)")), ["run_latin", "run_wide"])

    def test_ids_arrive_as_utf8(self):
        for session in (self.s, self.latin, self.ascii):
            self.emulator.clear()
            self.assertEqual(session.query("SELECT id FROM prod.runs WHERE id = 'run_é'"), [])
            self.assertEqual(self.targets()[0], "/api/v3/runs/run_%C3%A9")

    def test_sql_ascii_passes_bytes(self):
        self.assertEqual(self.ascii.one("SELECT tags FROM prod.runs WHERE id = 'run_wide'"),
                         "{" + "größe,日本" + "}")
        self.assertEqual(self.ascii.one("SELECT octet_length(task_identifier) FROM prod.runs"
                                        " WHERE id = 'run_latin'"), str(len(TASK.encode())))
        self.assertEqual(self.ascii.one("SELECT value FROM prod.envvars WHERE name = 'UNICODE'"),
                         "héllo ✓ 日本 😀")

    def test_sql_ascii_with_broken_bytes(self):
        """A value that is no UTF-8 finds nothing, or says so; it is never sent."""
        self.emulator.clear()
        try:
            rows = self.ascii.query("SELECT id FROM prod.runs WHERE task_identifier = E'\\xff'")
            self.assertEqual(rows, [])
        except Exception as error:
            self.assertEqual(error.sqlstate, "22021", str(error))
        self.assertFalse([t for t in self.targets() if "%FF" in t.upper()])

    def test_error_texts_of_the_api(self):
        """Words of an error body that the database cannot hold do not hide the error."""
        for session in (self.s, self.latin, self.ascii):
            self.emulator.faults({"match": {}, "action": {
                "kind": "status", "status": 400, "body": '{"error":"nicht möglich: 日本 ✓"}'}})
            error = session.error("SELECT id FROM prod.runs")
            self.assert_error(error, "22023", "HTTP status 400", "nicht m")

    def test_client_encoding(self):
        """A UTF-8 database and a LATIN1 client: core converts, our requests stay UTF-8."""
        client = self.session(client_encoding="LATIN1")
        client.query("SET client_encoding = 'LATIN1'")
        self.emulator.clear()
        self.assertEqual(client.query("SELECT id FROM prod.runs WHERE task_identifier ="
                                      " convert_from('\\xe9', 'LATIN1')"), [])
        self.assertIn("taskIdentifier%5D=%C3%A9", self.targets()[0])


if __name__ == "__main__":
    main()
