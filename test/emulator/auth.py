"""Credentials: which environment or user a request acts for, and what a token may do."""

import base64
import binascii
import hashlib
import hmac
import json
import re

from http_message import fail, json_response, HttpError

ISSUER = "https://id.trigger.dev"
AUDIENCE = "https://api.trigger.dev"
ADDITIONAL_KEY = re.compile(r"^tr_(dev|stg|prod|preview)_sk_[0-9A-Za-z]{24}$")
_REF_PREFIX = re.compile(r"^refs/(heads|remotes|tags|pull|merge|release)/")

NO_BRANCH_HEADER = "x-trigger-branch header required for preview env"
NO_SUCH_BRANCH = "No matching branch env"
BAD_KEY = "Invalid API key"


class Identity:
    """Who asks: an environment, and what the credential is limited to (None: nothing)."""

    __slots__ = ("environment", "kind", "scopes")

    def __init__(self, environment, kind, scopes=None):
        self.environment = environment
        self.kind = kind
        self.scopes = scopes


class AuthError(Exception):
    """Authentication failed; the text is the reason that newer routes show."""


def bearer(request):
    """Return the credential; only the exact prefix `Bearer ` is stripped, then blanks."""
    header = request.headers.get("authorization", "")
    return header.removeprefix("Bearer ").strip()


def branch_name(request):
    """Return the sanitised branch header, or None."""
    text = request.headers.get("x-trigger-branch")
    if not text:
        return None
    text = _REF_PREFIX.sub("", text)
    return None if not text or text.startswith("refs/") else text


def sign(payload, key):
    """Make a HS256 token: exactly the header {"alg":"HS256"}, members in the order given."""
    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    head = encode(b'{"alg":"HS256"}')
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    signed = head + b"." + encode(text)
    return (signed + b"." + encode(hmac.digest(key.encode(), signed, "sha256"))).decode()


def _decode_part(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def public_claims(token):
    """Return the payload of a text that looks like a public token, else None."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(_decode_part(parts[1]))
    except (ValueError, binascii.Error):
        return None
    return claims if isinstance(claims, dict) and claims.get("pub") is True else None


def _check_public_token(world, token, claims):
    """Return the Identity of a public token or raise AuthError."""
    environment = world.environment_by_id(claims.get("sub"))
    if environment is None:
        raise AuthError("Invalid Public Access Token")
    parent = environment.parent or environment
    signed, _, signature = token.rpartition(".")
    try:
        header = json.loads(_decode_part(token.split(".")[0]))
        given = _decode_part(signature)
    except (ValueError, binascii.Error):
        raise AuthError("Public Access Token is invalid") from None
    keys = (parent.root_key,) + tuple(parent.rotated_keys)
    valid = any(
        hmac.compare_digest(hmac.digest(key.encode(), signed.encode(), hashlib.sha256), given)
        for key in keys)
    expires = claims.get("exp")
    if header.get("alg") != "HS256" or not valid or claims.get("iss") != ISSUER \
            or claims.get("aud") != AUDIENCE or not isinstance(expires, (int, float)):
        raise AuthError("Public Access Token is invalid")
    if expires * 1000 <= world.real_now():
        raise AuthError("Public Access Token has expired")
    scopes = claims.get("scopes")
    return Identity(environment, "jwt", tuple(scopes) if isinstance(scopes, list) else ())


def _check_additional_key(world, token):
    key = world.additional_keys.get(token)
    expired = key and key.expires_at is not None and key.expires_at <= world.real_now()
    if key is None or key.revoked or expired or not world.settings.additional_keys:
        raise AuthError(BAD_KEY)
    return key


def _on_branch(environment, branch):
    """Apply the branch header to the environment of a secret key."""
    if environment.type == "PREVIEW":
        if branch is None:
            raise AuthError(NO_BRANCH_HEADER)
        found = environment.project.branch(branch)
        if found is None:
            raise AuthError(NO_SUCH_BRANCH)
        return found
    if environment.type == "DEVELOPMENT" and branch not in (None, "default"):
        found = environment.project.branch(branch, "DEVELOPMENT")
        if found is None:
            raise AuthError(NO_SUCH_BRANCH)
        return found
    return environment


def identify(world, request, jwt=True, restricted=True):
    """Return the Identity behind a secret key (or public token) or raise AuthError.

    `jwt` False: the route does not take public tokens. `restricted` False: it does not take
    additional keys that are limited to scopes.
    """
    token = bearer(request)
    if token.startswith("tr_"):
        if ADDITIONAL_KEY.match(token):
            key = _check_additional_key(world, token)
            if key.scopes is not None and not restricted:
                raise AuthError(BAD_KEY)
            environment = _on_branch(key.environment, branch_name(request))
            return Identity(environment, "additional", key.scopes)
        environment = world.environment_of_root_key(token)
        if environment is None:
            raise AuthError(BAD_KEY)
        return Identity(_on_branch(environment, branch_name(request)), "root")
    claims = public_claims(token)
    if claims is None or not jwt:
        raise AuthError(BAD_KEY)
    return _check_public_token(world, token, claims)


def require_key(world, request, message=None, jwt=False, restricted=True):
    """Like identify, but a failure becomes a 401 answer (with `message`, if given)."""
    try:
        return identify(world, request, jwt, restricted)
    except AuthError as problem:
        return fail(401, message or str(problem))


def require_user(world, request, message):
    """Return the user of a personal access token or answer 401."""
    token = bearer(request)
    user = world.user_of_token(token) if token.startswith("tr_pat_") else None
    return user or fail(401, message)


def scope_allows(scopes, action, resource, resource_id=None):
    """Tell whether one of the scopes permits an action.

    `resource_id` None is a check on the collection, which a scope with an id does not pass.
    """
    if scopes is None:
        return True
    for scope in scopes:
        parts = scope.split(":", 2)
        if parts == ["admin"]:
            return True
        if len(parts) < 2 or parts[0] not in (action, "*"):
            continue
        if parts[1] not in (resource, "all"):
            continue
        if len(parts) == 2 or (resource_id is not None and parts[2] == resource_id):
            return True
    return False


def deny():
    """Answer 403 the way the newer routes do."""
    raise HttpError(json_response(
        {"error": "Unauthorized", "code": "unauthorized", "param": "access_token",
         "type": "authorization"}, 403))
