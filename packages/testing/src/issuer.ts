import { createServer } from "node:http";
import { decodeJwt } from "jose";
import type { JWK } from "jose";
import { forgeAccessToken, issueAccessToken } from "./access-token.ts";
import type { AccessTokenOptions } from "./access-token.ts";
import { createClientCredentials } from "./client-credentials.ts";
import type { ClientCredentials } from "./client-credentials.ts";
import { createIntrospectionEndpoint, introspectionPath } from "./introspection-endpoint.ts";
import { signIntrospection } from "./introspection-token.ts";
import { createIssuedTokens } from "./issued-tokens.ts";
import { createIssuerEndpoint, jwksPath } from "./issuer-endpoint.ts";
import { parseIssuerOptions } from "./issuer-options.ts";
import type { IssuerOptions } from "./issuer-options.ts";
import { issueOpaqueToken } from "./opaque-token.ts";
import type { OpaqueTokenOptions } from "./opaque-token.ts";
import { chooseKey, generateSigningKey } from "./signing-keys.ts";
import { startServer } from "./start-server.ts";

/** Issues access tokens; publishes the keys to verify them with and answers about them, on a server of its own. */
export interface Issuer {
  /** The issuer identifier, such as `http://127.0.0.1:41234`. */
  readonly issuer: string;
  readonly jwksUri: URL;
  /** Answers whether a token is active, and with which claims (RFC 7662), as JSON or as a JWT (RFC 9701). */
  readonly introspectionEndpoint: URL;
  /** The credentials that the introspection endpoint asks for; no other issuer has the same. */
  readonly introspectionClient: ClientCredentials;
  readonly audience: string;
  /** The public keys as they are now, each with `kid`, `alg` and `use`. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** The paths that the server was asked for so far, in order. */
  readonly requests: readonly string[];
  /** Issues a token; see the options for what is in it. */
  readonly accessToken: (options?: AccessTokenOptions) => Promise<string>;
  /** Issues a token that only its introspection tells something about: the same claims by default. */
  readonly opaqueToken: (options?: OpaqueTokenOptions) => Promise<string>;
  /**
   * Makes a token inactive, opaque or not, from now on.
   *
   * @throws TypeError for a token that this issuer has not issued
   */
  readonly revoke: (token: string) => void;
  /**
   * Makes exactly this the introspection of a token from now on, for answers that no good issuer gives.
   *
   * The token can be any text; that it was issued, revoked or has expired no longer matters.
   */
  readonly introspectAs: (token: string, response: Readonly<Record<string, unknown>>) => void;
  /** Replaces all keys: the old ones are gone from the key set, the new ones sign from now on. */
  readonly rotateKeys: () => Promise<void>;
  /** Ends the server and all its connections. */
  readonly close: () => Promise<void>;
}

/**
 * Creates an issuer that serves its key set, its metadata and introspection over HTTP on 127.0.0.1.
 *
 * It has no token endpoint: tokens come from `accessToken` and `opaqueToken`. Its keys live in memory only.
 *
 * @throws TypeError for an unknown option or algorithm
 */
export async function createIssuer(options: IssuerOptions = {}): Promise<Issuer> {
  const { algorithms, clock, audience, issuer: identifier } = parseIssuerOptions(options);
  const generateKeys = () => Promise.all(algorithms.map(generateSigningKey));
  let keys = await generateKeys();
  const jwks = () => ({ keys: keys.map((key) => key.publicJwk) });
  const requests: string[] = [];
  const tokens = createIssuedTokens();
  const client = createClientCredentials("api");

  const server = createServer();
  const { url: origin, close } = await startServer(server);
  const issuer = identifier ?? origin;
  const context = () => ({ issuer, audience, now: clock(), keys });
  const onRequest = (path: string) => requests.push(path);
  const introspection = createIntrospectionEndpoint({
    client,
    introspect: (token) => tokens.introspect(token, clock()),
    sign: (response, clientId) => signIntrospection(response, { issuer, clientId, now: clock(), key: chooseKey(keys) }),
  });
  server.on("request", createIssuerEndpoint({ issuer, origin, algorithms, jwks, introspection, onRequest }));

  return {
    issuer,
    jwksUri: new URL(jwksPath, origin),
    introspectionEndpoint: new URL(introspectionPath, origin),
    introspectionClient: client,
    audience,
    get jwks() {
      return jwks();
    },
    requests,
    accessToken: async (tokenOptions = {}) => {
      if (tokenOptions.forged !== undefined) return forgeAccessToken(tokenOptions, context());
      const token = issueAccessToken(tokenOptions, context());
      tokens.remember(token, decodeJwt(token));
      return token;
    },
    opaqueToken: async (tokenOptions = {}) => {
      const { token, claims } = issueOpaqueToken(tokenOptions, context());
      tokens.remember(token, claims);
      return token;
    },
    revoke: tokens.revoke,
    introspectAs: tokens.introspectAs,
    rotateKeys: async () => {
      keys = await generateKeys();
    },
    close,
  };
}
