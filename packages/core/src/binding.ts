import type { BindingOutcome } from "./access-token.ts";
import {
  type ClientCertificate,
  type ClientCertificateInput,
  parseClientCertificate,
} from "./certificate/client-certificate.ts";
import { AccessTokenError, rejected } from "./errors.ts";
import { isJsonObject, type JsonObject, ownMember } from "./values/json-object.ts";
import { isThumbprint, THUMBPRINT_OF_NOTHING } from "./values/thumbprint.ts";

/** Claims that may hold a confirmation. */
export type ConfirmationClaims = { readonly cnf?: unknown } | { readonly [claim: string]: unknown };

/**
 * How the binding of a token to the client's certificate is judged.
 *
 * `true`: the token must be bound, and match. `"when-bound"`: a token without any `cnf` passes as a plain bearer token,
 * one with `cnf` must match. `"report-only"`: judged like `true`, but nothing is rejected for it.
 */
export type BindingMode = true | "when-bound" | "report-only";

/** The client's certificate, or why there is none. */
export type PresentedCertificate = ClientCertificate | AccessTokenError;

/** Members of `cnf` that name a key of the client (RFC 9449 section 6.1, RFC 7800 sections 3.2, 3.3 and 3.5); not `kid`. */
export const keyMembers: readonly string[] = ["jkt", "jwk", "jwe", "jku"];

/**
 * Verifies that claims are bound to a certificate: that `cnf.x5t#S256` is its SHA-256 thumbprint (RFC 8705 section 3.1).
 *
 * The claims must come from a token that was verified. It does not check the certificate's validity, chain or
 * revocation, nor that the client holds its key, which the TLS handshake proves.
 *
 * @param certificate null or `""`: the client presented none
 * @throws AccessTokenError `ERR_CERTIFICATE_MISSING`, `ERR_CERTIFICATE_MALFORMED`, `ERR_BINDING_REQUIRED`,
 *   `ERR_BINDING_MALFORMED`, `ERR_BINDING_UNSUPPORTED` or `ERR_BINDING_MISMATCH`
 */
export function verifyCertificateBinding(claims: ConfirmationClaims, certificate: ClientCertificateInput | null): void {
  if (!isJsonObject(claims)) throw new TypeError("certbound: the claims must be an object");
  const bound = boundCertificate(claims, presentedCertificate(certificate));
  if (bound instanceof AccessTokenError) throw bound;
}

/** Turns what a resolver or caller gave into the client's certificate, or into the reason why there is none. */
export function presentedCertificate(input: ClientCertificateInput | AccessTokenError | null): PresentedCertificate {
  if (input instanceof AccessTokenError) return input;
  try {
    return parseClientCertificate(input) ?? missing();
  } catch (error) {
    if (error instanceof AccessTokenError) return error;
    throw error;
  }
}

/**
 * Rejects a client without a usable certificate where every token must be bound to one.
 *
 * @throws AccessTokenError `ERR_CERTIFICATE_*`: why there is none
 */
export function requireCertificate(certificate: PresentedCertificate, mode: BindingMode): void {
  if (mode === true && certificate instanceof AccessTokenError) throw certificate;
}

/**
 * Judges the binding of a token in one of the modes: a `cnf` in any of its sources binds, and each must match.
 *
 * @param sources the claims of the token; of a JWT that was introspected, the issuer's answer as well
 * @throws AccessTokenError as {@link verifyCertificateBinding}, or why there is no certificate, except under `"report-only"`
 */
export function judgeBinding(
  sources: readonly ConfirmationClaims[],
  certificate: PresentedCertificate,
  mode: BindingMode,
): BindingOutcome {
  const presented = certificate instanceof AccessTokenError ? undefined : certificate;
  const none = { clientCertificate: undefined, presentedCertificate: presented } as const;
  const binding = sources.filter((claims) => Object.hasOwn(claims, "cnf"));
  if (mode === "when-bound" && binding.length === 0) return { binding: "unbound", ...none };
  const [first = {}, ...others] = binding;
  const bound = others.reduce<ClientCertificate | AccessTokenError>(
    (found, claims) => (found instanceof AccessTokenError ? found : boundCertificate(claims, found)),
    boundCertificate(first, certificate),
  );
  if (!(bound instanceof AccessTokenError)) return { binding: "verified", clientCertificate: bound };
  if (mode !== "report-only") throw bound;
  return { binding: "rejected", ...none, bindingError: bound };
}

/** Returns whether claims are bound to a certificate, and by nothing else. */
export function isBoundTo(claims: ConfirmationClaims, { thumbprint }: ClientCertificate): boolean {
  const confirmation = ownMember(claims, "cnf");
  // The certificate's thumbprint is canonical, so that equal text is equal bytes; thumbprints are not secrets.
  return (
    isJsonObject(confirmation) &&
    ownMember(confirmation, "x5t#S256") === thumbprint &&
    !keyMembers.some((name) => Object.hasOwn(confirmation, name))
  );
}

// From here on an error is returned: under "report-only" it is part of the result.

function boundCertificate(
  claims: ConfirmationClaims,
  certificate: PresentedCertificate,
): ClientCertificate | AccessTokenError {
  if (certificate instanceof AccessTokenError) return certificate;
  return isBoundTo(claims, certificate) ? certificate : mismatch(ownMember(claims, "cnf"));
}

/** Says why `cnf` does not name the certificate alone: another method, another certificate, or another shape. */
function mismatch(confirmation: unknown): AccessTokenError {
  if (confirmation === undefined)
    return rejected("ERR_BINDING_REQUIRED", "it has no cnf: does the issuer bind tokens?");
  if (!isJsonObject(confirmation)) return rejected("ERR_BINDING_MALFORMED", "cnf is not an object");
  if (!Object.hasOwn(confirmation, "x5t#S256")) {
    if (Object.keys(confirmation).length === 0) return rejected("ERR_BINDING_MALFORMED", "cnf is empty");
    return rejected("ERR_BINDING_UNSUPPORTED", "cnf has no x5t#S256, only methods that are not checked here");
  }
  const thumbprint = confirmation["x5t#S256"];
  if (typeof thumbprint !== "string") return rejected("ERR_BINDING_MALFORMED", "x5t#S256 is not a string");
  if (!isThumbprint(thumbprint))
    return rejected("ERR_BINDING_MALFORMED", `x5t#S256 is not a thumbprint: ${seen(thumbprint)}`);
  if (thumbprint === THUMBPRINT_OF_NOTHING) {
    return rejected("ERR_BINDING_MALFORMED", "x5t#S256 is the SHA-256 of nothing: the issuer saw no certificate");
  }
  const mismatched = "the certificate has another thumbprint than cnf names: stolen, or renewed?";
  return boundByKey(confirmation) ?? rejected("ERR_BINDING_MISMATCH", mismatched);
}

/**
 * Rejects a confirmation that names a key next to the certificate: a DPoP-bound token must come with a proof (RFC 9449
 * section 7.1), and `cnf` names a single key (RFC 7800 section 3.1). Other members are ignored, `kid` among them.
 */
function boundByKey(confirmation: JsonObject): AccessTokenError | undefined {
  const member = keyMembers.find((name) => Object.hasOwn(confirmation, name));
  if (member === undefined) return undefined;
  return rejected("ERR_BINDING_UNSUPPORTED", `cnf has ${member} next to x5t#S256, and no proof of that key is checked`);
}

function seen(text: string): string {
  if (/^[\da-f:]+$/i.test(text)) return `it holds ${text.replaceAll(":", "").length} hexadecimal digits, not base64url`;
  if (/[+/=]/.test(text)) return "it is base64, not base64url without padding";
  return `it has ${text.length} characters; 43 of canonical base64url were expected`;
}

function missing(): AccessTokenError {
  return rejected(
    "ERR_CERTIFICATE_MISSING",
    "there is no client certificate: is requestCert set on the server, or a resolver configured for its proxy?",
  );
}
