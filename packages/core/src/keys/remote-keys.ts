import { AccessTokenError } from "../errors.ts";
import { ExchangeError } from "./exchange.ts";
import { isJsonWebKeySet } from "../json-web-key-set.ts";
import { createKeySet, type KeySet } from "./key-set.ts";
import { type KeySource, unknownKey } from "./key-source.ts";

/** How long fetched keys are used before they are fetched again, in milliseconds. */
const FRESH = 10 * 60_000;
/** From this age on they are fetched again while they are still used. */
const REFRESH_AHEAD = 8 * 60_000;
/** How long keys outlive an outage of the issuer. */
const STALE_LIMIT = 60 * 60_000;
/** How long an unknown `kid` does not lead to another fetch after one that succeeded. */
const COOL_DOWN = 10_000;
/** The same after failures; doubles with each one, up to the greatest. */
const BACK_OFF = 1000;
const MAX_BACK_OFF = 30_000;

/** What remote keys are made of. */
export interface RemoteKeysOptions {
  /** Gives the URL of the key set. */
  readonly locate: () => Promise<URL>;
  /** Must end by itself, and reject with an `ExchangeError`. */
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds that only ever grow; default `performance.now`. */
  readonly elapsed?: () => number;
}

/**
 * Creates the key source of an issuer that publishes its keys.
 *
 * One fetch at a time; an unknown `kid` fetches again, with a cool-down; good keys outlive an outage, and what cannot be
 * known is `ERR_KEYS_UNAVAILABLE`, never a bad token. Every answer replaces the keys as a whole, so that a key which the
 * issuer removed is gone; an answer that is no key set, or holds no usable key, replaces nothing.
 */
export function createRemoteKeys(options: RemoteKeysOptions): KeySource {
  const { locate, fetch, elapsed = () => performance.now() } = options;
  let held: { readonly set: KeySet; readonly at: number } | undefined;
  let failed: { readonly reason: string; readonly count: number; readonly at: number } | undefined;
  let pending: Promise<void> | undefined;

  const refresh = (): Promise<void> => {
    pending ??= fetchKeySet(locate, fetch)
      .then(
        (set) => {
          held = { set, at: elapsed() };
          failed = undefined;
        },
        (error: unknown) => {
          const reason = error instanceof ExchangeError ? error.message : "the fetch failed unexpectedly";
          failed = { reason, count: (failed?.count ?? 0) + 1, at: elapsed() };
        },
      )
      .finally(() => {
        pending = undefined;
      });
    return pending;
  };

  const age = (): number => (held === undefined ? Number.POSITIVE_INFINITY : elapsed() - held.at);

  const backingOff = (): boolean => {
    if (failed === undefined) return false;
    return elapsed() - failed.at < Math.min(BACK_OFF * 2 ** (failed.count - 1), MAX_BACK_OFF);
  };

  const usable = (): KeySet => {
    if (held !== undefined && age() < FRESH + STALE_LIMIT) return held.set;
    throw unavailable(failed?.reason);
  };

  return {
    async find(header) {
      // While the issuer fails, stale keys are used at once: no request waits for it.
      const limit = failed === undefined ? FRESH : FRESH + STALE_LIMIT;
      const known = age() < limit ? held?.set.find(header) : undefined;
      if (known?.length) {
        if (age() >= REFRESH_AHEAD && !backingOff()) void refresh();
        return known;
      }
      if (age() >= COOL_DOWN && !backingOff()) await refresh();
      const found = usable().find(header);
      if (found.length > 0) return found;
      throw failed === undefined ? unknownKey() : unavailable(failed.reason);
    },
    async ready() {
      if (age() >= FRESH) await refresh();
      usable();
    },
  };
}

async function fetchKeySet(locate: () => Promise<URL>, fetch: typeof globalThis.fetch): Promise<KeySet> {
  const response = await fetch(await locate(), { headers: { accept: "application/jwk-set+json, application/json" } });
  if (response.status !== 200) throw new ExchangeError(`the key set is answered with status ${response.status}`);
  const body: unknown = await response.json().catch(() => undefined);
  if (!isJsonWebKeySet(body)) throw new ExchangeError("the answer is not a JSON Web Key Set");
  const set = createKeySet(body);
  if (set.size === 0) throw new ExchangeError("the key set holds no public key that can verify a signature");
  return set;
}

function unavailable(reason: string = "they have not been fetched yet"): AccessTokenError {
  return new AccessTokenError("ERR_KEYS_UNAVAILABLE", {
    detail: `the keys of the issuer could not be fetched: ${reason}`,
    retryAfter: COOL_DOWN / 1000,
  });
}
