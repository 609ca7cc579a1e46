import type { Reply } from "../adapters/connection.ts";
import { invalidToken } from "../adapters/adapter-case.ts";

/** The parts of a response that depend on the outcome of the check. */
export interface Expected {
  readonly status: number;
  readonly challenge?: string | undefined;
  readonly body?: string;
}

/** The response to the client with its token. */
export const accepted: Expected = { status: 200, challenge: undefined, body: '{"client":"client-1"}' };

/** The response to a client whose token is rejected. */
export const rejected: Expected = { status: 401, challenge: invalidToken.challenge ?? "", body: invalidToken.body };

/** The response to a client without a token. */
export const challenged: Expected = { ...rejected, challenge: 'Bearer realm="api"' };

/** The response while the issuer's keys are unavailable. */
export const unavailable: Expected = { status: 503, challenge: undefined, body: '{"message":"service unavailable"}' };

/** The response to an error of the application. The body depends on the framework. */
export const failed: Expected = { status: 500, challenge: undefined };

/** Reduces a response to the parts that are compared. */
export function comparable({ status, headers, body }: Reply, expected: Expected): Expected {
  const challenge = headers["www-authenticate"];
  return expected.body === undefined ? { status, challenge } : { status, challenge, body };
}
