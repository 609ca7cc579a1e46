import { type Protect, protectApi } from "@certbound/express";
// #region protect
import { Agent, fetch } from "undici";
// #endregion

const { ISSUER = "https://auth.example.com", CLIENT_ID = "accounts-api" } = process.env;

/** What the API presents to its issuer, and the authority that it trusts there; PEM. */
export interface Presented {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Protects an API that the issuer knows by its certificate. */
export function protectPresenting({ cert, key, ca }: Presented): { readonly protect: Protect; readonly agent: Agent } {
  // #region protect

  const dispatcher = new Agent({ connect: { cert, key, ca } });
  const ask = (url: string | URL, init: object) => fetch(url, { ...init, dispatcher });
  const protect = protectApi({
    issuer: ISSUER,
    audience: "https://api.example.com",
    fetch: ask as typeof globalThis.fetch, // for TypeScript: undici has types of its own
    introspection: { clientId: CLIENT_ID, clientAuthentication: "tls_client_auth" },
  });
  // #endregion
  return { protect, agent: dispatcher };
}
