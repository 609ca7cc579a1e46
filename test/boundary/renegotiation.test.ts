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
  type RenegotiatingClient,
  renegotiate,
  sessionTicket,
  tls12,
} from "../helpers/renegotiating-client.mjs";
import { type Api, type ApiOptions, backends, startApi } from "./tls12-apis.ts";

const kit = await createTestKit();
afterAll(kit.close);
const [owner, thief] = [await kit.issueClientCertificate(), await kit.issueClientCertificate()];
const token = await kit.accessToken({ boundTo: owner });

async function connectThief({ port }: Api): Promise<RenegotiatingClient> {
  const client = await connectRenegotiatingClient(port, thief);
  onTestFinished(client.hangUp);
  return client;
}

/** A server with Node's defaults, whose clients may renegotiate. */
const tls: ServerOptions = { ...kit.serverOptions, secureOptions: 0 };

/** Returns the request of each client. The thief sends it in one segment with the start of a renegotiation. */
function request(headers: Readonly<Record<string, string>> = {}): string {
  const fields = { Host: "localhost", Authorization: `Bearer ${token}`, "Content-Length": "0", ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST / HTTP/1.1\r\n${lines.join("")}\r\n`;
}

const upgrade = request({ Connection: "Upgrade", Upgrade: "websocket" });

/** Waits until Node returns the owner's certificate for the thief's connection, so that the attack does not fail by chance. */
async function untilExposed({ socket }: Pick<IncomingMessage, "socket">, identity: Identity = owner): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!hasCertificate(socket as TLSSocket, identity)) {
    if (performance.now() > deadline) throw new Error("Node never returned the owner's certificate for the connection");
    await setImmediate();
  }
}

function hasCertificate(socket: TLSSocket, { der }: Identity): boolean {
  return socket.getPeerX509Certificate()?.raw.equals(der) === true;
}

async function untilClosed({ socket }: Pick<IncomingMessage, "socket">): Promise<void> {
  await new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once("close", () => resolve());
  });
}

/** The starts of a renegotiation after which OpenSSL returns the owner's certificate. */
const renegotiationStarts: Readonly<Record<string, (api: Api, presented?: Identity) => Promise<readonly Part[]>>> = {
  "presents the owner's certificate": async (_api, presented = owner) => [clientHello(), certificateMessage(presented)],
  "presents the owner's certificate and sends a key exchange": async (_api, presented = owner) => [
    clientHello(),
    certificateMessage(presented),
    clientKeyExchange(),
  ],
  // The ticket is sent unencrypted, unlike the session secret.
  "resumes the owner's session": async ({ port }, presented = owner) => [
    clientHello(await sessionTicket(port, presented)),
  ],
};

/** A verifier that has cached the token, as if its owner has called the API before. */
const verifier = createVerifier(kit.verifierOptions);
await verifier.verify(token, { clientCertificate: owner.certificate });
const defaults: Omit<ApiOptions, "before"> = { verifier, tls };

describe.each(Object.entries(backends))("%s", (name, backend) => {
  const sent = name.includes("upgrade") ? upgrade : request();

  test.each(Object.entries(renegotiationStarts))(
    "rejects a stolen token whose sender %s in a renegotiation that it does not complete",
    async (_what, startRenegotiation) => {
      const api = await startApi(backend, { ...defaults, before: untilExposed });
      const client = await connectThief(api);
      const decision = api.nextDecision();
      client.send(sent, ...(await startRenegotiation(api)));
      expect(await decision).toMatchObject({
        outcome: "ERR_CERTIFICATE_MISSING",
        detail: expect.stringContaining("renegotiation"),
      });
    },
  );

  test("accepts the token from its owner over TLS 1.2, on a new and on a resumed session", async () => {
    const api = await startApi(backend, { ...defaults, before: async () => setImmediate() });
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
    const api = await startApi(backend, { ...defaults, before: async () => setImmediate() });
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

/** Reads the certificate from the connection, as the resolver of an application might do. */
const readSocket = (incoming: IncomingRequest): X509Certificate | undefined =>
  socketOf(incoming).getPeerX509Certificate();

describe.each(Object.entries(renegotiationStarts))("a thief that %s is rejected", (_what, startRenegotiation) => {
  async function attack(options: Omit<ApiOptions, "before" | "tls"> & Partial<ApiOptions>, parts?: readonly Part[]) {
    const api = await startApi(httpsBackend, { tls, before: untilExposed, ...options });
    const client = await connectThief(api);
    const decision = api.nextDecision();
    client.send(request(), ...(parts ?? (await startRenegotiation(api))));
    return { client, decision: await decision };
  }

  const missing = { outcome: "ERR_CERTIFICATE_MISSING", detail: expect.stringContaining("renegotiation") };

  test("with a server that verifies the chain of every client, and with certificate rules", async () => {
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
  ])("if a custom resolver %s", async (_does, certificateResolver) => {
    const { decision } = await attack({ ...kit.verifierOptions, certificateResolver });
    expect(decision).toMatchObject(missing);
  });

  test("if a custom resolver waits until the API has closed the connection", async () => {
    const certificateResolver = async (incoming: IncomingRequest): Promise<X509Certificate | undefined> => {
      await untilClosed(incoming as IncomingMessage);
      return readSocket(incoming);
    };
    const { decision } = await attack({ ...kit.verifierOptions, before: async () => {}, certificateResolver });
    expect(decision).toMatchObject({ outcome: "ERR_CERTIFICATE_MISSING", detail: expect.stringContaining("closed") });
  });

  test.each(["immediately", "later"])(
    "if middleware reads the certificate, the thief disconnects, and a resolver returns the certificate %s",
    async (when) => {
      let read: X509Certificate | undefined;
      const api = await startApi(httpsBackend, {
        ...defaults,
        before: async (incoming) => {
          await untilExposed(incoming);
          read = readSocket(incoming);
          client.hangUp();
          if (when === "immediately") await untilClosed(incoming);
        },
        certificateResolver: (incoming) =>
          when === "immediately" ? read : untilClosed(incoming as IncomingMessage).then(() => read),
      });
      const client = await connectThief(api);
      const decision = api.nextDecision();
      client.send(request(), ...(await startRenegotiation(api)));
      expect(await decision).toMatchObject({ outcome: "ERR_CERTIFICATE_MISSING" });
      expect(read?.raw.equals(owner.der)).toBe(true);
    },
  );

  test("if it presents the certificate of a proxy that is trusted by its thumbprint", async () => {
    const proxy = await kit.issueClientCertificate();
    const api = await startApi(httpsBackend, {
      ...defaults,
      before: async (incoming) => untilExposed(incoming, proxy),
      certificateResolver: fromProxy(nginx(), { trust: { certificateThumbprints: [proxy.thumbprint] } }),
    });
    const client = await connectThief(api);
    const decision = api.nextDecision();
    client.send(request(forwardedHeaders("nginx", owner)), ...(await startRenegotiation(api, proxy)));
    expect(await decision).toMatchObject({
      outcome: "ERR_CERTIFICATE_UNTRUSTED",
      detail: expect.stringContaining("renegotiation"),
    });
  });

  test.each([
    ["new", kit.verifierOptions],
    ["cached", { verifier }],
  ])(
    "if a trusted address forwards a certificate over a connection in renegotiation, with a %s token",
    async (_which, options) => {
      const certificateResolver = fromProxy(nginx(), { trust: { addresses: ["127.0.0.1"] } });
      const api = await startApi(httpsBackend, { ...options, tls, before: untilExposed, certificateResolver });
      const client = await connectThief(api);
      const decision = api.nextDecision();
      client.send(request(forwardedHeaders("nginx", owner)), ...(await startRenegotiation(api)));
      expect(await decision).toMatchObject(missing);
    },
  );
});

describe("an API with clients that renegotiate", () => {
  test("rejects a thief that renegotiates while Express decompresses the body", async () => {
    const { Express } = backends;
    const parse = express.json();
    const api = await startApi(Express as NonNullable<typeof Express>, {
      ...defaults,
      before: async (incoming) =>
        new Promise<void>((resolve, reject) => {
          parse(incoming, {} as never, (error) => (error ? reject(error as Error) : resolve()));
        }),
    });
    const client = await connectThief(api);
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

  test("closes the connection of a thief that presents the owner's certificate with an invalid signature", async () => {
    const api = await startApi(httpsBackend, { ...defaults, before: untilClosed });
    const client = await connectThief(api);
    const decision = api.nextDecision();
    const proof = [clientKeyExchange(), invalidCertificateVerify()];
    client.send(request(), clientHello(), certificateMessage(owner), ...proof);
    expect(await decision).toMatchObject({ outcome: "ERR_CERTIFICATE_MISSING" });
  });

  test("closes the connection of a thief that starts a renegotiation after its first request", async () => {
    const api = await startApi(httpsBackend, { ...defaults, before: async () => {} });
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
    ["with the owner's certificate is accepted as the owner", owner, "accepted"],
    ["with another certificate is not accepted as the owner", thief, "ERR_BINDING_MISMATCH"],
  ] as const)("%s", async (_what, identity, outcome) => {
    const api = await startApi(httpsBackend, { ...defaults, before: async () => {} });
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
  // `authorized` has the result of the first handshake until the application has stored the session of the second one.
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

describe("a client that disconnects while a custom resolver waits", () => {
  test.each([
    ["TLSv1.3", "accepted"],
    ["TLSv1.2", "ERR_CERTIFICATE_MISSING"],
  ] as const)("keeps its certificate only if the TLS version has no renegotiation: %s", async (version, outcome) => {
    const api = await startApi(httpsBackend, {
      ...defaults,
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
  });
});
