import { once } from "node:events";
import { createServer as createHttpServer, get as httpGet } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer, request as httpsRequest, type RequestOptions } from "node:https";
import type { EventEmitter } from "node:stream";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import {
  createCertificateAuthority,
  createSelfSignedCertificate,
  mtlsRequest,
  type RunningServer,
  startServer,
} from "@certbound/testing";
import { Agent, fetch as undiciFetch } from "undici";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { describeWithProgram } from "../helpers/program.ts";
import { startWith } from "./environment.ts";
import { createCertificateFolder } from "./troubleshooting-folder.ts";
import { expectExplained } from "./troubleshooting-page.ts";

const day = 24 * 60 * 60 * 1000;
const [authority, otherAuthority] = await Promise.all([createCertificateAuthority(), createCertificateAuthority()]);
const [server, client, thief, foreign, selfSigned, expired, notYetValid] = await Promise.all([
  authority.issueServerCertificate(),
  authority.issueClientCertificate(),
  authority.issueClientCertificate(),
  otherAuthority.issueClientCertificate(),
  createSelfSignedCertificate(),
  authority.issueClientCertificate({ notAfter: new Date(Date.now() - day) }),
  authority.issueClientCertificate({ notBefore: new Date(Date.now() + day) }),
]);
const ca = authority.certificate;
const identities = { server, client, foreign, selfSigned, expired, notYetValid };
const folder = createCertificateFolder(ca, identities);
const identityOf = (name: keyof typeof identities): { readonly cert: string; readonly key: string } => {
  const { certificate: cert, key } = identities[name];
  return { cert, key };
};

const warn = vi.spyOn(console, "warn").mockReturnValue();
const tls = { key: server.key, cert: server.certificate, requestCert: true, rejectUnauthorized: false } as const;
const respond = (_request: unknown, response: { end(text: string): unknown }): void => void response.end("hello");
const laxServer = createServer(tls, respond);
let strictServer: EventEmitter;
let urls: Readonly<Record<"strict" | "lax" | "http2" | "plain", string>>;
const running: RunningServer[] = [];

beforeAll(async () => {
  vi.stubEnv("CERTBOUND_ISSUER", "https://auth.example.com");
  vi.stubEnv("CERTBOUND_AUDIENCE", "https://api.example.com");
  vi.stubEnv("SERVER_KEY", server.key);
  vi.stubEnv("SERVER_CERTIFICATE", server.certificate);
  vi.stubEnv("CLIENT_CA", ca);
  const { server: guide } = await import("./troubleshooting-server.ts");
  strictServer = guide;
  const start = async (...[one]: Parameters<typeof startServer>): Promise<string> => {
    const started = await startServer(one);
    running.push(started);
    return started.url.replace("127.0.0.1", "localhost");
  };
  urls = {
    strict: await start(guide),
    lax: await start(laxServer),
    http2: await start(createSecureServer(tls)),
    plain: await start(createHttpServer(respond)),
  };
});
afterAll(async () => {
  warn.mockRestore();
  vi.unstubAllEnvs();
  folder.remove();
  await Promise.all(running.map(({ close }) => close()));
});

/** Returns the error of a failed request of a Node.js client: its code and message. */
async function requestError(url: string, options: RequestOptions): Promise<string> {
  try {
    await once(httpsRequest(url, { agent: false, ...options }).end(), "response");
    return "a response";
  } catch (error) {
    return describeError(error);
  }
}

/** Returns the error of a connection on which the client sends nothing, so that the server's alert is not lost. */
async function connectionError(url: string, options: ConnectionOptions): Promise<string> {
  const socket = connect({ port: Number(new URL(url).port), host: "localhost", ca, ...options }).resume();
  const [error] = (await new Promise((resolve) => {
    socket.once("error", (thrown) => resolve([thrown])).once("close", () => resolve([]));
  })) as [unknown?];
  return describeError(error);
}

function describeError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return `${code} ${message}`;
}

/** Returns what the server logs about the next failed handshake. */
async function nextLogEntry(emitter: EventEmitter): Promise<string> {
  const [error, socket] = (await once(emitter, "tlsClientError")) as [NodeJS.ErrnoException, TLSSocket];
  return String(socket.authorizationError ?? error.code);
}

describe("a client that does not trust the server", () => {
  test.each<[string, "lax" | "strict", RequestOptions, RegExp[]]>([
    ["no ca", "lax", {}, [/UNABLE_TO_VERIFY_LEAF_SIGNATURE/, /unable to verify the first certificate/]],
    ["no ca", "strict", {}, [/SELF_SIGNED_CERT_IN_CHAIN/, /self-signed certificate in certificate chain/]],
    ["another host name", "lax", { ca, servername: "api.test" }, [/ERR_TLS_CERT_ALTNAME_INVALID/]],
  ])("reports the reason: %s, and a %s server", async (_case, name, options, expected) => {
    const message = await requestError(urls[name], options);
    for (const words of expected) expectExplained(message, words);
  });

  test("reports only that fetch failed, with the reason in the cause", async () => {
    const error = (await fetch(urls.lax).catch((thrown: unknown) => thrown)) as Error;
    expectExplained(error.message, /fetch failed/);
    expectExplained(describeError(error.cause), /UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
  });
});

describe("a server that requires a certificate of its CA", () => {
  test.each([
    ["TLSv1.3", [/tlsv13 alert certificate required/, /ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED/]],
    ["TLSv1.2", [/alert handshake failure/]],
  ] as const)("sends an alert over %s to a client without a certificate", async (version, expected) => {
    const log = nextLogEntry(strictServer);
    const message = await connectionError(urls.strict, { minVersion: version, maxVersion: version });
    for (const words of expected) expectExplained(message, words);
    expectExplained(await log, /ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE/);
  });

  test.each([
    ["foreign", /UNABLE_TO_VERIFY_LEAF_SIGNATURE/],
    ["selfSigned", /DEPTH_ZERO_SELF_SIGNED_CERT/],
    ["expired", /CERT_HAS_EXPIRED/],
    ["notYetValid", /CERT_NOT_YET_VALID/],
    ["server", /INVALID_PURPOSE/],
  ] as const)(
    "closes the connection of a client with the certificate %s, and only the server's log contains the reason",
    async (name, expected) => {
      const log = nextLogEntry(strictServer);
      // The error depends on the timing.
      expectExplained(await requestError(urls.strict, { ca, ...identityOf(name) }), /socket hang up|ECONNRESET|EPIPE/);
      expectExplained(await log, expected);
      expect(warn).toHaveBeenLastCalledWith("handshake failed:", expect.stringMatching(expected));
    },
  );

  test("closes the connection before a TLS 1.2 handshake is complete", async () => {
    const message = await requestError(urls.strict, { ca, maxVersion: "TLSv1.2", ...identityOf("foreign") });
    const expected = /Client network socket disconnected before secure TLS connection was established|ECONNRESET/;
    expectExplained(message, expected);
  });

  test("closes the connection of undici", async () => {
    const dispatcher = new Agent({ connect: { ca, ...identityOf("foreign") } });
    onTestFinished(() => dispatcher.destroy());
    const error = (await undiciFetch(urls.strict, { dispatcher }).catch((thrown: unknown) => thrown)) as Error;
    expectExplained(describeError(error.cause), /other side closed|ECONNRESET|EPIPE/);
  });

  test.each(
    ["SERVER_KEY", "SERVER_CERTIFICATE", "CLIENT_CA"].flatMap((name): [string, string | undefined, string][] => [
      [name, undefined, "is missing or empty"],
      [name, "", "is missing or empty"],
      [name, "./file.pem", "is not PEM"],
    ]),
  )("does not start if %s is %j", async (name, value, message) => {
    const starting = startWith(() => import("./troubleshooting-server.ts"), { [name]: value });
    await expect(starting).rejects.toThrow(`${name} ${message}`);
  });

  test("accepts a client with a valid certificate", async () => {
    expect(await requestError(urls.strict, { ca, ...identityOf("client") })).toBe("a response");
  });
});

describe("a client and a server with different protocols", () => {
  test("fail if the port does not use TLS", async () => {
    const message = await requestError(urls.plain.replace("http:", "https:"), { ca });
    expectExplained(message, /wrong version number|packet length too long/);
  });

  test("fail if the client does not use TLS", async () => {
    const log = nextLogEntry(laxServer);
    const [error] = await once(httpGet(urls.lax.replace("https:", "http:")), "error");
    expectExplained(describeError(error), /socket hang up|ECONNRESET/);
    expectExplained(await log, /ERR_SSL_HTTP_REQUEST/);
  });

  test("fail if the server supports only HTTP/2", async () => {
    expectExplained(
      await connectionError(urls.http2, { ALPNProtocols: ["http/1.1"] }),
      /alert no application protocol/,
    );
  });
});

test("a key that does not match the certificate fails before the connection", () => {
  const connecting = (): unknown => connect({ port: 1, host: "localhost", ...identityOf("client"), key: thief.key });
  expect(connecting).toThrow(
    expect.toSatisfy((error) => (expectExplained(describeError(error), /key values mismatch/), true)),
  );
});

test("Node.js itself responds to headers that are too large", async () => {
  const { status } = await mtlsRequest(urls.lax, { ca, headers: { "x-client-cert": "a".repeat(17_000) } });
  expectExplained(String(status), /431/);
});

describeWithProgram("curl", "curl", () => {
  const caOptions = ["--cacert", "ca.pem"];

  test("does not trust the server, and the log of the server shows which side failed", async () => {
    const log = nextLogEntry(laxServer);
    expectExplained(await folder.curl(urls.lax, "client"), /unable to get local issuer certificate/);
    expectExplained(await log, /ERR_SSL_TLSV1_ALERT_UNKNOWN_CA/);
  });

  test.each([
    ["no certificate", undefined, caOptions, /tlsv13 alert certificate required/],
    ["no certificate over TLS 1.2", undefined, [...caOptions, "--tls-max", "1.2"], /alert handshake failure/],
    ["a foreign certificate", "foreign", caOptions, /Empty reply from server|Connection reset by peer/],
    [
      "a certificate without its key",
      undefined,
      [...caOptions, "--cert", "client.pem"],
      /unable to set private key file/,
    ],
  ] as const)("reports the reason for %s", async (_case, name, args, expected) => {
    expectExplained(await folder.curl(urls.strict, name, ...args), expected);
  });

  test("reports the reason for another host name", async () => {
    const url = urls.lax.replace("localhost", "api.test");
    const message = await folder.curl(url, "client", ...caOptions, "--connect-to", "::localhost");
    expectExplained(message, /no alternative certificate subject name matches target host name/);
  });
});
