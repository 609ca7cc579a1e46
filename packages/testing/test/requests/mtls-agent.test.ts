import { request } from "node:https";
import { json } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { expect, onTestFinished, test, vi } from "vitest";
import { createCertificateAuthority } from "../../src/certificates/certificate-authority.ts";
import { mtlsAgent, type MtlsAgentOptions } from "../../src/requests/mtls-agent.ts";
import { type Echo, startEchoServer } from "../echo-server.ts";

/** Sends a request by node:https, and tells the client's end of the connection too. */
function send(url: string, options: MtlsAgentOptions): Promise<{ readonly seen: Echo; readonly socket: TLSSocket }> {
  return sendBy(mtlsAgent(options), url);
}

function sendBy(
  agent: ReturnType<typeof mtlsAgent>,
  url: string,
): Promise<{ readonly seen: Echo; readonly socket: TLSSocket }> {
  onTestFinished(() => agent.destroy());
  return new Promise((resolve, reject) => {
    const message = request(url, { agent });
    message.on("error", reject);
    message.on("response", (response) => {
      const socket = response.socket as TLSSocket;
      json(response).then((seen) => resolve({ seen: seen as Echo, socket }), reject);
    });
    message.end();
  });
}

test("presents the identity's certificate", async () => {
  const { ca, url } = await startEchoServer();
  const identity = await ca.issueClientCertificate();
  const { seen } = await send(url, { ca: ca.certificate, identity });
  expect(seen).toMatchObject({ authorized: true, thumbprint: identity.thumbprint });
});

test("presents no certificate without an identity", async () => {
  const { ca, url } = await startEchoServer();
  const { seen } = await send(url, { ca: ca.certificate });
  expect(seen).toMatchObject({ authorized: false, thumbprint: null });
});

test("makes a connection for each request, by a full handshake", async () => {
  const { ca, url } = await startEchoServer();
  const agent = mtlsAgent({ ca: ca.certificate });
  const [first, second] = [await sendBy(agent, url), await sendBy(agent, url)];
  expect(second.socket).not.toBe(first.socket);
  expect(second.socket.isSessionReused()).toBe(false);
});

test("keeps a connection that it is told to keep", async () => {
  const { ca, url } = await startEchoServer();
  const agent = mtlsAgent({ ca: ca.certificate, keepAlive: true });
  const [first, second] = [await sendBy(agent, url), await sendBy(agent, url)];
  expect(second.socket).toBe(first.socket);
});

test("rejects a server of another authority", async () => {
  const { url } = await startEchoServer();
  const { certificate } = await createCertificateAuthority();
  await expect(send(url, { ca: certificate })).rejects.toMatchObject({ code: "SELF_SIGNED_CERT_IN_CHAIN" });
});

test("verifies the server despite NODE_TLS_REJECT_UNAUTHORIZED=0", async () => {
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  onTestFinished(() => void vi.unstubAllEnvs());
  const { ca, url } = await startEchoServer();
  const { certificate } = await createCertificateAuthority();
  await expect(send(url, { ca: certificate })).rejects.toMatchObject({ code: "SELF_SIGNED_CERT_IN_CHAIN" });
  await expect(send(url, { ca: ca.certificate })).resolves.toMatchObject({ seen: { method: "GET" } });
});

test("expects a server that is localhost, and no other", async () => {
  const root = await createCertificateAuthority();
  const certified = async (name: string) => {
    const host = await root.issueServerCertificate({ subjectAlternativeNames: [name] });
    const { url } = await startEchoServer({ cert: host.certificate, key: host.key });
    return send(url, { ca: root.certificate });
  };
  await expect(certified("DNS:localhost")).resolves.toMatchObject({ seen: { method: "GET" } });
  await expect(certified("DNS:other.example")).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
});

test.each([{ ca: undefined }, { ca: "" }, { keepAlive: 1 }, { certificate: "x" }])("rejects %j", async (options) => {
  expect(() => mtlsAgent({ ca: "PEM", ...options } as MtlsAgentOptions)).toThrow(TypeError);
});
