"""What goes wrong in a case: fault rules of the emulator, a gate that refuses, a cancel."""
import socket
import struct
import threading
import time

REQUEST_TIMEOUT = 400       # ms; the server option of every case
SLOW_TIMEOUT = 4000         # of cases with hundreds of rows

RETRIED = {"X-Should-Retry": "true"}
FINAL = {"X-Should-Retry": "false"}


def _status(status, headers=None):
    return {"kind": "status", "status": status, "headers": headers or {}}


def _damage(rng):
    """A fault that destroys the connection or the answer."""
    return rng.choice((
        {"kind": "reset_before"}, {"kind": "reset_after"}, {"kind": "reset_after"},
        {"kind": "reset_mid", "bytes": rng.choice((0, 1, 9, 30))},
        {"kind": "truncate", "bytes": rng.choice((0, 1, 9, 30))},
        {"kind": "stall", "where": "headers"},
        {"kind": "stall", "where": "body", "after_bytes": rng.choice((0, 5))},
    ))


def _refusal(rng):
    """A fault that answers without doing anything."""
    return rng.choice((
        {"kind": "rate_limit", "reset": "ms", "seconds": rng.choice((0, 0.1, 0.3))},
        {"kind": "rate_limit", "reset": "retry-after", "seconds": rng.choice((0, 0.2, 1))},
        {"kind": "rate_limit", "reset": "none"},
        _status(500), _status(500, RETRIED), _status(500, FINAL),
        _status(503), _status(503, RETRIED), _status(503, FINAL),
        _status(503, {"Retry-After": "0.1"}), _status(502), _status(504),
    ))


class Plan:
    """The faults of one case, with what the server options must be for them."""

    def __init__(self, rng, case):
        self.rules = []
        self.settings = {}
        self.cancel_at = None           # cancel when this rule has hit
        self.gate = None                # (connections that are let in, seconds closed)
        self.rival = False              # somebody else acts when the first rule hits
        self.max_retries = rng.choice((0, 0, 0, 1, 1, 1, 1, 2, 2, 3))
        self.rate_limit_wait = rng.choice((1, 3, 3))
        self.warm = rng.random() < 0.5
        self._match = self._place(rng, case)
        self._choose(rng, case)

    def _place(self, rng, case):
        """Which request is hit: any of the statement, or one of those that write."""
        if case.writes and rng.random() < 0.7:
            method, path = rng.choice(case.writes)
            return {"method": method, "path_regex": path,
                    "nth": rng.randint(1, max(1, case.write_calls))}
        return {"nth": rng.randint(1, case.calls)}

    def _add(self, action, times=1, **match):
        self.rules.append({"match": {**self._match, **match}, "times": times, "action": action})

    def _choose(self, rng, case):
        roll = rng.random()
        if case.rival and rng.random() < 0.3:
            self.rival = True
            self._add(rng.choice((
                {"kind": "delay", "ms": 150}, {"kind": "reset_before"}, {"kind": "reset_after"},
                _status(503, RETRIED), {"kind": "rate_limit", "reset": "none"})))
            if rng.random() < 0.3:
                self._add(_damage(rng))
            self.max_retries = rng.choice((1, 1, 2))
        elif roll < 0.04:
            self.name = "none"
        elif roll < 0.36:
            self._add(_damage(rng), rng.choice((1, 1, 1, 1, 2, 3)))
        elif roll < 0.60:
            self._add(_refusal(rng), rng.choice((1, 1, 1, 1, 2, 3)))
        elif roll < 0.74:
            # the second hits the next request that fits
            self._add(_damage(rng) if rng.random() < 0.7 else _refusal(rng))
            self._add(_damage(rng) if rng.random() < 0.6 else _refusal(rng))
        elif roll < 0.88:
            self._add({"kind": "delay", "ms": 250} if rng.random() < 0.6 else _damage(rng))
            self.cancel_at = 0
        elif roll < 0.92:
            self.warm = rng.random() < 0.8
            self.settings["drop_keepalive_after"] = rng.randint(1, 3)
            if rng.random() < 0.3:
                self._add({"kind": "reset_before"})
        elif roll < 0.95:
            self.warm = False
            self.gate = (0, rng.choice((0.25, 30)))
        else:
            self.gate = (1, rng.choice((0.25, 0.25, 30)))
            self._add(rng.choice(({"kind": "connection_close"}, {"kind": "reset_before"},
                                  {"kind": "reset_after"}, {"kind": "truncate", "bytes": 3})))
        if case.slow:
            for rule in self.rules:
                if rule["action"]["kind"] == "stall":
                    rule["action"] = {"kind": "reset_after"}

    def describe(self):
        """One line for people."""
        parts = [f"{r['action']} at {r['match']} times {r['times']}" for r in self.rules]
        if self.settings:
            parts.append(f"settings {self.settings}")
        if self.cancel_at is not None:
            parts.append("then cancel")
        if self.gate:
            parts.append(f"refuses connections after {self.gate[0]} for {self.gate[1]} s")
        if self.rival:
            parts.append("then a rival")
        return "; ".join(parts) or "no fault"

    def kind(self):
        """A short name for the statistics."""
        parts = []
        for rule in self.rules:
            action = rule["action"]
            name = action["kind"]
            if name == "status":
                hint = action["headers"].get("X-Should-Retry")
                name = str(action["status"]) + (f" retry={hint}" if hint else "")
            elif name == "rate_limit":
                name = "429 " + action["reset"]
            parts.append(name)
        if self.settings:
            parts.append("keep-alive dropped")
        if self.cancel_at is not None:
            parts.append("cancel")
        if self.gate:
            parts.append("refused")
        if self.rival:
            parts.append("rival")
        return " + ".join(parts) or "none"


class Gate:
    """A TCP proxy before the emulator that can stop to listen for a while."""

    def __init__(self, port):
        self.upstream = port
        self.lock = threading.Lock()
        self.listener = None
        self.left = None                # connections until it closes; None: stays open
        self.closed_until = 0
        self.port = 0
        self._open()
        self.port = self.listener.getsockname()[1]

    def _open(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(16)
        self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def arm(self, connections, seconds):
        """Let some connections in, then refuse for a time."""
        with self.lock:
            self.left = connections
            self.seconds = seconds
            if connections == 0:
                self._shut()

    def disarm(self):
        """Listen again."""
        with self.lock:
            self.left = None
            if self.listener is None:
                self._open()

    def _shut(self):
        listener, self.listener = self.listener, None
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        if self.seconds < 10:
            timer = threading.Timer(self.seconds, self.disarm)
            timer.daemon = True
            timer.start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                if self.left is not None and listener is self.listener:
                    self.left -= 1
                    if self.left <= 0:
                        self._shut()
            server = socket.create_connection(("127.0.0.1", self.upstream))
            for pair in ((client, server), (server, client)):
                threading.Thread(target=_pump, args=pair, daemon=True).start()


def _pump(source, sink):
    """Copy one direction; a reset stays a reset."""
    reset = False
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        reset = True
    try:
        if reset:
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sink.shutdown(socket.SHUT_WR)
        if reset:
            sink.close()
    except OSError:
        pass


def wait_for(condition, seconds):
    """Poll; false if it never holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
