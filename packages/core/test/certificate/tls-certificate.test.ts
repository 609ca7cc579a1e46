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
const rootCa = await createCertificateAuthority();
const trusted = await rootCa.issueClientCertificate();

/** Responds with the thumbprint of the certificate. */
const respondWithThumbprint: TlsListener = (request, response) => {
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
  test("returns the certificate that the client presented", async () => {
    const { url, ca } = await start(respondWithThumbprint);
    for (const identity of [client, thief]) {
      const response = await mtlsRequest(url, { ca, identity, ...options });
      expect(response.json()).toMatchObject({ thumbprint: identity.thumbprint });
      expect(response.tls.protocol).toBe(options.tlsVersion);
    }
  });

  test("returns null if the client presented none", async () => {
    const { url, ca } = await start(respondWithThumbprint);
    expect((await mtlsRequest(url, { ca, ...options })).json()).toMatchObject({ thumbprint: null });
  });

  test("returns null after the connection was closed", async () => {
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

  test("returns the certificate of a resumed session, and null if the session had none (S-01)", async () => {
    const { url, ca } = await start(respondWithThumbprint);
    for (const identity of [client, undefined]) {
      const first = await mtlsRequest(url, { ca, ...(identity && { identity }), ...options });
      const { session } = first.tls;
      const resumed = await mtlsRequest(url, { ca, ...(session && { session }), ...options });
      expect(resumed.tls.sessionReused).toBe(true);
      expect(resumed.json()).toMatchObject({ thumbprint: identity?.thumbprint ?? null });
    }
  });
});

describe.each(versions)("chainVerified over %s", (_name, start, options) => {
  const respondWithChain: TlsListener = (request, response) => {
    const { authorized } = request.socket as TLSSocket;
    response.end(JSON.stringify({ authorized, chainVerified: tlsCertificate(request)?.chainVerified }));
  };

  test("is true only if the handshake of this connection verified the chain with the server's CAs", async () => {
    const { url, ca } = await start(respondWithChain, { ca: rootCa.certificate });
    const requests = [trusted, client].map((identity) => mtlsRequest(url, { ca, identity, ...options }));
    const [verified, unverified] = (await Promise.all(requests)).map((response) => response.json());
    expect(verified).toStrictEqual({ authorized: true, chainVerified: true });
    expect(unverified).toStrictEqual({ authorized: false, chainVerified: false });
  });

  test("is false for a resumed session, even if Node reports it as authorized", async () => {
    const { url, ca } = await start(respondWithChain, { ca: rootCa.certificate });
    const { tls } = await mtlsRequest(url, { ca, identity: trusted, ...options });
    const { session } = tls;
    const resumed = await mtlsRequest(url, { ca, ...(session && { session }), ...options });
    expect(resumed.json()).toStrictEqual({ authorized: true, chainVerified: false });
  });
});

describe("chainVerified", () => {
  const verified = {
    authorized: true,
    authorizationError: null,
    isSessionReused: () => false,
    getPeerX509Certificate: () => new X509Certificate(client.certificate),
  };

  test.each([
    ["is true for a verified chain", {}, true],
    ["is false if authorized is false", { authorized: false }, false],
    ["is false if authorized is only truthy", { authorized: "yes" }, false],
    // After a TLS 1.2 renegotiation with an invalid certificate, Node does not change `authorized`.
    ["is false with an authorization error", { authorizationError: "UNABLE_TO_GET_ISSUER_CERT" }, false],
    ["is false for a resumed session", { isSessionReused: () => true }, false],
    ["is true for one handshake below TLS 1.3", { getCipher: () => ({}), _handle: { handshakes: 0 } }, true],
    ["is false for several handshakes below TLS 1.3", { getCipher: () => ({}), _handle: { handshakes: 1 } }, false],
    ["is false if handshakes are not counted", { getCipher: () => ({}) }, false],
    [
      "is true over TLS 1.3 without a count of handshakes",
      { getCipher: () => ({}), getProtocol: () => "TLSv1.3" },
      true,
    ],
    ["is false if resumption is unknown", { isSessionReused: undefined }, false],
    [
      "is false if the connection was closed meanwhile",
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
  test("returns the leaf, not its CA (M-04)", async () => {
    const leaf = await rootCa.issueClientCertificate();
    const chain = { ...leaf, certificate: leaf.certificate + rootCa.certificate };
    const { url, ca } = await startHttpsServer(respondWithThumbprint);
    const response = await mtlsRequest(url, { ca, identity: chain });
    expect(response.json()).toMatchObject({ thumbprint: leaf.thumbprint });
  });

  test("ignores socket.authorized", async () => {
    const { url, ca } = await startHttpsServer(respondWithThumbprint, { ca: rootCa.certificate });
    const responses = await Promise.all([
      mtlsRequest(url, { ca, identity: trusted }),
      mtlsRequest(url, { ca, identity: client }),
    ]);
    expect(responses.map((response) => response.json())).toEqual([
      { thumbprint: trusted.thumbprint, authorized: true },
      { thumbprint: client.thumbprint, authorized: false },
    ]);
  });

  test("returns null on a server that does not request certificates (S-04)", async () => {
    const { url, ca } = await startHttpsServer(respondWithThumbprint, { requestCert: false });
    expect((await mtlsRequest(url, { ca, identity: client })).json()).toMatchObject({ thumbprint: null });
  });

  test("returns null for a request without TLS", async () => {
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

  test("unwraps the request of a framework, and returns the whole certificate", async () => {
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
  /** Creates a listener that reads the certificate of every request twice, and records the results. */
  function recordingListener(): {
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

  /** Sends `count` requests over one HTTP/1.1 connection, one after the other. */
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

  /** Sends `count` simultaneous requests over one HTTP/2 connection. */
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
      const { found, sockets, listener } = recordingListener();
      const { url, ca } = await start(listener);
      await send(url, 4, { ...presenting(client, ca), minVersion: "TLSv1.3" });
      expect(sockets.size).toBe(1);
      expect(found).toHaveLength(8);
      expect(found[0]).toMatchObject({ thumbprint: client.thumbprint });
      expect(new Set(found).size).toBe(1);
    });

    test("over TLS 1.2 has its certificate read for every request, because the client can renegotiate", async () => {
      const { found, sockets, listener } = recordingListener();
      const { url, ca } = await start(listener);
      await send(url, 4, { ...presenting(client, ca), maxVersion: "TLSv1.2" });
      expect(sockets.size).toBe(1);
      expect(new Set(found).size).toBe(8);
      for (const certificate of found) expect(certificate).toMatchObject({ thumbprint: client.thumbprint });
    });

    test("does not share its certificate with other connections of the same or another client (M-01)", async () => {
      const { found, sockets, listener } = recordingListener();
      const { url, ca } = await start(listener);
      for (const identity of [client, client, thief]) await send(url, 2, presenting(identity, ca));
      expect(sockets.size).toBe(3);
      expect(new Set(found).size).toBe(3);
      const thumbprints = found.map((certificate) => certificate?.thumbprint);
      const expected = [client, client, thief].flatMap(({ thumbprint }) => Array.from({ length: 4 }, () => thumbprint));
      expect(thumbprints).toEqual(expected);
    });

    test("has no certificate if its client presented none, regardless of earlier connections (M-03)", async () => {
      const { found, listener } = recordingListener();
      const { url, ca } = await start(listener);
      await send(url, 1, presenting(client, ca));
      await send(url, 3, { ca });
      expect(found.slice(0, 2)).toEqual([found[0], found[0]]);
      expect(found[0]).toMatchObject({ thumbprint: client.thumbprint });
      expect(found.slice(2)).toEqual(Array.from({ length: 6 }, () => null));
    });
  });

  // Simulates a renegotiation with another certificate, because Node's client cannot start one.
  const [first, second] = [client, thief].map(({ der }) => new X509Certificate(der));

  test.each([
    ["TLSv1.2", first, second, thief.thumbprint],
    ["TLSv1.2", undefined, second, thief.thumbprint],
    ["TLSv1.2", first, undefined, undefined],
    ["TLSv1.3", first, second, client.thumbprint],
    ["TLSv1.3", undefined, second, thief.thumbprint],
    ["unknown", first, second, thief.thumbprint],
    [null, first, second, thief.thumbprint],
  ])(
    "with the protocol %j has its certificate read again if the certificate can change",
    (protocol, before, now, expected) => {
      let shown = before;
      const socket = { getPeerX509Certificate: () => shown, getProtocol: () => protocol };
      const request = { rawHeaders: [], socket };
      expect(tlsCertificate(request)?.x509).toBe(before);
      shown = now;
      expect(tlsCertificate(request)?.thumbprint).toBe(expected);
    },
  );
});
