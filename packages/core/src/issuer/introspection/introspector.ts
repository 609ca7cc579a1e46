import { ClockError, currentTime } from "../../runtime/clock.ts";
import type { IssuerConfiguration, VerifierConfiguration } from "../../options/configuration.ts";
import { publishIntrospection } from "../../events/diagnostics.ts";
import { AccessTokenError, rejected } from "../../errors.ts";
import type { IntrospectionConfiguration } from "../../options/introspection-configuration.ts";
import { IssuerRequestError, failureReason } from "../issuer-request.ts";
import { RemoteFailure } from "../remote-value.ts";
import { deepFreeze, type JsonObject, ownMember } from "../../values/json-object.ts";
import type { KeySource } from "../keys/key-source.ts";
import { withoutPrototype } from "../../values/object-member.ts";
import { createSingleFlight } from "../../runtime/promises.ts";
import { createResponseCache, type IntrospectionResult, isActive, tokenDigest } from "./response-cache.ts";
import { BearerTokenError } from "./client-authentication.ts";
import { createIntrospectionEndpoint, type IntrospectionEndpoint } from "./introspection-endpoint.ts";
import { createSharedCache } from "./shared-cache.ts";

/** Introspects the tokens of an issuer, and caches the responses. */
export interface Introspector {
  /**
   * Returns the introspection response for an active token. It is frozen, and its claims are not checked.
   *
   * @throws AccessTokenError `ERR_TOKEN_INACTIVE`, `ERR_INTROSPECTION_UNAVAILABLE`
   */
  introspect(token: string): Promise<JsonObject>;
  /**
   * Locates the endpoint and prepares the client authentication. Does not introspect any token.
   *
   * @throws AccessTokenError `ERR_INTROSPECTION_UNAVAILABLE`
   */
  ready(): Promise<void>;
}

/** An issuer with introspection. */
export type IntrospectingIssuer = IssuerConfiguration & { readonly introspection: IntrospectionConfiguration };

/** The dependencies of an introspector. */
export interface IntrospectorParts {
  /** Verifies signed responses. */
  readonly keys: KeySource;
  readonly verifier: Pick<VerifierConfiguration, "fetch" | "clock" | "clockTolerance">;
  /** A monotonic clock in milliseconds; default `performance.now`. */
  readonly elapsed?: () => number;
}

/** The maximum number of simultaneous requests to an issuer. */
const MAX_IN_FLIGHT = 64;

/**
 * Creates the introspector of an issuer.
 *
 * At most one request for each token and 64 requests in total are in flight at a time. Reads of a shared cache have a
 * separate limit of 64. The cache is read before a request is sent. Shared responses can therefore be used even while 64
 * requests are in flight.
 *
 * Caches responses for `cacheDuration`. Caches inactive tokens for at most 10 s, and only in this process. The caller must
 * check whether a cached token has expired in the meantime.
 */
export function createIntrospector(issuer: IntrospectingIssuer, parts: IntrospectorParts): Introspector {
  const { keys, verifier, elapsed = () => performance.now() } = withoutPrototype(parts);
  const { cacheDuration, cache, clientId, signedResponse } = issuer.introspection;
  const endpoint = createIntrospectionEndpoint(issuer, verifier, keys, elapsed);
  const local = createResponseCache(elapsed);
  const shared = cache && createSharedCache(cache, elapsed);
  const findOnce = createSingleFlight<JsonObject>();

  const now = (): number => currentTime(verifier.clock) * 1000;
  /**
   * Returns the remaining lifetime of a result in milliseconds; 0 if `askedAt` is more than `clockTolerance` ahead of this clock,
   * as in an entry that a process with a wrong clock has stored.
   */
  const remaining = ({ askedAt }: IntrospectionResult): number => {
    const age = now() - askedAt;
    return age < -verifier.clockTolerance * 1000 ? 0 : cacheDuration * 1000 - Math.max(age, 0);
  };
  const request = createRequests(issuer.issuer, endpoint, { now, elapsed });

  const find = async (token: string, digest: string): Promise<JsonObject> => {
    const subject = { issuer: issuer.issuer, endpoint: await endpoint.locate(), clientId, signedResponse, token };
    const found = await shared?.read(subject);
    const usable = found !== undefined && isActive(found.response) && remaining(found) > 0;
    const result = usable ? deepFreeze(found) : await request(token);
    local.store(digest, result.response, remaining(result));
    if (!usable && isActive(result.response)) {
      const timeToLive = Math.floor(Math.min(remaining(result), expiry(result.response) - now()));
      if (timeToLive > 0) void shared?.write(subject, result, timeToLive);
    }
    return result.response;
  };

  const findOrFail = (token: string, digest: string): Promise<JsonObject> =>
    find(token, digest).catch((error: unknown) => {
      throw failureOf(error, issuer.issuer);
    });

  return {
    async introspect(token) {
      // Throws if the clock fails, so that a cached response is not used without a valid time.
      now();
      const digest = tokenDigest(token);
      const response = local.find(digest) ?? (await findOnce(digest, () => findOrFail(token, digest)));
      if (response !== "inactive" && isActive(response)) return response;
      throw rejected(
        "ERR_TOKEN_INACTIVE",
        "the issuer reports the token as not active (expired, revoked, or from another issuer?)",
      );
    },
    async ready() {
      await endpoint.ready().catch((error: unknown) => {
        throw failureOf(error, issuer.issuer);
      });
    },
  };
}

/** Creates a function that sends introspection requests, limits their number, and publishes each response. */
function createRequests(
  issuer: string,
  endpoint: IntrospectionEndpoint,
  { now, elapsed }: { readonly now: () => number; readonly elapsed: () => number },
): (token: string) => Promise<IntrospectionResult> {
  let inFlight = 0;
  return async (token) => {
    if (inFlight >= MAX_IN_FLIGHT)
      throw new IssuerRequestError(`${MAX_IN_FLIGHT} requests to the issuer are in flight`);
    const [askedAt, started] = [now(), elapsed()];
    inFlight += 1;
    try {
      const response = await endpoint.introspect(token);
      const outcome = isActive(response) ? "active" : "inactive";
      publishIntrospection(issuer, { outcome, duration: elapsed() - started });
      return { response, askedAt };
    } finally {
      inFlight -= 1;
    }
  };
}

/** Publishes a failed introspection, and returns its error. A failure of the clock or of a callback is not published. */
function failureOf(error: unknown, issuer: string): Error {
  if (error instanceof ClockError || error instanceof BearerTokenError) return error;
  const reason = failureReason(error);
  publishIntrospection(issuer, { outcome: "unavailable", detail: reason });
  return new AccessTokenError("ERR_INTROSPECTION_UNAVAILABLE", {
    detail: `introspection failed: ${reason}`,
    retryAfter: error instanceof RemoteFailure ? error.retryAfter : 1,
  });
}

/** Returns the time of `exp` in milliseconds since the epoch; infinity without `exp`. */
function expiry(response: JsonObject): number {
  const expires = ownMember(response, "exp");
  return typeof expires === "number" ? expires * 1000 : Number.POSITIVE_INFINITY;
}
