import { assertKnownOptions } from "./known-options.ts";

/** Gives a length of time; the parts are added, negative ones go back. */
export interface ClockStep {
  readonly milliseconds?: number;
  readonly seconds?: number;
  readonly minutes?: number;
  readonly hours?: number;
  readonly days?: number;
}

/** Tells the time in milliseconds since 1970, and moves only when it is told to. */
export interface Clock {
  (): number;
  /**
   * Moves the time by `{ minutes: 5 }`, say; back by negative numbers.
   *
   * @throws TypeError for an unknown unit, for none, for a value that is not a number, and for a time before 2001-09-09
   */
  readonly advance: (step: ClockStep) => void;
  /**
   * Moves the time to a date, or to milliseconds since 1970.
   *
   * @throws TypeError for a value that is neither, and for a time before 2001-09-09
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
 * Creates a clock that stands still, by default at the present time of the machine.
 *
 * Give it to what issues tokens and to what verifies them, and a token expires when the test says so. Certificates do not
 * follow: TLS checks them by the machine's clock. Far from the present, a policy that goes by this clock takes valid
 * certificates for expired ones.
 *
 * @throws TypeError for a start that is neither a date nor a number, or is before 2001-09-09
 */
export function createClock(start: Date | number = Date.now()): Clock {
  let now = milliseconds(start);
  return Object.assign(() => now, {
    advance: (step: ClockStep) => {
      now = milliseconds(now + length(step));
    },
    set: (time: Date | number) => {
      now = milliseconds(time);
    },
  });
}

/** 2001-09-09, in milliseconds since 1970: APIs reject an earlier time, which is probably in seconds. */
const EARLIEST = 1e12;

function milliseconds(time: Date | number): number {
  const value = time instanceof Date ? time.getTime() : time;
  if (!Number.isFinite(value)) throw new TypeError("The time is neither a date nor milliseconds since 1970");
  if (value < EARLIEST) throw new TypeError("The time is before 2001-09-09: is it in seconds instead of milliseconds?");
  return value;
}

function length(step: ClockStep): number {
  assertKnownOptions(step, Object.keys(units));
  const parts = Object.entries(step).filter(([, count]) => count !== undefined) as [keyof ClockStep, unknown][];
  if (parts.length === 0) throw new TypeError("The step is empty");
  return parts.reduce((total, [unit, count]) => {
    if (typeof count !== "number" || !Number.isFinite(count)) throw new TypeError(`${unit} is not a finite number`);
    return total + count * units[unit];
  }, 0);
}
