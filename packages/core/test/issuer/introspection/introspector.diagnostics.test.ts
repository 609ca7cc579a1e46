import { channel } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { describe, expect, test, vi } from "vitest";
import type { AccessTokenError } from "../../../src/errors.ts";
import { type Responder, hangUp, json, redirect, startEndpoint, status, text } from "../../support/endpoint.ts";
import { startHeldEndpoint } from "../../support/held-endpoint.ts";
import { listen } from "../../support/introspection-events.ts";
import { introspectorOf, pass, timesOf } from "../../support/introspector.ts";
import { outcomeOf, rejectionOf } from "../../support/outcome.ts";
import { cacheKey, openStore } from "../../support/stores.ts";

const issuer = "https://issuer.example";
const secret = "MARKER-secret";

/** Returns everything that an error can reveal, in a log or through its members. */
function everythingOf(error: AccessTokenError): string {
  const own = Reflect.ownKeys(error).map((key) => String(Reflect.get(error, key)));
  return [String(error), inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), ...own].join("\n");
}

describe("an introspection request", () => {
  test.each([
    ["active", json({ active: true, sub: "MARKER" })],
    ["inactive", json({ active: false, sub: "MARKER" })],
  ] as const)("is published with its duration if the token is %s", async (outcome, responder) => {
    const { url, waiting, release } = await startHeldEndpoint();
    const times = timesOf();
    const introspector = introspectorOf({ endpoint: url, times, clientSecret: secret });
    const events = listen();
    const introspection = outcomeOf(introspector.introspect("MARKER"));
    await waiting(1);
    expect(events.all).toEqual([]);
    pass(times, 1234);
    release(responder);
    await introspection;
    expect(events.all).toEqual([{ issuer, outcome, duration: 1234 }]);
  });

  test.each<[string, Responder]>([
    ["a server error", status(500, { error: "MARKER" })],
    ["a rejection of the client", status(401, { error: "MARKER", error_description: "MARKER" })],
    ["a redirect", redirect("https://MARKER.example")],
    ["HTML", text("<h1>MARKER</h1>", "text/html")],
    ["half a document", text('{"active":true,"sub":"MARKER', "application/json")],
    ["an active that is not a boolean", json({ active: "MARKER", sub: "MARKER" })],
    ["a closed connection", hangUp],
  ])("is published as unavailable, without received data, if it ends with %s", async (_, responder) => {
    const { url } = await startEndpoint(responder);
    const events = listen();
    const introspector = introspectorOf({ endpoint: `${url}/MARKER`, clientSecret: secret, clientId: "MARKER" });
    const error = await rejectionOf(introspector.introspect("MARKER"));
    expect(events.all).toEqual([{ issuer, outcome: "unavailable", detail: expect.stringMatching(/./) }]);
    expect(error.code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(`${JSON.stringify(events.all)} ${everythingOf(error)}`).not.toContain("MARKER");
    expect(Object.hasOwn(error, "cause")).toBe(false);
  });

  test("is published as unavailable if 64 others are in flight", async () => {
    const { url, waiting, releaseAll } = await startHeldEndpoint();
    const introspector = introspectorOf({ endpoint: url });
    const outcomes = Array.from({ length: 64 }, (_, index) => outcomeOf(introspector.introspect(`token-${index}`)));
    await waiting(64);
    const events = listen();
    await outcomeOf(introspector.introspect("MARKER"));
    expect(events.outcomes()).toEqual(["unavailable"]);
    expect(JSON.stringify(events.all)).not.toContain("MARKER");
    releaseAll(json({ active: true }));
    await Promise.all(outcomes);
  });

  test("is published once for all waiting calls, and not for cached responses", async () => {
    const { url } = await startEndpoint((response, path) => json({ active: path !== "/inactive" })(response, path));
    const events = listen();
    for (const [path, outcome] of [
      ["/active", "accepted"],
      ["/inactive", "ERR_TOKEN_INACTIVE"],
    ] as const) {
      const introspector = introspectorOf({ endpoint: url + path });
      const introspect = () => outcomeOf(introspector.introspect("token"));
      expect(new Set(await Promise.all(Array.from({ length: 100 }, introspect)))).toEqual(new Set([outcome]));
      expect(await introspect()).toBe(outcome);
    }
    expect(events.outcomes()).toEqual(["active", "inactive"]);
  });

  test("is not published if the response is in the shared cache", async () => {
    const { url } = await startEndpoint(json({ active: true }));
    const store = openStore();
    const process = () => introspectorOf({ endpoint: url, cache: store.cache, cacheKey });
    const events = listen();
    await process().introspect("token");
    await vi.waitFor(() => expect(store.names()).toHaveLength(1));
    await process().introspect("token");
    expect(events.outcomes()).toEqual(["active"]);
  });

  test("is not published if the clock fails", async () => {
    const { url } = await startEndpoint(json({ active: true }));
    const events = listen();
    const introspector = introspectorOf({ endpoint: url, clock: () => Number.NaN });
    await expect(introspector.introspect("token")).rejects.toThrow(TypeError);
    expect(events.all).toEqual([]);
  });
});

describe("an inactive token", () => {
  test("is rejected with an error that does not quote the response", async () => {
    const { url } = await startEndpoint(json({ active: false, sub: "MARKER" }));
    const introspector = introspectorOf({ endpoint: url, clientSecret: secret });
    for (let round = 0; round < 2; round += 1) {
      const error = await rejectionOf(introspector.introspect("MARKER"));
      expect(error.code).toBe("ERR_TOKEN_INACTIVE");
      expect(everythingOf(error)).not.toContain("MARKER");
    }
  });
});

describe("an entry of the shared cache that is not authentic", () => {
  test("is published with the issuer, and without its content", async () => {
    const { url } = await startEndpoint(json({ active: true }));
    const store = { get: async () => "MARKER", set: async () => true };
    const events = listen();
    await introspectorOf({ endpoint: url, cache: store, cacheKey: `MARKER${cacheKey}` }).introspect("MARKER");
    expect(events.all[0]).toEqual({ issuer, outcome: "cache-refused", detail: expect.stringMatching(/./) });
    expect(JSON.stringify(events.all)).not.toContain("MARKER");
  });
});

describe("without a subscriber", () => {
  test("no event is published", async () => {
    const { url } = await startEndpoint(json({ active: true }));
    const publish = vi.spyOn(channel("certbound:introspection"), "publish");
    await introspectorOf({ endpoint: url }).introspect("token");
    expect(publish).not.toHaveBeenCalled();
    publish.mockRestore();
  });
});
