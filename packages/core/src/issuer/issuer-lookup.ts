import { createBoundedCache } from "../runtime/bounded-cache.ts";
import { applicationError, callApplication } from "../runtime/application-callback.ts";
import type { IssuerConfiguration, ParsedIssuerFunction } from "../options/configuration.ts";
import { AccessTokenError } from "../errors.ts";
import { createSingleFlight } from "../runtime/promises.ts";

/** An issuer that the application's `issuer` function returned. */
interface FoundIssuer {
  readonly configuration: IssuerConfiguration;
  /** Returns whether the result of the function is still valid. */
  readonly isPermitted: () => boolean;
}

/** A lookup that did not find an issuer, or that failed. */
interface Rejection {
  /** When the cached result expires, in milliseconds of the monotonic clock. */
  readonly until: number;
  /** The error of the function, or of the check of its result; undefined if the function returned `undefined`. */
  readonly failure: Error | undefined;
}

/** The maximum length of an `iss` that the function is called with, in characters. */
const MAX_NAME_LENGTH = 1024;
const MAX_ISSUERS = 1000;
/** How long each kind of result is cached, in milliseconds. */
const PERMISSION_LIFETIME = 10 * 60_000;
const REJECTION_LIFETIME = 10_000;
const FAILURE_LIFETIME = 1000;
/** The maximum number of simultaneous calls. */
const MAX_CALLS = 64;

/**
 * Creates a function that finds an issuer by its `iss` through the application's `issuer` function, and caches the result.
 *
 * The application's function is an allow-list: the returned function resolves with undefined for any other issuer.
 *
 * @param create creates an issuer from the configuration that the function returned
 * @param elapsed a monotonic clock in milliseconds
 */
export function createIssuerLookup<Issuer extends Pick<FoundIssuer, "isPermitted">>(
  { find, parse }: ParsedIssuerFunction,
  create: (found: FoundIssuer) => Issuer,
  elapsed: () => number = () => performance.now(),
): (name: unknown) => Promise<Issuer | undefined> {
  const issuers = createBoundedCache<Issuer>({ max: MAX_ISSUERS });
  // A separate cache, so that tokens from unknown issuers do not evict known issuers.
  const rejections = createBoundedCache<Rejection>({ max: MAX_ISSUERS });
  const once = createSingleFlight<Issuer | undefined>();
  let calls = 0;

  const lookUp = async (name: string): Promise<Issuer | undefined> => {
    if (calls >= MAX_CALLS) throw tooManyCalls();
    calls += 1;
    const until = elapsed() + PERMISSION_LIFETIME;
    try {
      const returned: unknown = await callApplication("issuer", () => find(name));
      if (returned === undefined) {
        rejections.set(name, { failure: undefined, until: elapsed() + REJECTION_LIFETIME }, {});
        return undefined;
      }
      const found = { configuration: parse(returned, name), isPermitted: () => elapsed() < until };
      const issuer = create(found);
      issuers.set(name, issuer, {});
      return issuer;
    } catch (error) {
      // A getter of the result can throw an AccessTokenError, which must not become a rejection of the client.
      const failure = error instanceof AccessTokenError ? applicationError("issuer", error) : (error as Error);
      rejections.set(name, { failure, until: elapsed() + FAILURE_LIFETIME }, {});
      throw failure;
    } finally {
      calls -= 1;
    }
  };

  return async (name) => {
    if (typeof name !== "string" || name === "" || name.length > MAX_NAME_LENGTH) return undefined;
    const known = issuers.get(name);
    if (known?.isPermitted()) return known;
    const rejection = rejections.get(name);
    if (rejection === undefined || elapsed() >= rejection.until) return once(name, () => lookUp(name));
    if (rejection.failure !== undefined) throw rejection.failure;
    return undefined;
  };
}

function tooManyCalls(): AccessTokenError {
  const detail = `${MAX_CALLS} calls of issuer() are in progress`;
  return new AccessTokenError("ERR_KEYS_UNAVAILABLE", { detail, retryAfter: 1 });
}
