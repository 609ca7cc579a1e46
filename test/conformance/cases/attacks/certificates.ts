import type { Identity } from "@certbound/testing";
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { bound, confirming } from "../../confirming.ts";
import { behindProxy, byteSequence, proxied } from "../../forwarding.ts";
import { outcomeOf, verifierOf } from "../../verification.ts";

/** Returns a request with a token, and these bytes in Client-Cert of the proxy. */
function forwarding(der: (own: Identity) => Uint8Array, token: Attempt): Attempt {
  return { ...token, ...proxied((own) => [["client-cert", byteSequence({ der: der(own) })]]) };
}

/** Returns a token that is bound to these bytes. */
function boundTo(der: (own: Identity) => Uint8Array): Attempt {
  return confirming((own) => ({ "x5t#S256": createHash("sha256").update(der(own)).digest("base64url") }));
}

/** Bytes that are not a certificate. */
const malformed: readonly (readonly [name: string, der: (own: Identity) => Uint8Array])[] = [
  ["a single byte", () => Buffer.of(0x30)],
  ["two bytes", () => Buffer.of(0x30, 0x82)],
  ["a text", () => Buffer.from("certificate")],
  ["a PEM text", ({ certificate }) => Buffer.from(certificate)],
  ["a certificate without its last byte", ({ der }) => der.subarray(0, -1)],
  ["a certificate without its first byte", ({ der }) => der.subarray(1)],
];

/** Other bytes that some parsers accept as the same certificate. */
const otherEncodings: readonly (readonly [name: string, der: (own: Identity) => Uint8Array])[] = [
  ["a trailing byte", ({ der }) => Buffer.concat([der, Buffer.alloc(1)])],
  ["another certificate after it", ({ der }) => Buffer.concat([der, der])],
  // 0x30 0x82 with a two-byte length becomes 0x30 0x83 with a three-byte length, the first byte of which is zero.
  ["a length that is not minimal", ({ der }) => Buffer.concat([Buffer.of(0x30, 0x83, 0), der.subarray(2)])],
  ["an indefinite length", ({ der }) => Buffer.concat([Buffer.of(0x30, 0x80), der.subarray(4), Buffer.alloc(2)])],
];

export const cases: readonly ConformanceCase[] = [
  ...malformed.map(([name, der]) =>
    rejects("M-09", `${name} instead of a certificate, with a token bound to these bytes`, {
      api: behindProxy,
      accepted: forwarding((own) => own.der, bound),
      rejected: forwarding(der, boundTo(der)),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
  ),
  ...otherEncodings.flatMap(([name, der]) => [
    rejects("M-10", `the certificate with ${name}, with a token bound to the certificate`, {
      api: behindProxy,
      accepted: forwarding((own) => own.der, bound),
      rejected: forwarding(der, bound),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
    rejects("M-10", `the certificate with ${name}, with a token bound to these bytes`, {
      api: behindProxy,
      accepted: forwarding((own) => own.der, bound),
      rejected: forwarding(der, boundTo(der)),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
  ]),
  conforms(
    ["M-09", "M-10"],
    "rejects malformed certificates that the application passes to verify",
    async ({ scene }) => {
      const verify = (clientCertificate: Uint8Array) =>
        outcomeOf(verifierOf({ jwks: scene.jwks }).verify(scene.token(), { clientCertificate }));
      expect(await verify(scene.own.der)).toBe("accepted");
      for (const [, der] of [...malformed, ...otherEncodings]) {
        expect(await verify(der(scene.own))).toBe("ERR_CERTIFICATE_MALFORMED");
      }
    },
  ),
];
