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

/** The time at which all tests take place, in seconds since the epoch; `NOW * 1000` is what clocks say. */
export const NOW = 1_900_000_000;

/** Is a claim of every token of {@link Parties.token} and {@link Parties.opaqueToken}, and must never be in an answer. */
export const PRIVATE_CLAIM = "a claim value that is nobody else's business";

/** Everybody who takes part in a protected request. */
export interface Parties {
  readonly ca: CertificateAuthority;
  readonly issuer: Issuer;
  /** To whom tokens are issued. */
  readonly client: Identity;
  /** A client of the same authority and of the same name, with a certificate of its own. */
  readonly thief: Identity;
  /** For a server that asks for a certificate, and leaves the judgement to the API. */
  readonly tls: {
    readonly key: string;
    readonly cert: string;
    readonly requestCert: true;
    readonly rejectUnauthorized: false;
  };
  /** For an API that accepts the issuer's tokens. */
  readonly verifierOptions: VerifierOptions;
  /** Issues a token bound to the client. */
  readonly token: (options?: AccessTokenOptions) => Promise<string>;
  /** Issues an opaque token bound to the client. */
  readonly opaqueToken: (options?: OpaqueTokenOptions) => Promise<string>;
}

/** Brings the parties together; all keys are elliptic, since RSA keys take long to make. */
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
