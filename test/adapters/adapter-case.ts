import type { AccessTokenErrorCode, RejectionOptions, Requirements } from "@certbound/core";
import type { Parties } from "../helpers/parties.ts";

/** A request to a protected route, and what must come of it, whatever the server is made of. */
export interface AdapterCase extends Difference {
  readonly name: string;
  readonly expected: Acceptance | Rejection;
}

/** In what a case differs from the plainest request that is accepted: a bound token, with the client's certificate. */
export interface Difference {
  readonly token?: (parties: Parties) => string | Promise<string>;
  readonly presents?: "client" | "thief" | "nobody";
  /** How the request carries the token; default: `Authorization: Bearer`. Such a case is not one for `verify`. */
  readonly request?: RequestShape;
  readonly requirements?: Requirements<unknown>;
  readonly rejection?: RejectionOptions;
  /** Where the API has its keys from; default: they are given to it. */
  readonly keys?: "given" | "published" | "unreachable";
  /** Whether the API asks the issuer about opaque tokens, and whether that one answers; default: it does not ask. */
  readonly introspection?: "answering" | "failing";
}

/** What is sent. */
export interface RequestShape {
  readonly headers?: (token: string) => readonly (readonly [string, string])[];
  readonly query?: (token: string) => string;
  readonly method?: string;
  readonly body?: (token: string) => string;
  /** node:http2 does not send what this case is about. */
  readonly onlyHttp1?: true;
}

/** The handler runs, and sees this. */
export interface Acceptance {
  readonly binding: "verified" | "unbound" | "rejected";
  readonly bindingError?: AccessTokenErrorCode;
}

/** The handler does not run, and the answer is this. */
export interface Rejection {
  readonly code: AccessTokenErrorCode;
  readonly answer: Answer;
}

/** Every byte of an answer that may depend on why a request was rejected. */
export interface Answer {
  readonly status: number;
  readonly challenge: string | null;
  readonly retryAfter: string | null;
  readonly body: string;
}

/** What is answered to a token that is not accepted, for whatever reason. */
export const invalidToken: Answer = {
  status: 401,
  challenge:
    'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this request"',
  retryAfter: null,
  body: '{"message":"unauthorized"}',
};

/** Gives a case that must be accepted. */
export function accepted(
  name: string,
  difference: Difference = {},
  expected: Acceptance = { binding: "verified" },
): AdapterCase {
  return { name: `accepts ${name}`, ...difference, expected };
}

/** Gives a case that must be rejected. */
export function rejected(
  name: string,
  code: AccessTokenErrorCode,
  difference: Difference,
  answer: Answer = invalidToken,
): AdapterCase {
  return { name: `rejects ${name}`, ...difference, expected: { code, answer } };
}
