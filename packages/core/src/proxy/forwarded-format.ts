import type { ClientCertificate } from "../certificate/client-certificate.ts";
import { isJsonObject } from "../values/json-object.ts";
import { nonEmptyList, nonEmptyString, type OptionRule } from "../values/known-options.ts";
import { withoutPrototype } from "../values/object-member.ts";

/** How one kind of proxy forwards the client's certificate. */
export interface ForwardedCertificateFormat {
  /** The one header that is read. */
  readonly header: string;
  /**
   * Decodes its value; undefined when that says that there is no certificate. Throws an AccessTokenError with an
   * `ERR_CERTIFICATE_*` code. It depends on the value alone: what it returned for one is cached. It must be synchronous, and
   * have no effects: it may be called twice for a request.
   */
  readonly decode: (value: string) => ClientCertificate | undefined;
  /** Headers that must come with the certificate, exactly once each. */
  readonly verify?: VerifyHeader | readonly VerifyHeader[] | undefined;
  /** True for products that are known to pass the client's own header: an address alone proves nothing then. */
  readonly demandsSecret?: boolean | undefined;
}

/** A header in which the proxy says what it found when it verified the certificate. */
export interface VerifyHeader {
  readonly header: string;
  /** The accepted values, exactly, or a synchronous function that accepts them, and may be called twice for a request. */
  readonly success: string | readonly string[] | ((value: string) => boolean);
  /**
   * True where these values say that the proxy verified the chain: then `ClientCertificate` says so as well. On a resumed TLS
   * session, the values can be those of an earlier handshake.
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
