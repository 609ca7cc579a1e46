import { type KeysEvent, publishKeys } from "../../events/diagnostics.ts";
import { AccessTokenError } from "../../errors.ts";
import { IssuerRequestError, failureReason } from "../issuer-request.ts";
import { createRemoteValue, type RemoteFailure } from "../remote-value.ts";
import { isJsonWebKeySet } from "../../options/configuration.ts";
import { withoutPrototype } from "../../values/object-member.ts";
import { type KeySet, readKeySet } from "./key-set.ts";
import { type KeySource, unknownKey } from "./key-source.ts";

/**
 * The minimum time, in milliseconds, between a successful fetch of the keys and the next fetch, even if a token has an unknown
 * `kid`.
 */
const COOL_DOWN = 10_000;

/** Options of {@link createRemoteKeys}. */
export interface RemoteKeysOptions {
  /** The issuers that use the keys. Each fetch is published on `certbound:keys` for each of them. */
  readonly issuers: readonly string[];
  /** Returns the URL of the key set. */
  readonly locate: () => Promise<URL>;
  /** Must have a time limit. If a request fails, it must reject with an `IssuerRequestError`. */
  readonly fetch: typeof globalThis.fetch;
  /** A monotonic clock in milliseconds; default `performance.now`. */
  readonly elapsed?: () => number;
}

/**
 * Creates the key source of an issuer that publishes its keys, or of several issuers that publish them at one URL.
 *
 * A token with an unknown `kid` causes a new fetch, limited by a cool-down. If the keys cannot be fetched, the error is
 * `ERR_KEYS_UNAVAILABLE`, because the token may be valid. A key that the issuer has removed is no longer accepted after the
 * next successful fetch. A response replaces the current keys only if it is a key set with 1 to 1,000 usable keys.
 */
export function createRemoteKeys(options: RemoteKeysOptions): KeySource {
  const { issuers, locate, fetch, elapsed = () => performance.now() } = withoutPrototype(options);
  const publish = (event: Omit<KeysEvent, "issuer">): void => {
    for (const issuer of issuers) publishKeys(issuer, event);
  };
  const load = async (previous: KeySet | undefined): Promise<KeySet> => {
    const started = elapsed();
    try {
      const set = await fetchKeySet(locate, fetch, previous);
      publish({ outcome: "fetched", keys: set.size, duration: elapsed() - started });
      return set;
    } catch (error) {
      const outcome = previous === undefined ? "failed" : "stale";
      publish({ outcome, detail: failureReason(error), duration: elapsed() - started });
      throw error;
    }
  };
  const keys = createRemoteValue(load, { coolDown: COOL_DOWN, elapsed });
  const refreshed = (): Promise<KeySet> =>
    keys.refreshed().catch((error: unknown) => {
      // refreshed() rejects only with a RemoteFailure.
      throw unavailable(error as RemoteFailure);
    });
  return {
    async find(header) {
      const known = keys.current()?.find(header);
      if (known?.length) return known;
      const found = (await refreshed()).find(header);
      if (found.length > 0) return found;
      const failure = keys.failure();
      throw failure === undefined ? unknownKey() : unavailable(failure);
    },
    holds: (key) => keys.current()?.holds(key) ?? false,
    async ready() {
      if (keys.current() === undefined) await refreshed();
    },
  };
}

async function fetchKeySet(
  locate: () => Promise<URL>,
  fetch: typeof globalThis.fetch,
  previous: KeySet | undefined,
): Promise<KeySet> {
  const response = await fetch(await locate(), { headers: { accept: "application/jwk-set+json, application/json" } });
  if (response.status !== 200)
    throw new IssuerRequestError(`the key set endpoint responded with status ${response.status}`);
  const body: unknown = await response.json().catch(() => undefined);
  if (!isJsonWebKeySet(body)) throw new IssuerRequestError("the response is not a JSON Web Key Set");
  const set = await readKeySet(body, previous);
  if (set.problem !== undefined) throw new IssuerRequestError(`the key set ${set.problem}`);
  return set;
}

function unavailable({ message, retryAfter }: RemoteFailure): AccessTokenError {
  const detail = `the keys of the issuer could not be fetched: ${message}`;
  return new AccessTokenError("ERR_KEYS_UNAVAILABLE", { detail, retryAfter });
}
