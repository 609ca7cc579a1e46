import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { checkIntrospection } from "../../src/token/claims.ts";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";
import { type Outcome, outcome, rejection } from "../support/outcome.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";

/** The time of all tests, in seconds since the epoch. */
const now = 2_000_000_000;

const issuer = "https://issuer.example";
const audience = "https://api.example";
const good = { active: true, aud: audience };

/** The claims of a verified JWT that is introspected. */
const jwt = { iss: issuer, aud: audience, exp: now + 300, sub: "user", client_id: "client" };

interface Circumstances extends Partial<VerifierOptions> {
  /** The claims of the JWT; undefined for an opaque token. */
  readonly claims?: object;
}

/** Checks a response as the verifier of one issuer does. */
function check(response: object, circumstances: Circumstances = {}): ReturnType<typeof checkIntrospection> {
  const { claims, ...options } = circumstances;
  const jwks = "https://issuer.example/jwks";
  const configuration = parseVerifierOptions({ issuer, audience, jwks, clock: () => now * 1000, ...options });
  const [known] = configuration.issuers;
  if (known === undefined) throw new Error("no issuer is configured");
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

describe("a valid response", () => {
  test.each(both)("for %s is accepted and returned unchanged", (_name, circumstances) => {
    const full = { ...good, iss: issuer, exp: now + 1, iat: now, nbf: now, sub: "user", jti: "1", scope: "read" };
    expect(check(full, circumstances)).toEqual(full);
    expect(check(good, circumstances)).toEqual(good);
  });
});

describe.each(both)("the response for %s", (_name, circumstances) => {
  const outcomeOf = (response: object, others: Circumstances = {}) =>
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
  ] as const)("with the token_type %j is checked: %s", (type, expected) => {
    expect(outcomeOf({ token_type: type })).toBe(expected);
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
  ] as const)("with the iss %j is checked by an exact comparison: %s", (iss, expected) => {
    expect(outcomeOf({ iss })).toBe(expected);
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
  ] as const)("with the aud %j is checked for this API (I-02): %s", (aud, expected) => {
    expect(outcomeOf({ aud })).toBe(expected);
  });

  test("may have any well-typed aud if the audience option is null", () => {
    expect(outcomeOf({ aud: "https://other.example" }, { audience: null })).toBe("accepted");
    expect(outcomeOf({ aud: 1 }, { audience: null })).toBe("ERR_TOKEN_CLAIM");
  });

  test.each([
    ["exp", 0, now + 0.001, "accepted"],
    ["exp", 0, now, "ERR_TOKEN_EXPIRED"],
    ["exp", "default", now - 4, "accepted"],
    ["exp", "default", now - 5, "ERR_TOKEN_EXPIRED"],
    ["exp", "default", 0, "ERR_TOKEN_EXPIRED"],
    ["nbf", 0, now, "accepted"],
    ["nbf", 0, now + 0.001, "ERR_TOKEN_NOT_YET_VALID"],
    ["nbf", "default", now + 5, "accepted"],
    ["nbf", "default", now + 6, "ERR_TOKEN_NOT_YET_VALID"],
  ] as const)("is checked for its %s, with the clockTolerance %s: %s", (name, tolerance, value, expected) => {
    const clockTolerance = tolerance === "default" ? undefined : tolerance;
    expect(outcomeOf({ [name]: value }, { clockTolerance })).toBe(expected);
  });

  test.each(["exp", "nbf", "iat"])("is rejected if its %s is not a time (T-01, T-02, T-03)", (name) => {
    expect(outcomeOf({ [name]: name === "exp" ? now + 300 : now })).toBe("accepted");
    for (const json of [`"${now + 300}"`, '""', "null", "true", "[]", "{}", "1e999", "-1e999", "2000000300000"]) {
      expect(outcomeOf(JSON.parse(`{"${name}":${json}}`) as object)).toBe("ERR_TOKEN_CLAIM");
    }
  });

  test.each([
    [now, "accepted"],
    [now - 64, "accepted"],
    [now - 65, "ERR_TOKEN_EXPIRED"],
    [now + 5, "accepted"],
    [now + 6, "ERR_TOKEN_NOT_YET_VALID"],
  ])("with the iat %s is checked against maxTokenAge (T-06): %s", (iat, expected) => {
    expect(outcomeOf({ iat }, { maxTokenAge: 60 })).toBe(expected);
    expect(outcomeOf({ iat })).toBe("accepted");
  });

  test.each(["sub", "client_id", "jti"])(
    "is accepted without %s, and rejected if it is not a string (I-03)",
    (name) => {
      expect(outcomeOf({ [name]: Object.hasOwn(jwt, name) ? Reflect.get(jwt, name) : "text" })).toBe("accepted");
      for (const value of [null, 0, 1, false, {}, ["a"]]) expect(outcomeOf({ [name]: value })).toBe("ERR_TOKEN_CLAIM");
    },
  );

  test("is accepted without scope, and rejected if it is neither a string nor a list of strings (I-04)", () => {
    for (const scope of ["", "read write", [], ["read"]]) expect(outcomeOf({ scope })).toBe("accepted");
    for (const scope of [null, 1, { read: true }, [1], ["read", null]])
      expect(outcomeOf({ scope })).toBe("ERR_TOKEN_CLAIM");
  });

  test("is read by its own members only (P-01)", () => {
    const inherited: object = Object.create({ token_type: "refresh_token", iss: "https://evil.example", exp: 1 });
    expect(outcome(() => check(Object.assign(inherited, good), circumstances))).toBe("accepted");
    const polluted = (name: string, value: unknown) => withPollutedPrototype(name, value, () => outcomeOf({}));
    expect(polluted("token_type", "refresh_token")).toBe("accepted");
    expect(polluted("iss", "https://evil.example")).toBe("accepted");
    expect(polluted("exp", 1)).toBe("accepted");
    expect(withPollutedPrototype("exp", now + 300, () => outcomeOf({ exp: now - 300 }))).toBe("ERR_TOKEN_EXPIRED");
  });

  test.each(["token_type", "iss", "aud", "exp", "nbf", "iat", "sub", "client_id", "jti", "scope"])(
    "is rejected for its %s with an error that does not contain the value",
    (name) => {
      const error = rejection(() => check({ ...good, [name]: { MARKER: "MARKER" } }, circumstances));
      expect(`${error.message} ${error.detail} ${JSON.stringify(error)} ${error.stack}`).not.toContain("MARKER");
      expect(error.detail).toMatch(/./);
    },
  );
});

describe("the response for an opaque token", () => {
  test("needs an aud, and with maxTokenAge an iat", () => {
    expect(checked({ active: true })).toBe("ERR_TOKEN_AUDIENCE");
    expect(checked({ active: true }, { audience: null })).toBe("accepted");
    expect(withPollutedPrototype("aud", audience, () => checked({ active: true }))).toBe("ERR_TOKEN_AUDIENCE");
    expect(checked(good, { maxTokenAge: 60 })).toBe("ERR_TOKEN_CLAIM");
    expect(checked({ ...good, iat: now }, { maxTokenAge: 60 })).toBe("accepted");
  });

  test("may omit exp", () => {
    expect(checked(good)).toBe("accepted");
    expect(checked({ ...good, exp: now + 300 })).toBe("accepted");
    expect(checked({ ...good, exp: now - 300 })).toBe("ERR_TOKEN_EXPIRED");
  });
});

describe("the response for a JWT", () => {
  test("may omit the claims of the JWT", () => {
    expect(checked({ active: true }, { claims: jwt })).toBe("accepted");
    expect(checked({ active: true }, { claims: jwt, maxTokenAge: 60 })).toBe("accepted");
  });

  test.each(["sub", "client_id"])("is rejected if its %s does not match the same claim of the JWT", (name) => {
    const { [name]: _omitted, ...without } = jwt as Readonly<Record<string, unknown>>;
    const verified = Reflect.get(jwt, name) as string;
    expect(checked({ [name]: verified }, { claims: jwt })).toBe("accepted");
    for (const introspected of [`${verified} `, verified.toUpperCase(), "", "other"]) {
      expect(checked({ [name]: introspected }, { claims: jwt })).toBe("ERR_TOKEN_CLAIM");
      expect(checked({ [name]: introspected }, { claims: without })).toBe("accepted");
    }
    expect(checked({}, { claims: jwt })).toBe("accepted");
    expect(withPollutedPrototype(name, "other", () => checked({}, { claims: jwt }))).toBe("accepted");
    expect(withPollutedPrototype(name, "other", () => checked({ [name]: verified }, { claims: without }))).toBe(
      "accepted",
    );
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

  test.each(steps.map(([code, flaw], index) => [code, Object.keys(flaw).join(), index] as const))(
    "reports %s, for %s, before all later checks",
    (code, _name, index) => {
      const flaws = steps.slice(index).map(([, flaw]) => flaw);
      expect(checked(Object.assign({}, ...flaws), { claims: jwt })).toBe(code);
    },
  );
});

describe("any JSON", () => {
  const member = fc.constantFrom("token_type", "iss", "sub", "client_id", "aud", "exp", "nbf", "iat", "jti", "scope");
  const anyResponse = fc.dictionary(fc.oneof(member, fc.string()), fc.jsonValue());

  fuzz.prop([anyResponse], { seed: 1, numRuns: 1000 })(
    "as a response is accepted, or rejected with a code",
    (response) => {
      expect(checked(response)).toMatch(/^ERR_TOKEN_/);
      expect(checked(response, { audience: null, claims: jwt })).toMatch(/^(ERR_TOKEN_|accepted)/);
    },
  );

  fuzz.prop([fc.jsonValue()], { seed: 2, numRuns: 1000 })("as token_type is rejected", (type) => {
    expect(checked({ ...good, token_type: type })).toBe("ERR_TOKEN_TYPE");
  });
});
