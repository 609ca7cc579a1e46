// The fixture of all benchmarks: an issuer, two clients, and tokens.

import { Buffer } from "node:buffer";
import { createIssuer, createSelfSignedCertificate } from "@certbound/testing";

/** @typedef {"RS256" | "ES256"} Algorithm */

/**
 * Returns a function that creates a new string with the same characters on each call. The engine has already flattened
 * and hashed a reused string, so cache lookups would look faster than they are.
 *
 * @param {string} text @returns {() => string}
 */
export function copiesOf(text) {
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
