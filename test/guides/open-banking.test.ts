import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
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
import { createRevocableCa } from "../helpers/revocable-ca.ts";
import { listening, setEnvironment, startWith } from "./environment.ts";

// The guide does not set a clock, so it and the issuer use the clock of this machine.
const [ca, clientCa, secondCa, issuer] = await Promise.all([
  createCertificateAuthority(),
  createRevocableCa(),
  createRevocableCa("Second CA"),
  createIssuer({ algorithms: ["PS256", "RS256"] }),
]);
const [host, client, thief, revoked, secondCaClient, revokedBySecondCa, stranger] = await Promise.all([
  ca.issueServerCertificate(),
  clientCa.issueClientCertificate(),
  clientCa.issueClientCertificate(),
  clientCa.issueClientCertificate(),
  secondCa.issueClientCertificate(),
  secondCa.issueClientCertificate(),
  createSelfSignedCertificate(),
]);
setEnvironment({ issuer, host, clientCa: clientCa.certificate });
vi.stubEnv("CLIENT_CRL", clientCa.revocationList([revoked]));

let server: Server;
let api: RunningServer;
const load = () => import("./open-banking-server.ts");
beforeAll(async () => {
  ({ server } = await load());
  api = await listening(server);
});
afterAll(async () => {
  await Promise.all([api.close(), issuer.close()]);
});

/** A TLS alert, or a connection that is closed before the alert is read. */
const handshakeRejection = /alert|ECONNRESET|EPIPE|hang up/;

const accounts = { scope: "accounts" };

async function status(
  options: Parameters<typeof issuer.accessToken>[0],
  identity: Identity = client,
  url: string = api.url,
): Promise<number> {
  const token = await issuer.accessToken({ boundTo: client, claims: accounts, ...options });
  return (await mtlsRequest(`${url}/accounts`, { ca: ca.certificate, token, identity })).status;
}

describe("the server for Open Banking", () => {
  test("accepts the client of the token", async () => {
    expect(await status({})).toBe(200);
  });

  test("rejects another client, an algorithm outside FAPI 2.0, an unbound token, an old token, and a missing scope", async () => {
    const issued = Math.floor(Date.now() / 1000);
    expect(await status({}, thief)).toBe(401);
    expect(await status({ algorithm: "RS256" })).toBe(401);
    expect(await status({ boundTo: "" })).toBe(401);
    expect(await status({ claims: { ...accounts, iat: issued - 620 } })).toBe(401);
    expect(await status({ claims: { scope: "payments" } })).toBe(403);
  });

  test("rejects a client without a certificate of the CA in the handshake", async () => {
    await expect(status({}, stranger)).rejects.toThrow(handshakeRejection);
    await expect(mtlsRequest(`${api.url}/accounts`, { ca: ca.certificate })).rejects.toThrow(handshakeRejection);
  });

  test("rejects a revoked certificate in the handshake", async () => {
    await expect(status({ boundTo: revoked }, revoked)).rejects.toThrow(handshakeRejection);
  });

  describe("several revocation lists in one text", () => {
    const start = async (variables: Readonly<Record<string, string>>): Promise<string> => {
      const { url, close } = await listening((await startWith(load, variables)).server);
      onTestFinished(close);
      return url;
    };
    const [oldList, currentList] = [clientCa.revocationList([], 2), clientCa.revocationList([revoked], 1)];

    test.each([
      ["the old list first", oldList + currentList],
      ["the current list first", currentList + oldList],
      ["text before and between the lists", `Lists:\n${oldList}and\n${currentList}`],
    ])("of one CA (%s) reject a newly revoked certificate", async (_order, lists) => {
      const url = await start({ CLIENT_CRL: lists });
      expect(await status({}, client, url)).toBe(200);
      await expect(status({ boundTo: revoked }, revoked, url)).rejects.toThrow(handshakeRejection);
    });

    test("accept the certificate until a list contains it", async () => {
      expect(await status({ boundTo: revoked }, revoked, await start({ CLIENT_CRL: oldList }))).toBe(200);
    });

    test("of two CAs reject the revoked certificates of both", async () => {
      const lists = [currentList, secondCa.revocationList([revokedBySecondCa])];
      for (const text of [lists.join(""), lists.toReversed().join("")]) {
        const url = await start({ CLIENT_CA: clientCa.certificate + secondCa.certificate, CLIENT_CRL: text });
        expect(await status({}, client, url)).toBe(200);
        expect(await status({ boundTo: secondCaClient }, secondCaClient, url)).toBe(200);
        await expect(status({ boundTo: revoked }, revoked, url)).rejects.toThrow(handshakeRejection);
        await expect(status({ boundTo: revokedBySecondCa }, revokedBySecondCa, url)).rejects.toThrow(
          handshakeRejection,
        );
      }
    });

    test("reject the clients of a CA without a list", async () => {
      const url = await start({ CLIENT_CA: clientCa.certificate + secondCa.certificate, CLIENT_CRL: currentList });
      expect(await status({}, client, url)).toBe(200);
      await expect(status({ boundTo: secondCaClient }, secondCaClient, url)).rejects.toThrow(handshakeRejection);
    });

    test.each([
      ["is truncated", currentList.slice(0, -30)],
      ["is a certificate", clientCa.certificate],
    ])("prevent the start if the last one %s", async (_problem, last) => {
      await expect(startWith(load, { CLIENT_CRL: oldList + last })).rejects.toThrow("Failed to parse CRL");
    });
  });

  test.each(
    ["SERVER_KEY", "SERVER_CERTIFICATE", "CLIENT_CA", "CLIENT_CRL"].flatMap(
      (name): [string, string | undefined, string][] => [
        [name, undefined, "is missing or empty"],
        [name, "", "is missing or empty"],
        [name, "\n", "is missing or empty"],
        [name, "./file.pem", "is not PEM"],
      ],
    ),
  )("does not start if %s is %j", async (name, value, message) => {
    await expect(startWith(load, { [name]: value })).rejects.toThrow(`${name} ${message}`);
  });

  test("starts with all variables", async () => {
    const { url, close } = await listening((await startWith(load, {})).server);
    expect(url).toMatch(/:[1-9]\d*$/);
    await close();
  });

  test("runs without a build where Node.js strips types", async () => {
    const file = new URL("open-banking-server.ts", import.meta.url).href;
    const program = `const { server } = await import("${file}"); console.log(server.address().port); process.exit();`;
    const result = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]).catch(String);
    const output = typeof result === "string" ? result : result.stdout;
    // Node.js 20 cannot strip types.
    const strips = Boolean(Reflect.get(process.features, "typescript"));
    expect(output).toMatch(strips ? /^[1-9]\d*\n$/ : "ERR_UNKNOWN_FILE_EXTENSION");
  });

  test("rejects a TLS renegotiation", async () => {
    const { certificate: cert, key } = client;
    const socket = await openConnection(api.url, { ca: ca.certificate, cert, key, maxVersion: "TLSv1.2" });
    expect(await renegotiate(socket)).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "does not resume a session of %s, unlike a server with default options",
    async (version) => {
      expect(await resumes(server, version)).toBe(false);
      const options = { key: host.key, cert: host.certificate, requestCert: true, ca: clientCa.certificate };
      const defaultServer = createServer(options, (_request, response) => void response.end());
      const { close } = await startServer(defaultServer);
      onTestFinished(close);
      expect(await resumes(defaultServer, version)).toBe(true);
    },
  );
});

/** Returns whether a second connection resumes the session of the first. */
async function resumes(target: Server, version: "TLSv1.2" | "TLSv1.3"): Promise<boolean> {
  const { port } = target.address() as AddressInfo;
  const { certificate: cert, key } = client;
  const options = { port, host: "127.0.0.1", ca: ca.certificate, cert, key, minVersion: version, maxVersion: version };
  const sessions: Buffer[] = [];
  const first = connect(options).on("session", (session) => sessions.push(session));
  await receiveResponse(first);
  const session = sessions.at(-1) ?? first.getSession();
  first.destroy();
  if (session === undefined) return false;
  const second = connect({ ...options, session });
  await receiveResponse(second);
  const isReused = second.isSessionReused();
  second.destroy();
  return isReused;
}

/** Waits for a response; the session tickets of TLS 1.3 arrive before it. */
async function receiveResponse(socket: TLSSocket): Promise<void> {
  await once(socket, "secureConnect");
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  await once(socket, "data");
}
