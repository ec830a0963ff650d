"""One connection for each origin and mapping of a session; TLS and HTTP/2 behind a real server."""
import json
import threading
import time

from base import Case, Emulator, Nginx, PgError, credentials, main, sockets, wait_until

STATEMENTS = 200
# in turns; {m} is a number of its own
KINDS = (
    "SELECT count(*) FROM {s}.runs",
    "SELECT id FROM {s}.runs WHERE id = '{run}'",
    "SELECT status FROM {s}.run_details WHERE id = '{run}'",
    "SELECT value FROM {s}.envvars WHERE name = 'LOG_LEVEL'",
    "EXECUTE {s}_tagged('import')",
    "EXECUTE {s}_named('TZ')",
    "INSERT INTO {s}.runs (task_identifier, tags) VALUES ('process-order', '{{m{m}}}')",
    "UPDATE {s}.envvars SET value = 'v{m}' WHERE name = 'LOG_LEVEL'",
    "INSERT INTO {s}.session_records (session, io, data) VALUES ('special-exact', 'out', '{m}')",
    "SELECT trigger_replay_run('{s}', '{run}')",
    "SELECT trigger_check_server('{s}')",
    "SELECT trigger_create_public_token('{s}', '{{\"read\":{{\"runs\":true}}}}')",
    "BEGIN; DECLARE c CURSOR FOR SELECT id FROM {s}.runs; FETCH 5 FROM c; COMMIT",
    "SELECT id FROM {s}.schedules LIMIT 3",
    "SELECT name FROM {s}.timezones LIMIT 1",
    "SELECT 1 FROM {s}.runs WHERE status = 'NONSENSE'",
)


class Statements(Case):
    """Statements of all kinds."""

    def prepare_session(self, session, server):
        """Statements that are prepared once."""
        session.query(f"PREPARE {server}_tagged (text) AS SELECT count(*) FROM {server}.runs"
                      " WHERE $1 = ANY (tags);"
                      f"PREPARE {server}_named (text) AS SELECT value FROM {server}.envvars"
                      " WHERE name = $1; SET trigger_fdw.warn_in_transaction = off")

    def run_all(self, session, server, number, first=0):
        """So many statements; returns how many rows of each kind of write were made."""
        for m in range(first, first + number):
            session.query(KINDS[m % len(KINDS)].format(s=server, m=m, run=self.run_id))

    @classmethod
    def setUpClass(cls):
        """An emulator of their own: they write."""
        cls.own = Emulator("small")
        cls.addClassCleanup(cls.own.destroy)

    def setUp(self):
        super().setUp()
        self.emulator = self.own
        self.emulator.reset(dataset="small")
        self.run_id = self.emulator.oracle("runs")[7]["id"]


class Handshakes(Statements):

    def used(self):
        return {record["connection"] for record in self.emulator.records()}

    def test_one_connection_for_all(self):
        self.server("one")
        self.prepare_session(self.s, "one")
        self.emulator.clear()
        self.run_all(self.s, "one", STATEMENTS)
        self.assertGreater(len(self.emulator.records()), STATEMENTS)
        self.assertEqual(len(self.used()), 1)
        self.assertEqual(len(sockets(self.s.pid)), 1)

    def test_two_mappings(self):
        """Two servers of one origin, and two users of one server: each has its own."""
        for name in ("one", "twin"):
            self.server(name)
            self.prepare_session(self.s, name)
        self.emulator.clear()
        for m in range(0, STATEMENTS, 2):
            self.run_all(self.s, "one", 1, m)
            self.run_all(self.s, "twin", 1, m + 1)
        self.assertEqual(len(self.used()), 2)
        self.s.query("CREATE ROLE handshaker; GRANT USAGE ON SCHEMA one TO handshaker;"
                     "GRANT SELECT ON ALL TABLES IN SCHEMA one TO handshaker;"
                     "CREATE USER MAPPING FOR handshaker SERVER one OPTIONS"
                     f" (secret_key '{credentials.TR_STG}')")
        self.addCleanup(self.without_sessions, [
            "DROP USER MAPPING IF EXISTS FOR handshaker SERVER one",
            "DROP OWNED BY handshaker CASCADE", "DROP ROLE handshaker"])
        self.emulator.clear()
        for _ in range(10):
            self.s.query("SELECT count(*) FROM one.runs; SET ROLE handshaker;"
                         "SELECT count(*) FROM one.runs; RESET ROLE")
        self.assertEqual(len(self.used()), 2)
        self.assertEqual(len(set(self.keys_sent())), 2)

    def test_many_errors(self):
        """Answers that are errors leave the connection as good as it was."""
        self.server("one")
        self.emulator.clear()
        for number in range(50):
            status = (400, 401, 403, 404, 409, 413, 422)[number % 7]
            self.emulator.faults({"match": {}, "action": {"kind": "status", "status": status}})
            self.s.error("SELECT count(*) FROM one.runs")
        self.assertEqual(len(self.used()), 1)


class BehindNginx(Statements):
    """TLS 1.3 and HTTP/2 as a real server speaks them."""

    def behind(self, name="h2", options=None, **kwargs):
        """A server of this test's own behind an nginx of its own."""
        nginx = Nginx(self.emulator.port, **kwargs)
        self.addCleanup(nginx.destroy)
        self.server(name, nginx.url, {"ca_file": nginx.ca_file, **(options or {})})
        self.prepare_session(self.s, name)
        self.emulator.clear()
        return nginx

    def writes(self):
        return json.loads(self.emulator.control("GET", "/writes"))

    def assert_done_once(self, numbers):
        """Each INSERT of run_all() and each replay was done once."""
        numbers = list(numbers)
        tags = [tag for run in self.emulator.oracle("runs") for tag in run["tags"]
                if tag.startswith("m") and tag[1:].isdigit()]
        self.assertEqual(sorted(tags), sorted(f"m{m}" for m in numbers if m % len(KINDS) == 6))
        kinds = [write["kind"] for write in self.writes()]
        self.assertEqual(kinds.count("session.append"),
                         sum(m % len(KINDS) == 8 for m in numbers))
        self.assertEqual(kinds.count("run.replay"), sum(m % len(KINDS) == 9 for m in numbers))

    def lines(self, nginx):
        """What the proxy has noted: it writes a line behind the answer, so one may be to come."""
        answered = len(self.emulator.records())
        return wait_until(lambda: len(nginx.lines()) >= answered and nginx.lines(), "log lines")

    def test_protocol(self):
        nginx = self.behind()
        self.run_all(self.s, "h2", STATEMENTS)
        lines = self.lines(nginx)
        self.assertEqual(len(lines), len(self.emulator.records()))
        self.assertEqual({(line.protocol, line.tls) for line in lines}, {("HTTP/2.0", "TLSv1.3")})
        # one handshake, and none that was resumed
        self.assertEqual(len({line.connection for line in lines}), 1)
        self.assertEqual({line.reused for line in lines}, {"."})
        self.assertEqual(len(sockets(self.s.pid)), 1)
        self.assert_done_once(range(STATEMENTS))

    def test_without_http2(self):
        """What a server does not offer is not used."""
        nginx = self.behind(http2=False, more="ssl_protocols TLSv1.2;")
        self.run_all(self.s, "h2", 32)
        lines = self.lines(nginx)
        self.assertEqual({(line.protocol, line.tls) for line in lines}, {("HTTP/1.1", "TLSv1.2")})
        self.assertEqual(len({line.connection for line in lines}), 1)

    def test_multiplexing(self):
        """Look-ups that run side by side share the connection."""
        nginx = self.behind(options={"concurrency": 12})
        ids = [run["id"] for run in self.emulator.oracle("runs")[:48]]
        self.emulator.settings(latency_ms=20)
        rows = self.s.query("SELECT id FROM h2.run_details WHERE id IN"
                            f" ({', '.join(map(repr, ids))})")
        self.assertEqual(len(rows), 48)
        lines = self.lines(nginx)
        self.assertEqual(len(lines), 48)
        self.assertEqual({line.protocol for line in lines}, {"HTTP/2.0"})
        self.assertEqual(len({line.connection for line in lines}), 1)
        self.assertEqual(max(r["in_flight"] for r in self.emulator.records()), 12)

    def test_few_streams(self):
        """More look-ups than the server takes at once: it refuses some, and none is lost."""
        nginx = self.behind(options={"concurrency": 16, "max_retries": 1},
                            more="ssl_protocols TLSv1.3; http2_max_concurrent_streams 2;")
        ids = [run["id"] for run in self.emulator.oracle("runs")[:60]]
        self.emulator.settings(latency_ms=5)
        for _ in range(3):
            self.s.query("SELECT trigger_fdw_disconnect('h2')")
            rows = self.s.query("SELECT id FROM h2.run_details WHERE id IN"
                                f" ({', '.join(map(repr, ids))})")
            self.assertEqual(len(rows), 60)
        self.assertEqual({line.status for line in self.lines(nginx)}, {"200"})

    def test_server_says_goodbye(self):
        """A GOAWAY every few requests: nothing fails, is repeated, or done twice."""
        nginx = self.behind(more="ssl_protocols TLSv1.3; keepalive_requests 5;",
                            options={"idempotent_inserts": "false", "max_retries": 0})
        self.run_all(self.s, "h2", 96)
        lines = self.lines(nginx)
        self.assertEqual(len(lines), len(self.emulator.records()))
        connections = {line.connection for line in lines}
        self.assertLessEqual(len(connections), len(lines) // 5 + 2)
        self.assertGreater(len(connections), 10)
        self.assert_done_once(range(96))
        self.assertLessEqual(len(sockets(self.s.pid)), 1)

    def test_goodbye_under_look_ups(self):
        """The same while many requests are under way."""
        self.behind(more="ssl_protocols TLSv1.3; keepalive_requests 7;",
                    options={"concurrency": 8})
        ids = [run["id"] for run in self.emulator.oracle("runs")[:100]]
        self.emulator.settings(latency_ms=3)
        rows = self.s.query("SELECT id FROM h2.run_details WHERE id IN"
                            f" ({', '.join(map(repr, ids))})")
        self.assertEqual(sorted(row[0] for row in rows), sorted(ids))

    def test_reload(self):
        """New workers take over while statements run, writes that are not repeated among them."""
        nginx = self.behind(options={"idempotent_inserts": "false"})
        stop = threading.Event()

        def reload():
            while not stop.wait(0.15):
                nginx.reload()
        thread = threading.Thread(target=reload)
        thread.start()
        number = 0
        unknown = 0
        try:
            deadline = time.monotonic() + 2.5
            while time.monotonic() < deadline:
                try:
                    self.run_all(self.s, "h2", 1, number)
                except PgError as error:
                    # a request that crossed the good-bye: then it must say so
                    self.assertIn("is unknown", error.message)
                    unknown += 1
                number += 1
        finally:
            stop.set()
            thread.join()
        print(f"    {number} statements during reloads, {unknown} of unknown outcome")
        self.assertGreater(len({line.connection for line in self.lines(nginx)}), 3)
        if unknown == 0:
            self.assert_done_once(range(number))
        self.assertLess(unknown, 3)

    def test_idle_connection(self):
        """One that the server has closed meanwhile is replaced, also for a write."""
        nginx = self.behind(more="ssl_protocols TLSv1.3; keepalive_timeout 200ms;",
                            options={"idempotent_inserts": "false", "max_retries": 0})
        for number in range(3):
            self.run_all(self.s, "h2", 1, 6 + number * len(KINDS))
            time.sleep(0.4)
        self.assertEqual(len({line.connection for line in self.lines(nginx)}), 3)
        self.assert_done_once((6, 6 + len(KINDS), 6 + 2 * len(KINDS)))

    def test_large_bodies(self):
        """More than a window of HTTP/2 in both directions; more than nginx takes is 54000."""
        self.behind()
        text = "x" * 1000000
        self.s.query("INSERT INTO h2.session_records (session, io, data)"
                     f" VALUES ('special-many', 'in', '\"{text}\"')")
        self.assertEqual(self.s.one("SELECT length(data #>> '{}') FROM h2.session_records"
                                    " WHERE session = 'special-many' AND io = 'in'"
                                    " ORDER BY seq_num DESC LIMIT 1"), "1000000")
        error = self.s.error("INSERT INTO h2.runs (task_identifier, payload) VALUES"
                             f" ('process-order', to_jsonb(repeat('x', {2500000})))")
        self.assert_error(error, "54000", "413")

    def test_gateway_errors(self):
        """nginx answers for an API that is away: HTML, and unknown only where it may be."""
        nginx = Nginx(9)                # nobody listens there
        self.addCleanup(nginx.destroy)
        self.server("away", nginx.url, {"ca_file": nginx.ca_file, "max_retries": 0})
        self.assert_error(self.s.error("SELECT count(*) FROM away.runs"), "HV000", "502",
                          "Bad Gateway")
        self.assert_error(self.s.error(f"SELECT trigger_replay_run('away', '{self.run_id}')"),
                          "HV000", "unknown", "502", "Bad Gateway")

    def test_cancelled_streams(self):
        """A request that is given up leaves the connection to the others."""
        nginx = self.behind()
        self.assertEqual(self.s.one("SELECT count(*) FROM h2.schedules"), "230")
        self.emulator.faults({"match": {"path_regex": "/runs"}, "times": 0,
                              "action": {"kind": "stall", "where": "headers"}})
        for _ in range(20):
            self.s.query("SET statement_timeout = 30")
            self.assert_error(self.s.error("SELECT count(*) FROM h2.runs"), "57014")
            self.s.query("RESET statement_timeout")
            self.assertEqual(self.s.one("SELECT count(*) FROM h2.schedules"), "230")
        self.emulator.faults()
        self.assertEqual(self.s.one("SELECT count(*) FROM h2.runs"), "307")
        self.assertEqual(len({line.connection for line in self.lines(nginx)}), 1)
        self.assertEqual(len(sockets(self.s.pid)), 1)


if __name__ == "__main__":
    main()
