import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { apis } from "./apis.ts";
import { createSigningKey } from "./provider.ts";
import { createScene } from "./scene.ts";

const second = 1000;
const minute = 60 * second;

const { server, caSigned, startApi } = await createScene();

// certbound measures the age of cached keys with performance.now(); sockets, timers and token times use other clocks.
beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

const issueToken = (): Promise<string> => caSigned.accessToken(server.issuer);

describe.each(apis)("an API on %s that runs while the keys are rotated", (_name, start) => {
  test("accepts the new key and rejects the removed one after the cool-down", async () => {
    const [before, after] = [createSigningKey("before"), createSigningKey("after")];
    server.replaceKeys(before);
    const api = await startApi(start);
    const oldToken = await issueToken();
    expect(await api.ask(caSigned, oldToken)).toBe(200);

    server.replaceKeys(after);
    const newToken = await issueToken();
    expect(await api.ask(caSigned, newToken)).toEqual([401, "ERR_TOKEN_KEY_UNKNOWN"]);
    vi.advanceTimersByTime(10 * second);
    expect(await api.ask(caSigned, oldToken)).toBe(200);
    expect(await api.ask(caSigned, newToken)).toBe(200);
    expect(await api.ask(caSigned, oldToken)).toEqual([401, "ERR_TOKEN_KEY_UNKNOWN"]);
  });

  test("accepts both keys while both are published", async () => {
    const [before, after] = [createSigningKey("before"), createSigningKey("after")];
    server.replaceKeys(before);
    const api = await startApi(start);
    const oldToken = await issueToken();
    expect(await api.ask(caSigned, oldToken)).toBe(200);

    server.replaceKeys(after, before);
    const newToken = await issueToken();
    vi.advanceTimersByTime(10 * second);
    for (const token of [newToken, oldToken, newToken]) expect(await api.ask(caSigned, token)).toBe(200);
  });

  test("rejects the removed key after ten minutes, even if no token used the new key", async () => {
    server.replaceKeys(createSigningKey("before"));
    const api = await startApi(start);
    const oldToken = await issueToken();
    expect(await api.ask(caSigned, oldToken)).toBe(200);

    server.replaceKeys(createSigningKey("after"));
    vi.advanceTimersByTime(7 * minute);
    expect(await api.ask(caSigned, oldToken)).toBe(200);
    vi.advanceTimersByTime(3 * minute);
    expect(await api.ask(caSigned, oldToken)).toEqual([401, "ERR_TOKEN_KEY_UNKNOWN"]);
  });

  test("rejects a token of a removed key after another key took over its kid", async () => {
    server.replaceKeys(createSigningKey("same"));
    const api = await startApi(start);
    const oldToken = await issueToken();
    expect(await api.ask(caSigned, oldToken)).toBe(200);

    server.replaceKeys(createSigningKey("same"));
    vi.advanceTimersByTime(10 * minute);
    expect(await api.ask(caSigned, oldToken)).toEqual([401, "ERR_TOKEN_SIGNATURE"]);
    expect(await api.ask(caSigned, await issueToken())).toBe(200);
  });

  test("fetches the keys once when many clients send a token of a new key at once", async () => {
    server.replaceKeys(createSigningKey("before"));
    const api = await startApi(start);
    expect(await api.ask(caSigned, await issueToken())).toBe(200);

    server.replaceKeys(createSigningKey("after"));
    const newToken = await issueToken();
    vi.advanceTimersByTime(10 * second);
    const fetches = (): number => server.requests.filter((path) => path === "/jwks").length;
    const earlier = fetches();
    const responses = await Promise.all(Array.from({ length: 20 }, () => caSigned.call(api.url, newToken)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(fetches() - earlier).toBe(1);
  });
});
