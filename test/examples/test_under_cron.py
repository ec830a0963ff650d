"""The examples' own jobs, started by pg_cron when their time comes.

begin() schedules them, with an emulator that no other test touches. pg_cron of Debian 12 knows no
schedules of seconds: while the minute ends the other tests run, and these are the last ones.
"""
import json
import time

from base import (Case, add_server, cluster, compare, credentials, every_time, main, psql,
                  start, wait_until)

BOUNDARY = 70                   # seconds until a job must have begun, and ended
STALE = 3 * 86400000
_begun = {}


def begin():
    """Execute the examples as they are, once."""
    if _begun:
        return _begun
    with cluster().connect() as admin:
        schedule = every_time(admin)
        world = start(dataset="small")
        # one environment is only read, another one has runs canceled
        add_server(admin, "read", world.url, credentials.TR_PROD)
        add_server(admin, "ops", world.url, credentials.TR_STG)
        admin.query("CREATE ROLE hasty LOGIN; ALTER ROLE hasty SET statement_timeout = '700ms';"
                    "GRANT USAGE ON SCHEMA cron TO hasty")
        add_server(admin, "slow", world.url, credentials.TR_BETA_PROD, "hasty")
        now = int(time.time() * 1000)
        body = [{"id": f"run_cron{n}", "environment": "stg", "task": "send-email",
                 "status": status, "created_at": now - age,
                 "delayed_until": now + STALE if status == "DELAYED" else None}
                for n, (status, age) in enumerate((("PENDING", STALE), ("PENDING", 1000),
                                                   ("EXECUTING", STALE), ("DELAYED", STALE)))]
        world.control("POST", "/runs", body)
        world.faults({"match": {"header": {"authorization": credentials.TR_BETA_PROD}}, "times": 0,
                      "action": {"kind": "stall", "where": "headers"}})
        world.clear()
        psql("worker", "sync-runs.sql", remote="read.runs", schedule=schedule)
        psql("worker", "cancel-stale-runs.sql", remote="ops.runs", details="ops.run_details",
             schedule=schedule)
        admin.query("GRANT ALL ON SCHEMA trigger_sync TO hasty;"
                    "GRANT ALL ON ALL TABLES IN SCHEMA trigger_sync TO hasty;"
                    "CREATE TABLE slow_copy (LIKE trigger_sync.runs INCLUDING INDEXES);"
                    "ALTER TABLE slow_copy OWNER TO hasty")
        with cluster().connect(user="hasty") as hasty:
            hasty.query(f"SELECT cron.schedule('slow', '{schedule}', "
                        "$$CALL trigger_sync.refresh('slow_copy', 'slow.runs')$$)")
        _begun.update(world=world, schedule=schedule, admin=cluster().connect())
    return _begun


class UnderCron(Case):
    """What pg_cron has made of the jobs."""

    def ended(self, job):
        """What cron.job_run_details says of the job's first run, when that is over."""
        rows = _begun["admin"].query(
            "SELECT r.username, r.status, r.return_message FROM cron.job_run_details r "
            f"JOIN cron.job j USING (jobid) WHERE j.jobname = '{job}' "
            "AND r.status IN ('succeeded', 'failed') ORDER BY r.runid LIMIT 1")
        return rows and rows[0]

    def outcome(self, job):
        return wait_until(lambda: self.ended(job), f"{job} under pg_cron", BOUNDARY)

    def test_sync(self):
        self.assertEqual(self.outcome("trigger-sync-runs")[:2], ["worker", "succeeded"])
        self.assertEqual(compare(self.s, "trigger_sync.runs", _begun["world"]), [])
        state = self.s.query("SELECT complete, rows > 300, lag < interval '3 minutes', unanswered "
                             "FROM trigger_sync.state WHERE local = 'trigger_sync.runs'::regclass")
        self.assertEqual(state, [["t", "t", "t", "0"]])

    def test_cancel(self):
        self.assertEqual(self.outcome("trigger-cancel-stale-runs")[:2], ["worker", "succeeded"])
        rows = self.s.query("SELECT run_id, outcome FROM trigger_cancel.log WHERE remote = "
                            "'ops.runs'::regclass")
        self.assertIn(["run_cron0", "canceled"], rows)
        for number in (1, 2, 3):
            self.assertNotIn(["run_cron%d" % number, "canceled"], rows)
        log = json.loads(_begun["world"].control("GET", "/writes"))
        self.assertEqual(sorted(entry["ids"][0] for entry in log if entry["kind"] == "run.cancel"),
                         sorted(run for run, _ in rows))
        self.assertEqual({entry["environment"] for entry in log}, {"stg"})

    def test_statement_timeout(self):
        """The role's own, while the API does not answer at all."""
        user, status, message = self.outcome("slow")
        self.assertEqual((user, status), ("hasty", "failed"))
        self.assertIn("statement timeout", message)
        self.assertEqual(_begun["admin"].query(
            "SELECT * FROM trigger_sync.progress WHERE local = 'slow_copy'::regclass"), [])

    def test_keys(self):
        """Each job used the mapping of the role that had scheduled it."""
        self.outcome("trigger-sync-runs")
        self.outcome("slow")
        used = {record["headers"]["authorization"].removeprefix("Bearer ")
                for record in _begun["world"].records()}
        self.assertEqual(used, {credentials.TR_PROD, credentials.TR_STG,
                                credentials.TR_BETA_PROD})

    def test_once_more(self):
        """Executing an example again replaces its job, and keeps the copy."""
        self.outcome("trigger-sync-runs")
        rows = self.s.one("SELECT count(*) FROM trigger_sync.runs")
        psql("worker", "sync-runs.sql", remote="read.runs", schedule="0 0 1 1 *", span="90 days")
        self.assertEqual(self.s.one("SELECT count(*) FROM trigger_sync.runs"), rows)
        self.assertEqual(
            self.s.query("SELECT schedule, command, active FROM cron.job WHERE jobname = "
                         "'trigger-sync-runs'"),
            [["0 0 1 1 *", "CALL trigger_sync.refresh('trigger_sync.runs', 'read.runs', "
              "span => '90 days')", "t"]])


if __name__ == "__main__":
    main()
