import { channel } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { describe, expect, test, vi } from "vitest";
import type { AccessTokenError } from "../../../src/errors.ts";
import { type Answer, hangUp, json, redirect, startEndpoint, status, text } from "../../support/endpoint.ts";
import { startHeldEndpoint } from "../../support/held-endpoint.ts";
import { listen } from "../../support/introspection-events.ts";
import { introspectorOf, pass, timesOf } from "../../support/introspector.ts";
import { outcomeOf, rejectionOf } from "../../support/outcome.ts";
import { cacheKey, openStore } from "../../support/stores.ts";

const issuer = "https://issuer.example";
const secret = "MARKER-secret";

/** Everything that an error can show, to a log or to whoever holds it. */
function everything(error: AccessTokenError): string {
  const own = Reflect.ownKeys(error).map((key) => String(Reflect.get(error, key)));
  return [String(error), inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), ...own].join("\n");
}

describe("a question to the issuer", () => {
  test.each([
    ["active", json({ active: true, sub: "MARKER" })],
    ["inactive", json({ active: false, sub: "MARKER" })],
  ] as const)("that is answered with %s is published, with the time that it took", async (outcome, answer) => {
    const { url, waiting, release } = await startHeldEndpoint();
    const times = timesOf();
    const introspector = introspectorOf({ endpoint: url, times, clientSecret: secret });
    const events = listen();
    const asked = outcomeOf(introspector.introspect("MARKER"));
    await waiting(1);
    expect(events.all).toEqual([]);
    pass(times, 1234);
    release(answer);
    await asked;
    expect(events.all).toEqual([{ issuer, outcome, duration: 1234 }]);
  });

  test.each<[string, Answer]>([
    ["an error of the server", status(500, { error: "MARKER" })],
    ["a rejection of the client", status(401, { error: "MARKER", error_description: "MARKER" })],
    ["a redirect", redirect("https://MARKER.example")],
    ["HTML", text("<h1>MARKER</h1>", "text/html")],
    ["half of a document", text('{"active":true,"sub":"MARKER', "application/json")],
    ["an answer that is not boolean", json({ active: "MARKER", sub: "MARKER" })],
    ["a closed connection", hangUp],
  ])(
    "that ends with %s is published as unavailable; neither event nor error tells what was received",
    async (_, answer) => {
      const { url } = await startEndpoint(answer);
      const events = listen();
      const introspector = introspectorOf({ endpoint: `${url}/MARKER`, clientSecret: secret, clientId: "MARKER" });
      const error = await rejectionOf(introspector.introspect("MARKER"));
      expect(events.all).toEqual([{ issuer, outcome: "unavailable", detail: expect.stringMatching(/./) }]);
      expect(error.code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
      expect(`${JSON.stringify(events.all)} ${everything(error)}`).not.toContain("MARKER");
      expect(Object.hasOwn(error, "cause")).toBe(false);
    },
  );

  test("that is rejected for the 64 in flight is published as unavailable", async () => {
    const { url, waiting, releaseAll } = await startHeldEndpoint();
    const introspector = introspectorOf({ endpoint: url });
    const asked = Array.from({ length: 64 }, (_, index) => outcomeOf(introspector.introspect(`token-${index}`)));
    await waiting(64);
    const events = listen();
    await outcomeOf(introspector.introspect("MARKER"));
    expect(events.outcomes()).toEqual(["unavailable"]);
    expect(JSON.stringify(events.all)).not.toContain("MARKER");
    releaseAll(json({ active: true }));
    await Promise.all(asked);
  });

  test("is published once for all who wait for it, and never for what is cached", async () => {
    const { url } = await startEndpoint((response, path) => json({ active: path !== "/inactive" })(response, path));
    const events = listen();
    for (const [path, outcome] of [
      ["/active", "accepted"],
      ["/inactive", "ERR_TOKEN_INACTIVE"],
    ] as const) {
      const introspector = introspectorOf({ endpoint: url + path });
      const ask = () => outcomeOf(introspector.introspect("token"));
      expect(new Set(await Promise.all(Array.from({ length: 100 }, ask)))).toEqual(new Set([outcome]));
      expect(await ask()).toBe(outcome);
    }
    expect(events.outcomes()).toEqual(["active", "inactive"]);
  });

  test("is not published where the shared cache knew the answer", async () => {
    const { url } = await startEndpoint(json({ active: true }));
    const store = openStore();
    const process = () => introspectorOf({ endpoint: url, cache: store.cache, cacheKey });
    const events = listen();
    await process().introspect("token");
    await vi.waitFor(() => expect(store.names()).toHaveLength(1));
    await process().introspect("token");
    expect(events.outcomes()).toEqual(["active"]);
  });

  test("is not published for a clock that fails: that is not the issuer's doing", async () => {
    const { url } = await startEndpoint(json({ active: true }));
    const events = listen();
    const introspector = introspectorOf({ endpoint: url, clock: () => Number.NaN });
    await expect(introspector.introspect("token")).rejects.toThrow(TypeError);
    expect(events.all).toEqual([]);
  });
});

describe("a token that is not active", () => {
  test("is rejected with an error that tells nothing of it", async () => {
    const { url } = await startEndpoint(json({ active: false, sub: "MARKER" }));
    const introspector = introspectorOf({ endpoint: url, clientSecret: secret });
    for (let round = 0; round < 2; round += 1) {
      const error = await rejectionOf(introspector.introspect("MARKER"));
      expect(error.code).toBe("ERR_TOKEN_INACTIVE");
      expect(everything(error)).not.toContain("MARKER");
    }
  });
});

describe("an entry of the shared cache that is not authentic", () => {
  test("is published by the name of the issuer, and by nothing that is in it", async () => {
    const { url } = await startEndpoint(json({ active: true }));
    const store = { get: async () => "MARKER", set: async () => true };
    const events = listen();
    await introspectorOf({ endpoint: url, cache: store, cacheKey: `MARKER${cacheKey}` }).introspect("MARKER");
    expect(events.all[0]).toEqual({ issuer, outcome: "cache-refused", detail: expect.stringMatching(/./) });
    expect(JSON.stringify(events.all)).not.toContain("MARKER");
  });
});

describe("without anybody who listens", () => {
  test("nothing is published", async () => {
    const { url } = await startEndpoint(json({ active: true }));
    const publish = vi.spyOn(channel("certbound:introspection"), "publish");
    await introspectorOf({ endpoint: url }).introspect("token");
    expect(publish).not.toHaveBeenCalled();
    publish.mockRestore();
  });
});
