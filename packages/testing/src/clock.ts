import { assertKnownOptions } from "./known-options.ts";

/** A duration: the sum of its members, which can be negative. */
export interface ClockStep {
  readonly milliseconds?: number;
  readonly seconds?: number;
  readonly minutes?: number;
  readonly hours?: number;
  readonly days?: number;
}

/** Returns the time in milliseconds since 1970. The time changes only through `advance` and `set`. */
export interface Clock {
  (): number;
  /**
   * Advances the time, for example by `{ minutes: 5 }`. Negative numbers set it back.
   *
   * @throws TypeError for an empty step, an unknown unit, a value that is not a number, or a time before 2001-09-09
   */
  readonly advance: (step: ClockStep) => void;
  /**
   * Sets the time to a date, or to milliseconds since 1970.
   *
   * @throws TypeError for a value that is neither, or for a time before 2001-09-09
   */
  readonly set: (time: Date | number) => void;
}

const units: Readonly<Record<keyof ClockStep, number>> = {
  milliseconds: 1,
  seconds: 1000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
};

/**
 * Creates a clock that stands still, by default at the current time.
 *
 * Use the same clock for the issuer and for the API, so that the test decides when a token expires. It does not affect
 * TLS, which checks certificates by the system clock. If the clock is far from the current time, a certificate policy
 * that uses it rejects valid certificates as expired.
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#createClock -->
 * ```ts
 * const clock = createClock();
 * const { issuer, audience, accessToken, close } = await createIssuer({ clock });
 * const verifier = createVerifier({ issuer, audience, clock });
 * const token = await accessToken({ boundTo: client, expiresIn: 300 });
 * await verifier.verify(token, { clientCertificate: client.certificate });
 *
 * clock.advance({ minutes: 6 });
 * const expired = verifier.verify(token, { clientCertificate: client.certificate });
 * await assert.rejects(expired, { code: "ERR_TOKEN_EXPIRED" });
 * await close();
 * ```
 *
 * @throws TypeError for a start that is neither a date nor a number, or that is before 2001-09-09
 */
export function createClock(start: Date | number = Date.now()): Clock {
  let now = parseTime(start);
  return Object.assign(() => now, {
    advance: (step: ClockStep) => {
      now = parseTime(now + durationOf(step));
    },
    set: (time: Date | number) => {
      now = parseTime(time);
    },
  });
}

/** 2001-09-09 in milliseconds since 1970: APIs reject an earlier time, because it is probably in seconds. */
const EARLIEST = 1e12;

/** Returns a time in milliseconds since 1970. */
function parseTime(time: Date | number): number {
  const value = time instanceof Date ? time.getTime() : time;
  if (!Number.isFinite(value)) throw new TypeError("The time is neither a date nor milliseconds since 1970");
  if (value < EARLIEST) throw new TypeError("The time is before 2001-09-09: is it in seconds instead of milliseconds?");
  return value;
}

/** Returns a duration in milliseconds. */
function durationOf(step: ClockStep): number {
  assertKnownOptions(step, Object.keys(units));
  const parts = Object.entries(step).filter(([, count]) => count !== undefined) as [keyof ClockStep, unknown][];
  if (parts.length === 0) throw new TypeError("The step is empty");
  return parts.reduce((total, [unit, count]) => {
    if (typeof count !== "number" || !Number.isFinite(count)) throw new TypeError(`${unit} is not a finite number`);
    return total + count * units[unit];
  }, 0);
}
