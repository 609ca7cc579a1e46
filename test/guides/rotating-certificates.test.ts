import { constants } from "node:crypto";
import { unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { type Agent, createServer, get, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import { type AccessTokenError, certificateRules, createAuthenticator, createVerifier } from "@certbound/core";
import {
  createCertificateAuthority,
  createIssuer,
  type Identity,
  mtlsRequest,
  type RunningServer,
  startServer,
} from "@certbound/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { openConnection, renegotiate } from "../helpers/renegotiation.ts";
import { type Access, createAccess } from "./rotating-client.ts";

const [ca, nextCa, otherCa, issuer] = await Promise.all([
  createCertificateAuthority(),
  createCertificateAuthority(),
  createCertificateAuthority(),
  createIssuer(),
]);
const [host, nextHost, rsaHost, client, nextCaClient, stranger] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueServerCertificate(),
  ca.issueServerCertificate({ keyType: "rsa" }),
  ca.issueClientCertificate(),
  nextCa.issueClientCertificate(),
  otherCa.issueClientCertificate(),
]);
const renewed = await ca.issueClientCertificate({ renews: client });
const { issuer: identifier, audience } = issuer;

/** An API that accepts every certificate in the handshake and responds with the code of a rejection. */
const authenticate = createAuthenticator({ issuer: identifier, audience })();
const tlsOptions = { requestCert: true, rejectUnauthorized: false, key: host.key, cert: host.certificate };
const plainApi = await startServer(
  createServer(tlsOptions, (request, response) => {
    authenticate(request).then(
      () => response.end("accepted"),
      (error: unknown) => response.writeHead(401).end((error as AccessTokenError).code),
    );
  }),
);
afterAll(() => Promise.all([plainApi.close(), issuer.close()]));

/** Returns the access of a client that presents this certificate to the token endpoint. */
const accessOf = (identity: Identity): Promise<Access> =>
  createAccess(
    { cert: identity.certificate, key: identity.key },
    { ca: ca.certificate, requestToken: () => issuer.accessToken({ boundTo: identity }) },
  );

async function call(agent: Agent, token: string): Promise<string> {
  const url = plainApi.url.replace("127.0.0.1", "localhost");
  const message = get(url, { agent, headers: { authorization: `Bearer ${token}` } });
  // The event has the response as its first argument.
  const [response] = (await once(message, "response")) as [IncomingMessage];
  return text(response);
}

describe("a client certificate that was renewed for the same key", () => {
  test("needs a new token, while the previous certificate and token still work", async () => {
    expect([renewed.key, renewed.thumbprint]).toEqual([client.key, expect.not.stringMatching(client.thumbprint)]);
    const [old, renewedAccess] = [await accessOf(client), await accessOf(renewed)];
    onTestFinished(() => [old, renewedAccess].forEach(({ agent }) => agent.destroy()));
    expect(await call(old.agent, old.token)).toBe("accepted");
    expect(await call(renewedAccess.agent, old.token)).toBe("ERR_BINDING_MISMATCH");
    expect(await call(old.agent, renewedAccess.token)).toBe("ERR_BINDING_MISMATCH");
    expect(await call(renewedAccess.agent, renewedAccess.token)).toBe("accepted");
    expect(await call(old.agent, old.token)).toBe("accepted");
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "is not used if the client resumes a session of %s that has the previous certificate",
    async (tlsVersion) => {
      const options = { ca: ca.certificate, tlsVersion };
      const token = await issuer.accessToken({ boundTo: renewed });
      const first = await mtlsRequest(plainApi.url, { ...options, identity: client, token });
      const session = first.tls.session;
      if (session === undefined) throw new Error("the server sent no session");
      const resumed = await mtlsRequest(plainApi.url, { ...options, identity: renewed, token, session });
      expect([resumed.tls.sessionReused, resumed.body]).toEqual([true, "ERR_BINDING_MISMATCH"]);
      const fullHandshake = await mtlsRequest(plainApi.url, { ...options, identity: renewed, token });
      expect([fullHandshake.tls.sessionReused, fullHandshake.body]).toEqual([false, "accepted"]);
    },
  );
});

describe("the server of the guide", () => {
  const cwd = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), "certbound-rotating-"));
  const writeFile = (name: string, content: string): void =>
    writeFileSync(join(folder, name), content, { mode: 0o600 });
  let guide: { readonly server: Server; readonly reload: () => void; readonly logKeys: (message: unknown) => void };
  let api: RunningServer;
  const info = vi.spyOn(console, "info").mockReturnValue();
  beforeAll(async () => {
    // certbound measures the age of cached keys with performance.now(); sockets, timers and token times use other clocks.
    vi.useFakeTimers({ toFake: ["performance"] });
    writeFile("client-ca.pem", ca.certificate);
    writeFile("client-ca-next.pem", nextCa.certificate);
    writeFile("server.pem", host.certificate);
    writeFile("server-key.pem", host.key);
    process.chdir(folder);
    vi.stubEnv("CERTBOUND_ISSUER", identifier);
    vi.stubEnv("CERTBOUND_AUDIENCE", audience);
    guide = await import("./rotating-server.ts");
    api = await startServer(guide.server);
  });
  afterAll(async () => {
    vi.useRealTimers();
    process.off("SIGHUP", guide.reload);
    unsubscribe("certbound:keys", guide.logKeys);
    info.mockRestore();
    process.chdir(cwd);
    vi.unstubAllEnvs();
    await api.close();
    rmSync(folder, { recursive: true });
  });

  const request = async (identity: Identity, token?: string): Promise<number> => {
    const options = { ca: ca.certificate, identity, token: token ?? (await issuer.accessToken({ boundTo: identity })) };
    return (await mtlsRequest(`${api.url}/accounts`, options)).status;
  };

  test("accepts the clients of both CAs, but no other clients", async () => {
    expect([await request(client), await request(nextCaClient), await request(stranger)]).toEqual([200, 200, 401]);
    const rules = certificateRules({ issuers: [nextCa.certificate] });
    const verifier = createVerifier({ issuer: identifier, audience, jwks: issuer.jwks, certificatePolicy: rules });
    const verify = async (identity: Identity): Promise<unknown> => {
      const token = await issuer.accessToken({ boundTo: identity });
      return verifier.verify(token, { clientCertificate: identity.certificate });
    };
    await expect(verify(nextCaClient)).resolves.toMatchObject({ binding: "verified" });
    await expect(verify(client)).rejects.toMatchObject({ code: "ERR_CERTIFICATE_UNTRUSTED" });
  });

  test("rejects a TLS renegotiation, also after a reload", async () => {
    const attempt = async () =>
      renegotiate(await openConnection(api.url, { ca: ca.certificate, maxVersion: "TLSv1.2" }));
    expect(await attempt()).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
    guide.reload();
    expect(await attempt()).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
  });

  test("presents its new certificate on new connections, and keeps open connections", async () => {
    const { port } = guide.server.address() as AddressInfo;
    const open = connect({ port, host: "localhost", ca: ca.certificate });
    await once(open, "secureConnect");
    expect(open.getPeerX509Certificate()?.raw).toEqual(Buffer.from(host.der));
    writeFile("server.pem", nextHost.certificate);
    writeFile("server-key.pem", nextHost.key);
    process.emit("SIGHUP");
    const newConnection = connect({ port, host: "localhost", ca: ca.certificate });
    await once(newConnection, "secureConnect");
    expect(newConnection.getPeerX509Certificate()?.raw).toEqual(Buffer.from(nextHost.der));
    open.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(await text(open)).toMatch(/^HTTP\/1\.1 404/);
    newConnection.destroy();
    expect([await request(client), await request(stranger)]).toEqual([200, 401]);
  });

  describe("SIGHUP", () => {
    const presentedCertificate = async (): Promise<Buffer | undefined> => {
      const { port } = guide.server.address() as AddressInfo;
      const socket = connect({ port, host: "localhost", ca: ca.certificate });
      await once(socket, "secureConnect");
      const raw = socket.getPeerX509Certificate()?.raw;
      socket.destroy();
      return raw;
    };
    const install = (identity: Identity): void => {
      writeFile("server.pem", identity.certificate);
      writeFile("server-key.pem", identity.key);
    };
    /** Sends SIGHUP and waits. The guide's listener was added first, so it has run when this function resolves. */
    const sendSighup = async (): Promise<void> => {
      const received = once(process, "SIGHUP");
      process.kill(process.pid, "SIGHUP");
      await received;
    };

    test("presents a certificate of another key type after its key was written too", async () => {
      install(rsaHost);
      await sendSighup();
      expect(await presentedCertificate()).toEqual(Buffer.from(rsaHost.der));
      expect(await request(client)).toBe(200);
    });

    test("does not detect a chain without intermediate certificates", async () => {
      const error = vi.spyOn(console, "error").mockReturnValue();
      onTestFinished(() => error.mockRestore());
      const chain = host.certificate + ca.certificate;
      writeFile("server-key.pem", host.key);
      writeFile("server.pem", chain.slice(0, -100));
      await sendSighup();
      expect(error).toHaveBeenCalledOnce();
      writeFile("server.pem", chain.slice(0, host.certificate.length));
      await sendSighup();
      expect(error).toHaveBeenCalledOnce();
      expect(await presentedCertificate()).toEqual(Buffer.from(host.der));
    });

    test.each<[string, () => void]>([
      ["only the key was replaced", () => writeFile("server-key.pem", host.key)],
      ["only the certificate was replaced", () => writeFile("server.pem", host.certificate)],
      ["only the key was replaced (by a key of another type)", () => writeFile("server-key.pem", rsaHost.key)],
      [
        "only the certificate was replaced (by a certificate of another key type)",
        () => writeFile("server.pem", rsaHost.certificate),
      ],
      ["the key is half-written", () => writeFile("server-key.pem", host.key.slice(0, 100))],
      ["the certificate is half-written", () => writeFile("server.pem", host.certificate.slice(0, 200))],
      ["the key is empty", () => writeFile("server-key.pem", "")],
      ["the certificate is empty", () => writeFile("server.pem", "")],
      ["the key is missing", () => rmSync(join(folder, "server-key.pem"))],
      ["the certificate is missing", () => rmSync(join(folder, "server.pem"))],
    ])("keeps the current certificate if %s, until the files are complete again", async (_problem, damageFiles) => {
      const error = vi.spyOn(console, "error").mockReturnValue();
      onTestFinished(() => error.mockRestore());
      const tlsSettings = (): readonly unknown[] =>
        ["key", "cert", "secureOptions"].map((name): unknown => Reflect.get(guide.server, name));
      install(nextHost);
      await sendSighup();
      const before = tlsSettings();
      expect(await presentedCertificate()).toEqual(Buffer.from(nextHost.der));
      expect(error).not.toHaveBeenCalled();

      damageFiles();
      await sendSighup();
      expect(await presentedCertificate()).toEqual(Buffer.from(nextHost.der));
      expect(tlsSettings()).toEqual(before);
      expect(error).toHaveBeenCalledExactlyOnceWith("the TLS files were not reloaded:", expect.any(String));
      const { key } = host;
      expect(JSON.stringify(error.mock.calls)).not.toContain(key.split("\n")[1]);
      expect(await request(client)).toBe(200);

      install(host);
      await sendSighup();
      expect(await presentedCertificate()).toEqual(Buffer.from(host.der));
      expect(error).toHaveBeenCalledOnce();
    });
  });

  test("fetches a new key of the issuer after the cool-down, and logs it", async () => {
    const old = await issuer.accessToken({ boundTo: client });
    expect(await request(client, old)).toBe(200);
    await issuer.rotateKeys();
    info.mockClear();
    expect(await request(client)).toBe(401);
    vi.advanceTimersByTime(10_000);
    expect(await request(client)).toBe(200);
    expect(info).toHaveBeenCalledExactlyOnceWith("keys", identifier, "fetched", 1);
    expect(await request(client, old)).toBe(401);
  });
});

describe("a call of setSecureContext", () => {
  const secureOptions = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;
  const all = { ca: ca.certificate, key: host.key, cert: host.certificate, secureOptions };
  const start = async (rejectUnauthorized: boolean) => {
    const options = { ...all, requestCert: true, rejectUnauthorized };
    const server = createServer(options, (_request, response) => void response.end("hello"));
    const { url, close } = await startServer(server);
    onTestFinished(close);
    const request = (session?: Buffer) =>
      mtlsRequest(url, { ca: ca.certificate, identity: client, ...(session && { session }) });
    const attempt = async () => renegotiate(await openConnection(url, { ca: ca.certificate, maxVersion: "TLSv1.2" }));
    return { server, request, attempt };
  };

  test("without ca makes the server reject every client", async () => {
    const { server, request } = await start(true);
    server.setSecureContext(all);
    expect(await request()).toMatchObject({ status: 200 });
    const { ca: _ca, ...others } = all;
    server.setSecureContext(others);
    await expect(request()).rejects.toThrow(/hang up|ECONNRESET|EPIPE|alert/);
  });

  test("without secureOptions makes the server resume sessions", async () => {
    const { server, request } = await start(false);
    const resumes = async (): Promise<boolean> => {
      const { session } = (await request()).tls;
      return (await request(session)).tls.sessionReused;
    };
    server.setSecureContext(all);
    expect(await resumes()).toBe(false);
    const { secureOptions: _secureOptions, ...others } = all;
    server.setSecureContext(others);
    expect(await resumes()).toBe(true);
  });

  test("without secureOptions lets clients renegotiate", async () => {
    const { server, attempt } = await start(false);
    server.setSecureContext(all);
    expect(await attempt()).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
    const { secureOptions: _secureOptions, ...others } = all;
    server.setSecureContext(others);
    expect(await attempt()).toBeNull();
  });
});
