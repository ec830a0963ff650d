"""The request budgets: token buckets per environment or token, a window for public tokens."""

import json

import auth
from http_message import PROBLEM_TYPE, Response

INTERVAL_MS = 10000
_DEPLOY_BUDGET = (1500, 500)
_API_BUDGET = (750, 250)
_JWT_LIMIT = 60
_JWT_WINDOW_MS = 60000


class _Bucket:
    __slots__ = ("tokens", "refilled_at")

    def __init__(self, tokens, now):
        self.tokens = tokens
        self.refilled_at = now


class RateLimiter:
    """Counts requests; only refuses them when a setting says so.

    A budget that is not enforced is full again before it runs low: a client that respects it
    does not have to wait for it.

    `rate_limit` enforces every budget, `jwt_rate_limit` the windows of public tokens alone.
    """

    def __init__(self, world):
        self.world = world
        self.buckets = {}
        self._owners = {}

    def _owner(self, token):
        """Return (bucket name, is public token): all keys of an environment share one.

        So do all the public tokens that one user got for an environment by a personal access
        token; every other public token has a window of its own.
        """
        found = self._owners.get(token)
        if found is None:
            environment = self.world.environment_of_root_key(token)
            key = self.world.additional_keys.get(token)
            if environment is None and key is not None:
                environment = key.environment
            claims = auth.public_claims(token) if environment is None else None
            user = claims.get("act") if claims else None
            name = environment.id if environment else token
            if isinstance(user, dict) and user.get("sub"):
                name = (claims.get("sub"), user["sub"])
            found = (name, claims is not None)
            if len(self._owners) > 10000:
                self._owners.clear()
            self._owners[token] = found
        return found

    def forget_owners(self):
        """Look up again whose a token is, after keys were added."""
        self._owners.clear()

    def take(self, request, deploy):
        """Count a request; returns (header text, None or the 429 response)."""
        owner, public = self._owner(auth.bearer(request))
        now = self.world.real_now()
        enforced = self.world.settings.rate_limit
        if public:
            window = self.world.settings.jwt_rate_limit
            enforced = enforced or window is not None
            limit, remaining, reset = self._take_window(owner, now, window or {}, enforced)
        else:
            limit, refill = _DEPLOY_BUDGET if deploy else _API_BUDGET
            if enforced:
                limit = enforced.get("burst", limit)
                refill = enforced.get("refill_per_10s", refill)
            remaining, reset = self._take_bucket((owner, deploy), limit, refill, now, enforced)
        headers = "x-ratelimit-limit: %d\r\nx-ratelimit-remaining: %d\r\nx-ratelimit-reset: %d\r\n"
        refused = None
        if remaining < 0 and enforced:
            refused = too_many_requests(limit, remaining, reset, now)
        return headers % (limit, max(0, remaining), reset), refused

    def _take_bucket(self, name, limit, refill, now, enforced):
        bucket = self.buckets.get(name)
        if bucket is None:
            bucket = self.buckets[name] = _Bucket(limit, now)
        elapsed = (now - bucket.refilled_at) // INTERVAL_MS
        if elapsed > 0:
            bucket.tokens = min(limit, bucket.tokens + elapsed * refill)
            bucket.refilled_at += elapsed * INTERVAL_MS
        reset = bucket.refilled_at + INTERVAL_MS
        if enforced and bucket.tokens <= 0:
            return -1, reset
        if not enforced and bucket.tokens <= limit // 2:
            bucket.tokens = limit
        bucket.tokens -= 1
        return bucket.tokens, reset

    def _take_window(self, name, now, options, enforced):
        limit = options.get("limit", _JWT_LIMIT)
        length = options.get("window_ms", _JWT_WINDOW_MS)
        start = now - now % length
        bucket = self.buckets.get(name)
        if bucket is None or bucket.refilled_at != start:
            bucket = self.buckets[name] = _Bucket(limit, start)
        if not enforced and bucket.tokens <= limit // 2:
            bucket.tokens = limit
        bucket.tokens -= 1
        return limit, max(-1, bucket.tokens), start + length


def too_many_requests(limit, remaining, reset, now, seconds=None):
    """Build the 429 answer (problem+json, pretty-printed, no Retry-After)."""
    wait = max(0, (reset - now) / 1000) if seconds is None else seconds
    text = "Rate limit exceeded %d/%d requests remaining. Retry in %s seconds." % (
        remaining, limit, wait)
    body = {
        "title": "Rate Limit Exceeded",
        "status": 429,
        "type": "https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/429",
        "detail": text,
        "reset": reset,
        "limit": limit,
        "remaining": remaining,
        "secondsUntilReset": wait,
        "error": text,
    }
    return Response(429, json.dumps(body, indent=2).encode(), PROBLEM_TYPE)


def no_authorization():
    """The limiter's answer to a request without an Authorization header."""
    body = {
        "title": "Unauthorized",
        "status": 401,
        "type": "https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/401",
        "detail": "No authorization header provided",
        "error": "No authorization header provided",
    }
    return Response(401, json.dumps(body, indent=2).encode(), PROBLEM_TYPE)
