import { describe, expect, test, vi } from "vitest";
import { createClock } from "../src/clock.ts";

describe("createClock", () => {
  test("starts at the system time, and stands still", () => {
    vi.useFakeTimers({ now: 2_000_000_005_000 });
    try {
      const clock = createClock();
      vi.setSystemTime(2_000_000_006_000);
      expect(clock()).toBe(2_000_000_005_000);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([2_000_000_005_000, new Date(2_000_000_005_000)])("starts at %j", (start) => {
    expect(createClock(start)()).toBe(2_000_000_005_000);
  });

  test.each([
    [{ milliseconds: 1 }, 1],
    [{ seconds: 1 }, 1_000],
    [{ minutes: 1 }, 60_000],
    [{ hours: 1 }, 3_600_000],
    [{ days: 1 }, 86_400_000],
    [{ minutes: 2, seconds: 30 }, 150_000],
    [{ seconds: -30 }, -30_000],
  ])("advances by %j", (step, milliseconds) => {
    const clock = createClock(2_000_000_000_000);
    clock.advance(step);
    expect(clock()).toBe(2_000_000_000_000 + milliseconds);
    clock.advance(step);
    expect(clock()).toBe(2_000_000_000_000 + 2 * milliseconds);
  });

  test.each([2_000_000_007_000, new Date(2_000_000_007_000)])("is set to %j", (time) => {
    const clock = createClock(2_000_000_005_000);
    clock.set(time);
    expect(clock()).toBe(2_000_000_007_000);
  });

  test.each([{}, { second: 1 }, { seconds: Number.NaN }, { seconds: "1" }, { minutes: undefined }])(
    "does not advance by %j",
    (step) => {
      const clock = createClock(2_000_000_005_000);
      expect(() => clock.advance(step as object)).toThrow(TypeError);
      expect(clock()).toBe(2_000_000_005_000);
    },
  );

  test("cannot be set back further than 2001-09-09", () => {
    const clock = createClock(1e12 + 1);
    clock.advance({ milliseconds: -1 });
    expect(clock()).toBe(1e12);
    expect(() => clock.advance({ milliseconds: -1 })).toThrow(TypeError);
    expect(clock()).toBe(1e12);
  });

  test.each([
    Number.NaN,
    new Date("no date"),
    "2030-01-01",
    null,
    0,
    -1,
    1e12 - 1,
    new Date(0),
    Math.floor(Date.now() / 1000),
  ])("cannot start at, or be set to, %s", (time) => {
    const clock = createClock(2_000_000_005_000);
    expect(() => createClock(time as number)).toThrow(TypeError);
    expect(() => clock.set(time as number)).toThrow(TypeError);
    expect(clock()).toBe(2_000_000_005_000);
  });
});
