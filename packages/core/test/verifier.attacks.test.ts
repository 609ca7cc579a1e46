import { createHmac, createPrivateKey, createSecretKey, KeyObject, randomBytes, X509Certificate } from "node:crypto";
import { fc, test as fuzz } from "@fast-check/vitest";
import { createCertificateAuthority, forgeToken } from "@certbound/testing";
import { exportJWK, generateKeyPair } from "jose";
import { describe, expect, test } from "vitest";
import { createVerifier } from "../src/verifier.ts";
import type { VerifyOptions } from "../src/requirements.ts";
import { startEndpoint, json } from "./support/endpoint.ts";
import { type Outcome, outcomeOf } from "./support/outcome.ts";
import { client, now, seconds, thief } from "./support/verification.ts";

const issuer = "https://issuer.example";
const audience = "https://api.example";
const ec = await generateKeyPair("ES256", { extractable: true });
const rsa = await generateKeyPair("RS256", { extractable: true });
const attacker = await generateKeyPair("ES256", { extractable: true });
const rsaJwk = { ...(await exportJWK(rsa.publicKey)), kid: "rsa" };
const jwks = { keys: [{ ...(await exportJWK(ec.publicKey)), kid: "ec" }, rsaJwk] };

const failOnFetch: typeof fetch = () => {
  throw new Error("no request is expected");
};
const verifier = createVerifier({ issuer, audience, jwks, clock: () => now, fetch: failOnFetch });

const header = { alg: "ES256", kid: "ec", typ: "at+jwt" };
const payload = {
  iss: issuer,
  aud: audience,
  exp: seconds + 300,
  sub: "user",
  cnf: { "x5t#S256": client.thumbprint },
};
const parts = { header, payload, key: ec.privateKey };

/** Verifies a token as the client presents it. */
async function verified(token: string, options: Partial<VerifyOptions> = {}): Promise<Outcome> {
  return outcomeOf(verifier.verify(token, { clientCertificate: client.certificate, ...options }));
}

const withHeader = (members: object) => verified(forgeToken({ ...parts, header: { ...header, ...members } }));
const withClaims = (claims: object) => verified(forgeToken({ ...parts, payload: { ...payload, ...claims } }));

describe("a valid token", () => {
  test("is accepted", async () => {
    expect(await verified(forgeToken(parts))).toBe("accepted");
  });
});

describe("the algorithm", () => {
  test.each(["none", "None", "NONE", "nOnE", "none ", " none", "none\0", "noNE"])(
    "%j without a signature is rejected (C-01)",
    async (alg) => {
      expect(await verified(forgeToken({ header: { ...header, alg }, payload }))).toBe("ERR_TOKEN_ALGORITHM");
      expect(await verified(forgeToken({ ...parts, header: { ...header, alg } }))).toBe("ERR_TOKEN_ALGORITHM");
    },
  );

  const publicKey = KeyObject.from(rsa.publicKey);
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const pkcs1 = publicKey.export({ type: "pkcs1", format: "pem" }).toString();
  const secrets: readonly (readonly [string, string | Buffer])[] = [
    ["its PEM", pem],
    ["its PEM without a line feed at the end", pem.trimEnd()],
    ["its PEM after a blank", ` ${pem}`],
    ["its PEM with CRLF", pem.replaceAll("\n", "\r\n")],
    ["its PEM in PKCS#1", pkcs1],
    ["its DER", publicKey.export({ type: "spki", format: "der" })],
    ["its JWK", JSON.stringify(rsaJwk)],
    ["its modulus as text", rsaJwk.n ?? ""],
    ["its modulus", Buffer.from(rsaJwk.n ?? "", "base64url")],
    ["the client's certificate", client.certificate],
  ];

  test.each(secrets)("HS256 keyed with the public key as %s is rejected (C-02)", async (_name, secret) => {
    const key = createSecretKey(Buffer.from(secret));
    for (const alg of ["HS256", "HS384", "HS512"]) {
      const forged = forgeToken({ header: { ...header, alg, kid: "rsa" }, payload, key });
      expect(await verified(forged)).toBe("ERR_TOKEN_ALGORITHM");
    }
    for (const alg of ["hs256", "Hs256", "HS256 "]) {
      const forged = forgeToken({ header: { ...header, alg, kid: "rsa" }, payload, key });
      expect(await verified(forged)).toBe("ERR_TOKEN_ALGORITHM");
    }
  });

  test.each(secrets)("RS256 with an HMAC keyed with the public key as %s is rejected (C-02)", async (_n, secret) => {
    const forged = { header: { ...header, alg: "RS256", kid: "rsa" }, payload };
    const input = forgeToken(forged).slice(0, -1);
    const signature = createHmac("sha256", secret).update(input).digest();
    expect(await verified(forgeToken({ ...forged, signature }))).toBe("ERR_TOKEN_SIGNATURE");
    expect(await verified(forgeToken({ ...forged, key: rsa.privateKey }))).toBe("accepted");
  });

  test("of the header is accepted only if it is in algorithms, even if the JWK has no alg (C-03)", async () => {
    const forged = forgeToken({ header: { ...header, alg: "PS256", kid: "rsa" }, payload, key: rsa.privateKey });
    expect(await verified(forged)).toBe("accepted");
    const strict = createVerifier({ issuer, audience, jwks, clock: () => now, algorithms: ["RS256"] });
    const verifying = strict.verify(forged, { clientCertificate: client.certificate });
    expect(await outcomeOf(verifying)).toBe("ERR_TOKEN_ALGORITHM");
  });

  test.each<[string, unknown]>([
    ["missing", undefined],
    ["null", null],
    ["a number", 256],
    ["true", true],
    ["a list", ["ES256"]],
    ["an object", { name: "ES256" }],
    ["empty", ""],
    ["in lower case", "es256"],
    ["followed by a blank", "ES256 "],
    ["followed by NUL", "ES256\0"],
    ["a member of Object.prototype", "toString"],
  ])("that is %s is rejected (C-05)", async (_name, alg) => {
    expect(await withHeader({ alg })).toBe("ERR_TOKEN_ALGORITHM");
  });

  test("is compared after JSON has been decoded (RFC 7515 section 10.13)", async () => {
    const text = JSON.stringify(header).replace("ES256", String.raw`\u0045S256`);
    expect(await verified(forgeToken({ ...parts, header: text }))).toBe("accepted");
    expect(await verified(forgeToken({ ...parts, header: text.replace("0045", "0065") }))).toBe("ERR_TOKEN_ALGORITHM");
  });

  test("must match the type of the key (C-06, C-10)", async () => {
    expect(await withHeader({ alg: "RS256" })).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await withHeader({ alg: "ES384" })).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await withHeader({ alg: "EdDSA" })).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await withHeader({ kid: "rsa" })).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test("is rejected if it is symmetric, even if the key set contains the secret (C-04)", async () => {
    const secret = randomBytes(32);
    const keys = [...jwks.keys, { kty: "oct", k: secret.toString("base64url"), kid: "secret", alg: "HS256" }];
    const careless = createVerifier({ issuer, audience, jwks: { keys }, clock: () => now });
    const forge = (alg: string) =>
      forgeToken({ header: { ...header, alg, kid: "secret" }, payload, key: createSecretKey(secret) });
    const check = (token: string) => outcomeOf(careless.verify(token, { clientCertificate: client.certificate }));
    expect(await check(forge("HS256"))).toBe("ERR_TOKEN_ALGORITHM");
    expect(await check(forge("ES256"))).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await check(forgeToken(parts))).toBe("accepted");
  });
});

describe("the key", () => {
  test("is not taken from the token: jwk, jku, x5u, x5c (K-01, K-02)", async () => {
    const endpoint = await startEndpoint(json({ keys: [await exportJWK(attacker.publicKey)] }));
    const keyParameters: readonly object[] = [
      { jwk: await exportJWK(attacker.publicKey) },
      { jku: endpoint.url },
      { x5u: endpoint.url },
      { x5c: [Buffer.from(client.der).toString("base64")] },
      { "x5t#S256": client.thumbprint },
    ];
    for (const members of keyParameters) {
      const forged = { header: { ...header, ...members }, payload, key: attacker.privateKey };
      expect(await verified(forgeToken(forged))).toBe("ERR_TOKEN_SIGNATURE");
      expect(await verified(forgeToken({ ...forged, header: { ...forged.header, kid: undefined } }))).toBe(
        "ERR_TOKEN_SIGNATURE",
      );
      expect(await withHeader(members)).toBe("accepted");
    }
    expect(endpoint.requests).toEqual([]);
  });

  test("is not the key of the client's certificate, with which the client could forge tokens (K-02)", async () => {
    const { key, der } = client;
    const privateKey = createPrivateKey(key);
    const x5c = [Buffer.from(der).toString("base64")];
    const jwk = new X509Certificate(der).publicKey.export({ format: "jwk" });
    const forged = forgeToken({ header: { ...header, x5c, jwk }, payload, key: privateKey });
    expect(await verified(forged)).toBe("ERR_TOKEN_SIGNATURE");
  });

  test.each([
    ["", "ec ", " ec", "EC", "ec\0", "ec\r\n"],
    ["../../etc/passwd", "/dev/null", "' OR 1=1 --", "*)(uid=*", "; rm -rf /", "$(id)", "https://evil.example/jwks"],
    ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf", "0", "length"],
    ["é".repeat(10), "\u{1f511}", "\ud800", "x".repeat(8000)],
  ])("is found only by its exact kid, not by %j or similar values (K-03)", async (...kids) => {
    for (const kid of kids) expect(await withHeader({ kid })).toBe("ERR_TOKEN_KEY_UNKNOWN");
  });

  test.each([[null], [0], [1], [true], [["ec"]], [{ kid: "ec" }]])("is not found by the kid %j (K-03)", async (kid) => {
    expect(await withHeader({ kid })).toBe("ERR_TOKEN_MALFORMED");
  });

  test("is any key of the key set if the header has no kid", async () => {
    expect(await withHeader({ kid: undefined })).toBe("accepted");
    const forged = { header: { ...header, kid: undefined }, payload, key: attacker.privateKey };
    expect(await verified(forgeToken(forged))).toBe("ERR_TOKEN_SIGNATURE");
  });
});

describe("the format", () => {
  const [head = "", body = "", signature = ""] = forgeToken(parts).split(".");

  test.each([
    [
      "general JSON serialization (K-05)",
      JSON.stringify({ payload: body, signatures: [{ protected: head, signature }] }),
    ],
    ["flattened JSON serialization", JSON.stringify({ payload: body, protected: head, signature })],
    ["an unprotected header", JSON.stringify({ payload: body, header, signature })],
    ["a polyglot of both", `{"${head}.${body}.${signature}":1}`],
    ["two parts", `${head}.${body}`],
    ["four parts", `${head}.${body}.${signature}.`],
    ["five parts, as a JWE", `${head}.${body}.${signature}.AAAA.AAAA`],
    ["a detached payload", `${head}..${signature}`],
    ["padding", `${head}.${body}.${signature}==`],
    ["a line feed", `${head}.${body}.${signature}\n`],
    ["a blank before it", ` ${head}.${body}.${signature}`],
    ["the scheme before it", `Bearer ${head}.${body}.${signature}`],
    ["an empty string", ""],
    ["periods only", "..".repeat(8000)],
    ["too many characters", `${head}.${"A".repeat(20_000)}.${signature}`],
  ])("must be compact, so a token is rejected: %s", async (_name, token) => {
    expect(await verified(token)).toBe("ERR_TOKEN_MALFORMED");
  });

  test("must not have critical extensions (H-01, H-02)", async () => {
    expect(await withHeader({ crit: ["b64"], b64: false })).toBe("ERR_TOKEN_MALFORMED");
    expect(await withHeader({ crit: [] })).toBe("ERR_TOKEN_MALFORMED");
    expect(await withHeader({ crit: null })).toBe("ERR_TOKEN_MALFORMED");
    expect(await withHeader({ other: true })).toBe("accepted");
  });
});

describe("the type", () => {
  test.each<[string, object, object]>([
    ["an ID token", { typ: "JWT" }, { nonce: "n", at_hash: "h", aud: audience }],
    ["an ID token without typ", { typ: undefined }, { at_hash: "h" }],
    ["an ID token of the hybrid flow", { typ: "JWT" }, { c_hash: "h" }],
    ["a logout token", { typ: "logout+jwt" }, { events: {} }],
    ["a logout token without typ", { typ: undefined }, { events: {} }],
    ["a DPoP proof", { typ: "dpop+jwt" }, { htm: "GET", htu: audience }],
    ["a token introspection response", { typ: "token-introspection+jwt" }, { token_introspection: {} }],
    ["a status list", { typ: "statuslist+jwt" }, { status_list: {} }],
    ["a client's assertion", { typ: "client-authentication+jwt" }, {}],
    ["a request object", { typ: "oauth-authz-req+jwt" }, {}],
    ["a security event", { typ: "secevent+jwt" }, { events: {} }],
  ])("of %s is rejected (H-03)", async (_name, members, claims) => {
    const forge = (typ: object) =>
      forgeToken({ ...parts, header: { ...header, ...typ }, payload: { ...payload, ...claims } });
    expect(await verified(forge(members))).toBe("ERR_TOKEN_TYPE");
    expect(await verified(forge({}))).toBe("accepted");
  });
});

describe("the issuer", () => {
  test.each<[string, unknown]>([
    ["missing", undefined],
    ["null", null],
    ["empty", ""],
    ["a list", [issuer]],
    ["a list of several issuers", [issuer, "https://evil.example"]],
    ["an object", { iss: issuer }],
    ["the identifier with a slash", `${issuer}/`],
    ["a prefix of the identifier", issuer.slice(0, -1)],
    ["longer than the identifier", `${issuer}.evil.example`],
    ["the identifier in capitals", issuer.toUpperCase()],
    ["the identifier with its host in capitals", "https://ISSUER.example"],
    ["the identifier with the default port", `${issuer}:443`],
    ["the identifier as userinfo of another host", "https://issuer.example@evil.example"],
    ["the identifier with a blank", `${issuer} `],
    ["the identifier with the scheme http", "http://issuer.example"],
    ["the identifier with an escape", "https://issuer%2Eexample"],
    ["the identifier with a path of one dot", "https://issuer.example/."],
    ["the identifier with a Cyrillic letter", "https://іssuer.example"],
    ["a member of Object.prototype", "__proto__"],
  ])("that is %s is rejected (I-01)", async (_name, iss) => {
    expect(await withClaims({ iss })).toBe("ERR_TOKEN_ISSUER");
  });

  test("of an attacker receives no request for its keys (I-06)", async () => {
    const endpoint = await startEndpoint(json({ keys: [] }));
    expect(await withClaims({ iss: endpoint.url })).toBe("ERR_TOKEN_ISSUER");
    expect(endpoint.requests).toEqual([]);
  });
});

describe("the claims", () => {
  test("with duplicate members have the last value in every check (J-01)", async () => {
    const cnf = (thumbprint: string) => `"cnf":{"x5t#S256":"${thumbprint}"}`;
    const text = (...members: readonly string[]) =>
      `${JSON.stringify({ ...payload, cnf: undefined }).slice(0, -1)},${members.join(",")}}`;
    const stolen = text(cnf(client.thumbprint), cnf(thief.thumbprint));
    const bound = text(cnf(thief.thumbprint), cnf(client.thumbprint));
    expect(await verified(forgeToken({ ...parts, payload: stolen }))).toBe("ERR_BINDING_MISMATCH");
    expect(await verified(forgeToken({ ...parts, payload: bound }))).toBe("accepted");
    const expired = text(cnf(client.thumbprint), `"exp":1`);
    expect(await verified(forgeToken({ ...parts, payload: expired }))).toBe("ERR_TOKEN_EXPIRED");
  });

  test("are not read from __proto__ (P-01)", async () => {
    const { cnf, ...unbound } = payload;
    const smuggled = `"__proto__":${JSON.stringify({ cnf, scope: "admin", exp: seconds + 300 })}`;
    const text = (claims: object) => `${JSON.stringify(claims).slice(0, -1)},${smuggled}}`;
    const forge = (claims: object) => forgeToken({ ...parts, payload: text(claims) });
    expect(await verified(forge(unbound))).toBe("ERR_BINDING_REQUIRED");
    expect(await verified(forge(payload), { scopes: ["admin"] })).toBe("ERR_SCOPE_INSUFFICIENT");
    const { claims } = await verifier.verify(forge(payload), { clientCertificate: client.certificate });
    expect(claims.scope).toBeUndefined();
    expect(Object.getPrototypeOf(claims)).toBe(Object.prototype);
    expect(await verified(forgeToken({ ...parts, payload: text(unbound).replace('"exp"', '"x"') }))).toBe(
      "ERR_TOKEN_CLAIM",
    );
  });

  test("must have a scope that matches as a whole word (I-04)", async () => {
    const scoped = (scope: string) =>
      verified(forgeToken({ ...parts, payload: { ...payload, scope } }), { scopes: ["read"] });
    expect(await scoped("write read")).toBe("accepted");
    expect(await scoped("readers")).toBe("ERR_SCOPE_INSUFFICIENT");
  });
});

describe("the binding", () => {
  test.each<[string, unknown, Outcome]>([
    ["stripped (M-02)", undefined, "ERR_BINDING_REQUIRED"],
    ["null (M-07)", null, "ERR_BINDING_MALFORMED"],
    ["a string (M-07)", client.thumbprint, "ERR_BINDING_MALFORMED"],
    ["a list (M-07)", [{ "x5t#S256": client.thumbprint }], "ERR_BINDING_MALFORMED"],
    ["a list of thumbprints (M-07)", { "x5t#S256": [client.thumbprint] }, "ERR_BINDING_MALFORMED"],
    ["an empty thumbprint (M-05)", { "x5t#S256": "" }, "ERR_BINDING_MALFORMED"],
    ["a DPoP binding (M-08)", { jkt: client.thumbprint }, "ERR_BINDING_UNSUPPORTED"],
    [
      "both a certificate and a DPoP binding (M-08)",
      { "x5t#S256": client.thumbprint, jkt: client.thumbprint },
      "ERR_BINDING_UNSUPPORTED",
    ],
    ["the thumbprint of another certificate (M-01)", { "x5t#S256": thief.thumbprint }, "ERR_BINDING_MISMATCH"],
  ])("that is %s is rejected", async (_name, cnf, expected) => {
    expect(await withClaims({ cnf })).toBe(expected);
  });

  test("to the SHA-256 of an empty input matches no client, not even one without a certificate (M-05)", async () => {
    const emptyInput = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    const token = forgeToken({ ...parts, payload: { ...payload, cnf: { "x5t#S256": emptyInput } } });
    expect(await verified(token)).toBe("ERR_BINDING_MALFORMED");
    for (const clientCertificate of [null, "", new Uint8Array(), { thumbprint: emptyInput }]) {
      expect(await verified(token, { clientCertificate })).toBe("ERR_CERTIFICATE_MISSING");
    }
  });

  test("is compared with the leaf of a chain (M-04)", async () => {
    const certificateAuthority = await createCertificateAuthority();
    const leaf = await certificateAuthority.issueClientCertificate();
    const token = forgeToken({ ...parts, payload: { ...payload, cnf: { "x5t#S256": leaf.thumbprint } } });
    const chain = (first: string, second: string) => ({ clientCertificate: first + second });
    expect(await verified(token, chain(leaf.certificate, certificateAuthority.certificate))).toBe("accepted");
    expect(await verified(token, chain(certificateAuthority.certificate, leaf.certificate))).toBe(
      "ERR_BINDING_MISMATCH",
    );
  });
});

describe("any input", () => {
  const rejection = /^ERR_(TOKEN|BINDING)_/;

  fuzz.prop([fc.string({ maxLength: 200 })], { seed: 1, numRuns: 500 })("as a token is rejected", async (token) => {
    expect(await verified(token)).toBe("ERR_TOKEN_MALFORMED");
  });

  fuzz.prop([fc.jsonValue()], { seed: 2, numRuns: 300 })("as a signed payload is rejected", async (claims) => {
    expect(await verified(forgeToken({ ...parts, payload: JSON.stringify(claims) }))).toMatch(rejection);
  });

  fuzz.prop([fc.jsonValue()], { seed: 3, numRuns: 300 })("as a signed header is rejected", async (members) => {
    expect(await verified(forgeToken({ ...parts, header: JSON.stringify(members) }))).toMatch(rejection);
  });

  fuzz.prop([fc.dictionary(fc.string(), fc.jsonValue())], { seed: 4, numRuns: 300 })(
    "next to valid claims is accepted, and returned unchanged",
    async (others) => {
      const claims = { ...others, ...payload };
      const token = forgeToken({ ...parts, payload: claims });
      const accessToken = await verifier.verify(token, { clientCertificate: client.certificate });
      expect(accessToken.claims).toEqual(JSON.parse(JSON.stringify(claims)));
    },
  );

  const good = forgeToken(parts);

  fuzz.prop([fc.nat(good.length - 1), fc.integer({ min: 0, max: 127 })], { seed: 5, numRuns: 500 })(
    "that differs from a valid token in one character is rejected",
    async (index, code) => {
      const changed = good.slice(0, index) + String.fromCharCode(code) + good.slice(index + 1);
      fc.pre(changed !== good);
      expect(await verified(changed)).toMatch(rejection);
    },
  );
});
