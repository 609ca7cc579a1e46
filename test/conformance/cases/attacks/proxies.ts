import { fromProxy, rfc9440 } from "@certbound/core";
import { expect } from "vitest";
import { expectRefused } from "../../answers.ts";
import { type Api, type Attempt, conforms, type ConformanceCase, refuses } from "../../conformance-case.ts";
import { rawExchange } from "../../raw-exchange.ts";

const SECRET = "a-secret-of-the-proxy-and-of-the-api";

const behindProxy: Api = {
  certificateResolver: fromProxy(rfc9440(), { trust: { secret: { header: "x-proxy-secret", value: SECRET } } }),
};

/** A request with the certificate that the token is bound to in Client-Cert, and with other lines. */
function forwarded(...lines: readonly (readonly [string, string])[]): Attempt["request"] & object {
  return {
    lines: (token, { own }) => [
      ["authorization", `Bearer ${token}`],
      ["client-cert", `:${Buffer.from(own.der).toString("base64")}:`],
      ...lines,
    ],
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
    accepted: { request: forwarded(["x-proxy-secret", SECRET]), certificate: "none" },
    refused: { request: forwarded(), certificate: "none" },
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  refuses("X-01", "a client that sends Client-Cert past the proxy over a connection with its own certificate", {
    api: behindProxy,
    accepted: { request: forwarded(["x-proxy-secret", SECRET]), certificate: "other" },
    refused: { request: forwarded(["x-proxy-secret", SECRET.slice(1)]), certificate: "other" },
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  conforms(
    "X-03",
    "refuses a certificate that comes in a trailer, which a proxy does not remove",
    async ({ scene, servers }) => {
      const field = `Client-Cert: :${Buffer.from(scene.own.der).toString("base64")}:`;
      for (const { url, routeOf } of servers) {
        const { path } = routeOf(behindProxy);
        const send = (headers: readonly string[], trailers: readonly string[]) => {
          const head = [`POST ${path} HTTP/1.1`, "Host: api", "Connection: close", `X-Proxy-Secret: ${SECRET}`];
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
];
