"""Schedules: list, create, retrieve, update, delete, activate, deactivate."""

import json

import auth
import cron
from http_message import (
    HttpError, error, fail, json_response, json_type_name, missing_issue, type_issue,
    unexpected_text, wrong_method_200,
)
from routes_misc import timezone_names
from schedules import Schedule, normalise_window

_BAD_KEY = "Invalid or Missing API Key"
_NOT_FOUND = "Schedule not found"
_TIMEZONES = frozenset(timezone_names())


def _page_number(query, name, issues):
    """Read a page parameter; None when it is not given."""
    text = query.get(name)
    if text is None:
        return None
    try:
        number = float(text) if text.strip() else 0.0
    except ValueError:
        issues.append({"code": "invalid_type", "expected": "number", "received": "nan",
                       "path": [name], "message": "Expected number, received nan"})
        return None
    if number != int(number):
        issues.append({"code": "invalid_type", "expected": "integer", "received": "float",
                       "path": [name], "message": "Expected integer, received float"})
    elif number <= 0:
        issues.append({"code": "too_small", "minimum": 0, "type": "number", "inclusive": False,
                       "exact": False, "message": "Number must be greater than 0",
                       "path": [name]})
    return int(number)


def _read_body(request, required):
    """Return the checked body; raises the 400 or 500 answer."""
    try:
        body = json.loads(request.body)
    except ValueError:
        raise HttpError(unexpected_text()) from None
    if not isinstance(body, dict):
        received = json_type_name(body)
        issues = [{"code": "invalid_type", "expected": "object", "received": received,
                   "path": [], "message": "Expected object, received " + received}]
    else:
        issues = [missing_issue(name) for name in required if name not in body]
        issues += [
            type_issue(name, "string", body[name])
            for name in ("task", "cron", "deduplicationKey", "externalId", "timezone", "window")
            if name in body and not isinstance(body[name], str)]
        window = body.get("window")
        if isinstance(window, str) and normalise_window(window) is None:
            issues.append({"code": "custom", "message": "Invalid window", "path": ["window"]})
    if issues:
        raise HttpError(json_response({"error": "Invalid request body", "issues": issues}, 400))
    return body


def _check_content(request, project, body):
    """Raise the 422 answer (or the 500 of a short expression) for unusable values."""
    try:
        cron.parse(body["cron"])
    except cron.CronError as problem:
        fail(422, "Invalid cron expression: %s" % problem)
    except cron.CronCrash:
        fail(500, "Something went wrong, please try again.")
    timezone = body.get("timezone")
    if timezone and timezone not in _TIMEZONES:
        fail(422, "Invalid IANA timezone: '%s'. View the list of valid timezones at "
                  "http://%s/timezones" % (timezone, request.headers.get("host", "127.0.0.1")))
    if body["task"] not in project.tasks:
        fail(422, "Task with identifier %s not found in project." % body["task"])
    if not project.tasks[body["task"]]:
        fail(422, "Task with identifier %s is not a scheduled task." % body["task"])


class ScheduleRoutes:
    """Handlers; `app` gives the current world."""

    def __init__(self, app):
        self.app = app
        self._pages_served = 0

    def _environment(self, request):
        return auth.require_key(self.app.world, request, _BAD_KEY, restricted=False).environment

    def list(self, request):
        """GET /api/v1/schedules"""
        environment = self._environment(request)
        issues = []
        page = _page_number(request.query, "page", issues)
        per_page = _page_number(request.query, "perPage", issues)
        if issues:
            return json_response({"error": "Invalid request parameters", "issues": issues}, 400)
        page = page or 1
        per_page = min(per_page or 20, 100)
        # an environment that never had a worker lists nothing, whatever it holds
        found = environment.project.schedules.of(environment) if environment.has_worker else []
        now = self.app.world.now()
        shown = found[(page - 1) * per_page:page * per_page]
        response = json_response({
            "data": [schedule.list_item(now) for schedule in shown],
            "pagination": {"currentPage": page,
                           "totalPages": max(1, -(-len(found) // per_page)),
                           "count": len(found)}})
        self._drift(environment)
        return response

    def _drift(self, environment):
        """Change the schedules after a given number of list pages (setting schedule_drift)."""
        drift = self.app.settings.schedule_drift
        if not drift:
            self._pages_served = 0
            return
        self._pages_served += 1
        if self._pages_served != drift.get("after_page", 1):
            return
        schedules = environment.project.schedules
        if drift.get("action") == "delete":
            found = schedules.of(environment)
            index = drift.get("index", 0)
            if index < len(found):
                schedules.remove(found[index])
        else:
            for _ in range(drift.get("count", 1)):
                schedules.add(Schedule(schedules.new_id(), "hourly-sync", "0 * * * *",
                                       [environment]))

    def create(self, request):
        """POST /api/v1/schedules; every other method is the 200 that says 405."""
        if request.method != "POST":
            return wrong_method_200()
        environment = self._environment(request)
        body = _read_body(request, ("task", "cron", "deduplicationKey"))
        schedules = environment.project.schedules
        existing = schedules.by_key(body["deduplicationKey"])
        _check_content(request, environment.project, body)
        if existing is not None:
            return self._replace(request, existing, environment, body)
        return self._add(request, environment, body, body["deduplicationKey"] or None)

    def _note(self, request, kind, environment, schedule):
        """Put a change into the log of writes."""
        self.app.world.writes.note(request, kind, environment, [schedule.id],
                                   deduplicationKey=schedule.deduplication_key)

    def _add(self, request, environment, body, deduplication_key):
        schedules = environment.project.schedules
        window = body.get("window")
        schedule = Schedule(
            schedules.new_id(), body["task"], body["cron"], [environment],
            timezone=body.get("timezone") or "UTC", external_id=body.get("externalId") or None,
            deduplication_key=deduplication_key,
            window=normalise_window(window) if window else None)
        schedules.add(schedule)
        self._note(request, "schedule.create", environment, schedule)
        return json_response(schedule.written(self.app.world.now()))

    def _replace(self, request, schedule, environment, body):
        """Replace everything but the task; the schedule moves to the asking environment."""
        if schedule.declarative:
            return error(422, "Cannot update a declarative schedule")
        window = body.get("window")
        schedule.expression = body["cron"]
        schedule.timezone = body.get("timezone") or "UTC"
        schedule.external_id = body.get("externalId") or None
        schedule.window = normalise_window(window) if window else None
        schedule.environments = [environment]
        self._note(request, "schedule.update", environment, schedule)
        return json_response(schedule.written(self.app.world.now()))

    def _found(self, environment, id_or_key):
        schedule = environment.project.schedules.find(id_or_key)
        if schedule is None or environment not in schedule.environments:
            fail(404, _NOT_FOUND)
        return schedule

    def retrieve(self, request, id_or_key):
        """GET /api/v1/schedules/{id or deduplication key}"""
        environment = self._environment(request)
        schedule = self._found(environment, id_or_key)
        return json_response(schedule.retrieved(self.app.world.now()))

    def change(self, request, id_or_key):
        """PUT and DELETE /api/v1/schedules/{id or deduplication key}"""
        environment = self._environment(request)
        if request.method == "DELETE":
            schedule = self._found(environment, id_or_key)
            environment.project.schedules.remove(schedule)
            self._note(request, "schedule.delete", environment, schedule)
            return json_response({"id": schedule.id})
        if request.method != "PUT":
            return unexpected_text()
        body = _read_body(request, ("task", "cron"))
        schedule = environment.project.schedules.find(id_or_key)
        if schedule is not None and environment not in schedule.environments:
            return error(404, _NOT_FOUND)
        if schedule is not None and schedule.declarative:
            return error(422, "Cannot update a declarative schedule")
        _check_content(request, environment.project, body)
        if schedule is None:
            # an unknown id makes a new schedule, under another id
            return self._add(request, environment, body, None)
        return self._replace(request, schedule, environment, body)

    def activate(self, request, id_or_key):
        """POST /api/v1/schedules/{id}/activate"""
        return self._switch(request, id_or_key, True)

    def deactivate(self, request, id_or_key):
        """POST /api/v1/schedules/{id}/deactivate"""
        return self._switch(request, id_or_key, False)

    def _switch(self, request, id_or_key, active):
        if request.method != "POST":
            return wrong_method_200()
        environment = self._environment(request)
        schedule = self._found(environment, id_or_key)
        schedule.active = active
        self._note(request, "schedule.activate" if active else "schedule.deactivate",
                   environment, schedule)
        return json_response(schedule.retrieved(self.app.world.now()))


def register(router, app):
    """Add the routes of this resource."""
    routes = ScheduleRoutes(app)
    base = "/api/v1/schedules"
    router.add(base, read=routes.list, write=routes.create)
    router.add(base + "/{}", read=routes.retrieve, write=routes.change)
    router.add(base + "/{}/activate", write=routes.activate)
    router.add(base + "/{}/deactivate", write=routes.deactivate)
