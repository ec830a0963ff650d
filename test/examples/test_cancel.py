"""examples/cancel-stale-runs.sql: cancels what it should, once, and its log says so."""
from base import Case, PgError, main, wait_until

HOUR = 3600000
DAY = 24 * HOUR
LOG = "trigger_cancel.log WHERE remote = 'prod.runs'::regclass"     # not that of pg_cron's job
CANCEL = {"method": "POST", "path_regex": "/cancel$"}


class Cancel(Case):
    """The procedure, on the runs of this test."""

    DATASET = {"dataset": "empty"}

    def setUp(self):
        super().setUp()
        self.addCleanup(self.forget)

    def forget(self):
        with self.cluster.connect() as admin:
            admin.query(f"DELETE FROM {LOG}")

    def call(self, **parameters):
        listed = "".join(f", {name} => {value}" for name, value in parameters.items())
        return ("CALL trigger_cancel.cancel_stale('prod.runs', 'prod.run_details', '1 day', "
                f"'30 days'{listed})")

    def stale(self, count, **attributes):
        """Runs that have been queued for two days and some milliseconds."""
        now = self.now()
        return self.add_runs(*({"id": f"run_stale{n}", "status": "PENDING",
                                "created_at": now - 2 * DAY - n, **attributes}
                               for n in range(count)))

    def log(self, columns="run_id, outcome, final_status"):
        return self.s.query(f"SELECT {columns} FROM {LOG} ORDER BY id")

    def outcomes(self):
        return {(outcome, int(count)) for outcome, count in self.s.query(
            f"SELECT outcome, count(*) FROM {LOG} GROUP BY 1")}

    def assert_canceled(self, runs):
        """Exactly these, and each once."""
        self.assertEqual(sorted(self.writes("run.cancel")), sorted(runs))

    def test_what_is_stale(self):
        now = self.now()
        statuses = {"PENDING": True, "PENDING_VERSION": True, "WAITING_FOR_DEPLOY": True,
                    "DELAYED": False, "DEQUEUED": False, "EXECUTING": False,
                    "RETRYING_AFTER_FAILURE": False, "WAITING_TO_RESUME": False, "PAUSED": False,
                    "COMPLETED_SUCCESSFULLY": False, "CRASHED": False, "EXPIRED": False}
        expected = []
        for status, old_ones in statuses.items():
            old, _ = self.add_runs(
                {"status": status, "created_at": now - 2 * DAY, "id": f"run_old{status}"},
                {"status": status, "created_at": now - 2 * HOUR, "id": f"run_new{status}"},
                **({"delayed_until": now + 90 * DAY} if status == "DELAYED" else {}))
            if old_ones:
                expected.append(old)
        others = [
            # queued since its delay has ended
            (False, {"status": "PENDING", "delayed_until": now - HOUR,
                     "created_at": now - 9 * DAY}),
            (True, {"status": "PENDING", "delayed_until": now - 2 * DAY,
                    "created_at": now - 9 * DAY}),
            # delayed for longer than anybody should be
            (True, {"status": "DELAYED", "delayed_until": now + DAY, "created_at": now - 31 * DAY}),
            (False, {"status": "DELAYED", "delayed_until": now + DAY,
                     "created_at": now - 29 * DAY}),
            # it had begun
            (False, {"status": "PENDING", "started_at": now - 3 * DAY,
                     "created_at": now - 3 * DAY})]
        for stale, attributes in others:
            run, = self.add_runs(attributes)
            if stale:
                expected.append(run)
        self.s.query(self.call())
        self.assert_canceled(expected)
        self.assertEqual(sorted(self.log()), sorted([run, "canceled", "CANCELED"]
                                                    for run in expected))
        self.assertEqual(self.s.notices, [])        # no warning about transactions

        # once more: nothing is left to do
        self.emulator.clear()
        self.s.query(self.call())
        self.assert_canceled(expected)
        self.assertEqual(len(self.log()), len(expected))
        self.assertEqual(len(self.emulator.requests()), 1)

    def test_batches(self):
        runs = self.stale(23)
        self.emulator.clear()
        self.s.query(self.call(batch_size=5))
        self.assert_canceled(runs)
        requests = self.emulator.requests()
        print(f"    {len(runs)} runs canceled by {len(requests)} requests")
        self.assertEqual(len(requests), 1 + 3 * len(runs))
        self.assertEqual(self.outcomes(), {("canceled", 23)})

    def test_no_more_than(self):
        runs = self.stale(23)
        self.s.query(self.call(max_runs=10))
        self.assert_canceled(runs[:10])
        self.s.query(self.call())
        self.assert_canceled(runs)

    def test_begun_meanwhile(self):
        """A run that begins after it was picked is left alone."""
        runs = self.stale(3)
        self.emulator.faults({"match": {"path_regex": "/api/v3/runs/"}, "times": 0,
                              "action": {"kind": "status", "status": 503,
                                         "headers": {"x-should-retry": "false"}}})
        self.assertEqual(self.s.error(self.call()).sqlstate, "HV000")
        self.emulator.faults()
        self.assertEqual(self.log(), [[run, None, None] for run in runs])
        now = self.now()
        self.change(runs[0], status="EXECUTING", started_at=now)
        self.change(runs[1], status="COMPLETED_SUCCESSFULLY", completed_at=now)
        self.s.query(self.call())
        self.assert_canceled(runs[2:])
        self.assertEqual(self.log(), [[runs[0], "left", "EXECUTING"],
                                      [runs[1], "left", "COMPLETED"],
                                      [runs[2], "canceled", "CANCELED"]])

    def test_lost_answers(self):
        """The call arrives, its answer does not, and nothing can be reached after that."""
        runs = self.stale(9)
        lost = {"match": {"method": "POST", "path_regex": "run_stale[3-9]/cancel"}, "times": 0,
                "action": {"kind": "reset_after"}}
        self.emulator.faults(lost)
        error = self.s.error(self.call(batch_size=2))
        self.assertIn("canceling stopped", error.message)
        self.assert_canceled(runs[:4])
        self.assertEqual(self.log("run_id, outcome, canceled_at IS NULL")[:5],
                         [[run, "canceled", "f"] for run in runs[:2]]
                         + [[runs[2], None, "f"], [runs[3], None, "t"], [runs[4], None, "t"]])
        self.emulator.faults()
        self.s.query(self.call())
        self.assert_canceled(runs)
        self.assertEqual(self.outcomes(), {("canceled", 9)})
        self.assertEqual(len(self.log()), 9)

    def test_refused(self):
        """A run that cannot be canceled is noted, and does not stop the others."""
        runs = self.stale(5)
        self.emulator.faults({"match": {"path_regex": "run_stale2/cancel"}, "times": 0,
                              "action": {"kind": "status", "status": 400, "body": "{}"}})
        self.s.query(self.call())
        self.assertEqual(self.outcomes(), {("canceled", 4), ("failed", 1)})
        self.assertEqual(self.log("outcome, error IS NOT NULL")[2], ["failed", "t"])
        self.emulator.faults()
        # and is tried again
        self.s.query(self.call())
        self.assert_canceled(runs)
        self.assertEqual(self.outcomes(), {("canceled", 5), ("failed", 1)})

    def test_many_refused(self):
        self.stale(20)
        self.emulator.faults({"match": CANCEL, "times": 0, "action": {
            "kind": "status", "status": 400, "body": "{}"}})
        self.assertIn("canceling stopped", self.s.error(self.call()).message)
        self.assertEqual(self.outcomes(), {("failed", 5), (None, 15)})

    def test_statement_timeout(self):
        """What a canceled job has done is known to the next one."""
        runs = self.stale(12)
        self.emulator.faults({"match": {"path_regex": "run_stale7/cancel"}, "times": 0,
                              "action": {"kind": "stall", "where": "headers"}})
        self.s.query("SET statement_timeout = '2s'")
        self.assertEqual(self.s.error(self.call(batch_size=5)).sqlstate, "57014")
        self.assertEqual(self.outcomes(), {("canceled", 5), (None, 7)})
        self.emulator.faults()
        self.s.query("RESET statement_timeout")
        self.s.query(self.call(batch_size=5))
        self.assert_canceled(runs)
        self.assertEqual(self.outcomes(), {("canceled", 12)})

    def test_two_at_once(self):
        runs = self.stale(6)
        self.emulator.faults({"match": CANCEL, "action": {"kind": "delay", "ms": 1000}})
        first = self.session()
        first.send(self.call(batch_size=2))
        wait_until(lambda: self.writes("run.cancel"), "the first one's first cancel")
        # the rows that it has not locked are anybody's
        self.s.query(self.call(batch_size=2))
        self.assertEqual(self.outcomes(), {("canceled", 4), (None, 2)})
        first.result()
        self.assert_canceled(runs)
        self.assertEqual(self.outcomes(), {("canceled", 6)})

    def test_gone(self):
        runs = self.stale(3)
        self.emulator.faults({"match": {"path_regex": "/api/v3/runs/run_stale1"}, "times": 0,
                              "action": {"kind": "status", "status": 404,
                                         "body": '{"error":"Not found"}'}})
        self.s.query(self.call())
        self.assert_canceled([runs[0], runs[2]])
        self.assertEqual(self.outcomes(), {("canceled", 2), ("gone", 1)})

    def test_another_environment(self):
        """What a job of another foreign table has left is not this one's business."""
        self.s.query("INSERT INTO trigger_cancel.log (remote, run_id, task_identifier, status, "
                     "waiting_since) VALUES ('prod.run_details', 'run_young', '', '', now())")
        self.add_runs({"id": "run_young", "status": "PENDING"})
        with self.cluster.connect() as admin:
            runs = self.stale(2)
            self.s.query(self.call())
            rows = admin.query("DELETE FROM trigger_cancel.log WHERE remote = "
                               "'prod.run_details'::regclass RETURNING outcome")
        self.assertEqual(rows, [[None]])
        self.assert_canceled(runs)
        self.assertEqual(self.outcomes(), {("canceled", 2)})

    def test_transaction_block(self):
        """It has to commit: in a block it ends before anything is canceled."""
        self.stale(1)
        with self.assertRaises(PgError) as caught:
            self.s.query(f"BEGIN; {self.call()}; COMMIT")
        self.assertEqual(caught.exception.sqlstate, "2D000")
        self.s.query("ROLLBACK")
        self.assert_canceled([])


if __name__ == "__main__":
    main()
