import { describe, expect, test } from "vitest";
import type { OptionRule } from "../../src/values/known-options.ts";
import { headerName, verifyRule } from "../../src/proxy/forwarded-format.ts";

const holes: unknown[] = [];
holes.length = 1;

const good = { header: "X-Verify", success: "SUCCESS" };

describe.each<[string, OptionRule, readonly unknown[], readonly unknown[]]>([
  [
    "headerName",
    headerName,
    ["client-cert", "Client-Cert", "X_Verify", "a", "x.y", "!#$%&'*+-.^_`|~09azAZ"],
    [
      "",
      " ",
      "client cert",
      " client-cert",
      "client-cert ",
      "client-cert:",
      ":path",
      "client-cert\r\n",
      "client-cert\0",
      "client-cert,x",
      "client(cert)",
      '"client-cert"',
      "client/cert",
      "clïent-cert",
      "\u212alient-cert",
      undefined,
      null,
      1,
      ["client-cert"],
      new String("client-cert"),
    ],
  ],
  [
    "verifyRule",
    verifyRule,
    [
      good,
      { ...good, success: ["a", "b"] },
      { ...good, success: () => true },
      [good],
      [good, { ...good, success: ["a"] }],
    ],
    [
      undefined,
      null,
      true,
      "X-Verify",
      () => true,
      {},
      [],
      holes,
      [good, undefined],
      [good, []],
      [[good]],
      [good, { header: "X-Verify" }],
      { header: "X-Verify" },
      { success: "SUCCESS" },
      { ...good, header: "X Verify" },
      { ...good, header: undefined },
      { ...good, success: "" },
      { ...good, success: undefined },
      { ...good, success: true },
      { ...good, success: /SUCCESS/ },
      { ...good, success: [] },
      { ...good, success: [""] },
      { ...good, success: ["a", undefined] },
      { ...good, success: holes },
      { ...good, success: [() => true] },
      { ...good, optional: true },
      { header: "X-Verify", succes: "SUCCESS" },
    ],
  ],
])("the rule %s", (_, rule, accepted, rejected) => {
  test.each(accepted.map((value) => [value]))("accepts %j", (value) => {
    expect(rule.accepts(value)).toBe(true);
  });

  test.each(rejected.map((value) => [value]))("rejects %j", (value) => {
    expect(rule.accepts(value)).toBe(false);
  });
});
