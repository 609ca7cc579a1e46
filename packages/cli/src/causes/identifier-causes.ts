import { type Cause, claimOf, type Facts } from "./cause.ts";

const issuer = ["ERR_TOKEN_ISSUER"] as const;
const audience = ["ERR_TOKEN_AUDIENCE"] as const;

/** Why issuer and audience are rejected: identifiers are compared character by character. */
export const identifierCauses: readonly Cause[] = [
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
];

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
