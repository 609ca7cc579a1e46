import { envoy } from "@certbound/core";
import type { Identity } from "@certbound/testing";
import { expect } from "vitest";
import { expectRejected } from "../../responses.ts";
import { conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { behind, behindProxy, byteSequence, hexadecimal, type Lines, proxied, PROXY_SECRET } from "../../forwarding.ts";

const behindEnvoy = behind(envoy());

/** Headers of a proxy that has no certificate. */
const withoutCertificate: readonly (readonly [name: string, lines: Lines])[] = [
  ["no header", []],
  ["an empty header", [["client-cert", ""]]],
  ["an empty byte sequence", [["client-cert", "::"]]],
  ["(null), like Apache", [["client-cert", "(null)"]]],
  ["a placeholder", [["client-cert", ":{http.request.tls.client.certificate_der_base64}:"]]],
];

export const cases: readonly ConformanceCase[] = [
  rejects("S-06", "a stolen token on a connection that has just carried a request of the bound client", {
    api: behindProxy,
    accepted: proxied((own) => [["client-cert", byteSequence(own)]]),
    rejected: proxied((_own, other) => [["client-cert", byteSequence(other)]]),
    code: "ERR_BINDING_MISMATCH",
  }),
  conforms(
    "S-06",
    "uses the certificate of each request on a proxy connection",
    async ({ scene, servers }) => {
      const { own, other, token } = scene;
      const text = token();
      for (const { connections, routeOf } of servers) {
        const { path } = routeOf(behindProxy);
        const send = (identity: Identity | undefined) =>
          connections.none.send({
            path,
            method: "GET",
            fields: [
              ["authorization", `Bearer ${text}`],
              ["x-proxy-secret", PROXY_SECRET],
              ...(identity ? [["client-cert", byteSequence(identity)] as const] : []),
            ],
            body: undefined,
          });
        expect((await send(own)).status).toBe(200);
        expectRejected(await send(other), "ERR_BINDING_MISMATCH");
        expectRejected(await send(undefined), "ERR_CERTIFICATE_MISSING");
        expect((await send(own)).status).toBe(200);
      }
    },
    behindProxy,
  ),
  ...withoutCertificate.map(([name, lines]) =>
    rejects("S-07", `a request for which the proxy sends ${name}, after a request with the certificate`, {
      api: behindProxy,
      accepted: proxied((own) => [["client-cert", byteSequence(own)]]),
      rejected: proxied(() => lines),
      code: "ERR_CERTIFICATE_MISSING",
    }),
  ),
  rejects("S-07", "a request for which Envoy sends the hash of empty input", {
    api: behindEnvoy,
    accepted: proxied((own) => [["x-forwarded-client-cert", `Hash=${hexadecimal(own)}`]]),
    rejected: proxied(() => [
      ["x-forwarded-client-cert", "Hash=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ]),
    code: "ERR_CERTIFICATE_MISSING",
  }),
];
