"""Batches: the three generations of endpoints, retrieve and results."""

import json

import auth
import batches
import builder
import exact_json
from batches import Batching
from checks import (
    anything, array, boolean, fields, issues_of, number, string,
)
from http_message import (
    JSON_TYPE, Response, error, fail, json_response, unexpected_text, wrong_method_200,
)
from triggering import (
    KEY, KEY_OPTIONS, OPTIONS, TriggerError, Triggering, key_expiry,
)

MAX_V3_CREATE = 131072
MAX_V1_BODY = 1048576
MAX_STREAMED = 1000
MAX_MULTI = 500
MAX_SINGLE = 100
DAY_MS = 86400000
_BAD_KEY = "Invalid or Missing API key"
_ITEM = {"task": string(), "payload": anything, "context": anything, "options": OPTIONS}
_MULTI_BODY = fields(("items",), items=array(fields(("task",), **_ITEM)),
                     dependentAttempt=string(), parentRunId=string(),
                     resumeParentOnCompletion=boolean)
_SINGLE_BODY = fields(("items",), items=array(fields(
    (), payload=anything, context=anything, options=OPTIONS)))
_CREATE_BODY = fields(
    ("runCount",), runCount=number(integer=True, least=0, exclusive=True),
    taskIdentifiers=array(string(minimum=1), least=1), parentRunId=string(),
    resumeParentOnCompletion=boolean, idempotencyKey=KEY, idempotencyKeyOptions=KEY_OPTIONS)
_STREAM_ITEM = fields(("index", "task"), index=number(integer=True, least=0), task=string(),
                      payload=anything, options=OPTIONS)


class BatchRoutes:
    """Handlers; `app` gives the current world and settings."""

    def __init__(self, app):
        self.app = app

    def _headers(self, request, batch):
        scopes = ["read:batch:" + batch.id]
        if request.headers.get("x-trigger-client") == "browser":
            scopes.append("write:batch:" + batch.id)
        return builder.token_headers(self.app.world, batch.environment, scopes, shown=False)

    # -- v1 and v2 ----------------------------------------------------------------------

    def single_task(self, request, task):
        """POST /api/v1/tasks/{task}/batch"""
        if request.method != "POST":
            return wrong_method_200()
        world = self.app.world
        identity = auth.require_key(world, request, _BAD_KEY)
        builder.require_scope(identity, "batchTrigger", ("tasks", task))
        try:
            body = exact_json.parse(request.body, self.app.settings.js_numbers)
        except ValueError:
            return unexpected_text()
        if issues_of(_SINGLE_BODY, body):
            return error(400, "Invalid request body", builder.NO_RETRY)
        items = body["items"]
        if not items:
            return error(400, "No items to trigger", builder.NO_RETRY)
        if len(items) > MAX_SINGLE:
            return error(400, "Too many items. Maximum allowed batch size is %d." % MAX_SINGLE,
                         builder.NO_RETRY)
        batching = Batching(world)
        batch = batching.add(request, identity.environment, len(items))
        try:
            for index, item in enumerate(items):
                batching.trigger_item(request, batch, index, task, item)
        except TriggerError as problem:
            return builder.refused(problem, builder.NO_RETRY)
        return json_response({"batchId": batch.id, "runs": batch.run_ids}, 200,
                             self._headers(request, batch))

    def multi_v1(self, request):
        """POST /api/v1/tasks/batch: the runs exist when the answer comes"""
        return self._multi(request, True)

    def multi_v2(self, request):
        """POST /api/v2/tasks/batch: the runs are made later"""
        return self._multi(request, False)

    def _multi(self, request, at_once):
        world = self.app.world
        identity = auth.require_key(world, request, jwt=True)
        builder.limit_body(request, MAX_V1_BODY)
        items = builder.read_body(self.app, request, _MULTI_BODY)["items"]
        if not items:
            # there is no task to be allowed to trigger
            auth.deny()
        for task in {item["task"] for item in items}:
            builder.require_scope(identity, "batchTrigger", ("tasks", task))
        if len(items) > MAX_MULTI:
            return error(400, "Batch size of %d is too large. Maximum allowed batch size is %d."
                         % (len(items), MAX_MULTI))
        environment = identity.environment
        key = request.headers.get("idempotency-key") or None
        batch = self._earlier(environment, key)
        cached = batch is not None
        if not cached:
            try:
                batch = self._new_multi(request, environment, items, key, at_once)
            except TriggerError as problem:
                return builder.refused(problem, builder.NO_RETRY)
        answer = {"id": batch.id, "isCached": cached}
        if key is not None:
            answer["idempotencyKey"] = key
        if at_once:
            answer["runs"] = [self._shown_run(batch, result) for result in batch.results]
        else:
            answer["runCount"] = batch.run_count
        return json_response(answer, 202, self._headers(request, batch))

    def _earlier(self, environment, key):
        """Return the batch that was made with this key, unless the key has ended."""
        batch = self.app.world.writes.batch_keys.get((environment.id, key))
        if batch is None or batch.two_phase or batch.key_expires_at < self.app.world.now():
            return None
        return batch

    def _new_multi(self, request, environment, items, key, at_once):
        world = self.app.world
        batching = Batching(world)
        token = builder.one_time_token(request)
        if token:
            Triggering(world).use_token(token, "batch trigger")
        batch = batching.add(request, environment, len(items), key)
        now = world.now()
        batch.key_expires_at = key_expiry(request.headers.get("idempotency-key-ttl"), now) \
            or now + 30 * DAY_MS
        if at_once:
            for index, item in enumerate(items):
                batching.trigger_item(request, batch, index, item["task"], item)
        else:
            batch.items = dict(enumerate(items))
            batching.process_later(request, batch)
        return batch

    def _shown_run(self, batch, result):
        run = batch.environment.runs.find(result["id"])
        shown = {"id": run.id, "taskIdentifier": run.task, "isCached": result["isCached"]}
        if run.idempotency_key_hash is not None:
            shown["idempotencyKey"] = run.idempotency_key_hash
        return shown

    # -- v3 -----------------------------------------------------------------------------

    def create(self, request):
        """POST /api/v3/batches: announce a batch"""
        world = self.app.world
        identity = auth.require_key(world, request, jwt=True)
        builder.limit_body(request, MAX_V3_CREATE)
        body = builder.read_body(self.app, request, _CREATE_BODY)
        if body.get("taskIdentifiers"):
            for task in body["taskIdentifiers"]:
                builder.require_scope(identity, "batchTrigger", ("tasks", task))
        else:
            builder.require_scope(identity, "batchTrigger", ("batch",), ("tasks",))
        count = int(body["runCount"])
        if count > MAX_STREAMED:
            return error(400, "Batch runCount of %d exceeds maximum allowed of %d." % (
                count, MAX_STREAMED))
        limited = self._take_budget(count)
        if limited is not None:
            return limited
        environment, key = identity.environment, body.get("idempotencyKey")
        if key is not None and (environment.id, key) in world.writes.batch_keys:
            return error(422, "Cannot create batch as it has already been created with the same "
                              "idempotency key.")
        token = builder.one_time_token(request)
        try:
            if token:
                Triggering(world).use_token(token, "create batch")
        except TriggerError as problem:
            return builder.refused(problem)
        batch = Batching(world).add(request, environment, count, key, two_phase=True)
        answer = {"id": batch.id, "runCount": count, "isCached": False}
        if key is not None:
            answer["idempotencyKey"] = key
        return json_response(answer, 202, self._headers(request, batch))

    def _take_budget(self, count):
        """Return the 429 of the item budget (its reset in seconds), or None."""
        budget = self.app.settings.batch_budget
        if not budget:
            return None
        left, wait = budget["remaining"], budget.get("reset_s", 1)
        if count <= left:
            self.app.settings.batch_budget = {**budget, "remaining": left - count}
            return None
        reset = self.app.world.real_now() // 1000 + wait
        return error(429, "Batch rate limit exceeded. Attempted to submit %d items but only %d "
                          "remaining." % (count, left),
                     (("X-RateLimit-Limit", "1200"), ("X-RateLimit-Remaining", str(left)),
                      ("X-RateLimit-Reset", str(reset)), ("Retry-After", str(max(1, wait)))))

    def stream(self, request, batch_id):
        """POST /api/v3/batches/{id}/items: the items, one JSON object per line

        Items count from the moment they are read: an error further down does not undo them.
        """
        content_type = request.headers.get("content-type", "")
        if "application/x-ndjson" not in content_type \
                and "application/ndjson" not in content_type:
            return error(415, "Content-Type must be application/x-ndjson or application/ndjson")
        world = self.app.world
        identity = auth.require_key(world, request, jwt=True)
        if not request.body and not request.has_length:
            return error(400, "Request body is required")
        if not batch_id.startswith("batch_"):
            return error(422, "Invalid batchFriendlyId: " + batch_id)
        batching = Batching(world)
        batch = batching.find(identity.environment, batch_id)
        if batch is None or not batch.two_phase:
            return error(422, "Batch %s not found" % batch_id)
        if batch.sealed and not self.app.settings.batch_resend_ok:
            return error(422, "Batch %s is already sealed and cannot accept more items"
                         % batch_id)
        accepted, duplicates = [], 0
        try:
            for item in self._items(request, identity, batch):
                index = int(item["index"])
                if index in batch.items:
                    duplicates += 1
                else:
                    batch.items[index] = item
                    accepted.append(index)
        finally:
            if accepted:
                world.writes.note(request, "batch.items", batch.environment, [batch.id],
                                  indexes=accepted)
        answer = {"id": batch.id, "itemsAccepted": len(accepted),
                  "itemsDeduplicated": duplicates}
        if len(batch.items) < batch.run_count:
            answer.update(sealed=False, enqueuedCount=len(batch.items),
                          expectedCount=batch.run_count)
            return json_response(answer)
        if not batch.sealed:
            batch.sealed, batch.status = True, "PROCESSING"
            batch.updated_at = world.now()
            world.writes.note(request, "batch.seal", batch.environment, [batch.id])
            batching.process_later(request, batch)
        answer.update(sealed=True, runCount=batch.run_count)
        return json_response(answer)

    def _items(self, request, identity, batch):
        """Yield the checked items of a body; raises the answer to the first bad one."""
        last = -1
        for line_number, line in enumerate(request.body.split(b"\n"), 1):
            line = line.strip()
            if not line:
                continue
            try:
                item = exact_json.parse(line, self.app.settings.js_numbers)
            except ValueError as problem:
                fail(400, "Invalid JSON at line %d: %s" % (line_number, problem))
            issues = issues_of(_STREAM_ITEM, item)
            if issues:
                fail(422, "Invalid item at index %d: %s" % (
                    last + 1, json.dumps(issues, indent=2)))
            last = int(item["index"])
            if last >= batch.run_count:
                fail(422, "Item index %d exceeds batch runCount %d" % (last, batch.run_count))
            if identity.scopes is not None and not auth.scope_allows(
                    identity.scopes, "write", "batch", batch.id):
                builder.require_scope(identity, "batchTrigger", ("tasks", item["task"]))
            if len(line) > batches.MAX_ITEM:
                item = {"index": item["index"], "task": item["task"],
                        "tooLarge": batches.too_large(len(line))}
            yield item

    @staticmethod
    def stream_read(_request, _batch_id):
        """GET /api/v3/batches/{id}/items"""
        return error(405, "Method not allowed. Use POST to stream batch items.")

    # -- reading ------------------------------------------------------------------------

    def _found(self, request, batch_id):
        identity = auth.require_key(self.app.world, request, jwt=True)
        batch = Batching(self.app.world).find(identity.environment, batch_id)
        if batch is None:
            fail(404, "Not found", (("x-should-retry", "true"),))
        builder.require_scope(identity, "read", ("batch", batch.id), ("runs",))
        return batch

    def retrieve(self, request, batch_id):
        """GET /api/v1/batches/{id}"""
        return json_response(self._found(request, batch_id).shown())

    def retrieve_v2(self, request, batch_id):
        """GET /api/v2/batches/{id}"""
        return json_response(self._found(request, batch_id).shown_v2())

    def results(self, request, batch_id):
        """GET /api/v1/batches/{id}/results: of finished runs only the canceled ones"""
        identity = auth.require_key(self.app.world, request, "Invalid or Missing API Key",
                                    restricted=False)
        batch = Batching(self.app.world).find(identity.environment, batch_id)
        if batch is None:
            return error(404, "Batch not found")
        found = (run_result(self.app, identity.environment, run_id) for run_id in batch.run_ids)
        items = ",".join(text for text in found if text is not None)
        text = '{"id":%s,"items":[%s]}' % (exact_json.write(batch.id), items)
        return Response(200, text.encode(), JSON_TYPE)


def run_result(app, environment, run_id):
    """Return the result object of a run as text, or None.

    The server looks at records that are not written any more, so that of all finished runs
    only canceled ones have a result; the setting `result_documented` gives the others theirs.
    """
    run = environment.runs.find(run_id)
    if run is None:
        return None
    result = {"ok": False, "id": run.id, "taskIdentifier": run.task}
    if run.status == "CANCELED":
        result["error"] = batches.RESULT_ERROR
    elif not app.settings.result_documented or run.completed_at is None:
        return None
    elif run.status == "COMPLETED_SUCCESSFULLY":
        result["ok"] = True
        if run.output is not None:
            result["output"] = run.output
        result["outputType"] = "application/json"
    else:
        failure = json.loads(run.error) if run.error else {"message": run.status}
        result["error"] = {"type": "BUILT_IN_ERROR", "name": failure.get("name", "Error"),
                           "message": failure["message"],
                           "stackTrace": failure.get("stackTrace", "")}
    return exact_json.write(result)


def register(router, app):
    """Add the routes of this resource."""
    routes = BatchRoutes(app)

    def no_read(*_):
        return builder.method_not_allowed()

    router.add("/api/v1/tasks/{}/batch", write=routes.single_task, builder=True)
    router.add("/api/v1/tasks/batch", read=no_read, write=routes.multi_v1, builder=True)
    router.add("/api/v2/tasks/batch", read=no_read, write=routes.multi_v2, builder=True)
    router.add("/api/v3/batches", read=no_read, write=routes.create, builder=True)
    router.add("/api/v3/batches/{}/items", read=routes.stream_read, write=routes.stream)
    router.add("/api/v1/batches/{}", read=routes.retrieve, builder=True)
    router.add("/api/v2/batches/{}", read=routes.retrieve_v2, builder=True)
    router.add("/api/v1/batches/{}/results", read=routes.results)
