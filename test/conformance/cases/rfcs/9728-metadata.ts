import certbound from "@certbound/fastify";
import { protectApi } from "@certbound/express";
import { mtlsRequest, type MtlsResponse, startServer } from "@certbound/testing";
import express from "express";
import Fastify from "fastify";
import { createServer } from "node:https";
import { expect } from "vitest";
import { conforms, type ConformanceCase } from "../../conformance-case.ts";
import { ISSUER } from "../../scene.ts";
import type { Stage } from "../../stage.ts";
import { verifierOf } from "../../verification.ts";

/** Resource identifiers, each with the path of its metadata (RFC 9728 section 3.1). */
const resources = [
  ["https://api.example", "/.well-known/oauth-protected-resource"],
  ["https://api.example/", "/.well-known/oauth-protected-resource"],
  ["https://api.example/v1", "/.well-known/oauth-protected-resource/v1"],
  ["https://api.example:8443/v1?a=b", "/.well-known/oauth-protected-resource/v1?a=b"],
] as const;

/** Runs the function against an API with this identifier behind each adapter. Its only route requires the scope `read`. */
async function onEachAdapter(
  { scene }: Stage,
  resource: string,
  run: (get: (target: string) => Promise<MtlsResponse>) => Promise<void>,
): Promise<void> {
  const { key, certificate: cert } = await scene.ca.issueServerCertificate();
  const options = { verifier: verifierOf({ jwks: scene.jwks }), resource };
  const protect = protectApi(options);
  const fastify = Fastify({ https: { key, cert } });
  await fastify.register(certbound, options);
  fastify.get("/read", { onRequest: fastify.protect({ scopes: ["read"] }) }, () => ({}));
  await fastify.ready();
  const app = express()
    .use(protect.metadata())
    .get("/read", protect({ scopes: ["read"] }));
  for (const server of [createServer({ key, cert }, app), fastify.server]) {
    const { url, close } = await startServer(server);
    try {
      await run((target) => mtlsRequest(url + target, { ca: scene.ca.certificate }));
    } finally {
      await close();
    }
  }
  await fastify.close();
}

export const cases: readonly ConformanceCase[] = [
  conforms("9728-01", "names the resource, its issuer and the binding of tokens in the metadata", async (stage) => {
    await onEachAdapter(stage, "https://api.example/v1", async (get) => {
      const { body } = await get("/.well-known/oauth-protected-resource/v1");
      expect(JSON.parse(body)).toEqual({
        resource: "https://api.example/v1",
        authorization_servers: [ISSUER],
        bearer_methods_supported: ["header"],
        scopes_supported: ["read"],
        tls_client_certificate_bound_access_tokens: true,
      });
    });
  }),
  ...resources.map(([resource, path]) =>
    conforms(
      ["9728-02", "9728-04"],
      `serves the metadata of ${resource} at ${path}, and nowhere else`,
      async (stage) => {
        await onEachAdapter(stage, resource, async (get) => {
          const { status, body } = await get(path);
          expect(status).toBe(200);
          expect(JSON.parse(body)).toMatchObject({ resource });
          for (const target of [`${path}/a`, `/v1${path}`, path.replace("protected", "authorization")]) {
            expect((await get(target)).status).toBe(404);
          }
        });
      },
    ),
  ),
  conforms("9728-03", "serves its metadata as JSON, and omits empty parameters", async (stage) => {
    await onEachAdapter(stage, "https://api.example", async (get) => {
      const { status, headers, body } = await get("/.well-known/oauth-protected-resource");
      expect(status).toBe(200);
      expect(headers["content-type"]).toMatch(/^application\/json(;|$)/);
      for (const value of Object.values<unknown>(JSON.parse(body))) expect(value).not.toEqual([]);
    });
  }),
];
