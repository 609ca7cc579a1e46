import { createPublicKey, createSecretKey, generateKeyPairSync, randomUUID } from "node:crypto";
import { forgeToken } from "@certbound/testing";
import { NOW, type Parties } from "../../helpers/parties.ts";
import { accepted, type AdapterCase, type Difference, rejected } from "../adapter-case.ts";

const attacker = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** Returns valid claims. */
function validClaims({ issuer, client }: Parties): Record<string, unknown> {
  const { issuer: iss, audience: aud } = issuer;
  return { iss, aud, sub: "client-1", exp: NOW + 300, jti: randomUUID(), cnf: { "x5t#S256": client.thumbprint } };
}

function withHeader(header: Record<string, unknown>, claims: Record<string, unknown> = {}): Difference {
  return { token: ({ token }) => token({ header, claims }) };
}

/** Returns valid claims with this header, signed with the attacker's key. */
function forged(header: (parties: Parties) => Record<string, unknown>): Difference {
  return {
    token: (parties) =>
      forgeToken({
        header: { alg: "ES256", typ: "at+jwt", ...header(parties) },
        payload: validClaims(parties),
        key: attacker.privateKey,
      }),
  };
}

/** Returns valid claims with this alg and an empty signature. */
function unsigned(alg: unknown): Difference {
  return {
    token: (parties) => forgeToken({ header: { alg, typ: "at+jwt" }, payload: validClaims(parties), signature: "" }),
  };
}

/** Returns valid claims with an HMAC that is keyed with the issuer's public key. */
function keyedWithPublicKey(alg: string): Difference {
  return {
    token: (parties) => {
      const [jwk] = parties.issuer.jwks.keys;
      if (jwk === undefined) throw new Error("The issuer has no key");
      const pem = createPublicKey({ key: { ...jwk }, format: "jwk" }).export({ type: "spki", format: "pem" });
      const key = createSecretKey(Buffer.from(pem));
      return forgeToken({ header: { alg, typ: "at+jwt", kid: jwk.kid }, payload: validClaims(parties), key });
    },
  };
}

/** The algorithm, type and key of a token (RFC 8725 sections 3.1, 3.10 and 3.11). */
export const tokenHeader: readonly AdapterCase[] = [
  ...["none", "None", "NONE", ""].map((alg) =>
    rejected(`the algorithm ${JSON.stringify(alg)}`, "ERR_TOKEN_ALGORITHM", unsigned(alg)),
  ),
  rejected("an algorithm that is a list", "ERR_TOKEN_ALGORITHM", unsigned(["ES256"])),
  rejected("a missing algorithm", "ERR_TOKEN_ALGORITHM", unsigned(undefined)),
  ...["HS256", "HS384", "HS512"].map((alg) =>
    rejected(`${alg} keyed with the public key`, "ERR_TOKEN_ALGORITHM", keyedWithPublicKey(alg)),
  ),
  rejected("an algorithm that does not match the key", "ERR_TOKEN_KEY_UNKNOWN", withHeader({ alg: "RS256" })),
  rejected("an algorithm for another curve", "ERR_TOKEN_KEY_UNKNOWN", withHeader({ alg: "ES384" })),
  rejected("a critical extension", "ERR_TOKEN_MALFORMED", withHeader({ crit: ["exp"], exp: 1 })),
  rejected("an unencoded payload", "ERR_TOKEN_MALFORMED", withHeader({ crit: ["b64"], b64: false })),

  accepted("a token without a kid", withHeader({ kid: undefined })),
  rejected(
    "an unknown kid",
    "ERR_TOKEN_KEY_UNKNOWN",
    forged(() => ({ kid: "attacker" })),
  ),
  rejected(
    "a kid that is a member of Object",
    "ERR_TOKEN_KEY_UNKNOWN",
    forged(() => ({ kid: "__proto__" })),
  ),
  rejected(
    "a kid that is not a string",
    "ERR_TOKEN_MALFORMED",
    forged(() => ({ kid: 1 })),
  ),
  rejected("a foreign signature with the kid of the issuer", "ERR_TOKEN_SIGNATURE", forged(issuerKeyId)),
  rejected(
    "a foreign signature without a kid",
    "ERR_TOKEN_SIGNATURE",
    forged(() => ({})),
  ),
  rejected(
    "a key inside the token",
    "ERR_TOKEN_SIGNATURE",
    forged(() => ({ jwk: attacker.publicKey.export({ format: "jwk" }) })),
  ),
  rejected(
    "a key at a URL in the token",
    "ERR_TOKEN_SIGNATURE",
    forged(({ issuer }) => ({ jku: `${issuer.issuer}/attacker`, x5u: `${issuer.issuer}/attacker` })),
  ),

  ...["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt", "application/jwt"].map((typ) =>
    accepted(`the type ${typ}`, withHeader({ typ })),
  ),
  accepted("a token without a type", withHeader({ typ: undefined })),
  ...["logout+jwt", "dpop+jwt", "secevent+jwt", "statuslist+jwt", "at+jwt ", "text/at+jwt", "", 1, null].map((typ) =>
    rejected(`the type ${JSON.stringify(typ)}`, "ERR_TOKEN_TYPE", withHeader({ typ })),
  ),
  accepted("an access token with a nonce", withHeader({}, { nonce: "n-1" })),
  accepted("a bound token with a nonce and the type JWT", withHeader({ typ: "JWT" }, { nonce: "n-1" })),
  ...["at_hash", "c_hash", "events"].map((name) =>
    rejected(`an ID token with ${name}`, "ERR_TOKEN_TYPE", withHeader({ typ: "JWT" }, { [name]: "x" })),
  ),
  rejected("an ID token with the header of an access token", "ERR_TOKEN_SIGNATURE", {
    token: async ({ token }) => {
      const [header] = (await token()).split(".");
      const [, payload, signature] = (await token({ header: { typ: "JWT" } })).split(".");
      return `${header}.${payload}.${signature}`;
    },
  }),
];

function issuerKeyId({ issuer }: Parties): Record<string, unknown> {
  return { kid: issuer.jwks.keys[0]?.kid };
}
