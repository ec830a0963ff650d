"""The object store for offloaded payloads and outputs, served by the emulator itself.

Like a real object store it rejects a request that carries an Authorization header: the
presigned URL is the credential, and a client that sends its key there leaks it.
"""

import hashlib
import hmac

from http_message import Response, TEXT_TYPE
from packets import packet_url

LIFETIME_S = 300
_SIGNING_KEY = b"emulated object store"


def _signature(env_id, run_id, kind, expires):
    text = "%s/%s/%s/%d" % (env_id, run_id, kind, expires)
    return hmac.new(_SIGNING_KEY, text.encode(), hashlib.sha256).hexdigest()


def presigned_url(world, host, environment, run_id, kind):
    """Return a URL of the payload or output that is valid for five minutes."""
    expires = world.real_now() // 1000 + LIFETIME_S
    scheme = "https" if world.tls else "http"
    return "%s://%s/_store/%s/%s/%s.json?X-Amz-Expires=%d&X-Amz-Signature=%s" % (
        scheme, host, environment.id, run_id, kind, expires,
        _signature(environment.id, run_id, kind, expires))


def presigner(world, request, environment, run):
    """Return what makes the URLs in a run's details: of its payload or output."""
    host = request.headers.get("host", "127.0.0.1")

    def url(kind):
        if kind == "payload" and run.payload_path is not None:
            return packet_url(world, host, environment, run.payload_path, "GET")
        return presigned_url(world, host, environment, run.id, kind)

    return url


class Store:
    """Serves presigned URLs."""

    def __init__(self, app):
        self.app = app

    def fetch(self, request, env_id, run_id, name):
        """GET /_store/{environment}/{run}/{kind}.json"""
        if "authorization" in request.headers:
            return Response(400, b"InvalidArgument: Only one auth mechanism allowed", TEXT_TYPE)
        kind = name.removesuffix(".json")
        try:
            expires = int(request.query.get("X-Amz-Expires", ""))
        except ValueError:
            expires = 0
        given = request.query.get("X-Amz-Signature", "")
        if not hmac.compare_digest(given, _signature(env_id, run_id, kind, expires)) \
                or expires * 1000 < self.app.world.real_now():
            return Response(403, b"AccessDenied", TEXT_TYPE)
        environment = self.app.world.environment_by_id(env_id)
        run = environment.runs.find(run_id) if environment else None
        text = getattr(run, kind, None) if kind in ("payload", "output") else None
        if text is None:
            return Response(404, b"NoSuchKey", TEXT_TYPE)
        return Response(200, text.encode(), "application/json")
