import { type Protect, protectApi } from "@certbound/express";
// #region protect
import { Agent, fetch } from "undici";
// #endregion

const { ISSUER = "https://auth.example.com", CLIENT_ID = "accounts-api" } = process.env;

/** The certificate and key that the API presents to its issuer, and the CA of the issuer's server, in PEM. */
export interface IssuerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Protects an API that authenticates to the issuer with its certificate. */
export function protectWithCertificate({ cert, key, ca }: IssuerTls): {
  readonly protect: Protect;
  readonly agent: Agent;
} {
  // #region protect

  const dispatcher = new Agent({ connect: { cert, key, ca } });
  const fetchOverTls = (url: string | URL, init: object) => fetch(url, { ...init, dispatcher });
  const protect = protectApi({
    issuer: ISSUER,
    audience: "https://api.example.com",
    fetch: fetchOverTls as typeof globalThis.fetch, // undici has different types
    introspection: { clientId: CLIENT_ID, clientAuthentication: "tls_client_auth" },
  });
  // #endregion
  return { protect, agent: dispatcher };
}
