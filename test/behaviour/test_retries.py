"""What is asked again, how often and after how long; what EXPLAIN ANALYZE says of it."""
import time

from base import Case, credentials, main

QUERY = "SELECT count(*) FROM {}.schedules WHERE id <> ''"


def status(code, times=1, **headers):
    return {"match": {}, "times": times,
            "action": {"kind": "status", "status": code, "headers": headers}}


def limited(reset, seconds, times=1):
    return {"match": {}, "times": times,
            "action": {"kind": "rate_limit", "reset": reset, "seconds": seconds}}


class Retries(Case):

    def analyzed(self, query="SELECT id FROM prod.schedules"):
        """The properties that EXPLAIN ANALYZE shows of the scan."""
        plan = self.s.column(f"EXPLAIN (ANALYZE, COSTS off) {query}")
        found = dict(line.strip().split(": ", 1) for line in plan if ": " in line)
        found["rows"] = next(line.split("rows=")[1].split()[0] for line in plan if "rows=" in line)
        return found

    def test_server_errors(self):
        for code in (500, 502, 503, 504, 408):
            with self.subTest(code):
                self.emulator.faults(status(code))
                self.emulator.clear()
                found = self.analyzed()
                self.assertEqual((found["rows"], found["Retries"], found["Requests"]),
                                 ("230", "1", "4"))
                self.assertEqual(len(self.emulator.requests()), 4)

    def test_three_errors_in_a_row(self):
        """500, then 502, then 503: the fourth attempt succeeds, with max_retries 3."""
        self.emulator.faults(status(500), status(502), status(503))
        began = time.monotonic()
        found = self.analyzed("SELECT id FROM prod.runs")
        self.assertEqual((found["rows"], found["Retries"]), ("307", "3"))
        self.assertGreater(time.monotonic() - began, 1.0)       # 0.5 + 1 + 2 s, 20 % less each
        self.assertGreater(float(found["Back-Off"].split()[0]), 1000)

    def test_one_error_too_many(self):
        self.server("two", options={"max_retries": 2})
        self.emulator.faults(status(503, 0, **{"Retry-After": "0"}))
        error = self.s.error(QUERY.format("two"))
        self.assert_error(error, "HV000", "503", "/api/v1/schedules")
        self.assertEqual(len(self.emulator.requests()), 3)

    def test_errors_on_a_later_page(self):
        self.emulator.faults({"match": {"path_regex": "after", "nth": 2},
                              "action": {"kind": "status", "status": 502}})
        rows = self.s.column("SELECT id FROM prod.runs")
        self.assertEqual((len(rows), len(set(rows))), (307, 307))
        self.assertEqual(len(self.emulator.requests()), 5)

    def test_final_errors(self):
        """Other 4xx say what is wrong with the request: asked once."""
        for code, sqlstate in ((400, "22023"), (401, "28000"), (403, "42501"), (404, "42704"),
                               (409, "23505"), (413, "54000"), (422, "22023")):
            with self.subTest(code):
                self.emulator.faults(status(code, 0))
                self.emulator.clear()
                self.assert_error(self.s.error(QUERY.format("prod")), sqlstate, str(code))
                self.assertEqual(len(self.emulator.requests()), 1)

    def test_should_retry_false(self):
        for code in (500, 503, 429):
            with self.subTest(code):
                self.emulator.faults(status(code, 0, **{"x-should-retry": "false"}))
                self.emulator.clear()
                self.assert_error(self.s.error(QUERY.format("prod")),
                                  "53400" if code == 429 else "HV000")
                self.assertEqual(len(self.emulator.requests()), 1)
                self.s.query("SELECT trigger_fdw_disconnect('prod')")

    def test_should_retry_does_not_heal_other_errors(self):
        self.emulator.faults(status(400, 0, **{"x-should-retry": "true"}))
        self.assert_error(self.s.error(QUERY.format("prod")), "22023")
        self.assertEqual(len(self.emulator.requests()), 1)

    def test_fresh_run_that_is_not_replicated_yet(self):
        """404 with x-should-retry: asked again, at most twice, then there is no such row."""
        run = self.emulator.oracle("runs")[3]["id"]
        self.emulator.faults({"match": {"path_regex": "/api/v3/"}, "times": 2, "action": {
            "kind": "status", "status": 404, "headers": {"x-should-retry": "true"},
            "body": '{"error":"Not found"}'}})
        self.assertEqual(len(self.s.query(f"SELECT id FROM prod.runs WHERE id = '{run}'")), 1)
        self.emulator.faults()
        self.emulator.clear()
        self.assertEqual(self.s.query("SELECT id FROM prod.runs WHERE id = 'run_none'"), [])
        self.assertEqual(len(self.emulator.requests()), 3)

    def test_broken_connections(self):
        for kind, extra in (("reset_before", {}), ("reset_after", {}), ("reset_mid", {"bytes": 50}),
                            ("truncate", {"bytes": 300})):
            with self.subTest(kind):
                self.emulator.faults({"match": {}, "action": {"kind": kind, **extra}})
                self.assertEqual(self.s.one(QUERY.format("prod")), "230")
                self.emulator.faults({"match": {}, "times": 0, "action": {"kind": kind, **extra}})
                self.server(f"broken_{kind}", options={"max_retries": 1})
                self.emulator.clear()
                self.assert_error(self.s.error(QUERY.format(f"broken_{kind}")), "08006")
                self.assertEqual(len(self.emulator.requests()), 2)

    def test_request_timeout(self):
        self.server("short", options={"request_timeout": 150, "max_retries": 1})
        self.emulator.faults({"match": {}, "times": 0, "action": {"kind": "stall"}})
        began = time.monotonic()
        self.assert_error(self.s.error(QUERY.format("short")), "08006", "request_timeout")
        self.assertEqual(len(self.emulator.requests()), 2)
        self.assertLess(time.monotonic() - began, 3)
        self.emulator.faults({"match": {}, "action": {"kind": "stall"}})
        self.assertEqual(self.s.one(QUERY.format("short")), "230")

    def test_no_retries(self):
        """max_retries 0: what fails once has failed."""
        self.server("strict", options={"max_retries": 0})
        for fault, sqlstate in ((status(500), "HV000"), (status(503), "HV000"),
                                ({"match": {}, "action": {"kind": "truncate", "bytes": 10}},
                                 "08006")):
            self.emulator.faults(fault)
            self.emulator.clear()
            self.assert_error(self.s.error(QUERY.format("strict")), sqlstate)
            self.assertEqual(len(self.emulator.requests()), 1)
            self.assertEqual(self.s.one(QUERY.format("strict")), "230")

    def test_rate_limit(self):
        """429 in each convention: waited for as long as it says."""
        for reset, seconds, least, most in (("ms", 0.6, 0.5, 1.6), ("s", 1, 0.0, 3.5),
                                            ("retry-after", 1, 0.95, 2.2),
                                            ("none", 1, 0.3, 1.6)):
            with self.subTest(reset):
                self.emulator.faults(limited(reset, seconds))
                self.emulator.clear()
                began = time.monotonic()
                found = self.analyzed()
                elapsed = time.monotonic() - began
                print(f"    429 with {reset}, {seconds} s: {elapsed:.2f} s")
                self.assertEqual((found["rows"], found["Requests"], found["Rate Limit Waits"]),
                                 ("230", "4", "1"))
                self.assertTrue(least <= elapsed <= most, f"{elapsed:.2f} s")
                self.assertEqual(len(self.emulator.requests()), 4)

    def test_rate_limit_more_often_than_retries(self):
        """Waiting is bounded by rate_limit_wait, not by max_retries."""
        self.server("patient", options={"max_retries": 1})
        self.emulator.faults(limited("ms", 0.05, 3))
        self.assertEqual(self.s.one(QUERY.format("patient")), "230")
        self.assertEqual(len(self.emulator.requests()), 6)

    def test_rate_limit_that_is_too_long(self):
        self.server("hasty", options={"rate_limit_wait": 2})
        self.emulator.faults(limited("ms", 30, 0))
        began = time.monotonic()
        error = self.s.error(QUERY.format("hasty"))
        self.assert_error(error, "53400", "rate limit", "rate_limit_wait")
        self.assertLess(time.monotonic() - began, 1, "it waited although it cannot be enough")
        self.assertEqual(len(self.emulator.requests()), 1)
        # the limit is known: the next statement does not even ask
        self.emulator.clear()
        self.assert_error(self.s.error(QUERY.format("hasty")), "53400")
        self.assertEqual(self.emulator.requests(), [])

    def test_rate_limit_budget_of_a_statement(self):
        """All waits of one statement together."""
        self.server("budget", options={"rate_limit_wait": 1})
        self.emulator.faults(limited("ms", 0.4, 0))
        began = time.monotonic()
        self.assert_error(self.s.error(QUERY.format("budget")), "53400")
        self.assertLess(time.monotonic() - began, 2.5)
        self.assertIn(len(self.emulator.requests()), (2, 3))
        self.emulator.faults()
        self.s.query("SELECT pg_sleep(0.45)")       # the limit that the server named
        self.assertEqual(self.s.one(QUERY.format("budget")), "230")

    def test_no_wait_at_all(self):
        self.server("never", options={"rate_limit_wait": 0})
        self.emulator.faults(limited("ms", 0.3))
        self.assert_error(self.s.error(QUERY.format("never")), "53400")
        self.assertEqual(len(self.emulator.requests()), 1)

    def test_real_budget(self):
        """The emulator's own token bucket runs out in the middle of a statement."""
        self.emulator.settings(rate_limit={"burst": 3, "refill_per_10s": 3})
        self.server("bucket", options={"rate_limit_wait": 0, "page_size": 2,
                                       "project_ref": credentials.PROJECT_BETA},
                    secret_key=credentials.TR_BETA_PROD)
        self.assert_error(self.s.error("SELECT count(*) FROM bucket.runs"), "53400")
        self.assertEqual(len(self.emulator.requests()), 4)
        self.assertEqual(self.s.one("SELECT rate_limit_remaining FROM trigger_fdw_stats()"
                                    " WHERE server = 'bucket'"), "0")

    def test_statistics(self):
        """trigger_fdw_stats() counts what EXPLAIN showed."""
        self.server("counted")
        self.emulator.faults(status(503, 1, **{"Retry-After": "0"}), limited("ms", 0.05))
        self.s.query("SELECT id FROM counted.schedules")
        row = self.s.query("SELECT requests, retries, rate_limit_waits, bytes_received > 1000"
                           " FROM trigger_fdw_stats() WHERE server = 'counted'")[0]
        # three pages, and two of them asked for again
        self.assertEqual(row, ["5", "2", "1", "t"])


if __name__ == "__main__":
    main()
