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

/** A member of an issuer's metadata that contains the URL of a document or an endpoint. */
export type PublishedUrl = "jwks_uri" | "introspection_endpoint";

/** The metadata of an issuer (RFC 8414 section 2). The wanted URL has been checked. */
export type IssuerMetadata<Wanted extends PublishedUrl> = AuthorizationServer & Readonly<Record<Wanted, string>>;

/** The locations of the metadata document, in the order of the attempts. */
const locations = [
  { algorithm: "oauth2", name: "/.well-known/oauth-authorization-server" },
  { algorithm: "oidc", name: "/.well-known/openid-configuration" },
] as const;

/**
 * Fetches the metadata of an issuer: RFC 8414 section 3, then OpenID Connect Discovery 1.0 section 4.
 *
 * The `issuer` of the document must equal the configured issuer, character by character (RFC 8414 section 3.3). The wanted
 * URL must be https, or http on a loopback address if the issuer's URL is also on a loopback address. If the first location
 * fails for any reason, the second one is tried. Each location has the time limit of a request (5 s). Both together
 * therefore take at most 10 s.
 *
 * @throws IssuerRequestError with the failure of each location
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
    // Own members only: an inherited member does not come from the issuer.
    .then(withoutPrototype<AuthorizationServer>)
    .catch(() => undefined);
  // oauth4webapi compares normalised URLs.
  if (document?.issuer !== issuer) {
    throw new IssuerRequestError("malformed, or its issuer does not match the configured one (trailing slash?)");
  }
  if (!publishes(document, wanted, loopback))
    throw new IssuerRequestError(`${wanted} is missing, or is not an https URL`);
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
