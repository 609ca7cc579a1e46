import { grantedScopes, isNumericDate, MAX_NUMERIC_DATE, profiles } from "@certbound/core/internal";
import { claimOf, type Facts, numberOf } from "../explain/facts.ts";
import { printableValue } from "../rendering/printable.ts";
import type { Cause } from "./cause.ts";

const issuer = ["ERR_TOKEN_ISSUER"] as const;
const audience = ["ERR_TOKEN_AUDIENCE"] as const;
const claims = ["ERR_TOKEN_CLAIM"] as const;

/** Up to here a difference is more likely one of clocks than of anything else, in seconds. */
const CLOCK_DIFFERENCE = 900;
/** A token that expired so short a time ago was good when it was sent, in seconds. */
const JUST_EXPIRED = 120;

/** Why issuer, audience, times and claims are refused. */
export const claimCauses: readonly Cause[] = [
  {
    id: "issuer-missing",
    codes: issuer,
    applies: (facts) => typeof claimOf(facts, "iss") !== "string",
    reason: "it has no iss, or one that is no text",
    fix: "have the issuer put its identifier into iss",
  },
  {
    id: "issuer-trailing-slash",
    codes: issuer,
    applies: (facts) => comparesAs(facts, (url) => url.replace(/\/+$/, "")),
    reason: "iss and the configured issuer differ by a slash at the end, which counts",
    fix: "copy issuer from the issuer's metadata document, character by character",
  },
  {
    id: "issuer-case",
    codes: issuer,
    applies: (facts) => comparesAs(facts, (url) => url.toLowerCase()),
    reason: "iss and the configured issuer differ in capital letters, which count",
    fix: "copy issuer from the issuer's metadata document, character by character",
  },
  {
    id: "issuer-scheme",
    codes: issuer,
    applies: (facts) => comparesAs(facts, (url) => url.replace(/^https?:/, "")),
    reason:
      "one of iss and the configured issuer is http, the other https: the issuer takes its name from a request behind a proxy",
    fix: "tell the issuer its public address: forwarded headers, or a fixed host name",
  },
  {
    id: "issuer-is-metadata-url",
    codes: issuer,
    applies: (facts) => /\/\.well-known\//.test(facts.rules.issuer ?? ""),
    reason: "the configured issuer is the address of its metadata document, not its identifier",
    fix: "configure what the document has in issuer",
  },
  {
    id: "issuer-default-port",
    codes: issuer,
    applies: (facts) => comparesAs(facts, (url) => url.replace(/^(https:\/\/[^/]*?):443(?=\/|$)/, "$1")),
    reason: "iss and the configured issuer differ by the port 443, which counts when it is written",
    fix: "copy issuer from the issuer's metadata document, character by character",
  },
  {
    id: "issuer-host-alias",
    codes: issuer,
    applies: (facts) => comparesAs(facts, (url) => pathOf(url)) && pathOf(facts.rules.issuer ?? "") !== undefined,
    reason:
      "iss and the configured issuer have the same path and another host: an alias, an internal name, or another environment",
    fix: "configure the name that the issuer gives itself; if this is another environment, get a token from the right one",
  },
  {
    id: "issuer-other-tenant",
    codes: issuer,
    applies: (facts) => comparesAs(facts, originOf) && originOf(facts.rules.issuer ?? "") !== undefined,
    reason:
      "iss has the host of the configured issuer and another path: another tenant or realm, or another version of the issuer's interface",
    fix: "see which tenant the client got its token from",
  },
  {
    id: "issuer-other",
    codes: issuer,
    reason: "the token is from another issuer than the configured one",
    fix: "see which issuer the client uses; if both are right, configure both",
  },
  {
    id: "audience-missing",
    codes: audience,
    applies: (facts) => audiencesOf(facts).length === 0,
    reason: "it has no aud, or one that is no text: it is for no API in particular",
    fix: "let the client ask for a token for this API (resource, audience, or its scopes)",
  },
  {
    id: "audience-trailing-slash",
    codes: audience,
    applies: (facts) => holdsAudienceAs(facts, (text) => text.replace(/\/+$/, "")),
    reason: "aud and the configured audience differ by a slash at the end, which counts",
    fix: "write the same on both sides, character by character",
  },
  {
    id: "audience-case",
    codes: audience,
    applies: (facts) => holdsAudienceAs(facts, (text) => text.toLowerCase()),
    reason: "aud and the configured audience differ in capital letters, which count",
    fix: "write the same on both sides, character by character",
  },
  {
    id: "audience-scheme",
    codes: audience,
    applies: (facts) => holdsAudienceAs(facts, (text) => text.replace(/^(?:https?|api|urn):(?:\/\/)?/, "")),
    reason: "aud and the configured audience differ in what they begin with, such as http and https",
    fix: "write the same on both sides, character by character",
  },
  {
    id: "audience-joined",
    codes: audience,
    applies: (facts) =>
      audiencesOf(facts).some((text) => text.split(/[\s,]+/).some((part) => facts.rules.audience?.includes(part))),
    reason: "aud holds several audiences in one text",
    fix: "have the issuer send a JSON list",
  },
  {
    id: "audience-is-client",
    codes: audience,
    applies: (facts) =>
      audiencesOf(facts).some((text) => [claimOf(facts, "client_id"), claimOf(facts, "azp")].includes(text)),
    reason:
      "aud is the client itself: most likely an ID token, or an access token that was asked for without naming this API",
    fix: "send the access token, and let the client ask for one for this API (resource, audience, or its scopes)",
  },
  {
    id: "audience-is-issuer",
    codes: audience,
    applies: (facts) => audiencesOf(facts).some((text) => startsWithIssuer(text, claimOf(facts, "iss"))),
    reason: "aud is the issuer itself, as in tokens for its userinfo endpoint",
    fix: "let the client ask for a token for this API (resource, audience, or its scopes)",
  },
  {
    id: "audience-other",
    codes: audience,
    reason: "the token is for another API",
    fix: "let the client ask for a token for this API, or configure the audience that the issuer gives it",
  },
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

/** Whether iss and the issuer are the same in some regard, and that regard is one that both have. */
function comparesAs(facts: Facts, regard: (url: string) => string | undefined): boolean {
  const [actual, configured] = [claimOf(facts, "iss"), facts.rules.issuer];
  if (typeof actual !== "string" || configured === undefined) return false;
  return regard(actual) === regard(configured);
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

/** Nothing for an issuer without a path: all of those have the same. */
function pathOf(url: string): string | undefined {
  const path = URL.canParse(url) ? new URL(url).pathname : "/";
  return path === "/" ? undefined : path;
}

function audiencesOf(facts: Facts): readonly string[] {
  return [claimOf(facts, "aud")].flat().filter((text) => typeof text === "string");
}

function startsWithIssuer(text: string, iss: unknown): boolean {
  return typeof iss === "string" && text.startsWith(iss);
}

function holdsAudienceAs(facts: Facts, regard: (text: string) => string): boolean {
  const configured = new Set(facts.rules.audience?.map(regard));
  return audiencesOf(facts).some((text) => configured.has(regard(text)));
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
