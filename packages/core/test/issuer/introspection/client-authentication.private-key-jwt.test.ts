import { type CryptoKey, createLocalJWKSet, exportJWK, generateKeyPair, type JWK, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { clientAuthentication } from "../../../src/issuer/introspection/client-authentication.ts";
import { IssuerRequestError } from "../../../src/issuer/issuer-request.ts";
import {
  endpointOf,
  type RecordedRequest,
  recordedRequestOf,
  startIntrospectionEndpoint,
} from "../../support/introspection-endpoint.ts";
import { reasonOf } from "../../support/outcome.ts";
import { now, seconds } from "../../support/verification.ts";

const issuer = "https://as.example/tenant/";
const kinds = ["ES256", "ES384", "ES512", "RS256", "PS256", "Ed25519"] as const;

/** A key pair in the formats that the tests need. */
interface Pair {
  readonly privateKey: CryptoKey;
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
}

const pairs = Object.fromEntries(
  await Promise.all(kinds.map(async (alg) => [alg, await pairOf(alg)] as const)),
) as Readonly<Record<(typeof kinds)[number], Pair>>;

async function pairOf(alg: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const [privateJwk, publicJwk] = await Promise.all([privateKey, publicKey].map(exportJWK));
  return { privateKey, privateJwk: { ...privateJwk }, publicJwk: { ...publicJwk } };
}

function introspect(clientKey: unknown, clock: () => number = () => now): Promise<RecordedRequest> {
  return recordedRequestOf({ clientId: "api", clientKey }, { issuer, clock });
}

/** Verifies the assertion like an issuer with this registered key (RFC 7523 section 3). */
async function verified({ form }: RecordedRequest, registered: JWK, at = now + 2000) {
  const keys = createLocalJWKSet({ keys: [{ use: "sig", ...registered }] });
  return jwtVerify(String(form.client_assertion), keys, {
    issuer: "api",
    subject: "api",
    audience: issuer,
    requiredClaims: ["exp", "iat", "jti"],
    currentDate: new Date(at),
  });
}

describe("private_key_jwt", () => {
  test("sends an assertion and no secret", async () => {
    const { headers, form } = await introspect(pairs.ES256.privateJwk);
    expect(form).toEqual({
      token: "token",
      token_type_hint: "access_token",
      client_id: "api",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    });
    expect(headers.authorization).toBeUndefined();
  });

  test("sends an assertion from this client for this issuer, with a short lifetime", async () => {
    const { payload } = await verified(await introspect(pairs.ES256.privateJwk), pairs.ES256.publicJwk);
    expect(payload).toMatchObject({ iss: "api", sub: "api", aud: issuer });
    expect(Object.keys(payload).toSorted()).toEqual(["aud", "exp", "iat", "iss", "jti", "nbf", "sub"]);
    const { iat = 0, exp = 0 } = payload;
    // The two readings of the clock may be in different seconds.
    expect([seconds, seconds + 1]).toContain(iat);
    expect(exp - iat).toBe(60);
  });

  test("sends an assertion that expires after a minute by the verifier's clock", async () => {
    const request = await introspect(pairs.ES256.privateJwk, () => 1_000_000_000_000);
    const { publicJwk } = pairs.ES256;
    expect((await verified(request, publicJwk, 1_000_000_058_000)).payload.jti).toBeTypeOf("string");
    expect(await reasonOf(verified(request, publicJwk, 1_000_000_062_000))).toMatchObject({ code: "ERR_JWT_EXPIRED" });
  });

  test("sends a new assertion with each request", async () => {
    const { url, recordedRequests } = await startIntrospectionEndpoint();
    const endpoint = endpointOf({ clientId: "api", clientKey: pairs.ES256.privateJwk, endpoint: url }, { issuer });
    await Promise.all(["a", "b", "c"].map((token) => endpoint.introspect(token)));
    const assertions = await Promise.all(
      recordedRequests.map((request) => verified(request, pairs.ES256.publicJwk, Date.now() + 2000)),
    );
    expect(new Set(assertions.map(({ payload }) => payload.jti)).size).toBe(3);
  });
});

describe("the key", () => {
  test.each(["ES256", "ES384", "ES512", "Ed25519"] as const)("can be a JWK for %s", async (alg) => {
    const { privateJwk, publicJwk } = pairs[alg];
    const { protectedHeader } = await verified(await introspect(privateJwk), { ...publicJwk, alg });
    expect(protectedHeader).toEqual({ alg });
  });

  test.each(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])("can be an RSA JWK for %s", async (alg) => {
    const { privateJwk, publicJwk } = pairs.RS256;
    const { protectedHeader } = await verified(await introspect({ ...privateJwk, alg }), { ...publicJwk, alg });
    expect(protectedHeader).toEqual({ alg });
  });

  test("can be a JWK with the older alg EdDSA (RFC 9864)", async () => {
    const { privateJwk, publicJwk } = pairs.Ed25519;
    const request = await introspect({ ...privateJwk, alg: "EdDSA" });
    expect((await verified(request, { ...publicJwk, alg: "EdDSA" })).protectedHeader).toEqual({ alg: "EdDSA" });
  });

  test.each(kinds)("can be a CryptoKey for %s", async (alg) => {
    const { privateKey, publicJwk } = pairs[alg];
    const { protectedHeader } = await verified(await introspect(privateKey), { ...publicJwk, alg });
    expect(protectedHeader).toEqual({ alg });
  });

  test("can be a CryptoKey that is not extractable", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: false });
    const publicJwk = await exportJWK(publicKey);
    expect((await verified(await introspect(privateKey), publicJwk)).protectedHeader).toEqual({ alg: "ES256" });
  });

  test("is identified by its kid, in a JWK or next to a CryptoKey", async () => {
    const { privateKey, privateJwk, publicJwk } = pairs.ES256;
    const registered = { ...publicJwk, kid: "k1" };
    for (const key of [
      { ...privateJwk, kid: "k1" },
      { key: privateKey, kid: "k1" },
    ]) {
      expect((await verified(await introspect(key), registered)).protectedHeader).toEqual({ alg: "ES256", kid: "k1" });
    }
    const other = verified(await introspect({ ...privateJwk, kid: "k2" }), registered);
    expect(await reasonOf(other)).toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
  });

  test("signs the assertion", async () => {
    const other = await pairOf("ES256");
    const request = await introspect(pairs.ES256.privateJwk);
    expect(await reasonOf(verified(request, other.publicJwk))).toMatchObject({
      code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    });
    expect(await verified(request, pairs.ES256.publicJwk)).toMatchObject({ payload: { iss: "api" } });
  });

  test("causes an error that does not quote it if WebCrypto cannot import it", async () => {
    const { privateJwk } = pairs.ES256;
    const authenticate = (key: JWK) => {
      const configured = { method: "private_key_jwt", key, keyId: undefined } as const;
      return clientAuthentication(configured)({ issuer }, { client_id: "api" }, new URLSearchParams(), new Headers());
    };
    const broken = { ...privateJwk, alg: "ES256", x: pairs.ES384.privateJwk.x ?? "" };
    const reason = await reasonOf(Promise.resolve(authenticate(broken)));
    expect(reason).toBeInstanceOf(IssuerRequestError);
    expect((reason as IssuerRequestError).message).not.toContain(String(privateJwk.d));
    await expect(authenticate({ ...privateJwk, alg: "ES256" })).resolves.toBeUndefined();
  });
});
