// #region verify
import { createVerifier } from "@certbound/core";

const { ISSUER = "https://auth.example.com" } = process.env;
const verifier = createVerifier({ issuer: ISSUER, audience: "https://api.example.com" });

// #endregion

/** The members of an event that this code reads. */
export interface GatewayEvent {
  readonly requestContext: { readonly authentication?: Presented | null; readonly identity?: Presented };
}

interface Presented {
  readonly clientCert?: { readonly clientCertPem: string } | null;
}

/** Returns the client of a request that came through the gateway. */
export async function clientOf(event: GatewayEvent, token: string): Promise<unknown> {
  // #region verify
  const { authentication, identity } = event.requestContext; // HTTP APIs; REST APIs
  const pem = (authentication ?? identity)?.clientCert?.clientCertPem;
  const { claims } = await verifier.verify(token, { clientCertificate: pem ?? null });
  // #endregion
  return claims["client_id"];
}
