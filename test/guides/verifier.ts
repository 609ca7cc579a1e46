// #region verify
import { createVerifier, tlsCertificate } from "@certbound/core";
// #endregion
import type { IncomingMessage } from "node:http";

// #region verify

const { ISSUER = "https://auth.example.com" } = process.env;
const verifier = createVerifier({ issuer: ISSUER, audience: "https://api.example.com" });

// #endregion
/** Names the client of a token that came with a request, and the certificate that the token is bound to. */
export async function clientOf(token: string, request: IncomingMessage): Promise<unknown> {
  // #region verify
  const { claims, clientCertificate } = await verifier.verify(token, {
    clientCertificate: tlsCertificate(request), // null: the client presented none, and the token is rejected
    scopes: ["read"],
  });
  // #endregion
  return { client: claims.client_id, thumbprint: clientCertificate?.thumbprint };
}
