import { forwardedHeaders } from "@certbound/testing";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { checkServer, client, kit } from "../check.js";
import { terminateTls } from "../terminate-tls.js";

const secret = randomUUID();
process.env["PROXY_SECRET"] = secret;
const { GET } = await import("./route.js");

// Without the secret, or with two headers, the client may have sent the header.
const url = "http://localhost/accounts";
const forwarded = Object.entries(forwardedHeaders("nginx", client));
const authorization: [string, string] = ["authorization", `Bearer ${await kit.accessToken({ boundTo: client })}`];
const proof: [string, string] = ["x-proxy-secret", secret];
const statusOf = async (headers: [string, string][]) => (await GET(new Request(url, { headers }))).status;
assert.equal(await statusOf([authorization, ...forwarded, proof]), 200);
assert.equal(await statusOf([authorization, ...forwarded]), 401);
assert.equal(await statusOf([authorization, ...forwarded, ...forwarded, proof]), 401);

await checkServer(
  terminateTls(({ path, headers: received, identity }) => {
    const headers = { ...received, ...forwardedHeaders("nginx", identity), "x-proxy-secret": secret };
    return GET(new Request(new URL(path, url), { headers }));
  }),
);
