import { channel } from "node:diagnostics_channel";
import type { AccessToken, AccessTokenClaims } from "../access-token.ts";
import { AccessTokenError, type AccessTokenErrorCode } from "../errors.ts";
import { ownMember } from "../values/json-object.ts";
import { memberOf, withoutPrototype } from "../values/object-member.ts";

/**
 * The message of the diagnostics channel `certbound:decision`, published once for every request that an authenticator
 * handles, and once for every call of `verify` with valid options.
 */
export interface DecisionEvent {
  /**
   * `accepted`: the token was accepted. `rejected`: the request was rejected with 400, 401, 403 or 503. `reported`: the
   * token was accepted under `"report-only"`, but `true` would have rejected it because of its binding or the certificate
   * policy. `failed`: a callback, the clock or certbound itself failed (500). A failure of `onRejected` is not published,
   * because `onRejected` is called later.
   */
  readonly outcome: "accepted" | "reported" | "rejected" | "failed";
  /** Why the request was, or would have been, rejected. */
  readonly code?: AccessTokenErrorCode;
  /**
   * If the outcome is `accepted`: `verified`, or `unbound` (only under `"when-bound"`). If the outcome is `reported`:
   * `rejected`.
   */
  readonly binding?: AccessToken["binding"];
  /**
   * The `detail` of the error. A detail that certbound wrote does not contain any part of the token or the certificate. A
   * resolver, a policy or the caller of `verify` can create an error with another detail.
   */
  readonly detail?: string;
  /**
   * The accepted issuer that the token names, or that introspected the token. If the signature was not verified, the token
   * may be forged and come from somewhere else.
   */
  readonly issuer?: string;
  /** The `client_id` of the token, otherwise its `azp`. Missing if the token is not known to come from the issuer. */
  readonly clientId?: string;
  /** Whether a JWT was found in the cache of verified tokens. The signature of a cached token is not verified again. */
  readonly cached?: boolean;
  /** How long the decision took, in milliseconds. */
  readonly duration: number;
}

/** Facts about a token that are collected before the decision. */
export interface Findings {
  readonly issuer?: string | undefined;
  /** Set only once the token is known to come from the issuer. */
  readonly claims?: AccessTokenClaims;
  readonly cached?: boolean;
}

/** Collects and publishes the event of one decision. */
export interface Observation {
  found(findings: Findings): void;
  /** Publishes the outcome `accepted` or `reported`. */
  accepted(accessToken: AccessToken): void;
  /** Publishes the outcome `rejected` for an AccessTokenError, and `failed` for any other error. */
  threw(error: unknown): void;
}

const decisions = channel("certbound:decision");

/** Returns whether the channel has subscribers. */
export function isDecisionObserved(): boolean {
  return decisions.hasSubscribers;
}

/** Starts the observation of a decision; returns undefined if the channel has no subscribers. */
export function observeDecision(): Observation | undefined {
  return isDecisionObserved() ? beginObservation() : undefined;
}

function beginObservation(): Observation {
  const started = performance.now();
  let known: Findings = withoutPrototype({});
  const publish = (outcome: Partial<DecisionEvent>): void => {
    const { issuer, claims, cached } = known;
    const clientId = claims && clientOf(claims);
    const event = { ...outcome, issuer, clientId, cached, duration: performance.now() - started };
    const members = Object.entries(event).filter(([, value]) => value !== undefined);
    decisions.publish(Object.freeze(Object.fromEntries(members)));
  };
  return {
    found(findings) {
      known = withoutPrototype({ ...known, ...findings });
    },
    accepted(accessToken) {
      const { binding } = accessToken;
      if (binding !== "rejected") publish({ outcome: "accepted", binding });
      else publish({ outcome: "reported", ...reasonOf(accessToken.bindingError), binding });
    },
    threw(error) {
      if (error instanceof AccessTokenError) publish({ outcome: "rejected", ...reasonOf(error) });
      else publish({ outcome: "failed" });
    },
  };
}

/** Returns the client of a token; Keycloak and Auth0 name it in `azp`. */
function clientOf(claims: AccessTokenClaims): string | undefined {
  const names = ["client_id", "azp"].map((name) => ownMember(claims, name));
  return names.find((name) => typeof name === "string");
}

function reasonOf(error: AccessTokenError): Pick<DecisionEvent, "code" | "detail"> {
  const detail = memberOf(error, "detail");
  return detail === undefined ? { code: error.code } : { code: error.code, detail };
}
