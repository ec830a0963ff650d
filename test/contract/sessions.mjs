// Sessions and their channels with the official client.

import assert from "node:assert/strict";
import { test } from "node:test";

import { apiClientManager } from "@trigger.dev/core/v3";
import { auth, runs, sessions } from "@trigger.dev/sdk";

import {
  assertSame, baseURL, collect, control, ids, keys, kinds, NOW, oracle, plain, requests, use,
  withoutHidden, writes,
} from "./harness.mjs";

const DAY = 86400000;
const BODY = {
  type: "chat.agent", taskIdentifier: "chat-agent",
  triggerConfig: { basePayload: { chatId: "c1" } },
};

function withoutConfig(rows) {
  return rows.map(({ triggerConfig, ...row }) => row);
}

test("sessions.list gives what is there, filter by filter", async () => {
  const rows = withoutConfig(await oracle("sessions"));
  assertSame(await collect(sessions.list({ limit: 100 })), rows);
  const cases = [
    [{ status: "CLOSED" }, (row) => row.closedAt],
    [{ status: "EXPIRED" }, (row) => row._.status === "EXPIRED"],
    [{ status: "ACTIVE" }, (row) => row._.status === "ACTIVE"],
    [{ type: "support" }, (row) => row.type === "support"],
    [{ tag: "with,comma" }, (row) => row.tags.includes("with,comma")],
    // the client joins what the server does not split: nothing has this tag
    [{ tag: ["even", "odd"] }, () => false],
    [{ taskIdentifier: "process-order" }, (row) => row.taskIdentifier === "process-order"],
    [{ externalId: "special-exact" }, (row) => row.externalId === "special-exact"],
    [{ from: new Date(NOW - DAY) }, (row) => Date.parse(row.createdAt) >= NOW - DAY],
    [{ to: NOW - DAY }, (row) => Date.parse(row.createdAt) <= NOW - DAY],
    [{ period: "7d" }, (row) => Date.parse(row.createdAt) >= NOW - 7 * DAY],
  ];
  for (const [filter, accepts] of cases) {
    const items = await collect(sessions.list({ limit: 100, ...filter }));
    assert.deepEqual(ids(items), ids(rows.filter(accepts)), JSON.stringify(filter));
  }
  await assert.rejects(collect(sessions.list({ status: ["ACTIVE", "CLOSED"] })), { status: 400 });
});

test("sessions.list with small pages skips or repeats what has its id out of order", async () => {
  const all = ids(await oracle("sessions"));
  const seen = ids(await collect(sessions.list({ limit: 5 })));
  assert.notDeepEqual(seen, all);
  for (const id of seen) {
    assert.ok(all.includes(id));
  }
});

test("sessions.retrieve by either id", async () => {
  for (const row of await oracle("sessions")) {
    assert.deepEqual(plain(await sessions.retrieve(row.id)), withoutHidden(row));
    if (row.externalId) {
      assert.equal((await sessions.retrieve(row.externalId)).id, row.id);
    }
  }
  await assert.rejects(sessions.retrieve("session_nope"), { status: 404 });
});

test("sessions.start, update and close", async () => {
  const made = await sessions.start({
    ...BODY, externalId: "mine", tags: ["a,b"], metadata: { n: 1 } });
  assert.equal(made.isCached, false);
  assert.equal((await runs.retrieve(made.runId)).taskIdentifier, "chat-agent");
  const again = await sessions.start({ ...BODY, externalId: "mine", tags: ["other"] });
  assert.deepEqual([again.isCached, again.id, again.runId, again.tags],
    [true, made.id, made.runId, ["a,b"]]);
  const changed = await sessions.update("mine", { tags: ["x"], metadata: null });
  assert.deepEqual([changed.tags, changed.metadata], [["x"], null]);
  await assert.rejects(sessions.update("mine", { externalId: "new" }), { status: 422 });
  const closed = await sessions.close(made.id, { reason: "first" });
  assert.equal(closed.closedReason, "first");
  assert.equal((await sessions.close("mine", { reason: "second" })).closedReason, "first");
  assert.equal((await sessions.close("special-closed")).closedReason, "Ünïcode \"reason\"");
  assert.deepEqual(await kinds(), ["session.create", "run.trigger", "session.update",
    "session.update", "session.close"]);
});

test("sessions.start of a closed session is tried again in vain", async () => {
  await requests();
  await assert.rejects(
    sessions.start({ ...BODY, externalId: "special-closed" }, { retry: { maxAttempts: 2 } }),
    { status: 409 });
  assert.equal((await requests()).length, 2);
});

test("in.send: texts as they are, everything else as JSON, with a part id", async () => {
  await sessions.start({ ...BODY, externalId: "s" });
  await requests();
  const channel = sessions.open("s").in;
  const values = ["plain \u2713", { a: [1, null], t: "x" }, 42, "{\"b\":1}", [1], true, null];
  for (const value of values) {
    await channel.send(value);
  }
  const sent = await requests();
  assert.deepEqual(sent.map((request) => request.body),
    ["plain \u2713", "{\"a\":[1,null],\"t\":\"x\"}", "42", "{\"b\":1}", "[1]", "true",
      "null"]);
  assert.equal(sent[0].path, "/realtime/v1/sessions/s/in/append");
  const parts = sent.map((request) => request.headers["x-part-id"]);
  assert.equal(new Set(parts).size, sent.length);
  const rows = await oracle("session_records", "prod", "&session=s&io=in");
  // the data of a record is the body's text, whatever it was
  assert.deepEqual(rows.map((row) => row.data), sent.map((request) => request.body));
  assert.deepEqual(ids(rows), parts);
  const { records } = await apiClientManager.clientOrThrow().readSessionStreamRecords("s", "in");
  assert.deepEqual(records, rows.map(withoutHidden));
});

test("in.send: a lost answer makes no second record", async () => {
  await sessions.start({ ...BODY, externalId: "s" });
  await control("PUT", "faults",
    [{ match: { path_regex: "/append$" }, action: { kind: "reset_after" } }]);
  await sessions.open("s").in.send({ once: 1 });
  const rows = await oracle("session_records", "prod", "&session=s");
  assert.equal(rows.length, 1);
});

test("records: values of the task's side, control records, no commands", async () => {
  const rows = await oracle("session_records", "prod", "&session=special-records&io=out");
  const client = apiClientManager.clientOrThrow();
  const { records } = await client.readSessionStreamRecords("special-records", "out");
  assert.deepEqual(records, rows.filter((row) => !row._.command).map(withoutHidden));
  const later = await client.readSessionStreamRecords(
    "special-records", "out", { afterEventId: "9" });
  assert.deepEqual(later.records.map((record) => record.seqNum), [10, 11]);
  const missing = await client.readSessionStreamRecords("unknown", "out");
  assert.deepEqual(missing.records, []);
});

async function read(session, options) {
  const values = [];
  for await (const value of await sessions.open(session).out.read(
    { timeoutInSeconds: 1, ...options })) {
    values.push(value);
  }
  return values;
}

test("out.read: values as JSON, control records apart, from a position", async () => {
  const rows = await oracle("session_records", "prod", "&session=special-records&io=out");
  const wanted = rows.filter((row) => row._.body && !row._.command);
  const controls = [];
  const values = await read("special-records", { onControl: (event) => controls.push(event) });
  assert.deepEqual(values, wanted.map((row) => (row._.isNull ? null : row.data)));
  assert.deepEqual(controls.map((event) => [event.subtype, event.seqNum]),
    [["turn-complete", 11]]);
  assert.deepEqual(await read("special-records", { lastEventId: 8 }),
    wanted.slice(9).map((row) => row.data));
  // what was appended over HTTP comes as a text
  await sessions.start({ ...BODY, externalId: "s" });
  await apiClientManager.clientOrThrow().appendToSessionStream("s", "out", "{\"a\":1}");
  assert.deepEqual(await read("s"), ["{\"a\":1}"]);
});

test("out.read: what comes later, and a large stream in several batches", async () => {
  await sessions.start({ ...BODY, externalId: "s" });
  const reading = read("s");
  await new Promise((resolve) => setTimeout(resolve, 100));
  await control("POST", "session_records", [{ session: "s", io: "out", data: { later: 1 } }]);
  assert.deepEqual(await reading, [{ later: 1 }]);
  assert.equal((await read("special-many")).length, 250);
});

test("the token of sessions.start reaches its own session only", async () => {
  const made = await sessions.start({ ...BODY, externalId: "mine" });
  await auth.withAuth({ accessToken: made.publicAccessToken, baseURL }, async () => {
    assert.equal((await sessions.retrieve("mine")).id, made.id);
    assert.equal((await sessions.retrieve(made.id)).id, made.id);
    await sessions.open(made.id).in.send("hello");
    assert.deepEqual(await read("mine"), []);
    await assert.rejects(sessions.retrieve("special-exact"), { status: 403 });
    await assert.rejects(collect(sessions.list()), { status: 403 });
    await assert.rejects(sessions.close("mine"), { status: 403 });
    await assert.rejects(sessions.update("mine", { tags: [] }), { status: 403 });
    await assert.rejects(sessions.start({ ...BODY, externalId: "mine" }), { status: 403 });
    await assert.rejects(
      apiClientManager.clientOrThrow().appendToSessionStream("mine", "out", "x"),
      { status: 403 });
  });
  const appended = (await writes()).filter((entry) => entry.kind === "session.append");
  assert.deepEqual(appended.map((entry) => [entry.ids, entry.io, entry.seq]),
    [[[made.id], "in", 0]]);
});

test("self-made tokens: which scopes start and list sessions", async () => {
  const attempt = async (scopes, action) => {
    const token = await auth.createPublicToken({ scopes });
    return auth.withAuth({ accessToken: token, baseURL }, action);
  };
  const start = () => sessions.start({ ...BODY, externalId: "mine" });
  await assert.rejects(attempt({ write: { sessions: "mine" } }, start), { status: 403 });
  await attempt({ write: { tasks: "chat-agent" } }, start);
  await attempt({ write: { sessions: true } }, start);
  const list = () => collect(sessions.list({ limit: 100 }));
  assert.equal((await attempt({ read: { sessions: true } }, list)).length, 46);
  await assert.rejects(attempt({ read: { sessions: "mine" } }, list), { status: 403 });
  await attempt({ admin: { sessions: "mine" } }, () => sessions.close("mine"));
  use(keys.TR_STG);
  await assert.rejects(sessions.retrieve("mine"), { status: 404 });
});
