"""Triggering single tasks, and resetting idempotency keys."""

import auth
import builder
from checks import fields, string
from http_message import error, json_response
from triggering import MAX_BODY, Trigger, TriggerError, Triggering, check_body

_RESET_BODY = fields(("taskIdentifier",), taskIdentifier=string())


def note_trigger(world, origin, environment, run, trigger, **more):
    """Put a new run into the log of writes."""
    world.writes.note(origin, "run.trigger", environment, [run.id], key=trigger.key,
                      task=trigger.task, **more)


class TriggerRoutes:
    """Handlers; `app` gives the current world."""

    def __init__(self, app):
        self.app = app

    def trigger(self, request, task):
        """POST /api/v1/tasks/{task}/trigger

        The header x-trigger-request-idempotency-key is not looked at: on the real server it
        has no effect either.
        """
        world = self.app.world
        identity = auth.require_key(world, request, jwt=True)
        builder.limit_body(request, MAX_BODY)
        body = builder.read_body(self.app, request, check_body)
        builder.require_scope(identity, "trigger", ("tasks", task))
        environment = identity.environment
        trigger = Trigger.of_item(
            task, body, header_key=request.headers.get("idempotency-key"),
            header_ttl=request.headers.get("idempotency-key-ttl"),
            token=builder.one_time_token(request))
        try:
            run, cached = Triggering(world).call(environment, trigger)
        except TriggerError as problem:
            return builder.refused(problem)
        if not cached:
            note_trigger(world, request, environment, run, trigger)
        return json_response({"id": run.id, "isCached": cached}, 200, builder.token_headers(
            world, environment, ["read:runs:" + run.id, "write:inputStreams:" + run.id]))

    @staticmethod
    def read(_request, _task):
        """GET /api/v1/tasks/{task}/trigger"""
        return builder.method_not_allowed()

    def reset_key(self, request, key):
        """POST /api/v1/idempotencyKeys/{key}/reset"""
        world = self.app.world
        identity = auth.require_key(world, request, jwt=True)
        body = builder.read_body(self.app, request, _RESET_BODY)
        builder.require_scope(identity, "write", ("runs",))
        environment, task = identity.environment, body["taskIdentifier"]
        run = environment.runs.by_key(task, key)
        if run is None:
            return error(404, "No runs found with idempotency key: %s and task: %s" % (key, task))
        Triggering(world).clear_key(environment, run)
        world.writes.note(request, "idempotencyKey.reset", environment, [run.id], key=key,
                          task=task)
        return json_response({"id": key})


def register(router, app):
    """Add the routes of this resource."""
    routes = TriggerRoutes(app)
    router.add("/api/v1/tasks/{}/trigger", read=routes.read, write=routes.trigger, builder=True)
    router.add("/api/v1/idempotencyKeys/{}/reset", write=routes.reset_key, builder=True)
