import type { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { NodeRequest, NodeSocket } from "../../src/http/incoming-request.ts";
import { peerCertificate, disableRenegotiation, unprovenReason } from "../../src/certificate/tls-connection.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";

function requestOver(socket: NodeSocket): NodeRequest {
  return { rawHeaders: [], socket };
}

describe("peerCertificate", () => {
  const certificate = { subject: "client" } as X509Certificate;

  test("reads the certificate of the socket", () => {
    const socket = { getPeerX509Certificate: () => certificate };
    expect(peerCertificate(requestOver(socket))).toBe(certificate);
  });

  test("calls the method on the socket", () => {
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
    ["a TLS socket without a certificate", { getPeerX509Certificate: () => undefined }],
    ["an authorized socket without a certificate", { authorized: true, getPeerX509Certificate: () => undefined }],
    [
      "a closed HTTP/2 connection",
      {
        getPeerX509Certificate: () => {
          throw Object.assign(new Error("The socket has been disconnected"), { code: "ERR_HTTP2_SOCKET_UNBOUND" });
        },
      },
    ],
  ])("returns undefined for %s", (_, socket) => {
    expect(peerCertificate(requestOver(socket))).toBeUndefined();
  });

  test("returns undefined for a request without a socket", () => {
    expect(peerCertificate({ rawHeaders: [], socket: undefined as unknown as NodeSocket })).toBeUndefined();
  });
});

describe("unprovenReason", () => {
  const cipher = { name: "ECDHE-ECDSA-AES128-GCM-SHA256" };
  const first = { _handle: { handshakes: 0 } };
  const repeated = { _handle: { handshakes: 1 } };

  test.each<[string, object, RegExp | undefined]>([
    ["a request without TLS", {}, undefined],
    ["a complete handshake", { getCipher: () => cipher, ...first }, undefined],
    ["a complete renegotiation", { getCipher: () => cipher, isSessionReused: () => false, ...repeated }, undefined],
    ["a handshake without a cipher", { getCipher: () => undefined, ...first }, /renegotiation/],
    [
      "a session that was resumed by the first handshake",
      { getCipher: () => cipher, isSessionReused: () => true, ...first },
      undefined,
    ],
    [
      "a session that was resumed by a renegotiation",
      { getCipher: () => cipher, isSessionReused: () => true, ...repeated },
      /renegotiation/,
    ],
    [
      "a resumed session whose handshakes are not counted",
      { getCipher: () => cipher, isSessionReused: () => true },
      /renegotiation/,
    ],
    [
      "a resumed session on a connection without a handle",
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
  ])("checks %s", (_what, socket, reason) => {
    const found = unprovenReason(requestOver(socket)) ?? "proven";
    expect(found).toMatch(reason ?? /^proven$/);
  });

  test("does not check a connection over TLS 1.3 again", () => {
    let isClosed = false;
    const socket = { getProtocol: () => (isClosed ? null : "TLSv1.3"), getCipher: () => (isClosed ? null : cipher) };
    expect(unprovenReason(requestOver(socket))).toBeUndefined();
    isClosed = true;
    expect(unprovenReason(requestOver(socket))).toBeUndefined();
    expect(unprovenReason(requestOver({ ...socket }))).toMatch(/closed/);
  });

  test.each(["isSessionReused", "getProtocol", "_handle", "handshakes"])("ignores %s on Object.prototype", (name) => {
    const socket = { getCipher: () => cipher };
    withPollutedPrototype(name, { handshakes: 0 }, () => {
      expect(unprovenReason(requestOver(socket))).toBeUndefined();
      expect(unprovenReason(requestOver({ ...socket, isSessionReused: () => true }))).toMatch(/renegotiation/);
    });
  });
});

describe("disableRenegotiation", () => {
  test("disables renegotiation only for HTTP/1 below TLS 1.3", () => {
    const disabled: string[] = [];
    const socket = (name: string, protocol: string): NodeSocket => ({
      getProtocol: () => protocol,
      getCipher: () => ({}),
      disableRenegotiation: () => void disabled.push(name),
    });
    const tls13 = requestOver(socket("TLS 1.3", "TLSv1.3"));
    unprovenReason(tls13);
    for (const request of [
      tls13,
      requestOver(socket("TLS 1.2", "TLSv1.2")),
      { ...requestOver(socket("HTTP/2", "TLSv1.2")), stream: { session: {} } },
      requestOver({}),
      requestOver(undefined as unknown as NodeSocket),
    ]) {
      disableRenegotiation(request);
    }
    expect(disabled).toEqual(["TLS 1.2"]);
  });
});
