import { describe, expect, test } from "vitest";
import { createIssuers } from "../../src/issuer/issuers.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";
import { createVerifiedTokens, type VerifiedToken, type VerifiedTokens } from "../../src/token/verified-tokens.ts";
import { reasonOf } from "../support/outcome.ts";
import { startIssuer } from "../support/verification.ts";

const { issuer: identifier, jwks } = await startIssuer();

const times = { expires: undefined, notBefore: undefined, issued: undefined };

/** Creates a verified token of a new verifier, with separate issuer and key objects. */
async function verifiedByAnotherVerifier(): Promise<VerifiedToken> {
  const issuer = createIssuers(parseVerifierOptions({ issuer: identifier, audience: null, jwks })).named(identifier);
  const [key] = (await issuer?.keys.find({ algorithm: "ES256", keyId: undefined })) ?? [];
  if (issuer === undefined || key === undefined) throw new Error("the issuer has no such key");
  return { token: "", header: { algorithm: "ES256", type: "at+jwt" }, claims: {}, times, issuer, key };
}

const verified = await verifiedByAnotherVerifier();

/** Creates a cache whose time changes only when the test changes it. */
function arrange(size: number): { readonly tokens: VerifiedTokens; readonly pass: (milliseconds: number) => void } {
  let time = 1_000_000;
  return {
    tokens: createVerifiedTokens(size, () => time),
    pass: (milliseconds) => {
      time += milliseconds;
    },
  };
}

/** Creates a verification that the test settles. */
function held(): {
  readonly verify: () => Promise<VerifiedToken>;
  readonly release: (verified: VerifiedToken) => void;
  readonly fail: (error: Error) => void;
  readonly count: () => number;
} {
  let count = 0;
  const settle: { release?: (verified: VerifiedToken) => void; fail?: (error: Error) => void } = {};
  const promise = new Promise<VerifiedToken>((resolve, reject) => {
    Object.assign(settle, { release: resolve, fail: reject });
  });
  return {
    verify: () => {
      count += 1;
      return promise;
    },
    release: (value) => settle.release?.(value),
    fail: (error) => settle.fail?.(error),
    count: () => count,
  };
}

/** Creates a verified token that starts with a name; it is padded, because the cache key of a short token is empty. */
function tokenNamed(name: string, properties: VerifiedToken = verified): VerifiedToken {
  return { ...properties, token: name.padEnd(86, "x") };
}

/** Finds the claims of the token with a name. */
const claimsIn = (tokens: VerifiedTokens, name: string) => tokens.find(tokenNamed(name).token)?.claims;

describe("a token", () => {
  test("is found once it is cached, and no other token is", () => {
    const { tokens } = arrange(10);
    const { token } = tokenNamed("a.b.c");
    expect(tokens.find(token)).toBeUndefined();
    tokens.keep(tokenNamed("a.b.c"));
    expect(tokens.find(token)).toEqual(tokenNamed("a.b.c"));
    const others = ["", `${token}x`, ` ${token}`, `x${token}`, token.slice(1), token.replace("c", "C"), "__proto__"];
    expect(others.filter((other) => tokens.find(other) !== undefined)).toEqual([]);
  });

  test("is not found by its cache key alone, with another start or another end", () => {
    const { tokens } = arrange(10);
    const [name, end] = ["n".repeat(43), "e".repeat(43)];
    tokens.keep({ ...verified, token: `begin${name}${end}` });
    expect(tokens.find(`begin${name}${end}`)?.claims).toBe(verified.claims);
    for (const other of [`begun${name}${end}`, `${name}${end}`, `begin${name}${"f".repeat(43)}`]) {
      expect(tokens.find(other)).toBeUndefined();
    }
  });

  test("replaces another token with the same cache key", async () => {
    const { tokens } = arrange(10);
    const again = await verifiedByAnotherVerifier();
    const rest = "x".repeat(86);
    tokens.keep({ ...verified, token: `a${rest}` });
    tokens.keep({ ...again, token: `b${rest}` });
    expect(tokens.find(`a${rest}`)).toBeUndefined();
    expect(tokens.find(`b${rest}`)?.claims).toBe(again.claims);
  });

  test("is not found in another cache", () => {
    const [{ tokens }, another] = [arrange(10), arrange(10)];
    tokens.keep(tokenNamed("token"));
    expect(claimsIn(another.tokens, "token")).toBeUndefined();
  });

  test("is cached for 300 s, however often it is found or cached again", () => {
    const { tokens, pass } = arrange(10);
    tokens.keep(tokenNamed("token"));
    for (let passed = 0; passed < 300; passed += 60) {
      expect(claimsIn(tokens, "token")).toBe(verified.claims);
      tokens.keep(tokenNamed("token"));
      pass(60_000);
    }
    expect(claimsIn(tokens, "token")).toBe(verified.claims);
    pass(1);
    expect(claimsIn(tokens, "token")).toBeUndefined();
  });

  test("is cached for another 300 s after it has been verified again", async () => {
    const { tokens, pass } = arrange(10);
    const again = await verifiedByAnotherVerifier();
    tokens.keep(tokenNamed("token"));
    pass(200_000);
    tokens.keep(tokenNamed("token", again));
    pass(200_000);
    expect(claimsIn(tokens, "token")).toBe(again.claims);
  });

  test("is not found if its issuer does not have its key", async () => {
    const { tokens } = arrange(10);
    const { key } = await verifiedByAnotherVerifier();
    tokens.keep(tokenNamed("own"));
    tokens.keep(tokenNamed("foreign", { ...verified, key }));
    expect(claimsIn(tokens, "own")).toBe(verified.claims);
    expect(claimsIn(tokens, "foreign")).toBeUndefined();
  });
});

describe("the cache", () => {
  test("holds the maximum number of tokens, and drops the least recently used one", () => {
    const { tokens } = arrange(2);
    tokens.keep(tokenNamed("a"));
    tokens.keep(tokenNamed("b"));
    expect(claimsIn(tokens, "a")).toBe(verified.claims);
    tokens.keep(tokenNamed("c"));
    expect(["a", "b", "c"].filter((name) => claimsIn(tokens, name) !== undefined)).toEqual(["a", "c"]);
  });

  test("holds 16 MiB of tokens, regardless of their number", () => {
    const { tokens } = arrange(1_000_000);
    const length = 2 ** 14;
    const token = (index: number) => String(index).padEnd(86, "x").padStart(length, "y");
    const count = 2 ** 24 / length;
    for (let index = 0; index < count; index += 1) tokens.keep({ ...verified, token: token(index) });
    expect(tokens.find(token(count - 1))).toBeDefined();
    expect(tokens.find(token(0))).toBeDefined();
    tokens.keep(tokenNamed("one more"));
    // The first token was just used, so the second one is dropped.
    expect(tokens.find(token(1))).toBeUndefined();
    expect(
      [token(0), token(2), token(count - 1), tokenNamed("one more").token].map((text) => tokens.find(text)?.claims),
    ).toEqual(Array.from({ length: 4 }, () => verified.claims));
  });

  test("of size 0 caches no token, and shares no verification", async () => {
    const { tokens } = arrange(0);
    tokens.keep(tokenNamed("token"));
    expect(claimsIn(tokens, "token")).toBeUndefined();
    const { verify, release, count } = held();
    const verifying = [
      tokens.verify("token", verified.issuer, verify),
      tokens.verify("token", verified.issuer, verify),
    ];
    expect(count()).toBe(2);
    release(verified);
    expect(await Promise.all(verifying)).toEqual([verified, verified]);
  });
});

describe("the verification of a token", () => {
  test("runs once for concurrent calls, and again for a later call", async () => {
    const { tokens } = arrange(10);
    const [first, second] = [held(), held()];
    const verifying = [
      tokens.verify("token", verified.issuer, first.verify),
      tokens.verify("token", verified.issuer, second.verify),
    ];
    expect([first.count(), second.count()]).toEqual([1, 0]);
    first.release(verified);
    for (const result of await Promise.all(verifying)) expect(result).toBe(verified);
    void tokens.verify("token", verified.issuer, second.verify);
    expect(second.count()).toBe(1);
  });

  test("runs once for each token", async () => {
    const { tokens } = arrange(10);
    const [first, second] = [held(), held()];
    const another = await verifiedByAnotherVerifier();
    const verifying = [
      tokens.verify("a", verified.issuer, first.verify),
      tokens.verify("b", another.issuer, second.verify),
    ];
    second.release(another);
    expect(await verifying[1]).toBe(another);
    first.release(verified);
    expect(await verifying[0]).toBe(verified);
  });

  test("is not shared with another issuer object of the same name, which may have other keys", async () => {
    const { tokens } = arrange(10);
    const [earlier, renewed] = [held(), held()];
    const another = await verifiedByAnotherVerifier();
    const first = tokens.verify("token", verified.issuer, earlier.verify);
    const second = tokens.verify("token", another.issuer, renewed.verify);
    earlier.release(verified);
    expect(await first).toBe(verified);
    renewed.release(another);
    expect([await second, renewed.count()]).toEqual([another, 1]);
  });

  test("does not cache the token, because its claims are not checked yet", async () => {
    const { tokens } = arrange(10);
    await tokens.verify(tokenNamed("token").token, verified.issuer, async () => tokenNamed("token"));
    expect(claimsIn(tokens, "token")).toBeUndefined();
  });

  test("fails for all concurrent calls, and runs again for the next call", async () => {
    const { tokens } = arrange(10);
    const failing = held();
    const reasons = [1, 2].map(() => reasonOf(tokens.verify("token", verified.issuer, failing.verify)));
    const error = new Error("rejected");
    failing.fail(error);
    expect(await Promise.all(reasons)).toEqual([error, error]);
    expect(failing.count()).toBe(1);
    expect(await tokens.verify("token", verified.issuer, async () => verified)).toBe(verified);
  });
});
