import { Buffer } from "node:buffer";
import { isJsonObject, type JsonObject, keyMembers, ownMember, THUMBPRINT_OF_NOTHING } from "@certbound/core/internal";
import { type Cause, claimOf, type Facts, textOf } from "./cause.ts";

const required = ["ERR_BINDING_REQUIRED"] as const;
const unsupported = ["ERR_BINDING_UNSUPPORTED"] as const;
const malformed = ["ERR_BINDING_MALFORMED"] as const;

/** What every thumbprint has to be. */
export const rightThumbprint =
  "it must be the base64url of the SHA-256 of the DER (RFC 8705 section 3.1); certbound thumbprint shows it";

/** Why `cnf` binds the token to no certificate. */
export const confirmationCauses: readonly Cause[] = [
  {
    id: "confirmation-misplaced",
    codes: required,
    applies: ({ token: { claims = {} } }) =>
      ["x5t#S256", "cnf.x5t#S256", "x5t"].some((name) => Object.hasOwn(claims, name)),
    reason: "the thumbprint is a claim of its own, not a member of cnf",
    fix: 'have the issuer send "cnf": { "x5t#S256": "..." } (RFC 8705 section 3.1)',
  },
  {
    id: "token-unbound",
    codes: required,
    reason: "it has no cnf: a plain bearer token, which works for whoever has it",
    fix: "switch certificate-bound access tokens on for this client at the issuer, and let the client present its certificate to the token endpoint",
  },
  {
    id: "bound-by-both",
    codes: unsupported,
    applies: (facts) => secondKey(facts) === "jkt",
    reason: "it is bound to a DPoP key (jkt) as well, which is not checked here",
    fix: "let the client ask for its token without a DPoP proof",
  },
  {
    id: "bound-by-second-key",
    codes: unsupported,
    applies: (facts) => secondKey(facts) !== undefined,
    reason: (facts) =>
      `cnf has ${secondKey(facts)} next to x5t#S256: it names a second key, whose proof is not checked (RFC 7800 section 3.1 permits one)`,
    fix: "have the issuer bind the token to the client's certificate only",
  },
  {
    id: "dpop-bound",
    codes: unsupported,
    applies: (facts) => Object.hasOwn(confirmation(facts), "jkt"),
    reason: "it is bound to a DPoP key (jkt), not to a certificate",
    fix: "let the client get its token over mutual TLS, and without a DPoP proof",
  },
  {
    id: "confirmation-sha1",
    codes: unsupported,
    applies: (facts) => Object.hasOwn(confirmation(facts), "x5t"),
    reason: "cnf has x5t, the SHA-1 thumbprint, and not x5t#S256",
    fix: `have the issuer send x5t#S256: ${rightThumbprint}`,
  },
  {
    id: "confirmation-misspelled",
    codes: unsupported,
    applies: (facts) => Object.keys(confirmation(facts)).some((name) => /^x5t.?s?256$/i.test(name)),
    reason: "cnf has a member that is nearly x5t#S256: names are compared exactly",
    fix: "correct the name at the issuer",
  },
  {
    id: "bound-by-key",
    codes: unsupported,
    reason: "cnf binds the token by another method (jwk, kid, ...) than a certificate",
    fix: "have the issuer bind it to the client's certificate",
  },
  {
    id: "thumbprint-of-nothing",
    codes: malformed,
    applies: (facts) => boundThumbprint(facts) === THUMBPRINT_OF_NOTHING,
    reason: "x5t#S256 is the SHA-256 of nothing: the issuer saw no certificate",
    fix: "if the issuer sits behind a proxy, let that forward the client's certificate to the token endpoint",
  },
  {
    id: "thumbprint-hex",
    codes: malformed,
    applies: (facts) => /^[\da-f]{64}$/i.test(boundThumbprint(facts)),
    reason: (facts) =>
      `x5t#S256 is the hexadecimal SHA-256${ownOrNot(facts, "hex", boundThumbprint(facts).toLowerCase())}`,
    fix: rightThumbprint,
  },
  {
    id: "thumbprint-hex-with-colons",
    codes: malformed,
    applies: (facts) => /^(?:[\da-f]{2}:){31}[\da-f]{2}$/i.test(boundThumbprint(facts)),
    reason: (facts) =>
      `x5t#S256 is the hexadecimal SHA-256 with colons, as openssl x509 -fingerprint prints it${ownOrNot(facts, "hex", boundThumbprint(facts).replaceAll(":", "").toLowerCase())}`,
    fix: rightThumbprint,
  },
  {
    id: "thumbprint-sha1",
    codes: malformed,
    applies: (facts) => /^(?:(?:[\da-f]{2}:?){19}[\da-f]{2}|[\w+/-]{27}=?)$/i.test(boundThumbprint(facts)),
    reason: "x5t#S256 is a SHA-1 thumbprint: 20 bytes, not 32",
    fix: rightThumbprint,
  },
  {
    id: "thumbprint-base64",
    codes: malformed,
    applies: (facts) => /^[A-Za-z\d+/]{43}=?$|^[\w-]{43}=$/.test(boundThumbprint(facts)),
    reason: (facts) =>
      `x5t#S256 is base64 with +, / or padding, not base64url${ownOrNot(facts, "base64url", base64url(boundThumbprint(facts)))}`,
    fix: "write it as base64url without padding: - for +, _ for /, no =",
  },
  {
    id: "thumbprint-encoded-twice",
    codes: malformed,
    applies: (facts) => /^[\da-f:]{64,95}$/i.test(Buffer.from(boundThumbprint(facts), "base64").toString("latin1")),
    reason: "x5t#S256 is the base64 of the hexadecimal digits, not of the bytes",
    fix: rightThumbprint,
  },
  {
    id: "thumbprint-is-certificate",
    codes: malformed,
    applies: (facts) =>
      /^MI[A-Za-z\d+/_-]{200}/.test(boundThumbprint(facts)) || boundThumbprint(facts).startsWith("-----BEGIN"),
    reason: "x5t#S256 is the certificate itself, not its thumbprint",
    fix: rightThumbprint,
  },
  {
    id: "confirmation-malformed",
    codes: malformed,
    reason: "cnf is not an object whose x5t#S256 is a SHA-256 thumbprint in base64url",
    fix: rightThumbprint,
  },
];

/** Returns the member of `cnf` that names a key next to `x5t#S256`; undefined if there is none. */
export function secondKey(facts: Pick<Facts, "token">): string | undefined {
  const cnf = confirmation(facts);
  return Object.hasOwn(cnf, "x5t#S256") ? keyMembers.find((name) => Object.hasOwn(cnf, name)) : undefined;
}

function confirmation(facts: Pick<Facts, "token">): JsonObject {
  const cnf = claimOf(facts, "cnf");
  return isJsonObject(cnf) ? cnf : {};
}

/** The thumbprint that the token names; empty when there is none. */
export function boundThumbprint(facts: Pick<Facts, "token">): string {
  return textOf(ownMember(confirmation(facts), "x5t#S256"));
}

function ownOrNot({ presented: { thumbprint } }: Facts, encoding: "hex" | "base64url", said: string): string {
  if (thumbprint === undefined) return "";
  return Buffer.from(thumbprint, "base64url").toString(encoding) === said
    ? " of this certificate"
    : ", and of another certificate than the one that is presented";
}

function base64url(text: string): string {
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=$/, "");
}
