import type { ClientCertificate } from "./certificate/client-certificate.ts";
import type { AccessTokenError } from "./errors.ts";

/** The confirmation claim (RFC 7800 section 3.1, RFC 8705 section 3.1). */
export interface Confirmation {
  readonly "x5t#S256"?: string;
  readonly [member: string]: unknown;
}

/**
 * The claims of a verified access token: frozen, and to be read by own property.
 *
 * Members with a type were checked to be of it. The one exception is `cnf` under `"report-only"` when the binding was
 * rejected: then it is whatever the token says.
 */
export interface AccessTokenClaims {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: string | readonly string[];
  /** Seconds since the epoch, as `nbf` and `iat`. */
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

/** What was found when the token's confirmation claim was compared with the client's certificate. */
export type BindingOutcome =
  | { readonly binding: "verified"; readonly clientCertificate: ClientCertificate }
  | {
      /** Under `"when-bound"` only: the token has no `cnf`, and was accepted as a plain bearer token. */
      readonly binding: "unbound";
      readonly clientCertificate: undefined;
      /** A certificate that the client presented and that proves nothing about the token. */
      readonly presentedCertificate: ClientCertificate | undefined;
    }
  | {
      /**
       * Under `"report-only"` only: with required binding, the binding or the certificate policy would have rejected this
       * token.
       */
      readonly binding: "rejected";
      readonly clientCertificate: undefined;
      readonly presentedCertificate: ClientCertificate | undefined;
      readonly bindingError: AccessTokenError;
    };

/** An access token that was accepted. */
export type AccessToken = {
  readonly claims: AccessTokenClaims;
  readonly format: "jwt" | "opaque";
} & BindingOutcome;
