import { protectApi } from "@certbound/express";
import express from "express";

const protect = protectApi(); // CERTBOUND_ISSUER, CERTBOUND_AUDIENCE, CERTBOUND_JWKS_URI
export const app = express();
app.get("/accounts", protect({ scopes: ["read"] }), (request, response) => {
  response.json({ client: request.claims.client_id });
});
