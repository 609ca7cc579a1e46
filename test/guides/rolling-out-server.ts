import { createServer } from "node:https";
import { type AccessTokenClaims, protectApi } from "@certbound/express";
import express from "express";

// The issuer and the audience come from CERTBOUND_ISSUER and CERTBOUND_AUDIENCE.
const { SERVER_KEY: key, SERVER_CERTIFICATE: cert } = process.env;

// #region report-only
const protect = protectApi({
  // If the binding is not required, the default is only at+jwt. List the types that your issuer uses.
  tokenTypes: ["at+jwt", "JWT"],
});

/** Returns the client of a token. Keycloak and Auth0 use azp. */
const clientOf = ({ client_id: client, azp }: AccessTokenClaims): string =>
  client ?? (typeof azp === "string" ? azp : "");

const app = express();
app.get("/accounts", protect({ scopes: ["read"], validateCertificateBinding: "report-only" }), (request, response) => {
  const { accessToken } = request;
  if (accessToken.binding === "rejected") {
    const { code, detail } = accessToken.bindingError;
    console.warn(`not bound yet: ${clientOf(accessToken.claims)} ${code} ${detail}`);
  }
  response.json({ binding: accessToken.binding });
});
// #endregion

// #region when-bound
/** The clients that have no bound tokens yet. Only remove names from this list. */
const unboundClients = new Set(["reports", "client-1"]);

app.get(
  "/payments",
  protect({
    scopes: ["read"],
    validateCertificateBinding: "when-bound",
    authorize: ({ binding, claims }) => binding === "verified" || unboundClients.has(clientOf(claims)),
  }),
  (request, response) => {
    response.json({ binding: request.accessToken.binding });
  },
);
// #endregion

// #region required
app.get("/transfers", protect({ scopes: ["read"] }), (request, response) => {
  response.json({ binding: request.accessToken.binding });
});
// #endregion

// #region tls
export const server = createServer(
  { key, cert, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" },
  app,
);
// #endregion
