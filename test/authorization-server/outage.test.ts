import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { apis } from "./apis.ts";
import { createSigningKey } from "./provider.ts";
import { createScene } from "./scene.ts";

const second = 1000;
const minute = 60 * second;
const unavailable = [503, "ERR_KEYS_UNAVAILABLE"];

const { server, caSigned, selfSigned, startApi } = await createScene();

// The ages of keys are measured by this clock; sockets, timers and the times in tokens go by others.
beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => {
  vi.useRealTimers();
  server.start();
});

const issueToken = (): Promise<string> => caSigned.accessToken(server.issuer);

describe.each(apis)("an API on %s whose authorization server has stopped", (_name, start) => {
  test("goes on with the keys that it has, and knows the others once the server is back", async () => {
    const [before, after] = [createSigningKey("before"), createSigningKey("after")];
    server.replaceKeys(before);
    const api = await startApi(start);
    const known = await issueToken();
    expect(await api.ask(caSigned, known)).toBe(200);
    server.replaceKeys(after, before);
    const unknown = await issueToken();

    server.stop();
    await expect(issueToken()).rejects.toThrow("fetch failed");
    vi.advanceTimersByTime(10 * second);
    expect(await api.ask(caSigned, unknown)).toEqual(unavailable);
    expect(await api.ask(caSigned, known)).toBe(200);

    server.start();
    expect(await api.ask(caSigned, unknown)).toEqual(unavailable);
    vi.advanceTimersByTime(second);
    expect(await api.ask(caSigned, unknown)).toBe(200);
    expect(await api.ask(caSigned, known)).toBe(200);
  });

  test("says 503 to every client when it has no keys yet, and works once the server is back", async () => {
    const token = await issueToken();
    const api = await startApi(start);
    server.stop();
    expect(await api.ask(caSigned, token)).toEqual(unavailable);
    server.start();
    vi.advanceTimersByTime(second);
    expect(await api.ask(caSigned, token)).toBe(200);
  });

  test("outlives an hour of it, and then has no keys", async () => {
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

  test("rejects a stolen token as stolen, whether it has keys or not", async () => {
    const token = await issueToken();
    const [api, apiWithoutKeys] = [await startApi(start), await startApi(start)];
    expect(await api.ask(caSigned, token)).toBe(200);
    server.stop();
    for (const asked of [api, apiWithoutKeys]) {
      expect(await asked.ask(selfSigned, token)).toEqual([401, "ERR_BINDING_MISMATCH"]);
    }
  });
});
