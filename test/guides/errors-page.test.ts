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

/** Returns the rows of the page's tables, each as cells by column name. */
function rowsOf(text: string): readonly Readonly<Record<string, string>>[] {
  let columns: readonly string[] = [];
  return text.split("\n").flatMap((line) => {
    const cells = line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (cells[0] === "code") columns = cells;
    if (!/^`\w+`$/.test(cells[0] ?? "")) return [];
    return [Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ""]))];
  });
}

describe("the page of error codes", () => {
  const rows = rowsOf(errors);

  test("lists each code exactly once, and no unknown code", () => {
    expect(rows.map(({ code = "" }) => code).toSorted()).toEqual(names.map((name) => `\`${name}\``).toSorted());
    const mentioned = new Set(`${errors}${troubleshooting}`.match(/\bERR_(?!SSL_|TLS_|OSSL_|BAD_)[A-Z_]+\b/g));
    expect([...mentioned].filter((name) => !names.includes(name))).toEqual([]);
  });

  test.each(names)("explains why %s happens and what to do", (name) => {
    const row = rows.find(({ code }) => code === `\`${name}\``);
    expect(row?.["why"]).toMatch(/\w/);
    expect(row?.["what to do"]).toMatch(/\w/);
  });
});

test.each(names)("the troubleshooting page links %s to its causes", (name) => {
  expect(troubleshooting.split("\n").some((line) => line.includes(`[\`${name}\`](errors.md#`))).toBe(true);
});
