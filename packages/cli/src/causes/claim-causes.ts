import { grantedScopes, isNumericDate, MAX_NUMERIC_DATE, profiles } from "@certbound/core/internal";
import { printableValue } from "../rendering/printable.ts";
import { type Cause, claimOf, type Facts, numberOf } from "./cause.ts";

const claims = ["ERR_TOKEN_CLAIM"] as const;

/** Up to here a difference is more likely one of clocks than of anything else, in seconds. */
const CLOCK_DIFFERENCE = 900;
/** A token that expired so short a time ago was good when it was sent, in seconds. */
const JUST_EXPIRED = 120;

/** Why times, claims and scopes are rejected. */
export const claimCauses: readonly Cause[] = [
  {
    id: "expires-before-issued",
    codes: ["ERR_TOKEN_EXPIRED"],
    applies: (facts) => numberOf(claimOf(facts, "exp")) <= numberOf(claimOf(facts, "iat")),
    reason: "exp is not after iat: it was never good",
    fix: "correct the token lifetime at the issuer",
  },
  {
    id: "older-than-max-token-age",
    codes: ["ERR_TOKEN_EXPIRED"],
    applies: (facts) => facts.now < numberOf(claimOf(facts, "exp")),
    reason: (facts) =>
      `it has not expired, and is older than maxTokenAge permits: ${String(facts.rules.maxTokenAge)} s`,
    fix: "let the client get tokens more often, or the issuer make them shorter lived",
  },
  {
    id: "expired-just-now",
    codes: ["ERR_TOKEN_EXPIRED"],
    applies: (facts) => facts.now - numberOf(claimOf(facts, "exp")) <= JUST_EXPIRED,
    reason: (facts) =>
      `it expired ${Math.round(facts.now - numberOf(claimOf(facts, "exp")))} s ago: the clocks of issuer and API differ, or the client uses tokens to the last second`,
    fix: "synchronise the clocks (NTP); let the client renew a token before it expires",
  },
  {
    id: "token-expired",
    codes: ["ERR_TOKEN_EXPIRED"],
    reason: (facts) => `it expired at ${timeText(claimOf(facts, "exp"))}, and it is ${timeText(facts.now)}`,
    fix: "let the client get a new token; to judge it as of another time: --at",
  },
  {
    id: "clocks-differ",
    codes: ["ERR_TOKEN_NOT_YET_VALID"],
    applies: (facts) => beginOf(facts) - facts.now <= CLOCK_DIFFERENCE,
    reason: (facts) =>
      `it is good from ${Math.round(beginOf(facts) - facts.now)} s in the future on: the clocks of issuer and API differ`,
    fix: "synchronise the clocks (NTP); clockTolerance is for the rest, of a few seconds",
  },
  {
    id: "not-yet-valid",
    codes: ["ERR_TOKEN_NOT_YET_VALID"],
    reason: (facts) => `it is good from ${timeText(beginOf(facts))} on, and it is ${timeText(facts.now)}`,
    fix: "see whether the issuer dates tokens ahead, or takes local time for UTC",
  },
  {
    id: "times-in-milliseconds",
    codes: claims,
    applies: (facts) => ["exp", "nbf", "iat"].some((name) => numberOf(claimOf(facts, name)) > MAX_NUMERIC_DATE),
    reason: "a time is in milliseconds; a JWT has seconds (RFC 7519 section 2)",
    fix: "divide by 1000 where the issuer sets it",
  },
  {
    id: "times-as-text",
    codes: claims,
    applies: (facts) => ["exp", "nbf", "iat"].some((name) => typeof claimOf(facts, name) === "string"),
    reason: "a time is a text, not a number (RFC 7519 section 2)",
    fix: "have the issuer write a JSON number of seconds",
  },
  {
    id: "expiry-missing",
    codes: claims,
    applies: (facts) => claimOf(facts, "exp") === undefined,
    reason: "it has no exp: it would be good for ever",
    fix: "have the issuer limit the lifetime of its tokens",
  },
  {
    id: "issue-time-missing",
    codes: claims,
    applies: (facts) => claimOf(facts, "iat") === undefined && facts.rules.maxTokenAge !== undefined,
    reason: "it has no iat, and maxTokenAge counts from it",
    fix: "have the issuer send iat",
  },
  {
    id: "profile-claim-missing",
    codes: claims,
    applies: (facts) => requiredClaims(facts).some((name) => claimOf(facts, name) === undefined),
    reason: (facts) => `it lacks a claim that the profile ${String(facts.rules.profile)} demands`,
    fix: "have the issuer send it (RFC 9068 section 2.2), or do without the profile",
  },
  {
    id: "claim-malformed",
    codes: claims,
    reason: "a claim is of another type than it has to be",
    fix: "correct the claim at the issuer",
  },
  {
    id: "scope-case",
    codes: ["ERR_SCOPE_INSUFFICIENT"],
    applies: (facts) => missingScopes(facts, granted(facts), (text) => text.toLowerCase()).length === 0,
    reason: "the scopes differ in capital letters, which count",
    fix: "write the same on both sides",
  },
  {
    id: "scope-separated-by-commas",
    codes: ["ERR_SCOPE_INSUFFICIENT"],
    applies: (facts) =>
      missingScopes(
        facts,
        granted(facts).flatMap((text) => text.split(/[,;]/)),
      ).length === 0,
    reason: "the scopes of the token are separated by commas, not by spaces (RFC 6749 section 3.3)",
    fix: "correct it at the issuer",
  },
  {
    id: "scope-missing",
    codes: ["ERR_SCOPE_INSUFFICIENT"],
    reason: (facts) =>
      `the token was not granted ${missingScopes(facts, granted(facts)).map(printableValue).join(", ")}`,
    fix: "let the client ask for the scope, and the issuer grant it; the answer is 403, not 401",
  },
];

/** A time of a token in words; of what is no time, the value. */
export function timeText(seconds: unknown): string {
  if (!isNumericDate(seconds)) return printableValue(seconds);
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** The scopes of the token, as core reads them. */
export function granted({ token }: Facts): readonly string[] {
  return grantedScopes(token.claims ?? {});
}

function requiredClaims({ rules }: Facts): readonly string[] {
  return rules.profile === undefined ? [] : profiles[rules.profile].requiredClaims;
}

function beginOf(facts: Facts): number {
  const times = ["nbf", "iat"].map((name) => claimOf(facts, name)).filter((time) => typeof time === "number");
  return Math.max(...times);
}

function missingScopes(
  { rules }: Facts,
  scopes: readonly string[],
  regard: (scope: string) => string = (scope) => scope,
): readonly string[] {
  const held = new Set(scopes.map(regard));
  return rules.scopes.filter((scope) => !held.has(regard(scope)));
}
