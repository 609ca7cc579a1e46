import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { boundedFetch } from "../../../src/issuer/issuer-request.ts";
import { createRemoteKeys } from "../../../src/issuer/keys/remote-keys.ts";
import { json, startEndpoint, status } from "../../support/endpoint.ts";
import { eventsOf } from "../../support/events.ts";
import { outcomeOf } from "../../support/outcome.ts";

const issuer = "https://issuer-of-published-events.example";
const hour = 3_600_000;
const keyOf = (kid: string) => ({
  ...generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" }),
  kid,
});
const [first, second] = [keyOf("first"), keyOf("second")];
const failing = status(500, { keys: [first], error: "MARKER" });

describe("certbound:keys", () => {
  test("publishes fetched, stale and failed fetches of the keys", async () => {
    const endpoint = await startEndpoint(json({ keys: [first, { kty: "oct", k: "AAAA", kid: "MARKER" }] }));
    let time = 1_000_000;
    const keys = createRemoteKeys({
      issuers: [issuer],
      locate: async () => new URL("/MARKER", endpoint.url),
      fetch: async (url, init) => {
        time += 25;
        return boundedFetch(fetch)(url, init);
      },
      elapsed: () => time,
    });
    const events = eventsOf("certbound:keys", issuer);
    const find = (keyId: string) => outcomeOf(keys.find({ algorithm: "ES256", keyId }));
    const fetched = { issuer, outcome: "fetched", keys: 1, duration: 25 };

    expect([await find("first"), await find("first")]).toEqual(["accepted", "accepted"]);
    expect(events).toEqual([fetched]);

    endpoint.respondWith(failing);
    time += hour;
    expect(await find("second")).toBe("ERR_KEYS_UNAVAILABLE");
    const detail = "the key set endpoint responded with status 500";
    expect(events.slice(1)).toEqual([{ issuer, outcome: "stale", detail, duration: 25 }]);
    expect(await find("first")).toBe("accepted");

    time += hour;
    expect(await find("first")).toBe("ERR_KEYS_UNAVAILABLE");
    expect(events.at(-1)).toEqual({ issuer, outcome: "failed", detail, duration: 25 });

    endpoint.respondWith(json({ keys: [first, second] }));
    time += hour;
    expect(await find("second")).toBe("accepted");
    expect(events.at(-1)).toEqual({ ...fetched, keys: 2 });
    expect(events.every((event) => Object.isFrozen(event))).toBe(true);
    expect(JSON.stringify(events)).not.toContain("MARKER");
  });
});
