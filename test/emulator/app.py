"""The application: from a parsed request to a response, without any transport."""

import dataset
from http_message import (
    CORS_HEADERS, HTML_TYPE, TEXT_TYPE, Deferred, HttpError, Response, json_response,
    split_path, unexpected_json,
)
import packets
from ratelimit import RateLimiter, no_authorization
from router import Router
import routes_auth
import routes_batches
import routes_channels
import routes_envvars
import routes_misc
import routes_projects
import routes_query
import routes_run_actions
import routes_runs
import routes_schedules
import routes_sessions
import routes_trigger

_NOT_FOUND_PAGE = (
    b'<!DOCTYPE html><html lang="en" class="h-full"><head><meta charSet="utf-8"/>'
    b"<title>404</title></head><body><h1>404</h1><p>Page not found</p></body></html>")
_RESOURCES = (routes_runs, routes_envvars, routes_schedules, routes_projects, routes_auth,
              routes_misc, routes_trigger, routes_batches, routes_run_actions, routes_query,
              packets, routes_sessions, routes_channels)


class App:
    """The emulated server: state, settings and routes."""

    def __init__(self, settings, options):
        self.settings = settings
        self.router = Router()
        for resource in _RESOURCES:
            resource.register(self.router, self)
        self.world = None
        self.limiter = None
        self._paths = {}
        self.rebuild(options)

    def rebuild(self, options):
        """Start over with a fresh state."""
        self.world = dataset.build(self.settings, options)
        self.limiter = RateLimiter(self.world)

    def _route(self, path):
        """Find the route of a path, remembering the short ones."""
        found = self._paths.get(path)
        if found is None:
            found = self.router.find(split_path(path))
            if len(self._paths) > 20000:
                self._paths.clear()
            self._paths[path] = found
        return found

    def respond(self, request):
        """Return (response, rate limit header text), or (Deferred of such a pair, "")."""
        self.world.writes.catch_up()
        path = request.path
        if len(path) > 1 and path.endswith("/"):
            return self._redirect(request), ""
        route, request.segments = self._route(path)
        if request.method == "OPTIONS" and path.startswith(("/api", "/realtime")):
            return self._preflight(request), ""
        limits = ""
        limited = path.startswith("/api") and (route is None or route.limited)
        if limited:
            if "authorization" not in request.headers:
                return no_authorization(), ""
            limits, refused = self.limiter.take(request, route is not None and route.deploy)
            if refused is not None:
                return refused, limits
        if route is None:
            return Response(404, _NOT_FOUND_PAGE, HTML_TYPE, (("cache-control", "no-cache"),)), \
                limits
        try:
            response = self._handle(route, request)
        except HttpError as problem:
            response = problem.response
        if isinstance(response, Deferred):
            response.then(lambda made: self._finished(route, made, limits))
            return response, ""
        return self._finished(route, response, limits)

    @staticmethod
    def _finished(route, response, limits):
        """Add what the kind of route adds to every response."""
        if response.status == 429:
            # a budget of the route's own replaces the headers of the general one
            limits = ""
        if route.builder and not response.headers:
            response.headers = CORS_HEADERS
        elif route.builder:
            response.headers = CORS_HEADERS + tuple(response.headers)
        return response, limits

    def _handle(self, route, request):
        if request.method in ("GET", "HEAD"):
            if route.read is None:
                return unexpected_json(400)
            return route.read(request, *request.segments)
        if route.write is None:
            return unexpected_json(405)
        return route.write(request, *request.segments)

    @staticmethod
    def _redirect(request):
        target = request.path.rstrip("/") or "/"
        if request.raw_query:
            target += "?" + request.raw_query
        return Response(301, ("Moved Permanently. Redirecting to " + target).encode(), TEXT_TYPE,
                        (("Location", target),))

    @staticmethod
    def _preflight(request):
        return json_response({}, 200, (
            ("access-control-allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE"),
            ("access-control-allow-origin", request.headers.get("origin", "*")),
            ("access-control-max-age", "300")))
