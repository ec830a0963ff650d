#!/usr/bin/env python3
"""Tests of the HTTP core (fdw/http.c, retry.c, url.c) in a private cluster.

    python3 test/httpcore/run.py [name ...]

Needs root (for su postgres) or to be run as postgres.  A test is a function
named test_*; it gets an Env and asserts.
"""
import gzip
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))

import pgwire  # noqa: E402
from toyserver import Closed, Server, answer, reset  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
FDW = os.path.join(HERE, "..", "..", "fdw")
OK, CANNOT_CONNECT, LOST, TIMEOUT, TOO_LARGE, BROKEN, RATE_LIMITED, INTERNAL = range(8)
PG_CONFIG = os.environ.get("PG_CONFIG", "pg_config")
VERBOSE = bool(os.environ.get("HTTPCORE_VERBOSE"))
SETUP = """
CREATE FUNCTION hc_open(int, int, int, int, int, text, text) RETURNS void AS '{so}' LANGUAGE c;
CREATE FUNCTION hc_close(int) RETURNS void AS '{so}' LANGUAGE c STRICT;
CREATE FUNCTION hc_request(int, text, text, text, text, bool, int, bool)
RETURNS text AS '{so}' LANGUAGE c;
CREATE FUNCTION hc_many(int, text, int, int) RETURNS int AS '{so}' LANGUAGE c STRICT;
CREATE FUNCTION hc_start(int, text, text, text, text, bool, int, bool, int)
RETURNS void AS '{so}' LANGUAGE c;
CREATE FUNCTION hc_poll(int) RETURNS int AS '{so}' LANGUAGE c STRICT;
CREATE FUNCTION hc_finish(int, int) RETURNS text AS '{so}' LANGUAGE c;
CREATE FUNCTION hc_drop(int, bool) RETURNS void AS '{so}' LANGUAGE c STRICT;
CREATE FUNCTION hc_stats(int) RETURNS text AS '{so}' LANGUAGE c STRICT;
CREATE FUNCTION hc_new_statement(int) RETURNS void AS '{so}' LANGUAGE c STRICT;
CREATE FUNCTION hc_fds() RETURNS int AS '{so}' LANGUAGE c STRICT;
CREATE FUNCTION hc_heap() RETURNS bigint AS '{so}' LANGUAGE c STRICT;
CREATE FUNCTION hc_url(text, bool) RETURNS text AS '{so}' LANGUAGE c STRICT;
CREATE FUNCTION hc_segment(text) RETURNS text AS '{so}' LANGUAGE c STRICT;
CREATE FUNCTION hc_query(text) RETURNS text AS '{so}' LANGUAGE c STRICT;
"""


def quote(value):
    if value is None:
        return "NULL"
    if isinstance(value, (bool, int)):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def call(name, *args):
    return f"SELECT {name}({', '.join(map(quote, args))})"


class Response:
    def __init__(self, text):
        f = text.split("|", 9)
        self.failure, self.status, self.attempts = int(f[0]), int(f[1]), int(f[2])
        self.maybe, self.reset_in, self.type, self.jwt = f[3] == "1", float(f[4]), f[5], f[6]
        self.length, self.body, self.message = int(f[7]), f[8], f[9]


class Session(pgwire.Connection):
    def open(self, slot=0, connect=2000, request=5000, retries=3, rate=60, ca=None, proxy=None):
        self.query(call("hc_open", slot, connect, request, retries, rate, ca, proxy))
        return self

    @staticmethod
    def request_sql(url, method="GET", body=None, header=None, safe=True, slot=0,
                    not_found=0, final=False):
        return call("hc_request", slot, method, url, body, header, safe, not_found, final)

    def request(self, url, **kw):
        return Response(self.one(self.request_sql(url, **kw)))

    def start(self, url, n=0, slot=0, safe=True):
        self.query(call("hc_start", slot, "GET", url, None, None, safe, 0, False, n))

    def finish(self, slot=0, n=0):
        return Response(self.one(call("hc_finish", slot, n)))

    def stats(self, slot=0):
        return json.loads(self.one(call("hc_stats", slot)))

    def fds(self):
        return int(self.one("SELECT hc_fds()"))


def run(*args, **kw):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **kw).stdout


class Env:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="httpcore.")
        os.chmod(self.dir, 0o755)
        self.so = f"{self.dir}/httpcore.so"
        self.build()
        self.make_certificate()
        self.start_cluster()
        self.sessions = []
        self.server = Server()

    def build(self):
        include = run(PG_CONFIG, "--includedir-server").strip()
        flags = ["-O2", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror",
                 "-Wdeclaration-after-statement", "-D_GNU_SOURCE", "-fno-strict-aliasing",
                 "-fwrapv", f"-I{include}", f"-I{FDW}"]
        files = [f"{FDW}/{f}.c" for f in ("http", "http_curl", "http_rate", "http_timer",
                                          "retry", "url")]
        run("gcc", *flags, "-fPIC", "-shared", f"{HERE}/httpcore.c", *files, "-lcurl",
            "-o", self.so)
        run("gcc", *flags, f"{HERE}/test_retry.c", f"{FDW}/retry.c", "-lm",
            "-o", f"{self.dir}/test_retry")
        run("gcc", "-fPIC", "-shared", f"{HERE}/dns_stall.c", "-ldl",
            "-o", f"{self.dir}/dns_stall.so")

    def make_certificate(self):
        self.cert, self.key = f"{self.dir}/cert.pem", f"{self.dir}/key.pem"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", self.key, "-out", self.cert)

    def as_postgres(self, command):
        if os.geteuid() != 0:
            return run("sh", "-c", command)
        return run("su", "postgres", "-c", command)

    def start_cluster(self):
        data = f"{self.dir}/pg"
        self.bin = run(PG_CONFIG, "--bindir").strip()
        os.mkdir(f"{self.dir}/run")
        if os.getuid() == 0:
            shutil.chown(f"{self.dir}/run", "postgres")
            os.mkdir(data)
            shutil.chown(data, "postgres")
        self.as_postgres(f"{self.bin}/initdb -U postgres -A trust -N -D {data}")
        self.as_postgres(
            f"LD_PRELOAD={self.dir}/dns_stall.so http_proxy=http://127.0.0.1:9 "
            f"all_proxy=http://127.0.0.1:9 {self.bin}/pg_ctl -w -D {data} "
            f"-l {self.dir}/run/log -o \"-c listen_addresses='' -c fsync=off "
            f"-c unix_socket_directories={self.dir}/run\" start")
        pgwire.Connection(f"{self.dir}/run").query(SETUP.format(so=self.so))

    def session(self, **kw):
        session = Session(f"{self.dir}/run")
        self.sessions.append(session)
        session.query("SET client_min_messages = warning")
        return session.open(**kw)

    def postmaster_pid(self):
        with open(f"{self.dir}/pg/postmaster.pid") as file:
            return int(file.readline())

    def end_sessions(self):
        for session in self.sessions:
            session.close()
        self.sessions.clear()

    def stop(self):
        self.server.stopping.set()
        self.end_sessions()
        try:
            self.as_postgres(f"{self.bin}/pg_ctl -m immediate -D {self.dir}/pg stop")
        except subprocess.CalledProcessError:
            pass
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *steps, name=[0]):
        """A fresh path of the toy server with this behaviour."""
        name[0] += 1
        path = f"/p{name[0]}"
        if steps:
            self.server.script[path] = list(steps)
        return path

    def tls_server(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return Server(context)


def full_backlog():
    """A port whose connections are neither accepted nor refused."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    clients = []
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        clients.append(client)
    return listener.getsockname()[1], (listener, clients)


def wait_until(condition, timeout=5):
    end = time.time() + timeout
    while not condition():
        assert time.time() < end, "condition not met"
        time.sleep(0.002)


# --------------------------------------------------------------------------
# Interrupts
# --------------------------------------------------------------------------

def interrupt(env, url, how, state, usable):
    """Milliseconds from the interrupt to the error."""
    s = env.session(connect=60000, request=60000)
    fds = None
    if how != "terminate":
        s.query(Session.request_sql(env.server.url("/ok")))
        fds = s.fds()
    observer = env.session()
    if how == "timeout":
        s.query("SET statement_timeout = 250")
    s.send(Session.request_sql(url))
    begun = time.time()
    if how != "timeout":
        wait_until(lambda: observer.query(f"""
            SELECT FROM pg_stat_activity WHERE pid = {s.pid} AND {state}
              AND clock_timestamp() > query_start + '150 ms'"""))
        begun = time.time()
        if how == "cancel":
            s.cancel()
        else:
            observer.query(f"SELECT pg_terminate_backend({s.pid})")
    try:
        s.result()
        raise AssertionError("no error")
    except pgwire.PgError as e:
        ms = (time.time() - begun) * 1000 - (250 if how == "timeout" else 0)
        assert e.sqlstate == ("57P01" if how == "terminate" else "57014"), e
    if fds is not None:
        s.query("SET statement_timeout = 0")
        # the resolver's detached thread may hold its pair a little longer
        if "stall.test" not in url:
            assert s.fds() <= fds, (s.fds(), fds)
        if usable:
            assert s.request(env.server.url("/ok")).status == 200
    return ms


def check_interrupts(env, url, state="wait_event = 'Extension'", usable=True):
    for how in ("timeout", "cancel", "terminate"):
        ms = interrupt(env, url, how, state, usable)
        if VERBOSE:
            print(f"        {how}: {ms:.1f} ms")
        assert ms < 100, f"{how}: {ms:.0f} ms"


def test_interrupt_dns(env):
    check_interrupts(env, "http://dns.stall.test/x")


def test_interrupt_connect(env):
    port, keep = full_backlog()
    check_interrupts(env, f"http://127.0.0.1:{port}/x")


def test_interrupt_tls(env):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        check_interrupts(env, f"https://127.0.0.1:{listener.getsockname()[1]}/x")


def test_interrupt_first_byte(env):
    check_interrupts(env, env.server.url(env.path(env.server.hang)))


def test_interrupt_drip(env):
    check_interrupts(env, env.server.url(env.path(env.server.drip)))


def test_interrupt_flood(env):
    def flood(sock):
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:             # chunk extensions: bytes, but no body
            sock.sendall(b"1;" + b"x" * 15000 + b"\r\n \r\n")
    check_interrupts(env, env.server.url(env.path(flood)), state="state = 'active'")


def test_interrupt_bomb(env):
    bomb = answer(headers=["Content-Encoding: gzip"], body=gzip.compress(b"\0" * (200 << 20)))
    s = env.session()
    cancelled = 0
    for ms in range(10, 150, 15):
        s.query(f"SET statement_timeout = {ms}")
        begun = time.time()
        try:
            r = s.request(env.server.url(env.path(bomb)))
            assert r.failure == TOO_LARGE
        except pgwire.PgError as e:
            assert e.sqlstate == "57014", e
            took = (time.time() - begun) * 1000 - ms
            assert took < 100, took
            cancelled += 1
    assert cancelled > 2


def test_interrupt_backoff(env):
    check_interrupts(env, env.server.url(env.path(answer(503, headers=["Retry-After: 30"]))))


def test_interrupt_rate_limit(env):
    check_interrupts(env, env.server.url(env.path(answer(429, headers=["Retry-After: 30"]))),
                     usable=False)


def test_cancel_leaks_nothing(env):
    s = env.session(request=60000)
    s.query("SET statement_timeout = 15")
    path = env.path(env.server.hang)
    s.request(env.server.url("/ok"))
    seen = []
    for i in range(60):
        try:
            s.request(env.server.url(path))
        except pgwire.PgError:
            pass
        if i in (19, 59):
            s.query("SET statement_timeout = 0")
            seen.append((s.fds(), int(s.one("SELECT hc_heap()"))))
            s.query("SET statement_timeout = 15")
    assert seen[0][0] == seen[1][0], seen
    assert seen[1][1] - seen[0][1] < 20000, seen


# --------------------------------------------------------------------------
# Failures
# --------------------------------------------------------------------------

def test_refused(env):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    r = env.session(retries=1).request(f"http://127.0.0.1:{port}/", safe=False)
    assert (r.failure, r.maybe, r.attempts) == (CANNOT_CONNECT, False, 2), r.__dict__


def test_connect_timeout(env):
    port, keep = full_backlog()
    r = env.session(retries=0, connect=200).request(f"http://127.0.0.1:{port}/")
    assert r.failure == CANNOT_CONNECT and not r.maybe
    assert "200 ms while connecting" in r.message, r.message


def test_name(env):
    r = env.session(retries=0).request("http://does-not-exist.invalid/")
    assert r.failure == CANNOT_CONNECT and "resolve" in r.message, r.message
    r = env.session(retries=0, connect=150).request("http://dns.stall.test/")
    assert r.failure == CANNOT_CONNECT and "looking up" in r.message, r.message


def test_timeouts(env):
    s = env.session(retries=1, request=200)
    r = s.request(env.server.url(env.path(env.server.hang)))
    assert (r.failure, r.attempts, r.maybe) == (TIMEOUT, 2, True), r.__dict__
    assert "200 ms while waiting for the first byte" in r.message, r.message
    path = env.path(env.server.drip)
    r = s.request(env.server.url(path), safe=False, method="POST")
    assert (r.failure, r.attempts, r.maybe) == (TIMEOUT, 1, True), r.__dict__
    assert "reading the answer" in r.message, r.message


def test_tls(env):
    server = env.tls_server()
    r = env.session().request(server.url("/ok"))
    assert (r.failure, r.attempts, r.maybe) == (CANNOT_CONNECT, 1, False), r.__dict__
    s = env.session(ca=env.cert)
    for _ in range(3):
        r = s.request(server.url("/ok"))
        assert (r.failure, r.status, r.attempts) == (OK, 200, 1), r.message
    assert server.hits("/ok")[-1].connection == server.hits("/ok")[-3].connection
    r = s.request(server.url("/ok").replace("localhost", "127.0.0.1"))
    assert (r.failure, r.attempts) == (CANNOT_CONNECT, 1), r.__dict__
    r = env.session(ca="/nonexistent").request(server.url("/ok"))
    assert (r.failure, r.attempts) == (CANNOT_CONNECT, 1), r.__dict__
    assert s.one(call("hc_many", 0, server.url("/ok"), 50, 8)) == "50"


def test_http2(env):
    """One connection for all; what HTTP/2 adds to the ways to fail."""
    node = shutil.which("node")
    if node is None:
        print("        (skipped: no node)")
        return
    with subprocess.Popen([node, f"{HERE}/h2server.js", env.key, env.cert],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        url = f"https://localhost:{int(server.stdout.readline())}"
        s = env.session(ca=env.cert)
        assert s.one(call("hc_many", 0, url + "/ok", 200, 8)) == "200"
        r = s.request(url + "/ok", method="PUT", body="x" * 500000)
        assert (r.status, r.jwt, r.type) == (200, "h2", "application/json"), r.__dict__
        seen = json.loads(r.body)
        assert (seen["sessions"], seen["size"], seen["length"]) == (1, 500000, "500000"), seen
        r = s.request(url + "/ok", method="POST")
        assert json.loads(r.body)["length"] == "0", r.body
        r = s.request(url + "/refuse-once")
        assert (r.status, r.attempts) == (200, 2), r.__dict__
        # libcurl does not tell a refused stream of a reused connection from a lost one
        r = s.request(url + "/refuse-once-post", method="POST", body="{}", safe=False)
        assert (r.failure, r.maybe, r.attempts) == (LOST, True, 1), r.__dict__
        assert s.request(url + "/refuse-once-post", method="POST", safe=False).status == 200
        r = s.request(url + "/die", method="POST", body="{}", safe=False)
        assert (r.failure, r.maybe, r.attempts) == (LOST, True, 1), r.__dict__
        assert json.loads(s.request(url + "/ok").body)["deaths"] == 1
        for _ in range(3):      # a stream is given up, the connection stays
            s.query("SET statement_timeout = 50")
            try:
                s.request(url + "/hang")
                raise AssertionError
            except pgwire.PgError as e:
                assert e.sqlstate == "57014"
            s.query("SET statement_timeout = 0")
        before = json.loads(s.request(url + "/ok").body)["sessions"]
        assert before <= 5, before
        server.stdin.close()


def test_truncated(env):
    def short(sock):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        raise Closed

    def chunk(sock):
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf")
        raise Closed
    s = env.session()
    for step in (short, chunk):
        path = env.path(step, answer(body=b"whole"))
        r = s.request(env.server.url(path))
        assert (r.failure, r.body, r.attempts) == (OK, "whole", 2), r.__dict__
        path = env.path(step)
        r = s.request(env.server.url(path), safe=False)
        assert (r.failure, r.attempts, r.maybe, r.length) == (LOST, 1, True, 0), r.__dict__


def test_broken(env):
    s = env.session()
    bad_gzip = b"\x1f\x8b\x08" + b"\xff" * 50
    for step in (answer(headers=["Content-Encoding: gzip"], body=bad_gzip),
                 b"SSH-2.0-OpenSSH\r\n\r\n",
                 answer(headers=["Content-Encoding: nonsense"])):
        r = s.request(env.server.url(env.path(step)))
        assert (r.failure, r.attempts) == (BROKEN, 1), r.__dict__


def test_gzip(env):
    s = env.session()
    body = gzip.compress(b"[1]" * 1000)
    r = s.request(env.server.url(env.path(answer(headers=["Content-Encoding: gzip"], body=body))))
    assert r.length == 3000 and r.body.startswith("[1]")
    assert s.stats()["bytes"] < 1000
    bomb = gzip.compress(b"\0" * (200 << 20))
    begun = time.time()
    r = s.request(env.server.url(env.path(answer(headers=["Content-Encoding: gzip"], body=bomb))))
    if VERBOSE:
        print(f"        64 MB in {(time.time() - begun) * 1000:.0f} ms")
    assert (r.failure, r.attempts, r.length) == (TOO_LARGE, 1, 0), r.__dict__
    assert "64 MB" in r.message


def test_large_body(env):
    s = env.session()
    r = s.request(env.server.url(env.path(answer(body=b"x" * (30 << 20)))))
    assert (r.failure, r.length) == (OK, 30 << 20)


def test_reset_before_answer(env):
    s = env.session()
    path = env.path(reset, answer())
    r = s.request(env.server.url(path))
    assert (r.failure, r.attempts) == (OK, 2)
    path = env.path(reset)
    r = s.request(env.server.url(path), safe=False, method="POST", body="{}")
    assert (r.failure, r.maybe, r.attempts) == (LOST, True, 1), r.__dict__
    assert len(env.server.hits(path)) == 1


def test_stale_keepalive(env):
    """A reused connection that dies is repeated at once, uncounted, if safe."""
    s = env.session(retries=0)

    def vanish(sock):
        raise Closed
    for step in (reset, vanish):
        s.request(env.server.url("/ok"))
        path = env.path(step, answer(body=b"again"))
        begun = time.time()
        r = s.request(env.server.url(path))
        assert (r.failure, r.body, r.attempts) == (OK, "again", 2), r.__dict__
        assert time.time() - begun < 0.3
        hits = env.server.hits(path)
        assert len(hits) == 2 and hits[0].connection != hits[1].connection

        # libcurl would repeat these by itself
        for method, body in (("POST", "{}"), ("POST", None), ("DELETE", None)):
            s.request(env.server.url("/ok"))
            path = env.path(step)
            r = s.request(env.server.url(path), safe=False, method=method, body=body)
            assert (r.failure, r.maybe, r.attempts) == (LOST, True, 1), r.__dict__
            assert len(env.server.hits(path)) == 1, "sent twice"
            assert env.server.hits(path)[0].connection == env.server.hits("/ok")[-1].connection

        # only once: the next one counts
        s.request(env.server.url("/ok"))
        path = env.path(step)
        r = s.request(env.server.url(path))
        assert (r.failure, r.attempts) == (LOST, 2) and len(env.server.hits(path)) == 2, r.__dict__


def test_server_closes_idle(env):
    def last(sock):
        sock.sendall(answer())
        raise Closed
    s = env.session(retries=0)
    for _ in range(5):
        path = env.path(last)
        r = s.request(env.server.url(path), safe=False, method="POST", body="x")
        assert r.failure == OK
        # The descriptor must not stay readable with nothing to do.
        wait_until(lambda: s.one(call("hc_poll", 0)) == "0")
        time.sleep(0.02)
    assert s.stats()["requests"] == 5


def test_redirect_is_not_followed(env):
    path = env.path(answer(302, headers=[f"Location: {env.server.url('/stolen')}"]))
    r = env.session().request(env.server.url(path))
    assert (r.failure, r.status) == (OK, 302) and not env.server.hits("/stolen")


def test_proxy(env):
    """The environment's proxy is ignored, a given one is used."""
    proxy = Server()
    s = env.session(proxy=f"http://user:hunter2@127.0.0.1:{proxy.port}", retries=0)
    r = s.request("http://example.test/x")
    assert r.status == 200 and proxy.log[0].path == "http://example.test/x"
    s = env.session(proxy="http://user:hunter2@127.0.0.1:9", retries=0)
    r = s.request("http://example.test/x")
    assert r.failure == CANNOT_CONNECT and "hunter2" not in r.message, r.message


def test_wrong_url(env):
    s = env.session()
    for url in ("ftp://127.0.0.1/", "file:///etc/passwd", "http://"):
        r = s.request(url)
        assert (r.failure, r.attempts) == (INTERNAL, 1), r.__dict__
    try:
        s.request(env.server.url("/ok"), header="X: a\r\nY: b")
        raise AssertionError
    except pgwire.PgError as e:
        assert e.sqlstate == "22023"


# --------------------------------------------------------------------------
# Retries and rate limits
# --------------------------------------------------------------------------

def test_retries(env):
    s = env.session(retries=2)
    path = env.path(answer(503), answer(500), answer(body=b"done"))
    begun = time.time()
    r = s.request(env.server.url(path))
    assert (r.status, r.body, r.attempts) == (200, "done", 3)
    assert 1.1 < time.time() - begun < 2.2
    assert s.stats()["retries"] == 2 and s.stats()["requests"] == 3
    path = env.path(answer(502, body=b"bad"))
    r = s.request(env.server.url(path))
    assert (r.failure, r.status, r.body, r.attempts) == (OK, 502, "bad", 3)
    for kw in ({"safe": False}, {"final": True}):
        r = s.request(env.server.url(env.path(answer(500))), **kw)
        assert (r.status, r.attempts) == (500, 1)
    r = s.request(env.server.url(env.path(answer(500, headers=["x-should-retry: false"]))))
    assert r.attempts == 1
    path = env.path(answer(500, headers=["x-should-retry: true"]), answer())
    r = s.request(env.server.url(path), safe=False)
    assert (r.status, r.attempts) == (200, 2)


def test_not_found(env):
    s = env.session()
    gone = answer(404, headers=["x-should-retry: true"])
    r = s.request(env.server.url(env.path(gone)), not_found=2)
    assert (r.status, r.attempts) == (404, 3)
    r = s.request(env.server.url(env.path(gone)))
    assert (r.status, r.attempts) == (404, 1)


def test_rate_limit_wait(env):
    s = env.session(retries=1)
    reset_at = lambda: f"x-ratelimit-reset: {int((time.time() + 1) * 1000)}"
    path = env.path(lambda sock: sock.sendall(
        answer(429, headers=[reset_at(), "x-ratelimit-remaining: 0"])), answer())
    begun = time.time()
    r = s.request(env.server.url(path), safe=False, method="POST", body="{}")
    assert (r.status, r.attempts) == (200, 2)
    assert 0.95 < time.time() - begun < 1.5, time.time() - begun
    stats = s.stats()
    assert stats["waits"] == 1 and stats["remaining"] == 0 and stats["backoff"] > 900000


def test_rate_limit_too_long(env):
    s = env.session(rate=3)
    path = env.path(answer(429, body=b"slow down", headers=["Retry-After: 20"]))
    begun = time.time()
    r = s.request(env.server.url(path))
    assert (r.failure, r.status, r.body) == (RATE_LIMITED, 429, "slow down"), r.__dict__
    assert 19 < r.reset_in < 21 and time.time() - begun < 0.3
    # nothing more is sent meanwhile, not even in the next statement
    other = env.path()
    s.query(call("hc_new_statement", 0))
    r = s.request(env.server.url(other))
    assert (r.failure, r.status) == (RATE_LIMITED, 0) and not env.server.hits(other)
    assert r.reset_in > 15


def test_rate_limit_no_storm(env):
    """One 429 holds all; the wait is charged once."""
    s = env.session(rate=3)
    limited = env.path(answer(429, headers=["Retry-After: 1"]), answer())
    other = env.path()
    s.start(env.server.url(limited), n=0)
    wait_until(lambda: s.one(call("hc_poll", 0)) and s.stats()["waits"] == 1)
    for n in range(1, 9):
        s.start(env.server.url(other), n=n)
    assert not env.server.hits(other)
    for n in range(9):
        assert s.finish(n=n).status == 200
    assert env.server.hits(other)[0].time - env.server.hits(limited)[0].time > 0.95
    assert s.stats()["waits"] == 9 and len(env.server.hits(other)) == 8


def test_rate_limit_lies(env):
    """A reset in the past does not make a busy loop."""
    s = env.session(rate=2)
    path = env.path(answer(429, headers=["x-ratelimit-reset: 1700000000000"]))
    r = s.request(env.server.url(path))
    assert r.failure == RATE_LIMITED and r.attempts <= 5, r.attempts


def test_retry_after_503(env):
    s = env.session(rate=5)
    path = env.path(answer(503, headers=["Retry-After: 1"]), answer())
    begun = time.time()
    assert s.request(env.server.url(path)).status == 200
    assert 0.95 < time.time() - begun < 1.6
    r = s.request(env.server.url(env.path(answer(503, headers=["Retry-After: 60"]))))
    assert (r.failure, r.status, r.attempts) == (OK, 503, 1)


# --------------------------------------------------------------------------
# Requests, reuse, lifetimes
# --------------------------------------------------------------------------

def test_requests(env):
    """What is sent; nothing of a request leaks into the next."""
    s = env.session()
    path = env.path()

    def last(**kw):
        assert s.request(env.server.url(path), **kw).status == 200
        return env.server.hits(path)[-1]
    for _ in range(2):
        r = last(method="POST", body='{"a":1}', header="Content-Type: application/json")
        assert r.body == b'{"a":1}' and r.headers["content-type"] == "application/json"
        r = last()
        assert r.method == "GET" and r.body == b""
        assert "content-length" not in r.headers and "content-type" not in r.headers
        r = last(method="PUT", body="x" * 2000000)
        assert len(r.body) == 2000000 and "expect" not in r.headers
        assert "transfer-encoding" not in r.headers and "content-type" not in r.headers
        for method in ("POST", "PUT", "PATCH"):
            r = last(method=method)
            assert r.method == method and r.headers["content-length"] == "0"
        r = last(method="DELETE")
        assert r.method == "DELETE" and "content-length" not in r.headers
        r = last(method="PATCH", body="p", header="X-A: b")
        assert r.method == "PATCH" and r.headers["x-a"] == "b"
        r = last(method="DELETE", body="{}")
        assert r.method == "DELETE" and r.body == b"{}"
        r = last()
        assert r.method == "GET" and "x-a" not in r.headers
        assert r.headers["user-agent"].startswith("trigger_fdw/")
        assert r.headers["authorization"] == "Bearer tr_dev_secret"
    assert len({r.connection for r in env.server.hits(path)}) == 1


def test_response_headers(env):
    s = env.session()
    early = b"HTTP/1.1 103 Early Hints\r\nx-trigger-jwt: wrong\r\ncontent-type: wrong\r\n\r\n"
    path = env.path(early + answer(headers=["X-Trigger-JWT:  abc ",
                                            'x-trigger-jwt-claims: {"a":1}']),
                    answer())
    r = s.request(env.server.url(path))
    assert (r.jwt, r.type) == ("abc", "application/json"), r.__dict__
    assert s.request(env.server.url(path)).jwt == "-"
    huge = answer(headers=["x-trigger-jwt: " + "a" * 20000])
    assert s.request(env.server.url(env.path(huge))).jwt == "-"


def test_many(env):
    """1000 requests: one connection per transfer in flight, no leak."""
    s = env.session()
    for concurrency in (1, 8):
        path = env.path()
        sql = lambda n: call("hc_many", 0, env.server.url(path), n, concurrency)
        assert s.one(sql(100)) == "100"
        fds, heap = s.fds(), int(s.one("SELECT hc_heap()"))
        assert s.one(sql(1000)) == "1000"
        assert s.fds() == fds
        grown = int(s.one("SELECT hc_heap()")) - heap
        assert grown < 50000, grown
        used = {r.connection for r in env.server.hits(path)}
        assert len(used) <= concurrency, used
    fds = s.fds()
    s.query(call("hc_close", 0))
    assert s.fds() < fds


def test_create_destroy(env):
    s = env.session()
    s.request(env.server.url("/ok"))
    s.query(call("hc_close", 0))
    fds = s.fds()
    for _ in range(100):
        s.open()
        s.request(env.server.url("/ok"))
        s.query(call("hc_close", 0))
    assert s.fds() == fds


def test_freeing_in_flight(env):
    s = env.session()
    s.request(env.server.url("/ok"))
    s.query(call("hc_close", 0))
    fds = s.fds()
    hang = env.server.url(env.path(env.server.hang))
    limited = env.server.url(env.path(answer(503)))
    for url in (hang, limited, "http://dns.stall.test/", env.server.url("/ok")):
        for order in ("free", "context", "destroy, free", "destroy, context", "done, destroy"):
            s.open(request=60000)
            s.start(url)
            s.start(url, n=1)
            s.one(call("hc_poll", 0))
            if "destroy" in order:
                if "done" in order:
                    s.start(env.server.url("/ok"), n=2)
                    s.finish(n=2)
                s.query(call("hc_close", 0))
                if "done" in order:
                    assert s.finish(slot=None, n=2).status == 200
                    s.query(call("hc_drop", 2, False))
                assert s.finish(slot=None).failure in (LOST, OK)
            by_context = "context" in order
            s.query(call("hc_drop", 0, by_context))
            s.query(call("hc_drop", 1, by_context))
            if "destroy" not in order:
                assert s.one(call("hc_poll", 0)) == "0"
                assert s.request(env.server.url("/ok")).status == 200
                s.query(call("hc_close", 0))
    wait_until(lambda: s.fds() == fds, timeout=8)   # resolver threads end


def test_pause(env):
    """request_timeout does not count while nobody asks for the answer."""
    s = env.session(retries=0, request=300)
    path = env.path(answer(body=b"ready"))
    s.start(env.server.url(path))
    time.sleep(1.6)
    r = s.finish()
    assert (r.failure, r.body, r.attempts) == (OK, "ready", 1), r.__dict__
    s.query(call("hc_drop", 0, False))

    paused = threading.Event()

    def later(sock):
        paused.wait(5)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        reset(sock)
    path = env.path(later, answer(body=b"again"))
    s.start(env.server.url(path))
    paused.set()
    time.sleep(1.6)
    r = s.finish()
    assert (r.failure, r.body, r.attempts) == (OK, "again", 2), r.__dict__


def test_url(env):
    s = env.session()
    good = {
        "https://api.trigger.dev": "https://api.trigger.dev",
        "https://api.trigger.dev///": "https://api.trigger.dev",
        "https://h:8443/base/": "https://h:8443/base",
        "http://127.1.2.3:80/": "http://127.1.2.3:80",
        "http://localhost": "http://localhost",
        "http://[::1]:8030": "http://[::1]:8030",
    }
    for url, want in good.items():
        assert s.one(call("hc_url", url, False)) == want, url
    bad = ["http://api.trigger.dev", "http://127.0.0.1.evil.com", "http://127.evil.com",
           "http://localhost.evil.com", "https://u@h", "https://u:p@h", "https://@h", "https://h?",
           "https://h/?q=1", "https://h/#f", "https://h/#", "ftp://h", "file:///etc/passwd",
           "//h", "h", "", "https://", "https:///x", "https://h\nx", "https://h /",
           "https://h\\@evil", "javascript:alert(1)", "https://h:99999", "http://[::2]"]
    for url in bad:
        assert s.one(call("hc_url", url, False)).startswith("! "), url
    assert s.one(call("hc_url", "http://intranet", True)) == "http://intranet"
    assert s.one(call("hc_url", "ftp://intranet", True)).startswith("! ")
    assert s.one(call("hc_segment", "a/b?c#d%e é~-._")) == "a%2Fb%3Fc%23d%25e%20%C3%A9~-._"
    assert s.one(call("hc_query", "filter[a]=b,c d~*é+")) == "filter%5Ba%5D%3Db%2Cc+d%7E*%C3%A9%2B"


def test_retry_unit(env):
    out = run(f"{env.dir}/test_retry")
    assert out.strip().endswith(" 0 failed"), out


def test_zz_postmaster_death(env):
    """Last: the postmaster is killed; a waiting backend exits at once."""
    s = env.session(request=60000)
    path = env.path(env.server.hang)
    s.send(Session.request_sql(env.server.url(path)))
    assert env.server.wait_for(path)
    begun = time.time()
    os.kill(env.postmaster_pid(), 9)
    try:
        s.result()
        raise AssertionError("no error")
    except (ConnectionError, pgwire.PgError):
        pass
    assert time.time() - begun < 1


def main():
    wanted = sys.argv[1:]
    tests = [(n, f) for n, f in list(globals().items()) if n.startswith("test_")
             and (not wanted or n in wanted)]
    tests.sort(key=lambda t: t[0] == "test_zz_postmaster_death")
    passed, failed = 0, 0
    env = Env()
    try:
        for name, test in tests:
            begun = time.time()
            try:
                test(env)
                passed += 1
                print(f"ok      {name} ({time.time() - begun:.1f} s)", flush=True)
            except Exception:
                failed += 1
                print(f"FAILED  {name}", flush=True)
                traceback.print_exc(file=sys.stdout)
            env.end_sessions()
        if failed:
            with open(f"{env.dir}/run/log") as file:
                print("".join(line for line in file if "PANIC" in line or "signal" in line))
    finally:
        env.stop()
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
