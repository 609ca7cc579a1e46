import { Buffer } from "node:buffer";
import {
  isJsonObject,
  type JsonObject,
  keyMembers,
  ownMember,
  THUMBPRINT_OF_EMPTY_INPUT,
} from "@certbound/core/internal";
import { type Cause, claimOf, type Facts, stringOrEmpty } from "./cause.ts";

const required = ["ERR_BINDING_REQUIRED"] as const;
const unsupported = ["ERR_BINDING_UNSUPPORTED"] as const;
const malformed = ["ERR_BINDING_MALFORMED"] as const;

/** The fix for a wrong thumbprint. */
export const thumbprintFix =
  "correct the issuer: x5t#S256 must be the SHA-256 of the DER certificate in base64url (RFC 8705 section 3.1); certbound thumbprint prints the correct value";

/** The causes of a missing, malformed or unsupported `cnf`. */
export const confirmationCauses: readonly Cause[] = [
  {
    id: "confirmation-misplaced",
    codes: required,
    applies: ({ token: { claims = {} } }) =>
      ["x5t#S256", "cnf.x5t#S256", "x5t"].some((name) => Object.hasOwn(claims, name)),
    reason: "the thumbprint is a separate claim, not a member of cnf",
    fix: 'correct the issuer: the claim must be "cnf": { "x5t#S256": "..." } (RFC 8705 section 3.1)',
  },
  {
    id: "token-unbound",
    codes: required,
    reason: "the token has no cnf: it is a plain bearer token, which anyone can use",
    fix: "enable certificate-bound access tokens for this client at the issuer, and configure the client to present its certificate to the token endpoint",
  },
  {
    id: "bound-by-both",
    codes: unsupported,
    applies: (facts) => secondKey(facts) === "jkt",
    reason: "the token is also bound to a DPoP key (jkt), which certbound does not check",
    fix: "the client must request its token without a DPoP proof",
  },
  {
    id: "bound-by-second-key",
    codes: unsupported,
    applies: (facts) => secondKey(facts) !== undefined,
    reason: (facts) =>
      `cnf has ${secondKey(facts)} next to x5t#S256: this is a second key, which certbound does not check (RFC 7800 section 3.1 allows only one)`,
    fix: "configure the issuer to bind the token to the client's certificate only",
  },
  {
    id: "dpop-bound",
    codes: unsupported,
    applies: (facts) => Object.hasOwn(confirmation(facts), "jkt"),
    reason: "the token is bound to a DPoP key (jkt), not to a certificate",
    fix: "the client must request its token over mutual TLS, and without a DPoP proof",
  },
  {
    id: "confirmation-sha1",
    codes: unsupported,
    applies: (facts) => Object.hasOwn(confirmation(facts), "x5t"),
    reason: "cnf contains x5t, the SHA-1 thumbprint, instead of x5t#S256",
    fix: thumbprintFix,
  },
  {
    id: "confirmation-misspelled",
    codes: unsupported,
    applies: (facts) => Object.keys(confirmation(facts)).some((name) => /^x5t.?s?256$/i.test(name)),
    reason: "cnf has a member whose name is similar to x5t#S256; names are compared exactly",
    fix: "correct the name at the issuer",
  },
  {
    id: "bound-by-key",
    codes: unsupported,
    reason: "cnf binds the token by another method (jwk, kid, ...), not to a certificate",
    fix: "configure the issuer to bind the token to the client's certificate",
  },
  {
    id: "thumbprint-of-nothing",
    codes: malformed,
    applies: (facts) => boundThumbprint(facts) === THUMBPRINT_OF_EMPTY_INPUT,
    reason: "x5t#S256 is the SHA-256 of an empty input: the issuer saw no certificate",
    fix: "if the issuer is behind a proxy, configure the proxy to forward the client's certificate to the token endpoint",
  },
  {
    id: "thumbprint-hex",
    codes: malformed,
    applies: (facts) => /^[\da-f]{64}$/i.test(boundThumbprint(facts)),
    reason: (facts) =>
      `x5t#S256 is the SHA-256 in hexadecimal${certificateHint(facts, "hex", boundThumbprint(facts).toLowerCase())}`,
    fix: thumbprintFix,
  },
  {
    id: "thumbprint-hex-with-colons",
    codes: malformed,
    applies: (facts) => /^(?:[\da-f]{2}:){31}[\da-f]{2}$/i.test(boundThumbprint(facts)),
    reason: (facts) =>
      `x5t#S256 is the SHA-256 in hexadecimal with colons, as openssl x509 -fingerprint prints it${certificateHint(facts, "hex", boundThumbprint(facts).replaceAll(":", "").toLowerCase())}`,
    fix: thumbprintFix,
  },
  {
    id: "thumbprint-sha1",
    codes: malformed,
    applies: (facts) => /^(?:(?:[\da-f]{2}:?){19}[\da-f]{2}|[\w+/-]{27}=?)$/i.test(boundThumbprint(facts)),
    reason: "x5t#S256 is a SHA-1 thumbprint: 20 bytes, not 32",
    fix: thumbprintFix,
  },
  {
    id: "thumbprint-base64",
    codes: malformed,
    applies: (facts) => /^[A-Za-z\d+/]{43}=?$|^[\w-]{43}=$/.test(boundThumbprint(facts)),
    reason: (facts) =>
      `x5t#S256 is base64 with +, / or padding, not base64url${certificateHint(facts, "base64url", base64url(boundThumbprint(facts)))}`,
    fix: "correct the issuer: use base64url without padding, with - instead of +, _ instead of /, and no =",
  },
  {
    id: "thumbprint-encoded-twice",
    codes: malformed,
    applies: (facts) => /^[\da-f:]{64,95}$/i.test(Buffer.from(boundThumbprint(facts), "base64").toString("latin1")),
    reason: "x5t#S256 is the base64 of the hexadecimal text, not of the bytes",
    fix: thumbprintFix,
  },
  {
    id: "thumbprint-is-certificate",
    codes: malformed,
    applies: (facts) =>
      /^MI[A-Za-z\d+/_-]{200}/.test(boundThumbprint(facts)) || boundThumbprint(facts).startsWith("-----BEGIN"),
    reason: "x5t#S256 is the certificate itself, not its thumbprint",
    fix: thumbprintFix,
  },
  {
    id: "confirmation-malformed",
    codes: malformed,
    reason: "cnf is not an object whose x5t#S256 is a SHA-256 thumbprint in base64url",
    fix: thumbprintFix,
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

/** Returns the thumbprint in `cnf`; an empty string if there is none. */
export function boundThumbprint(facts: Pick<Facts, "token">): string {
  return stringOrEmpty(ownMember(confirmation(facts), "x5t#S256"));
}

/** States whether the thumbprint, once decoded, matches the presented certificate. */
function certificateHint({ presented: { thumbprint } }: Facts, encoding: "hex" | "base64url", value: string): string {
  if (thumbprint === undefined) return "";
  return Buffer.from(thumbprint, "base64url").toString(encoding) === value
    ? " of the presented certificate"
    : ", and it is the thumbprint of another certificate";
}

function base64url(text: string): string {
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=$/, "");
}
