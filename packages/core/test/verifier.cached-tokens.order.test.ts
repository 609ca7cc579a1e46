import { tamperPayload, tamperSignature } from "@certbound/testing";
import { fc } from "@fast-check/vitest";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BindingMode } from "../src/binding.ts";
import type { JsonWebKeySet } from "../src/options/configuration.ts";
import type { VerifyOptions } from "../src/requirements.ts";
import type { Outcome } from "./support/outcome.ts";
import { type CachingApi, startCachingApi } from "./support/caching-api.ts";
import { client, seconds, startIssuer, thief } from "./support/verification.ts";

const [issuer, other] = await Promise.all([startIssuer(), startIssuer()]);
const [key] = issuer.jwks.keys;
const [otherKey] = other.jwks.keys;

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => {
  vi.useRealTimers();
});

/** Options of a token, and of a request that accepts it, so that it is cached. */
const kinds = {
  typed: [{ boundTo: client }, {}],
  generic: [{ boundTo: client, header: { typ: "JWT" } }, {}],
  unbound: [{}, { validateCertificateBinding: "when-bound" }],
} as const;

const keySets: Readonly<Record<"kept" | "dropped" | "replaced", JsonWebKeySet>> = {
  kept: issuer.jwks,
  dropped: other.jwks,
  replaced: { keys: [{ ...otherKey, kid: key?.kid ?? "" }] },
};

const changes = {
  none: (token: string) => token,
  signature: tamperSignature,
  scope: (token: string) => tamperPayload(token, { scope: "admin" }),
};

const certificates = { client: client.certificate, stolen: thief.certificate, missing: null, malformed: "x" };

const requirements: Readonly<Record<"met" | "scope" | "decision", Partial<VerifyOptions>>> = {
  met: { scopes: ["read"], authorize: () => true },
  scope: { scopes: ["admin"], authorize: () => false },
  decision: { authorize: () => false },
};

/** Mostly the valid value, so that later checks decide often enough. */
function mostly<Name extends string>(good: Name, ...others: readonly Name[]): fc.Arbitrary<Name> {
  return fc.oneof({ weight: 2, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

const situations = fc.record({
  kind: fc.constantFrom("typed", "generic", "unbound"),
  mode: fc.constantFrom<BindingMode[]>(true, "when-bound", "report-only"),
  change: mostly("none", "signature", "scope"),
  clock: mostly("same", "later", "earlier"),
  certificate: mostly("client", "stolen", "missing", "malformed"),
  keys: mostly("kept", "dropped", "replaced"),
  required: mostly("met", "scope", "decision"),
});

type Situation = typeof situations extends fc.Arbitrary<infer Value> ? Value : never;

const times = { same: 0, later: 65, earlier: -6 };

/** Returns the first check that rejects, in the order of the checks of a new token. */
function expectedOf({ kind, mode, change, clock, certificate, keys, required }: Situation): Outcome {
  const isBindingChecked = mode === true || (mode === "when-bound" && kind !== "unbound");
  const flaws: readonly (readonly [boolean, Outcome])[] = [
    [kind === "generic" && mode !== true, "ERR_TOKEN_TYPE"],
    [clock === "later", "ERR_TOKEN_EXPIRED"],
    [clock === "earlier", "ERR_TOKEN_NOT_YET_VALID"],
    [isBindingChecked && certificate === "missing", "ERR_CERTIFICATE_MISSING"],
    [isBindingChecked && certificate === "malformed", "ERR_CERTIFICATE_MALFORMED"],
    [isBindingChecked && kind === "unbound", "ERR_BINDING_REQUIRED"],
    [isBindingChecked && certificate === "stolen", "ERR_BINDING_MISMATCH"],
    [keys === "dropped", "ERR_TOKEN_KEY_UNKNOWN"],
    [keys === "replaced" || change !== "none", "ERR_TOKEN_SIGNATURE"],
    [required === "scope", "ERR_SCOPE_INSUFFICIENT"],
    [required === "decision", "ERR_ACCESS_DENIED"],
  ];
  return flaws.find(([isPresent]) => isPresent)?.[1] ?? "accepted";
}

/** Changes an API to a situation, has it check a token, and restores it. */
async function outcomeIn(api: CachingApi, token: string, situation: Situation): Promise<Outcome> {
  const { mode, change, clock, certificate, keys, required } = situation;
  if (keys !== "kept") await api.replaceKeys(keySets[keys]);
  api.setClock(times[clock]);
  const outcome = await api.outcome(changes[change](token), {
    validateCertificateBinding: mode,
    clientCertificate: certificates[certificate],
    ...requirements[required],
  });
  api.setClock(0);
  if (keys !== "kept") await api.replaceKeys(issuer.jwks);
  return outcome;
}

test("a rejection has the same code, whether the token is cached or new", async () => {
  const caching = await startCachingApi(issuer);
  const uncached = await startCachingApi(issuer, { verifiedTokens: false });
  const outcomes = new Set<Outcome>();
  const property = fc.asyncProperty(situations, async (situation) => {
    const [issued, good] = kinds[situation.kind];
    const token = await issuer.accessToken({ ...issued, expiresIn: 60, claims: { nbf: seconds } });
    const claims = await caching.claims(token, good);
    expect(await caching.claims(token, good)).toBe(claims);
    const outcome = await outcomeIn(caching, token, situation);
    expect(outcome).toBe(expectedOf(situation));
    expect(await outcomeIn(uncached, token, situation)).toBe(outcome);
    outcomes.add(outcome);
  });
  await fc.assert(property, { seed: 1, numRuns: 400 });
  // Ensures that the test covers every possible outcome.
  const all: readonly Outcome[] = [
    "accepted",
    "ERR_TOKEN_TYPE",
    "ERR_TOKEN_EXPIRED",
    "ERR_TOKEN_NOT_YET_VALID",
    "ERR_CERTIFICATE_MISSING",
    "ERR_CERTIFICATE_MALFORMED",
    "ERR_BINDING_REQUIRED",
    "ERR_BINDING_MISMATCH",
    "ERR_TOKEN_KEY_UNKNOWN",
    "ERR_TOKEN_SIGNATURE",
    "ERR_SCOPE_INSUFFICIENT",
    "ERR_ACCESS_DENIED",
  ];
  expect([...outcomes].toSorted()).toEqual(all.toSorted());
});
