import { execFile, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, connect as connectTcp, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { certificateThumbprint } from "@certbound/core";
import { type Identity, mtlsRequest } from "@certbound/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { describeWithProgram } from "../helpers/program.ts";

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const cwd = process.cwd();
const stdio = ["ignore", "pipe", "inherit"] as const;
let folder: string;

/** The URL of each API, and the functions that stop everything. */
const urls = new Map<string, string>();
const cleanups: (() => unknown)[] = [];

async function registerApi(name: string, server: Server, stop: () => unknown): Promise<void> {
  cleanups.push(stop);
  if (!server.listening) await once(server, "listening");
  // A server that listens on a port has an `AddressInfo`.
  urls.set(name, `https://localhost:${(server.address() as AddressInfo).port}/accounts`);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "certbound-quick-start-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const standIn = spawn(process.execPath, [fileOf("quick-start-stand-in.js")], { cwd: folder, stdio: [...stdio] });
  cleanups.push(async () => {
    const exited = once(standIn, "exit");
    standIn.kill();
    await exited;
  });
  const [issuer] = (await once(standIn.stdout, "data")) as [Buffer];
  vi.stubEnv("ISSUER", String(issuer).trim());
  vi.stubEnv("PORT", "0");
  // The programs of the guide read their files from the current folder.
  process.chdir(folder);
  const { server: express } = await import("./quick-start-express.js");
  const { app: fastify } = await import("./quick-start-fastify.js");
  const { server: https } = await import("./quick-start-https.js");
  const { server: http2 } = await import("./quick-start-http2.js");
  const { server: expressApp } = await import("./quick-start-express-test/server.js");
  const { app: fastifyApp } = await import("./quick-start-fastify-test/server.js");
  await registerApi("Express", express, () => express.close());
  await registerApi("Fastify", fastify.server, () => fastify.close());
  await registerApi("node:https", https, () => https.close());
  await registerApi("node:http2", http2, () => http2.close());
  await registerApi("Express and createApp", expressApp, () => expressApp.close());
  await registerApi("Fastify and createApp", fastifyApp.server, () => fastifyApp.close());
});

afterAll(async () => {
  process.chdir(cwd);
  vi.unstubAllEnvs();
  for (const stop of cleanups.toReversed()) await stop();
});

function urlOf(name: string): string {
  const url = urls.get(name);
  if (url === undefined) throw new Error(`${name} was not started`);
  return url;
}

function identityOf(name: string): Identity {
  const [certificate, key] = [readFileSync(`${name}.pem`, "utf8"), readFileSync(`${name}-key.pem`, "utf8")];
  const der = new X509Certificate(certificate).raw;
  return { certificate, key, der, thumbprint: certificateThumbprint(der) };
}

const servers = ["Express", "Fastify", "node:https", "node:http2", "Express and createApp", "Fastify and createApp"];
test.each(
  servers.flatMap((api): [string, string, string | undefined, number][] => [
    [api, "accepts the client that the token was issued to", "client", 200],
    [api, "rejects a thief", "thief", 401],
    [api, "rejects a client without a certificate", undefined, 401],
  ]),
)("the quick start with %s %s", async (api, _expectation, name, status) => {
  const [ca, token] = [readFileSync("ca.pem", "utf8"), readFileSync("token.txt", "utf8")];
  const options = { ca, token, ...(name !== undefined && { identity: identityOf(name) }) };
  const response = await mtlsRequest(urlOf(api), options);
  const body = status === 200 ? { client: "client-1" } : { message: "unauthorized" };
  expect([response.status, response.json()]).toEqual([status, body]);
});

test("the quick start with node:http2 closes an idle session", async () => {
  const { server } = await import("./quick-start-http2.js");
  expect(Reflect.get(server, "timeout")).toBe(60_000);
  // If there were a listener, Node would keep the session open.
  expect(server.listenerCount("timeout")).toBe(0);
  server.setTimeout(200);
  const session = connect(urlOf("node:http2"), { ca: readFileSync("ca.pem") });
  await once(session, "close");
  server.setTimeout(60_000);
});

/** Sends frames after the preface on a connection that the client keeps open; returns the server side of the connection. */
async function connectionOf(server: Server, frames: string): Promise<TLSSocket> {
  const { port, hostname: host } = new URL(urlOf("node:http2"));
  const socket = connectTcp({ port: Number(port), host, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  const accepted = once(server, "secureConnection") as Promise<[TLSSocket]>;
  const tls = connectTls({ socket, servername: "localhost", ca: readFileSync("ca.pem"), ALPNProtocols: ["h2"] });
  tls.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from(frames, "hex")]));
  return (await accepted)[0];
}

describe("the quick start with node:http2", () => {
  const settings = "000000040000000000";
  const goaway = "0000080700000000000000000000000000";
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  test("closes the connection of a client that sends GOAWAY and does not close it", async () => {
    const { server } = await import("./quick-start-http2.js");
    const connection = await connectionOf(server, settings + goaway);
    await once(connection, "finish");
    vi.advanceTimersByTime(59_999);
    expect(connection.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(connection.destroyed).toBe(true);
  });

  test("keeps the connection of a session in use", async () => {
    const { server } = await import("./quick-start-http2.js");
    const accepted = once(server, "secureConnection") as Promise<[TLSSocket]>;
    const session = connect(urlOf("node:http2"), { ca: readFileSync("ca.pem") });
    onTestFinished(() => session.destroy());
    const [connection] = await accepted;
    const requestStatus = async (): Promise<unknown> => {
      const [headers] = (await once(session.request().resume(), "response")) as [IncomingHttpHeaders];
      return headers[":status"];
    };
    expect(await requestStatus()).toBe(401);
    vi.advanceTimersByTime(60_000);
    expect(await requestStatus()).toBe(401);
    expect([connection.destroyed, vi.getTimerCount()]).toEqual([false, 0]);
  });
});

describeWithProgram("curl", "curl", () => {
  test.each(["Express", "Fastify", "node:https", "node:http2"])(
    "calls the quick start with %s with the commands of the page",
    async (api) => {
      const page = readFileSync(new URL("../../docs/quick-start.md", import.meta.url), "utf8");
      const [, commands = ""] = /^## Call it\n[^#]*?^```sh\n(.*?)^```$/ms.exec(page) ?? [];
      const lines = commands
        .replaceAll("https://localhost:8443/accounts", urlOf(api))
        .replaceAll("curl", "curl -sS --noproxy '*'");
      const { stdout } = await promisify(execFile)("sh", ["-euc", lines]);
      const unauthorized = '{"message":"unauthorized"}';
      expect(stdout).toBe(`{"client":"client-1"}${unauthorized}${unauthorized}`);
      expect(statSync("authorization.txt").mode & 0o777).toBe(0o600);
      rmSync("authorization.txt");
    },
  );
});

test("the client of the quick start calls the API as the client and as the thief", async () => {
  const env = { ...process.env, API: urlOf("node:http2") };
  const { stdout } = await promisify(execFile)(process.execPath, [fileOf("quick-start-client.js")], { env });
  expect(stdout).toBe('client 200 {"client":"client-1"}\nthief 401 {"message":"unauthorized"}\n');
});
