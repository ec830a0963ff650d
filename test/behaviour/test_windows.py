"""A long list is read in several windows of time at once: the same rows in the same order."""
import math
import random
import re
import time

from base import Case, Emulator, PgError, credentials, descriptors, main, wait_until

NOW = 1780272000000
DAY = 86400000
CONCURRENCY = (1, 2, 3, 8, 32)
SETTINGS = ({}, {}, {"page_short": True}, {"empty_pages": 1}, {"hydrate_drop": 0.3},
            {"latency_jitter_ms": 8})
BULK = 6000


def times(rng, count):
    """When the runs of a random set were created, over up to 400 days."""
    found, when = [], NOW - rng.randrange(DAY)
    while len(found) < count and when > NOW - 400 * DAY:
        kind = rng.random()
        if kind < 0.1:          # many in one millisecond
            found += [when] * rng.choice((2, 5, 40, 130))
        elif kind < 0.4:        # dense, neighbouring milliseconds among them
            for _ in range(rng.randrange(1, 300)):
                found.append(when)
                when -= rng.choice((0, 1, 1, 2, 50))
        elif kind < 0.9:        # as usual
            for _ in range(rng.randrange(1, 200)):
                found.append(when)
                when -= rng.randrange(20000)
        else:                   # hardly any
            for _ in range(rng.randrange(1, 10)):
                found.append(when)
                when -= rng.randrange(5 * DAY)
        when -= 1
    return found[:count]


class Windows(Case):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own = Emulator("empty")
        cls.bulk = Emulator("bulk", BULK)

    @classmethod
    def tearDownClass(cls):
        cls.own.destroy()
        cls.bulk.destroy()

    def setUp(self):
        super().setUp()
        self.own.reset(dataset="empty", now=NOW)
        self.bulk.reset(dataset="bulk", runs=BULK)

    def fill(self, rng, count, environment="prod"):
        """Insert random runs; returns [(created_at, id)]."""
        self.own.control("POST", "/runs", [
            {"created_at": when, "status": "COMPLETED_SUCCESSFULLY", "task": "send-email",
             "environment": environment} for when in times(rng, count)])
        return [row["id"] for row in self.own.oracle("runs", environment)]

    def set(self, table="own.runs", **options):
        """Set options of a table."""
        for name, value in options.items():
            for verb in ("ADD", "SET"):
                try:
                    self.s.query(f"ALTER FOREIGN TABLE {table} OPTIONS ({verb} {name} '{value}')")
                    break
                except PgError as error:
                    self.assertEqual(error.sqlstate, "42710", str(error))

    def check_scan(self, table, ids, concurrency, source):
        """Read everything: each row once, the newest first, never too much at a time."""
        source.clear()
        rows = self.s.query("SELECT id, extract(epoch FROM created_at) FROM"
                            f" {table} ORDER BY created_at DESC")
        self.assertEqual(len(rows), len(ids))
        self.assertEqual({row[0] for row in rows}, set(ids))
        self.assertTrue(all(float(a[1]) >= float(b[1]) for a, b in zip(rows, rows[1:])))
        records = source.records()
        self.assertLessEqual(max(record["in_flight"] for record in records), concurrency)
        return records

    def test_random_sets(self):
        self.server("own", self.own.url)
        cut = 0
        for seed in range(24):
            rng = random.Random(seed)
            self.own.reset(dataset="empty", now=NOW)
            size = rng.choice((3, 10, 50, 100))
            ids = self.fill(rng, rng.randrange(1, 22 * size))
            settings = SETTINGS[seed % len(SETTINGS)]
            self.own.settings(latency_ms=1, **settings)
            self.set(page_size=size)
            for concurrency in CONCURRENCY:
                with self.subTest(seed=seed, size=size, rows=len(ids), settings=settings,
                                  concurrency=concurrency):
                    self.set(concurrency=concurrency)
                    records = self.check_scan("own.runs", ids, concurrency, self.own)
                    bounded = sum("createdAt%5D%5Bto" in record["target"] for record in records)
                    cut += bounded > 0
                    if concurrency == 1:
                        serial = len(records)
                        self.assertEqual(bounded, 0)
                        self.assertEqual(sum("after" not in r["target"] for r in records), 1)
                    elif len(ids) <= 4 * size:
                        self.assertLessEqual(len(records), serial)
                    elif not settings:
                        self.assertLessEqual(len(records), 1.6 * serial + concurrency + 4)
        self.assertGreater(cut, 30, "lists that were cut")

    def test_lower_bound(self):
        """The query's own bounds are kept by every window."""
        self.server("own", self.own.url, {"concurrency": 8, "page_size": 20})
        rng = random.Random(7)
        self.fill(rng, 1500)
        rows = sorted((row["createdAt"], row["id"]) for row in self.own.oracle("runs"))
        for low, high in ((100, 1400), (700, 900), (0, 300)):
            self.own.clear()
            found = self.s.column("SELECT id FROM own.runs WHERE created_at >="
                                  f" '{rows[low][0]}' AND created_at <= '{rows[high][0]}'")
            self.assertEqual(sorted(found), sorted(
                row[1] for row in rows if rows[low][0] <= row[0] <= rows[high][0]))
            bounds = [re.findall(r"createdAt\]\[(?:from|to)\]=(\d+)", line)
                      for line in self.own.requests()]
            self.assertTrue(all(len(pair) == 2 for pair in bounds), bounds)
            self.assertGreaterEqual(min(int(low) for low, _ in bounds), min(
                int(low) for low, _ in bounds[:1]))

    def test_several_lists(self):
        """Lists of two environments are merged; they share what may be under way."""
        self.server("own", self.own.url, {"page_size": 20}, personal_access_token=credentials.PAT)
        rng = random.Random(3)
        ids = self.fill(rng, 1400) + self.fill(rng, 600, "stg")
        self.own.settings(latency_ms=3)
        for concurrency in CONCURRENCY:
            with self.subTest(concurrency=concurrency):
                self.set(concurrency=concurrency)
                records = self.check_scan(
                    "(SELECT * FROM own.runs WHERE environment IN ('prod', 'staging')) q", ids,
                    concurrency, self.own)
                if concurrency >= 8:
                    self.assertGreater(max(record["in_flight"] for record in records), 3)

    def test_as_wide_as_allowed(self):
        """Requests overlap, and are hardly more than there are pages."""
        self.server("bulk", self.bulk.url, {"concurrency": 8})
        self.bulk.settings(latency_ms=50)
        self.assertEqual(self.s.one("SELECT count(*) FROM bulk.runs"), str(BULK))
        records = self.bulk.records()
        self.assertEqual(max(record["in_flight"] for record in records), 8)
        self.assertLess(len(records), BULK / 100 * 1.12 + 8)
        # most of them arrive while most of the others are under way
        self.assertGreater(sum(record["in_flight"] >= 4 for record in records),
                           len(records) / 2)
        # serial at first
        self.assertTrue(all(record["in_flight"] == 1 for record in records[:4]))

    def test_limits(self):
        """LIMIT reads what it must: exactly so for few pages, about so for many."""
        self.server("bulk", self.bulk.url, {"concurrency": 8})
        for limit in (1, 99, 100, 101, 400, 401, 1000, 2500):
            pages = math.ceil(limit / 100)
            with self.subTest(limit=limit):
                self.bulk.clear()
                rows = self.s.query("SELECT id FROM bulk.runs ORDER BY created_at DESC"
                                    f" LIMIT {limit}")
                self.assertEqual(len(rows), limit)
                made = len(self.bulk.records())
                if limit <= 400:
                    self.assertEqual(made, pages)
                self.assertLessEqual(made, pages * 1.2 + 1)
            with self.subTest(limit=limit, hint=False):
                # how many rows it takes is not known here
                self.bulk.clear()
                rows = self.s.query("SELECT id FROM bulk.runs WHERE duration_ms >= 0"
                                    f" ORDER BY created_at DESC LIMIT {limit}")
                self.assertEqual(len(rows), limit)
                made = len(self.bulk.records())
                if limit <= 400:
                    self.assertEqual(made, pages)
                self.assertLessEqual(made, pages * 2)

    def test_cursor(self):
        """A cursor gets what it fetches; what runs ahead of it is bounded."""
        self.server("bulk", self.bulk.url, {"concurrency": 8})
        self.s.query("BEGIN; DECLARE c CURSOR FOR SELECT id FROM bulk.runs")
        seen = []
        for _ in range(45):
            seen += self.s.column("FETCH 50 FROM c")
            made = len(self.bulk.records())
            pages = math.ceil(len(seen) / 100)
            self.assertLessEqual(made, 2 * pages + 3)
            self.assertLessEqual(made, pages * 1.2 + 12)
        # a run that comes while it is open is not seen, as ever
        self.bulk.control("POST", "/runs", [{"task": "send-email",
                                            "status": "COMPLETED_SUCCESSFULLY"}])
        seen += self.s.column("FETCH ALL FROM c")
        self.s.query("COMMIT")
        self.assertEqual((len(seen), len(set(seen))), (BULK, BULK))

    def test_no_clock(self):
        """No bound is newer than the newest row, whatever the time is here."""
        self.server("own", self.own.url, {"concurrency": 8, "page_size": 10})
        rng = random.Random(5)
        newest = max(times(random.Random(5), 500))
        ids = self.fill(rng, 500)
        records = self.check_scan("own.runs", ids, 8, self.own)
        bounds = [int(found) for record in records
                  for found in re.findall(r"to%5D=(\d+)", record["target"])]
        self.assertTrue(bounds)
        self.assertLessEqual(max(bounds), newest)

    def test_rows_of_the_future(self):
        """Some are newer than the server's clock, which takes no later upper bound."""
        self.server("own", self.own.url, {"concurrency": 8, "page_size": 10})
        self.own.reset(dataset="empty")
        now = int(time.time() * 1000)
        self.own.control("POST", "/runs", [
            {"created_at": now + 300000 - 2000 * n, "status": "COMPLETED_SUCCESSFULLY",
             "task": "send-email"} for n in range(600)])
        ids = [row["id"] for row in self.own.oracle("runs")]
        self.check_scan("own.runs", ids, 8, self.own)

    def test_unordered_rows(self):
        """Rows in another order are an error, not a list with a hole."""
        self.server("own", self.own.url, {"concurrency": 8, "page_size": 10})
        self.fill(random.Random(9), 300)
        self.own.settings(unordered=True)
        self.assert_error(self.s.error("SELECT id FROM own.runs"), "08P01", "promised order")

    def test_error_in_a_window(self):
        self.server("bulk", self.bulk.url, {"concurrency": 8, "max_retries": 0})
        self.bulk.faults({"match": {"path_regex": "/runs", "nth": 17},
                          "action": {"kind": "status", "status": 500}})
        self.assert_error(self.s.error("SELECT count(*) FROM bulk.runs"), "HV000")
        self.assertEqual(self.s.one("SELECT count(*) FROM bulk.runs"), str(BULK))

    def refused(self):
        return sum(record["status"] == 429 for record in self.bulk.records())

    def test_rate_limit(self):
        """A scan takes what the budget has, waits for more, and is hardly ever refused."""
        self.server("bulk", self.bulk.url, {"concurrency": 8})
        self.bulk.settings(latency_ms=5, rate_limit={"burst": 40, "refill_per_10s": 40})
        self.s.query("SELECT id FROM bulk.runs LIMIT 1")
        self.bulk.clear()
        self.assertEqual(self.s.one("SELECT count(*) FROM bulk.runs"), str(BULK))
        self.assertLessEqual(self.refused(), 2)
        records = self.bulk.records()
        self.assertGreater(len(records), BULK / 100)
        self.assertEqual(max(record["in_flight"] for record in records), 8)

    def test_rate_limit_of_two(self):
        """Two scans of a session share what is left."""
        self.server("bulk", self.bulk.url, {"concurrency": 16})
        self.bulk.settings(latency_ms=5, rate_limit={"burst": 60, "refill_per_10s": 60})
        rows = self.s.one("SELECT count(*) FROM (SELECT id FROM bulk.runs UNION ALL"
                          " SELECT id FROM bulk.runs) q")
        self.assertEqual(rows, str(2 * BULK))
        self.assertLessEqual(self.refused(), 3)

    def test_rate_limit_cannot_be_waited_for(self):
        """What may not be waited for is left to the server to refuse."""
        self.server("bulk", self.bulk.url, {"concurrency": 8, "rate_limit_wait": 0})
        self.bulk.settings(rate_limit={"burst": 30, "refill_per_10s": 30})
        self.assert_error(self.s.error("SELECT count(*) FROM bulk.runs"), "53400")
        self.assertGreater(self.refused(), 0)

    def test_cancel_in_the_middle(self):
        self.server("bulk", self.bulk.url, {"concurrency": 8})
        self.bulk.settings(latency_ms=30)
        counts = []
        for _ in range(4):
            self.bulk.clear()
            self.s.send("SELECT count(*) FROM bulk.runs")
            wait_until(lambda: len(self.bulk.records()) > 20, "requests")
            began = time.monotonic()
            self.s.cancel()
            with self.assertRaises(PgError) as caught:
                self.s.result()
            self.assertEqual(caught.exception.sqlstate, "57014")
            self.assertLess(time.monotonic() - began, 1)
            made = len(self.bulk.records())
            self.assertLess(made, BULK / 100)
            counts.append(descriptors(self.s.pid))
        self.assertLessEqual(counts[-1], counts[1], counts)
        self.bulk.settings(latency_ms=None)
        self.assertEqual(self.s.one("SELECT count(*) FROM bulk.runs"), str(BULK))
        self.assertLessEqual(descriptors(self.s.pid), counts[1] + 8)


if __name__ == "__main__":
    main()
