import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { apis } from "./apis.ts";
import { createSigningKey } from "./provider.ts";
import { createScene } from "./scene.ts";

const second = 1000;
const minute = 60 * second;
const unavailable = [503, "ERR_KEYS_UNAVAILABLE"];

const { server, caSigned, selfSigned, startApi } = await createScene();

// certbound measures the age of cached keys with performance.now(); sockets, timers and token times use other clocks.
beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => {
  vi.useRealTimers();
  server.start();
});

const issueToken = (): Promise<string> => caSigned.accessToken(server.issuer);

describe.each(apis)("an API on %s whose authorization server has stopped", (_name, start) => {
  test("accepts tokens of its cached keys, and of other keys once the server is back", async () => {
    const [before, after] = [createSigningKey("before"), createSigningKey("after")];
    server.replaceKeys(before);
    const api = await startApi(start);
    const cached = await issueToken();
    expect(await api.ask(caSigned, cached)).toBe(200);
    server.replaceKeys(after, before);
    const uncached = await issueToken();

    server.stop();
    await expect(issueToken()).rejects.toThrow("fetch failed");
    vi.advanceTimersByTime(10 * second);
    expect(await api.ask(caSigned, uncached)).toEqual(unavailable);
    expect(await api.ask(caSigned, cached)).toBe(200);

    server.start();
    expect(await api.ask(caSigned, uncached)).toEqual(unavailable);
    vi.advanceTimersByTime(second);
    expect(await api.ask(caSigned, uncached)).toBe(200);
    expect(await api.ask(caSigned, cached)).toBe(200);
  });

  test("responds with 503 before its first keys, and recovers once the server is back", async () => {
    const token = await issueToken();
    const api = await startApi(start);
    server.stop();
    expect(await api.ask(caSigned, token)).toEqual(unavailable);
    server.start();
    vi.advanceTimersByTime(second);
    expect(await api.ask(caSigned, token)).toBe(200);
  });

  test("accepts tokens for an hour, and then responds with 503 until the server is back", async () => {
    const token = await issueToken();
    const api = await startApi(start);
    expect(await api.ask(caSigned, token)).toBe(200);
    server.stop();
    vi.advanceTimersByTime(60 * minute);
    expect(await api.ask(caSigned, token)).toBe(200);
    vi.advanceTimersByTime(10 * minute);
    expect(await api.ask(caSigned, token)).toEqual(unavailable);
    server.start();
    vi.advanceTimersByTime(minute);
    expect(await api.ask(caSigned, token)).toBe(200);
  });

  test("rejects a stolen token with 401, with or without keys", async () => {
    const token = await issueToken();
    const [api, apiWithoutKeys] = [await startApi(start), await startApi(start)];
    expect(await api.ask(caSigned, token)).toBe(200);
    server.stop();
    for (const each of [api, apiWithoutKeys]) {
      expect(await each.ask(selfSigned, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
    }
  });
});
