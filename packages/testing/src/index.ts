/// <reference types="node" preserve="true" />

/**
 * Issues certificates and bound tokens, and starts real servers, for tests of an API.
 *
 * @module @certbound/testing
 */

export { createCertificateAuthority, createSelfSignedCertificate } from "./certificates/certificate-authority.ts";
export type { CertificateAuthority, CertificateAuthorityOptions } from "./certificates/certificate-authority.ts";
export type { CertificateOptions, KeyType } from "./certificates/certificate-options.ts";
export type { Identity } from "./certificates/identity.ts";
export type { AuthorityKeyType } from "./certificates/issue-certificate.ts";
export { createClock } from "./clock.ts";
export type { Clock, ClockStep } from "./clock.ts";
export type { ClientCredentials } from "./issuer/client-credentials.ts";
export { createIssuer } from "./issuer/issuer.ts";
export type { Issuer, IssuerOptions } from "./issuer/issuer.ts";
export { forwardedHeaders } from "./proxies/forwarded-headers.ts";
export type {
  ForwardingEncodingOptions,
  ForwardingHeaderOptions,
  ForwardingLegacyOptions,
  ForwardingVerificationOptions,
  ForwardingProxies,
  ForwardingProxy,
} from "./proxies/forwarding-options.ts";
export { mtlsAgent } from "./requests/mtls-agent.ts";
export type { MtlsAgentOptions } from "./requests/mtls-agent.ts";
export { mtlsFetch } from "./requests/mtls-fetch.ts";
export type { MtlsFetchOptions } from "./requests/mtls-fetch.ts";
export { mtlsRequest } from "./requests/mtls-request.ts";
export type { MtlsResponse } from "./requests/mtls-request.ts";
export type { MtlsRequestOptions } from "./requests/mtls-request-options.ts";
export type { TlsState } from "./requests/tls-connection.ts";
export { startServer } from "./start-server.ts";
export type { RunningServer, StartableServer } from "./start-server.ts";
export { createTestKit } from "./test-kit.ts";
export type { TestKit, TestKitOptions, TestKitServerOptions, TestKitVerifierOptions } from "./test-kit.ts";
export type { AccessTokenOptions, OpaqueTokenOptions } from "./tokens/access-token.ts";
export { forgeToken, tamperPayload, tamperSignature } from "./tokens/compact-token.ts";
export type { ForgedTokenParts } from "./tokens/compact-token.ts";
