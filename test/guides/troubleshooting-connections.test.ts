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
const [server, client, thief, foreign, selfSigned, expired, early] = await Promise.all([
  authority.issueServerCertificate(),
  authority.issueClientCertificate(),
  authority.issueClientCertificate(),
  otherAuthority.issueClientCertificate(),
  createSelfSignedCertificate(),
  authority.issueClientCertificate({ notAfter: new Date(Date.now() - day) }),
  authority.issueClientCertificate({ notBefore: new Date(Date.now() + day) }),
]);
const ca = authority.certificate;
const identities = { server, client, foreign, selfSigned, expired, early };
const folder = createCertificateFolder(ca, identities);
const presenting = (who: keyof typeof identities): { readonly cert: string; readonly key: string } => {
  const { certificate: cert, key } = identities[who];
  return { cert, key };
};

const warn = vi.spyOn(console, "warn").mockReturnValue();
const tls = { key: server.key, cert: server.certificate, requestCert: true, rejectUnauthorized: false } as const;
const answer = (_request: unknown, response: { end(text: string): unknown }): void => void response.end("hello");
const lax = createServer(tls, answer);
let strict: EventEmitter;
let urls: Readonly<Record<"strict" | "lax" | "http2" | "plain", string>>;
const running: RunningServer[] = [];

beforeAll(async () => {
  vi.stubEnv("CERTBOUND_ISSUER", "https://auth.example.com");
  vi.stubEnv("CERTBOUND_AUDIENCE", "https://api.example.com");
  vi.stubEnv("SERVER_KEY", server.key);
  vi.stubEnv("SERVER_CERTIFICATE", server.certificate);
  vi.stubEnv("CLIENT_CA", ca);
  const { server: guide } = await import("./troubleshooting-server.ts");
  strict = guide;
  const start = async (...[one]: Parameters<typeof startServer>): Promise<string> => {
    const started = await startServer(one);
    running.push(started);
    return started.url.replace("127.0.0.1", "localhost");
  };
  urls = {
    strict: await start(guide),
    lax: await start(lax),
    http2: await start(createSecureServer(tls)),
    plain: await start(createHttpServer(answer)),
  };
});
afterAll(async () => {
  warn.mockRestore();
  vi.unstubAllEnvs();
  folder.remove();
  await Promise.all(running.map(({ close }) => close()));
});

/** What a client of Node.js says of a request that fails: the code and the message of its error. */
async function failure(url: string, options: RequestOptions): Promise<string> {
  try {
    await once(httpsRequest(url, { agent: false, ...options }).end(), "response");
    return "an answer";
  } catch (error) {
    return told(error);
  }
}

/** The same of a connection over which nothing is sent, so that what the server says last is not lost. */
async function alert(url: string, options: ConnectionOptions): Promise<string> {
  const socket = connect({ port: Number(new URL(url).port), host: "localhost", ca, ...options }).resume();
  const [error] = (await new Promise((resolve) => {
    socket.once("error", (thrown) => resolve([thrown])).once("close", () => resolve([]));
  })) as [unknown?];
  return told(error);
}

function told(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return `${code} ${message}`;
}

/** What the server says at the next connection that fails. */
async function logged(emitter: EventEmitter): Promise<string> {
  const [error, socket] = (await once(emitter, "tlsClientError")) as [NodeJS.ErrnoException, TLSSocket];
  return String(socket.authorizationError ?? error.code);
}

describe("a client that does not trust the server", () => {
  test.each<[string, "lax" | "strict", RequestOptions, RegExp[]]>([
    ["without ca", "lax", {}, [/UNABLE_TO_VERIFY_LEAF_SIGNATURE/, /unable to verify the first certificate/]],
    ["without ca", "strict", {}, [/SELF_SIGNED_CERT_IN_CHAIN/, /self-signed certificate in certificate chain/]],
    ["by another name", "lax", { ca, servername: "api.test" }, [/ERR_TLS_CERT_ALTNAME_INVALID/]],
  ])("is told so, %s, to %s", async (_what, name, options, expected) => {
    const said = await failure(urls[name], options);
    for (const words of expected) expectExplained(said, words);
  });

  test("says that its fetch failed, and why in the cause", async () => {
    const error = (await fetch(urls.lax).catch((thrown: unknown) => thrown)) as Error;
    expectExplained(error.message, /fetch failed/);
    expectExplained(told(error.cause), /UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
  });
});

describe("a server that lets nobody in without a certificate of its authority", () => {
  test.each([
    ["TLSv1.3", [/tlsv13 alert certificate required/, /ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED/]],
    ["TLSv1.2", [/alert handshake failure/]],
  ] as const)("says so over %s to a client that has none", async (version, expected) => {
    const log = logged(strict);
    const said = await alert(urls.strict, { minVersion: version, maxVersion: version });
    for (const words of expected) expectExplained(said, words);
    expectExplained(await log, /ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE/);
  });

  test.each([
    ["foreign", /UNABLE_TO_VERIFY_LEAF_SIGNATURE/],
    ["selfSigned", /DEPTH_ZERO_SELF_SIGNED_CERT/],
    ["expired", /CERT_HAS_EXPIRED/],
    ["early", /CERT_NOT_YET_VALID/],
    ["server", /INVALID_PURPOSE/],
  ] as const)("hangs up on the certificate %s, and only its log says why", async (who, expected) => {
    const log = logged(strict);
    // Which one depends on the moment.
    expectExplained(await failure(urls.strict, { ca, ...presenting(who) }), /socket hang up|ECONNRESET|EPIPE/);
    expectExplained(await log, expected);
    expect(warn).toHaveBeenLastCalledWith("handshake failed:", expect.stringMatching(expected));
  });

  test("hangs up before the end of the handshake over TLS 1.2", async () => {
    const said = await failure(urls.strict, { ca, maxVersion: "TLSv1.2", ...presenting("foreign") });
    const message = /Client network socket disconnected before secure TLS connection was established|ECONNRESET/;
    expectExplained(said, message);
  });

  test("hangs up on undici", async () => {
    const dispatcher = new Agent({ connect: { ca, ...presenting("foreign") } });
    onTestFinished(() => dispatcher.destroy());
    const error = (await undiciFetch(urls.strict, { dispatcher }).catch((thrown: unknown) => thrown)) as Error;
    expectExplained(told(error.cause), /other side closed|ECONNRESET|EPIPE/);
  });

  test.each(
    ["SERVER_KEY", "SERVER_CERTIFICATE", "CLIENT_CA"].flatMap((name): [string, string | undefined, string][] => [
      [name, undefined, "is missing or empty"],
      [name, "", "is missing or empty"],
      [name, "./file.pem", "is not PEM"],
    ]),
  )("does not start where %s is %j", async (name, value, message) => {
    const starting = startWith(() => import("./troubleshooting-server.ts"), { [name]: value });
    await expect(starting).rejects.toThrow(`${name} ${message}`);
  });

  test("answers a client that has one", async () => {
    expect(await failure(urls.strict, { ca, ...presenting("client") })).toBe("an answer");
  });
});

describe("two sides that do not speak the same", () => {
  test("say so where the port is not TLS", async () => {
    const said = await failure(urls.plain.replace("http:", "https:"), { ca });
    expectExplained(said, /wrong version number|packet length too long/);
  });

  test("say so where the client is not TLS", async () => {
    const log = logged(lax);
    const [error] = await once(httpGet(urls.lax.replace("https:", "http:")), "error");
    expectExplained(told(error), /socket hang up|ECONNRESET/);
    expectExplained(await log, /ERR_SSL_HTTP_REQUEST/);
  });

  test("say so where the server has only HTTP/2", async () => {
    expectExplained(await alert(urls.http2, { ALPNProtocols: ["http/1.1"] }), /alert no application protocol/);
  });
});

test("a key that is not the certificate's fails before there is a connection", () => {
  const connecting = (): unknown => connect({ port: 1, host: "localhost", ...presenting("client"), key: thief.key });
  expect(connecting).toThrow(expect.toSatisfy((error) => (expectExplained(told(error), /key values mismatch/), true)));
});

test("headers that are too large are answered by Node.js itself", async () => {
  const { status } = await mtlsRequest(urls.lax, { ca, headers: { "x-client-cert": "a".repeat(17_000) } });
  expectExplained(String(status), /431/);
});

describeWithProgram("curl", "curl", () => {
  const trusting = ["--cacert", "ca.pem"];

  test("does not trust the server, and the log of the server says which side it was", async () => {
    const log = logged(lax);
    expectExplained(await folder.curl(urls.lax, "client"), /unable to get local issuer certificate/);
    expectExplained(await log, /ERR_SSL_TLSV1_ALERT_UNKNOWN_CA/);
  });

  test.each([
    ["no certificate", undefined, trusting, /tlsv13 alert certificate required/],
    ["no certificate over TLS 1.2", undefined, [...trusting, "--tls-max", "1.2"], /alert handshake failure/],
    ["a foreign one", "foreign", trusting, /Empty reply from server|Connection reset by peer/],
    ["one without its key", undefined, [...trusting, "--cert", "client.pem"], /unable to set private key file/],
  ] as const)("has %s", async (_what, who, args, expected) => {
    expectExplained(await folder.curl(urls.strict, who, ...args), expected);
  });

  test("has another name for the server", async () => {
    const url = urls.lax.replace("localhost", "api.test");
    const said = await folder.curl(url, "client", ...trusting, "--connect-to", "::localhost");
    expectExplained(said, /no alternative certificate subject name matches target host name/);
  });
});
