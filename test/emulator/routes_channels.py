"""The channels of sessions: append, read at once, follow as an event stream."""

import auth
import builder
from channels import WAIT_S, Feed, RecordTooLarge
from http_message import TEXT_TYPE, HttpError, Response, error, json_response, json_text
from jsontext import quote
from routes_runs import fail_query
from routes_sessions import names, require
from run_query import QueryError
from session_query import js_number
from session_runs import ensure_run
from sessions import ID_PREFIX
from triggering import TriggerError

MAX_BODY = 1048576
_STREAM_TYPE = "text/event-stream; charset=utf-8"
_STREAM_HEADERS = (
    ("cache-control", "no-cache"), ("x-stream-version", "v2"))


def _check_params(io):
    if io not in ("in", "out"):
        raise HttpError(json_response({"error": "Params Error", "details": [{
            "received": io, "code": "invalid_enum_value", "options": ["out", "in"],
            "path": ["io"],
            "message": "Invalid enum value. Expected 'out' | 'in', received '%s'" % io}]}, 400))


def _refuse(status, message):
    return json_response({"ok": False, "error": message}, status)


def _start(text):
    """Return the position that a Last-Event-ID means: after its leading digits."""
    number = js_number(text.split("-")[0]) if text else None
    return 0 if number is None or not 0 <= number < 1e15 else int(number) + 1


class ChannelRoutes:
    """Handlers; `app` gives the current world and settings."""

    def __init__(self, app):
        self.app = app

    # -- append -------------------------------------------------------------------------

    def append(self, request, name, io):
        """POST /realtime/v1/sessions/{session}/{io}/append"""
        world = self.app.world
        identity = require(world, request)
        if request.method != "POST":
            return builder.method_not_allowed("POST")
        builder.limit_body(request, MAX_BODY)
        _check_params(io)
        environment = identity.environment
        session = environment.sessions.find(name)
        known = [("sessions", name)] if session is None else names(session, name)
        builder.require_scope(identity, "write", *known)
        if session is None:
            return error(404, "Resource not found")
        status = session.status(world.now())
        if status != "ACTIVE":
            return _refuse(400, "Cannot append to %s session" % (
                "a closed" if status == "CLOSED" else "an expired"))
        if io == "out" and identity.kind == "jwt":
            return _refuse(403, "Appending to the out channel requires secret key "
                                "authentication")
        self._require_store()
        if io == "in":
            try:
                ensure_run(world, request, environment, session)
            except TriggerError:
                # the record is kept all the same
                pass
        channel = environment.sessions.channel(session.key, io)
        part_id = request.headers.get("x-part-id")
        if part_id in channel.part_ids:
            return json_response({"ok": True})
        text = request.body.decode("utf-8", "replace").removeprefix("\ufeff")
        try:
            record = channel.append(quote(text), world.now(), part_id)
        except RecordTooLarge as problem:
            return _refuse(413, str(problem))
        world.writes.note(request, "session.append", environment, [session.id], io=io,
                          seq=record.seq, part=record.part_id)
        return json_response({"ok": True, "seq": record.seq})

    @staticmethod
    def no_read(_request, _name, _io):
        """GET /realtime/v1/sessions/{session}/{io}/append"""
        return builder.method_not_allowed()

    def _require_store(self):
        """Answer as the server does that has no stream store behind it."""
        if not self.app.settings.stream_store:
            raise HttpError(error(500, "Internal Server Error"))

    # -- read ---------------------------------------------------------------------------

    def _find(self, identity, name):
        """Return (session or None, its channels' key); an unknown external id is one, too."""
        session = identity.environment.sessions.find(name)
        if session is None and name.startswith(ID_PREFIX):
            raise HttpError(error(404, "Not found", builder.NO_RETRY))
        return session, name if session is None else session.key

    def _readable(self, identity, name, io):
        session, key = self._find(identity, name)
        known = [("sessions", name)] if session is None else names(session, None)
        builder.require_scope(identity, "read", *known)
        self._require_store()
        return identity.environment.sessions.channel(key, io)

    def records(self, request, name, io):
        """GET /realtime/v1/sessions/{session}/{io}/records"""
        identity = require(self.app.world, request)
        _check_params(io)
        after = request.query.get("afterEventId")
        if after is not None and not (after.isascii() and after.isdigit()):
            return fail_query(QueryError([{
                "validation": "regex", "code": "invalid_string", "message": "Invalid",
                "path": ["afterEventId"]}]))
        channel = self._readable(identity, name, io)
        records = channel.after(None if after is None else int(after))
        limit = self.app.settings.records_page
        if limit is not None:
            records = records[:limit]
        return json_text('{"records":[%s]}' % ",".join(record.shown() for record in records))

    def follow(self, request, name, io):
        """GET /realtime/v1/sessions/{session}/{io}: server-sent events"""
        world = self.app.world
        identity = require(world, request)
        _check_params(io)
        channel = self._readable(identity, name, io)
        if request.method == "HEAD":
            return Response(200, b"", "", (("x-last-chunk-index", "0"),))
        wait = WAIT_S
        text = request.headers.get("timeout-seconds")
        if text:
            wait = js_number(text)
            if wait is None or wait != wait // 1:
                return Response(400, b"Invalid timeout seconds", TEXT_TYPE)
            if wait < 1:
                return Response(400, b"Timeout seconds must be greater than 0", TEXT_TYPE)
            if wait > 600:
                return Response(400, b"Timeout seconds must be less than 600", TEXT_TYPE)
        headers = _STREAM_HEADERS
        if io == "out" and request.headers.get("x-peek-settled") == "1" \
                and channel.is_settled():
            wait = 0
            headers += (("x-session-settled", "true"),)
        feed = Feed(channel, _start(request.headers.get("last-event-id")), wait * 1000,
                    world.real_now)
        response = Response(200, b"", _STREAM_TYPE, headers)
        response.feed = feed
        return response

    def initialize(self, request, name, io):
        """PUT /realtime/v1/sessions/{session}/{io}: credentials for the stream store"""
        world = self.app.world
        identity = require(world, request)
        if request.method != "PUT":
            return builder.method_not_allowed("PUT")
        _check_params(io)
        builder.require_scope(identity, "write", ("sessions", name))
        if io == "out" and identity.kind == "jwt":
            auth.deny()
        session, key = identity.environment.sessions.find(name), name
        if session is None and name.startswith(ID_PREFIX):
            return Response(404, b"Session not found", TEXT_TYPE)
        if session is not None:
            key = session.key
            if session.closed_at is not None:
                return Response(400, b"Cannot initialize a channel on a closed session",
                                TEXT_TYPE)
        self._require_store()
        host = request.headers.get("host", "127.0.0.1")
        return json_response({"version": "v2"}, 202, (
            ("x-s2-access-token", "emulated-stream-store"),
            ("x-s2-stream-name", quote("/sessions/%s/%s" % (key, io))[1:-1].encode(
                "ascii", "replace").decode()),
            ("x-s2-basin", "emulated"), ("x-s2-flush-interval-ms", "200"),
            ("x-s2-max-retries", "10"), ("x-s2-endpoint", "http://%s/_streams/v1" % host)))


def register(router, app):
    """Add the routes of this resource."""
    routes = ChannelRoutes(app)
    base = "/realtime/v1/sessions/{}/{}"
    router.add(base, read=routes.follow, write=routes.initialize, builder=True, limited=False)
    router.add(base + "/records", read=routes.records, builder=True, limited=False)
    router.add(base + "/append", read=routes.no_read, write=routes.append, builder=True,
               limited=False)
