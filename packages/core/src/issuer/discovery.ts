import {
  allowInsecureRequests,
  type AuthorizationServer,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from "oauth4webapi";
import { withoutPrototype } from "../values/object-member.ts";
import { isHttpsUrl, isLoopbackUrl, isSecureUrl } from "../values/secure-url.ts";
import { ExchangeError } from "./exchange.ts";

/** A member of an issuer's metadata that says where something is. */
export type PublishedUrl = "jwks_uri" | "introspection_endpoint";

/** The metadata of an issuer (RFC 8414 section 2), with a URL that was looked for and checked. */
export type IssuerMetadata<Wanted extends PublishedUrl> = AuthorizationServer & Readonly<Record<Wanted, string>>;

/**
 * Finds the metadata of an issuer that says where something is: RFC 8414 section 3, then OpenID Connect Discovery 1.0
 * section 4.
 *
 * A document counts only when its `issuer` is the configured one, character by character (RFC 8414 section 3.3), and when
 * it has the wanted URL, which must be https (or http on a loopback address, where that of the issuer is).
 *
 * @throws ExchangeError
 */
export async function discoverMetadata<Wanted extends PublishedUrl>(
  issuer: string,
  wanted: Wanted,
  fetch: typeof globalThis.fetch,
): Promise<IssuerMetadata<Wanted>> {
  const loopback = isLoopbackUrl(issuer);
  let failure = new ExchangeError("the issuer has no metadata document");
  for (const algorithm of ["oauth2", "oidc"] as const) {
    const options = withoutPrototype({
      algorithm,
      [customFetch]: (url: string, { headers }: { readonly headers: Record<string, string> }) =>
        fetch(url, { headers }),
      [allowInsecureRequests]: loopback,
    });
    const response = await discoveryRequest(new URL(issuer), options);
    if (response.status !== 200) {
      failure = new ExchangeError(`the metadata document of the issuer is answered with status ${response.status}`);
      continue;
    }
    const document = await processDiscoveryResponse(new URL(issuer), response)
      // Own members only: what every object inherits was not published.
      .then(withoutPrototype<AuthorizationServer>)
      .catch(() => undefined);
    // oauth4webapi compares normalised URLs.
    if (document?.issuer !== issuer) {
      failure = new ExchangeError("the metadata document is malformed, or of another issuer (a trailing slash counts)");
    } else if (publishes(document, wanted, loopback)) {
      return document;
    } else {
      failure = new ExchangeError(`the metadata document of the issuer has no ${wanted} with https`);
    }
  }
  throw failure;
}

function publishes<Wanted extends PublishedUrl>(
  document: AuthorizationServer,
  wanted: Wanted,
  loopback: boolean,
): document is IssuerMetadata<Wanted> {
  const url: unknown = document[wanted];
  return typeof url === "string" && (loopback ? isSecureUrl(url) : isHttpsUrl(url));
}
