import { createHash, X509Certificate } from "node:crypto";
import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { isThumbprint, sha256Thumbprint, THUMBPRINT_OF_NOTHING } from "../../src/values/thumbprint.ts";
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
    ["nothing", ""],
    ["a character less", thumbprint.slice(0, -1)],
    ["a character more", `${thumbprint}A`],
    ["loose last bits", `${thumbprint.slice(0, -1)}1`],
    ["a pad", `${thumbprint}=`],
    ["a line end", `${thumbprint}\n`],
    ["a blank", ` ${thumbprint.slice(1)}`],
    ["the characters of base64", `+${thumbprint.slice(1)}`],
    ["a letter beyond ASCII", `\u212a${thumbprint.slice(1)}`],
    ["64 hexadecimal digits", digest.toString("hex")],
    ["a fingerprint with colons", digest.toString("hex").replaceAll(/..(?!$)/g, "$&:")],
    ["43 hexadecimal digits and more", digest.toString("hex").slice(0, 44)],
    ["SHA-1", createHash("sha1").update("").digest("base64url")],
    ["SHA-512", createHash("sha512").update("").digest("base64url")],
  ])("rejects %s", (_, text) => {
    expect(isThumbprint(text)).toBe(false);
  });

  fuzz.prop([fc.uint8Array({ minLength: 32, maxLength: 32 })])("accepts any 32 bytes in base64url", (bytes) => {
    expect(isThumbprint(Buffer.from(bytes).toString("base64url"))).toBe(true);
  });

  fuzz.prop([fc.stringMatching(/^[\w-]{43}$/)])("accepts no text that base64url would write otherwise", (text) => {
    const canonical = Buffer.from(text, "base64url").toString("base64url") === text;
    expect(isThumbprint(text)).toBe(canonical);
  });
});

test.each(recordedCertificates)("sha256Thumbprint computes that of the certificate $name", (certificate) => {
  expect(sha256Thumbprint(new X509Certificate(certificate.pem).raw)).toBe(certificate.thumbprint);
});

test("the thumbprint of nothing is the SHA-256 of no bytes", () => {
  expect(sha256Thumbprint(new Uint8Array())).toBe(THUMBPRINT_OF_NOTHING);
});
