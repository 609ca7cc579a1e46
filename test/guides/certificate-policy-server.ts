import { constants } from "node:crypto";
import { createServer } from "node:https";
import { certificateRules, certificateTenants, protectApi } from "@certbound/express";
import express from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
const [key, cert, ca] = [requiredPem("SERVER_KEY"), requiredPem("SERVER_CERTIFICATE"), requiredPem("CLIENT_CA")];
// certificateTenants throws if this is not a thumbprint.
const { GLOBEX_THUMBPRINT = "" } = process.env;

const tenantOf = certificateTenants({
  // Every certificate that our CA issued for this name.
  acme: { issuers: [ca], subjectAlternativeNames: { uri: ["spiffe://acme.example/payments"] } },
  // One certificate, which may be self-signed.
  globex: { thumbprints: [GLOBEX_THUMBPRINT] },
});

const protect = protectApi({
  certificatePolicy: certificateRules({ currentlyValid: true, tenant: { resolve: tenantOf, claim: "tenant_id" } }),
});

const app = express();

app.get("/payments", protect({ scopes: ["payments"] }), (request, response) => {
  response.json({ tenant: tenantOf(request.accessToken.clientCertificate) });
});

// This route does not require a known tenant. It requires that the handshake of this connection verified the chain.
const protectSettings = protectApi({ certificatePolicy: certificateRules({ chainVerified: true }) });

app.get("/settings", protectSettings(), (_request, response) => {
  response.json({});
});

export const server = createServer(
  {
    key,
    cert,
    // The handshake accepts certificates of any CA, and the policies check them.
    requestCert: true,
    rejectUnauthorized: false,
    ca,
    // TLS 1.3 has no renegotiation.
    minVersion: "TLSv1.3",
    // Disables session resumption: a resumed handshake does not verify the chain, so chainVerified would reject it.
    secureOptions: constants.SSL_OP_NO_TICKET,
  },
  app,
);
server.listen(Number(process.env["PORT"] ?? 8443));

/** Returns an environment variable that must contain PEM text, not a path. */
function requiredPem(name: string): string {
  const value = process.env[name]?.trim();
  if (!value) throw new Error(`${name} is missing or empty`);
  if (!value.includes("-----BEGIN "))
    throw new Error(`${name} is not PEM text; set it to the content of the file, not to its path`);
  return value;
}
