"""Injected faults: which requests they hit and what happens to them.

The rules are data (JSON from the control interface); this module matches them. What an
action does to the connection is the business of `server.py`.
"""

import base64
import re
import zlib

from http_message import JSON_TYPE, Response, TEXT_TYPE
from ratelimit import too_many_requests

KINDS = frozenset((
    "status", "reset_before", "reset_after", "reset_mid", "truncate", "wrong_length", "stall",
    "drip", "redirect", "gzip_bomb", "body", "rate_limit", "delay", "connection_close",
))


class Rule:
    """One rule with its counters."""

    def __init__(self, spec):
        match = spec.get("match") or {}
        self.spec = spec
        self.action = spec["action"]
        if self.action.get("kind") not in KINDS:
            raise ValueError("unknown fault kind: %r" % self.action.get("kind"))
        self.method = match.get("method")
        self.path = re.compile(match["path_regex"]) if "path_regex" in match else None
        self.nth = match.get("nth")
        self.headers = {
            name.lower(): re.compile(value) for name, value in match.get("header", {}).items()}
        self.left = spec.get("times", 1) or None
        self.seen = 0

    def hits(self, request):
        """Tell whether this request is hit; counts the matching ones."""
        if self.method is not None and request.method != self.method:
            return False
        if self.path is not None and not self.path.search(request.target):
            return False
        for name, pattern in self.headers.items():
            value = request.headers.get(name)
            if value is None or not pattern.search(value):
                return False
        self.seen += 1
        if self.nth is not None and self.seen < self.nth:
            return False
        if self.left is None:
            return True
        if self.left == 0:
            return False
        self.left -= 1
        return True


class Faults:
    """The active rules, in order; the first that hits decides."""

    def __init__(self):
        self.rules = []

    def set(self, specs):
        """Replace the rules."""
        self.rules = [Rule(spec) for spec in specs]

    def match(self, request):
        """Return the action for a request, or None."""
        for rule in self.rules:
            if rule.hits(request):
                return rule.action
        return None


def replacement(action, now):
    """Return the response that an action puts in place of the real one, or None."""
    kind = action["kind"]
    headers = tuple((name, str(value)) for name, value in (action.get("headers") or {}).items())
    if kind == "status":
        body = action.get("body", '{"error":"injected fault"}')
        return Response(action["status"], _bytes(action, body),
                        action.get("content_type", JSON_TYPE), headers)
    if kind == "body":
        return Response(action.get("status", 200), _bytes(action, action.get("body", "")),
                        action.get("content_type", JSON_TYPE), headers)
    if kind == "redirect":
        return Response(action.get("status", 302), b"", TEXT_TYPE,
                        (("Location", action["location"]),) + headers)
    if kind == "gzip_bomb":
        return _gzip_bomb(action["size"])
    if kind == "rate_limit":
        return _rate_limit(action, now)
    return None


def _bytes(action, body):
    if "base64" in action:
        return base64.b64decode(action["base64"])
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    raise ValueError("a fault's body is text (or use the member base64)")


def _gzip_bomb(size):
    """Return a small compressed body that unpacks to `size` bytes of JSON."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(b'{"data":["')]
    block = b"A" * (1 << 20)
    left = size
    while left > 0:
        parts.append(packer.compress(block[:left]))
        left -= len(block)
    parts.append(packer.compress(b'"],"pagination":{}}'))
    parts.append(packer.flush())
    return Response(200, b"".join(parts), JSON_TYPE, (("Content-Encoding", "gzip"),))


def _rate_limit(action, now):
    """Return a 429 in one of the conventions: ms or s reset, Retry-After, or nothing."""
    seconds = action.get("seconds", 1)
    style = action.get("reset", "ms")
    reset = int(now + seconds * 1000)
    response = too_many_requests(750, -1, reset, now, seconds)
    if style == "ms":
        response.headers = (("x-ratelimit-limit", "750"), ("x-ratelimit-remaining", "0"),
                            ("x-ratelimit-reset", str(reset)))
    elif style == "s":
        response.headers = (("X-RateLimit-Limit", "750"), ("X-RateLimit-Remaining", "0"),
                            ("X-RateLimit-Reset", str(-(-reset // 1000))))
        response.body, response.content_type = b'{"error":"Rate limit exceeded"}', JSON_TYPE
    elif style == "retry-after":
        response.headers = (("Retry-After", str(seconds)),)
        response.body, response.content_type = b'{"error":"Rate limit exceeded"}', JSON_TYPE
    else:
        response.body, response.content_type = b'{"error":"Rate limit exceeded"}', JSON_TYPE
    return response
