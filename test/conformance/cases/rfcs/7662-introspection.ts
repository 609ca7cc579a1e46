import { expect } from "vitest";
import { verifierOf, verifyAs } from "../../verification.ts";
import { type Api, type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import { type Responder, json, startIssuerEndpoint } from "../../issuer-endpoint.ts";
import { useFakeTime } from "../../fake-time.ts";
import { AUDIENCE, ISSUER, NOW, type Scene } from "../../scene.ts";

const CREDENTIALS = { clientId: "api", clientSecret: "a secret of the api" };

const introspecting: Api = {
  verifier: ({ remote }) => ({ issuer: remote.issuer, jwks: undefined, introspection: remote.introspectionClient }),
};

/** Returns an opaque token whose introspection response is valid apart from the differences. */
function introspectedAs(differences: object = {}): Attempt {
  return {
    async token({ remote, own }) {
      const token = await remote.opaqueToken();
      const cnf = { "x5t#S256": own.thumbprint };
      const times = { iat: NOW, nbf: NOW, exp: NOW + 300 };
      remote.introspectAs(token, { active: true, iss: remote.issuer, aud: AUDIENCE, cnf, ...times, ...differences });
      return token;
    },
  };
}

/** Responds that every token is active, and bound to the client of the scene. */
function activeFor({ own }: Scene, more: object = {}): Responder {
  return json({ active: true, aud: AUDIENCE, cnf: { "x5t#S256": own.thumbprint }, ...more });
}

export const cases: readonly ConformanceCase[] = [
  conforms("7662-01", "introspects by POST, with the token in the form only", async ({ scene }) => {
    const issuer = await startIssuerEndpoint((response, request) => {
      const isActive = new URLSearchParams(request.body).get("token") === "a+b/c==";
      (isActive ? activeFor(scene) : json({ active: false }))(response, request);
    });
    const introspection = { ...CREDENTIALS, endpoint: `${issuer.url}/introspect?tenant=1` };
    const verifier = verifierOf({ jwks: scene.jwks, introspection });
    expect(await verifyAs(scene.own, verifier, "a+b/c==")).toBe("accepted");
    expect(await verifyAs(scene.own, verifier, "a-b-c")).toBe("ERR_TOKEN_INACTIVE");
    for (const [index, token] of ["a+b/c==", "a-b-c"].entries()) {
      const { method, path, headers, body } = issuer.requests[index] ?? {};
      expect({ method, path }).toEqual({ method: "POST", path: "/introspect?tenant=1" });
      expect(headers?.["content-type"]).toMatch(/^application\/x-www-form-urlencoded(?:;|$)/);
      expect(new URLSearchParams(body).getAll("token")).toEqual([token]);
    }
  }),
  conforms(
    "7662-02",
    "sends no request to a server without a trusted certificate for the endpoint",
    async ({ scene }) => {
      const { ca, own, other } = scene;
      const serve = async (names: readonly string[] | undefined) => {
        const identity = await ca.issueServerCertificate(names && { subjectAlternativeNames: names });
        return startIssuerEndpoint(activeFor(scene), { cert: identity.certificate, key: identity.key });
      };
      const [valid, otherHost] = await Promise.all([serve(undefined), serve(["DNS:issuer.example"])]);
      const introspect = (endpoint: string, trustedCa: string) => {
        const clientTls = { cert: own.certificate, key: own.key, ca: trustedCa };
        const introspection = { clientId: "api", endpoint, clientTls };
        return verifyAs(own, verifierOf({ jwks: scene.jwks, introspection }), "opaque");
      };
      expect(await introspect(valid.url, ca.certificate)).toBe("accepted");
      expect(await introspect(otherHost.url, ca.certificate)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
      expect(await introspect(valid.url, other.certificate)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
      const plain = { ...CREDENTIALS, endpoint: valid.url };
      const outcome = await verifyAs(own, verifierOf({ jwks: scene.jwks, introspection: plain }), "opaque");
      expect(outcome).toBe("ERR_INTROSPECTION_UNAVAILABLE");
      expect([valid.requests.length, otherHost.requests.length]).toEqual([1, 0]);
    },
  ),
  conforms(
    "7662-02",
    "authenticates itself, and rejects the token if its credentials are not accepted",
    async ({ scene }) => {
      const { own, remote } = scene;
      const token = await remote.opaqueToken({ boundTo: own });
      const introspectWith = (clientSecret: string) => {
        const introspection = { clientId: remote.introspectionClient.clientId, clientSecret };
        return verifyAs(own, verifierOf({ issuer: remote.issuer, introspection }), token);
      };
      expect(await introspectWith(remote.introspectionClient.clientSecret)).toBe("accepted");
      expect(await introspectWith("another secret")).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    },
  ),
  conforms("7662-02", "does not accept options without TLS or credentials", async ({ scene }) => {
    const options = (introspection: object) => ({
      jwks: scene.jwks,
      introspection: { endpoint: "https://issuer.example/introspect", ...CREDENTIALS, ...introspection },
    });
    expect(() => verifierOf(options({}))).not.toThrow();
    expect(() => verifierOf(options({ endpoint: "http://issuer.example/introspect" }))).toThrow(TypeError);
    expect(() => verifierOf(options({ clientSecret: undefined }))).toThrow(TypeError);
    expect(() => verifierOf(options({ clientSecret: "" }))).toThrow(TypeError);
  }),
  rejects("7662-03", "a token that is not active", {
    api: introspecting,
    accepted: introspectedAs({ active: true }),
    rejected: introspectedAs({ active: false }),
    code: "ERR_TOKEN_INACTIVE",
  }),
  ...["true", 1, null, {}, [true], undefined].map((active) =>
    rejects("7662-03", `a token whose active is ${JSON.stringify(active) ?? "missing"}`, {
      api: introspecting,
      accepted: introspectedAs({ active: true }),
      rejected: introspectedAs({ active }),
      // An invalid introspection response does not decide about the token.
      code: "ERR_INTROSPECTION_UNAVAILABLE",
    }),
  ),
  conforms("7662-04", "does not use a cached response after its exp", async ({ scene }) => {
    const { clock, advance } = useFakeTime();
    const issuer = await startIssuerEndpoint(activeFor(scene, { exp: NOW + 10 }));
    const introspection = { ...CREDENTIALS, endpoint: issuer.url, cacheDuration: 3600 };
    const verifier = verifierOf({ jwks: scene.jwks, clock, clockTolerance: 0, introspection });
    const verify = () => verifyAs(scene.own, verifier, "opaque");
    expect(await verify()).toBe("accepted");
    advance(9);
    expect(await verify()).toBe("accepted");
    expect(issuer.requests.length).toBe(1);
    advance(1);
    expect(await verify()).toBe("ERR_TOKEN_EXPIRED");
  }),
  conforms("7662-04", "introspects again after 30 seconds, and then rejects a revoked token", async ({ scene }) => {
    const { clock, advance } = useFakeTime();
    const issuer = await startIssuerEndpoint(activeFor(scene));
    const introspection = { ...CREDENTIALS, endpoint: issuer.url };
    const verifier = verifierOf({ jwks: scene.jwks, clock, introspection });
    const verify = () => verifyAs(scene.own, verifier, "opaque");
    expect(await verify()).toBe("accepted");
    issuer.respondWith(json({ active: false }));
    advance(29);
    expect([await verify(), issuer.requests.length]).toEqual(["accepted", 1]);
    advance(2);
    expect([await verify(), issuer.requests.length]).toEqual(["ERR_TOKEN_INACTIVE", 2]);
    const tooLong = { jwks: scene.jwks, introspection: { ...introspection, cacheDuration: 3601 } };
    expect(() => verifierOf(tooLong)).toThrow(TypeError);
  }),
  ...(
    [
      ["of another issuer", { iss: ISSUER }, "ERR_TOKEN_ISSUER"],
      ["whose iss is a list", { iss: [ISSUER] }, "ERR_TOKEN_ISSUER"],
      ["for another API", { aud: "https://other-api.example" }, "ERR_TOKEN_AUDIENCE"],
      ["without an audience", { aud: undefined }, "ERR_TOKEN_AUDIENCE"],
      ["that has expired", { exp: NOW - 60 }, "ERR_TOKEN_EXPIRED"],
      ["whose exp is a string", { exp: String(NOW + 300) }, "ERR_TOKEN_CLAIM"],
      ["that is not valid yet", { nbf: NOW + 60 }, "ERR_TOKEN_NOT_YET_VALID"],
      ["whose sub is not a string", { sub: 1 }, "ERR_TOKEN_CLAIM"],
    ] as const
  ).map(([name, differences, code]) =>
    rejects("7662-06", `an active token ${name}`, {
      api: introspecting,
      accepted: introspectedAs(),
      rejected: introspectedAs(differences),
      code,
    }),
  ),
];
