import type { AccessTokenErrorCode } from "@certbound/core";
import { expect } from "vitest";
import type { ProxyResponse } from "./attempt.ts";
import type { ClientName } from "./pki.ts";

/** The response to a request, and the rejection of the API. */
export interface Outcome extends ProxyResponse {
  /** The code of the API's rejection, if the request reached the API and was rejected. */
  readonly code: AccessTokenErrorCode | undefined;
}

/** Expects that the API accepted the request of this client. */
export function expectAccepted({ status, body, code }: Outcome, client: ClientName): void {
  expect({ status, body, code }).toEqual({ status: 200, body: JSON.stringify({ client }), code: undefined });
}

/** Expects that the API rejected the request with this code, and that the response does not contain the code. */
export function expectRejected({ status, body, code, challenge }: Outcome, expected: AccessTokenErrorCode): void {
  expect({ status, body, code }).toEqual({ status: 401, body: '{"message":"unauthorized"}', code: expected });
  expect(challenge).toMatch(/^Bearer realm="api", error="invalid_token"/);
}

/** Expects that the proxy rejected the connection or the request, or that the API rejected the request. */
export function expectNotAccepted({ status, body }: Outcome): void {
  expect([0, 400, 401]).toContain(status);
  expect(body).not.toContain("client");
}

/** Expects that Node rejected the headers: 431, or 502 if the proxy was still writing when Node closed the connection. */
export function expectTooLarge(outcomes: readonly Outcome[]): void {
  for (const { status, code } of outcomes) {
    expect([431, 502]).toContain(status);
    expect(code).toBeUndefined();
  }
}
