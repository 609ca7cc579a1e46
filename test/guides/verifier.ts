// #region verify
import { createVerifier } from "@certbound/core";
// #endregion
import type { TLSSocket } from "node:tls";

// #region verify

const { ISSUER = "https://auth.example.com" } = process.env;
const verifier = createVerifier({ issuer: ISSUER, audience: "https://api.example.com" });

// #endregion
/** Names the client of a token that came over a connection, and the certificate that the token is bound to. */
export async function clientOf(token: string, socket: TLSSocket): Promise<unknown> {
  // #region verify
  const { claims, clientCertificate } = await verifier.verify(token, {
    clientCertificate: socket.getPeerX509Certificate() ?? null, // null: the client presented none, and the token is refused
    scopes: ["read"],
  });
  // #endregion
  return { client: claims.client_id, thumbprint: clientCertificate?.thumbprint };
}
