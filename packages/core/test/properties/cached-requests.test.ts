import { tamperPayload, tamperSignature } from "@certbound/testing";
import { fc } from "@fast-check/vitest";
import { expect, test } from "vitest";
import type { AccessToken } from "../../src/access-token.ts";
import { createAuthenticator } from "../../src/authenticator.ts";
import { parseClientCertificate } from "../../src/certificate/client-certificate.ts";
import type { VerifierOptions } from "../../src/options/configuration.ts";
import { AccessTokenError } from "../../src/errors.ts";
import type { NodeRequest } from "../../src/http/incoming-request.ts";
import type { Requirements } from "../../src/requirements.ts";
import type { ResolvedCertificate } from "../../src/certificate/client-certificate.ts";
import { requestWith } from "../support/requests.ts";
import { client, now, seconds, startIssuer, thief } from "../support/verification.ts";

const issuer = await startIssuer();
const bound = await issuer.accessToken({ boundTo: client, expiresIn: 60 });
const ofThief = await issuer.accessToken({ boundTo: thief });
const unbound = await issuer.accessToken({ claims: { aud: ["other", issuer.audience] } });
const whole = `Bearer ${bound}`;

type Header = readonly string[];

/** Authorization headers, which may come over any connection. */
const headers: readonly Header[] = [
  [whole],
  [`bearer  ${bound}`],
  [`Bearer ${ofThief}`],
  [`Bearer ${unbound}`],
  [`Bearer ${await issuer.accessToken({ boundTo: client, header: { typ: "JWT" } })}`],
  [`Bearer ${await issuer.accessToken({ boundTo: client, claims: { nbf: seconds + 30 } })}`],
  [`Bearer ${await issuer.accessToken({ boundTo: client, claims: { aud: "https://other.example" } })}`],
  [`Bearer ${await issuer.accessToken({ claims: { cnf: { "x5t#S256": client.thumbprint, jkt: "key" } } })}`],
  [`Bearer ${await issuer.accessToken({ boundTo: client, claims: { auth_time: seconds, scope: "read write" } })}`],
  [`Bearer ${tamperSignature(bound)}`],
  [`Bearer ${tamperPayload(bound, { scope: "read write" })}`],
  [`Bearer ${bound.slice(0, -1)}`],
  ["Bearer opaque"],
  [`Basic ${bound}`],
  [whole, whole],
  [],
];

const own = parseClientCertificate(client.der);
/** As a connection has them, the same object each time; and as a proxy may forward them, parsed anew. */
const certificates: readonly ResolvedCertificate[] = [
  own,
  client.certificate,
  parseClientCertificate(thief.der),
  { thumbprint: thief.thumbprint },
  null,
  "MII",
];

const requirements: readonly Requirements<NodeRequest>[] = [
  {},
  { validateCertificateBinding: "when-bound" },
  { validateCertificateBinding: "report-only" },
  { scopes: ["write"] },
  { maxAge: 20 },
  { authorize: async ({ claims }) => claims.scope === "read" },
];

/** Mostly the first, which accepts. */
const usually = (length: number): fc.Arbitrary<number> => fc.oneof(fc.constant(0), fc.nat(length - 1));

/** One request: which of the headers of a run comes, over which connection, to which route. */
const request = fc.record({
  header: usually(3),
  certificate: usually(certificates.length),
  connection: fc.nat(1),
  route: usually(requirements.length),
});
type Step = typeof request extends fc.Arbitrary<infer Value> ? Value : never;

/** Requests that are there at the same time: how many seconds after the tokens were issued; it may go back. */
const moment = fc.record({
  time: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    fc.constantFrom(-6, -1, 10, 21, 24, 25, 26, 59, 64, 65, 304, 305),
  ),
  requests: fc.array(request, { minLength: 1, maxLength: 4 }),
});

/** What came of a request, as far as the application can tell. */
async function answerOf(answer: Promise<AccessToken>): Promise<unknown> {
  try {
    const { claims, binding, clientCertificate, ...rest } = await answer;
    const presented = "presentedCertificate" in rest ? rest.presentedCertificate?.thumbprint : undefined;
    const rejection = "bindingError" in rest ? rest.bindingError.code : undefined;
    return { claims, binding, certificate: clientCertificate?.thumbprint, presented, rejection };
  } catch (error) {
    if (error instanceof AccessTokenError) return error.code;
    throw error;
  }
}

interface Api {
  readonly setTime: (seconds: number) => void;
  readonly answer: (step: Step, socket: object) => Promise<unknown>;
}

/** An API of which each route answers requests. */
function api(coming: readonly Header[], verifiedTokens: VerifierOptions["verifiedTokens"]): Api {
  let { time, certificate } = { time: 0, certificate: certificates[0] };
  const authenticator = createAuthenticator({
    issuer: issuer.issuer,
    audience: issuer.audience,
    jwks: issuer.jwks,
    clock: () => now + time * 1000,
    certificateResolver: () => certificate,
    verifiedTokens,
  });
  const routes = requirements.map((required) => authenticator(required));
  return {
    setTime: (at) => {
      time = at;
    },
    answer: async (step, socket) => {
      // It is read before the first wait, so that requests that are there together have each its own.
      certificate = certificates[step.certificate];
      const incoming = { ...requestWith(...(coming[step.header] ?? [])), socket };
      return answerOf(routes[step.route]?.(incoming) ?? Promise.reject(new Error("there is no such route")));
    },
  };
}

test.each([10_000, 2])("an API that caches %i tokens answers as one that knows nothing does", async (size) => {
  const answers = new Map<unknown, number>();
  // A few headers at a time, so that the same ones come again; any of them may be the usual one.
  const coming = fc.shuffledSubarray([...headers], { minLength: 3, maxLength: 3 });
  const moments = fc.array(moment, { minLength: 3, maxLength: 12 });
  const property = fc.asyncProperty(coming, moments, async (chosen, run) => {
    const sockets = [{}, {}];
    const [caching, uncached] = [api(chosen, size), api(chosen, false)];
    for (const { time, requests } of run) {
      caching.setTime(time);
      uncached.setTime(time);
      const together = requests.map((step) => caching.answer(step, sockets[step.connection] ?? {}));
      const alone = [];
      for (const step of requests) alone.push(await uncached.answer(step, {}));
      expect(await Promise.all(together)).toEqual(alone);
      for (const answer of alone) {
        const word = typeof answer === "string" ? answer : "accepted";
        answers.set(word, (answers.get(word) ?? 0) + 1);
      }
    }
  });
  await fc.assert(property, { seed: 7662, numRuns: 40 });
  // Or this test would show little.
  expect(answers.get("accepted")).toBeGreaterThan(50);
  expect(answers.size).toBeGreaterThan(12);
});
