import { createHmac } from "node:crypto";
import { forgeToken } from "@certbound/testing";
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import type { VerifierOptions } from "../../../src/options/configuration.ts";
import { httpRejection } from "../../../src/http/rejection.ts";
import { createVerifier } from "../../../src/verifier.ts";
import { endpointOf, secret, startIntrospectionEndpoint } from "../../support/introspection-endpoint.ts";
import { type Responder, json, startEndpoint, status, text } from "../../support/endpoint.ts";
import { outcomeOf, rejectionOf } from "../../support/outcome.ts";
import { client, now, seconds, startIssuerInTest, verifierOf } from "../../support/verification.ts";

const issuer = "https://as.example";
const type = "application/token-introspection+jwt";

const [ec, rsa, foreign] = await Promise.all([signingKey("ES256"), signingKey("PS256"), signingKey("ES256")]);
const jwks = { keys: [ec.jwk, rsa.jwk] };

/** The introspection response for a token of the test's client. */
const good = { active: true, cnf: { "x5t#S256": client.thumbprint } };
const claims = { iss: issuer, aud: "api", iat: seconds, token_introspection: good };
const header = { alg: "ES256", kid: "ES256", typ: "token-introspection+jwt" };

async function signingKey(alg: string) {
  const { privateKey, publicKey } = await generateKeyPair(alg);
  return { key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid: alg, alg } };
}

function sign(changedClaims: object = {}, changedHeader: object = {}, key: CryptoKey = ec.key): Promise<string> {
  const signed = new SignJWT({ ...claims, ...changedClaims });
  return signed.setProtectedHeader({ ...header, ...changedHeader }).sign(key, { crit: { exp: true } });
}

/** Verifies a token for which the issuer sends the given response. */
async function verify(responder: Responder, options: VerifierOptions = {}, signedResponse = true): Promise<unknown> {
  const { url: endpoint } = await startIntrospectionEndpoint(responder);
  const introspection = { ...secret, endpoint, signedResponse };
  const verifier = createVerifier({ issuer, audience: null, jwks, clock: () => now, ...options, introspection });
  return verifier.verify("token", { clientCertificate: client.certificate });
}

/** Expects 503 for a response, with and without signedResponse. */
async function expectUnavailable(responder: Responder, options: VerifierOptions = {}): Promise<void> {
  for (const signedResponse of [true, false]) {
    const error = await rejectionOf(verify(responder, options, signedResponse));
    expect([error.code, httpRejection(error).status]).toEqual(["ERR_INTROSPECTION_UNAVAILABLE", 503]);
  }
}

async function expectAccepted(jwt: string, options: VerifierOptions = {}): Promise<void> {
  expect(await outcomeOf(verify(text(jwt, type), options))).toBe("accepted");
}

describe("a signed response (RFC 9701)", () => {
  test("is accepted, and determines whether the token is accepted", async () => {
    await expectAccepted(await sign());
    const inactive = verify(text(await sign({ token_introspection: { active: false } }), type));
    expect(await outcomeOf(inactive)).toBe("ERR_TOKEN_INACTIVE");
    const unbound = verify(text(await sign({ token_introspection: { active: true } }), type));
    expect(await outcomeOf(unbound)).toBe("ERR_BINDING_REQUIRED");
  });

  test("is verified with the published keys of the issuer", async () => {
    const kit = await startIssuerInTest();
    const introspection = { ...kit.introspectionClient, signedResponse: true };
    const verifier = verifierOf(kit, { jwks: kit.jwksUri, introspection });
    const token = await kit.opaqueToken({ boundTo: client });
    expect(await outcomeOf(verifier.verify(token, { clientCertificate: client.certificate }))).toBe("accepted");
    kit.revoke(token);
    const other = verifierOf(kit, { jwks: kit.jwksUri, introspection });
    expect(await outcomeOf(other.verify(token, { clientCertificate: client.certificate }))).toBe("ERR_TOKEN_INACTIVE");
  });

  test("has different details for a wrong signature and for unavailable keys", async () => {
    const forged = text(await sign({}, {}, foreign.key), type);
    expect((await rejectionOf(verify(forged))).detail).toContain("is not signed with a key of the issuer");
    const { url } = await startEndpoint(status(500, {}));
    const unreachable = verify(text(await sign(), type), { jwks: url });
    expect(await rejectionOf(unreachable)).toMatchObject({
      code: "ERR_INTROSPECTION_UNAVAILABLE",
      detail: expect.stringContaining(
        "the keys of the issuer could not be fetched: the key set endpoint responded with status 500",
      ),
    });
  });

  test.each<[string, object, object]>([
    ["a list of audiences", { aud: ["other", "api"] }, {}],
    ["a typ with its prefix", {}, { typ: "application/token-introspection+jwt" }],
    ["a typ in a different case", {}, { typ: "Token-Introspection+JWT" }],
    ["no kid, if one key matches", {}, { kid: undefined }],
    ["an exp in the future", { exp: seconds + 60 }, {}],
    ["an exp in the past, within the tolerance", { exp: seconds - 2 }, {}],
    ["an nbf in the past", { nbf: seconds }, {}],
  ])("is accepted with %s", async (_name, changedClaims, changedHeader) => {
    await expectAccepted(await sign(changedClaims, changedHeader));
  });

  test.each<[string, object, object]>([
    ["another iss", { iss: "https://other.example" }, {}],
    ["an iss with an additional slash", { iss: `${issuer}/` }, {}],
    ["no iss", { iss: undefined }, {}],
    ["an iss that is not a string", { iss: [issuer] }, {}],
    ["another client as aud", { aud: "other" }, {}],
    ["other clients as aud", { aud: ["other", "api2"] }, {}],
    ["no aud", { aud: undefined }, {}],
    ["no iat", { iat: undefined }, {}],
    ["an iat that is not a number", { iat: "now" }, {}],
    ["an exp in the past", { exp: seconds - 10 }, {}],
    ["an exp that is not a number", { exp: "later" }, {}],
    ["an nbf in the future", { nbf: seconds + 30 }, {}],
    ["no token_introspection", { token_introspection: undefined }, {}],
    ["a token_introspection that is a string", { token_introspection: JSON.stringify(good) }, {}],
    ["the response outside token_introspection", { token_introspection: {}, ...good }, {}],
    ["an active that is not a boolean", { token_introspection: { ...good, active: "true" } }, {}],
    ["the typ JWT", {}, { typ: "JWT" }],
    ["the typ of an access token", {}, { typ: "at+jwt" }],
    ["no typ", {}, { typ: undefined }],
    ["a kid that the issuer does not publish", {}, { kid: "ES256-2" }],
    ["a crit header", {}, { crit: ["exp"], exp: 1 }],
  ])("is rejected with %s", async (_name, changedClaims, changedHeader) => {
    await expectUnavailable(text(await sign(changedClaims, changedHeader), type));
  });

  test("is rejected if it is signed with another key with the same kid", async () => {
    await expectUnavailable(text(await sign({}, {}, foreign.key), type));
  });

  test("is rejected if its payload was changed", async () => {
    const [head, , signature] = (await sign({ token_introspection: { active: false } })).split(".");
    const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
    await expectUnavailable(text(`${head}.${payload}.${signature}`, type));
  });

  test("is rejected if its algorithm is not one of the configured algorithms", async () => {
    const byRsa = await sign({}, { alg: "PS256", kid: "PS256" }, rsa.key);
    await expectAccepted(byRsa, { algorithms: ["PS256"] });
    await expectAccepted(byRsa, { algorithms: ["ES256", "PS256"] });
    await expectUnavailable(text(byRsa, type), { algorithms: ["ES256"] });
  });

  test.each(["none", "HS256"])("is rejected with the algorithm %s", async (alg) => {
    const unsigned = forgeToken({ header: { ...header, alg }, payload: claims, signature: "" });
    const mac = createHmac("sha256", JSON.stringify(ec.jwk)).update(unsigned.slice(0, -1)).digest("base64url");
    await expectUnavailable(text(unsigned + (alg === "none" ? "" : mac), type));
  });

  test.each([201, 400, 401, 500])("is rejected with status %d", async (code) => {
    const jwt = await sign();
    await expectUnavailable((response) => {
      response.writeHead(code, { "content-type": type }).end(jwt);
    });
  });

  test.each<[string, string]>([
    ["is JSON", JSON.stringify(good)],
    ["is empty", ""],
    ["is not a JWT", "a.b.c"],
    ["is encrypted", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA"],
  ])("is rejected if it %s", async (_name, body) => {
    await expectUnavailable(text(body, type));
  });
});

describe("signedResponse", () => {
  test("rejects a response that is not signed", async () => {
    expect(await outcomeOf(verify(json(good)))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(await outcomeOf(verify(json(good), {}, false))).toBe("accepted");
    expect(await outcomeOf(verify(json({ active: false })))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(await outcomeOf(verify(json({ active: false }), {}, false))).toBe("ERR_TOKEN_INACTIVE");
  });

  test.each(["application/jwt", "application/json", "text/plain", `${type}2`, `x-${type}`])(
    "rejects a signed response with the content type %s",
    async (wrong) => {
      expect(await outcomeOf(verify(text(await sign(), wrong)))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    },
  );

  test.each([`${type};charset=utf-8`, `${type} ; x=y`, type.toUpperCase()])(
    "accepts the content type %s",
    async (right) => {
      expect(await outcomeOf(verify(text(await sign(), right)))).toBe("accepted");
    },
  );

  test("is not needed for a signed response to be verified", async () => {
    expect(await outcomeOf(verify(text(await sign(), type), {}, false))).toBe("accepted");
    await expectUnavailable(text(await sign({}, {}, foreign.key), type));
  });
});

describe("the audience of a signed response", () => {
  const api = "https://api.example";
  const other = "https://other.example";
  const bound = { ...good, aud: [api, other] };
  const verifyFor = async (aud: unknown, audience: string | string[] | null) =>
    outcomeOf(verify(text(await sign({ aud, token_introspection: bound }), type), { audience }));

  test.each<[unknown, string | string[]]>([
    ["api", api],
    [api, api],
    [[api], api],
    [other, [api, other]],
    [
      ["https://x.example", other],
      [api, other],
    ],
    [["https://x.example", "api"], api],
  ])("can be the client or a configured audience: %j with %j", async (aud, audience) => {
    expect(await verifyFor(aud, audience)).toBe("accepted");
    expect(await verifyFor(aud, "https://third.example")).toBe(
      [aud].flat().includes("api") ? "ERR_TOKEN_AUDIENCE" : "ERR_INTROSPECTION_UNAVAILABLE",
    );
  });

  test.each([other, `${api}/`, "API", [], "", 1, null, { api }, [[api]], ["https://x.example"]])(
    "cannot be %j",
    async (aud) => {
      expect(await verifyFor(aud, api)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    },
  );

  test("must be the client if audience is null, and cannot be the audience of another issuer", async () => {
    expect(await verifyFor("api", null)).toBe("accepted");
    expect(await verifyFor(api, null)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    const { url: endpoint } = await startIntrospectionEndpoint(text(await sign({ aud: other }), type));
    const introspection = { ...secret, endpoint };
    const verifier = createVerifier({
      issuer: [
        { issuer, audience: null, jwks, introspection },
        { issuer: "https://second.example", audience: other, jwks },
      ],
      clock: () => now,
    });
    const verification = verifier.verify("token", { clientCertificate: client.certificate });
    expect(await outcomeOf(verification)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
  });
});

describe("the iat of a signed response", () => {
  test.each([
    [0, "accepted"],
    [5, "accepted"],
    [5.5, "ERR_INTROSPECTION_UNAVAILABLE"],
    [6, "ERR_INTROSPECTION_UNAVAILABLE"],
    [-300, "accepted"],
    [-300.5, "ERR_INTROSPECTION_UNAVAILABLE"],
    [-301, "ERR_INTROSPECTION_UNAVAILABLE"],
  ])("can be up to clockTolerance in the future and up to 300 s old: %d s", async (offset, expected) => {
    expect(await outcomeOf(verify(text(await sign({ iat: seconds + offset }), type)))).toBe(expected);
    expect(await outcomeOf(verify(text(await sign({ iat: seconds }), type)))).toBe("accepted");
  });

  test("can be in the future by the configured clockTolerance", async () => {
    const ahead = text(await sign({ iat: seconds + 60 }), type);
    expect(await outcomeOf(verify(ahead, { clockTolerance: 60 }))).toBe("accepted");
    expect(await outcomeOf(verify(ahead, { clockTolerance: 59 }))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
  });

  test.each([String(seconds), null, [seconds], {}, true])("cannot be %j", async (iat) => {
    await expectUnavailable(text(await sign({ iat }), type));
  });

  test("cannot be a number that is too large", async () => {
    const payload = JSON.stringify({ ...claims, iat: 0 }).replace('"iat":0', '"iat":-1e999');
    const large = payload.replace("-1e999", "1e999");
    for (const each of [payload, large]) {
      await expectUnavailable(text(forgeToken({ header, payload: each, key: ec.key }), type));
    }
    const right = payload.replace("-1e999", String(seconds));
    expect(await outcomeOf(verify(text(forgeToken({ header, payload: right, key: ec.key }), type)))).toBe("accepted");
  });
});

describe("the times of a signed response", () => {
  test("are compared with the verifier's clock", async () => {
    const past = 1_000_000_000;
    const responseAt = async (time: number) => text(await sign({ iat: time, nbf: time, exp: time + 60 }), type);
    const at = (time: number) => ({ clock: () => time * 1000 });
    expect(await outcomeOf(verify(await responseAt(past), at(past)))).toBe("accepted");
    expect(await outcomeOf(verify(await responseAt(seconds), at(seconds)))).toBe("accepted");
    await expectUnavailable(await responseAt(past), at(seconds));
    await expectUnavailable(await responseAt(seconds), at(past));
  });

  test("are compared with the configured clockTolerance", async () => {
    const expired = text(await sign({ exp: seconds - 20 }), type);
    expect(await outcomeOf(verify(expired, { clockTolerance: 60 }))).toBe("accepted");
    await expectUnavailable(expired, { clockTolerance: 5 });
  });
});

test("null members of a signed response count as absent", async () => {
  const introspected = { ...good, sub: null, exp: null };
  const { url } = await startIntrospectionEndpoint(text(await sign({ token_introspection: introspected }), type));
  const endpoint = endpointOf({ ...secret, endpoint: url, signedResponse: true }, { issuer, jwks, clock: () => now });
  expect(await endpoint.introspect("token")).toEqual(good);
});

test("only token_introspection of a signed response is returned", async () => {
  const { url } = await startIntrospectionEndpoint(text(await sign({ sub: "outside" }), type));
  const endpoint = endpointOf({ ...secret, endpoint: url, signedResponse: true }, { issuer, jwks, clock: () => now });
  expect(await endpoint.introspect("token")).toEqual(good);
});
