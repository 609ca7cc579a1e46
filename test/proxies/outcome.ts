import type { AccessTokenErrorCode } from "@certbound/core";
import { expect } from "vitest";
import type { Answer } from "./attempt.ts";
import type { ClientName } from "./pki.ts";

/** What became of a request. */
export interface Outcome extends Answer {
  /** The code of the API's rejection, if the request came so far and was rejected. */
  readonly code: AccessTokenErrorCode | undefined;
}

/** The API accepted the request as that client's. */
export function expectAccepted({ status, body, code }: Outcome, client: ClientName): void {
  expect({ status, body, code }).toEqual({ status: 200, body: JSON.stringify({ client }), code: undefined });
}

/** The API rejected the request, with that code for the operator and none for the client. */
export function expectRejected({ status, body, code, challenge }: Outcome, expected: AccessTokenErrorCode): void {
  expect({ status, body, code }).toEqual({ status: 401, body: '{"message":"unauthorized"}', code: expected });
  expect(challenge).toMatch(/^Bearer realm="api", error="invalid_token"/);
}

/** Nobody's token was accepted: the proxy rejected the connection or the request, or the API did. */
export function expectNothing({ status, body }: Outcome): void {
  expect([0, 400, 401]).toContain(status);
  expect(body).not.toContain("client");
}

/** Node did not read the headers: 431, or 502 where the proxy was still writing when Node closed the connection. */
export function expectTooLarge(outcomes: readonly Outcome[]): void {
  for (const { status, code } of outcomes) {
    expect([431, 502]).toContain(status);
    expect(code).toBeUndefined();
  }
}
