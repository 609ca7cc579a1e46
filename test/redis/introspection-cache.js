import { createKeyv } from "@keyv/redis";

/**
 * @param {import("@keyv/redis").RedisClientOptions} redis such as `{ url: "rediss://cache.example.com:6379" }`
 * @param {(error: Error) => void} onError
 */
export function createIntrospectionCache({ socket, ...redis }, onError) {
  const cache = createKeyv(
    {
      ...redis,
      // Fails immediately without a connection. By default, operations wait for one.
      disableOfflineQueue: true,
      // Replaces a connection that does not respond. By default, operations wait for a response.
      pingInterval: 1000,
      socket: { ...socket, socketTimeout: 2000, reconnectStrategy: (attempts) => Math.min(100 * 2 ** attempts, 2000) },
    },
    // Throws if an operation fails. By default, a failure looks like an absent entry.
    { throwOnErrors: true },
  );
  return cache.on("error", onError);
}
