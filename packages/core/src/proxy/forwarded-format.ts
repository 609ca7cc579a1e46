import type { ClientCertificate } from "../certificate/client-certificate.ts";
import { isJsonObject } from "../values/json-object.ts";
import { nonEmptyList, nonEmptyString, type OptionRule } from "../values/known-options.ts";
import { withoutPrototype } from "../values/object-member.ts";

/** How a proxy forwards the client's certificate. */
export interface ForwardedCertificateFormat {
  /** The header with the certificate. */
  readonly header: string;
  /**
   * Decodes the value of the header. Returns undefined if the value means that the client presented no certificate. Throws an
   * AccessTokenError with an `ERR_CERTIFICATE_*` code to reject the value.
   *
   * The function must be synchronous, must not have side effects, and must depend only on the value: results are cached, and
   * the function may be called twice for a request.
   */
  readonly decode: (value: string) => ClientCertificate | undefined;
  /** Headers that are required in addition to the certificate, exactly once each. */
  readonly verify?: VerifyHeader | readonly VerifyHeader[] | undefined;
  /**
   * True for proxies that are known to forward a certificate header that the client sent. `trust.secret` is then required,
   * because the address of the proxy does not prove that the proxy set the header.
   */
  readonly demandsSecret?: boolean | undefined;
}

/** A header in which the proxy reports the result of its certificate verification. */
export interface VerifyHeader {
  readonly header: string;
  /** The accepted values, compared exactly, or a synchronous function, which may be called twice for a request. */
  readonly success: string | readonly string[] | ((value: string) => boolean);
  /**
   * True if the accepted values mean that the proxy verified the chain: `chainVerified` of the certificate is then true. In
   * a resumed TLS session, a value can be the result of an earlier handshake.
   */
  readonly provesChain?: boolean | undefined;
}

/** Accepts the name of a header field (RFC 9110 section 5.1). */
export const headerName: OptionRule = {
  expected: "the name of a header field",
  accepts: (value) => typeof value === "string" && /^[\w!#$%&'*+.^`|~-]+$/.test(value),
};

const verifyHeader: OptionRule = { expected: "{ header, success, provesChain }", accepts: isVerifyHeader };

/** Accepts a verify header, or a list of them. */
export const verifyRule: OptionRule = {
  expected: "{ header, success, provesChain }, or a non-empty array of them",
  accepts: (value) => isVerifyHeader(value) || nonEmptyList(verifyHeader).accepts(value),
};

function isVerifyHeader(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { header, success, provesChain = false, ...unknown } = withoutPrototype(value);
  if (!headerName.accepts(header) || Object.keys(unknown).length > 0) return false;
  if (typeof provesChain !== "boolean") return false;
  return (
    typeof success === "function" || nonEmptyString.accepts(success) || nonEmptyList(nonEmptyString).accepts(success)
  );
}
