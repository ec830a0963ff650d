// Read all runs with the official client's iterator; prints rows and milliseconds.
//
//     node official.mjs BASE_URL ACCESS_TOKEN
//
// The time is that of the iteration: starting node and loading the client do not count.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// the contract test's project has the client, in a locked version
const require = createRequire(new URL("../contract/package.json", import.meta.url));
const { configure, runs } = await import(pathToFileURL(require.resolve("@trigger.dev/sdk")));

const [baseURL, accessToken] = process.argv.slice(2);
configure({ baseURL, accessToken });

let rows = 0;
const begun = performance.now();
for await (const run of runs.list({ limit: 100, from: 1 })) {
  if (run.id) rows++;
}
console.log(JSON.stringify({ rows, ms: performance.now() - begun }));
