import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { apis, type StartApi } from "./apis.ts";
import { createSigningKey, OPAQUE_AUDIENCE } from "./provider.ts";
import { type Api, createScene, type Scene } from "./scene.ts";

const second = 1000;
const unavailable = [503, "ERR_INTROSPECTION_UNAVAILABLE"];
const [signing, plain] = await Promise.all([createScene({ signsAnswers: true }), createScene()]);

// The ages of keys are measured by this clock; sockets, timers and the times in tokens go by others.
beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

const issueToken = ({ caSigned, server }: Scene): Promise<string> =>
  caSigned.accessToken(server.issuer, OPAQUE_AUDIENCE);

/** Starts an API that takes signed answers only. */
function startStrictApi(scene: Scene, start: StartApi, options: Parameters<Scene["startApi"]>[1] = {}): Promise<Api> {
  const introspection = { ...scene.apiClients.private_key_jwt.credentials, signedResponse: true };
  return scene.startApi(start, { audience: OPAQUE_AUDIENCE, introspection, ...options });
}

describe.each(apis)("an API on %s that takes signed answers only", (_name, start) => {
  test("accepts the client whose token they are about, and no thief", async () => {
    const { caSigned, selfSigned } = signing;
    const api = await startStrictApi(signing, start);
    const token = await issueToken(signing);
    expect(await api.ask(caSigned, token)).toBe(200);
    expect(await api.ask(selfSigned, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
  });

  test("believes a signed answer that a token was revoked", async () => {
    const { caSigned, server } = signing;
    const api = await startStrictApi(signing, start);
    const token = await issueToken(signing);
    await caSigned.revoke(server.issuer, token);
    expect(await api.ask(caSigned, token)).toEqual([401, "ERR_TOKEN_INACTIVE"]);
  });

  test("says 503 where the authorization server does not sign", async () => {
    const api = await startStrictApi(plain, start);
    expect(await api.ask(plain.caSigned, await issueToken(plain))).toEqual(unavailable);
  });

  test("says 503 when the answers are signed with an algorithm that it does not take", async () => {
    const token = await issueToken(signing);
    const [es256, es384] = await Promise.all([
      startStrictApi(signing, start, { algorithms: ["ES256"] }),
      startStrictApi(signing, start, { algorithms: ["ES384"] }),
    ]);
    expect(await es256.ask(signing.caSigned, token)).toBe(200);
    expect(await es384.ask(signing.caSigned, token)).toEqual(unavailable);
  });

  test("says 503 until it knows the key that they are signed with", async () => {
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

test.each(apis)("an API on %s that does not insist takes the answers of both", async (_name, start) => {
  for (const scene of [signing, plain]) {
    const api = await startStrictApi(scene, start, { introspection: scene.apiClients.private_key_jwt.credentials });
    const token = await issueToken(scene);
    expect(await api.ask(scene.caSigned, token)).toBe(200);
    expect(await api.ask(scene.selfSigned, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
  }
});
