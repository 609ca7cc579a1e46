import { createServer, request as httpRequest } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { TLSSocket } from "node:tls";
import { createCertificateAuthority, createSelfSignedCertificate, mtlsRequest, startServer } from "@certbound/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { tlsCertificate } from "../../src/resolvers/tls-certificate.ts";
import { startHttp2Server, startHttpsServer, type TlsListener } from "../support/tls-server.ts";

const client = await createSelfSignedCertificate();
const thief = await createSelfSignedCertificate();

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

describe("tlsCertificate", () => {
  test("gives the leaf, not its authority (M-04)", async () => {
    const authority = await createCertificateAuthority();
    const leaf = await authority.issueClientCertificate();
    const chain = { ...leaf, certificate: leaf.certificate + authority.certificate };
    const { url, ca } = await startHttpsServer(tell);
    const response = await mtlsRequest(url, { ca, identity: chain });
    expect(response.json()).toMatchObject({ thumbprint: leaf.thumbprint });
  });

  test("takes no notice of socket.authorized, which says nothing about a certificate", async () => {
    const authority = await createCertificateAuthority();
    const trusted = await authority.issueClientCertificate();
    const { url, ca } = await startHttpsServer(tell, { ca: authority.certificate });
    const answers = await Promise.all([
      mtlsRequest(url, { ca, identity: trusted }),
      mtlsRequest(url, { ca, identity: client }),
    ]);
    expect(answers.map((answer) => answer.json())).toEqual([
      { thumbprint: trusted.thumbprint, authorized: true },
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
