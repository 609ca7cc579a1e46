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

/** The time at which everything takes place, in seconds since the epoch. */
export const NOW = 1_900_000_000;

/** The identifier of the issuer whose keys are at hand. */
export const ISSUER = "https://issuer.example";

/** The identifier of the API. */
export const AUDIENCE = "https://api.example";

/** Everybody who takes part, but the API. */
export interface Scene {
  readonly ca: CertificateAuthority;
  /** The client that tokens are bound to. */
  readonly own: Identity;
  /** A client of the same name, by the same authority. */
  readonly other: Identity;
  /** Those of the issuer: every one is published. */
  readonly keys: IssuerKeys;
  /** Keys of which the issuer knows nothing; none for RSA, since they take long to make. */
  readonly foreignKeys: IssuerKeys<"ES256" | "ES384" | "Ed25519">;
  /** What the issuer publishes. */
  readonly jwks: { readonly keys: readonly IssuerKeys["ES256"]["jwk"][] };
  /** A right token, but for what is given. */
  readonly token: (differences?: RawToken) => string;
  /** An issuer with a server of its own, for opaque tokens, discovery and keys that are fetched. */
  readonly remote: Issuer;
  readonly close: () => Promise<void>;
}

/** Brings everybody together. */
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
    token: (differences = {}) => writeToken(differences, { key: keys.ES256, claims: rightClaims(own) }),
    remote,
    close: remote.close,
  };
}

/** The claims of RFC 9068 section 2.2, bound as RFC 8705 section 3.1 says; no two tokens are the same. */
function rightClaims({ thumbprint }: Identity): Readonly<Record<string, unknown>> {
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
