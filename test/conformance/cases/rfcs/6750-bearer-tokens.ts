import { createAuthenticator } from "@certbound/core";
import { expect } from "vitest";
import { verifierOf } from "../../verification.ts";
import { accepts, type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { onEachServer } from "../../on-each-server.ts";
import { NOW } from "../../scene.ts";

/** An API with parameters for every challenge. */
const verbose: Api = {
  requirements: { scopes: ["write", "https://api.example/scopes#all"] },
  rejection: { realm: "accounts, payments = all", resource: "https://api.example/v1?tenant=a,b" },
};

/** A text that would break out of a quoted string. */
const HOSTILE = 'x", error="none", realm="other\\';

function withLines(lines: (token: string) => readonly (readonly [string, string])[]): Attempt {
  return { request: { lines } };
}

function withCredentials(credentials: (token: string) => string): Attempt {
  return withLines((token) => [["authorization", credentials(token)]]);
}

const valid = withCredentials((token) => `Bearer ${token}`);

const malformedCredentials: readonly (readonly [name: string, credentials: (token: string) => string])[] = [
  ["a tab instead of the space", (token) => `Bearer\t${token}`],
  ["a tab after the space", (token) => `Bearer \t${token}`],
  ["a scheme without a token", () => "Bearer"],
  ["a second token after a space", (token) => `Bearer ${token} ${token}`],
  ["a second token after a comma", (token) => `Bearer ${token},${token}`],
  ["a parameter after the token", (token) => `Bearer ${token}, realm="api"`],
];

const otherSchemes: readonly (readonly [name: string, credentials: (token: string) => string])[] = [
  ["no scheme", (token) => token],
  ["the scheme Basic", (token) => `Basic ${token}`],
  ["no space after the scheme", (token) => `Bearer${token}`],
  ["a colon after the scheme", (token) => `Bearer: ${token}`],
  ["the scheme Bearers", (token) => `Bearers ${token}`],
];

export const cases: readonly ConformanceCase[] = [
  ...["x-authorization", "x-access-token", "access-token", "authorisation"].map((header) =>
    rejects("6750-01", `a token in the header ${header}`, {
      accepted: valid,
      rejected: withLines((token) => [[header, `Bearer ${token}`]]),
      code: "ERR_TOKEN_MISSING",
    }),
  ),
  rejects("6750-04", "a token in the query", {
    accepted: { request: { lines: (token) => [["authorization", `Bearer ${token}`]] } },
    rejected: { request: { lines: () => [], query: (token) => `?access_token=${token}` } },
    code: "ERR_TOKEN_MISSING",
  }),
  rejects("6750-04", "a valid token in the query with an invalid one in the header", {
    accepted: {
      request: {
        lines: (token) => [["authorization", `Bearer ${token}`]],
        query: (token) => `?access_token=${token}`,
      },
    },
    rejected: {
      request: {
        lines: (token) => [["authorization", `Bearer ${token.slice(0, -46)}`]],
        query: (token) => `?access_token=${token}`,
      },
    },
    code: "ERR_TOKEN_SIGNATURE",
  }),
  conforms(
    "6750-05",
    "rejects insufficient credentials with a Bearer challenge that has a parameter",
    async (stage) => {
      const { own, token } = stage.scene;
      await onEachServer(stage, verbose, async (send) => {
        const sufficient = token({ claims: { scope: "write https://api.example/scopes#all" } });
        const accepted = await send({ identity: own, token: sufficient });
        expect(accepted.status).toBe(200);
        expect(accepted.headers).not.toHaveProperty("www-authenticate");
        const requests = [
          {},
          { token: sufficient },
          { identity: own, token: token() },
          { headers: { authorization: "x y" } },
        ];
        for (const request of requests) {
          const { headers } = await send(request);
          expect(headers["www-authenticate"]).toMatch(/^Bearer realm="accounts, payments = all"/);
        }
      });
    },
    verbose,
  ),
  conforms("6750-06", "sends an error in the challenge for a token that failed", async (stage) => {
    const { own, token } = stage.scene;
    await onEachServer(stage, undefined, async (send) => {
      const challengeOf = async (claims: object) => {
        const { headers } = await send({ identity: own, token: token({ claims: { ...claims } }) });
        return headers["www-authenticate"];
      };
      expect(await challengeOf({})).toBeUndefined();
      for (const claims of [{ exp: NOW - 60 }, { aud: "https://other-api.example" }, { cnf: undefined }]) {
        expect(await challengeOf(claims)).toMatch(/, error="invalid_token", error_description="/);
      }
    });
  }),
  conforms("6750-07", "sends no error if credentials are missing or have another scheme", async (stage) => {
    const { own, token } = stage.scene;
    await onEachServer(stage, undefined, async (send) => {
      const challengeOf = async (headers: Readonly<Record<string, string>>) => {
        const { status, headers: received } = await send({ identity: own, headers });
        return { status, challenge: received["www-authenticate"] };
      };
      const bare = { status: 401, challenge: 'Bearer realm="api"' };
      expect(await challengeOf({})).toEqual(bare);
      for (const [, credentials] of otherSchemes) {
        expect(await challengeOf({ authorization: credentials(token()) })).toEqual(bare);
      }
      expect(await challengeOf({ authorization: `Bearer ${token({ claims: { exp: 1 } })}` })).not.toEqual(bare);
      expect(await challengeOf({ authorization: `Bearer ${token()}` })).toEqual({ status: 200, challenge: undefined });
    });
  }),
  conforms(
    "6750-08",
    "sends the status 400, 401 or 403 of the error, and the required scope",
    async (stage) => {
      const { own, token } = stage.scene;
      await onEachServer(stage, verbose, async (send) => {
        const responseTo = async (credentials: string) => {
          const { status, headers } = await send({ identity: own, headers: { authorization: credentials } });
          const challenge = headers["www-authenticate"] ?? "";
          return [status, /error="(\w+)"/.exec(challenge)?.[1], /scope="([^"]*)"/.exec(challenge)?.[1]];
        };
        const scope = "write https://api.example/scopes#all";
        expect(await responseTo(`Bearer ${token({ claims: { scope } })}`)).toEqual([200, undefined, undefined]);
        expect(await responseTo(`Bearer ${token()} x`)).toEqual([400, "invalid_request", undefined]);
        expect(await responseTo(`Bearer ${token({ claims: { scope, exp: 1 } })}`)).toEqual([
          401,
          "invalid_token",
          undefined,
        ]);
        expect(await responseTo(`Bearer ${token({ claims: { scope: "write" } })}`)).toEqual([
          403,
          "insufficient_scope",
          scope,
        ]);
      });
    },
    verbose,
  ),
  conforms(
    "6750-09",
    "does not repeat challenge parameters, and writes only permitted characters",
    async (stage) => {
      const { own, token } = stage.scene;
      const hostile = { header: { kid: HOSTILE }, claims: { iss: HOSTILE, scope: HOSTILE } };
      await onEachServer(stage, verbose, async (send) => {
        const scope = "write https://api.example/scopes#all";
        expect((await send({ identity: own, token: token({ claims: { scope } }) })).status).toBe(200);
        const names = new Set<string>();
        for (const sent of [undefined, "x y", token(hostile), token({ claims: { scope: HOSTILE } }), token()]) {
          const { headers } = await send({ identity: own, ...(sent !== undefined && { token: sent }) });
          for (const name of parameterNames(headers["www-authenticate"] ?? "")) names.add(name);
        }
        expect([...names]).toEqual(["realm", "resource_metadata", "error", "error_description", "scope"]);
      });
    },
    verbose,
  ),
  conforms("6750-09", "does not accept options with other characters for a challenge", async ({ scene }) => {
    const verifier = verifierOf({ jwks: scene.jwks });
    const write = (realm: string, ...scopes: string[]) => createAuthenticator({ verifier, realm })({ scopes });
    expect(() => write("api", "read:all")).not.toThrow();
    for (const text of ['"', "\\", "é", "\n", "\u007f"]) {
      expect(() => write(`api${text}`, "read:all")).toThrow(TypeError);
      expect(() => write("api", `read${text}`)).toThrow(TypeError);
    }
    expect(() => write("api", "read write")).toThrow(TypeError);
  }),
  rejects("6750-11", "a token without exp", {
    accepted: { token: ({ token }) => token({ claims: { exp: NOW + 300 } }) },
    rejected: { token: ({ token }) => token({ claims: { exp: undefined } }) },
    code: "ERR_TOKEN_CLAIM",
  }),
  rejects("6750-11", "a token that is older than the API allows, even before its exp", {
    api: { verifier: () => ({ maxTokenAge: 600 }) },
    accepted: { token: ({ token }) => token({ claims: { iat: NOW - 600, exp: NOW + 86_400 } }) },
    rejected: { token: ({ token }) => token({ claims: { iat: NOW - 606, exp: NOW + 86_400 } }) },
    code: "ERR_TOKEN_EXPIRED",
  }),
  ...["bearer ", "BEARER ", "bEARER ", "Bearer     "].map((prefix) =>
    accepts("6750-12", `credentials that start with ${JSON.stringify(prefix)}`, {
      accepted: withCredentials((token) => prefix + token),
      rejectedBy: "6750-12",
    }),
  ),
  ...malformedCredentials.map(([name, credentials]) =>
    rejects("6750-12", `credentials with ${name}`, {
      accepted: valid,
      rejected: withCredentials(credentials),
      code: "ERR_REQUEST_MALFORMED",
    }),
  ),
  ...otherSchemes.map(([name, credentials]) =>
    rejects("6750-12", `credentials with ${name}`, {
      accepted: valid,
      rejected: withCredentials(credentials),
      code: "ERR_TOKEN_MISSING",
    }),
  ),
];

/** Parses a challenge (RFC 9110 section 11.2), and checks its characters (RFC 6750 section 3). */
function parameterNames(challenge: string): readonly string[] {
  const parameter = /([a-z_]+)="([\x20\x21\x23-\x5b\x5d-\x7e]*)"(?:, |$)/y;
  parameter.lastIndex = "Bearer ".length;
  const names: string[] = [];
  while (parameter.lastIndex < challenge.length) {
    const [, name = ""] = parameter.exec(challenge) ?? [];
    expect({ challenge, name }).toEqual({ challenge, name: expect.stringMatching(/./) });
    names.push(name);
  }
  expect(names).toEqual([...new Set(names)]);
  return names;
}
