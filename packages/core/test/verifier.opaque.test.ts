import { tamperSignature } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { AccessTokenError } from "../src/errors.ts";
import type { VerifyOptions } from "../src/requirements.ts";
import { introspectingVerifier, timesAsked } from "./support/introspecting-verifier.ts";
import { type Outcome, outcomeOf, reasonOf } from "./support/outcome.ts";
import { client, seconds, startIssuer, thief, verifierOf } from "./support/verification.ts";

const issuer = await startIssuer();
const verifier = introspectingVerifier(issuer);
const promising = introspectingVerifier(issuer, { returnsConfirmation: true });

const bound = { boundTo: client, claims: { nested: { list: [{ deep: true }] } } };
const token = await issuer.opaqueToken(bound);
const unbound = await issuer.opaqueToken();

const verified = (accessToken: string, options: Partial<VerifyOptions> = {}, by = verifier) =>
  outcomeOf(by.verify(accessToken, { clientCertificate: client.certificate, ...options }));

/** How often the issuer is asked while something is done. */
async function asksDuring(action: () => Promise<unknown>): Promise<number> {
  const before = timesAsked(issuer);
  await action();
  return timesAsked(issuer) - before;
}

describe("an opaque token", () => {
  test("is accepted from the client that it was issued to, and from nobody else (M-01)", async () => {
    expect(await verified(token)).toBe("accepted");
    expect(await verified(token, { clientCertificate: thief.certificate })).toBe("ERR_BINDING_MISMATCH");
  });

  test("is rejected when it is bound to nothing (M-02)", async () => {
    expect(await verified(unbound)).toBe("ERR_BINDING_REQUIRED");
  });

  test("gives what the issuer says of it, and the certificate that it is bound to", async () => {
    const accessToken = await verifier.verify(token, { clientCertificate: client.certificate });
    expect(accessToken).toMatchObject({
      format: "opaque",
      binding: "verified",
      claims: { sub: "client-1", scope: "read", exp: seconds + 300, cnf: { "x5t#S256": client.thumbprint } },
      clientCertificate: { thumbprint: client.thumbprint },
    });
    expect(accessToken.clientCertificate?.x509?.raw.equals(client.der)).toBe(true);
  });

  test("is judged by what the route requires", async () => {
    expect(await verified(token, { scopes: ["read"] })).toBe("accepted");
    expect(await verified(token, { scopes: ["admin"] })).toBe("ERR_SCOPE_INSUFFICIENT");
    expect(await verified(token, { authorize: ({ format }) => format === "opaque" })).toBe("accepted");
    expect(await verified(token, { authorize: ({ format }) => format === "jwt" })).toBe("ERR_ACCESS_DENIED");
  });

  test("is rejected from another client even after the answer was cached, and the other way round", async () => {
    const fresh = await issuer.opaqueToken(bound);
    const asks = await asksDuring(async () => {
      const clients = [thief, client, thief, client];
      const outcomes = clients.map(({ der }) => verified(fresh, { clientCertificate: der }));
      const [stolen, own] = ["ERR_BINDING_MISMATCH", "accepted"];
      expect(await Promise.all(outcomes)).toEqual([stolen, own, stolen, own]);
      expect(await verified(fresh, { clientCertificate: thief.der })).toBe(stolen);
      expect(await verified(fresh)).toBe(own);
    });
    expect(asks).toBe(1);
  });

  test("gives claims that nobody can change for the next request, at any depth", async () => {
    for (const by of [verifier, introspectingVerifier(issuer, { cacheDuration: 0 })]) {
      const accessToken = await by.verify(token, { clientCertificate: client.certificate });
      const { claims } = accessToken;
      const { list } = claims["nested"] as { list: object[] };
      for (const part of [accessToken, claims, claims.cnf, claims["nested"], list, list[0]]) {
        expect(Object.isFrozen(part)).toBe(true);
      }
      expect(() => Object.assign(claims, { sub: "admin" })).toThrow(TypeError);
      expect(() => Object.assign(claims.cnf ?? {}, { "x5t#S256": thief.thumbprint })).toThrow(TypeError);
      expect(() => list.push({})).toThrow(TypeError);
      const next = await by.verify(token, { clientCertificate: client.certificate });
      expect(next.claims).toMatchObject({ sub: "client-1", nested: { list: [{ deep: true }] } });
    }
  });
});

describe("the certificate of the client", () => {
  const untrusted = new AccessTokenError("ERR_CERTIFICATE_UNTRUSTED");

  test.each<[Outcome, VerifyOptions["clientCertificate"]]>([
    ["ERR_CERTIFICATE_MISSING", null],
    ["ERR_CERTIFICATE_MISSING", ""],
    ["ERR_CERTIFICATE_MISSING", new Uint8Array()],
    ["ERR_CERTIFICATE_MALFORMED", "x"],
    ["ERR_CERTIFICATE_MALFORMED", client.der.subarray(1)],
    ["ERR_CERTIFICATE_UNTRUSTED", untrusted],
  ])("is looked at before anybody is asked: %s (M-03)", async (code, clientCertificate) => {
    const fresh = await issuer.opaqueToken(bound);
    expect(await asksDuring(async () => expect(await verified(fresh, { clientCertificate })).toBe(code))).toBe(0);
    expect(await asksDuring(async () => expect(await verified(fresh)).toBe("accepted"))).toBe(1);
  });

  test('counts only after the answer under "when-bound" and "report-only"', async () => {
    for (const validateCertificateBinding of ["when-bound", "report-only"] as const) {
      const fresh = await issuer.opaqueToken();
      const none = { clientCertificate: null, validateCertificateBinding };
      expect(await asksDuring(() => verified(fresh, none, promising))).toBe(1);
    }
  });
});

describe('a route that is "when-bound"', () => {
  const mode = { validateCertificateBinding: "when-bound" } as const;

  test("accepts a token that the issuer promises to be unbound, with or without a certificate", async () => {
    const use = { clientCertificate: client.certificate, ...mode };
    const accessToken = await promising.verify(unbound, use);
    expect(accessToken).toMatchObject({ binding: "unbound", presentedCertificate: { thumbprint: client.thumbprint } });
    expect(accessToken.clientCertificate).toBeUndefined();
    expect(await verified(unbound, { ...mode, clientCertificate: null }, promising)).toBe("accepted");
  });

  test("does not excuse a bound one", async () => {
    expect(await verified(token, mode, promising)).toBe("accepted");
    expect(await verified(token, { ...mode, clientCertificate: thief.der }, promising)).toBe("ERR_BINDING_MISMATCH");
    expect(await verified(token, { ...mode, clientCertificate: null }, promising)).toBe("ERR_CERTIFICATE_MISSING");
  });

  test("is a mistake without that promise, whatever the token is", async () => {
    for (const accessToken of [token, unbound, await issuer.accessToken({ boundTo: client })]) {
      const reason = await reasonOf(verifier.verify(accessToken, { clientCertificate: client.certificate, ...mode }));
      expect(reason).toBeInstanceOf(TypeError);
      expect(String(reason)).toMatch(/returnsConfirmation: true/);
    }
  });
});

test('a route that is "report-only" rejects nothing for its binding, and everything else', async () => {
  const reported = async (accessToken: string, clientCertificate: string | null) => {
    const use = { clientCertificate, validateCertificateBinding: "report-only" } as const;
    const result = await verifier.verify(accessToken, use);
    return result.binding === "rejected" ? result.bindingError.code : result.binding;
  };
  expect(await reported(token, client.certificate)).toBe("verified");
  expect(await reported(token, thief.certificate)).toBe("ERR_BINDING_MISMATCH");
  expect(await reported(token, null)).toBe("ERR_CERTIFICATE_MISSING");
  expect(await reported(token, "x")).toBe("ERR_CERTIFICATE_MALFORMED");
  expect(await reported(unbound, client.certificate)).toBe("ERR_BINDING_REQUIRED");
  const inactive = reported(await issuer.opaqueToken({ ...bound, expiresIn: -10 }), client.certificate);
  expect(await outcomeOf(inactive)).toBe("ERR_TOKEN_INACTIVE");
});

describe("nobody is asked", () => {
  const asked = (accessToken: string, by = verifier) => asksDuring(() => verified(accessToken, {}, by));

  test.each([
    ["nothing", ""],
    ["a space", "two words"],
    ["a line feed", "token\n"],
    ["a form field", "token&token_type_hint=refresh_token"],
    ["a letter that is not ASCII", "tökén"],
    ["half of a surrogate pair", "\uD83D"],
    ["more than 16384 characters", "a".repeat(16_385)],
  ])("about a token that no bearer token can be: %s", async (_name, accessToken) => {
    expect(await verified(accessToken)).toBe("ERR_TOKEN_MALFORMED");
    expect(await asked(accessToken)).toBe(0);
  });

  test("about a token that is too long by one character", async () => {
    expect(await asked("b".repeat(16_384))).toBe(1);
    expect(await verified("b".repeat(16_384))).toBe("ERR_TOKEN_INACTIVE");
  });

  test("about a JWT, good or bad, unless always is set", async () => {
    const jwt = await issuer.accessToken({ boundTo: client });
    issuer.introspectAs(jwt, { active: false });
    expect(await asked(jwt)).toBe(0);
    expect(await verified(jwt)).toBe("accepted");
    for (const bad of [tamperSignature(jwt), `${jwt}=`, `${jwt.slice(0, jwt.lastIndexOf("."))}.é`]) {
      expect(await asked(bad)).toBe(0);
      expect(await verified(bad)).toMatch(/^ERR_TOKEN_(SIGNATURE|MALFORMED)$/);
    }
  });

  test("about an opaque token where introspection is not configured, or for JWTs only", async () => {
    for (const by of [verifierOf(issuer), introspectingVerifier(issuer, { opaqueTokens: false, always: true })]) {
      expect(await asked(token, by)).toBe(0);
      expect(await verified(token, {}, by)).toBe("ERR_TOKEN_MALFORMED");
    }
  });

  test("but about what only looks like a JWT, which is opaque", async () => {
    const jwt = await issuer.accessToken({ boundTo: client });
    for (const opaque of [`${jwt}.AAAA.AAAA`, jwt.slice(0, jwt.lastIndexOf(".")), `x${jwt}`]) {
      expect(await asked(opaque)).toBe(1);
      expect(await verified(opaque)).toBe("ERR_TOKEN_INACTIVE");
      issuer.introspectAs(`${opaque}x`, { active: true, aud: issuer.audience, cnf });
      expect(await verified(`${opaque}x`)).toBe("accepted");
    }
  });

  const cnf = { "x5t#S256": client.thumbprint };
});
