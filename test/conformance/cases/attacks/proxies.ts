import { expect } from "vitest";
import { expectRejected } from "../../responses.ts";
import { type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import {
  behindNginx,
  behindProxy,
  byteSequence,
  escapedPem,
  type Lines,
  proxied,
  PROXY_SECRET,
} from "../../forwarding.ts";
import { sendRawRequest } from "../../raw-request.ts";

/** Returns a request with the bound certificate in Client-Cert, and with other header lines. */
function forwarded(...lines: Lines): Attempt["request"] & object {
  return {
    lines: (token, { own }) => [["authorization", `Bearer ${token}`], ["client-cert", byteSequence(own)], ...lines],
  };
}

export const cases: readonly ConformanceCase[] = [
  rejects(["X-01", "9440-03"], "a client that sends Client-Cert to an API without a proxy", {
    accepted: { request: forwarded(), certificate: "own" },
    rejected: { request: forwarded(), certificate: "none" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  rejects(["X-01", "9440-04"], "a client that bypasses the proxy and sends Client-Cert", {
    api: behindProxy,
    accepted: { request: forwarded(["x-proxy-secret", PROXY_SECRET]), certificate: "none" },
    rejected: { request: forwarded(), certificate: "none" },
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  rejects("X-01", "a client that bypasses the proxy, sends Client-Cert and presents its own certificate", {
    api: behindProxy,
    accepted: { request: forwarded(["x-proxy-secret", PROXY_SECRET]), certificate: "other" },
    rejected: { request: forwarded(["x-proxy-secret", PROXY_SECRET.slice(1)]), certificate: "other" },
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  conforms(
    "X-03",
    "rejects a certificate in a trailer, which a proxy does not remove",
    async ({ scene, servers }) => {
      const field = `Client-Cert: ${byteSequence(scene.own)}`;
      for (const { url, routeOf } of servers) {
        const { path } = routeOf(behindProxy);
        const send = (headers: readonly string[], trailers: readonly string[]) => {
          const head = [`POST ${path} HTTP/1.1`, "Host: api", "Connection: close", `X-Proxy-Secret: ${PROXY_SECRET}`];
          const all = [
            ...head,
            `Authorization: Bearer ${scene.token()}`,
            "Transfer-Encoding: chunked",
            ...headers,
            "Content-Type: text/plain",
          ];
          const text = [...all, "", "0", ...trailers, "", ""].join("\r\n");
          return sendRawRequest(url, { ca: scene.ca.certificate, text });
        };
        expect((await send([field], [])).status).toBe(200);
        expectRejected(await send([], [field]), "ERR_CERTIFICATE_MISSING");
      }
    },
    behindProxy,
  ),
  ...["client_cert", "Client_Cert", "client.cert", "http-client-cert", "x-client-cert"].map((name) =>
    rejects("X-03", `a certificate in the header ${name}, which a proxy does not remove`, {
      api: behindProxy,
      accepted: proxied((own) => [["CLIENT-CERT", byteSequence(own)]]),
      rejected: proxied((own) => [[name, byteSequence(own)]]),
      code: "ERR_CERTIFICATE_MISSING",
    }),
  ),
  rejects("X-03", "the certificate of another client, regardless of a header client_cert", {
    api: behindProxy,
    accepted: proxied((own, other) => [
      ["client-cert", byteSequence(own)],
      ["client_cert", byteSequence(other)],
    ]),
    rejected: proxied((own, other) => [
      ["client-cert", byteSequence(other)],
      ["client_cert", byteSequence(own)],
    ]),
    code: "ERR_BINDING_MISMATCH",
  }),
  rejects("X-04", "a request without Client-Cert on a connection with the client's own certificate", {
    api: behindProxy,
    accepted: { ...proxied((own) => [["client-cert", byteSequence(own)]]), certificate: "own" },
    rejected: { ...proxied(() => []), certificate: "own" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  rejects("X-04", "a request without the verify header", {
    api: behindNginx,
    accepted: throughNginx("SUCCESS"),
    rejected: throughNginx(),
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  rejects("X-04", "a request without the proxy's secret", {
    api: behindProxy,
    accepted: { request: forwarded(["x-proxy-secret", PROXY_SECRET]), certificate: "none" },
    rejected: { request: forwarded(["x-proxy-missing", PROXY_SECRET]), certificate: "none" },
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  ...["FAILED:self-signed certificate", "FAILED", "NONE", "success", "SUCCESSFUL", "SUCCESS,FAILED", "", "0"].map(
    (verified) =>
      rejects("X-06", `a certificate with the verification result ${JSON.stringify(verified)}`, {
        api: behindNginx,
        accepted: throughNginx("SUCCESS"),
        rejected: throughNginx(verified),
        code: "ERR_CERTIFICATE_UNTRUSTED",
      }),
  ),
  rejects("X-06", "a certificate with two different verification results", {
    api: behindNginx,
    accepted: throughNginx("SUCCESS"),
    rejected: throughNginx("SUCCESS", "FAILED"),
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
];

/** Returns a request from nginx with the client's certificate and these verification results. */
function throughNginx(...verified: readonly string[]) {
  return proxied((own) => [
    ["ssl-client-cert", escapedPem(own)],
    ...verified.map((word) => ["ssl-client-verify", word] as const),
  ]);
}
