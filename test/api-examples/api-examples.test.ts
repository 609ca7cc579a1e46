import { type AccessTokenError, createVerifier, fromProxy, nginx } from "@certbound/core";
import { protectApi, type ProtectApiOptions } from "@certbound/express";
import { createTestKit, forwardedHeaders, type Identity } from "@certbound/testing";
import express from "express";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { explainToken } from "./cli.examples.ts";
import * as core from "./core.examples.ts";
import * as proxies from "./core.proxies.examples.ts";
import * as expressExamples from "./express.examples.ts";
import * as fastifyExamples from "./fastify.examples.ts";
import { createScene, outcomeBehindProxy } from "./scene.ts";
import * as testing from "./testing.examples.ts";

const scene = await createScene();
const folder = mkdtempSync(join(tmpdir(), "certbound-examples-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await scene.close();
});
const { ca, issuer, server, client, thief } = scene;
const token = await issuer.accessToken({ boundTo: client });
const verifier = createVerifier({ issuer: issuer.issuer, audience: issuer.audience });

/** Returns the path of a new file. */
function fileWith(content: string): string {
  const file = join(folder, randomUUID());
  writeFileSync(file, content);
  return file;
}

/** Verifies a token with a certificate; resolves with "accepted" or the code of the rejection. */
const outcome = (of: typeof verifier, boundToken: string, { certificate }: Identity): Promise<string> =>
  of.verify(boundToken, { clientCertificate: certificate }).then(
    () => "accepted",
    (error: unknown) => (error as AccessTokenError).code,
  );

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<unknown>;

/** Runs an example in the handler of a server; the response is its result, or the code of its error. */
const handle =
  (handler: Handler): RequestListener =>
  (request, response) => {
    handler(request, response).then(
      (result) => response.writableEnded || response.end(String(result)),
      (error: unknown) => response.end((error as AccessTokenError).code),
    );
  };

describe("the examples of core", () => {
  const bodies = async (listener: RequestListener): Promise<readonly string[]> => [
    (await scene.requestTo(listener, token, client)).body,
    (await scene.requestTo(listener, token, thief)).body,
  ];

  test("createVerifier accepts the client that the token is bound to, and rejects another one", async () => {
    const listener = handle((request) => core.verifyToken(token, request));
    expect(await bodies(listener)).toEqual([`client-1 ${client.thumbprint}`, "ERR_BINDING_MISMATCH"]);
  });

  test("createAuthenticator accepts the client that the token is bound to, and rejects another one", async () => {
    const listener = handle(core.authenticateRequest);
    expect(await scene.requestTo(listener, token, client)).toMatchObject({ status: 200, body: "client-1" });
    const { status, headers } = await scene.requestTo(listener, token, thief);
    expect({ status, challenge: headers["www-authenticate"] }).toEqual({
      status: 401,
      challenge: expect.stringContaining('error="invalid_token"'),
    });
  });

  test("httpRejection responds with 401 and the realm to another client only", async () => {
    const listener = handle((request, response) => core.respondToRejection(verifier, token, { request, response }));
    expect(await scene.requestTo(listener, token, client)).toMatchObject({ status: 200, body: "Hello" });
    const { status, headers, body } = await scene.requestTo(listener, token, thief);
    expect({ status, challenge: headers["www-authenticate"], body }).toEqual({
      status: 401,
      challenge: expect.stringContaining('realm="accounts"'),
      body: '{"message":"unauthorized"}',
    });
  });

  test("AccessTokenError logs a token of another client, and nothing for other requests", async () => {
    const warn = vi.fn<(message: string) => void>();
    const listener = handle((request) => core.logMismatch(verifier, token, { request, log: { warn } }));
    expect(await bodies(listener)).toEqual(["true", "false"]);
    expect((await scene.requestTo(listener, token)).body).toBe("false");
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^possibly a stolen token: ./)]]);
  });

  test("protectedResourceMetadata names the issuer and the scopes", async () => {
    const listener = handle(async (_request, response) => core.serveMetadata(response));
    const response = await scene.requestTo(listener, token);
    expect(response.json()).toEqual({
      resource: "https://api.example.com",
      authorization_servers: ["https://auth.example.com"],
      bearer_methods_supported: ["header"],
      scopes_supported: ["read", "write"],
      tls_client_certificate_bound_access_tokens: true,
    });
  });

  test("verifyCertificateBinding accepts the client that the claims name, and rejects another one", async () => {
    const verifySignature = async (given: string) => {
      const mode = { clientCertificate: null, validateCertificateBinding: "report-only" } as const;
      return (await verifier.verify(given, mode)).claims;
    };
    const listener = handle((request) => core.verifyBinding(token, request, verifySignature));
    expect(await bodies(listener)).toEqual(["undefined", "ERR_BINDING_MISMATCH"]);
  });

  test("certificateThumbprint returns the confirmation of a certificate, and rejects a file without one", async () => {
    expect(await core.confirmationFor(fileWith(client.certificate))).toEqual({ "x5t#S256": client.thumbprint });
    const rejection = core.confirmationFor(fileWith("text"));
    await expect(rejection).rejects.toMatchObject({ code: "ERR_CERTIFICATE_MALFORMED" });
  });

  test("tlsCertificate returns the certificate of the connection, and null without one", async () => {
    const responseTo = (identity?: Identity) =>
      scene.request(core.thumbprintServer(server.key, server.certificate), token, identity);
    expect(await responseTo(client)).toMatchObject({ status: 200, body: client.thumbprint });
    expect(await responseTo()).toMatchObject({ status: 401 });
  });

  test("certificateRules accepts a certificate of the CA, and rejects one of another CA", async () => {
    const kit = await createTestKit();
    onTestFinished(kit.close);
    const stranger = await kit.issueClientCertificate();
    const forPartner = core.verifierForPartner(ca.certificate);
    expect(await outcome(forPartner, token, client)).toBe("accepted");
    const strangersToken = await issuer.accessToken({ boundTo: stranger });
    expect(await outcome(forPartner, strangersToken, stranger)).toBe("ERR_CERTIFICATE_UNTRUSTED");
  });

  test("certificateTenants accepts a token for the tenant of the certificate, and rejects one for another", async () => {
    const kit = await createTestKit();
    onTestFinished(kit.close);
    const forTenants = core.verifierForTenants(ca.certificate, kit.ca.certificate);
    const tokenFor = (tenant: string) => issuer.accessToken({ boundTo: client, claims: { tenant } });
    expect(await outcome(forTenants, await tokenFor("acme"), client)).toBe("accepted");
    expect(await outcome(forTenants, await tokenFor("globex"), client)).toBe("ERR_CERTIFICATE_UNTRUSTED");
  });
});

describe("the example of a proxy", () => {
  const secret = randomUUID();
  const authorization = `Bearer ${token}`;
  const forged = { authorization, "x-proxy-secret": randomUUID() };
  const trusted = { authorization, "x-proxy-secret": secret };

  test.each([
    ["rfc9440", "rfc9440", proxies.behindRfc9440],
    ["fromProxy", "nginx", proxies.behindProxy],
    ["nginx", "nginx", proxies.behindNginx],
    ["ingressNginx", "ingressNginx", proxies.behindIngressNginx],
    ["openShift", "openShift", proxies.behindOpenShift],
    ["apache", "apache", proxies.behindApache],
    ["caddy", "caddy", proxies.behindCaddy],
    ["traefik", "traefik", proxies.behindTraefik],
    ["kong", "kong", proxies.behindKong],
    ["cloudFront", "cloudFront", proxies.behindCloudFront],
    ["gcp", "gcp", proxies.behindGcp],
    ["azureApplicationGateway", "azureApplicationGateway", proxies.behindAzureApplicationGateway],
  ] as const)("%s accepts a certificate that the proxy forwards, and rejects one of another sender", async (...row) => {
    const [, proxy, example] = row;
    const headers = forwardedHeaders(proxy, client);
    expect(await outcomeBehindProxy(example(secret), { ...headers, ...trusted })).toBe("accepted");
    expect(await outcomeBehindProxy(example(secret), { ...headers, ...forged })).toBe("ERR_CERTIFICATE_UNTRUSTED");
    const ofThief = { ...forwardedHeaders(proxy, thief), ...trusted };
    expect(await outcomeBehindProxy(example(secret), ofThief)).toBe("ERR_BINDING_MISMATCH");
  });

  test.each([
    ["haproxy", proxies.behindHaproxy, forwardedHeaders("haproxy", client, { usedHeader: "x-ssl-client-used" })],
    ["cloudflare", proxies.behindCloudflare, forwardedHeaders("cloudflare", client, { encoding: "rfc9440" })],
    [
      "forwardedHeader",
      proxies.behindOtherProxy,
      forwardedHeaders("nginx", client, { header: "x-client-cert", verifyHeader: "x-client-verify" }),
    ],
  ] as const)(
    "%s accepts the headers that it is configured for, and rejects those of another sender",
    async (...row) => {
      const [, example, headers] = row;
      expect(await outcomeBehindProxy(example(secret), { ...headers, ...trusted })).toBe("accepted");
      expect(await outcomeBehindProxy(example(secret), { ...headers, ...forged })).toBe("ERR_CERTIFICATE_UNTRUSTED");
    },
  );

  test("envoy accepts a certificate that the gateway forwards, and rejects one of another workload", async () => {
    const workload = (account: string) =>
      ca.issueClientCertificate({
        subjectAlternativeNames: [`URI:spiffe://cluster.local/ns/istio-system/sa/${account}`],
      });
    const behind = async (account: string) => {
      const headers = forwardedHeaders("envoy", client, { via: await workload(account) });
      return outcomeBehindProxy(proxies.behindIstio(secret), { ...headers, ...trusted });
    };
    expect(await behind("istio-ingressgateway-service-account")).toBe("accepted");
    expect(await behind("another-workload")).toBe("ERR_CERTIFICATE_UNTRUSTED");
  });

  test.each([
    ["cloudFoundry", proxies.behindCloudFoundry],
    ["awsAlb", proxies.behindAwsAlb],
    ["azureAppService", proxies.behindAzureAppService],
    ["azureContainerApps", proxies.behindAzureContainerApps],
  ] as const)(
    "%s accepts a certificate from the address of the proxy, and rejects one from another",
    async (...row) => {
      const [proxy, example] = row;
      const headers = { ...forwardedHeaders(proxy, client), authorization };
      expect(await outcomeBehindProxy(example(["127.0.0.1"]), headers)).toBe("accepted");
      expect(await outcomeBehindProxy(example(["10.0.1.0/24"]), headers)).toBe("ERR_CERTIFICATE_UNTRUSTED");
    },
  );
});

test.each([
  ["protectApi of express", async () => expressExamples.createApi(server.key, server.certificate)],
  ["the plugin of fastify", () => fastifyExamples.createApi(server.key, server.certificate)],
  ["protectApi of fastify", () => fastifyExamples.createApiWithoutPlugin(server.key, server.certificate)],
])("the example of %s accepts the client that the token is bound to, and rejects another one", async (_, create) => {
  const accepted = await scene.request(await create(), token, client);
  expect({ status: accepted.status, body: accepted.json() }).toEqual({ status: 200, body: { client: "client-1" } });
  expect((await scene.request(await create(), token, thief)).status).toBe(401);
});

describe("the examples of testing", async () => {
  const kit = await createTestKit();
  afterAll(kit.close);
  const kitClient = await kit.issueClientCertificate();
  const protectedApp = (options: ProtectApiOptions): RequestListener => {
    const app = express();
    app.get("/accounts", protectApi(options)(), ({ claims }, response) => response.json({ client: claims.client_id }));
    return app;
  };
  const openApp: RequestListener = (_request, response) => response.end("{}");
  const { url } = await kit.startServer(createServer(kit.serverOptions, protectedApp(kit.verifierOptions)));
  const { url: openUrl } = await kit.startServer(createServer(kit.serverOptions, openApp));

  test("createTestKit finds that an API rejects another client, and that an API without protection does not", async () => {
    expect(await testing.testWithKit(protectedApp)).toEqual([200, 401]);
    expect(await testing.testWithKit(() => openApp)).toEqual([200, 200]);
  });

  test("createCertificateAuthority issues certificates that a server and a client accept", async () => {
    expect(await testing.requestWithAuthority(openApp)).toBe("{}");
  });

  test("createSelfSignedCertificate is accepted with a token bound to it, and not by a server that requires a chain", async () => {
    const request = (to: string) => testing.requestWithSelfSignedCertificate(to, kit.issuer, kit.ca.certificate);
    expect(await request(url)).toBe(200);
    const strict = createServer({ ...kit.serverOptions, rejectUnauthorized: true }, openApp);
    const { url: strictUrl } = await kit.startServer(strict);
    await expect(request(strictUrl)).rejects.toBeInstanceOf(Error);
  });

  test("createClock lets a token expire", async () => {
    await expect(testing.expireToken(kitClient)).resolves.toBeUndefined();
  });

  test("createIssuer issues a token that a verifier accepts", async () => {
    expect(await testing.verifyWithIssuer(kitClient)).toBe("read write");
  });

  test("forwardedHeaders sends a request as nginx does, which is accepted with the secret of the proxy only", async () => {
    const proxySecret = randomUUID();
    const certificateResolver = fromProxy(nginx(), {
      trust: { secret: { header: "x-proxy-secret", value: proxySecret } },
    });
    const api = createHttpServer(protectedApp({ ...kit.verifierOptions, certificateResolver }));
    const { url: apiUrl } = await kit.startServer(api);
    const request = { client: kitClient, token: await kit.accessToken({ boundTo: kitClient }), proxySecret };
    expect(await testing.requestThroughNginx(apiUrl, request)).toBe(200);
    expect(await testing.requestThroughNginx(apiUrl, { ...request, proxySecret: randomUUID() })).toBe(401);
  });

  const untrusted = await createTestKit();
  afterAll(untrusted.close);

  test("mtlsAgent sends the certificate of the client, and rejects a server of another CA", async () => {
    expect(await testing.requestWithAgent(url, kit, kitClient)).toBe(200);
    await expect(testing.requestWithAgent(url, untrusted, kitClient)).rejects.toBeInstanceOf(Error);
  });

  test("mtlsFetch sends certificate and token of the client, and rejects a server of another CA", async () => {
    expect(await testing.fetchWithCertificate(url, kit, kitClient)).toEqual({ client: "client-1" });
    await expect(testing.fetchWithCertificate(url, untrusted, kitClient)).rejects.toThrow("fetch failed");
  });

  test("startServer starts an API that rejects a request without a token, and finds one that does not", async () => {
    expect(await testing.requestToServer(kit, protectedApp(kit.verifierOptions))).toBe(401);
    await expect(testing.requestToServer(kit, openApp)).rejects.toMatchObject({ actual: 200, expected: 401 });
  });

  test.each([
    ["mtlsRequest", testing.requestWithStolenToken],
    ["forgeToken", testing.requestWithUnsignedToken],
    ["tamperPayload", testing.requestWithChangedClaims],
    ["tamperSignature", testing.requestWithChangedSignature],
  ])("%s passes with a protected API, and fails with one without protection", async (_name, example) => {
    await expect(example(url, kit, kitClient)).resolves.toBeUndefined();
    await expect(example(openUrl, kit, kitClient)).rejects.toMatchObject({ actual: 200, expected: 401 });
  });
});

test("the example of cli explains that a token is accepted from its client, and rejected from another one", async () => {
  const tokenFile = fileWith(token);
  expect(await explainToken(tokenFile, fileWith(client.certificate))).toEqual({ exitCode: 0, answer: { status: 200 } });
  expect(await explainToken(tokenFile, fileWith(thief.certificate))).toEqual({
    exitCode: 1,
    answer: { status: 401, code: "ERR_BINDING_MISMATCH" },
  });
});
