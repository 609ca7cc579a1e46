import type { Identity } from "@certbound/testing";
import { type ConformanceCase, rejects } from "../../conformance-case.ts";
import { base64, behindNginx, behindProxy, byteSequence, escapedPem, hexadecimal, proxied } from "../../forwarding.ts";

/** Values of Client-Cert that are not exactly one byte sequence. */
const malformedValues: readonly (readonly [name: string, value: (own: Identity) => string])[] = [
  ["without colons", ({ der }) => base64(der)],
  ["without the first colon", ({ der }) => `${base64(der)}:`],
  ["without the last colon", ({ der }) => `:${base64(der)}`],
  ["in base64url", ({ der }) => `:${Buffer.from(der).toString("base64url")}:`],
  ["with too much padding", ({ der }) => `:${base64(der)}====:`],
  ["with a space inside", ({ der }) => `:${base64(der).slice(0, 64)} ${base64(der).slice(64)}:`],
  ["with a parameter", (own) => `${byteSequence(own)};verified=1`],
  ["with the certificate twice in a list", (own) => `${byteSequence(own)}, ${byteSequence(own)}`],
  ["in quotes", (own) => `"${byteSequence(own)}"`],
  ["with a third colon", (own) => `${byteSequence(own)}:`],
];

/** The same certificate in the formats of other proxies. */
const otherFormats: readonly (readonly [name: string, value: (own: Identity) => string])[] = [
  ["in escaped PEM, like nginx", escapedPem],
  ["in base64, like Traefik", ({ der }) => base64(der)],
  ["in PEM with spaces, like Apache", ({ certificate }) => certificate.trim().replaceAll("\n", " ")],
  ["with an element, like Envoy", (own) => `Hash=${hexadecimal(own)};Cert="${escapedPem(own)}"`],
  ["with a hexadecimal fingerprint", hexadecimal],
  ["with a thumbprint", ({ thumbprint }) => thumbprint],
  ["with a thumbprint in colons", ({ thumbprint }) => `:${thumbprint}:`],
];

export const cases: readonly ConformanceCase[] = [
  ...malformedValues.map(([name, value]) =>
    rejects("X-02", `a Client-Cert ${name}`, {
      api: behindProxy,
      accepted: proxied((own) => [["client-cert", byteSequence(own)]]),
      rejected: proxied((own) => [["client-cert", value(own)]]),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
  ),
  ...(
    [
      ["the client's followed by the thief's", (own: Identity, other: Identity) => [own, other]],
      ["the thief's followed by the client's", (own: Identity, other: Identity) => [other, own]],
      ["the client's twice", (own: Identity) => [own, own]],
    ] as const
  ).map(([name, certificates]) =>
    rejects("X-02", `two Client-Cert headers, ${name}`, {
      api: behindProxy,
      accepted: proxied((own) => [["client-cert", byteSequence(own)]]),
      rejected: proxied((own, other) =>
        certificates(own, other).map((identity) => ["client-cert", byteSequence(identity)] as const),
      ),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
  ),
  ...otherFormats.map(([name, value]) =>
    rejects("X-05", `a Client-Cert ${name}`, {
      api: behindProxy,
      accepted: proxied((own) => [["client-cert", byteSequence(own)]]),
      rejected: proxied((own) => [["client-cert", value(own)]]),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
  ),
  ...(
    [
      ["ssl-client-cert", escapedPem],
      ["x-ssl-client-cert", escapedPem],
      ["x-forwarded-tls-client-cert", ({ der }: Identity) => base64(der)],
      ["x-forwarded-client-cert", (own: Identity) => `Hash=${hexadecimal(own)}`],
      ["x-arr-clientcert", ({ der }: Identity) => base64(der)],
    ] as const
  ).map(([header, value]) =>
    rejects("X-05", `the header ${header} where Client-Cert is configured`, {
      api: behindProxy,
      accepted: proxied((own) => [
        ["client-cert", byteSequence(own)],
        [header, value(own)],
      ]),
      rejected: proxied((own) => [[header, value(own)]]),
      code: "ERR_CERTIFICATE_MISSING",
    }),
  ),
  rejects("X-05", "a byte sequence where the nginx format is configured", {
    api: behindNginx,
    accepted: proxied((own) => [
      ["ssl-client-cert", escapedPem(own)],
      ["ssl-client-verify", "SUCCESS"],
    ]),
    rejected: proxied((own) => [
      ["ssl-client-cert", byteSequence(own)],
      ["ssl-client-verify", "SUCCESS"],
    ]),
    code: "ERR_CERTIFICATE_MALFORMED",
  }),
];
