import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { apis, type StartApi } from "./apis.ts";
import { createSigningKey, OPAQUE_AUDIENCE } from "./provider.ts";
import { type Api, createScene, type Scene } from "./scene.ts";

const second = 1000;
const unavailable = [503, "ERR_INTROSPECTION_UNAVAILABLE"];
const [signing, plain] = await Promise.all([createScene({ signsResponses: true }), createScene()]);

// certbound measures the age of cached keys with performance.now(); sockets, timers and token times use other clocks.
beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

const issueToken = ({ caSigned, server }: Scene): Promise<string> =>
  caSigned.accessToken(server.issuer, OPAQUE_AUDIENCE);

/** Starts an API that accepts only signed responses. */
function startStrictApi(scene: Scene, start: StartApi, options: Parameters<Scene["startApi"]>[1] = {}): Promise<Api> {
  const introspection = { ...scene.apiClients.private_key_jwt.credentials, signedResponse: true };
  return scene.startApi(start, { audience: OPAQUE_AUDIENCE, introspection, ...options });
}

describe.each(apis)("an API on %s that accepts only signed responses", (_name, start) => {
  test("accepts the token from its client and rejects it from a thief", async () => {
    const { caSigned, selfSigned } = signing;
    const api = await startStrictApi(signing, start);
    const token = await issueToken(signing);
    expect(await api.ask(caSigned, token)).toBe(200);
    expect(await api.ask(selfSigned, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
  });

  test("rejects a token that a signed response declares inactive", async () => {
    const { caSigned, server } = signing;
    const api = await startStrictApi(signing, start);
    const token = await issueToken(signing);
    await caSigned.revoke(server.issuer, token);
    expect(await api.ask(caSigned, token)).toEqual([401, "ERR_TOKEN_INACTIVE"]);
  });

  test("responds with 503 when the authorization server does not sign", async () => {
    const api = await startStrictApi(plain, start);
    expect(await api.ask(plain.caSigned, await issueToken(plain))).toEqual(unavailable);
  });

  test("responds with 503 when the responses are signed with an algorithm that it does not accept", async () => {
    const token = await issueToken(signing);
    const [es256, es384] = await Promise.all([
      startStrictApi(signing, start, { algorithms: ["ES256"] }),
      startStrictApi(signing, start, { algorithms: ["ES384"] }),
    ]);
    expect(await es256.ask(signing.caSigned, token)).toBe(200);
    expect(await es384.ask(signing.caSigned, token)).toEqual(unavailable);
  });

  test("responds with 503 until it has fetched the key that the responses are signed with", async () => {
    const { caSigned, server } = signing;
    server.replaceKeys(createSigningKey("before"));
    const api = await startStrictApi(signing, start);
    expect(await api.ask(caSigned, await issueToken(signing))).toBe(200);
    server.replaceKeys(createSigningKey("after"));
    const token = await issueToken(signing);
    expect(await api.ask(caSigned, token)).toEqual(unavailable);
    vi.advanceTimersByTime(10 * second);
    expect(await api.ask(caSigned, token)).toBe(200);
  });
});

test.each(apis)("an API on %s that does not require signed responses accepts both kinds", async (_name, start) => {
  for (const scene of [signing, plain]) {
    const api = await startStrictApi(scene, start, { introspection: scene.apiClients.private_key_jwt.credentials });
    const token = await issueToken(scene);
    expect(await api.ask(scene.caSigned, token)).toBe(200);
    expect(await api.ask(scene.selfSigned, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
  }
});
