import { allowInsecureRequests, customFetch, discoveryRequest, processDiscoveryResponse } from "oauth4webapi";
import { isLoopbackUrl } from "../secure-url.ts";
import { ExchangeError } from "./exchange.ts";

/**
 * Finds the URL of an issuer's keys: RFC 8414 section 3, then OpenID Connect Discovery 1.0 section 4.
 *
 * The document counts only when its `issuer` is the configured one, character by character (RFC 8414 section 3.3).
 *
 * @throws ExchangeError
 */
export async function discoverJwksUri(issuer: string, fetch: typeof globalThis.fetch): Promise<URL> {
  const loopback = isLoopbackUrl(issuer);
  let failure = new ExchangeError("the issuer has no metadata document");
  for (const algorithm of ["oauth2", "oidc"] as const) {
    const response = await discoveryRequest(new URL(issuer), {
      algorithm,
      [customFetch]: (url, { headers }) => fetch(url, { headers }),
      [allowInsecureRequests]: loopback,
    });
    if (response.status !== 200) {
      failure = new ExchangeError(`the metadata document of the issuer is answered with status ${response.status}`);
      continue;
    }
    const document = await processDiscoveryResponse(new URL(issuer), response).catch(() => undefined);
    // oauth4webapi compares normalised URLs.
    if (document?.issuer === issuer) return jwksUri(document.jwks_uri, loopback);
    failure = new ExchangeError("the metadata document is malformed, or of another issuer (a trailing slash counts)");
  }
  throw failure;
}

function jwksUri(url: unknown, loopback: boolean): URL {
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === "https:" || (loopback && parsed !== undefined && isLoopbackUrl(parsed))) return parsed;
  throw new ExchangeError("the metadata document of the issuer has no jwks_uri with https");
}
