import { describe, expect, test } from "vitest";
import { AccessTokenError, type AccessTokenErrorCode, type AccessTokenErrorOptions } from "../../src/errors.ts";
import { type HttpRejection, httpRejection, type RejectionOptions } from "../../src/http/rejection.ts";

function reject(
  code: AccessTokenErrorCode,
  options?: RejectionOptions,
  error?: AccessTokenErrorOptions,
): HttpRejection {
  return httpRejection(new AccessTokenError(code, error), options);
}

/** Returns the challenge in the response to a rejection. */
function challenge(...parameters: Parameters<typeof reject>): string | undefined {
  return reject(...parameters).headers["WWW-Authenticate"];
}

const noError = { status: 401, challenge: 'Bearer realm="api"', body: { message: "unauthorized" } };
const invalidToken = {
  status: 401,
  challenge:
    'Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this request"',
  body: { message: "unauthorized" },
};
const forbidden = {
  status: 403,
  challenge:
    'Bearer realm="api", error="insufficient_scope", error_description="The access token does not permit this request"',
  body: { message: "forbidden" },
};
const unavailable = { status: 503, challenge: undefined, body: { message: "service unavailable" } };

// A code that is missing here does not compile.
const table: Readonly<Record<AccessTokenErrorCode, { status: number; challenge: string | undefined; body: object }>> = {
  ERR_TOKEN_MISSING: noError,
  ERR_REQUEST_MALFORMED: {
    status: 400,
    challenge:
      'Bearer realm="api", error="invalid_request", error_description="The request does not carry exactly one well-formed access token"',
    body: { message: "bad request" },
  },
  ERR_TOKEN_MALFORMED: invalidToken,
  ERR_TOKEN_ALGORITHM: invalidToken,
  ERR_TOKEN_KEY_UNKNOWN: invalidToken,
  ERR_TOKEN_SIGNATURE: invalidToken,
  ERR_TOKEN_TYPE: invalidToken,
  ERR_TOKEN_ISSUER: invalidToken,
  ERR_TOKEN_AUDIENCE: invalidToken,
  ERR_TOKEN_EXPIRED: invalidToken,
  ERR_TOKEN_NOT_YET_VALID: invalidToken,
  ERR_TOKEN_CLAIM: invalidToken,
  ERR_TOKEN_INACTIVE: invalidToken,
  ERR_BINDING_REQUIRED: invalidToken,
  ERR_BINDING_MALFORMED: invalidToken,
  ERR_BINDING_UNSUPPORTED: invalidToken,
  ERR_BINDING_MISMATCH: invalidToken,
  ERR_CERTIFICATE_MISSING: invalidToken,
  ERR_CERTIFICATE_MALFORMED: invalidToken,
  ERR_CERTIFICATE_UNTRUSTED: invalidToken,
  ERR_AUTHENTICATION_INSUFFICIENT: {
    status: 401,
    challenge:
      'Bearer realm="api", error="insufficient_user_authentication", error_description="The authentication of the user does not meet the requirements"',
    body: { message: "unauthorized" },
  },
  ERR_SCOPE_INSUFFICIENT: forbidden,
  ERR_ACCESS_DENIED: forbidden,
  ERR_KEYS_UNAVAILABLE: unavailable,
  ERR_INTROSPECTION_UNAVAILABLE: unavailable,
};
const everyCode = Object.keys(table) as AccessTokenErrorCode[];
const challenged = everyCode.filter((code) => table[code].challenge !== undefined);

describe.each(everyCode)("%s", (code) => {
  const expected = table[code];

  test("maps to its status, challenge and body", () => {
    const { status, headers, body } = reject(code);
    expect({ status, challenge: headers["WWW-Authenticate"], body }).toEqual(expected);
  });

  test("maps to a single header: the challenge, or the time to wait", () => {
    const header = expected.challenge === undefined ? "Retry-After" : "WWW-Authenticate";
    expect(Object.keys(reject(code).headers)).toEqual([header]);
  });

  test("maps to a response without the detail", () => {
    const response = JSON.stringify(reject(code, {}, { detail: "topsecret" }));
    expect(response).toBe(JSON.stringify(reject(code)));
  });
});

describe("the requirements of the route", () => {
  test("are in the challenge for scopes", () => {
    expect(challenge("ERR_SCOPE_INSUFFICIENT", {}, { challenge: { scopes: ["read", "write"] } })).toBe(
      `${forbidden.challenge}, scope="read write"`,
    );
  });

  test("are in the challenge for the user's authentication (RFC 9470 section 3)", () => {
    const required = { challenge: { acrValues: ["urn:acr:gold", "urn:acr:silver"], maxAge: 300 } };
    expect(challenge("ERR_AUTHENTICATION_INSUFFICIENT", {}, required)).toBe(
      `${table.ERR_AUTHENTICATION_INSUFFICIENT.challenge}, acr_values="urn:acr:gold urn:acr:silver", max_age="300"`,
    );
  });

  test.each([
    [{ acrValues: ["gold"] }, 'acr_values="gold"'],
    [{ maxAge: 0 }, 'max_age="0"'],
  ])("are in the challenge when there is only one: %j", (required, parameter) => {
    const header = challenge("ERR_AUTHENTICATION_INSUFFICIENT", {}, { challenge: required });
    expect(header).toBe(`${table.ERR_AUTHENTICATION_INSUFFICIENT.challenge}, ${parameter}`);
  });
});

describe("Retry-After", () => {
  const retryAfter = (seconds: number | undefined): string | undefined =>
    reject("ERR_KEYS_UNAVAILABLE", {}, { retryAfter: seconds }).headers["Retry-After"];

  test.each([
    [30, "30"],
    [1, "1"],
    [2.1, "3"],
    [0.2, "1"],
  ])("rounds up to whole seconds: %d to %s", (seconds, header) => {
    expect(retryAfter(seconds)).toBe(header);
  });

  test("has a default number of seconds", () => {
    expect(retryAfter(undefined)).toMatch(/^[1-9]\d*$/);
  });

  test("is only sent with status 503", () => {
    expect(reject("ERR_TOKEN_EXPIRED", {}, { retryAfter: 30 }).headers).not.toHaveProperty("Retry-After");
  });
});

describe("the realm", () => {
  test.each(["orders", "a b", "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"])("%j is included in challenges", (realm) => {
    expect(challenge("ERR_TOKEN_MISSING", { realm })).toBe(`Bearer realm="${realm}"`);
  });

  test("defaults to api", () => {
    expect(challenge("ERR_TOKEN_MISSING", { realm: undefined })).toBe('Bearer realm="api"');
  });

  test.each([
    ["with a quotation mark", 'a"b'],
    ["with a backslash", "a\\b"],
    ["with a line feed", "a\nb"],
    ["with a line break and a header", "a\r\nX-Header: b"],
    ["with a tab", "a\tb"],
    ["with a NUL character", "a\0b"],
    ["with a DEL character", "a\u007fb"],
    ["with letters that are not ASCII", "Größe"],
    ["with a line separator (U+2028)", "a\u2028b"],
    ["that is a number", 1],
    ["that is null", null],
    ["that is an array", ["api"]],
  ])("%s is rejected with a TypeError", (_, realm) => {
    expect(() => reject("ERR_TOKEN_MISSING", { realm } as RejectionOptions)).toThrow(TypeError);
    expect(() => reject("ERR_TOKEN_MISSING", { realm } as RejectionOptions)).toThrow(/"realm"/);
  });
});

describe("the schemes", () => {
  test("each get a challenge with the same parameters", () => {
    expect(challenge("ERR_TOKEN_MISSING", { schemes: ["Bearer", "mtls_pop"] })).toBe(
      'Bearer realm="api", mtls_pop realm="api"',
    );
  });

  test("may omit Bearer", () => {
    expect(challenge("ERR_TOKEN_EXPIRED", { schemes: ["mtls_pop"] })).toBe(
      invalidToken.challenge.replace("Bearer", "mtls_pop"),
    );
  });

  test.each(["XDPoP", "DPoPX", "Basically"])("may have a name that contains a reserved name: %s", (scheme) => {
    expect(challenge("ERR_TOKEN_MISSING", { schemes: [scheme] })).toBe(`${scheme} realm="api"`);
  });

  test.each([
    [["DPoP"]],
    [["dpop"]],
    [["Basic"]],
    [["BASIC"]],
    [["Bearer", "DPoP"]],
    [[]],
    [[""]],
    [["Bearer token"]],
    [["Bearer,"]],
    [['Bearer"']],
    [["Bear\ner"]],
    [["Träger"]],
    [["Bearer", 1]],
    [["Bearer", undefined]],
    ["Bearer"],
    [null],
  ])("%j are rejected with a TypeError", (schemes) => {
    expect(() => reject("ERR_TOKEN_MISSING", { schemes } as RejectionOptions)).toThrow(TypeError);
    expect(() => reject("ERR_TOKEN_MISSING", { schemes } as RejectionOptions)).toThrow(/"schemes"/);
  });
});

describe("the resource", () => {
  test.each([
    ["https://api.example", "https://api.example/.well-known/oauth-protected-resource"],
    ["https://api.example/", "https://api.example/.well-known/oauth-protected-resource"],
    ["https://api.example:8443/v1", "https://api.example:8443/.well-known/oauth-protected-resource/v1"],
    ["https://api.example/v1/orders", "https://api.example/.well-known/oauth-protected-resource/v1/orders"],
    ["https://api.example/v1?tenant=a", "https://api.example/.well-known/oauth-protected-resource/v1?tenant=a"],
    ["https://api.example/?tenant=a", "https://api.example/.well-known/oauth-protected-resource?tenant=a"],
  ])("%s has its metadata at %s (RFC 9728 section 3.1)", (resource, url) => {
    expect(challenge("ERR_TOKEN_MISSING", { resource })).toBe(`Bearer realm="api", resource_metadata="${url}"`);
  });

  test.each(challenged)("adds the URL of its metadata to the challenge for %s", (code) => {
    const header = challenge(code, { resource: "https://api.example/v1" });
    const metadata = "https://api.example/.well-known/oauth-protected-resource/v1";
    expect(header).toBe(`${table[code].challenge}, resource_metadata="${metadata}"`);
  });

  test("is in the challenge of every scheme", () => {
    const options = { schemes: ["Bearer", "mtls_pop"], resource: "https://api.example" };
    expect(challenge("ERR_TOKEN_MISSING", options)?.match(/resource_metadata=/g)).toHaveLength(2);
  });

  test.each([
    "http://api.example/",
    "api.example",
    "",
    "urn:api",
    "https://",
    "https://api.example/#orders",
    "https://api.example/#",
    'https://api.example/"',
    "https://api.example/\\v1",
    "https://api.example/\r\nv1",
    "https://api.example/ü",
    ["https://api.example"],
    1,
    null,
  ])("%j is rejected with a TypeError", (resource) => {
    expect(() => reject("ERR_TOKEN_MISSING", { resource } as RejectionOptions)).toThrow(TypeError);
    expect(() => reject("ERR_TOKEN_MISSING", { resource } as RejectionOptions)).toThrow(/"resource"/);
  });
});

describe("every challenge", () => {
  const options = { schemes: ["Bearer"], realm: "orders of #1", resource: "https://api.example/v1" };
  const required = { challenge: { scopes: ["read", "urn:a:b/c"], acrValues: ["gold"], maxAge: 60 } };

  test.each(challenged)("for %s has each parameter once, in legal characters (RFC 6750 section 3)", (code) => {
    const [scheme, ...rest] = challenge(code, options, required)?.split(" ") ?? [];
    const names = rest.join(" ").match(/\w+(?==")/g) ?? [];
    expect(scheme).toBe("Bearer");
    expect(new Set(names).size).toBe(names.length);
    expect(rest.join(" ")).toMatch(/^\w+="[\x20\x21\x23-\x5b\x5d-\x7e]*"(, \w+="[\x20\x21\x23-\x5b\x5d-\x7e]*")*$/);
  });
});

describe("httpRejection", () => {
  test.each([
    ["another error", new Error("a resolver failed")],
    ["a TypeError", new TypeError("a bug")],
    ["an object with a code", { code: "ERR_TOKEN_EXPIRED" }],
    ["a code", "ERR_TOKEN_EXPIRED"],
    ["null", null],
    ["undefined", undefined],
  ])("throws a TypeError for %s", (_, error) => {
    expect(() => httpRejection(error as AccessTokenError)).toThrow(TypeError);
  });

  test.each([
    ["an unknown option", { charset: "utf-8" }, /"charset"/],
    ["a misspelled option", { relam: "api" }, /"relam"/],
    ["an option in another letter case", { Realm: "api" }, /"Realm"/],
    ["a string instead of options", "api", /options/],
    ["null instead of options", null, /options/],
  ])("throws a TypeError for %s", (_, options, message) => {
    expect(() => reject("ERR_TOKEN_MISSING", options as RejectionOptions)).toThrow(TypeError);
    expect(() => reject("ERR_TOKEN_MISSING", options as RejectionOptions)).toThrow(message);
  });
});

describe("the challenge for an error that the application created", () => {
  const scopes = ['a", realm="evil', "b\r\nset-cookie: c"];

  test("omits values that cannot be in a quoted string", () => {
    expect(challenge("ERR_SCOPE_INSUFFICIENT", {}, { challenge: { scopes } })).toBe(forbidden.challenge);
    expect(challenge("ERR_SCOPE_INSUFFICIENT", {}, { challenge: { scopes: ["a", "b"] } })).toContain('scope="a b"');
  });

  test.each(["ERR_ACCESS_DENIED", "ERR_CERTIFICATE_MISSING", "ERR_AUTHENTICATION_INSUFFICIENT"] as const)(
    "omits scopes for %s",
    (code) => {
      expect(challenge(code, {}, { challenge: { scopes: ["read"] } })).not.toContain("scope=");
    },
  );

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("uses the default when retryAfter is %d", (retryAfter) => {
    expect(reject("ERR_KEYS_UNAVAILABLE", {}, { retryAfter }).headers["Retry-After"]).toBe("10");
  });
});
