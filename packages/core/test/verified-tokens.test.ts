import { describe, expect, test } from "vitest";
import { createIssuers } from "../src/issuers.ts";
import { parseVerifierOptions } from "../src/options.ts";
import { presentedToken } from "../src/presented-token.ts";
import { createVerifiedTokens, type VerifiedToken, type VerifiedTokens } from "../src/verified-tokens.ts";
import { reasonOf } from "./support/outcome.ts";
import { startIssuer } from "./support/verification.ts";

const { issuer: identifier, jwks } = await startIssuer();

const times = { expires: undefined, notBefore: undefined, issued: undefined };

/** What another verifier of the same options knows of a token. */
async function verifiedAnew(): Promise<VerifiedToken> {
  const issuer = createIssuers(parseVerifierOptions({ issuer: identifier, audience: null, jwks })).named(identifier);
  const [key] = (await issuer?.keys.find({ algorithm: "ES256", keyId: undefined })) ?? [];
  if (issuer === undefined || key === undefined) throw new Error("there is no key");
  return { header: { algorithm: "ES256", type: "at+jwt" }, claims: {}, times, issuer, key };
}

const verified = await verifiedAnew();

/** Creates a memory, whose time stands still until the test moves it. */
function arrange(size: number): { readonly tokens: Memory; readonly pass: (milliseconds: number) => void } {
  let time = 1_000_000;
  return {
    tokens: byToken(createVerifiedTokens(size, () => time)),
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

/** The memory by the tokens themselves. */
interface Memory {
  readonly find: (token: string) => VerifiedToken | undefined;
  readonly verify: (token: string, verify: () => Promise<VerifiedToken>) => Promise<VerifiedToken>;
  readonly remember: (token: string, verified: VerifiedToken) => void;
}

function byToken({ find, verify, remember }: VerifiedTokens): Memory {
  // What the tokens look like is no matter here, and decided before.
  const presented = (token: string) => ({ ...presentedToken(token, token), isOpaque: false });
  return {
    find: (token) => find(presented(token)),
    verify: (token, verifying) => verify(presented(token), verifying),
    remember: (token, known) => remember(presented(token), known),
  };
}

test("what does not look like a JWT is neither looked for nor named", () => {
  const { find } = createVerifiedTokens(10);
  const name = (): never => {
    throw new Error("it was named");
  };
  expect(find({ ...presentedToken("opaque", "opaque"), name })).toBeUndefined();
});

describe("a token", () => {
  test("is found once it is remembered, and no other one is", () => {
    const { tokens } = arrange(10);
    expect(tokens.find("a.b.c")).toBeUndefined();
    tokens.remember("a.b.c", verified);
    expect(tokens.find("a.b.c")).toBe(verified);
    const others = ["", "a.b.C", "a.b.c ", " a.b.c", "a.b.c.", "a.b.cc", "a.bc", "__proto__", "constructor"];
    expect(others.filter((token) => tokens.find(token) !== undefined)).toEqual([]);
  });

  test("is not found in another memory", () => {
    const [{ tokens }, another] = [arrange(10), arrange(10)];
    tokens.remember("token", verified);
    expect(another.tokens.find("token")).toBeUndefined();
  });

  test("is remembered for 300 s, however often it is found or told again", () => {
    const { tokens, pass } = arrange(10);
    tokens.remember("token", verified);
    for (let passed = 0; passed < 300; passed += 60) {
      expect(tokens.find("token")).toBe(verified);
      tokens.remember("token", verified);
      pass(60_000);
    }
    expect(tokens.find("token")).toBe(verified);
    pass(1);
    expect(tokens.find("token")).toBeUndefined();
  });

  test("is remembered as it was verified last, for 300 s from then on", async () => {
    const { tokens, pass } = arrange(10);
    const again = await verifiedAnew();
    tokens.remember("token", verified);
    pass(200_000);
    tokens.remember("token", again);
    pass(200_000);
    expect(tokens.find("token")).toBe(again);
  });

  test("is not found when its issuer does not hold its key", async () => {
    const { tokens } = arrange(10);
    const { key } = await verifiedAnew();
    tokens.remember("own", verified);
    tokens.remember("foreign", { ...verified, key });
    expect(tokens.find("own")).toBe(verified);
    expect(tokens.find("foreign")).toBeUndefined();
  });
});

describe("the memory", () => {
  test("holds so many tokens, and forgets the one that was used least recently", () => {
    const { tokens } = arrange(2);
    tokens.remember("a", verified);
    tokens.remember("b", verified);
    expect(tokens.find("a")).toBe(verified);
    tokens.remember("c", verified);
    expect(["a", "b", "c"].filter((token) => tokens.find(token) !== undefined)).toEqual(["a", "c"]);
  });

  test("holds 16 MiB of tokens, however many they are", () => {
    const { tokens } = arrange(1_000_000);
    const length = 2 ** 14;
    const token = (index: number) => String(index).padEnd(length, "x");
    const count = 2 ** 24 / length;
    for (let index = 0; index < count; index += 1) tokens.remember(token(index), verified);
    expect(tokens.find(token(count - 1))).toBe(verified);
    expect(tokens.find(token(0))).toBe(verified);
    tokens.remember("one more", verified);
    // The first one was just used: the second one goes.
    expect(tokens.find(token(1))).toBeUndefined();
    expect([token(0), token(2), token(count - 1), "one more"].map((text) => tokens.find(text))).toEqual(
      Array.from({ length: 4 }, () => verified),
    );
  });

  test("of no size holds nothing, and shares nothing", async () => {
    const { tokens } = arrange(0);
    tokens.remember("token", verified);
    expect(tokens.find("token")).toBeUndefined();
    const { verify, release, count } = held();
    const verifying = [tokens.verify("token", verify), tokens.verify("token", verify)];
    expect(count()).toBe(2);
    release(verified);
    expect(await Promise.all(verifying)).toEqual([verified, verified]);
  });
});

describe("verifying a token", () => {
  test("is done once for all who ask at once, and again for those who ask later", async () => {
    const { tokens } = arrange(10);
    const [first, second] = [held(), held()];
    const verifying = [tokens.verify("token", first.verify), tokens.verify("token", second.verify)];
    expect([first.count(), second.count()]).toEqual([1, 0]);
    first.release(verified);
    for (const result of await Promise.all(verifying)) expect(result).toBe(verified);
    void tokens.verify("token", second.verify);
    expect(second.count()).toBe(1);
  });

  test("is done for each token", async () => {
    const { tokens } = arrange(10);
    const [first, second] = [held(), held()];
    const another = await verifiedAnew();
    const verifying = [tokens.verify("a", first.verify), tokens.verify("b", second.verify)];
    second.release(another);
    expect(await verifying[1]).toBe(another);
    first.release(verified);
    expect(await verifying[0]).toBe(verified);
  });

  test("does not remember it: that it is good is not known yet", async () => {
    const { tokens } = arrange(10);
    await tokens.verify("token", async () => verified);
    expect(tokens.find("token")).toBeUndefined();
  });

  test("fails for all who ask at once, and is tried again for the next one", async () => {
    const { tokens } = arrange(10);
    const failing = held();
    const reasons = [1, 2].map(() => reasonOf(tokens.verify("token", failing.verify)));
    const error = new Error("refused");
    failing.fail(error);
    expect(await Promise.all(reasons)).toEqual([error, error]);
    expect(failing.count()).toBe(1);
    expect(await tokens.verify("token", async () => verified)).toBe(verified);
  });
});
