import { createPrivateKey } from "node:crypto";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { createCertificateAuthority, createSelfSignedCertificate } from "@certbound/testing";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { mutualTlsFetch } from "../../../src/issuer/introspection/mutual-tls-fetch.ts";
import { clients, startGuardedEndpoint } from "../../support/guarded-endpoint.ts";
import { reasonOf } from "../../support/outcome.ts";
import { startHttpsServer } from "../../support/tls-server.ts";

const api = await clients.issueClientCertificate();
const { certificate: cert, key } = api;
const otherCa = await createCertificateAuthority();
const other = await otherCa.issueClientCertificate();
const selfSigned = await createSelfSignedCertificate();

function reasonOfRequire(require: NodeJS.Require, module: string): unknown {
  try {
    return require(module);
  } catch (error) {
    return error;
  }
}

describe("mutualTlsFetch", () => {
  test("throws with the cause if undici is not installed", () => {
    const cause = reasonOfRequire(createRequire("file:///nowhere/index.js"), "undici");
    expect(cause).toMatchObject({ code: "MODULE_NOT_FOUND" });
    expect(() => mutualTlsFetch({ cert, key }, { undici: undefined, cause })).toThrow(
      expect.objectContaining({
        name: "TypeError",
        message: expect.stringMatching(/option "clientTls".*undici.*not installed/),
        cause,
      }),
    );
    expect(mutualTlsFetch({ cert, key })).toBeTypeOf("function");
  });

  test.each([
    ["a module of undici is missing", reasonOfRequire(createRequire(import.meta.url), "./lib/missing.js")],
    ["undici throws an error", new TypeError("Cannot read properties of undefined (reading 'bind')")],
    ["undici throws something else", "undici"],
  ])("throws with the cause if %s", (_what, cause) => {
    expect(() => mutualTlsFetch({ cert, key }, { undici: undefined, cause })).toThrow(
      expect.objectContaining({
        name: "TypeError",
        message: expect.stringMatching(/option "clientTls".*undici.*failed to load/),
        cause,
      }),
    );
  });

  test("presents the certificate", async () => {
    const { url, ca, thumbprints } = await startGuardedEndpoint({ active: true });
    const response = await mutualTlsFetch({ cert, key, ca })(url);
    expect([response.status, await response.json()]).toEqual([200, { active: true }]);
    expect(thumbprints).toEqual([api.thumbprint]);
  });

  test("accepts an encrypted key with a passphrase, and buffers", async () => {
    const passphrase = "correct horse";
    const encrypted = createPrivateKey(key).export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase });
    const { url, ca, thumbprints } = await startGuardedEndpoint({ active: true });
    await mutualTlsFetch({ cert, key: encrypted.toString(), passphrase, ca })(url);
    await mutualTlsFetch({ cert: Buffer.from(cert), key: Buffer.from(key), ca: Buffer.from(ca) })(url);
    expect(thumbprints).toEqual([api.thumbprint, api.thumbprint]);
  });

  test.each([
    ["of another CA", other, otherCa.certificate],
    ["that is self-signed", selfSigned, selfSigned.certificate],
  ])("is accepted with a certificate %s only by a server that trusts it", async (_name, identity, trusted) => {
    const [strict, trusting] = [await startGuardedEndpoint({}), await startGuardedEndpoint({}, trusted)];
    const fetch = mutualTlsFetch({ cert: identity.certificate, key: identity.key, ca: strict.ca });
    expect(await reasonOf(fetch(strict.url))).toBeInstanceOf(Error);
    expect(strict.thumbprints).toEqual([]);
    expect((await fetch(trusting.url)).status).toBe(200);
    expect(trusting.thumbprints).toEqual([identity.thumbprint]);
  });

  test.each([
    ["no CA", undefined],
    ["another CA", clients.certificate],
  ])("does not send a request to a server with an untrusted certificate, with %s as ca", async (_name, ca) => {
    const { url, thumbprints } = await startGuardedEndpoint({ active: true });
    expect(await reasonOf(mutualTlsFetch({ cert, key, ca })(url))).toBeInstanceOf(Error);
    expect(thumbprints).toEqual([]);
  });

  test.each([
    ["no CA", undefined],
    ["another CA", clients.certificate],
  ])("verifies the server despite NODE_TLS_REJECT_UNAUTHORIZED=0, with %s as ca", async (_name, ca) => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    onTestFinished(() => void vi.unstubAllEnvs());
    const server = await startGuardedEndpoint({ active: true });
    expect(await reasonOf(mutualTlsFetch({ cert, key, ca })(server.url))).toBeInstanceOf(Error);
    expect(server.thumbprints).toEqual([]);
    expect((await mutualTlsFetch({ cert, key, ca: server.ca })(server.url)).status).toBe(200);
  });

  test("sends the given method, headers and body", async () => {
    const { url, ca } = await startHttpsServer((request, response) => {
      const { method, url: path, headers } = request;
      text(request).then(
        (body) => response.end(JSON.stringify({ method, path, accept: headers.accept, body })),
        () => response.destroy(),
      );
    });
    const body = new URLSearchParams({ token: "a b" });
    const response = await mutualTlsFetch({ cert, key, ca })(`${url}/x?y=z`, {
      method: "POST",
      headers: { accept: "application/json" },
      body,
    });
    expect(await response.json()).toEqual({
      method: "POST",
      path: "/x?y=z",
      accept: "application/json",
      body: "token=a+b",
    });
  });
});
