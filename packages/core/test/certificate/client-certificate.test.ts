import { X509Certificate } from "node:crypto";
import { createCertificateAuthority, createSelfSignedCertificate } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import {
  certificateThumbprint,
  type ClientCertificateInput,
  parseClientCertificate,
  parseVerifiedCertificate,
} from "../../src/certificate/client-certificate.ts";
import { certificateShaped } from "../support/der.ts";
import { outcome, rejection } from "../support/outcome.ts";
import { recordedCertificates } from "../vectors/certificates.ts";
import * as rfc8705 from "../vectors/rfc8705-appendix-a.ts";

/** SHA-256 of an empty input, which some proxies forward without a certificate. */
const emptyHash = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

const { raw: der, fingerprint256 } = new X509Certificate(rfc8705.certificate);
const base64 = der.toString("base64");

/** Returns a certificate in every form that certificateThumbprint accepts. */
function formsOf(pem: string): [string, string | Uint8Array | X509Certificate][] {
  const x509 = new X509Certificate(pem);
  const crlf = pem.replaceAll("\n", "\r\n");
  return [
    ["PEM with line feeds", pem],
    ["PEM with carriage returns", crlf],
    ["PEM without a line break at the end", pem.trimEnd()],
    ["PEM with white space around it", `\n\t ${pem} \r\n`],
    ["a PEM chain", pem + rfc8705.certificate],
    ["a PEM chain with carriage returns", crlf + rfc8705.certificate.replaceAll("\n", "\r\n")],
    ["base64 DER", x509.raw.toString("base64")],
    ["DER in a Buffer", x509.raw],
    ["DER in a Uint8Array", Uint8Array.from(x509.raw)],
    ["DER inside a larger buffer", Buffer.concat([Buffer.alloc(3), x509.raw, Buffer.alloc(5)]).subarray(3, -5)],
    ["Node's X509Certificate", x509],
    ["Node's X509Certificate from DER", new X509Certificate(x509.raw)],
  ];
}

describe("certificateThumbprint", () => {
  test.each(formsOf(rfc8705.certificate))(
    "returns the thumbprint in RFC 8705 Appendix A for its example as %s",
    (_, form) => {
      expect(certificateThumbprint(form)).toBe(rfc8705.thumbprint);
    },
  );

  describe.each(recordedCertificates)("for the recorded certificate $name", ({ pem, thumbprint }) => {
    test.each(formsOf(pem))("returns the same thumbprint as OpenSSL for %s", (_, form) => {
      expect(certificateThumbprint(form)).toBe(thumbprint);
    });
  });

  test.each(["ec", "rsa", "ed25519"] as const)(
    "returns the same thumbprint for a client's %s certificate in every form",
    async (keyType) => {
      const ca = await createCertificateAuthority();
      const { certificate, thumbprint } = await ca.issueClientCertificate({ keyType });
      expect(new Set(formsOf(certificate).map(([, form]) => certificateThumbprint(form)))).toEqual(
        new Set([thumbprint]),
      );
    },
  );

  test("returns another thumbprint for another certificate with the same name (M-01)", async () => {
    const [one, other] = await Promise.all([createSelfSignedCertificate(), createSelfSignedCertificate()]);
    expect(new X509Certificate(one.certificate).subject).toBe(new X509Certificate(other.certificate).subject);
    expect(certificateThumbprint(one.certificate)).not.toBe(certificateThumbprint(other.certificate));
  });

  test("returns the thumbprint of the leaf for a chain (M-04)", () => {
    const [leaf = "", issuer = ""] = recorded("chain-full").split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(certificateThumbprint(leaf + issuer)).toBe(certificateThumbprint(leaf));
    expect(certificateThumbprint(issuer + leaf)).toBe(certificateThumbprint(issuer));
    expect(certificateThumbprint(leaf)).not.toBe(certificateThumbprint(issuer));
  });

  test.each([
    ["an empty string", ""],
    ["empty bytes", new Uint8Array()],
  ])("rejects %s (M-05)", (_, input) => {
    expect(outcome(() => certificateThumbprint(input))).toBe("ERR_CERTIFICATE_MALFORMED");
  });
});

describe("a client certificate", () => {
  test.each<[string, ClientCertificateInput]>([
    ...formsOf(rfc8705.certificate),
    ["its thumbprint", { thumbprint: rfc8705.thumbprint }],
  ])("is identified by its thumbprint when given as %s", (_, input) => {
    expect(parseClientCertificate(input)?.thumbprint).toBe(rfc8705.thumbprint);
  });

  test("that is already parsed is returned unchanged", () => {
    const parsed = parseClientCertificate(rfc8705.certificate);
    expect(parsed).toBeDefined();
    expect(parseClientCertificate(parsed ?? null)).toBe(parsed);
  });

  test.each<[string, ClientCertificateInput | null]>([
    ["null", null],
    ["an empty string", ""],
    ["empty bytes", new Uint8Array()],
    ["an empty Buffer", Buffer.alloc(0)],
    ["the hash of an empty input", { thumbprint: emptyHash }],
  ])("counts as not presented when given as %s (M-05)", (_, input) => {
    expect(parseClientCertificate(input)).toBeUndefined();
  });
});

describe("an input that is not a certificate", () => {
  test.each<[string, RegExp, ClientCertificateInput]>([
    ["escaped PEM", /escaped PEM/, encodeURIComponent(rfc8705.certificate)],
    ["an RFC 9440 byte sequence", /RFC 9440/, `:${base64}:`],
    ["a list", /list/, `${base64}, ${base64}`],
    ["a bare thumbprint", /thumbprint/, rfc8705.thumbprint],
    ["a fingerprint with colons", /hexadecimal/, fingerprint256],
    ["a fingerprint without colons", /hexadecimal/, fingerprint256.replaceAll(":", "").toLowerCase()],
    ["PEM with spaces as line breaks", /line breaks/, rfc8705.certificate.replaceAll("\n", " ")],
    ["PEM with text after it", /followed/, `${rfc8705.certificate}junk`],
    ["PEM without an END line", /END/, rfc8705.certificate.slice(0, 200)],
    ["PEM in a Buffer", /PEM/, Buffer.from(rfc8705.certificate)],
    ["PEM with text before it", /PEM/, `Bag Attributes\n${rfc8705.certificate}`],
    ["truncated base64 DER", /truncated|followed/, base64.slice(0, -4)],
    ["truncated DER", /truncated|followed/, der.subarray(0, -1)],
    ["DER with an additional byte", /truncated|followed/, Buffer.concat([der, Buffer.of(0)])],
    [
      "base64 of DER with an additional byte",
      /truncated|followed/,
      Buffer.concat([der, Buffer.of(0)]).toString("base64"),
    ],
    ["DER with a length that is not minimal", /DER/, Buffer.concat([Buffer.of(0x30, 0x83, 0x00), der.subarray(2)])],
    ["BER with an indefinite length", /DER/, Buffer.concat([Buffer.of(0x30, 0x80), der.subarray(4), Buffer.alloc(2)])],
    ["the placeholder of Apache for no certificate", /no certificate/, "(null)"],
    ["a space", /DER/, " "],
    ["a word", /DER/, "undefined"],
  ])("is rejected with a detail that states the reason: %s", (_, reason, input) => {
    const { code, detail } = rejection(() => parseClientCertificate(input));
    expect(code).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(detail).toMatch(reason);
  });

  test.each<[string, unknown]>([
    ["undefined", undefined],
    ["a number", 1],
    ["false", false],
    ["a list", [rfc8705.certificate]],
    ["an empty object", {}],
    ["the result of getPeerCertificate()", { subject: { CN: "mtls" }, raw: der, fingerprint256 }],
    ["an ArrayBuffer", new ArrayBuffer(8)],
    ["a promise", Promise.resolve(rfc8705.certificate)],
    ["a function", () => rfc8705.certificate],
  ])("throws a TypeError if its type is not supported: %s", (_, input) => {
    expect(() => parseClientCertificate(input as ClientCertificateInput)).toThrow(TypeError);
  });
});

describe("a certificate given as { thumbprint }", () => {
  test("has no x509", () => {
    expect(parseClientCertificate({ thumbprint: rfc8705.thumbprint })?.x509).toBeUndefined();
  });

  test("has the x509 that was given with it", () => {
    const x509 = new X509Certificate(der);
    expect(parseClientCertificate({ thumbprint: rfc8705.thumbprint, x509 })?.x509).toBe(x509);
  });

  test("is rejected with the x509 of another certificate", () => {
    const x509 = new X509Certificate(recorded("ec256"));
    const parse = () => parseClientCertificate({ thumbprint: rfc8705.thumbprint, x509 });
    expect(outcome(parse)).toBe("ERR_CERTIFICATE_MALFORMED");
  });

  test.each([
    ["an empty string", ""],
    ["one character less", rfc8705.thumbprint.slice(1)],
    ["one character more", `A${rfc8705.thumbprint}`],
    ["stray last bits", `${rfc8705.thumbprint.slice(0, -1)}1`],
    ["padding", `${rfc8705.thumbprint}=`],
    ["a line break", `${rfc8705.thumbprint}\n`],
    ["base64", Buffer.from(rfc8705.thumbprint, "base64url").toString("base64")],
    ["hexadecimal digits", fingerprint256.replaceAll(":", "")],
    ["a fingerprint with colons", fingerprint256],
  ])("is rejected with %s instead of 43 canonical characters (M-06)", (_, thumbprint) => {
    expect(outcome(() => parseClientCertificate({ thumbprint }))).toBe("ERR_CERTIFICATE_MALFORMED");
  });

  test.each([
    ["a thumbprint in a list", { thumbprint: [rfc8705.thumbprint] }],
    ["an object that converts to a thumbprint", { thumbprint: { toString: () => rfc8705.thumbprint } }],
    ["a number", { thumbprint: 1 }],
    ["null", { thumbprint: null }],
    ["undefined", { thumbprint: undefined }],
    ["PEM as x509", { thumbprint: rfc8705.thumbprint, x509: rfc8705.certificate }],
    ["a string as chainVerified", { thumbprint: rfc8705.thumbprint, chainVerified: "true" }],
    ["null as chainVerified", { thumbprint: rfc8705.thumbprint, chainVerified: null }],
    ["an object with only the bytes as x509", { thumbprint: rfc8705.thumbprint, x509: { raw: der } }],
  ])("throws a TypeError with %s", (_, input: object) => {
    expect(() => parseClientCertificate(input as ClientCertificateInput)).toThrow(TypeError);
  });
});

describe("chainVerified", () => {
  const { thumbprint } = rfc8705;

  test("is copied from { thumbprint, chainVerified }, and is false for other inputs", () => {
    expect(parseClientCertificate({ thumbprint, chainVerified: true })?.chainVerified).toBe(true);
    expect(parseClientCertificate({ thumbprint, chainVerified: false })?.chainVerified).toBe(false);
    for (const input of [{ thumbprint }, rfc8705.certificate, der, new X509Certificate(der)]) {
      expect(parseClientCertificate(input)?.chainVerified).toBe(false);
    }
  });

  test("is true for a certificate whose chain was verified, which is still parsed lazily", () => {
    const verified = parseVerifiedCertificate(der);
    expect(verified).toMatchObject({ thumbprint, chainVerified: true });
    expect(verified?.x509?.fingerprint256).toBe(fingerprint256);
    expect(parseVerifiedCertificate(null)).toBeUndefined();
    expect(parseVerifiedCertificate("")).toBeUndefined();
  });

  test("is not enumerable", () => {
    expect(Object.keys(parseVerifiedCertificate(der) ?? {})).toStrictEqual(["thumbprint"]);
  });
});

describe("x509", () => {
  test.each(formsOf(rfc8705.certificate))("is the certificate for an input of %s", (_, input) => {
    expect(parseClientCertificate(input)?.x509?.raw).toEqual(der);
  });

  test("is the same object as the given X509Certificate", () => {
    const x509 = new X509Certificate(der);
    expect(parseClientCertificate(x509)?.x509).toBe(x509);
  });

  test("is parsed once", () => {
    const parsed = parseClientCertificate(der);
    expect(parsed?.x509).toBeInstanceOf(X509Certificate);
    expect(parsed?.x509).toBe(parsed?.x509);
  });

  test("does not change if the given bytes change later", () => {
    const bytes = Uint8Array.from(der);
    const parsed = parseClientCertificate(bytes);
    bytes.fill(0);
    expect(parsed?.x509?.raw).toEqual(der);
  });

  test("is undefined for bytes that Node cannot parse, which still have a thumbprint", () => {
    const parsed = parseClientCertificate(certificateShaped());
    expect(parsed?.thumbprint).toMatch(/^[\w-]{43}$/);
    expect(parsed?.x509).toBeUndefined();
  });

  test("is undefined if Node would encode the certificate differently (M-10)", () => {
    // The length of the signature is encoded in two bytes instead of one. That is BER instead of DER, but Node parses it.
    const signature = der.length - 75;
    const ber = Buffer.concat([der.subarray(0, signature + 1), Buffer.of(0x81), der.subarray(signature + 1)]);
    ber.writeUInt16BE(der.readUInt16BE(2) + 1, 2);
    expect(new X509Certificate(ber).raw).toEqual(der);
    expect(parseClientCertificate(ber)?.x509).toBeUndefined();
    expect(parseClientCertificate(ber)?.thumbprint).not.toBe(rfc8705.thumbprint);
  });
});

function recorded(name: string): string {
  const found = recordedCertificates.find((certificate) => certificate.name === name);
  if (found === undefined) throw new Error(`certificate ${name} is not recorded`);
  return found.pem;
}
