// The official client's token functions, asked line by line.
//
//     node official.mjs BASE_URL
//
// Each line of the input is {method, argument, options, key, branch, now}; its answer is {token}
// or {error}. `now` (milliseconds) is what the client's clock shows meanwhile. In the options, an
// expirationTime of {date: milliseconds} is a Date.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

// the contract test's project has the client, in a locked version
const require = createRequire(new URL("../contract/package.json", import.meta.url));
const { auth, configure } = await import(pathToFileURL(require.resolve("@trigger.dev/sdk")));

const [baseURL] = process.argv.slice(2);
const RealDate = Date;
let now;

globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length ? given : [now]));
  }

  static now() {
    return now;
  }
};

async function answer({ method, argument, options = {}, key, branch, now: frozen }) {
  now = frozen;
  configure({
    baseURL, accessToken: key, previewBranch: branch,
    requestOptions: { retry: { maxAttempts: 1 } },
  });
  if (typeof options.expirationTime === "object") {
    options.expirationTime = new Date(options.expirationTime.date);
  }
  const token = method === "createPublicToken"
    ? await auth.createPublicToken({ ...options, scopes: argument })
    : await auth[method](argument, options);
  return { token };
}

for await (const line of createInterface({ input: process.stdin })) {
  let result;
  try {
    result = await answer(JSON.parse(line));
  } catch (error) {
    result = { error: String(error.message) };
  }
  process.stdout.write(JSON.stringify(result) + "\n");
}
