import { AccessTokenError, type ChallengeParameters, type ErrorRow, errorRows } from "../errors.ts";
import { knownOptions, nonEmptyList, type OptionRules } from "../values/known-options.ts";
import { memberOf } from "../values/object-member.ts";

/** How rejected requests are answered. */
export interface RejectionOptions {
  /** The protection space that challenges name; default `"api"`. */
  readonly realm?: string | undefined;
  /** Authentication schemes that a token may come with, and that are challenged; default `["Bearer"]`. */
  readonly schemes?: readonly string[] | undefined;
  /** The resource identifier of this API (RFC 9728), an https URL: challenges then say where its metadata is. */
  readonly resource?: string | undefined;
}

/** The HTTP answer to a rejected request. */
export interface HttpRejection {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly message: string };
}

const messages = { 400: "bad request", 401: "unauthorized", 403: "forbidden", 503: "service unavailable" } as const;

// Constants, so that the answer does not tell which check rejected.
const descriptions = {
  invalid_request: "The request does not carry exactly one well-formed access token",
  invalid_token: "The access token is not valid for this request",
  insufficient_scope: "The access token does not permit this request",
  insufficient_user_authentication: "The authentication of the user does not meet the requirements",
} as const;

const parameterNames = { scopes: "scope", acrValues: "acr_values", maxAge: "max_age" } as const;

const DEFAULT_RETRY_AFTER = 10;

const WELL_KNOWN = "/.well-known/oauth-protected-resource";

/**
 * Maps an error to the HTTP answer that RFC 6750 section 3 asks for.
 *
 * The answer holds nothing of the token, the certificate or the error's detail.
 *
 * @throws TypeError when the error is not an AccessTokenError, which is not the client's fault, or an option is bad
 */
export function httpRejection(error: AccessTokenError, options: RejectionOptions = {}): HttpRejection {
  if (!(error instanceof AccessTokenError)) throw new TypeError("httpRejection: the error must be an AccessTokenError");
  const given = knownOptions("the rejection options", options, rejectionRules, "not-given");
  const row = errorRows[error.code];
  const [, status] = row;
  const headers: Readonly<Record<string, string>> =
    status === 503
      ? { "Retry-After": retryAfter(memberOf(error, "retryAfter")) }
      : { "WWW-Authenticate": challenge(row, memberOf(error, "challenge") ?? {}, given) };
  return { status, headers, body: { message: messages[status] } };
}

// What may stand between quotes in a challenge without escaping (RFC 6750 section 3).
const quotable = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

/** The rules of the rejection options, for option types that include them. */
export const rejectionRules: OptionRules<RejectionOptions> = {
  realm: {
    expected: "printable ASCII without quotes and backslashes",
    accepts: (value) => typeof value === "string" && quotable.test(value),
  },
  schemes: nonEmptyList({
    expected: "the name of an authentication scheme whose token is checked here (not DPoP, not Basic)",
    accepts: (value) =>
      typeof value === "string" &&
      /^[\w!#$%&'*+.^`|~-]+$/.test(value) &&
      !/^(dpop|basic|digest|negotiate)$/i.test(value),
  }),
  resource: {
    expected: "an https URL without fragment, printable ASCII",
    accepts: (value) => typeof value === "string" && quotable.test(value) && isResourceIdentifier(value),
  },
};

function challenge([, , error, names = []]: ErrorRow, asked: ChallengeParameters, options: RejectionOptions): string {
  const { realm = "api", schemes = ["Bearer"], resource } = options;
  const parameters = [`realm="${realm}"`];
  if (error !== null) parameters.push(`error="${error}"`, `error_description="${descriptions[error]}"`);
  for (const name of names) {
    const value = [memberOf(asked, name) ?? ""].flat().join(" ");
    // Requirements were checked; an error that the application made was not.
    if (quotable.test(value)) parameters.push(`${parameterNames[name]}="${value}"`);
  }
  if (resource !== undefined) parameters.push(`resource_metadata="${resourceMetadataUrl(resource)}"`);
  return schemes.map((scheme) => `${scheme} ${parameters.join(", ")}`).join(", ");
}

function retryAfter(seconds: number = DEFAULT_RETRY_AFTER): string {
  return String(Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : DEFAULT_RETRY_AFTER);
}

/** RFC 9728 section 5.1. */
function resourceMetadataUrl(resource: string): string {
  const { origin, path } = metadataLocation(resource);
  return origin + path;
}

/** Tells whether a text can be a resource identifier (RFC 9728 section 1.2): an https URL without fragment. */
function isResourceIdentifier(resource: string): boolean {
  return URL.canParse(resource) && new URL(resource).protocol === "https:" && !resource.includes("#");
}

/** Where the metadata of a resource is: host, and the path (with query) on it. */
export function metadataLocation(resource: string): { readonly origin: string; readonly path: string } {
  const { origin, pathname, search } = new URL(resource);
  // Inserted between host and path; a slash that ends the host is dropped (RFC 9728 section 3.1).
  return { origin, path: `${WELL_KNOWN}${pathname === "/" ? "" : pathname}${search}` };
}
