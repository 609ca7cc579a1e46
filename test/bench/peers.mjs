// Other libraries that verify a JWT in process, each used as in its guide. Only `handWritten` compares the certificate.

import { createPublicKey, verify } from "node:crypto";
import { JwtVerifier } from "aws-jwt-verify";
import { auth } from "express-oauth2-jwt-bearer";
import { createVerifier as createFastVerifier } from "fast-jwt";
import { createLocalJWKSet, jwtVerify } from "jose";
import { copiesOf } from "./fixture.mjs";

/** @typedef {import("./fixture.mjs").Fixture} Fixture */

/** One `crypto.verify` of the token's signature, which every library needs. @param {string} token @param {Fixture} fixture */
export function floor(token, { issuer }) {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const [jwk] = issuer.jwks.keys;
  const key = createPublicKey({ key: /** @type {import("node:crypto").JsonWebKey} */ (jwk), format: "jwk" });
  const data = Buffer.from(`${header}.${payload}`);
  const bytes = Buffer.from(signature, "base64url");
  return () => {
    if (!verify("sha256", data, { key, dsaEncoding: "ieee-p1363" }, bytes)) throw new Error("not verified");
  };
}

/** @param {string} token @param {Fixture} fixture */
export function joseJwtVerify(token, { issuer }) {
  const keys = createLocalJWKSet({ keys: [...issuer.jwks.keys] });
  const options = { issuer: issuer.issuer, audience: issuer.audience };
  const next = copiesOf(token);
  return () => jwtVerify(next(), keys, options);
}

/** A careful hand-written check: jose and the thumbprint. @param {string} token @param {Fixture} fixture */
export function handWritten(token, { issuer, client }) {
  const keys = createLocalJWKSet({ keys: [...issuer.jwks.keys] });
  const options = { issuer: issuer.issuer, audience: issuer.audience, typ: "at+jwt", clockTolerance: 5 };
  const next = copiesOf(token);
  return async () => {
    const { payload } = await jwtVerify(next(), keys, options);
    const confirmation = /** @type {{ "x5t#S256"?: string } | undefined} */ (payload["cnf"]);
    if (confirmation?.["x5t#S256"] !== client.thumbprint) throw new Error("another certificate");
  };
}

/** @param {string} token @param {Fixture} fixture @param {boolean} cache */
export function fastJwt(token, { algorithm, issuer }, cache) {
  const [jwk] = issuer.jwks.keys;
  const key = createPublicKey({ key: /** @type {import("node:crypto").JsonWebKey} */ (jwk), format: "jwk" });
  const pem = key.export({ type: "spki", format: "pem" }).toString();
  const options = { key: pem, algorithms: [algorithm], allowedIss: issuer.issuer, allowedAud: issuer.audience, cache };
  const verifyToken = createFastVerifier(options);
  const next = copiesOf(token);
  return () => verifyToken(next());
}

/** @param {string} token @param {Fixture} fixture */
export function awsJwtVerify(token, { issuer }) {
  const verifier = JwtVerifier.create({
    issuer: issuer.issuer,
    audience: issuer.audience,
    jwksUri: issuer.jwksUri.href,
  });
  verifier.cacheJwks(/** @type {never} */ ({ keys: issuer.jwks.keys }));
  const next = copiesOf(token);
  return () => verifier.verifySync(next());
}

/** The middleware alone, on a request object with only the members that it reads. @param {string} token @param {Fixture} fixture */
export function expressOauth2JwtBearer(token, { issuer }) {
  const middleware = auth({
    issuer: issuer.issuer,
    audience: issuer.audience,
    jwksUri: issuer.jwksUri.href,
    tokenSigningAlg: issuer.jwks.keys[0]?.alg ?? "",
  });
  const next = copiesOf(token);
  return () =>
    new Promise((resolve, reject) => {
      const headers = { host: "api.example.com", authorization: `Bearer ${next()}` };
      const get = (/** @type {string} */ name) => (name === "Host" ? headers.host : undefined);
      const request = { method: "GET", headers, get, query: {}, protocol: "https", originalUrl: "/", is: () => false };
      const done = (/** @type {unknown} */ error) => (error instanceof Error ? reject(error) : resolve(undefined));
      middleware(/** @type {never} */ (request), /** @type {never} */ ({}), done);
    });
}
