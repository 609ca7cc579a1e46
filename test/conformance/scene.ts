import {
  type CertificateAuthority,
  createCertificateAuthority,
  createIssuer,
  type Identity,
  type Issuer,
} from "@certbound/testing";
import { randomUUID } from "node:crypto";
import { createKeys, type IssuerKeys } from "./issuer-keys.ts";
import { type RawToken, writeToken } from "./raw-token.ts";

/** The current time of all cases, in seconds since the epoch. */
export const NOW = 1_900_000_000;

/** The identifier of the issuer that signs the tokens. */
export const ISSUER = "https://issuer.example";

/** The identifier of the API. */
export const AUDIENCE = "https://api.example";

/** The CA, the clients and the issuers, but not the API. */
export interface Scene {
  readonly ca: CertificateAuthority;
  /** The client that tokens are bound to. */
  readonly own: Identity;
  /** A client with the same name and the same CA. */
  readonly other: Identity;
  /** The keys of the issuer, all published. */
  readonly keys: IssuerKeys;
  /** Keys that the issuer does not publish; none for RSA, because RSA keys take long to create. */
  readonly foreignKeys: IssuerKeys<"ES256" | "ES384" | "Ed25519">;
  /** The published key set. */
  readonly jwks: { readonly keys: readonly IssuerKeys["ES256"]["jwk"][] };
  /** Returns a valid token, apart from the differences. */
  readonly token: (differences?: RawToken) => string;
  /** An issuer with a server, for opaque tokens, discovery and fetched keys. */
  readonly remote: Issuer;
  readonly close: () => Promise<void>;
}

export async function createScene(): Promise<Scene> {
  const [ca, keys, foreignKeys, remote] = await Promise.all([
    createCertificateAuthority(),
    createKeys("key", ["ES256", "ES384", "RS256", "PS256", "Ed25519"]),
    createKeys("foreign", ["ES256", "ES384", "Ed25519"]),
    createIssuer({ clock: () => NOW * 1000, audience: AUDIENCE }),
  ]);
  const [own, other] = await Promise.all([ca.issueClientCertificate(), ca.issueClientCertificate()]);
  return {
    ca,
    own,
    other,
    keys,
    foreignKeys,
    jwks: { keys: Object.values(keys).map(({ jwk }) => jwk) },
    token: (differences = {}) => writeToken(differences, { key: keys.ES256, claims: validClaims(own) }),
    remote,
    close: remote.close,
  };
}

/** Returns the claims of RFC 9068 section 2.2 and the `cnf` of RFC 8705 section 3.1, with a unique `jti`. */
function validClaims({ thumbprint }: Identity): Readonly<Record<string, unknown>> {
  return {
    iss: ISSUER,
    sub: "client-1",
    aud: AUDIENCE,
    client_id: "client-1",
    iat: NOW,
    exp: NOW + 300,
    jti: randomUUID(),
    scope: "read",
    cnf: { "x5t#S256": thumbprint },
  };
}
