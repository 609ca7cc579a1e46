import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequest } from "node:http";
import { connect, type Http2ServerRequest } from "node:http2";
import { Agent, request as httpsRequest } from "node:https";
import type { TLSSocket } from "node:tls";
import {
  createCertificateAuthority,
  createSelfSignedCertificate,
  type Identity,
  mtlsRequest,
  startServer,
} from "@certbound/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ClientCertificate } from "../../src/certificate/client-certificate.ts";
import { tlsCertificate } from "../../src/certificate/tls-certificate.ts";
import { startHttp2Server, startHttpsServer, type TlsListener } from "../support/tls-server.ts";

const client = await createSelfSignedCertificate();
const thief = await createSelfSignedCertificate();
const authority = await createCertificateAuthority();
const known = await authority.issueClientCertificate();

/** Answers with the thumbprint that is found. */
const tell: TlsListener = (request, response) => {
  const { authorized = false } = request.socket as Partial<TLSSocket>;
  const certificate = tlsCertificate(request);
  response.end(JSON.stringify({ thumbprint: certificate?.thumbprint ?? null, authorized }));
};

const versions = [
  ["HTTP/1.1 over TLS 1.2", startHttpsServer, { httpVersion: 1, tlsVersion: "TLSv1.2" }],
  ["HTTP/1.1 over TLS 1.3", startHttpsServer, { httpVersion: 1, tlsVersion: "TLSv1.3" }],
  ["HTTP/2 over TLS 1.2", startHttp2Server, { httpVersion: 2, tlsVersion: "TLSv1.2" }],
  ["HTTP/2 over TLS 1.3", startHttp2Server, { httpVersion: 2, tlsVersion: "TLSv1.3" }],
] as const;

describe.each(versions)("%s", (_name, start, options) => {
  test("gives the certificate that the client presented", async () => {
    const { url, ca } = await start(tell);
    for (const identity of [client, thief]) {
      const response = await mtlsRequest(url, { ca, identity, ...options });
      expect(response.json()).toMatchObject({ thumbprint: identity.thumbprint });
      expect(response.tls.protocol).toBe(options.tlsVersion);
    }
  });

  test("gives null when the client presented none", async () => {
    const { url, ca } = await start(tell);
    expect((await mtlsRequest(url, { ca, ...options })).json()).toMatchObject({ thumbprint: null });
  });

  test("gives null once the connection is closed", async () => {
    let found = (_thumbprint: string | null | undefined): void => {};
    const afterwards = new Promise((resolve) => {
      found = resolve;
    });
    const { url, ca } = await start((request, response) => {
      response.once("close", () => {
        setImmediate(() => found(tlsCertificate(request)?.thumbprint ?? null));
      });
      const { stream } = request as Partial<Http2ServerRequest>;
      (stream?.session ?? request.socket).destroy();
    });
    await expect(mtlsRequest(url, { ca, identity: client, ...options })).rejects.toThrow(/./);
    expect(await afterwards).toBeNull();
  });

  test("gives the certificate of a session that is resumed, and none where there was none (S-01)", async () => {
    const { url, ca } = await start(tell);
    for (const identity of [client, undefined]) {
      const first = await mtlsRequest(url, { ca, ...(identity && { identity }), ...options });
      const { session } = first.tls;
      const resumed = await mtlsRequest(url, { ca, ...(session && { session }), ...options });
      expect(resumed.tls.sessionReused).toBe(true);
      expect(resumed.json()).toMatchObject({ thumbprint: identity?.thumbprint ?? null });
    }
  });
});

describe.each(versions)("%s says that the chain was verified", (_name, start, options) => {
  const tellChain: TlsListener = (request, response) => {
    const { authorized } = request.socket as TLSSocket;
    response.end(JSON.stringify({ authorized, chainVerified: tlsCertificate(request)?.chainVerified }));
  };

  test("in the handshake of this connection, and by the server's own authorities only", async () => {
    const { url, ca } = await start(tellChain, { ca: authority.certificate });
    const asked = [known, client].map((identity) => mtlsRequest(url, { ca, identity, ...options }));
    const [verified, unverified] = (await Promise.all(asked)).map((response) => response.json());
    expect(verified).toStrictEqual({ authorized: true, chainVerified: true });
    expect(unverified).toStrictEqual({ authorized: false, chainVerified: false });
  });

  test("and not when its session was resumed, whatever Node says then", async () => {
    const { url, ca } = await start(tellChain, { ca: authority.certificate });
    const { tls } = await mtlsRequest(url, { ca, identity: known, ...options });
    const { session } = tls;
    const resumed = await mtlsRequest(url, { ca, ...(session && { session }), ...options });
    expect(resumed.json()).toStrictEqual({ authorized: true, chainVerified: false });
  });
});

describe("a socket", () => {
  const verified = {
    authorized: true,
    authorizationError: null,
    isSessionReused: () => false,
    getPeerX509Certificate: () => new X509Certificate(client.certificate),
  };

  test.each([
    ["that says it all", {}, true],
    ["whose certificate was not authorized", { authorized: false }, false],
    ["whose authorized is only truthy", { authorized: "yes" }, false],
    // A client that renegotiates (TLS 1.2) with a certificate that fails: Node leaves `authorized` as it was.
    ["that has an authorization error", { authorizationError: "UNABLE_TO_GET_ISSUER_CERT" }, false],
    ["whose session was resumed", { isSessionReused: () => true }, false],
    ["of one handshake below TLS 1.3", { getCipher: () => ({}), _handle: { handshakes: 0 } }, true],
    ["of several handshakes below TLS 1.3", { getCipher: () => ({}), _handle: { handshakes: 1 } }, false],
    ["whose handshakes are not counted", { getCipher: () => ({}) }, false],
    ["over TLS 1.3, which counts no handshake", { getCipher: () => ({}), getProtocol: () => "TLSv1.3" }, true],
    ["that does not say whether it was", { isSessionReused: undefined }, false],
    [
      "that was closed meanwhile",
      {
        isSessionReused: () => {
          throw new Error("closed");
        },
      },
      false,
    ],
  ])("%s", (_case, change, chainVerified) => {
    const request = { rawHeaders: [], socket: { ...verified, ...change } } as unknown as IncomingMessage;
    expect(tlsCertificate(request)).toMatchObject({ thumbprint: client.thumbprint, chainVerified });
  });
});

describe("tlsCertificate", () => {
  test("gives the leaf, not its authority (M-04)", async () => {
    const leaf = await authority.issueClientCertificate();
    const chain = { ...leaf, certificate: leaf.certificate + authority.certificate };
    const { url, ca } = await startHttpsServer(tell);
    const response = await mtlsRequest(url, { ca, identity: chain });
    expect(response.json()).toMatchObject({ thumbprint: leaf.thumbprint });
  });

  test("takes no notice of socket.authorized, which says nothing about a certificate", async () => {
    const { url, ca } = await startHttpsServer(tell, { ca: authority.certificate });
    const answers = await Promise.all([
      mtlsRequest(url, { ca, identity: known }),
      mtlsRequest(url, { ca, identity: client }),
    ]);
    expect(answers.map((answer) => answer.json())).toEqual([
      { thumbprint: known.thumbprint, authorized: true },
      { thumbprint: client.thumbprint, authorized: false },
    ]);
  });

  test("gives null on a server that does not ask for certificates (S-04)", async () => {
    const { url, ca } = await startHttpsServer(tell, { requestCert: false });
    expect((await mtlsRequest(url, { ca, identity: client })).json()).toMatchObject({ thumbprint: null });
  });

  test("gives null for a request without TLS", async () => {
    const found: unknown[] = [];
    const server = createServer((request, response) => {
      found.push(tlsCertificate(request));
      response.end();
    });
    const { url, close } = await startServer(server);
    onTestFinished(close);
    await new Promise((resolve, reject) => {
      httpRequest(url, (response) => response.resume().on("end", resolve))
        .on("error", reject)
        .end();
    });
    expect(found).toEqual([null]);
  });

  test("unwraps the request of a framework, and reads the certificate itself", async () => {
    const seen: unknown[] = [];
    const { url, ca } = await startHttpsServer((request, response) => {
      const certificate = tlsCertificate({ raw: request });
      seen.push(certificate?.thumbprint, certificate?.x509?.raw.equals(client.der));
      response.end();
    });
    await mtlsRequest(url, { ca, identity: client });
    expect(seen).toEqual([client.thumbprint, true]);
  });
});

describe("a connection", () => {
  /** Reads the certificate of every request, twice, and keeps what it found. */
  function reading(): {
    readonly found: (ClientCertificate | null)[];
    readonly sockets: Set<unknown>;
    readonly listener: TlsListener;
  } {
    const found: (ClientCertificate | null)[] = [];
    const sockets = new Set<unknown>();
    return {
      found,
      sockets,
      listener: (request, response) => {
        const { stream } = request as Partial<Http2ServerRequest>;
        sockets.add(stream?.session ?? request.socket);
        found.push(tlsCertificate(request), tlsCertificate(request));
        response.end();
      },
    };
  }

  /** Sends so many requests over one connection of HTTP/1.1, one after the other. */
  async function sendHttp1(url: string, count: number, tls: object): Promise<void> {
    const agent = new Agent({ servername: "localhost", ...tls, keepAlive: true, maxSockets: 1 });
    try {
      for (let sent = 0; sent < count; sent += 1) {
        const [incoming] = (await once(httpsRequest(url, { agent }).end(), "response")) as [IncomingMessage];
        await once(incoming.resume(), "end");
      }
    } finally {
      agent.destroy();
    }
  }

  /** Sends so many requests over one connection of HTTP/2, all at once. */
  async function sendHttp2(url: string, count: number, tls: object): Promise<void> {
    const session = connect(url, { servername: "localhost", ...tls });
    try {
      const streams = Array.from({ length: count }, () => session.request({ ":path": "/" }));
      await Promise.all(streams.map((stream) => once(stream.resume(), "end")));
    } finally {
      session.destroy();
    }
  }

  const presenting = (identity: Identity, ca: string) => ({ ca, cert: identity.certificate, key: identity.key });

  const kinds = [
    ["HTTP/1.1", startHttpsServer, sendHttp1],
    ["HTTP/2", startHttp2Server, sendHttp2],
  ] as const;

  describe.each(kinds)("of %s", (_name, start, send) => {
    test("over TLS 1.3 has its certificate read once", async () => {
      const { found, sockets, listener } = reading();
      const { url, ca } = await start(listener);
      await send(url, 4, { ...presenting(client, ca), minVersion: "TLSv1.3" });
      expect(sockets.size).toBe(1);
      expect(found).toHaveLength(8);
      expect(found[0]).toMatchObject({ thumbprint: client.thumbprint });
      expect(new Set(found).size).toBe(1);
    });

    test("over TLS 1.2 has its certificate read for every request: a client may renegotiate with another", async () => {
      const { found, sockets, listener } = reading();
      const { url, ca } = await start(listener);
      await send(url, 4, { ...presenting(client, ca), maxVersion: "TLSv1.2" });
      expect(sockets.size).toBe(1);
      expect(new Set(found).size).toBe(8);
      for (const certificate of found) expect(certificate).toMatchObject({ thumbprint: client.thumbprint });
    });

    test("does not share its certificate with another one, of the same client or of another (M-01)", async () => {
      const { found, sockets, listener } = reading();
      const { url, ca } = await start(listener);
      for (const identity of [client, client, thief]) await send(url, 2, presenting(identity, ca));
      expect(sockets.size).toBe(3);
      expect(new Set(found).size).toBe(3);
      const thumbprints = found.map((certificate) => certificate?.thumbprint);
      const expected = [client, client, thief].flatMap(({ thumbprint }) => Array.from({ length: 4 }, () => thumbprint));
      expect(thumbprints).toEqual(expected);
    });

    test("without a certificate stays without one, whoever came before (M-03)", async () => {
      const { found, listener } = reading();
      const { url, ca } = await start(listener);
      await send(url, 1, presenting(client, ca));
      await send(url, 3, { ca });
      expect(found.slice(0, 2)).toEqual([found[0], found[0]]);
      expect(found[0]).toMatchObject({ thumbprint: client.thumbprint });
      expect(found.slice(2)).toEqual(Array.from({ length: 6 }, () => null));
    });
  });

  // No client at hand renegotiates with another certificate; this is what a server would be shown.
  const [first, second] = [client, thief].map(({ der }) => new X509Certificate(der));

  test.each([
    ["TLSv1.2", first, second, thief.thumbprint],
    ["TLSv1.2", undefined, second, thief.thumbprint],
    ["TLSv1.2", first, undefined, undefined],
    ["TLSv1.3", first, second, client.thumbprint],
    ["TLSv1.3", undefined, second, thief.thumbprint],
    ["unknown", first, second, thief.thumbprint],
    [null, first, second, thief.thumbprint],
  ])("of %j is judged by what it shows now, unless that cannot have changed", (protocol, before, now, expected) => {
    let shown = before;
    const socket = { getPeerX509Certificate: () => shown, getProtocol: () => protocol };
    const request = { rawHeaders: [], socket };
    expect(tlsCertificate(request)?.x509).toBe(before);
    shown = now;
    expect(tlsCertificate(request)?.thumbprint).toBe(expected);
  });
});
