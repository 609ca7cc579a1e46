import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AccessTokenError } from "../src/errors.ts";
import { createVerifier, partsOf } from "../src/verifier.ts";
import type { VerifyOptions } from "../src/requirements.ts";
import { supported } from "./support/algorithms.ts";
import { startEndpoint, status } from "./support/endpoint.ts";
import { outcomeOf, reasonOf, rejectionOf } from "./support/outcome.ts";
import { client, now, seconds, startIssuer, startIssuerInTest, thief, verifierOf } from "./support/verification.ts";

const issuer = await startIssuer();
const verifier = verifierOf(issuer);
const token = await issuer.accessToken({ boundTo: client, claims: { nested: { list: [{ deep: true }] } } });
const unbound = await issuer.accessToken();

const verified = (accessToken: string, options: Partial<VerifyOptions> = {}) =>
  outcomeOf(verifier.verify(accessToken, { clientCertificate: client.certificate, ...options }));

describe("a bound token", () => {
  test("is accepted only from the client that it was issued to (M-01)", async () => {
    expect(await verified(token)).toBe("accepted");
    expect(await verified(token, { clientCertificate: thief.certificate })).toBe("ERR_BINDING_MISMATCH");
  });

  test("is rejected without the note on the unverified signature if it was accepted before", async () => {
    expect(await verified(token)).toBe("accepted");
    const { detail } = await rejectionOf(verifier.verify(token, { clientCertificate: thief.certificate }));
    expect(detail).toMatch(/thumbprint does not match/);
    expect(detail).not.toMatch(/not verified/);
  });

  test("is rejected without a certificate (M-03)", async () => {
    for (const clientCertificate of [null, "", new Uint8Array()]) {
      expect(await verified(token, { clientCertificate })).toBe("ERR_CERTIFICATE_MISSING");
    }
  });

  test("causes a TypeError if the application's clock fails, whether it is cached or new", async () => {
    let time = () => now;
    const careless = verifierOf(issuer, { clock: () => time() });
    const check = () => outcomeOf(careless.verify(token, { clientCertificate: client.certificate }));
    const failing = () => {
      throw new Error("no battery");
    };
    time = failing;
    await expect(check()).rejects.toThrow(TypeError);
    time = () => now;
    expect(await check()).toBe("accepted");
    time = failing;
    await expect(check()).rejects.toThrow(TypeError);
  });

  test("is rejected with the error that replaces the certificate", async () => {
    const reason = new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED", { detail: "the proxy is unknown" });
    const error = await rejectionOf(verifier.verify(token, { clientCertificate: reason }));
    expect(error).toMatchObject({ code: "ERR_CERTIFICATE_UNTRUSTED", detail: "the proxy is unknown" });
  });

  test("has its claims, and the certificate that it is bound to", async () => {
    const accessToken = await verifier.verify(token, { clientCertificate: client.certificate });
    expect(accessToken).toMatchObject({
      format: "jwt",
      binding: "verified",
      claims: {
        iss: issuer.issuer,
        aud: issuer.audience,
        sub: "client-1",
        scope: "read",
        exp: seconds + 300,
        cnf: { "x5t#S256": client.thumbprint },
        nested: { list: [{ deep: true }] },
      },
      clientCertificate: { thumbprint: client.thumbprint },
    });
    expect(accessToken.clientCertificate?.x509?.raw.equals(client.der)).toBe(true);
  });

  test("has claims that cannot be changed, at any depth", async () => {
    const accessToken = await verifier.verify(token, { clientCertificate: client.certificate });
    const { claims } = accessToken;
    const { list } = claims["nested"] as { list: object[] };
    for (const part of [accessToken, claims, claims.cnf, claims["nested"], list, list[0]]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(() => Object.assign(claims, { sub: "admin" })).toThrow(TypeError);
    expect(() => list.push({})).toThrow(TypeError);
  });

  test("may be nested to any depth (D-05)", async () => {
    const deep: unknown = JSON.parse(`${"[".repeat(4000)}${"]".repeat(4000)}`);
    expect(await verified(await issuer.accessToken({ boundTo: client, claims: { deep } }))).toBe("accepted");
  });

  test("is accepted with bytes, an X509Certificate or a thumbprint as well", async () => {
    const { der, thumbprint } = client;
    for (const clientCertificate of [der, new X509Certificate(der), { thumbprint }]) {
      expect(await verified(token, { clientCertificate })).toBe("accepted");
    }
    expect(await verified(token, { clientCertificate: { thumbprint: thief.thumbprint } })).toBe("ERR_BINDING_MISMATCH");
  });
});

describe("an unbound token", () => {
  test("is rejected (M-02)", async () => {
    expect(await verified(unbound)).toBe("ERR_BINDING_REQUIRED");
    expect(await verified(unbound, { validateCertificateBinding: true })).toBe("ERR_BINDING_REQUIRED");
  });

  test('is accepted under "when-bound", with or without a certificate, which proves nothing about it', async () => {
    const mode = { validateCertificateBinding: "when-bound" } as const;
    const accessToken = await verifier.verify(unbound, { clientCertificate: client.certificate, ...mode });
    expect(accessToken).toMatchObject({ binding: "unbound", presentedCertificate: { thumbprint: client.thumbprint } });
    expect(accessToken.clientCertificate).toBeUndefined();
    expect(await verified(unbound, { clientCertificate: null, ...mode })).toBe("accepted");
  });

  test('does not weaken the check of bound tokens under "when-bound"', async () => {
    const mode = { validateCertificateBinding: "when-bound" } as const;
    expect(await verified(token, mode)).toBe("accepted");
    expect(await verified(token, { clientCertificate: null, ...mode })).toBe("ERR_CERTIFICATE_MISSING");
    expect(await verified(token, { clientCertificate: thief.der, ...mode })).toBe("ERR_BINDING_MISMATCH");
    const dpop = await issuer.accessToken({ claims: { cnf: { jkt: "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" } } });
    expect(await verified(dpop, mode)).toBe("ERR_BINDING_UNSUPPORTED");
  });

  test('is reported but not rejected under "report-only", like a stolen token', async () => {
    const mode = { validateCertificateBinding: "report-only" } as const;
    const reported = async (accessToken: string, clientCertificate: string | null) => {
      const result = await verifier.verify(accessToken, { clientCertificate, ...mode });
      return result.binding === "rejected" ? result.bindingError.code : result.binding;
    };
    expect(await reported(token, client.certificate)).toBe("verified");
    expect(await reported(token, thief.certificate)).toBe("ERR_BINDING_MISMATCH");
    expect(await reported(token, null)).toBe("ERR_CERTIFICATE_MISSING");
    expect(await reported(token, "x")).toBe("ERR_CERTIFICATE_MALFORMED");
    expect(await reported(unbound, client.certificate)).toBe("ERR_BINDING_REQUIRED");
  });

  test.each(["when-bound", "report-only"] as const)("must be at+jwt under %j (H-03)", async (mode) => {
    for (const typ of ["JWT", undefined]) {
      const generic = await issuer.accessToken({ boundTo: client, header: { typ } });
      expect(await verified(generic)).toBe("accepted");
      expect(await verified(generic, { validateCertificateBinding: mode })).toBe("ERR_TOKEN_TYPE");
    }
  });
});

describe("requirements", () => {
  test("are checked for a verified token", async () => {
    expect(await verified(token, { scopes: ["read"] })).toBe("accepted");
    expect(await verified(token, { scopes: ["admin"] })).toBe("ERR_SCOPE_INSUFFICIENT");
    expect(await verified(token, { acrValues: ["gold"] })).toBe("ERR_AUTHENTICATION_INSUFFICIENT");
    expect(await verified(token, { authorize: ({ binding }) => binding === "verified" })).toBe("accepted");
    expect(await verified(token, { authorize: ({ binding }) => binding !== "verified" })).toBe("ERR_ACCESS_DENIED");
  });

  test('are also checked under "report-only"', async () => {
    const mode = { validateCertificateBinding: "report-only", clientCertificate: null } as const;
    expect(await verified(token, { ...mode, scopes: ["read"] })).toBe("accepted");
    expect(await verified(token, { ...mode, scopes: ["admin"] })).toBe("ERR_SCOPE_INSUFFICIENT");
  });
});

describe("the arguments", () => {
  test.each<[string, unknown, RegExp]>([
    ["missing options", undefined, /options/],
    ["null", null, /options/],
    ["a missing clientCertificate", {}, /"clientCertificate" is missing/],
    ["clientCertificate undefined", { clientCertificate: undefined }, /"clientCertificate"/],
    ["a number as clientCertificate", { clientCertificate: 5 }, /"clientCertificate"/],
    ["false as clientCertificate", { clientCertificate: false }, /"clientCertificate"/],
    ["a list as clientCertificate", { clientCertificate: [client.certificate] }, /"clientCertificate"/],
    ["a function as clientCertificate", { clientCertificate: () => client.certificate }, /"clientCertificate"/],
    ["an error of the token", { clientCertificate: new AccessTokenError("ERR_TOKEN_MISSING") }, /"clientCertificate"/],
    ["any object as clientCertificate", { clientCertificate: {} }, /client certificate/],
    [
      "a promise as clientCertificate",
      { clientCertificate: Promise.resolve(client.certificate) },
      /client certificate/,
    ],
    ["a thumbprint that is a number", { clientCertificate: { thumbprint: 5 } }, /thumbprint/],
    ["any error as clientCertificate", { clientCertificate: new Error("x") }, /client certificate/],
    ["an unknown option", { clientCertificate: null, scope: ["read"] }, /"scope"/],
    ["a requirement that is undefined", { clientCertificate: null, scopes: undefined }, /"scopes"/],
    ["a binding switched off", { clientCertificate: null, validateCertificateBinding: false }, /"validateCert/],
  ])("with %s cause a TypeError that names the option", async (_name, options, message) => {
    const reason = await reasonOf(verifier.verify(token, options as never));
    expect(reason).toBeInstanceOf(TypeError);
    expect(String(reason)).toMatch(message);
  });

  test.each([undefined, null, 5, {}, Buffer.from(token)])("must have a string as token", async (accessToken) => {
    const reason = await reasonOf(verifier.verify(accessToken as never, { clientCertificate: client.certificate }));
    expect(reason).toBeInstanceOf(TypeError);
    expect(String(reason)).toMatch(/access token must be a string/);
  });
});

describe("the clock", () => {
  test("is read for every verification", async () => {
    let time = now;
    const ageing = verifierOf(issuer, { clock: () => time });
    const check = () => outcomeOf(ageing.verify(token, { clientCertificate: client.certificate }));
    expect(await check()).toBe("accepted");
    time += 304_999;
    expect(await check()).toBe("accepted");
    time += 1;
    expect(await check()).toBe("ERR_TOKEN_EXPIRED");
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, undefined, "a string"])(
    "that returns %s causes a TypeError",
    async (time) => {
      const broken = verifierOf(issuer, { clock: () => time as number });
      const reason = await reasonOf(broken.verify(token, { clientCertificate: client.certificate }));
      expect(reason).toBeInstanceOf(TypeError);
      expect(reason).not.toBeInstanceOf(AccessTokenError);
    },
  );
});

describe("the algorithm", async () => {
  const several = await startIssuer({ algorithms: [...supported] });

  test.each([...supported])("%s is accepted by default", async (algorithm) => {
    const accessToken = await several.accessToken({ boundTo: client, algorithm });
    const verify = (options = {}) =>
      outcomeOf(verifierOf(several, options).verify(accessToken, { clientCertificate: client.certificate }));
    expect(await verify()).toBe("accepted");
    expect(await verify({ algorithms: [algorithm] })).toBe("accepted");
    expect(await verify({ algorithms: [algorithm === "ES256" ? "RS256" : "ES256"] })).toBe("ERR_TOKEN_ALGORITHM");
  });

  test("that Node.js does not support is rejected like an unknown key", async () => {
    const jwks = { keys: [...several.jwks.keys, { kty: "AKP", alg: "ML-DSA-44", pub: "AAAA", kid: "lattice" }] };
    const header = { alg: "ML-DSA-44", kid: "lattice" };
    const accessToken = await several.accessToken({ boundTo: client, header });
    const verifying = verifierOf(several, { jwks }).verify(accessToken, { clientCertificate: client.certificate });
    expect(await outcomeOf(verifying)).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });
});

describe("several issuers", async () => {
  const [first, second] = await Promise.all([startIssuer(), startIssuer({ algorithms: ["RS256"] })]);
  const [{ kid: firstKid = "" } = {}] = first.jwks.keys;
  const both = createVerifier({
    issuer: [
      { issuer: first.issuer, jwks: first.jwks },
      { issuer: second.issuer, jwks: second.jwks, audience: "https://second.example", algorithms: ["RS256"] },
    ],
    audience: first.audience,
    clock: () => now,
  });
  const verifyBoth = (accessToken: string) =>
    outcomeOf(both.verify(accessToken, { clientCertificate: client.certificate }));

  test("have their tokens checked with their respective keys, audience and algorithms (K-06)", async () => {
    expect(await verifyBoth(await first.accessToken({ boundTo: client }))).toBe("accepted");
    expect(await verifyBoth(await second.accessToken({ boundTo: client }))).toBe("ERR_TOKEN_AUDIENCE");
    const right = { aud: "https://second.example" };
    expect(await verifyBoth(await second.accessToken({ boundTo: client, claims: right }))).toBe("accepted");
    const impersonating = { ...right, iss: second.issuer };
    expect(await verifyBoth(await first.accessToken({ boundTo: client, claims: impersonating }))).toBe(
      "ERR_TOKEN_ALGORITHM",
    );
  });

  test("do not share keys, even with the same kid (K-06)", async () => {
    const third = await startIssuerInTest();
    const jwks = { keys: third.jwks.keys.map((key) => ({ ...key, kid: firstKid })) };
    const shared = createVerifier({
      issuer: [
        { issuer: first.issuer, jwks: first.jwks },
        { issuer: third.issuer, jwks },
      ],
      audience: null,
      clock: () => now,
    });
    const check = (accessToken: string) =>
      outcomeOf(shared.verify(accessToken, { clientCertificate: client.certificate }));
    const kid = { kid: firstKid };
    expect(await check(await third.accessToken({ boundTo: client, header: kid }))).toBe("accepted");
    const impersonating = { boundTo: client, header: kid, claims: { iss: first.issuer } };
    expect(await check(await third.accessToken(impersonating))).toBe("ERR_TOKEN_SIGNATURE");
  });

  test("have the tokens of all other issuers rejected", async () => {
    expect(await verifyBoth(await issuer.accessToken({ boundTo: client }))).toBe("ERR_TOKEN_ISSUER");
  });
});

describe("fetched keys", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const minute = 60_000;
  const fetching = async () => {
    const published = await startIssuerInTest();
    const remote = verifierOf(published, { jwks: undefined });
    const check = (accessToken: string) =>
      outcomeOf(remote.verify(accessToken, { clientCertificate: client.certificate }));
    return { published, remote, check };
  };

  test("are fetched once for 1000 simultaneous verifications (N-06)", async () => {
    const { published, check } = await fetching();
    const tokens = await Promise.all(Array.from({ length: 10 }, () => published.accessToken({ boundTo: client })));
    const outcomes = await Promise.all(Array.from({ length: 1000 }, (_, index) => check(tokens[index % 10] ?? "")));
    expect(new Set(outcomes)).toEqual(new Set(["accepted"]));
    expect(published.requests).toEqual(["/.well-known/oauth-authorization-server", "/jwks"]);
  });

  test("are fetched again after a rotation, which invalidates tokens of the old key (N-02, N-03)", async () => {
    const { published, check } = await fetching();
    const before = await published.accessToken({ boundTo: client });
    expect(await check(before)).toBe("accepted");
    await published.rotateKeys();
    const after = await published.accessToken({ boundTo: client });
    expect(await check(after)).toBe("ERR_TOKEN_KEY_UNKNOWN");
    vi.advanceTimersByTime(minute);
    expect(await check(after)).toBe("accepted");
    expect(await check(before)).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("are used during an outage, for a limited time (N-04)", async () => {
    const { published, check } = await fetching();
    const accessToken = await published.accessToken({ boundTo: client });
    expect(await check(accessToken)).toBe("accepted");
    await published.close();
    vi.advanceTimersByTime(30 * minute);
    expect(await check(accessToken)).toBe("accepted");
    vi.advanceTimersByTime(60 * minute);
    expect(await check(accessToken)).toBe("ERR_KEYS_UNAVAILABLE");
  });

  test("cause ERR_KEYS_UNAVAILABLE if they were never available", async () => {
    const { published, remote } = await fetching();
    const accessToken = await published.accessToken({ boundTo: client });
    await published.close();
    const error = await rejectionOf(remote.verify(accessToken, { clientCertificate: client.certificate }));
    expect(error.code).toBe("ERR_KEYS_UNAVAILABLE");
    expect(error.retryAfter).toBeGreaterThan(0);
  });

  test("are not fetched for a token that is rejected without them (I-06, N-01)", async () => {
    const { published, check } = await fetching();
    const cheap: readonly Parameters<typeof published.accessToken>[0][] = [
      { header: { alg: "HS256" } },
      { header: { typ: "dpop+jwt" } },
      { claims: { iss: "https://evil.example" } },
      { claims: { iss: `${published.issuer}/` } },
      { claims: { aud: "https://other.example" } },
      { expiresIn: -10 },
      { claims: { nbf: seconds + 60 } },
      { claims: { sub: 1 } },
      { boundTo: thief },
      { claims: { cnf: { jkt: "a" } } },
    ];
    for (const flaw of cheap) {
      expect(await check(await published.accessToken({ boundTo: client, ...flaw }))).toMatch(/^ERR_(TOKEN|BINDING)_/);
    }
    expect(published.requests).toEqual([]);
    expect(await check(await published.accessToken({ boundTo: client }))).toBe("accepted");
    expect(published.requests).not.toEqual([]);
  });
});

describe("ready", () => {
  test("fetches the keys of every issuer that publishes them", async () => {
    const [one, two] = await Promise.all([startIssuerInTest(), startIssuerInTest()]);
    const both = createVerifier({
      issuer: [{ issuer: one.issuer }, { issuer: two.issuer, jwks: two.jwksUri }],
      audience: null,
      clock: () => now,
    });
    await both.ready();
    expect(one.requests).toEqual(["/.well-known/oauth-authorization-server", "/jwks"]);
    expect(two.requests).toEqual(["/jwks"]);
    const accessToken = await one.accessToken({ boundTo: client });
    expect(await outcomeOf(both.verify(accessToken, { clientCertificate: client.certificate }))).toBe("accepted");
    expect(one.requests).toHaveLength(2);
  });

  test("fails if the keys of one of them are unavailable", async () => {
    const [one, broken] = await Promise.all([startIssuerInTest(), startEndpoint(status(500, {}))]);
    const both = createVerifier({ issuer: [{ issuer: one.issuer }, { issuer: broken.url }], audience: null });
    expect(await outcomeOf(both.ready())).toBe("ERR_KEYS_UNAVAILABLE");
  });

  test("sends no request if the keys are configured", async () => {
    const fetched = vi.fn<typeof fetch>();
    await verifierOf(issuer, { fetch: fetched }).ready();
    expect(fetched).not.toHaveBeenCalled();
  });
});

describe("createVerifier", () => {
  test("returns a frozen object that partsOf recognises", () => {
    expect(Object.isFrozen(verifier)).toBe(true);
    expect(partsOf(verifier)).toMatchObject({ verifiedTokens: expect.any(Object) });
    expect(partsOf({ ...verifier })).toBeUndefined();
    expect(partsOf(Object.create(verifier))).toBeUndefined();
  });

  test("throws a TypeError that names an invalid option", () => {
    expect(() => createVerifier({ issuer: "https://issuer.example" })).toThrow(/audience/);
    expect(() => verifierOf(issuer, { algorithms: ["HS256"] as never })).toThrow(/algorithms/);
    expect(() => verifierOf(issuer, { algorithms: ["none"] as never })).toThrow(TypeError);
    expect(() => verifierOf(issuer, { ignoreExpiration: true } as never)).toThrow(/ignoreExpiration/);
  });
});
