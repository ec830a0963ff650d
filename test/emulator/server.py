"""The transport: HTTP/1.1 over asyncio, fast in the plain case and able to misbehave.

A request is parsed by hand and answered on the spot; latency and faults are timers, so that
no connection ever holds up another. Requests of one connection are answered in order.
"""

import asyncio
import contextlib
import email.utils
import http.client
import itertools
import random
import socket
import struct
import zlib

import faults as fault_rules
from http_message import Deferred, Request

MAX_HEAD = 16384
MAX_BODY = 64 << 20
GZIP_FROM = 1024
CHUNK = 16384
STREAM_ROWS = 500
# how often an open event stream looks for something new
FEED_TICK_S = 0.01
_REASONS = {code: text.encode() for code, text in http.client.responses.items()}
_COMMON = (b"Strict-Transport-Security: max-age=3153600000\r\n"
           b"X-Robots-Tag: noindex, nofollow\r\n")
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n"
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"


class ProtocolError(Exception):
    """The bytes received are no HTTP/1.1 request."""


class Emulator:
    """What all connections share."""

    def __init__(self, app, settings, journal, faults, control):
        self.app = app
        self.settings = settings
        self.journal = journal
        self.faults = faults
        self.control = control
        self.connection_numbers = itertools.count(1)
        self._date = (0, b"")

    def date_line(self):
        """Return the Date header, formatted once a second."""
        second = self.app.world.real_now() // 1000
        if self._date[0] != second:
            text = email.utils.formatdate(second, usegmt=True)
            self._date = (second, b"Date: %b\r\n" % text.encode())
        return self._date[1]

    def delay_s(self):
        """Return the configured latency of the next answer."""
        settings = self.settings
        delay = settings.latency_ms
        if settings.latency_jitter_ms:
            delay += random.uniform(0, settings.latency_jitter_ms)
        return delay / 1000


class Connection(asyncio.Protocol):
    """One client connection."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.number = next(emulator.connection_numbers)
        self.transport = None
        self.buffer = bytearray()
        self.request = None
        self.body_decoder = None
        self.busy = False
        self.closing = False
        self.answered = 0
        self.stream = None
        self.paused = False
        self.task = None

    # -- receiving ----------------------------------------------------------------------

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, exc):
        self.closing = True
        if self.request is not None and self.request.record is not None:
            record = self.request.record
            if record.ended is None:
                record.outcome = record.outcome or (
                    "%s, client gone" % record.status if record.status else "client gone")
                self.emulator.journal.done(record, 0)

    def data_received(self, data):
        self.buffer += data
        self._pump()

    def eof_received(self):
        return False

    def _pump(self):
        """Handle as many buffered requests as can be answered at once."""
        while not self.busy and not self.closing and self.buffer:
            try:
                if self.request is None and not self._read_head():
                    return
                if self.closing or not self._read_body():
                    return
            except ProtocolError:
                self._close_with(_BAD_REQUEST)
                return
            self._handle()

    def _read_head(self):
        """Parse the request line and headers; False while incomplete."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0 or end > MAX_HEAD:
            if len(self.buffer) > MAX_HEAD:
                self._close_with(_TOO_LARGE)
            return False
        head = bytes(self.buffer[:end]).decode("latin-1")
        del self.buffer[:end + 4]
        lines = head.split("\r\n")
        try:
            method, target, version = lines[0].split(" ")
        except ValueError:
            raise ProtocolError from None
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise ProtocolError
            headers[name.lower()] = value.strip()
        request = self.request = Request(method, target, version, headers)
        self.body_decoder = _body_decoder(request)
        if not request.path.startswith("/_emulator/"):
            request.record = self.emulator.journal.arrive(request, self.number)
            if self.emulator.faults.rules:
                request.fault = self.emulator.faults.match(request)
                if request.fault is not None and request.fault["kind"] == "reset_before":
                    self._reset(request)
                    return False
        if headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _read_body(self):
        """Collect the body; False while incomplete."""
        if self.body_decoder is None:
            return True
        body = self.body_decoder.feed(self.buffer)
        if body is None:
            return False
        self.request.body = body
        if self.request.record is not None:
            self.request.record.body = body
        return True

    # -- answering ----------------------------------------------------------------------

    def _handle(self):
        request = self.request
        emulator = self.emulator
        if request.record is None:
            response = emulator.control.respond(request)
            if response.stream is None:
                self._send(request, response, "")
            else:
                self._send_stream(request, response)
            return
        action = request.fault
        response = None
        if action is not None:
            response = fault_rules.replacement(action, emulator.app.world.real_now())
        limits = ""
        if response is None:
            response, limits = emulator.app.respond(request)
        if isinstance(response, Deferred):
            self.busy = True
            # the loop itself keeps only weak references to its tasks
            self.task = asyncio.create_task(self._answer_later(request, response))
            return
        self._answer(request, response, limits)

    async def _answer_later(self, request, deferred):
        try:
            response, limits = await deferred.result()
        except Exception:
            self.transport.abort()
            raise
        self.busy = False
        if not self.closing:
            self._answer(request, response, limits)
            self._pump()

    def _answer(self, request, response, limits):
        """Send a response, after the latency and as the fault wants it."""
        action = request.fault
        emulator = self.emulator
        request.record.status = response.status
        if action is not None and action["kind"] == "reset_after":
            self._reset(request)
            return
        delay = emulator.delay_s()
        if action is not None and action["kind"] == "delay":
            delay += action["ms"] / 1000
        if delay <= 0:
            self._send(request, response, limits)
            return
        self.busy = True
        asyncio.get_running_loop().call_later(
            delay, self._send_later, request, response, limits)

    def _send_later(self, request, response, limits):
        self.busy = False
        if not self.closing:
            self._send(request, response, limits)
            self._pump()

    def _send(self, request, response, limits):
        """Render and write an answer, or hand it to the fault that distorts it."""
        if response.feed is not None:
            self._send_feed(request, response)
            return
        close = self._wants_close(request)
        action = request.fault
        if action is not None and action["kind"] == "connection_close":
            close = True
        body = response.body
        encoding = b""
        settings = self.emulator.settings
        if settings.gzip and len(body) > GZIP_FROM \
                and "gzip" in request.headers.get("accept-encoding", "") \
                and not any(name == "Content-Encoding" for name, _ in response.headers):
            packer = zlib.compressobj(1, zlib.DEFLATED, 31)
            body = packer.compress(body) + packer.flush()
            encoding = b"Content-Encoding: gzip\r\n"
        headers = "".join(["%s: %s\r\n" % pair for pair in response.headers])
        if response.status not in (204, 304) and response.content_type:
            headers += "content-type: %s\r\n" % response.content_type
        length = len(body)
        if action is not None:
            if action["kind"] == "wrong_length":
                length += action["delta"]
            elif action["kind"] == "truncate":
                length = max(length, action["bytes"] + 1)
        chunked = settings.chunked and request.version == "HTTP/1.1" and action is None
        framing = b"Transfer-Encoding: chunked\r\n" if chunked \
            else b"Content-Length: %d\r\n" % length
        head = b"HTTP/1.1 %d %b\r\n%b%b%bVary: Accept-Encoding\r\n%b%b%b%b\r\n" % (
            response.status, _REASONS.get(response.status, b"Unknown"), _COMMON,
            limits.encode(), headers.encode("latin-1"), encoding, self.emulator.date_line(),
            b"Connection: close\r\n" if close
            else b"Connection: keep-alive\r\nKeep-Alive: timeout=65\r\n", framing)
        if request.method == "HEAD":
            body = b""
        elif chunked:
            body = _chunks(body)
        if request.record is not None:
            self.emulator.journal.decided(request.record)
        if action is not None and self._distort(request, action, head, body):
            return
        self.transport.write(head + body)
        self._finish(request, len(head) + len(body), close)

    def _send_stream(self, request, response):
        """Send an iterator's pieces, as fast as the client takes them."""
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % (
                response.status, _REASONS[response.status], response.content_type.encode()))
        self.busy = True
        self.stream = response.stream
        self._continue_stream(request)

    def _continue_stream(self, request):
        """Send the next block and come back, unless the client is slow or gone."""
        if self.closing or self.stream is None:
            return
        if self.paused:
            asyncio.get_running_loop().call_later(0.005, self._continue_stream, request)
            return
        block = b"".join(itertools.islice(self.stream, STREAM_ROWS))
        if block:
            self.transport.write(b"%x\r\n%b\r\n" % (len(block), block))
            asyncio.get_running_loop().call_soon(self._continue_stream, request)
            return
        self.stream = None
        self.busy = False
        self.transport.write(b"0\r\n\r\n")
        self._finish(request, 0, self._wants_close(request))
        self._pump()

    def _send_feed(self, request, response):
        """Send an event stream, and go on with it until it has ended or the client has gone.

        Of the faults only those work that come before the answer, and latency.
        """
        headers = "".join(["%s: %s\r\n" % pair for pair in response.headers])
        head = b"HTTP/1.1 %d %b\r\n%b%bcontent-type: %b\r\nVary: Accept-Encoding\r\n%b" \
            b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" % (
                response.status, _REASONS[response.status], _COMMON, headers.encode("latin-1"),
                response.content_type.encode(), self.emulator.date_line())
        self.emulator.journal.decided(request.record)
        self.transport.write(head)
        self.busy = True
        self._continue_feed(request, response.feed, len(head))

    def _continue_feed(self, request, feed, sent):
        """Send what is due, and come back until nothing more comes."""
        if self.closing:
            return
        text, ended = feed.take()
        if text:
            data = text.encode()
            self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
            sent += len(data)
        if not ended:
            asyncio.get_running_loop().call_later(
                FEED_TICK_S, self._continue_feed, request, feed, sent)
            return
        self.busy = False
        self.transport.write(b"0\r\n\r\n")
        self._finish(request, sent, self._wants_close(request))
        self._pump()

    def pause_writing(self):
        self.paused = True

    def resume_writing(self):
        self.paused = False

    def _wants_close(self, request):
        connection = request.headers.get("connection", "").lower()
        if request.version == "HTTP/1.0":
            return connection != "keep-alive"
        return connection == "close"

    def _finish(self, request, sent, close):
        """The answer has been written; go on with the connection or end it."""
        if request.record is not None:
            self.emulator.journal.done(request.record, sent)
        self.request = None
        self.answered += 1
        limit = self.emulator.settings.drop_keepalive_after
        if close or (limit and self.answered >= limit):
            self.closing = True
            self.transport.close()

    # -- misbehaving --------------------------------------------------------------------

    def _distort(self, request, action, head, body):
        """Send a damaged answer; True when that was all for this connection (for now)."""
        kind = action["kind"]
        record = request.record
        if kind == "reset_mid":
            cut = (head + body)[:len(head) + action.get("bytes", 0)]
            self.transport.write(cut)
            # let the bytes leave before the reset discards what is still queued
            self.busy = True
            asyncio.get_running_loop().call_later(0.05, self._reset, request, len(cut))
            return True
        if kind == "truncate":
            cut = head + body[:action["bytes"]]
            record.outcome = "%d, truncated" % record.status
            self.transport.write(cut)
            self._finish(request, len(cut), True)
            return True
        if kind == "wrong_length":
            self.transport.write(head + body)
            self._finish(request, len(head) + len(body), action["delta"] != 0)
            return True
        if kind == "stall":
            cut = b""
            if action.get("where", "headers") == "body":
                cut = (head + body)[:len(head) + action.get("after_bytes", 0)]
            record.outcome = "%d, stalled" % record.status
            self.busy = True
            self.transport.write(cut)
            return True
        if kind == "drip":
            self.busy = True
            self._drip(request, head + body, 0, action)
            return True
        return False

    def _drip(self, request, data, position, action):
        """Send a few bytes per tick."""
        if self.closing:
            return
        step = action.get("bytes_per_tick", 1)
        self.transport.write(data[position:position + step])
        position += step
        if position >= len(data):
            self.busy = False
            self._finish(request, len(data), False)
            self._pump()
            return
        asyncio.get_running_loop().call_later(
            action.get("tick_ms", 100) / 1000, self._drip, request, data, position, action)

    def _reset(self, request, sent=0):
        """End the connection with a TCP reset instead of a regular close."""
        record = request.record
        record.outcome = "reset"
        self.emulator.journal.decided(record)
        self.emulator.journal.done(record, sent)
        self.closing = True
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            # the client may have closed it before
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _close_with(self, answer):
        self.transport.write(answer)
        self.closing = True
        self.transport.close()


class _SizedBody:
    """A body with a Content-Length."""

    def __init__(self, length):
        self.length = length

    def feed(self, buffer):
        if len(buffer) < self.length:
            return None
        body = bytes(buffer[:self.length])
        del buffer[:self.length]
        return body


class _ChunkedBody:
    """A body in chunked transfer coding; trailers are read and dropped."""

    def __init__(self):
        self.parts = []
        self.size = 0
        self.ended = False

    def feed(self, buffer):
        while True:
            end = buffer.find(b"\r\n")
            if end < 0:
                return None
            if self.ended:
                empty = end == 0
                del buffer[:end + 2]
                if empty:
                    return b"".join(self.parts)
                continue
            try:
                length = int(bytes(buffer[:end]).split(b";")[0], 16)
            except ValueError:
                raise ProtocolError from None
            if length == 0:
                self.ended = True
                del buffer[:end + 2]
                continue
            if len(buffer) < end + 2 + length + 2:
                return None
            self.parts.append(bytes(buffer[end + 2:end + 2 + length]))
            self.size += length
            if self.size > MAX_BODY:
                raise ProtocolError
            del buffer[:end + 2 + length + 2]


def _body_decoder(request):
    """Return what collects the request's body, or None when it has none."""
    headers = request.headers
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _ChunkedBody()
    text = headers.get("content-length")
    if text is None:
        return None
    if not text.isdigit() or int(text) > MAX_BODY:
        raise ProtocolError
    request.has_length = True
    return _SizedBody(int(text)) if text != "0" else None


def _chunks(body):
    parts = []
    for start in range(0, len(body), CHUNK):
        piece = body[start:start + CHUNK]
        parts.append(b"%x\r\n%b\r\n" % (len(piece), piece))
    parts.append(b"0\r\n\r\n")
    return b"".join(parts)


class SilentConnection(asyncio.Protocol):
    """A peer that accepts the connection and never says anything."""

    # nobody else does, and a collected transport would reset its connection
    kept = set()

    def connection_made(self, transport):
        transport.pause_reading()
        self.kept.add(transport)
