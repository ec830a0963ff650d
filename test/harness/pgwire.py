"""A PostgreSQL client that is just enough for the tests.

Simple queries over a Unix socket with trust authentication.  The tests need
timing of single messages, cancel requests and notices; psql gives none of
them, and no driver is in Debian's base.
"""
import socket
import struct


class PgError(Exception):
    """An ErrorResponse; its fields by their names."""

    def __init__(self, fields):
        super().__init__(f"{fields.get('C')} {fields.get('M')} | {fields.get('D', '')}")
        self.sqlstate = fields.get("C")
        self.message = fields.get("M", "")
        self.detail = fields.get("D", "")
        self.hint = fields.get("H", "")
        self.context = fields.get("W", "")


def _fields(body):
    return {f[:1].decode(): f[1:].decode("utf-8", "replace") for f in body.split(b"\0") if f}


class Connection:
    """One session.  `notices` collects the messages of notices and warnings."""

    def __init__(self, directory, port=5432, database="postgres", user="postgres",
                 client_encoding="UTF8", timeout=120):
        self.path = f"{directory}/.s.PGSQL.{port}"
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        self.sock.connect(self.path)
        params = b"".join(k.encode() + b"\0" + v.encode() + b"\0" for k, v in (
            ("user", user), ("database", database), ("client_encoding", client_encoding)))
        params += b"\0"
        self.sock.sendall(struct.pack("!II", len(params) + 8, 196608) + params)
        self.file = self.sock.makefile("rb")
        self.pid = self.key = None
        self.notices = []
        self.tag = None
        self.columns = []
        self._until_ready()

    def _message(self):
        head = self.file.read(5)
        if len(head) < 5:
            raise ConnectionError("server closed the connection")
        size = struct.unpack("!I", head[1:])[0]
        return head[:1], self.file.read(size - 4)

    def _until_ready(self):
        rows, error = [], None
        while True:
            kind, body = self._message()
            if kind == b"D":
                rows.append(self._row(body))
            elif kind == b"T":
                self.columns = self._names(body)
            elif kind == b"C":
                self.tag = body[:-1].decode()
            elif kind == b"N":
                self.notices.append(_fields(body).get("M", ""))
            elif kind == b"E":
                error = PgError(_fields(body))
                if error.sqlstate in ("57P01", "57P02", "57P03"):
                    raise error
            elif kind == b"K":
                self.pid, self.key = struct.unpack("!II", body)
            elif kind == b"Z":
                if error:
                    raise error
                return rows

    @staticmethod
    def _names(body):
        names, at = [], 2
        for _ in range(struct.unpack("!H", body[:2])[0]):
            end = body.index(b"\0", at)
            names.append(body[at:end].decode())
            at = end + 19
        return names

    @staticmethod
    def _row(body):
        values, at = [], 2
        for _ in range(struct.unpack("!H", body[:2])[0]):
            size = struct.unpack("!i", body[at:at + 4])[0]
            at += 4
            values.append(None if size < 0 else body[at:at + size].decode("utf-8", "replace"))
            at += max(size, 0)
        return values

    def send(self, sql):
        """Send a query and return at once; result() waits for its answer."""
        data = sql.encode() + b"\0"
        self.sock.sendall(b"Q" + struct.pack("!I", len(data) + 4) + data)

    def result(self):
        return self._until_ready()

    def query(self, sql):
        """Rows as lists of texts; raises PgError."""
        self.send(sql)
        return self._until_ready()

    def one(self, sql):
        rows = self.query(sql)
        return rows[0][0] if rows else None

    def column(self, sql):
        return [row[0] for row in self.query(sql)]

    def error(self, sql):
        """The PgError that a statement must raise."""
        try:
            self.query(sql)
        except PgError as error:
            return error
        raise AssertionError(f"no error from: {sql}")

    def cancel(self):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.path)
            sock.sendall(struct.pack("!IIII", 16, 80877102, self.pid, self.key))
            sock.recv(1)

    def close(self):
        try:
            self.sock.sendall(b"X" + struct.pack("!I", 4))
        except OSError:
            pass
        self.file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
