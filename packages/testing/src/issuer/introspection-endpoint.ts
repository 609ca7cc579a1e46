import type { IncomingHttpHeaders, RequestListener } from "node:http";
import { readBoundedBody } from "../bounded-body.ts";
import { signingInput, signInput } from "../tokens/compact-token.ts";
import type { SigningKey } from "../tokens/signing-keys.ts";
import { authenticates } from "./client-credentials.ts";
import type { ClientCredentials } from "./client-credentials.ts";

/** The callbacks and the client of an introspection endpoint. */
export interface IntrospectingIssuer {
  /** The only client that may introspect tokens. */
  readonly client: ClientCredentials;
  /** Called for each valid request, so that revoked and expired tokens become inactive. */
  readonly introspect: (token: string) => object;
  /** Signs a response for a client that accepts a JWT. */
  readonly sign: (response: object, clientId: string) => string;
}

/** The issuer, client, time and key of a signed introspection response. */
export interface IntrospectionTokenContext {
  readonly issuer: string;
  readonly clientId: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly key: SigningKey;
}

interface EndpointResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The path of the introspection endpoint. */
export const introspectionPath = "/introspect";

/** The media type of a signed introspection response; the JWT's `typ` omits `application/`. */
const introspectionTokenType = "application/token-introspection+jwt";

const bodyLimit = 64 * 1024;

/** Handles introspection requests (RFC 7662 section 2.1). Responds with a JWT (RFC 9701) if Accept lists it, else with JSON. */
export function createIntrospectionEndpoint(issuer: IntrospectingIssuer): RequestListener {
  return (request, response) => {
    readBoundedBody(request, bodyLimit).then(
      (content) => {
        const { status, headers, body } = respond(request.headers, content, issuer);
        response.writeHead(status, { "cache-control": "no-store", ...headers }).end(body);
      },
      // The client has disconnected.
      () => response.destroy(),
    );
  };
}

/** Signs an introspection response as a JWT (RFC 9701 section 5). */
export function signIntrospection(response: object, context: IntrospectionTokenContext): string {
  const { issuer, clientId, now, key } = context;
  const header = { alg: key.algorithm, kid: key.kid, typ: "token-introspection+jwt" };
  const payload = { iss: issuer, aud: clientId, iat: Math.floor(now / 1000), token_introspection: response };
  return signInput(signingInput(header, payload), key.algorithm, key.privateKey);
}

function respond(
  headers: IncomingHttpHeaders,
  content: string | undefined,
  issuer: IntrospectingIssuer,
): EndpointResponse {
  if (content === undefined) return json(413, { error: "invalid_request" });
  const { "content-type": contentType = "", authorization, accept = "" } = headers;
  if (mediaType(contentType) !== "application/x-www-form-urlencoded") return json(400, { error: "invalid_request" });
  const form = new URLSearchParams(content);
  // A request must not use more than one authentication method (RFC 6749 section 2.3).
  if (authorization !== undefined && form.has("client_secret")) return json(400, { error: "invalid_request" });
  if (!authenticates(issuer.client, authorization, form)) {
    return json(401, { error: "invalid_client" }, { "www-authenticate": 'Basic realm="introspection"' });
  }
  const [token = "", ...others] = form.getAll("token");
  if (token === "" || others.length > 0) return json(400, { error: "invalid_request" });
  const introspection = issuer.introspect(token);
  if (!accept.split(",").map(mediaType).includes(introspectionTokenType)) return json(200, introspection);
  const body = issuer.sign(introspection, issuer.client.clientId);
  return { status: 200, headers: { "content-type": introspectionTokenType }, body };
}

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): EndpointResponse {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

/** Returns a Content-Type, or a member of Accept, without its parameters. */
function mediaType(field: string): string {
  const [type = ""] = field.split(";");
  return type.trim().toLowerCase();
}
