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
const [host, nextHost, rsaHost, client, next, stranger] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueServerCertificate(),
  ca.issueServerCertificate({ keyType: "rsa" }),
  ca.issueClientCertificate(),
  nextCa.issueClientCertificate(),
  otherCa.issueClientCertificate(),
]);
const renewed = await ca.issueClientCertificate({ renews: client });
const { issuer: identifier, audience } = issuer;

/** An API that accepts certificates of anybody, and says why it rejects. */
const authenticate = createAuthenticator({ issuer: identifier, audience })();
const anybody = { requestCert: true, rejectUnauthorized: false, key: host.key, cert: host.certificate };
const plainApi = await startServer(
  createServer(anybody, (request, response) => {
    authenticate(request).then(
      () => response.end("accepted"),
      (error: unknown) => response.writeHead(401).end((error as AccessTokenError).code),
    );
  }),
);
afterAll(() => Promise.all([plainApi.close(), issuer.close()]));

/** What the token endpoint gives to who presents this certificate there. */
const accessOf = (identity: Identity): Promise<Access> =>
  createAccess(
    { cert: identity.certificate, key: identity.key },
    { ca: ca.certificate, requestToken: () => issuer.accessToken({ boundTo: identity }) },
  );

async function call(agent: Agent, token: string): Promise<string> {
  const url = plainApi.url.replace("127.0.0.1", "localhost");
  const message = get(url, { agent, headers: { authorization: `Bearer ${token}` } });
  // The first argument of the event.
  const [response] = (await once(message, "response")) as [IncomingMessage];
  return text(response);
}

describe("a client certificate that was renewed for the same key", () => {
  test("needs a new token; until then the certificate of before goes on", async () => {
    expect([renewed.key, renewed.thumbprint]).toEqual([client.key, expect.not.stringMatching(client.thumbprint)]);
    const [old, fresh] = [await accessOf(client), await accessOf(renewed)];
    onTestFinished(() => [old, fresh].forEach(({ agent }) => agent.destroy()));
    expect(await call(old.agent, old.token)).toBe("accepted");
    expect(await call(fresh.agent, old.token)).toBe("ERR_BINDING_MISMATCH");
    expect(await call(old.agent, fresh.token)).toBe("ERR_BINDING_MISMATCH");
    expect(await call(fresh.agent, fresh.token)).toBe("accepted");
    expect(await call(old.agent, old.token)).toBe("accepted");
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "is not seen where a session of %s with the one of before is resumed",
    async (tlsVersion) => {
      const options = { ca: ca.certificate, tlsVersion };
      const token = await issuer.accessToken({ boundTo: renewed });
      const first = await mtlsRequest(plainApi.url, { ...options, identity: client, token });
      const session = first.tls.session;
      if (session === undefined) throw new Error("There is no session to resume");
      const resumed = await mtlsRequest(plainApi.url, { ...options, identity: renewed, token, session });
      expect([resumed.tls.sessionReused, resumed.body]).toEqual([true, "ERR_BINDING_MISMATCH"]);
      const anew = await mtlsRequest(plainApi.url, { ...options, identity: renewed, token });
      expect([anew.tls.sessionReused, anew.body]).toEqual([false, "accepted"]);
    },
  );
});

describe("the server of the guide", () => {
  const cwd = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), "certbound-rotating-"));
  const put = (name: string, content: string): void => writeFileSync(join(folder, name), content, { mode: 0o600 });
  let guide: { readonly server: Server; readonly reload: () => void; readonly logKeys: (message: unknown) => void };
  let api: RunningServer;
  const info = vi.spyOn(console, "info").mockReturnValue();
  beforeAll(async () => {
    // The ages of keys are measured by this clock; sockets, timers and the times in tokens go by others.
    vi.useFakeTimers({ toFake: ["performance"] });
    put("client-ca.pem", ca.certificate);
    put("client-ca-next.pem", nextCa.certificate);
    put("server.pem", host.certificate);
    put("server-key.pem", host.key);
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

  const ask = async (identity: Identity, token?: string): Promise<number> => {
    const options = { ca: ca.certificate, identity, token: token ?? (await issuer.accessToken({ boundTo: identity })) };
    return (await mtlsRequest(`${api.url}/accounts`, options)).status;
  };

  test("accepts clients of both authorities, and of no other", async () => {
    expect([await ask(client), await ask(next), await ask(stranger)]).toEqual([200, 200, 401]);
    const rules = certificateRules({ issuers: [nextCa.certificate] });
    const verifier = createVerifier({ issuer: identifier, audience, jwks: issuer.jwks, certificatePolicy: rules });
    const verify = async (identity: Identity): Promise<unknown> => {
      const token = await issuer.accessToken({ boundTo: identity });
      return verifier.verify(token, { clientCertificate: identity.certificate });
    };
    await expect(verify(next)).resolves.toMatchObject({ binding: "verified" });
    await expect(verify(client)).rejects.toMatchObject({ code: "ERR_CERTIFICATE_UNTRUSTED" });
  });

  test("rejects a TLS renegotiation, also after a reload", async () => {
    const attempt = async () =>
      renegotiate(await openConnection(api.url, { ca: ca.certificate, maxVersion: "TLSv1.2" }));
    expect(await attempt()).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
    guide.reload();
    expect(await attempt()).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
  });

  test("presents its new certificate to new connections, and keeps the open ones", async () => {
    const { port } = guide.server.address() as AddressInfo;
    const open = connect({ port, host: "localhost", ca: ca.certificate });
    await once(open, "secureConnect");
    expect(open.getPeerX509Certificate()?.raw).toEqual(Buffer.from(host.der));
    put("server.pem", nextHost.certificate);
    put("server-key.pem", nextHost.key);
    process.emit("SIGHUP");
    const later = connect({ port, host: "localhost", ca: ca.certificate });
    await once(later, "secureConnect");
    expect(later.getPeerX509Certificate()?.raw).toEqual(Buffer.from(nextHost.der));
    open.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(await text(open)).toMatch(/^HTTP\/1\.1 404/);
    later.destroy();
    expect([await ask(client), await ask(stranger)]).toEqual([200, 401]);
  });

  describe("SIGHUP", () => {
    const presented = async (): Promise<Buffer | undefined> => {
      const { port } = guide.server.address() as AddressInfo;
      const socket = connect({ port, host: "localhost", ca: ca.certificate });
      await once(socket, "secureConnect");
      const raw = socket.getPeerX509Certificate()?.raw;
      socket.destroy();
      return raw;
    };
    const present = (identity: Identity): void => {
      put("server.pem", identity.certificate);
      put("server-key.pem", identity.key);
    };
    /** The guide's listener was added first, so that it has run when this one is called. */
    const hangUp = async (): Promise<void> => {
      const received = once(process, "SIGHUP");
      process.kill(process.pid, "SIGHUP");
      await received;
    };

    test("presents a certificate of another key type once its key is there too", async () => {
      present(rsaHost);
      await hangUp();
      expect(await presented()).toEqual(Buffer.from(rsaHost.der));
      expect(await ask(client)).toBe(200);
    });

    test("does not notice a chain that ends after the server's certificate", async () => {
      const error = vi.spyOn(console, "error").mockReturnValue();
      onTestFinished(() => error.mockRestore());
      const chain = host.certificate + ca.certificate;
      put("server-key.pem", host.key);
      put("server.pem", chain.slice(0, -100));
      await hangUp();
      expect(error).toHaveBeenCalledOnce();
      put("server.pem", chain.slice(0, host.certificate.length));
      await hangUp();
      expect(error).toHaveBeenCalledOnce();
      expect(await presented()).toEqual(Buffer.from(host.der));
    });

    test.each<[string, () => void]>([
      ["only the key was replaced", () => put("server-key.pem", host.key)],
      ["only the certificate was replaced", () => put("server.pem", host.certificate)],
      ["only the key was replaced, by one of another type", () => put("server-key.pem", rsaHost.key)],
      ["only the certificate was replaced, by one of another type", () => put("server.pem", rsaHost.certificate)],
      ["the key is half-written", () => put("server-key.pem", host.key.slice(0, 100))],
      ["the certificate is half-written", () => put("server.pem", host.certificate.slice(0, 200))],
      ["the key is empty", () => put("server-key.pem", "")],
      ["the certificate is empty", () => put("server.pem", "")],
      ["the key is missing", () => rmSync(join(folder, "server-key.pem"))],
      ["the certificate is missing", () => rmSync(join(folder, "server.pem"))],
    ])("keeps the present certificate where %s, until the files are whole again", async (_what, spoil) => {
      const error = vi.spyOn(console, "error").mockReturnValue();
      onTestFinished(() => error.mockRestore());
      const setUp = (): readonly unknown[] =>
        ["key", "cert", "secureOptions"].map((name): unknown => Reflect.get(guide.server, name));
      present(nextHost);
      await hangUp();
      const before = setUp();
      expect(await presented()).toEqual(Buffer.from(nextHost.der));
      expect(error).not.toHaveBeenCalled();

      spoil();
      await hangUp();
      expect(await presented()).toEqual(Buffer.from(nextHost.der));
      expect(setUp()).toEqual(before);
      expect(error).toHaveBeenCalledExactlyOnceWith("the TLS files were not reloaded:", expect.any(String));
      const { key } = host;
      expect(JSON.stringify(error.mock.calls)).not.toContain(key.split("\n")[1]);
      expect(await ask(client)).toBe(200);

      present(host);
      await hangUp();
      expect(await presented()).toEqual(Buffer.from(host.der));
      expect(error).toHaveBeenCalledOnce();
    });
  });

  test("takes a new key of the issuer up once the cool-down is over, and says so", async () => {
    const old = await issuer.accessToken({ boundTo: client });
    expect(await ask(client, old)).toBe(200);
    await issuer.rotateKeys();
    info.mockClear();
    expect(await ask(client)).toBe(401);
    vi.advanceTimersByTime(10_000);
    expect(await ask(client)).toBe(200);
    expect(info).toHaveBeenCalledExactlyOnceWith("keys", identifier, "fetched", 1);
    expect(await ask(client, old)).toBe(401);
  });
});

describe("what is not given again to setSecureContext is gone", () => {
  const secureOptions = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;
  const all = { ca: ca.certificate, key: host.key, cert: host.certificate, secureOptions };
  const start = async (rejectUnauthorized: boolean) => {
    const options = { ...all, requestCert: true, rejectUnauthorized };
    const server = createServer(options, (_request, response) => void response.end("hello"));
    const { url, close } = await startServer(server);
    onTestFinished(close);
    const ask = (session?: Buffer) =>
      mtlsRequest(url, { ca: ca.certificate, identity: client, ...(session && { session }) });
    const attempt = async () => renegotiate(await openConnection(url, { ca: ca.certificate, maxVersion: "TLSv1.2" }));
    return { server, ask, attempt };
  };

  test("ca, so that nobody is let in", async () => {
    const { server, ask } = await start(true);
    server.setSecureContext(all);
    expect(await ask()).toMatchObject({ status: 200 });
    const { ca: _ca, ...others } = all;
    server.setSecureContext(others);
    await expect(ask()).rejects.toThrow(/hang up|ECONNRESET|EPIPE|alert/);
  });

  test("secureOptions, so that sessions are resumed", async () => {
    const { server, ask } = await start(false);
    const resumes = async (): Promise<boolean> => {
      const { session } = (await ask()).tls;
      return (await ask(session)).tls.sessionReused;
    };
    server.setSecureContext(all);
    expect(await resumes()).toBe(false);
    const { secureOptions: _secureOptions, ...others } = all;
    server.setSecureContext(others);
    expect(await resumes()).toBe(true);
  });

  test("secureOptions, so that clients can renegotiate", async () => {
    const { server, attempt } = await start(false);
    server.setSecureContext(all);
    expect(await attempt()).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
    const { secureOptions: _secureOptions, ...others } = all;
    server.setSecureContext(others);
    expect(await attempt()).toBeNull();
  });
});
