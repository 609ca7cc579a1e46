import { once } from "node:events";
import type { Server } from "node:https";
import { connect, type ConnectionOptions } from "node:tls";
import { createCertificateAuthority, type Identity, type RunningServer } from "@certbound/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listening, setEnvironment, startWith } from "../guides/environment.ts";
import { createRevocableCa } from "../helpers/revocable-ca.ts";

// The TLS checks of OpenID's conformance suite at the resource endpoint (module fapi2-security-profile-final-happy-flow).

const [ca, clientCa] = await Promise.all([createCertificateAuthority(), createRevocableCa()]);
const [ecHost, rsaHost, client] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueServerCertificate({ keyType: "rsa" }),
  clientCa.issueClientCertificate(),
]);
// These tests send no requests, so the server never contacts the issuer.
setEnvironment({
  issuer: { issuer: "https://issuer.example", audience: "https://api.example" },
  host: ecHost,
  clientCa: clientCa.certificate,
});

/** The cipher suites that RFC 9325 section 4.2 recommends for TLS 1.2. FAPI 2.0 section 5.2.2 permits no others. */
const recommended = {
  ec: ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"],
  rsa: ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"],
} as const;

/** All other cipher suites of OpenSSL, including those without authentication or encryption. */
const notRecommended = `ALL:COMPLEMENTOFALL:${[...recommended.ec, ...recommended.rsa].map((suite) => `!${suite}`).join(":")}`;

type KeyType = keyof typeof recommended;

const servers: Record<KeyType, RunningServer> = { ec: notStarted(), rsa: notStarted() };

beforeAll(async () => {
  for (const [type, host] of [["ec", ecHost] as const, ["rsa", rsaHost] as const]) {
    servers[type] = await start(host);
  }
});
afterAll(async () => {
  await Promise.all(Object.values(servers).map(({ close }) => close()));
});

async function start(host: Identity): Promise<RunningServer> {
  const load = (): Promise<{ server: Server }> => import("../guides/open-banking-server.ts");
  const { server } = await startWith(load, {
    SERVER_KEY: host.key,
    SERVER_CERTIFICATE: host.certificate,
    CLIENT_CRL: clientCa.revocationList([]),
  });
  return listening(server);
}

function notStarted(): RunningServer {
  return { url: "", close: async () => {} };
}

/** Returns the version and the cipher suite of a handshake, or the code of its error. */
async function handshake(type: KeyType, options: ConnectionOptions): Promise<string> {
  const { certificate: cert, key } = client;
  const port = Number(new URL(servers[type].url).port);
  const socket = connect({
    host: "127.0.0.1",
    port,
    servername: "localhost",
    ca: ca.certificate,
    cert,
    key,
    ...options,
  });
  try {
    await once(socket, "secureConnect");
    return `${socket.getProtocol()} ${socket.getCipher().standardName}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    socket.destroy();
  }
}

/** Returns options to offer only TLS 1.2 with these suites. The security level permits suites that OpenSSL disables. */
function offers(suites: string): ConnectionOptions {
  return { maxVersion: "TLSv1.2", ciphers: `${suites}:@SECLEVEL=0` };
}

describe.each(["ec", "rsa"] as const)("the server for Open Banking with an %s certificate", (type) => {
  test("accepts the recommended cipher suites of TLS 1.2", async () => {
    for (const suite of recommended[type]) expect(await handshake(type, offers(suite))).toMatch(/^TLSv1\.2 TLS_ECDHE_/);
  });

  test("rejects every other cipher suite of TLS 1.2", async () => {
    expect(await handshake(type, offers(recommended[type].join(":")))).toMatch(/^TLSv1\.2 /);
    expect(await handshake(type, offers(notRecommended))).toMatch(/ALERT_HANDSHAKE_FAILURE$/);
  });
});

describe("the server for Open Banking", () => {
  test.each(["TLSv1", "TLSv1.1"] as const)("rejects the protocol version %s", async (version) => {
    const legacy = { minVersion: version, ciphers: "ALL:@SECLEVEL=0" } as const;
    expect(await handshake("ec", { ...legacy, maxVersion: "TLSv1.2" })).toMatch(/^TLSv1\.2 /);
    expect(await handshake("ec", { ...legacy, maxVersion: version })).toMatch(/ALERT_PROTOCOL_VERSION$/);
  });

  test("accepts TLS 1.3, and prefers it to TLS 1.2", async () => {
    expect(await handshake("ec", { minVersion: "TLSv1.3" })).toMatch(/^TLSv1\.3 /);
    expect(await handshake("ec", { minVersion: "TLSv1.2" })).toMatch(/^TLSv1\.3 /);
    expect(await handshake("ec", { maxVersion: "TLSv1.2" })).toMatch(/^TLSv1\.2 /);
  });
});
