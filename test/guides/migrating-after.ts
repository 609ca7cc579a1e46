// #region public-key
import { createPublicKey } from "node:crypto";
// #endregion
import { type Protect, protectApi } from "@certbound/express";
import express, { type Express } from "express";

export function createApp(issuer: string, audience: string): Express {
  // #region after
  const protect = protectApi({ issuer, audience });

  const app = express();
  app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
    response.json({ client: request.claims.client_id });
  });
  // #endregion
  // #region claims
  const inEurope = protect({ scopes: ["read"], authorize: ({ claims }) => claims["region"] === "eu" });
  app.get("/europe", inEurope, (_request, response) => void response.end());
  // #endregion
  // #region forwarding
  const forwarding = protectApi({
    issuer,
    audience,
    // Forwards to the application's error handlers, which see error.status and error.headers as before.
    respond: (_rejection, _request, _response, forward) => forward(),
  });
  app.get("/forwarding", forwarding(), (_request, response) => void response.end());
  // #endregion
  return app;
}

/** Protects an API with a public key in PEM. */
export function protectWith(pem: string, { issuer, audience }: { issuer: string; audience: string }): Protect {
  // #region public-key

  const jwks = { keys: [createPublicKey(pem).export({ format: "jwk" })] };
  const protect = protectApi({ issuer, audience, jwks });
  // #endregion
  return protect;
}
