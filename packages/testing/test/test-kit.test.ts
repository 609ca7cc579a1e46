import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createSecureServer } from "node:http2";
import { createServer, request } from "node:https";
import { json } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import { createClock } from "../src/clock.ts";
import { createTestKit, type TestKit, type TestKitOptions } from "../src/test-kit.ts";

/** Creates a kit for one test. */
async function openKit(options?: TestKitOptions): Promise<TestKit> {
  const kit = await createTestKit(options);
  onTestFinished(kit.close);
  return kit;
}

/** Starts a server of the kit that responds with the certificate and the token of the request. */
async function startApi(kit: TestKit): Promise<string> {
  const server = createServer(kit.serverOptions, ({ socket, headers }, response) => {
    const { authorized } = socket as TLSSocket;
    const subject = (socket as TLSSocket).getPeerX509Certificate()?.subject ?? null;
    response.end(JSON.stringify({ authorized, subject, authorization: headers.authorization ?? null }));
  });
  return (await kit.startServer(server)).url;
}

const anonymous = { authorized: false, subject: null, authorization: null };

describe("createTestKit", () => {
  test("creates a server, a client and a token that work together", async () => {
    const kit = await openKit();
    const url = await startApi(kit);
    const client = await kit.issueClientCertificate({ commonName: "client-7" });
    const token = await kit.accessToken({ boundTo: client });
    const seen = { authorized: true, subject: "CN=client-7", authorization: `Bearer ${token}` };
    expect((await kit.mtlsRequest(url, { identity: client, token })).json()).toEqual(seen);
    expect(await (await kit.mtlsFetch({ identity: client, token })(url)).json()).toEqual(seen);
  });

  test("presents no certificate and no token by default", async () => {
    const kit = await openKit();
    const url = await startApi(kit);
    expect((await kit.mtlsRequest(url)).json()).toEqual(anonymous);
    expect(await (await kit.mtlsFetch()(url)).json()).toEqual(anonymous);
  });

  test("creates agents for other HTTP clients", async () => {
    const kit = await openKit();
    const url = await startApi(kit);
    const identity = await kit.issueClientCertificate();
    const send = async (agent: ReturnType<TestKit["mtlsAgent"]>): Promise<unknown> => {
      const [response] = await once(request(url, { agent }).end(), "response");
      return json(response);
    };
    expect(await send(kit.mtlsAgent({ identity, keepAlive: true }))).toMatchObject({ subject: "CN=client-1" });
    expect(await send(kit.mtlsAgent())).toEqual(anonymous);
  });

  test("serves HTTP/2 with the same options", async () => {
    const kit = await openKit();
    const server = createSecureServer(kit.serverOptions, (_, response) => void response.end("ok"));
    const { url } = await kit.startServer(server);
    const identity = await kit.issueClientCertificate();
    expect(await kit.mtlsRequest(url, { identity, httpVersion: 2 })).toMatchObject({ status: 200, body: "ok" });
  });

  test("issues tokens that expire by its clock", async () => {
    const kit = await openKit();
    const { issuer, audience, clock } = kit.verifierOptions;
    const keys = createRemoteJWKSet(kit.issuer.jwksUri);
    const token = await kit.accessToken();
    const verify = () => jwtVerify(token, keys, { issuer, audience, currentDate: new Date(clock()) });
    kit.clock.advance({ seconds: 299 });
    await expect(verify()).resolves.toMatchObject({ payload: { iss: issuer } });
    kit.clock.advance({ seconds: 2 });
    await expect(verify()).rejects.toMatchObject({ code: "ERR_JWT_EXPIRED" });
  });

  test("uses audience, algorithms, clock, keyType and rejectUnauthorized of the options", async () => {
    const clock = createClock(2_000_000_005_000);
    const options = { audience: "a", algorithms: ["EdDSA"], clock, keyType: "rsa", rejectUnauthorized: true } as const;
    const kit = await openKit(options);
    expect(kit.verifierOptions).toEqual({ issuer: kit.issuer.issuer, audience: "a", clock });
    expect(kit.clock).toBe(clock);
    expect(decodeJwt(await kit.accessToken())).toMatchObject({ aud: "a", iat: 2_000_000_005, exp: 2_000_000_305 });
    expect(kit.issuer.jwks.keys).toMatchObject([{ alg: "EdDSA" }]);
    expect(new X509Certificate(kit.ca.certificate).publicKey.asymmetricKeyType).toBe("rsa");
    const url = await startApi(kit);
    await expect(kit.mtlsFetch()(url)).rejects.toThrow("fetch failed");
    const identity = await kit.issueClientCertificate();
    expect((await kit.mtlsFetch({ identity })(url)).status).toBe(200);
  });

  test.each(["close", Symbol.asyncDispose] as const)("closes everything that it started with %s", async (method) => {
    const kit = await createTestKit();
    const url = await startApi(kit);
    const socket = await keepAliveConnection(kit.mtlsAgent({ keepAlive: true }), url);
    const closed = once(socket, "close");
    await kit[method]();
    await closed;
    await expect(kit.mtlsFetch()(url)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
    await expect(fetch(kit.issuer.jwksUri)).rejects.toThrow(TypeError);
    await expect(kit.close()).resolves.toBeUndefined();
  });

  test("closes the connections of its agents to other servers", async () => {
    const [kit, other] = [await createTestKit(), await openKit()];
    const url = await startApi(other);
    const agent = kit.mtlsAgent({ ca: other.ca.certificate, keepAlive: true } as object);
    const socket = await keepAliveConnection(agent, url);
    expect(socket.destroyed).toBe(false);
    await kit.close();
    expect(socket.destroyed).toBe(true);
  });

  test.each([
    { audiences: ["a"] },
    { audience: 1 },
    { algorithms: [] },
    { algorithms: ["none"] },
    { clock: Date.now },
    { clock: 5_000 },
    { keyType: "ed25519" },
    { rejectUnauthorized: 1 },
  ])("rejects %j", async (options) => {
    await expect(createTestKit(options as object)).rejects.toThrow(TypeError);
  });
});

async function keepAliveConnection(agent: ReturnType<TestKit["mtlsAgent"]>, url: string): Promise<TLSSocket> {
  const [response] = await once(request(url, { agent }).end(), "response");
  const { socket } = response;
  await json(response);
  return socket as TLSSocket;
}
