"""The two channels of a session: records with ascending numbers, and feeds of them.

The real server keeps them in a stream store of its own, whose format shows through in the
feeds: events named `batch`, commands of the store among the records, and control records
that have headers instead of a body.
"""

import base64
import hashlib

from jsontext import dumps, quote

# what the store takes at most, envelope and its own overhead included
MAX_RECORD = 1048576
_OVERHEAD = 8
WAIT_S = 60
_BATCH_ROWS = 1000
_BATCH_BYTES = 1 << 20


class RecordTooLarge(Exception):
    """The store refuses a record."""

    def __init__(self, size):
        super().__init__(
            "Record metered size %d bytes exceeds the S2 per-record limit of %d bytes. Reduce "
            "tool-output size or split into smaller parts." % (size, MAX_RECORD))


class Record:
    """One record; `data` is JSON text, None for a record without a body."""

    __slots__ = ("seq", "part_id", "data", "headers", "timestamp")

    def __init__(self, seq, part_id, data, headers, timestamp):
        self.seq = seq
        self.part_id = part_id
        self.data = data
        self.headers = headers
        self.timestamp = timestamp

    @property
    def body(self):
        """The text that the store holds."""
        if self.data is None:
            return ""
        return '{"data":%s,"id":%s}' % (self.data, quote(self.part_id))

    @property
    def size(self):
        """What the store counts."""
        headers = sum(2 + len(name.encode()) + len(value.encode())
                      for name, value in self.headers or ())
        return _OVERHEAD + headers + len(self.body.encode())

    def is_command(self):
        """Tell whether this is a directive to the store, which readers must not see."""
        return bool(self.headers) and self.headers[0][0] == ""

    def control(self):
        """Return what kind of control record this is, or None."""
        return dict(self.headers or ()).get("trigger-control")

    def shown(self):
        """Return the record as the plain (not streaming) route shows it, as JSON text."""
        headers = ',"headers":' + dumps(self.headers) if self.headers else ""
        if self.data is None:
            return '{"data":"","id":"","seqNum":%d%s}' % (self.seq, headers)
        # what is nothing in JavaScript becomes an empty text, also in a record with a body
        data = '""' if self.data == "null" else self.data
        return '{"data":%s,"id":%s,"seqNum":%d%s}' % (
            data, quote(self.part_id), self.seq, headers)

    def streamed(self):
        """Return the record as it appears in a batch of a feed, as JSON text."""
        headers = ',"headers":' + dumps(self.headers) if self.headers else ""
        return '{"seq_num":%d,"timestamp":%d%s,"body":%s}' % (
            self.seq, self.timestamp, headers, quote(self.body))


class Channel:
    """One direction of a session."""

    def __init__(self, name):
        self.name = name
        self.records = []
        # the part ids that clients gave; the server's own are not remembered
        self.part_ids = set()

    def append(self, data, timestamp, part_id=None, headers=None, limited=True):
        """Add a record and return it; `data` is JSON text or None."""
        seq = len(self.records)
        own = part_id is None
        if own:
            digest = hashlib.sha1(("%s/%d" % (self.name, seq)).encode()).digest()
            part_id = base64.urlsafe_b64encode(digest)[:7].decode()
        record = Record(seq, part_id, data, headers or None, timestamp)
        if limited and record.size > MAX_RECORD:
            raise RecordTooLarge(record.size)
        self.records.append(record)
        if not own:
            self.part_ids.add(part_id)
        return record

    def after(self, seq):
        """Return the records after a number (None: all), without the store's commands."""
        start = 0 if seq is None else seq + 1
        return [record for record in self.records[start:] if not record.is_command()]

    def is_settled(self):
        """Tell whether nothing more comes without new input: a turn has been completed.

        Only the last two records are looked at, of which the last may be a command.
        """
        for record in reversed(self.records[-2:]):
            if not record.is_command():
                return record.control() == "turn-complete"
        return False


class Feed:
    """An event stream over a channel: what there is, then what comes, until nothing does."""

    def __init__(self, channel, start, wait_ms, clock):
        self.channel = channel
        self.position = min(start, len(channel.records))
        self.wait_ms = wait_ms
        self.clock = clock
        self.sent_records = 0
        self.sent_bytes = 0
        self.idle_since = clock()

    def take(self):
        """Return (text of the events that are due, whether the stream has ended)."""
        text = ""
        while self.position < len(self.channel.records):
            text += self._batch()
            self.idle_since = self.clock()
        ended = self.clock() - self.idle_since >= self.wait_ms
        if ended:
            text += "data: [DONE]\n\n"
        return text, ended

    def _batch(self):
        records = self.channel.records
        rows, size = [], 0
        while self.position < len(records) and len(rows) < _BATCH_ROWS \
                and (not rows or size + records[self.position].size <= _BATCH_BYTES):
            record = records[self.position]
            rows.append(record.streamed())
            size += record.size
            self.position += 1
        text = "[%s]" % ",".join(rows)
        self.sent_records += len(rows)
        self.sent_bytes += len(text.encode())
        last = records[-1]
        return ("event: batch\nid: %d,%d,%d\ndata: {\"records\":%s,\"tail\":{\"seq_num\":%d,"
                "\"timestamp\":%d}}\n\n" % (
                    self.position - 1, self.sent_records, self.sent_bytes, text,
                    last.seq + 1, last.timestamp))


def oracle_rows(environment, name=None, io=None):
    """Yield records, oldest first: of all channels, of one session's, or of one channel."""
    sessions = environment.sessions
    session = sessions.find(name) if name else None
    wanted = session.key if session is not None else name
    for key, direction, channel in sessions.channels():
        if (name and key != wanted) or (io and direction != io):
            continue
        for record in channel.records:
            hidden = {"session": key, "io": direction, "timestamp": record.timestamp,
                      "command": record.is_command(), "control": record.control(),
                      "body": record.data is not None, "isNull": record.data == "null"}
            yield record.shown()[:-1] + ',"_":' + dumps(hidden) + "}"
