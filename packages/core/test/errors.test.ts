import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import type * as errors from "../src/errors.ts";
import { AccessTokenError, type AccessTokenErrorCode, isCertificateErrorCode } from "../src/errors.ts";

// Every code with its kind. A missing code is a compile-time error.
const codes: Readonly<
  Record<AccessTokenErrorCode, "request" | "token" | "binding" | "certificate" | "rights" | "issuer">
> = {
  ERR_TOKEN_MISSING: "request",
  ERR_REQUEST_MALFORMED: "request",
  ERR_TOKEN_MALFORMED: "token",
  ERR_TOKEN_ALGORITHM: "token",
  ERR_TOKEN_KEY_UNKNOWN: "token",
  ERR_TOKEN_SIGNATURE: "token",
  ERR_TOKEN_TYPE: "token",
  ERR_TOKEN_ISSUER: "token",
  ERR_TOKEN_AUDIENCE: "token",
  ERR_TOKEN_EXPIRED: "token",
  ERR_TOKEN_NOT_YET_VALID: "token",
  ERR_TOKEN_CLAIM: "token",
  ERR_TOKEN_INACTIVE: "token",
  ERR_BINDING_REQUIRED: "binding",
  ERR_BINDING_MALFORMED: "binding",
  ERR_BINDING_UNSUPPORTED: "binding",
  ERR_BINDING_MISMATCH: "binding",
  ERR_CERTIFICATE_MISSING: "certificate",
  ERR_CERTIFICATE_MALFORMED: "certificate",
  ERR_CERTIFICATE_UNTRUSTED: "certificate",
  ERR_AUTHENTICATION_INSUFFICIENT: "rights",
  ERR_SCOPE_INSUFFICIENT: "rights",
  ERR_ACCESS_DENIED: "rights",
  ERR_KEYS_UNAVAILABLE: "issuer",
  ERR_INTROSPECTION_UNAVAILABLE: "issuer",
};
const everyCode = Object.entries(codes) as [AccessTokenErrorCode, string][];

/** Imports the errors module again, as if a second copy of the package were loaded. */
async function secondCopy(): Promise<typeof errors> {
  const specifier: string = "../src/errors.ts?copy";
  return (await import(/* @vite-ignore */ specifier)) as typeof errors;
}

describe("AccessTokenError", () => {
  test.each(everyCode)("has a message for %s", (code) => {
    const error = new AccessTokenError(code);
    expect(error).toMatchObject({ name: "AccessTokenError", code, message: expect.stringMatching(/^(The|A) .+[^.]$/) });
  });

  test("has a different message for every code", () => {
    const messages = everyCode.map(([code]) => new AccessTokenError(code).message);
    expect(new Set(messages).size).toBe(everyCode.length);
  });

  test("has no stack trace, and does not affect the stack traces of other errors", () => {
    const { stackTraceLimit } = Error;
    const error = new AccessTokenError("ERR_TOKEN_EXPIRED");
    expect(error).toBeInstanceOf(Error);
    expect(error.stack).toBe(`AccessTokenError: ${error.message}`);
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
    expect(new Error("another").stack).toContain("errors.test.ts");
  });

  test("has the detail, challenge and retryAfter that were passed", () => {
    const given = { detail: "a reason", challenge: { scopes: ["read"] }, retryAfter: 7 };
    expect(new AccessTokenError("ERR_KEYS_UNAVAILABLE", given)).toMatchObject(given);
  });

  test.each(["detail", "challenge", "retryAfter", "cause"])("has no member %s if it was not passed", (name) => {
    const error = new AccessTokenError("ERR_TOKEN_EXPIRED", {
      detail: undefined,
      challenge: undefined,
      retryAfter: undefined,
    });
    expect(Object.hasOwn(error, name)).toBe(false);
  });

  test.each(["ERR_TOKEN", "err_token_missing", "", "toString", "__proto__", undefined])(
    "cannot be created with the code %j",
    (code) => {
      expect(() => new AccessTokenError(code as AccessTokenErrorCode)).toThrow(TypeError);
    },
  );
});

describe("constructing an AccessTokenError", () => {
  const original = Object.getOwnPropertyDescriptor(Error, "stackTraceLimit") ?? {};

  afterEach(() => void Reflect.defineProperty(Error, "stackTraceLimit", original));

  test.each<[string, PropertyDescriptor]>([
    ["0", { value: 0 }],
    ["50", { value: 50 }],
    ["Infinity", { value: Number.POSITIVE_INFINITY }],
    ["undefined", { value: undefined }],
    ["a string", { value: "10" }],
    ["only a getter", { get: () => 7 }],
  ])("does not change a stackTraceLimit that is %s", (_name, descriptor) => {
    Reflect.defineProperty(Error, "stackTraceLimit", { ...descriptor, configurable: true });
    if ("value" in descriptor) Reflect.defineProperty(Error, "stackTraceLimit", { writable: true });
    const before = Object.getOwnPropertyDescriptor(Error, "stackTraceLimit");
    expect(new AccessTokenError("ERR_TOKEN_EXPIRED").code).toBe("ERR_TOKEN_EXPIRED");
    expect(Object.getOwnPropertyDescriptor(Error, "stackTraceLimit")).toEqual(before);
  });

  test("does not define stackTraceLimit if it did not exist", () => {
    Reflect.deleteProperty(Error, "stackTraceLimit");
    expect(new AccessTokenError("ERR_TOKEN_EXPIRED").code).toBe("ERR_TOKEN_EXPIRED");
    expect(Error.stackTraceLimit).toBeUndefined();
  });

  test("does not change a stackTraceLimit that throws, and creates an error with a stack trace", () => {
    const { stackTraceLimit } = Error;
    expect(() => new AccessTokenError("ERR_NONE" as AccessTokenErrorCode)).toThrow(
      expect.objectContaining({ name: "TypeError", stack: expect.stringContaining("errors.test.ts") }),
    );
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
  });

  test("works in a process with frozen intrinsics, with the built package", async () => {
    const program = `
      import { AccessTokenError } from "@certbound/core";
      const { code, detail } = new AccessTokenError("ERR_TOKEN_EXPIRED", { detail: "a reason" });
      console.log(JSON.stringify([Object.isFrozen(Error), Error.stackTraceLimit, code, detail]));
    `;
    const run = ["--frozen-intrinsics", "--no-warnings", "--stack-trace-limit=7", "--input-type=module", "--eval"];
    const { stdout } = await promisify(execFile)(process.execPath, [...run, program], {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
    });
    expect(JSON.parse(stdout)).toEqual([true, 7, "ERR_TOKEN_EXPIRED", "a reason"]);
  });
});

describe("instanceof AccessTokenError", () => {
  test("recognises the errors of another copy of the package, in both directions", async () => {
    const other = await secondCopy();
    expect(other.AccessTokenError).not.toBe(AccessTokenError);
    expect(new other.AccessTokenError("ERR_TOKEN_EXPIRED")).toBeInstanceOf(AccessTokenError);
    expect(new AccessTokenError("ERR_TOKEN_EXPIRED")).toBeInstanceOf(other.AccessTokenError);
  });

  test.each([
    ["another error", new Error("ERR_TOKEN_EXPIRED")],
    ["an object with a code", { name: "AccessTokenError", code: "ERR_TOKEN_EXPIRED", message: "" }],
    ["null", null],
    ["undefined", undefined],
    ["a string", "ERR_TOKEN_EXPIRED"],
    ["a function", () => "ERR_TOKEN_EXPIRED"],
  ])("does not recognise %s", (_, value: unknown) => {
    expect(value instanceof AccessTokenError).toBe(false);
  });

  test("recognises only instances of the subclass if used with a subclass", () => {
    class Refined extends AccessTokenError {}
    expect(new Refined("ERR_TOKEN_EXPIRED")).toBeInstanceOf(Refined);
    expect(new Refined("ERR_TOKEN_EXPIRED")).toBeInstanceOf(AccessTokenError);
    expect(new AccessTokenError("ERR_TOKEN_EXPIRED")).not.toBeInstanceOf(Refined);
  });
});

describe("isCertificateErrorCode", () => {
  test.each(everyCode)("returns true only for codes of the kind certificate: %s, of the kind %s", (code, kind) => {
    expect(isCertificateErrorCode(code)).toBe(kind === "certificate");
  });
});
