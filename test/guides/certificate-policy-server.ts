import { constants } from "node:crypto";
import { createServer } from "node:https";
import { certificateRules, certificateTenants, protectApi } from "@certbound/express";
import express from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
const [key, cert, ca] = [requiredPem("SERVER_KEY"), requiredPem("SERVER_CERTIFICATE"), requiredPem("CLIENT_CA")];
// certificateTenants throws if it is not a thumbprint.
const { GLOBEX_THUMBPRINT = "" } = process.env;

const tenantOf = certificateTenants({
  // Every certificate that our CA issued for this name.
  acme: { issuers: [ca], subjectAlternativeNames: { uri: ["spiffe://acme.example/payments"] } },
  // One certificate, self-signed as it may be.
  globex: { thumbprints: [GLOBEX_THUMBPRINT] },
});

const protect = protectApi({
  certificatePolicy: certificateRules({ currentlyValid: true, tenant: { resolve: tenantOf, claim: "tenant_id" } }),
});

const app = express();

app.get("/payments", protect({ scopes: ["payments"] }), (request, response) => {
  response.json({ tenant: tenantOf(request.accessToken.clientCertificate) });
});

// For this route a known tenant is not enough: the handshake of this very connection must have verified the chain.
const protectSettings = protectApi({ certificatePolicy: certificateRules({ chainVerified: true }) });

app.get("/settings", protectSettings(), (_request, response) => {
  response.json({});
});

export const server = createServer(
  {
    key,
    cert,
    // Certificates of any authority are let in, and judged by the policies.
    requestCert: true,
    rejectUnauthorized: false,
    ca,
    // TLS 1.3 only: it has no renegotiation.
    minVersion: "TLSv1.3",
    // No session is resumed: a resumed one has verified no chain, and chainVerified rejects it.
    secureOptions: constants.SSL_OP_NO_TICKET,
  },
  app,
);
server.listen(Number(process.env["PORT"] ?? 8443));

/** Returns a variable of the environment that must hold PEM: the text of a file, not its path. */
function requiredPem(name: string): string {
  const value = process.env[name]?.trim();
  if (!value) throw new Error(`${name} is missing or empty`);
  if (!value.includes("-----BEGIN "))
    throw new Error(`${name} is not PEM; set it to the text of the file, not to its path`);
  return value;
}
