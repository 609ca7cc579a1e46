import { createKeyv } from "@keyv/redis";

/**
 * @param {import("@keyv/redis").RedisClientOptions} redis such as `{ url: "rediss://cache.example.com:6379" }`
 * @param {(error: Error) => void} onError
 */
export function createIntrospectionCache({ socket, ...redis }, onError) {
  const cache = createKeyv(
    {
      ...redis,
      // Without a connection an operation fails at once. By default it waits until there is one.
      disableOfflineQueue: true,
      // A connection on which nothing comes back is replaced. By default it is waited for.
      pingInterval: 1000,
      socket: { ...socket, socketTimeout: 2000, reconnectStrategy: (attempts) => Math.min(100 * 2 ** attempts, 2000) },
    },
    // A failure is thrown. By default it looks like an absent entry.
    { throwOnErrors: true },
  );
  return cache.on("error", onError);
}
