import {
  AccessTokenError,
  type AuthenticatorOptions,
  certificateRules,
  type ClientCertificateResolver,
  createAuthenticator,
  createVerifier,
  envoy,
  fromProxy,
  nginx,
  type NodeRequest,
  type VerifierOptions,
} from "@certbound/core";
import { forwardedHeaders, startServer, type Identity } from "@certbound/testing";
import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import {
  createServer as createHttpServer,
  request as httpRequest,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { connect as connectHttp2, createSecureServer } from "node:http2";
import { createServer, request as httpsRequest } from "node:https";
import { setImmediate as nextTurn } from "node:timers/promises";
import { connect, type SecureVersion, type TLSSocket } from "node:tls";
import { afterAll, describe, expect, test } from "vitest";
import { namesInCore } from "./names-in-core.ts";
import { createParties, NOW } from "../helpers/parties.ts";
import { whilePrototypeIsPolluted } from "../../packages/core/test/support/polluted-prototype.ts";

const parties = await createParties();
await parties.issuer.close();
const { ca, client, issuer, thief, tls } = parties;

const [stolen, shortLived, unbound] = await Promise.all([
  parties.token(),
  parties.token({ claims: { exp: NOW + 10 } }),
  issuer.accessToken(),
]);

/** The time at which tokens are verified; the short-lived token has expired then. */
const LATER = (NOW + 60) * 1000;
let now = LATER;
const verifierOptions = { ...parties.verifierOptions, clock: () => now } satisfies VerifierOptions;

/** Values that a merge of JSON can set on Object.prototype, including those that core compares members with. */
const mainValues: readonly unknown[] = [
  true,
  client.thumbprint,
  { thumbprint: client.thumbprint, "x5t#S256": client.thumbprint, chainVerified: true, session: {}, server: {} },
  "report-only",
];
const values: readonly unknown[] = [
  ...mainValues,
  "when-bound",
  createHash("sha256").update(client.der).digest("hex"),
  1e15,
  1,
  0,
  "",
  false,
  ["x"],
  {},
];

const names = namesInCore();

/** An attempt that must not be accepted, whatever objects inherit. */
interface Attempt {
  readonly name: string;
  /** The code of the rejection; undefined: the attempt is an error of the application. */
  readonly code: string | undefined;
  readonly run: () => Promise<unknown>;
}

/** Pollutes the prototype with every name and value in turn, and returns the attempts that were accepted. */
async function acceptedWhilePolluted(
  attempts: () => readonly Attempt[],
  pollutants: readonly unknown[] = values,
): Promise<readonly string[]> {
  const accepted: string[] = [];
  for (const name of names) {
    for (const value of pollutants) {
      // No destructuring here: it reads `return` of the iterator, which can be inherited.
      await whilePrototypeIsPolluted(name, value, async () => {
        for (const attempt of attempts()) {
          try {
            await attempt.run();
            accepted.push(`${attempt.name}, with ${name}: ${JSON.stringify(value)}`);
          } catch {
            // rejected or failed
          }
        }
      }).catch(() => {});
    }
    // Warnings are emitted in the next turn.
    await nextTurn();
  }
  return accepted;
}

/** A request to send. */
interface RequestToSend {
  readonly token: string;
  readonly identity?: Identity;
  readonly over?: SecureVersion | "http2" | "http";
  readonly headers?: Readonly<Record<string, string>>;
}

const closing: (() => Promise<void> | void)[] = [];

/** Sends a request over a real connection, and returns the server's request object. The server does not respond to it. */
async function receive({ token, identity, over = "TLSv1.3", headers = {} }: RequestToSend): Promise<NodeRequest> {
  const arrived = new EventEmitter();
  const listener: RequestListener = (request) => arrived.emit("request", request);
  const arrival = once(arrived, "request");
  const server =
    over === "http"
      ? createHttpServer(listener)
      : over === "http2"
        ? createSecureServer(tls, listener as never)
        : createServer(tls, listener);
  const { url, close } = await startServer(server);
  const sent = { authorization: `Bearer ${token}`, ...headers };
  const presented = { ca: ca.certificate, ...(identity && { key: identity.key, cert: identity.certificate }) };
  if (over === "http2") {
    const session = connectHttp2(url, presented).on("error", () => {});
    session
      .request(sent)
      .on("error", () => {})
      .end();
  } else if (over === "http") {
    httpRequest(url, { headers: sent })
      .on("error", () => {})
      .end();
  } else {
    httpsRequest(url, { ...presented, headers: sent, minVersion: over, maxVersion: over })
      .on("error", () => {})
      .end();
  }
  closing.push(close);
  const [request] = (await arrival) as [NodeRequest];
  return request;
}

afterAll(async () => {
  for (const close of closing) await close();
});

const secret = "s".repeat(32);
const trust = { secret: { header: "x-proxy-secret", value: secret } };
const proven = { "x-proxy-secret": secret };
const forwarded = forwardedHeaders("nginx", client);
const unverified = { ...forwarded, "ssl-client-verify": "FAILED:expired" };

const fromThief = { token: stolen, identity: thief };
const requests = {
  good: await receive({ token: stolen, identity: client }),
  stolen: await receive(fromThief),
  stolenBelowTls13: await receive({ ...fromThief, over: "TLSv1.2" }),
  stolenOverHttp2: await receive({ ...fromThief, over: "http2" }),
  withoutCertificate: await receive({ token: stolen }),
  overPlainHttp: await receive({ token: stolen, over: "http" }),
  expired: await receive({ token: shortLived, identity: client }),
  unbound: await receive({ token: unbound, identity: client }),
  forwardedWithoutSecret: await receive({ token: stolen, over: "http", headers: forwarded }),
  forwardedUnverified: await receive({ token: stolen, over: "http", headers: { ...unverified, ...proven } }),
  forwardedWithoutHash: await receive({
    token: stolen,
    over: "http",
    headers: { "x-forwarded-client-cert": "Subject=client", ...proven },
  }),
};

/** Creates an API, and lists the attempts that it must not accept. */
function attemptsOn(options: AuthenticatorOptions<NodeRequest>): readonly Attempt[] {
  const authenticator = createAuthenticator(options);
  const authenticate = authenticator();
  const verify = (token: string, { certificate }: Identity) =>
    authenticator.verifier.verify(token, { clientCertificate: certificate });
  return [
    { name: "a stolen token", code: "ERR_BINDING_MISMATCH", run: () => authenticate(requests.stolen) },
    { name: "an expired token", code: "ERR_TOKEN_EXPIRED", run: () => authenticate(requests.expired) },
    { name: "an unbound token", code: "ERR_BINDING_REQUIRED", run: () => authenticate(requests.unbound) },
    { name: "verify() of a stolen token", code: "ERR_BINDING_MISMATCH", run: () => verify(stolen, thief) },
    { name: "verify() of an expired token", code: "ERR_TOKEN_EXPIRED", run: () => verify(shortLived, client) },
    { name: "verify() of an unbound token", code: "ERR_BINDING_REQUIRED", run: () => verify(unbound, client) },
  ];
}

/** Creates other APIs, and lists the attempts over real connections and from proxies that they must not accept. */
function otherAttemptsOn(options: VerifierOptions): readonly Attempt[] {
  const verifier = createVerifier(options);
  const protect = createAuthenticator({ verifier });
  const api = (certificateResolver: ClientCertificateResolver<NodeRequest>) =>
    createAuthenticator({ verifier, certificateResolver })();
  const [direct, whenBound] = [protect(), protect({ validateCertificateBinding: "when-bound" })];
  const [behindNginx, behindEnvoy] = [api(fromProxy(nginx(), { trust })), api(fromProxy(envoy(), { trust }))];
  const [forAdmins, careless] = [protect({ scopes: ["admin"] }), api((() => ({})) as never)];
  const forVerifiedChains = createAuthenticator({
    ...options,
    certificatePolicy: certificateRules({ chainVerified: true }),
    certificateResolver: () => ({ thumbprint: client.thumbprint }),
  })();
  const [mismatch, missing] = ["ERR_BINDING_MISMATCH", "ERR_CERTIFICATE_MISSING"];
  const [malformed, untrusted] = ["ERR_CERTIFICATE_MALFORMED", "ERR_CERTIFICATE_UNTRUSTED"];
  return [
    { name: "a token stolen below TLS 1.3", code: mismatch, run: () => direct(requests.stolenBelowTls13) },
    { name: "a token stolen over HTTP/2", code: mismatch, run: () => direct(requests.stolenOverHttp2) },
    { name: "a token stolen, when-bound", code: mismatch, run: () => whenBound(requests.stolen) },
    { name: "a token without a certificate", code: missing, run: () => direct(requests.withoutCertificate) },
    { name: "a token over plain HTTP", code: missing, run: () => direct(requests.overPlainHttp) },
    { name: "a token without the scope", code: "ERR_SCOPE_INSUFFICIENT", run: () => forAdmins(requests.good) },
    {
      name: "a header without the secret of the proxy",
      code: untrusted,
      run: () => behindNginx(requests.forwardedWithoutSecret),
    },
    { name: "an unverified certificate", code: untrusted, run: () => behindNginx(requests.forwardedUnverified) },
    { name: "an element without Hash", code: malformed, run: () => behindEnvoy(requests.forwardedWithoutHash) },
    { name: "an object instead of a certificate", code: undefined, run: () => careless(requests.stolen) },
    { name: "an unverified chain", code: untrusted, run: () => forVerifiedChains(requests.good) },
  ];
}

/** Expects that all attempts are rejected with their code, and that a valid request is accepted. */
async function expectUnpolluted(attempts: readonly Attempt[]): Promise<void> {
  for (const { name, code, run } of attempts) {
    const reason = await run().then(
      () => "accepted",
      (error: unknown) => error,
    );
    expect({ name, reason }).toMatchObject({ name, reason: code === undefined ? { name: "TypeError" } : { code } });
  }
  expect(await createAuthenticator(verifierOptions)()(requests.good)).toMatchObject({ binding: "verified" });
}

/** The members of requests, sockets and servers that core or Node reads. */
const membersOfRequests = [
  [
    "raw",
    "rawHeaders",
    "headers",
    "headersDistinct",
    "method",
    "url",
    "originalUrl",
    "httpVersion",
    "socket",
    "connection",
  ],
  ["stream", "session", "server", "requestCert", "secureOptions", "address", "remoteAddress", "_handle", "handshakes"],
  ["authorized", "authorizationError", "isSessionReused", "getCipher", "getProtocol", "disableRenegotiation"],
  ["getPeerX509Certificate", "getPeerCertificate", "thumbprint", "x509", "chainVerified", "0", "1", "length"],
].flat();

/** An API that reports its decision about a request on one of its connections. */
interface Api {
  readonly url: string;
  readonly outcomeOf: (connection: TLSSocket) => Promise<string>;
}

/** Starts an API that responds to a request after it has reported the outcome. */
async function startApi(): Promise<Api> {
  const authenticate = createAuthenticator(verifierOptions)();
  const decided = new EventEmitter();
  const server = createServer(tls, (request, response) => {
    authenticate(request).then(
      () => decided.emit("decision", "accepted", response),
      (error: unknown) => decided.emit("decision", error instanceof AccessTokenError ? error.code : "failed", response),
    );
  });
  const { url, close } = await startServer(server);
  closing.push(close);
  return {
    url,
    outcomeOf: async (connection) => {
      const decision = once(decided, "decision");
      connection.write(`GET / HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${stolen}\r\n\r\n`);
      const [outcome, response] = (await decision) as [string, ServerResponse];
      setImmediate(() => response.end());
      return outcome;
    },
  };
}

async function openConnection(url: string, { key, certificate }: Identity, version: SecureVersion): Promise<TLSSocket> {
  const { hostname, port } = new URL(url);
  const versions = { minVersion: version, maxVersion: version };
  const socket = connect({
    host: hostname,
    port: Number(port),
    ca: ca.certificate,
    key,
    cert: certificate,
    ...versions,
  });
  await once(socket, "secureConnect");
  return socket.resume();
}

describe("a polluted Object.prototype", { timeout: 60_000 }, () => {
  test("does not make an API accept new or cached tokens that it would reject", async () => {
    now = NOW * 1000;
    const verifier = createVerifier(verifierOptions);
    const attempts = attemptsOn({ verifier });
    await verifier.verify(stolen, { clientCertificate: client.certificate });
    await verifier.verify(shortLived, { clientCertificate: client.certificate });
    await verifier.verify(unbound, { clientCertificate: null, validateCertificateBinding: "when-bound" });
    now = LATER;
    await expectUnpolluted(attempts);
    expect(await acceptedWhilePolluted(() => attempts)).toEqual([]);
    await expectUnpolluted(attempts);
  });

  test("does not make an API accept tokens over other connections or from proxies", async () => {
    const attempts = otherAttemptsOn(verifierOptions);
    await expectUnpolluted(attempts);
    expect(await acceptedWhilePolluted(() => attempts, mainValues)).toEqual([]);
    await expectUnpolluted(attempts);
  });

  test("does not make an API accept tokens if the API is created afterwards", async () => {
    const options = { ...verifierOptions, verifiedTokens: false } as const;
    await expectUnpolluted(attemptsOn(options));
    expect(await acceptedWhilePolluted(() => attemptsOn(options), mainValues)).toEqual([]);
    await expectUnpolluted(attemptsOn(options));
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("does not make an API accept a stolen token over %s", async (version) => {
    const api = await startApi();
    const [thiefConnection, ownerConnection] = [
      await openConnection(api.url, thief, version),
      await openConnection(api.url, client, version),
    ];
    const accepted: string[] = [];
    for (const name of membersOfRequests) {
      for (const value of values) {
        const outcome = await whilePrototypeIsPolluted(name, value, () => api.outcomeOf(thiefConnection));
        if (outcome === "accepted") accepted.push(`${name}: ${JSON.stringify(value)}`);
      }
    }
    expect(accepted).toEqual([]);
    expect(await api.outcomeOf(thiefConnection)).toBe("ERR_BINDING_MISMATCH");
    expect(await api.outcomeOf(ownerConnection)).toBe("accepted");
  });
});
