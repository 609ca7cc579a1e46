import type { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { ServerOptions } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import { setImmediate } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import {
  certificateRules,
  createVerifier,
  fromProxy,
  type IncomingRequest,
  nginx,
  tlsCertificate,
} from "@certbound/core";
import { createTestKit, forwardedHeaders, type Identity } from "@certbound/testing";
import express from "express";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import {
  certificateMessage,
  clientHello,
  clientKeyExchange,
  connectRenegotiatingClient,
  invalidCertificateVerify,
  type Part,
  renegotiate,
  sessionTicket,
  tls12,
} from "./renegotiating-client.ts";
import { type Api, type ApiOptions, backends, startApi } from "./tls12-apis.ts";

const kit = await createTestKit();
afterAll(kit.close);
const [owner, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
const token = await kit.accessToken({ boundTo: owner });

/** A server as Node makes it by default: its clients may renegotiate. */
const tls: ServerOptions = { ...kit.serverOptions, secureOptions: 0 };

/** What each client of these tests sends; the thief in one segment with the beginning of a renegotiation. */
function request(headers: Readonly<Record<string, string>> = {}): string {
  const fields = { Host: "localhost", Authorization: `Bearer ${token}`, "Content-Length": "0", ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST / HTTP/1.1\r\n${lines.join("")}\r\n`;
}

const upgrade = request({ Connection: "Upgrade", Upgrade: "websocket" });

/** Waits until Node shows the owner's certificate on the thief's connection, so that no attack is missed by chance. */
async function untilExposed({ socket }: Pick<IncomingMessage, "socket">, identity: Identity = owner): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!shows(socket as TLSSocket, identity)) {
    if (performance.now() > deadline) throw new Error("the connection never showed the owner's certificate");
    await setImmediate();
  }
}

function shows(socket: TLSSocket, { der }: Identity): boolean {
  return socket.getPeerX509Certificate()?.raw.equals(der) === true;
}

async function untilClosed({ socket }: Pick<IncomingMessage, "socket">): Promise<void> {
  await new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once("close", () => resolve());
  });
}

/** The beginnings of a renegotiation after which OpenSSL shows the owner's certificate. */
const beginnings: Readonly<Record<string, (api: Api, shown?: Identity) => Promise<readonly Part[]>>> = {
  "names the owner's certificate": async (_api, shown = owner) => [clientHello(), certificateMessage(shown)],
  "names the owner's certificate and agrees on a key": async (_api, shown = owner) => [
    clientHello(),
    certificateMessage(shown),
    clientKeyExchange(),
  ],
  // The ticket travels in clear text; the secret of the session does not.
  "resumes the owner's session": async ({ port }, shown = owner) => [clientHello(await sessionTicket(port, shown))],
};

/** The token is cached, as it is where its owner has called the API before. */
const verifier = createVerifier(kit.verifierOptions);
await verifier.verify(token, { clientCertificate: owner.certificate });
const untrusting: Omit<ApiOptions, "before"> = { verifier, tls };

describe.each(Object.entries(backends))("%s", (name, backend) => {
  const sent = name.includes("upgrade") ? upgrade : request();

  test.each(Object.entries(beginnings))(
    "rejects a stolen token whose sender %s in a renegotiation that it does not complete",
    async (_what, begin) => {
      const api = await startApi(backend, { ...untrusting, before: untilExposed });
      const client = await connectRenegotiatingClient(api.port, thief);
      const decision = api.nextDecision();
      client.send(sent, ...(await begin(api)));
      expect(await decision).toMatchObject({
        outcome: "ERR_CERTIFICATE_MISSING",
        detail: expect.stringContaining("renegotiation"),
      });
    },
  );

  test("accepts the token from its owner over TLS 1.2, on a new and on a resumed session", async () => {
    const api = await startApi(backend, { ...untrusting, before: async () => setImmediate() });
    let session: Buffer | undefined;
    for (const isReused of [false, true]) {
      const socket = connect({ ...tls12, port: api.port, cert: owner.certificate, key: owner.key, session });
      onTestFinished(() => void socket.destroy());
      socket.on("session", (issued) => {
        session = issued;
      });
      await once(socket, "secureConnect");
      expect(socket.isSessionReused()).toBe(isReused);
      const decision = api.nextDecision();
      socket.write(sent);
      expect(await decision).toEqual({ outcome: "accepted" });
      expect(session).toBeDefined();
    }
  });

  test("accepts the token from its owner over TLS 1.3", async () => {
    const api = await startApi(backend, { ...untrusting, before: async () => setImmediate() });
    const { minVersion: _minimum, maxVersion: _maximum, ciphers: _ciphers, ...tls13 } = tls12;
    const socket = connect({ ...tls13, port: api.port, cert: owner.certificate, key: owner.key });
    onTestFinished(() => void socket.destroy());
    await once(socket, "secureConnect");
    expect(socket.getProtocol()).toBe("TLSv1.3");
    const decision = api.nextDecision();
    socket.write(sent);
    expect(await decision).toEqual({ outcome: "accepted" });
  });
});

const httpsBackend = backends["node:https"] as (typeof backends)[string];

function socketOf(incoming: IncomingRequest): TLSSocket {
  return (incoming as IncomingMessage).socket as TLSSocket;
}

/** Reads the connection, as a resolver of an application might do it. */
const readSocket = (incoming: IncomingRequest): X509Certificate | undefined =>
  socketOf(incoming).getPeerX509Certificate();

describe.each(Object.entries(beginnings))("a thief that %s is rejected", (_what, begin) => {
  async function attack(options: Omit<ApiOptions, "before" | "tls"> & Partial<ApiOptions>, parts?: readonly Part[]) {
    const api = await startApi(httpsBackend, { tls, before: untilExposed, ...options });
    const client = await connectRenegotiatingClient(api.port, thief);
    const decision = api.nextDecision();
    client.send(request(), ...(parts ?? (await begin(api))));
    return { client, decision: await decision };
  }

  const missing = { outcome: "ERR_CERTIFICATE_MISSING", detail: expect.stringContaining("renegotiation") };

  test("by a server that verifies the chain of every client, and by certificate rules", async () => {
    const { decision } = await attack({
      ...kit.verifierOptions,
      tls: { ...tls, rejectUnauthorized: true },
      certificatePolicy: certificateRules({ chainVerified: true, issuers: [kit.ca.certificate] }),
    });
    expect(decision).toMatchObject(missing);
  });

  test.each<[string, NonNullable<ApiOptions["certificateResolver"]>]>([
    ["reads the socket", readSocket],
    ["calls tlsCertificate", tlsCertificate],
    [
      "waits, then reads the socket",
      async (incoming) => {
        await setImmediate();
        return readSocket(incoming);
      },
    ],
    [
      "waits, then calls tlsCertificate",
      async (incoming) => {
        await setImmediate();
        return tlsCertificate(incoming);
      },
    ],
  ])("where a custom resolver %s", async (_does, certificateResolver) => {
    const { decision } = await attack({ ...kit.verifierOptions, certificateResolver });
    expect(decision).toMatchObject(missing);
  });

  test("where a custom resolver gives the renegotiation time to begin: the API ends the connection", async () => {
    const certificateResolver = async (incoming: IncomingRequest): Promise<X509Certificate | undefined> => {
      await untilClosed(incoming as IncomingMessage);
      return readSocket(incoming);
    };
    const { decision } = await attack({ ...kit.verifierOptions, before: async () => {}, certificateResolver });
    expect(decision).toMatchObject({ outcome: "ERR_CERTIFICATE_MISSING", detail: expect.stringContaining("closed") });
  });

  test.each(["at once", "later"])(
    "that hangs up before its certificate, read by middleware, is resolved %s",
    async (when) => {
      let read: X509Certificate | undefined;
      const api = await startApi(httpsBackend, {
        ...untrusting,
        before: async (incoming) => {
          await untilExposed(incoming);
          read = readSocket(incoming);
          client.hangUp();
          if (when === "at once") await untilClosed(incoming);
        },
        certificateResolver: (incoming) =>
          when === "at once" ? read : untilClosed(incoming as IncomingMessage).then(() => read),
      });
      const client = await connectRenegotiatingClient(api.port, thief);
      const decision = api.nextDecision();
      client.send(request(), ...(await begin(api)));
      expect(await decision).toMatchObject({ outcome: "ERR_CERTIFICATE_MISSING" });
      expect(read?.raw.equals(owner.der)).toBe(true);
    },
  );

  test("that shows the certificate of the proxy, where that is the proof of the proxy", async () => {
    const proxy = await kit.issueClientCertificate();
    const api = await startApi(httpsBackend, {
      ...untrusting,
      before: async (incoming) => untilExposed(incoming, proxy),
      certificateResolver: fromProxy(nginx(), { trust: { certificateThumbprints: [proxy.thumbprint] } }),
    });
    const client = await connectRenegotiatingClient(api.port, thief);
    const decision = api.nextDecision();
    client.send(request(forwardedHeaders("nginx", owner)), ...(await begin(api, proxy)));
    expect(await decision).toMatchObject({
      outcome: "ERR_CERTIFICATE_UNTRUSTED",
      detail: expect.stringContaining("renegotiation"),
    });
  });

  test.each([
    ["new", kit.verifierOptions],
    ["cached", { verifier }],
  ])(
    "where a trusted address forwards a certificate over a connection in renegotiation, with a %s token",
    async (_which, options) => {
      const certificateResolver = fromProxy(nginx(), { trust: { addresses: ["127.0.0.1"] } });
      const api = await startApi(httpsBackend, { ...options, tls, before: untilExposed, certificateResolver });
      const client = await connectRenegotiatingClient(api.port, thief);
      const decision = api.nextDecision();
      client.send(request(forwardedHeaders("nginx", owner)), ...(await begin(api)));
      expect(await decision).toMatchObject(missing);
    },
  );
});

describe("a thief", () => {
  test("that renegotiates while Express inflates a body is rejected, and reaches no handler", async () => {
    const { Express } = backends;
    const parse = express.json();
    const api = await startApi(Express as NonNullable<typeof Express>, {
      ...untrusting,
      before: async (incoming) =>
        new Promise<void>((resolve, reject) => {
          parse(incoming, {} as never, (error) => (error ? reject(error as Error) : resolve()));
        }),
    });
    const client = await connectRenegotiatingClient(api.port, thief);
    const body = gzipSync('{"amount":1000}');
    const decision = api.nextDecision();
    const head = request({
      "Content-Type": "application/json",
      "Content-Encoding": "gzip",
      "Content-Length": String(body.length),
    });
    client.send(Buffer.concat([Buffer.from(head), body]), clientHello(), certificateMessage(owner));
    expect(await decision).toMatchObject({ outcome: "ERR_CERTIFICATE_MISSING" });
  });

  test("that proves the owner's certificate with a signature that is not valid loses its connection", async () => {
    const api = await startApi(httpsBackend, { ...untrusting, before: untilClosed });
    const client = await connectRenegotiatingClient(api.port, thief);
    const decision = api.nextDecision();
    const proof = [clientKeyExchange(), invalidCertificateVerify()];
    client.send(request(), clientHello(), certificateMessage(owner), ...proof);
    expect(await decision).toMatchObject({ outcome: "ERR_CERTIFICATE_MISSING" });
  });

  test("that begins a renegotiation after the API has seen its connection loses the connection", async () => {
    const api = await startApi(httpsBackend, { ...untrusting, before: async () => {} });
    const socket = connect({ ...tls12, port: api.port, cert: thief.certificate, key: thief.key });
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => {});
    await once(socket, "secureConnect");
    const decision = api.nextDecision();
    socket.write(request());
    expect(await decision).toMatchObject({ outcome: "ERR_BINDING_MISMATCH" });
    socket.resume();
    expect(await renegotiate(socket)).toBe(false);
  });
});

describe("a client that completes a renegotiation", () => {
  test.each([
    ["with the owner's certificate is the owner", owner, "accepted"],
    ["with another certificate is not the owner", thief, "ERR_BINDING_MISMATCH"],
  ] as const)("%s", async (_what, identity, outcome) => {
    const api = await startApi(httpsBackend, { ...untrusting, before: async () => {} });
    const socket = connect({ ...tls12, port: api.port, cert: identity.certificate, key: identity.key });
    onTestFinished(() => void socket.destroy());
    await once(socket, "secureConnect");
    expect(await renegotiate(socket)).toBe(true);
    const decision = api.nextDecision();
    socket.write(request());
    expect(await decision).toMatchObject({ outcome });
  });
});

describe("the chain of a client's certificate over TLS 1.2", () => {
  // Node says `authorized` of the first handshake until the application has stored the session of the second one.
  test.each([
    ["is verified after the first handshake", false, "accepted"],
    ["is not verified after a renegotiation", true, "ERR_CERTIFICATE_UNTRUSTED"],
  ] as const)("%s", async (_what, renegotiates, outcome) => {
    const certificatePolicy = certificateRules({ chainVerified: true });
    const api = await startApi(httpsBackend, {
      ...kit.verifierOptions,
      tls,
      before: async () => {},
      certificatePolicy,
    });
    const socket = connect({ ...tls12, port: api.port, cert: owner.certificate, key: owner.key });
    onTestFinished(() => void socket.destroy());
    await once(socket, "secureConnect");
    if (renegotiates) await renegotiate(socket);
    const decision = api.nextDecision();
    socket.write(request());
    expect(await decision).toMatchObject({ outcome });
  });
});

describe("a client that hangs up while a custom resolver waits", () => {
  test.each([
    ["TLSv1.3", "accepted"],
    ["TLSv1.2", "ERR_CERTIFICATE_MISSING"],
  ] as const)(
    "over %s keeps the certificate that it proved only where no renegotiation is possible",
    async (version, outcome) => {
      const api = await startApi(httpsBackend, {
        ...untrusting,
        before: async () => {},
        certificateResolver: async (incoming) => {
          const certificate = readSocket(incoming);
          socket.destroy();
          await untilClosed(incoming as IncomingMessage);
          return certificate;
        },
      });
      const { ciphers: _ciphers, ...options } = tls12;
      const versions = { minVersion: version, maxVersion: version } as const;
      const credentials = { cert: owner.certificate, key: owner.key };
      const socket = connect({ ...options, ...versions, ...credentials, port: api.port });
      await once(socket, "secureConnect");
      const decision = api.nextDecision();
      socket.write(request());
      expect(await decision).toMatchObject({ outcome });
    },
  );
});
