"""Sessions are read whole and in order, however badly the list's own cursor pages."""
import http.client
import json
import os
import random

from base import Case, credentials, main

NOW = 1780272000000
DAY = 86400000
STATUSES = ("ACTIVE", "CLOSED")


class SessionPaging(Case):

    def setUp(self):
        super().setUp()
        self.server("paged")
        self.addCleanup(self.emulator.reset)        # the tests after this one have rows
        self.emulator.reset(dataset="empty", now=NOW)

    def insert(self, rng, number):
        """Sessions whose ids know nothing of their times, with ties and stale index entries."""
        moments = [NOW - rng.randrange(1, 40 * DAY) for _ in range(max(1, number // 3))]
        # so that whole pages are of one millisecond
        moments += [moments[0]] * (number // 2)
        rows = []
        for index in range(number):
            created = rng.choice(moments)
            closed = rng.random() < 0.5
            row = {"id": f"session_{rng.randrange(10 ** 12):012d}{index:04d}", "type": "t",
                   "task": "chat-agent", "created_at": created,
                   "external_id": f"e{index}", "tags": [rng.choice("abc")]}
            if closed:
                row.update(closed_at=created + 1, closed_reason="done")
            if rng.random() < 0.4:
                # the index still believes something else: pages come out short or empty
                row["indexed_as"] = list(STATUSES)
            rows.append(row)
        self.emulator.control("POST", "/sessions", rows)
        return sorted(((row["id"], row["created_at"], "closed_at" in row) for row in rows),
                      key=lambda row: -row[1])

    def check(self, rows, condition, wanted, size):
        wanted = [row for row in rows if wanted(row)]
        self.s.query(f"ALTER FOREIGN TABLE paged.sessions OPTIONS (SET page_size '{size}')")
        got = self.s.query("SELECT id, extract(epoch FROM created_at) * 1000 FROM paged.sessions"
                           f" WHERE {condition} ORDER BY created_at DESC")
        self.assertEqual(sorted(row[0] for row in got), sorted(row[0] for row in wanted))
        times = [float(row[1]) for row in got]
        self.assertEqual(times, sorted(times, reverse=True))

    def test_random(self):
        seed = 1 if os.environ.get("CI") else random.randrange(10 ** 6)
        rng = random.Random(seed)
        print(f"test_session_paging: seed {seed}")
        self.s.query("ALTER FOREIGN TABLE paged.sessions OPTIONS (ADD page_size '1')")
        for number in (1, 2, 7, 40, 90):
            self.emulator.reset(dataset="empty", now=NOW)
            rows = self.insert(rng, number)
            middle = rng.choice(rows)[1]
            for size in (1, 2, 3, rng.randrange(4, 40), 100):
                with self.subTest(seed=seed, number=number, size=size):
                    self.check(rows, "true", lambda row: True, size)
                    self.check(rows, "status = 'CLOSED'", lambda row: row[2], size)
                    self.check(rows, "status = 'ACTIVE'", lambda row: not row[2], size)
                    self.check(rows, "created_at <= 'epoch'::timestamptz + interval '1 ms' *"
                               f" {middle} AND status <> 'ACTIVE'",
                               lambda row: row[1] <= middle and row[2], size)
                    self.check(rows, "created_at = 'epoch'::timestamptz + interval '1 ms' *"
                               f" {middle}", lambda row: row[1] == middle, size)

    def ask(self, target):
        """The API's own answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.emulator.port, timeout=20)
        self.addCleanup(connection.close)
        connection.request("GET", target, headers={
            "Authorization": "Bearer " + credentials.TR_PROD})
        return json.load(connection.getresponse())

    def test_the_cursor_is_as_bad_as_that(self):
        """What the test above would miss if the emulator paged well."""
        rows = self.insert(random.Random(1), 90)
        seen = []
        cursor = ""
        while True:
            answer = self.ask("/api/v1/sessions?page[size]=7" + cursor)
            seen += [row["id"] for row in answer["data"]]
            if "next" not in answer["pagination"]:
                break
            cursor = "&page[after]=" + answer["pagination"]["next"]
        self.assertLess(len(set(seen)), len(rows))

    def test_page_by_page(self):
        """A cursor of SQL's asks for a page when it is needed, and no sooner."""
        self.insert(random.Random(2), 60)
        self.s.query("ALTER FOREIGN TABLE paged.sessions OPTIONS (ADD page_size '10')")
        self.emulator.clear()
        self.s.query("BEGIN; DECLARE c CURSOR FOR SELECT id FROM paged.sessions"
                     " ORDER BY created_at DESC; FETCH 3 FROM c")
        first = len(self.emulator.records())
        rows = self.s.column("FETCH ALL FROM c")
        self.s.query("COMMIT")
        self.assertLessEqual(first, 2)
        self.assertEqual(len(rows), 57)


if __name__ == "__main__":
    main()
