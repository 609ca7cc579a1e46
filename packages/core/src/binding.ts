import type { BindingOutcome } from "./access-token.ts";
import {
  type ClientCertificate,
  type ClientCertificateInput,
  parseClientCertificate,
} from "./certificate/client-certificate.ts";
import { AccessTokenError, rejected } from "./errors.ts";
import { isJsonObject, type JsonObject, ownMember } from "./values/json-object.ts";
import { isThumbprint, THUMBPRINT_OF_EMPTY_INPUT } from "./values/thumbprint.ts";

/** Claims that may include `cnf`. */
export type ConfirmationClaims = { readonly cnf?: unknown } | { readonly [claim: string]: unknown };

/**
 * How the binding of a token to the client's certificate is enforced.
 *
 * - `true`: the token must be bound to the client's certificate.
 * - `"when-bound"`: a token with `cnf` must be bound to the client's certificate; a token without `cnf` is accepted as a plain
 *   bearer token.
 * - `"report-only"`: performs the same checks as `true`, but only reports a failed check: no token is rejected because of
 *   its binding.
 */
export type BindingMode = true | "when-bound" | "report-only";

/** The client's certificate, or the reason why it is missing or unusable. */
export type PresentedCertificate = ClientCertificate | AccessTokenError;

/** The members of `cnf` that identify a key (RFC 9449 section 6.1, RFC 7800 sections 3.2, 3.3 and 3.5), except `kid`. */
export const keyMembers: readonly string[] = ["jkt", "jwk", "jwe", "jku"];

/**
 * Verifies that a token is bound to a certificate: `cnf.x5t#S256` must be the certificate's SHA-256 thumbprint (RFC 8705
 * section 3.1).
 *
 * Pass the claims of a token that is already verified. Not checked: the certificate's validity period, chain and revocation,
 * and whether the client holds the private key (the TLS handshake proves this).
 *
 * @example
 * <!-- source: test/api-examples/core.examples.ts#verifyCertificateBinding -->
 * ```ts
 * const claims = await verifySignature(token); // by a JWT library, with issuer, audience and times
 *
 * // Throws an AccessTokenError if the token is not bound to the certificate of this client.
 * verifyCertificateBinding(claims, tlsCertificate(request));
 * ```
 *
 * @param certificate null or `""` if the client presented no certificate
 * @throws AccessTokenError `ERR_CERTIFICATE_MISSING`, `ERR_CERTIFICATE_MALFORMED`, `ERR_BINDING_REQUIRED`,
 *   `ERR_BINDING_MALFORMED`, `ERR_BINDING_UNSUPPORTED` or `ERR_BINDING_MISMATCH`
 */
export function verifyCertificateBinding(claims: ConfirmationClaims, certificate: ClientCertificateInput | null): void {
  if (!isJsonObject(claims)) throw new TypeError("certbound: the claims must be an object");
  const bound = boundCertificate(claims, presentedCertificate(certificate));
  if (bound instanceof AccessTokenError) throw bound;
}

/** Parses the certificate that a resolver or caller passed. Returns an error if it is missing or malformed. */
export function presentedCertificate(input: ClientCertificateInput | AccessTokenError | null): PresentedCertificate {
  if (input instanceof AccessTokenError) return input;
  try {
    return parseClientCertificate(input) ?? certificateMissing();
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
}

/**
 * Rejects a client without a usable certificate if the binding is required.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_*`
 */
export function requireCertificate(certificate: PresentedCertificate, mode: BindingMode): void {
  if (mode === true && certificate instanceof AccessTokenError) throw certificate;
}

/**
 * Compares the `cnf` of every source with the certificate, and applies the mode to the result. A source without `cnf` is
 * ignored if another source has one.
 *
 * @param sources the claims of the token and, for an introspected JWT, the introspection response
 * @throws AccessTokenError with the codes of {@link verifyCertificateBinding}, except under `"report-only"`
 */
export function evaluateBinding(
  sources: readonly ConfirmationClaims[],
  certificate: PresentedCertificate,
  mode: BindingMode,
): BindingOutcome {
  const presented = certificate instanceof AccessTokenError ? undefined : certificate;
  const notBound = { clientCertificate: undefined, presentedCertificate: presented } as const;
  const withCnf = sources.filter((claims) => Object.hasOwn(claims, "cnf"));
  if (mode === "when-bound" && withCnf.length === 0) return { binding: "unbound", ...notBound };
  const [first = {}, ...others] = withCnf;
  const bound = others.reduce<ClientCertificate | AccessTokenError>(
    (result, claims) => (result instanceof AccessTokenError ? result : boundCertificate(claims, result)),
    boundCertificate(first, certificate),
  );
  if (!(bound instanceof AccessTokenError)) return { binding: "verified", clientCertificate: bound };
  if (mode !== "report-only") throw bound;
  return { binding: "rejected", ...notBound, bindingError: bound };
}

/** Returns whether claims are bound to a certificate, and to no other key. */
export function isBoundTo(claims: ConfirmationClaims, { thumbprint }: ClientCertificate): boolean {
  const confirmation = ownMember(claims, "cnf");
  // The certificate's thumbprint is canonical base64url, so comparing strings is enough. Thumbprints are not secret.
  return (
    isJsonObject(confirmation) &&
    ownMember(confirmation, "x5t#S256") === thumbprint &&
    !keyMembers.some((name) => Object.hasOwn(confirmation, name))
  );
}

// The functions below return errors instead of throwing them: under "report-only", the error is part of the result.

function boundCertificate(
  claims: ConfirmationClaims,
  certificate: PresentedCertificate,
): ClientCertificate | AccessTokenError {
  if (certificate instanceof AccessTokenError) return certificate;
  return isBoundTo(claims, certificate) ? certificate : bindingError(ownMember(claims, "cnf"));
}

/** Returns the error for a `cnf` that is missing, malformed or unsupported, or that identifies another certificate. */
function bindingError(confirmation: unknown): AccessTokenError {
  if (confirmation === undefined)
    return rejected("ERR_BINDING_REQUIRED", "the token has no cnf (does the issuer bind tokens to certificates?)");
  if (!isJsonObject(confirmation)) return rejected("ERR_BINDING_MALFORMED", "cnf is not an object");
  if (!Object.hasOwn(confirmation, "x5t#S256")) {
    if (Object.keys(confirmation).length === 0) return rejected("ERR_BINDING_MALFORMED", "cnf is empty");
    return rejected("ERR_BINDING_UNSUPPORTED", "cnf has no x5t#S256, only methods that are not supported");
  }
  const thumbprint = confirmation["x5t#S256"];
  if (typeof thumbprint !== "string") return rejected("ERR_BINDING_MALFORMED", "x5t#S256 is not a string");
  if (!isThumbprint(thumbprint))
    return rejected("ERR_BINDING_MALFORMED", `x5t#S256 is not a thumbprint: ${describeThumbprint(thumbprint)}`);
  if (thumbprint === THUMBPRINT_OF_EMPTY_INPUT) {
    const detail = "x5t#S256 is the SHA-256 of an empty input (did the issuer receive no certificate?)";
    return rejected("ERR_BINDING_MALFORMED", detail);
  }
  const mismatched = "certificate thumbprint does not match cnf.x5t#S256 (stolen token, or renewed certificate?)";
  return unsupportedKey(confirmation) ?? rejected("ERR_BINDING_MISMATCH", mismatched);
}

/**
 * Returns the error for a `cnf` that identifies a key in addition to the certificate; undefined for any other `cnf`.
 *
 * Such a token is rejected because `cnf` must identify a single key (RFC 7800 section 3.1), and because a DPoP-bound token
 * requires a proof (RFC 9449 section 7.1). All other members are ignored, including `kid`.
 */
function unsupportedKey(confirmation: JsonObject): AccessTokenError | undefined {
  const member = keyMembers.find((name) => Object.hasOwn(confirmation, name));
  if (member === undefined) return undefined;
  return rejected(
    "ERR_BINDING_UNSUPPORTED",
    `cnf has ${member} next to x5t#S256, but proof of possession of that key is not checked`,
  );
}

function describeThumbprint(text: string): string {
  if (/^[\da-f:]+$/i.test(text))
    return `it is hexadecimal (${text.replaceAll(":", "").length} digits); expected base64url`;
  if (/[+/=]/.test(text)) return "it is plain base64 or has padding; expected base64url without padding";
  return `it has ${text.length} characters; expected 43 characters of canonical base64url`;
}

function certificateMissing(): AccessTokenError {
  return rejected(
    "ERR_CERTIFICATE_MISSING",
    "no client certificate was presented (is requestCert set on the server, or certificateResolver for a proxy?)",
  );
}
