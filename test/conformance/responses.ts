import type { AccessTokenErrorCode } from "@certbound/core";
import type { IncomingHttpHeaders } from "node:http";
import { expect } from "vitest";

/** What is answered to a rejected request: the status, and the error that the challenge names, if it may name one. */
interface Answer {
  readonly status: number;
  readonly error?: string;
}

/** The answer of a server, as a front end saw it. */
export interface ReceivedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

const invalidToken: Answer = { status: 401, error: "invalid_token" };

// Written from the texts, so that the table of the sources has a second opinion.
const answers: Readonly<Record<AccessTokenErrorCode, Answer>> = {
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
  // RFC 9110 section 15.6.4: nothing is wrong with the token.
  ERR_KEYS_UNAVAILABLE: { status: 503 },
  ERR_INTROSPECTION_UNAVAILABLE: { status: 503 },
};

/** Asserts that an answer rejects as the texts say: status, challenge, and that no cache may keep it. */
export function expectRejected({ status, headers }: ReceivedAnswer, code: AccessTokenErrorCode): void {
  const expected = answers[code];
  const challenge = headers["www-authenticate"];
  const parameters = challenge === undefined ? undefined : parseChallenge(challenge);
  expect({ status, error: parameters?.get("error") }).toEqual({ status: expected.status, error: expected.error });
  // RFC 6750 section 3: a challenge, with one parameter at least; RFC 9110 section 10.2.3: when to try again.
  const isUnavailable = status === 503;
  expect({ challenged: (parameters?.size ?? 0) > 0, retry: headers["retry-after"] !== undefined }).toEqual({
    challenged: !isUnavailable,
    retry: isUnavailable,
  });
  expectNotCacheable(headers);
}

/** None of these statuses is kept by a cache unless the answer says so (RFC 9110 section 15.1, RFC 9111 section 3). */
function expectNotCacheable(headers: IncomingHttpHeaders): void {
  expect(headers["expires"]).toBeUndefined();
  expect(headers["cache-control"] ?? "no-store").toMatch(/^(?:no-store|private)/);
}

/** Reads the one Bearer challenge; a parameter that is repeated or has other characters than it may fails the test. */
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
