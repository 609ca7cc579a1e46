import { createServer } from "node:http";
import type { JWK } from "jose";
import { issueAccessToken } from "./access-token.ts";
import type { AccessTokenOptions } from "./access-token.ts";
import { createIssuerEndpoint, jwksPath } from "./issuer-endpoint.ts";
import { parseIssuerOptions } from "./issuer-options.ts";
import type { IssuerOptions } from "./issuer-options.ts";
import { generateSigningKey } from "./signing-keys.ts";
import { startServer } from "./start-server.ts";

/** Signs access tokens and publishes the keys to verify them with, on a server of its own. */
export interface Issuer {
  /** The issuer identifier, such as `http://127.0.0.1:41234`. */
  readonly issuer: string;
  readonly jwksUri: URL;
  readonly audience: string;
  /** The public keys as they are now, each with `kid`, `alg` and `use`. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** The paths that the server was asked for so far, in order. */
  readonly requests: readonly string[];
  /** Issues a token; see the options for what is in it. */
  readonly accessToken: (options?: AccessTokenOptions) => Promise<string>;
  /** Replaces all keys: the old ones are gone from the key set, the new ones sign from now on. */
  readonly rotateKeys: () => Promise<void>;
  /** Ends the server and all its connections. */
  readonly close: () => Promise<void>;
}

/**
 * Creates an issuer that serves its key set and metadata over HTTP on 127.0.0.1.
 *
 * It has no token endpoint: tokens come from `accessToken`. Its keys live in memory only.
 *
 * @throws TypeError for an unknown option or algorithm
 */
export async function createIssuer(options: IssuerOptions = {}): Promise<Issuer> {
  const { algorithms, clock, audience, issuer: identifier } = parseIssuerOptions(options);
  const generateKeys = () => Promise.all(algorithms.map(generateSigningKey));
  let keys = await generateKeys();
  const jwks = () => ({ keys: keys.map((key) => key.publicJwk) });
  const requests: string[] = [];

  const server = createServer();
  const { url: origin, close } = await startServer(server);
  const issuer = identifier ?? origin;
  const onRequest = (path: string) => requests.push(path);
  server.on("request", createIssuerEndpoint({ issuer, origin, jwks, onRequest }));

  return {
    issuer,
    jwksUri: new URL(jwksPath, origin),
    audience,
    get jwks() {
      return jwks();
    },
    requests,
    accessToken: async (tokenOptions = {}) => issueAccessToken(tokenOptions, { issuer, audience, now: clock(), keys }),
    rotateKeys: async () => {
      keys = await generateKeys();
    },
    close,
  };
}
