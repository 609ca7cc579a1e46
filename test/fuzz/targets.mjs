import { fuzz as authorizationHeader } from "./targets/authorization-header.mjs";
import { fuzz as certificate } from "./targets/certificate.mjs";
import { fuzz as claims } from "./targets/claims.mjs";
import { fuzz as compactJws } from "./targets/compact-jws.mjs";
import { fuzz as forwardedCertificate } from "./targets/forwarded-certificate.mjs";

/**
 * The fuzz targets by name, which is also the name of the module and the corpus. Each throws if an invariant is violated.
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
