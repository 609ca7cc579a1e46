import type { RequestListener } from "node:http";
import { introspectionPath } from "./introspection-endpoint.ts";

/** Gives the endpoint of an issuer what it publishes. */
export interface PublishedIssuer {
  readonly issuer: string;
  /** The origin that the endpoint is reached at. */
  readonly origin: string;
  /** The JWS algorithms of its keys. */
  readonly algorithms: readonly string[];
  /** Read at each request, so that rotated keys are seen. */
  readonly jwks: () => object;
  /** Answers the requests for introspection. */
  readonly introspection: RequestListener;
  /** Told the path of each request, those that end in a 404 too. */
  readonly onRequest: (path: string) => void;
}

/** Names the path at which an issuer publishes its keys. */
export const jwksPath = "/jwks";

/** Answers GET for the key set and for the two metadata documents, and POST for introspection; all else is a 404. */
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
 * What RFC 8414 section 2 requires, that tokens are certificate-bound (RFC 8705 section 3.3), and where and how tokens
 * are introspected (RFC 8414 section 2, RFC 9701 section 7).
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

/** What OpenID Connect Discovery 1.0 section 3 requires beyond that. */
function openidMetadata(published: PublishedIssuer): object {
  return {
    ...authorizationServerMetadata(published),
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
  };
}
