import { constants } from "node:crypto";
import { createServer } from "node:http";
import { mtlsRequest, startServer } from "@certbound/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { type AuthenticatorOptions, createAuthenticator } from "../../src/authenticator.ts";
import type { NodeRequest } from "../../src/http/incoming-request.ts";
import { tlsCertificate } from "../../src/certificate/tls-certificate.ts";
import { createSetupWarnings } from "../../src/certificate/setup-warnings.ts";
import { requestWith } from "../support/requests.ts";
import { startHttp2Server, startHttpsServer } from "../support/tls-server.ts";
import { client, startIssuer, verifierOf } from "../support/verification.ts";

const issuer = await startIssuer();
const verifier = verifierOf(issuer);
const token = await issuer.accessToken({ boundTo: client });

/** Collects the warnings of certbound during a test, as `<code>: <message>`. */
function collectWarnings(): readonly string[] {
  const collected: string[] = [];
  const listener = ({ name, message, ...warning }: Error): void => {
    if (name === "CertboundWarning") collected.push(`${(warning as { code?: string }).code}: ${message}`);
  };
  process.on("warning", listener);
  onTestFinished(() => void process.off("warning", listener));
  return collected;
}

/** Creates a listener that authenticates requests and responds with 200 or 401. */
function listenerOf(options: Partial<AuthenticatorOptions<NodeRequest>> = {}) {
  const authenticate = createAuthenticator({ verifier, ...options } as AuthenticatorOptions<NodeRequest>)();
  return (request: NodeRequest, response: { statusCode: number; end(): unknown }): void => {
    const respond = (status: number): void => {
      response.statusCode = status;
      response.end();
    };
    authenticate(request).then(
      () => respond(200),
      () => respond(401),
    );
  };
}

async function startPlainServer(options?: Partial<AuthenticatorOptions<NodeRequest>>): Promise<string> {
  const { url, close } = await startServer(createServer(listenerOf(options)));
  onTestFinished(close);
  return url;
}

const headers = { authorization: `Bearer ${token}` };

describe("an API that never receives a certificate", () => {
  test("causes one warning at the first request over plain HTTP", async () => {
    const warnings = collectWarnings();
    const url = await startPlainServer();
    expect((await fetch(url)).status).toBe(401);
    expect(warnings).toEqual([expect.stringMatching(/^CERTBOUND_PLAIN_HTTP: .*fromProxy/)]);
    await fetch(url, { headers });
    expect(warnings).toHaveLength(1);
  });

  test.each([
    ["HTTP/1.1", startHttpsServer, 1],
    ["HTTP/2", startHttp2Server, 2],
  ] as const)("causes one warning over %s without requestCert, and none with it", async (_name, start, httpVersion) => {
    const warnings = collectWarnings();
    const request = { identity: client, token, httpVersion };
    const requesting = await start(listenerOf());
    expect((await mtlsRequest(requesting.url, { ca: requesting.ca, ...request })).status).toBe(200);
    expect((await mtlsRequest(requesting.url, { ca: requesting.ca, token, httpVersion })).status).toBe(401);
    expect(warnings).toEqual([]);
    const notRequesting = await start(listenerOf(), { requestCert: false });
    expect((await mtlsRequest(notRequesting.url, { ca: notRequesting.ca, ...request })).status).toBe(401);
    expect((await mtlsRequest(notRequesting.url, { ca: notRequesting.ca, ...request })).status).toBe(401);
    expect(warnings).toEqual([expect.stringMatching(/^CERTBOUND_REQUEST_CERT: .*requestCert: true/)]);
  });

  test("causes a warning if tlsCertificate is the resolver", async () => {
    const warnings = collectWarnings();
    await fetch(await startPlainServer({ certificateResolver: tlsCertificate }));
    expect(warnings).toEqual([expect.stringMatching(/^CERTBOUND_PLAIN_HTTP/)]);
  });

  test("causes no warning in Bun, where a TLS connection looks like a plain connection", async () => {
    Object.defineProperty(process.versions, "bun", { value: "1.4.5", configurable: true });
    onTestFinished(() => void Reflect.deleteProperty(process.versions, "bun"));
    const warnings = collectWarnings();
    expect((await fetch(await startPlainServer())).status).toBe(401);
    expect(warnings).toEqual([]);
  });

  test("causes no warning with a custom resolver", async () => {
    const warnings = collectWarnings();
    const url = await startPlainServer({ certificateResolver: () => client.certificate });
    expect((await fetch(url, { headers })).status).toBe(200);
    expect(warnings).toEqual([]);
  });
});

describe("a server that lets clients renegotiate", () => {
  const renegotiation = expect.stringMatching(/^CERTBOUND_RENEGOTIATION: .*SSL_OP_NO_RENEGOTIATION/);
  const request = { identity: client, token };

  test("causes one warning at the first connection over TLS 1.2", async () => {
    const warnings = collectWarnings();
    const { url, ca } = await startHttpsServer(listenerOf());
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.3" })).status).toBe(200);
    expect(warnings).toEqual([]);
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.2" })).status).toBe(200);
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.2" })).status).toBe(200);
    expect(warnings).toEqual([renegotiation]);
  });

  test("causes a warning with a custom resolver as well", async () => {
    const warnings = collectWarnings();
    const { url, ca } = await startHttpsServer(listenerOf({ certificateResolver: () => client.certificate }));
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.2" })).status).toBe(200);
    expect(warnings).toEqual([renegotiation]);
  });

  test("causes a warning for an HTTP/1.1 client of an HTTP/2 server, but not for an HTTP/2 client", async () => {
    const warnings = collectWarnings();
    const { url, ca } = await startHttp2Server(listenerOf(), { allowHTTP1: true });
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.2", httpVersion: 2 })).status).toBe(200);
    expect(warnings).toEqual([]);
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.2" })).status).toBe(200);
    expect(warnings).toEqual([renegotiation]);
  });

  test("causes no warning if its options forbid renegotiation", async () => {
    const warnings = collectWarnings();
    const { SSL_OP_NO_RENEGOTIATION: secureOptions } = constants;
    const { url, ca } = await startHttpsServer(listenerOf(), { secureOptions });
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.2" })).status).toBe(200);
    expect(warnings).toEqual([]);
  });
});

describe("createSetupWarnings", () => {
  test("emits each kind of warning once", async () => {
    const warnings = collectWarnings();
    const warn = createSetupWarnings({ readsConnection: true });
    const overTls = { server: { requestCert: false }, getPeerX509Certificate: () => undefined };
    const requests = [{ server: {} }, overTls].map((socket) => ({ ...requestWith(), socket }));
    for (const request of [...requests, ...requests]) warn(request);
    await new Promise(setImmediate);
    expect(warnings.map((text) => text.split(":")[0])).toEqual(["CERTBOUND_PLAIN_HTTP", "CERTBOUND_REQUEST_CERT"]);
  });

  test.each<[string, object | undefined]>([
    ["has no connection", undefined],
    ["has a connection without a server", {}],
    ["has a connection whose server is null", { server: null }],
    [
      "came over TLS 1.2 to a server with unknown options",
      { server: {}, getPeerX509Certificate() {}, getProtocol: () => "TLSv1.2" },
    ],
    ["came over an unknown version of TLS", { server: { secureOptions: undefined }, getPeerX509Certificate() {} }],
    ["came to a server for which requestCert is unknown", { server: {}, getPeerX509Certificate() {} }],
    [
      "has a certificate, although requestCert is false",
      { server: { requestCert: false }, getPeerX509Certificate: () => ({}) },
    ],
    [
      "has a closed connection",
      {
        get server(): never {
          throw new Error("ERR_HTTP2_SOCKET_UNBOUND");
        },
      },
    ],
  ])("emits no warning for a request that %s", async (_name, socket) => {
    const warnings = collectWarnings();
    createSetupWarnings({ readsConnection: true })({ ...requestWith(), socket } as unknown as NodeRequest);
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });
});
