import { forwardedHeaders } from "@certbound/testing";
import type { ALBEvent } from "aws-lambda";
import assert from "node:assert/strict";
import { checkServer, client, kit } from "../check.js";
import { terminateTls } from "../terminate-tls.js";

const { handler } = await import("./load-balancer.js");

// With two headers, one may have been sent by the client.
const token = await kit.accessToken({ boundTo: client });
const [[name, value] = ["", ""]] = Object.entries(forwardedHeaders("awsAlb", client));
const send = (values: string[]) => handler(eventOf({ authorization: [`Bearer ${token}`], [name]: values }));
assert.equal((await send([value])).statusCode, 200);
assert.equal((await send([value, value])).statusCode, 401);

await checkServer(
  terminateTls(async ({ headers, identity }) => {
    const fields = Object.entries({ ...headers, ...forwardedHeaders("awsAlb", identity) });
    const result = await handler(eventOf(Object.fromEntries(fields.map(([field, text]) => [field, [text]]))));
    const responseFields = Object.entries(result.multiValueHeaders ?? {}).map(([field, texts]) => [
      field,
      texts.join(),
    ]);
    return new Response(result.body, { status: result.statusCode, headers: Object.fromEntries(responseFields) });
  }),
);

/** Returns an event with the members that the handler reads, as the load balancer creates it. */
function eventOf(multiValueHeaders: Record<string, string[]>): ALBEvent {
  return { multiValueHeaders } as unknown as ALBEvent;
}
