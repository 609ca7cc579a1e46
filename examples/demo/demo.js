// Runs real mutual-TLS requests against an Express and a Fastify API, prints what came of each, and exits with 1 when
// one did not end as it had to. `npm run demo -- --serve` keeps both APIs up for curl instead.

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
      if (reason !== "") console.log(`          (private) ${reason}`);
    }
  }
  await stage.close();
  const count = attempts.length * stage.apis.length;
  console.log(`\n${count - unexpected} of ${count} requests ended as they had to`);
  return unexpected;
}

function send(api, { method = "GET", path = "/accounts", identity, token }) {
  const ca = stage.authority.certificate;
  return mtlsRequest(`${api.url}${path}`, { ca, method, ...(identity && { identity }), ...(token && { token }) });
}

function isExpected({ status, headers }, expected) {
  const challenge = headers["www-authenticate"];
  const error = challenge === undefined ? undefined : (/error="(\w+)"/.exec(challenge)?.[1] ?? null);
  return status === expected.status && error === expected.error;
}
