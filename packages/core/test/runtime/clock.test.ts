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

  test("reads the clock on every call", () => {
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
  ])("rejects %s, which is not a plausible time in milliseconds", (time) => {
    expect(() => currentTime(() => time as number)).toThrow(TypeError);
  });
});

describe("a clock that throws", () => {
  test.each([
    ["an error", new RangeError("no time")],
    ["an AccessTokenError, which must not look like a rejection", new AccessTokenError("ERR_TOKEN_EXPIRED")],
  ])("%s causes a ClockError with the thrown value as the cause", (_name, thrown) => {
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
