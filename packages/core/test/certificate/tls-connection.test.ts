import type { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { NodeRequest, NodeSocket } from "../../src/http/incoming-request.ts";
import { peerCertificate, rejectRenegotiation, unprovenCertificate } from "../../src/certificate/tls-connection.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";

function requestOver(socket: NodeSocket): NodeRequest {
  return { rawHeaders: [], socket };
}

describe("peerCertificate", () => {
  const certificate = { subject: "client" } as X509Certificate;

  test("asks the socket for the certificate", () => {
    const socket = { getPeerX509Certificate: () => certificate };
    expect(peerCertificate(requestOver(socket))).toBe(certificate);
  });

  test("calls the method as the socket's own", () => {
    class Socket {
      readonly #certificate = certificate;
      getPeerX509Certificate(): X509Certificate {
        return this.#certificate;
      }
    }
    expect(peerCertificate(requestOver(new Socket()))).toBe(certificate);
  });

  test.each<[string, NodeSocket & { readonly authorized?: boolean }]>([
    ["a plain socket", {}],
    ["a TLS socket without one", { getPeerX509Certificate: () => undefined }],
    ["a socket that says authorized and has none", { authorized: true, getPeerX509Certificate: () => undefined }],
    [
      "a closed HTTP/2 connection",
      {
        getPeerX509Certificate: () => {
          throw Object.assign(new Error("The socket has been disconnected"), { code: "ERR_HTTP2_SOCKET_UNBOUND" });
        },
      },
    ],
  ])("finds none on %s", (_, socket) => {
    expect(peerCertificate(requestOver(socket))).toBeUndefined();
  });

  test("finds none on a request whose socket is gone", () => {
    expect(peerCertificate({ rawHeaders: [], socket: undefined as unknown as NodeSocket })).toBeUndefined();
  });
});

describe("unprovenCertificate", () => {
  const cipher = { name: "ECDHE-ECDSA-AES128-GCM-SHA256" };
  const first = { _handle: { handshakes: 0 } };
  const repeated = { _handle: { handshakes: 1 } };

  test.each<[string, object, RegExp | undefined]>([
    ["a request without TLS", {}, undefined],
    ["a complete handshake", { getCipher: () => cipher, ...first }, undefined],
    ["a complete renegotiation", { getCipher: () => cipher, isSessionReused: () => false, ...repeated }, undefined],
    ["a handshake without a cipher", { getCipher: () => undefined, ...first }, /renegotiation/],
    [
      "a session that the first handshake resumed",
      { getCipher: () => cipher, isSessionReused: () => true, ...first },
      undefined,
    ],
    [
      "a session that a renegotiation resumes",
      { getCipher: () => cipher, isSessionReused: () => true, ...repeated },
      /renegotiation/,
    ],
    [
      "a resumed session whose handshakes are not counted",
      { getCipher: () => cipher, isSessionReused: () => true },
      /renegotiation/,
    ],
    [
      "a resumed session of a connection without a handle",
      { getCipher: () => cipher, isSessionReused: () => true, _handle: null },
      /renegotiation/,
    ],
    ["a closed connection", { getCipher: () => null }, /closed/],
    [
      "a connection that throws",
      {
        getCipher: () => {
          throw new Error("ERR_HTTP2_SOCKET_UNBOUND");
        },
      },
      /closed/,
    ],
  ])("judges %s", (_what, socket, reason) => {
    const found = unprovenCertificate(requestOver(socket)) ?? "proven";
    expect(found).toMatch(reason ?? /^proven$/);
  });

  test("does not ask a connection again that was seen over TLS 1.3", () => {
    let isClosed = false;
    const socket = { getProtocol: () => (isClosed ? null : "TLSv1.3"), getCipher: () => (isClosed ? null : cipher) };
    expect(unprovenCertificate(requestOver(socket))).toBeUndefined();
    isClosed = true;
    expect(unprovenCertificate(requestOver(socket))).toBeUndefined();
    expect(unprovenCertificate(requestOver({ ...socket }))).toMatch(/closed/);
  });

  test.each(["isSessionReused", "getProtocol", "_handle", "handshakes"])(
    "is not misled by %s on Object.prototype",
    (name) => {
      const socket = { getCipher: () => cipher };
      withPollutedPrototype(name, { handshakes: 0 }, () => {
        expect(unprovenCertificate(requestOver(socket))).toBeUndefined();
        expect(unprovenCertificate(requestOver({ ...socket, isSessionReused: () => true }))).toMatch(/renegotiation/);
      });
    },
  );
});

describe("rejectRenegotiation", () => {
  test("tells the socket of HTTP/1 below TLS 1.3, and no other", () => {
    const told: string[] = [];
    const socket = (name: string, protocol: string): NodeSocket => ({
      getProtocol: () => protocol,
      getCipher: () => ({}),
      disableRenegotiation: () => void told.push(name),
    });
    const tls13 = requestOver(socket("TLS 1.3", "TLSv1.3"));
    unprovenCertificate(tls13);
    for (const request of [
      tls13,
      requestOver(socket("TLS 1.2", "TLSv1.2")),
      { ...requestOver(socket("HTTP/2", "TLSv1.2")), stream: { session: {} } },
      requestOver({}),
      requestOver(undefined as unknown as NodeSocket),
    ]) {
      rejectRenegotiation(request);
    }
    expect(told).toEqual(["TLS 1.2"]);
  });
});
