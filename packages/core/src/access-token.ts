import type { ClientCertificate } from "./certificate/client-certificate.ts";
import type { AccessTokenError } from "./errors.ts";

/** The confirmation claim (RFC 7800 section 3.1, RFC 8705 section 3.1). */
export interface Confirmation {
  readonly "x5t#S256"?: string;
  readonly [member: string]: unknown;
}

/**
 * The claims of a verified access token, frozen.
 *
 * The types of the members below are checked, with one exception: if the binding is `"rejected"`, `cnf` can have any type.
 * Only own members are claims: use `Object.hasOwn` if `Object.prototype` may be polluted.
 */
export interface AccessTokenClaims {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: string | readonly string[];
  /** Seconds since the epoch, like `nbf` and `iat`. */
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
  readonly jti?: string;
  readonly client_id?: string;
  /** Scopes separated by spaces (RFC 8693 section 4.2); some issuers send a list. */
  readonly scope?: string | readonly string[];
  readonly cnf?: Confirmation;
  readonly [claim: string]: unknown;
}

/** The result of comparing the token's `cnf` with the client's certificate. */
export type BindingOutcome =
  | { readonly binding: "verified"; readonly clientCertificate: ClientCertificate }
  | {
      /** Only under `"when-bound"`: the token has no `cnf` and was accepted as a plain bearer token. */
      readonly binding: "unbound";
      readonly clientCertificate: undefined;
      /** The certificate that the client presented, if any. The token is not bound to it. */
      readonly presentedCertificate: ClientCertificate | undefined;
    }
  | {
      /**
       * Only under `"report-only"`: the mode `true` would have rejected this token, because of its binding or the certificate
       * policy.
       */
      readonly binding: "rejected";
      readonly clientCertificate: undefined;
      readonly presentedCertificate: ClientCertificate | undefined;
      readonly bindingError: AccessTokenError;
    };

/** An accepted access token. */
export type AccessToken = {
  readonly claims: AccessTokenClaims;
  /** `opaque` if the claims come from an introspection response, which includes JWTs under `jwtsAsOpaque`. */
  readonly format: "jwt" | "opaque";
} & BindingOutcome;
