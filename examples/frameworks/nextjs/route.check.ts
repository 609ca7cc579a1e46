import { forwardedHeaders } from "@certbound/testing";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { checkServer, client, kit } from "../check.js";
import { terminateTls } from "../terminate-tls.js";

const secret = randomUUID();
process.env["PROXY_SECRET"] = secret;
const { GET } = await import("./route.js");

// Without the secret, the header may be the client's own.
const headers = {
  ...forwardedHeaders("nginx", client),
  authorization: `Bearer ${await kit.accessToken({ boundTo: client })}`,
};
const url = "http://localhost/accounts";
assert.equal((await GET(new Request(url, { headers }))).status, 401);
assert.equal((await GET(new Request(url, { headers: { ...headers, "x-proxy-secret": secret } }))).status, 200);

await checkServer(
  terminateTls(({ path, headers: received, identity }) => {
    const forwarded = { ...received, ...forwardedHeaders("nginx", identity), "x-proxy-secret": secret };
    return GET(new Request(new URL(path, "http://localhost"), { headers: forwarded }));
  }),
);
