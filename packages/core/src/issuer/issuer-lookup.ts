import { createBoundedCache } from "../runtime/bounded-cache.ts";
import { applicationError, callApplication } from "../runtime/application-callback.ts";
import type { IssuerConfiguration, ParsedIssuerFunction } from "../options/configuration.ts";
import { AccessTokenError } from "../errors.ts";
import { createSingleFlight } from "../runtime/promises.ts";

/** An issuer that a function of the application found. */
interface FoundIssuer {
  readonly configuration: IssuerConfiguration;
  /** Returns whether the permission of the function still holds. */
  readonly isPermitted: () => boolean;
}

/** Why a name has no issuer, and for how long. */
interface Rejection {
  readonly until: number;
  /** What the function, or the check of its result, threw; undefined where it does not accept the issuer. */
  readonly failure: Error | undefined;
}

/** The longest `iss` that the function is called with, in characters. */
const MAX_NAME_LENGTH = 1024;
const MAX_ISSUERS = 1000;
/** How long the function need not be called again, in milliseconds. */
const PERMISSION = 10 * 60_000;
const REJECTION_LIFETIME = 10_000;
const FAILURE = 1000;
const MAX_CALLS = 64;

/**
 * Creates the look-up of issuers by a function of the application, which is an allow-list: an issuer that it does not return
 * does not exist.
 *
 * @param create makes an issuer of what was found
 * @param elapsed milliseconds that only ever grow
 */
export function createIssuerLookup<Issuer extends Pick<FoundIssuer, "isPermitted">>(
  { find, parse }: ParsedIssuerFunction,
  create: (found: FoundIssuer) => Issuer,
  elapsed: () => number = () => performance.now(),
): (name: unknown) => Promise<Issuer | undefined> {
  const issuers = createBoundedCache<Issuer>({ max: MAX_ISSUERS });
  // Apart, so that tokens of unknown issuers do not displace known ones.
  const rejections = createBoundedCache<Rejection>({ max: MAX_ISSUERS });
  const once = createSingleFlight<Issuer | undefined>();
  let calls = 0;

  const lookUp = async (name: string): Promise<Issuer | undefined> => {
    if (calls >= MAX_CALLS) throw tooManyCalls();
    calls += 1;
    const until = elapsed() + PERMISSION;
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
      // A getter of the result can throw anything, which must not look like a rejection.
      const failure = error instanceof AccessTokenError ? applicationError("issuer", error) : (error as Error);
      rejections.set(name, { failure, until: elapsed() + FAILURE }, {});
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
  const detail = `${MAX_CALLS} calls of issuer() have not settled`;
  return new AccessTokenError("ERR_KEYS_UNAVAILABLE", { detail, retryAfter: 1 });
}
