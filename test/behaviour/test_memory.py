"""Memory is bounded by pages, not by the result."""
import threading
import time

from base import Case, Emulator, main, private_kb

RUNS = 200000
MORE_KB = 8 * 1024


class Memory(Case):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bulk = Emulator("bulk", RUNS)

    @classmethod
    def tearDownClass(cls):
        cls.bulk.destroy()

    def setUp(self):
        super().setUp()
        # the just-in-time compiler takes 10 MB of its own
        self.s.query("SET jit = off")

    def sample(self, query):
        """Highest private memory while a query runs, its answer, and how long it took."""
        most, done = [private_kb(self.s.pid)], threading.Event()

        def watch():
            while not done.wait(0.01):
                most[0] = max(most[0], private_kb(self.s.pid))
        thread = threading.Thread(target=watch)
        thread.start()
        began = time.monotonic()
        try:
            answer = self.s.query(query)
        finally:
            done.set()
            thread.join()
        return most[0], answer, time.monotonic() - began

    def compare(self, query, count):
        small, answer, _ = self.sample(query.format("1000"))
        self.assertEqual(answer[0][0], "1000")
        large, answer, seconds = self.sample(query.format(str(RUNS)))
        self.assertEqual(answer[0][0], str(count))
        print(f"    peak {small} kB for 1,000 rows, {large} kB for {count} in {seconds:.1f} s")
        self.assertLess(large - small, MORE_KB)

    def test_list(self):
        """All columns of 200,000 runs."""
        self.server("bulk", self.bulk.url)
        self.compare("SELECT count(id), count(metadata), count(tags), max(cost_in_cents) FROM"
                     " (SELECT * FROM bulk.runs LIMIT {}) q", RUNS)

    def test_list_in_windows(self):
        """The same with eight requests under way."""
        self.server("bulk", self.bulk.url, {"concurrency": 8})
        self.compare("SELECT count(id), count(metadata), count(tags), max(cost_in_cents) FROM"
                     " (SELECT * FROM bulk.runs LIMIT {}) q", RUNS)

    def test_pages_of_rescans(self):
        """A scan that is begun again many times in one statement keeps nothing of the former."""
        self.server("bulk", self.bulk.url)
        self.s.query("SET enable_material = off; SET enable_hashjoin = off;"
                     "SET enable_mergejoin = off; SET enable_memoize = off")
        query = ("SELECT count(*) FROM generate_series(1, {}) g, LATERAL (SELECT id FROM"
                 " bulk.runs WHERE depth < g ORDER BY created_at DESC LIMIT 20) r")
        few, _, _ = self.sample(query.format(5))
        many, answer, _ = self.sample(query.format(600))
        self.assertEqual(answer[0][0], "12000")
        print(f"    peak {few} kB after 5 scans, {many} kB after 600")
        self.assertLess(many - few, 1024)

    def test_look_ups(self):
        """2,000 look-ups in one statement: one by one, in batches, and in batches that do not
        fit into work_mem."""
        self.server("bulk", self.bulk.url)
        self.s.query("CREATE TEMP TABLE ids AS SELECT id FROM bulk.runs LIMIT 2000;"
                     "SET enable_hashjoin = off; SET enable_mergejoin = off;"
                     "SET enable_memoize = off")
        query = ("SELECT count(payload), count(*), sum(length(d.payload::text)) FROM"
                 " (SELECT id FROM ids LIMIT {}) i JOIN bulk.run_details d ON d.id = i.id")
        sums = set()
        for batched, memory, more in (("off", "4MB", 0), ("on", "64kB", 0), ("on", "1MB", 1024)):
            self.s.query(f"SET trigger_fdw.enable_batched_lookups = {batched};"
                         f"SET work_mem = '{memory}'")
            few, _, _ = self.sample(query.format(50))
            many, answer, seconds = self.sample(query.format(2000))
            self.assertEqual(answer[0][1], "2000")
            sums.add(answer[0][2])
            print(f"    peak {few} kB after 50 look-ups, {many} kB after 2,000 in {seconds:.1f} s"
                  f" (batches {batched}, work_mem {memory})")
            self.assertLess(many - few, 1024 + more)
        self.assertEqual(len(sums), 1)

    def test_statements(self):
        """A session of many statements does not grow."""
        def some(n):
            for _ in range(n):
                self.s.query("SELECT id, metadata FROM prod.runs;"
                             "SELECT value FROM prod.envvars WHERE name = 'JSON'")
            return private_kb(self.s.pid)
        first = some(20)
        last = some(150)
        print(f"    {first} kB after 20 statements, {last} kB after 170")
        self.assertLess(last - first, 512)


if __name__ == "__main__":
    main()
