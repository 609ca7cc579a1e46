import { generateKeyPairSync } from "node:crypto";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { describe, expect, test, vi } from "vitest";
import { boundedFetch } from "../../../src/issuer/issuer-request.ts";
import type { VerificationKey } from "../../../src/issuer/keys/key-set.ts";
import type { KeySource } from "../../../src/issuer/keys/key-source.ts";
import { createRemoteKeys } from "../../../src/issuer/keys/remote-keys.ts";
import {
  type Responder,
  type Endpoint,
  endless,
  hangUp,
  json,
  redirect,
  startEndpoint,
  status,
  text,
} from "../../support/endpoint.ts";
import { keyCreations } from "../../support/key-creations.ts";
import { type Outcome, outcomeOf, rejectionOf } from "../../support/outcome.ts";

const issuer = "https://issuer.example";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

const [old, current] = await Promise.all(["old", "new"].map(generateJwk));
const strong = {
  ...generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" }),
  kid: "new",
};
const weak = { ...generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" }), kid: "new" };

async function generateJwk(kid: string): Promise<JWK> {
  const { publicKey } = await generateKeyPair("ES256", { extractable: true });
  return { ...(await exportJWK(publicKey)), kid };
}

const set = (...keys: readonly (JWK | undefined)[]): Responder => json({ keys });

interface Arrangement {
  readonly endpoint: Endpoint;
  readonly keys: KeySource;
  readonly pass: (milliseconds: number) => void;
  /** Looks for a key by its kid. */
  readonly find: (keyId: string) => Promise<Outcome>;
  /** Returns the number of fetches so far. */
  readonly fetches: () => number;
}

/** Starts an issuer with the given response, and creates a key source whose clock the test controls. */
async function arrange(responder: Responder): Promise<Arrangement> {
  const endpoint = await startEndpoint(responder);
  let time = 1_000_000;
  let fetches = 0;
  const keys = createRemoteKeys({
    issuers: [issuer],
    locate: async () => {
      fetches += 1;
      return new URL("/jwks", endpoint.url);
    },
    fetch: boundedFetch(fetch),
    elapsed: () => time,
  });
  return {
    endpoint,
    keys,
    pass: (milliseconds) => {
      time += milliseconds;
    },
    find: (keyId) => outcomeOf(keys.find({ algorithm: "ES256", keyId })),
    fetches: () => fetches,
  };
}

/** Responses without usable keys, of an issuer or of a proxy or another server. */
const badResponses: readonly (readonly [string, Responder])[] = [
  ["status 500", status(500, { keys: [current] })],
  ["status 404", status(404, { keys: [current] })],
  ["status 201", status(201, { keys: [current] })],
  ["a redirect", redirect("/elsewhere")],
  ["HTML", text("<!doctype html><title>Sign in</title>", "text/html")],
  ["an empty body", text("", "application/json")],
  ["half a document", text('{"keys":[{"kty":"EC"', "application/json")],
  ["an array", json([current])],
  ["null", json(null)],
  ["an object without keys", json({ jwks: [current] })],
  ["keys that are an object", json({ keys: { 0: current } })],
  ["keys that are not objects", json({ keys: [current, null] })],
  ["a single key", json(current)],
  ["an empty set", json({ keys: [] })],
  ["encryption keys only", json({ keys: [{ ...current, use: "enc" }] })],
  ["private keys only", json({ keys: [{ ...current, d: "AAAA" }] })],
  ["symmetric keys only", json({ keys: [{ kty: "oct", k: "AAAA", kid: "new" }] })],
  ["keys of unknown types only", json({ keys: [{ kty: "XYZ", kid: "new" }] })],
  ["RSA keys of 1024 bits only", json({ keys: [weak] })],
  ["points with coordinates of a wrong length only", json({ keys: [{ ...current, y: `${current?.x}AA` }] })],
  ["RSA keys with the exponent 1 only", json({ keys: [{ ...strong, e: "AQ" }] })],
  ["more than 1,000 keys", json({ keys: Array.from({ length: 1001 }, () => current) })],
  ["an endless body", endless],
  ["a closed connection", hangUp],
];

describe("the first fetch", () => {
  test("happens once, when a key is needed", async () => {
    const { find, fetches, endpoint } = await arrange(set(old));
    expect(fetches()).toBe(0);
    expect([await find("old"), await find("old"), await find("old")]).toEqual(["accepted", "accepted", "accepted"]);
    expect(endpoint.requests).toEqual(["/jwks"]);
  });

  test("accepts a key set or JSON", async () => {
    const { url } = await startEndpoint(set(old));
    const accepted: unknown[] = [];
    const keys = createRemoteKeys({
      issuers: [issuer],
      locate: async () => new URL("/jwks", url),
      fetch: async (input, init) => {
        accepted.push(new Headers(init?.headers).get("accept"));
        return fetch(input, init);
      },
    });
    await keys.ready();
    expect(accepted).toEqual(["application/jwk-set+json, application/json"]);
  });

  test("is not repeated by ready() while the keys are fresh", async () => {
    const { keys, pass, fetches } = await arrange(set(old));
    await keys.ready();
    pass(minute);
    await keys.ready();
    expect(fetches()).toBe(1);
    pass(hour);
    await keys.ready();
    expect(fetches()).toBe(2);
  });

  test("is shared by 1000 simultaneous searches (N-06)", async () => {
    const { find, fetches } = await arrange(set(old));
    const outcomes = await Promise.all(Array.from({ length: 1000 }, (_, index) => find(index % 2 ? "old" : "absent")));
    expect(new Set(outcomes)).toEqual(new Set(["accepted", "ERR_TOKEN_KEY_UNKNOWN"]));
    expect(fetches()).toBe(1);
  });

  test.each(badResponses)(
    "causes ERR_KEYS_UNAVAILABLE if the response is %s (N-07, N-08)",
    async (_name, responder) => {
      const { keys, endpoint, pass, find, fetches } = await arrange(responder);
      const error = await rejectionOf(keys.find({ algorithm: "ES256", keyId: "new" }));
      expect(error.code).toBe("ERR_KEYS_UNAVAILABLE");
      expect(error.retryAfter).toBeGreaterThan(0);
      expect(error.detail).not.toContain("unexpectedly");
      expect(fetches()).toBe(1);
      pass(minute);
      endpoint.respondWith(set(current));
      expect(await find("new")).toBe("accepted");
    },
  );

  test("does not quote received data in the error if it fails", async () => {
    const { keys } = await arrange(text('{"MARKER"', "application/json"));
    const error = await rejectionOf(keys.find({ algorithm: "ES256", keyId: "MARKER" }));
    expect(`${error.message} ${error.detail} ${error.stack} ${JSON.stringify(error)}`).not.toContain("MARKER");
    expect(Object.hasOwn(error, "cause")).toBe(false);
  });

  test("is shared by 1000 simultaneous searches even if it fails", async () => {
    const { find, fetches } = await arrange(status(500, {}));
    const outcomes = await Promise.all(Array.from({ length: 1000 }, () => find("old")));
    expect(new Set(outcomes)).toEqual(new Set(["ERR_KEYS_UNAVAILABLE"]));
    expect(fetches()).toBe(1);
  });
});

describe("an unknown kid", () => {
  test("is rejected without another fetch during the cool-down (K-04, N-01)", async () => {
    const { find, fetches, pass } = await arrange(set(old));
    await find("old");
    for (const kid of ["new", "a", "b", "", "__proto__"]) {
      pass(second);
      expect(await find(kid)).toBe("ERR_TOKEN_KEY_UNKNOWN");
    }
    expect(fetches()).toBe(1);
  });

  test("is found by another fetch after the cool-down (N-02)", async () => {
    const { find, fetches, pass, endpoint } = await arrange(set(old));
    await find("old");
    endpoint.respondWith(set(old, current));
    expect(await find("new")).toBe("ERR_TOKEN_KEY_UNKNOWN");
    pass(minute);
    expect([await find("new"), await find("old")]).toEqual(["accepted", "accepted"]);
    expect(fetches()).toBe(2);
  });

  test("causes one fetch for each cool-down, regardless of the number of unknown kids (N-01)", async () => {
    const { find, fetches, pass } = await arrange(set(old));
    await find("old");
    for (let round = 1; round <= 3; round += 1) {
      pass(minute);
      const outcomes = await Promise.all(Array.from({ length: 200 }, (_, index) => find(`${round}-${index}`)));
      expect(new Set(outcomes)).toEqual(new Set(["ERR_TOKEN_KEY_UNKNOWN"]));
      expect(fetches()).toBe(1 + round);
    }
  });

  test("causes ERR_KEYS_UNAVAILABLE if the last fetch failed, because it may be a new key", async () => {
    const { find, fetches, pass, endpoint } = await arrange(set(old));
    await find("old");
    pass(minute);
    endpoint.respondWith(status(500, {}));
    expect(await find("new")).toBe("ERR_KEYS_UNAVAILABLE");
    expect(await find("new")).toBe("ERR_KEYS_UNAVAILABLE");
    expect(await find("old")).toBe("accepted");
    expect(fetches()).toBe(2);
    pass(minute);
    endpoint.respondWith(set(old));
    expect(await find("new")).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("has the same error as a known kid with another algorithm", async () => {
    const { keys } = await arrange(set(old));
    expect(await outcomeOf(keys.find({ algorithm: "ES384", keyId: "old" }))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await outcomeOf(keys.find({ algorithm: "ES256", keyId: "old" }))).toBe("accepted");
  });
});

describe("a key rotation", () => {
  test("removes the old key at the next fetch (N-03)", async () => {
    const { find, pass, endpoint } = await arrange(set(old));
    await find("old");
    endpoint.respondWith(set(current));
    pass(minute);
    expect(await find("old")).toBe("accepted");
    expect(await find("new")).toBe("accepted");
    expect(await find("old")).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("takes effect within a quarter of an hour even if only the old key is used (N-03)", async () => {
    const { find, pass, endpoint } = await arrange(set(old));
    await find("old");
    endpoint.respondWith(set(current));
    pass(hour / 4);
    expect(await find("old")).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await find("new")).toBe("accepted");
  });

  test("replaces a key that keeps its kid", async () => {
    const { keys, pass, endpoint } = await arrange(set(old));
    const [before] = await keys.find({ algorithm: "ES256", keyId: "old" });
    endpoint.respondWith(set({ ...current, kid: "old" }));
    pass(hour / 4);
    const [after] = await keys.find({ algorithm: "ES256", keyId: "old" });
    expect(after).not.toBe(before);
  });
});

describe("a key that find returned", () => {
  const header = { algorithm: "ES256", keyId: "old" };

  test("is held, as the same object, as long as the issuer publishes it", async () => {
    const { keys, find, pass, endpoint } = await arrange(set(old));
    const [key] = (await keys.find(header)) as [VerificationKey];
    endpoint.respondWith(set(current, old));
    pass(minute);
    await find("new");
    expect(keys.holds(key)).toBe(true);
    expect((await keys.find(header))[0]).toBe(key);
    endpoint.respondWith(set(current));
    pass(minute);
    await find("another");
    expect(keys.holds(key)).toBe(false);
  });

  test("is not held by the key source of another issuer with the same key", async () => {
    const [{ keys }, another] = [await arrange(set(old)), await arrange(set(old))];
    const [key] = (await keys.find(header)) as [VerificationKey];
    expect(another.keys.holds(key)).toBe(false);
    expect(another.fetches()).toBe(0);
    await another.find("old");
    expect(another.keys.holds(key)).toBe(false);
    expect(keys.holds(key)).toBe(true);
  });

  test("is refreshed in the background by calls of holds", async () => {
    const { keys, fetches, pass, endpoint } = await arrange(set(old));
    const [key] = (await keys.find(header)) as [VerificationKey];
    endpoint.respondWith(set(current));
    pass(9 * minute);
    expect(keys.holds(key)).toBe(true);
    await vi.waitFor(() => expect(keys.holds(key)).toBe(false));
    expect(fetches()).toBe(2);
  });

  test("is held for its normal time, and for another hour after a failed fetch", async () => {
    const { keys, find, pass, endpoint } = await arrange(set(old));
    const [key] = (await keys.find(header)) as [VerificationKey];
    endpoint.respondWith(status(500, {}));
    pass(11 * minute);
    expect(keys.holds(key)).toBe(false);
    expect(await find("old")).toBe("accepted");
    expect(keys.holds(key)).toBe(true);
    pass(58 * minute);
    expect(keys.holds(key)).toBe(true);
    pass(minute);
    expect(keys.holds(key)).toBe(false);
    expect(await find("old")).toBe("ERR_KEYS_UNAVAILABLE");
  });
});

describe("a key whose import fails", () => {
  const header = { algorithm: "ES256", keyId: "new" };
  const offCurve = { ...current, y: current?.x ?? "" };

  test("counts as absent, so that the keys are fetched again after the cool-down", async () => {
    const { keys, find, fetches, pass, endpoint } = await arrange(set(offCurve));
    const [key] = (await keys.find(header)) as [VerificationKey];
    pass(minute);
    expect(await find("new")).toBe("accepted");
    expect(await key.importFor("ES256")).toBeUndefined();
    expect(await find("new")).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(fetches()).toBe(2);
    endpoint.respondWith(set(current));
    pass(minute);
    expect(await find("new")).toBe("accepted");
  });

  test("is not imported again after another fetch", async () => {
    const { keys, find, pass } = await arrange(set(offCurve, old));
    const creations = keyCreations();
    for (const keyId of ["new", "old"]) {
      const [key] = (await keys.find({ ...header, keyId })) as [VerificationKey];
      await key.importFor("ES256");
    }
    pass(minute);
    expect(await find("new")).toBe("ERR_TOKEN_KEY_UNKNOWN");
    const [key] = (await keys.find({ ...header, keyId: "old" })) as [VerificationKey];
    await key.importFor("ES256");
    expect(creations).toHaveLength(2);
  });
});

describe("an outage", () => {
  test.each(badResponses)(
    "in which the issuer responds with %s does not replace the keys",
    async (_name, responder) => {
      const { find, fetches, pass, endpoint } = await arrange(set(old));
      await find("old");
      endpoint.respondWith(responder);
      pass(hour / 4);
      expect(await find("old")).toBe("accepted");
      expect(fetches()).toBe(2);
      expect(await find("new")).toBe("ERR_KEYS_UNAVAILABLE");
    },
  );

  test("leaves the keys usable for an hour (N-04)", async () => {
    const { find, pass, endpoint } = await arrange(set(old));
    await find("old");
    await endpoint.close();
    pass(hour);
    expect(await find("old")).toBe("accepted");
    pass(hour / 4);
    expect(await find("old")).toBe("ERR_KEYS_UNAVAILABLE");
  });

  test("does not extend the lifetime of the keys with each failed fetch", async () => {
    const { find, pass, endpoint } = await arrange(set(old));
    await find("old");
    endpoint.respondWith(status(503, {}));
    let lived = 0;
    while (lived < 3 * hour && (await find("old")) === "accepted") {
      pass(minute);
      lived += minute;
    }
    expect(lived).toBeGreaterThanOrEqual(hour);
    expect(lived).toBeLessThanOrEqual(1.25 * hour);
  });

  test("causes fewer and fewer fetches, not one for each request (N-04)", async () => {
    const { find, fetches, pass, endpoint } = await arrange(status(500, {}));
    const perMinute: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      const before = fetches();
      for (let step = 0; step < 600; step += 1) {
        expect(await find("old")).toBe("ERR_KEYS_UNAVAILABLE");
        pass(second / 10);
      }
      perMinute.push(fetches() - before);
    }
    const [first = 0, ...later] = perMinute;
    expect(first).toBeLessThanOrEqual(8);
    for (const count of later) expect(count).toBeLessThanOrEqual(2);
    endpoint.respondWith(set(old));
    pass(minute);
    expect(await find("old")).toBe("accepted");
  });

  test("starts with the first back-off delay, even after an earlier outage", async () => {
    const { find, fetches, pass, endpoint } = await arrange(status(500, {}));
    for (let round = 0; round < 8; round += 1) {
      await find("old");
      pass(minute);
    }
    endpoint.respondWith(set(old));
    expect(await find("old")).toBe("accepted");
    endpoint.respondWith(status(500, {}));
    pass(minute);
    expect(await find("new")).toBe("ERR_KEYS_UNAVAILABLE");
    const before = fetches();
    endpoint.respondWith(set(old, current));
    pass(5 * second);
    expect(await find("new")).toBe("accepted");
    expect(fetches()).toBe(before + 1);
  });
});

describe("stale keys", () => {
  test("are used without waiting while the issuer hangs, once a fetch has failed", async () => {
    const { find, pass, endpoint } = await arrange(set(old));
    await find("old");
    endpoint.respondWith(hangUp);
    pass(11 * minute);
    expect(await find("old")).toBe("accepted");
    let respondLate = (): void => {};
    endpoint.respondWith((response, path) => {
      respondLate = () => set(current)(response, path);
    });
    pass(minute);
    expect(await find("old")).toBe("accepted");
    await vi.waitFor(() => expect(endpoint.requests).toHaveLength(3));
    expect(await find("old")).toBe("accepted");
    respondLate();
    await vi.waitFor(async () => expect(await find("old")).toBe("ERR_TOKEN_KEY_UNKNOWN"));
  });

  test("are not used by the first request after a pause, because the issuer may have removed them", async () => {
    const { find, pass, endpoint } = await arrange(set(old));
    await find("old");
    endpoint.respondWith(set(current));
    pass(11 * minute);
    expect(await find("old")).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });
});

describe("a background refresh", () => {
  test("does not delay any request", async () => {
    const { find, fetches, pass, endpoint } = await arrange(set(old));
    await find("old");
    let respondLate = (): void => {};
    endpoint.respondWith((response, path) => {
      respondLate = () => set(current)(response, path);
    });
    pass(9 * minute);
    expect(await find("old")).toBe("accepted");
    expect(await find("old")).toBe("accepted");
    await vi.waitFor(() => expect(endpoint.requests).toHaveLength(2));
    respondLate();
    await vi.waitFor(async () => expect(await find("old")).toBe("ERR_TOKEN_KEY_UNKNOWN"));
    expect(await find("new")).toBe("accepted");
    expect(fetches()).toBe(2);
  });

  test("does not cause an unhandled rejection if it fails, and starts the back-off", async () => {
    const { find, fetches, pass, endpoint } = await arrange(set(old));
    await find("old");
    endpoint.respondWith(hangUp);
    pass(9 * minute);
    expect(await find("old")).toBe("accepted");
    expect(await find("new")).toBe("ERR_KEYS_UNAVAILABLE");
    for (let request = 0; request < 20; request += 1) expect(await find("old")).toBe("accepted");
    expect(fetches()).toBe(2);
  });

  test("does not happen for fresh keys", async () => {
    const { find, fetches, pass } = await arrange(set(old));
    await find("old");
    pass(5 * minute);
    for (let request = 0; request < 20; request += 1) expect(await find("old")).toBe("accepted");
    expect(fetches()).toBe(1);
  });
});

describe("ready", () => {
  test("fetches the keys once, together with a simultaneous search", async () => {
    const { keys, find, fetches } = await arrange(set(old));
    await Promise.all([keys.ready(), keys.ready(), find("old")]);
    await keys.ready();
    expect(fetches()).toBe(1);
  });

  test("rejects with ERR_KEYS_UNAVAILABLE, and succeeds after the issuer has recovered", async () => {
    const { keys, endpoint, pass } = await arrange(status(500, {}));
    expect(await outcomeOf(keys.ready())).toBe("ERR_KEYS_UNAVAILABLE");
    endpoint.respondWith(set(old));
    pass(minute);
    expect(await outcomeOf(keys.ready())).toBe("accepted");
  });

  test("accepts stale keys during an outage", async () => {
    const { keys, endpoint, pass } = await arrange(set(old));
    await keys.ready();
    await endpoint.close();
    pass(hour / 2);
    expect(await outcomeOf(keys.ready())).toBe("accepted");
    pass(hour);
    expect(await outcomeOf(keys.ready())).toBe("ERR_KEYS_UNAVAILABLE");
  });
});

describe("the URL of the keys", () => {
  test("is located for each fetch, and causes ERR_KEYS_UNAVAILABLE if it cannot be located", async () => {
    const { endpoint } = await arrange(set(old));
    const paths = ["/first", "/second"];
    let time = 0;
    const keys = createRemoteKeys({
      issuers: [issuer],
      locate: async () => {
        const path = paths.shift();
        if (path === undefined) throw new Error("MARKER");
        return new URL(path, endpoint.url);
      },
      fetch: boundedFetch(fetch),
      elapsed: () => time,
    });
    await keys.find({ algorithm: "ES256", keyId: "old" });
    time += minute;
    expect(await outcomeOf(keys.find({ algorithm: "ES256", keyId: "new" }))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(endpoint.requests).toEqual(["/first", "/second"]);
    time += minute;
    const error = await rejectionOf(keys.find({ algorithm: "ES256", keyId: "new" }));
    expect(error.code).toBe("ERR_KEYS_UNAVAILABLE");
    expect(`${error.detail} ${error.stack}`).not.toContain("MARKER");
  });
});

describe("a fetch that hangs", () => {
  test("is shared by waiting requests, and does not delay requests with known keys", async () => {
    const { find, pass, endpoint } = await arrange(set(old));
    await find("old");
    let respondLate = (): void => {};
    endpoint.respondWith((response, path) => {
      respondLate = () => set(old, current)(response, path);
    });
    pass(minute);
    const waiting = [find("new"), find("new")];
    await vi.waitFor(() => expect(endpoint.requests).toHaveLength(2));
    expect(await find("old")).toBe("accepted");
    respondLate();
    expect(await Promise.all(waiting)).toEqual(["accepted", "accepted"]);
  });
});
