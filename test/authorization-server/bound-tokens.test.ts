import { tamperPayload, tamperSignature } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { apis } from "./apis.ts";
import { createScene } from "./scene.ts";

const scene = await createScene();
const { server, caSigned, selfSigned, thumbprints } = scene;
const clients = [
  ["ca-signed", "tls_client_auth", caSigned],
  ["self-signed", "self_signed_tls_client_auth", selfSigned],
] as const;

/** What a token says, whoever signed it. */
function partsOf(token: string): unknown[] {
  const parts = token.split(".").slice(0, 2);
  return parts.map((part): unknown => JSON.parse(Buffer.from(part, "base64url").toString()));
}

describe.each(clients)("the authorization server and its %s client", (id, _method, client) => {
  test("agree on a JWT that is bound to the client's certificate", async () => {
    const [header, claims] = partsOf(await client.accessToken(server.issuer));
    expect(header).toEqual({ typ: "at+jwt", alg: "ES256", kid: "first" });
    expect(claims).toMatchObject({
      iss: server.issuer,
      client_id: id,
      cnf: { "x5t#S256": thumbprints.get(client) },
    });
  });

  test("do not agree when the certificate is another one, or missing", async () => {
    const impostor = await scene.impostor(id);
    const rejected = { error: "invalid_client" };
    await expect(impostor.accessToken(server.issuer)).rejects.toMatchObject(rejected);
    await expect(scene.withoutCertificate(id).accessToken(server.issuer)).rejects.toMatchObject(rejected);
  });
});

describe.each(apis)("an API on %s", (_name, startApi) => {
  test.each(clients)("accepts the token of its %s client (%s), and of nobody else", async (id, _method, client) => {
    const api = await scene.startApi(startApi);
    const token = await client.accessToken(server.issuer);
    expect(await client.call(api.url, token)).toEqual({
      status: 200,
      body: { client: id, thumbprint: thumbprints.get(client), format: "jwt" },
    });
    const others = clients.map(([, , other]) => other).filter((other) => other !== client);
    for (const thief of [...others, await scene.impostor(id)]) {
      expect(await api.ask(thief, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
    }
    expect(await api.ask(scene.withoutCertificate(id), token)).toEqual([401, "ERR_CERTIFICATE_MISSING"]);
  });

  test("rejects a request without a token, and one with a token that was tampered with", async () => {
    const api = await scene.startApi(startApi);
    const token = await caSigned.accessToken(server.issuer);
    expect(await api.ask(caSigned, token)).toBe(200);
    expect(await api.ask(caSigned)).toEqual([401, "ERR_TOKEN_MISSING"]);
    for (const tampered of [tamperSignature(token), tamperPayload(token, { scope: "read write" })]) {
      expect(await api.ask(caSigned, tampered)).toEqual([401, "ERR_TOKEN_SIGNATURE"]);
    }
  });

  test("rejects a token that its thief has bound to a certificate of his own", async () => {
    const api = await scene.startApi(startApi);
    const token = await caSigned.accessToken(server.issuer);
    const rebound = tamperPayload(token, { cnf: { "x5t#S256": thumbprints.get(selfSigned) } });
    expect(await api.ask(selfSigned, rebound)).toEqual([401, "ERR_TOKEN_SIGNATURE"]);
  });

  test("rejects a token that is meant for another API", async () => {
    const api = await scene.startApi(startApi, { audience: "https://other.example.com" });
    expect(await api.ask(caSigned, await caSigned.accessToken(server.issuer))).toEqual([401, "ERR_TOKEN_AUDIENCE"]);
  });

  test("has no keys when it does not trust the certificate of the authorization server", async () => {
    const api = await scene.startApi(startApi, { fetch });
    expect(await api.ask(caSigned, await caSigned.accessToken(server.issuer))).toEqual([503, "ERR_KEYS_UNAVAILABLE"]);
  });
});
