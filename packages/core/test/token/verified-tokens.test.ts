import { describe, expect, test } from "vitest";
import { createIssuers } from "../../src/issuer/issuers.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";
import { createVerifiedTokens, type VerifiedToken, type VerifiedTokens } from "../../src/token/verified-tokens.ts";
import { reasonOf } from "../support/outcome.ts";
import { startIssuer } from "../support/verification.ts";

const { issuer: identifier, jwks } = await startIssuer();

const times = { expires: undefined, notBefore: undefined, issued: undefined };

/** What another verifier of the same options knows of a token. */
async function verifiedAnew(): Promise<VerifiedToken> {
  const issuer = createIssuers(parseVerifierOptions({ issuer: identifier, audience: null, jwks })).named(identifier);
  const [key] = (await issuer?.keys.find({ algorithm: "ES256", keyId: undefined })) ?? [];
  if (issuer === undefined || key === undefined) throw new Error("there is no key");
  return { token: "", header: { algorithm: "ES256", type: "at+jwt" }, claims: {}, times, issuer, key };
}

const verified = await verifiedAnew();

/** Creates a cache, whose time stands still until the test moves it. */
function arrange(size: number): { readonly tokens: VerifiedTokens; readonly pass: (milliseconds: number) => void } {
  let time = 1_000_000;
  return {
    tokens: createVerifiedTokens(size, () => time),
    pass: (milliseconds) => {
      time += milliseconds;
    },
  };
}

/** A verification that ends when the test says so. */
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

/** What was verified, of the token that this makes of a name; short tokens have no name in the cache. */
function of(name: string, known: VerifiedToken = verified): VerifiedToken {
  return { ...known, token: name.padEnd(86, "x") };
}

/** Finds the claims that are known of the token of a name. */
const claimsIn = (tokens: VerifiedTokens, name: string) => tokens.find(of(name).token)?.claims;

describe("a token", () => {
  test("is found once it is kept, and no other one is", () => {
    const { tokens } = arrange(10);
    const { token } = of("a.b.c");
    expect(tokens.find(token)).toBeUndefined();
    tokens.keep(of("a.b.c"));
    expect(tokens.find(token)).toEqual(of("a.b.c"));
    const others = ["", `${token}x`, ` ${token}`, `x${token}`, token.slice(1), token.replace("c", "C"), "__proto__"];
    expect(others.filter((other) => tokens.find(other) !== undefined)).toEqual([]);
  });

  test("is not found by the characters that name it, with another beginning or another end", () => {
    const { tokens } = arrange(10);
    const [name, end] = ["n".repeat(43), "e".repeat(43)];
    tokens.keep({ ...verified, token: `begin${name}${end}` });
    expect(tokens.find(`begin${name}${end}`)?.claims).toBe(verified.claims);
    for (const other of [`begun${name}${end}`, `${name}${end}`, `begin${name}${"f".repeat(43)}`]) {
      expect(tokens.find(other)).toBeUndefined();
    }
  });

  test("takes the place of another one with the same characters there", async () => {
    const { tokens } = arrange(10);
    const again = await verifiedAnew();
    const rest = "x".repeat(86);
    tokens.keep({ ...verified, token: `a${rest}` });
    tokens.keep({ ...again, token: `b${rest}` });
    expect(tokens.find(`a${rest}`)).toBeUndefined();
    expect(tokens.find(`b${rest}`)?.claims).toBe(again.claims);
  });

  test("is not found in another cache", () => {
    const [{ tokens }, another] = [arrange(10), arrange(10)];
    tokens.keep(of("token"));
    expect(claimsIn(another.tokens, "token")).toBeUndefined();
  });

  test("is kept for 300 s, however often it is found or kept again", () => {
    const { tokens, pass } = arrange(10);
    tokens.keep(of("token"));
    for (let passed = 0; passed < 300; passed += 60) {
      expect(claimsIn(tokens, "token")).toBe(verified.claims);
      tokens.keep(of("token"));
      pass(60_000);
    }
    expect(claimsIn(tokens, "token")).toBe(verified.claims);
    pass(1);
    expect(claimsIn(tokens, "token")).toBeUndefined();
  });

  test("is kept as it was verified last, for 300 s from then on", async () => {
    const { tokens, pass } = arrange(10);
    const again = await verifiedAnew();
    tokens.keep(of("token"));
    pass(200_000);
    tokens.keep(of("token", again));
    pass(200_000);
    expect(claimsIn(tokens, "token")).toBe(again.claims);
  });

  test("is not found when its issuer does not hold its key", async () => {
    const { tokens } = arrange(10);
    const { key } = await verifiedAnew();
    tokens.keep(of("own"));
    tokens.keep(of("foreign", { ...verified, key }));
    expect(claimsIn(tokens, "own")).toBe(verified.claims);
    expect(claimsIn(tokens, "foreign")).toBeUndefined();
  });
});

describe("the cache", () => {
  test("holds so many tokens, and forgets the one that was used least recently", () => {
    const { tokens } = arrange(2);
    tokens.keep(of("a"));
    tokens.keep(of("b"));
    expect(claimsIn(tokens, "a")).toBe(verified.claims);
    tokens.keep(of("c"));
    expect(["a", "b", "c"].filter((name) => claimsIn(tokens, name) !== undefined)).toEqual(["a", "c"]);
  });

  test("holds 16 MiB of tokens, however many they are", () => {
    const { tokens } = arrange(1_000_000);
    const length = 2 ** 14;
    const token = (index: number) => String(index).padEnd(86, "x").padStart(length, "y");
    const count = 2 ** 24 / length;
    for (let index = 0; index < count; index += 1) tokens.keep({ ...verified, token: token(index) });
    expect(tokens.find(token(count - 1))).toBeDefined();
    expect(tokens.find(token(0))).toBeDefined();
    tokens.keep(of("one more"));
    // The first one was just used: the second one goes.
    expect(tokens.find(token(1))).toBeUndefined();
    expect(
      [token(0), token(2), token(count - 1), of("one more").token].map((text) => tokens.find(text)?.claims),
    ).toEqual(Array.from({ length: 4 }, () => verified.claims));
  });

  test("of no size holds nothing, and shares nothing", async () => {
    const { tokens } = arrange(0);
    tokens.keep(of("token"));
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

describe("verifying a token", () => {
  test("is done once for all who ask at once, and again for those who ask later", async () => {
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

  test("is done for each token", async () => {
    const { tokens } = arrange(10);
    const [first, second] = [held(), held()];
    const another = await verifiedAnew();
    const verifying = [
      tokens.verify("a", verified.issuer, first.verify),
      tokens.verify("b", another.issuer, second.verify),
    ];
    second.release(another);
    expect(await verifying[1]).toBe(another);
    first.release(verified);
    expect(await verifying[0]).toBe(verified);
  });

  test("is not shared by those who ask for another issuer of the same name, whose keys may be others", async () => {
    const { tokens } = arrange(10);
    const [earlier, renewed] = [held(), held()];
    const another = await verifiedAnew();
    const first = tokens.verify("token", verified.issuer, earlier.verify);
    const second = tokens.verify("token", another.issuer, renewed.verify);
    earlier.release(verified);
    expect(await first).toBe(verified);
    renewed.release(another);
    expect([await second, renewed.count()]).toEqual([another, 1]);
  });

  test("does not keep it: that it is good is not known yet", async () => {
    const { tokens } = arrange(10);
    await tokens.verify(of("token").token, verified.issuer, async () => of("token"));
    expect(claimsIn(tokens, "token")).toBeUndefined();
  });

  test("fails for all who ask at once, and is tried again for the next one", async () => {
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
