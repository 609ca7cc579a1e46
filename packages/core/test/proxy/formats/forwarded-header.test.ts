import { describe, expect, test } from "vitest";
import type { CertificateEncoding } from "../../../src/proxy/encodings.ts";
import { forwardedHeader, type ForwardedHeaderOptions } from "../../../src/proxy/formats/forwarded-header.ts";
import { encoders, verdict } from "../../support/forwarding.ts";
import { certificates } from "../../vectors/proxies/fixtures.ts";

const UNTRUSTED = "ERR_CERTIFICATE_UNTRUSTED";
const { der, thumbprint } = certificates.ec256;

const header = "X-Own-Cert";
const encodings = Object.keys(encoders) as readonly CertificateEncoding[];

describe("forwardedHeader", () => {
  test.each(encodings)("reads a header with the encoding %s", (encoding) => {
    const value = encoders[encoding](Buffer.from(der, "base64"));
    expect(verdict(forwardedHeader({ header, encoding }), [header, value])).toBe(thumbprint);
    expect(verdict(forwardedHeader({ header: `${header}-2`, encoding }), [header, value])).not.toBe(thumbprint);
  });

  test.each<[string, NonNullable<ForwardedHeaderOptions["verify"]>]>([
    ["one value", { header: "X-Verify", success: "ok" }],
    ["one of several values", { header: "X-Verify", success: ["yes", "ok"] }],
    ["a value that a function accepts", { header: "X-Verify", success: (value: string) => value === "ok" }],
    [
      "several headers",
      [
        { header: "X-Verify", success: "ok" },
        { header: "X-Used", success: "1" },
      ],
    ],
  ])("requires the verify header: %s", (_, verify) => {
    const format = forwardedHeader({ header, encoding: "der-base64", verify });
    expect(verdict(format, [header, der, "x-verify", "ok", "x-used", "1"])).toBe(thumbprint);
    expect(verdict(format, [header, der, "x-verify", "OK", "x-used", "1"])).toBe(UNTRUSTED);
    expect(verdict(format, [header, der, "x-used", "1"])).toBe(UNTRUSTED);
  });

  test("does not require a verify header if verify is undefined", () => {
    const format = forwardedHeader({ header, encoding: "der-base64", verify: undefined });
    expect(verdict(format, [header, der])).toBe(thumbprint);
  });

  test("requires each of several verify headers", () => {
    const verify = [
      { header: "X-Verify", success: "ok" },
      { header: "X-Used", success: "1" },
    ];
    const format = forwardedHeader({ header, encoding: "der-base64", verify });
    expect(verdict(format, [header, der, "x-verify", "ok"])).toBe(UNTRUSTED);
    expect(verdict(format, [header, der, "x-verify", "ok", "x-used", "0"])).toBe(UNTRUSTED);
  });

  test.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["a list", [{ header, encoding: "der-base64" }]],
    ["no header", { encoding: "der-base64" }],
    ["no encoding", { header }],
    ["a header that is undefined", { header: undefined, encoding: "der-base64" }],
    ["an unknown encoding", { header, encoding: "der" }],
    ["a member of Object.prototype as encoding", { header, encoding: "constructor" }],
    ["an encoding in another letter case", { header, encoding: "RFC9440" }],
    ["a decoder as encoding", { header, encoding: () => undefined }],
    ["a header with a blank", { header: "a b", encoding: "der-base64" }],
    ["a misspelled option", { header, encoding: "der-base64", verified: { header: "a", success: "b" } }],
    ["a verify of another type", { header, encoding: "der-base64", verify: "X-Verify" }],
    ["a verify without success", { header, encoding: "der-base64", verify: { header: "X-Verify" } }],
    ["an empty list of verify headers", { header, encoding: "der-base64", verify: [] }],
  ])("throws a TypeError for %s", (_, options) => {
    expect(() => forwardedHeader(options as ForwardedHeaderOptions)).toThrow(TypeError);
  });
});
