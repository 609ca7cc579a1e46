import type { AccessTokenErrorCode, RejectionOptions, Requirements } from "@certbound/core";
import type { Parties } from "../helpers/parties.ts";

/** A request to a protected route, and the outcome that every backend must produce. */
export interface AdapterCase extends Difference {
  readonly name: string;
  readonly expected: Acceptance | Rejection;
}

/** The differences from the default request, which is accepted: a bound token with the client's certificate. */
export interface Difference {
  readonly token?: (parties: Parties) => string | Promise<string>;
  readonly presents?: "client" | "thief" | "none";
  /** How the request carries the token; default: `Authorization: Bearer`. A case with this option does not run on `verify`. */
  readonly request?: RequestShape;
  readonly requirements?: Requirements<unknown>;
  readonly rejection?: RejectionOptions;
  /** The source of the API's keys; default: given. */
  readonly keys?: "given" | "published" | "unreachable";
  /** Whether the API introspects opaque tokens, and whether the endpoint works; default: no introspection. */
  readonly introspection?: "available" | "failing";
}

/** A request. */
export interface RequestShape {
  readonly headers?: (token: string) => readonly (readonly [string, string])[];
  readonly query?: (token: string) => string;
  readonly method?: string;
  readonly body?: (token: string) => string;
  /** Excludes HTTP/2 backends, because node:http2 cannot send the request. */
  readonly onlyHttp1?: true;
}

/** The handler runs, and receives this binding. */
export interface Acceptance {
  readonly binding: "verified" | "unbound" | "rejected";
  readonly bindingError?: AccessTokenErrorCode;
}

/** The handler does not run, and the client receives this response. */
export interface Rejection {
  readonly code: AccessTokenErrorCode;
  readonly response: ExpectedResponse;
}

/** The parts of a response that depend on the reason of the rejection. */
export interface ExpectedResponse {
  readonly status: number;
  readonly challenge: string | null;
  readonly retryAfter: string | null;
  readonly body: string;
}

/** The response to a token that is not accepted, regardless of the reason. */
export const invalidToken: ExpectedResponse = {
  status: 401,
  challenge:
    'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this request"',
  retryAfter: null,
  body: '{"message":"unauthorized"}',
};

/** Creates a case that must be accepted. */
export function accepted(
  name: string,
  difference: Difference = {},
  expected: Acceptance = { binding: "verified" },
): AdapterCase {
  return { name: `accepts ${name}`, ...difference, expected };
}

/** Creates a case that must be rejected. */
export function rejected(
  name: string,
  code: AccessTokenErrorCode,
  difference: Difference,
  response: ExpectedResponse = invalidToken,
): AdapterCase {
  return { name: `rejects ${name}`, ...difference, expected: { code, response } };
}
