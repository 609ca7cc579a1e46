import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { apis } from "./apis.ts";
import { OPAQUE_AUDIENCE } from "./provider.ts";
import { createScene } from "./scene.ts";

const second = 1000;
const inactive = [401, "ERR_TOKEN_INACTIVE"];

const { server, caSigned, selfSigned, startApi, apiClients, introspections } = await createScene();
const { credentials } = apiClients.client_secret_basic;
const audience = OPAQUE_AUDIENCE;

// certbound measures the age of cached responses with performance.now(); sockets, timers and token times use other clocks.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  vi.advanceTimersByTime(second);
});
afterEach(() => void vi.useRealTimers());

const issueToken = (): Promise<string> => caSigned.accessToken(server.issuer, OPAQUE_AUDIENCE);

describe.each(apis)("an API on %s whose clients revoke their tokens", (_name, start) => {
  test.each([
    ["30 s old, by default", 30, undefined],
    ["5 s old, with cacheDuration 5", 5, 5],
  ])("rejects a cached token once its response is %s", async (_age, seconds, cacheDuration) => {
    const api = await startApi(start, { audience, introspection: { ...credentials, cacheDuration } });
    const [revoked, other] = await Promise.all([issueToken(), issueToken()]);
    for (const token of [revoked, other]) expect(await api.ask(caSigned, token)).toBe(200);
    await caSigned.revoke(server.issuer, revoked);

    vi.advanceTimersByTime((seconds * second) / 2);
    const { plain } = introspections();
    expect(await api.ask(caSigned, revoked)).toBe(200);
    expect(introspections().plain).toBe(plain);
    vi.advanceTimersByTime((seconds * second) / 2 + 1);
    expect(await api.ask(caSigned, revoked)).toEqual(inactive);
    expect(await api.ask(caSigned, other)).toBe(200);
    expect(introspections().plain - plain).toBe(2);
  });

  test("rejects the token at once when it does not cache responses", async () => {
    const api = await startApi(start, { audience, introspection: { ...credentials, cacheDuration: 0 } });
    const [revoked, other] = await Promise.all([issueToken(), issueToken()]);
    for (const token of [revoked, other]) expect(await api.ask(caSigned, token)).toBe(200);
    await caSigned.revoke(server.issuer, revoked);
    expect(await api.ask(caSigned, revoked)).toEqual(inactive);
    expect(await api.ask(caSigned, other)).toBe(200);
  });

  test("accepts a token that another client tried to revoke", async () => {
    const api = await startApi(start, { audience, introspection: { ...credentials, cacheDuration: 0 } });
    const token = await issueToken();
    expect(await api.ask(caSigned, token)).toBe(200);
    await selfSigned.revoke(server.issuer, token);
    expect(await api.ask(caSigned, token)).toBe(200);
  });

  test("introspects an inactive token again after 10 s, not before", async () => {
    const api = await startApi(start, { audience, introspection: credentials });
    const token = await issueToken();
    await caSigned.revoke(server.issuer, token);
    const { plain } = introspections();
    for (const [elapsed, introspectionCount] of [
      [0, 1],
      [9 * second, 1],
      [second + 1, 2],
    ] as const) {
      vi.advanceTimersByTime(elapsed);
      expect(await api.ask(caSigned, token)).toEqual(inactive);
      expect(introspections().plain - plain).toBe(introspectionCount);
    }
  });
});
