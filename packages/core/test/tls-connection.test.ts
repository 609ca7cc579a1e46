import type { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { NodeRequest, NodeSocket } from "../src/incoming-request.ts";
import { peerCertificate } from "../src/tls-connection.ts";

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
