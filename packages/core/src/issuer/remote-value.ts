import { IssuerRequestError, failureReason } from "./issuer-request.ts";
import { withoutPrototype } from "../values/object-member.ts";

/** How long a fetched value is used before it is fetched again, in milliseconds. */
const FRESH = 10 * 60_000;
/** From this age on it is fetched again while it is still used. */
const REFRESH_AHEAD = 8 * 60_000;
/** How long a value outlives an outage of the issuer. */
const STALE_LIMIT = 60 * 60_000;
/** How long nothing is fetched after a failure; doubles with each one, up to the greatest. */
const BACK_OFF = 1000;
const MAX_BACK_OFF = 30_000;

/** When a value is fetched. */
export interface RemoteValueOptions {
  /** How long a value that was just fetched is not fetched again, in milliseconds; default 0. */
  readonly coolDown?: number;
  /** Milliseconds that only ever grow; default `performance.now`. */
  readonly elapsed?: (() => number) | undefined;
}

/** Something that an issuer publishes: its keys, its metadata. */
export interface RemoteValue<Value> {
  /** What may be used without waiting; undefined when it has to be fetched first. */
  current(): Value | undefined;
  /**
   * What may be used after another fetch, unless the last one was so short a time ago that there is none.
   *
   * @throws RemoteFailure
   */
  refreshed(): Promise<Value>;
  /** Why the last fetch failed; undefined when it succeeded. */
  failure(): RemoteFailure | undefined;
}

/** Says why a value could not be fetched, and when it may be tried again. */
export class RemoteFailure extends IssuerRequestError {
  override readonly name = "RemoteFailure";
  /** In seconds, one at least. */
  readonly retryAfter: number;

  constructor(reason: string, retryAfter: number) {
    super(reason);
    this.retryAfter = retryAfter;
  }
}

/**
 * Fetches a value when it is needed, and keeps it.
 *
 * One fetch at a time, a cool-down after it, a back-off after failures. A good value outlives an outage by an hour; every
 * answer replaces it as a whole, and a failure replaces nothing.
 *
 * @param load is given the value that it is to replace, while that may still be used; must end by itself; what it rejects
 *   with is a failure, told in words when it is an `IssuerRequestError`
 */
export function createRemoteValue<Value>(
  load: (previous: Value | undefined) => Promise<Value>,
  options: RemoteValueOptions = {},
): RemoteValue<Value> {
  const { coolDown = 0, elapsed = () => performance.now() } = withoutPrototype(options);
  let held: { readonly value: Value; readonly at: number } | undefined;
  let failed: { readonly reason: string; readonly count: number; readonly at: number } | undefined;
  let pending: Promise<void> | undefined;

  const age = (): number => (held === undefined ? Number.POSITIVE_INFINITY : elapsed() - held.at);

  /** What was fetched last, as long as it may be used while the issuer fails. */
  const usable = (): Value | undefined => (age() < FRESH + STALE_LIMIT ? held?.value : undefined);

  const refresh = (): Promise<void> => {
    pending ??= load(usable())
      .then(
        (value) => {
          held = { value, at: elapsed() };
          failed = undefined;
        },
        (error: unknown) => {
          failed = { reason: failureReason(error), count: (failed?.count ?? 0) + 1, at: elapsed() };
        },
      )
      .finally(() => {
        pending = undefined;
      });
    return pending;
  };

  /** How long nothing is fetched after a failure, from now on. */
  const backOff = (): number => {
    if (failed === undefined) return 0;
    return failed.at + Math.min(BACK_OFF * 2 ** (failed.count - 1), MAX_BACK_OFF) - elapsed();
  };

  const failure = (): RemoteFailure | undefined =>
    failed && new RemoteFailure(failed.reason, Math.max(1, Math.ceil(backOff() / 1000)));

  return {
    current() {
      // Once a fetch has failed, a stale value is used at once: requests do not wait for the next fetch.
      if (age() >= (failed === undefined ? FRESH : FRESH + STALE_LIMIT)) return undefined;
      if (age() >= REFRESH_AHEAD && backOff() <= 0) void refresh();
      return held?.value;
    },
    async refreshed() {
      if (age() >= coolDown && backOff() <= 0) await refresh();
      const value = usable();
      if (value !== undefined) return value;
      throw failure() ?? new RemoteFailure("it has not been fetched yet", 1);
    },
    failure,
  };
}
