import type { Identity } from "@certbound/testing";
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { bound, confirming } from "../../confirming.ts";
import { behindProxy, byteSequence, proxied } from "../../forwarding.ts";
import { outcomeOf, verifierOf } from "../../verification.ts";

/** Bytes in Client-Cert, by the proxy, and a token. */
function forwarding(der: (own: Identity) => Uint8Array, token: Attempt): Attempt {
  return { ...token, ...proxied((own) => [["client-cert", byteSequence({ der: der(own) })]]) };
}

/** A token that is bound to any bytes. */
function boundTo(der: (own: Identity) => Uint8Array): Attempt {
  return confirming((own) => ({ "x5t#S256": createHash("sha256").update(der(own)).digest("base64url") }));
}

/** Bytes that no certificate starts or ends with. */
const unreadable: readonly (readonly [name: string, der: (own: Identity) => Uint8Array])[] = [
  ["a single byte", () => Buffer.of(0x30)],
  ["two bytes", () => Buffer.of(0x30, 0x82)],
  ["text", () => Buffer.from("certificate")],
  ["PEM", ({ certificate }) => Buffer.from(certificate)],
  ["a certificate that is cut off", ({ der }) => der.subarray(0, -1)],
  ["a certificate without its first byte", ({ der }) => der.subarray(1)],
];

/** Other bytes that some parsers read as the very same certificate. */
const otherEncodings: readonly (readonly [name: string, der: (own: Identity) => Uint8Array])[] = [
  ["a byte behind it", ({ der }) => Buffer.concat([der, Buffer.alloc(1)])],
  ["another certificate behind it", ({ der }) => Buffer.concat([der, der])],
  // 0x30 0x82 and two bytes of length become 0x30 0x83 and three, the first of which is zero.
  ["a length that is not minimal", ({ der }) => Buffer.concat([Buffer.of(0x30, 0x83, 0), der.subarray(2)])],
  ["an indefinite length", ({ der }) => Buffer.concat([Buffer.of(0x30, 0x80), der.subarray(4), Buffer.alloc(2)])],
];

export const cases: readonly ConformanceCase[] = [
  ...unreadable.map(([name, der]) =>
    rejects("M-09", `a certificate that is ${name}, and that the token is bound to`, {
      api: behindProxy,
      accepted: forwarding((own) => own.der, bound),
      rejected: forwarding(der, boundTo(der)),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
  ),
  ...otherEncodings.flatMap(([name, der]) => [
    rejects("M-10", `the certificate with ${name}, of a token that is bound to the certificate`, {
      api: behindProxy,
      accepted: forwarding((own) => own.der, bound),
      rejected: forwarding(der, bound),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
    rejects("M-10", `the certificate with ${name}, of a token that is bound to all of these bytes`, {
      api: behindProxy,
      accepted: forwarding((own) => own.der, bound),
      rejected: forwarding(der, boundTo(der)),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
  ]),
  conforms(["M-09", "M-10"], "rejects such certificates from an application that passes them on", async ({ scene }) => {
    const verify = (clientCertificate: Uint8Array) =>
      outcomeOf(verifierOf({ jwks: scene.jwks }).verify(scene.token(), { clientCertificate }));
    expect(await verify(scene.own.der)).toBe("accepted");
    for (const [, der] of [...unreadable, ...otherEncodings]) {
      expect(await verify(der(scene.own))).toBe("ERR_CERTIFICATE_MALFORMED");
    }
  }),
];
