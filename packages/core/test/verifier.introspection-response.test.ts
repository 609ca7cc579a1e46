import { fc } from "@fast-check/vitest";
import { describe, expect, test, vi } from "vitest";
import { type Responder, hangUp, json, redirect, startEndpoint, status, text } from "./support/endpoint.ts";
import { introspectingVerifier } from "./support/introspecting-verifier.ts";
import { type Outcome, outcomeOf, rejectionOf } from "./support/outcome.ts";
import { client, seconds, startIssuer, startIssuerInTest, thief } from "./support/verification.ts";

const issuer = await startIssuer();
const verifier = introspectingVerifier(issuer);
const bound = { boundTo: client };
const token = await issuer.opaqueToken(bound);
const good = { active: true, aud: issuer.audience, cnf: { "x5t#S256": client.thumbprint } };

const verified = (accessToken: string, by = verifier, identity = client) =>
  outcomeOf(by.verify(accessToken, { clientCertificate: identity.certificate }));

describe("the introspection response", () => {
  const outcomeFor = async (response: object): Promise<Outcome> => {
    const fresh = await issuer.opaqueToken(bound);
    issuer.introspectAs(fresh, { ...response });
    return verified(fresh);
  };

  test("needs only active, aud and cnf", async () => {
    expect(await outcomeFor(good)).toBe("accepted");
    expect(await outcomeFor({ ...good, cnf: undefined })).toBe("ERR_BINDING_REQUIRED");
    expect(await outcomeFor({ ...good, aud: undefined })).toBe("ERR_TOKEN_AUDIENCE");
  });

  test.each<[unknown, Outcome]>([
    [true, "accepted"],
    [false, "ERR_TOKEN_INACTIVE"],
    ...["true", "false", "", 1, 0, null, undefined, [], [true], {}].map((active): [unknown, Outcome] => [
      active,
      "ERR_INTROSPECTION_UNAVAILABLE",
    ]),
  ])("is accepted only if active is true, here %j", async (active, expected) => {
    expect(await outcomeFor({ ...good, active })).toBe(expected);
    const elsewhere = JSON.parse('{"ACTIVE":true,"__proto__":{"active":true}}') as object;
    expect(await outcomeFor({ ...good, active, ...elsewhere })).toBe(expected);
  });

  test.each(["iss", "sub", "client_id", "jti", "scope", "exp", "nbf", "iat", "token_type", "username", "acr"])(
    "may have null as %s, which counts as absent and is omitted from the claims",
    async (name) => {
      const fresh = await issuer.opaqueToken(bound);
      issuer.introspectAs(fresh, { ...good, [name]: null });
      const { claims } = await verifier.verify(fresh, { clientCertificate: client.certificate });
      expect(claims).toEqual(good);
      expect(Object.isFrozen(claims)).toBe(true);
      expect(await outcomeFor({ ...good, [name]: false })).toMatch(
        /^(?:username|acr)$/.test(name) ? "accepted" : /^ERR_TOKEN/,
      );
    },
  );

  test("is rejected with null as active, aud or cnf, and keeps null inside of other members", async () => {
    expect(await outcomeFor({ ...good, active: null })).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(await outcomeFor({ ...good, aud: null })).toBe("ERR_TOKEN_AUDIENCE");
    expect(await outcomeFor({ ...good, cnf: null })).toBe("ERR_BINDING_MALFORMED");
    expect(await outcomeFor({ ...good, scope: ["read", null] })).toBe("ERR_TOKEN_CLAIM");
    const anyApi = introspectingVerifier(issuer, {}, { audience: null });
    const fresh = await issuer.opaqueToken(bound);
    issuer.introspectAs(fresh, { ...good, aud: null, extra: { deep: null } });
    expect(await verified(fresh, anyApi)).toBe("ERR_TOKEN_CLAIM");
    issuer.introspectAs(fresh, { ...good, extra: { deep: null } });
    const { claims } = await introspectingVerifier(issuer).verify(fresh, { clientCertificate: client.certificate });
    expect(claims["extra"]).toEqual({ deep: null });
  });

  test("is rejected with null as iat if maxTokenAge is set", async () => {
    const recent = introspectingVerifier(issuer, { cacheDuration: 0 }, { maxTokenAge: 60 });
    const fresh = await issuer.opaqueToken(bound);
    issuer.introspectAs(fresh, { ...good, iat: null });
    expect(await verified(fresh, recent)).toBe("ERR_TOKEN_CLAIM");
    issuer.introspectAs(fresh, { ...good, iat: seconds });
    expect(await verified(fresh, recent)).toBe("accepted");
  });

  test("is inactive for a token that was revoked, has expired, or is from another issuer", async () => {
    const other = await startIssuerInTest();
    const revoked = await issuer.opaqueToken(bound);
    issuer.revoke(revoked);
    expect(await verified(revoked)).toBe("ERR_TOKEN_INACTIVE");
    expect(await verified(await issuer.opaqueToken({ ...bound, expiresIn: -1 }))).toBe("ERR_TOKEN_INACTIVE");
    expect(await verified(await other.opaqueToken(bound))).toBe("ERR_TOKEN_INACTIVE");
    expect(await verified("guessed")).toBe("ERR_TOKEN_INACTIVE");
  });

  test("may omit aud if the audience option is null", async () => {
    const fresh = await issuer.opaqueToken({ boundTo: client, claims: { aud: undefined } });
    expect(await verified(fresh)).toBe("ERR_TOKEN_AUDIENCE");
    const anyApi = introspectingVerifier(issuer, {}, { audience: null });
    expect(await verified(fresh, anyApi)).toBe("accepted");
    expect(await verified(fresh, anyApi, thief)).toBe("ERR_BINDING_MISMATCH");
  });

  test.each<[string, Responder, sent?: number]>([
    ["an error page", status(500, good)],
    ["a rejection of this API", status(401, good)],
    ["a forbidden request", status(403, good)],
    ["a created resource", status(201, good)],
    ["no content", (response) => void response.writeHead(204).end()],
    ["an empty body", text("", "application/json")],
    ["HTML", text(`<pre>${JSON.stringify(good)}</pre>`, "text/html")],
    ["half of a document", text(JSON.stringify(good).slice(0, -1), "application/json")],
    ["a list", json([good])],
    ["the literal true", json(true)],
    ["a document in a document", json({ token_introspection: good })],
    ["a redirect to a valid response", redirect(issuer.introspectionEndpoint.href, 307)],
    ["a closed connection", hangUp, 2],
  ])("causes a 503 with Retry-After if it is %s", async (_name, responder, sent = 1) => {
    const { url, requests, respondWith: change } = await startEndpoint(json(good));
    const remote = introspectingVerifier(issuer, { endpoint: `${url}/introspect`, cacheDuration: 0 });
    expect(await verified(token, remote)).toBe("accepted");
    change(responder);
    const error = await rejectionOf(remote.verify(token, { clientCertificate: client.certificate }));
    expect(error.code).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(error.retryAfter).toBeGreaterThan(0);
    expect(requests).toHaveLength(1 + sent);
  });

  test("is cached while the issuer is unavailable, and requested again later", async () => {
    const { url, close, respondWith } = await startEndpoint(json(good));
    const remote = introspectingVerifier(issuer, { endpoint: `${url}/introspect` });
    respondWith(status(503, {}));
    expect(await verified(token, remote)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    respondWith(json(good));
    expect(await verified(token, remote)).toBe("accepted");
    await close();
    expect(await verified(token, remote)).toBe("accepted");
    expect(await verified("another", remote)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
  });
});

describe("any JSON as the introspection response", () => {
  const binding = { "x5t#S256": client.thumbprint };
  /** Mostly a usual value, so that every check is reached. */
  const mostly = (usual: fc.Arbitrary<unknown>) =>
    fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: fc.jsonValue() });
  const time = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: seconds - 10, max: seconds + 10 }) },
    fc.double({ noNaN: true }),
  );
  const name = fc.oneof(fc.string(), fc.constantFrom("client-1", ""));
  const audience = fc.constantFrom<unknown>(issuer.audience, [issuer.audience], ["x", issuer.audience], ["x"], "x", []);
  const confirmation = fc.constantFrom<unknown>(
    binding,
    binding,
    { ...binding, kid: "1" },
    { ...binding, jkt: "a" },
    { "x5t#S256": thief.thumbprint },
    { "X5T#S256": client.thumbprint },
  );

  const likely = fc.record(
    {
      active: mostly(fc.constantFrom(true, true, true, true, false)),
      aud: mostly(fc.oneof({ weight: 4, arbitrary: fc.constant(issuer.audience) }, audience)),
      cnf: mostly(fc.oneof({ weight: 2, arbitrary: fc.constant(binding) }, confirmation)),
      exp: mostly(time),
      nbf: mostly(fc.oneof(time, fc.constant(seconds - 60))),
      iat: mostly(time),
      iss: mostly(fc.oneof({ weight: 6, arbitrary: fc.constant(issuer.issuer) }, fc.webUrl())),
      token_type: mostly(fc.constantFrom("Bearer", "bearer", "BEARER", "mtls_pop", "access_token", "refresh_token")),
      sub: mostly(name),
      client_id: mostly(name),
      jti: mostly(name),
      scope: mostly(fc.oneof(fc.string(), fc.array(fc.string()))),
      __proto__: fc.jsonValue(),
      extra: fc.jsonValue(),
    },
    { requiredKeys: ["active", "aud", "cnf"] },
  );

  const isText = (value: unknown) => typeof value === "string";
  const isList = (value: unknown) => Array.isArray(value) && value.every(isText);
  const isTime = (value: unknown) => typeof value === "number" && Math.abs(value) < 253_402_300_800;

  /** Returns whether a response meets RFC 7662 section 2.2 and RFC 8705 section 3.2 for this client, API and time. */
  function mayBeAccepted(response: unknown): boolean {
    if (typeof response !== "object" || response === null || Array.isArray(response)) return false;
    const members = Object.entries(response);
    const present = new Map<string, unknown>(
      members.filter(([member, value]) => value !== null || ["active", "aud", "cnf"].includes(member)),
    );
    const absentOr = (member: string, accepts: (value: unknown) => boolean) =>
      !present.has(member) || accepts(present.get(member));
    const cnf = new Map<string, unknown>(Object.entries(Object(present.get("cnf"))));
    return (
      present.get("active") === true &&
      [present.get("aud")].flat().includes(issuer.audience) &&
      (isText(present.get("aud")) || isList(present.get("aud"))) &&
      cnf.get("x5t#S256") === client.thumbprint &&
      !cnf.has("jkt") &&
      absentOr("token_type", (type) => ["bearer", "mtls_pop", "access_token"].includes(String(type).toLowerCase())) &&
      absentOr("token_type", isText) &&
      absentOr("iss", (iss) => iss === issuer.issuer) &&
      absentOr("exp", (exp) => isTime(exp) && Number(exp) > seconds - 5) &&
      absentOr("nbf", (nbf) => isTime(nbf) && Number(nbf) <= seconds + 5) &&
      absentOr("iat", isTime) &&
      ["sub", "client_id", "jti"].every((member) => absentOr(member, isText)) &&
      absentOr("scope", (scope) => isText(scope) || isList(scope))
    );
  }

  /** Expects the right outcome for each response, and returns all outcomes. */
  async function outcomesFor(responses: fc.Arbitrary<unknown>, runs: fc.Parameters<[unknown]>): Promise<Set<Outcome>> {
    const { url, respondWith: change } = await startEndpoint(json({}));
    const introspecting = introspectingVerifier(issuer, { endpoint: `${url}/introspect`, cacheDuration: 0 });
    const outcomes = new Set<Outcome>();
    const property = fc.asyncProperty(responses, async (response) => {
      const document = JSON.stringify(response);
      change(text(document, "application/json"));
      // Any error except an AccessTokenError fails the test.
      const outcome = await verified(token, introspecting);
      expect(outcome).toMatch(mayBeAccepted(JSON.parse(document)) ? "accepted" : /^ERR_(TOKEN|BINDING|INTROSPECTION)_/);
      outcomes.add(outcome);
    });
    await fc.assert(property, runs);
    return outcomes;
  }

  test("with usual members is accepted exactly if the RFCs allow it, and otherwise rejected with a code", async () => {
    const outcomes = await outcomesFor(likely, { seed: 1, numRuns: 700 });
    // Ensures that the test covers every possible outcome.
    const all: readonly Outcome[] = [
      "accepted",
      "ERR_INTROSPECTION_UNAVAILABLE",
      "ERR_TOKEN_INACTIVE",
      "ERR_TOKEN_TYPE",
      "ERR_TOKEN_ISSUER",
      "ERR_TOKEN_AUDIENCE",
      "ERR_TOKEN_EXPIRED",
      "ERR_TOKEN_NOT_YET_VALID",
      "ERR_TOKEN_CLAIM",
      "ERR_BINDING_MISMATCH",
      "ERR_BINDING_MALFORMED",
      "ERR_BINDING_UNSUPPORTED",
    ];
    expect(outcomes).toEqual(new Set(all));
  });

  test("with other content causes a 503", async () => {
    const anything = fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()));
    const outcomes = await outcomesFor(anything, { seed: 2, numRuns: 200 });
    expect(outcomes).toEqual(new Set(["ERR_INTROSPECTION_UNAVAILABLE"]));
  });

  test("may be nested to any depth, but is then too long for the shared cache (D-05)", async () => {
    const nested = (cnf: object) => {
      const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
      return text(`${JSON.stringify({ ...good, cnf }).slice(0, -1)},"deep":${deep}}`, "application/json");
    };
    const { url, respondWith } = await startEndpoint(nested(binding));
    const store = vi.fn<() => Promise<void>>();
    const stored = new Promise<void>((resolve) => void store.mockImplementation(async () => resolve()));
    const sharing = { cache: { get: async () => undefined, set: store }, cacheKey: "k".repeat(32) };
    const introspecting = introspectingVerifier(issuer, { endpoint: `${url}/introspect`, ...sharing });
    // Whether JSON.stringify can write such a response, so that it is cached, depends on the version of Node.js.
    expect(await verified("first", introspecting)).toBe("accepted");
    expect(await verified("first", introspecting)).toBe("accepted");
    respondWith(nested({ "x5t#S256": thief.thumbprint }));
    expect(await verified("second", introspecting)).toBe("ERR_BINDING_MISMATCH");
    respondWith(json(good));
    expect(await verified("third", introspecting)).toBe("accepted");
    await stored;
    expect(store).toHaveBeenCalledOnce();
  });
});
