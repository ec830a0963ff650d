// The SQL engine of the test emulator's query endpoint: a child process that executes what it
// gets. A request is one line of JSON; an answer is the line "<id> <ok|error> <bytes>" and so
// many bytes. Requests are answered in order. The end of the input is the end.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import chdb from "@chdb/lib-linux-x64-gnu";

const directory = mkdtempSync(join(tmpdir(), "trigger-query-"));
const connection = chdb.CreateConnection(directory);
const ESCAPES = {
  "\\": "\\\\", "\0": "\\0", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
};

function run(sql, params = {}) {
  // parameters are read like fields of tab-separated text
  const bound = Object.fromEntries(Object.entries(params).map(([name, value]) =>
    [name, value.replace(/[\\\0\b\f\n\r\t]/g, (char) => ESCAPES[char])]));
  return chdb.QueryAsyncConnection(connection, sql, "JSONEachRow", bound);
}

// The original parses the engine's rows and writes them again: integers lose their precision.
function rowsOf(text) {
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

// Inner values are replaced by the name of the column, wherever its value comes from.
function shown(row, maps) {
  for (const [name, map] of Object.entries(maps)) {
    if (typeof row[name] !== "string") continue;
    const value = map.values[row[name]];
    row[name] = value !== undefined ? value : map.strict ? null : row[name];
  }
  return row;
}

function field(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return /[,"\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(rows, columns) {
  if (columns.length === 0) return "";
  const lines = rows.map((row) => columns.map((name) => field(row[name])).join(","));
  return [columns.map(field).join(","), ...lines].join("\n");
}

const operations = {
  async execute({ statements }) {
    for (const statement of statements) await run(statement);
    return "";
  },

  async insert({ table, rows }) {
    const start = `INSERT INTO ${table} FORMAT JSONEachRow `;
    await chdb.InsertRawAsyncConnection(connection, start, Buffer.from(rows), false);
    return "";
  },

  async query({ sql, params, cap, maps, columns }) {
    const answer = await run(`${sql}\nFORMAT JSONEachRow`, params);
    const rows = rowsOf(Buffer.from(answer.bytes).toString());
    // one row more than the limit has been asked for
    if (rows.length > cap) rows.pop();
    for (const row of rows) shown(row, maps);
    return JSON.stringify(columns === null ? { format: "json", results: rows }
      : { format: "csv", results: csv(rows, columns) });
  },
};

async function answer(line) {
  const request = JSON.parse(line);
  let outcome = "ok";
  let text;
  try {
    text = await operations[request.operation](request);
  } catch (problem) {
    outcome = "error";
    text = String(problem.message);
  }
  const body = Buffer.from(text);
  process.stdout.write(`${request.id} ${outcome} ${body.length}\n`);
  process.stdout.write(body);
}

// What has been used some times is compiled, and may be computed in another way then.
const compileAfter = process.env.TRIGGER_TEST_COMPILE_AFTER;
if (compileAfter) {
  for (const what of ["expression", "aggregate_expression", "sort_description"]) {
    await run(`SET min_count_to_compile_${what} = ${Number(compileAfter)}`);
  }
}
for await (const line of createInterface({ input: process.stdin })) await answer(line);
chdb.CloseConnection(connection);
rmSync(directory, { recursive: true, force: true });
