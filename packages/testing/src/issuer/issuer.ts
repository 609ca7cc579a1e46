import { createServer } from "node:http";
import { decodeJwt } from "jose";
import type { JWK } from "jose";
import { assertKnownOptions } from "../known-options.ts";
import { startServer } from "../start-server.ts";
import { forgeAccessToken, issueAccessToken, issueOpaqueToken } from "../tokens/access-token.ts";
import type { AccessTokenOptions, OpaqueTokenOptions } from "../tokens/access-token.ts";
import { isAsymmetricAlgorithm } from "../tokens/signature-algorithm.ts";
import type { AsymmetricAlgorithm } from "../tokens/signature-algorithm.ts";
import { chooseKey, generateSigningKey } from "../tokens/signing-keys.ts";
import { createClientCredentials } from "./client-credentials.ts";
import type { ClientCredentials } from "./client-credentials.ts";
import { createIntrospectionEndpoint, introspectionPath, signIntrospection } from "./introspection-endpoint.ts";
import { createIssuedTokens } from "./issued-tokens.ts";
import { createIssuerEndpoint, jwksPath } from "./issuer-endpoint.ts";

/** Configures an issuer; everything has a default. */
export interface IssuerOptions {
  /** JWS algorithms, one key pair each; the first one signs unless a token asks otherwise. Defaults to ES256. */
  readonly algorithms?: readonly string[];
  /** The time in milliseconds since 1970 that tokens are issued at. Defaults to `Date.now`. */
  readonly clock?: () => number;
  /** Defaults to `https://api.example.com`. */
  readonly audience?: string;
  /** The issuer identifier in tokens and metadata. Defaults to the origin of the issuer's own server. */
  readonly issuer?: string;
}

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

/** Holds the options of an issuer after parsing; only the identifier may still be open. */
interface IssuerSettings {
  readonly algorithms: readonly AsymmetricAlgorithm[];
  readonly clock: () => number;
  readonly audience: string;
  readonly issuer: string | undefined;
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
      tokens.add(token, decodeJwt(token));
      return token;
    },
    opaqueToken: async (tokenOptions = {}) => {
      const { token, claims } = issueOpaqueToken(tokenOptions, context());
      tokens.add(token, claims);
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

/**
 * Turns the options of an issuer into settings.
 *
 * @throws TypeError for an unknown option, and for algorithms that are none or without a key pair
 */
function parseIssuerOptions(options: IssuerOptions): IssuerSettings {
  assertKnownOptions(options, ["algorithms", "clock", "audience", "issuer"]);
  const { algorithms = ["ES256"], clock = Date.now, audience = "https://api.example.com" } = options;
  if (algorithms.length === 0) throw new TypeError("An issuer needs at least one algorithm");
  return {
    algorithms: algorithms.map(parseAlgorithm),
    clock,
    audience,
    issuer: options.issuer,
  };
}

function parseAlgorithm(algorithm: string): AsymmetricAlgorithm {
  if (isAsymmetricAlgorithm(algorithm)) return algorithm;
  throw new TypeError(`An issuer cannot sign with "${algorithm}"`);
}
