// Configured as the documentation of express-oauth2-jwt-bearer describes mutual TLS.

import { auth } from "express-oauth2-jwt-bearer";

/** @type {import("../candidate.js").CreateHandlers} */
export function createHandlers({ issuer, audience }) {
  const options = { issuerBaseURL: issuer, audience };
  const getCertificate = (request) => request.socket.getPeerCertificate().raw;
  return {
    required: auth({ ...options, mtls: { enabled: true, required: true }, getCertificate }),
    whenBound: auth({ ...options, getCertificate }),
    // The package does not read headers. Its documentation says that getCertificate does, often a URL-encoded PEM.
    forwarded: auth({
      ...options,
      mtls: { enabled: true, required: true },
      getCertificate: ({ headers }) => {
        const value = headers["ssl-client-cert"];
        return value ? decodeURIComponent(value) : undefined;
      },
    }),
  };
}
