import {
  allowInsecureRequests,
  type AuthorizationServer,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from "oauth4webapi";
import { withoutPrototype } from "../values/object-member.ts";
import { hasCredentials, isHttpsUrl, isLoopbackUrl, isSecureUrl } from "../values/secure-url.ts";
import { IssuerRequestError, failureReason } from "./issuer-request.ts";

/** A member of an issuer's metadata that says where something is. */
export type PublishedUrl = "jwks_uri" | "introspection_endpoint";

/** The metadata of an issuer (RFC 8414 section 2), with a URL that was looked for and checked. */
export type IssuerMetadata<Wanted extends PublishedUrl> = AuthorizationServer & Readonly<Record<Wanted, string>>;

/** The locations of a metadata document, in the order in which they are tried. */
const locations = [
  { algorithm: "oauth2", name: "/.well-known/oauth-authorization-server" },
  { algorithm: "oidc", name: "/.well-known/openid-configuration" },
] as const;

/**
 * Finds the metadata of an issuer that has the wanted URL: RFC 8414 section 3, then OpenID Connect Discovery 1.0 section 4.
 *
 * A document counts only when its `issuer` is the configured one, character by character (RFC 8414 section 3.3), and when
 * it has the wanted URL, which must be https (or http on a loopback address, where that of the issuer is). Any failure at
 * the first location leads to the second. Each has the time limit of a request, 5 s: both together take at most 10 s.
 *
 * @throws IssuerRequestError that says how each location failed
 */
export async function discoverMetadata<Wanted extends PublishedUrl>(
  issuer: string,
  wanted: Wanted,
  fetch: typeof globalThis.fetch,
): Promise<IssuerMetadata<Wanted>> {
  const failures: string[] = [];
  for (const { algorithm, name } of locations) {
    try {
      return await fetchMetadata(issuer, wanted, { algorithm, fetch });
    } catch (error) {
      failures.push(`${name}: ${failureReason(error)}`);
    }
  }
  throw new IssuerRequestError(failures.join("; "));
}

async function fetchMetadata<Wanted extends PublishedUrl>(
  issuer: string,
  wanted: Wanted,
  { algorithm, fetch }: { readonly algorithm: "oauth2" | "oidc"; readonly fetch: typeof globalThis.fetch },
): Promise<IssuerMetadata<Wanted>> {
  const loopback = isLoopbackUrl(issuer);
  const options = withoutPrototype({
    algorithm,
    [customFetch]: (url: string, { headers }: { readonly headers: Record<string, string> }) => fetch(url, { headers }),
    [allowInsecureRequests]: loopback,
  });
  const response = await discoveryRequest(new URL(issuer), options);
  if (response.status !== 200) throw new IssuerRequestError(`status ${response.status}`);
  const document = await processDiscoveryResponse(new URL(issuer), response)
    // Own members only: what every object inherits was not published.
    .then(withoutPrototype<AuthorizationServer>)
    .catch(() => undefined);
  // oauth4webapi compares normalised URLs.
  if (document?.issuer !== issuer) {
    throw new IssuerRequestError("malformed, or of another issuer (a trailing slash counts)");
  }
  if (!publishes(document, wanted, loopback)) throw new IssuerRequestError(`no ${wanted} with https`);
  return document;
}

function publishes<Wanted extends PublishedUrl>(
  document: AuthorizationServer,
  wanted: Wanted,
  loopback: boolean,
): document is IssuerMetadata<Wanted> {
  const url: unknown = document[wanted];
  return typeof url === "string" && (loopback ? isSecureUrl(url) : isHttpsUrl(url)) && !hasCredentials(url);
}
