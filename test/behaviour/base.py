"""What the behaviour tests share: one cluster and one emulator, fresh sessions, conditions.

Every test starts with an emulator that behaves well and an empty request log, and with a
session of its own. Servers that a test makes are dropped after it.
"""
import atexit
import http.client
import json
import os
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))

from cluster import Cluster  # noqa: E402
from emulator_process import Emulator, credentials  # noqa: E402
from nginx import Nginx  # noqa: E402, F401
from pgwire import PgError  # noqa: E402, F401
from processes import descriptors, private_kb, sockets  # noqa: E402, F401
from setup import create_default, create_server, quote  # noqa: E402, F401

PATIENCE = 20               # seconds until a condition must hold
SILENT = {}                 # url of the port that never answers

_shared = {}


def _destroy():
    for name in ("cluster", "emulator", "other"):
        if name in _shared:
            _shared.pop(name).destroy()


def emulator():
    """The emulator of this process, with the data set `small`."""
    if "emulator" not in _shared:
        silent = os.path.join("/tmp", f"trigger_silent_{os.getpid()}")
        _shared["emulator"] = Emulator("small", 20000, 1, "--stall-port-file", silent)
        with open(silent, encoding="ascii") as file:
            SILENT["url"] = f"http://127.0.0.1:{int(file.read())}"
        os.unlink(silent)
    return _shared["emulator"]


def other_emulator():
    """A second API, without any runs."""
    if "other" not in _shared:
        _shared["other"] = Emulator("empty")
    return _shared["other"]


def cluster():
    """The cluster of this process; database postgres has the default servers."""
    if "cluster" not in _shared:
        atexit.register(_destroy)
        _shared["cluster"] = Cluster()
        with _shared["cluster"].connect() as session:
            create_default(session, emulator().url)
    return _shared["cluster"]


def public_token(scopes, key=credentials.TR_PROD, life=3600):
    """A public token as the official client signs one."""
    from auth import AUDIENCE, ISSUER, sign     # the emulator's; its path is known by now
    connection = http.client.HTTPConnection("127.0.0.1", emulator().port, timeout=60)
    connection.request("POST", "/api/v1/auth/jwt/claims",
                       headers={"Authorization": f"Bearer {key}"})
    claims = json.loads(connection.getresponse().read())
    connection.close()
    now = int(time.time())
    return sign({**claims, "scopes": scopes, "iss": ISSUER, "aud": AUDIENCE, "exp": now + life,
                 "iat": now}, key)


class Trap:
    """A port that nothing should talk to: keeps what it is told, and hangs up."""

    def __init__(self):
        self.told = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                try:
                    self.told.append(connection.recv(65536).decode("latin1"))
                except OSError:
                    self.told.append("")

    def close(self):
        # wakes the listener, which close() alone would not
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def wait_until(condition, what, patience=PATIENCE):
    """Wait until `condition()` is true; returns its value."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"in vain waited for: {what}")
        time.sleep(0.002)


class Case(unittest.TestCase):
    """A test with a session `self.s`."""

    def setUp(self):
        self.cluster = cluster()
        self.emulator = emulator()
        self.emulator.faults()
        self.emulator.control("PUT", "/settings", {
            name: None for name in ("latency_ms", "latency_jitter_ms", "page_short",
                                    "empty_pages", "repeat_rows", "rate_limit",
                                    "drop_keepalive_after", "hydrate_drop")})
        self.emulator.clear()
        self.sessions = []
        self.s = self.session()

    def session(self, **kwargs):
        """A session that ends with the test."""
        session = self.cluster.connect(**kwargs)
        self.sessions.append(session)
        self.addCleanup(session.close)
        return session

    def without_sessions(self, statements):
        """Clean up when no transaction of the test can be in the way any more."""
        for session in self.sessions:
            session.close()
        with self.cluster.connect() as admin:
            for statement in statements:
                admin.query(statement)

    def server(self, name, url=None, options=None, schema=True, **mapping):
        """A server (and schema) of this test's own."""
        self.addCleanup(self.without_sessions, [f"DROP SERVER IF EXISTS {name} CASCADE",
                                                f"DROP SCHEMA IF EXISTS {name} CASCADE"])
        if not mapping:
            mapping = {"secret_key": credentials.TR_PROD}
        create_server(self.s, name, url or self.emulator.url, name if schema else None,
                      {"project_ref": credentials.PROJECT_ALPHA, **(options or {})}, **mapping)

    def role(self, name):
        """A role that may use schema prod; gone after the test."""
        self.s.query(f"CREATE ROLE {name} LOGIN; GRANT USAGE ON SCHEMA prod TO {name};"
                     f"GRANT SELECT ON ALL TABLES IN SCHEMA prod TO {name}")
        self.addCleanup(self.without_sessions, [f"DROP OWNED BY {name} CASCADE",
                                                f"DROP ROLE {name}"])

    def trap(self):
        """A Trap of this test's own."""
        trap = Trap()
        self.addCleanup(trap.close)
        return trap

    def keys_sent(self):
        """The credentials of the requests since the log was cleared, in order."""
        return [record["headers"]["authorization"].removeprefix("Bearer ")
                for record in self.emulator.records()]

    def waiting(self, session):
        """Is the session's backend blocked in our wait?"""
        with self.cluster.connect() as admin:
            return admin.one("SELECT wait_event_type FROM pg_stat_activity WHERE pid ="
                             f" {session.pid}") == "Extension"

    def assert_error(self, error, sqlstate, *words):
        self.assertEqual(error.sqlstate, sqlstate, str(error))
        for word in words:
            self.assertIn(word, f"{error.message} {error.detail} {error.hint}")


def main():
    unittest.main(module="__main__", verbosity=2)
