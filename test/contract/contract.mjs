// Checks the emulator with the official client: every answer must parse, and the values must
// be those of the emulator's own oracle.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

import { auth, configure, envvars, runs, schedules } from "@trigger.dev/sdk";

const EMULATOR = join(dirname(fileURLToPath(import.meta.url)), "..", "emulator", "emulator.py");
const DAY = 86400000;
// far enough back that no silent window applies
const ALL_TIME = { from: 1 };
// members of a run in a list that this version of the client drops
const UNKNOWN_TO_CLIENT = ["depth"];

let child;
let directory;
let baseURL;
let keys;

async function control(method, path, body) {
  const response = await fetch(`${baseURL}/_emulator/${path}`, {
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  assert.equal(response.status, 200, `${method} ${path}`);
  return response;
}

async function oracle(resource, environment = "prod") {
  const response = await control("GET", `oracle/${resource}?environment=${environment}`);
  const lines = (await response.text()).trim().split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}

function use(key) {
  configure({ baseURL, accessToken: key });
}

async function collect(page) {
  const items = [];
  for await (const item of page) {
    items.push(item);
  }
  return items;
}

// The client turns dates into Date objects; back to the text on the wire.
function plain(value) {
  return JSON.parse(JSON.stringify(value));
}

function withoutHidden(row) {
  const { _, ...shown } = row;
  return shown;
}

// The client drops members that its schema does not know; what it keeps must be equal.
function assertSame(items, rows, dropped = []) {
  assert.deepEqual(ids(items), ids(rows));
  items.forEach((item, index) => {
    const expected = withoutHidden(rows[index]);
    for (const key of dropped) {
      delete expected[key];
    }
    assert.deepEqual(plain(item), expected);
  });
}

function ids(rows) {
  return rows.map((row) => row.id);
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "emulator-"));
  const portFile = join(directory, "port");
  child = spawn(
    "python3",
    [EMULATOR, "--port-file", portFile, "--now", String(Date.UTC(2026, 5, 1)),
     "--exit-with-parent"],
    { stdio: "inherit" },
  );
  for (let attempt = 0; attempt < 400 && !baseURL; attempt++) {
    try {
      baseURL = `http://127.0.0.1:${(await readFile(portFile, "utf8")).trim()}`;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  assert.ok(baseURL, "the emulator did not start");
  keys = await (await control("GET", "credentials")).json();
});

after(async () => {
  child?.kill();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(async () => {
  await control("POST", "reset", {});
  use(keys.TR_PROD);
});

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
