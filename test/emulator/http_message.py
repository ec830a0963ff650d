"""Requests and responses as the application sees them, and the error shapes of the API."""

from urllib.parse import unquote, unquote_plus

from exact_json import well_formed
from jsontext import dumps

JSON_TYPE = "application/json; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"
PROBLEM_TYPE = "application/problem+json; charset=utf-8"
CORS_HEADERS = (("access-control-expose-headers", "x-trigger-jwt,x-trigger-jwt-claims"),)


class Request:
    """One parsed request."""

    __slots__ = ("method", "target", "path", "raw_query", "headers", "body", "has_length",
                 "version", "record", "fault", "_query", "segments")

    def __init__(self, method, target, version, headers):
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.body = b""
        self.has_length = False
        self.record = None
        self.fault = None
        self.segments = ()
        path, _, self.raw_query = target.partition("?")
        self.path = path
        self._query = None

    @property
    def query(self):
        """The query as a flat map: of a repeated key the last value wins."""
        if self._query is None:
            self._query = dict(split_query(self.raw_query))
        return self._query


def split_query(text):
    """Decode a query string into (key, value) pairs, in the order sent."""
    pairs = []
    for part in text.split("&"):
        if part:
            key, _, value = part.partition("=")
            if "%" in key or "+" in key:
                key = unquote_plus(key)
            if "%" in value or "+" in value:
                value = unquote_plus(value)
            pairs.append((key, value))
    return pairs


def split_path(path):
    """Split a path into percent-decoded segments."""
    segments = path.strip("/").split("/")
    return [unquote(segment) if "%" in segment else segment for segment in segments]


class Response:
    """Status, body and headers; rendering is the transport's job."""

    __slots__ = ("status", "body", "content_type", "headers", "stream", "feed")

    def __init__(self, status, body, content_type=JSON_TYPE, headers=(), stream=None):
        self.status = status
        self.body = body
        # what gives the events of an endless body, see Feed in channels.py
        self.feed = None
        # an iterator of bytes to be sent instead of the body, without ever holding it whole
        self.stream = stream
        self.content_type = content_type
        self.headers = headers


class Deferred:
    """An answer that is still being made: a coroutine, and what is done to its response."""

    def __init__(self, coroutine):
        self._coroutine = coroutine
        self._finish = None

    def then(self, finish):
        """Have a function applied to the response."""
        self._finish = finish

    async def result(self):
        """Return what the function makes of the response."""
        try:
            response = await self._coroutine
        except HttpError as problem:
            response = problem.response
        return self._finish(response)


def json_response(value, status=200, headers=()):
    """Answer with a JSON value."""
    return Response(status, well_formed(dumps(value)).encode(), JSON_TYPE, headers)


def json_text(text, headers=()):
    """Answer 200 with ready JSON text."""
    return Response(200, text.encode(), JSON_TYPE, headers)


def error(status, message, headers=()):
    """Answer with the usual {"error": text}."""
    return json_response({"error": message}, status, headers)


class HttpError(Exception):
    """Carries a response out of nested code."""

    def __init__(self, response):
        super().__init__(response.status)
        self.response = response


def fail(status, message, headers=()):
    """Raise the usual error answer."""
    raise HttpError(error(status, message, headers))


def wrong_method_200():
    """The older routes' answer to a wrong method: status 200 with a body that says 405."""
    return json_response({"status": 405, "body": "Method Not Allowed"})


def unexpected_text():
    """The plain-text 500 of an uncaught exception in an older route."""
    return Response(500, b"Unexpected Server Error", TEXT_TYPE)


def unexpected_json(status):
    """What the framework answers when a route has no handler for reads (400) or writes (405)."""
    return json_response({"message": "Unexpected Server Error"}, status,
                         (("x-remix-error", "yes"),))


def missing_issue(name, expected="string"):
    """A zod issue for a missing required member."""
    return {"code": "invalid_type", "expected": expected, "received": "undefined",
            "path": [name], "message": "Required"}


def type_issue(name, expected, value):
    """A zod issue for a member of the wrong JSON type."""
    received = json_type_name(value)
    return {"code": "invalid_type", "expected": expected, "received": received, "path": [name],
            "message": "Expected %s, received %s" % (expected, received)}


def json_type_name(value):
    """Name a parsed JSON value's type the way zod does."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
