import { mtlsRequest, type MtlsResponse, startServer } from "@certbound/testing";
import Fastify, { type FastifyInstance } from "fastify";
import { describe, expect, onTestFinished, test } from "vitest";
import { certbound } from "../src/plugin.ts";
import { protectApi } from "../src/protect-api.ts";
import { createApp, parties } from "./protected-app.ts";

const { ca, tls, verifierOptions } = parties;
const resource = "https://api.example/v1";
const path = "/.well-known/oauth-protected-resource/v1";
const expected = {
  resource,
  authorization_servers: [parties.issuer.issuer],
  bearer_methods_supported: ["header"],
  scopes_supported: ["read"],
  tls_client_certificate_bound_access_tokens: true,
};

/** Starts an application, and returns a function that sends requests without a token or certificate to it. */
async function start(app: FastifyInstance): Promise<(path: string, method?: string) => Promise<MtlsResponse>> {
  await app.ready();
  const { url, close } = await startServer(app.server);
  onTestFinished(close);
  return (target, method = "GET") => mtlsRequest(url + target, { ca: ca.certificate, method });
}

describe("the metadata", () => {
  test("is served by the plugin to clients without a certificate, next to protected routes", async () => {
    const app = createApp();
    await app.register(certbound, { ...verifierOptions, resource });
    app.get("/v1/accounts", { onRequest: app.protect({ scopes: ["read"] }) }, () => ({}));
    const send = await start(app);
    const { status, headers, body } = await send(path);
    expect({ status, type: headers["content-type"], body: JSON.parse(body) }).toEqual({
      status: 200,
      type: "application/json; charset=utf-8",
      body: expected,
    });
    expect(await send(path, "HEAD")).toMatchObject({ status: 200, body: "" });
    expect((await send(path, "POST")).status).toBe(404);
    const rejected = await send("/v1/accounts");
    expect(rejected.status).toBe(401);
    expect(rejected.headers["www-authenticate"]).toContain(`resource_metadata="https://api.example${path}"`);
  });

  test("is served if a hook protects the whole application, and all other requests are rejected", async () => {
    const app = createApp();
    await app.register(certbound, { ...verifierOptions, resource });
    app.addHook("onRequest", app.protect({ scopes: ["read"] }));
    let handled = 0;
    app.all("/*", () => {
      handled += 1;
      return {};
    });
    const send = await start(app);
    expect(JSON.parse((await send(path)).body)).toEqual(expected);
    for (const target of ["/", "/v1", `${path}/accounts`, `${path}/`, "/.well-known/oauth-protected-resource"]) {
      expect((await send(target)).status).toBe(401);
    }
    expect((await send(path, "POST")).status).toBe(401);
    expect(handled).toBe(0);
  });

  test("is served by protect.metadata() without the plugin, over HTTP/2", async () => {
    const app = Fastify({ http2: true, https: tls }) as unknown as FastifyInstance;
    onTestFinished(() => app.close());
    const protect = protectApi({ ...verifierOptions, resource });
    app.addHook("onRequest", protect.metadata());
    app.get("/", { onRequest: protect({ scopes: ["read"] }) }, () => ({}));
    await app.ready();
    const { url, close } = await startServer(app.server);
    onTestFinished(close);
    const request = { ca: ca.certificate, httpVersion: 2 } as const;
    expect(JSON.parse((await mtlsRequest(url + path, request)).body)).toEqual(expected);
    expect((await mtlsRequest(url, request)).status).toBe(401);
  });

  test("is not served without a resource", async () => {
    expect(() => protectApi(verifierOptions).metadata()).toThrow(
      new TypeError('certbound: option "resource" is missing'),
    );
    const app = createApp();
    await app.register(certbound, verifierOptions);
    const send = await start(app);
    expect((await send("/.well-known/oauth-protected-resource")).status).toBe(404);
  });
});
