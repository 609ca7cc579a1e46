import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";
import { checkServerIdentity, type TlsOptions } from "node:tls";
import { createCertificateAuthority, createIssuer, type Issuer } from "@certbound/testing";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findLeaksOf, type FindLeaks } from "../../../test/secrecy/leaks.ts";
import type { CheckServerReport, ExplainReport } from "../src/index.ts";
import { type Behavior, drip, flood, json, respond, respondAndEnd, startPeer } from "./hostile-peers.ts";
import { createFolder, type Folder, preload, type Run, runCli, runProgram } from "./running.ts";

const upgrade = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const hints = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n";
const opaqueToken = "aGVhZGVy.UExBTlRFRC1NQVJLRVItaW4tYS10b2tlbg.c2lnbmF0dXJl";

let folder: Folder;
let issuer: Issuer;
let tls: TlsOptions;
/** The options of check-server, and of explain without an issuer. */
let checkOptions: readonly string[];
let explainOptions: readonly string[];
let caFile: string;
let leaksIn: FindLeaks;
/** The warnings of Node.js, which are written to stderr. */
const warnings: Error[] = [];
const onWarning = (warning: Error): void => {
  warnings.push(warning);
};

beforeAll(async () => {
  process.on("warning", onWarning);
  const ca = await createCertificateAuthority();
  const [server, client] = await Promise.all([ca.issueServerCertificate(), ca.issueClientCertificate()]);
  tls = { cert: server.certificate, key: server.key, ca: ca.certificate, requestCert: true, rejectUnauthorized: false };
  issuer = await createIssuer();
  folder = createFolder();
  const token = await issuer.accessToken({ boundTo: client });
  const cert = folder.file("client.pem", client.certificate);
  const key = folder.file("key.pem", client.key);
  caFile = folder.file("ca.pem", ca.certificate);
  checkOptions = [
    "--token",
    folder.file("opaque", opaqueToken),
    "--cert",
    cert,
    "--key",
    key,
    "--ca",
    caFile,
    "--json",
  ];
  explainOptions = ["--token", folder.file("token", token), "--cert", cert, "--audience", issuer.audience, "--json"];
  leaksIn = findLeaksOf({
    opaqueToken,
    "a part of the opaque token": opaqueToken.split(".")[1] ?? "",
    token,
    "the signature": token.slice(token.lastIndexOf(".") + 1),
    "the client's key": client.key,
  });
});
afterAll(async () => {
  process.off("warning", onWarning);
  folder.remove();
  await issuer.close();
  expect(warnings).toEqual([]);
});

/**
 * Runs the program, and asserts that the output contains no secrets, stack traces or control characters.
 *
 * @param env if given, the program runs in a child process with this environment
 */
async function outcomeOf(parameters: readonly string[], env?: NodeJS.ProcessEnv): Promise<Run> {
  const run = await (env === undefined ? runCli(parameters) : runProgram(parameters, { env }));
  const written = run.stdout + run.stderr;
  expect(leaksIn(written)).toEqual([]);
  expect(written).not.toMatch(/^\s+at |internal error|[^\P{C}\n]/mu);
  expect(run.stdout).not.toBe("");
  return run;
}

async function check(behave: Behavior, env?: NodeJS.ProcessEnv): Promise<CheckServerReport> {
  const peer = await startPeer(behave, tls);
  const parameters = ["check-server", `https://127.0.0.1:${peer.port}/`, ...checkOptions];
  const { exitCode, stdout, stderr } = await outcomeOf(parameters, env);
  await peer.close();
  const report = JSON.parse(stdout) as CheckServerReport;
  expect({ exitCode, stderr }).toEqual({ exitCode: report.exitCode, stderr: "" });
  return report;
}

/** Runs explain with keys from a peer: over TLS with --ca, or with Node's fetch. */
async function explainFrom(
  behave: Behavior,
  client: "--ca" | "fetch",
  env?: NodeJS.ProcessEnv,
): Promise<ExplainReport> {
  const peer = await startPeer(behave, client === "--ca" ? tls : undefined);
  const jwks = `${client === "--ca" ? "https" : "http"}://127.0.0.1:${peer.port}/jwks`;
  const ca = client === "--ca" ? ["--ca", caFile] : [];
  const parameters = ["explain", ...explainOptions, "--issuer", issuer.issuer, "--jwks", jwks, ...ca];
  const { exitCode, stdout, stderr } = await outcomeOf(parameters, env);
  await peer.close();
  const report = JSON.parse(stdout) as ExplainReport;
  expect({ exitCode, stderr }).toEqual({ exitCode: report.exitCode, stderr: "" });
  return report;
}

function keysStep({ steps }: ExplainReport): ExplainReport["steps"][number] | undefined {
  return steps.find(({ step }) => step === "keys");
}

describe("check-server with a hostile server", () => {
  test.each<[string, string, string]>([
    ["101 with an upgrade", upgrade, "101"],
    ["101 without an upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "101"],
    ["1,000 informational responses, and then 401", hints.repeat(1000) + json("", "401 Unauthorized"), "401"],
    ["401", json("", "401 Unauthorized"), "401"],
    ["a status beyond 599", json("", "999 \u009b31m"), "999"],
    ["a redirect to itself", "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", "302"],
    ["a body of 10 GB", "HTTP/1.1 401 Unauthorized\r\ncontent-length: 10000000000\r\n\r\n", "401"],
  ])("reports all requests if the server responds with %s", async (_name, bytes, seen) => {
    const { exitCode, checks } = await check(respond(bytes));
    expect(checks.slice(0, 5).map((one) => one.seen)).toEqual(Array.from({ length: 5 }, () => seen));
    expect(exitCode).toBe(seen === "401" ? 1 : 3);
  });

  test.each<[string, Behavior]>([
    ["endless headers", flood("HTTP/1.1 200 OK\r\n", "x-header: some value\r\n".repeat(100))],
    ["HTTP/0.9", respondAndEnd("hello", (socket) => socket.end())],
    ["a length that is not a number", respond("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n{}")],
  ])("is inconclusive if the server responds with %s", async (_name, behave) => {
    const { exitCode, checks } = await check(behave);
    expect({ exitCode, checks }).toMatchObject({
      exitCode: 3,
      checks: [{ finding: expect.stringMatching(/HTTP\/1\.1/) }],
    });
  });

  test("is inconclusive if the server closes the connection within the headers", async () => {
    const { exitCode, checks } = await check(respondAndEnd("HTTP/1.1 200 O", (socket) => socket.destroy()));
    expect({ exitCode, seen: checks[0]?.seen }).toEqual({ exitCode: 3, seen: expect.stringContaining("ECONNRESET") });
  });

  test("does not read the body", async () => {
    const endless = flood("HTTP/1.1 401 Unauthorized\r\n\r\n", "x".repeat(10_000));
    const reset = respondAndEnd("HTTP/1.1 401 Unauthorized\r\ncontent-length: 9\r\n\r\n", (socket) => socket.destroy());
    expect((await check(endless)).checks[0]?.seen).toBe("401");
    expect((await check(reset)).checks[0]?.seen).toBe("401");
  });

  test("accepts a URL with an IPv6 address", async () => {
    const server = createServer(tls, (_request, response) => response.writeHead(401).end());
    server.listen(0, "::1");
    await once(server, "listening");
    // The address of a server that listens on a port is an AddressInfo.
    const { port } = server.address() as { readonly port: number };
    const { exitCode, stdout } = await outcomeOf(["check-server", `https://[::1]:${port}/`, ...checkOptions]);
    await once(server.close(), "close");
    const { url, checks } = JSON.parse(stdout) as CheckServerReport;
    // Some versions of Node.js (22.23.3) do not match an IPv6 address in a certificate.
    const certificate = new X509Certificate(String(tls.cert)).toLegacyObject();
    const seen =
      checkServerIdentity("::1", certificate) === undefined
        ? { exitCode: 1, seen: "401" }
        : { exitCode: 3, seen: "no response (ERR_TLS_CERT_ALTNAME_INVALID)" };
    expect({ exitCode, url, seen: checks[0]?.seen }).toEqual({ url: `https://[::1]:${port}/`, ...seen });
  });
});

describe.each(["--ca", "fetch"] as const)("explain with a hostile issuer and %s", (client) => {
  test.each<[string, string, string]>([
    ["101", upgrade, "issuer-unreachable"],
    ["a status beyond 599", json("{}", "999 Big"), client === "fetch" ? "issuer-fails" : "issuer-unreachable"],
    ["204", "HTTP/1.1 204 No Content\r\n\r\n", "issuer-fails"],
    ["a redirect to itself", "HTTP/1.1 302 Found\r\nlocation: /jwks\r\ncontent-length: 0\r\n\r\n", "issuer-redirects"],
    ["HTTP/0.9", "hello", "issuer-unreachable"],
    ["160,000 quotes", json('"'.repeat(160_000)), "key-set-unreadable"],
    [
      "keys nested 100,000 levels deep",
      json(`{"keys":${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
      "key-set-without-usable-keys",
    ],
    [
      "control characters in the type",
      "HTTP/1.1 200 OK\r\ncontent-type: \u009b31m\r\ncontent-length: 2\r\n\r\n{}",
      "key-set-unreadable",
    ],
  ])("names the cause if the issuer responds with %s", async (_name, bytes, cause) => {
    const report = await explainFrom(
      respondAndEnd(bytes, (socket) => socket.end()),
      client,
    );
    expect({ exitCode: report.exitCode, cause: keysStep(report)?.cause }).toEqual({ exitCode: 3, cause });
  });

  test("reads a key set with a byte order mark", async () => {
    const body = JSON.stringify(issuer.jwks);
    for (const text of [body, `\ufeff${body}`]) {
      const report = await explainFrom(respond(json(text)), client);
      expect({ exitCode: report.exitCode, keys: keysStep(report)?.status }).toEqual({ exitCode: 0, keys: "passed" });
    }
  });

  test("ends even if the body does not end", async () => {
    // In a child process, because fetch opens another connection after an aborted one, and closes it after 4 s.
    const report = await explainFrom(flood("HTTP/1.1 200 OK\r\n\r\n", " ".repeat(10_000)), client, {});
    expect({ exitCode: report.exitCode, cause: keysStep(report)?.cause }).toEqual({
      exitCode: 3,
      cause: "key-set-unreadable",
    });
  });
});

test("explain shows the issuer of a metadata document that is nested 6,000 levels deep", async () => {
  const nested = `{"issuer":${'{"a":'.repeat(6000)}1${"}".repeat(6000)}}`;
  const peer = await startPeer(respond(json(nested)));
  const url = `http://127.0.0.1:${peer.port}`;
  const { exitCode, stdout } = await outcomeOf(["explain", ...explainOptions, "--issuer", url]);
  await peer.close();
  expect(exitCode).toBe(1);
  expect(keysStep(JSON.parse(stdout) as ExplainReport)).toMatchObject({
    cause: "discovery-of-other-issuer",
    reason: expect.stringContaining('{"a":{"a":{"a":{"a":"..."}}}}'),
  });
});

describe("thumbprint with a hostile server", () => {
  async function thumbprintOf(cert: string, key: string): Promise<Run> {
    const peer = await startPeer(() => {}, { cert, key });
    const run = await outcomeOf(["thumbprint", `127.0.0.1:${peer.port}`]);
    await peer.close();
    return run;
  }

  test.each([
    ["escapes control characters in a subject", "\u001b[31mred", "O=", 0],
    ["shortens a subject of 40 KB", "x".repeat(40_000), "... (40002 characters)", 0],
    ["returns no result for a subject of 100 KB", "x".repeat(100_000), "EXCESSIVE_MESSAGE_SIZE", 3],
  ])("%s", async (_name, value, expected, code) => {
    const { cert, private: key } = await generate([{ shortName: "O", value }], { keyType: "ec", curve: "P-256" });
    const { exitCode, stdout } = await thumbprintOf(cert, key);
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: expect.stringContaining(expected) });
    expect(stdout.length).toBeLessThan(1000);
  });

  test("shows an unreadable date", async () => {
    const { cert, private: key } = await generate([{ shortName: "CN", value: "server" }], {
      keyType: "ec",
      curve: "P-256",
    });
    const der = Buffer.from(new X509Certificate(cert).raw);
    // The first UTCTime, with 13 characters, is notBefore; a server does not verify its own certificate.
    der.write("999999999999Z", der.indexOf("\u0017\u000d") + 2, "latin1");
    const pem = `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
    const { exitCode, stdout } = await thumbprintOf(pem, key);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining("unreadable (Bad time value)"),
    });
  });

  test("returns no result if the server closes the connection, or responds with 101 without TLS", async () => {
    for (const behave of [respondAndEnd("", (socket) => socket.destroy()), respond(upgrade)]) {
      const peer = await startPeer(behave);
      const { exitCode, stdout } = await outcomeOf(["thumbprint", `127.0.0.1:${peer.port}`]);
      await peer.close();
      expect({ exitCode, stdout }).toEqual({
        exitCode: 3,
        stdout: expect.stringContaining("the TLS connection to the server failed"),
      });
    }
  });
});

describe.concurrent("the time limit", () => {
  /** Returns an environment that changes the given time limit to 1 s, and all others to 15 s. */
  function withShortLimit(limit: number): NodeJS.ProcessEnv {
    const code = `const { timeout } = AbortSignal; AbortSignal.timeout = (time) => timeout(time === ${limit} ? 1000 : 15_000);`;
    return { NODE_OPTIONS: preload(code) };
  }

  test.each<[string, Behavior]>([
    ["informational responses without an end", drip("", hints)],
    ["a header every 100 ms", drip("HTTP/1.1 200 OK\r\n", "x: y\r\n")],
  ])("of check-server is 10 s for %s", async (_name, behave) => {
    const started = performance.now();
    const { exitCode, checks } = await check(behave, withShortLimit(10_000));
    expect({ exitCode, seen: checks.map(({ seen }) => seen) }).toEqual({
      exitCode: 3,
      seen: ["no response (ETIMEDOUT)"],
    });
    expect(performance.now() - started).toBeLessThan(12_000);
  });

  test("of thumbprint is 10 s for a handshake in small pieces", async () => {
    const started = performance.now();
    // Handshake records of one byte each: the start of a ServerHello that never ends.
    const peer = await startPeer(
      drip("\u0016\u0003\u0003\u0000\u0004\u0002\u0000\u00ff\u00ff", "\u0016\u0003\u0003\u0000\u0001\u0003"),
    );
    const { exitCode, stdout } = await outcomeOf(["thumbprint", `127.0.0.1:${peer.port}`], withShortLimit(10_000));
    await peer.close();
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: expect.stringContaining("ETIMEDOUT") });
    expect(performance.now() - started).toBeLessThan(12_000);
  });

  test.each(["--ca", "fetch"] as const)("of explain is 5 s for an incomplete body, with %s", async (client) => {
    let requests = 0;
    const started = performance.now();
    const behave: Behavior = (socket) => {
      socket.on("data", () => {
        requests += 1;
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{");
      });
    };
    const report = await explainFrom(behave, client, withShortLimit(5000));
    expect({ requests, exitCode: report.exitCode, reason: keysStep(report)?.reason }).toEqual({
      requests: 1,
      exitCode: 3,
      reason: expect.stringContaining("ETIMEDOUT"),
    });
    expect(performance.now() - started).toBeLessThan(12_000);
  });
});

describe.concurrent("NODE_TLS_REJECT_UNAUTHORIZED=0", () => {
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };

  /** Starts a server with an untrusted certificate, which records the received data. */
  async function startImpostor(body: string): Promise<{
    readonly url: string;
    readonly requests: readonly string[];
    readonly connections: () => number;
    readonly close: () => Promise<void>;
  }> {
    const requests: string[] = [];
    const { certificate: cert, key } = await (await createCertificateAuthority()).issueServerCertificate();
    const peer = await startPeer(
      (socket) => {
        socket.on("data", (bytes) => {
          requests.push(String(bytes));
          socket.write(json(body));
        });
      },
      { cert, key, requestCert: true, rejectUnauthorized: false },
    );
    return { ...peer, url: `https://127.0.0.1:${peer.port}/`, requests };
  }

  test("does not make check-server send a token to an untrusted server", async () => {
    const impostor = await startImpostor("{}");
    const { exitCode, stdout } = await outcomeOf(["check-server", impostor.url, ...checkOptions], env);
    await impostor.close();
    expect(impostor.requests).toEqual([]);
    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      checks: [
        { name: "right", verdict: "untold", finding: expect.stringContaining("is not trusted, so no token was sent") },
      ],
    });
  });

  test("does not change the report of check-server for a trusted server", async () => {
    const peer = await startPeer(respond(json("", "401 Unauthorized")), tls);
    const url = `https://127.0.0.1:${peer.port}/`;
    const { exitCode, stdout } = await outcomeOf(["check-server", url, ...checkOptions], env);
    await peer.close();
    expect({ exitCode, seen: (JSON.parse(stdout) as CheckServerReport).checks[0]?.seen }).toEqual({
      exitCode: 1,
      seen: "401",
    });
  });

  test.each([
    ["with --ca", () => ["--ca", caFile]],
    ["without --ca", () => []],
  ])("does not make explain accept keys from an untrusted server, %s", async (_name, ca) => {
    const impostor = await startImpostor(JSON.stringify(issuer.jwks));
    const parameters = ["explain", ...explainOptions, "--issuer", issuer.issuer, "--jwks", impostor.url, ...ca()];
    const { exitCode, stdout } = await outcomeOf(parameters, env);
    await impostor.close();
    expect(impostor.requests).toEqual([]);
    expect(exitCode).toBe(3);
    expect(keysStep(JSON.parse(stdout) as ExplainReport)?.cause).toBe("issuer-tls-untrusted");
  });
});
