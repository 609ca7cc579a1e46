import { startServer } from "@certbound/testing";
import { createPrivateKey } from "node:crypto";
import { createServer } from "node:http";
import { expect } from "vitest";
import { type Attempt, conforms, type ConformanceCase, rejects } from "../../conformance-case.ts";
import type { RawToken } from "../../raw-token.ts";
import { AUDIENCE, ISSUER, type Scene } from "../../scene.ts";
import { signers } from "../../signers.ts";
import { outcomeOf, verifierOf } from "../../verification.ts";

/** Signs with ES256 and the key of the client certificate. */
function signedByClient({ own }: Scene): RawToken {
  return { signer: (input) => signers.ES256(input, createPrivateKey(own.key)) };
}

/** Returns a token with a key in `jwk`, signed with that key or by the issuer. */
function containingKey(header: (scene: Scene) => object, signedBy: "its key" | "the issuer"): Attempt {
  return {
    token: (scene) => {
      const { token, keys, foreignKeys } = scene;
      const key = signedBy === "its key" ? foreignKeys.ES256 : keys.ES256;
      return token({ key, header: { jwk: foreignKeys.ES256.jwk, ...header(scene) } });
    },
  };
}

const injections: readonly string[] = [
  "../../../../../../dev/null",
  "/dev/null",
  "' OR '1'='1",
  "' UNION SELECT 'secret' --",
  "*)(uid=*))(|(uid=*",
  "| /usr/bin/id",
  "$(id)",
  "key-ES256\r\nx-kid: 1",
  "key-ES256\0",
  "key-ES256 ",
  "key-ES25",
  "key-ES256key-ES256",
  "",
  "undefined",
  "null",
  "*",
  "https://keys.example/1",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "k".repeat(8000),
];

export const cases: readonly ConformanceCase[] = [
  rejects(["K-01", "7515-08"], "a key in jwk with the kid of the issuer's key", {
    accepted: containingKey(({ keys }) => ({ kid: keys.ES256.jwk.kid }), "the issuer"),
    rejected: containingKey(({ keys }) => ({ kid: keys.ES256.jwk.kid }), "its key"),
    code: "ERR_TOKEN_SIGNATURE",
  }),
  rejects(["K-01", "7515-08"], "a key in jwk without a kid", {
    accepted: containingKey(() => ({ kid: undefined }), "the issuer"),
    rejected: containingKey(() => ({ kid: undefined }), "its key"),
    code: "ERR_TOKEN_SIGNATURE",
  }),
  rejects(["K-01", "7515-08"], "a key in jwk with the kid of that key", {
    accepted: { token: ({ token, foreignKeys }) => token({ header: { jwk: foreignKeys.ES256.jwk } }) },
    rejected: containingKey(({ foreignKeys }) => ({ kid: foreignKeys.ES256.jwk.kid }), "its key"),
    code: "ERR_TOKEN_KEY_UNKNOWN",
  }),
  ...(
    [
      ["the kid of the issuer's key", ({ keys }: Scene) => keys.ES256.jwk.kid, "ERR_TOKEN_SIGNATURE"],
      ["no kid", () => undefined, "ERR_TOKEN_SIGNATURE"],
      ["its thumbprint as kid", ({ own }: Scene) => own.thumbprint, "ERR_TOKEN_KEY_UNKNOWN"],
    ] as const
  ).map(([name, kid, code]) =>
    rejects(["K-02", "7515-08"], `a token that the client signed, with its certificate in x5c and ${name}`, {
      accepted: { token: (scene) => scene.token({ header: inX5c(scene) }) },
      rejected: {
        token: (scene) => scene.token({ ...signedByClient(scene), header: { ...inX5c(scene), kid: kid(scene) } }),
      },
      code,
    }),
  ),
  conforms(["K-02", "7515-08", "8725-08"], "does not fetch a key from a URL in the token", async ({ scene }) => {
    const { own, keys, foreignKeys, token } = scene;
    const requests: string[] = [];
    const endpoint = createServer(({ url = "" }, response) => {
      requests.push(url);
      response.setHeader("content-type", "application/json").end(JSON.stringify({ keys: [foreignKeys.ES256.jwk] }));
    });
    const { url, close } = await startServer(endpoint);
    // One verifier has its keys, and the other fetches them.
    const verifiers = [
      verifierOf({ jwks: scene.jwks }),
      verifierOf({ jwks: scene.remote.jwksUri, issuer: scene.remote.issuer, audience: AUDIENCE }),
    ];
    for (const [index, verifier] of verifiers.entries()) {
      const iss = [ISSUER, scene.remote.issuer][index];
      const verify = (text: string) => outcomeOf(verifier.verify(text, { clientCertificate: own.der }));
      const withUrls = { jku: `${url}/jku`, x5u: `${url}/x5u`, kid: undefined };
      const rejected = await verify(token({ key: foreignKeys.ES256, header: withUrls, claims: { iss } }));
      expect(rejected).toBe("ERR_TOKEN_SIGNATURE");
      const unknown = { ...withUrls, kid: "foreign-ES256" };
      expect(await verify(token({ key: foreignKeys.ES256, header: unknown, claims: { iss } }))).toBe(
        "ERR_TOKEN_KEY_UNKNOWN",
      );
    }
    const accepted = token({ key: keys.ES256, header: { jku: `${url}/jku`, x5u: `${url}/x5u` } });
    expect(await outcomeOf(verifierOf({ jwks: scene.jwks }).verify(accepted, { clientCertificate: own.der }))).toBe(
      "accepted",
    );
    await close();
    expect(requests).toEqual([]);
  }),
  ...injections.map((kid) =>
    rejects(["K-03", "8725-08"], `the kid ${kid.length > 100 ? "of 8000 characters" : JSON.stringify(kid)}`, {
      accepted: { token: ({ token }) => token() },
      rejected: { token: ({ token }) => token({ header: { kid } }) },
      code: "ERR_TOKEN_KEY_UNKNOWN",
    }),
  ),
  ...[["key-ES256"], { 0: "key-ES256" }, {}, 0, 1, true, null].map((kid) =>
    rejects("K-03", `a kid that is not a string: ${JSON.stringify(kid)}`, {
      accepted: { token: ({ token }) => token({ header: { kid: "key-ES256" } }) },
      rejected: { token: ({ token }) => token({ header: { kid } }) },
      code: "ERR_TOKEN_MALFORMED",
    }),
  ),
  rejects("K-04", "an unknown kid, but not a token without a kid", {
    accepted: { token: ({ token }) => token({ header: { kid: undefined } }) },
    rejected: { token: ({ token }) => token({ header: { kid: "key-of-tomorrow" } }) },
    code: "ERR_TOKEN_KEY_UNKNOWN",
  }),
  conforms("K-04", "fetches the keys once for an unknown kid, and rejects the token", async ({ scene }) => {
    let fetches = 0;
    const endpoint = createServer((_request, response) => {
      fetches += 1;
      response.setHeader("content-type", "application/json").end(JSON.stringify(scene.jwks));
    });
    const { url, close } = await startServer(endpoint);
    const verifier = verifierOf({ jwks: `${url}/jwks` });
    const verify = (kid: string) =>
      outcomeOf(verifier.verify(scene.token({ header: { kid } }), { clientCertificate: scene.own.der }));
    expect(await verify("key-ES256")).toBe("accepted");
    for (const kid of ["a", "b", "c", "a"]) expect(await verify(kid)).toBe("ERR_TOKEN_KEY_UNKNOWN");
    expect(await verify("key-ES256")).toBe("accepted");
    await close();
    // The first fetch, and at most one more for all unknown kids.
    expect(fetches).toBeLessThanOrEqual(2);
  }),
  conforms("K-05", "rejects an alg in the unprotected header of the JSON serialization", async ({ scene }) => {
    const verifier = verifierOf({ jwks: scene.jwks });
    const verify = (token: string) => outcomeOf(verifier.verify(token, { clientCertificate: scene.own.der }));
    const flattened = (unprotected: object, header?: object) =>
      scene.token({
        ...(header && { header: { ...header } }),
        join: (first, payload, signature) =>
          JSON.stringify({ protected: first, header: unprotected, payload, signature }),
      });
    expect(await verify(scene.token())).toBe("accepted");
    expect(await verify(flattened({}))).toBe("ERR_TOKEN_MALFORMED");
    expect(await verify(flattened({ alg: "none" }))).toBe("ERR_TOKEN_MALFORMED");
    expect(await verify(flattened({ alg: "ES256" }, { alg: undefined }))).toBe("ERR_TOKEN_MALFORMED");
  }),
  rejects("K-05", "an alg in a header parameter with the name header", {
    accepted: { token: ({ token }) => token({ header: { header: { alg: "none" } } }) },
    rejected: { token: ({ token }) => token({ header: { alg: undefined, header: { alg: "ES256" } } }) },
    code: "ERR_TOKEN_ALGORITHM",
  }),
];

function inX5c({ own }: Scene): RawToken["header"] & object {
  return { x5c: [Buffer.from(own.der).toString("base64")], "x5t#S256": own.thumbprint };
}
