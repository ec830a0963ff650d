"""The query endpoint. What it needs is loaded by the first request."""

import functools

import auth
import builder
import checks
from http_message import Deferred, fail, json_response

_MISPLACED = ("This token is scoped to one environment, so it can only query with scope "
              "\"environment\"")


@functools.cache
def _check():
    def nullable(value, path, issues):
        if value is not None:
            checks.string()(value, path, issues)

    return checks.fields(
        required=("query",), query=checks.string(),
        scope=checks.one_of("organization", "project", "environment"), period=nullable,
        **{"from": nullable}, to=nullable, format=checks.one_of("json", "csv"))


class QueryRoutes:
    """Handlers; `app` gives the current world."""

    def __init__(self, app):
        self.app = app
        self._service = None

    def _allowed(self, identity, *ids):
        """Tell whether the credential may read all of these."""
        scopes = identity.scopes
        return auth.scope_allows(scopes, "read", "query") or (
            bool(ids) and all(auth.scope_allows(scopes, "read", "query", name) for name in ids))

    def query(self, request):
        """POST /api/v1/query"""
        from trql import service

        identity = auth.require_key(self.app.world, request, jwt=True)
        body = builder.read_body(self.app, request, _check())
        query = service.parsed(body["query"])
        if identity.scopes is not None and (
                isinstance(query, service.SyntaxProblem)
                or not self._allowed(identity, *service.named_tables(query))):
            auth.deny()
        if identity.kind == "jwt" and body.get("scope", "environment") != "environment":
            fail(403, _MISPLACED)
        if self._service is None:
            self._service = service.Service(self.app)
        asked = service.Request(identity.environment, query, body)
        return Deferred(self._service.answer(asked))

    @staticmethod
    def no_read(_request):
        """GET /api/v1/query"""
        return builder.method_not_allowed()

    def schema(self, request):
        """GET /api/v1/query/schema"""
        return self._listing(request, "schema", "listed")

    def dashboards(self, request):
        """GET /api/v1/query/dashboards"""
        return self._listing(request, "dashboards", "dashboards")

    def _listing(self, request, name, function):
        from trql import schema

        identity = auth.require_key(self.app.world, request, jwt=True)
        if identity.scopes is not None and not self._allowed(identity, name):
            auth.deny()
        return json_response(getattr(schema, function)())


def register(router, app):
    """Add the routes of this resource."""
    routes = QueryRoutes(app)
    router.add("/api/v1/query", read=routes.no_read, write=routes.query, builder=True)
    router.add("/api/v1/query/schema", read=routes.schema, builder=True)
    router.add("/api/v1/query/dashboards", read=routes.dashboards, builder=True)
