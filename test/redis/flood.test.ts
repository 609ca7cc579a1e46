import type { IntrospectionCache } from "@certbound/core";
import { createIssuer } from "@certbound/testing";
import { expect, onTestFinished, test } from "vitest";
import { describeWithProgram } from "../helpers/program.ts";
import { createIntrospectionCache } from "./introspection-cache.js";
import { redisBinary, startRedis } from "./redis-server.ts";
import { client, introspectionsOf, outcomeOf, verifierWith } from "./verifiers.ts";

/** A cache that counts its reads, in total and concurrent. */
interface CountingCache extends IntrospectionCache {
  readonly total: () => number;
  readonly maximum: () => number;
}

/** Counts the reads of a cache, and discards writes. */
function counting(cache: IntrospectionCache): CountingCache {
  let [running, total, maximum] = [0, 0, 0];
  return {
    total: () => total,
    maximum: () => maximum,
    async get(name) {
      running += 1;
      total += 1;
      maximum = Math.max(maximum, running);
      try {
        return await cache.get(name);
      } finally {
        running -= 1;
      }
    },
    // A write after the end of the test would open another connection.
    set: async () => true,
  };
}

describeWithProgram(redisBinary, "a flood of garbage tokens", () => {
  test("causes at most 64 concurrent reads of Redis, and a valid token is accepted afterwards", async () => {
    const redis = await startRedis();
    const issuer = await createIssuer();
    onTestFinished(issuer.close);
    const keyv = createIntrospectionCache({ socket: { path: redis.socket, tls: false } }, ({ message }) =>
      expect.unreachable(message),
    );
    onTestFinished(() => keyv.disconnect());
    await keyv.get("nothing");
    const cache = counting(keyv);
    const verifier = verifierWith(cache, issuer);
    await verifier.ready();

    const garbage = Array.from({ length: 500 }, (_, index) => `garbage-${index}`);
    const outcomes = await Promise.all(garbage.map((token) => outcomeOf(verifier, token, client)));
    expect(cache.maximum()).toBe(64);
    expect(outcomes.filter((outcome) => outcome === "ERR_TOKEN_INACTIVE")).toHaveLength(cache.total());
    expect(outcomes.filter((outcome) => outcome === "ERR_INTROSPECTION_UNAVAILABLE")).toHaveLength(500 - cache.total());
    expect(introspectionsOf(issuer)).toBe(cache.total());

    const token = await issuer.opaqueToken({ boundTo: client });
    expect(await outcomeOf(verifier, token, client)).toBe("accepted");
  });
});
