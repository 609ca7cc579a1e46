import { expect, onTestFinished, test, vi } from "vitest";
import { describeWithProgram } from "../helpers/program.ts";
import { createIntrospectionCache } from "./introspection-cache.js";
import { redisBinary, type RedisServer, startRedis } from "./redis-server.ts";

describeWithProgram(redisBinary, "the recommended cache", () => {
  test("fails immediately while Redis is down, and works after a restart", async () => {
    const { redis, cache, onError } = await createScene();
    await redis.kill();
    // The message depends on whether the client has already noticed the lost connection.
    await expect(cache.get("name")).rejects.toThrow(/closed|offline/);
    await expect(cache.set("name", "value", 60_000)).rejects.toThrow("offline");
    expect(onError).toHaveBeenCalled();
    await redis.restart();
    await vi.waitFor(async () => expect(await cache.get("name")).toBeUndefined(), { timeout: 10_000 });
  });

  test("replaces a connection that no longer responds", async () => {
    const { redis, cache, onError } = await createScene();
    redis.freeze();
    await expect(cache.get("name")).rejects.toThrow("timeout");
    await expect(cache.get("name")).rejects.toThrow("offline");
    expect(onError).toHaveBeenCalled();
    redis.thaw();
    await vi.waitFor(async () => expect(await cache.get("name")).toBe("value"), { timeout: 10_000 });
  });
});

/** Starts a Redis server with one entry, and a cache that is connected to it. */
async function createScene(): Promise<{
  readonly redis: RedisServer;
  readonly cache: ReturnType<typeof createIntrospectionCache>;
  readonly onError: (error: Error) => void;
}> {
  const redis = await startRedis();
  const onError = vi.fn<(error: Error) => void>();
  const cache = createIntrospectionCache({ socket: { path: redis.socket, tls: false } }, onError);
  onTestFinished(() => cache.disconnect());
  expect(await cache.set("name", "value", 60_000)).toBe(true);
  expect(await cache.get("name")).toBe("value");
  expect(onError).not.toHaveBeenCalled();
  return { redis, cache, onError };
}
