// Sends real mutual-TLS requests to an Express API and a Fastify API, and prints the responses. Exits with 1 if a response
// is not as expected. With `npm run demo -- --serve`, both APIs keep running for curl instead.

import { mtlsRequest } from "@certbound/testing";
import { parseArgs } from "node:util";
import { listAttempts } from "./attempts.js";
import { serve } from "./serve.js";
import { createStage } from "./stage.js";

const { values: options } = parseArgs({ options: { serve: { type: "boolean" } } });
let reason = "";
const stage = await createStage({
  onRejected: (error) => {
    reason = `${error.code}: ${error.detail}`;
    if (options.serve) console.log(reason);
  },
});
if (options.serve) await serve(stage);
else process.exitCode = (await runDemo()) === 0 ? 0 : 1;

async function runDemo() {
  let unexpected = 0;
  const attempts = await listAttempts(stage);
  for (const api of stage.apis) {
    console.log(`\n${api.name}, ${api.url}\n`);
    for (const attempt of attempts) {
      reason = "";
      const response = await send(api, attempt);
      const asExpected = isExpected(response, attempt);
      if (!asExpected) unexpected += 1;
      console.log(`${asExpected ? "ok " : "NOT"} ${response.status}  ${attempt.name}`);
      const challenge = response.headers["www-authenticate"];
      if (challenge !== undefined) console.log(`          ${challenge}`);
      if (reason !== "") console.log(`          (log only) ${reason}`);
    }
  }
  await stage.close();
  const count = attempts.length * stage.apis.length;
  console.log(`\n${count - unexpected} of ${count} responses are as expected`);
  return unexpected;
}

function send(api, { method = "GET", path = "/accounts", identity, token }) {
  return mtlsRequest(`${api.url}${path}`, {
    ca: stage.ca.certificate,
    method,
    ...(identity && { identity }),
    ...(token && { token }),
  });
}

function isExpected({ status, headers }, expected) {
  const challenge = headers["www-authenticate"];
  const error = challenge === undefined ? undefined : (/error="(\w+)"/.exec(challenge)?.[1] ?? null);
  return status === expected.status && error === expected.error;
}
