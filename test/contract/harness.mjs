// What the tests with the official client share: a running emulator, requests to its control
// interface, and comparisons with its oracle. Importing this starts one emulator per file.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, beforeEach } from "node:test";
import { fileURLToPath } from "node:url";

import { configure } from "@trigger.dev/sdk";

const EMULATOR = join(dirname(fileURLToPath(import.meta.url)), "..", "emulator", "emulator.py");
export const NOW = Date.UTC(2026, 5, 1);
// far enough back that no silent window applies
export const ALL_TIME = { from: 1 };

export let baseURL;
export let keys;
let child;
let directory;

export async function control(method, path, body) {
  const response = await fetch(`${baseURL}/_emulator/${path}`, {
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  assert.equal(response.status, 200, `${method} ${path}`);
  return response;
}

export async function oracle(resource, environment = "prod", more = "") {
  const response = await control("GET", `oracle/${resource}?environment=${environment}${more}`);
  const lines = (await response.text()).trim().split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}

export function use(key) {
  configure({ baseURL, accessToken: key });
}

export async function collect(page) {
  const items = [];
  for await (const item of page) {
    items.push(item);
  }
  return items;
}

// The client turns dates into Date objects; back to the text on the wire.
export function plain(value) {
  return JSON.parse(JSON.stringify(value));
}

export function withoutHidden(row) {
  const { _, ...shown } = row;
  return shown;
}

export function ids(rows) {
  return rows.map((row) => row.id);
}

// The client drops members that its schema does not know; what it keeps must be equal.
export function assertSame(items, rows, dropped = []) {
  assert.deepEqual(ids(items), ids(rows));
  items.forEach((item, index) => {
    const expected = withoutHidden(rows[index]);
    for (const key of dropped) {
      delete expected[key];
    }
    assert.deepEqual(plain(item), expected);
  });
}

export async function writes() {
  return (await control("GET", "writes?take=1")).json();
}

export async function kinds() {
  return (await writes()).map((entry) => entry.kind);
}

// The requests since the last call, as the emulator saw them.
export async function requests() {
  return (await control("GET", "requests.json?take=1")).json();
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "emulator-"));
  const portFile = join(directory, "port");
  child = spawn(
    "python3",
    [EMULATOR, "--port-file", portFile, "--now", String(NOW), "--exit-with-parent"],
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
