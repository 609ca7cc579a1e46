// The check that a careful developer writes with jose. It runs as it is shown in docs/comparison.md.

// #region check
import { createHash } from "node:crypto";
import { createRemoteJWKSet, jwtVerify } from "jose";

/** @param {{ issuer: string, audience: string, jwksUri: string }} options */
export function requireBoundToken({ issuer, audience, jwksUri }) {
  const keys = createRemoteJWKSet(new URL(jwksUri));
  return async (request, response, next) => {
    try {
      const [scheme, token] = (request.headers.authorization ?? "").split(" ");
      if (scheme.toLowerCase() !== "bearer" || !token) throw new Error("the token is missing");
      const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: "at+jwt", requiredClaims: ["exp"] });
      const certificate = request.socket.getPeerX509Certificate();
      if (!certificate) throw new Error("the client certificate is missing");
      const thumbprint = createHash("sha256").update(certificate.raw).digest("base64url");
      if (payload.cnf?.["x5t#S256"] !== thumbprint) throw new Error("the token is bound to another certificate");
      request.claims = payload;
      next();
    } catch {
      response.status(401).set("WWW-Authenticate", 'Bearer error="invalid_token"').json({ error: "invalid_token" });
    }
  };
}
// #endregion

/** @type {import("../candidate.js").CreateHandlers} */
export const createHandlers = (settings) => ({ required: requireBoundToken(settings) });
