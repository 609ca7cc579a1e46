import type { VerifierOptions } from "@certbound/core";
import {
  type AccessTokenOptions,
  type CertificateAuthority,
  createCertificateAuthority,
  createIssuer,
  type Identity,
  type Issuer,
  type OpaqueTokenOptions,
} from "@certbound/testing";

/** The time in all tests, in seconds since the epoch; clocks return `NOW * 1000`. */
export const NOW = 1_900_000_000;

/** The value of a claim in every token of {@link Parties}. No response may contain it. */
export const PRIVATE_CLAIM = "a private claim value";

/** The parties of a protected request. */
export interface Parties {
  readonly ca: CertificateAuthority;
  readonly issuer: Issuer;
  /** The client that tokens are issued to. */
  readonly client: Identity;
  /** A client with a different certificate of the same CA and the same name. */
  readonly thief: Identity;
  /** Options of a server that requests a certificate and does not reject the client during the handshake. */
  readonly tls: {
    readonly key: string;
    readonly cert: string;
    readonly requestCert: true;
    readonly rejectUnauthorized: false;
  };
  /** Options of an API that accepts the issuer's tokens. */
  readonly verifierOptions: VerifierOptions;
  /** Issues a token bound to the client. */
  readonly token: (options?: AccessTokenOptions) => Promise<string>;
  /** Issues an opaque token bound to the client. */
  readonly opaqueToken: (options?: OpaqueTokenOptions) => Promise<string>;
}

/** Creates the parties. All keys are EC keys, because generating RSA keys is slow. */
export async function createParties(): Promise<Parties> {
  const clock = (): number => NOW * 1000;
  const [ca, issuer] = await Promise.all([createCertificateAuthority(), createIssuer({ clock })]);
  const [server, client, thief] = await Promise.all([
    ca.issueServerCertificate(),
    ca.issueClientCertificate(),
    ca.issueClientCertificate(),
  ]);
  return {
    ca,
    issuer,
    client,
    thief,
    tls: { key: server.key, cert: server.certificate, requestCert: true, rejectUnauthorized: false },
    verifierOptions: { issuer: issuer.issuer, audience: issuer.audience, jwks: issuer.jwks, clock },
    token: ({ claims, ...options } = {}) =>
      issuer.accessToken({ boundTo: client, ...options, claims: { note: PRIVATE_CLAIM, ...claims } }),
    opaqueToken: ({ claims, ...options } = {}) =>
      issuer.opaqueToken({ boundTo: client, ...options, claims: { note: PRIVATE_CLAIM, ...claims } }),
  };
}
