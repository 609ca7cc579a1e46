import { type VerifiedOptions, verifiedFormat } from "../define-format.ts";
import type { ForwardedCertificateFormat } from "../forwarded-format.ts";
import { haproxyVerification } from "./haproxy.ts";

/**
 * The OpenShift router: `X-SSL-Client-DER` and `X-SSL-Client-Verify`.
 *
 * Routers before the fix of CVE-2026-46579 pass the client's own headers on plain HTTP routes.
 */
export function openShift(options: VerifiedOptions = {}): ForwardedCertificateFormat {
  const format = verifiedFormat(options, {
    header: "x-ssl-client-der",
    encoding: "der-base64",
    verify: haproxyVerification,
  });
  // Its template asks for quotes, which no released HAProxy writes here.
  const decode = (value: string) => (value === '""' ? undefined : format.decode(value.replace(/^"(.*)"$/, "$1")));
  return Object.freeze({ ...format, decode });
}
