import { channel } from "node:diagnostics_channel";
import type { AccessToken, AccessTokenClaims } from "../access-token.ts";
import { AccessTokenError, type AccessTokenErrorCode } from "../errors.ts";
import { ownMember } from "../values/json-object.ts";
import { memberOf, withoutPrototype } from "../values/object-member.ts";

/**
 * What is published on the diagnostics channel `certbound:decision`, once for every request that is authenticated, and every
 * call of `verify` with valid options.
 */
export interface DecisionEvent {
  /**
   * `accepted`. `rejected`: with 400, 401, 403 or 503. `reported`: accepted under `"report-only"`, and with required binding,
   * the binding or the certificate policy would have rejected it. `failed`: a callback (except `onRejected`, which is called
   * afterwards), the clock or certbound itself failed, which is an error 500.
   */
  readonly outcome: "accepted" | "reported" | "rejected" | "failed";
  /** Why it was, or would have been, rejected. */
  readonly code?: AccessTokenErrorCode;
  /** Of an accepted token: `verified`, or `unbound` under `"when-bound"`; of a reported one `rejected`. */
  readonly binding?: AccessToken["binding"];
  /**
   * The code in words of ours, which hold nothing of the token or the certificate; for an error that a resolver, a policy or
   * the caller of `verify` made, the detail of that error.
   */
  readonly detail?: string;
  /** The configured issuer that the token names, or that was asked about it; before a signature was verified, as claimed. */
  readonly issuer?: string;
  /** The `client_id` of the token, or its `azp` if it has none, once it is known to be the issuer's. */
  readonly clientId?: string;
  /** Whether a JWT was found among the verified ones, so that its signature need not be verified again. */
  readonly cached?: boolean;
  /** How long it took, in milliseconds. */
  readonly duration: number;
}

/** What is learnt of a token on the way to a decision. */
export interface Findings {
  readonly issuer?: string | undefined;
  /** To be given when they are known to be the issuer's. */
  readonly claims?: AccessTokenClaims;
  readonly cached?: boolean;
}

/** One decision that somebody listens to. */
export interface Observation {
  found(findings: Findings): void;
  /** Publishes that the token was accepted, or reported. */
  accepted(accessToken: AccessToken): void;
  /** Publishes what was thrown: a rejection, or that something failed. */
  threw(error: unknown): void;
}

const decisions = channel("certbound:decision");

/** Returns whether anyone listens to decisions. */
export function isDecisionObserved(): boolean {
  return decisions.hasSubscribers;
}

/** Begins to observe a decision; undefined without a listener, so that it costs nothing. */
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
    const given = Object.entries(event).filter(([, value]) => value !== undefined);
    decisions.publish(Object.freeze(Object.fromEntries(given)));
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

/** Finds the client of a token: Keycloak and Auth0 name it in `azp`. */
function clientOf(claims: AccessTokenClaims): string | undefined {
  const names = ["client_id", "azp"].map((name) => ownMember(claims, name));
  return names.find((name) => typeof name === "string");
}

function reasonOf(error: AccessTokenError): Pick<DecisionEvent, "code" | "detail"> {
  const detail = memberOf(error, "detail");
  return detail === undefined ? { code: error.code } : { code: error.code, detail };
}
