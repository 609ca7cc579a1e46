import { tamperSignature } from "@certbound/testing";
import { describe, expect, test } from "vitest";
import { AccessTokenError } from "../src/errors.ts";
import type { VerifyOptions } from "../src/requirements.ts";
import { introspectingVerifier, introspectionCount } from "./support/introspecting-verifier.ts";
import { type Outcome, outcomeOf, reasonOf } from "./support/outcome.ts";
import { client, seconds, startIssuer, thief, verifierOf } from "./support/verification.ts";

const issuer = await startIssuer();
const verifier = introspectingVerifier(issuer);
const withConfirmation = introspectingVerifier(issuer, { returnsConfirmation: true });

const bound = { boundTo: client, claims: { nested: { list: [{ deep: true }] } } };
const token = await issuer.opaqueToken(bound);
const unbound = await issuer.opaqueToken();

const verified = (accessToken: string, options: Partial<VerifyOptions> = {}, by = verifier) =>
  outcomeOf(by.verify(accessToken, { clientCertificate: client.certificate, ...options }));

/** Returns the number of introspection requests during an action. */
async function requestsDuring(action: () => Promise<unknown>): Promise<number> {
  const before = introspectionCount(issuer);
  await action();
  return introspectionCount(issuer) - before;
}

describe("an opaque token", () => {
  test("is accepted only from the client that it was issued to (M-01)", async () => {
    expect(await verified(token)).toBe("accepted");
    expect(await verified(token, { clientCertificate: thief.certificate })).toBe("ERR_BINDING_MISMATCH");
  });

  test("is rejected if it is unbound (M-02)", async () => {
    expect(await verified(unbound)).toBe("ERR_BINDING_REQUIRED");
  });

  test("has the claims of the response, and the certificate that it is bound to", async () => {
    const accessToken = await verifier.verify(token, { clientCertificate: client.certificate });
    expect(accessToken).toMatchObject({
      format: "opaque",
      binding: "verified",
      claims: { sub: "client-1", scope: "read", exp: seconds + 300, cnf: { "x5t#S256": client.thumbprint } },
      clientCertificate: { thumbprint: client.thumbprint },
    });
    expect(accessToken.clientCertificate?.x509?.raw.equals(client.der)).toBe(true);
  });

  test("is checked by the requirements of the route", async () => {
    expect(await verified(token, { scopes: ["read"] })).toBe("accepted");
    expect(await verified(token, { scopes: ["admin"] })).toBe("ERR_SCOPE_INSUFFICIENT");
    expect(await verified(token, { authorize: ({ format }) => format === "opaque" })).toBe("accepted");
    expect(await verified(token, { authorize: ({ format }) => format === "jwt" })).toBe("ERR_ACCESS_DENIED");
  });

  test("is accepted from its client and rejected from another one, in any order, with a cached response", async () => {
    const fresh = await issuer.opaqueToken(bound);
    const requests = await requestsDuring(async () => {
      const clients = [thief, client, thief, client];
      const outcomes = clients.map(({ der }) => verified(fresh, { clientCertificate: der }));
      const [rejected, accepted] = ["ERR_BINDING_MISMATCH", "accepted"];
      expect(await Promise.all(outcomes)).toEqual([rejected, accepted, rejected, accepted]);
      expect(await verified(fresh, { clientCertificate: thief.der })).toBe(rejected);
      expect(await verified(fresh)).toBe(accepted);
    });
    expect(requests).toBe(1);
  });

  test("has claims that cannot be changed for the next request, at any depth", async () => {
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
  ])("is checked before introspection: %s (M-03)", async (code, clientCertificate) => {
    const fresh = await issuer.opaqueToken(bound);
    expect(await requestsDuring(async () => expect(await verified(fresh, { clientCertificate })).toBe(code))).toBe(0);
    expect(await requestsDuring(async () => expect(await verified(fresh)).toBe("accepted"))).toBe(1);
  });

  test('is checked after introspection under "when-bound" and "report-only"', async () => {
    for (const validateCertificateBinding of ["when-bound", "report-only"] as const) {
      const fresh = await issuer.opaqueToken();
      const none = { clientCertificate: null, validateCertificateBinding };
      expect(await requestsDuring(() => verified(fresh, none, withConfirmation))).toBe(1);
    }
  });
});

describe('a route that is "when-bound"', () => {
  const mode = { validateCertificateBinding: "when-bound" } as const;

  test("accepts an unbound token with returnsConfirmation, with or without a certificate", async () => {
    const use = { clientCertificate: client.certificate, ...mode };
    const accessToken = await withConfirmation.verify(unbound, use);
    expect(accessToken).toMatchObject({ binding: "unbound", presentedCertificate: { thumbprint: client.thumbprint } });
    expect(accessToken.clientCertificate).toBeUndefined();
    expect(await verified(unbound, { ...mode, clientCertificate: null }, withConfirmation)).toBe("accepted");
  });

  test("checks the binding of a bound token", async () => {
    expect(await verified(token, mode, withConfirmation)).toBe("accepted");
    expect(await verified(token, { ...mode, clientCertificate: thief.der }, withConfirmation)).toBe(
      "ERR_BINDING_MISMATCH",
    );
    expect(await verified(token, { ...mode, clientCertificate: null }, withConfirmation)).toBe(
      "ERR_CERTIFICATE_MISSING",
    );
  });

  test("causes a TypeError without returnsConfirmation, for any token", async () => {
    for (const accessToken of [token, unbound, await issuer.accessToken({ boundTo: client })]) {
      const reason = await reasonOf(verifier.verify(accessToken, { clientCertificate: client.certificate, ...mode }));
      expect(reason).toBeInstanceOf(TypeError);
      expect(String(reason)).toMatch(/returnsConfirmation: true/);
    }
  });
});

test('a route that is "report-only" reports the binding, and rejects for all other reasons', async () => {
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

describe("introspection", () => {
  const requestsFor = (accessToken: string, by = verifier) => requestsDuring(() => verified(accessToken, {}, by));

  test.each([
    ["an empty string", ""],
    ["a space", "two words"],
    ["a line feed", "token\n"],
    ["a form field", "token&token_type_hint=refresh_token"],
    ["a letter that is not ASCII", "tökén"],
    ["half of a surrogate pair", "\uD83D"],
    ["more than 16384 characters", "a".repeat(16_385)],
  ])("is not requested for an invalid bearer token: %s", async (_name, accessToken) => {
    expect(await verified(accessToken)).toBe("ERR_TOKEN_MALFORMED");
    expect(await requestsFor(accessToken)).toBe(0);
  });

  test("is requested for a token of the maximum length", async () => {
    expect(await requestsFor("b".repeat(16_384))).toBe(1);
    expect(await verified("b".repeat(16_384))).toBe("ERR_TOKEN_INACTIVE");
  });

  test("is not requested for a JWT, valid or invalid, without always", async () => {
    const jwt = await issuer.accessToken({ boundTo: client });
    issuer.introspectAs(jwt, { active: false });
    expect(await requestsFor(jwt)).toBe(0);
    expect(await verified(jwt)).toBe("accepted");
    for (const bad of [tamperSignature(jwt), `${jwt}=`, `${jwt.slice(0, jwt.lastIndexOf("."))}.é`]) {
      expect(await requestsFor(bad)).toBe(0);
      expect(await verified(bad)).toMatch(/^ERR_TOKEN_(SIGNATURE|MALFORMED)$/);
    }
  });

  test("is not requested for an opaque token if it is not configured, or only for JWTs", async () => {
    for (const by of [verifierOf(issuer), introspectingVerifier(issuer, { opaqueTokens: false, always: true })]) {
      expect(await requestsFor(token, by)).toBe(0);
      expect(await verified(token, {}, by)).toBe("ERR_TOKEN_MALFORMED");
    }
  });

  test("is requested for a token that only resembles a JWT", async () => {
    const jwt = await issuer.accessToken({ boundTo: client });
    for (const opaque of [`${jwt}.AAAA.AAAA`, jwt.slice(0, jwt.lastIndexOf(".")), `x${jwt}`]) {
      expect(await requestsFor(opaque)).toBe(1);
      expect(await verified(opaque)).toBe("ERR_TOKEN_INACTIVE");
      issuer.introspectAs(`${opaque}x`, { active: true, aud: issuer.audience, cnf });
      expect(await verified(`${opaque}x`)).toBe("accepted");
    }
  });

  const cnf = { "x5t#S256": client.thumbprint };
});
