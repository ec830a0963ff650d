"""A PostgreSQL client that is just enough for run.py (trust, simple query)."""
import socket
import struct


class PgError(Exception):
    def __init__(self, fields):
        super().__init__(fields.get("M", ""))
        self.sqlstate = fields.get("C")


class Connection:
    def __init__(self, directory, port=5432, database="postgres"):
        self.path = f"{directory}/.s.PGSQL.{port}"
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)
        params = b"user\0postgres\0database\0%b\0\0" % database.encode()
        self.sock.sendall(struct.pack("!II", len(params) + 8, 196608) + params)
        self.file = self.sock.makefile("rb")
        self.pid = self.key = None
        self._until_ready()

    def _message(self):
        head = self.file.read(5)
        if len(head) < 5:
            raise ConnectionError("server closed the connection")
        kind, size = head[:1], struct.unpack("!I", head[1:])[0]
        return kind, self.file.read(size - 4)

    def _until_ready(self):
        rows, error = [], None
        while True:
            kind, body = self._message()
            if kind == b"D":
                rows.append(self._row(body))
            elif kind == b"E":
                error = PgError({f[:1].decode(): f[1:].decode()
                                 for f in body.split(b"\0") if f})
                if error.sqlstate == "57P01":
                    raise error
            elif kind == b"K":
                self.pid, self.key = struct.unpack("!II", body)
            elif kind == b"Z":
                if error:
                    raise error
                return rows

    @staticmethod
    def _row(body):
        values, at = [], 2
        for _ in range(struct.unpack("!H", body[:2])[0]):
            size = struct.unpack("!i", body[at:at + 4])[0]
            at += 4
            values.append(None if size < 0 else body[at:at + size].decode())
            at += max(size, 0)
        return values

    def send(self, sql):
        data = sql.encode() + b"\0"
        self.sock.sendall(b"Q" + struct.pack("!I", len(data) + 4) + data)

    def query(self, sql):
        self.send(sql)
        return self._until_ready()

    def one(self, sql):
        return self.query(sql)[0][0]

    def result(self):
        return self._until_ready()

    def cancel(self):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.path)
            sock.sendall(struct.pack("!IIII", 16, 80877102, self.pid, self.key))
            sock.recv(1)

    def close(self):
        self.file.close()
        self.sock.close()
