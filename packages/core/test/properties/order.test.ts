import { type AccessTokenOptions, tamperSignature } from "@certbound/testing";
import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { AccessTokenError } from "../../src/errors.ts";
import type { VerifyOptions } from "../../src/requirements.ts";
import { type Outcome, outcomeOf } from "../support/outcome.ts";
import { client, now, seconds, startIssuer, thief, verifierOf } from "../support/verification.ts";

/** One flaw of a token, or of the request that presents it. */
interface Flaw {
  readonly code: Outcome;
  readonly header?: AccessTokenOptions["header"];
  readonly claims?: AccessTokenOptions["claims"];
  readonly change?: (token: string) => string;
  readonly use?: Partial<VerifyOptions>;
  /** Milliseconds by which the clock is ahead. */
  readonly ahead?: number;
}

const claim = (code: Outcome, claims: Flaw["claims"] & object): Flaw => ({ code, claims });

/** The flaws that each stage detects, in the order of the stages. */
const stages = {
  format: [
    { code: "ERR_TOKEN_MALFORMED", change: (token) => `${token}=` },
    { code: "ERR_TOKEN_MALFORMED", change: (token) => `${token}.AAAA` },
    { code: "ERR_TOKEN_MALFORMED", change: (token) => token + "A".repeat(16_384) },
    { code: "ERR_TOKEN_MALFORMED", header: { crit: ["exp"] } },
    { code: "ERR_TOKEN_MALFORMED", header: { b64: false } },
  ],
  algorithm: [
    { code: "ERR_TOKEN_ALGORITHM", header: { alg: "HS256" } },
    { code: "ERR_TOKEN_ALGORITHM", header: { alg: "none" } },
    { code: "ERR_TOKEN_ALGORITHM", header: { alg: 1 } },
    { code: "ERR_TOKEN_ALGORITHM", header: { alg: "es256" } },
  ],
  type: [
    { code: "ERR_TOKEN_TYPE", header: { typ: "logout+jwt" } },
    { code: "ERR_TOKEN_TYPE", header: { typ: null } },
    { code: "ERR_TOKEN_TYPE", header: { typ: "JWT" }, claims: { c_hash: "h" } },
    { code: "ERR_TOKEN_TYPE", header: { typ: undefined }, claims: { events: {} } },
  ],
  issuer: [
    claim("ERR_TOKEN_ISSUER", { iss: "https://evil.example" }),
    claim("ERR_TOKEN_ISSUER", { iss: undefined }),
    claim("ERR_TOKEN_ISSUER", { iss: 1 }),
  ],
  audience: [
    claim("ERR_TOKEN_AUDIENCE", { aud: "https://other.example" }),
    claim("ERR_TOKEN_AUDIENCE", { aud: [] }),
    claim("ERR_TOKEN_AUDIENCE", { aud: undefined }),
    claim("ERR_TOKEN_AUDIENCE", { aud: ["https://api.example.com", 1] }),
  ],
  time: [
    claim("ERR_TOKEN_EXPIRED", { exp: seconds - 5 }),
    claim("ERR_TOKEN_NOT_YET_VALID", { nbf: seconds + 6 }),
    claim("ERR_TOKEN_CLAIM", { exp: undefined }),
    claim("ERR_TOKEN_CLAIM", { exp: `${seconds + 300}` }),
    claim("ERR_TOKEN_CLAIM", { iat: null }),
    { code: "ERR_TOKEN_EXPIRED", ahead: 305_000 },
    { code: "ERR_TOKEN_NOT_YET_VALID", ahead: -20_001 },
  ],
  claims: [
    claim("ERR_TOKEN_CLAIM", { sub: 1 }),
    claim("ERR_TOKEN_CLAIM", { client_id: null }),
    claim("ERR_TOKEN_CLAIM", { scope: {} }),
  ],
  certificate: [
    { code: "ERR_CERTIFICATE_MISSING", use: { clientCertificate: null } },
    { code: "ERR_CERTIFICATE_MALFORMED", use: { clientCertificate: "MII" } },
    {
      code: "ERR_CERTIFICATE_UNTRUSTED",
      use: { clientCertificate: new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED") },
    },
  ],
  binding: [
    claim("ERR_BINDING_MISMATCH", { cnf: { "x5t#S256": thief.thumbprint } }),
    claim("ERR_BINDING_REQUIRED", { cnf: undefined }),
    claim("ERR_BINDING_MALFORMED", { cnf: [client.thumbprint] }),
    claim("ERR_BINDING_UNSUPPORTED", { cnf: { "x5t#S256": client.thumbprint, jkt: "key" } }),
    { code: "ERR_BINDING_MISMATCH", use: { clientCertificate: thief.certificate } },
  ],
  key: [
    { code: "ERR_TOKEN_KEY_UNKNOWN", header: { kid: "unknown" } },
    { code: "ERR_TOKEN_KEY_UNKNOWN", header: { kid: "__proto__" } },
  ],
  signature: [{ code: "ERR_TOKEN_SIGNATURE", change: tamperSignature }],
  scopes: [{ code: "ERR_SCOPE_INSUFFICIENT", use: { scopes: ["read", "admin"] } }],
  groups: [{ code: "ERR_ACCESS_DENIED", use: { groups: ["staff"] } }],
  authentication: [
    { code: "ERR_AUTHENTICATION_INSUFFICIENT", use: { maxAge: 60 } },
    { code: "ERR_AUTHENTICATION_INSUFFICIENT", use: { acrValues: ["silver"] } },
  ],
  decision: [{ code: "ERR_ACCESS_DENIED", use: { authorize: async () => false } }],
} satisfies Readonly<Record<string, readonly Flaw[]>>;

type Chosen = Readonly<Partial<Record<keyof typeof stages, Flaw>>>;

/** The stages in order. If two flaws change the same member, the flaw of the earlier stage wins. */
const order = Object.keys(stages) as (keyof typeof stages)[];

/** Chooses flaws of at most five stages, one each, so that later stages decide often enough. */
function someOf(names: readonly (keyof typeof stages)[], isSuitable: (flaw: Flaw) => boolean): fc.Arbitrary<Chosen> {
  const one = (name: keyof typeof stages) => fc.constantFrom(...(stages[name] as readonly Flaw[]).filter(isSuitable));
  return fc
    .subarray([...names], { maxLength: 5 })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map((name) => [name, one(name)]))));
}

const issuer = await startIssuer();
let clock = now;
const options = { clock: () => clock };
const caching = verifierOf(issuer, options);
const uncached = verifierOf(issuer, { ...options, verifiedTokens: false });

/** Returns the code of the first stage with a flaw. */
function expectedOf(chosen: Chosen): Outcome {
  return order.map((name) => chosen[name]?.code).find((code) => code !== undefined) ?? "accepted";
}

/** Returns the flaws in reverse order, so that the first one wins if two change the same member. */
function flawsOf(chosen: Chosen): readonly Flaw[] {
  return order.toReversed().flatMap((name) => chosen[name] ?? []);
}

async function issued(chosen: Chosen): Promise<string> {
  const flaws = flawsOf(chosen);
  const token = await issuer.accessToken({
    boundTo: client,
    header: Object.assign({}, ...flaws.map(({ header }) => header)),
    claims: Object.assign({ nbf: seconds - 15 }, ...flaws.map(({ claims }) => claims)),
  });
  return flaws.reduce((text, { change }) => change?.(text) ?? text, token);
}

/** Returns the outcome of both verifiers, which must be the same. */
async function outcomeFor(token: string, chosen: Chosen): Promise<Outcome> {
  const flaws = flawsOf(chosen);
  const use: Partial<VerifyOptions> = Object.assign({}, ...flaws.map((flaw) => flaw.use));
  clock = now + (flaws.findLast(({ ahead }) => ahead !== undefined)?.ahead ?? 0);
  const verify = (verifier: typeof caching) =>
    outcomeOf(verifier.verify(token, { clientCertificate: client.certificate, ...use }));
  const [outcome, again] = [await verify(caching), await verify(uncached)];
  clock = now;
  expect(again).toBe(outcome);
  return outcome;
}

describe("the first stage with a flaw determines the code", () => {
  fuzz.prop([someOf(order, () => true)], { seed: 9068, numRuns: 300 })("for a new token", async (chosen) => {
    expect(await outcomeFor(await issued(chosen), chosen)).toBe(expectedOf(chosen));
  });

  const circumstances = ({ use, ahead }: Flaw): boolean => use !== undefined || ahead !== undefined;
  const outside = order.filter((name) => (stages[name] as readonly Flaw[]).some(circumstances));

  fuzz.prop([fc.array(someOf(outside, circumstances), { minLength: 1, maxLength: 6 })], { seed: 9068, numRuns: 50 })(
    "for a cached valid token, repeatedly",
    async (situations) => {
      const token = await issued({});
      expect(await outcomeFor(token, {})).toBe("accepted");
      for (const chosen of situations) expect(await outcomeFor(token, chosen)).toBe(expectedOf(chosen));
      expect(await outcomeFor(token, {})).toBe("accepted");
    },
  );
});
