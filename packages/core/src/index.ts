/// <reference types="node" preserve="true" />

/**
 * Verifies certificate-bound access tokens (RFC 8705 section 3) in any Node.js server.
 *
 * @module @certbound/core
 */

export type { AccessToken, AccessTokenClaims, BindingOutcome, Confirmation } from "./access-token.ts";
export {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  protectedResourceMetadata,
  type ProtectedResourceOptions,
  type RequestOptions,
} from "./authenticator.ts";
export { type BindingMode, type ConfirmationClaims, verifyCertificateBinding } from "./binding.ts";
export type { TokenResolver } from "./credentials.ts";
export {
  AccessTokenError,
  type AccessTokenErrorCode,
  type AccessTokenErrorOptions,
  type CertificateErrorCode,
  type ChallengeParameters,
} from "./errors.ts";
export type { Requirements, VerifyOptions } from "./requirements.ts";
export { createVerifier, type Verifier } from "./verifier.ts";
export type { AlternativeNames } from "./certificate-policy/alternative-names.ts";
export type {
  CertificateContext,
  CertificateDecision,
  CertificatePolicy,
} from "./certificate-policy/certificate-policy.ts";
export { certificateRules, type CertificateRules, type TenantRule } from "./certificate-policy/certificate-rules.ts";
export type { CertificateSelection } from "./certificate-policy/certificate-selection.ts";
export { certificateTenants, type CertificateTenants } from "./certificate-policy/certificate-tenants.ts";
export {
  certificateThumbprint,
  type ClientCertificate,
  type ClientCertificateInput,
  type ClientCertificateResolver,
  type ResolvedCertificate,
} from "./certificate/client-certificate.ts";
export { tlsCertificate } from "./certificate/tls-certificate.ts";
export type { DecisionEvent } from "./events/decision.ts";
export type { IntrospectionEvent, KeysEvent } from "./events/diagnostics.ts";
export type { IncomingRequest, NodeRequest, NodeSocket } from "./http/incoming-request.ts";
export type { ProtectedResource, ProtectedResourceMetadata } from "./http/protected-resource.ts";
export { httpRejection, type HttpRejection, type RejectionOptions } from "./http/rejection.ts";
export type { IssuerOptions, IssuerSettings, JsonWebKeySet, VerifierOptions } from "./options/configuration.ts";
export type {
  ClientAuthenticationMethod,
  ClientTls,
  IntrospectionCache,
  IntrospectionOptions,
} from "./options/introspection-configuration.ts";
export type { Profile } from "./options/profiles.ts";
export type { SignatureAlgorithm } from "./options/signature-algorithms.ts";
export type { EncodedOptions, HeaderOptions, UnstrippedOptions, VerifiedOptions } from "./proxy/define-format.ts";
export type { CertificateEncoding } from "./proxy/encodings.ts";
export { apache } from "./proxy/formats/apache.ts";
export { awsAlb, type AwsAlbOptions, cloudFront } from "./proxy/formats/aws.ts";
export { azureApplicationGateway, azureAppService, azureContainerApps } from "./proxy/formats/azure.ts";
export { caddy } from "./proxy/formats/caddy.ts";
export { cloudFoundry } from "./proxy/formats/cloud-foundry.ts";
export { cloudflare } from "./proxy/formats/cloudflare.ts";
export { envoy, type EnvoyOptions } from "./proxy/formats/envoy.ts";
export { forwardedHeader, type ForwardedHeaderOptions } from "./proxy/formats/forwarded-header.ts";
export { gcp, type GcpOptions } from "./proxy/formats/gcp.ts";
export { haproxy, type HaproxyOptions, openShift } from "./proxy/formats/haproxy.ts";
export { kong } from "./proxy/formats/kong.ts";
export { ingressNginx, nginx } from "./proxy/formats/nginx.ts";
export { rfc9440 } from "./proxy/formats/rfc9440.ts";
export { traefik } from "./proxy/formats/traefik.ts";
export type { ForwardedCertificateFormat, VerifyHeader } from "./proxy/forwarded-format.ts";
export { fromProxy, type FromProxyOptions } from "./proxy/from-proxy.ts";
export type { TrustedProxy } from "./proxy/trusted-proxy.ts";
