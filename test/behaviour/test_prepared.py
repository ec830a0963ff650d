"""Prepared statements: every execution asks for what its own parameters say."""
from base import Case, credentials, main, quote

MODES = ("force_generic_plan", "force_custom_plan", "auto")
LIST = "GET /api/v1/runs?"
ALL = "filter[createdAt][from]=1"
PAGE = "page[size]=100"


class Prepared(Case):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rows = None

    def setUp(self):
        super().setUp()
        if Prepared.rows is None:
            Prepared.rows = self.emulator.oracle("runs")

    def first(self, requests):
        """The requests without those for further pages."""
        return [line for line in requests if "page[after]" not in line]

    def run_all(self, statement, types, executions):
        """Each of `executions` is (arguments, answer, first requests); ten runs per mode."""
        for mode in MODES:
            self.s.query(f"SET plan_cache_mode = {mode}; PREPARE p ({types}) AS {statement}")
            self.emulator.clear()
            for number in range(10):
                arguments, answer, requests = executions[number % len(executions)]
                with self.subTest(mode=mode, number=number, arguments=arguments):
                    self.assertEqual(self.s.one(f"EXECUTE p({arguments})"),
                                     None if answer is None else str(answer))
                    self.assertEqual(self.first(self.emulator.requests()), requests)
            if mode != "auto":
                counts = self.s.query("SELECT generic_plans, custom_plans FROM"
                                      " pg_prepared_statements WHERE name = 'p'")[0]
                self.assertEqual(counts, ["10", "0"] if "generic" in mode else ["0", "10"])
            self.s.query("DEALLOCATE p")

    def number(self, *statuses):
        return sum(row["status"] in statuses for row in self.rows)

    def test_status(self):
        self.run_all("SELECT count(*) FROM prod.runs WHERE status = $1", "text", (
            ("'FAILED'", self.number("FAILED"),
             [f"{LIST}filter[status]=FAILED,INTERRUPTED&{ALL}&{PAGE}"]),
            ("NULL", 0, []),
            ("'WAITING'", self.number("WAITING"),
             [f"{LIST}filter[status]=WAITING,FROZEN&{ALL}&{PAGE}"]),
            ("'FROZEN'", 0, []),
            ("''", 0, []),
            ("'COMPLETED'", self.number("COMPLETED"),
             [f"{LIST}filter[status]=COMPLETED&{ALL}&{PAGE}"])))

    def test_array(self):
        every = len(self.rows)
        self.run_all("SELECT count(*) FROM prod.runs WHERE status = ANY ($1)", "text[]", (
            ("'{FAILED,QUEUED}'", self.number("FAILED", "QUEUED"),
             [f"{LIST}filter[status]=QUEUED,FAILED,INTERRUPTED&{ALL}&{PAGE}"]),
            ("'{}'", 0, []), ("NULL", 0, []), ("'{NULL}'", 0, []),
            ("'{QUEUED,NULL,nonsense}'", self.number("QUEUED"),
             [f"{LIST}filter[status]=QUEUED&{ALL}&{PAGE}"]),
            ("'{DELAYED,QUEUED,PENDING_VERSION,DEQUEUED,EXECUTING,WAITING,COMPLETED,FAILED,"
             "CANCELED,CRASHED,SYSTEM_FAILURE,EXPIRED,TIMED_OUT}'", every,
             [f"{LIST}{ALL}&{PAGE}"])))

    def test_open_vocabulary(self):
        def number(task):
            return sum(row["taskIdentifier"] == task for row in self.rows)
        self.run_all("SELECT count(*) FROM prod.runs WHERE task_identifier = $1", "text", (
            ("'send-email'", number("send-email"),
             [f"{LIST}filter[taskIdentifier]=send-email&{ALL}&{PAGE}"]),
            # neither can be sent: an empty value is no filter, a comma separates
            ("''", 0, [f"{LIST}{ALL}&{PAGE}"]),
            ("'send-email,daily-digest'", 0, [f"{LIST}{ALL}&{PAGE}"]),
            ("NULL", 0, []),
            ("'SEND-EMAIL'", 0, [f"{LIST}filter[taskIdentifier]=SEND-EMAIL&{ALL}&{PAGE}"])))

    def test_time(self):
        moments = sorted(row["createdAt"] for row in self.rows)
        middle = moments[150]
        ms = self.s.one(f"SELECT (extract(epoch FROM {quote(middle)}::timestamptz) * 1000)::bigint")
        later = sum(moment > middle for moment in moments)
        self.run_all("SELECT count(*) FROM prod.runs WHERE created_at > $1", "timestamptz", (
            (quote(middle), later, [f"{LIST}filter[createdAt][from]={ms}&{PAGE}"]),
            ("'-infinity'", len(moments), [f"{LIST}{ALL}&{PAGE}"]),
            ("'infinity'", 0, []), ("NULL", 0, []),
            (f"{quote(middle)}::timestamptz + interval '999 us'", later,
             [f"{LIST}filter[createdAt][from]={ms}&{PAGE}"])))

    def test_key(self):
        first, second = self.rows[0], self.rows[100]

        def requests(row):
            ms = self.s.one("SELECT (extract(epoch FROM"
                            f" {quote(row['createdAt'])}::timestamptz) * 1000)::bigint")
            return [f"GET /api/v3/runs/{row['id']}",
                    f"{LIST}filter[createdAt][from]={ms}&filter[createdAt][to]={ms}&{PAGE}"]

        self.run_all("SELECT max(status) FROM prod.runs WHERE id = $1", "text", (
            (quote(first["id"]), first["status"], requests(first)),
            ("NULL", None, []), ("''", None, []),
            (quote(second["id"]), second["status"], requests(second)),
            # no run has such an id
            ("'..'", None, [])))

    def test_limit(self):
        """A limit that is a parameter: no more pages than it needs, custom plan or generic."""
        self.server("limited", options={"page_size": 10}, secret_key=credentials.TR_STG)
        for order in (" ORDER BY created_at DESC", ""):
            for mode in MODES:
                self.s.query(f"SET plan_cache_mode = {mode}; PREPARE p (bigint) AS"
                             f" SELECT id FROM limited.runs{order} LIMIT $1")
                for limit, pages in ((1, 1), (10, 1), (11, 2), (20, 2), (0, 0), (15, 2), (1, 1),
                                     (35, 4), (10, 1), (30, 3)):
                    with self.subTest(mode=mode, limit=limit, order=order):
                        self.emulator.clear()
                        rows = self.s.query(f"EXECUTE p({limit})")
                        self.assertEqual(len(rows), limit)
                        self.assertEqual(len(self.emulator.requests()), pages)
                self.s.query("DEALLOCATE p")

    def test_parameters_of_functions(self):
        """plpgsql variables are parameters, too; the tenth call as the first."""
        self.s.query("""
            CREATE FUNCTION of_status(s text) RETURNS bigint LANGUAGE plpgsql AS $$
            BEGIN RETURN (SELECT count(*) FROM prod.runs WHERE status = s); END $$""")
        self.addCleanup(lambda: self.s.query("DROP FUNCTION of_status"))
        for number in range(12):
            status = ("FAILED", "CRASHED")[number % 2]
            self.emulator.clear()
            self.assertEqual(self.s.one(f"SELECT of_status('{status}')"),
                             str(self.number(status)))
            self.assertEqual(len(self.emulator.requests()), 1)

    def test_stable_functions(self):
        """now() is computed when the statement runs, not when it was planned."""
        self.s.query("PREPARE p AS SELECT count(*) FROM prod.runs WHERE"
                     " created_at > now() + interval '1 hour'; SET plan_cache_mode ="
                     " force_generic_plan")
        seen = []
        for _ in range(2):
            self.s.query("EXECUTE p; SELECT pg_sleep(0.002)")
            seen += self.emulator.requests()
        self.assertEqual(len(set(seen)), 2, seen)

    def test_settings_of_the_session(self):
        """A plan that is kept must not keep the session's token."""
        self.s.query("SET plan_cache_mode = force_generic_plan; PREPARE p AS"
                     " SELECT count(*) FROM prod.runs")
        self.emulator.clear()
        self.assertEqual(self.s.one("EXECUTE p"), "307")
        self.s.query(f"SET trigger_fdw.access_token = {quote(credentials.TR_STG)}")
        self.assertEqual(self.s.one("EXECUTE p"), "40")
        self.s.query("RESET trigger_fdw.access_token")
        self.assertEqual(self.s.one("EXECUTE p"), "307")
        sent = [key for key in self.keys_sent()]
        self.assertEqual(sent.count(credentials.TR_STG), 1)


if __name__ == "__main__":
    main()
