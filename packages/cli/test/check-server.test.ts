import { constants } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import { AccessTokenError, createAuthenticator, createVerifier, httpRejection } from "@certbound/core";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createIssuer,
  type Identity,
  type Issuer,
  type RunningServer,
  startServer,
} from "@certbound/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CheckServerReport, ServerCheck } from "../src/index.ts";
import { createFolder, type Folder, type Run, runCli } from "./running.ts";

/** The paths of the API under test; each path has a different flaw. */
const flaws = [
  "/good",
  "/no-binding",
  "/open",
  "/no-certificate-needed",
  "/error",
  "/bare",
  "/closed",
  "/absent",
] as const;

type Flaw = (typeof flaws)[number];

let ca: CertificateAuthority;
let client: Identity;
let stranger: Identity;
let issuer: Issuer;
let folder: Folder;
/** The options of all servers: a certificate of the CA, and a request for the client's certificate. */
let tls: Pick<SecureContextOptions, "cert" | "key" | "ca"> & { readonly requestCert: true };
let api: RunningServer;
/** Accepts only certificates of its CA. */
let strict: RunningServer;
let options: readonly string[];

const noRenegotiation = { secureOptions: constants.SSL_OP_NO_RENEGOTIATION } as const;

/** Creates an API that uses certbound, except for the flaw of each path. */
function flawedApi(): RequestListener {
  const given = { issuer: issuer.issuer, audience: issuer.audience, jwks: { keys: issuer.jwks.keys } };
  const verifier = createVerifier({ ...given, tokenTypes: ["at+jwt"] });
  const authenticate = createAuthenticator(given)();
  const accepts = async (path: string, request: Parameters<RequestListener>[0]): Promise<unknown> => {
    if (path === "/open") return undefined;
    const hasCertificate = (request.socket as TLSSocket).getPeerX509Certificate() !== undefined;
    const ignoresBinding = path === "/no-binding" || (path === "/no-certificate-needed" && !hasCertificate);
    if (!ignoresBinding) return authenticate(request);
    const token = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
    return verifier.verify(token, { clientCertificate: null, validateCertificateBinding: "report-only" });
  };
  return (request, response) => {
    const path = request.url ?? "";
    const fixed = { "/absent": 404, "/closed": 401 }[path];
    if (fixed !== undefined) {
      response.writeHead(fixed).end();
      return;
    }
    accepts(path, request).then(
      () => response.end("{}"),
      (error: unknown) => {
        const { status, headers } =
          error instanceof AccessTokenError ? httpRejection(error) : { status: 500, headers: {} };
        response.writeHead(path === "/error" ? 500 : status, path === "/bare" ? {} : headers).end();
      },
    );
  };
}

beforeAll(async () => {
  ca = await createCertificateAuthority();
  const [server, ...clients] = await Promise.all([
    ca.issueServerCertificate(),
    ca.issueClientCertificate(),
    ca.issueClientCertificate(),
  ]);
  [client, stranger] = clients;
  issuer = await createIssuer();
  tls = { cert: server.certificate, key: server.key, ca: ca.certificate, requestCert: true };
  api = await startServer(createServer({ ...tls, ...noRenegotiation, rejectUnauthorized: false }, flawedApi()));
  strict = await startServer(createServer({ ...tls, ...noRenegotiation, rejectUnauthorized: true }, flawedApi()));
  folder = createFolder();
  const [cert, key] = [folder.file("client.pem", client.certificate), folder.file("client-key.pem", client.key)];
  options = ["--token", "-", "--cert", cert, "--key", key, "--ca", folder.file("ca.pem", ca.certificate)];
});
afterAll(async () => {
  folder.remove();
  await Promise.all([api, strict, issuer].map(({ close }) => close()));
});

/** Runs check-server, and asserts that the output does not contain the token. */
async function check(url: string, more: readonly string[] = [], json = true): Promise<Run> {
  const token = await issuer.accessToken({ boundTo: client });
  const run = await runCli(["check-server", url, ...options, ...more, ...(json ? ["--json"] : [])], { stdin: token });
  expect(run.stdout + run.stderr).not.toContain(token.slice(-40));
  return run;
}

/** Returns the verdicts in the order of the checks. */
async function verdicts(
  url: string,
  more?: readonly string[],
): Promise<{ exitCode: number; verdicts: readonly string[] }> {
  const { exitCode, stdout } = await check(url, more);
  return { exitCode, verdicts: (JSON.parse(stdout) as CheckServerReport).checks.map(({ verdict }) => verdict) };
}

describe("check-server", () => {
  test.each([
    ["/good", 0, ["good", "good", "good", "good", "good", "good"]],
    ["/no-binding", 1, ["good", "fails-open", "fails-open", "good", "good", "good"]],
    ["/open", 1, ["good", "fails-open", "fails-open", "fails-open", "fails-open", "good"]],
    ["/no-certificate-needed", 1, ["good", "good", "fails-open", "good", "good", "good"]],
    ["/error", 0, ["good", "lesser", "lesser", "lesser", "lesser", "good"]],
    ["/bare", 0, ["good", "good", "good", "lesser", "good", "good"]],
    ["/closed", 1, ["fails-closed", "good", "good", "lesser", "good", "good"]],
    ["/absent", 3, ["untold", "untold", "untold", "untold", "untold", "good"]],
  ] as const)("reports the verdicts for the API at %s", async (path: Flaw, exitCode, expected) => {
    expect(await verdicts(api.url + path)).toEqual({ exitCode, verdicts: expected });
  });

  test("names requestCert, the proxy and explain if the API rejects the bound token because it requests no certificate", async () => {
    const server = await startServer(createServer({ cert: tls.cert, key: tls.key, ...noRenegotiation }, flawedApi()));
    const { exitCode, stdout } = await check(`${server.url}/good`);
    const { checks, summary } = JSON.parse(stdout) as CheckServerReport;
    await server.close();
    expect({ exitCode, summary }).toEqual({
      exitCode: 1,
      summary: "the API rejects the valid token with its certificate",
    });
    expect(checks[0]).toMatchObject({
      name: "right",
      verdict: "fails-closed",
      finding: expect.stringMatching(/requestCert: true.*proxy.*fromProxy.*certbound explain/),
    });
  });

  test("prints FAILS OPEN for an API that fails open", async () => {
    const { stdout } = await check(api.url, ["--path", "/no-binding"], false);
    expect(stdout.match(/\*\*\* FAILS OPEN \*\*\*/g)).toHaveLength(2);
    expect((await check(api.url, ["--path", "/good"], false)).stdout).not.toContain("FAILS OPEN");
  });

  test("reports an inconclusive check if TLS rejects the generated certificate", async () => {
    expect(await verdicts(`${strict.url}/good`)).toEqual({
      exitCode: 3,
      verdicts: ["good", "untold", "good", "good", "good", "good"],
    });
    const { stdout } = await check(`${strict.url}/good`, [], false);
    expect(stdout).toContain("--other-cert");
  });

  test("tests the binding with --other-cert if TLS accepts only certificates of its CA", async () => {
    const other = [
      "--other-cert",
      folder.file("other.pem", stranger.certificate),
      "--other-key",
      folder.file("other-key.pem", stranger.key),
    ];
    expect(await verdicts(`${strict.url}/good`, other)).toEqual({
      exitCode: 0,
      verdicts: ["good", "good", "good", "good", "good", "good"],
    });
    expect((await verdicts(`${strict.url}/no-binding`, other)).verdicts[1]).toBe("fails-open");
  });

  test("does not send a token to a server whose certificate is not trusted", async () => {
    const authorizations: string[] = [];
    const { certificate: cert, key } = await (await createCertificateAuthority()).issueServerCertificate();
    const impostor = await startServer(
      createServer({ cert, key, requestCert: true, rejectUnauthorized: false }, (request, response) => {
        authorizations.push(request.headers.authorization ?? "");
        response.end();
      }),
    );
    expect(await verdicts(impostor.url)).toEqual({ exitCode: 3, verdicts: ["untold"] });
    await impostor.close();
    expect(authorizations).toEqual([]);
  });

  test("reports an inconclusive check if the server cannot be reached", async () => {
    const closed = await startServer(createServer());
    await closed.close();
    expect(await verdicts(closed.url)).toEqual({ exitCode: 3, verdicts: ["untold"] });
  });
});

describe("the renegotiation check", () => {
  async function renegotiation(
    url: string,
  ): Promise<{ readonly exitCode: number; readonly summary: string; readonly check: ServerCheck | undefined }> {
    const { exitCode, stdout } = await check(`${url}/good`);
    const { checks, summary } = JSON.parse(stdout) as CheckServerReport;
    return { exitCode, summary, check: checks.find(({ name }) => name === "renegotiation") };
  }

  test("reports a lesser finding with both remedies for a server that allows renegotiation", async () => {
    const server = await startServer(createServer({ ...tls, rejectUnauthorized: false }, flawedApi()));
    expect(await renegotiation(server.url)).toMatchObject({
      exitCode: 0,
      summary: "the API rejects what it must reject, with lesser findings",
      check: {
        verdict: "lesser",
        seen: "renegotiated",
        finding: expect.stringMatching(/minVersion: "TLSv1\.3".*secureOptions: constants\.SSL_OP_NO_RENEGOTIATION/),
      },
    });
    expect((await check(`${server.url}/good`, [], false)).stdout).toMatch(/^! a TLS 1\.2 renegotiation/m);
    await server.close();
  });

  test("passes for a server that rejects a renegotiation", async () => {
    expect(await renegotiation(api.url)).toMatchObject({
      exitCode: 0,
      summary: "the API rejects what it must reject",
      check: { verdict: "good", seen: "rejected (ERR_SSL_NO_RENEGOTIATION)" },
    });
    expect((await check(`${api.url}/good`, [], false)).stdout).toMatch(/^✓ a TLS 1\.2 renegotiation/m);
  });

  test("passes for a server that supports only TLS 1.3", async () => {
    const server = await startServer(
      createServer({ ...tls, minVersion: "TLSv1.3", rejectUnauthorized: false }, flawedApi()),
    );
    expect(await renegotiation(server.url)).toMatchObject({
      exitCode: 0,
      summary: "the API rejects what it must reject",
      check: { verdict: "good", seen: "TLS 1.3 only (ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION)" },
    });
    await server.close();
  });

  test("opens one connection, and sends no request on it", async () => {
    const seen = { protocols: [] as (string | null)[], connections: [] as (string | null)[] };
    const handle = flawedApi();
    const server = createServer({ ...tls, rejectUnauthorized: false }, (request, response) => {
      seen.protocols.push((request.socket as TLSSocket).getProtocol());
      handle(request, response);
    });
    server.on("secureConnection", (socket) => seen.connections.push(socket.getProtocol()));
    const { url, close } = await startServer(server);
    await check(`${url}/good`);
    await close();
    expect(seen.protocols).toEqual(Array.from({ length: 5 }, () => "TLSv1.3"));
    expect(seen.connections).toEqual([...seen.protocols, "TLSv1.2"]);
  });

  test.each<[string, (socket: Socket) => void, Partial<ServerCheck>]>([
    ["closes it", (socket) => socket.destroy(), { verdict: "good", seen: "no TLS 1.2 connection (ECONNRESET)" }],
    [
      "sends bytes that are not TLS",
      (socket) => socket.resume().end(Buffer.alloc(20_000, 7)),
      { verdict: "untold", seen: "no TLS 1.2 connection (ERR_SSL_WRONG_VERSION_NUMBER)" },
    ],
  ])("does not change the exit code if the server %s", async (_name, react, expected) => {
    let connections = 0;
    const front = createTcpServer((socket) => {
      socket.on("error", () => {});
      connections += 1;
      if (connections > 5) return react(socket);
      const relayed = connect(Number(new URL(api.url).port), "127.0.0.1");
      relayed.on("error", () => {});
      socket.pipe(relayed).pipe(socket);
    }).listen(0, "127.0.0.1");
    await once(front, "listening");
    const url = `https://127.0.0.1:${(front.address() as AddressInfo).port}`;
    expect(await renegotiation(url)).toMatchObject({
      exitCode: 0,
      summary: "the API rejects what it must reject",
      check: expected,
    });
    await once(front.close(), "close");
    expect(connections).toBe(6);
  });
});

describe("check-server with a peer without TLS", () => {
  test.each<[string, (socket: Socket) => void]>([
    ["closes the connection immediately", (socket) => socket.destroy()],
    ["resets the connection immediately", (socket) => socket.resetAndDestroy()],
    ["sends bytes that are not TLS", (socket) => socket.resume().end(Buffer.alloc(20_000, 7))],
  ])("is inconclusive, and attempts no renegotiation, if the peer %s", async (_name, react) => {
    const server = createHttpServer();
    server.removeAllListeners("connection");
    server.on("connection", (socket) => react(socket.on("error", () => {})));
    const { url, close } = await startServer(server);
    await expectInconclusive(url);
    await close();
  });

  test("is inconclusive, and attempts no renegotiation, if the peer speaks plain HTTP", async () => {
    const { url, close } = await startServer(createHttpServer(flawedApi()));
    await expectInconclusive(url);
    await close();
  });

  async function expectInconclusive(url: string): Promise<void> {
    const { exitCode, stdout, stderr } = await check(`${url.replace("http:", "https:")}/good`);
    const { checks } = JSON.parse(stdout) as CheckServerReport;
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: "" });
    expect(checks.map(({ name }) => name)).toEqual([
      "right",
      "other-certificate",
      "no-certificate",
      "no-token",
      "damaged-signature",
    ]);
  }
});

describe("the argument parser of check-server", () => {
  test.each([
    ["an http URL", () => ["http://127.0.0.1:1/", ...options]],
    ["a missing URL", () => options],
    [
      "a key of another certificate",
      () => [api.url, ...options, "--key", folder.file("stranger-key.pem", stranger.key)],
    ],
    ["--other-cert without a key", () => [api.url, ...options, "--other-cert", "x"]],
    [
      "the same certificate twice",
      () => [
        api.url,
        ...options,
        "--other-cert",
        folder.file("same.pem", client.certificate),
        "--other-key",
        folder.file("same-key.pem", client.key),
      ],
    ],
    ["an unknown option", () => [api.url, ...options, "--insecure"]],
    ["the method CONNECT", () => [api.url, ...options, "--method", "CONNECT"]],
    ["a token on the command line", () => [api.url, ...options, "--token", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"]],
  ])("rejects %s", async (_name, parameters) => {
    const { exitCode, stderr } = await runCli(["check-server", ...parameters()], { stdin: "token" });
    expect(exitCode).toBe(2);
    expect(stderr).not.toMatch(/PRIVATE KEY|eyJhbGci/);
  });

  test("rejects a token that cannot be sent in a header", async () => {
    expect((await runCli(["check-server", api.url, ...options], { stdin: "two words" })).exitCode).toBe(2);
  });

  test("passes the method of --method to the requests", async () => {
    const methods: (string | undefined)[] = [];
    const { certificate: cert, key } = await ca.issueServerCertificate();
    const server = await startServer(
      createServer({ cert, key }, (request, response) => {
        methods.push(request.method);
        response.writeHead(401).end();
      }),
    );
    await check(server.url, ["--method", "POST"]);
    await server.close();
    expect(new Set(methods)).toEqual(new Set(["POST"]));
  });
});
