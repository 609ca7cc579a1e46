export { createCertificateAuthority } from "./certificate-authority.ts";
export type { CertificateAuthority, CertificateAuthorityOptions } from "./certificate-authority.ts";
export type { CertificateOptions } from "./certificate-options.ts";
export { createClock } from "./clock.ts";
export type { Clock, ClockStep } from "./clock.ts";
export { forgeToken, tamperPayload, tamperSignature } from "./forge.ts";
export type { ForgedTokenParts } from "./forge.ts";
export { forwardedHeaders } from "./forwarded-headers.ts";
export type {
  ForwardingEncodingOptions,
  ForwardingHeaderOptions,
  ForwardingLegacyOptions,
  ForwardingVerificationOptions,
  ForwardingProxies,
  ForwardingProxy,
} from "./forwarding-options.ts";
export type { Identity } from "./identity.ts";
export { createIssuer } from "./issuer.ts";
export type { Issuer } from "./issuer.ts";
export type { AccessTokenOptions } from "./access-token.ts";
export type { ClientCredentials } from "./client-credentials.ts";
export type { IssuerOptions } from "./issuer-options.ts";
export type { OpaqueTokenOptions } from "./opaque-token.ts";
export type { KeyType } from "./key-type.ts";
export { mtlsAgent } from "./mtls-agent.ts";
export type { MtlsAgentOptions } from "./mtls-agent.ts";
export { mtlsFetch } from "./mtls-fetch.ts";
export type { MtlsFetchOptions } from "./mtls-fetch.ts";
export { mtlsRequest } from "./mtls-request.ts";
export type { MtlsResponse } from "./mtls-request.ts";
export type { MtlsRequestOptions } from "./mtls-request-options.ts";
export { createSelfSignedCertificate } from "./self-signed-certificate.ts";
export type { AuthorityKeyType } from "./issue-certificate.ts";
export { startServer } from "./start-server.ts";
export type { RunningServer, StartableServer } from "./start-server.ts";
export { createTestKit } from "./test-kit.ts";
export type { TestKit, TestKitServerOptions, TestKitVerifierOptions } from "./test-kit.ts";
export type { TestKitOptions } from "./test-kit-options.ts";
export type { TlsState } from "./tls-connection.ts";
