import { expect } from "vitest";
import { expectRefused } from "../../answers.ts";
import { type Attempt, conforms, type ConformanceCase, refuses } from "../../conformance-case.ts";
import {
  behindNginx,
  behindProxy,
  byteSequence,
  escapedPem,
  type Lines,
  proxied,
  PROXY_SECRET,
} from "../../forwarding.ts";
import { rawExchange } from "../../raw-exchange.ts";

/** A request with the certificate that the token is bound to in Client-Cert, and with other lines. */
function forwarded(...lines: Lines): Attempt["request"] & object {
  return {
    lines: (token, { own }) => [["authorization", `Bearer ${token}`], ["client-cert", byteSequence(own)], ...lines],
  };
}

export const cases: readonly ConformanceCase[] = [
  refuses(["X-01", "9440-03"], "a client that sends Client-Cert to an API without proxy", {
    accepted: { request: forwarded(), certificate: "own" },
    refused: { request: forwarded(), certificate: "none" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  refuses(["X-01", "9440-04"], "a client that sends Client-Cert past the proxy", {
    api: behindProxy,
    accepted: { request: forwarded(["x-proxy-secret", PROXY_SECRET]), certificate: "none" },
    refused: { request: forwarded(), certificate: "none" },
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  refuses("X-01", "a client that sends Client-Cert past the proxy over a connection with its own certificate", {
    api: behindProxy,
    accepted: { request: forwarded(["x-proxy-secret", PROXY_SECRET]), certificate: "other" },
    refused: { request: forwarded(["x-proxy-secret", PROXY_SECRET.slice(1)]), certificate: "other" },
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  conforms(
    "X-03",
    "refuses a certificate that comes in a trailer, which a proxy does not remove",
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
          return rawExchange(url, { ca: scene.ca.certificate, text });
        };
        expect((await send([field], [])).status).toBe(200);
        expectRefused(await send([], [field]), "ERR_CERTIFICATE_MISSING");
      }
    },
    behindProxy,
  ),
  ...["client_cert", "Client_Cert", "client.cert", "http-client-cert", "x-client-cert"].map((name) =>
    refuses("X-03", `a certificate in the header ${name}, which a proxy does not remove`, {
      api: behindProxy,
      accepted: proxied((own) => [["CLIENT-CERT", byteSequence(own)]]),
      refused: proxied((own) => [[name, byteSequence(own)]]),
      code: "ERR_CERTIFICATE_MISSING",
    }),
  ),
  refuses("X-03", "the certificate of another client, whatever the header client_cert says beside it", {
    api: behindProxy,
    accepted: proxied((own, other) => [
      ["client-cert", byteSequence(own)],
      ["client_cert", byteSequence(other)],
    ]),
    refused: proxied((own, other) => [
      ["client-cert", byteSequence(other)],
      ["client_cert", byteSequence(own)],
    ]),
    code: "ERR_BINDING_MISMATCH",
  }),
  refuses("X-04", "a request whose Client-Cert was removed, over a connection with the client's own certificate", {
    api: behindProxy,
    accepted: { ...proxied((own) => [["client-cert", byteSequence(own)]]), certificate: "own" },
    refused: { ...proxied(() => []), certificate: "own" },
    code: "ERR_CERTIFICATE_MISSING",
  }),
  refuses("X-04", "a request whose verify header was removed", {
    api: behindNginx,
    accepted: throughNginx("SUCCESS"),
    refused: throughNginx(),
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  refuses("X-04", "a request whose secret of the proxy was removed", {
    api: behindProxy,
    accepted: { request: forwarded(["x-proxy-secret", PROXY_SECRET]), certificate: "none" },
    refused: { request: forwarded(["x-proxy-missing", PROXY_SECRET]), certificate: "none" },
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  ...["FAILED:self-signed certificate", "FAILED", "NONE", "success", "SUCCESSFUL", "SUCCESS,FAILED", "", "0"].map(
    (verified) =>
      refuses("X-06", `a certificate of which the proxy says ${JSON.stringify(verified)}`, {
        api: behindNginx,
        accepted: throughNginx("SUCCESS"),
        refused: throughNginx(verified),
        code: "ERR_CERTIFICATE_UNTRUSTED",
      }),
  ),
  refuses("X-06", "a certificate of which the proxy and the client say two things", {
    api: behindNginx,
    accepted: throughNginx("SUCCESS"),
    refused: throughNginx("SUCCESS", "FAILED"),
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
];

/** A request with the client's certificate as nginx sends it, and what it says of having verified it. */
function throughNginx(...verified: readonly string[]) {
  return proxied((own) => [
    ["ssl-client-cert", escapedPem(own)],
    ...verified.map((word) => ["ssl-client-verify", word] as const),
  ]);
}
