import { createHash } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import type { IntrospectionCache } from "../../../src/options/introspection-configuration.ts";
import { createSharedCache } from "../../../src/issuer/introspection/shared-cache.ts";
import { json } from "../../support/endpoint.ts";
import { entries, onlyEntry, startFleet } from "../../support/fleet.ts";
import { startHeldEndpoint } from "../../support/held-endpoint.ts";
import { listen } from "../../support/introspection-events.ts";
import {
  introspectorOf,
  type IntrospectorOptions,
  pass,
  introspectionCount,
  type Times,
  timesOf,
} from "../../support/introspector.ts";
import { outcomeOf } from "../../support/outcome.ts";
import { cacheKey } from "../../support/stores.ts";
import { client, now } from "../../support/verification.ts";

const second = 1000;

describe("an entry that is not authentic", () => {
  test("is reported, and replaced by the response to a new request", async () => {
    const events = listen();
    const { issuer, store, token, join } = await startFleet();
    const [name] = await onlyEntry(store);
    const planted = { response: { active: true, sub: "admin" }, askedAt: now };
    await store.plant(name, JSON.stringify(planted));
    expect(await join().introspect(token)).toMatchObject({ sub: "user-1" });
    expect(events.outcomes()).toEqual(["active", "cache-refused", "active"]);
    await vi.waitFor(async () => expect((await store.values())[name]).not.toBe(JSON.stringify(planted)), {
      interval: 1,
    });
    expect(await join().introspect(token)).toMatchObject({ sub: "user-1" });
    expect(introspectionCount(issuer)).toBe(2);
  });

  test("does not make a revoked token active", async () => {
    const { issuer, store, token, join } = await startFleet();
    const admin = await issuer.opaqueToken({ claims: { sub: "admin" } });
    await join().introspect(admin);
    await entries(store, 2);
    const [entry, adminEntry] = Object.entries(await store.values());
    issuer.revoke(token);
    await store.plant(entry?.[0] ?? "", adminEntry?.[1]);
    expect(await outcomeOf(join().introspect(token))).toBe("ERR_TOKEN_INACTIVE");
  });
});

describe("an entry for an inactive token", () => {
  test("is not used, even if it is authentic", async () => {
    const { issuer, store, join } = await startFleet();
    const token = await issuer.opaqueToken();
    const { clientId } = issuer.introspectionClient;
    const endpoint = issuer.introspectionEndpoint.href;
    const subject = { issuer: issuer.issuer, endpoint, clientId, signedResponse: false, token };
    const inactive = { response: { active: false }, askedAt: now };
    await createSharedCache({ store: store.cache, key: cacheKey }).write(subject, inactive, second);
    expect(await outcomeOf(join().introspect(token))).toBe("accepted");
    expect(introspectionCount(issuer)).toBe(2);
    expect(store.names()).toHaveLength(2);
  });
});

describe("the time to live of a store entry", () => {
  /** The time to live of the last entry that a test writes. Once the store has received it, all earlier writes are complete. */
  const last = 2 * second;

  /** Introspects a token, runs a callback while the request is in flight, and returns the times to live of the entries. */
  async function timesToLive(
    response: object,
    options: IntrospectorOptions = {},
    meanwhile: (times: Times) => void = () => {},
  ): Promise<number[]> {
    const { url, waiting, release } = await startHeldEndpoint();
    const timesReceived: number[] = [];
    const cache: IntrospectionCache = {
      get: async () => undefined,
      set: async (_name, _value, timeToLive) => timesReceived.push(timeToLive),
    };
    const times = timesOf();
    const introspector = introspectorOf({ endpoint: url, times, cache, cacheKey, ...options });
    const introspection = introspector.introspect("token");
    await waiting(1, { interval: 1 });
    meanwhile(times);
    release(json({ active: true, ...response }));
    await introspection;
    const next = introspector.introspect("next");
    await waiting(1);
    release(json({ active: true, exp: (times.clock + last) / second }));
    await next;
    await vi.waitFor(() => expect(timesReceived).toContain(last), { interval: 1 });
    return timesReceived.filter((time) => time !== last);
  }

  const seconds = now / second;

  test.each([
    ["30 s by default", undefined, 30],
    ["60 s", 60, 60],
    ["3600 s", 3600, 3600],
  ])("is cacheDuration: %s", async (_name, cacheDuration, duration) => {
    expect(await timesToLive({}, { cacheDuration })).toEqual([duration * second]);
    expect(await timesToLive({ exp: seconds + 4000 }, { cacheDuration })).toEqual([duration * second]);
  });

  test.each([
    ["29 s if the token expires in 29 s", 29, 29 * second],
    ["1 s if the token expires in 1 s", 1, second],
    ["1 ms if the token expires in 1.5 ms", 0.0015, 1],
  ])("is limited by the exp of the token: %s", async (_name, expiresIn, time) => {
    expect(await timesToLive({ exp: seconds + expiresIn })).toEqual([time]);
  });

  test.each([
    ["expires now", 0],
    ["expires in 0.5 ms", 0.0005],
    ["expired 1 s ago", -1],
    ["expired an hour ago", -3600],
    ["expired in 1970", -seconds],
  ])("is not positive if the token %s, so the entry is not written", async (_name, expiresIn) => {
    expect(await timesToLive({ exp: seconds + expiresIn })).toEqual([]);
  });

  test("is reduced by the duration of the request", async () => {
    const delay = (times: Times) => pass(times, 4 * second);
    expect(await timesToLive({}, {}, delay)).toEqual([26 * second]);
    expect(await timesToLive({ exp: seconds + 10 }, {}, delay)).toEqual([6 * second]);
    expect(await timesToLive({ exp: seconds + 4 }, {}, delay)).toEqual([]);
    expect(await timesToLive({}, { cacheDuration: 3 }, delay)).toEqual([]);
  });

  test.each([
    ["5 s: the entry is written for 30 s", -5 * second, [30 * second]],
    ["more than 5 s: the entry is not written", -5 * second - 1, []],
    ["an hour: the entry is not written", -3600 * second, []],
  ])("is not increased if the wall clock is set back during the request by %s", async (_name, change, expected) => {
    const setBack = (times: Times): void => void (times.clock += change);
    expect(await timesToLive({}, {}, setBack)).toEqual(expected);
  });
});

describe("a reader of the store", () => {
  test("does not find tokens or claims", async () => {
    const { store, token } = await startFleet();
    const values = await store.values();
    const decoded = Object.values(values).flatMap((value) =>
      String(value)
        .split(".")
        .map((part) => Buffer.from(part, "base64url").toString("latin1")),
    );
    const seen = [store.content(), ...decoded].join("\n");
    expect(seen).toContain("certbound:introspection:");
    const digest = createHash("sha256").update(token).digest();
    const secrets = [token, "user-1", client.thumbprint, "x5t#S256", "client_id", "api", cacheKey, "active"];
    const forms = secrets.map((text) => Buffer.from(text)).concat(digest);
    const encodings = ["utf8", "base64", "base64url", "hex"] as const;
    const written = forms.flatMap((form) => encodings.map((encoding) => form.toString(encoding)));
    expect(written.filter((text) => seen.includes(text))).toEqual([]);
  });
});
