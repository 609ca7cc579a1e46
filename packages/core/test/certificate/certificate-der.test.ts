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

/** The outcome for a text that must hold the example of RFC 8705 to be accepted. */
function decoded(text: string): ReturnType<typeof outcome> {
  return outcome(() => expect(derFromText(text).equals(der)).toBe(true));
}

describe("a certificate in PEM", () => {
  test.each([
    ["with line feeds", pem],
    ["with carriage returns", pem.replaceAll("\n", "\r\n")],
    ["without a last line end", pem.trimEnd()],
    ["with white space around it", `\r\n  ${pem}\n\n`],
    ["in one long line", `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----`],
    ["before the rest of a chain", pem + recorded("chain-full")],
    ["before the rest of a chain, with carriage returns", (pem + recorded("chain-full")).replaceAll("\n", "\r\n")],
    ["before an empty line and a chain", `${pem}\n${recorded("ec256")}`],
    ["before a certificate that is cut short", pem + recorded("ec256").slice(0, 100)],
  ])("is read %s", (_, text) => {
    expect(decoded(text)).toBe("accepted");
  });

  test("is the first of a chain, not the last", () => {
    expect(derFromText(pem + recorded("ec256"))).toEqual(der);
    expect(derFromText(recorded("ec256") + pem)).toEqual(new X509Certificate(recorded("ec256")).raw);
  });

  test.each([
    ["without an END line", pem.replace("-----END CERTIFICATE-----\n", "")],
    ["cut in the middle", pem.slice(0, 200)],
    ["of a BEGIN line only", "-----BEGIN CERTIFICATE-----"],
    ["whose first line break is missing", pem.replace("-----\n", "-----")],
    ["without anything inside", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"],
    ["without anything inside, in one line", "-----BEGIN CERTIFICATE----------END CERTIFICATE-----"],
    ["without line breaks", pem.replaceAll("\n", "")],
    ["with blanks for line breaks, as Apache sends it", pem.replaceAll("\n", " ")],
    ["with tabs for line breaks", pem.replaceAll("\n", "\t")],
    ["with bare carriage returns", pem.replaceAll("\n", "\r")],
    ["with written-out line feeds", pem.replaceAll("\n", "\\n")],
    ["with text before it", `subject=CN = mtls\n${pem}`],
    ["with text behind it", `${pem}issuer=CN = mtls\n`],
    ["with text between it and its chain", `${pem}issuer=CN = mtls\n${pem}`],
    ["with a private label behind it", `${pem}-----BEGIN X-----\n`],
    ["with headers", pem.replace("MIIB", "Proc-Type: 4,ENCRYPTED\n\nMIIB")],
    ["with a blank inside", pem.replace("MIIB", "MI IB")],
    ["with blanks at the line ends", pem.replaceAll("\n", " \n")],
    ["with a character of base64url", pem.replace("/", "_")],
    ["without its pad", pem.replace("=\n", "\n")],
    ["with a pad too many", pem.replace("=\n", "==\n")],
    ["with loose last bits", pem.replace("SY=", "SZ=")],
    ["with a character that is none of base64", pem.replace("MIIB", "MII*B")],
    ["with an END of another label", pem.replace("END CERTIFICATE", "END X509 CERTIFICATE")],
    ["in lower case", pem.replaceAll("CERTIFICATE", "certificate")],
    ["with the label TRUSTED CERTIFICATE", pem.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE")],
    ["with the label X509 CERTIFICATE", pem.replaceAll("CERTIFICATE", "X509 CERTIFICATE")],
    ["of a public key", pem.replaceAll("CERTIFICATE", "PUBLIC KEY")],
    ["inside of which another one begins", `-----BEGIN CERTIFICATE-----\n${pem}`],
  ])("is rejected %s", (_, text) => {
    expect(decoded(text)).toBe("ERR_CERTIFICATE_MALFORMED");
  });
});

describe("a certificate in base64", () => {
  test.each([base64, ...recordedCertificates.map(({ pem: text }) => new X509Certificate(text).raw.toString("base64"))])(
    "is read: %.30s",
    (text) => {
      expect(derFromText(text).toString("base64")).toBe(text);
    },
  );

  test.each([
    ["without its pad", base64.replace("=", "")],
    ["with a pad too many", `${base64}=`],
    ["with loose last bits", base64.replace("SY=", "SZ=")],
    ["in base64url", der.toString("base64url")],
    ["in base64url with its pad", base64.replaceAll("+", "-").replaceAll("/", "_")],
    ["in lines", base64.replaceAll(/.{64}/g, "$&\n")],
    ["with a blank inside", `${base64.slice(0, 8)} ${base64.slice(8)}`],
    ["with blanks for its plus signs, as a form decoder leaves it", base64.replaceAll("+", " ")],
    ["twice", base64 + base64],
    ["of its PEM text", Buffer.from(pem).toString("base64")],
    ["of nothing, between pads", "===="],
    ["with a NUL", `${base64}\0`],
  ])("is rejected %s", (_, text) => {
    expect(decoded(text)).toBe("ERR_CERTIFICATE_MALFORMED");
  });
});

describe("a text that is neither", () => {
  test.each([
    ["escaped PEM", /escaped PEM/, encodeURIComponent(pem)],
    [
      "PEM escaped but for its signs, as load balancers do",
      /escaped PEM/,
      pem.replaceAll(" ", "%20").replaceAll("\n", "%0A"),
    ],
    ["PEM escaped as in a form", /spaces are written as \+/, new URLSearchParams({ pem }).toString().slice(4)],
    ["PEM without line breaks", /line breaks/, pem.replaceAll("\n", " ")],
    ["an RFC 9440 byte sequence", /RFC 9440/, `:${base64}:`],
    ["an empty byte sequence", /RFC 9440/, "::"],
    ["a list", /list/, `${base64},${base64}`],
    ["a list with blanks", /list/, `${base64}, ${base64}`],
    ["a bare thumbprint", /thumbprint/, thumbprint],
    ["a fingerprint with colons", /hexadecimal/, fingerprint256],
    ["a fingerprint in upper case", /hexadecimal/, fingerprint256.replaceAll(":", "")],
    ["a fingerprint in lower case", /hexadecimal/, fingerprint256.replaceAll(":", "").toLowerCase()],
    ["a SHA-1 fingerprint with colons", /hexadecimal/, fingerprint],
    ["a SHA-1 fingerprint", /hexadecimal/, fingerprint.replaceAll(":", "").toLowerCase()],
    ["what Apache sends for nothing", /no certificate/, "(null)"],
    ["PEM escaped twice", /percent-encoded twice/, encodeURIComponent(encodeURIComponent(pem))],
    ["PEM in quotes", /in quotes/, `"${pem.replaceAll("\n", " ")}"`],
    ["a hyphen", /hyphen/, "-"],
    ["a variable of nginx", /not replaced/, "$ssl_client_escaped_cert"],
    ["a variable of a shell", /not replaced/, "${CLIENT_CERT}"],
    ["a variable of Envoy", /not replaced/, "%DOWNSTREAM_PEER_CERT%"],
    ["a variable of Apache", /not replaced/, "%{SSL_CLIENT_CERT}s"],
    ["a variable of HAProxy", /not replaced/, "%[ssl_c_der,base64]"],
    ["what Caddy sends for nothing", /no certificate/, "{http.request.tls.client.certificate_der_base64}"],
  ])("is rejected with a detail that names it: %s", (_, name, text) => {
    const { code, detail } = rejection(() => derFromText(text));
    expect(code).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(detail).toMatch(name);
  });

  test.each([
    ["a thumbprint in base64", Buffer.from(thumbprint, "base64url").toString("base64")],
    ["a word", "null"],
    ["a base64 text of other bytes", Buffer.from("certificate").toString("base64")],
    ["blanks", "   "],
    ["nothing", ""],
    ["a zero", "0"],
    ["an XFCC element", `Hash=${"0".repeat(64)};Subject="CN=a"`],
  ])("is rejected: %s", (_, text) => {
    expect(outcome(() => derFromText(text))).toBe("ERR_CERTIFICATE_MALFORMED");
  });

  test.each([
    encodeURIComponent(pem),
    `:${base64}:`,
    `${base64},${base64}`,
    thumbprint,
    fingerprint256,
    base64.slice(0, -4),
  ])("is not quoted in the rejection: %.20s", (text) => {
    const { message, detail, stack } = rejection(() => assertCertificateShape(derFromText(text)));
    expect(`${message} ${detail} ${stack}`).not.toContain(text.slice(30, 42));
  });
});

describe("the bytes of a certificate", () => {
  test.each(recordedCertificates)("have the shape of one: $name", (certificate) => {
    expect(outcome(() => assertCertificateShape(new X509Certificate(certificate.pem).raw))).toBe("accepted");
  });

  test.each([
    ["with a byte behind them", /truncated|followed/, Buffer.concat([der, Buffer.of(0)])],
    ["twice", /truncated|followed/, Buffer.concat([der, der])],
    ["without the last one", /truncated|followed/, der.subarray(0, -1)],
    ["cut to the header", /truncated|followed/, der.subarray(0, 4)],
    ["cut inside of the length", /truncated|followed/, der.subarray(0, 3)],
    ["cut to the tag", /truncated|followed/, der.subarray(0, 1)],
    ["in PEM, which is no DER", /PEM/, Buffer.from(pem)],
    ["of base64 text", /DER/, Buffer.from(base64)],
    ["with another tag", /DER/, Buffer.concat([Buffer.of(0x31), der.subarray(1)])],
    ["with a byte before them", /DER/, Buffer.concat([Buffer.of(0), der])],
    ["of nothing", /DER/, Buffer.alloc(0)],
  ])("are rejected %s", (_, name, bytes) => {
    const { code, detail } = rejection(() => assertCertificateShape(bytes));
    expect(code).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(detail).toMatch(name);
  });
});

/** Bytes of the shape of a certificate, whose outer length is written in so many bytes beyond the first. */
function outerLengthIn(lengthBytes: number, contentLength: number): Buffer {
  const members = certificateShaped(Buffer.alloc(contentLength));
  const content = members.subarray(members.length - contentLength - overhead(contentLength));
  const header = Buffer.alloc(2 + lengthBytes);
  header[0] = 0x30;
  header[1] = lengthBytes === 0 ? content.length : 0x80 + lengthBytes;
  if (lengthBytes > 0) header.writeUIntBE(content.length, 2, lengthBytes);
  return Buffer.concat([header, content]);
}

/** What the members of such bytes take besides the content: the header of the first, and the other two. */
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
  ])("of %i bytes and those around them is written in %i more", (length, lengthBytes) => {
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
  ])("of %i bytes and those around them is not written in %i more", (length, lengthBytes) => {
    const shape = (): void => assertCertificateShape(outerLengthIn(lengthBytes, length));
    expect(outcome(shape)).toBe("ERR_CERTIFICATE_MALFORMED");
  });

  test.each([
    ["indefinite", [0x30, 0x80, 0x30, 0x00, 0x30, 0x00, 0x03, 0x00, 0x00, 0x00]],
    ["indefinite, though the rest would fit", [0x30, 0x80, ...Array.from<number>({ length: 0x80 }).fill(0)]],
    ["of the reserved form", [0x30, 0xff, 0x00]],
    ["greater than any certificate", [0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00]],
    ["missing", [0x30]],
    ["cut off", [0x30, 0x82, 0x01]],
  ])("may not be %s", (_, bytes) => {
    expect(outcome(() => assertCertificateShape(Buffer.from(bytes)))).toBe("ERR_CERTIFICATE_MALFORMED");
  });
});

describe("the members of a certificate", () => {
  const [sequenceTag, bitString] = [0x30, 0x03];
  const member = (tag: number): Buffer => derElement(tag, Buffer.alloc(3));
  const members = (...parts: readonly Uint8Array[]): Buffer => derElement(sequenceTag, ...parts);
  const [tbs, algorithm, signature] = [member(sequenceTag), member(sequenceTag), member(bitString)] as const;

  test("are SEQUENCE, SEQUENCE and BIT STRING, whatever they hold", () => {
    expect(outcome(() => assertCertificateShape(members(tbs, algorithm, signature)))).toBe("accepted");
  });

  test.each([
    ["none", members()],
    ["one", members(tbs)],
    ["two", members(tbs, algorithm)],
    ["four", members(tbs, algorithm, signature, member(0x04))],
    ["a further byte", members(tbs, algorithm, signature, Buffer.of(0))],
    ["an INTEGER instead of the first", members(member(0x02), algorithm, signature)],
    ["a SET instead of the second", members(tbs, member(0x31), signature)],
    ["an OCTET STRING instead of the third", members(tbs, algorithm, member(0x04))],
    ["a third that ends behind the certificate", members(tbs, algorithm, Buffer.of(bitString, 4, 0, 0, 0))],
    ["a first that ends behind the others", members(Buffer.of(sequenceTag, 0x7f), algorithm, signature)],
    ["a third of indefinite length", members(tbs, algorithm, Buffer.of(bitString, 0x80, 0, 0))],
    ["a third whose length is cut off", members(tbs, algorithm, Buffer.of(bitString, 0x82, 0))],
    ["a third without a length", members(tbs, algorithm, Buffer.of(bitString))],
    ["those of a public key", members(algorithm, signature)],
    ["those of PKCS #12", members(member(0x02), tbs)],
  ])("are rejected: %s", (_what, bytes) => {
    const { code, detail } = rejection(() => assertCertificateShape(bytes));
    expect(code).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(detail).toMatch(/SEQUENCE, SEQUENCE and BIT STRING/);
  });
});

const anyBytes = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));
const lineEnd = fc.constantFrom("\n", "\r\n");

/** Writes PEM of any bytes, in lines of so many characters. */
function writePem(bytes: Uint8Array, width: number, end: string): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(new RegExp(`.{1,${width}}`, "g")) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join(end);
}

describe("any input", () => {
  fuzz.prop([anyBytes, fc.integer({ min: 1, max: 100 }), lineEnd])(
    "that is a SEQUENCE is read back from PEM and from base64",
    (rest, width, end) => {
      const bytes = Buffer.concat([Buffer.of(0x30), rest]);
      expect(derFromText(writePem(bytes, width, end)).equals(bytes)).toBe(true);
      expect(derFromText(bytes.toString("base64")).equals(bytes)).toBe(true);
    },
  );

  fuzz.prop([fc.nat(), fc.constantFrom("insert", "replace", "remove"), fc.string({ unit: "binary", maxLength: 1 })])(
    "that differs in one place from a certificate is rejected, or is the canonical text of other bytes",
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
  ])("that is text is rejected by an AccessTokenError, or is canonical base64", (text) => {
    expectCanonicalOrRejected(text.trim());
  });

  fuzz.prop([fc.string({ unit: "binary" }), fc.string({ unit: "binary" })])(
    "that begins like PEM is read, or rejected by an AccessTokenError",
    (body, rest) => {
      const text = `-----BEGIN CERTIFICATE-----\n${body}-----END CERTIFICATE-----${rest}`;
      expect(["accepted", "ERR_CERTIFICATE_MALFORMED"]).toContain(outcome(() => derFromText(text)));
    },
  );

  fuzz.prop([anyBytes, anyBytes, anyBytes], { numRuns: 300 })(
    "that has the shape of a certificate is accepted, and rejected with a byte more or less",
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
  )("that is bytes is accepted, or rejected by an AccessTokenError", (bytes) => {
    expect(["accepted", "ERR_CERTIFICATE_MALFORMED"]).toContain(outcome(() => assertCertificateShape(bytes)));
  });

  // Were the time of any of these quadratic, it would be minutes.
  test.each([
    ["colons", ":".repeat(500_000)],
    ["hexadecimal pairs", "ab:".repeat(200_000)],
    ["hexadecimal digits", `${"ab".repeat(250_000)}g`],
    ["BEGIN lines", "-----BEGIN CERTIFICATE-----\n".repeat(20_000)],
    ["carriage returns", `-----BEGIN CERTIFICATE-----\n${"\r".repeat(500_000)}-----END CERTIFICATE-----`],
    ["empty lines", `-----BEGIN CERTIFICATE-----${"\n".repeat(500_000)}-----END CERTIFICATE-----`],
    ["blanks behind PEM", `${pem}${" ".repeat(500_000)}x`],
    ["base64 with a wrong end", `${"M".repeat(500_000)}*`],
    ["commas", `M${",".repeat(500_000)}`],
    ["escapes", "-----BEGIN%20".repeat(50_000)],
  ])("of very many %s is rejected in linear time", (_, text) => {
    expect(outcome(() => derFromText(text))).toBe("ERR_CERTIFICATE_MALFORMED");
  });
});

/** An accepted text is the one text for its bytes. */
function expectCanonicalOrRejected(text: string): void {
  const ending = outcome(() => expect(derFromText(text).toString("base64")).toBe(text));
  expect(["accepted", "ERR_CERTIFICATE_MALFORMED"]).toContain(ending);
}

function recorded(name: string): string {
  const found = recordedCertificates.find((certificate) => certificate.name === name);
  if (found === undefined) throw new Error(`there is no recorded certificate ${name}`);
  return found.pem;
}

describe("a file of the operator", () => {
  const bag = "Bag Attributes\n    friendlyName: client\nsubject=CN = client\n\nissuer=CN = ca\n\n";
  const words = (text: string): unknown => {
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
    ["a private key before the certificate", `-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${pem}`, 1],
  ])("is read: %s", (_name, text, count) => {
    expect(words(text)).toEqual(Array.from({ length: count }, () => base64));
  });

  test.each([
    ["no certificate", bag],
    ["nothing", ""],
    ["a certificate without its end", bag + pem.slice(0, 300)],
    ["a second certificate without its end", pem + pem.slice(0, 300)],
    ["a certificate without its beginning", pem.slice(40)],
    ["a certificate with text in it", pem.replace("\n", "\nBag Attributes\n")],
    ["another kind of PEM", pem.replaceAll("CERTIFICATE", "CERTIFICATE REQUEST")],
    ["escaped PEM", encodeURIComponent(pem)],
    ["base64 DER with text before it", `${bag}${base64}`],
  ])("is malformed: %s", (_name, text) => {
    expect(words(text)).toBe("ERR_CERTIFICATE_MALFORMED");
  });

  test("is not what a client presents: text before PEM is rejected there", () => {
    expect(decoded(bag + pem)).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(decoded(pem)).toBe("accepted");
  });
});
