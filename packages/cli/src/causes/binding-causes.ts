import { Buffer } from "node:buffer";
import { createHash, createPublicKey, hash, type KeyObject, type X509Certificate } from "node:crypto";
import { certificateThumbprint } from "@certbound/core";
import { isJsonObject, type JsonObject, keyMembers, ownMember, THUMBPRINT_OF_NOTHING } from "@certbound/core/internal";
import { printable } from "../rendering/printable.ts";
import { claimOf, type Facts, numberOf, type OtherCertificate, textOf } from "../explain/facts.ts";
import type { Cause } from "./cause.ts";

const required = ["ERR_BINDING_REQUIRED"] as const;
const unsupported = ["ERR_BINDING_UNSUPPORTED"] as const;
const malformed = ["ERR_BINDING_MALFORMED"] as const;
const mismatch = ["ERR_BINDING_MISMATCH"] as const;

const rightThumbprint =
  "it must be the base64url of the SHA-256 of the DER (RFC 8705 section 3.1); certbound thumbprint shows it";

/** Why the token is not bound to the certificate that is presented. */
export const bindingCauses: readonly Cause[] = [
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
    applies: (facts) => bound(facts) === THUMBPRINT_OF_NOTHING,
    reason: "x5t#S256 is the SHA-256 of nothing: the issuer saw no certificate",
    fix: "if the issuer sits behind a proxy, let that forward the client's certificate to the token endpoint",
  },
  {
    id: "thumbprint-hex",
    codes: malformed,
    applies: (facts) => /^[\da-f]{64}$/i.test(bound(facts)),
    reason: (facts) => `x5t#S256 is the hexadecimal SHA-256${ownOrNot(facts, "hex", bound(facts).toLowerCase())}`,
    fix: rightThumbprint,
  },
  {
    id: "thumbprint-hex-with-colons",
    codes: malformed,
    applies: (facts) => /^(?:[\da-f]{2}:){31}[\da-f]{2}$/i.test(bound(facts)),
    reason: (facts) =>
      `x5t#S256 is the hexadecimal SHA-256 with colons, as openssl x509 -fingerprint prints it${ownOrNot(facts, "hex", bound(facts).replaceAll(":", "").toLowerCase())}`,
    fix: rightThumbprint,
  },
  {
    id: "thumbprint-sha1",
    codes: malformed,
    applies: (facts) => /^(?:(?:[\da-f]{2}:?){19}[\da-f]{2}|[\w+/-]{27}=?)$/i.test(bound(facts)),
    reason: "x5t#S256 is a SHA-1 thumbprint: 20 bytes, not 32",
    fix: rightThumbprint,
  },
  {
    id: "thumbprint-base64",
    codes: malformed,
    applies: (facts) => /^[A-Za-z\d+/]{43}=?$|^[\w-]{43}=$/.test(bound(facts)),
    reason: (facts) =>
      `x5t#S256 is base64 with +, / or padding, not base64url${ownOrNot(facts, "base64url", base64url(bound(facts)))}`,
    fix: "write it as base64url without padding: - for +, _ for /, no =",
  },
  {
    id: "thumbprint-encoded-twice",
    codes: malformed,
    applies: (facts) => /^[\da-f:]{64,95}$/i.test(Buffer.from(bound(facts), "base64").toString("latin1")),
    reason: "x5t#S256 is the base64 of the hexadecimal digits, not of the bytes",
    fix: rightThumbprint,
  },
  {
    id: "thumbprint-is-certificate",
    codes: malformed,
    applies: (facts) => /^MI[A-Za-z\d+/_-]{200}/.test(bound(facts)) || bound(facts).startsWith("-----BEGIN"),
    reason: "x5t#S256 is the certificate itself, not its thumbprint",
    fix: rightThumbprint,
  },
  {
    id: "confirmation-malformed",
    codes: malformed,
    reason: "cnf is not an object whose x5t#S256 is a SHA-256 thumbprint in base64url",
    fix: rightThumbprint,
  },
  {
    id: "chain-in-wrong-order",
    codes: mismatch,
    applies: (facts) => among(facts, "chain") !== undefined && facts.presented.x509?.ca === true,
    reason:
      "the file begins with the certificate of an authority, and the token is bound to one that comes later: the leaf has to be the first",
    fix: "put the client's own certificate first; a TLS client presents the first of its file",
  },
  {
    id: "thumbprint-of-issuing-certificate",
    codes: mismatch,
    applies: (facts) => among(facts, "chain") !== undefined,
    reason:
      "the token is bound to another certificate of the same file, one of the authorities: the issuer, or a proxy before it, hashed the wrong one",
    fix: "have it take the leaf, the first of the chain that the client presented",
  },
  {
    id: "certificate-renewed",
    codes: mismatch,
    applies: (facts) => isSuccessor(facts.presented.x509, among(facts, "also")?.x509),
    reason:
      "the token is bound to the certificate that this client had before: it was renewed, and the token is from before",
    fix: "let the client get a new token whenever its certificate changes",
  },
  {
    id: "other-named-certificate",
    codes: mismatch,
    applies: (facts) => among(facts, "also") !== undefined,
    reason: (facts) =>
      `the token is bound to the certificate in ${printable(among(facts, "also")?.name ?? "")}, and another one is presented`,
    fix: "let the client present the certificate that it got its token with; behind a proxy, see whose certificate is forwarded",
  },
  {
    id: "thumbprint-of-pem",
    codes: mismatch,
    applies: (facts) => textsOf(facts).some((text) => sha256(text) === bound(facts)),
    reason: "x5t#S256 is the SHA-256 of the PEM text, not of the DER that it encodes",
    fix: "decode the base64 between the lines before it is hashed",
  },
  {
    id: "thumbprint-of-public-key",
    codes: mismatch,
    applies: ({ presented: { x509 }, ...facts }) => spkiThumbprint(x509) === bound(facts),
    reason: "x5t#S256 is the SHA-256 of the certificate's public key, not of the certificate",
    fix: rightThumbprint,
  },
  {
    id: "thumbprint-of-jwk",
    codes: mismatch,
    applies: ({ presented: { x509 }, ...facts }) => jwkThumbprint(x509) === bound(facts),
    reason: "x5t#S256 is the thumbprint of the public key as a JWK (RFC 7638), as DPoP has it",
    fix: rightThumbprint,
  },
  {
    id: "certificate-newer-than-token",
    codes: mismatch,
    applies: ({ presented: { x509 }, token }) =>
      x509 !== undefined && Date.parse(x509.validFrom) / 1000 > numberOf(claimOf({ token }, "iat")),
    reason:
      "the certificate is good only from after the token was issued on: most likely it was renewed since (a hash cannot tell)",
    fix: "let the client get a new token whenever its certificate changes; --also OLD.pem tells for sure",
  },
  {
    id: "other-certificate",
    codes: mismatch,
    reason:
      "the token is bound to another certificate than the one that is presented: stolen, renewed, or not the client's own but a proxy's",
    fix: "compare with others that it may be: --also FILE, repeated; if none is, treat the token as stolen",
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
function bound(facts: Pick<Facts, "token">): string {
  return textOf(ownMember(confirmation(facts), "x5t#S256"));
}

function among(facts: Facts, from: OtherCertificate["from"]): OtherCertificate | undefined {
  return facts.presented.others.find(
    (other) => other.from === from && certificateThumbprint(other.x509) === bound(facts),
  );
}

/** By its name or its key; that it was renewed nobody writes down. */
function isSuccessor(presented: X509Certificate | undefined, other: X509Certificate | undefined): boolean {
  if (presented === undefined || other === undefined) return false;
  // Undefined if the name is empty.
  const subject = presented.subject as string | undefined;
  const [key, otherKey] = [publicKeyOf(presented), publicKeyOf(other)];
  const isSameKey = key !== undefined && otherKey !== undefined && key.equals(otherKey);
  return isSameKey || (subject !== undefined && subject === other.subject);
}

/** The texts that a program may have hashed for a certificate: with and without the last line feed, with both line ends. */
function textsOf({ presented: { x509, file } }: Facts): readonly (string | Buffer)[] {
  const pem = x509?.toString() ?? "";
  const body = pem.replaceAll(/-----[A-Z ]+-----/g, "").trim();
  const forms = [pem, pem.trim(), body, body.replaceAll("\n", "")];
  return [...forms, ...forms.map((text) => text.replaceAll("\n", "\r\n")), ...(file === undefined ? [] : [file.bytes])];
}

/** Returns the public key of a certificate; undefined if Node.js cannot read it, or does not know its type. */
function publicKeyOf(certificate: X509Certificate | undefined): KeyObject | undefined {
  try {
    return certificate?.publicKey;
  } catch {
    return undefined;
  }
}

function spkiThumbprint(certificate: X509Certificate | undefined): string | undefined {
  const der = publicKeyOf(certificate)?.export({ type: "spki", format: "der" });
  return der && sha256(der);
}

/** Required members in alphabetical order (RFC 7638 section 3.2). */
function jwkThumbprint(certificate: X509Certificate | undefined): string | undefined {
  const key = publicKeyOf(certificate);
  if (key === undefined) return undefined;
  try {
    const { crv, e, kty, n, x, y } = createPublicKey(key.export({ type: "spki", format: "pem" })).export({
      format: "jwk",
    });
    return createHash("sha256").update(JSON.stringify({ crv, e, kty, n, x, y })).digest("base64url");
  } catch {
    // A key of a type that JWK does not have.
    return undefined;
  }
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

function sha256(content: string | Uint8Array): string {
  return hash("sha256", content, "base64url");
}
