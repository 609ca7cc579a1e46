import { describe, expect, test } from "vitest";
import { apis } from "./apis.ts";
import { AUDIENCE, OPAQUE_AUDIENCE } from "./provider.ts";
import { createScene } from "./scene.ts";

const scene = await createScene();
scene.trustEverywhere();
const { server, caSigned, selfSigned, thumbprints, introspections } = scene;
const clients = [
  ["ca-signed", "tls_client_auth", caSigned],
  ["self-signed", "self_signed_tls_client_auth", selfSigned],
] as const;

// The APIs authenticate with their certificate, like the clients.
const opaqueOptions = {
  audience: OPAQUE_AUDIENCE,
  introspection: scene.apiClients.tls_client_auth.credentials,
};

const issueToken = (client = caSigned, resource = OPAQUE_AUDIENCE): Promise<string> =>
  client.accessToken(server.issuer, resource);

const requestCount = (): number => server.requests.length + server.mtlsRequests.length;

describe.each(apis)("an API on %s", (_name, startApi) => {
  test.each(clients)(
    "accepts an opaque token only from the %s client (%s) that it was issued to",
    async (id, _method, client) => {
      const api = await scene.startApi(startApi, opaqueOptions);
      const token = await issueToken(client);
      expect(token).toMatch(/^[\w-]+$/);
      expect(await client.call(api.url, token)).toEqual({
        status: 200,
        body: { client: id, thumbprint: thumbprints.get(client), format: "opaque" },
      });
      const others = clients.map(([, , other]) => other).filter((other) => other !== client);
      for (const thief of [...others, await scene.impostor(id)]) {
        expect(await api.ask(thief, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
      }
      expect(await api.ask(scene.withoutCertificate(id), token)).toEqual([401, "ERR_CERTIFICATE_MISSING"]);
    },
  );

  test("accepts the client after it rejected a thief with the same token", async () => {
    const api = await scene.startApi(startApi, opaqueOptions);
    const token = await issueToken();
    expect(await api.ask(selfSigned, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
    expect(await api.ask(caSigned, token)).toBe(200);
  });

  test("does not introspect the token of a client without a certificate", async () => {
    const api = await scene.startApi(startApi, opaqueOptions);
    const token = await issueToken();
    const [requests, { mtls }] = [requestCount(), introspections()];
    expect(await api.ask(scene.withoutCertificate("ca-signed"), token)).toEqual([401, "ERR_CERTIFICATE_MISSING"]);
    expect(requestCount()).toBe(requests);
    expect(await api.ask(caSigned, token)).toBe(200);
    expect(introspections().mtls - mtls).toBe(1);
  });

  test("rejects a missing token and a tampered token", async () => {
    const api = await scene.startApi(startApi, opaqueOptions);
    const token = await issueToken();
    expect(await api.ask(caSigned, token)).toBe(200);
    expect(await api.ask(caSigned)).toEqual([401, "ERR_TOKEN_MISSING"]);
    const other = token.endsWith("A") ? "B" : "A";
    for (const tampered of [token.slice(0, -1) + other, `${token}${other}`, token.slice(0, -1)]) {
      expect(await api.ask(caSigned, tampered)).toEqual([401, "ERR_TOKEN_INACTIVE"]);
    }
  });

  test("rejects a token for another audience", async () => {
    const api = await scene.startApi(startApi, opaqueOptions);
    expect(await api.ask(caSigned, await issueToken())).toBe(200);
    const forAnother = await issueToken(caSigned, "https://other.example.com");
    expect(await api.ask(caSigned, forAnother)).toEqual([401, "ERR_TOKEN_AUDIENCE"]);
  });

  test("rejects a token that was revoked before its first use", async () => {
    const api = await scene.startApi(startApi, opaqueOptions);
    const [token, revoked] = await Promise.all([issueToken(), issueToken()]);
    await caSigned.revoke(server.issuer, revoked);
    expect(await api.ask(caSigned, token)).toBe(200);
    expect(await api.ask(caSigned, revoked)).toEqual([401, "ERR_TOKEN_INACTIVE"]);
  });

  test("does not introspect an opaque token when it accepts only JWTs", async () => {
    const api = await scene.startApi(startApi, { audience: OPAQUE_AUDIENCE });
    const token = await issueToken();
    const requests = requestCount();
    expect(await api.ask(caSigned, token)).toEqual([401, "ERR_TOKEN_MALFORMED"]);
    expect(requestCount()).toBe(requests);
  });

  test("introspects a token once when many clients send it at once", async () => {
    const api = await scene.startApi(startApi, opaqueOptions);
    const token = await issueToken();
    const { mtls } = introspections();
    const owners = Array.from({ length: 10 }, () => caSigned.call(api.url, token));
    const thieves = Array.from({ length: 10 }, () => selfSigned.call(api.url, token));
    const statuses = async (calls: typeof owners): Promise<number[]> =>
      (await Promise.all(calls)).map(({ status }) => status);
    expect(new Set(await statuses(owners))).toEqual(new Set([200]));
    expect(new Set(await statuses(thieves))).toEqual(new Set([401]));
    expect(introspections().mtls - mtls).toBe(1);
  });
});

describe.each(apis)("an API on %s that accepts both formats", (_name, startApi) => {
  const both = { ...opaqueOptions, audience: [AUDIENCE, OPAQUE_AUDIENCE] };

  test.each([
    ["jwt", AUDIENCE, 0],
    ["opaque", OPAQUE_AUDIENCE, 1],
  ] as const)(
    "accepts a token of format %s, and rejects it from a thief",
    async (format, resource, introspectionCount) => {
      const api = await scene.startApi(startApi, both);
      const token = await issueToken(caSigned, resource);
      const { mtls } = introspections();
      expect(await caSigned.call(api.url, token)).toMatchObject({ status: 200, body: { client: "ca-signed", format } });
      expect(introspections().mtls - mtls).toBe(introspectionCount);
      expect(await api.ask(selfSigned, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
      expect(await api.ask(scene.withoutCertificate("ca-signed"), token)).toEqual([401, "ERR_CERTIFICATE_MISSING"]);
    },
  );

  test("accepts both formats over one connection", async () => {
    const api = await scene.startApi(startApi, both);
    const [jwt, opaque] = await Promise.all([issueToken(caSigned, AUDIENCE), issueToken()]);
    for (const token of [jwt, opaque, opaque, jwt]) expect(await api.ask(caSigned, token)).toBe(200);
  });

  test("rejects an unsigned JWT without introspecting it", async () => {
    const api = await scene.startApi(startApi, both);
    const jwt = await issueToken(caSigned, AUDIENCE);
    const before = introspections();
    expect(await api.ask(caSigned, jwt)).toBe(200);
    const unsigned = jwt.slice(0, jwt.lastIndexOf(".") + 1);
    expect(await api.ask(caSigned, unsigned)).toEqual([401, "ERR_TOKEN_SIGNATURE"]);
    expect(introspections()).toEqual(before);
  });

  // oidc-provider does not introspect a JWT (RFC 7009 section 2.2.1, unsupported_token_type).
  test("responds with 503 to a JWT that it must introspect if the authorization server does not introspect JWTs", async () => {
    const introspection = { ...both.introspection, always: true };
    const api = await scene.startApi(startApi, { ...both, introspection });
    expect(await api.ask(caSigned, await issueToken())).toBe(200);
    const jwt = await issueToken(caSigned, AUDIENCE);
    expect(await api.ask(caSigned, jwt)).toEqual([503, "ERR_INTROSPECTION_UNAVAILABLE"]);
    expect(await api.ask(selfSigned, jwt)).toEqual([401, "ERR_BINDING_MISMATCH"]);
  });
});
