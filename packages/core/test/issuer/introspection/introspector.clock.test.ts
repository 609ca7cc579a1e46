import { describe, expect, test } from "vitest";
import { AccessTokenError } from "../../../src/errors.ts";
import { json, startEndpoint } from "../../support/endpoint.ts";
import { introspectorOf } from "../../support/introspector.ts";
import { outcomeOf, reasonOf } from "../../support/outcome.ts";
import { now } from "../../support/verification.ts";

const active = json({ active: true });

describe("the wall clock", () => {
  const fail = (): number => {
    throw new Error("no time");
  };
  const broken: readonly (readonly [string, () => number])[] = [
    ["returns NaN", () => Number.NaN],
    ["returns undefined", () => undefined as unknown as number],
    ["throws an error", fail],
    [
      "throws an AccessTokenError",
      () => {
        throw new AccessTokenError("ERR_TOKEN_INACTIVE");
      },
    ],
  ];

  async function expectApplicationError(attempt: Promise<unknown>): Promise<void> {
    const reason = await reasonOf(attempt);
    expect(reason).toBeInstanceOf(TypeError);
    expect(reason).not.toBeInstanceOf(AccessTokenError);
  }

  test.each(broken)("causes a TypeError and no request if it %s", async (_name, clock) => {
    const endpoint = await startEndpoint(active);
    const introspector = introspectorOf({ endpoint: endpoint.url, clock });
    await expectApplicationError(introspector.introspect("token"));
    await expectApplicationError(introspector.ready());
    expect(endpoint.requests).toEqual([]);
  });

  test.each(broken)("causes a TypeError even for a cached token if it %s", async (_name, failing) => {
    const endpoint = await startEndpoint(active);
    let clock = now;
    const introspector = introspectorOf({ endpoint: endpoint.url, clock: () => (clock === 0 ? failing() : clock) });
    await introspector.introspect("token");
    clock = 0;
    await expectApplicationError(introspector.introspect("token"));
  });

  test.each([1, 2, 3, 4])(
    "does not reduce the limit of 64 requests if it throws after this number of calls: %d",
    async (readings) => {
      const endpoint = await startEndpoint(active);
      let remaining = Number.POSITIVE_INFINITY;
      const introspector = introspectorOf({
        endpoint: endpoint.url,
        clock: () => ((remaining -= 1) < 0 ? fail() : now),
      });
      const outcomes = new Set<string>();
      for (let attempt = 0; attempt < 70; attempt += 1) {
        remaining = readings;
        outcomes.add(
          await introspector.introspect(`token-${attempt}`).then(
            () => "accepted",
            (error: unknown) => (error instanceof TypeError ? "failed" : "rejected"),
          ),
        );
      }
      expect(outcomes).not.toContain("rejected");
      remaining = Number.POSITIVE_INFINITY;
      expect(await outcomeOf(introspector.introspect("good"))).toBe("accepted");
    },
  );
});
