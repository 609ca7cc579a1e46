import { AccessTokenError, type AccessTokenErrorCode, type Requirements, type VerifyOptions } from "@certbound/core";
import { tamperSignature } from "@certbound/testing";
import { NOW } from "../helpers/parties.ts";
import type { Planted } from "./planted.ts";

/** A request that is rejected, described by its differences from one that is accepted. */
export interface RejectedRequest {
  readonly token?: (planted: Planted) => string | Promise<string>;
  readonly presents?: "client" | "thief" | "none";
  readonly verifier?: keyof Planted["verifiers"];
  readonly requirements?: Requirements<unknown>;
  /** The header fields that replace the Authorization header. */
  readonly fields?: (token: string) => readonly (readonly [string, string])[];
  /** The header fields of a proxy, which contain the certificate. */
  readonly proxy?: (planted: Planted) => readonly (readonly [string, string])[];
  /** The certificate for `verify()`; `"none"`: `verify()` cannot reject with this code. */
  readonly certificate?: "none" | ((planted: Planted) => VerifyOptions["clientCertificate"]);
}

/** A requirement of the route, which the client may learn, unlike everything else here. */
export const ROUTE_SCOPE = "what-the-route-asks-for";

const opaque = { verifier: "introspecting" } as const;

/** A request for every error code; the type requires all of them. */
export const rejections: Readonly<Record<AccessTokenErrorCode, RejectedRequest>> = {
  ERR_TOKEN_MISSING: { fields: (token) => [["x-authorization", `Bearer ${token}`]], certificate: "none" },
  ERR_REQUEST_MALFORMED: { fields: (token) => [["authorization", `Bearer ${token} ${token}`]], certificate: "none" },
  ERR_TOKEN_MALFORMED: { token: async ({ token }) => `${await token()}.planted` },
  ERR_TOKEN_ALGORITHM: { token: ({ token }) => token({ header: { alg: "planted" } }) },
  ERR_TOKEN_KEY_UNKNOWN: { token: ({ token, secrets }) => token({ header: { kid: `${String(secrets["kid"])}2` } }) },
  ERR_TOKEN_SIGNATURE: { token: async ({ token }) => tamperSignature(await token()) },
  ERR_TOKEN_TYPE: { token: ({ token, secrets }) => token({ header: { typ: secrets["kid"] } }) },
  ERR_TOKEN_ISSUER: { token: ({ token, secrets }) => token({ claims: { iss: secrets["email"] } }) },
  ERR_TOKEN_AUDIENCE: { token: ({ token, secrets }) => token({ claims: { aud: [secrets["email"]] } }) },
  ERR_TOKEN_EXPIRED: { token: ({ token }) => token({ expiresIn: -60 }) },
  ERR_TOKEN_NOT_YET_VALID: { token: ({ token }) => token({ claims: { nbf: NOW + 60 } }) },
  ERR_TOKEN_CLAIM: { token: ({ token, secrets }) => token({ claims: { exp: secrets["email"] } }) },
  ERR_TOKEN_INACTIVE: { ...opaque, token: ({ opaqueToken }) => opaqueToken({ active: false }) },
  ERR_BINDING_REQUIRED: { token: ({ token }) => token({ claims: { cnf: undefined } }) },
  ERR_BINDING_MALFORMED: {
    token: ({ token, client }) =>
      token({ claims: { cnf: { "x5t#S256": Buffer.from(client.thumbprint, "base64url").toString("hex") } } }),
  },
  ERR_BINDING_UNSUPPORTED: { token: ({ token, client }) => token({ claims: { cnf: { jkt: client.thumbprint } } }) },
  ERR_BINDING_MISMATCH: { presents: "thief", certificate: ({ thief }) => thief.certificate },
  ERR_CERTIFICATE_MISSING: { presents: "none", certificate: () => null },
  ERR_CERTIFICATE_MALFORMED: {
    proxy: ({ proxyFields, client }) => proxyFields(`${client.certificate}planted`),
    certificate: ({ client }) => `${client.certificate}planted`,
  },
  ERR_CERTIFICATE_UNTRUSTED: {
    proxy: ({ proxyFields, client }) => [...proxyFields(client.certificate), ["x-proxy-secret", client.thumbprint]],
    certificate: () => new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED", { detail: "the application says so" }),
  },
  ERR_AUTHENTICATION_INSUFFICIENT: { requirements: { acrValues: [ROUTE_SCOPE] } },
  ERR_SCOPE_INSUFFICIENT: { requirements: { scopes: [ROUTE_SCOPE] } },
  ERR_ACCESS_DENIED: { requirements: { groups: [ROUTE_SCOPE] } },
  ERR_KEYS_UNAVAILABLE: { verifier: "unreachable" },
  ERR_INTROSPECTION_UNAVAILABLE: { verifier: "failing", token: ({ opaqueToken }) => opaqueToken() },
};
