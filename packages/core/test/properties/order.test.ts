import { type AccessTokenOptions, tamperSignature } from "@certbound/testing";
import { fc, test as fuzz } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { AccessTokenError } from "../../src/errors.ts";
import type { VerifyOptions } from "../../src/requirements.ts";
import { type Outcome, outcomeOf } from "../support/outcome.ts";
import { client, now, seconds, startIssuer, thief, verifierOf } from "../support/verification.ts";

/** One thing that is wrong with a token, or with how or when it is presented. */
interface Fault {
  readonly code: Outcome;
  readonly header?: AccessTokenOptions["header"];
  readonly claims?: AccessTokenOptions["claims"];
  readonly change?: (token: string) => string;
  readonly use?: Partial<VerifyOptions>;
  /** Milliseconds by which the clock is ahead. */
  readonly ahead?: number;
}

const claim = (code: Outcome, claims: Fault["claims"] & object): Fault => ({ code, claims });

/** What can be wrong at each stage, in the order of the stages. */
const stages = {
  shape: [
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
} satisfies Readonly<Record<string, readonly Fault[]>>;

type Chosen = Readonly<Partial<Record<keyof typeof stages, Fault>>>;

/** A certificate fault replaces the one that a binding fault presents; so does each later fault in the same member. */
const order = Object.keys(stages) as (keyof typeof stages)[];

/** Of every stage at most one fault; of few stages, so that later ones have their turn. */
function someOf(names: readonly (keyof typeof stages)[], isGood: (fault: Fault) => boolean): fc.Arbitrary<Chosen> {
  const one = (name: keyof typeof stages) => fc.constantFrom(...(stages[name] as readonly Fault[]).filter(isGood));
  return fc
    .subarray([...names], { maxLength: 5 })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map((name) => [name, one(name)]))));
}

const issuer = await startIssuer();
let clock = now;
const options = { clock: () => clock };
const caching = verifierOf(issuer, options);
const uncached = verifierOf(issuer, { ...options, verifiedTokens: false });

/** What decides is the first stage at which something is wrong. */
function expectedOf(chosen: Chosen): Outcome {
  return order.map((name) => chosen[name]?.code).find((code) => code !== undefined) ?? "accepted";
}

/** The faults, the first of them last: where two change the same member, that one is there. */
function faultsOf(chosen: Chosen): readonly Fault[] {
  return order.toReversed().flatMap((name) => chosen[name] ?? []);
}

async function issued(chosen: Chosen): Promise<string> {
  const faults = faultsOf(chosen);
  const token = await issuer.accessToken({
    boundTo: client,
    header: Object.assign({}, ...faults.map(({ header }) => header)),
    claims: Object.assign({ nbf: seconds - 15 }, ...faults.map(({ claims }) => claims)),
  });
  return faults.reduce((text, { change }) => change?.(text) ?? text, token);
}

/** How both verifiers judge a token, which is the same. */
async function judged(token: string, chosen: Chosen): Promise<Outcome> {
  const faults = faultsOf(chosen);
  const use: Partial<VerifyOptions> = Object.assign({}, ...faults.map((fault) => fault.use));
  clock = now + (faults.findLast(({ ahead }) => ahead !== undefined)?.ahead ?? 0);
  const verify = (verifier: typeof caching) =>
    outcomeOf(verifier.verify(token, { clientCertificate: client.certificate, ...use }));
  const [outcome, again] = [await verify(caching), await verify(uncached)];
  clock = now;
  expect(again).toBe(outcome);
  return outcome;
}

describe("of all that is wrong, the first stage gives the code", () => {
  fuzz.prop([someOf(order, () => true)], { seed: 9068, numRuns: 300 })("when a token is new", async (chosen) => {
    expect(await judged(await issued(chosen), chosen)).toBe(expectedOf(chosen));
  });

  const circumstances = ({ use, ahead }: Fault): boolean => use !== undefined || ahead !== undefined;
  const outside = order.filter((name) => (stages[name] as readonly Fault[]).some(circumstances));

  fuzz.prop([fc.array(someOf(outside, circumstances), { minLength: 1, maxLength: 6 })], { seed: 9068, numRuns: 50 })(
    "when a good token is cached, time and again",
    async (situations) => {
      const token = await issued({});
      expect(await judged(token, {})).toBe("accepted");
      for (const chosen of situations) expect(await judged(token, chosen)).toBe(expectedOf(chosen));
      expect(await judged(token, {})).toBe("accepted");
    },
  );
});
