// What every benchmark uses: an issuer, two clients, and tokens.

import { Buffer } from "node:buffer";
import { createIssuer, createSelfSignedCertificate } from "@certbound/testing";

/** @typedef {"RS256" | "ES256"} Algorithm */

/**
 * Makes a new string of the same characters for each call: a string that is used again has been flattened, hashed and
 * found by the engine before, and flatters caches.
 *
 * @param {string} text @returns {() => string}
 */
export function freshly(text) {
  const bytes = Buffer.from(text, "latin1");
  return () => bytes.toString("latin1");
}

/** @typedef {Awaited<ReturnType<typeof createFixture>>} Fixture */

/** @param {Algorithm} algorithm */
export async function createFixture(algorithm) {
  const [issuer, client, thief] = await Promise.all([
    createIssuer({ algorithms: [algorithm] }),
    createSelfSignedCertificate({ commonName: "client" }),
    createSelfSignedCertificate({ commonName: "thief" }),
  ]);
  /** @param {Parameters<typeof issuer.accessToken>[0]} [options] */
  const accessToken = (options) => issuer.accessToken({ boundTo: client, ...options });
  return { algorithm, issuer, client, thief, accessToken };
}
