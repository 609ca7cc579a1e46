import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { checkIntrospection } from "../../src/token/claims.ts";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";
import { type Outcome, outcome, rejection } from "../support/outcome.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";

/** Seconds since the epoch; all tests happen then. */
const now = 2_000_000_000;

const issuer = "https://issuer.example";
const audience = "https://api.example";
const good = { active: true, aud: audience };

/** The claims of a JWT that was verified, and that the issuer is asked about. */
const jwt = { iss: issuer, aud: audience, exp: now + 300, sub: "user", client_id: "client" };

interface Circumstances extends Partial<VerifierOptions> {
  /** Of the JWT; without them, the token is opaque. */
  readonly claims?: object;
}

/** Checks an answer as the verifier of one issuer does. */
function check(response: object, circumstances: Circumstances = {}): ReturnType<typeof checkIntrospection> {
  const { claims, ...options } = circumstances;
  const jwks = "https://issuer.example/jwks";
  const configuration = parseVerifierOptions({ issuer, audience, jwks, clock: () => now * 1000, ...options });
  const [known] = configuration.issuers;
  if (known === undefined) throw new Error("there is no issuer");
  const rules = { configuration, issuer: known, claims: claims && { ...claims } };
  return checkIntrospection(response as Readonly<Record<string, unknown>>, rules);
}

function checked(response: object, circumstances?: Circumstances): Outcome {
  return outcome(() => check(response, circumstances));
}

const both = [
  ["an opaque token", {}],
  ["a JWT", { claims: jwt }],
] as const;

describe("a good answer", () => {
  test.each(both)("about %s is accepted and given back", (_name, circumstances) => {
    const full = { ...good, iss: issuer, exp: now + 1, iat: now, nbf: now, sub: "user", jti: "1", scope: "read" };
    expect(check(full, circumstances)).toEqual(full);
    expect(check(good, circumstances)).toEqual(good);
  });
});

describe.each(both)("the answer about %s", (_name, circumstances) => {
  const judged = (response: object, others: Circumstances = {}) =>
    checked({ ...good, ...response }, { ...circumstances, ...others });

  test.each([
    ["Bearer", "accepted"],
    ["bearer", "accepted"],
    ["BEARER", "accepted"],
    ["access_token", "accepted"],
    ["Access_Token", "accepted"],
    ["mtls_pop", "accepted"],
    ["MTLS_POP", "accepted"],
    ["DPoP", "ERR_TOKEN_TYPE"],
    ["refresh_token", "ERR_TOKEN_TYPE"],
    ["id_token", "ERR_TOKEN_TYPE"],
    ["N_A", "ERR_TOKEN_TYPE"],
    ["", "ERR_TOKEN_TYPE"],
    [" Bearer", "ERR_TOKEN_TYPE"],
    ["Bearer ", "ERR_TOKEN_TYPE"],
    ["Bearer,DPoP", "ERR_TOKEN_TYPE"],
    ["access-token", "ERR_TOKEN_TYPE"],
    ["mtls-pop", "ERR_TOKEN_TYPE"],
    ["constructor", "ERR_TOKEN_TYPE"],
    [["Bearer"], "ERR_TOKEN_TYPE"],
    [{}, "ERR_TOKEN_TYPE"],
    [null, "ERR_TOKEN_TYPE"],
    [1, "ERR_TOKEN_TYPE"],
    [true, "ERR_TOKEN_TYPE"],
  ] as const)("may have a token_type, but not %j", (type, expected) => {
    expect(judged({ token_type: type })).toBe(expected);
  });

  test.each([
    [issuer, "accepted"],
    [`${issuer}/`, "ERR_TOKEN_ISSUER"],
    [issuer.toUpperCase(), "ERR_TOKEN_ISSUER"],
    [`${issuer}:443`, "ERR_TOKEN_ISSUER"],
    [` ${issuer}`, "ERR_TOKEN_ISSUER"],
    ["https://evil.example", "ERR_TOKEN_ISSUER"],
    ["", "ERR_TOKEN_ISSUER"],
    [[issuer], "ERR_TOKEN_ISSUER"],
    [null, "ERR_TOKEN_ISSUER"],
    [0, "ERR_TOKEN_ISSUER"],
  ] as const)("may have an iss, judged exactly: %j", (iss, expected) => {
    expect(judged({ iss })).toBe(expected);
  });

  test.each([
    [[audience], "accepted"],
    [["https://other.example", audience], "accepted"],
    ["https://other.example", "ERR_TOKEN_AUDIENCE"],
    [`${audience}/`, "ERR_TOKEN_AUDIENCE"],
    [`${audience} https://other.example`, "ERR_TOKEN_AUDIENCE"],
    [[], "ERR_TOKEN_AUDIENCE"],
    ["", "ERR_TOKEN_AUDIENCE"],
    [[audience, 1], "ERR_TOKEN_AUDIENCE"],
    [{ 0: audience, length: 1 }, "ERR_TOKEN_AUDIENCE"],
    [null, "ERR_TOKEN_AUDIENCE"],
  ] as const)("has an aud of this API: %j (I-02)", (aud, expected) => {
    expect(judged({ aud })).toBe(expected);
  });

  test("may have any aud where null is written out, but keeps its form", () => {
    expect(judged({ aud: "https://other.example" }, { audience: null })).toBe("accepted");
    expect(judged({ aud: 1 }, { audience: null })).toBe("ERR_TOKEN_CLAIM");
  });

  test.each([
    ["exp", 0, now + 0.001, "accepted"],
    ["exp", 0, now, "ERR_TOKEN_EXPIRED"],
    ["exp", undefined, now - 4, "accepted"],
    ["exp", undefined, now - 5, "ERR_TOKEN_EXPIRED"],
    ["exp", undefined, 0, "ERR_TOKEN_EXPIRED"],
    ["nbf", 0, now, "accepted"],
    ["nbf", 0, now + 0.001, "ERR_TOKEN_NOT_YET_VALID"],
    ["nbf", undefined, now + 5, "accepted"],
    ["nbf", undefined, now + 6, "ERR_TOKEN_NOT_YET_VALID"],
  ])("has an %s that counts, with a tolerance of %s s: %s", (name, clockTolerance, value, expected) => {
    expect(judged({ [name]: value }, { clockTolerance })).toBe(expected);
  });

  test.each(["exp", "nbf", "iat"])("is malformed when its %s is no time (T-01, T-02, T-03)", (name) => {
    expect(judged({ [name]: name === "exp" ? now + 300 : now })).toBe("accepted");
    for (const json of [`"${now + 300}"`, '""', "null", "true", "[]", "{}", "1e999", "-1e999", "2000000300000"]) {
      expect(judged(JSON.parse(`{"${name}":${json}}`) as object)).toBe("ERR_TOKEN_CLAIM");
    }
  });

  test.each([
    [now, "accepted"],
    [now - 64, "accepted"],
    [now - 65, "ERR_TOKEN_EXPIRED"],
    [now + 5, "accepted"],
    [now + 6, "ERR_TOKEN_NOT_YET_VALID"],
  ])("has an iat that counts for maxTokenAge: %s (T-06)", (iat, expected) => {
    expect(judged({ iat }, { maxTokenAge: 60 })).toBe(expected);
    expect(judged({ iat })).toBe("accepted");
  });

  test.each(["sub", "client_id", "jti"])("has a string as %s, or none (I-03)", (name) => {
    expect(judged({ [name]: Object.hasOwn(jwt, name) ? Reflect.get(jwt, name) : "text" })).toBe("accepted");
    for (const value of [null, 0, 1, false, {}, ["a"]]) expect(judged({ [name]: value })).toBe("ERR_TOKEN_CLAIM");
  });

  test("has a string or a list of strings as scope, or none (I-04)", () => {
    for (const scope of ["", "read write", [], ["read"]]) expect(judged({ scope })).toBe("accepted");
    for (const scope of [null, 1, { read: true }, [1], ["read", null]])
      expect(judged({ scope })).toBe("ERR_TOKEN_CLAIM");
  });

  test("is read by own member only (P-01)", () => {
    const inherited: object = Object.create({ token_type: "refresh_token", iss: "https://evil.example", exp: 1 });
    expect(outcome(() => check(Object.assign(inherited, good), circumstances))).toBe("accepted");
    const polluted = (name: string, value: unknown) => withPollutedPrototype(name, value, () => judged({}));
    expect(polluted("token_type", "refresh_token")).toBe("accepted");
    expect(polluted("iss", "https://evil.example")).toBe("accepted");
    expect(polluted("exp", 1)).toBe("accepted");
    expect(withPollutedPrototype("exp", now + 300, () => judged({ exp: now - 300 }))).toBe("ERR_TOKEN_EXPIRED");
  });

  test.each(["token_type", "iss", "aud", "exp", "nbf", "iat", "sub", "client_id", "jti", "scope"])(
    "that is rejected for its %s says nothing of it",
    (name) => {
      const error = rejection(() => check({ ...good, [name]: { MARKER: "MARKER" } }, circumstances));
      expect(`${error.message} ${error.detail} ${JSON.stringify(error)} ${error.stack}`).not.toContain("MARKER");
      expect(error.detail).toMatch(/./);
    },
  );
});

describe("what is known of an opaque token", () => {
  test("is the answer alone: it needs an audience, and an iat where maxTokenAge is set", () => {
    expect(checked({ active: true })).toBe("ERR_TOKEN_AUDIENCE");
    expect(checked({ active: true }, { audience: null })).toBe("accepted");
    expect(withPollutedPrototype("aud", audience, () => checked({ active: true }))).toBe("ERR_TOKEN_AUDIENCE");
    expect(checked(good, { maxTokenAge: 60 })).toBe("ERR_TOKEN_CLAIM");
    expect(checked({ ...good, iat: now }, { maxTokenAge: 60 })).toBe("accepted");
  });

  test("need not be when it expires", () => {
    expect(checked(good)).toBe("accepted");
    expect(checked({ ...good, exp: now + 300 })).toBe("accepted");
    expect(checked({ ...good, exp: now - 300 })).toBe("ERR_TOKEN_EXPIRED");
  });
});

describe("what is known of a JWT", () => {
  test("need not be said again", () => {
    expect(checked({ active: true }, { claims: jwt })).toBe("accepted");
    expect(checked({ active: true }, { claims: jwt, maxTokenAge: 60 })).toBe("accepted");
  });

  test.each(["sub", "client_id"])("has the %s that the answer has, when both have one", (name) => {
    const { [name]: _own, ...without } = jwt as Readonly<Record<string, unknown>>;
    const own = Reflect.get(jwt, name) as string;
    expect(checked({ [name]: own }, { claims: jwt })).toBe("accepted");
    for (const told of [`${own} `, own.toUpperCase(), "", "other"]) {
      expect(checked({ [name]: told }, { claims: jwt })).toBe("ERR_TOKEN_CLAIM");
      expect(checked({ [name]: told }, { claims: without })).toBe("accepted");
    }
    expect(checked({}, { claims: jwt })).toBe("accepted");
    expect(withPollutedPrototype(name, "other", () => checked({}, { claims: jwt }))).toBe("accepted");
    expect(withPollutedPrototype(name, "other", () => checked({ [name]: own }, { claims: without }))).toBe("accepted");
  });
});

describe("the order of the checks", () => {
  const steps: readonly (readonly [Outcome, object])[] = [
    ["ERR_TOKEN_TYPE", { token_type: "refresh_token" }],
    ["ERR_TOKEN_ISSUER", { iss: "https://evil.example" }],
    ["ERR_TOKEN_CLAIM", { sub: "other" }],
    ["ERR_TOKEN_AUDIENCE", { aud: "other" }],
    ["ERR_TOKEN_EXPIRED", { exp: 1 }],
    ["ERR_TOKEN_NOT_YET_VALID", { nbf: now + 60 }],
    ["ERR_TOKEN_CLAIM", { jti: 1 }],
  ];

  test.each(steps.map(([code, fault], index) => [code, Object.keys(fault).join(), index] as const))(
    "puts %s, of %s, before all that follow",
    (code, _name, index) => {
      const faults = steps.slice(index).map(([, fault]) => fault);
      expect(checked(Object.assign({}, ...faults), { claims: jwt })).toBe(code);
    },
  );
});

describe("any JSON", () => {
  const member = fc.constantFrom("token_type", "iss", "sub", "client_id", "aud", "exp", "nbf", "iat", "jti", "scope");
  const answer = fc.dictionary(fc.oneof(member, fc.string()), fc.jsonValue());

  fuzz.prop([answer], { seed: 1, numRuns: 1000 })("as an answer is rejected with a code, or accepted", (response) => {
    expect(checked(response)).toMatch(/^ERR_TOKEN_/);
    expect(checked(response, { audience: null, claims: jwt })).toMatch(/^(ERR_TOKEN_|accepted)/);
  });

  fuzz.prop([fc.jsonValue()], { seed: 2, numRuns: 1000 })("as token_type is rejected", (type) => {
    expect(checked({ ...good, token_type: type })).toBe("ERR_TOKEN_TYPE");
  });
});
