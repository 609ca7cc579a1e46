import type { Identity } from "@certbound/testing";
import { createHash, sign, X509Certificate } from "node:crypto";

const SIGNATURE_LENGTH = 64;

/** Issues a self-signed Ed25519 certificate once more: the same key, names and dates, and another serial number. */
export function renewCertificate({ certificate, key }: Identity): Identity {
  const before = new X509Certificate(certificate);
  const der = Buffer.from(before.raw);
  const serial = Buffer.from(before.serialNumber, "hex");
  const last = der.indexOf(serial) + serial.length - 1;
  der[last] = (der[last] ?? 0) ^ 1;
  // A Certificate is what is signed, the algorithm, and the signature at its end (RFC 5280 section 4.1).
  const start = headerLength(der);
  const signed = der.subarray(start, start + elementLength(der.subarray(start)));
  sign(null, signed, key).copy(der, der.length - SIGNATURE_LENGTH);
  const after = new X509Certificate(der);
  if (!after.verify(after.publicKey)) throw new Error("The renewed certificate is not signed with its key");
  const thumbprint = createHash("sha256").update(der).digest("base64url");
  return { certificate: after.toString(), key, der: new Uint8Array(der), thumbprint };
}

function headerLength(der: Buffer): number {
  const length = der[1] ?? 0;
  return length < 0x80 ? 2 : 2 + (length & 0x7f);
}

function elementLength(der: Buffer): number {
  const header = headerLength(der);
  return header + (header === 2 ? (der[1] ?? 0) : der.readUIntBE(2, header - 2));
}
