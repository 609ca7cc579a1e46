import { Buffer } from "node:buffer";
import { AccessTokenError } from "@certbound/core";
import { DEFAULT_MAX_HEADERS } from "@certbound/core/internal";
import { fileProblems } from "../inputs/certificate-file.ts";
import { printableValue } from "../rendering/printable.ts";
import type { Cause, Facts } from "./cause.ts";

const missing = ["ERR_CERTIFICATE_MISSING"] as const;
const malformed = ["ERR_CERTIFICATE_MALFORMED"] as const;
const untrusted = ["ERR_CERTIFICATE_UNTRUSTED"] as const;
/** Includes the mismatch, because core also accepts a DER signing request as a certificate and computes its thumbprint. */
const fileCodes = ["ERR_CERTIFICATE_MISSING", "ERR_CERTIFICATE_MALFORMED", "ERR_BINDING_MISMATCH"] as const;

/** The fix for a cause that explain cannot detect, because it does not see the connection. */
const renegotiation =
  'if the detail in the API\'s log names a TLS renegotiation, set minVersion: "TLSv1.3", or secureOptions: constants.SSL_OP_NO_RENEGOTIATION';

const fileCauses = Object.entries(fileProblems).map(([problem, found]): Cause => ({
  ...found,
  codes: fileCodes,
  applies: ({ presented }) => presented.file?.problem === problem,
}));

/** The causes of a missing, unreadable or untrusted client certificate. */
export const certificateCauses: readonly Cause[] = [
  ...fileCauses,
  {
    id: "no-certificate-presented",
    codes: missing,
    applies: ({ presented }) => presented.forwarded === undefined,
    reason: "the client presents no certificate on this connection",
    fix: `set requestCert on the server, and configure the client to send its certificate on every connection; behind a proxy, use fromProxy; ${renegotiation}`,
  },
  {
    id: "header-missing",
    codes: missing,
    applies: (facts) => value(facts) === undefined,
    reason: (facts) => `the header ${headerName(facts)} is missing, but ${formatCode(facts)} requires it`,
    fix: "configure the proxy to set the header for this host and location; check that the client does not list it in its Connection header",
  },
  {
    id: "header-empty",
    codes: missing,
    applies: (facts) => ["", "::", '""'].includes(value(facts) ?? ""),
    reason:
      "the proxy sent the header with an empty value: the client presented no certificate to the proxy, or its certificate is too large",
    fix: "check whether the proxy requests client certificates on this host (nginx: ssl_verify_client optional)",
  },
  {
    id: "header-says-null",
    codes: missing,
    applies: (facts) => value(facts) === "(null)",
    reason: "the proxy sent (null), which is how Apache writes an unset variable: the client presented no certificate",
    fix: "set SSLVerifyClient optional, and use %{SSL_CLIENT_CERT}s, not %{SSL_CLIENT_CERT}e",
  },
  {
    id: "header-placeholder",
    codes: missing,
    applies: (facts) => /[{}]/.test(value(facts) ?? ""),
    reason:
      "the proxy sent a placeholder that it did not replace: the client presented no certificate, or the name of the variable is misspelled",
    fix: "check whether the proxy requests client certificates, and the name of the variable in its documentation",
  },
  {
    id: "header-hash-of-nothing",
    codes: missing,
    reason: "the proxy sent the SHA-256 of an empty input: the client presented no certificate to the proxy",
    fix: "check whether the proxy requests client certificates on this host",
  },
  {
    id: "header-list-incomplete",
    codes: malformed,
    applies: ({ presented: { input } }) =>
      input instanceof AccessTokenError && input.detail?.includes("incomplete") === true,
    reason: `Node.js drops header fields beyond server.maxHeadersCount (${DEFAULT_MAX_HEADERS.toLocaleString("en")} by default), so certbound does not use any header of such a request; the API rejects its Authorization header with 400 (ERR_REQUEST_MALFORMED)`,
    fix: "raise server.maxHeadersCount, or configure the proxy to limit the number of header fields",
  },
  {
    id: "header-twice",
    codes: malformed,
    applies: ({ presented }) => (presented.forwarded?.values.length ?? 0) > 1,
    reason: (facts) =>
      `the header ${headerName(facts)} occurs more than once: the proxy probably adds its header to the one that the client sent`,
    fix: "configure the proxy to replace the header instead of adding it",
  },
  {
    id: "header-truncated",
    codes: malformed,
    applies: (facts) => isTruncated(value(facts) ?? ""),
    reason: "the certificate in the header is truncated",
    fix: "check the maximum length of a header or variable in the proxy, or configure the proxy to send the thumbprint instead",
  },
  {
    id: "header-sha1",
    codes: malformed,
    applies: (facts) => /^(?:sha1[:=])?(?:[\da-f]{2}:?){19}[\da-f]{2}$/i.test(value(facts) ?? ""),
    reason: "the header contains a SHA-1 fingerprint, which cannot be compared with x5t#S256",
    fix: "configure the proxy to send the certificate, or its SHA-256 fingerprint (nginx: $ssl_client_escaped_cert)",
  },
  {
    id: "header-xfcc-of-other-proxy",
    codes: malformed,
    applies: (facts) => /^(?:By|Hash|Cert|Chain|Subject|URI|DNS)=/i.test(value(facts) ?? "") && !isXfcc(facts),
    reason: (facts) =>
      `the header has the format of Envoy's x-forwarded-client-cert, but ${formatCode(facts)} reads another format`,
    fix: "configure envoy(), or azureContainerApps() in Azure Container Apps",
  },
  {
    id: "header-xfcc-without-hash",
    codes: malformed,
    applies: (facts) => isXfcc(facts) && !/(?:^|[;,])Hash=/i.test(value(facts) ?? ""),
    reason: "the element of x-forwarded-client-cert has no Hash, which Envoy always sends",
    fix: "set forward_client_cert_details: SANITIZE_SET, and find out what else sets this header",
  },
  {
    id: "header-xfcc-elements",
    codes: malformed,
    applies: (facts) => isXfcc(facts) && /,(?:By|Hash)=/i.test(value(facts) ?? ""),
    reason:
      "several proxies added an element to x-forwarded-client-cert, but the format expects another number of elements",
    fix: 'for a gateway and a sidecar, configure envoy({ elements: 2, index: 0, lastHopUri: "spiffe://..." }); at the edge, set SANITIZE_SET',
  },
  {
    id: "header-escaped-for-raw-format",
    codes: malformed,
    applies: (facts) => /^-----BEGIN(?:%20|\+)|%0A/i.test(value(facts) ?? ""),
    reason: (facts) => `the header contains percent-encoded PEM, but ${formatCode(facts)} reads another format`,
    fix: "configure nginx(), or the format of the proxy that sends the header",
  },
  {
    id: "header-folded-line-breaks",
    codes: malformed,
    applies: (facts) => /^-----BEGIN CERTIFICATE-----\s/.test(value(facts) ?? ""),
    reason: (facts) =>
      `the header contains PEM with spaces instead of line breaks, but ${formatCode(facts)} reads another format`,
    fix: "configure apache(); with nginx, send $ssl_client_escaped_cert, not $ssl_client_cert",
  },
  {
    id: "header-raw-for-escaped-format",
    codes: malformed,
    applies: (facts) => /^:?MI[A-Za-z\d+/]+={0,2}:?$/.test(value(facts) ?? ""),
    reason: (facts) => `the header contains base64 DER, but ${formatCode(facts)} reads another format`,
    fix: "configure haproxy() or caddy(), or rfc9440() if the value is between colons; or configure the proxy to send the expected format",
  },
  {
    id: "header-hash-for-certificate-format",
    codes: malformed,
    applies: (facts) => /^(?:(?:[\da-f]{2}:?){31}[\da-f]{2}|[\w+/-]{43}=?)$/i.test(value(facts) ?? ""),
    reason: (facts) => `the header contains a SHA-256 fingerprint, but ${formatCode(facts)} reads certificates`,
    fix: 'specify the encoding, such as haproxy({ encoding: "sha256-hex" })',
  },
  {
    id: "header-of-unknown-format",
    codes: malformed,
    reason: (facts) => `${formatCode(facts)} cannot read the header ${headerName(facts)}`,
    fix: "compare the header that the proxy sends with the formats in docs/behind-a-proxy.md",
  },
  {
    id: "verify-header-missing",
    codes: untrusted,
    applies: (facts) => verify(facts).some(({ values }) => values.length === 0),
    reason: (facts) =>
      `the certificate header is present, but the header ${missingVerifyHeader(facts)} with the verification result is missing`,
    fix: "configure the proxy to set both headers in the same block",
  },
  {
    id: "verify-header-twice",
    codes: untrusted,
    applies: (facts) => verify(facts).some(({ values }) => values.length > 1),
    reason: "the header with the verification result occurs more than once",
    fix: "configure the proxy to replace the header instead of adding it",
  },
  {
    id: "verify-header-none",
    codes: untrusted,
    applies: (facts) => verify(facts).some(({ values }) => values[0] === "NONE"),
    reason: "the proxy reports that there was no certificate, so the client itself sent the certificate in the header",
    fix: "configure the proxy to overwrite the certificate header in every request, even if the client presents no certificate",
  },
  {
    id: "verify-header-failed",
    codes: untrusted,
    applies: (facts) => verify(facts).length > 0,
    reason: (facts) =>
      `the proxy reports that it did not verify the certificate: ${verify(facts)
        .map(({ values }) => printableValue(values[0]))
        .join(", ")}`,
    fix: 'check whether the certificate was issued by another CA, has expired, or is self-signed; to accept self-signed certificates, set verify: "presented"',
  },
  {
    id: "certificate-untrusted",
    codes: untrusted,
    reason: "the certificate was not forwarded as the configuration requires",
    fix: `see the detail; ${renegotiation}`,
  },
];

function value({ presented }: Facts): string | undefined {
  return presented.forwarded?.values[0];
}

function formatCode({ presented }: Facts): string {
  return presented.forwarded?.code ?? "";
}

function headerName({ presented }: Facts): string {
  return presented.forwarded?.header ?? "";
}

function verify({ presented }: Facts): NonNullable<Facts["presented"]["forwarded"]>["verify"] {
  return presented.forwarded?.verify ?? [];
}

function missingVerifyHeader(facts: Facts): string {
  return verify(facts).find(({ values }) => values.length === 0)?.header ?? "";
}

function isXfcc(facts: Facts): boolean {
  return /^(?:envoy|azureContainerApps)\(/.test(formatCode(facts));
}

/** Returns true for PEM without an end marker, or for DER that is shorter than its length field. */
function isTruncated(text: string): boolean {
  const plain = text.replaceAll("%20", " ");
  if (plain.startsWith("-----BEGIN CERTIFICATE-----")) return !plain.includes("-----END CERTIFICATE-----");
  const der = Buffer.from(text.replace(/^:/, ""), "base64");
  // Every certificate of at least 256 bytes starts with 0x30 0x82 and a two-byte length.
  return text.replace(/^:/, "").startsWith("MI") && der.length >= 4 && der.length < 4 + der.readUInt16BE(2);
}
