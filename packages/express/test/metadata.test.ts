import { createServer } from "node:https";
import { startServer, mtlsRequest, type MtlsResponse } from "@certbound/testing";
import type { Express } from "express";
import { describe, expect, onTestFinished, test } from "vitest";
import { expressVersions } from "../../../test/helpers/express-versions.ts";
import { protectApi } from "../src/protect-api.ts";
import { parties } from "./protected-app.ts";

const { ca, client, tls, verifierOptions } = parties;
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
async function start(app: Express): Promise<(path: string, method?: string) => Promise<MtlsResponse>> {
  const { url, close } = await startServer(createServer(tls, app));
  onTestFinished(close);
  return (target, method = "GET") => mtlsRequest(url + target, { ca: ca.certificate, method });
}

describe.each(expressVersions)("the metadata on %s", (_name, express) => {
  test("is served to clients without a certificate, next to protected routes", async () => {
    const app = express();
    const protect = protectApi({ ...verifierOptions, resource });
    app.use(protect.metadata());
    app.get("/v1/accounts", protect({ scopes: ["read"] }), (_request, response) => void response.json({}));
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

  test("is served by a handler that protects the whole application and rejects all other requests", async () => {
    const app = express();
    let handled = 0;
    app.use(protectApi({ ...verifierOptions, resource })({ scopes: ["read"] }));
    app.use((_request, response) => {
      handled += 1;
      response.json({});
    });
    const send = await start(app);
    expect(JSON.parse((await send(path)).body)).toEqual(expected);
    for (const target of ["/", "/v1", `${path}/accounts`, `${path}/`, "/.well-known/oauth-protected-resource"]) {
      expect((await send(target)).status).toBe(401);
    }
    expect((await send(path, "POST")).status).toBe(401);
    expect(handled).toBe(0);
  });

  test("is served at its own path only, wherever the handler is mounted", async () => {
    const app = express();
    const protect = protectApi({ ...verifierOptions, resource });
    app.use("/mounted", protect(), (_request, response) => void response.json({}));
    app.use("/.well-known", protect.metadata());
    const send = await start(app);
    expect((await send(`/mounted${path}`)).status).toBe(401);
    expect((await send(path)).status).toBe(200);
  });

  test("is not served without a resource", async () => {
    const app = express();
    const protect = protectApi(verifierOptions);
    expect(() => protect.metadata()).toThrow(new TypeError('certbound: option "resource" is missing'));
    app.use(protect());
    const send = await start(app);
    expect((await send("/.well-known/oauth-protected-resource")).status).toBe(401);
  });

  test("is also served to a client with a valid token, instead of the handler's response", async () => {
    const app = express();
    app.use(protectApi({ ...verifierOptions, resource })(), (_request, response) => void response.send("handled"));
    const { url, close } = await startServer(createServer(tls, app));
    onTestFinished(close);
    const request = { ca: ca.certificate, identity: client, token: await parties.token() };
    expect((await mtlsRequest(url, request)).body).toBe("handled");
    expect(JSON.parse((await mtlsRequest(url + path, request)).body)).toMatchObject({ resource });
  });
});
