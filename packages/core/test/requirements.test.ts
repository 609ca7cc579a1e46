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

/** Seconds since the epoch; all tests happen then. */
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
  test("are none by default, and the binding is required", () => {
    expect(parseRequirements({})).toEqual({ validateCertificateBinding: true });
  });

  test.each([true, "when-bound", "report-only"] as const)("may set validateCertificateBinding to %j", (mode) => {
    expect(parseRequirements({ validateCertificateBinding: mode }).validateCertificateBinding).toBe(mode);
  });

  test("cannot switch the binding off: false is an error that says what there is instead", () => {
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
  ] as const)("are a TypeError that names %s when it is ill-typed", (name, values) => {
    for (const value of [...values, undefined]) {
      expect(() => parseRequirements({ [name]: value })).toThrow(TypeError);
      expect(() => parseRequirements({ [name]: value })).toThrow(name);
    }
  });

  test.each(["scope", "Scopes", "validateCertificatebinding", "certificate", "__proto__ "])(
    "are a TypeError that names %s, which is unknown",
    (name) => {
      expect(() => parseRequirements({ [name]: ["read"] })).toThrow(TypeError);
      expect(() => parseRequirements({ [name]: ["read"] })).toThrow(name);
    },
  );

  test.each([[null], [[]], ["read"], [true], [5]])("are an object, not %j", (requirements) => {
    expect(() => parseRequirements(requirements as never)).toThrow(TypeError);
  });

  test("do not change when the object that they came from is changed", async () => {
    const requirements: { scopes?: string[] } = { scopes: ["admin"] };
    const parsed = parseRequirements(requirements);
    expect(Object.isFrozen(parsed)).toBe(true);
    delete requirements.scopes;
    const checking = async () =>
      checkRequirements(tokenWith({ scope: "read" }), parsed, { request: undefined, configuration });
    expect(await outcomeOf(checking())).toBe("ERR_SCOPE_INSUFFICIENT");
  });
});

describe('"when-bound" beside opaque tokens', () => {
  const asking = { clientId: "api", clientSecret: "secret" };
  const whenBound = { validateCertificateBinding: "when-bound" } as const;

  const parseFor = (introspection: object | undefined, requirements: Requirements) =>
    parse(
      requirements,
      parseVerifierOptions({
        issuer: "https://issuer.example",
        audience: "https://api.example",
        introspection: introspection && { ...asking, ...introspection },
      }),
    );

  test("needs the promise that the issuer returns cnf for bound tokens", () => {
    const promised = parseFor({ returnsConfirmation: true }, whenBound);
    expect(promised.validateCertificateBinding).toBe("when-bound");
    for (const introspection of [{}, { returnsConfirmation: undefined }, { always: true }, { signedResponse: true }]) {
      expect(() => parseFor(introspection, whenBound)).toThrow(TypeError);
      expect(() => parseFor(introspection, whenBound)).toThrow(
        /"validateCertificateBinding".*returnsConfirmation: true/,
      );
    }
  });

  test("needs no promise where no opaque token is asked about", () => {
    for (const introspection of [undefined, { opaqueTokens: false, always: true }]) {
      expect(parseFor(introspection, whenBound).validateCertificateBinding).toBe("when-bound");
    }
  });

  test.each([{}, { validateCertificateBinding: true }, { validateCertificateBinding: "report-only" }] as const)(
    "differs from %j, which needs no promise",
    (requirements) => {
      for (const introspection of [undefined, {}, { returnsConfirmation: true }]) {
        expect(() => parseFor(introspection, requirements)).not.toThrow();
      }
      expect(() => parseFor({}, { ...requirements, ...whenBound })).toThrow(TypeError);
    },
  );

  test("needs the promise of the one issuer that has opaque tokens, among several", () => {
    const parseAmong = (opaque: object, other: object) =>
      parse(
        whenBound,
        parseVerifierOptions({
          issuer: [
            { issuer: "https://jwts.example" },
            {
              issuer: "https://always.example",
              introspection: { ...asking, opaqueTokens: false, always: true, ...other },
            },
            { issuer: "https://opaque.example", introspection: { ...asking, ...opaque } },
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
    ["the one", { scope: "read" }, ["read"], "accepted"],
    ["all of several", { scope: "read write admin" }, ["read", "admin"], "accepted"],
    ["one of two", { scope: "read" }, ["read", "write"], "ERR_SCOPE_INSUFFICIENT"],
    ["none", {}, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["an empty scope", { scope: "" }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["a list", { scope: ["read", "write"] }, ["write"], "accepted"],
    ["scp as text", { scp: "read write" }, ["write"], "accepted"],
    ["scp as a list", { scp: ["read", "write"] }, ["write"], "accepted"],
    ["one in scope, one in scp", { scope: "read", scp: "write" }, ["read", "write"], "accepted"],
    ["many of many", { scope: many.join(" ") }, many.slice(5), "accepted"],
    ["all of many but one", { scope: many.slice(1).join(" ") }, many, "ERR_SCOPE_INSUFFICIENT"],
    ["a longer word", { scope: "readers" }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["a shorter word", { scope: "rea" }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["another case", { scope: "READ" }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["a comma between", { scope: "read,write" }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["a tab between", { scope: "read\twrite" }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["an object as a map", { scp: { read: true } }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["a list in a list", { scp: [["read"]] }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["true", { scp: true }, ["true"], "ERR_SCOPE_INSUFFICIENT"],
    ["a claim named scopes", { scopes: ["read"] }, ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["an inherited scope", Object.create({ scope: "read" }), ["read"], "ERR_SCOPE_INSUFFICIENT"],
    ["a scope in __proto__", JSON.parse('{"__proto__":{"scope":"read"}}'), ["read"], "ERR_SCOPE_INSUFFICIENT"],
  ])("with %s in the token are all demanded, word for word (I-04, P-01)", async (_name, claims, scopes, expected) => {
    expect(await checked(claims, { scopes })).toBe(expected);
  });

  test("that are missing are named in the challenge", async () => {
    const { challenge } = await rejectionOf(check({ scope: "read" }, { scopes: ["read", "write"] }));
    expect(challenge).toEqual({ scopes: ["read", "write"] });
  });

  fuzz.prop([fc.jsonValue(), fc.jsonValue()], { seed: 1 })("that any JSON grants are none", async (scope, scp) => {
    expect(await checked({ scope, scp }, { scopes: ["certbound:read"] })).toBe("ERR_SCOPE_INSUFFICIENT");
  });
});

describe("groups", () => {
  test.each([
    ["one of the groups", { groups: ["staff", "blue"] }, "accepted"],
    ["the group as text", { groups: "staff" }, "accepted"],
    ["a group with a space", { groups: ["night shift"] }, "accepted"],
    ["others", { groups: ["guests"] }, "ERR_ACCESS_DENIED"],
    ["an empty list", { groups: [] }, "ERR_ACCESS_DENIED"],
    ["no claim", {}, "ERR_ACCESS_DENIED"],
    ["a longer word", { groups: ["staffers"] }, "ERR_ACCESS_DENIED"],
    ["words in one text", { groups: "staff guests" }, "ERR_ACCESS_DENIED"],
    ["an object as a map", { groups: { staff: true } }, "ERR_ACCESS_DENIED"],
    ["a list in a list", { groups: [["staff"]] }, "ERR_ACCESS_DENIED"],
    ["roles instead", { roles: ["staff"] }, "ERR_ACCESS_DENIED"],
  ])("with %s in the token are demanded one of", async (_name, claims, expected) => {
    expect(await checked(claims, { groups: ["staff", "night shift"] })).toBe(expected);
  });

  test("are not told to the client", async () => {
    const { challenge } = await rejectionOf(check({}, { groups: ["staff"] }));
    expect(challenge).toBeUndefined();
  });
});

describe("acrValues", () => {
  test.each([
    ["one of the values", { acr: "gold" }, "accepted"],
    ["the other", { acr: "silver" }, "accepted"],
    ["another value", { acr: "bronze" }, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["none", {}, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["a list", { acr: ["gold"] }, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["both in one text", { acr: "gold silver" }, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["another case", { acr: "GOLD" }, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["null", { acr: null }, "ERR_AUTHENTICATION_INSUFFICIENT"],
  ])("with %s in the token are demanded one of (RFC 9470)", async (_name, claims, expected) => {
    expect(await checked(claims, { acrValues: ["gold", "silver"] })).toBe(expected);
  });
});

describe("maxAge", () => {
  test.each([
    ["at once", now, "accepted"],
    ["at the limit", now - 60, "accepted"],
    ["beyond it", now - 61, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["long ago", 0, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["a little ahead, within the tolerance", now + 5, "accepted"],
    ["in the future", now + 6, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["at Infinity", JSON.parse("1e999"), "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["as text", String(now), "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["null", null, "ERR_AUTHENTICATION_INSUFFICIENT"],
    ["in milliseconds", now * 1000, "ERR_AUTHENTICATION_INSUFFICIENT"],
  ])("is judged for a user who authenticated %s (RFC 9470)", async (_name, time, expected) => {
    expect(await checked({ auth_time: time }, { maxAge: 60 })).toBe(expected);
  });

  test("is rejected without auth_time, whatever iat says", async () => {
    expect(await checked({ iat: now }, { maxAge: 60 })).toBe("ERR_AUTHENTICATION_INSUFFICIENT");
  });

  test("of 0 demands an authentication now", async () => {
    expect(await checked({ auth_time: now }, { maxAge: 0 })).toBe("accepted");
    expect(await checked({ auth_time: now - 1 }, { maxAge: 0 })).toBe("ERR_AUTHENTICATION_INSUFFICIENT");
  });

  test("is in the challenge, beside the acr values", async () => {
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
  ])("that gives %s decides", async (_name, authorize, expected) => {
    expect(await checked({}, { authorize })).toBe(expected);
  });

  test.each([undefined, null, 0, 1, "", "true", {}, [], Number.NaN])(
    "that gives %j, which is no boolean, is an error of the application",
    async (decision) => {
      for (const authorize of [() => decision, async () => decision]) {
        const reason = await reasonOf(check({}, { authorize: authorize as () => boolean }));
        expect(reason).toBeInstanceOf(TypeError);
        expect(String(reason)).toMatch(/authorize/);
      }
    },
  );

  test("that throws is an error of the application, even when it throws a rejection", async () => {
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

  test("hears the token and the request", async () => {
    const authorize = vi.fn<(token: AccessToken, asked: typeof request) => boolean>(() => true);
    await check({ sub: "user" }, { authorize });
    expect(authorize.mock.calls).toEqual([[tokenWith({ sub: "user" }), request]]);
  });

  test("is asked last, and only when everything else is met", async () => {
    const authorize = vi.fn<(token: AccessToken, asked: typeof request) => boolean>(() => true);
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

    test("that has not settled after 5 s is an error of the application", async () => {
      const reason = reasonOf(check({}, { authorize: () => new Promise<boolean>(() => {}) }));
      const ended = vi.fn<() => void>();
      void reason.then(ended);
      await vi.advanceTimersByTimeAsync(4999);
      expect(ended).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      expect(await reason).toMatchObject({ name: "Error", message: expect.stringContaining("authorize") });
    });

    test("that settles before is heard, and leaves no timer behind", async () => {
      const authorize = () => new Promise<boolean>((resolve) => void setTimeout(resolve, 4999, true));
      const accepted = checked({}, { authorize });
      await vi.advanceTimersByTimeAsync(4999);
      expect(await accepted).toBe("accepted");
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});
