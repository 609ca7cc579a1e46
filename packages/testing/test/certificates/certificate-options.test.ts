import { describe, expect, test, vi } from "vitest";
import { parseCertificateOptions } from "../../src/certificates/certificate-options.ts";

const now = Date.UTC(2026, 0, 15);
const day = 24 * 60 * 60 * 1000;

function parse(options: object) {
  vi.useFakeTimers({ now });
  try {
    return parseCertificateOptions(options, {
      usage: "client",
      commonName: "client-1",
      subjectAlternativeNames: ["DNS:client.example"],
    });
  } finally {
    vi.useRealTimers();
  }
}

describe("parseCertificateOptions", () => {
  test("applies defaults", () => {
    expect(parse({})).toEqual({
      usage: "client",
      commonName: "client-1",
      keyType: "ec",
      notBefore: new Date(now - day),
      notAfter: new Date(now + 365 * day),
      alternativeNames: [{ kind: "DNS", value: "client.example" }],
    });
  });

  test("sets notBefore to one day before a notAfter in the past", () => {
    const notAfter = new Date(now - 10 * day);
    expect(parse({ notAfter })).toMatchObject({ notBefore: new Date(now - 11 * day), notAfter });
  });

  test("sets the dates of an expired certificate", () => {
    expect(parse({ expired: true })).toMatchObject({
      notBefore: new Date(now - 2 * day),
      notAfter: new Date(now - day),
    });
  });

  test("sets notAfter to one year after a notBefore in the future", () => {
    const notBefore = new Date(now + 10 * day);
    expect(parse({ notBefore })).toMatchObject({ notBefore, notAfter: new Date(now + 375 * day) });
  });

  test("accepts an empty list of alternative names", () => {
    expect(parse({ subjectAlternativeNames: [] })).toMatchObject({ alternativeNames: [] });
  });

  test.each([
    { keyType: "ed448" },
    { keyType: "RSA" },
    { keyType: "toString" },
    { keyType: null },
    { commonName: "" },
    { commonName: 1 },
    { notBefore: new Date(Number.NaN) },
    { notAfter: "2030-01-01" },
    { notBefore: new Date("1949-12-31T00:00:00Z") },
    { subjectAlternativeNames: ["localhost"] },
    { commonname: "client-2" },
    { expired: false },
    { expired: "yes" },
    { expired: true, notAfter: new Date(now) },
  ])("rejects %j", (options) => {
    expect(() => parse(options)).toThrow(TypeError);
  });
});
