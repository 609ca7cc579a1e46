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

/** The warnings of certbound while a test runs, as `<code>: <message>`. */
function warningsHeard(): readonly string[] {
  const heard: string[] = [];
  const listener = ({ name, message, ...warning }: Error): void => {
    if (name === "CertboundWarning") heard.push(`${(warning as { code?: string }).code}: ${message}`);
  };
  process.on("warning", listener);
  onTestFinished(() => void process.off("warning", listener));
  return heard;
}

/** What authenticates requests, and answers with 200 or 401. */
function listenerOf(options: Partial<AuthenticatorOptions<NodeRequest>> = {}) {
  const authenticate = createAuthenticator({ verifier, ...options } as AuthenticatorOptions<NodeRequest>)();
  return (request: NodeRequest, response: { statusCode: number; end(): unknown }): void => {
    const answer = (status: number): void => {
      response.statusCode = status;
      response.end();
    };
    authenticate(request).then(
      () => answer(200),
      () => answer(401),
    );
  };
}

async function startPlainServer(options?: Partial<AuthenticatorOptions<NodeRequest>>): Promise<string> {
  const { url, close } = await startServer(createServer(listenerOf(options)));
  onTestFinished(close);
  return url;
}

const sent = { authorization: `Bearer ${token}` };

describe("an API that can never see a certificate", () => {
  test("over plain HTTP is warned of once, at the first request", async () => {
    const heard = warningsHeard();
    const url = await startPlainServer();
    expect((await fetch(url)).status).toBe(401);
    expect(heard).toEqual([expect.stringMatching(/^CERTBOUND_PLAIN_HTTP: .*fromProxy/)]);
    await fetch(url, { headers: sent });
    expect(heard).toHaveLength(1);
  });

  test.each([
    ["HTTP/1.1", startHttpsServer, 1],
    ["HTTP/2", startHttp2Server, 2],
  ] as const)("over %s without requestCert is warned of once, and not with it", async (_name, start, httpVersion) => {
    const heard = warningsHeard();
    const request = { identity: client, token, httpVersion };
    const asking = await start(listenerOf());
    expect((await mtlsRequest(asking.url, { ca: asking.ca, ...request })).status).toBe(200);
    expect((await mtlsRequest(asking.url, { ca: asking.ca, token, httpVersion })).status).toBe(401);
    expect(heard).toEqual([]);
    const silent = await start(listenerOf(), { requestCert: false });
    expect((await mtlsRequest(silent.url, { ca: silent.ca, ...request })).status).toBe(401);
    expect((await mtlsRequest(silent.url, { ca: silent.ca, ...request })).status).toBe(401);
    expect(heard).toEqual([expect.stringMatching(/^CERTBOUND_REQUEST_CERT: .*requestCert: true/)]);
  });

  test("is warned of where tlsCertificate was given as the resolver, too", async () => {
    const heard = warningsHeard();
    await fetch(await startPlainServer({ certificateResolver: tlsCertificate }));
    expect(heard).toEqual([expect.stringMatching(/^CERTBOUND_PLAIN_HTTP/)]);
  });

  test("is not warned of in Bun, where a connection over TLS looks like a plain one", async () => {
    Object.defineProperty(process.versions, "bun", { value: "1.4.5", configurable: true });
    onTestFinished(() => void Reflect.deleteProperty(process.versions, "bun"));
    const heard = warningsHeard();
    expect((await fetch(await startPlainServer())).status).toBe(401);
    expect(heard).toEqual([]);
  });

  test("is not warned of where a resolver of its own finds the certificate", async () => {
    const heard = warningsHeard();
    const url = await startPlainServer({ certificateResolver: () => client.certificate });
    expect((await fetch(url, { headers: sent })).status).toBe(200);
    expect(heard).toEqual([]);
  });
});

describe("a server that lets clients renegotiate", () => {
  const renegotiation = expect.stringMatching(/^CERTBOUND_RENEGOTIATION: .*SSL_OP_NO_RENEGOTIATION/);
  const request = { identity: client, token };

  test("is warned of once, when the first connection over TLS 1.2 arrives", async () => {
    const heard = warningsHeard();
    const { url, ca } = await startHttpsServer(listenerOf());
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.3" })).status).toBe(200);
    expect(heard).toEqual([]);
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.2" })).status).toBe(200);
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.2" })).status).toBe(200);
    expect(heard).toEqual([renegotiation]);
  });

  test("is warned of whatever resolver finds the certificate", async () => {
    const heard = warningsHeard();
    const { url, ca } = await startHttpsServer(listenerOf({ certificateResolver: () => client.certificate }));
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.2" })).status).toBe(200);
    expect(heard).toEqual([renegotiation]);
  });

  test("is warned of for clients of HTTP/1.1 where it serves HTTP/2, too, and not for those of HTTP/2", async () => {
    const heard = warningsHeard();
    const { url, ca } = await startHttp2Server(listenerOf(), { allowHTTP1: true });
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.2", httpVersion: 2 })).status).toBe(200);
    expect(heard).toEqual([]);
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.2" })).status).toBe(200);
    expect(heard).toEqual([renegotiation]);
  });

  test("is not warned of where its options forbid renegotiation", async () => {
    const heard = warningsHeard();
    const { SSL_OP_NO_RENEGOTIATION: secureOptions } = constants;
    const { url, ca } = await startHttpsServer(listenerOf(), { secureOptions });
    expect((await mtlsRequest(url, { ca, ...request, tlsVersion: "TLSv1.2" })).status).toBe(200);
    expect(heard).toEqual([]);
  });
});

describe("createSetupWarnings", () => {
  test("gives each kind of warning once", async () => {
    const heard = warningsHeard();
    const warn = createSetupWarnings({ readsConnection: true });
    const overTls = { server: { requestCert: false }, getPeerX509Certificate: () => undefined };
    const requests = [{ server: {} }, overTls].map((socket) => ({ ...requestWith(), socket }));
    for (const request of [...requests, ...requests]) warn(request);
    await new Promise(setImmediate);
    expect(heard.map((text) => text.split(":")[0])).toEqual(["CERTBOUND_PLAIN_HTTP", "CERTBOUND_REQUEST_CERT"]);
  });

  test.each<[string, object | undefined]>([
    ["was made up without a connection", undefined],
    ["was made up with a connection of no server", {}],
    ["came over a connection that is not a server's", { server: null }],
    [
      "came over TLS 1.2 to a server that does not say what its options are",
      { server: {}, getPeerX509Certificate() {}, getProtocol: () => "TLSv1.2" },
    ],
    [
      "came over a connection whose version of TLS is not known",
      { server: { secureOptions: undefined }, getPeerX509Certificate() {} },
    ],
    ["is asked for a certificate by a server that does not say whether", { server: {}, getPeerX509Certificate() {} }],
    [
      "brought a certificate, though the server requests none by itself",
      { server: { requestCert: false }, getPeerX509Certificate: () => ({}) },
    ],
    [
      "has lost its connection",
      {
        get server(): never {
          throw new Error("ERR_HTTP2_SOCKET_UNBOUND");
        },
      },
    ],
  ])("says nothing of a request that %s", async (_name, socket) => {
    const heard = warningsHeard();
    createSetupWarnings({ readsConnection: true })({ ...requestWith(), socket } as unknown as NodeRequest);
    await new Promise(setImmediate);
    expect(heard).toEqual([]);
  });
});
