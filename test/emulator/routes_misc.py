"""Routes that belong to no resource: time zones, health, the object store."""

import os

from http_message import Response, json_response
from storage import Store

_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "timezones.txt")


def timezone_names():
    """Return the server's canonical time zone names, UTC first."""
    with open(_FILE, encoding="utf-8") as file:
        return file.read().split()


_NAMES = timezone_names()
_RESPONSES = {
    False: {"timezones": _NAMES},
    True: {"timezones": [name for name in _NAMES if name != "UTC"]},
}


def _timezones(request):
    """GET /api/v1/timezones: no credential looked at, only the exact value `true` excludes."""
    return json_response(_RESPONSES[request.query.get("excludeUtc") == "true"])


def _health(_request):
    return Response(200, b"OK", "text/plain;charset=UTF-8")


def register(router, app):
    """Add the routes of this module."""
    router.add("/api/v1/timezones", read=_timezones, limited=False)
    router.add("/healthcheck", read=_health)
    router.add("/_store/{}/{}/{}", read=Store(app).fetch)
