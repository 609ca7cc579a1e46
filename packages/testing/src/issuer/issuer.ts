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

/** Options of an issuer; all are optional. */
export interface IssuerOptions {
  /** JWS algorithms, with one key pair each; the first one is the default for tokens. Defaults to ES256. */
  readonly algorithms?: readonly string[];
  /** Returns the time of the issuer in milliseconds since 1970. Defaults to `Date.now`. */
  readonly clock?: () => number;
  /** Defaults to `https://api.example.com`. */
  readonly audience?: string;
  /** The issuer identifier in tokens and metadata. Defaults to the origin of the issuer's server. */
  readonly issuer?: string;
}

/** Issues access tokens, and runs a server that publishes the verification keys and introspects tokens. */
export interface Issuer {
  /** The issuer identifier, such as `http://127.0.0.1:41234`. */
  readonly issuer: string;
  readonly jwksUri: URL;
  /** The introspection endpoint (RFC 7662), which responds with JSON or with a JWT (RFC 9701). */
  readonly introspectionEndpoint: URL;
  /** The credentials for the introspection endpoint; they are different for each issuer. */
  readonly introspectionClient: ClientCredentials;
  readonly audience: string;
  /** The current public keys, each with `kid`, `alg` and `use`. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** The paths of all requests to the server so far, in order. */
  readonly requests: readonly string[];
  /** Issues a JWT access token, which is certificate-bound only with `boundTo`. */
  readonly accessToken: (options?: AccessTokenOptions) => Promise<string>;
  /** Issues an opaque token. Its introspection response has the default claims of a JWT access token. */
  readonly opaqueToken: (options?: OpaqueTokenOptions) => Promise<string>;
  /**
   * Makes a JWT or opaque token inactive.
   *
   * @throws TypeError for a token that this issuer has not issued
   */
  readonly revoke: (token: string) => void;
  /**
   * Sets the introspection response for a token, for example to an incorrect one.
   *
   * The token can be any text. The response no longer depends on whether the token was issued or revoked, or has expired.
   */
  readonly introspectAs: (token: string, response: Readonly<Record<string, unknown>>) => void;
  /** Replaces all keys, in the key set and for signing. */
  readonly rotateKeys: () => Promise<void>;
  /** Closes the server and all its connections. */
  readonly close: () => Promise<void>;
}

/** Issuer options with defaults applied. If `issuer` is undefined, the origin of the server is used. */
interface IssuerSettings {
  readonly algorithms: readonly AsymmetricAlgorithm[];
  readonly clock: () => number;
  readonly audience: string;
  readonly issuer: string | undefined;
}

/**
 * Creates an issuer that serves its key set, metadata and introspection endpoint over HTTP on 127.0.0.1.
 *
 * It has no token endpoint: `accessToken` and `opaqueToken` issue tokens. Its keys are kept in memory only.
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#createIssuer -->
 * ```ts
 * const issuer = await createIssuer({ audience: "https://api.example.com" });
 * const verifier = createVerifier({ issuer: issuer.issuer, audience: issuer.audience });
 *
 * const token = await issuer.accessToken({ boundTo: client, claims: { scope: "read write" } });
 * const { claims } = await verifier.verify(token, { clientCertificate: client.certificate, scopes: ["write"] });
 * await issuer.close();
 * ```
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
 * Parses the options of an issuer.
 *
 * @throws TypeError for an unknown option, an empty list of algorithms, or an algorithm without a key pair
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
