import { describe, expect, test } from "vitest";
import { ClockError, currentTime } from "../../src/runtime/clock.ts";
import { AccessTokenError } from "../../src/errors.ts";

describe("currentTime", () => {
  test.each([
    [1_750_000_000_000, 1_750_000_000],
    [1_750_000_000_999, 1_750_000_000.999],
    [1_000_000_000_000, 1_000_000_000],
  ])("reads %d milliseconds as %d seconds", (milliseconds, seconds) => {
    expect(currentTime(() => milliseconds)).toBe(seconds);
  });

  test("reads the clock anew each time", () => {
    let now = 1_750_000_000_000;
    const clock = () => (now += 1000);
    expect([currentTime(clock), currentTime(clock)]).toEqual([1_750_000_001, 1_750_000_002]);
  });

  test.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    undefined,
    null,
    "1750000000000",
    1_750_000_000_000n,
    new Date(0),
    0,
    -1000,
    999_999_999_999,
    // Seconds instead of milliseconds.
    1_750_000_000,
  ])("rejects %s, by which no token would expire", (time) => {
    expect(() => currentTime(() => time as number)).toThrow(TypeError);
  });
});

describe("a clock that throws", () => {
  test.each([
    ["an error", new RangeError("no time")],
    ["a rejection, which it must not pass off as one", new AccessTokenError("ERR_TOKEN_EXPIRED")],
  ])("%s is a mistake of the application, with what was thrown as the cause", (_name, thrown) => {
    const read = (): number =>
      currentTime(() => {
        throw thrown;
      });
    expect(read).toThrow(ClockError);
    expect(read).toThrow(TypeError);
    expect(read).not.toThrow(AccessTokenError);
    expect(read).toThrow(expect.objectContaining({ cause: thrown }));
  });
});
