"""The log of API requests that tests look at."""

import base64
import itertools
import re
import time

from http_message import split_query

_MILLIS = re.compile(r"(?<!\d)\d{13}(?!\d)")


class Record:
    """One request; the answer's part is filled in before the answer is sent."""

    __slots__ = ("method", "target", "headers", "body", "status", "outcome", "connection",
                 "started", "ended", "bytes_sent", "in_flight", "number")

    def __init__(self, method, target, headers, connection, in_flight, number):
        self.number = number
        self.method = method
        self.target = target
        self.headers = headers
        self.body = b""
        self.status = None
        self.outcome = None
        self.connection = connection
        self.started = time.monotonic()
        self.ended = None
        self.bytes_sent = 0
        self.in_flight = in_flight

    def line(self, mask_ms=False):
        """Return the one-line form, decoded, with cursors masked."""
        path, question, query = self.target.partition("?")
        pairs = []
        for key, value in split_query(query):
            if key in ("page[after]", "page[before]"):
                value = "<cursor>"
            elif mask_ms:
                value = _MILLIS.sub("<ms>", value)
            pairs.append("%s=%s" % (key, value))
        result = self.outcome or self.status or "pending"
        return "%s %s%s%s -> %s" % (self.method, path, question, "&".join(pairs), result)

    def as_dict(self):
        """Return everything, for the JSON form of the log."""
        try:
            body = self.body.decode()
        except UnicodeDecodeError:
            body = "base64:" + base64.b64encode(self.body).decode()

        def ms(moment):
            return None if moment is None else round(moment * 1000, 3)

        path, _, query = self.target.partition("?")
        return {
            "method": self.method, "target": self.target, "path": path,
            "query": dict(split_query(query)), "headers": self.headers, "body": body,
            "status": self.status, "outcome": self.outcome, "connection": self.connection,
            "start_ms": ms(self.started), "end_ms": ms(self.ended),
            "bytes_sent": self.bytes_sent, "in_flight": self.in_flight, "number": self.number,
        }


class Journal:
    """The records in arrival order; optionally also appended to a file."""

    def __init__(self, path=None):
        self.records = []
        self.in_flight = 0
        self.numbers = itertools.count(1)
        self.file = open(path, "a", encoding="utf-8", buffering=1) if path else None

    def arrive(self, request, connection):
        """Register a request when its headers are complete."""
        self.in_flight += 1
        record = Record(request.method, request.target, request.headers, connection,
                        self.in_flight, next(self.numbers))
        self.records.append(record)
        return record

    def decided(self, record):
        """Write the line of a request whose outcome is known to the log file."""
        if self.file:
            self.file.write(record.line() + "\n")

    def done(self, record, sent):
        """Register that the answer has been handed to the network (or will never be)."""
        if record.ended is None:
            record.ended = time.monotonic()
            record.bytes_sent = sent
            self.in_flight -= 1

    def take(self):
        """Return all records and forget them."""
        records, self.records = self.records, []
        return records
