import type { Identity } from "@certbound/testing";
import { X509Certificate } from "node:crypto";
import type { ClientAuthenticationMetadata, ClientMetadata } from "oidc-provider";

// #region client
/** Registers a client whose tokens are bound to its certificate. */
export function registerClient(id: string, authentication: ClientAuthenticationMetadata): ClientMetadata {
  return {
    ...registerApi(id, authentication),
    grant_types: ["client_credentials"],
    tls_client_certificate_bound_access_tokens: true,
  };
}
// #endregion

/** Registers an API, which can introspect tokens but cannot obtain any. */
export function registerApi(id: string, authentication: ClientAuthenticationMetadata): ClientMetadata {
  return { client_id: id, grant_types: [], response_types: [], redirect_uris: [], ...authentication };
}

/** Identifies a client by the subject of its CA-issued certificate: `tls_client_auth` (RFC 8705 section 2.1). */
export function tlsClientAuth({ certificate }: Identity): ClientAuthenticationMetadata {
  return {
    token_endpoint_auth_method: "tls_client_auth",
    tls_client_auth_subject_dn: new X509Certificate(certificate).subject,
  };
}

/** Identifies a client by its self-signed certificate: `self_signed_tls_client_auth` (RFC 8705 section 2.2). */
export function selfSignedTlsClientAuth({ certificate }: Identity): ClientAuthenticationMetadata {
  const { publicKey, raw } = new X509Certificate(certificate);
  return {
    token_endpoint_auth_method: "self_signed_tls_client_auth",
    jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), x5c: [raw.toString("base64")] }] },
  };
}
