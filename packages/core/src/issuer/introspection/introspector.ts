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

/** Asks one issuer about tokens, and caches what it says for a while. */
export interface Introspector {
  /**
   * Gives what the issuer says of an active token: frozen, and its claims not checked.
   *
   * @throws AccessTokenError `ERR_TOKEN_INACTIVE`, `ERR_INTROSPECTION_UNAVAILABLE`
   */
  introspect(token: string): Promise<JsonObject>;
  /**
   * Makes sure that the issuer can be asked.
   *
   * @throws AccessTokenError `ERR_INTROSPECTION_UNAVAILABLE`
   */
  ready(): Promise<void>;
}

/** An issuer that is asked about tokens. */
export type IntrospectingIssuer = IssuerConfiguration & { readonly introspection: IntrospectionConfiguration };

/** What an introspector uses. */
export interface IntrospectorParts {
  /** Verifies signed answers. */
  readonly keys: KeySource;
  readonly verifier: Pick<VerifierConfiguration, "fetch" | "clock" | "clockTolerance">;
  /** Milliseconds that only ever grow; default `performance.now`. */
  readonly elapsed?: () => number;
}

/** How many requests there are to one issuer at a time. */
const MAX_IN_FLIGHT = 64;

/**
 * Creates the introspector of an issuer.
 *
 * One request per token at a time, 64 in all; with a shared cache, 64 reads of it as well. A read has ended before the
 * request is sent, so that neither limit waits for the other, and a full limit of requests does not keep shared responses
 * from being used. Answers are kept for `cacheDuration`, those on inactive tokens for 10 s at most and in this process only;
 * whether a token that was active then has expired since is for the caller to check.
 */
export function createIntrospector(issuer: IntrospectingIssuer, parts: IntrospectorParts): Introspector {
  const { keys, verifier, elapsed = () => performance.now() } = withoutPrototype(parts);
  const { cacheDuration, cache, clientId, signedResponse } = issuer.introspection;
  const endpoint = createIntrospectionEndpoint(issuer, verifier, keys, elapsed);
  const memory = createResponseCache(elapsed);
  const shared = cache && createSharedCache(cache, elapsed);
  const findOnce = createSingleFlight<JsonObject>();

  const now = (): number => currentTime(verifier.clock) * 1000;
  /**
   * How long an answer may still be used, in milliseconds; not at all when it is from the future by more than
   * `clockTolerance`.
   */
  const remaining = ({ askedAt }: IntrospectionResult): number => {
    const age = now() - askedAt;
    return age < -verifier.clockTolerance * 1000 ? 0 : cacheDuration * 1000 - Math.max(age, 0);
  };
  const ask = createRequests(issuer.issuer, endpoint, { now, elapsed });

  const find = async (token: string, digest: string): Promise<JsonObject> => {
    const subject = { issuer: issuer.issuer, endpoint: await endpoint.locate(), clientId, signedResponse, token };
    const found = await shared?.read(subject);
    const usable = found !== undefined && isActive(found.response) && remaining(found) > 0;
    const answer = usable ? deepFreeze(found) : await ask(token);
    memory.store(digest, answer.response, remaining(answer));
    if (!usable && isActive(answer.response)) {
      const timeToLive = Math.floor(Math.min(remaining(answer), expiry(answer.response) - now()));
      if (timeToLive > 0) void shared?.write(subject, answer, timeToLive);
    }
    return answer.response;
  };

  const findOrFail = (token: string, digest: string): Promise<JsonObject> =>
    find(token, digest).catch((error: unknown) => {
      throw failureOf(error, issuer.issuer);
    });

  return {
    async introspect(token) {
      // Without a time, what is cached is not used either.
      now();
      const digest = tokenDigest(token);
      const response = memory.find(digest) ?? (await findOnce(digest, () => findOrFail(token, digest)));
      if (response !== "inactive" && isActive(response)) return response;
      throw rejected(
        "ERR_TOKEN_INACTIVE",
        "the issuer says that it is not active: expired, revoked, or of another issuer",
      );
    },
    async ready() {
      await endpoint.ready().catch((error: unknown) => {
        throw failureOf(error, issuer.issuer);
      });
    },
  };
}

/** Creates what sends requests about tokens: a limited number at a time, each of them published once it was answered. */
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

/** Publishes that an issuer could not be asked, and returns the error; a failing clock or callback is not the issuer's. */
function failureOf(error: unknown, issuer: string): Error {
  if (error instanceof ClockError || error instanceof BearerTokenError) return error;
  const reason = failureReason(error);
  publishIntrospection(issuer, { outcome: "unavailable", detail: reason });
  return new AccessTokenError("ERR_INTROSPECTION_UNAVAILABLE", {
    detail: `the issuer could not be asked about the token: ${reason}`,
    retryAfter: error instanceof RemoteFailure ? error.retryAfter : 1,
  });
}

/** When the token expires by its `exp`, in milliseconds since the epoch. */
function expiry(response: JsonObject): number {
  const expires = ownMember(response, "exp");
  return typeof expires === "number" ? expires * 1000 : Number.POSITIVE_INFINITY;
}
