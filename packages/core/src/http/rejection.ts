import { AccessTokenError, type ChallengeParameters, type ErrorRow, errorRows } from "../errors.ts";
import { knownOptions, nonEmptyList, type OptionRules } from "../values/known-options.ts";
import { memberOf } from "../values/object-member.ts";

/** Configures the response to rejected requests. */
export interface RejectionOptions {
  /** The `realm` of challenges (the protection space). Default `"api"`. */
  readonly realm?: string | undefined;
  /** Accepted authentication schemes. Each of them gets a challenge. Default `["Bearer"]`. */
  readonly schemes?: readonly string[] | undefined;
  /** The resource identifier of this API, an https URL. Adds the URL of the API's metadata to the challenges (RFC 9728). */
  readonly resource?: string | undefined;
}

/** The HTTP response to a rejected request. */
export interface HttpRejection {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly message: string };
}

const messages = { 400: "bad request", 401: "unauthorized", 403: "forbidden", 503: "service unavailable" } as const;

// Constants, so that the response does not show which check failed.
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
 * Creates the HTTP response to a rejected request (RFC 6750 section 3, RFC 9470 section 3).
 *
 * The response does not contain any data from the token, the certificate or the error's detail.
 *
 * @example
 * <!-- source: test/api-examples/core.examples.ts#httpRejection -->
 * ```ts
 * try {
 *   await verifier.verify(token, { clientCertificate: tlsCertificate(request) });
 *   response.end("Hello");
 * } catch (error) {
 *   if (!(error instanceof AccessTokenError)) throw error;
 *   const { status, headers, body } = httpRejection(error, { realm: "accounts" });
 *   response.writeHead(status, { ...headers, "content-type": "application/json" }).end(JSON.stringify(body));
 * }
 * ```
 *
 * @throws TypeError if the error is not an AccessTokenError (respond with 500 then), or if an option is invalid
 */
export function httpRejection(error: AccessTokenError, options: RejectionOptions = {}): HttpRejection {
  if (!(error instanceof AccessTokenError)) throw new TypeError("certbound: the error must be an AccessTokenError");
  const given = knownOptions("the rejection options", options, rejectionRules, "not-given");
  const row = errorRows[error.code];
  const [, status] = row;
  const headers: Readonly<Record<string, string>> =
    status === 503
      ? { "Retry-After": retryAfter(memberOf(error, "retryAfter")) }
      : { "WWW-Authenticate": challenge(row, memberOf(error, "challenge") ?? {}, given) };
  return { status, headers, body: { message: messages[status] } };
}

// The characters that a quoted string in a challenge may contain without escaping (RFC 6750 section 3).
const quotable = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

/** The option rules for {@link RejectionOptions}. */
export const rejectionRules: OptionRules<RejectionOptions> = {
  realm: {
    expected: "printable ASCII without quotes and backslashes",
    accepts: (value) => typeof value === "string" && quotable.test(value),
  },
  schemes: nonEmptyList({
    expected: "the name of an authentication scheme for bearer tokens (not DPoP, Basic, Digest or Negotiate)",
    accepts: (value) =>
      typeof value === "string" &&
      /^[\w!#$%&'*+.^`|~-]+$/.test(value) &&
      !/^(dpop|basic|digest|negotiate)$/i.test(value),
  }),
  resource: {
    expected: "an https URL without a fragment, in printable ASCII",
    accepts: (value) => typeof value === "string" && quotable.test(value) && isResourceIdentifier(value),
  },
};

function challenge(
  [, , error, names = []]: ErrorRow,
  required: ChallengeParameters,
  options: RejectionOptions,
): string {
  const { realm = "api", schemes = ["Bearer"], resource } = options;
  const parameters = [`realm="${realm}"`];
  if (error !== null) parameters.push(`error="${error}"`, `error_description="${descriptions[error]}"`);
  for (const name of names) {
    const value = [memberOf(required, name) ?? ""].flat().join(" ");
    // If the application created the error, its values have not been checked before.
    if (quotable.test(value)) parameters.push(`${parameterNames[name]}="${value}"`);
  }
  if (resource !== undefined) parameters.push(`resource_metadata="${resourceMetadataUrl(resource)}"`);
  return schemes.map((scheme) => `${scheme} ${parameters.join(", ")}`).join(", ");
}

function retryAfter(seconds: number = DEFAULT_RETRY_AFTER): string {
  return String(Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : DEFAULT_RETRY_AFTER);
}

/** Returns the value of the challenge parameter `resource_metadata` (RFC 9728 section 5.1). */
function resourceMetadataUrl(resource: string): string {
  const { origin, path } = metadataLocation(resource);
  return origin + path;
}

/** Returns whether a text is a valid resource identifier (RFC 9728 section 1.2): an https URL without a fragment. */
function isResourceIdentifier(resource: string): boolean {
  return URL.canParse(resource) && new URL(resource).protocol === "https:" && !resource.includes("#");
}

/** Returns the location of a resource's metadata: the origin, and the path including the query. */
export function metadataLocation(resource: string): { readonly origin: string; readonly path: string } {
  const { origin, pathname, search } = new URL(resource);
  // The well-known path is inserted between host and path; a slash that directly follows the host is dropped (RFC 9728
  // section 3.1).
  return { origin, path: `${WELL_KNOWN}${pathname === "/" ? "" : pathname}${search}` };
}
