import { createRemoteValue, RemoteFailure, type RemoteValue } from "../../src/issuer/remote-value.ts";
import { reasonOf } from "./outcome.ts";

/** What a fetch will bring: a value, or why there is none. */
export type Result = string | Error;

/** A value that is fetched from a test. */
export interface Arrangement {
  readonly value: RemoteValue<string>;
  readonly pass: (milliseconds: number) => void;
  /** Changes what the fetches bring from now on. */
  readonly publish: (result: Result) => void;
  /** Lets fetches begin, and not end before the function is called. */
  readonly hold: () => () => void;
  /** How many fetches were begun so far. */
  readonly fetches: () => number;
}

/** Creates a value that is fetched from the test, and whose time stands still until the test moves it. */
export function arrange(first: Result): Arrangement {
  let time = 1_000_000;
  let result = first;
  let held: Promise<void> | undefined;
  let fetches = 0;
  const load = async (): Promise<string> => {
    fetches += 1;
    await held;
    if (result instanceof Error) throw result;
    return result;
  };
  return {
    value: createRemoteValue(load, { coolDown: 10_000, elapsed: () => time }),
    pass: (milliseconds) => {
      time += milliseconds;
    },
    publish: (next) => {
      result = next;
    },
    hold: () => {
      let release = (): void => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      return () => {
        held = undefined;
        release();
      };
    },
    fetches: () => fetches,
  };
}

/** The failure that another fetch ends with, or that is told while there is none. */
export async function failureOf(value: RemoteValue<string>): Promise<RemoteFailure> {
  const reason = await reasonOf(value.refreshed());
  if (reason instanceof RemoteFailure) return reason;
  throw reason;
}

/** Lets everything happen that waits for nothing but its turn. */
export const turn = (): Promise<void> => new Promise(setImmediate);
