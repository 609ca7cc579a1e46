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
const boundToThief = await issuer.accessToken({ boundTo: thief });
const unbound = await issuer.accessToken({ claims: { aud: ["other", issuer.audience] } });
const credentials = `Bearer ${bound}`;

type Header = readonly string[];

/** Authorization headers for any connection. */
const headers: readonly Header[] = [
  [credentials],
  [`bearer  ${bound}`],
  [`Bearer ${boundToThief}`],
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
  [credentials, credentials],
  [],
];

const parsedClientCertificate = parseClientCertificate(client.der);
/** As from a connection (always the same object), and as from a proxy (parsed for every request). */
const certificates: readonly ResolvedCertificate[] = [
  parsedClientCertificate,
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

/** Mostly index 0, because requests with index 0 are accepted. */
const mostlyFirst = (length: number): fc.Arbitrary<number> => fc.oneof(fc.constant(0), fc.nat(length - 1));

/** One request: the indices of its headers, certificate, connection and route. */
const request = fc.record({
  header: mostlyFirst(3),
  certificate: mostlyFirst(certificates.length),
  connection: fc.nat(1),
  route: mostlyFirst(requirements.length),
});
type Step = typeof request extends fc.Arbitrary<infer Value> ? Value : never;

/** Concurrent requests, and their time in seconds after the tokens were issued; it may go back. */
const moment = fc.record({
  time: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    fc.constantFrom(-6, -1, 10, 21, 24, 25, 26, 59, 64, 65, 304, 305),
  ),
  requests: fc.array(request, { minLength: 1, maxLength: 4 }),
});

/** Returns the result of a request that an application sees. */
async function resultOf(accessToken: Promise<AccessToken>): Promise<unknown> {
  try {
    const { claims, binding, clientCertificate, ...rest } = await accessToken;
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
  readonly send: (step: Step, socket: object) => Promise<unknown>;
}

/** Creates an API with a route for each of the requirements. */
function createApi(incomingHeaders: readonly Header[], verifiedTokens: VerifierOptions["verifiedTokens"]): Api {
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
    send: async (step, socket) => {
      // The resolver reads it synchronously, so that each concurrent request gets its certificate.
      certificate = certificates[step.certificate];
      const incoming = { ...requestWith(...(incomingHeaders[step.header] ?? [])), socket };
      return resultOf(routes[step.route]?.(incoming) ?? Promise.reject(new Error("the route does not exist")));
    },
  };
}

test.each([10_000, 2])("an API that caches %i tokens returns the same results as one without a cache", async (size) => {
  const outcomes = new Map<unknown, number>();
  // Few headers per run, so that they are repeated; any of them may be the first one.
  const someHeaders = fc.shuffledSubarray([...headers], { minLength: 3, maxLength: 3 });
  const moments = fc.array(moment, { minLength: 3, maxLength: 12 });
  const property = fc.asyncProperty(someHeaders, moments, async (chosen, run) => {
    const sockets = [{}, {}];
    const [caching, uncached] = [createApi(chosen, size), createApi(chosen, false)];
    for (const { time, requests } of run) {
      caching.setTime(time);
      uncached.setTime(time);
      const concurrent = requests.map((step) => caching.send(step, sockets[step.connection] ?? {}));
      const sequential = [];
      for (const step of requests) sequential.push(await uncached.send(step, {}));
      expect(await Promise.all(concurrent)).toEqual(sequential);
      for (const result of sequential) {
        const outcome = typeof result === "string" ? result : "accepted";
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
  });
  await fc.assert(property, { seed: 7662, numRuns: 40 });
  // Ensures that the test covers enough cases.
  expect(outcomes.get("accepted")).toBeGreaterThan(50);
  expect(outcomes.size).toBeGreaterThan(12);
});
