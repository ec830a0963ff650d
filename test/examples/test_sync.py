"""examples/sync-runs.sql: after each refresh the copy is what the API has, for few requests."""
from base import Case, compare, main, wait_until

MINUTE = 60000
DAY = 86400000
READER = "tr_prod_sk_ReadsRunsAndNothing00001"
LISTS = {"path_regex": "^/api/v1/runs"}
DOWN = {"match": {}, "times": 0, "action": {"kind": "status", "status": 503,
                                            "headers": {"x-should-retry": "false"}}}


class Sync(Case):
    """The procedure, on a copy of this test's own."""

    COPY = "copy"

    def setUp(self):
        super().setUp()
        self.s.query(f"CREATE TABLE {self.COPY} (LIKE trigger_sync.runs INCLUDING INDEXES)")
        self.addCleanup(self.forget)

    def forget(self):
        with self.cluster.connect() as admin:
            admin.query("DELETE FROM trigger_sync.progress WHERE local = "
                        f"'{self.COPY}'::regclass; DROP TABLE {self.COPY}")

    def refresh(self, session=None, **parameters):
        """One refresh; returns its requests."""
        self.emulator.clear()
        (session or self.s).query(self.call(**parameters))
        return self.emulator.requests()

    def call(self, **parameters):
        listed = "".join(f", {name} => '{value}'" for name, value in parameters.items())
        return f"CALL trigger_sync.refresh('{self.COPY}', 'prod.runs'{listed})"

    def state(self, column):
        return self.s.one(f"SELECT {column} FROM trigger_sync.state WHERE local = "
                          f"'{self.COPY}'::regclass")

    def assert_same(self):
        self.assertEqual(compare(self.s, self.COPY, self.emulator), [])

    def assert_differs(self):
        """So that what makes it the same is what comes next."""
        self.assertNotEqual(compare(self.s, self.COPY, self.emulator), [])


class Small(Sync):

    def test_initial_fill(self):
        self.refresh()
        self.assert_same()
        self.assertEqual(self.state("rows"), str(len(self.emulator.oracle("runs"))))
        self.assertEqual(self.state("complete"), "t")
        self.assertEqual(self.state("lag < interval '10 seconds'"), "t")
        self.assertEqual(self.state("mark"), self.s.one(f"SELECT max(created_at) FROM {self.COPY}"))

    def test_nothing_there(self):
        self.emulator.reset(dataset="empty")
        self.refresh()
        self.assertEqual(self.state("rows"), "0")
        self.assertIsNone(self.state("mark"))
        self.add_runs({"created_at": self.now() - DAY})
        self.refresh()
        self.assert_same()

    def test_new_runs(self):
        self.refresh()
        rows = int(self.state("rows"))
        self.add_runs(*({"status": status} for status in (
            "PENDING", "EXECUTING", "DELAYED", "COMPLETED_SUCCESSFULLY")))
        self.assert_differs()
        self.refresh()
        self.assert_same()
        self.assertEqual(int(self.state("rows")), rows + 4)
        self.assertEqual(self.state("added"), "4")

    def test_changes_of_open_runs(self):
        """Whatever a run that is not over becomes is seen, however old it is."""
        now = self.now()
        statuses = ("DELAYED", "PENDING", "PENDING_VERSION", "WAITING_FOR_DEPLOY", "DEQUEUED",
                    "EXECUTING", "RETRYING_AFTER_FAILURE", "WAITING_TO_RESUME", "PAUSED")
        old = self.add_runs(*({"status": status, "created_at": now - number * DAY - MINUTE}
                              for number, status in enumerate(statuses)))
        self.refresh()
        self.assert_same()
        for run in old[::2]:
            self.finish(run)
        self.change(old[1], status="EXECUTING", started_at=now)
        self.change(old[3], tags=["late"])
        self.assert_differs()
        self.refresh()
        self.assert_same()
        for run in old[1::2]:
            self.finish(run)
        self.refresh()
        self.assert_same()

    def test_final_runs_are_left_alone(self):
        """A change of a run that is over is seen only near the mark: that is the price."""
        run, = self.add_runs({"status": "COMPLETED_SUCCESSFULLY",
                              "created_at": self.now() - 500 * DAY})
        near, = self.add_runs({"status": "COMPLETED_SUCCESSFULLY"})
        self.refresh()
        self.change(run, tags=["late"])
        self.change(near, tags=["late"])
        self.refresh()
        self.assertEqual(compare(self.s, self.COPY, self.emulator),
                         [["more", run, "COMPLETED"], ["less", run, "COMPLETED"]])

    def test_unchanged_rows_are_not_written(self):
        self.refresh()
        before = self.s.query(f"SELECT ctid, xmin, id FROM {self.COPY} ORDER BY id")
        self.refresh()
        self.assertEqual(self.s.query(f"SELECT ctid, xmin, id FROM {self.COPY} ORDER BY id"),
                         before)
        self.assertEqual(self.state("changed"), "0")

    def test_list_lag(self):
        """A run that the list shows late is not missed, also when the mark is past it."""
        self.refresh()
        self.emulator.settings(lag_ms=1500)
        run, = self.add_runs({"created_at": self.now() - 1})
        self.refresh()
        self.assertEqual(compare(self.s, self.COPY, self.emulator), [["less", run, "QUEUED"]])
        wait_until(lambda: self.refresh() and not compare(self.s, self.COPY, self.emulator),
                   "the run")
        self.emulator.settings(lag_ms=0)
        # it appears, but was created before the newest one that is known
        over = {"status": "COMPLETED_SUCCESSFULLY"}
        self.add_runs({"created_at": self.now() - 2 * MINUTE, **over})
        self.assert_differs()
        self.refresh()
        self.assert_same()
        # later than it may be
        self.add_runs({"created_at": self.now() - 10 * MINUTE, **over})
        self.refresh()
        self.assert_differs()
        self.refresh(overlap="15 minutes")
        self.assert_same()

    def test_late_index(self):
        """The list's index still has a run that is over under its old status."""
        run, *_ = self.add_runs(*({"status": "EXECUTING", "created_at": self.now() - n * DAY}
                                  for n in range(1, 6)))
        self.refresh()
        self.finish(run, indexed_as=["EXECUTING"])
        self.refresh()
        self.assert_same()

    def test_outage(self):
        self.refresh()
        before = self.s.query(f"SELECT * FROM {self.COPY} ORDER BY id")
        mark = self.state("mark, last_success")
        run, *_ = self.add_runs(*({"status": "EXECUTING", "created_at": self.now() - n}
                                  for n in range(150)))
        self.emulator.faults(DOWN)
        self.assertEqual(self.s.error(self.call()).sqlstate, "HV000")
        # those that begin well and end badly: on the second page, among the open ones
        for last in ("after", "REATTEMPTING"):
            self.emulator.faults({**DOWN, "match": {"path_regex": last}})
            self.assertEqual(self.s.error(self.call()).sqlstate, "HV000")
        self.assertEqual(self.s.query(f"SELECT * FROM {self.COPY} ORDER BY id"), before)
        self.assertEqual(self.state("mark, last_success"), mark)
        self.finish(run)
        self.emulator.faults()
        self.refresh()
        self.assert_same()

    def test_short_answers_delete_nothing(self):
        self.refresh()
        rows = self.s.one(f"SELECT count(*) FROM {self.COPY}")
        gone = self.s.one(f"SELECT id FROM {self.COPY} WHERE status = 'EXECUTING' LIMIT 1")
        self.emulator.settings(hydrate_drop={"ids": [gone]}, page_short=0.5, empty_pages=1)
        self.refresh()
        self.assertEqual(self.s.one(f"SELECT count(*) FROM {self.COPY}"), rows)
        self.assertEqual(self.state("unanswered"), "1")
        self.emulator.settings(hydrate_drop=0, page_short=0, empty_pages=0)
        self.finish(gone)
        self.refresh()
        self.assert_same()
        self.assertEqual(self.state("unanswered"), "0")

    def test_statement_timeout(self):
        """A refresh that is canceled in the middle has done nothing, and holds nothing."""
        self.refresh()
        mark = self.state("mark")
        self.add_runs(*({"created_at": self.now() - n} for n in range(250)))
        self.emulator.faults({"match": {"path_regex": "after"}, "times": 0,
                              "action": {"kind": "stall", "where": "headers"}})
        session = self.session()
        session.query("SET statement_timeout = '400ms'")
        self.assertEqual(session.error(self.call()).sqlstate, "57014")
        self.assertEqual(self.state("mark"), mark)
        self.assert_differs()
        self.emulator.faults()
        self.refresh()              # the other session is still there
        self.assert_same()

    def test_two_at_once(self):
        """The second does nothing, and says so; it does not wait."""
        self.refresh()
        self.add_runs({})
        self.emulator.faults({"match": LISTS, "action": {"kind": "delay", "ms": 1500}})
        self.emulator.clear()
        first = self.session()
        first.send(self.call())
        wait_until(lambda: self.emulator.records(), "the first one's request")
        mine = len(self.emulator.records())
        self.s.notices.clear()
        self.s.query("SET statement_timeout = '1s'")
        self.s.query(self.call())
        self.assertEqual(self.s.notices, [f"another refresh of {self.COPY} is under way"])
        self.assertEqual(len(self.emulator.records()), mine)
        first.result()
        self.assert_same()
        self.assertEqual(self.refresh()[0].split("?")[0], "GET /api/v1/runs")

    def test_fill_in_parts(self):
        """More than one refresh may fetch: the next ones go on, and miss nothing new."""
        self.emulator.reset(dataset="empty")
        now = self.now()
        self.add_runs(*({"created_at": now - 30 * DAY - n * MINUTE,
                         "status": "COMPLETED_SUCCESSFULLY"} for n in range(300)))
        turns = self.refresh_until_complete(now - 20 * DAY)
        self.assertGreater(turns, 3)
        # a long absence is caught up in the same way
        self.add_runs(*({"created_at": now - 10 * DAY + n * MINUTE, "status": "EXECUTING"}
                        for n in range(300)))
        turns = self.refresh_until_complete(now - 5 * DAY)
        self.assertGreater(turns, 3)

    def test_overlap_of_many_runs(self):
        """As many runs as one refresh may fetch, within the overlap, do not hold it up."""
        self.emulator.reset(dataset="empty")
        now = self.now() - DAY
        self.add_runs(*({"created_at": now + n} for n in range(300)))
        self.refresh_until_complete(now, new=False)

    def test_one_millisecond(self):
        """Where a refresh stops among runs of one millisecond, none of them is left out."""
        self.emulator.reset(dataset="empty")
        now = self.now() - DAY
        self.add_runs(*({"created_at": now + (max(0, n - 120) - max(0, 20 - n)) * MINUTE}
                        for n in range(140)), status="COMPLETED_SUCCESSFULLY")
        self.refresh_until_complete(now, new=False)

    def refresh_until_complete(self, now, new=True):
        """Refreshes of at most 70 rows, with another run before each; returns how many."""
        turns = 0
        while turns == 0 or self.state("complete") != "t":
            turns += 1
            if new:
                self.add_runs({"created_at": now + turns * 10 * MINUTE})
            made = self.refresh(max_rows=70)
            self.assertLess(len(made), 10, made)
            self.assertLess(turns, 20)
        self.assert_same()
        return turns

    def test_span(self):
        now = self.now()
        self.add_runs({"created_at": now - 9 * DAY, "status": "EXECUTING"},
                      {"created_at": now - 11 * DAY, "status": "EXECUTING"})
        self.refresh(span="10 days")
        self.assertEqual(compare(
            self.s, self.COPY, self.emulator,
            condition="(row->>'createdAt')::timestamptz >= now() - interval '10 days'"), [])

    def test_gap(self):
        """What examples/README.md says about changes of runs that are over."""
        run, = self.add_runs({"status": "COMPLETED_SUCCESSFULLY",
                              "created_at": self.now() - 5 * DAY})
        self.refresh()
        self.change(run, tags=["late"])
        self.s.query(f"INSERT INTO trigger_sync.gap VALUES ('{self.COPY}', "
                     "now() - interval '6 days', now())")
        self.assertEqual(self.state("complete"), "f")
        self.refresh()
        self.assertEqual(self.state("complete"), "t")
        self.assert_same()

    def test_key_that_only_reads_runs(self):
        self.emulator.control("POST", "/keys", [{"key": READER, "scopes": ["read:runs"]}])
        self.s.query(f"SET trigger_fdw.access_token = '{READER}'")
        self.refresh()
        self.assert_same()

    def test_wrong_table(self):
        self.refresh()
        error = self.s.error(f"CALL trigger_sync.refresh('{self.COPY}', 'read.runs')")
        self.assertEqual(error.message, f"{self.COPY} is a copy of prod.runs, not of read.runs")


class Large(Sync):
    """20,000 runs, 38 in 1,000 of them not over."""

    DATASET = {"dataset": "bulk", "runs": 20000}

    def test_requests(self):
        filled = self.refresh(max_rows=100000)
        self.assertLess(len(filled), 225)  # windows of time cost some more than pages
        self.assert_same()
        open_runs = int(self.state("open"))
        self.assertGreater(open_runs, 500)

        # nothing has changed: five minutes are 116 runs, and the list has the
        # open ones on a few pages
        requests = self.refresh()
        print(f"    20,000 runs, {open_runs} open: filled by {len(filled)} requests, "
              f"refreshed by {len(requests)}")
        # windows of time cost some more than pages
        self.assertLessEqual(len(requests), 2 + -(-open_runs // 100) + 2)
        self.assertEqual(self.state("requests"), str(len(requests)))

        # three have: three more
        due = self.s.column(f"SELECT id FROM {self.COPY} WHERE status IN ('EXECUTING', 'QUEUED') "
                            "ORDER BY created_at OFFSET 100 LIMIT 250")
        for run in due[0::100]:
            self.finish(run)
        self.assert_differs()
        self.assertLessEqual(len(self.refresh()), len(requests) + 3)
        self.assert_same()

        # hardly anything is open: a request for each, and for new ones
        with self.cluster.connect() as admin:
            admin.query(f"UPDATE {self.COPY} SET status = 'COMPLETED' WHERE status IN "
                        "('DELAYED', 'QUEUED', 'DEQUEUED', 'EXECUTING', 'WAITING') AND id NOT IN "
                        f"('{due[0]}', '{due[1]}')")
        self.assertLessEqual(len(self.refresh()), 4)


if __name__ == "__main__":
    main()
