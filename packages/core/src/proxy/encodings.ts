import { Buffer } from "node:buffer";
import { bytesFromBase64, derFromBase64, looksLike, pemBodies } from "../certificate/certificate-der.ts";
import { type ClientCertificate, parseClientCertificate } from "../certificate/client-certificate.ts";
import { rejected } from "../errors.ts";
import { isThumbprint } from "../values/thumbprint.ts";

/** The encoding of a certificate, or of its SHA-256, in a header value. */
export type CertificateEncoding =
  /** A Byte Sequence: `:base64 DER:` (RFC 9440 section 2.1). */
  | "rfc9440"
  | "der-base64"
  /** Base64 DER of several certificates, separated by commas, the leaf first. */
  | "der-base64-list"
  /** One PEM block, percent-encoded. */
  | "pem-urlencoded"
  /** PEM blocks, percent-encoded together, the leaf first. */
  | "pem-urlencoded-chain"
  /** One PEM block whose lines are separated by spaces. */
  | "pem-spaces"
  /** The base64 encoding of the text of one PEM block. */
  | "pem-base64"
  /** 64 hexadecimal digits in upper or lower case, with or without colons. */
  | "sha256-hex"
  /** Standard base64, with or without padding. */
  | "sha256-base64"
  /** The `x5t#S256` thumbprint. */
  | "sha256-base64url";

/** Decodes a value strictly; returns undefined for a value that means that the client presented no certificate. */
export type CertificateDecoder = (value: string) => ClientCertificate | undefined;

/** The decoder of each encoding. It throws `ERR_CERTIFICATE_MALFORMED` if the value does not have that encoding. */
export const decoders: Readonly<Record<CertificateEncoding, CertificateDecoder>> = {
  rfc9440: (value) => {
    if (!value.startsWith(":") || !value.endsWith(":")) {
      throw rejected(
        "ERR_CERTIFICATE_MALFORMED",
        `the value is not a byte sequence between colons${looksLike(value, "rfc9440")}`,
      );
    }
    return fromBase64(value.slice(1, -1));
  },
  "der-base64": fromBase64,
  "der-base64-list": (value) => value.split(",").map(fromBase64).at(0),
  "pem-urlencoded": (value) => only(fromPem(percentDecoded(value), "line feeds")),
  "pem-urlencoded-chain": (value) => fromPem(percentDecoded(value), "line feeds").at(0),
  "pem-spaces": (value) => only(fromPem(value, "spaces")),
  "pem-base64": (value) => {
    const text = bytesFromBase64(value)?.toString("latin1");
    if (!text?.startsWith("-----"))
      throw rejected("ERR_CERTIFICATE_MALFORMED", `the value is not canonical base64 of PEM text${looksLike(value)}`);
    return only(fromPem(text, "line feeds"));
  },
  "sha256-hex": (value) => {
    if (!/^(?:[\da-f]{64}|(?:[\da-f]{2}:){31}[\da-f]{2})$/i.test(value)) {
      throw rejected(
        "ERR_CERTIFICATE_MALFORMED",
        `the value is not 64 hexadecimal digits${looksLike(value, "sha256-hex")}`,
      );
    }
    return fromDigest(Buffer.from(value.replaceAll(":", ""), "hex"));
  },
  "sha256-base64": (value) => {
    const digest = Buffer.from(value, "base64");
    const canonical = digest.toString("base64");
    if (digest.length !== 32 || (value !== canonical && value !== canonical.slice(0, -1))) {
      throw rejected(
        "ERR_CERTIFICATE_MALFORMED",
        `the value is not canonical base64 of 32 bytes${looksLike(value, "sha256-base64")}`,
      );
    }
    return fromDigest(digest);
  },
  "sha256-base64url": (value) => {
    if (!isThumbprint(value))
      throw rejected(
        "ERR_CERTIFICATE_MALFORMED",
        `the value is not 43 characters of canonical base64url${looksLike(value, "sha256-base64url")}`,
      );
    return parseClientCertificate({ thumbprint: value });
  },
};

/**
 * Returns whether a value is one of those that proxies send without a client certificate: an empty value, an empty byte
 * sequence (HAProxy), Apache's marker for an unset variable, or a placeholder that was not replaced (Caddy before 2.11.2),
 * possibly between the colons of a byte sequence.
 */
export function isAbsentMarker(value: string): boolean {
  return value === "" || value === "::" || value === "(null)" || /^:?\{[^{}]*\}:?$/.test(value);
}

function fromBase64(text: string): ClientCertificate | undefined {
  const der = derFromBase64(text);
  if (der === undefined)
    throw rejected(
      "ERR_CERTIFICATE_MALFORMED",
      `the value is not canonical base64 DER${looksLike(text, "der-base64")}`,
    );
  return parseClientCertificate(der);
}

function fromPem(text: string, lineBreaks: "line feeds" | "spaces"): readonly (ClientCertificate | undefined)[] {
  return pemBodies(text, lineBreaks).map(fromBase64);
}

function fromDigest(digest: Buffer): ClientCertificate | undefined {
  return parseClientCertificate({ thumbprint: digest.toString("base64url") });
}

function only(certificates: readonly (ClientCertificate | undefined)[]): ClientCertificate | undefined {
  if (certificates.length > 1)
    throw rejected(
      "ERR_CERTIFICATE_MALFORMED",
      `the value contains ${certificates.length} certificates instead of one`,
    );
  return certificates.at(0);
}

/** Decodes percent-encoded PEM. Keeps `+`, which the proxies that use this encoding do not escape. */
function percentDecoded(value: string): string {
  const decoded = decodedComponent(value);
  if (decoded.trimStart().startsWith("-----BEGIN CERTIFICATE-----") && decoded !== value) return decoded;
  const hint = looksLike(value, "escaped-pem") || looksLike(decoded);
  throw rejected("ERR_CERTIFICATE_MALFORMED", `the value is not percent-encoded PEM${hint}`);
}

function decodedComponent(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw rejected("ERR_CERTIFICATE_MALFORMED", "the value is not well-formed percent-encoding (truncated?)");
  }
}
