import { request } from "node:https";
import { json } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { expect, onTestFinished, test, vi } from "vitest";
import { createCertificateAuthority } from "../../src/certificates/certificate-authority.ts";
import { mtlsAgent, type MtlsAgentOptions } from "../../src/requests/mtls-agent.ts";
import { type Echo, startEchoServer } from "../echo-server.ts";

/** Sends a request with node:https, and returns the client's socket, too. */
function send(url: string, options: MtlsAgentOptions): Promise<{ readonly seen: Echo; readonly socket: TLSSocket }> {
  return sendWith(mtlsAgent(options), url);
}

function sendWith(
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

test("opens a connection with a full handshake for each request", async () => {
  const { ca, url } = await startEchoServer();
  const agent = mtlsAgent({ ca: ca.certificate });
  const [first, second] = [await sendWith(agent, url), await sendWith(agent, url)];
  expect(second.socket).not.toBe(first.socket);
  expect(second.socket.isSessionReused()).toBe(false);
});

test("reuses the connection with keepAlive", async () => {
  const { ca, url } = await startEchoServer();
  const agent = mtlsAgent({ ca: ca.certificate, keepAlive: true });
  const [first, second] = [await sendWith(agent, url), await sendWith(agent, url)];
  expect(second.socket).toBe(first.socket);
});

test("rejects a server with a certificate of another CA", async () => {
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

test("requires a server certificate for localhost", async () => {
  const root = await createCertificateAuthority();
  const sendToServerNamed = async (name: string) => {
    const serverIdentity = await root.issueServerCertificate({ subjectAlternativeNames: [name] });
    const { url } = await startEchoServer({ cert: serverIdentity.certificate, key: serverIdentity.key });
    return send(url, { ca: root.certificate });
  };
  await expect(sendToServerNamed("DNS:localhost")).resolves.toMatchObject({ seen: { method: "GET" } });
  await expect(sendToServerNamed("DNS:other.example")).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
});

test.each([{ ca: undefined }, { ca: "" }, { keepAlive: 1 }, { certificate: "x" }])("rejects %j", async (options) => {
  expect(() => mtlsAgent({ ca: "PEM", ...options } as MtlsAgentOptions)).toThrow(TypeError);
});
