import { createHmac } from "node:crypto";
import { forgeToken } from "@certbound/testing";
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import type { VerifierOptions } from "../../../src/options/configuration.ts";
import { httpRejection } from "../../../src/http/rejection.ts";
import { createVerifier } from "../../../src/verifier.ts";
import { endpointOf, secret, startAskedEndpoint } from "../../support/asking.ts";
import { type Answer, json, startEndpoint, status, text } from "../../support/endpoint.ts";
import { outcomeOf, rejectionOf } from "../../support/outcome.ts";
import { client, now, seconds, startIssuerInTest, verifierOf } from "../../support/verification.ts";

const issuer = "https://as.example";
const type = "application/token-introspection+jwt";

const [ec, rsa, foreign] = await Promise.all([signingKey("ES256"), signingKey("PS256"), signingKey("ES256")]);
const jwks = { keys: [ec.jwk, rsa.jwk] };

/** What is said of a token that this client may use. */
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

/** Verifies a token about which the issuer gives this answer, and tells how that ended. */
async function verify(answer: Answer, options: VerifierOptions = {}, signedResponse = true): Promise<unknown> {
  const { url: endpoint } = await startAskedEndpoint(answer);
  const introspection = { ...secret, endpoint, signedResponse };
  const verifier = createVerifier({ issuer, audience: null, jwks, clock: () => now, ...options, introspection });
  return verifier.verify("token", { clientCertificate: client.certificate });
}

/** Expects an answer to be rejected as none, whether signed answers are asked for or not. */
async function expectUnavailable(answer: Answer, options: VerifierOptions = {}): Promise<void> {
  for (const signedResponse of [true, false]) {
    const error = await rejectionOf(verify(answer, options, signedResponse));
    expect([error.code, httpRejection(error).status]).toEqual(["ERR_INTROSPECTION_UNAVAILABLE", 503]);
  }
}

async function expectAnswer(jwt: string, options: VerifierOptions = {}): Promise<void> {
  expect(await outcomeOf(verify(text(jwt, type), options))).toBe("accepted");
}

describe("a signed answer (RFC 9701)", () => {
  test("is taken, and is what the token is judged by", async () => {
    await expectAnswer(await sign());
    const inactive = verify(text(await sign({ token_introspection: { active: false } }), type));
    expect(await outcomeOf(inactive)).toBe("ERR_TOKEN_INACTIVE");
    const unbound = verify(text(await sign({ token_introspection: { active: true } }), type));
    expect(await outcomeOf(unbound)).toBe("ERR_BINDING_REQUIRED");
  });

  test("is that of an issuer as well, with the keys that it publishes", async () => {
    const kit = await startIssuerInTest();
    const introspection = { ...kit.introspectionClient, signedResponse: true };
    const verifier = verifierOf(kit, { jwks: kit.jwksUri, introspection });
    const token = await kit.opaqueToken({ boundTo: client });
    expect(await outcomeOf(verifier.verify(token, { clientCertificate: client.certificate }))).toBe("accepted");
    kit.revoke(token);
    const other = verifierOf(kit, { jwks: kit.jwksUri, introspection });
    expect(await outcomeOf(other.verify(token, { clientCertificate: client.certificate }))).toBe("ERR_TOKEN_INACTIVE");
  });

  test("is told from one that cannot be verified for want of keys, and neither is the client's fault", async () => {
    const forged = text(await sign({}, {}, foreign.key), type);
    expect((await rejectionOf(verify(forged))).detail).toContain("is not signed with a key of the issuer");
    const { url } = await startEndpoint(status(500, {}));
    const unreachable = verify(text(await sign(), type), { jwks: url });
    expect(await rejectionOf(unreachable)).toMatchObject({
      code: "ERR_INTROSPECTION_UNAVAILABLE",
      detail: expect.stringContaining(
        "the keys of the issuer could not be fetched: the key set response has status 500",
      ),
    });
  });

  test.each<[string, object, object]>([
    ["a list of audiences", { aud: ["other", "api"] }, {}],
    ["a typ with its prefix", {}, { typ: "application/token-introspection+jwt" }],
    ["a typ in other letters", {}, { typ: "Token-Introspection+JWT" }],
    ["no kid, where one key fits", {}, { kid: undefined }],
    ["an exp that is to come", { exp: seconds + 60 }, {}],
    ["an exp that passed within the tolerance", { exp: seconds - 2 }, {}],
    ["an nbf that passed", { nbf: seconds }, {}],
  ])("is taken with %s", async (_name, changedClaims, changedHeader) => {
    await expectAnswer(await sign(changedClaims, changedHeader));
  });

  test.each<[string, object, object]>([
    ["of another issuer", { iss: "https://other.example" }, {}],
    ["of an issuer with a slash more", { iss: `${issuer}/` }, {}],
    ["of no issuer", { iss: undefined }, {}],
    ["of an issuer that is no text", { iss: [issuer] }, {}],
    ["for another client", { aud: "other" }, {}],
    ["for other clients", { aud: ["other", "api2"] }, {}],
    ["for nobody", { aud: undefined }, {}],
    ["of no time", { iat: undefined }, {}],
    ["of a time that is no number", { iat: "now" }, {}],
    ["that expired", { exp: seconds - 10 }, {}],
    ["that expires at no number", { exp: "later" }, {}],
    ["that is not valid yet", { nbf: seconds + 30 }, {}],
    ["that says nothing", { token_introspection: undefined }, {}],
    ["that says it in a text", { token_introspection: JSON.stringify(good) }, {}],
    ["that says it in the wrong place", { token_introspection: {}, ...good }, {}],
    ["that says it by no boolean", { token_introspection: { ...good, active: "true" } }, {}],
    ["of type JWT", {}, { typ: "JWT" }],
    ["of the type of a token", {}, { typ: "at+jwt" }],
    ["of no type", {}, { typ: undefined }],
    ["by a key that the issuer does not publish", {}, { kid: "ES256-2" }],
    ["with what must be understood", {}, { crit: ["exp"], exp: 1 }],
  ])("is rejected when it is one %s", async (_name, changedClaims, changedHeader) => {
    await expectUnavailable(text(await sign(changedClaims, changedHeader), type));
  });

  test("is rejected when the key is another one, of the same name", async () => {
    await expectUnavailable(text(await sign({}, {}, foreign.key), type));
  });

  test("is rejected when a letter was changed", async () => {
    const [head, , signature] = (await sign({ token_introspection: { active: false } })).split(".");
    const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
    await expectUnavailable(text(`${head}.${payload}.${signature}`, type));
  });

  test("is rejected with an algorithm that is not one of algorithms", async () => {
    const byRsa = await sign({}, { alg: "PS256", kid: "PS256" }, rsa.key);
    await expectAnswer(byRsa, { algorithms: ["PS256"] });
    await expectAnswer(byRsa, { algorithms: ["ES256", "PS256"] });
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
    ["is no JWT", "a.b.c"],
    ["is encrypted", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA"],
  ])("is rejected when it %s", async (_name, body) => {
    await expectUnavailable(text(body, type));
  });
});

describe("signedResponse", () => {
  test("rejects what is not signed", async () => {
    expect(await outcomeOf(verify(json(good)))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(await outcomeOf(verify(json(good), {}, false))).toBe("accepted");
    expect(await outcomeOf(verify(json({ active: false })))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    expect(await outcomeOf(verify(json({ active: false }), {}, false))).toBe("ERR_TOKEN_INACTIVE");
  });

  test.each(["application/jwt", "application/json", "text/plain", `${type}2`, `x-${type}`])(
    "rejects what is signed, and comes as %s",
    async (wrong) => {
      expect(await outcomeOf(verify(text(await sign(), wrong)))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    },
  );

  test.each([`${type};charset=utf-8`, `${type} ; x=y`, type.toUpperCase()])("takes %s", async (right) => {
    expect(await outcomeOf(verify(text(await sign(), right)))).toBe("accepted");
  });

  test("is asked for, or not, but what is signed is verified either way", async () => {
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
  ])("may be %j, the client or a configured audience of the issuer: %j", async (aud, audience) => {
    expect(await verifyFor(aud, audience)).toBe("accepted");
    expect(await verifyFor(aud, "https://third.example")).toBe(
      [aud].flat().includes("api") ? "ERR_TOKEN_AUDIENCE" : "ERR_INTROSPECTION_UNAVAILABLE",
    );
  });

  test.each([other, `${api}/`, "API", [], "", 1, null, { api }, [[api]], ["https://x.example"]])(
    "may not be %j",
    async (aud) => {
      expect(await verifyFor(aud, api)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    },
  );

  test("is the client where the audience is null, and not that of another issuer", async () => {
    expect(await verifyFor("api", null)).toBe("accepted");
    expect(await verifyFor(api, null)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
    const { url: endpoint } = await startAskedEndpoint(text(await sign({ aud: other }), type));
    const introspection = { ...secret, endpoint };
    const verifier = createVerifier({
      issuer: [
        { issuer, audience: null, jwks, introspection },
        { issuer: "https://second.example", audience: other, jwks },
      ],
      clock: () => now,
    });
    const asked = verifier.verify("token", { clientCertificate: client.certificate });
    expect(await outcomeOf(asked)).toBe("ERR_INTROSPECTION_UNAVAILABLE");
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
  ])("may be at most clockTolerance ahead and 300 s old: %d s", async (offset, expected) => {
    expect(await outcomeOf(verify(text(await sign({ iat: seconds + offset }), type)))).toBe(expected);
    expect(await outcomeOf(verify(text(await sign({ iat: seconds }), type)))).toBe("accepted");
  });

  test("is judged with clockTolerance", async () => {
    const ahead = text(await sign({ iat: seconds + 60 }), type);
    expect(await outcomeOf(verify(ahead, { clockTolerance: 60 }))).toBe("accepted");
    expect(await outcomeOf(verify(ahead, { clockTolerance: 59 }))).toBe("ERR_INTROSPECTION_UNAVAILABLE");
  });

  test.each([String(seconds), null, [seconds], {}, true])("is not a number: %j", async (iat) => {
    await expectUnavailable(text(await sign({ iat }), type));
  });

  test("is not a number that JSON cannot hold", async () => {
    const payload = JSON.stringify({ ...claims, iat: 0 }).replace('"iat":0', '"iat":-1e999');
    const large = payload.replace("-1e999", "1e999");
    for (const each of [payload, large]) {
      await expectUnavailable(text(forgeToken({ header, payload: each, key: ec.key }), type));
    }
    const right = payload.replace("-1e999", String(seconds));
    expect(await outcomeOf(verify(text(forgeToken({ header, payload: right, key: ec.key }), type)))).toBe("accepted");
  });
});

describe("the time of a signed answer", () => {
  test("is judged by the clock of the verifier, to either side", async () => {
    const past = 1_000_000_000;
    const answerAt = async (time: number) => text(await sign({ iat: time, nbf: time, exp: time + 60 }), type);
    const at = (time: number) => ({ clock: () => time * 1000 });
    expect(await outcomeOf(verify(await answerAt(past), at(past)))).toBe("accepted");
    expect(await outcomeOf(verify(await answerAt(seconds), at(seconds)))).toBe("accepted");
    await expectUnavailable(await answerAt(past), at(seconds));
    await expectUnavailable(await answerAt(seconds), at(past));
  });

  test("is judged with the tolerance of the verifier", async () => {
    const expired = text(await sign({ exp: seconds - 20 }), type);
    expect(await outcomeOf(verify(expired, { clockTolerance: 60 }))).toBe("accepted");
    await expectUnavailable(expired, { clockTolerance: 5 });
  });
});

test("members with null of a signed response count as absent", async () => {
  const introspected = { ...good, sub: null, exp: null };
  const { url } = await startAskedEndpoint(text(await sign({ token_introspection: introspected }), type));
  const endpoint = endpointOf({ ...secret, endpoint: url, signedResponse: true }, { issuer, jwks, clock: () => now });
  expect(await endpoint.introspect("token")).toEqual(good);
});

test("what was signed is given, and only that", async () => {
  const { url } = await startAskedEndpoint(text(await sign({ sub: "outside" }), type));
  const endpoint = endpointOf({ ...secret, endpoint: url, signedResponse: true }, { issuer, jwks, clock: () => now });
  expect(await endpoint.introspect("token")).toEqual(good);
});
