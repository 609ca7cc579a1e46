import { readFileSync } from "node:fs";
import type { AccessTokenErrorCode } from "@certbound/core";
import { describe, expect, test } from "vitest";

const page = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
const [errors, troubleshooting] = [page("errors.md"), page("troubleshooting.md")];

/** All error codes. A missing code does not compile. */
const codes: Readonly<Record<AccessTokenErrorCode, true>> = {
  ERR_TOKEN_MISSING: true,
  ERR_REQUEST_MALFORMED: true,
  ERR_TOKEN_MALFORMED: true,
  ERR_TOKEN_ALGORITHM: true,
  ERR_TOKEN_KEY_UNKNOWN: true,
  ERR_TOKEN_SIGNATURE: true,
  ERR_TOKEN_TYPE: true,
  ERR_TOKEN_ISSUER: true,
  ERR_TOKEN_AUDIENCE: true,
  ERR_TOKEN_EXPIRED: true,
  ERR_TOKEN_NOT_YET_VALID: true,
  ERR_TOKEN_CLAIM: true,
  ERR_TOKEN_INACTIVE: true,
  ERR_BINDING_REQUIRED: true,
  ERR_BINDING_MALFORMED: true,
  ERR_BINDING_UNSUPPORTED: true,
  ERR_BINDING_MISMATCH: true,
  ERR_CERTIFICATE_MISSING: true,
  ERR_CERTIFICATE_MALFORMED: true,
  ERR_CERTIFICATE_UNTRUSTED: true,
  ERR_AUTHENTICATION_INSUFFICIENT: true,
  ERR_SCOPE_INSUFFICIENT: true,
  ERR_ACCESS_DENIED: true,
  ERR_KEYS_UNAVAILABLE: true,
  ERR_INTROSPECTION_UNAVAILABLE: true,
};
const names = Object.keys(codes);

/** Returns the text of each entry of the page by its heading, which is an error code. */
const entries = new Map(
  errors
    .split(/^(?=#)/m)
    .filter((section) => section.startsWith("### "))
    .map((section) => [section.slice("### ".length, section.indexOf("\n")), section]),
);

describe("the page of error codes", () => {
  test("lists each code exactly once, and no unknown code", () => {
    expect([...errors.matchAll(/^### (.*)$/gm)].map(([, code = ""]) => code).toSorted()).toEqual(names.toSorted());
    const mentioned = new Set(`${errors}${troubleshooting}`.match(/\bERR_(?!SSL_|TLS_|OSSL_|BAD_)[A-Z_]+\b/g));
    expect([...mentioned].filter((name) => !names.includes(name))).toEqual([]);
  });

  test.each(names)("explains why %s happens and what to do", (name) => {
    expect(entries.get(name)).toMatch(/^\*\*Cause:\*\* .*\w.*\.\n\n\*\*Fix:\*\* .*\w.*\.$/m);
  });
});

test.each(names)("the troubleshooting page links %s to its entry", (name) => {
  expect(troubleshooting).toContain(`[\`${name}\`](errors.md#${name.toLowerCase()})`);
});
