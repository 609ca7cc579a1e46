import { X509Certificate } from "node:crypto";
import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { assertCertificateShape, derFromFile, derFromText } from "../../src/certificate/certificate-der.ts";
import { AccessTokenError } from "../../src/errors.ts";
import { certificateShaped, derElement } from "../support/der.ts";
import { outcome, rejection } from "../support/outcome.ts";
import { recordedCertificates } from "../vectors/certificates.ts";
import { certificate as pem, thumbprint } from "../vectors/rfc8705-appendix-a.ts";

fc.configureGlobal({ seed: 5280 });

const { raw: der, fingerprint, fingerprint256 } = new X509Certificate(pem);
const base64 = der.toString("base64");

/** Returns the outcome for a text, which must contain the example of RFC 8705 to be accepted. */
function decoded(text: string): ReturnType<typeof outcome> {
  return outcome(() => expect(derFromText(text).equals(der)).toBe(true));
}

describe("a certificate in PEM", () => {
  test.each([
    ["with line feeds", pem],
    ["with carriage returns", pem.replaceAll("\n", "\r\n")],
    ["without a line break at the end", pem.trimEnd()],
    ["with white space around it", `\r\n  ${pem}\n\n`],
    ["in one long line", `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----`],
    ["before the rest of a chain", pem + recorded("chain-full")],
    ["before the rest of a chain, with carriage returns", (pem + recorded("chain-full")).replaceAll("\n", "\r\n")],
    ["before an empty line and the rest of a chain", `${pem}\n${recorded("ec256")}`],
    ["before a truncated certificate", pem + recorded("ec256").slice(0, 100)],
  ])("is decoded %s", (_, text) => {
    expect(decoded(text)).toBe("accepted");
  });

  test("is decoded from the first block of a chain", () => {
    expect(derFromText(pem + recorded("ec256"))).toEqual(der);
    expect(derFromText(recorded("ec256") + pem)).toEqual(new X509Certificate(recorded("ec256")).raw);
  });

  test.each([
    ["without an END line", pem.replace("-----END CERTIFICATE-----\n", "")],
    ["if it is truncated in the middle", pem.slice(0, 200)],
    ["with only a BEGIN line", "-----BEGIN CERTIFICATE-----"],
    ["without the first line break", pem.replace("-----\n", "-----")],
    ["without content", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"],
    ["without content, in one line", "-----BEGIN CERTIFICATE----------END CERTIFICATE-----"],
    ["without line breaks", pem.replaceAll("\n", "")],
    ["with spaces as line breaks, the format of Apache", pem.replaceAll("\n", " ")],
    ["with tabs as line breaks", pem.replaceAll("\n", "\t")],
    ["with carriage returns without line feeds", pem.replaceAll("\n", "\r")],
    ["with escaped line feeds", pem.replaceAll("\n", "\\n")],
    ["with text before it", `subject=CN = mtls\n${pem}`],
    ["with text after it", `${pem}issuer=CN = mtls\n`],
    ["with text between it and its chain", `${pem}issuer=CN = mtls\n${pem}`],
    ["with a block of another label after it", `${pem}-----BEGIN X-----\n`],
    ["with headers", pem.replace("MIIB", "Proc-Type: 4,ENCRYPTED\n\nMIIB")],
    ["with a space inside", pem.replace("MIIB", "MI IB")],
    ["with spaces at the line ends", pem.replaceAll("\n", " \n")],
    ["with a character of base64url", pem.replace("/", "_")],
    ["without padding", pem.replace("=\n", "\n")],
    ["with additional padding", pem.replace("=\n", "==\n")],
    ["with stray last bits", pem.replace("SY=", "SZ=")],
    ["with a character outside base64", pem.replace("MIIB", "MII*B")],
    ["with another label in the END line", pem.replace("END CERTIFICATE", "END X509 CERTIFICATE")],
    ["in lower case", pem.replaceAll("CERTIFICATE", "certificate")],
    ["with the label TRUSTED CERTIFICATE", pem.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE")],
    ["with the label X509 CERTIFICATE", pem.replaceAll("CERTIFICATE", "X509 CERTIFICATE")],
    ["with the label PUBLIC KEY", pem.replaceAll("CERTIFICATE", "PUBLIC KEY")],
    ["with another BEGIN line inside", `-----BEGIN CERTIFICATE-----\n${pem}`],
  ])("is rejected %s", (_, text) => {
    expect(decoded(text)).toBe("ERR_CERTIFICATE_MALFORMED");
  });
});

describe("a certificate in base64", () => {
  test.each([
    ["of a new certificate", base64],
    ...recordedCertificates.map(({ name, pem: text }) => [
      `of the recorded certificate ${name}`,
      new X509Certificate(text).raw.toString("base64"),
    ]),
  ] as [string, string][])("is decoded: %s", (_name, text) => {
    expect(derFromText(text).toString("base64")).toBe(text);
  });

  test.each([
    ["without padding", base64.replace("=", "")],
    ["with additional padding", `${base64}=`],
    ["with stray last bits", base64.replace("SY=", "SZ=")],
    ["if it is base64url", der.toString("base64url")],
    ["if it is base64url with padding", base64.replaceAll("+", "-").replaceAll("/", "_")],
    ["if it has line breaks", base64.replaceAll(/.{64}/g, "$&\n")],
    ["with a space inside", `${base64.slice(0, 8)} ${base64.slice(8)}`],
    ["with spaces as plus signs, the output of a form decoder", base64.replaceAll("+", " ")],
    ["if it is repeated", base64 + base64],
    ["if it encodes PEM text", Buffer.from(pem).toString("base64")],
    ["with only padding", "===="],
    ["with a NUL", `${base64}\0`],
  ])("is rejected %s", (_, text) => {
    expect(decoded(text)).toBe("ERR_CERTIFICATE_MALFORMED");
  });
});

describe("a text that is neither PEM nor base64 DER", () => {
  test.each([
    ["escaped PEM", /escaped PEM/, encodeURIComponent(pem)],
    [
      "PEM with only spaces and line breaks escaped, the format of load balancers",
      /escaped PEM/,
      pem.replaceAll(" ", "%20").replaceAll("\n", "%0A"),
    ],
    ["PEM escaped like a form", /spaces are written as \+/, new URLSearchParams({ pem }).toString().slice(4)],
    ["PEM without line breaks", /line breaks/, pem.replaceAll("\n", " ")],
    ["an RFC 9440 byte sequence", /RFC 9440/, `:${base64}:`],
    ["an empty byte sequence", /RFC 9440/, "::"],
    ["a list", /list/, `${base64},${base64}`],
    ["a list with spaces", /list/, `${base64}, ${base64}`],
    ["a bare thumbprint", /thumbprint/, thumbprint],
    ["a fingerprint with colons", /hexadecimal/, fingerprint256],
    ["a fingerprint in upper case", /hexadecimal/, fingerprint256.replaceAll(":", "")],
    ["a fingerprint in lower case", /hexadecimal/, fingerprint256.replaceAll(":", "").toLowerCase()],
    ["a SHA-1 fingerprint with colons", /hexadecimal/, fingerprint],
    ["a SHA-1 fingerprint", /hexadecimal/, fingerprint.replaceAll(":", "").toLowerCase()],
    ["the placeholder of Apache for no certificate", /no certificate/, "(null)"],
    ["PEM escaped twice", /percent-encoded twice/, encodeURIComponent(encodeURIComponent(pem))],
    ["PEM in quotes", /in quotes/, `"${pem.replaceAll("\n", " ")}"`],
    ["a hyphen", /hyphen/, "-"],
    ["a variable of nginx", /not replaced/, "$ssl_client_escaped_cert"],
    ["a shell variable", /not replaced/, "${CLIENT_CERT}"],
    ["a variable of Envoy", /not replaced/, "%DOWNSTREAM_PEER_CERT%"],
    ["a variable of Apache", /not replaced/, "%{SSL_CLIENT_CERT}s"],
    ["a variable of HAProxy", /not replaced/, "%[ssl_c_der,base64]"],
    [
      "the placeholder of Caddy for no certificate",
      /no certificate/,
      "{http.request.tls.client.certificate_der_base64}",
    ],
  ])("is rejected with a detail that describes it: %s", (_, name, text) => {
    const { code, detail } = rejection(() => derFromText(text));
    expect(code).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(detail).toMatch(name);
  });

  test.each([
    ["a thumbprint in base64", Buffer.from(thumbprint, "base64url").toString("base64")],
    ["a word", "null"],
    ["base64 of other bytes", Buffer.from("certificate").toString("base64")],
    ["spaces", "   "],
    ["an empty string", ""],
    ["a zero", "0"],
    ["an XFCC element", `Hash=${"0".repeat(64)};Subject="CN=a"`],
  ])("is rejected: %s", (_, text) => {
    expect(outcome(() => derFromText(text))).toBe("ERR_CERTIFICATE_MALFORMED");
  });

  test.each([
    ["escaped PEM", encodeURIComponent(pem)],
    ["an RFC 9440 byte sequence", `:${base64}:`],
    ["two certificates in base64", `${base64},${base64}`],
    ["a thumbprint", thumbprint],
    ["a fingerprint with colons", fingerprint256],
    ["truncated base64", base64.slice(0, -4)],
  ])("does not appear in the error: %s", (_name, text) => {
    const { message, detail, stack } = rejection(() => assertCertificateShape(derFromText(text)));
    expect(`${message} ${detail} ${stack}`).not.toContain(text.slice(30, 42));
  });
});

describe("the bytes of a certificate", () => {
  test.each(recordedCertificates)("have the shape of a certificate: $name", (certificate) => {
    expect(outcome(() => assertCertificateShape(new X509Certificate(certificate.pem).raw))).toBe("accepted");
  });

  test.each([
    ["with an additional byte", /truncated|followed/, Buffer.concat([der, Buffer.of(0)])],
    ["if they are repeated", /truncated|followed/, Buffer.concat([der, der])],
    ["without the last byte", /truncated|followed/, der.subarray(0, -1)],
    ["if they are truncated after the header", /truncated|followed/, der.subarray(0, 4)],
    ["if they are truncated inside the length", /truncated|followed/, der.subarray(0, 3)],
    ["if they are truncated after the tag", /truncated|followed/, der.subarray(0, 1)],
    ["in PEM", /PEM/, Buffer.from(pem)],
    ["in base64", /DER/, Buffer.from(base64)],
    ["with another tag", /DER/, Buffer.concat([Buffer.of(0x31), der.subarray(1)])],
    ["with a byte before them", /DER/, Buffer.concat([Buffer.of(0), der])],
    ["if they are empty", /DER/, Buffer.alloc(0)],
  ])("are rejected %s", (_, name, bytes) => {
    const { code, detail } = rejection(() => assertCertificateShape(bytes));
    expect(code).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(detail).toMatch(name);
  });
});

/** Returns bytes in the shape of a certificate, whose outer length is encoded in `lengthBytes` bytes after the first. */
function outerLengthIn(lengthBytes: number, contentLength: number): Buffer {
  const members = certificateShaped(Buffer.alloc(contentLength));
  const content = members.subarray(members.length - contentLength - overhead(contentLength));
  const header = Buffer.alloc(2 + lengthBytes);
  header[0] = 0x30;
  header[1] = lengthBytes === 0 ? content.length : 0x80 + lengthBytes;
  if (lengthBytes > 0) header.writeUIntBE(content.length, 2, lengthBytes);
  return Buffer.concat([header, content]);
}

/** Returns the number of bytes besides the content: the header of the first member, and the other two members. */
function overhead(contentLength: number): number {
  return derElement(0x30, Buffer.alloc(contentLength)).length - contentLength + 4;
}

describe("the length of a certificate (M-10)", () => {
  test.each([
    [0, 0],
    [0x70, 0],
    [0x80, 1],
    [0xf0, 1],
    [0x100, 2],
    [0xfff0, 2],
    [0x1_0000, 3],
    [0x100_0000, 4],
  ])("is accepted for %i bytes of content if the number of additional length bytes is %i", (length, lengthBytes) => {
    expect(outcome(() => assertCertificateShape(outerLengthIn(lengthBytes, length)))).toBe("accepted");
  });

  test.each([
    [0, 1],
    [0x70, 1],
    [0x80, 2],
    [0xf0, 2],
    [0x100, 3],
    [0xfff0, 3],
    [0x1_0000, 4],
    [0x100, 5],
    [0x100, 6],
  ])("is rejected for %i bytes of content if the number of additional length bytes is %i", (length, lengthBytes) => {
    const shape = (): void => assertCertificateShape(outerLengthIn(lengthBytes, length));
    expect(outcome(shape)).toBe("ERR_CERTIFICATE_MALFORMED");
  });

  test.each([
    ["indefinite", [0x30, 0x80, 0x30, 0x00, 0x30, 0x00, 0x03, 0x00, 0x00, 0x00]],
    ["indefinite, with matching content", [0x30, 0x80, ...Array.from<number>({ length: 0x80 }).fill(0)]],
    ["in the reserved form", [0x30, 0xff, 0x00]],
    ["greater than any certificate", [0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00]],
    ["missing", [0x30]],
    ["truncated", [0x30, 0x82, 0x01]],
  ])("is rejected: %s", (_, bytes) => {
    expect(outcome(() => assertCertificateShape(Buffer.from(bytes)))).toBe("ERR_CERTIFICATE_MALFORMED");
  });
});

describe("the members of a certificate", () => {
  const [sequenceTag, bitString] = [0x30, 0x03];
  const member = (tag: number): Buffer => derElement(tag, Buffer.alloc(3));
  const members = (...parts: readonly Uint8Array[]): Buffer => derElement(sequenceTag, ...parts);
  const [tbs, algorithm, signature] = [member(sequenceTag), member(sequenceTag), member(bitString)] as const;

  test("are SEQUENCE, SEQUENCE and BIT STRING with any content", () => {
    expect(outcome(() => assertCertificateShape(members(tbs, algorithm, signature)))).toBe("accepted");
  });

  test.each([
    ["no members", members()],
    ["one member", members(tbs)],
    ["two members", members(tbs, algorithm)],
    ["four members", members(tbs, algorithm, signature, member(0x04))],
    ["an additional byte", members(tbs, algorithm, signature, Buffer.of(0))],
    ["an INTEGER as the first member", members(member(0x02), algorithm, signature)],
    ["a SET as the second member", members(tbs, member(0x31), signature)],
    ["an OCTET STRING as the third member", members(tbs, algorithm, member(0x04))],
    ["a third member that ends after the certificate", members(tbs, algorithm, Buffer.of(bitString, 4, 0, 0, 0))],
    ["a first member that ends after the others", members(Buffer.of(sequenceTag, 0x7f), algorithm, signature)],
    ["a third member of indefinite length", members(tbs, algorithm, Buffer.of(bitString, 0x80, 0, 0))],
    ["a third member with a truncated length", members(tbs, algorithm, Buffer.of(bitString, 0x82, 0))],
    ["a third member without a length", members(tbs, algorithm, Buffer.of(bitString))],
    ["the members of a public key", members(algorithm, signature)],
    ["the members of PKCS #12", members(member(0x02), tbs)],
  ])("are rejected: %s", (_what, bytes) => {
    const { code, detail } = rejection(() => assertCertificateShape(bytes));
    expect(code).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(detail).toMatch(/SEQUENCE, SEQUENCE and BIT STRING/);
  });
});

const anyBytes = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));
const lineEnd = fc.constantFrom("\n", "\r\n");

/** Encodes bytes as PEM with lines of `width` characters. */
function writePem(bytes: Uint8Array, width: number, end: string): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(new RegExp(`.{1,${width}}`, "g")) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join(end);
}

describe("any input", () => {
  fuzz.prop([anyBytes, fc.integer({ min: 1, max: 100 }), lineEnd])(
    "that is a SEQUENCE is decoded from PEM and from base64",
    (rest, width, end) => {
      const bytes = Buffer.concat([Buffer.of(0x30), rest]);
      expect(derFromText(writePem(bytes, width, end)).equals(bytes)).toBe(true);
      expect(derFromText(bytes.toString("base64")).equals(bytes)).toBe(true);
    },
  );

  fuzz.prop([fc.nat(), fc.constantFrom("insert", "replace", "remove"), fc.string({ unit: "binary", maxLength: 1 })])(
    "that differs from a certificate in one character is rejected, or is canonical base64 of other bytes",
    (position, change, character) => {
      const at = (position % (base64.length - 2)) + 1;
      const changed =
        base64.slice(0, at) + (change === "remove" ? "" : character) + base64.slice(change === "insert" ? at : at + 1);
      expectCanonicalOrRejected(changed);
    },
  );

  fuzz.prop([
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.base64String(),
      fc.string().map((text) => `MA${text}`),
    ),
  ])("of text is rejected with an AccessTokenError, or is canonical base64", (text) => {
    expectCanonicalOrRejected(text.trim());
  });

  fuzz.prop([fc.string({ unit: "binary" }), fc.string({ unit: "binary" })])(
    "that starts like PEM is decoded, or rejected with an AccessTokenError",
    (body, rest) => {
      const text = `-----BEGIN CERTIFICATE-----\n${body}-----END CERTIFICATE-----${rest}`;
      expect(["accepted", "ERR_CERTIFICATE_MALFORMED"]).toContain(outcome(() => derFromText(text)));
    },
  );

  fuzz.prop([anyBytes, anyBytes, anyBytes], { numRuns: 300 })(
    "in the shape of a certificate is accepted, and rejected with one byte more or less",
    (first, second, third) => {
      const bytes = derElement(0x30, derElement(0x30, first), derElement(0x30, second), derElement(0x03, third));
      expect(outcome(() => assertCertificateShape(bytes))).toBe("accepted");
      for (const wrong of [Buffer.concat([bytes, Buffer.of(0)]), bytes.subarray(0, -1)]) {
        expect(outcome(() => assertCertificateShape(wrong))).toBe("ERR_CERTIFICATE_MALFORMED");
      }
    },
  );

  fuzz.prop(
    [
      fc.oneof(
        anyBytes,
        anyBytes.map((bytes) => derElement(0x30, bytes)),
      ),
    ],
    { numRuns: 1000 },
  )("of bytes is accepted, or rejected with an AccessTokenError", (bytes) => {
    expect(["accepted", "ERR_CERTIFICATE_MALFORMED"]).toContain(outcome(() => assertCertificateShape(bytes)));
  });

  // With quadratic time, each of these would take minutes.
  test.each([
    ["colons", ":".repeat(500_000)],
    ["hexadecimal pairs", "ab:".repeat(200_000)],
    ["hexadecimal digits", `${"ab".repeat(250_000)}g`],
    ["BEGIN lines", "-----BEGIN CERTIFICATE-----\n".repeat(20_000)],
    ["carriage returns", `-----BEGIN CERTIFICATE-----\n${"\r".repeat(500_000)}-----END CERTIFICATE-----`],
    ["empty lines", `-----BEGIN CERTIFICATE-----${"\n".repeat(500_000)}-----END CERTIFICATE-----`],
    ["spaces after PEM", `${pem}${" ".repeat(500_000)}x`],
    ["characters of base64 with an invalid end", `${"M".repeat(500_000)}*`],
    ["commas", `M${",".repeat(500_000)}`],
    ["escapes", "-----BEGIN%20".repeat(50_000)],
  ])("with very many %s is rejected in linear time", (_, text) => {
    expect(outcome(() => derFromText(text))).toBe("ERR_CERTIFICATE_MALFORMED");
  });
});

/** Checks that an accepted text is the only encoding of its bytes. */
function expectCanonicalOrRejected(text: string): void {
  const result = outcome(() => expect(derFromText(text).toString("base64")).toBe(text));
  expect(["accepted", "ERR_CERTIFICATE_MALFORMED"]).toContain(result);
}

function recorded(name: string): string {
  const found = recordedCertificates.find((certificate) => certificate.name === name);
  if (found === undefined) throw new Error(`certificate ${name} is not recorded`);
  return found.pem;
}

describe("derFromFile", () => {
  const bag = "Bag Attributes\n    friendlyName: client\nsubject=CN = client\n\nissuer=CN = ca\n\n";
  const decodedFile = (text: string): unknown => {
    try {
      return derFromFile(text).map((bytes) => bytes.toString("base64"));
    } catch (error) {
      if (error instanceof AccessTokenError) return error.code;
      throw error;
    }
  };

  test.each<[string, string, number]>([
    ["PEM", pem, 1],
    ["base64 DER", base64, 1],
    ["PEM with text before it", bag + pem, 1],
    ["PEM with CRLF and text before it", (bag + pem).replaceAll("\n", "\r\n"), 1],
    ["a bundle", pem + pem, 2],
    ["a bundle with text between and after", `${bag}${pem}\n# next\n${pem}the end\n`, 2],
    ["PEM with a private key before it", `-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${pem}`, 1],
  ])("decodes %s", (_name, text, count) => {
    expect(decodedFile(text)).toEqual(Array.from({ length: count }, () => base64));
  });

  test.each([
    ["text without a certificate", bag],
    ["an empty string", ""],
    ["a truncated certificate", bag + pem.slice(0, 300)],
    ["a truncated second certificate", pem + pem.slice(0, 300)],
    ["a certificate without its beginning", pem.slice(40)],
    ["a certificate with text in it", pem.replace("\n", "\nBag Attributes\n")],
    ["another kind of PEM", pem.replaceAll("CERTIFICATE", "CERTIFICATE REQUEST")],
    ["escaped PEM", encodeURIComponent(pem)],
    ["base64 DER with text before it", `${bag}${base64}`],
  ])("rejects %s", (_name, text) => {
    expect(decodedFile(text)).toBe("ERR_CERTIFICATE_MALFORMED");
  });

  test("accepts text before PEM, which derFromText rejects", () => {
    expect(decoded(bag + pem)).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(decoded(pem)).toBe("accepted");
  });
});
