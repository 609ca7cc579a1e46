import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { checkClaims } from "../../src/token/claims.ts";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";
import { type Outcome, outcome, rejection } from "../support/outcome.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";
import { algorithms } from "../support/algorithms.ts";

/** The time of all tests, in seconds since the epoch. */
const now = 2_000_000_000;

const issuer = "https://issuer.example";
const audience = "https://api.example";
const good = { iss: issuer, aud: audience, exp: now + 300, sub: "user", client_id: "client" };

interface Circumstances extends Partial<VerifierOptions> {
  readonly typ?: unknown;
  readonly alg?: string;
  readonly bindingRequired?: boolean;
  readonly unknownIssuer?: boolean;
}

/** Checks claims as the verifier of one issuer does. */
function check(claims: object, circumstances: Circumstances = {}): ReturnType<typeof checkClaims> {
  const { alg: algorithm = "ES256", bindingRequired = true, unknownIssuer = false, ...others } = circumstances;
  const { typ: type = "at+jwt", ...options } = others;
  const jwks = "https://issuer.example/jwks";
  const configuration = parseVerifierOptions({ issuer, audience, jwks, clock: () => now * 1000, ...options });
  const [known] = configuration.issuers;
  const rules = { configuration, issuer: unknownIssuer ? undefined : known, bindingRequired };
  return checkClaims({ algorithm, type: Object.hasOwn(others, "typ") ? others.typ : type }, { ...claims }, rules);
}

function checked(claims: object, circumstances?: Circumstances): Outcome {
  return outcome(() => check(claims, circumstances));
}

function without(...names: string[]): object {
  return Object.fromEntries(Object.entries(good).filter(([name]) => !names.includes(name)));
}

describe("valid claims", () => {
  test("are accepted and returned unchanged", () => {
    expect(check(good)).toEqual(good);
  });
});

describe("the algorithm", () => {
  test.each(algorithms)("%s is accepted by default, and rejected if only others are listed", (alg) => {
    expect(checked(good, { alg })).toBe("accepted");
    expect(checked(good, { alg, algorithms: [alg === "ES256" ? "RS256" : "ES256"] })).toBe("ERR_TOKEN_ALGORITHM");
  });

  test.each([
    "none",
    "None",
    "NONE",
    "nOnE",
    "",
    "HS256",
    "HS384",
    "HS512",
    "es256",
    "Es256",
    " ES256",
    "ES256 ",
    "ES256\0",
    "ES256K",
    "ES256\n",
    "RSA-OAEP",
    "dir",
    "Ed448",
    "constructor",
    "__proto__",
  ])("%j is never accepted (C-01, C-02, C-05)", (alg) => {
    expect(checked(good, { alg })).toBe("ERR_TOKEN_ALGORITHM");
  });
});

describe("the typ", () => {
  const accepted = "accepted";
  const rejected = "ERR_TOKEN_TYPE";

  test.each([
    ["at+jwt", accepted, accepted],
    ["AT+JWT", accepted, accepted],
    ["application/at+jwt", accepted, accepted],
    ["Application/At+Jwt", accepted, accepted],
    ["JWT", accepted, rejected],
    ["jwt", accepted, rejected],
    ["application/jwt", accepted, rejected],
    [undefined, accepted, rejected],
    [null, rejected, rejected],
    ["", rejected, rejected],
    ["application/", rejected, rejected],
    ["application/application/at+jwt", rejected, rejected],
    ["at+jwt ", rejected, rejected],
    ["at+jwt;charset=utf-8", rejected, rejected],
    ["text/at+jwt", rejected, rejected],
    ["+jwt", rejected, rejected],
    ["JWS", rejected, rejected],
    ["JOSE", rejected, rejected],
    ["logout+jwt", rejected, rejected],
    ["dpop+jwt", rejected, rejected],
    ["secevent+jwt", rejected, rejected],
    ["token-introspection+jwt", rejected, rejected],
    ["statuslist+jwt", rejected, rejected],
    ["oauth-authz-req+jwt", rejected, rejected],
    ["id_token", rejected, rejected],
    ["__proto__", rejected, rejected],
    [0, rejected, rejected],
    [false, rejected, rejected],
    [["at+jwt"], rejected, rejected],
    [{ typ: "at+jwt" }, rejected, rejected],
  ])("%j has the result %s if binding is required, and %s otherwise (H-03)", (typ, withBinding, withoutBinding) => {
    expect(checked(good, { typ, bindingRequired: true })).toBe(withBinding);
    expect(checked(good, { typ, bindingRequired: false })).toBe(withoutBinding);
  });

  test.each(["at_hash", "c_hash", "events"])(
    "must not be JWT or missing if the token has %s, like an ID token or a security event (H-03)",
    (claim) => {
      for (const value of ["x", null, {}]) {
        const foreign = { ...good, [claim]: value };
        expect(checked(foreign, { typ: "JWT" })).toBe(rejected);
        expect(checked(foreign, { typ: undefined })).toBe(rejected);
        expect(checked(foreign, { typ: "jwt" })).toBe(rejected);
        expect(checked(foreign, { typ: "at+jwt" })).toBe(accepted);
        expect(checked(foreign, { typ: "application/at+jwt" })).toBe(accepted);
      }
    },
  );

  test.each([
    ["is missing", undefined],
    ["is JWT", "JWT"],
    ["is jwt", "jwt"],
    ["is application/jwt", "application/jwt"],
    ["is at+jwt", "at+jwt"],
  ])("of a token with a nonce, as ForgeRock issues it, is accepted if it %s and binding is required", (_name, typ) => {
    for (const value of ["n", null, {}]) {
      expect(checked({ ...good, nonce: value }, { typ })).toBe(accepted);
      expect(checked({ ...good, nonce: value, at_hash: "h" }, { typ })).toBe(typ === "at+jwt" ? accepted : rejected);
    }
  });

  test.each([
    ["is missing", undefined],
    ["is JWT", "JWT"],
  ])("of a token with a nonce is rejected if it %s and binding is not required", (_name, typ) => {
    const tokenTypes = ["JWT", null];
    expect(checked({ ...good, nonce: "n" }, { typ, tokenTypes, bindingRequired: false })).toBe(rejected);
    expect(checked({ ...good, nonce: "n" }, { typ, tokenTypes, bindingRequired: true })).toBe(accepted);
    expect(checked(good, { typ, tokenTypes, bindingRequired: false })).toBe(accepted);
  });

  test("must be one of tokenTypes if they are set, whether or not binding is required", () => {
    const tokenTypes = ["Application/Custom+JWT", null];
    for (const bindingRequired of [true, false]) {
      expect(checked(good, { tokenTypes, bindingRequired, typ: "custom+jwt" })).toBe(accepted);
      expect(checked(good, { tokenTypes, bindingRequired, typ: undefined })).toBe(accepted);
      expect(checked(good, { tokenTypes, bindingRequired, typ: "at+jwt" })).toBe(rejected);
      expect(checked(good, { tokenTypes, bindingRequired, typ: "JWT" })).toBe(rejected);
    }
  });

  test("is rejected for an ID token even if it is one of tokenTypes", () => {
    expect(checked({ ...good, at_hash: "h" }, { tokenTypes: ["JWT"], typ: "JWT" })).toBe(rejected);
    expect(checked(good, { tokenTypes: ["JWT"], typ: "JWT" })).toBe(accepted);
  });
});

describe("the issuer", () => {
  test("must be a configured issuer", () => {
    expect(checked(good, { unknownIssuer: false })).toBe("accepted");
    expect(checked(good, { unknownIssuer: true })).toBe("ERR_TOKEN_ISSUER");
  });
});

describe("the audience", () => {
  test.each([
    ["the identifier", audience, "accepted"],
    ["a list of the identifier", [audience], "accepted"],
    ["a list of the identifier and others", ["https://other.example", audience], "accepted"],
    ["another identifier", "https://other.example", "ERR_TOKEN_AUDIENCE"],
    ["a list of others", ["https://other.example"], "ERR_TOKEN_AUDIENCE"],
    ["an empty list", [], "ERR_TOKEN_AUDIENCE"],
    ["an empty string", "", "ERR_TOKEN_AUDIENCE"],
    ["a prefix of the identifier", "https://api.exampl", "ERR_TOKEN_AUDIENCE"],
    ["the identifier with more characters", "https://api.example.evil", "ERR_TOKEN_AUDIENCE"],
    ["the identifier with a slash", "https://api.example/", "ERR_TOKEN_AUDIENCE"],
    ["the identifier in capitals", "HTTPS://API.EXAMPLE", "ERR_TOKEN_AUDIENCE"],
    ["the identifier with the default port", "https://api.example:443", "ERR_TOKEN_AUDIENCE"],
    ["the identifier and another in one string", `${audience} https://other.example`, "ERR_TOKEN_AUDIENCE"],
    ["the identifier with white space", ` ${audience}`, "ERR_TOKEN_AUDIENCE"],
    ["a list in a list", [[audience]], "ERR_TOKEN_AUDIENCE"],
    ["a list of the identifier and a number", [audience, 1], "ERR_TOKEN_AUDIENCE"],
    ["a list of the identifier and null", [audience, null], "ERR_TOKEN_AUDIENCE"],
    ["an object", { 0: audience, length: 1 }, "ERR_TOKEN_AUDIENCE"],
    ["null", null, "ERR_TOKEN_AUDIENCE"],
    ["true", true, "ERR_TOKEN_AUDIENCE"],
    ["a number", 1, "ERR_TOKEN_AUDIENCE"],
  ])("is compared exactly: %s (I-02)", (_name, aud, expected) => {
    expect(checked({ ...good, aud })).toBe(expected);
  });

  test("is required", () => {
    expect(checked(without("aud"))).toBe("ERR_TOKEN_AUDIENCE");
  });

  test("must be one of the configured audiences if there are several", () => {
    const several = { audience: ["https://a.example", "https://b.example"] };
    expect(checked({ ...good, aud: "https://b.example" }, several)).toBe("accepted");
    expect(checked({ ...good, aud: ["x", "https://a.example"] }, several)).toBe("accepted");
    expect(checked({ ...good, aud: "https://c.example" }, several)).toBe("ERR_TOKEN_AUDIENCE");
  });

  test("is not compared if the option is null, but must be well-typed", () => {
    expect(checked({ ...good, aud: "https://other.example" }, { audience: null })).toBe("accepted");
    expect(checked(without("aud"), { audience: null })).toBe("accepted");
    expect(checked({ ...good, aud: 1 }, { audience: null })).toBe("ERR_TOKEN_CLAIM");
    expect(checked({ ...good, aud: [1] }, { audience: null })).toBe("ERR_TOKEN_CLAIM");
  });
});

describe("exp", () => {
  test.each([
    [0, now + 1, "accepted"],
    [0, now + 0.001, "accepted"],
    [0, now, "ERR_TOKEN_EXPIRED"],
    [0, now - 0.001, "ERR_TOKEN_EXPIRED"],
    ["default", now - 4, "accepted"],
    ["default", now - 5, "ERR_TOKEN_EXPIRED"],
    [300, now - 299, "accepted"],
    [300, now - 300, "ERR_TOKEN_EXPIRED"],
  ] as const)("is compared exactly, with the clockTolerance %s: %s", (tolerance, exp, expected) => {
    const clockTolerance = tolerance === "default" ? undefined : tolerance;
    expect(checked({ ...good, exp }, { clockTolerance })).toBe(expected);
  });

  test.each([0, -0, -1, 1, -now, -253_402_300_799])("%s is in the past (T-04)", (exp) => {
    expect(checked({ ...good, exp })).toBe("ERR_TOKEN_EXPIRED");
  });

  test("is required (T-05)", () => {
    expect(checked(without("exp"))).toBe("ERR_TOKEN_CLAIM");
    expect(checked({ ...without("exp"), EXP: now + 300 })).toBe("ERR_TOKEN_CLAIM");
  });
});

describe("nbf", () => {
  test.each([
    [0, now - 1, "accepted"],
    [0, now, "accepted"],
    [0, now + 0.001, "ERR_TOKEN_NOT_YET_VALID"],
    ["default", now + 5, "accepted"],
    ["default", now + 6, "ERR_TOKEN_NOT_YET_VALID"],
    [300, now + 300, "accepted"],
    [300, now + 301, "ERR_TOKEN_NOT_YET_VALID"],
    [0, 0, "accepted"],
    [0, -1, "accepted"],
  ] as const)("is compared exactly, with the clockTolerance %s: %s", (tolerance, nbf, expected) => {
    const clockTolerance = tolerance === "default" ? undefined : tolerance;
    expect(checked({ ...good, nbf }, { clockTolerance })).toBe(expected);
  });
});

describe("maxTokenAge", () => {
  test.each([
    [now, "accepted"],
    [now - 59, "accepted"],
    [now - 64, "accepted"],
    [now - 65, "ERR_TOKEN_EXPIRED"],
    [0, "ERR_TOKEN_EXPIRED"],
    [-1, "ERR_TOKEN_EXPIRED"],
    [now + 5, "accepted"],
    [now + 6, "ERR_TOKEN_NOT_YET_VALID"],
    ["(missing)", "ERR_TOKEN_CLAIM"],
  ])("of 60 s is counted from iat, here %s (T-06): %s", (iat, expected) => {
    const claims = iat === "(missing)" ? good : { ...good, iat };
    expect(checked(claims, { maxTokenAge: 60 })).toBe(expected);
  });

  test("is not limited by default", () => {
    expect(checked({ ...good, iat: 0 })).toBe("accepted");
    expect(checked(good)).toBe("accepted");
  });
});

describe("a time", () => {
  const wrong: readonly (readonly [string, string])[] = [
    ["a string (T-01)", `"${now + 300}"`],
    ["an empty string", '""'],
    ["a date", '"2099-01-01T00:00:00Z"'],
    ["null", "null"],
    ["true", "true"],
    ["a list", `[${now + 300}]`],
    ["an object", "{}"],
    ["Infinity (T-02)", "1e999"],
    ["minus Infinity", "-1e999"],
    ["1e308", "1e308"],
    ["2 ** 53", "9007199254740992"],
    ["after the year 9999", "253402300800"],
    ["in milliseconds (T-03)", "2000000300000"],
  ];

  test.each(
    ["exp", "nbf", "iat"].flatMap((name) => wrong.map(([description, json]) => [name, description, json] as const)),
  )("%s is rejected if it is %s", (name, _description, json) => {
    const value: unknown = JSON.parse(json);
    expect(checked({ ...good, [name]: value })).toBe("ERR_TOKEN_CLAIM");
  });

  test.each([
    ["exp", now + 300.5],
    ["nbf", now - 300.5],
    ["iat", now - 300.5],
    ["exp", 253_402_300_799],
  ])("%s may be %d", (name, value) => {
    expect(checked({ ...good, [name]: value })).toBe("accepted");
  });
});

describe("the clock", () => {
  test.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    new Date("x").getTime(),
    "2030",
    undefined,
  ])("causes a TypeError, not a rejection, if it returns %s", (time) => {
    expect(() => checked(good, { clock: () => time as number })).toThrow(TypeError);
  });

  test("is read in milliseconds for every check", () => {
    let time = now;
    const clock = () => time * 1000;
    expect(checked(good, { clock })).toBe("accepted");
    time += 305;
    expect(checked(good, { clock })).toBe("ERR_TOKEN_EXPIRED");
  });
});

describe("the other claims", () => {
  test.each(["sub", "client_id", "jti"])("%s must be a string or absent (I-03)", (name) => {
    expect(checked({ ...good, [name]: "" })).toBe("accepted");
    expect(checked(without(name))).toBe("accepted");
    for (const value of [null, 0, 1, false, {}, ["a"]]) {
      expect(checked({ ...good, [name]: value })).toBe("ERR_TOKEN_CLAIM");
    }
  });

  test("scope must be a string, a list of strings or absent (I-04)", () => {
    for (const scope of ["", "read write", [], ["read"]]) expect(checked({ ...good, scope })).toBe("accepted");
    for (const scope of [null, 1, true, { read: true }, [1], [["read"]], ["read", null]]) {
      expect(checked({ ...good, scope })).toBe("ERR_TOKEN_CLAIM");
    }
  });

  test("are read only from own members (P-01)", () => {
    const inherited: object = Object.create(good);
    expect(checked(inherited)).toBe("ERR_TOKEN_AUDIENCE");
    const parsed: object = JSON.parse(`{"__proto__":${JSON.stringify(good)}}`);
    expect(checked(parsed)).toBe("ERR_TOKEN_AUDIENCE");
    const expired = { ...good, exp: now - 300 };
    const polluted = (name: string, value: unknown, claims: object) =>
      withPollutedPrototype(name, value, () => checked(claims));
    expect(polluted("exp", now + 300, without("exp"))).toBe("ERR_TOKEN_CLAIM");
    expect(polluted("aud", audience, without("aud"))).toBe("ERR_TOKEN_AUDIENCE");
    expect(polluted("exp", now + 300, expired)).toBe("ERR_TOKEN_EXPIRED");
    expect(withPollutedPrototype("at_hash", "h", () => checked(good, { typ: "JWT" }))).toBe("accepted");
  });
});

describe("the order of the checks", () => {
  const steps: readonly (readonly [Outcome, object, Circumstances])[] = [
    ["ERR_TOKEN_ALGORITHM", {}, { alg: "HS256" }],
    ["ERR_TOKEN_TYPE", {}, { typ: "dpop+jwt" }],
    ["ERR_TOKEN_ISSUER", {}, { unknownIssuer: true }],
    ["ERR_TOKEN_AUDIENCE", { aud: "other" }, {}],
    ["ERR_TOKEN_EXPIRED", { exp: 1 }, {}],
    ["ERR_TOKEN_CLAIM", { sub: 1 }, {}],
  ];

  test.each(steps.map(([code], index) => [code, index] as const))(
    "reports %s before all later checks",
    (code, index) => {
      const flaws = steps.slice(index);
      const claims: object = Object.assign({}, good, ...flaws.map(([, claim]) => claim));
      const circumstances: Circumstances = Object.assign({}, ...flaws.map(([, , circumstance]) => circumstance));
      expect(checked(claims, circumstances)).toBe(code);
    },
  );

  test("accepts the algorithms of all issuers for a token of an unknown issuer", () => {
    const options = {
      issuer: [
        { issuer: "https://a.example", algorithms: ["ES256"], jwks: "https://a.example/jwks" },
        { issuer: "https://b.example", algorithms: ["RS256"], jwks: "https://b.example/jwks" },
      ],
      jwks: undefined,
      unknownIssuer: true,
    } as const;
    expect(checked(good, { ...options, alg: "RS256" })).toBe("ERR_TOKEN_ISSUER");
    expect(checked(good, { ...options, alg: "PS256" })).toBe("ERR_TOKEN_ALGORITHM");
    expect(checked(good, { ...options, alg: "RS256", unknownIssuer: false })).toBe("ERR_TOKEN_ALGORITHM");
  });
});

describe("the detail", () => {
  test("names the accepted types", () => {
    const detailOf = (bindingRequired: boolean) => rejection(() => check(good, { typ: "x", bindingRequired })).detail;
    expect(detailOf(true)).toContain("at+jwt, jwt, none");
    expect(detailOf(false)).toContain("accepted: at+jwt (");
  });

  test.each<[string, object, Circumstances]>([
    ["alg", {}, { alg: "MARKER" }],
    ["typ", {}, { typ: "MARKER" }],
    ["aud", { aud: "MARKER" }, {}],
    ["exp", { exp: "MARKER" }, {}],
    ["sub", { sub: ["MARKER"] }, {}],
    ["scope", { scope: { MARKER: "MARKER" } }, {}],
    ["an expired token", { exp: 1, sub: "MARKER" }, {}],
    ["a foreign claim", { at_hash: "MARKER" }, { typ: "JWT" }],
    ["a nonce", { nonce: "MARKER" }, { typ: "JWT", tokenTypes: ["JWT"], bindingRequired: false }],
  ])("does not contain the value of %s", (_name, claims, circumstances) => {
    const error = rejection(() => check({ ...good, ...claims }, circumstances));
    expect(`${error.message} ${error.detail} ${JSON.stringify(error)} ${error.stack}`).not.toContain("MARKER");
    expect(error.detail).toMatch(/./);
  });
});

describe("any JSON", () => {
  const payload = fc.dictionary(fc.oneof(fc.constantFrom(...Object.keys(good)), fc.string()), fc.jsonValue());

  fuzz.prop([payload], { seed: 1, numRuns: 2000 })("as a payload is rejected with a code", (claims) => {
    expect(checked(claims)).toMatch(/^ERR_TOKEN_/);
    expect(checked(claims, { audience: null, bindingRequired: false })).toMatch(/^ERR_TOKEN_/);
  });

  fuzz.prop([fc.jsonValue()], { seed: 2, numRuns: 1000 })("as a typ is rejected unless it is at+jwt or JWT", (typ) => {
    const generic = typeof typ === "string" && /^(application\/)?(at\+)?jwt$/i.test(typ);
    expect(checked(good, { typ })).toBe(generic ? "accepted" : "ERR_TOKEN_TYPE");
  });

  const names = ["aud", "exp", "nbf", "iat", "sub", "client_id", "jti", "scope"] as const;

  fuzz.prop([fc.constantFrom(...names), fc.jsonValue()], { seed: 3, numRuns: 3000 })(
    "as a claim is rejected unless it has the claim's type",
    (name, value) => {
      if (checked({ ...good, [name]: value }) !== "accepted") return;
      const isStrings = Array.isArray(value) && value.every((item) => typeof item === "string");
      if (name === "exp" || name === "nbf" || name === "iat") expect(value).toEqual(expect.any(Number));
      else if (name === "scope") expect(typeof value === "string" || isStrings).toBe(true);
      else expect(value).toEqual(expect.any(String));
      expect(name).not.toBe("aud");
    },
  );

  fuzz.prop([fc.double({ noNaN: true }), fc.double({ noNaN: true })], { seed: 4, numRuns: 2000 })(
    "numbers are accepted as nbf and exp only if the current time is between them",
    (exp, nbf) => {
      const inside = exp > now - 5 && nbf <= now + 5 && exp < 253_402_300_800 && nbf > -253_402_300_800;
      expect(checked({ ...good, exp, nbf }) === "accepted").toBe(inside);
    },
  );
});
