"""Public tokens: claims for local signing, server mints, the exchange for access tokens."""

import json
import re

import auth
from http_message import error, fail, json_response
from routes_envvars import resolve_environment

_SPAN = re.compile(
    r"^([+-])? ?(\d+|\d+\.\d+) ?(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w|"
    r"years?|yrs?|y)(?: (ago|from now))?$", re.IGNORECASE)
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31557600}
_MAX_LIFE_S = 30 * 86400


def expiry(value, now_s, default_s):
    """Return the expiry in seconds; numbers are absolute, texts are spans; None when bad."""
    if value is None:
        return now_s + default_s
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return int(value)
    found = _SPAN.match(value) if isinstance(value, str) else None
    if not found:
        return None
    sign, number, unit, suffix = found.groups()
    if sign and suffix:
        return None
    span = round(float(number) * _UNIT_S[unit[0].lower()])
    return now_s - span if sign == "-" or suffix == "ago" else now_s + span


class TokenRoutes:
    """Handlers; `app` gives the current world."""

    def __init__(self, app):
        self.app = app

    def _now_s(self):
        return self.app.world.real_now() // 1000

    def _mint(self, environment, claims, expires):
        key = (environment.parent or environment).root_key
        payload = {"sub": environment.id, "pub": True, **claims, "iss": auth.ISSUER,
                   "aud": auth.AUDIENCE, "exp": expires, "iat": self._now_s()}
        return json_response({"token": auth.sign(payload, key)})

    def claims(self, request):
        """POST /api/v1/auth/jwt/claims"""
        identity = auth.require_key(self.app.world, request, "Invalid or Missing API key",
                                    restricted=False)
        return json_response({"sub": identity.environment.id, "pub": True})

    def legacy_mint(self, request):
        """POST /api/v1/auth/jwt: bad bodies and expiry texts are uncaught exceptions"""
        identity = auth.require_key(self.app.world, request, "Invalid or Missing API key",
                                    restricted=False)
        try:
            body = json.loads(request.body)
        except ValueError:
            return error(500, "Internal Server Error")
        if not isinstance(body, dict):
            return error(400, "Invalid request body")
        expires = expiry(body.get("expirationTime"), self._now_s(), 3600)
        if expires is None:
            return error(500, "Internal Server Error")
        return self._mint(identity.environment, body.get("claims") or {}, expires)

    def public_token(self, request):
        """POST /api/v1/auth/public-tokens"""
        identity = auth.require_key(self.app.world, request)
        try:
            body = json.loads(request.body)
        except ValueError:
            return error(400, "Invalid request body")
        scopes = body.get("scopes") if isinstance(body, dict) else None
        if not isinstance(scopes, list) or not scopes \
                or not all(isinstance(scope, str) for scope in scopes):
            return error(400, "Invalid request body")
        expires = expiry(body.get("expirationTime"), self._now_s(), 900)
        if expires is None:
            return error(400, "Invalid expiration time")
        if expires <= self._now_s():
            return error(400, "Expiration time must be in the future")
        if expires > self._now_s() + _MAX_LIFE_S:
            return error(400, "Expiration time cannot exceed 30 days")
        denied = [scope for scope in scopes if not _covered(identity.scopes, scope)]
        if denied:
            return json_response({
                "error": "Requested scopes exceed the API key's access",
                "code": "scopes_exceed_key_access", "deniedScopes": denied}, 403)
        claims = {"scopes": scopes}
        if body.get("oneTimeUse"):
            claims = {"otu": True, **claims}
        if body.get("realtime"):
            claims["realtime"] = body["realtime"]
        return self._mint(identity.environment, claims, expires)

    def exchange(self, request, ref, slug):
        """POST /api/v1/projects/{ref}/{env}/jwt"""
        world = self.app.world
        user = auth.require_user(world, request, "Invalid or Missing Access Token")
        if slug not in ("dev", "staging", "prod", "preview"):
            fail(400, "Invalid Params")
        project = world.project_for(ref, user) or fail(404, "Project not found")
        environment = resolve_environment(world, user, project, slug, auth.branch_name(request))
        try:
            body = json.loads(request.body)
        except ValueError:
            return error(500, "Internal Server Error")
        if not isinstance(body, dict):
            return error(400, "Invalid request body")
        expires = expiry(body.get("expirationTime"), self._now_s(), 3600)
        if expires is None:
            return error(500, "Internal Server Error")
        claims = {}
        scopes = (body.get("claims") or {}).get("scopes")
        if scopes:
            claims["scopes"] = scopes
        claims["act"] = {"sub": user.id, "client": "personal-access-token"}
        return self._mint(environment, claims, expires)


def _covered(own, scope):
    """Tell whether a key's scopes include a requested one."""
    if own is None:
        return True
    parts = scope.split(":", 2) + [None, None]
    return parts[1] is not None and auth.scope_allows(own, parts[0], parts[1], parts[2])


def register(router, app):
    """Add the routes of this resource."""
    routes = app.tokens = TokenRoutes(app)
    router.add("/api/v1/auth/jwt/claims", write=routes.claims, limited=False)
    router.add("/api/v1/auth/jwt", write=routes.legacy_mint)
    router.add("/api/v1/auth/public-tokens", write=routes.public_token, builder=True)
