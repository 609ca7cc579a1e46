// Prints what a remembered token takes: the heap with 10000 of them, less the heap without. Run with --expose-gc.

import { createVerifier } from "@certbound/core";
import { createFixture, freshly } from "./fixture.mjs";

const TOKENS = 10_000;

const { issuer, client, accessToken } = await createFixture("ES256");
const { issuer: identifier, audience, jwks } = issuer;
const claims = {
  scope: "accounts payments",
  tenant: "a".repeat(36),
  session: "b".repeat(64),
  roles: ["c".repeat(100)],
};
const verifier = createVerifier({ issuer: identifier, audience, jwks, verifiedTokens: TOKENS });
const use = { clientCertificate: { thumbprint: client.thumbprint } };

/** @param {number} count */
async function verifyTokens(count) {
  let characters = 0;
  for (let index = 0; index < count; index += 1) {
    const token = await accessToken({ claims });
    characters = token.length;
    await verifier.verify(freshly(token)(), use);
  }
  return characters;
}

function heap() {
  for (let round = 0; round < 4; round += 1) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

await verifyTokens(100);
const before = heap();
const characters = await verifyTokens(TOKENS - 100);
const kilobytes = (heap() - before) / (TOKENS - 100) / 1024;
console.log(JSON.stringify({ kilobytes, characters }));
// What is measured must not be collected before.
await verifier.ready();
await issuer.close();
