"""Sessions: start, list, retrieve, update, close."""

import auth
import builder
import exact_json
from checks import array, fields, mapping, number, one_of, string, union
from http_message import JSON_TYPE, HttpError, Response, error, fail, json_response, json_text
from jsontext import dumps
from packets import packet_url
from run_model import MACHINES
from run_query import QueryError
from routes_runs import fail_query
from session_query import cut_page, parse
from session_runs import ensure_run
from sessions import ID_PREFIX, Session, shown
from triggering import LAST_MS, TriggerError, date_ms

MAX_BODY = 32768
MAX_CLOSE_BODY = 1024
_EXTERNAL_ID = ("externalId cannot start with 'session_' (reserved prefix for internal "
                "friendlyIds)")
_IMMUTABLE = ("externalId cannot be changed after creation; close this session and create a new "
              "one with the desired externalId")
_NOT_FOUND = "Session not found"


def _external_id(value, path, issues):
    """Check an external id, which counts without the blanks around it."""
    string(256, minimum=1)(value.strip() if isinstance(value, str) else value, path, issues)
    if isinstance(value, str) and value.strip().startswith(ID_PREFIX):
        issues.append({"code": "custom", "message": _EXTERNAL_ID, "path": list(path)})


def _null(value, path, issues):
    if value is not None:
        issues.append({"code": "invalid_literal", "expected": None, "path": list(path),
                       "message": "Invalid literal value, expected null"})


def _nullable(check):
    def checked(value, path, issues):
        if value is not None:
            check(value, path, issues)
    return checked


def _date_value(value):
    """Return what JavaScript's Date makes of a JSON value; None when that is no date."""
    if value is None or isinstance(value, bool):
        moment = int(value or 0)
    elif isinstance(value, exact_json.Number):
        number_value = float(value.text)
        moment = int(number_value) if abs(number_value) <= LAST_MS else None
    else:
        moment = date_ms(value) if isinstance(value, str) else None
    return moment if moment is not None and abs(moment) <= LAST_MS else None


def _date(value, path, issues):
    """Check a date, as lenient as JavaScript: even null is one, in 1970."""
    if _date_value(value) is None:
        issues.append({"code": "invalid_date", "path": list(path), "message": "Invalid date"})


_CONFIG_MEMBERS = {
    "basePayload": mapping, "machine": one_of(*MACHINES), "queue": string(128),
    "concurrencyKey": union(string(), number()), "tags": array(string(128), most=5),
    "maxAttempts": number(integer=True, least=0, exclusive=True, most=10),
    "maxDuration": number(integer=True, least=0, exclusive=True), "lockToVersion": string(),
    "externalDeploymentId": string(128), "region": string(),
    "idleTimeoutInSeconds": number(integer=True, least=0, exclusive=True, most=3600),
    "ttl": union(string(), number(integer=True, least=0)),
}
_CREATE = fields(
    ("type", "taskIdentifier", "triggerConfig"), type=string(64, minimum=1),
    externalId=_external_id, taskIdentifier=string(128, minimum=1),
    triggerConfig=fields(("basePayload",), **_CONFIG_MEMBERS),
    tags=array(string(128), most=10), metadata=mapping, expiresAt=_date)
_UPDATE = fields((), tags=array(string(128), most=10), metadata=_nullable(mapping),
                 externalId=union(_null, _external_id))
_CLOSE = fields((), reason=string(256), callingRunId=string())


def require(world, request):
    """Return the identity behind a request to a route that takes keys and public tokens."""
    if "authorization" not in request.headers:
        fail(401, "Invalid or Missing API key")
    return auth.require_key(world, request, jwt=True)


def names(session, text):
    """Return what a scope may name to reach a session: every form of it is as good."""
    return [("sessions", name) for name in (text, session.id, session.external_id) if name]


class SessionRoutes:
    """Handlers; `app` gives the current world and settings."""

    def __init__(self, app):
        self.app = app

    # -- list ---------------------------------------------------------------------------

    def list(self, request):
        """GET /api/v1/sessions"""
        world = self.app.world
        identity = require(world, request)
        try:
            parsed = parse(request.query, world.now())
        except QueryError as problem:
            return fail_query(problem)
        alternatives = [("sessions",), ("tasks",)]
        if parsed.task is not None:
            alternatives.append(("tasks", parsed.task))
        builder.require_scope(identity, "read", *alternatives)
        environment = identity.environment
        page = cut_page(environment.sessions, parsed, self.app.settings, world.now(),
                        world.real_now())
        pagination = {name: cursor for name, cursor in (("next", page.next),
                                                        ("previous", page.previous)) if cursor}
        rows = ",".join(shown(environment, session, False) for session in page.sessions)
        return json_text('{"data":[%s],"pagination":%s}' % (rows, dumps(pagination)))

    # -- start --------------------------------------------------------------------------

    def start(self, request):
        """POST /api/v1/sessions"""
        world = self.app.world
        identity = require(world, request)
        if request.method != "POST":
            return builder.method_not_allowed("POST")
        builder.limit_body(request, MAX_BODY)
        body = builder.read_body(self.app, request, _CREATE)
        builder.require_scope(identity, "write", ("tasks", body["taskIdentifier"]),
                              ("sessions",))
        environment = identity.environment
        session, cached = self._upsert(request, environment, body)
        if session.closed_at is not None:
            return error(409, "Session is closed; use a different externalId to create a new "
                              "session")
        if session.status(world.now()) == "EXPIRED":
            return error(409, "Session is expired; use a different externalId to create a new "
                              "session")
        # the answer shows the row as it was before its run was entered
        updated = session.updated_at
        try:
            run = ensure_run(world, request, environment, session)
        except TriggerError as problem:
            if problem.status == 422:
                return error(422, problem.message)
            return error(500, "Something went wrong")
        later, session.updated_at = session.updated_at, updated
        text = session.shown(run.id)
        session.updated_at = later
        token = self.token(environment, session)
        return Response(200 if cached else 201, (
            '%s,"runId":%s,"publicAccessToken":%s,"isCached":%s}' % (
                text[:-1], dumps(run.id), dumps(token), "true" if cached else "false")).encode(),
            JSON_TYPE)

    def _upsert(self, request, environment, body):
        """Return (session, whether it existed): of one that did only the trigger changes."""
        world = self.app.world
        now = world.now()
        external_id = body.get("externalId")
        if external_id is not None:
            external_id = exact_json.well_formed(external_id.strip())
        config = exact_json.write({name: body["triggerConfig"][name] for name in _CONFIG_MEMBERS
                                   if name in body["triggerConfig"]})
        session = environment.sessions.find(external_id) if external_id else None
        if session is not None:
            session.trigger_config = config
            session.updated_at = now
            world.writes.note(request, "session.update", environment, [session.id],
                              fields=["triggerConfig"])
            return session, True
        expires = _date_value(body["expiresAt"]) if "expiresAt" in body else None
        session = Session(
            world.writes.new_id(), now, external_id=external_id,
            type=exact_json.well_formed(body["type"]),
            task=exact_json.well_formed(body["taskIdentifier"]), trigger_config=config,
            tags=_tags(body.get("tags", ())), expires_at=expires,
            metadata=exact_json.write(body["metadata"]) if "metadata" in body else None,
            inserted_at=world.real_now())
        environment.sessions.add(session)
        world.writes.note(request, "session.create", environment, [session.id],
                          externalId=external_id, task=session.task)
        return session, False

    def token(self, environment, session):
        """Return a public token for one session, valid for an hour."""
        scopes = ["read:sessions:" + session.key, "write:sessions:" + session.key]
        return builder.token_headers(self.app.world, environment, scopes)[0][1]

    # -- one session --------------------------------------------------------------------

    def retrieve(self, request, name):
        """GET /api/v1/sessions/{session}"""
        identity = require(self.app.world, request)
        environment = identity.environment
        session = environment.sessions.find(name)
        if session is None:
            return error(404, "Not found", builder.NO_RETRY)
        builder.require_scope(identity, "read", *names(session, None))
        return json_text(shown(environment, session))

    def _checked(self, request, name, method, maximum, check):
        """Return (environment, body) of a write that only administrators may make."""
        identity = require(self.app.world, request)
        if request.method != method:
            raise HttpError(builder.method_not_allowed(method))
        builder.limit_body(request, maximum)
        body = builder.read_body(self.app, request, check)
        builder.require_scope(identity, "admin", ("sessions", name))
        return identity.environment, body

    def update(self, request, name):
        """PATCH /api/v1/sessions/{session}"""
        world = self.app.world
        environment, body = self._checked(request, name, "PATCH", MAX_BODY, _UPDATE)
        session = environment.sessions.find(name)
        if session is None:
            return error(404, _NOT_FOUND)
        if "externalId" in body:
            wanted = body["externalId"]
            if (wanted and wanted.strip()) != session.external_id:
                return error(422, _IMMUTABLE)
        given = [member for member in ("tags", "metadata", "externalId") if member in body]
        if given:
            if "tags" in body:
                self._set_indexed(environment, session, indexed_tags=session.known_tags())
                session.tags = _tags(body["tags"])
            if "metadata" in body:
                value = body["metadata"]
                session.metadata = None if value is None else exact_json.write(value)
            session.updated_at = world.now()
            world.writes.note(request, "session.update", environment, [session.id], fields=given)
        return json_text(shown(environment, session))

    def close(self, request, name):
        """POST /api/v1/sessions/{session}/close"""
        world = self.app.world
        environment, body = self._checked(request, name, "POST", MAX_CLOSE_BODY, _CLOSE)
        session = environment.sessions.find(name)
        if session is None:
            return error(404, _NOT_FOUND)
        if session.closed_at is None:
            now = world.now()
            self._set_indexed(environment, session, indexed_as=session.indexed_statuses(now))
            session.closed_at = session.updated_at = now
            session.closed_reason = body.get("reason")
            world.writes.note(request, "session.close", environment, [session.id],
                              reason=session.closed_reason)
        return json_text(shown(environment, session))

    def _set_indexed(self, environment, session, **old):
        """Leave the index with what it knows until it has caught up."""
        lag = self.app.settings.lag_ms
        if not lag:
            # what a test made the index believe ends with the change
            environment.sessions.change(session.id, dict.fromkeys(old))
            return
        environment.sessions.change(session.id, old)
        self.app.world.writes.after(
            lag, lambda: environment.sessions.change(session.id, dict.fromkeys(old)))

    @staticmethod
    def no_read(_request, _name):
        """GET on a route that only takes writes"""
        return builder.method_not_allowed()

    def snapshot_url(self, request, name):
        """GET /api/v1/sessions/{session}/snapshot-url"""
        world = self.app.world
        identity = require(world, request)
        environment = identity.environment
        session = environment.sessions.find(name)
        if session is None:
            return error(404, "Not found", builder.NO_RETRY)
        builder.require_scope(identity, "read", *names(session, None))
        if not self.app.settings.object_store:
            return error(500, "Failed to generate presigned URL: Object store is not configured "
                              "for protocol: default")
        host = request.headers.get("host", "127.0.0.1")
        path = "sessions/%s/snapshot.json" % session.id
        return json_response({"presignedUrl": packet_url(world, host, environment, path, "GET")})


def _tags(values):
    return tuple(exact_json.well_formed(tag) for tag in values)


def register(router, app):
    """Add the routes of this resource."""
    routes = SessionRoutes(app)
    router.add("/api/v1/sessions", read=routes.list, write=routes.start, builder=True)
    router.add("/api/v1/sessions/{}", read=routes.retrieve, write=routes.update, builder=True)
    router.add("/api/v1/sessions/{}/close", read=routes.no_read, write=routes.close,
               builder=True)
    router.add("/api/v1/sessions/{}/snapshot-url", read=routes.snapshot_url, builder=True,
               limited=False)
