import { fromProxy, nginx, protectApi } from "@certbound/express";

/** @type {import("../candidate.js").CreateHandlers} */
export function createHandlers({ issuer, audience, proxySecret, introspection }) {
  const protect = protectApi({ issuer, audience });
  const trust = { secret: { header: "x-proxy-secret", value: proxySecret } };
  return {
    required: protect(),
    whenBound: protect({ validateCertificateBinding: "when-bound" }),
    forwarded: protectApi({ issuer, audience, certificateResolver: fromProxy(nginx(), { trust }) })(),
    opaque: protectApi({ issuer, audience, introspection })(),
  };
}
