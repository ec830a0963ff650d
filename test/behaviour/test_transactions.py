"""Errors in the middle of a scan: the session and the transaction go on, nothing leaks."""
from base import Case, descriptors, main, private_kb, sockets

SCAN = "SELECT count(*) FROM prod.runs"
BAD_PAGE = {"match": {"path_regex": "after", "nth": 2}, "times": 0,
            "action": {"kind": "status", "status": 400}}
FAULTS = {
    "refused": (BAD_PAGE, "22023"),
    "not JSON": ({**BAD_PAGE, "action": {"kind": "body", "body": "<html>"}}, "08P01"),
    "cut JSON": ({**BAD_PAGE, "action": {"kind": "body", "body": '{"data":[{"id":"run_'}},
                 "08P01"),
    "wrong type": ({**BAD_PAGE, "action": {
        "kind": "body", "body": '{"data":[{"id":5}],"pagination":{}}'}}, "08P01"),
    "forbidden": ({**BAD_PAGE, "action": {"kind": "status", "status": 403}}, "42501"),
    "unauthorized": ({**BAD_PAGE, "action": {"kind": "status", "status": 401}}, "28000"),
    "server error": ({**BAD_PAGE, "action": {
        "kind": "status", "status": 500, "headers": {"x-should-retry": "false"}}}, "HV000"),
    "invalid UTF-8": ({**BAD_PAGE, "action": {
        "kind": "body", "base64": "eyJkYXRhIjpbeyJpZCI6InJ1bl//In1dfQ=="}}, "08P01"),
}


class Transactions(Case):

    def test_errors_in_the_middle(self):
        for name, (fault, sqlstate) in FAULTS.items():
            with self.subTest(name):
                self.emulator.faults(fault)
                query = "SELECT count(id) FROM prod.runs"
                self.assert_error(self.s.error(query), sqlstate)
                self.emulator.faults()
                self.assertEqual(self.s.one(SCAN), "307")

    def test_savepoints(self):
        """The transaction goes on after ROLLBACK TO, with its own writes and cursors."""
        self.s.query("CREATE TEMP TABLE kept (n integer); BEGIN; INSERT INTO kept VALUES (1);"
                     "DECLARE c CURSOR FOR SELECT id FROM prod.runs")
        rows = self.s.column("FETCH 5 FROM c")
        for name, (fault, sqlstate) in FAULTS.items():
            self.emulator.faults(fault)
            self.s.query("SAVEPOINT a")
            self.assert_error(self.s.error("SELECT count(id) FROM prod.runs"), sqlstate)
            self.assert_error(self.s.error("SELECT 1"), "25P02")
            self.s.query("ROLLBACK TO a; RELEASE a; INSERT INTO kept VALUES (2)")
            self.emulator.faults()
            self.assertEqual(self.s.one(SCAN), "307")
        rows += self.s.column("FETCH ALL FROM c")
        self.assertEqual(len(set(rows)), 307)
        self.s.query("COMMIT")
        self.assertEqual(self.s.one("SELECT sum(n) FROM kept"), str(1 + 2 * len(FAULTS)))

    def test_hundred_exceptions(self):
        """plpgsql catches an error in the middle of a scan, a hundred times and more."""
        block = """
            DO $$
            DECLARE caught integer := 0; whole integer := 0; n bigint;
            BEGIN
                FOR i IN 1..100 LOOP
                    BEGIN
                        SELECT count(id) INTO n FROM prod.runs
                            WHERE created_at > now() - interval '400 days' + i * interval '1 s';
                        whole := whole + 1;
                    EXCEPTION WHEN OTHERS THEN
                        ASSERT SQLSTATE IN ('22023', '08P01', '42501', '28000', 'HV000'), SQLERRM;
                        caught := caught + 1;
                    END;
                END LOOP;
                PERFORM set_config('test.caught', caught || '/' || whole, false);
            END $$"""
        counts, sizes = [], []
        for fault, _ in list(FAULTS.values())[:5]:
            self.emulator.faults(fault)
            self.s.query(block)
            self.assertEqual(self.s.one("SELECT current_setting('test.caught')"), "100/0")
            counts.append(descriptors(self.s.pid))
            sizes.append(private_kb(self.s.pid))
        self.assertEqual(counts[-1], counts[0])
        self.assertLess(sizes[-1] - sizes[0], 1024, f"kB: {sizes}")
        self.emulator.faults()
        self.assertEqual(self.s.one(SCAN), "307")

    def test_exceptions_with_scans_open(self):
        """An inner scan fails while an outer one is open: the outer one goes on."""
        self.emulator.faults({"match": {"path_regex": "schedules"}, "times": 0,
                              "action": {"kind": "status", "status": 400}})
        self.s.query("""
            DO $$
            DECLARE r record; n integer := 0; failed integer := 0;
            BEGIN
                FOR r IN SELECT id FROM prod.runs LOOP
                    n := n + 1;
                    BEGIN
                        PERFORM count(*) FROM prod.schedules;
                    EXCEPTION WHEN invalid_parameter_value THEN
                        failed := failed + 1;
                    END;
                END LOOP;
                ASSERT n = 307 AND failed = 307;
            END $$""")
        self.assertLess(len(sockets(self.s.pid)), 4)

    def test_errors_of_the_query_itself(self):
        """A division by zero at row 150 stops the scan; the next page is not awaited."""
        self.s.query("CREATE TEMP SEQUENCE n")
        counts = []
        for _ in range(30):
            self.s.query("SELECT setval('n', 1)")
            self.assert_error(self.s.error("SELECT 1 / (150 - nextval('n')) FROM prod.runs"),
                              "22012")
            counts.append(descriptors(self.s.pid))
        # core opens files as it comes to need them, so the first turns may differ; how many
        # of the four connections are open when the scan ends is chance
        self.assertLessEqual(counts[-1], max(counts[:10]) + 3, f"descriptors: {counts}")
        self.assertEqual(self.s.one(SCAN), "307")

    def test_errors_while_details_are_under_way(self):
        """Some of several retrieves fail; the others are cancelled."""
        self.emulator.faults({"match": {"path_regex": "/api/v3/runs/", "nth": 7}, "times": 0,
                              "action": {"kind": "status", "status": 403}})
        counts = []
        for _ in range(20):
            self.assert_error(self.s.error("SELECT payload FROM prod.run_details"), "42501")
            counts.append(descriptors(self.s.pid))
        # as many connections are kept as happened to be idle
        self.assertLessEqual(max(counts[10:]), min(counts) + 4, f"descriptors: {counts}")
        self.emulator.faults()
        self.assertEqual(self.s.one("SELECT count(*) FROM prod.run_details"), "307")

    def test_read_only_and_isolation_levels(self):
        for level in ("READ ONLY", "ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE",
                      "ISOLATION LEVEL REPEATABLE READ"):
            self.s.query(f"BEGIN {level}")
            self.assertEqual(self.s.one(SCAN), "307")
            self.s.query("COMMIT")

    def test_nested_subtransactions(self):
        """Scans begun in subtransactions that are released, not rolled back."""
        self.s.query("BEGIN")
        for depth in range(20):
            self.s.query(f"SAVEPOINT s{depth}; DECLARE c{depth} CURSOR FOR"
                         " SELECT id FROM prod.runs")
            self.s.query(f"FETCH 3 FROM c{depth}")
        for depth in range(19, 9, -1):
            self.s.query(f"RELEASE s{depth}")
        self.assertEqual(len(self.s.query("FETCH ALL FROM c15")), 304)
        self.s.query("ROLLBACK TO s3")
        self.assert_error(self.s.error("FETCH ALL FROM c5"), "34000")
        self.s.query("ROLLBACK TO s3")
        self.assertEqual(len(self.s.query("FETCH ALL FROM c1")), 304)
        self.s.query("COMMIT")
        self.assertEqual(self.s.one(SCAN), "307")


if __name__ == "__main__":
    main()
