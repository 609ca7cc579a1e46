import type { IntrospectionCache } from "@certbound/core";
import { createIssuer } from "@certbound/testing";
import { expect, onTestFinished, test } from "vitest";
import { describeWithProgram } from "../helpers/program.ts";
import { createIntrospectionCache } from "./introspection-cache.js";
import { redisBinary, startRedis } from "./redis-server.ts";
import { client, introspectionsOf, outcomeOf, verifierWith } from "./verifiers.ts";

/** A cache together with how many reads of it there were, in all and at a time. */
interface CountingCache extends IntrospectionCache {
  readonly total: () => number;
  readonly most: () => number;
}

/** Counts the reads of a cache; drops what is written. */
function counting(cache: IntrospectionCache): CountingCache {
  let [running, total, most] = [0, 0, 0];
  return {
    total: () => total,
    most: () => most,
    async get(name) {
      running += 1;
      total += 1;
      most = Math.max(most, running);
      try {
        return await cache.get(name);
      } finally {
        running -= 1;
      }
    },
    // A write that came after the end of the test would open another connection.
    set: async () => true,
  };
}

describeWithProgram(redisBinary, "a flood of garbage tokens", () => {
  test("makes 64 reads of Redis at a time at most, and tokens are accepted after it", async () => {
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
    expect(cache.most()).toBe(64);
    expect(outcomes.filter((outcome) => outcome === "ERR_TOKEN_INACTIVE")).toHaveLength(cache.total());
    expect(outcomes.filter((outcome) => outcome === "ERR_INTROSPECTION_UNAVAILABLE")).toHaveLength(500 - cache.total());
    expect(introspectionsOf(issuer)).toBe(cache.total());

    const token = await issuer.opaqueToken({ boundTo: client });
    expect(await outcomeOf(verifier, token, client)).toBe("accepted");
  });
});
