import { type Api, type Attempt, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { NOW } from "../../scene.ts";

/** Writes a JSON number as exp, including numbers that JavaScript cannot represent. */
const expiringAt = (number: string) => (json: string) => json.replace(/"exp":\d+/, `"exp":${number}`);

const dates = ["exp", "nbf", "iat"] as const;

/** Values that are not numbers, but that a comparison may coerce to one. */
const notNumbers: readonly (readonly [name: string, value: unknown])[] = [
  ["a string", String(NOW)],
  ["an empty string", ""],
  ["an ISO date", "2030-03-17T17:46:40Z"],
  ["null", null],
  ["true", true],
  ["false", false],
  ["a list", [NOW]],
  ["an empty list", []],
  ["an object", {}],
  ["an object with valueOf", { valueOf: NOW }],
];

const limitedAge: Api = { verifier: () => ({ maxTokenAge: 600 }) };

const fapi2: Api = { verifier: () => ({ profile: "fapi2", maxTokenAge: 600 }) };

function claiming(claims: Readonly<Record<string, unknown>>): Attempt {
  return { token: ({ token }) => token({ claims }) };
}

export const cases: readonly ConformanceCase[] = [
  ...dates.flatMap((name) =>
    notNumbers.map(([kind, value]) =>
      rejects(["T-01", "7519-02"], `${name} as ${kind}`, {
        accepted: claiming({ [name]: name === "exp" ? NOW + 1 : NOW }),
        rejected: claiming({ [name]: value }),
        code: "ERR_TOKEN_CLAIM",
      }),
    ),
  ),
  ...["1e999", "1e308", "9007199254740993", "1e12"].map((number) =>
    rejects("T-02", `a token whose exp is ${number}`, {
      accepted: { token: ({ token }) => token({ payloadText: expiringAt("1900000300.5") }) },
      rejected: { token: ({ token }) => token({ payloadText: expiringAt(number) }) },
      code: "ERR_TOKEN_CLAIM",
    }),
  ),
  ...dates.map((name) =>
    rejects("T-03", `${name} in milliseconds`, {
      accepted: claiming({ [name]: NOW + 1 }),
      rejected: claiming({ [name]: (NOW + 1) * 1000 }),
      code: "ERR_TOKEN_CLAIM",
    }),
  ),
  ...["0", "-0", "0.0", "-1", "-1900000300", "-1e999"].map((number) =>
    rejects(["T-04", "7519-03"], `a token whose exp is ${number}`, {
      accepted: { token: ({ token }) => token({ payloadText: expiringAt("1900000300") }) },
      rejected: { token: ({ token }) => token({ payloadText: expiringAt(number) }) },
      code: number === "-1e999" ? "ERR_TOKEN_CLAIM" : "ERR_TOKEN_EXPIRED",
    }),
  ),
  ...[0, -1].map((iat) =>
    rejects("T-04", `an iat of ${iat} where the age of tokens is limited`, {
      api: limitedAge,
      accepted: claiming({ iat: NOW - 599 }),
      rejected: claiming({ iat }),
      code: "ERR_TOKEN_EXPIRED",
    }),
  ),
  ...(
    [
      ["exp", "exp"],
      ["iat", "iat where the age of tokens is limited"],
    ] as const
  ).map(([claim, name]) =>
    rejects("T-05", `a token without ${name}`, {
      api: limitedAge,
      accepted: claiming({ EXP: NOW + 300, expires_in: 300 }),
      rejected: claiming({ EXP: NOW + 300, expires_in: 300, [claim]: undefined }),
      code: "ERR_TOKEN_CLAIM",
    }),
  ),
  rejects("T-06", "a token that was issued in the future where the age of tokens is limited", {
    api: limitedAge,
    accepted: claiming({ iat: NOW + 5 }),
    rejected: claiming({ iat: NOW + 6 }),
    code: "ERR_TOKEN_NOT_YET_VALID",
  }),
  rejects(
    "T-06",
    "a token that was issued more than 60 seconds in the future under FAPI 2.0, but not one of 10 seconds",
    {
      api: fapi2,
      accepted: claiming({ iat: NOW + 10 }),
      rejected: claiming({ iat: NOW + 61 }),
      code: "ERR_TOKEN_NOT_YET_VALID",
    },
  ),
];
