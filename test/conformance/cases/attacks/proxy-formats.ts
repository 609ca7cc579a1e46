import type { Identity } from "@certbound/testing";
import { type ConformanceCase, rejects } from "../../conformance-case.ts";
import { base64, behindNginx, behindProxy, byteSequence, escapedPem, hexadecimal, proxied } from "../../forwarding.ts";

/** Values of Client-Cert that are no byte sequence, or not one. */
const malformedValues: readonly (readonly [name: string, value: (own: Identity) => string])[] = [
  ["without colons", ({ der }) => base64(der)],
  ["without the first colon", ({ der }) => `${base64(der)}:`],
  ["without the last colon", ({ der }) => `:${base64(der)}`],
  ["in base64url", ({ der }) => `:${Buffer.from(der).toString("base64url")}:`],
  ["with padding that is too much", ({ der }) => `:${base64(der)}====:`],
  ["with a space within", ({ der }) => `:${base64(der).slice(0, 64)} ${base64(der).slice(64)}:`],
  ["with a parameter", (own) => `${byteSequence(own)};verified=1`],
  ["twice in a list", (own) => `${byteSequence(own)}, ${byteSequence(own)}`],
  ["in quotes", (own) => `"${byteSequence(own)}"`],
  ["with a third colon", (own) => `${byteSequence(own)}:`],
];

/** How other proxies send the same certificate. */
const otherFormats: readonly (readonly [name: string, value: (own: Identity) => string])[] = [
  ["escaped PEM, as nginx", escapedPem],
  ["base64, as Traefik", ({ der }) => base64(der)],
  ["PEM with spaces, as Apache", ({ certificate }) => certificate.trim().replaceAll("\n", " ")],
  ["an element, as Envoy", (own) => `Hash=${hexadecimal(own)};Cert="${escapedPem(own)}"`],
  ["a fingerprint in hexadecimal digits", hexadecimal],
  ["a thumbprint", ({ thumbprint }) => thumbprint],
  ["a thumbprint in colons", ({ thumbprint }) => `:${thumbprint}:`],
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
      ["the thief's behind the client's", (own: Identity, other: Identity) => [own, other]],
      ["the client's behind the thief's", (own: Identity, other: Identity) => [other, own]],
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
    rejects("X-05", `a Client-Cert that is ${name} sends it`, {
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
  rejects("X-05", "a byte sequence where nginx is configured", {
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
