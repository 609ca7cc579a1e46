import { grantedScopes, isNumericDate, MAX_NUMERIC_DATE, profiles } from "@certbound/core/internal";
import { printableValue } from "../rendering/printable.ts";
import { type Cause, claimOf, type Facts, numberOrNaN } from "./cause.ts";

const claims = ["ERR_TOKEN_CLAIM"] as const;

/** The maximum difference in seconds that is attributed to different clocks. */
const CLOCK_DIFFERENCE = 900;
/** A token that expired at most this number of seconds ago was probably still valid when the client sent it. */
const JUST_EXPIRED = 120;

/** The causes of rejected times, claims and scopes. */
export const claimCauses: readonly Cause[] = [
  {
    id: "expires-before-issued",
    codes: ["ERR_TOKEN_EXPIRED"],
    applies: (facts) => numberOrNaN(claimOf(facts, "exp")) <= numberOrNaN(claimOf(facts, "iat")),
    reason: "exp is not after iat, so the token was never valid",
    fix: "correct the token lifetime at the issuer",
  },
  {
    id: "older-than-max-token-age",
    codes: ["ERR_TOKEN_EXPIRED"],
    applies: (facts) => facts.now < numberOrNaN(claimOf(facts, "exp")),
    reason: (facts) =>
      `the token has not expired, but it is older than maxTokenAge allows: ${String(facts.rules.maxTokenAge)} s`,
    fix: "configure the client to get tokens more often, or the issuer to issue tokens with a shorter lifetime",
  },
  {
    id: "expired-just-now",
    codes: ["ERR_TOKEN_EXPIRED"],
    applies: (facts) => facts.now - numberOrNaN(claimOf(facts, "exp")) <= JUST_EXPIRED,
    reason: (facts) =>
      `the token expired ${Math.round(facts.now - numberOrNaN(claimOf(facts, "exp")))} s ago: the clocks of issuer and API differ, or the client uses tokens until the last second`,
    fix: "synchronise the clocks (NTP); configure the client to renew its token before it expires",
  },
  {
    id: "token-expired",
    codes: ["ERR_TOKEN_EXPIRED"],
    reason: (facts) =>
      `the token expired at ${timeText(claimOf(facts, "exp"))}; the current time is ${timeText(facts.now)}`,
    fix: "the client must get a new token; to verify this token as of another time, use --at",
  },
  {
    id: "clocks-differ",
    codes: ["ERR_TOKEN_NOT_YET_VALID"],
    applies: (facts) => startOfValidity(facts) - facts.now <= CLOCK_DIFFERENCE,
    reason: (facts) =>
      `the token becomes valid in ${Math.round(startOfValidity(facts) - facts.now)} s: the clocks of issuer and API differ`,
    fix: "synchronise the clocks (NTP); use clockTolerance only for a remaining difference of a few seconds",
  },
  {
    id: "not-yet-valid",
    codes: ["ERR_TOKEN_NOT_YET_VALID"],
    reason: (facts) =>
      `the token is valid from ${timeText(startOfValidity(facts))}; the current time is ${timeText(facts.now)}`,
    fix: "check whether the issuer issues tokens for a future time, or uses local time as UTC",
  },
  {
    id: "times-in-milliseconds",
    codes: claims,
    applies: (facts) => ["exp", "nbf", "iat"].some((name) => numberOrNaN(claimOf(facts, name)) > MAX_NUMERIC_DATE),
    reason: "a time is in milliseconds; in a JWT, times are in seconds (RFC 7519 section 2)",
    fix: "correct the issuer: divide the value by 1000",
  },
  {
    id: "times-as-text",
    codes: claims,
    applies: (facts) => ["exp", "nbf", "iat"].some((name) => typeof claimOf(facts, name) === "string"),
    reason: "a time is a string, not a number (RFC 7519 section 2)",
    fix: "correct the issuer: the value must be a JSON number of seconds",
  },
  {
    id: "expiry-missing",
    codes: claims,
    applies: (facts) => claimOf(facts, "exp") === undefined,
    reason: "the token has no exp, so it would never expire",
    fix: "configure the issuer to limit the lifetime of its tokens",
  },
  {
    id: "issue-time-missing",
    codes: claims,
    applies: (facts) => claimOf(facts, "iat") === undefined && facts.rules.maxTokenAge !== undefined,
    reason: "the token has no iat, which maxTokenAge requires",
    fix: "configure the issuer to send iat",
  },
  {
    id: "profile-claim-missing",
    codes: claims,
    applies: (facts) => requiredClaims(facts).some((name) => claimOf(facts, name) === undefined),
    reason: (facts) => `the token lacks a claim that the profile ${String(facts.rules.profile)} requires`,
    fix: "configure the issuer to send the claim (RFC 9068 section 2.2), or do not use the profile",
  },
  {
    id: "claim-malformed",
    codes: claims,
    reason: "a claim has the wrong type",
    fix: "correct the claim at the issuer",
  },
  {
    id: "scope-case",
    codes: ["ERR_SCOPE_INSUFFICIENT"],
    applies: (facts) => missingScopes(facts, scopesOf(facts), (text) => text.toLowerCase()).length === 0,
    reason: "the scopes differ only in case, which is significant",
    fix: "use the same spelling on both sides",
  },
  {
    id: "scope-separated-by-commas",
    codes: ["ERR_SCOPE_INSUFFICIENT"],
    applies: (facts) =>
      missingScopes(
        facts,
        scopesOf(facts).flatMap((text) => text.split(/[,;]/)),
      ).length === 0,
    reason: "the scopes of the token are separated by commas, not by spaces (RFC 6749 section 3.3)",
    fix: "correct the scope claim at the issuer",
  },
  {
    id: "scope-missing",
    codes: ["ERR_SCOPE_INSUFFICIENT"],
    reason: (facts) =>
      `the token does not contain every required scope; missing: ${missingScopes(facts, scopesOf(facts)).map(printableValue).join(", ")}`,
    fix: "the client must request the scope, and the issuer must grant it; the response is 403, not 401",
  },
];

/** Formats a time of a token in ISO 8601; returns any other value as printable text. */
export function timeText(seconds: unknown): string {
  if (!isNumericDate(seconds)) return printableValue(seconds);
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** Returns the scopes of the token, as core reads them. */
export function scopesOf({ token }: Facts): readonly string[] {
  return grantedScopes(token.claims ?? {});
}

function requiredClaims({ rules }: Facts): readonly string[] {
  return rules.profile === undefined ? [] : profiles[rules.profile].requiredClaims;
}

function startOfValidity(facts: Facts): number {
  const times = ["nbf", "iat"].map((name) => claimOf(facts, name)).filter((time) => typeof time === "number");
  return Math.max(...times);
}

function missingScopes(
  { rules }: Facts,
  scopes: readonly string[],
  normalise: (scope: string) => string = (scope) => scope,
): readonly string[] {
  const present = new Set(scopes.map(normalise));
  return rules.scopes.filter((scope) => !present.has(normalise(scope)));
}
