"""An HTTP server that misbehaves as told: one behaviour per path."""
import socket
import struct
import threading
import time


def answer(status=200, body=b"{}", headers=()):
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json",
             f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Request:
    def __init__(self, method, path, headers, body, connection):
        self.method, self.path, self.headers = method, path, headers
        self.body, self.connection, self.time = body, connection, time.time()


class Closed(Exception):
    pass


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise Closed


class Server:
    """script[path] is a list of behaviours, used up one by one except the last;
    a behaviour is bytes to send, or a function(sock)."""

    def __init__(self, context=None):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.context = context
        self.script, self.log = {}, []
        self.connections = 0
        self.stopping = threading.Event()
        self.seen = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path):
        scheme, host = ("https", "localhost") if self.context else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self.port}{path}"

    def _accept(self):
        while True:
            sock, _ = self.listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock, self.connections),
                             daemon=True).start()

    def _serve(self, sock, number):
        try:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            file = sock.makefile("rb")
            while True:
                request = self._read(file, number)
                if request is None:
                    break
                with self.seen:
                    self.log.append(request)
                    steps = self.script.get(request.path, [answer()])
                    step = steps.pop(0) if len(steps) > 1 else steps[0]
                    self.seen.notify_all()
                if callable(step):
                    step(sock)
                else:
                    sock.sendall(step)
            file.close()
        except (OSError, Closed):
            pass
        finally:
            try:
                file.close()
            except (OSError, UnboundLocalError):
                pass
            sock.close()

    @staticmethod
    def _read(file, number):
        line = file.readline()
        if not line:
            return None
        method, path, _ = line.decode().split()
        headers = {}
        while (line := file.readline().strip()):
            name, value = line.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        body = file.read(int(headers.get("content-length", 0)))
        return Request(method, path, headers, body, number)

    def wait_for(self, path, n=1, timeout=5):
        with self.seen:
            return self.seen.wait_for(lambda: len(self.hits(path)) >= n, timeout)

    def hits(self, path):
        return [r for r in self.log if r.path == path]

    def drip(self, sock):
        """One byte each 10 ms, until the client has had enough."""
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not self.stopping.wait(0.01):
            sock.sendall(b" ")

    def hang(self, sock):
        """Nothing, until the client goes away."""
        sock.recv(1)
        raise Closed
