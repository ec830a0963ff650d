// Configurations of the official client, and the tokens that it makes: who it acts for.

import assert from "node:assert/strict";
import { test } from "node:test";

import { auth, batch, runs, sessions, tasks, TriggerClient } from "@trigger.dev/sdk";

import {
  ALL_TIME, baseURL, collect, control, ids, keys, oracle, requests, use,
} from "./harness.mjs";

function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}

async function runIds(environment) {
  return ids(await oracle("runs", environment));
}

test("TriggerClient: two clients and the global one, interleaved", async () => {
  const prod = new TriggerClient({ baseURL, accessToken: keys.TR_PROD });
  const staging = new TriggerClient({ baseURL, accessToken: keys.TR_STG });
  const branch = new TriggerClient(
    { baseURL, accessToken: keys.TR_PREVIEW, previewBranch: keys.BRANCH_FEATURE });
  use(keys.TR_BETA_PROD);
  const list = (api) => collect(api.list({ limit: 100, ...ALL_TIME }));
  const found = await Promise.all(
    [prod.runs, staging.runs, branch.runs, runs, staging.runs, prod.runs].map(list));
  const beta = (await control("GET", `oracle/runs?project=${keys.PROJECT_BETA}`));
  const betaIds = (await beta.text()).trim().split("\n").map((line) => JSON.parse(line).id);
  const expected = [await runIds("prod"), await runIds("stg"),
    await runIds("preview-feature-xyz"), betaIds, await runIds("stg"), await runIds("prod")];
  assert.deepEqual(found.map(ids), expected);
});

test("TriggerClient: its own credential also inside of withAuth", async () => {
  const prod = new TriggerClient({ baseURL, accessToken: keys.TR_PROD });
  const [run] = await runIds("prod");
  await auth.withAuth({ accessToken: keys.TR_STG, baseURL }, async () => {
    assert.equal((await prod.runs.retrieve(run)).id, run);
    await assert.rejects(runs.retrieve(run, { retry: { maxAttempts: 1 } }), { status: 404 });
  });
  const nobody = new TriggerClient({ baseURL });
  await assert.rejects(async () => nobody.runs.retrieve(run));
});

test("auth.withAuth: nesting, restoring, also after errors and side by side", async () => {
  await requests();
  const who = async () => {
    await runs.list({ limit: 1 });
    const [request] = (await requests()).slice(-1);
    return request.headers.authorization.replace("Bearer ", "");
  };
  assert.equal(await who(), keys.TR_PROD);
  await auth.withAuth({ accessToken: keys.TR_STG }, async () => {
    assert.equal(await who(), keys.TR_STG);
    await auth.withAuth({ accessToken: keys.TR_DEV }, async () => {
      assert.equal(await who(), keys.TR_DEV);
    });
    await assert.rejects(auth.withAuth({ accessToken: keys.TR_DEV }, async () => {
      throw new Error("inner");
    }), { message: "inner" });
    assert.equal(await who(), keys.TR_STG);
  });
  assert.equal(await who(), keys.TR_PROD);
  const lists = await Promise.all([keys.TR_PROD, keys.TR_STG].map((accessToken) => auth.withAuth(
    { accessToken, baseURL }, () => collect(runs.list({ limit: 100, ...ALL_TIME })))));
  assert.deepEqual(lists.map(ids), [await runIds("prod"), await runIds("stg")]);
});

test("auth.createPublicToken signs with a root key, by the claims of the server", async () => {
  await requests();
  const token = await auth.createPublicToken({
    scopes: { read: { runs: ["run_1"], tags: "env:staging", sessions: true } },
    expirationTime: "10m" });
  assert.deepEqual((await requests()).map((request) => request.path),
    ["/api/v1/auth/jwt/claims"]);
  const claims = claimsOf(token);
  assert.deepEqual(claims.scopes, ["read:runs:run_1", "read:tags:env:staging", "read:sessions"]);
  assert.equal(claims.exp - claims.iat, 600);
  const short = claimsOf(await auth.createPublicToken({ scopes: { read: { runs: true } } }));
  assert.equal(short.exp - short.iat, 900);
});

test("tokens of a preview branch act on the branch without a header", async () => {
  const token = await auth.withAuth(
    { accessToken: keys.TR_PREVIEW, baseURL, previewBranch: keys.BRANCH_FEATURE },
    () => auth.createPublicToken({ scopes: { read: { runs: true, sessions: true } } }));
  await auth.withAuth({ accessToken: token, baseURL, previewBranch: "" }, async () => {
    assert.deepEqual(ids(await collect(runs.list({ limit: 100, ...ALL_TIME }))),
      await runIds("preview-feature-xyz"));
    assert.deepEqual(ids(await collect(sessions.list({ limit: 100 }))),
      ids(await oracle("sessions", "preview-feature-xyz")));
  });
});

test("scopes: right and wrong ones", async () => {
  const rows = await oracle("runs");
  const tagged = rows.find((row) => row.tags.includes("user:1"));
  const other = rows.find((row) => !row.tags.includes("user:1")
    && row.taskIdentifier !== tagged.taskIdentifier);
  for (const [scopes, allowed, refused] of [
    [{ read: { tags: "user:1" } }, tagged, other],
    [{ read: { tasks: tagged.taskIdentifier } }, tagged, other],
    [{ read: { runs: tagged.id } }, tagged, other],
  ]) {
    const token = await auth.createPublicToken({ scopes });
    await auth.withAuth({ accessToken: token, baseURL }, async () => {
      assert.equal((await runs.retrieve(allowed.id)).id, allowed.id);
      await assert.rejects(runs.retrieve(refused.id), { status: 403 });
      await assert.rejects(runs.cancel(allowed.id), { status: 403 });
    });
  }
  const empty = await auth.createPublicToken({ scopes: {} });
  await auth.withAuth({ accessToken: empty, baseURL }, () => assert.rejects(
    runs.retrieve(tagged.id), { status: 403 }));
  await auth.withAuth({ accessToken: `${empty.slice(0, -4)}AAAA`, baseURL }, () => assert.rejects(
    runs.retrieve(tagged.id), { status: 401 }));
});

test("auth.createTriggerPublicToken: its task, once or often", async () => {
  const once = await auth.createTriggerPublicToken("process-order");
  await auth.withAuth({ accessToken: once, baseURL }, async () => {
    await assert.rejects(tasks.trigger("send-email", 1), { status: 403 });
    await tasks.trigger("process-order", 1);
    await assert.rejects(tasks.trigger("process-order", 2), { status: 422 });
  });
  const often = await auth.createTriggerPublicToken(
    ["process-order", "send-email"], { multipleUse: true });
  await auth.withAuth({ accessToken: often, baseURL }, async () => {
    await tasks.trigger("process-order", 1);
    await tasks.trigger("send-email", 2);
    await assert.rejects(tasks.batchTrigger("send-email", [{ payload: 1 }]), /Unauthorized/);
  });
});

test("auth.createBatchTriggerPublicToken: batches of its tasks", async () => {
  const token = await auth.createBatchTriggerPublicToken("process-order");
  assert.deepEqual([claimsOf(token).scopes, claimsOf(token).otu],
    [["batchTrigger:tasks:process-order"], true]);
  await auth.withAuth({ accessToken: token, baseURL }, async () => {
    await assert.rejects(tasks.trigger("process-order", 1), { status: 403 });
    await assert.rejects(tasks.batchTrigger("send-email", [{ payload: 1 }]), /Unauthorized/);
    await tasks.batchTrigger("process-order", [{ payload: 1 }]);
    await assert.rejects(tasks.batchTrigger("process-order", [{ payload: 2 }]), /one-time use/);
  });
  const often = await auth.createBatchTriggerPublicToken(
    ["process-order", "send-email"], { multipleUse: true });
  await auth.withAuth({ accessToken: often, baseURL }, async () => {
    const made = await batch.trigger(
      [{ id: "process-order", payload: 1 }, { id: "send-email", payload: 2 }]);
    assert.equal(made.runCount, 2);
    await assert.rejects(batch.trigger([{ id: "process-order" }, { id: "other" }]),
      /Unauthorized/);
  });
});

test("additional keys have the server make their tokens", async () => {
  use(keys.TR_PROD_SK);
  await requests();
  const token = await auth.createPublicToken({ scopes: { read: { sessions: true } } });
  assert.deepEqual((await requests()).map((request) => request.path),
    ["/api/v1/auth/public-tokens"]);
  await auth.withAuth({ accessToken: token, baseURL }, async () => {
    assert.equal((await collect(sessions.list({ limit: 100 }))).length, 45);
    await assert.rejects(collect(runs.list({ limit: 10 })), { status: 403 });
  });
  await assert.rejects(auth.createPublicToken(), /at least one scope/);
  const once = await auth.createTriggerPublicToken("process-order");
  await auth.withAuth({ accessToken: once, baseURL }, async () => {
    await tasks.trigger("process-order", 1);
    await assert.rejects(tasks.trigger("process-order", 2), { status: 422 });
  });
  use(keys.TR_PROD_SK_RO);
  assert.ok(await auth.createPublicToken({ scopes: { read: { runs: true } } }));
  await assert.rejects(
    auth.createPublicToken({ scopes: { read: { sessions: true } } }), { status: 403 });
  await assert.rejects(auth.createPublicToken(
    { scopes: { read: { runs: true } }, expirationTime: new Date(0) }), { status: 400 });
});
