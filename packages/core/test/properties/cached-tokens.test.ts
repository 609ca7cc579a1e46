import { forwardedHeaders, type Identity, tamperSignature } from "@certbound/testing";
import { fc } from "@fast-check/vitest";
import { expect, test } from "vitest";
import type { AccessToken } from "../../src/access-token.ts";
import { presentedCertificate } from "../../src/binding.ts";
import { createCredentialSources, readCredentials, type ResolverOptions } from "../../src/credentials.ts";
import type { NodeRequest, NodeSocket } from "../../src/http/incoming-request.ts";
import type { Issuer } from "../../src/issuer/issuers.ts";
import { type KeySource, unknownKey } from "../../src/issuer/keys/key-source.ts";
import { parseRequirements } from "../../src/requirements.ts";
import { nginx } from "../../src/proxy/formats/nginx.ts";
import { fromProxy } from "../../src/proxy/from-proxy.ts";
import { createVerifiedTokens } from "../../src/token/verified-tokens.ts";
import { type VerifierParts, verifyToken } from "../../src/verifier.ts";
import { connectionOf, fastPath, partsOfVerifier, requestOver, type Use } from "../support/cached-requests.ts";
import { outcomeOf } from "../support/outcome.ts";
import { client, now, seconds, startIssuer, thief, verifierOf } from "../support/verification.ts";

const issuer = await startIssuer();
const claims = { scope: "read", groups: ["staff"], acr: "strong", auth_time: seconds };

const secret = { header: "x-proxy-secret", value: "a-secret-of-the-proxy-and-the-API-only" };
const behindProxy = fromProxy(nginx(), { trust: { secret } });
const forwarded = (identity: Identity) =>
  [...Object.entries(forwardedHeaders("nginx", identity)).flat(), secret.header, secret.value] as const;

const tokens = fc.constantFrom<string[]>("good", "brief", "generic", "early", "keyed", "of the thief", "unbound");
const variations = fc.record({
  token: fc.oneof({ weight: 3, arbitrary: fc.constant("good") }, tokens),
  change: fc.oneof(
    { weight: 4, arbitrary: fc.constant("none") },
    fc.constantFrom("twice", "scheme", "space", "tab", "more", "signature", "beginning", "end", "case", "lost headers"),
  ),
  scheme: fc.constantFrom("Bearer", "bearer", "BEARER"),
  from: fc.oneof(
    { weight: 3, arbitrary: fc.constant("client") },
    fc.constantFrom(
      "thief",
      "anonymous",
      "client by proxy",
      "thief by proxy",
      "stranger by proxy",
      "client by promise",
      "renegotiating",
      "TLS 1.2",
    ),
  ),
  time: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.constantFrom(-40, -6, 29, 59, 64, 65, 299, 305)),
  keys: fc.oneof({ weight: 5, arbitrary: fc.constant("held") }, fc.constant("removed")),
  requirements: fc.record(
    {
      validateCertificateBinding: fc.constantFrom(true as const, "when-bound" as const, "report-only" as const),
      scopes: fc.constantFrom(["read"], ["read", "write"]),
      groups: fc.constantFrom(["staff"], ["board"]),
      acrValues: fc.constantFrom(["strong"], ["stronger"]),
      maxAge: fc.constantFrom(30, 600),
    },
    { requiredKeys: [] },
  ),
});

const texts: Readonly<Record<string, string>> = {
  good: await issuer.accessToken({ boundTo: client, claims }),
  brief: await issuer.accessToken({ boundTo: client, claims, expiresIn: 60 }),
  generic: await issuer.accessToken({ boundTo: client, claims, header: { typ: "JWT" } }),
  early: await issuer.accessToken({ boundTo: client, claims: { ...claims, nbf: seconds + 30 } }),
  keyed: await issuer.accessToken({ claims: { ...claims, cnf: { "x5t#S256": client.thumbprint, jwk: {} } } }),
  "of the thief": await issuer.accessToken({ boundTo: thief, claims }),
  unbound: await issuer.accessToken({ claims }),
};

type Case = typeof variations extends fc.Arbitrary<infer Value> ? Value : never;

const headers: Readonly<Record<string, (header: string, text: string) => readonly string[]>> = {
  none: (header) => [header],
  twice: (header) => [header, header],
  scheme: (_header, text) => [`Basic ${text}`],
  space: (header) => [header.replace(" ", "  ")],
  tab: (header) => [header.replace(" ", "\t")],
  more: (header) => [`${header} more`],
  signature: (_header, text) => [`Bearer ${tamperSignature(text)}`],
  beginning: (header, text) => [header.replace(text, `e${text}`)],
  end: (header) => [`${header}A`],
  case: (header) => [header.toUpperCase()],
  "lost headers": (header) => [header],
};

const connections: Readonly<Record<string, () => NodeSocket>> = {
  client: () => connectionOf(client),
  thief: () => connectionOf(thief),
  anonymous: () => ({}),
  renegotiating: () => connectionOf(client, { getProtocol: () => "TLSv1.2", getCipher: () => undefined }),
  "TLS 1.2": () => connectionOf(client, { getProtocol: () => "TLSv1.2" }),
};

const resolversOf: Readonly<Record<string, Partial<ResolverOptions<NodeRequest>>>> = {
  "client by proxy": { certificateResolver: behindProxy },
  "thief by proxy": { certificateResolver: behindProxy },
  "stranger by proxy": { certificateResolver: behindProxy },
  "client by promise": { certificateResolver: async () => client.certificate },
};

/** The clients whose certificates are forwarded, by the proxy or by a sender that is not the proxy. */
const proxiedClients: Readonly<Record<string, Identity>> = {
  "client by proxy": client,
  "thief by proxy": thief,
  "stranger by proxy": client,
};

function requestOf({ token: name, change, scheme, from }: Case): NodeRequest {
  const text = texts[name] ?? "";
  const authorization = headers[change]?.(`${scheme} ${text}`, text) ?? [];
  const proxied = proxiedClients[from];
  const all = proxied === undefined ? [] : forwarded(proxied);
  const rest = from === "stranger by proxy" ? all.slice(0, -2) : all;
  const filler = Array.from({ length: change === "lost headers" ? 2000 : 0 }, () => "x");
  return requestOver(authorization, connections[from]?.() ?? {}, [...rest, ...filler]);
}

let [time, areKeysHeld] = [now, true];
const parts = withRemovableKeys(partsOfVerifier(verifierOf(issuer, { clock: () => time })), () => areKeysHeld);

/** Verifies a request without the fast path and without cached tokens. */
async function verifyUncached(request: NodeRequest, { requirements = {}, resolvers = {} }: Use): Promise<AccessToken> {
  const checked = parseRequirements(requirements, parts.configuration);
  const sources = createCredentialSources<NodeRequest>({ schemes: ["Bearer"], ...resolvers });
  const { token: text, certificate } = await readCredentials(request, sources);
  const use = { certificate, requirements: checked, request, observation: undefined };
  return verifyToken(text, use, { ...parts, verifiedTokens: createVerifiedTokens(0) });
}

/** Caches all tokens, each accepted under some setting of the binding. */
async function fillCache(): Promise<void> {
  time = now + 30_000;
  const certificate = presentedCertificate(client.certificate);
  for (const text of Object.values(texts)) {
    for (const mode of [true, "report-only"] as const) {
      const requirements = parseRequirements({ validateCertificateBinding: mode }, parts.configuration);
      const use = { certificate, requirements, request: undefined, observation: undefined };
      await outcomeOf(verifyToken(text, use, parts));
    }
    expect(parts.verifiedTokens.find(text)).toBeDefined();
  }
}

test("the whole verification accepts every request that the fast path accepts, with the same result", async () => {
  await fillCache();
  let [accepted, declined] = [0, 0];
  const property = fc.asyncProperty(variations, async (variation) => {
    time = now + variation.time * 1000;
    areKeysHeld = variation.keys === "held";
    const request = requestOf(variation);
    const resolvers = resolversOf[variation.from] ?? {};
    const use: Use = { requirements: variation.requirements, resolvers, parts };
    const cached = fastPath(request, use);
    if (cached === undefined) {
      declined += 1;
      return;
    }
    accepted += 1;
    const whole = await verifyUncached(request, use);
    expect({ ...cached, clientCertificate: cached.clientCertificate?.thumbprint }).toEqual({
      ...whole,
      clientCertificate: whole.clientCertificate?.thumbprint,
    });
  });
  await fc.assert(property, { numRuns: 3000, seed: 8705 });
  // Ensures that the test covers enough cases.
  expect(accepted).toBeGreaterThan(100);
  expect(declined).toBeGreaterThan(1000);
});

/** Returns the same parts with an issuer whose keys can be removed. */
function withRemovableKeys(real: VerifierParts, areHeld: () => boolean): VerifierParts {
  const { keys, ...rest } = real.issuers.named(issuer.issuer) as Issuer;
  const removable: KeySource = {
    ...keys,
    holds: (key) => areHeld() && keys.holds(key),
    find: async (header) => (areHeld() ? keys.find(header) : Promise.reject(unknownKey())),
  };
  const named = (name: unknown) => (name === issuer.issuer ? { ...rest, keys: removable } : undefined);
  return { ...real, issuers: { ...real.issuers, named } };
}
