import { type Cause, claimOf, type Facts } from "./cause.ts";

const issuer = ["ERR_TOKEN_ISSUER"] as const;
const audience = ["ERR_TOKEN_AUDIENCE"] as const;

/** The causes of a rejected issuer or audience. Identifiers are compared character by character. */
export const identifierCauses: readonly Cause[] = [
  {
    id: "issuer-missing",
    codes: issuer,
    applies: (facts) => typeof claimOf(facts, "iss") !== "string",
    reason: "the token has no iss, or iss is not a string",
    fix: "configure the issuer to send its identifier in iss",
  },
  {
    id: "issuer-trailing-slash",
    codes: issuer,
    applies: (facts) => issuerMatchesAs(facts, (url) => url.replace(/\/+$/, "")),
    reason: "iss and the configured issuer differ by a trailing slash, which is significant",
    fix: "copy issuer exactly from the issuer's metadata document",
  },
  {
    id: "issuer-case",
    codes: issuer,
    applies: (facts) => issuerMatchesAs(facts, (url) => url.toLowerCase()),
    reason: "iss and the configured issuer differ only in case, which is significant",
    fix: "copy issuer exactly from the issuer's metadata document",
  },
  {
    id: "issuer-scheme",
    codes: issuer,
    applies: (facts) => issuerMatchesAs(facts, (url) => url.replace(/^https?:/, "")),
    reason:
      "iss and the configured issuer differ only in the scheme (http or https): the issuer probably derives its identifier from requests that arrive through a proxy",
    fix: "configure the public address at the issuer: forwarded headers, or a fixed host name",
  },
  {
    id: "issuer-is-metadata-url",
    codes: issuer,
    applies: (facts) => /\/\.well-known\//.test(facts.rules.issuer ?? ""),
    reason: "the configured issuer is the URL of its metadata document, not its identifier",
    fix: "configure the value of issuer in that document",
  },
  {
    id: "issuer-default-port",
    codes: issuer,
    applies: (facts) => issuerMatchesAs(facts, (url) => url.replace(/^(https:\/\/[^/]*?):443(?=\/|$)/, "$1")),
    reason: "iss and the configured issuer differ by an explicit port 443, which is significant",
    fix: "copy issuer exactly from the issuer's metadata document",
  },
  {
    id: "issuer-host-alias",
    codes: issuer,
    applies: (facts) => issuerMatchesAs(facts, (url) => pathOf(url)) && pathOf(facts.rules.issuer ?? "") !== undefined,
    reason:
      "iss and the configured issuer have the same path but different hosts: an alias, an internal name, or another environment",
    fix: "configure the identifier that the issuer uses; if this is another environment, get a token from the right one",
  },
  {
    id: "issuer-other-tenant",
    codes: issuer,
    applies: (facts) => issuerMatchesAs(facts, originOf) && originOf(facts.rules.issuer ?? "") !== undefined,
    reason:
      "iss and the configured issuer have the same host but different paths: another tenant or realm, or another version of the issuer's API",
    fix: "check which tenant the client got its token from",
  },
  {
    id: "issuer-other",
    codes: issuer,
    reason: "the token is not from the configured issuer",
    fix: "check which issuer the client uses; if both issuers are valid, configure both",
  },
  {
    id: "audience-missing",
    codes: audience,
    applies: (facts) => audiencesOf(facts).length === 0,
    reason: "the token has no aud, or aud contains no string: the token is not for a specific API",
    fix: "the client must request a token for this API (resource, audience, or its scopes)",
  },
  {
    id: "audience-trailing-slash",
    codes: audience,
    applies: (facts) => audienceMatchesAs(facts, (text) => text.replace(/\/+$/, "")),
    reason: "aud and the configured audience differ by a trailing slash, which is significant",
    fix: "use exactly the same identifier on both sides",
  },
  {
    id: "audience-case",
    codes: audience,
    applies: (facts) => audienceMatchesAs(facts, (text) => text.toLowerCase()),
    reason: "aud and the configured audience differ only in case, which is significant",
    fix: "use exactly the same identifier on both sides",
  },
  {
    id: "audience-scheme",
    codes: audience,
    applies: (facts) => audienceMatchesAs(facts, (text) => text.replace(/^(?:https?|api|urn):(?:\/\/)?/, "")),
    reason: "aud and the configured audience differ only in the prefix, such as http: or https:",
    fix: "use exactly the same identifier on both sides",
  },
  {
    id: "audience-joined",
    codes: audience,
    applies: (facts) =>
      audiencesOf(facts).some((text) => text.split(/[\s,]+/).some((part) => facts.rules.audience?.includes(part))),
    reason: "aud contains several audiences in one string",
    fix: "configure the issuer to send a JSON array",
  },
  {
    id: "audience-is-client",
    codes: audience,
    applies: (facts) =>
      audiencesOf(facts).some((text) => [claimOf(facts, "client_id"), claimOf(facts, "azp")].includes(text)),
    reason: "aud is the client itself: probably an ID token, or an access token that was not requested for this API",
    fix: "send the access token; the client must request it for this API (resource, audience, or its scopes)",
  },
  {
    id: "audience-is-issuer",
    codes: audience,
    applies: (facts) => audiencesOf(facts).some((text) => startsWithIssuer(text, claimOf(facts, "iss"))),
    reason: "aud is the issuer itself, as in tokens for its userinfo endpoint",
    fix: "the client must request a token for this API (resource, audience, or its scopes)",
  },
  {
    id: "audience-other",
    codes: audience,
    reason: "the token is for another API",
    fix: "the client must request a token for this API, or the API must be configured with the audience that the issuer sends",
  },
];

/** Returns true if iss and the configured issuer are equal after normalisation. */
function issuerMatchesAs(facts: Facts, normalise: (url: string) => string | undefined): boolean {
  const [actual, configured] = [claimOf(facts, "iss"), facts.rules.issuer];
  if (typeof actual !== "string" || configured === undefined) return false;
  return normalise(actual) === normalise(configured);
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

/** Returns the path of a URL; undefined for the path /, because all URLs without a path would be equal. */
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

function audienceMatchesAs(facts: Facts, normalise: (text: string) => string): boolean {
  const configured = new Set(facts.rules.audience?.map(normalise));
  return audiencesOf(facts).some((text) => configured.has(normalise(text)));
}
