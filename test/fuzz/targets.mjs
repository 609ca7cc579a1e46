import { fuzz as authorizationHeader } from "./targets/authorization-header.mjs";
import { fuzz as certificate } from "./targets/certificate.mjs";
import { fuzz as claims } from "./targets/claims.mjs";
import { fuzz as compactJws } from "./targets/compact-jws.mjs";
import { fuzz as forwardedCertificate } from "./targets/forwarded-certificate.mjs";

/**
 * What is fuzzed, by the names of module and corpus; each throws for an input of which a promise does not hold.
 *
 * @type {Readonly<Record<string, (data: Buffer) => void>>}
 */
export const targets = {
  "authorization-header": authorizationHeader,
  certificate,
  claims,
  "compact-jws": compactJws,
  "forwarded-certificate": forwardedCertificate,
};
