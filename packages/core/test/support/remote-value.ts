import { createRemoteValue, RemoteFailure, type RemoteValue } from "../../src/issuer/remote-value.ts";
import { reasonOf } from "./outcome.ts";

/** The result of a fetch: a value, or the error. */
export type Result = string | Error;

/** A remote value whose fetches the test controls. */
export interface Arrangement {
  readonly value: RemoteValue<string>;
  readonly pass: (milliseconds: number) => void;
  /** Replaces the result of all further fetches. */
  readonly publish: (result: Result) => void;
  /** Holds all further fetches until the returned function is called. */
  readonly hold: () => () => void;
  /** The number of fetches that have started so far. */
  readonly fetches: () => number;
}

/** Creates such a value; its time changes only when the test changes it. */
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

/** Returns the failure of the next fetch, or the last failure during the cool-down. */
export async function failureOf(value: RemoteValue<string>): Promise<RemoteFailure> {
  const reason = await reasonOf(value.refreshed());
  if (reason instanceof RemoteFailure) return reason;
  throw reason;
}

/** Waits for one turn of the event loop, so that settled promises continue. */
export const turn = (): Promise<void> => new Promise(setImmediate);
