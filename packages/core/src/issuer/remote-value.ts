import { IssuerRequestError, failureReason } from "./issuer-request.ts";
import { withoutPrototype } from "../values/object-member.ts";

/** The age from which requests wait until the value is fetched again, in milliseconds. */
const FRESH = 10 * 60_000;
/** The age from which the value is fetched again in the background. */
const REFRESH_AHEAD = 8 * 60_000;
/** How much longer a value is used if it cannot be fetched again. */
const STALE_LIMIT = 60 * 60_000;
/** The delay after the first failure; it doubles with each further failure, up to the maximum. */
const BACK_OFF = 1000;
const MAX_BACK_OFF = 30_000;

/** Options of {@link createRemoteValue}. */
export interface RemoteValueOptions {
  /** The minimum time between a successful fetch and the next one, in milliseconds; default 0. */
  readonly coolDown?: number;
  /** A monotonic clock in milliseconds; default `performance.now`. */
  readonly elapsed?: (() => number) | undefined;
}

/** A document that an issuer publishes, such as its keys or its metadata. */
export interface RemoteValue<Value> {
  /** Returns the cached value; undefined if it must be fetched first. */
  current(): Value | undefined;
  /**
   * Fetches the value again and returns it. Does not fetch during the cool-down or the back-off.
   *
   * @throws RemoteFailure if no value can be used
   */
  refreshed(): Promise<Value>;
  /** Returns the error of the last fetch; undefined if that fetch succeeded, or if no fetch has completed yet. */
  failure(): RemoteFailure | undefined;
}

/** Thrown if a value could not be fetched. */
export class RemoteFailure extends IssuerRequestError {
  override readonly name = "RemoteFailure";
  /** Seconds until the next attempt, at least 1. */
  readonly retryAfter: number;

  constructor(reason: string, retryAfter: number) {
    super(reason);
    this.retryAfter = retryAfter;
  }
}

/**
 * Fetches a value when it is needed, and caches it.
 *
 * Runs one fetch at a time, with a cool-down after a success and a back-off after failures. If the issuer fails, the cached
 * value is used for another hour. A successful fetch replaces the whole value; a failed fetch does not change it.
 *
 * @param load fetches the value. It receives the previous value if that value is still usable, and must have a time limit.
 *   If it rejects with an `IssuerRequestError`, the message becomes the reason of the failure.
 */
export function createRemoteValue<Value>(
  load: (previous: Value | undefined) => Promise<Value>,
  options: RemoteValueOptions = {},
): RemoteValue<Value> {
  const { coolDown = 0, elapsed = () => performance.now() } = withoutPrototype(options);
  let latest: { readonly value: Value; readonly at: number } | undefined;
  let failed: { readonly reason: string; readonly count: number; readonly at: number } | undefined;
  let pending: Promise<void> | undefined;

  const age = (): number => (latest === undefined ? Number.POSITIVE_INFINITY : elapsed() - latest.at);

  /** Returns the last value, unless it is too old to be used even during an outage. */
  const usable = (): Value | undefined => (age() < FRESH + STALE_LIMIT ? latest?.value : undefined);

  const refresh = (): Promise<void> => {
    pending ??= load(usable())
      .then(
        (value) => {
          latest = { value, at: elapsed() };
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

  /** Returns the remaining time of the back-off in milliseconds; 0 or less if it is over. */
  const backOff = (): number => {
    if (failed === undefined) return 0;
    return failed.at + Math.min(BACK_OFF * 2 ** (failed.count - 1), MAX_BACK_OFF) - elapsed();
  };

  const failure = (): RemoteFailure | undefined =>
    failed && new RemoteFailure(failed.reason, Math.max(1, Math.ceil(backOff() / 1000)));

  return {
    current() {
      // Once a fetch has failed, requests use a stale value and do not wait for the next fetch.
      if (age() >= (failed === undefined ? FRESH : FRESH + STALE_LIMIT)) return undefined;
      if (age() >= REFRESH_AHEAD && backOff() <= 0) void refresh();
      return latest?.value;
    },
    async refreshed() {
      if (age() >= coolDown && backOff() <= 0) await refresh();
      const value = usable();
      if (value !== undefined) return value;
      throw failure() ?? new RemoteFailure("no fetch has completed yet", 1);
    },
    failure,
  };
}
