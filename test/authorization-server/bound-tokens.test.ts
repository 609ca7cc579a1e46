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

/** Decodes the header and the claims without verifying the signature. */
function decode(token: string): unknown[] {
  const parts = token.split(".").slice(0, 2);
  return parts.map((part): unknown => JSON.parse(Buffer.from(part, "base64url").toString()));
}

describe.each(clients)("the authorization server with its %s client", (id, _method, client) => {
  test("issues a JWT that is bound to the client's certificate", async () => {
    const [header, claims] = decode(await client.accessToken(server.issuer));
    expect(header).toEqual({ typ: "at+jwt", alg: "ES256", kid: "first" });
    expect(claims).toMatchObject({
      iss: server.issuer,
      client_id: id,
      cnf: { "x5t#S256": thumbprints.get(client) },
    });
  });

  test("rejects a client whose certificate is missing or does not match", async () => {
    const impostor = await scene.impostor(id);
    const rejected = { error: "invalid_client" };
    await expect(impostor.accessToken(server.issuer)).rejects.toMatchObject(rejected);
    await expect(scene.withoutCertificate(id).accessToken(server.issuer)).rejects.toMatchObject(rejected);
  });
});

describe.each(apis)("an API on %s", (_name, startApi) => {
  test.each(clients)(
    "accepts a token only from the %s client (%s) that it was issued to",
    async (id, _method, client) => {
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
    },
  );

  test("rejects a missing token and a tampered token", async () => {
    const api = await scene.startApi(startApi);
    const token = await caSigned.accessToken(server.issuer);
    expect(await api.ask(caSigned, token)).toBe(200);
    expect(await api.ask(caSigned)).toEqual([401, "ERR_TOKEN_MISSING"]);
    for (const tampered of [tamperSignature(token), tamperPayload(token, { scope: "read write" })]) {
      expect(await api.ask(caSigned, tampered)).toEqual([401, "ERR_TOKEN_SIGNATURE"]);
    }
  });

  test("rejects a token that a thief has rebound to the thief's certificate", async () => {
    const api = await scene.startApi(startApi);
    const token = await caSigned.accessToken(server.issuer);
    const rebound = tamperPayload(token, { cnf: { "x5t#S256": thumbprints.get(selfSigned) } });
    expect(await api.ask(selfSigned, rebound)).toEqual([401, "ERR_TOKEN_SIGNATURE"]);
  });

  test("rejects a token for another audience", async () => {
    const api = await scene.startApi(startApi, { audience: "https://other.example.com" });
    expect(await api.ask(caSigned, await caSigned.accessToken(server.issuer))).toEqual([401, "ERR_TOKEN_AUDIENCE"]);
  });

  test("responds with 503 when it does not trust the authorization server's certificate", async () => {
    const api = await scene.startApi(startApi, { fetch });
    expect(await api.ask(caSigned, await caSigned.accessToken(server.issuer))).toEqual([503, "ERR_KEYS_UNAVAILABLE"]);
  });
});
