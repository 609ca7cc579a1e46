import { describe, expect, test } from "vitest";
import type { Introspector } from "../../../src/issuer/introspection/introspector.ts";
import { createVerifier } from "../../../src/verifier.ts";
import { json, startEndpoint, status } from "../../support/endpoint.ts";
import { startHeldEndpoint } from "../../support/held-endpoint.ts";
import {
  introspectionOptionsOf,
  introspectorOf,
  pass,
  introspectionCount,
  timesOf,
} from "../../support/introspector.ts";
import { outcomeOf } from "../../support/outcome.ts";
import { client, now, startIssuerInTest } from "../../support/verification.ts";

const second = 1000;
const active = json({ active: true });
const inactive = json({ active: false });

/** Creates a function that introspects one token. */
const introspectionWith = (introspector: Introspector) => () => outcomeOf(introspector.introspect("token"));

describe("the response for an active token", () => {
  test.each([
    ["the default cacheDuration", 30, undefined],
    ["a cacheDuration of 1", 1, 1],
    ["a cacheDuration of 0.5", 0.5, 0.5],
    ["a cacheDuration of 30", 30, 30],
    ["a cacheDuration of 3600", 3600, 3600],
  ])("is used, with %s, for %s s", async (_name, duration, cacheDuration) => {
    const { url, requests } = await startEndpoint(active);
    const times = timesOf();
    const introspect = introspectionWith(introspectorOf({ endpoint: url, times, cacheDuration }));
    await introspect();
    pass(times, duration * second - 1);
    expect(await introspect()).toBe("accepted");
    expect(requests).toHaveLength(1);
    pass(times, 2);
    expect(await introspect()).toBe("accepted");
    expect(requests).toHaveLength(2);
  });

  test("is not used at all with a cacheDuration of 0", async () => {
    const { url, requests } = await startEndpoint(active);
    const introspect = introspectionWith(introspectorOf({ endpoint: url, cacheDuration: 0 }));
    expect([await introspect(), await introspect(), await introspect()]).toEqual(["accepted", "accepted", "accepted"]);
    expect(requests).toHaveLength(3);
  });

  test("is not used for longer if it is used often", async () => {
    const { url, requests } = await startEndpoint(active);
    const times = timesOf();
    const introspect = introspectionWith(introspectorOf({ endpoint: url, times }));
    await introspect();
    for (let step = 0; step < 31; step += 1) {
      pass(times, second);
      await introspect();
    }
    expect(requests).toHaveLength(2);
  });

  test("ages from the start of the request", async () => {
    const { url, requests, waiting, release } = await startHeldEndpoint();
    const times = timesOf();
    const introspect = introspectionWith(introspectorOf({ endpoint: url, times }));
    const first = introspect();
    await waiting(1);
    pass(times, 4 * second);
    release(active);
    await first;
    pass(times, 26 * second - 1);
    expect(await introspect()).toBe("accepted");
    expect(requests).toHaveLength(1);
    pass(times, 2);
    const again = introspect();
    await waiting(1);
    release(inactive);
    expect(await again).toBe("ERR_TOKEN_INACTIVE");
  });

  test.each([
    ["back", -3600 * second],
    ["forward", 20 * second],
  ])("ages by the monotonic clock if the wall clock is set %s", async (_name, change) => {
    const { url, requests } = await startEndpoint(active);
    const times = timesOf();
    const introspect = introspectionWith(introspectorOf({ endpoint: url, times }));
    await introspect();
    times.clock += change;
    times.elapsed += 30 * second - 1;
    await introspect();
    expect(requests).toHaveLength(1);
    times.elapsed += 2;
    await introspect();
    expect(requests).toHaveLength(2);
  });

  test("is not cached if the wall clock was set back during the request", async () => {
    const { url, waiting, release } = await startHeldEndpoint();
    const times = timesOf();
    const introspect = introspectionWith(introspectorOf({ endpoint: url, times }));
    const first = introspect();
    await waiting(1);
    times.clock -= 3600 * second;
    release(active);
    expect(await first).toBe("accepted");
    const again = introspect();
    await waiting(1);
    release(active);
    expect(await again).toBe("accepted");
  });

  test("is used after a revocation until the next introspection request", async () => {
    const issuer = await startIssuerInTest();
    const times = timesOf();
    const introspector = introspectorOf({ ...introspectionOptionsOf(issuer), times });
    const token = await issuer.opaqueToken();
    const introspect = () => outcomeOf(introspector.introspect(token));
    await introspect();
    issuer.revoke(token);
    pass(times, 29 * second);
    expect(await introspect()).toBe("accepted");
    pass(times, 2 * second);
    expect(await introspect()).toBe("ERR_TOKEN_INACTIVE");
  });

  test("is not used after the exp of the token, and does not cause a new request then", async () => {
    const issuer = await startIssuerInTest();
    let time = now;
    const { issuer: name, endpoint, ...credentials } = introspectionOptionsOf(issuer);
    const verifier = createVerifier({
      issuer: name ?? "",
      audience: issuer.audience,
      jwks: issuer.jwks,
      clock: () => time,
      clockTolerance: 0,
      introspection: { clientId: "", endpoint, cacheDuration: 3600, ...credentials },
    });
    const token = await issuer.opaqueToken({ boundTo: client, expiresIn: 10 });
    const verify = () => outcomeOf(verifier.verify(token, { clientCertificate: client.certificate }));
    await verify();
    time += 10 * second - 1;
    expect(await verify()).toBe("accepted");
    time += 1;
    expect(await verify()).toBe("ERR_TOKEN_EXPIRED");
    expect(introspectionCount(issuer)).toBe(1);
  });
});

describe("the response for an inactive token", () => {
  test.each([
    ["the default cacheDuration", 10, undefined],
    ["a cacheDuration of 3600", 10, 3600],
    ["a cacheDuration of 10", 10, 10],
    ["a cacheDuration of 5", 5, 5],
    ["a cacheDuration of 1", 1, 1],
  ])("is cached, with %s, for %d s", async (_name, duration, cacheDuration) => {
    const { url, requests, respondWith } = await startEndpoint(inactive);
    const times = timesOf();
    const introspect = introspectionWith(introspectorOf({ endpoint: url, times, cacheDuration }));
    await introspect();
    respondWith(active);
    pass(times, duration * second - 1);
    expect(await introspect()).toBe("ERR_TOKEN_INACTIVE");
    expect(requests).toHaveLength(1);
    pass(times, 2);
    expect(await introspect()).toBe("accepted");
    expect(requests).toHaveLength(2);
  });

  test("is not cached with a cacheDuration of 0", async () => {
    const { url, respondWith } = await startEndpoint(inactive);
    const introspect = introspectionWith(introspectorOf({ endpoint: url, cacheDuration: 0 }));
    expect(await introspect()).toBe("ERR_TOKEN_INACTIVE");
    respondWith(active);
    expect(await introspect()).toBe("accepted");
    respondWith(inactive);
    expect(await introspect()).toBe("ERR_TOKEN_INACTIVE");
  });
});

describe("a failed introspection request", () => {
  test("is not cached, and does not affect cached responses", async () => {
    const { url, requests, respondWith } = await startEndpoint(active);
    const times = timesOf();
    const introspector = introspectorOf({ endpoint: url, times });
    const introspect = introspectionWith(introspector);
    await introspect();
    respondWith(status(503, {}));
    expect(await outcomeOf(introspector.introspect("other"))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(await introspect()).toBe("accepted");
    pass(times, 31 * second);
    expect([await introspect(), await introspect()]).toEqual([
      "ERR_INTROSPECTION_UNAVAILABLE",
      "ERR_INTROSPECTION_UNAVAILABLE",
    ]);
    expect(requests).toHaveLength(4);
    respondWith(active);
    expect(await introspect()).toBe("accepted");
  });
});

describe("a response", () => {
  test("is deeply frozen each time it is returned", async () => {
    const { url } = await startEndpoint(json({ active: true, cnf: { "x5t#S256": "x" }, groups: [{ name: "staff" }] }));
    const introspector = introspectorOf({ endpoint: url });
    for (let round = 0; round < 2; round += 1) {
      const { cnf, groups, ...rest } = (await introspector.introspect("token")) as {
        cnf: object;
        groups: readonly object[];
      };
      expect(rest).toEqual({ active: true });
      const parts = [await introspector.introspect("token"), cnf, groups, groups[0]];
      expect(parts.map((part) => Object.isFrozen(part))).toEqual([true, true, true, true]);
    }
  });
});
