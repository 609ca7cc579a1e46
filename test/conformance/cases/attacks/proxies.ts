import { fromProxy, rfc9440 } from "@certbound/core";
import { type Api, type Attempt, type ConformanceCase, refuses } from "../../conformance-case.ts";

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
];
