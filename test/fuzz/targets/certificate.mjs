import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { parseClientCertificate } from "../../../packages/core/dist/certificate/client-certificate.js";
import { outcomeOf } from "../outcome.mjs";

/**
 * Certificates as bytes and as text: accepts exactly one DER element with the structure of a certificate. Its hash is the
 * thumbprint, and `x509.raw` contains the same bytes.
 *
 * @param {Buffer} data
 */
export function fuzz(data) {
  const isDer = isCertificateShaped(data);
  check(data, data.length === 0 || isDer ? "accepted" : "ERR_CERTIFICATE_MALFORMED", data);
  check(data.toString("base64"), data.length === 0 || isDer ? "accepted" : "ERR_CERTIFICATE_MALFORMED", data);
  if (isDer) checkParsed(data);

  const text = data.toString("latin1");
  const der = leafOf(text);
  const isAccepted = text === "" || (der !== undefined && isCertificateShaped(der));
  check(text, isAccepted ? "accepted" : "ERR_CERTIFICATE_MALFORMED", der ?? data);
}

/**
 * @param {string | Buffer} input
 * @param {string} expected
 * @param {Buffer} der
 */
function check(input, expected, der) {
  assert.equal(
    outcomeOf(() => parseClientCertificate(input)),
    expected,
  );
  if (expected !== "accepted") return;
  const certificate = parseClientCertificate(input);
  assert.equal(certificate?.thumbprint, input.length === 0 ? undefined : hashOf(der));
  const { x509 } = certificate ?? {};
  if (x509 !== undefined) assert.ok(x509.raw.equals(der));
}

/**
 * Checks that an `X509Certificate` has the same thumbprint as its bytes.
 *
 * @param {Buffer} der
 */
function checkParsed(der) {
  let x509;
  try {
    x509 = new X509Certificate(der);
  } catch {
    return;
  }
  assert.equal(parseClientCertificate(x509)?.thumbprint, hashOf(x509.raw));
}

/**
 * Decodes the base64 of the text, or of its first PEM block.
 *
 * @param {string} text
 * @returns {Buffer | undefined}
 */
function leafOf(text) {
  const block = /^-----BEGIN CERTIFICATE-----(\r?\n.*?)-----END CERTIFICATE-----\s*(-----BEGIN CERTIFICATE-----|$)/s;
  const encoded = text.trim().startsWith("-----") ? block.exec(text.trim())?.[1]?.replaceAll(/\r?\n/g, "") : text;
  if (!/^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/][AQgw]==|[A-Za-z\d+/]{2}[AEIMQUYcgkosw048]=)?$/.test(encoded ?? "-")) {
    return undefined;
  }
  return Buffer.from(encoded ?? "", "base64");
}

/**
 * Returns whether the bytes are one SEQUENCE of SEQUENCE, SEQUENCE and BIT STRING, with any encoding of the inner lengths.
 *
 * @param {Buffer} bytes
 */
function isCertificateShaped(bytes) {
  if (!isOneElement(bytes)) return false;
  const count = [0, 1, 2, 3, 4].find((octets) =>
    bytes.subarray(0, 2 + octets).equals(headerOf(bytes.length - 2 - octets, octets)),
  );
  let rest = bytes.subarray(2 + Number(count));
  for (const tag of [0x30, 0x30, 0x03]) {
    const { 0: actualTag, 1: first = 0x80 } = rest;
    const octets = first < 0x80 ? 0 : first - 0x80;
    const isDefinite = first < 0x80 || (octets >= 1 && octets <= 4 && rest.length >= 2 + octets);
    if (actualTag !== tag || !isDefinite) return false;
    const length = octets === 0 ? first : Number(`0x${rest.toString("hex", 2, 2 + octets)}`);
    if (rest.length < 2 + octets + length) return false;
    rest = rest.subarray(2 + octets + length);
  }
  return rest.length === 0;
}

/**
 * Returns whether the bytes are a single SEQUENCE whose length is DER-encoded, that is, in the fewest octets.
 *
 * @param {Buffer} bytes
 */
function isOneElement(bytes) {
  const content = [0, 1, 2, 3, 4].map((count) => bytes.length - 2 - count);
  return content.some((length, count) => length >= 0 && bytes.subarray(0, 2 + count).equals(headerOf(length, count)));
}

/**
 * @param {number} length
 * @param {number} count the number of octets after the first length octet
 */
function headerOf(length, count) {
  const digits = length < 0x80 ? "" : length.toString(16);
  const octets = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
  if (octets.length !== count) return Buffer.alloc(0);
  return Buffer.from([0x30, count === 0 ? length : 0x80 | count, ...octets]);
}

/** @param {Buffer} der */
function hashOf(der) {
  return createHash("sha256").update(der).digest("base64url");
}
