import { createVerifier } from "@certbound/core";
import { protectApi } from "@certbound/fastify";
import { createTestKit, type StartableServer } from "@certbound/testing";
import express from "express";
import Fastify from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const kit = await createTestKit();
afterAll(kit.close);
const [client, expired] = await Promise.all([
  kit.issueClientCertificate(),
  kit.issueClientCertificate({ expired: true }),
]);

describe("createVerifier with the options of a test kit", () => {
  const verifier = createVerifier({ ...kit.verifierOptions });
  const outcome = (token: string, certificate = client.certificate): Promise<string> =>
    verifier.verify(token, { clientCertificate: certificate }).then(
      () => "accepted",
      (error: unknown) => (error as { readonly code: string }).code,
    );

  test("accepts a bound token of the issuer", async () => {
    expect(await outcome(await kit.accessToken({ boundTo: client }))).toBe("accepted");
  });

  test("rejects the token of a client that has renewed its certificate with the same key", async () => {
    const renewed = await kit.issueClientCertificate({ renews: client });
    const token = await kit.accessToken({ boundTo: client });
    expect(await outcome(token, renewed.certificate)).toBe("ERR_BINDING_MISMATCH");
    expect(await outcome(await kit.accessToken({ boundTo: renewed }), renewed.certificate)).toBe("accepted");
  });

  test.each([
    ["is not bound", {}, "ERR_BINDING_REQUIRED"],
    ["is bound to another certificate", { boundTo: expired }, "ERR_BINDING_MISMATCH"],
    ["has expired", { boundTo: client, expiresIn: -60 }, "ERR_TOKEN_EXPIRED"],
    ["is for another API", { boundTo: client, claims: { aud: "other" } }, "ERR_TOKEN_AUDIENCE"],
    ["is forged", { boundTo: client, forged: true }, "ERR_TOKEN_SIGNATURE"],
  ] as const)("rejects a token that %s", async (_, options, code) => {
    expect(await outcome(await kit.accessToken(options))).toBe(code);
  });

  test("uses the clock of the kit", async () => {
    const token = await kit.accessToken({ boundTo: client, expiresIn: 3600 });
    kit.clock.advance({ minutes: 59 });
    expect(await outcome(token)).toBe("accepted");
    kit.clock.advance({ minutes: 2 });
    expect(await outcome(token)).toBe("ERR_TOKEN_EXPIRED");
  });
});

describe("Fastify with the options of a test kit", () => {
  const fastify = Fastify({ https: kit.serverOptions });
  let url: string;
  beforeAll(async () => {
    fastify.get("/", { onRequest: protectApi({ ...kit.verifierOptions })() }, () => "ok");
    await fastify.ready();
    ({ url } = await kit.startServer(fastify.server));
  });

  test.each([
    ["accepts the client that the token is bound to", client, 200],
    ["accepts a client whose certificate has expired, because it checks only the binding", expired, 200],
    ["rejects a client without a certificate", undefined, 401],
  ] as const)("%s", async (_name, identity, status) => {
    const token = await kit.accessToken({ boundTo: identity ?? client });
    const response = await kit.mtlsRequest(url, { token, ...(identity && { identity }) });
    expect(response.status).toBe(status);
  });
});

test.each([
  ["Express", () => express()],
  ["Fastify", () => Fastify({ https: kit.serverOptions })],
])("startServer rejects an application of %s, and names the server to pass", async (_, createApp) => {
  // In TypeScript, passing an application is a type error.
  const promise = kit.startServer(createApp() as unknown as StartableServer);
  await expect(promise).rejects.toThrow(TypeError);
  await expect(promise).rejects.toThrow("With Fastify: await app.ready(), then app.server.");
});
