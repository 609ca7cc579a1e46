import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { verifyCertificateBinding } from "../../src/binding.ts";
import { outcome, type Outcome, outcomeOf } from "../support/outcome.ts";
import { client, startIssuer, thief, verifierOf } from "../support/verification.ts";

const issuer = await startIssuer();
const [caching, uncached] = [verifierOf(issuer), verifierOf(issuer, { verifiedTokens: false })];
const { certificate: clientCertificate, thumbprint } = client;
const bytes = Buffer.from(thumbprint, "base64url");

/** Values that an issuer or an attacker might write as a thumbprint. */
const nearThumbprints = fc.oneof(
  fc.constantFrom<unknown>(
    thumbprint,
    `${thumbprint}=`,
    ` ${thumbprint}`,
    `${thumbprint}\n`,
    thumbprint.toLowerCase(),
    thumbprint.slice(0, -1),
    thumbprint.repeat(2),
    bytes.toString("hex"),
    bytes.toString("base64"),
    thief.thumbprint,
    [thumbprint],
    { toString: thumbprint },
    "",
    null,
  ),
  fc.nat(43).map((length) => thumbprint.slice(0, length)),
  fc.jsonValue(),
);

const memberName = fc.oneof(
  fc.constantFrom(
    "jkt",
    "x5t",
    "x5t#s256",
    "X5T#S256",
    "jwk",
    "jwe",
    "kid",
    "jku",
    "__proto__",
    "constructor",
    "toString",
  ),
  fc.string(),
);
const others = fc.array(
  fc.tuple(
    memberName,
    fc.oneof(
      fc.constantFrom<unknown>(thumbprint, { "x5t#S256": thumbprint }, { jkt: "key" }),
      fc.jsonValue({ maxDepth: 2 }),
    ),
  ),
  { maxLength: 3 },
);

/** Object.fromEntries creates own members, even with the name `__proto__`. */
const confirmations = fc.oneof(
  fc.tuple(others, nearThumbprints).map(([members, value]) => Object.fromEntries([...members, ["x5t#S256", value]])),
  others.map((members): unknown => Object.fromEntries(members)),
  fc.jsonValue(),
  nearThumbprints,
);

/** Members that name a key, whose possession would have to be proven too (RFC 7800 section 3.1, RFC 9449 section 7.1). */
const keyMembers = ["jkt", "jwk", "jwe", "jku"];

/** RFC 8705 section 3.1: exactly this member with exactly this value, and no member that names a key. */
function isBound(confirmation: unknown): boolean {
  if (typeof confirmation !== "object" || confirmation === null || Array.isArray(confirmation)) return false;
  const members = new Map<string, unknown>(Object.entries(confirmation));
  return members.get("x5t#S256") === thumbprint && !keyMembers.some((name) => members.has(name));
}

async function outcomeFor(cnf: unknown): Promise<Outcome> {
  const token = await issuer.accessToken({ claims: { cnf } });
  const outcomes: Outcome[] = [];
  for (const verifier of [caching, uncached]) {
    outcomes.push(await outcomeOf(verifier.verify(token, { clientCertificate })));
  }
  expect(new Set(outcomes).size).toBe(1);
  expect(outcome(() => verifyCertificateBinding({ cnf }, clientCertificate))).toBe(outcomes[0]);
  const validateCertificateBinding = "report-only";
  const reported = await caching.verify(token, { clientCertificate, validateCertificateBinding });
  expect(reported.binding).toBe(outcomes[0] === "accepted" ? "verified" : "rejected");
  if ("bindingError" in reported) expect(reported.bindingError.code).toBe(outcomes[0]);
  return outcomes[0] as Outcome;
}

describe("the confirmation of a signed token", () => {
  fuzz.prop([confirmations], { seed: 8705, numRuns: 200 })(
    "binds it only by exactly the right thumbprint",
    async (cnf) => {
      expect(await outcomeFor(cnf)).toMatch(
        isBound(cnf) ? /^accepted$/ : /^ERR_BINDING_(?:REQUIRED|MALFORMED|UNSUPPORTED|MISMATCH)$/,
      );
    },
  );

  fuzz.prop([confirmations, others], { seed: 7800, numRuns: 60 })(
    "has the same outcome with any additional members except keys",
    async (cnf, members) => {
      const before = await outcomeFor(cnf);
      fc.pre(typeof cnf === "object" && cnf !== null && !Array.isArray(cnf) && Object.hasOwn(cnf, "x5t#S256"));
      const unknown = members.filter(([name]) => name !== "x5t#S256" && !keyMembers.includes(name));
      expect(await outcomeFor(Object.fromEntries([...unknown, ...Object.entries(cnf)]))).toBe(before);
    },
  );

  fuzz.prop([confirmations, fc.constantFrom(...keyMembers), fc.jsonValue()], { seed: 9449, numRuns: 60 })(
    "is rejected with a member that names a key",
    async (cnf, member, key) => {
      fc.pre(typeof cnf === "object" && cnf !== null && !Array.isArray(cnf));
      expect(await outcomeFor(Object.fromEntries([...Object.entries(cnf), [member, key]]))).toMatch(
        /^ERR_BINDING_(?:MALFORMED|UNSUPPORTED)$/,
      );
    },
  );
});
