// A client of DPoP (RFC 9449), which certbound does not support.

import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import { createHash, randomUUID } from "node:crypto";
import { issueToken, send } from "./requests.mjs";

/** @typedef {import("./parties.mjs").Parties} Parties */
/** @typedef {import("./parties.mjs").RunningCandidate} RunningCandidate */

/**
 * Creates a request with a DPoP-bound token and its proof. With `isReplayed`, the proof has been used before.
 *
 * @param {{ isReplayed?: boolean }} [options]
 * @returns {import("./requests.mjs").CreateRequest}
 */
export function withProof({ isReplayed = false } = {}) {
  return async (candidate, parties) => {
    const { publicKey, privateKey } = await generateKeyPair("ES256");
    const jwk = await exportJWK(publicKey);
    const cnf = { jkt: await calculateJwkThumbprint(jwk) };
    const token = await issueToken(candidate.name, parties, { claims: { cnf } });
    const ath = createHash("sha256").update(token).digest("base64url");
    const proof = await new SignJWT({ htm: "GET", htu: `${candidate.url}/required`, ath, jti: randomUUID() })
      .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk })
      .setIssuedAt()
      .sign(privateKey);
    const options = { headers: { authorization: `DPoP ${token}`, dpop: proof } };
    if (isReplayed) await send(candidate, "required", parties, options);
    return options;
  };
}
