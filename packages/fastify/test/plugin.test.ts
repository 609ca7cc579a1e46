import { AccessTokenError, createVerifier } from "@certbound/core";
import Fastify from "fastify";
import { describe, expect, test } from "vitest";
import certbound, * as package_ from "../src/index.ts";
import type { ProtectApiOptions } from "../src/protect-api.ts";
import { whilePrototypeIsPolluted } from "../../core/test/support/polluted-prototype.ts";
import { createApp, parties, startSending } from "./protected-app.ts";

const { thief, verifierOptions } = parties;

describe("the plugin", () => {
  test("is the default export, next to all exports of the core", () => {
    expect(package_).toMatchObject({ default: certbound, createVerifier, AccessTokenError });
  });

  test("decorates sibling plugins, and does not protect their routes by itself", async () => {
    const app = createApp();
    app.register(certbound, verifierOptions);
    app.register(async (sibling) => {
      sibling.get("/protected", { onRequest: sibling.protect() }, ({ claims }) => claims);
    });
    app.register(async (sibling) => {
      sibling.get("/open", (request) => ({ claims: request.claims ?? null }));
    });
    const send = await startSending(app);
    expect((await send({ path: "/protected" })).status).toBe(200);
    expect((await send({ path: "/protected", identity: thief })).status).toBe(401);
    expect((await send({ path: "/open", identity: thief })).body).toBe('{"claims":null}');
  });

  test("ignores options that are inherited from Object.prototype", async () => {
    const app = createApp();
    const register = async () => app.register(certbound, verifierOptions);
    await whilePrototypeIsPolluted("realm", "evil", register);
    app.get("/", { onRequest: app.protect() }, ({ claims }) => claims);
    const { status, headers } = await (await startSending(app))({ identity: thief });
    expect([status, headers["www-authenticate"]]).toEqual([401, expect.stringContaining('Bearer realm="api"')]);
    const other = createApp();
    await whilePrototypeIsPolluted("resource", "https://evil.example", async () =>
      other.register(certbound, verifierOptions),
    );
    other.get("/", { onRequest: other.protect() }, ({ claims }) => claims);
    expect((await (await startSending(other))()).status).toBe(200);
  });

  test("protects only the routes of a scope by a hook", async () => {
    const app = createApp();
    await app.register(certbound, verifierOptions);
    app.register(async (scope) => {
      scope.addHook("onRequest", app.protect({ scopes: ["read"] }));
      scope.get("/inside", ({ claims }) => ({ sub: claims.sub }));
      scope.register(async (inner) => {
        inner.get("/further-inside", ({ claims }) => ({ sub: claims.sub }));
      });
    });
    app.get("/outside", () => ({}));
    const send = await startSending(app);
    const statuses = async (request: Parameters<typeof send>[0]): Promise<number[]> => {
      const responses = ["/inside", "/further-inside", "/outside"].map((path) => send({ ...request, path }));
      return (await Promise.all(responses)).map(({ status }) => status);
    };
    expect(await statuses({})).toEqual([200, 200, 200]);
    expect(await statuses({ identity: thief })).toEqual([401, 401, 200]);
  });

  test("exposes the verifier", async () => {
    const app = createApp();
    const verifier = createVerifier(verifierOptions);
    await app.register(certbound, { verifier });
    expect(app.protect.verifier).toBe(verifier);
  });

  test.each([
    ["a misspelled option", { ...verifierOptions, audiences: "a" }, /audiences/],
    ["a respond that is not a function", { ...verifierOptions, respond: true }, /respond/],
    ["no issuer", { audience: "a", jwks: verifierOptions.jwks }, /issuer/],
  ])("makes ready() reject for %s", async (_name, options, message) => {
    const app = Fastify();
    app.register(certbound, options as ProtectApiOptions);
    const ready = app.ready();
    await expect(ready).rejects.toThrow(TypeError);
    await expect(ready).rejects.toThrow(message);
  });

  test("makes ready() reject for invalid requirements of a route", async () => {
    const app = Fastify();
    app.register(certbound, verifierOptions);
    app.register(async (child) => {
      child.get("/", { onRequest: child.protect({ validateCertificateBinding: false } as object) }, () => ({}));
    });
    await expect(app.ready()).rejects.toThrow(/validateCertificateBinding/);
  });
});
