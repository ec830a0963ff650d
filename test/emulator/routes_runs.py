"""Runs: both list routes and retrieve."""

import auth
from http_message import Response, error, fail, json_response, json_text, JSON_TYPE
from run_page import cut_page
from run_query import QueryError, parse_list_query
from storage import presigner

VERSION_HEADER = "2025-07-16"


def api_version(request):
    """Return 1 for the new status vocabulary, 0 for the legacy one."""
    return 1 if request.headers.get("x-trigger-api-version") == VERSION_HEADER else 0


class RunRoutes:
    """Handlers; `app` gives the current world and settings."""

    def __init__(self, app):
        self.app = app

    def list_by_key(self, request):
        """GET /api/v1/runs"""
        world = self.app.world
        identity = auth.require_key(world, request, jwt=True)
        if identity.scopes is not None:
            self._check_list_scope(request, identity)
        return self._list(request, identity.environment)

    @staticmethod
    def _check_list_scope(request, identity):
        scopes = identity.scopes
        if auth.scope_allows(scopes, "read", "runs") or auth.scope_allows(scopes, "read", "tasks"):
            return
        tasks = request.query.get("filter[taskIdentifier]")
        if not tasks or not all(
                auth.scope_allows(scopes, "read", "tasks", task) for task in tasks.split(",")):
            auth.deny()

    def list_by_token(self, request, ref):
        """GET /api/v1/projects/{ref}/runs"""
        world = self.app.world
        user = auth.require_user(world, request, "Invalid PAT")
        project = world.project_for(ref, user) or fail(404, "Project not found")
        slugs = (request.query.get("filter[env]") or "").split(",")
        # Only one environment is used, the first in database order; slugs are compared as
        # stored, and a dev slug means anybody's.
        for environment in project.environments:
            if environment.slug in slugs:
                return self._list(request, environment)
        self._parse(request)
        return error(500, "Internal Server Error")

    def _parse(self, request):
        try:
            return parse_list_query(request.query, self.app.world.now())
        except QueryError as problem:
            return fail_query(problem)

    def _list(self, request, environment):
        parsed = self._parse(request)
        page = cut_page(environment.runs, parsed, api_version(request), self.app.settings,
                        self.app.world.real_now())
        return Response(200, page.body(), JSON_TYPE)

    def retrieve(self, request, run_id):
        """GET /api/v3/runs/{id}"""
        world = self.app.world
        identity = auth.require_key(world, request, jwt=True)
        table = identity.environment.runs
        run = table.find(run_id)
        if run is None:
            return error(404, "Not found", (("x-should-retry", "true"),))
        if not self._may_read(identity.scopes, run):
            auth.deny()
        schedule = identity.environment.project.schedules.summary(run.schedule_id)
        text = run.details(api_version(request), table, schedule,
                           presigner(world, request, identity.environment, run))
        return json_text(text)

    @staticmethod
    def _may_read(scopes, run):
        if scopes is None:
            return True
        checks = [("runs", run.id), ("tasks", run.task), ("batch", run.batch_id)]
        checks += [("tags", tag) for tag in run.tags]
        return any(auth.scope_allows(scopes, "read", *check) for check in checks)


def fail_query(problem):
    """Answer 400 with the issues of a bad query."""
    response = json_response({"error": "Query Error", "details": problem.details}, 400)
    raise auth.HttpError(response)


def register(router, app):
    """Add the routes of this resource."""
    routes = RunRoutes(app)
    router.add("/api/v1/runs", read=routes.list_by_key, builder=True)
    router.add("/api/v1/projects/{}/runs", read=routes.list_by_token, builder=True)
    router.add("/api/v3/runs/{}", read=routes.retrieve, builder=True)
