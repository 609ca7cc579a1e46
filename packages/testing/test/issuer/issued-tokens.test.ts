import { describe, expect, test } from "vitest";
import { createIssuedTokens } from "../../src/issuer/issued-tokens.ts";

const now = 100_000;
const inactive = { active: false };

/** Creates a store that contains the token "token". */
function tokensWith(claims: Record<string, unknown> = { sub: "x" }) {
  const tokens = createIssuedTokens();
  tokens.add("token", claims);
  return tokens;
}

describe("an issued token", () => {
  test("is active and has its claims", () => {
    const claims = { sub: "x", cnf: { "x5t#S256": "thumbprint" } };
    expect(tokensWith(claims).introspect("token", now)).toEqual({ active: true, token_type: "Bearer", ...claims });
  });

  test("does not affect other tokens", () => {
    expect(tokensWith().introspect("token2", now)).toEqual(inactive);
  });

  test.each([
    ["active a millisecond before it expires", 100, true],
    ["inactive when it expires", 99.999, false],
    ["inactive after it has expired", 99, false],
  ])("is %s", (_, exp, active) => {
    expect(tokensWith({ exp }).introspect("token", now - 1)).toMatchObject({ active });
  });

  test.each([undefined, "99", null])("does not expire if exp is not a number, but %j", (exp) => {
    expect(tokensWith({ exp }).introspect("token", now)).toMatchObject({ active: true });
  });

  test("keeps its claims if the object changes later", () => {
    const scopes = ["read"];
    const tokens = tokensWith({ scopes });
    scopes.push("write");
    expect(tokens.introspect("token", now)).toMatchObject({ scopes: ["read"] });
  });
});

describe("revoke", () => {
  test("makes only the given token inactive", () => {
    const tokens = tokensWith();
    tokens.add("other", {});
    tokens.revoke("token");
    expect(tokens.introspect("token", now)).toEqual(inactive);
    expect(tokens.introspect("other", now)).toMatchObject({ active: true });
  });

  test("can be repeated", () => {
    const tokens = tokensWith();
    tokens.revoke("token");
    expect(() => tokens.revoke("token")).not.toThrow();
  });

  test("rejects a token that was not issued, even if its response was overridden", () => {
    const tokens = tokensWith();
    tokens.introspectAs("text", { active: true });
    expect(() => tokens.revoke("text")).toThrow(TypeError);
    expect(() => tokens.revoke("token2")).toThrow(TypeError);
  });
});

describe("introspectAs", () => {
  const response = { active: "true", sub: ["x"] };

  test.each<[string, (tokens: ReturnType<typeof tokensWith>) => void]>([
    ["was issued", () => {}],
    ["is revoked", (tokens) => tokens.revoke("token")],
    ["has expired", (tokens) => tokens.add("token", { exp: 1 })],
  ])("overrides the response for a token that %s", (_, arrange) => {
    const tokens = tokensWith();
    arrange(tokens);
    tokens.introspectAs("token", response);
    expect(tokens.introspect("token", now)).toEqual(response);
  });

  test("takes precedence over a later revocation", () => {
    const tokens = tokensWith();
    tokens.introspectAs("token", response);
    tokens.revoke("token");
    expect(tokens.introspect("token", now)).toEqual(response);
  });

  test("overrides the response for exactly the given text", () => {
    const tokens = createIssuedTokens();
    tokens.introspectAs("any text", response);
    expect(tokens.introspect("any text", now)).toEqual(response);
    expect(tokens.introspect("any", now)).toEqual(inactive);
  });

  test("uses the response of the last call", () => {
    const tokens = tokensWith();
    tokens.introspectAs("token", response);
    tokens.introspectAs("token", {});
    expect(tokens.introspect("token", now)).toEqual({});
  });

  test("keeps the response if the object changes later", () => {
    const changing = { ...response };
    const tokens = tokensWith();
    tokens.introspectAs("token", changing);
    changing.active = "false";
    expect(tokens.introspect("token", now)).toEqual(response);
  });

  test("rejects a response that cannot be serialised as JSON", () => {
    expect(() => tokensWith().introspectAs("token", { exp: 1n })).toThrow(TypeError);
  });
});
