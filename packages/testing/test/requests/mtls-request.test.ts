import { createServer } from "node:http";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createCertificateAuthority } from "../../src/certificates/certificate-authority.ts";
import type { MtlsRequestOptions } from "../../src/requests/mtls-request-options.ts";
import { mtlsRequest } from "../../src/requests/mtls-request.ts";
import { startServer } from "../../src/start-server.ts";
import { type Echo, echoCa, startEchoServer } from "../echo-server.ts";

type Settings = Parameters<typeof startEchoServer>[0];

const identity = await echoCa.issueClientCertificate();

/** Starts an echo server, and returns a function that sends requests to it. */
async function setUp(settings?: Settings) {
  const { ca, url } = await startEchoServer(settings);
  const send = (options: Partial<MtlsRequestOptions> = {}) => mtlsRequest(url, { ca: ca.certificate, ...options });
  return { ca, url, send };
}

/** Returns the values of all header lines with this name, as received. */
function lines({ rawHeaders }: Echo, name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}

describe.each([1, 2] as const)("mtlsRequest over HTTP/%i", (httpVersion) => {
  const http2 = httpVersion === 2;

  test("presents the identity's certificate", async () => {
    const { send } = await setUp({ http2 });
    const response = await send({ identity, httpVersion });
    expect(response.json()).toMatchObject({
      httpVersion: http2 ? "2.0" : "1.1",
      authorized: true,
      thumbprint: identity.thumbprint,
    });
  });

  test("presents no certificate without an identity", async () => {
    const { send } = await setUp({ http2 });
    const response = await send({ httpVersion });
    expect(response.json()).toMatchObject({ authorized: false, thumbprint: null });
  });

  test("sends method, path, token, headers and body", async () => {
    const { ca, url } = await setUp({ http2 });
    const response = await mtlsRequest(new URL("/a/b?c=d", url), {
      ca: ca.certificate,
      method: "POST",
      token: "t",
      headers: { "X-One": "1", "x-two": ["2", "3"] },
      body: "grüße",
      httpVersion,
    });
    const seen = response.json() as Echo;
    expect(seen).toMatchObject({ method: "POST", path: "/a/b?c=d", body: "grüße" });
    expect(lines(seen, "authorization")).toEqual(["Bearer t"]);
    expect(lines(seen, "x-one")).toEqual(["1"]);
    expect(lines(seen, "x-two")).toEqual(["2", "3"]);
  });

  test("returns status, headers, body and TLS state", async () => {
    const { send } = await setUp({ http2 });
    const response = await send({ httpVersion });
    expect(response).toMatchObject({ status: 200, tls: { protocol: "TLSv1.3", sessionReused: false } });
    expect(response.headers["content-type"]).toBe("application/json");
    expect(response.headers).not.toHaveProperty(":status");
    expect(JSON.parse(response.body)).toEqual(response.json());
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("resumes a %s session", async (tlsVersion) => {
    const { send } = await setUp({ http2 });
    const options = { identity, httpVersion, tlsVersion };
    const first = await send(options);
    const { session } = first.tls;
    expect(first.tls).toMatchObject({ protocol: tlsVersion, sessionReused: false, session: expect.any(Buffer) });
    const second = await send({ ...options, ...(session && { session }) });
    expect(second.tls).toMatchObject({ protocol: tlsVersion, sessionReused: true });
    expect(second.json()).toMatchObject({ thumbprint: identity.thumbprint });
  });

  test("makes a full handshake without a session", async () => {
    const { send } = await setUp({ http2 });
    await send({ identity, httpVersion });
    expect((await send({ identity, httpVersion })).tls.sessionReused).toBe(false);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("rejects if the server rejects the client over %s", async (tlsVersion) => {
    const { send } = await setUp({ http2, rejectUnauthorized: true });
    await expect(send({ httpVersion, tlsVersion })).rejects.toThrow(Error);
  });

  test("rejects a server with a certificate of another CA", async () => {
    const { send } = await setUp({ http2 });
    const { certificate } = await createCertificateAuthority();
    await expect(send({ ca: certificate, httpVersion })).rejects.toMatchObject({
      code: "SELF_SIGNED_CERT_IN_CHAIN",
    });
  });

  test("verifies the server despite NODE_TLS_REJECT_UNAUTHORIZED=0", async () => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    onTestFinished(() => void vi.unstubAllEnvs());
    const { send } = await setUp({ http2 });
    const { certificate } = await createCertificateAuthority();
    await expect(send({ ca: certificate, httpVersion })).rejects.toMatchObject({ code: "SELF_SIGNED_CERT_IN_CHAIN" });
    expect((await send({ httpVersion })).status).toBe(200);
  });

  test("rejects a server that is not localhost", async () => {
    const root = await createCertificateAuthority();
    const { certificate: cert, key } = await root.issueServerCertificate({
      subjectAlternativeNames: ["DNS:other.example"],
    });
    const { send } = await setUp({ http2, cert, key });
    await expect(send({ ca: root.certificate, httpVersion })).rejects.toMatchObject({
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  });

  test("rejects if the server closes the connection without a response", async () => {
    const { send } = await setUp({ http2, respond: (request) => request.socket.destroy() });
    await expect(send({ httpVersion })).rejects.toThrow(Error);
  });

  test("rejects if the server does not respond within ten seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const { send } = await setUp({ http2, respond: () => vi.advanceTimersByTime(10_000) });
    await expect(send({ httpVersion })).rejects.toThrow("No complete response within 10000 ms");
  });

  test("accepts a response just before the timeout", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const respond = (_: unknown, response: { end: () => unknown }) => {
      vi.advanceTimersByTime(9_999);
      response.end();
    };
    const { send } = await setUp({ http2, respond });
    await expect(send({ httpVersion })).resolves.toMatchObject({ status: 200, body: "" });
  });

  test("rejects if the connection is refused", async () => {
    const { certificate: ca } = await createCertificateAuthority();
    const { url, close } = await startServer(createServer());
    await close();
    const httpsUrl = url.replace("http:", "https:");
    await expect(mtlsRequest(httpsUrl, { ca, httpVersion })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

describe("mtlsRequest", () => {
  test("sends two headers with the same name as two lines", async () => {
    const { send } = await setUp();
    const headers = [
      ["Authorization", "Bearer a"],
      ["authorization", "Bearer b"],
    ] as const;
    const response = await send({ headers });
    expect(lines(response.json() as Echo, "authorization")).toEqual(["Bearer a", "Bearer b"]);
  });

  test("sends a token in addition to an Authorization header", async () => {
    const { send } = await setUp();
    const response = await send({ token: "a", headers: { Authorization: "Basic b" } });
    expect(lines(response.json() as Echo, "authorization")).toEqual(["Bearer a", "Basic b"]);
  });

  test("rejects two Authorization headers over HTTP/2, which node:http2 does not support", async () => {
    const { send } = await setUp({ http2: true });
    const headers = { authorization: ["Bearer a", "Bearer b"] };
    await expect(send({ headers, httpVersion: 2 })).rejects.toMatchObject({ code: "ERR_HTTP2_HEADER_SINGLE_VALUE" });
  });

  test("sends exactly one Host header", async () => {
    const { url, send } = await setUp();
    expect(lines((await send()).json() as Echo, "host")).toEqual([new URL(url).host]);
    const { json } = await send({ headers: { Host: "other.example" } });
    expect(lines(json() as Echo, "host")).toEqual(["other.example"]);
  });

  test("rejects HTTP/2 if the server supports only HTTP/1.1", async () => {
    const { send } = await setUp();
    await expect(send({ httpVersion: 2 })).rejects.toThrow(Error);
  });

  test("rejects HTTP/2 if the server does not negotiate the protocol", async () => {
    const { send } = await setUp({ ALPNProtocols: [] });
    await expect(send({ httpVersion: 2 })).rejects.toThrow("does not support HTTP/2");
  });

  test.each([{ tlsVersion: "TLSv1.1" }, { httpVersion: 3 }, { ca: undefined }, { ca: "" }, { certificate: "x" }])(
    "rejects %j",
    async (options) => {
      const { send } = await setUp();
      await expect(send(options as object)).rejects.toThrow(TypeError);
    },
  );

  test("rejects a URL that is not https", async () => {
    await expect(mtlsRequest("http://127.0.0.1", { ca: "" })).rejects.toThrow(TypeError);
  });
});
