import type { ClientAuthenticationMethod, ClientTls, IntrospectionOptions } from "@certbound/core";
import { type CertificateAuthority, createSelfSignedCertificate, type Identity } from "@certbound/testing";
import { createPublicKey, randomBytes } from "node:crypto";
import type { ClientAuthenticationMetadata, ClientMetadata, Jwk } from "oidc-provider";
import { createSigningKey } from "./provider.ts";
import { registerApi, selfSignedTlsClientAuth, tlsClientAuth } from "./registration.ts";

/** An API that introspects tokens, as a client of the authorization server. */
export interface ApiClient {
  readonly metadata: ClientMetadata;
  /** The credentials that the API is registered with. */
  readonly credentials: IntrospectionOptions;
  /** Credentials of the same kind that the API is not registered with. */
  readonly wrongCredentials: IntrospectionOptions;
}

/** One API for each authentication method that oidc-provider supports, except `none`. */
export type ApiClients = Readonly<Record<Exclude<ClientAuthenticationMethod, "bearer" | "none">, ApiClient>>;

const KEY_ID = "api";

/** Creates one API per authentication method; the CA issues the certificate for `tls_client_auth`. */
export async function createApiClients(authority: CertificateAuthority): Promise<ApiClients> {
  const [issued, otherIssued, selfSigned, otherSelfSigned] = await Promise.all([
    authority.issueClientCertificate({ commonName: "api" }),
    authority.issueClientCertificate({ commonName: "another api" }),
    createSelfSignedCertificate({ commonName: "api" }),
    createSelfSignedCertificate({ commonName: "api" }),
  ]);
  const tls = ({ certificate: cert, key }: Identity): { readonly clientTls: ClientTls } => ({
    clientTls: { cert, key, ca: authority.certificate },
  });
  return {
    client_secret_basic: withSecret("client_secret_basic"),
    client_secret_post: withSecret("client_secret_post"),
    private_key_jwt: withKey(),
    tls_client_auth: apiClient(tlsClientAuth(issued), [tls(issued), tls(otherIssued)]),
    self_signed_tls_client_auth: apiClient(selfSignedTlsClientAuth(selfSigned), [
      tls(selfSigned),
      tls(otherSelfSigned),
    ]),
  };
}

function withSecret(method: "client_secret_basic" | "client_secret_post"): ApiClient {
  const [right, wrong] = [secret(), secret()];
  const authentication = { token_endpoint_auth_method: method, client_secret: right };
  return apiClient(authentication, [{ clientSecret: right }, { clientSecret: wrong }]);
}

/** Returns a secret with characters that must be encoded in a request (RFC 6749 section 2.3.1). */
function secret(): string {
  return `+/ :%${randomBytes(32).toString("base64")}`;
}

function withKey(): ApiClient {
  const [right, wrong] = [createSigningKey(KEY_ID), createSigningKey(KEY_ID)];
  const authentication = { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [publicKey(right)] } } as const;
  return apiClient(authentication, [{ clientKey: right }, { clientKey: wrong }]);
}

function publicKey(key: Jwk): Jwk {
  return { ...createPublicKey({ key, format: "jwk" }).export({ format: "jwk" }), kid: KEY_ID };
}

type Credentials = Omit<IntrospectionOptions, "clientId" | "clientAuthentication">;

function apiClient(
  authentication: ClientAuthenticationMetadata,
  [right, wrong]: readonly [Credentials, Credentials],
): ApiClient {
  const clientAuthentication = authentication.token_endpoint_auth_method;
  const clientId = `${clientAuthentication}-api`;
  return {
    metadata: registerApi(clientId, authentication),
    credentials: { clientId, clientAuthentication, ...right },
    wrongCredentials: { clientId, clientAuthentication, ...wrong },
  };
}
