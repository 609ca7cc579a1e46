import { Buffer } from "node:buffer";
import { AccessTokenError } from "@certbound/core";
import { DEFAULT_MAX_HEADERS } from "@certbound/core/internal";
import { fileFaults } from "../inputs/certificate-file.ts";
import { printableValue } from "../rendering/printable.ts";
import type { Cause, Facts } from "./cause.ts";

const missing = ["ERR_CERTIFICATE_MISSING"] as const;
const malformed = ["ERR_CERTIFICATE_MALFORMED"] as const;
const untrusted = ["ERR_CERTIFICATE_UNTRUSTED"] as const;
/** A signing request in DER has the outer shape of a certificate, and so a thumbprint: core cannot tell them apart. */
const anyOfFile = ["ERR_CERTIFICATE_MISSING", "ERR_CERTIFICATE_MALFORMED", "ERR_BINDING_MISMATCH"] as const;

/** What explain cannot see: it judges files and headers, not the connection. */
const renegotiation =
  'where the API\'s own detail names a TLS renegotiation: minVersion: "TLSv1.3", or secureOptions: constants.SSL_OP_NO_RENEGOTIATION';

const fileCauses = Object.entries(fileFaults).map(([fault, found]): Cause => ({
  ...found,
  codes: anyOfFile,
  applies: ({ presented }) => presented.file?.fault === fault,
}));

/** Why there is no usable client certificate. */
export const certificateCauses: readonly Cause[] = [
  ...fileCauses,
  {
    id: "no-certificate-presented",
    codes: missing,
    applies: ({ presented }) => presented.forwarded === undefined,
    reason: "the client presents no certificate on this connection",
    fix: `set requestCert on the server, and let the client send its certificate with every connection; behind a proxy, use fromProxy; ${renegotiation}`,
  },
  {
    id: "header-missing",
    codes: missing,
    applies: (facts) => value(facts) === undefined,
    reason: (facts) => `there is no header ${headerName(facts)}, which ${code(facts)} reads`,
    fix: "let the proxy set it in this very location and host; see that the client does not name it in Connection",
  },
  {
    id: "header-empty",
    codes: missing,
    applies: (facts) => ["", "::", '""'].includes(value(facts) ?? ""),
    reason:
      "the proxy sent the header without a value: the client presented no certificate to it, or one that is too large",
    fix: "see whether the proxy asks for certificates on this host (nginx: ssl_verify_client optional)",
  },
  {
    id: "header-says-null",
    codes: missing,
    applies: (facts) => value(facts) === "(null)",
    reason: "the proxy sent (null), Apache's word for a variable that is not set: the client presented no certificate",
    fix: "SSLVerifyClient optional; and %{SSL_CLIENT_CERT}s, not ...e",
  },
  {
    id: "header-placeholder",
    codes: missing,
    applies: (facts) => /[{}]/.test(value(facts) ?? ""),
    reason:
      "the proxy sent a placeholder that it did not replace: the client presented no certificate, or the name is misspelled",
    fix: "see whether the proxy asks for certificates, and how it calls this variable",
  },
  {
    id: "header-hash-of-nothing",
    codes: missing,
    reason: "the proxy sent the SHA-256 of nothing: the client presented no certificate to it",
    fix: "see whether the proxy asks for certificates on this host",
  },
  {
    id: "header-list-incomplete",
    codes: malformed,
    applies: ({ presented: { input } }) =>
      input instanceof AccessTokenError && input.detail?.includes("incomplete") === true,
    reason: `Node.js drops header fields beyond server.maxHeadersCount (${DEFAULT_MAX_HEADERS.toLocaleString("en")} by default), so that no field of such a list counts; for its Authorization header the API responds with 400 (ERR_REQUEST_MALFORMED)`,
    fix: "raise server.maxHeadersCount, or let the proxy limit the number of header fields",
  },
  {
    id: "header-twice",
    codes: malformed,
    applies: ({ presented }) => (presented.forwarded?.values.length ?? 0) > 1,
    reason: (facts) =>
      `the header ${headerName(facts)} is there more than once: the proxy adds its own to that of the client`,
    fix: "let the proxy replace the header, not add to it",
  },
  {
    id: "header-truncated",
    codes: malformed,
    applies: (facts) => isTruncated(value(facts) ?? ""),
    reason: "the certificate in the header is cut off",
    fix: "see how long a header, or a variable, of the proxy may be; let it send the thumbprint instead",
  },
  {
    id: "header-sha1",
    codes: malformed,
    applies: (facts) => /^(?:sha1[:=])?(?:[\da-f]{2}:?){19}[\da-f]{2}$/i.test(value(facts) ?? ""),
    reason: "the header holds a SHA-1 fingerprint, which binds nothing",
    fix: "let the proxy send the certificate, or its SHA-256 (nginx: $ssl_client_escaped_cert)",
  },
  {
    id: "header-xfcc-of-other-proxy",
    codes: malformed,
    applies: (facts) => /^(?:By|Hash|Cert|Chain|Subject|URI|DNS)=/i.test(value(facts) ?? "") && !isXfcc(facts),
    reason: (facts) => `the header is Envoy's x-forwarded-client-cert, and ${code(facts)} reads another format`,
    fix: "configure envoy(), or azureContainerApps() there",
  },
  {
    id: "header-xfcc-without-hash",
    codes: malformed,
    applies: (facts) => isXfcc(facts) && !/(?:^|[;,])Hash=/i.test(value(facts) ?? ""),
    reason: "the element of x-forwarded-client-cert has no Hash, which Envoy always sends",
    fix: "forward_client_cert_details: SANITIZE_SET; and see who else writes this header",
  },
  {
    id: "header-xfcc-elements",
    codes: malformed,
    applies: (facts) => isXfcc(facts) && /,(?:By|Hash)=/i.test(value(facts) ?? ""),
    reason: "several proxies have written x-forwarded-client-cert, and the format expects another number of them",
    fix: 'envoy({ elements: 2, index: 0, lastHopUri: "spiffe://..." }) for a gateway and a sidecar; at the edge SANITIZE_SET',
  },
  {
    id: "header-escaped-for-raw-format",
    codes: malformed,
    applies: (facts) => /^-----BEGIN(?:%20|\+)|%0A/i.test(value(facts) ?? ""),
    reason: (facts) => `the header holds percent-encoded PEM, and ${code(facts)} reads another format`,
    fix: "configure nginx(), or the format of the proxy that sends it",
  },
  {
    id: "header-folded-line-breaks",
    codes: malformed,
    applies: (facts) => /^-----BEGIN CERTIFICATE-----\s/.test(value(facts) ?? ""),
    reason: (facts) => `the header holds PEM with spaces for line breaks, and ${code(facts)} reads another format`,
    fix: "configure apache(); nginx: $ssl_client_escaped_cert, not $ssl_client_cert",
  },
  {
    id: "header-raw-for-escaped-format",
    codes: malformed,
    applies: (facts) => /^:?MI[A-Za-z\d+/]+={0,2}:?$/.test(value(facts) ?? ""),
    reason: (facts) => `the header holds base64 DER, and ${code(facts)} reads another format`,
    fix: "configure haproxy(), caddy(), or between colons rfc9440(); or let the proxy send what is configured",
  },
  {
    id: "header-hash-for-certificate-format",
    codes: malformed,
    applies: (facts) => /^(?:(?:[\da-f]{2}:?){31}[\da-f]{2}|[\w+/-]{43}=?)$/i.test(value(facts) ?? ""),
    reason: (facts) => `the header holds a SHA-256 fingerprint, and ${code(facts)} reads certificates`,
    fix: 'name the encoding, such as haproxy({ encoding: "sha256-hex" })',
  },
  {
    id: "header-of-unknown-format",
    codes: malformed,
    reason: (facts) => `${code(facts)} cannot read the header ${headerName(facts)}`,
    fix: "compare what the proxy sends with the formats in docs/behind-a-proxy.md",
  },
  {
    id: "verify-header-missing",
    codes: untrusted,
    applies: (facts) => verify(facts).some(({ values }) => values.length === 0),
    reason: (facts) =>
      `the certificate is there, and the header ${unset(facts)}, in which the proxy says how it verified it, is not`,
    fix: "let the proxy set both in the same block",
  },
  {
    id: "verify-header-twice",
    codes: untrusted,
    applies: (facts) => verify(facts).some(({ values }) => values.length > 1),
    reason: "the header in which the proxy says how it verified the certificate is there more than once",
    fix: "let the proxy replace the header, not add to it",
  },
  {
    id: "verify-header-none",
    codes: untrusted,
    applies: (facts) => verify(facts).some(({ values }) => values[0] === "NONE"),
    reason: "the proxy says that there was no certificate: then the one in the header is the client's own text",
    fix: "let the proxy overwrite the certificate header in every request, also without a certificate",
  },
  {
    id: "verify-header-failed",
    codes: untrusted,
    applies: (facts) => verify(facts).length > 0,
    reason: (facts) =>
      `the proxy says that it did not verify the certificate: ${verify(facts)
        .map(({ values }) => printableValue(values[0]))
        .join(", ")}`,
    fix: 'another authority, expired, or self-signed; if self-signed certificates are meant to pass: verify: "presented"',
  },
  {
    id: "certificate-untrusted",
    codes: untrusted,
    reason: "the certificate did not come the way it has to",
    fix: `see the detail; ${renegotiation}`,
  },
];

function value({ presented }: Facts): string | undefined {
  return presented.forwarded?.values[0];
}

function code({ presented }: Facts): string {
  return presented.forwarded?.code ?? "";
}

function headerName({ presented }: Facts): string {
  return presented.forwarded?.header ?? "";
}

function verify({ presented }: Facts): NonNullable<Facts["presented"]["forwarded"]>["verify"] {
  return presented.forwarded?.verify ?? [];
}

function unset(facts: Facts): string {
  return verify(facts).find(({ values }) => values.length === 0)?.header ?? "";
}

function isXfcc(facts: Facts): boolean {
  return /^(?:envoy|azureContainerApps)\(/.test(code(facts));
}

/** PEM without its end, or DER that is shorter than it says. */
function isTruncated(text: string): boolean {
  const plain = text.replaceAll("%20", " ");
  if (plain.startsWith("-----BEGIN CERTIFICATE-----")) return !plain.includes("-----END CERTIFICATE-----");
  const der = Buffer.from(text.replace(/^:/, ""), "base64");
  // 0x30 0x82 and two bytes: every certificate of 256 bytes and more.
  return text.replace(/^:/, "").startsWith("MI") && der.length >= 4 && der.length < 4 + der.readUInt16BE(2);
}
