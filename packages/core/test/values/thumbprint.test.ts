import { createHash, X509Certificate } from "node:crypto";
import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { isThumbprint, sha256Thumbprint, THUMBPRINT_OF_EMPTY_INPUT } from "../../src/values/thumbprint.ts";
import { recordedCertificates } from "../vectors/certificates.ts";
import { thumbprint } from "../vectors/rfc8705-appendix-a.ts";

fc.configureGlobal({ seed: 8705 });

const digest = Buffer.from(thumbprint, "base64url");

describe("isThumbprint", () => {
  test("accepts the example of RFC 8705 Appendix A", () => {
    expect(isThumbprint(thumbprint)).toBe(true);
  });

  test.each(recordedCertificates)("accepts the thumbprint of the certificate $name", (certificate) => {
    expect(isThumbprint(certificate.thumbprint)).toBe(true);
  });

  test.each([
    ["an empty string", ""],
    ["one character less", thumbprint.slice(0, -1)],
    ["one character more", `${thumbprint}A`],
    ["stray last bits", `${thumbprint.slice(0, -1)}1`],
    ["padding", `${thumbprint}=`],
    ["a line break", `${thumbprint}\n`],
    ["a space", ` ${thumbprint.slice(1)}`],
    ["a character of base64", `+${thumbprint.slice(1)}`],
    ["a letter outside ASCII", `\u212a${thumbprint.slice(1)}`],
    ["64 hexadecimal digits", digest.toString("hex")],
    ["a fingerprint with colons", digest.toString("hex").replaceAll(/..(?!$)/g, "$&:")],
    ["44 hexadecimal digits", digest.toString("hex").slice(0, 44)],
    ["SHA-1", createHash("sha1").update("").digest("base64url")],
    ["SHA-512", createHash("sha512").update("").digest("base64url")],
  ])("rejects %s", (_, text) => {
    expect(isThumbprint(text)).toBe(false);
  });

  fuzz.prop([fc.uint8Array({ minLength: 32, maxLength: 32 })])("accepts any 32 bytes in base64url", (bytes) => {
    expect(isThumbprint(Buffer.from(bytes).toString("base64url"))).toBe(true);
  });

  fuzz.prop([fc.stringMatching(/^[\w-]{43}$/)])("rejects text that is not canonical base64url", (text) => {
    const canonical = Buffer.from(text, "base64url").toString("base64url") === text;
    expect(isThumbprint(text)).toBe(canonical);
  });
});

test.each(recordedCertificates)("sha256Thumbprint computes the thumbprint of the certificate $name", (certificate) => {
  expect(sha256Thumbprint(new X509Certificate(certificate.pem).raw)).toBe(certificate.thumbprint);
});

test("THUMBPRINT_OF_EMPTY_INPUT is the SHA-256 hash of an empty input", () => {
  expect(sha256Thumbprint(new Uint8Array())).toBe(THUMBPRINT_OF_EMPTY_INPUT);
});
