import { generateKeyPairSync } from "node:crypto";
import { forgeToken } from "@certbound/testing";
import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { AccessToken } from "../../src/access-token.ts";
import { verifyCertificateBinding } from "../../src/binding.ts";
import { checkClaims } from "../../src/token/claims.ts";
import { parseCompactJws } from "../../src/token/compact-jws.ts";
import { AccessTokenError } from "../../src/errors.ts";
import { parseVerifierOptions } from "../../src/options/verifier-options.ts";
import { createVerifier } from "../../src/verifier.ts";
import { type Outcome, outcome } from "../support/outcome.ts";
import { withPollutedPrototype } from "../support/polluted-prototype.ts";
import { client, now, seconds, thief } from "../support/verification.ts";

/** A member of a JSON object, which may occur more than once. */
type Member = readonly [name: string, value: unknown];

const { publicKey, privateKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const issuer = "https://as.example";
const audience = "https://api.example";
const verifier = createVerifier({
  issuer,
  audience,
  jwks: { keys: [publicKey.export({ format: "jwk" })] },
  clock: () => now,
});
const requirements = { scopes: ["read"], groups: ["staff"], maxAge: 600 };

const good: readonly Member[] = [
  ["iss", issuer],
  ["aud", audience],
  ["exp", seconds + 300],
  ["nbf", seconds],
  ["iat", seconds],
  ["sub", "client"],
  ["client_id", "client"],
  ["jti", "id"],
  ["scope", "write read"],
  ["groups", ["staff"]],
  ["auth_time", seconds - 60],
  ["cnf", { "x5t#S256": client.thumbprint }],
];

/** Other values for members that are checked. */
const values = fc.oneof(
  fc.constantFrom<unknown>(issuer, audience, seconds + 300, seconds - 300, "read", "", 0, null, [audience], ["staff"]),
  fc.constantFrom<unknown>({ "x5t#S256": client.thumbprint }, { "x5t#S256": thief.thumbprint }, { jkt: "key" }, {}),
  fc.jsonValue({ maxDepth: 2 }),
);
const checkedName = fc.constantFrom(
  ...good.map(([name]) => name),
  "nonce",
  "at_hash",
  "c_hash",
  "events",
  "scp",
  "acr",
);
const checkedMember: fc.Arbitrary<Member> = fc.tuple(checkedName, values);

/** Members that are not checked, among them names from prototypes. */
const unknownMember: fc.Arbitrary<Member> = fc.tuple(
  fc
    .oneof(
      fc.constantFrom("__proto__", "constructor", "hasOwnProperty", "toJSON", "Cnf", "cnf ", "EXP", "x5t#S256", "jkt"),
      fc.string({ maxLength: 8 }),
    )
    .filter((name) => !/^(?:iss|aud|exp|nbf|iat|sub|client_id|jti|scope|scp|groups|acr|auth_time|cnf)$/.test(name))
    .filter((name) => !/^(?:nonce|at_hash|c_hash|events)$/.test(name)),
  values,
);

/** The valid claims, some of them missing, repeated, or with an invalid value. */
const claims = fc
  .tuple(fc.shuffledSubarray([...good], { minLength: good.length - 1 }), fc.array(checkedMember, { maxLength: 2 }))
  .chain(([members, more]) => fc.shuffledSubarray([...members, ...more], { minLength: members.length + more.length }));

function text(members: readonly Member[]): string {
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
}

/** Returns each name once, with its last value. */
function withoutDuplicates(members: readonly Member[]): readonly Member[] {
  return [...new Map(members)];
}

/** Returns the code of the rejection, or the accepted token. */
async function resultOf(members: readonly Member[], header: readonly Member[] = [["alg", "ES256"]]): Promise<unknown> {
  const token = forgeToken({ header: text(header), payload: text(members), key });
  try {
    return await verifier.verify(token, { clientCertificate: client.certificate, ...requirements });
  } catch (error) {
    if (error instanceof AccessTokenError) return error.code;
    throw error;
  }
}

/** Returns the code of the rejection, or the binding of the accepted token. */
function summaryOf(result: unknown): unknown {
  return typeof result === "string" ? result : (result as AccessToken).binding;
}

describe("the claims of a signed token", () => {
  fuzz.prop([claims, fc.array(unknownMember, { maxLength: 4 }), fc.nat(14)], { seed: 7519, numRuns: 120 })(
    "have the same result with additional unknown claims, which are returned unchanged",
    async (members, unknown, at) => {
      const more = [...members.slice(0, at), ...unknown, ...members.slice(at)];
      const result = await resultOf(more);
      expect(summaryOf(result)).toEqual(summaryOf(await resultOf(members)));
      if (typeof result === "string") return;
      expect(Object.entries((result as AccessToken).claims)).toEqual(Object.entries(JSON.parse(text(more)) as object));
    },
  );

  fuzz.prop([claims, fc.integer()], { seed: 7519, numRuns: 100 })(
    "have the same result in any order",
    async (members, by) => {
      const once = withoutDuplicates(members);
      const reordered = [...once.slice(by % once.length), ...once.slice(0, by % once.length)].toReversed();
      expect(await resultOf(reordered)).toEqual(await resultOf(once));
    },
  );

  fuzz.prop([claims], { seed: 7519, numRuns: 100 })(
    "have their last value if they are repeated, both in the checks and in the result",
    async (members) => {
      const once = withoutDuplicates(members);
      expect(await resultOf(members)).toEqual(await resultOf(once));
    },
  );
});

describe("a token that is checked while every object inherits a member", () => {
  const configuration = parseVerifierOptions({ issuer, audience, algorithms: ["ES256"], clock: () => now });
  const inherited = fc.oneof(
    checkedMember,
    fc.constantFrom<Member[]>(
      ["x5t#S256", client.thumbprint],
      ["jkt", "key"],
      ["alg", "ES256"],
      ["typ", "at+jwt"],
      ["kid", "key"],
      ["crit", ["exp"]],
      ["b64", false],
    ),
    fc.constantFrom(...good),
  );
  const header = fc.subarray<Member>([
    ["alg", "ES256"],
    ["typ", "at+jwt"],
    ["kid", "key"],
  ]);
  const missing = fc.subarray([...good], { minLength: good.length - 2 });
  const confirmation = fc.constantFrom<Member[][]>(
    [],
    [["cnf", {}]],
    [["cnf", { "x5t#S256": thief.thumbprint }]],
    [["cnf", { jkt: "key" }]],
  );

  fuzz.prop([header, missing, confirmation, inherited], { seed: 1321, numRuns: 500 })(
    "is checked by its own members only",
    (head, members, cnf, [name, value]) => {
      const token = forgeToken({ header: text(head), payload: text([...members, ...cnf]), signature: "AAAA" });
      const check = (): Outcome =>
        outcome(() => {
          const jws = parseCompactJws(token);
          const isNamed = Object.hasOwn(jws.unverifiedClaims, "iss") && jws.unverifiedClaims["iss"] === issuer;
          const configured = isNamed ? configuration.issuers[0] : undefined;
          checkClaims(jws, jws.unverifiedClaims, { configuration, issuer: configured, bindingRequired: true });
          verifyCertificateBinding(jws.unverifiedClaims, client.certificate);
        });
      expect(withPollutedPrototype(name, value, check)).toBe(check());
    },
  );
});

describe("the header of a signed token", () => {
  const algorithm = fc.tuple(fc.constant("alg"), fc.constantFrom<unknown>("ES256", "none", "HS256", "ES384", null, 1));
  const type = fc.tuple(fc.constant("typ"), fc.constantFrom<unknown>("at+jwt", "JWT", "logout+jwt", null));
  const keyId = fc.tuple(fc.constant("kid"), fc.constantFrom<unknown>("other", 1));
  const member: fc.Arbitrary<Member> = fc.oneof({ weight: 3, arbitrary: algorithm }, type, keyId, unknownMember);

  fuzz.prop([fc.array(member, { minLength: 1, maxLength: 4 })], { seed: 7515, numRuns: 100 })(
    "has the last value of each repeated member, in any order",
    async (members) => {
      const header: readonly Member[] = [["alg", "ES256"], ...members];
      const once = withoutDuplicates(header);
      const result = await resultOf(good, once);
      expect(await resultOf(good, header)).toEqual(result);
      expect(await resultOf(good, once.toReversed())).toEqual(result);
    },
  );
});
