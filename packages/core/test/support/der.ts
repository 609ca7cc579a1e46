import { Buffer } from "node:buffer";

/** Encodes one DER element: tag, length in its shortest form, content. */
export function derElement(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(content);
  return Buffer.concat([Buffer.of(tag, ...derLength(bytes.length)), bytes]);
}

/** Encodes bytes with the outer structure of a certificate, but without its content. */
export function certificateShaped(content: Uint8Array = Buffer.alloc(0)): Buffer {
  return derElement(0x30, derElement(0x30, content), derElement(0x30), derElement(0x03));
}

function derLength(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(length);
  const significant = octets.subarray(octets.findIndex((octet) => octet > 0));
  return [0x80 + significant.length, ...significant];
}
