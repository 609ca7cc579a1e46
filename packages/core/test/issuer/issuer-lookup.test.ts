import { describe, expect, test } from "vitest";
import { createIssuerLookup } from "../../src/issuer/issuer-lookup.ts";
import { AccessTokenError } from "../../src/errors.ts";
import type { IssuerConfiguration, IssuerFunction } from "../../src/options/configuration.ts";
import { outcomeOf } from "../support/outcome.ts";

const minute = 60_000;

interface Found {
  readonly name: string;
  readonly isPermitted: () => boolean;
}

/** Creates a lookup with a clock that the test controls, and a list of the names that the function was called with. */
function lookUpWith(find: (iss: string) => unknown) {
  let time = 1_000_000;
  const called: string[] = [];
  const lookUp = createIssuerLookup<Found>(
    {
      find: ((iss) => {
        called.push(iss);
        return find(iss);
      }) as IssuerFunction,
      parse: (returned, issuer) => {
        if (returned === "invalid") throw new TypeError("invalid");
        if (returned === "getter") throw new AccessTokenError("ERR_TOKEN_EXPIRED");
        return { issuer } as IssuerConfiguration;
      },
    },
    ({ configuration, isPermitted }) => ({ name: configuration.issuer, isPermitted }),
    () => time,
  );
  const pass = (milliseconds: number): void => {
    time += milliseconds;
  };
  return { lookUp, called, pass };
}

/** Creates a function whose calls the test settles. */
function pendingFunction() {
  const releases: ((result: unknown) => void)[] = [];
  const find = () => new Promise((resolve) => releases.push(resolve));
  return { find, releases };
}

const accepts = (iss: string) => ({ issuer: iss });

describe("an issuer that the function returns", () => {
  test.each([
    ["synchronously", accepts],
    ["asynchronously", async (iss: string) => accepts(iss)],
  ])("is found (returned %s), and no other issuer is", async (_when, find) => {
    const { lookUp } = lookUpWith((iss) => (iss === "a" ? find(iss) : undefined));
    expect(await lookUp("a")).toMatchObject({ name: "a" });
    expect(await lookUp("b")).toBeUndefined();
  });

  test("is cached and permitted for 10 minutes", async () => {
    const { lookUp, called, pass } = lookUpWith(accepts);
    const first = await lookUp("a");
    pass(10 * minute - 1);
    expect([await lookUp("a"), first?.isPermitted(), called]).toEqual([first, true, ["a"]]);
    pass(1);
    expect(first?.isPermitted()).toBe(false);
    const second = await lookUp("a");
    expect([second === first, second?.isPermitted(), called]).toEqual([false, true, ["a", "a"]]);
  });

  test("is permitted from the start of the call, not from its end", async () => {
    const { find, releases } = pendingFunction();
    const { lookUp, pass } = lookUpWith(find);
    const found = lookUp("a");
    pass(minute);
    releases[0]?.({});
    const issuer = await found;
    pass(9 * minute - 1);
    expect(issuer?.isPermitted()).toBe(true);
    pass(1);
    expect(issuer?.isPermitted()).toBe(false);
  });

  test("is not evicted by tokens from unknown issuers, but by the 1,001st known issuer", async () => {
    const { lookUp, called } = lookUpWith((iss) => (iss.startsWith("known") ? accepts(iss) : undefined));
    for (let index = 0; index < 1000; index += 1) await lookUp(`known-${index}`);
    for (let index = 0; index < 1500; index += 1) await lookUp(`other-${index}`);
    called.length = 0;
    await lookUp("known-0");
    expect(called).toEqual([]);
    await lookUp("known-1000");
    await lookUp("known-1");
    expect(called).toEqual(["known-1000", "known-1"]);
  });
});

describe("an issuer that the function does not return", () => {
  test("is looked up again after 10 s", async () => {
    const { lookUp, called, pass } = lookUpWith(() => undefined);
    expect(await lookUp("a")).toBeUndefined();
    pass(9999);
    expect([await lookUp("a"), called]).toEqual([undefined, ["a"]]);
    pass(1);
    expect([await lookUp("a"), called]).toEqual([undefined, ["a", "a"]]);
  });

  test.each([
    ["not a string", 1],
    ["missing", undefined],
    ["a list", ["a"]],
    ["empty", ""],
    ["longer than 1,024 characters", "a".repeat(1025)],
  ])("is rejected without a call of the function if iss is %s", async (_kind, name) => {
    const { lookUp, called } = lookUpWith(accepts);
    expect([await lookUp(name), called]).toEqual([undefined, []]);
    expect(await lookUp("a".repeat(1024))).toBeDefined();
  });
});

describe("a failure of the function", () => {
  test.each<[string, () => unknown]>([
    [
      "an error",
      () => {
        throw new Error("database");
      },
    ],
    ["a rejected promise", async () => Promise.reject(new Error("database"))],
    ["a result of the wrong type", () => "invalid"],
    ["a result with a getter that throws an AccessTokenError", () => "getter"],
  ])("is not an AccessTokenError, and is cached for 1 s: %s", async (_kind, find) => {
    const { lookUp, called, pass } = lookUpWith(find);
    const failure = await lookUp("a").catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toHaveProperty("code");
    pass(999);
    expect([await lookUp("a").catch((error: unknown) => error), called]).toEqual([failure, ["a"]]);
    pass(1);
    await lookUp("a").catch(() => {});
    expect(called).toEqual(["a", "a"]);
  });

  test("does not remove another issuer from the cache", async () => {
    const { lookUp } = lookUpWith((iss) => (iss === "a" ? accepts(iss) : "invalid"));
    await lookUp("a");
    await expect(lookUp("b")).rejects.toThrow("invalid");
    expect(await lookUp("a")).toBeDefined();
  });
});

describe("concurrent lookups", () => {
  test("share a call if they have the same issuer", async () => {
    const { find, releases } = pendingFunction();
    const { lookUp, called } = lookUpWith(find);
    const found = Promise.all(Array.from({ length: 100 }, () => lookUp("a")));
    expect(called).toEqual(["a"]);
    releases[0]?.({});
    expect(new Set(await found).size).toBe(1);
  });

  test("make at most 64 calls at once: a further lookup is rejected with 503, and can be repeated later", async () => {
    const { find, releases } = pendingFunction();
    const { lookUp, called } = lookUpWith(find);
    const outcomes = Array.from({ length: 65 }, (_, index) => outcomeOf(lookUp(`a-${index}`)));
    expect(await outcomes[64]).toBe("ERR_KEYS_UNAVAILABLE");
    for (const release of releases) release({});
    expect(await Promise.all(outcomes.slice(0, 64))).toEqual(Array.from({ length: 64 }, () => "accepted"));
    const last = lookUp("a-64");
    releases.at(-1)?.({});
    expect([await outcomeOf(last), called.length]).toEqual(["accepted", 65]);
  });
});

test("createIssuerLookup has a default clock", async () => {
  const lookUp = createIssuerLookup(
    { find: () => undefined, parse: () => ({}) as IssuerConfiguration },
    (found) => found,
  );
  expect(await lookUp("a")).toBeUndefined();
});
