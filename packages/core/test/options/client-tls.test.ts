import { createPrivateKey } from "node:crypto";
import { createCertificateAuthority, createSelfSignedCertificate } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { copyClientTls, isClientTls } from "../../src/options/client-tls.ts";

const rootCa = await createCertificateAuthority();
const { certificate: cert, key } = await rootCa.issueClientCertificate();
const other = await createSelfSignedCertificate();
const ca = rootCa.certificate;
const passphrase = "correct horse";
const encrypted = createPrivateKey(key)
  .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase })
  .toString();
const malformed = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

function expectRejection(value: unknown, text: string): void {
  expect(() => isClientTls(value)).toThrow(TypeError);
  expect(() => isClientTls(value)).toThrow(text);
}

describe("isClientTls", () => {
  test.each<[string, object]>([
    ["a certificate with its key", { cert, key }],
    ["bytes", { cert: Buffer.from(cert), key: new TextEncoder().encode(key), ca: Buffer.from(ca) }],
    ["a certificate with its chain", { cert: cert + ca, key }],
    ["a key with its passphrase", { cert, key: encrypted, passphrase }],
    ["a CA certificate", { cert, key, ca }],
    ["several CA certificates with text between them", { cert, key, ca: `one\n${ca}\ntwo\n${other.certificate}` }],
    ["undefined members", { cert, key, ca: undefined, passphrase: undefined }],
  ])("accepts %s", (_name, value) => {
    expect(isClientTls(value)).toBe(true);
  });

  test.each<[string, object]>([
    ["an empty object", {}],
    ["a certificate without its key", { cert }],
    ["a key without its certificate", { key }],
    ["the key of another certificate", { cert, key: other.key }],
    ["certificate and key exchanged", { cert: key, key: cert }],
    ["a key without its passphrase", { cert, key: encrypted }],
    ["a key with another passphrase", { cert, key: encrypted, passphrase: "wrong" }],
    ["a malformed certificate", { cert: malformed, key }],
    ["a certificate that is not PEM", { cert: Buffer.from(other.der), key: other.key }],
    ["empty bytes", { cert: new Uint8Array(), key: new Uint8Array() }],
  ])("rejects %s", (_name, value) => {
    expect(isClientTls(value)).toBe(false);
  });

  test.each<[string, string, unknown, string]>([
    ["cert", "an empty string", "", "PEM"],
    ["cert", "a number", 1, "PEM"],
    ["key", "null", null, "PEM"],
    ["key", "a list", [key], "PEM"],
    ["key", "a KeyObject", createPrivateKey(key), "PEM"],
    ["passphrase", "an empty string", "", "a non-empty string"],
    ["passphrase", "bytes", Buffer.from("x"), "a non-empty string"],
    ["ca", "an empty string", "", "certificates as PEM"],
    ["ca", "a word", "certificate", "certificates as PEM"],
    ["ca", "a private key", key, "certificates as PEM"],
    ["ca", "a malformed certificate", malformed, "certificates as PEM"],
    ["ca", "a certificate before a malformed one", ca + malformed, "certificates as PEM"],
    ["ca", "empty bytes", new Uint8Array(), "certificates as PEM"],
    ["ca", "DER", Buffer.from(other.der), "certificates as PEM"],
    ["ca", "a list", [ca], "certificates as PEM"],
  ])("names %s if it is %s", (name, _description, value, expected) => {
    const given = name === "passphrase" ? { cert, key: encrypted } : { cert, key };
    expectRejection({ ...given, [name]: value }, `option "${name}" in clientTls must be ${expected}`);
  });

  test.each(["pfx", "rejectUnauthorized", "servername", "Cert"])("rejects the unknown member %s", (name) => {
    expectRejection({ cert, key, [name]: false }, `unknown option "${name}" in clientTls`);
  });

  test.each([
    ["null", null],
    ["undefined", undefined],
    ["an empty string", ""],
    ["PEM", cert],
    ["a number", 1],
    ["true", true],
    ["a list", [cert, key]],
  ])("rejects %s", (_name, value) => {
    expectRejection(value, "clientTls must be an object");
  });
});

describe("copyClientTls", () => {
  test("copies all members", () => {
    expect(copyClientTls({ cert, key })).toEqual({ cert, key });
    const all = { cert, key: encrypted, passphrase, ca };
    expect(copyClientTls(all)).toEqual(all);
  });

  test("does not reflect later changes to the original", () => {
    const given = { cert: Buffer.from(cert), key: Buffer.from(key), ca: Buffer.from(ca) };
    const copy = copyClientTls(given);
    for (const part of Object.values(given)) part.fill(0);
    Object.assign(given, { cert: other.certificate });
    expect(copy).toEqual({ cert: Buffer.from(cert), key: Buffer.from(key), ca: Buffer.from(ca) });
    expect(Object.isFrozen(copy)).toBe(true);
  });
});
