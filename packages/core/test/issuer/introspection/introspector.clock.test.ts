import { describe, expect, test } from "vitest";
import { AccessTokenError } from "../../../src/errors.ts";
import { json, startEndpoint } from "../../support/endpoint.ts";
import { introspectorOf } from "../../support/introspector.ts";
import { outcomeOf, reasonOf } from "../../support/outcome.ts";
import { now } from "../../support/verification.ts";

const active = json({ active: true });

describe("a wall clock that fails", () => {
  const fail = (): number => {
    throw new Error("no time");
  };
  const broken: readonly (readonly [string, () => number])[] = [
    ["gives NaN", () => Number.NaN],
    ["gives nothing", () => undefined as unknown as number],
    ["throws", fail],
    [
      "throws a rejection, which it must not pass off as one",
      () => {
        throw new AccessTokenError("ERR_TOKEN_INACTIVE");
      },
    ],
  ];

  async function expectMistake(attempt: Promise<unknown>): Promise<void> {
    const reason = await reasonOf(attempt);
    expect(reason).toBeInstanceOf(TypeError);
    expect(reason).not.toBeInstanceOf(AccessTokenError);
  }

  test.each(broken)("and %s is a mistake of the application, and nobody is asked", async (_name, clock) => {
    const endpoint = await startEndpoint(active);
    const introspector = introspectorOf({ endpoint: endpoint.url, clock });
    await expectMistake(introspector.introspect("token"));
    await expectMistake(introspector.ready());
    expect(endpoint.requests).toEqual([]);
  });

  test.each(broken)("and %s is one for a token that is cached, too", async (_name, failing) => {
    const endpoint = await startEndpoint(active);
    let clock = now;
    const introspector = introspectorOf({ endpoint: endpoint.url, clock: () => (clock === 0 ? failing() : clock) });
    await introspector.introspect("token");
    clock = 0;
    await expectMistake(introspector.introspect("token"));
  });

  test.each([1, 2, 3, 4])("after %d readings is one, and takes up no place of the 64", async (readings) => {
    const endpoint = await startEndpoint(active);
    let left = Number.POSITIVE_INFINITY;
    const introspector = introspectorOf({ endpoint: endpoint.url, clock: () => ((left -= 1) < 0 ? fail() : now) });
    const kinds = new Set<string>();
    for (let attempt = 0; attempt < 70; attempt += 1) {
      left = readings;
      kinds.add(
        await introspector.introspect(`token-${attempt}`).then(
          () => "accepted",
          (error: unknown) => (error instanceof TypeError ? "mistake" : "rejected"),
        ),
      );
    }
    expect(kinds).not.toContain("rejected");
    left = Number.POSITIVE_INFINITY;
    expect(await outcomeOf(introspector.introspect("good"))).toBe("accepted");
  });
});
