import { describe, expect, test } from "vitest";
import type { Introspector } from "../../../src/issuer/introspection/introspector.ts";
import { createVerifier } from "../../../src/verifier.ts";
import { json, startEndpoint, status } from "../../support/endpoint.ts";
import { startHeldEndpoint } from "../../support/held-endpoint.ts";
import { asking, introspectorOf, pass, questions, timesOf } from "../../support/introspector.ts";
import { outcomeOf } from "../../support/outcome.ts";
import { client, now, startIssuerInTest } from "../../support/verification.ts";

const second = 1000;
const active = json({ active: true });
const inactive = json({ active: false });

/** Asks about one and the same token. */
const askWith = (introspector: Introspector) => () => outcomeOf(introspector.introspect("token"));

describe("what is said of an active token", () => {
  test.each([
    [undefined, 30],
    [1, 1],
    [0.5, 0.5],
    [30, 30],
    [3600, 3600],
  ])("is used for a cacheDuration of %s, in seconds, and no longer", async (cacheDuration, duration) => {
    const { url, requests } = await startEndpoint(active);
    const times = timesOf();
    const ask = askWith(introspectorOf({ endpoint: url, times, cacheDuration }));
    await ask();
    pass(times, duration * second - 1);
    expect(await ask()).toBe("accepted");
    expect(requests).toHaveLength(1);
    pass(times, 2);
    expect(await ask()).toBe("accepted");
    expect(requests).toHaveLength(2);
  });

  test("is not used at all with a cacheDuration of 0", async () => {
    const { url, requests } = await startEndpoint(active);
    const ask = askWith(introspectorOf({ endpoint: url, cacheDuration: 0 }));
    expect([await ask(), await ask(), await ask()]).toEqual(["accepted", "accepted", "accepted"]);
    expect(requests).toHaveLength(3);
  });

  test("is not prolonged by using it", async () => {
    const { url, requests } = await startEndpoint(active);
    const times = timesOf();
    const ask = askWith(introspectorOf({ endpoint: url, times }));
    await ask();
    for (let step = 0; step < 31; step += 1) {
      pass(times, second);
      await ask();
    }
    expect(requests).toHaveLength(2);
  });

  test("ages while the issuer takes its time to answer", async () => {
    const { url, requests, waiting, release } = await startHeldEndpoint();
    const times = timesOf();
    const ask = askWith(introspectorOf({ endpoint: url, times }));
    const first = ask();
    await waiting(1);
    pass(times, 4 * second);
    release(active);
    await first;
    pass(times, 26 * second - 1);
    expect(await ask()).toBe("accepted");
    expect(requests).toHaveLength(1);
    pass(times, 2);
    const again = ask();
    await waiting(1);
    release(inactive);
    expect(await again).toBe("ERR_TOKEN_INACTIVE");
  });

  test.each([
    ["back", -3600 * second],
    ["on", 20 * second],
  ])("ages by the time that has elapsed, when the wall clock is set %s", async (_name, change) => {
    const { url, requests } = await startEndpoint(active);
    const times = timesOf();
    const ask = askWith(introspectorOf({ endpoint: url, times }));
    await ask();
    times.clock += change;
    times.elapsed += 30 * second - 1;
    await ask();
    expect(requests).toHaveLength(1);
    times.elapsed += 2;
    await ask();
    expect(requests).toHaveLength(2);
  });

  test("is not kept when the wall clock was set back while the issuer was asked", async () => {
    const { url, waiting, release } = await startHeldEndpoint();
    const times = timesOf();
    const ask = askWith(introspectorOf({ endpoint: url, times }));
    const first = ask();
    await waiting(1);
    times.clock -= 3600 * second;
    release(active);
    expect(await first).toBe("accepted");
    const again = ask();
    await waiting(1);
    release(active);
    expect(await again).toBe("accepted");
  });

  test("ends a revoked token when it is asked about again, and not before", async () => {
    const issuer = await startIssuerInTest();
    const times = timesOf();
    const introspector = introspectorOf({ ...asking(issuer), times });
    const token = await issuer.opaqueToken();
    const ask = () => outcomeOf(introspector.introspect(token));
    await ask();
    issuer.revoke(token);
    pass(times, 29 * second);
    expect(await ask()).toBe("accepted");
    pass(times, 2 * second);
    expect(await ask()).toBe("ERR_TOKEN_INACTIVE");
  });

  test("is not used past the exp of the token, and nobody is asked about it then", async () => {
    const issuer = await startIssuerInTest();
    let time = now;
    const { issuer: name, endpoint, ...credentials } = asking(issuer);
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
    expect(questions(issuer)).toBe(1);
  });
});

describe("that a token is not active", () => {
  test.each([
    [undefined, 10],
    [3600, 10],
    [10, 10],
    [5, 5],
    [1, 1],
  ])("is cached with a cacheDuration of %s for %d s", async (cacheDuration, duration) => {
    const { url, requests, answer } = await startEndpoint(inactive);
    const times = timesOf();
    const ask = askWith(introspectorOf({ endpoint: url, times, cacheDuration }));
    await ask();
    answer(active);
    pass(times, duration * second - 1);
    expect(await ask()).toBe("ERR_TOKEN_INACTIVE");
    expect(requests).toHaveLength(1);
    pass(times, 2);
    expect(await ask()).toBe("accepted");
    expect(requests).toHaveLength(2);
  });

  test("is not cached with a cacheDuration of 0", async () => {
    const { url, answer } = await startEndpoint(inactive);
    const ask = askWith(introspectorOf({ endpoint: url, cacheDuration: 0 }));
    expect(await ask()).toBe("ERR_TOKEN_INACTIVE");
    answer(active);
    expect(await ask()).toBe("accepted");
    answer(inactive);
    expect(await ask()).toBe("ERR_TOKEN_INACTIVE");
  });
});

describe("that the issuer could not be asked", () => {
  test("is not cached, and makes nothing that is cached unusable", async () => {
    const { url, requests, answer } = await startEndpoint(active);
    const times = timesOf();
    const introspector = introspectorOf({ endpoint: url, times });
    const ask = askWith(introspector);
    await ask();
    answer(status(503, {}));
    expect(await outcomeOf(introspector.introspect("other"))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(await ask()).toBe("accepted");
    pass(times, 31 * second);
    expect([await ask(), await ask()]).toEqual(["ERR_INTROSPECTION_UNAVAILABLE", "ERR_INTROSPECTION_UNAVAILABLE"]);
    expect(requests).toHaveLength(4);
    answer(active);
    expect(await ask()).toBe("accepted");
  });
});

describe("an answer", () => {
  test("is frozen with all that it holds, each time it is given", async () => {
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
