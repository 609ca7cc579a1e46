import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import {
  createCertificateAuthority,
  createIssuer,
  createSelfSignedCertificate,
  type Identity,
  mtlsRequest,
  type RunningServer,
  startServer,
} from "@certbound/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { openConnection, renegotiate } from "../helpers/renegotiation.ts";
import { createRevocableAuthority } from "../helpers/revocable-authority.ts";
import { setEnvironment, startWith } from "./environment.ts";

// The guide says nothing of a clock: it and the issuer go by the same one, that of this machine.
const [ca, clientCa, issuer] = await Promise.all([
  createCertificateAuthority(),
  createRevocableAuthority(),
  createIssuer({ algorithms: ["PS256", "RS256"] }),
]);
const [host, client, thief, revoked, stranger] = await Promise.all([
  ca.issueServerCertificate(),
  clientCa.issueClientCertificate(),
  clientCa.issueClientCertificate(),
  clientCa.issueClientCertificate(),
  createSelfSignedCertificate(),
]);
setEnvironment({ issuer, host, clientCa: clientCa.certificate });
vi.stubEnv("CLIENT_CRL", clientCa.revocationList([revoked]));

let server: Server;
let api: RunningServer;
beforeAll(async () => {
  ({ server } = await import("./open-banking-server.ts"));
  api = await startServer(server);
});
afterAll(async () => {
  await Promise.all([api.close(), issuer.close()]);
});

/** An alert, or the connection ends before it is read. */
const turnedAway = /alert|ECONNRESET|EPIPE|hang up/;

const accounts = { scope: "accounts" };

async function status(options: Parameters<typeof issuer.accessToken>[0], identity: Identity = client): Promise<number> {
  const token = await issuer.accessToken({ boundTo: client, claims: accounts, ...options });
  return (await mtlsRequest(`${api.url}/accounts`, { ca: ca.certificate, token, identity })).status;
}

describe("the server for Open Banking", () => {
  test("lets the client of the token pass", async () => {
    expect(await status({})).toBe(200);
  });

  test("refuses another client, an algorithm of no FAPI 2.0, an unbound token, and one that is too old", async () => {
    const issued = Math.floor(Date.now() / 1000);
    expect(await status({}, thief)).toBe(401);
    expect(await status({ algorithm: "RS256" })).toBe(401);
    expect(await status({ boundTo: "" })).toBe(401);
    expect(await status({ claims: { ...accounts, iat: issued - 620 } })).toBe(401);
    expect(await status({ claims: { scope: "payments" } })).toBe(403);
  });

  test("turns away in the handshake who has no certificate of the CA", async () => {
    await expect(status({}, stranger)).rejects.toThrow(turnedAway);
    await expect(mtlsRequest(`${api.url}/accounts`, { ca: ca.certificate })).rejects.toThrow(turnedAway);
  });

  test("rejects a revoked certificate in the handshake", async () => {
    await expect(status({ boundTo: revoked }, revoked)).rejects.toThrow(turnedAway);
  });

  test.each(
    ["SERVER_KEY", "SERVER_CERTIFICATE", "CLIENT_CA", "CLIENT_CRL"].flatMap((name): [string, string | undefined][] => [
      [name, undefined],
      [name, ""],
      [name, "\n"],
    ]),
  )("does not start where %s is %j", async (name, value) => {
    await expect(startWith(() => import("./open-banking-server.ts"), { [name]: value })).rejects.toThrow(
      `${name} is missing or empty`,
    );
  });

  test("starts with all of them", async () => {
    await expect(startWith(() => import("./open-banking-server.ts"), {})).resolves.toBeDefined();
  });

  test("rejects a TLS renegotiation", async () => {
    const { certificate: cert, key } = client;
    const socket = await openConnection(api.url, { ca: ca.certificate, cert, key, maxVersion: "TLSv1.2" });
    expect(await renegotiate(socket)).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("resumes no session of %s, which it would by default", async (version) => {
    expect(await resumes(server, version)).toBe(false);
    const options = { key: host.key, cert: host.certificate, requestCert: true, ca: clientCa.certificate };
    const usual = createServer(options, (_request, response) => void response.end());
    const { close } = await startServer(usual);
    onTestFinished(close);
    expect(await resumes(usual, version)).toBe(true);
  });
});

/** Tells whether a second connection resumes the session of the first. */
async function resumes(to: Server, version: "TLSv1.2" | "TLSv1.3"): Promise<boolean> {
  const { port } = to.address() as AddressInfo;
  const { certificate: cert, key } = client;
  const options = { port, host: "127.0.0.1", ca: ca.certificate, cert, key, minVersion: version, maxVersion: version };
  const sessions: Buffer[] = [];
  const first = connect(options).on("session", (session) => sessions.push(session));
  await answered(first);
  const session = sessions.at(-1) ?? first.getSession();
  first.destroy();
  if (session === undefined) return false;
  const second = connect({ ...options, session });
  await answered(second);
  const isReused = second.isSessionReused();
  second.destroy();
  return isReused;
}

/** Waits for an answer, before which the tickets of TLS 1.3 have come. */
async function answered(socket: TLSSocket): Promise<void> {
  await once(socket, "secureConnect");
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  await once(socket, "data");
}
