import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { codeExplanations } from "../src/causes/code-explanations.ts";
import { runCli } from "./running.ts";

/** Returns the cause and the fix of a code in docs/errors.md, without Markdown and without the final period. */
function documented(code: string): unknown {
  const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
  const [entry = ""] = page.split(`### ${code}\n`).at(1)?.split(/^#/m) ?? [];
  const plain = entry.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("`", "");
  const [, cause] = /^\*\*Cause:\*\* (.*)\.$/m.exec(plain) ?? [];
  const [, fix] = /^\*\*Fix:\*\* (.*)\.$/m.exec(plain) ?? [];
  return { cause, fix };
}

describe("explain with an error code", () => {
  test.each(Object.entries(codeExplanations))("explains %s as the page of the error codes does", (code, given) => {
    expect(given).toEqual(documented(code));
  });

  // The text of a code must not blame only the client if a wrong option of the API has the same result.
  test.each([
    ["ERR_TOKEN_MISSING", "schemes"],
    ["ERR_TOKEN_MALFORMED", "introspection in the API"],
    ["ERR_TOKEN_ALGORITHM", "algorithms in the API"],
    ["ERR_TOKEN_TYPE", "tokenTypes in the API"],
    ["ERR_TOKEN_ISSUER", "option issuer of the API"],
    ["ERR_TOKEN_AUDIENCE", "option audience of the API"],
    ["ERR_TOKEN_EXPIRED", "maxTokenAge of the API"],
    ["ERR_TOKEN_CLAIM", "do not set that option in the API"],
    ["ERR_TOKEN_KEY_UNKNOWN", "option jwks of the API"],
    ["ERR_TOKEN_SIGNATURE", "option jwks of the API"],
    ["ERR_TOKEN_INACTIVE", "the API introspects at the issuer that the client uses"],
    ["ERR_CERTIFICATE_MISSING", "requestCert"],
    ["ERR_CERTIFICATE_UNTRUSTED", "correct trust"],
    ["ERR_BINDING_REQUIRED", "validateCertificateBinding"],
    ["ERR_BINDING_MISMATCH", "fromProxy in the API"],
    ["ERR_SCOPE_INSUFFICIENT", "scopes in the API"],
    ["ERR_ACCESS_DENIED", "groups in the API"],
    ["ERR_AUTHENTICATION_INSUFFICIENT", "acrValues in the API"],
    ["ERR_KEYS_UNAVAILABLE", "options issuer and jwks of the API"],
  ] as const)("names the part of the API in the explanation of %s", (code, words) => {
    const { cause, fix } = codeExplanations[code];
    expect(`${cause}. ${fix}`).toContain(words);
  });

  // The reverse: the fix must not blame only the API or the issuer if the client can be the cause.
  test.each([
    "ERR_TOKEN_MISSING",
    "ERR_REQUEST_MALFORMED",
    "ERR_TOKEN_MALFORMED",
    "ERR_TOKEN_TYPE",
    "ERR_TOKEN_ISSUER",
    "ERR_TOKEN_AUDIENCE",
    "ERR_TOKEN_EXPIRED",
    "ERR_TOKEN_KEY_UNKNOWN",
    "ERR_TOKEN_INACTIVE",
    "ERR_CERTIFICATE_MISSING",
    "ERR_BINDING_REQUIRED",
    "ERR_BINDING_UNSUPPORTED",
    "ERR_BINDING_MISMATCH",
    "ERR_SCOPE_INSUFFICIENT",
    "ERR_AUTHENTICATION_INSUFFICIENT",
  ] as const)("names the part of the client in the fix of %s", (code) => {
    expect(codeExplanations[code].fix).toMatch(/the client/i);
  });

  test("prints response, cause and fix", async () => {
    const { exitCode, stdout, stderr } = await runCli(["explain", "ERR_BINDING_MISMATCH"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const { cause, fix } = codeExplanations.ERR_BINDING_MISMATCH;
    expect(stdout).toMatch(/^ERR_BINDING_MISMATCH\n {4}response 401, WWW-Authenticate: Bearer .*error="invalid_token"/);
    expect(stdout).toContain(`    cause    ${cause}\n    fix      ${fix}\n`);
  });

  test("prints them as JSON", async () => {
    const { exitCode, stdout } = await runCli(["explain", "--json", "ERR_KEYS_UNAVAILABLE"]);
    const report = JSON.parse(stdout) as unknown;
    expect(exitCode).toBe(0);
    expect(report).toEqual({
      command: "explain",
      exitCode: 0,
      code: "ERR_KEYS_UNAVAILABLE",
      answer: { status: 503 },
      ...codeExplanations.ERR_KEYS_UNAVAILABLE,
    });
  });

  test.each([
    ["an unknown code", ["ERR_BINDING_MISMATCHED"], "unknown error code"],
    ["a code without a name", ["ERR_"], "unknown error code"],
    ["two codes", ["ERR_BINDING_MISMATCH", "ERR_TOKEN_TYPE"], "either an error code"],
    ["a code with a token", ["ERR_BINDING_MISMATCH", "--token", "token.txt"], "either an error code"],
    ["a code in lower case", ["err_binding_mismatch"], "takes only options"],
  ])("rejects %s", async (_what, parameters, message) => {
    const { exitCode, stdout, stderr } = await runCli(["explain", ...parameters]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test("does not repeat an unknown code, which may be a token", async () => {
    const { stderr } = await runCli(["explain", "ERR_eyJhbGciOiJFUzI1NiJ9"]);
    expect(stderr).not.toContain("eyJ");
  });

  test("lists all codes in the help", async () => {
    const { stdout } = await runCli(["explain", "--help"]);
    expect(Object.keys(codeExplanations).filter((code) => !stdout.includes(code))).toEqual([]);
  });
});
