import { envoy, fromProxy, nginx, rfc9440 } from "@certbound/core";
import type { Identity } from "@certbound/testing";
import { expect } from "vitest";
import { expectRefused } from "../../answers.ts";
import { type Api, type Attempt, conforms, type ConformanceCase, refuses } from "../../conformance-case.ts";
import { rawExchange } from "../../raw-exchange.ts";

const SECRET = "a-secret-of-the-proxy-and-of-the-api";

const behindProxy: Api = {
  certificateResolver: fromProxy(rfc9440(), { trust: { secret: { header: "x-proxy-secret", value: SECRET } } }),
};

const behindNginx: Api = {
  certificateResolver: fromProxy(nginx(), { trust: { secret: { header: "x-proxy-secret", value: SECRET } } }),
};

const behindEnvoy: Api = {
  certificateResolver: fromProxy(envoy(), { trust: { secret: { header: "x-proxy-secret", value: SECRET } } }),
};

/** A request from the proxy, with these lines about the client whose token it is. */
function proxied(lines: (own: Identity, other: Identity) => readonly (readonly [string, string])[]): Attempt {
  return {
    certificate: "none",
    request: {
      lines: (token, { own, other }) => [
        ["authorization", `Bearer ${token}`],
        ["x-proxy-secret", SECRET],
        ...lines(own, other),
      ],
    },
  };
}

/** As RFC 9440 section 2.1 has it. */
function byteSequence({ der }: Identity): string {
  return `:${base64(der)}:`;
}

/** As nginx has it in $ssl_client_escaped_cert. */
function escapedPem({ certificate }: Identity): string {
  return encodeURIComponent(certificate);
}

function base64(der: Uint8Array): string {
  return Buffer.from(der).toString("base64");
}

function hexadecimal({ thumbprint }: Identity): string {
  return Buffer.from(thumbprint, "base64url").toString("hex");
}

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

/** What a proxy sends that has lost the certificate, or never had one. */
const nothingForwarded: readonly (readonly [name: string, lines: readonly (readonly [string, string])[]])[] = [
  ["no header", []],
  ["an empty header", [["client-cert", ""]]],
  ["an empty byte sequence", [["client-cert", "::"]]],
  ["Apache's word for nothing", [["client-cert", "(null)"]]],
  ["a placeholder", [["client-cert", ":{http.request.tls.client.certificate_der_base64}:"]]],
];

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
  ...malformedValues.map(([name, value]) =>
    refuses("X-02", `a Client-Cert ${name}`, {
      api: behindProxy,
      accepted: proxied((own) => [["client-cert", byteSequence(own)]]),
      refused: proxied((own) => [["client-cert", value(own)]]),
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
    refuses("X-02", `two Client-Cert headers, ${name}`, {
      api: behindProxy,
      accepted: proxied((own) => [["client-cert", byteSequence(own)]]),
      refused: proxied((own, other) =>
        certificates(own, other).map((identity) => ["client-cert", byteSequence(identity)] as const),
      ),
      code: "ERR_CERTIFICATE_MALFORMED",
    }),
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
    accepted: proxied((own) => [
      ["ssl-client-cert", escapedPem(own)],
      ["ssl-client-verify", "SUCCESS"],
    ]),
    refused: proxied((own) => [["ssl-client-cert", escapedPem(own)]]),
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  refuses("X-04", "a request whose secret of the proxy was removed", {
    api: behindProxy,
    accepted: { request: forwarded(["x-proxy-secret", SECRET]), certificate: "none" },
    refused: { request: forwarded(["x-proxy-missing", SECRET]), certificate: "none" },
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  ...otherFormats.map(([name, value]) =>
    refuses("X-05", `a Client-Cert that is ${name} sends it`, {
      api: behindProxy,
      accepted: proxied((own) => [["client-cert", byteSequence(own)]]),
      refused: proxied((own) => [["client-cert", value(own)]]),
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
    refuses("X-05", `the header ${header} where Client-Cert is configured`, {
      api: behindProxy,
      accepted: proxied((own) => [
        ["client-cert", byteSequence(own)],
        [header, value(own)],
      ]),
      refused: proxied((own) => [[header, value(own)]]),
      code: "ERR_CERTIFICATE_MISSING",
    }),
  ),
  refuses("X-05", "a byte sequence where nginx is configured", {
    api: behindNginx,
    accepted: proxied((own) => [
      ["ssl-client-cert", escapedPem(own)],
      ["ssl-client-verify", "SUCCESS"],
    ]),
    refused: proxied((own) => [
      ["ssl-client-cert", byteSequence(own)],
      ["ssl-client-verify", "SUCCESS"],
    ]),
    code: "ERR_CERTIFICATE_MALFORMED",
  }),
  ...["FAILED:self-signed certificate", "FAILED", "NONE", "success", "SUCCESSFUL", "SUCCESS,FAILED", "", "0"].map(
    (verified) =>
      refuses("X-06", `a certificate of which the proxy says ${JSON.stringify(verified)}`, {
        api: behindNginx,
        accepted: proxied((own) => [
          ["ssl-client-cert", escapedPem(own)],
          ["ssl-client-verify", "SUCCESS"],
        ]),
        refused: proxied((own) => [
          ["ssl-client-cert", escapedPem(own)],
          ["ssl-client-verify", verified],
        ]),
        code: "ERR_CERTIFICATE_UNTRUSTED",
      }),
  ),
  refuses("X-06", "a certificate of which the proxy and the client say two things", {
    api: behindNginx,
    accepted: proxied((own) => [
      ["ssl-client-cert", escapedPem(own)],
      ["ssl-client-verify", "SUCCESS"],
    ]),
    refused: proxied((own) => [
      ["ssl-client-cert", escapedPem(own)],
      ["ssl-client-verify", "SUCCESS"],
      ["ssl-client-verify", "FAILED"],
    ]),
    code: "ERR_CERTIFICATE_UNTRUSTED",
  }),
  refuses("S-06", "a token over a connection that has just carried the request of the client it is bound to", {
    api: behindProxy,
    accepted: proxied((own) => [["client-cert", byteSequence(own)]]),
    refused: proxied((_own, other) => [["client-cert", byteSequence(other)]]),
    code: "ERR_BINDING_MISMATCH",
  }),
  conforms(
    "S-06",
    "judges each request of a proxy's connection by its own certificate",
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
              ["x-proxy-secret", SECRET],
              ...(identity ? [["client-cert", byteSequence(identity)] as const] : []),
            ],
            body: undefined,
          });
        expect((await send(own)).status).toBe(200);
        expectRefused(await send(other), "ERR_BINDING_MISMATCH");
        expectRefused(await send(undefined), "ERR_CERTIFICATE_MISSING");
        expect((await send(own)).status).toBe(200);
      }
    },
    behindProxy,
  ),
  ...nothingForwarded.map(([name, lines]) =>
    refuses("S-07", `a request for which the proxy sends ${name}, after one with the certificate`, {
      api: behindProxy,
      accepted: proxied((own) => [["client-cert", byteSequence(own)]]),
      refused: proxied(() => lines),
      code: "ERR_CERTIFICATE_MISSING",
    }),
  ),
  refuses("S-07", "a request for which Envoy sends the hash of nothing", {
    api: behindEnvoy,
    accepted: proxied((own) => [["x-forwarded-client-cert", `Hash=${hexadecimal(own)}`]]),
    refused: proxied(() => [
      ["x-forwarded-client-cert", "Hash=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ]),
    code: "ERR_CERTIFICATE_MISSING",
  }),
];
