// Prints the memory per cached token: the heap with 10000 of them minus the heap without. Run with --expose-gc.

import { createVerifier } from "@certbound/core";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { copiesOf } from "./fixture.mjs";

const TOKENS = 10_000;

// Does not use createIssuer of @certbound/testing, which caches the tokens it issued.
const { privateKey, publicKey } = await generateKeyPair("RS256");
const issuer = "https://auth.example.com";
const audience = "https://api.example.com";
const thumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: "bench" }] };
const verifier = createVerifier({ issuer, audience, jwks, verifiedTokens: TOKENS });
const use = { clientCertificate: { thumbprint } };
const now = Math.floor(Date.now() / 1000);

/** Creates a token with 10 claims. @param {number} index */
function accessToken(index) {
  const times = { iat: now, exp: now + 3600 };
  const client = { sub: `client-${index}`, client_id: `client-${index}`, scope: "accounts payments" };
  const claims = { iss: issuer, aud: audience, ...client, ...times, jti: crypto.randomUUID(), acr: "gold" };
  const token = new SignJWT({ ...claims, cnf: { "x5t#S256": thumbprint } });
  return token.setProtectedHeader({ alg: "RS256", kid: "bench", typ: "at+jwt" }).sign(privateKey);
}

/** @param {number} count */
async function verifyTokens(count) {
  let characters = 0;
  for (let index = 0; index < count; index += 1) {
    const token = await accessToken(index);
    characters = token.length;
    await verifier.verify(copiesOf(token)(), use);
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
// Keeps the verifier from being garbage-collected before the measurement.
await verifier.ready();
