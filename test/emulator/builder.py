"""What the newer write routes have in common: size, body, scope, tokens in the answer."""

import auth
import exact_json
import triggering
from checks import issues_of, summary
from http_message import Response, error, fail, json_response
from jsontext import dumps

TOKEN_LIFE_S = 3600
NO_RETRY = (("x-should-retry", "false"),)


def method_not_allowed(allowed=None):
    """Answer 405: empty for reads, with the allowed method for other writes."""
    if allowed is None:
        return Response(405, b"", "")
    return json_response({"error": "Method not allowed"}, 405, (("Allow", allowed),))


def limit_body(request, maximum):
    """Answer 413 when the body is too long, or when its length is not announced."""
    if not request.has_length or len(request.body) > maximum:
        fail(413, "Request body too large")


def read_body(app, request, check):
    """Return the checked body or answer 400; every false value counts as no JSON."""
    if not request.body:
        fail(400, "Request body is empty")
    try:
        body = exact_json.parse(request.body, app.settings.js_numbers)
    except ValueError:
        fail(400, "Invalid JSON")
    if body is None or body is False or body == "" or (
            isinstance(body, exact_json.Number) and not body.decimal()):
        fail(400, "Invalid JSON")
    issues = issues_of(check, body)
    if issues:
        fail(400, summary(issues))
    return body


def require_scope(identity, action, *alternatives):
    """Answer 403 unless one of the (type, id) alternatives is in the credential's scopes."""
    if not any(auth.scope_allows(identity.scopes, action, *pair) for pair in alternatives):
        auth.deny()


def one_time_token(request):
    """Return the mark of a one-time public token, or None for any other credential."""
    token = auth.bearer(request)
    claims = None if token.startswith("tr_") else auth.public_claims(token)
    if claims is None or claims.get("otu") is not True:
        return None
    return triggering.token_mark(token)


def token_headers(world, environment, scopes, shown=True):
    """Return the headers that hand out a public token; `shown`: with scopes in the claims."""
    claims = {"sub": environment.id, "pub": True, "scopes": scopes}
    now = world.real_now() // 1000
    signed = {**claims, "iss": auth.ISSUER, "aud": auth.AUDIENCE, "exp": now + TOKEN_LIFE_S,
              "iat": now}
    if not shown:
        del claims["scopes"]
    key = (environment.parent or environment).root_key
    return (("x-trigger-jwt", auth.sign(signed, key)), ("x-trigger-jwt-claims", dumps(claims)))


def refused(problem, headers=()):
    """Return the answer for a TriggerError."""
    return error(problem.status, problem.message, headers)
