import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fc, test as fuzz } from "@fast-check/vitest";
import type { AccessToken, AccessTokenClaims } from "../src/access-token.ts";
import { parseVerifierOptions } from "../src/options/verifier-options.ts";
import {
  checkRequirements,
  parseRequirements as parse,
  type CheckedRequirements,
  type Requirements,
} from "../src/requirements.ts";
import { type Outcome, outcomeOf, reasonOf, rejectionOf } from "./support/outcome.ts";

/** The current time in all tests, in seconds since the epoch. */
const now = 2_000_000_000;

const configuration = parseVerifierOptions({
  issuer: "https://issuer.example",
  audience: "https://api.example",
  clock: () => now * 1000,
});

const request = { id: 7 };

function parseRequirements<Request>(requirements: Requirements<Request>): CheckedRequirements<Request> {
  return parse(requirements, configuration);
}

function tokenWith(claims: object): AccessToken {
  return {
    claims: claims as AccessTokenClaims,
    format: "jwt",
    binding: "unbound",
    clientCertificate: undefined,
    presentedCertificate: undefined,
  };
}

/** Checks the requirements of a route for a token with these claims. */
async function check(claims: object, requirements: Requirements<typeof request>): Promise<void> {
  await checkRequirements(tokenWith(claims), parseRequirements(requirements), { request, configuration });
}

async function checked(claims: object, requirements: Requirements<typeof request>): Promise<Outcome> {
  return outcomeOf(check(claims, requirements));
}

describe("the requirements of a route", () => {
  test("default to a required binding and nothing else", () => {
    expect(parseRequirements({})).toEqual({ validateCertificateBinding: true });
  });

  test.each([true, "when-bound", "report-only"] as const)("may set validateCertificateBinding to %j", (mode) => {
    expect(parseRequirements({ validateCertificateBinding: mode }).validateCertificateBinding).toBe(mode);
  });

  test("cannot disable the binding: false is rejected with an error that lists the valid modes", () => {
    expect(() => parseRequirements({ validateCertificateBinding: false } as never)).toThrow(
      /validateCertificateBinding.*true.*when-bound.*report-only/,
    );
  });

  test.each([
    ["validateCertificateBinding", [false, null, 0, 1, "", "true", "WHEN-BOUND", "off", {}]],
    ["scopes", [[], "read", [""], ["read write"], ['re"ad'], ["re\\ad"], ["é"], ["a\r\nb"], [1], [null], {}, null]],
    ["groups", [[], "staff", [""], [1], [null], null]],
    ["acrValues", [[], "gold", [""], ["gold silver"], ['"'], [1], null]],
    ["maxAge", [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "60", null, 2 ** 53]],
    ["authorize", [null, true, "yes", {}, []]],
  ] as const)("are rejected with a TypeError that names %s if its value is invalid", (name, values) => {
    for (const value of [...values, undefined]) {
      expect(() => parseRequirements({ [name]: value })).toThrow(TypeError);
      expect(() => parseRequirements({ [name]: value })).toThrow(name);
    }
  });

  test.each(["scope", "Scopes", "validateCertificatebinding", "certificate", "__proto__ "])(
    "are rejected with a TypeError that names the unknown requirement %s",
    (name) => {
      expect(() => parseRequirements({ [name]: ["read"] })).toThrow(TypeError);
      expect(() => parseRequirements({ [name]: ["read"] })).toThrow(name);
    },
  );

  test.each([[null], [[]], ["read"], [true], [5]])("must be an object, not %j", (requirements) => {
    expect(() => parseRequirements(requirements as never)).toThrow(TypeError);
  });

  test("do not change if the original object changes", async () => {
    const requirements: { scopes?: string[] } = { scopes: ["admin"] };
    const parsed = parseRequirements(requirements);
    expect(Object.isFrozen(parsed)).toBe(true);
    delete requirements.scopes;
    const checking = async () =>
      checkRequirements(tokenWith({ scope: "read" }), parsed, { request: undefined, configuration });
    expect(await outcomeOf(checking())).toBe("ERR_SCOPE_INSUFFICIENT");
  });
});

describe('"when-bound" with opaque tokens', () => {
  const credentials = { clientId: "api", clientSecret: "secret" };
  const whenBound = { validateCertificateBinding: "when-bound" } as const;

  const parseFor = (introspection: object | undefined, requirements: Requirements) =>
    parse(
      requirements,
      parseVerifierOptions({
        issuer: "https://issuer.example",
        audience: "https://api.example",
        introspection: introspection && { ...credentials, ...introspection },
      }),
    );

  test("requires returnsConfirmation", () => {
    const confirmed = parseFor({ returnsConfirmation: true }, whenBound);
    expect(confirmed.validateCertificateBinding).toBe("when-bound");
    for (const introspection of [{}, { returnsConfirmation: undefined }, { always: true }, { signedResponse: true }]) {
      expect(() => parseFor(introspection, whenBound)).toThrow(TypeError);
      expect(() => parseFor(introspection, whenBound)).toThrow(
        /"validateCertificateBinding".*returnsConfirmation: true/,
      );
    }
  });

  test("does not require returnsConfirmation if opaque tokens are not introspected", () => {
    for (const introspection of [undefined, { opaqueTokens: false, always: true }]) {
      expect(parseFor(introspection, whenBound).validateCertificateBinding).toBe("when-bound");
    }
  });

  test.each([{}, { validateCertificateBinding: true }, { validateCertificateBinding: "report-only" }] as const)(
    "is the only mode that requires returnsConfirmation, unlike %j",
    (requirements) => {
      for (const introspection of [undefined, {}, { returnsConfirmation: true }]) {
        expect(() => parseFor(introspection, requirements)).not.toThrow();
      }
      expect(() => parseFor({}, { ...requirements, ...whenBound })).toThrow(TypeError);
    },
  );

  test("requires returnsConfirmation only for the issuer that introspects opaque tokens", () => {
    const parseAmong = (opaque: object, other: object) =>
      parse(
        whenBound,
        parseVerifierOptions({
          issuer: [
            { issuer: "https://jwts.example" },
            {
              issuer: "https://always.example",
              introspection: { ...credentials, opaqueTokens: false, always: true, ...other },
            },
            { issuer: "https://opaque.example", introspection: { ...credentials, ...opaque } },
          ],
          audience: "https://api.example",
        }),
      );
    expect(() => parseAmong({ returnsConfirmation: true }, {})).not.toThrow();
    expect(() => parseAmong({}, {})).toThrow(TypeError);
    expect(() => parseAmong({}, { returnsConfirmation: true })).toThrow(TypeError);
  });
});

const many = Array.from({ length: 40 }, (_, index) => `scope-${index}`);

describe("scopes", () => {
  test.each([
    ["the only scope", { scope: "read" }, ["read"], "accepted"],
    ["all required scopes and another", { scope: "read write admin" }, ["read", "admin"], "accepted"],
    ["one of two", { scope: "read" }, ["read", "write"], "ERR_SCOPE_INSUFFICIENT"],
    ["no claim", {}, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["an empty scope", { scope: "" }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["a list", { scope: ["read", "write"] }, ["write"], "accepted"],
    ["scp as a string", { scp: "read write" }, ["write"], "accepted"],
    ["scp as a list", { scp: ["read", "write"] }, ["write"], "accepted"],
    ["one in scope, one in scp", { scope: "read", scp: "write" }, ["read", "write"], "accepted"],
    ["many of many", { scope: many.join(" ") }, many.slice(5), "accepted"],
    ["all but one of many", { scope: many.slice(1).join(" ") }, many, "ERR_SCOPE_INSUFFICIENT"],
    ["a longer word", { scope: "readers" }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["a shorter word", { scope: "rea" }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["another case", { scope: "READ" }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["a comma as separator", { scope: "read,write" }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["a tab as separator", { scope: "read\twrite" }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["an object as a map", { scp: { read: true } }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["a list in a list", { scp: [["read"]] }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["true instead of a string", { scp: true }, ["true"], "ERR_SCOPE_INSUFFICIENT"],
    ["a claim named scopes", { scopes: ["read"] }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["an inherited scope", Object.create({ scope: "read" }), ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["a scope in __proto__", JSON.parse('{"__proto__":{"scope":"read"}}'), ["read"], "ERR_SCOPE_INSUFFICIENT"],
  ])("are all required and compared exactly: %s (I-04, P-01)", async (_name, claims, scopes, expected) => {
    expect(await checked(claims, { scopes })).toBe(expected);
  });

  test("are all named in the challenge if one is missing", async () => {
    const { challenge } = await rejectionOf(check({ scope: "read" }, { scopes: ["read", "write"] }));
    expect(challenge).toEqual({ scopes: ["read", "write"] });
  });

  fuzz.prop([fc.jsonValue(), fc.jsonValue()], { seed: 1 })("are not granted by arbitrary JSON", async (scope, scp) => {
    expect(await checked({ scope, scp }, { scopes: ["certbound:read"] })).toBe("ERR_SCOPE_INSUFFICIENT");
  });
});

describe("groups", () => {
  test.each([
    ["one of the groups", { groups: ["staff", "blue"] }, "accepted"],
    ["the group as a string", { groups: "staff" }, "accepted"],
    ["a group with a space", { groups: ["night shift"] }, "accepted"],
    ["other groups", { groups: ["guests"] }, "ERR_ACCESS_DENIED"],
    ["an empty list", { groups: [] }, "ERR_ACCESS_DENIED"],
    ["no claim", {}, "ERR_ACCESS_DENIED"],
    ["a longer word", { groups: ["staffers"] }, "ERR_ACCESS_DENIED"],
    ["several groups in one string", { groups: "staff guests" }, "ERR_ACCESS_DENIED"],
    ["an object as a map", { groups: { staff: true } }, "ERR_ACCESS_DENIED"],
    ["a list in a list", { groups: [["staff"]] }, "ERR_ACCESS_DENIED"],
    ["roles instead", { roles: ["staff"] }, "ERR_ACCESS_DENIED"],
  ])("require at least one of the groups, compared exactly: %s", async (_name, claims, expected) => {
    expect(await checked(claims, { groups: ["staff", "night shift"] })).toBe(expected);
  });

  test("are not in the challenge", async () => {
    const { challenge } = await rejectionOf(check({}, { groups: ["staff"] }));
    expect(challenge).toBeUndefined();
  });
});

describe("acrValues", () => {
  test.each([
    ["one of the values", { acr: "gold" }, "accepted"],
    ["the other value", { acr: "silver" }, "accepted"],
    ["another value", { acr: "bronze" }, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["no claim", {}, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["a list", { acr: ["gold"] }, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["both values in one string", { acr: "gold silver" }, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["another case", { acr: "GOLD" }, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["null", { acr: null }, "ERR_AUTHENTICATION_INSUFFICIENT"],
  ])("require one of the values, compared exactly: %s (RFC 9470)", async (_name, claims, expected) => {
    expect(await checked(claims, { acrValues: ["gold", "silver"] })).toBe(expected);
  });
});

describe("maxAge", () => {
  test.each([
    ["now", now, "accepted"],
    ["at the limit", now - 60, "accepted"],
    ["beyond the limit", now - 61, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["long ago", 0, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["in the future, within the tolerance", now + 5, "accepted"],
    ["in the future, beyond the tolerance", now + 6, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["at Infinity", JSON.parse("1e999"), "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["as a string", String(now), "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["null", null, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["in milliseconds", now * 1000, "ERR_AUTHENTICATION_INSUFFICIENT"],
  ])("limits the age of auth_time: %s (RFC 9470)", async (_name, time, expected) => {
    expect(await checked({ auth_time: time }, { maxAge: 60 })).toBe(expected);
  });

  test("is not met without auth_time, regardless of iat", async () => {
    expect(await checked({ iat: now }, { maxAge: 60 })).toBe("ERR_AUTHENTICATION_INSUFFICIENT");
  });

  test("of 0 requires an authentication in the current second", async () => {
    expect(await checked({ auth_time: now }, { maxAge: 0 })).toBe("accepted");
    expect(await checked({ auth_time: now - 1 }, { maxAge: 0 })).toBe("ERR_AUTHENTICATION_INSUFFICIENT");
  });

  test("is in the challenge, together with the acr values", async () => {
    const requirements = { acrValues: ["gold", "silver"], maxAge: 60 };
    for (const claims of [{}, { acr: "gold" }, { acr: "gold", auth_time: 0 }, { auth_time: now }]) {
      const { code, challenge } = await rejectionOf(check(claims, requirements));
      expect({ code, challenge }).toEqual({ code: "ERR_AUTHENTICATION_INSUFFICIENT", challenge: requirements });
    }
    expect(await checked({ acr: "gold", auth_time: now }, requirements)).toBe("accepted");
  });
});

describe("authorize", () => {
  test.each([
    ["true", () => true, "accepted"],
    ["a promise of true", async () => true, "accepted"],
    ["false", () => false, "ERR_ACCESS_DENIED"],
    ["a promise of false", async () => false, "ERR_ACCESS_DENIED"],
  ])("decides if it returns %s", async (_name, authorize, expected) => {
    expect(await checked({}, { authorize })).toBe(expected);
  });

  test.each([undefined, null, 0, 1, "", "true", {}, [], Number.NaN])(
    "causes an error of the application if it returns %j",
    async (decision) => {
      for (const authorize of [() => decision, async () => decision]) {
        const reason = await reasonOf(check({}, { authorize: authorize as () => boolean }));
        expect(reason).toBeInstanceOf(TypeError);
        expect(String(reason)).toMatch(/authorize/);
      }
    },
  );

  test("causes an error of the application if it throws, even if it throws an AccessTokenError", async () => {
    const denial = await rejectionOf(check({}, { groups: ["staff"] }));
    for (const cause of [new Error("database"), denial]) {
      const throwing = () => {
        throw cause;
      };
      for (const authorize of [throwing, async () => throwing()]) {
        const reason = await reasonOf(check({}, { authorize }));
        expect(reason).toMatchObject({ name: "Error", cause });
        await expect(outcomeOf(Promise.reject(reason as Error))).rejects.toBe(reason);
      }
    }
  });

  test("receives the token and the request", async () => {
    const authorize = vi.fn<(token: AccessToken, from: typeof request) => boolean>(() => true);
    await check({ sub: "user" }, { authorize });
    expect(authorize.mock.calls).toEqual([[tokenWith({ sub: "user" }), request]]);
  });

  test("is called last, and only if all other requirements are met", async () => {
    const authorize = vi.fn<(token: AccessToken, from: typeof request) => boolean>(() => true);
    const requirements = { scopes: ["read"], groups: ["staff"], acrValues: ["gold"], authorize };
    const claims = { scope: "read", groups: ["staff"], acr: "gold" };
    expect(await checked({ ...claims, scope: "" }, requirements)).toBe("ERR_SCOPE_INSUFFICIENT");
    expect(await checked({ ...claims, groups: [] }, requirements)).toBe("ERR_ACCESS_DENIED");
    expect(await checked({ ...claims, acr: "" }, requirements)).toBe("ERR_AUTHENTICATION_INSUFFICIENT");
    expect(authorize).not.toHaveBeenCalled();
    expect(await checked(claims, requirements)).toBe("accepted");
    expect(authorize).toHaveBeenCalledOnce();
  });

  describe("with a fake timer", () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test("causes an error of the application if it has not settled after 5 s", async () => {
      const reason = reasonOf(check({}, { authorize: () => new Promise<boolean>(() => {}) }));
      const settled = vi.fn<() => void>();
      void reason.then(settled);
      await vi.advanceTimersByTimeAsync(4999);
      expect(settled).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      expect(await reason).toMatchObject({ name: "Error", message: expect.stringContaining("authorize") });
    });

    test("decides if it settles just before 5 s, and leaves no timer", async () => {
      const authorize = () => new Promise<boolean>((resolve) => void setTimeout(resolve, 4999, true));
      const accepted = checked({}, { authorize });
      await vi.advanceTimersByTimeAsync(4999);
      expect(await accepted).toBe("accepted");
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});
