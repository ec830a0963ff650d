"""Packets: payloads that a client uploads to the object store before it triggers.

The API only hands out presigned URLs; the bytes go to the store, which is the emulator too.
As in `storage.py`, the URL is the whole credential and an Authorization header is an error.
"""

import hashlib
import hmac
from urllib.parse import quote

import auth
from http_message import Response, TEXT_TYPE, error, json_response, wrong_method_200

LIFETIME_S = 300
_SIGNING_KEY = b"emulated object store"
_BAD_KEY = "Invalid or Missing API key"
_NO_STORE = "Object store is not configured for protocol: default"


def _signature(method, env_id, path, expires):
    text = "%s packets/%s/%s/%d" % (method, env_id, path, expires)
    return hmac.new(_SIGNING_KEY, text.encode(), hashlib.sha256).hexdigest()


def packet_url(world, host, environment, path, method):
    """Return a URL that uploads (PUT) or downloads (GET) one packet for five minutes."""
    expires = world.real_now() // 1000 + LIFETIME_S
    return "%s://%s/_packets/%s/%s?X-Amz-Expires=%d&X-Amz-Signature=%s" % (
        "https" if world.tls else "http", host, environment.id, quote(path), expires,
        _signature(method, environment.id, path, expires))


def _is_sound(path):
    """Refuse paths that climb."""
    return bool(path) and not path.startswith("/") and "\\" not in path and not any(
        part in ("..", ".", "") for part in path.split("/"))


class PacketRoutes:
    """Handlers; `app` gives the current world."""

    def __init__(self, app):
        self.app = app

    def _sign(self, request, path, method, with_path, jwt=False):
        world = self.app.world
        identity = auth.require_key(world, request, _BAD_KEY, jwt=jwt, restricted=False)
        if not _is_sound(path):
            return error(400, "Invalid path")
        if not self.app.settings.object_store:
            return error(500, _NO_STORE)
        host = request.headers.get("host", "127.0.0.1")
        answer = {"presignedUrl": packet_url(world, host, identity.environment, path, method)}
        if with_path:
            answer["storagePath"] = path
        return json_response(answer)

    def upload(self, request, path):
        """PUT /api/v2/packets/{path}"""
        if request.method != "PUT":
            return wrong_method_200()
        return self._sign(request, path, "PUT", True)

    def upload_v1(self, request, path):
        """PUT /api/v1/packets/{path}"""
        if request.method != "PUT":
            return wrong_method_200()
        return self._sign(request, path, "PUT", False)

    def download(self, request, path):
        """GET /api/v1/packets/{path}"""
        return self._sign(request, path, "GET", False, jwt=True)

    # -- the store ----------------------------------------------------------------------

    def _refused(self, request, env_id, path):
        if "authorization" in request.headers:
            return Response(400, b"InvalidArgument: Only one auth mechanism allowed", TEXT_TYPE)
        expires = request.query.get("X-Amz-Expires", "")
        method = "GET" if request.method == "HEAD" else request.method
        if not expires.isdigit() or int(expires) * 1000 < self.app.world.real_now() \
                or not hmac.compare_digest(
                    request.query.get("X-Amz-Signature", ""),
                    _signature(method, env_id, path, int(expires))):
            return Response(403, b"AccessDenied", TEXT_TYPE)
        return None

    def fetch(self, request, env_id, path):
        """GET /_packets/{environment}/{path}"""
        refused = self._refused(request, env_id, path)
        if refused is not None:
            return refused
        found = self.app.world.writes.packets.get((env_id, path))
        if found is None:
            return Response(404, b"NoSuchKey", TEXT_TYPE)
        return Response(200, *found)

    def store(self, request, env_id, path):
        """PUT /_packets/{environment}/{path}"""
        refused = self._refused(request, env_id, path)
        if refused is not None:
            return refused
        if request.method != "PUT":
            return Response(405, b"MethodNotAllowed", TEXT_TYPE)
        if not request.has_length:
            return Response(411, b"MissingContentLength", TEXT_TYPE)
        world = self.app.world
        content_type = request.headers.get("content-type", "application/octet-stream")
        world.writes.packets[env_id, path] = (request.body, content_type)
        world.writes.note(request, "packet.put", world.environment_by_id(env_id), [path],
                          size=len(request.body))
        return Response(200, b"", "")


def register(router, app):
    """Add the routes of this resource."""
    routes = PacketRoutes(app)
    router.add("/api/v2/packets/{*}", write=routes.upload, limited=False)
    router.add("/api/v1/packets/{*}", read=routes.download, write=routes.upload_v1,
               limited=False)
    router.add("/_packets/{}/{*}", read=routes.fetch, write=routes.store)
