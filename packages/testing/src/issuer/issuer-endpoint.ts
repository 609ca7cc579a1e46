import type { RequestListener } from "node:http";
import { introspectionPath } from "./introspection-endpoint.ts";

/** The values that an issuer publishes. */
export interface PublishedIssuer {
  readonly issuer: string;
  /** The origin of the issuer's server. */
  readonly origin: string;
  /** The JWS algorithms of the issuer's keys. */
  readonly algorithms: readonly string[];
  /** Called for each request for the key set, so that it returns the current keys. */
  readonly jwks: () => object;
  /** Handles introspection requests. */
  readonly introspection: RequestListener;
  /** Called with the path of each request, including requests that get a 404. */
  readonly onRequest: (path: string) => void;
}

/** The path of the key set. */
export const jwksPath = "/jwks";

/** Serves the key set and the two metadata documents (GET), and introspection (POST). Any other request gets a 404. */
export function createIssuerEndpoint(published: PublishedIssuer): RequestListener {
  const documents: Readonly<Record<string, () => object>> = {
    [jwksPath]: published.jwks,
    "/.well-known/oauth-authorization-server": () => authorizationServerMetadata(published),
    "/.well-known/openid-configuration": () => openidMetadata(published),
  };
  return (request, response) => {
    const [path = ""] = (request.url ?? "").split("?");
    published.onRequest(path);
    if (path === introspectionPath && request.method === "POST") {
      published.introspection(request, response);
      return;
    }
    const document = Object.hasOwn(documents, path) ? documents[path] : undefined;
    if (document === undefined || request.method !== "GET") {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(document()));
  };
}

/**
 * Returns the required metadata and `jwks_uri` (RFC 8414 section 2), the member for certificate-bound tokens (RFC 8705
 * section 3.3), and the introspection metadata (RFC 8414 section 2, RFC 9701 section 7).
 */
function authorizationServerMetadata({ issuer, origin, algorithms }: PublishedIssuer): object {
  return {
    issuer,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    jwks_uri: `${origin}${jwksPath}`,
    response_types_supported: ["code"],
    tls_client_certificate_bound_access_tokens: true,
    introspection_endpoint: `${origin}${introspectionPath}`,
    introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
    introspection_signing_alg_values_supported: algorithms,
  };
}

/** Adds the members that OpenID Connect Discovery 1.0 section 3 requires. */
function openidMetadata(published: PublishedIssuer): object {
  return {
    ...authorizationServerMetadata(published),
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
  };
}
