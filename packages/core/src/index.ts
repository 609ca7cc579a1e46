export type { AccessToken, AccessTokenClaims, BindingOutcome, Confirmation } from "./access-token.ts";
export {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  type RequestOptions,
} from "./authenticator.ts";
export { type BindingMode, type ConfirmationClaims, verifyCertificateBinding } from "./binding.ts";
export type { AlternativeNames } from "./certificate-policy/alternative-names.ts";
export type {
  CertificateContext,
  CertificateDecision,
  CertificatePolicy,
} from "./certificate-policy/certificate-policy.ts";
export { certificateRules, type CertificateRules, type TenantRule } from "./certificate-policy/certificate-rules.ts";
export type { CertificateSelection } from "./certificate-policy/certificate-selection.ts";
export { certificateTenants, type CertificateTenants } from "./certificate-policy/certificate-tenants.ts";
export { certificateThumbprint, type ClientCertificate, type ClientCertificateInput } from "./client-certificate.ts";
export type {
  IssuerOptions,
  IssuerSettings,
  JsonWebKeySet,
  SignatureAlgorithm,
  VerifierOptions,
} from "./configuration.ts";
export type { TokenResolver } from "./credentials.ts";
export type { DecisionEvent } from "./decision.ts";
export type { IntrospectionEvent, KeysEvent } from "./diagnostics.ts";
export {
  AccessTokenError,
  type AccessTokenErrorCode,
  type AccessTokenErrorOptions,
  type CertificateErrorCode,
  type Challenge,
} from "./errors.ts";
export type { IncomingRequest, NodeRequest, NodeSocket } from "./incoming-request.ts";
export type {
  ClientAuthenticationMethod,
  ClientTls,
  IntrospectionCache,
  IntrospectionOptions,
} from "./introspection-configuration.ts";
export type { Profile } from "./profiles.ts";
export { protectedResourceMetadata, type ProtectedResourceOptions } from "./protected-resource-metadata.ts";
export type { ProtectedResource, ProtectedResourceMetadata } from "./protected-resource.ts";
export { httpRejection, type HttpRejection, type RejectionOptions } from "./rejection.ts";
export type { Requirements } from "./requirements.ts";
export type { ClientCertificateResolver, ResolvedCertificate } from "./resolvers/certificate-resolver.ts";
export type { EncodedOptions, HeaderOptions, UnstrippedOptions, VerifiedOptions } from "./resolvers/define-format.ts";
export type { CertificateEncoding } from "./resolvers/encodings.ts";
export { apache } from "./resolvers/formats/apache.ts";
export { awsAlb, type AwsAlbOptions } from "./resolvers/formats/aws-alb.ts";
export { azureAppService } from "./resolvers/formats/azure-app-service.ts";
export { azureApplicationGateway } from "./resolvers/formats/azure-application-gateway.ts";
export { azureContainerApps } from "./resolvers/formats/azure-container-apps.ts";
export { caddy } from "./resolvers/formats/caddy.ts";
export { cloudFoundry } from "./resolvers/formats/cloud-foundry.ts";
export { cloudFront } from "./resolvers/formats/cloud-front.ts";
export { cloudflare } from "./resolvers/formats/cloudflare.ts";
export { envoy, type EnvoyOptions } from "./resolvers/formats/envoy.ts";
export { forwardedHeader, type ForwardedHeaderOptions } from "./resolvers/formats/forwarded-header.ts";
export { gcp, type GcpOptions } from "./resolvers/formats/gcp.ts";
export { haproxy, type HaproxyOptions } from "./resolvers/formats/haproxy.ts";
export { ingressNginx } from "./resolvers/formats/ingress-nginx.ts";
export { kong } from "./resolvers/formats/kong.ts";
export { nginx } from "./resolvers/formats/nginx.ts";
export { openShift } from "./resolvers/formats/open-shift.ts";
export { rfc9440 } from "./resolvers/formats/rfc9440.ts";
export { traefik } from "./resolvers/formats/traefik.ts";
export type { ForwardedCertificateFormat, VerifyHeader } from "./resolvers/forwarded-format.ts";
export { fromProxy, type FromProxyOptions } from "./resolvers/from-proxy.ts";
export { tlsCertificate } from "./resolvers/tls-certificate.ts";
export type { TrustedProxy } from "./resolvers/trusted-proxy.ts";
export { createVerifier, type Verifier } from "./verifier.ts";
export type { VerifyOptions } from "./verify-options.ts";
