import type { Reply } from "../adapters/connection.ts";
import { invalidToken } from "../adapters/adapter-case.ts";

/** What a client must be told, as far as it depends on why. */
export interface Expected {
  readonly status: number;
  readonly challenge?: string | undefined;
  readonly body?: string;
}

/** The client with its own token. */
export const accepted: Expected = { status: 200, challenge: undefined, body: '{"client":"client-1"}' };

/** Whoever has a token that is not accepted. */
export const rejected: Expected = { status: 401, challenge: invalidToken.challenge ?? "", body: invalidToken.body };

/** Whoever has none. */
export const challenged: Expected = { ...rejected, challenge: 'Bearer realm="api"' };

/** What is told when the issuer's keys cannot be had. */
export const unavailable: Expected = { status: 503, challenge: undefined, body: '{"message":"service unavailable"}' };

/** A failure of the application, in the words of its framework. */
export const failed: Expected = { status: 500, challenge: undefined };

/** Reduces an answer to what is expected of it. */
export function shown({ status, headers, body }: Reply, expected: Expected): Expected {
  const challenge = headers["www-authenticate"];
  return expected.body === undefined ? { status, challenge } : { status, challenge, body };
}
