import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { derElement } from "./der.ts";

/** A CA that signs any extensions, for certificates that the test kit cannot issue. */
export interface OddCa {
  /** DER. */
  readonly certificate: Buffer;
  /** Issues a client certificate with these extensions, as DER. */
  readonly issue: (...extensions: readonly Buffer[]) => Buffer;
}

const [SEQUENCE, SET, OCTET_STRING, BIT_STRING] = [0x30, 0x31, 0x04, 0x03];
const ecdsaWithSha256 = derElement(SEQUENCE, Buffer.from("06082a8648ce3d040302", "hex"));
const day = 24 * 60 * 60 * 1000;

/** Creates such a CA. */
export function createOddCa(): OddCa {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = commonName("Odd CA");
  const issued = (subject: Buffer, key: KeyObject, extensions: readonly Buffer[]): Buffer => {
    const serialNumber = createHash("sha256")
      .update(key.export({ type: "spki", format: "der" }))
      .digest();
    const toBeSigned = derElement(
      SEQUENCE,
      Buffer.from("a003020102", "hex"), // version 3
      derElement(0x02, Buffer.of(1), serialNumber.subarray(0, 8)),
      ecdsaWithSha256,
      name,
      derElement(SEQUENCE, utcTime(Date.now() - day), utcTime(Date.now() + day)),
      subject,
      key.export({ type: "spki", format: "der" }),
      ...(extensions.length === 0 ? [] : [derElement(0xa3, derElement(SEQUENCE, ...extensions))]),
    );
    const signature = derElement(BIT_STRING, Buffer.of(0), sign("sha256", toBeSigned, privateKey));
    return derElement(SEQUENCE, toBeSigned, ecdsaWithSha256, signature);
  };
  return {
    certificate: issued(name, publicKey, [caConstraints()]),
    issue: (...extensions) =>
      issued(commonName("client"), generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey, extensions),
  };
}

/** Object identifiers of key purposes (RFC 5280 section 4.2.1.12), as DER. */
export const purposes = {
  any: Buffer.from("0604551d2500", "hex"),
  serverAuth: Buffer.from("06082b06010505070301", "hex"),
  clientAuth: Buffer.from("06082b06010505070302", "hex"),
  codeSigning: Buffer.from("06082b06010505070303", "hex"),
} as const;

/** Encodes an extended key usage extension. */
export function extendedKeyUsage(...usages: readonly (keyof typeof purposes)[]): Buffer {
  return extension("551d25", derElement(SEQUENCE, ...usages.map((usage) => purposes[usage])));
}

/** Encodes subject alternative names that Node.js cannot decode: an OCTET STRING instead of a SEQUENCE of names. */
export function undecodableAlternativeNames(): Buffer {
  return extension("551d11", Buffer.from("0408676f762e7573", "hex"));
}

/** Encodes the basic constraints of a CA. */
export function caConstraints(): Buffer {
  return extension("551d13", Buffer.from("30030101ff", "hex"));
}

function extension(identifier: string, value: Buffer): Buffer {
  return derElement(SEQUENCE, derElement(0x06, Buffer.from(identifier, "hex")), derElement(OCTET_STRING, value));
}

function commonName(text: string): Buffer {
  const attribute = derElement(SEQUENCE, Buffer.from("0603550403", "hex"), derElement(0x0c, Buffer.from(text)));
  return derElement(SEQUENCE, derElement(SET, attribute));
}

function utcTime(time: number): Buffer {
  const text = new Date(time)
    .toISOString()
    .replaceAll(/[-:T]|\.\d+/g, "")
    .slice(2);
  return derElement(0x17, Buffer.from(text));
}
