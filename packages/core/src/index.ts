export type { AccessToken, AccessTokenClaims, BindingOutcome, Confirmation } from "./access-token.ts";
export {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  type RequestOptions,
} from "./authenticator.ts";
export { type BindingMode, type ConfirmationClaims, verifyCertificateBinding } from "./binding.ts";
export { certificateThumbprint, type ClientCertificate, type ClientCertificateInput } from "./client-certificate.ts";
export type {
  IssuerOptions,
  IssuerSettings,
  JsonWebKeySet,
  SignatureAlgorithm,
  VerifierOptions,
} from "./configuration.ts";
export type { TokenResolver } from "./credentials.ts";
export {
  AccessTokenError,
  type AccessTokenErrorCode,
  type AccessTokenErrorOptions,
  type CertificateErrorCode,
  type Challenge,
} from "./errors.ts";
export type { IncomingRequest, NodeRequest, NodeSocket } from "./incoming-request.ts";
export { httpRejection, type HttpRejection, type RejectionOptions } from "./rejection.ts";
export type { Requirements } from "./requirements.ts";
export type { ClientCertificateResolver, ResolvedCertificate } from "./resolvers/certificate-resolver.ts";
export { tlsCertificate } from "./resolvers/tls-certificate.ts";
export { createVerifier, type Verifier, type VerifyOptions } from "./verifier.ts";
