// Checks the emulator with the official client: every answer must parse, and the values must
// be those of the emulator's own oracle.

import assert from "node:assert/strict";
import { test } from "node:test";

import { apiClientManager } from "@trigger.dev/core/v3";
import {
  auth, batch, envvars, idempotencyKeys, runs, schedules, tasks,
} from "@trigger.dev/sdk";

import {
  ALL_TIME, assertSame, baseURL, collect, control, ids, keys, kinds, oracle, plain, use,
  withoutHidden, writes,
} from "./harness.mjs";

const DAY = 86400000;
// members of a run in a list that this version of the client drops
const UNKNOWN_TO_CLIENT = ["depth"];

test("runs.list pages over everything, in order", async () => {
  const rows = await oracle("runs");
  for (const limit of [7, 100]) {
    const items = await collect(runs.list({ limit, ...ALL_TIME }));
    assertSame(items, rows, UNKNOWN_TO_CLIENT);
  }
});

test("runs.list filters like the oracle", async () => {
  const rows = await oracle("runs");
  const now = Date.UTC(2026, 5, 1);
  const cases = [
    [{ status: ["COMPLETED"] }, (row) => row._.status === "COMPLETED_SUCCESSFULLY"],
    [{ status: ["FAILED"] }, (row) => row._.status === "COMPLETED_WITH_ERRORS"],
    [{ status: ["QUEUED", "CRASHED"] }, (row) => ["PENDING", "CRASHED"].includes(row._.status)],
    [{ taskIdentifier: ["send-email"] }, (row) => row.taskIdentifier === "send-email"],
    [{ tag: ["a", "user:1"] }, (row) => row.tags.some((tag) => ["a", "user:1"].includes(tag))],
    [{ version: "20260101.1" }, (row) => row.version === "20260101.1"],
    [{ isTest: true }, (row) => row.isTest],
    [{ from: now - 30 * DAY, to: now - 2 * DAY },
     (row) => Date.parse(row.createdAt) >= now - 30 * DAY
       && Date.parse(row.createdAt) <= now - 2 * DAY],
    [{ batch: "batch_small0000000000000001" },
     (row) => row._.batchId === "batch_small0000000000000001"],
    [{ machine: ["micro"] }, (row) => row._.machine === "micro"],
    [{ queue: [{ type: "custom", name: "email-queue" }] },
     (row) => row._.queue === "email-queue"],
    [{ queue: [{ type: "task", name: "process-order" }] },
     (row) => row._.queue === "task/process-order"],
  ];
  for (const [filter, accepts] of cases) {
    const items = await collect(runs.list({ limit: 50, ...ALL_TIME, ...filter }));
    assert.deepEqual(ids(items), ids(rows.filter(accepts)), JSON.stringify(filter));
  }
});

test("runs.list without bounds shows seven days only", async () => {
  const now = Date.UTC(2026, 5, 1);
  const rows = await oracle("runs");
  const items = await collect(runs.list({ limit: 100 }));
  const recent = rows.filter((row) => Date.parse(row.createdAt) >= now - 7 * DAY);
  assert.deepEqual(ids(items), ids(recent));
});

test("runs.list with a personal access token", async () => {
  use(keys.PAT);
  for (const [slug, name] of [["prod", "prod"], ["stg", "stg"], ["dev", "dev:other"]]) {
    const items = await collect(
      runs.list(keys.PROJECT_ALPHA, { env: slug, limit: 100, ...ALL_TIME }));
    assertSame(items, await oracle("runs", name), UNKNOWN_TO_CLIENT);
  }
});

test("runs.retrieve shows what the oracle says", async () => {
  const rows = await oracle("run_details");
  const chosen = rows.filter((row, index) => index % 9 === 0
    || row.tags.some((tag) => tag.startsWith("special:")));
  for (const row of chosen) {
    const run = await runs.retrieve(row.id);
    for (const key of ["id", "status", "taskIdentifier", "version", "createdAt", "startedAt",
      "finishedAt", "tags", "costInCents", "durationMs", "attemptCount", "isTest", "depth",
      "triggerFunction", "metadata", "error", "schedule", "batchId", "region", "ttl"]) {
      assert.deepEqual(plain(run)[key], row[key], `${row.id} ${key}`);
    }
    assert.deepEqual(ids(run.relatedRuns.children), ids(row.relatedRuns.children));
    if (row._.offloadedPayload === undefined) {
      assert.deepEqual(plain({ value: run.payload }), plain({ value: row.payload }));
    } else {
      assert.deepEqual(run.payload, JSON.parse(row._.offloadedPayload));
    }
    if (row._.offloadedOutput === undefined) {
      assert.deepEqual(plain({ value: run.output }), plain({ value: row.output }));
    } else {
      assert.deepEqual(run.output, JSON.parse(row._.offloadedOutput));
    }
  }
});

test("public tokens are limited to their scopes", async () => {
  const [run] = await oracle("runs");
  const token = await auth.createPublicToken({ scopes: { read: { runs: [run.id] } } });
  await auth.withAuth({ accessToken: token, baseURL }, async () => {
    assert.equal((await runs.retrieve(run.id)).id, run.id);
    await assert.rejects(collect(runs.list({ limit: 10 })), { status: 403 });
  });
});

test("envvars: list and retrieve", async () => {
  const rows = await oracle("envvars");
  const shown = await envvars.list(keys.PROJECT_ALPHA, "prod");
  assert.deepEqual(plain(shown), rows.map(withoutHidden));
  for (const row of rows) {
    const one = await envvars.retrieve(keys.PROJECT_ALPHA, "prod", row.name)
      .catch((error) => error);
    // the client does not encode names, so that a slash or a percent sign ends elsewhere
    if (!/[/%]/.test(row.name)) {
      assert.deepEqual(plain(one), withoutHidden(row));
    }
  }
});

test("envvars: create, update, upload, delete", async () => {
  const project = keys.PROJECT_ALPHA;
  const value = async (name) => (await envvars.retrieve(project, "prod", name)).value;
  await envvars.create(project, "prod", { name: "NEW_ONE", value: "1" });
  assert.equal(await value("NEW_ONE"), "1");
  await envvars.create(project, "prod", { name: "NEW_ONE", value: "2" });
  assert.equal(await value("NEW_ONE"), "2");
  // outside of a task, this version's update() takes the name from a global variable
  globalThis.name = "NEW_ONE";
  await envvars.update(project, "prod", "NEW_ONE", { value: "3" });
  delete globalThis.name;
  assert.equal(await value("NEW_ONE"), "3");
  await envvars.upload(project, "prod", {
    variables: { UP_A: "a", UP_B: "b", NEW_ONE: "4" }, override: true });
  assert.equal(await value("UP_A"), "a");
  assert.equal(await value("NEW_ONE"), "4");
  await assert.rejects(
    envvars.upload(project, "prod", { variables: { UP_A: "x" }, override: false }),
    { status: 400 });
  await envvars.del(project, "prod", "NEW_ONE");
  await assert.rejects(value("NEW_ONE"), { status: 404 });
});

test("envvars: a token reads any environment", async () => {
  use(keys.PAT);
  for (const [slug, name] of [["prod", "prod"], ["staging", "stg"], ["dev", "dev"],
    ["preview", "preview"]]) {
    const shown = await envvars.list(keys.PROJECT_ALPHA, slug);
    assert.deepEqual(plain(shown), (await oracle("envvars", name)).map(withoutHidden));
  }
});

test("schedules: list pages and retrieve", async () => {
  const rows = await oracle("schedules");
  const seen = [];
  for (let page = 1, total = 1; page <= total; page++) {
    const answer = await schedules.list({ page, perPage: 100 });
    total = answer.pagination.totalPages;
    seen.push(...answer.data);
  }
  assert.deepEqual(ids(seen), ids(rows));
  for (const row of rows.slice(0, 12)) {
    const one = plain(await schedules.retrieve(row.id));
    assert.equal(one.active, row.active);
    assert.equal(one.nextRun ?? null, row._.retrieve.nextRun);
    assert.equal(one.generator.expression, row.generator.expression);
  }
});

test("schedules: create, update, switch, delete", async () => {
  const made = await schedules.create({
    task: "hourly-sync", cron: "0 * * * *", deduplicationKey: "contract-1",
    timezone: "Europe/Paris", externalId: "ext" });
  assert.equal(made.timezone, "Europe/Paris");
  const changed = await schedules.update(made.id, { task: "hourly-sync", cron: "5 * * * *" });
  assert.equal(changed.id, made.id);
  assert.equal(changed.timezone, "UTC");
  assert.equal((await schedules.deactivate(made.id)).active, false);
  assert.equal((await schedules.activate(made.id)).active, true);
  await schedules.del(made.id);
  await assert.rejects(schedules.retrieve(made.id), { status: 404 });
});

test("timezones", async () => {
  const answer = await schedules.timezones();
  assert.equal(answer.timezones[0], "UTC");
});

test("tasks.trigger: every option arrives", async () => {
  const handle = await tasks.trigger("process-order",
    { order: 1, when: new Date(0), big: 12n, text: "h\u00e9llo", none: undefined },
    { tags: ["b", "a"], ttl: "1h", delay: "2h", machine: "micro", metadata: { m: 1 },
      queue: "priority", concurrencyKey: "c", maxAttempts: 2, priority: 3,
      region: "eu-central-1" });
  const run = await runs.retrieve(handle.id);
  assert.equal(run.status, "DELAYED");
  assert.deepEqual(run.payload,
    { order: 1, when: "1970-01-01T00:00:00.000Z", big: "12", text: "h\u00e9llo" });
  assert.deepEqual(run.tags, ["a", "b"]);
  assert.deepEqual(run.metadata, { m: 1 });
  assert.equal(run.region, "eu-central-1");
  const row = (await oracle("runs")).find((one) => one.id === handle.id);
  assert.equal(row._.queue, "priority");
  assert.equal(row._.machine, "micro");
  assert.equal(row._.triggeredWith.concurrencyKey, "c");
  assert.ok(handle.publicAccessToken);
  await auth.withAuth({ accessToken: handle.publicAccessToken, baseURL }, async () => {
    assert.equal((await runs.retrieve(handle.id)).id, handle.id);
  });
});

test("tasks.trigger: payload forms", async () => {
  for (const [payload, shown] of [["text", "text"], [undefined, undefined], [null, null],
    [[1, null], [1, null]], [42, 42]]) {
    const handle = await tasks.trigger("process-order", payload);
    assert.deepEqual((await runs.retrieve(handle.id)).payload, shown);
  }
});

test("tasks.trigger: large payloads go through the object store", async () => {
  const payload = { filler: "x".repeat(200000) };
  const handle = await tasks.trigger("process-order", payload);
  assert.deepEqual((await runs.retrieve(handle.id)).payload, payload);
  assert.deepEqual(await kinds(), ["packet.put", "run.trigger"]);
});

test("tasks.trigger: idempotency keys", async () => {
  const key = await idempotencyKeys.create("mine", { scope: "global" });
  const first = await tasks.trigger("process-order", 1, { idempotencyKey: key });
  const second = await tasks.trigger("process-order", 2, { idempotencyKey: key });
  assert.equal(second.id, first.id);
  assert.equal(second.isCached, true);
  assert.equal((await runs.retrieve(first.id)).idempotencyKey, "mine");
  await idempotencyKeys.reset("process-order", key);
  const third = await tasks.trigger("process-order", 3, { idempotencyKey: key });
  assert.notEqual(third.id, first.id);
});

test("tasks.trigger: a lost answer makes a second run", async () => {
  await control("PUT", "faults",
    [{ match: { path_regex: "/trigger$" }, action: { kind: "reset_after" } }]);
  const handle = await tasks.trigger("process-order", 1);
  const made = (await writes()).map((entry) => entry.ids[0]);
  assert.equal(made.length, 2);
  assert.equal(made[1], handle.id);
});

test("tasks.trigger: public tokens work once", async () => {
  const token = await auth.createTriggerPublicToken("process-order");
  await auth.withAuth({ accessToken: token, baseURL }, async () => {
    await tasks.trigger("process-order", 1);
    await assert.rejects(tasks.trigger("process-order", 2), { status: 422 });
  });
});

test("tasks.batchTrigger and batch.trigger stream their items", async () => {
  await control("PUT", "settings", { batch_item_ms: 0 });
  const handle = await tasks.batchTrigger("process-order",
    [0, 1, 2].map((n) => ({ payload: { n }, options: { idempotencyKey: `item-${n % 2}` } })));
  assert.equal(handle.runCount, 3);
  const shown = await batch.retrieve(handle.batchId);
  assert.equal(shown.runs.length, 3);
  assert.equal(shown.runs[2], shown.runs[0]);
  assert.deepEqual((await runs.retrieve(shown.runs[1])).payload, { n: 1 });
  const listed = await collect(runs.list({ batch: handle.batchId }));
  assert.deepEqual(ids(listed).sort(), shown.runs.slice(0, 2).sort());
  const mixed = await batch.trigger([{ id: "process-order", payload: 1 },
    { id: "send-email", payload: 2, options: { tags: "t" } }]);
  const [row] = (await oracle("batches")).filter((one) => one.id === mixed.batchId);
  assert.equal(row.runs.length, 2);
  assert.deepEqual((await runs.retrieve(row.runs[1])).tags, ["t"]);
});

test("batch items: a lost answer to the sealing request", async () => {
  await control("PUT", "settings", { batch_item_ms: 0 });
  await control("PUT", "faults",
    [{ match: { path_regex: "/items$" }, action: { kind: "reset_before" } }]);
  const handle = await tasks.batchTrigger("process-order", [{ payload: 1 }, { payload: 2 }]);
  assert.equal((await batch.retrieve(handle.batchId)).runs.length, 2);
  assert.deepEqual(await kinds(), ["batch.create", "batch.items", "batch.seal", "run.trigger",
    "run.trigger", "batch.processed"]);
});

test("runs.cancel, replay and reschedule", async () => {
  const handle = await tasks.trigger("process-order", { a: 1 }, { delay: "1h", tags: "x" });
  const moved = await runs.reschedule(handle.id, { delay: "3h" });
  assert.equal(moved.delayedUntil.getTime(), Date.UTC(2026, 5, 1, 3));
  await assert.rejects(runs.reschedule(handle.id, { delay: "nonsense" }), { status: 400 });
  assert.deepEqual(await runs.cancel(handle.id), { id: handle.id });
  assert.equal((await runs.retrieve(handle.id)).status, "CANCELED");
  assert.deepEqual(await runs.cancel(handle.id), { id: handle.id });
  const again = await runs.retrieve((await runs.replay(handle.id)).id);
  assert.deepEqual(again.payload, { a: 1 });
  assert.deepEqual(again.tags, ["x"]);
  assert.equal(again.status, "QUEUED");
  await assert.rejects(runs.cancel("run_nope"), { status: 404 });
  assert.deepEqual(await kinds(),
    ["run.trigger", "run.reschedule", "run.cancel", "run.replay"]);
});

test("tags and metadata, which the client offers inside of tasks only", async () => {
  const client = apiClientManager.clientOrThrow();
  const handle = await tasks.trigger("process-order", 1, { metadata: { a: 1 } });
  assert.equal((await client.addTags(handle.id, { tags: ["t", "s"] })).message,
    "Successfully set 2 new tags.");
  const answer = await client.updateRunMetadata(handle.id, {
    operations: [{ type: "increment", key: "n", value: 2 },
      { type: "append", key: "list", value: "x" }] });
  assert.deepEqual(answer.metadata, { a: 1, n: 2, list: ["x"] });
  // the server answers with JSON inside a text, which the client's own schema refuses
  await assert.rejects(client.getRunMetadata(handle.id));
  const run = await runs.retrieve(handle.id);
  assert.deepEqual(run.tags, ["s", "t"]);
  assert.deepEqual(run.metadata, answer.metadata);
});
