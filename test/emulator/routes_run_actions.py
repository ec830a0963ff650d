"""Actions on one run: cancel, replay, reschedule, tags, metadata, result."""

import auth
import builder
import exact_json
import run_metadata
from checks import MISSING, anything, array, fields, issues_of, mapping, number, one_of, string
from http_message import (
    HttpError, JSON_TYPE, Response, error, fail, json_response, json_text, unexpected_text,
    wrong_method_200,
)
from routes_batches import run_result
from routes_runs import api_version
from run_model import DEFAULTS, Run
from run_status import FINAL
from storage import presigner
from triggering import MAX_TAGS, TAGS, Triggering, delay_until

_BAD_KEY = "Invalid or Missing API Key"
_NOT_FOUND = "Run not found"
_MAX_METADATA_BODY = 2097152
# these go on until their worker notices
_RUNNING = frozenset(("EXECUTING", "DEQUEUED", "RETRYING_AFTER_FAILURE"))
_TAGS_BODY = fields(("tags",), tags=TAGS)
# copied by a replay; ttl, delay, attempts, priority and idempotency key are not
_REPLAYED = ("task", "payload", "payload_offloaded", "payload_path", "machine", "queue",
             "is_test", "task_kind")


def _operation(value, path, issues):
    """Check one metadata operation."""
    if not isinstance(value, dict):
        mapping(value, path, issues)
        return
    kind = value.get("type")
    if kind == "update":
        mapping(value.get("value", MISSING), path + ("value",), issues)
        return
    found = []
    one_of("set", "delete", "append", "remove", "increment")(
        kind if "type" in value else MISSING, path + ("type",), found)
    if found:
        issues.append({"code": "invalid_type", "path": list(path + ("type",)),
                       "message": "Invalid discriminator value. Expected 'update' | 'set' | "
                                  "'delete' | 'append' | 'remove' | 'increment'"})
        return
    string()(value.get("key", MISSING), path + ("key",), issues)
    if kind == "increment":
        number()(value.get("value", MISSING), path + ("value",), issues)


_OPERATIONS = array(_operation)
_METADATA_BODY = fields((), metadata=mapping, operations=_OPERATIONS,
                        parentOperations=_OPERATIONS, rootOperations=_OPERATIONS)
_RESCHEDULE_BODY = fields(("delay",), delay=anything)


class RunActions:
    """Handlers; `app` gives the current world and settings."""

    def __init__(self, app):
        self.app = app

    def _root_key(self, request, message=_BAD_KEY):
        return auth.require_key(self.app.world, request, message, restricted=False).environment

    # -- cancel -------------------------------------------------------------------------

    def cancel(self, request, run_id):
        """POST /api/v2/runs/{id}/cancel: done at once, later, or nothing to do: always 200"""
        if request.method != "POST":
            return builder.method_not_allowed("POST")
        identity = auth.require_key(self.app.world, request, jwt=True)
        environment = identity.environment
        run = environment.runs.find(run_id)
        if run is None:
            return error(404, "Resource not found")
        builder.require_scope(identity, "write", ("runs", run.id), ("tasks", run.task))
        if run.status not in FINAL:
            self._start_cancel(request, environment, run)
        return json_response({"id": run.id})

    def _start_cancel(self, request, environment, run):
        writes = self.app.world.writes
        running = run.status in _RUNNING
        writes.note(request, "run.cancel", environment, [run.id], immediate=not running)
        if not running:
            self._finish_cancel(environment, run.id)
        else:
            origin = writes.origin(request)

            def later():
                if self._finish_cancel(environment, run.id):
                    writes.note(origin, "run.canceled", environment, [run.id])

            writes.after(self.app.settings.cancel_ms, later)

    def _finish_cancel(self, environment, run_id):
        """Cancel a run and what it started; False when it has ended on its own."""
        run = environment.runs.find(run_id)
        if run is None or run.status in FINAL:
            return False
        world = self.app.world
        now = world.now()
        world.writes.change_run(environment, run_id, status="CANCELED", completed_at=now,
                                updated_at=now, error='{"message":"Canceled by user"}')
        for child in environment.runs.children_of(run_id):
            self._finish_cancel(environment, child.id)
        return True

    # -- replay -------------------------------------------------------------------------

    def replay(self, request, run_id):
        """POST /api/v1/runs/{id}/replay"""
        if request.method != "POST":
            return builder.method_not_allowed("POST")
        world = self.app.world
        identity = auth.require_key(world, request)
        environment = identity.environment
        old = environment.runs.find(run_id)
        if old is None:
            return error(404, "Resource not found")
        builder.require_scope(identity, "write", ("runs", old.id), ("tasks", old.task))
        # runs of the data set do not remember what their metadata started as
        seed = old.metadata if old.triggered_with is None else old.seed_metadata
        concurrency_key = (old.triggered_with or {}).get("concurrencyKey")
        run = Run(
            world.writes.new_id(), world.now(), inserted_at=world.real_now(), tags=old.tags,
            metadata=seed, seed_metadata=seed, region=DEFAULTS["region"],
            ttl="10m" if environment.type == "DEVELOPMENT" else None,
            triggered_with={"concurrencyKey": concurrency_key} if concurrency_key else {},
            **{name: getattr(old, name) for name in _REPLAYED})
        environment.runs.add(run)
        Triggering(world).schedule(environment, run)
        world.writes.note(request, "run.replay", environment, [run.id], of=old.id)
        return json_response({"id": run.id})

    # -- reschedule ---------------------------------------------------------------------

    def reschedule(self, request, run_id):
        """POST /api/v1/runs/{id}/reschedule"""
        if request.method != "POST":
            return wrong_method_200()
        world = self.app.world
        environment = self._root_key(request, "Invalid or missing API Key")
        body = _older_body(self.app, request)
        delay = body.get("delay") if isinstance(body, dict) else None
        if issues_of(_RESCHEDULE_BODY, body) or not isinstance(delay, (str, exact_json.Number)):
            return error(400, "Invalid request body")
        until = delay_until(delay, world.now())
        if until is None:
            return error(400, "Invalid delay: %s" % (
                delay if isinstance(delay, str) else delay.text))
        run = environment.runs.find(run_id)
        if run is None:
            return error(404, _NOT_FOUND)
        if run.status != "DELAYED":
            return error(400, "Cannot reschedule a run that is not delayed")
        world.writes.change_run(environment, run.id, delayed_until=until)
        run = environment.runs.find(run.id)
        Triggering(world).schedule(environment, run)
        world.writes.note(request, "run.reschedule", environment, [run.id])
        schedule = environment.project.schedules.summary(run.schedule_id)
        return json_text(run.details(api_version(request), environment.runs, schedule,
                                     presigner(world, request, environment, run)))

    # -- tags ---------------------------------------------------------------------------

    def tags(self, request, run_id):
        """POST /api/v1/runs/{id}/tags: tags can only be added, all or none"""
        if request.method != "POST":
            return wrong_method_200()
        world = self.app.world
        environment = self._root_key(request)
        body = _older_body(self.app, request)
        issues = issues_of(_TAGS_BODY, body)
        if issues:
            return json_response({"error": "Invalid request body", "issues": issues}, 400)
        run = environment.runs.find(run_id)
        if run is None:
            return error(404, _NOT_FOUND)
        wanted = body["tags"] if isinstance(body["tags"], list) else [body["tags"]]
        new = [tag for tag in map(exact_json.well_formed, wanted)
               if tag.strip() and tag not in run.tags]
        total = len(run.tags) + len(new)
        if total > MAX_TAGS:
            return error(422, "Runs can only have %d tags, you're trying to set %d. These tags "
                              "have not been set: %s." % (
                                  MAX_TAGS, total, ", ".join("'%s'" % tag for tag in new)))
        if not new:
            return json_response({"message": "No new tags to add"})
        world.writes.change_run(environment, run.id, tags=tuple(sorted(run.tags + tuple(new))))
        world.writes.note(request, "run.tags", environment, [run.id], added=new)
        return json_response({"message": "Successfully set %d new tags." % len(new)})

    # -- metadata -----------------------------------------------------------------------

    def put_metadata(self, request, run_id):
        """PUT /api/v1/runs/{id}/metadata"""
        if request.method != "PUT":
            return builder.method_not_allowed("PUT")
        world = self.app.world
        environment = self._root_key(request, None)
        builder.limit_body(request, _MAX_METADATA_BODY)
        body = builder.read_body(self.app, request, _METADATA_BODY)
        run = environment.runs.find(run_id)
        if run is None:
            return error(404, "Task Run not found")
        if run.completed_at is not None \
                and run.completed_at <= world.now() - run_metadata.GRACE_MS:
            return error(422, "Cannot update metadata for a completed run")
        for name, relative in (("parentOperations", run.parent_id),
                               ("rootOperations", run.root_id)):
            other = environment.runs.find(relative) if relative else None
            if body.get(name) and other is not None:
                self._operate(request, environment, other, body[name])
        if "operations" in body:
            shown = self._operate(request, environment, run, body["operations"])
        elif "metadata" in body:
            shown = exact_json.write(body["metadata"])
            if shown != "{}" or (run.metadata is not None and run.metadata != shown):
                self._store(request, environment, run, shown)
        else:
            # looks like a replacement by nothing, but changes nothing
            shown = "{}"
        return json_text('{"metadata":%s}' % shown)

    def _operate(self, request, environment, run, operations):
        """Apply operations to a run; returns its metadata text."""
        old = exact_json.parse(run.metadata) if run.metadata is not None else {}
        new = run_metadata.apply_operations(old, operations)
        if new is None:
            return run.metadata or "{}"
        text = exact_json.write(new)
        self._store(request, environment, run, text)
        return text

    def _store(self, request, environment, run, text):
        if len(text.encode("utf-8", "replace")) > run_metadata.MAX_BYTES:
            fail(413, run_metadata.TOO_LARGE)
        writes = self.app.world.writes
        writes.change_run(environment, run.id, metadata=text)
        writes.note(request, "run.metadata", environment, [run.id])

    def get_metadata(self, request, run_id):
        """GET /api/v1/runs/{id}/metadata: JSON text inside a string"""
        environment = self._root_key(request, None)
        run = environment.runs.find(run_id)
        if run is None:
            return error(404, "Task Run not found")
        return json_response({"metadata": run.metadata, "metadataType": "application/json"})

    # -- result -------------------------------------------------------------------------

    def result(self, request, run_id):
        """GET /api/v1/runs/{id}/result"""
        environment = self._root_key(request)
        text = run_result(self.app, environment, run_id)
        if text is None:
            return error(404, "Run either doesn't exist or is not finished")
        return Response(200, text.encode(), JSON_TYPE)


def _older_body(app, request):
    """Parse a body; in the older routes bad JSON is an uncaught exception."""
    try:
        return exact_json.parse(request.body, app.settings.js_numbers)
    except ValueError:
        raise HttpError(unexpected_text()) from None


def register(router, app):
    """Add the routes of this resource."""
    actions = RunActions(app)
    router.add("/api/v2/runs/{}/cancel", write=actions.cancel, builder=True)
    router.add("/api/v1/runs/{}/replay", write=actions.replay, builder=True)
    router.add("/api/v1/runs/{}/reschedule", write=actions.reschedule)
    router.add("/api/v1/runs/{}/tags", write=actions.tags)
    router.add("/api/v1/runs/{}/metadata", read=actions.get_metadata,
               write=actions.put_metadata, builder=True)
    router.add("/api/v1/runs/{}/result", read=actions.result)
