import { fc } from "@fast-check/vitest";
import { beforeAll, describe, expect, test } from "vitest";
import { outcomeOf } from "../support/outcome.ts";
import { client, startIssuer, verifierOf } from "../support/verification.ts";

const algorithms = ["RS256", "PS256", "ES256", "EdDSA"] as const;
const issuer = await startIssuer({ algorithms });
const issue = (algorithm: string, scope: string): Promise<string> =>
  issuer.accessToken({ algorithm, boundTo: client, claims: { scope } });

/** Two tokens for each algorithm, all of which are accepted. */
const pairs = await Promise.all(
  algorithms.map(async (algorithm) => Promise.all([issue(algorithm, "read"), issue(algorithm, "write")])),
);
const accepted: ReadonlySet<string> = new Set(pairs.flat());
const caching = verifierOf(issuer);
const uncached = verifierOf(issuer, { verifiedTokens: false });
const use = { clientCertificate: client.certificate };

/** Changes a token. */
type Mutation = (token: string) => string;

const character = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[\w.=+/-]$/) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 1 }) },
);
/** A relative position in a text of any length. */
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const indexIn = (length: number, at: number): number => Math.floor(length * at);

/** Flips bits of a part's bytes; the text remains canonical. The other valid ECDSA signature differs in many more bits. */
const flippedBits = fc
  .tuple(fc.nat(2), fc.array(fc.tuple(place, fc.nat(7)), { minLength: 1, maxLength: 3 }))
  .map(([part, flips]): Mutation => {
    return (token) => {
      const parts = token.split(".");
      const bytes = Buffer.from(parts[part] ?? "", "base64url");
      for (const [at, bit] of flips) {
        const index = indexIn(bytes.length, at);
        bytes.writeUInt8(bytes.readUInt8(index) ^ (1 << bit), index);
      }
      return parts.with(part, bytes.toString("base64url")).join(".");
    };
  });

const edited = fc
  .tuple(place, fc.nat(2), fc.array(character, { maxLength: 3 }))
  .map(([at, removed, inserted]): Mutation => {
    return (token) => {
      const index = indexIn(token.length + 1, at);
      return token.slice(0, index) + inserted.join("") + token.slice(index + removed);
    };
  });

const cut = place.map(
  (at): Mutation =>
    (token) =>
      token.slice(0, indexIn(token.length, at)),
);

/** Joins parts of any tokens in any order; all parts of one token in order would be accepted. */
const spliced = fc.array(fc.tuple(fc.constantFrom(...accepted), fc.nat(2)), { minLength: 2, maxLength: 4 }).map(
  (parts): Mutation =>
    () =>
      parts.map(([token, part]) => token.split(".")[part]).join("."),
);

/** Replaces one part by the same part of another token, so that the signature belongs to other content. */
const exchanged = fc.tuple(fc.constantFrom(...accepted), fc.nat(2)).map(([other, part]): Mutation => (token) => {
  return token
    .split(".")
    .with(part, other.split(".")[part] ?? "")
    .join(".");
});

const mutations = { flippedBits, edited, cut, spliced, exchanged };

beforeAll(async () => {
  for (const token of accepted) await caching.verify(token, use);
});

describe("a cached token changed by", () => {
  test.each(Object.entries(mutations))("%s is rejected like a new one", async (_name, mutation) => {
    const property = fc.asyncProperty(fc.constantFrom(...accepted), mutation, async (token, mutate) => {
      const changed = mutate(token);
      // The header is the same for all tokens of one algorithm.
      fc.pre(!accepted.has(changed));
      const outcome = await outcomeOf(caching.verify(changed, use));
      expect(outcome).toMatch(/^ERR_TOKEN_/);
      expect(await outcomeOf(uncached.verify(changed, use))).toBe(outcome);
    });
    await fc.assert(property, { seed: 7515, numRuns: 200 });
    for (const token of accepted) expect(await outcomeOf(caching.verify(token, use))).toBe("accepted");
  });
});
