import type { AccessTokenErrorCode } from "@certbound/core";
import type { IncomingHttpHeaders } from "node:http";
import { expect } from "vitest";

/** The response to a rejected request: the status, and the error of the challenge, if it has one. */
interface ExpectedResponse {
  readonly status: number;
  readonly error?: string;
}

/** A response of a server. */
export interface ReceivedResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

const invalidToken: ExpectedResponse = { status: 401, error: "invalid_token" };

// Written from the RFCs, not from the table in the sources, to check that table independently.
const expectedResponses: Readonly<Record<AccessTokenErrorCode, ExpectedResponse>> = {
  // RFC 6750 section 3.1: no authentication information, no error.
  ERR_TOKEN_MISSING: { status: 401 },
  ERR_REQUEST_MALFORMED: { status: 400, error: "invalid_request" },
  // RFC 6750 section 3.1 and RFC 9068 section 4: expired, revoked, malformed, or invalid for other reasons.
  ERR_TOKEN_MALFORMED: invalidToken,
  ERR_TOKEN_ALGORITHM: invalidToken,
  ERR_TOKEN_KEY_UNKNOWN: invalidToken,
  ERR_TOKEN_SIGNATURE: invalidToken,
  ERR_TOKEN_TYPE: invalidToken,
  ERR_TOKEN_ISSUER: invalidToken,
  ERR_TOKEN_AUDIENCE: invalidToken,
  ERR_TOKEN_EXPIRED: invalidToken,
  ERR_TOKEN_NOT_YET_VALID: invalidToken,
  ERR_TOKEN_CLAIM: invalidToken,
  ERR_TOKEN_INACTIVE: invalidToken,
  // RFC 8705 section 3.
  ERR_BINDING_REQUIRED: invalidToken,
  ERR_BINDING_MALFORMED: invalidToken,
  ERR_BINDING_UNSUPPORTED: invalidToken,
  ERR_BINDING_MISMATCH: invalidToken,
  ERR_CERTIFICATE_MISSING: invalidToken,
  ERR_CERTIFICATE_MALFORMED: invalidToken,
  ERR_CERTIFICATE_UNTRUSTED: invalidToken,
  // RFC 9470 section 3.
  ERR_AUTHENTICATION_INSUFFICIENT: { status: 401, error: "insufficient_user_authentication" },
  ERR_SCOPE_INSUFFICIENT: { status: 403, error: "insufficient_scope" },
  ERR_ACCESS_DENIED: { status: 403, error: "insufficient_scope" },
  // RFC 9110 section 15.6.4: the failure is not caused by the token.
  ERR_KEYS_UNAVAILABLE: { status: 503 },
  ERR_INTROSPECTION_UNAVAILABLE: { status: 503 },
};

/** Asserts that a response has the status and the challenge of the RFCs, and is not cacheable. */
export function expectRejected({ status, headers }: ReceivedResponse, code: AccessTokenErrorCode): void {
  const expected = expectedResponses[code];
  const challenge = headers["www-authenticate"];
  const parameters = challenge === undefined ? undefined : parseChallenge(challenge);
  expect({ status, error: parameters?.get("error") }).toEqual({ status: expected.status, error: expected.error });
  // RFC 6750 section 3: a challenge with at least one parameter; RFC 9110 section 10.2.3: Retry-After.
  const isUnavailable = status === 503;
  expect({ challenged: (parameters?.size ?? 0) > 0, retry: headers["retry-after"] !== undefined }).toEqual({
    challenged: !isUnavailable,
    retry: isUnavailable,
  });
  expectNotCacheable(headers);
}

/** Responses with these statuses are cached only if their headers allow it (RFC 9110 section 15.1, RFC 9111 section 3). */
function expectNotCacheable(headers: IncomingHttpHeaders): void {
  expect(headers["expires"]).toBeUndefined();
  expect(headers["cache-control"] ?? "no-store").toMatch(/^(?:no-store|private)/);
}

/** Parses the single Bearer challenge. A repeated parameter, or one with invalid characters, fails the test. */
function parseChallenge(challenge: string): Map<string, string> {
  const [, list = ""] = /^Bearer (.+)$/.exec(challenge) ?? [];
  const parameters = new Map<string, string>();
  for (const parameter of list.split(/, (?=[a-z_]+=)/)) {
    const [, name = "", value = ""] = /^([a-z_]+)="([\x20\x21\x23-\x5b\x5d-\x7e]*)"$/.exec(parameter) ?? [];
    expect({ challenge, parameter, isParameter: name !== "", isRepeated: parameters.has(name) }).toMatchObject({
      isParameter: true,
      isRepeated: false,
    });
    parameters.set(name, value);
  }
  return parameters;
}
