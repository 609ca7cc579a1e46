import type { Buffer } from "node:buffer";
import { createHash, createPublicKey, hash, type KeyObject, type X509Certificate } from "node:crypto";
import { certificateThumbprint } from "@certbound/core";
import type { OtherCertificate } from "../inputs/presented-certificate.ts";
import { printable } from "../rendering/printable.ts";
import { type Cause, claimOf, type Facts, numberOrNaN } from "./cause.ts";
import { boundThumbprint, thumbprintFix } from "./confirmation-causes.ts";

const mismatch = ["ERR_BINDING_MISMATCH"] as const;

/** The causes of a thumbprint mismatch. */
export const mismatchCauses: readonly Cause[] = [
  {
    id: "chain-in-wrong-order",
    codes: mismatch,
    applies: (facts) => matchIn(facts, "chain") !== undefined && facts.presented.x509?.ca === true,
    reason:
      "the file starts with a CA certificate, but the token is bound to a later certificate in the file: the leaf must come first",
    fix: "put the client's certificate first; a TLS client presents the first certificate in its file",
  },
  {
    id: "thumbprint-of-issuing-certificate",
    codes: mismatch,
    applies: (facts) => matchIn(facts, "chain") !== undefined,
    reason:
      "the token is bound to a later certificate in the file, such as that of the CA: the issuer, or a proxy in front of it, hashed the wrong certificate",
    fix: "correct the issuer or its proxy: hash the leaf, the first certificate of the chain that the client presented",
  },
  {
    id: "certificate-renewed",
    codes: mismatch,
    applies: (facts) => isSuccessor(facts.presented.x509, matchIn(facts, "also")?.x509),
    reason:
      "the token is bound to the previous certificate of this client: the certificate was renewed after the token was issued",
    fix: "the client must get a new token with its current certificate, and again whenever the certificate changes",
  },
  {
    id: "other-named-certificate",
    codes: mismatch,
    applies: (facts) => matchIn(facts, "also") !== undefined,
    reason: (facts) =>
      `the token is bound to the certificate in ${printable(matchIn(facts, "also")?.name ?? "")}, but the client presents another certificate`,
    fix: "the client must present the certificate that it got its token with, or get a new token with its current certificate; behind a proxy, check which certificate the proxy forwards",
  },
  {
    id: "thumbprint-of-pem",
    codes: mismatch,
    applies: (facts) => textsOf(facts).some((text) => sha256(text) === boundThumbprint(facts)),
    reason: "x5t#S256 is the SHA-256 of the PEM text, not of the DER certificate",
    fix: "correct the issuer: decode the base64 of the PEM text, and hash the resulting bytes",
  },
  {
    id: "thumbprint-of-public-key",
    codes: mismatch,
    applies: ({ presented: { x509 }, ...facts }) => spkiThumbprint(x509) === boundThumbprint(facts),
    reason: "x5t#S256 is the SHA-256 of the certificate's public key, not of the certificate",
    fix: thumbprintFix,
  },
  {
    id: "thumbprint-of-jwk",
    codes: mismatch,
    applies: ({ presented: { x509 }, ...facts }) => jwkThumbprint(x509) === boundThumbprint(facts),
    reason: "x5t#S256 is the JWK thumbprint of the public key (RFC 7638), as used by DPoP, not of the certificate",
    fix: thumbprintFix,
  },
  {
    id: "certificate-newer-than-token",
    codes: mismatch,
    applies: ({ presented: { x509 }, token }) =>
      x509 !== undefined && Date.parse(x509.validFrom) / 1000 > numberOrNaN(claimOf({ token }, "iat")),
    reason:
      "the certificate became valid after the token was issued: it was probably renewed (the thumbprint cannot prove this)",
    fix: "the client must get a new token with its current certificate, and again whenever the certificate changes; to confirm the cause, pass the previous certificate with --also OLD.pem",
  },
  {
    id: "other-certificate",
    codes: mismatch,
    reason:
      "the token is bound to another certificate: the token was stolen, the certificate was renewed, or one of the two certificates belongs to a proxy",
    fix: "the client must get a new token with its current certificate; to find the cause, pass other candidates with --also FILE (repeatable); if none matches, treat the token as stolen",
  },
];

/** Returns the certificate of the given kind that the token is bound to. */
function matchIn(facts: Facts, from: OtherCertificate["from"]): OtherCertificate | undefined {
  return facts.presented.others.find(
    (other) => other.from === from && certificateThumbprint(other.x509) === boundThumbprint(facts),
  );
}

/** Returns true if both certificates have the same key or subject, which is the only evidence of a renewal. */
function isSuccessor(presented: X509Certificate | undefined, other: X509Certificate | undefined): boolean {
  if (presented === undefined || other === undefined) return false;
  // Undefined if the subject is empty.
  const subject = presented.subject as string | undefined;
  const [key, otherKey] = [publicKeyOf(presented), publicKeyOf(other)];
  const isSameKey = key !== undefined && otherKey !== undefined && key.equals(otherKey);
  return isSameKey || (subject !== undefined && subject === other.subject);
}

/** Returns the texts that an issuer might have hashed: with and without the final line feed, with LF and with CRLF. */
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

/** Computes the JWK thumbprint: the hash of the required members in alphabetical order (RFC 7638 section 3.2). */
function jwkThumbprint(certificate: X509Certificate | undefined): string | undefined {
  const key = publicKeyOf(certificate);
  if (key === undefined) return undefined;
  try {
    const { crv, e, kty, n, x, y } = createPublicKey(key.export({ type: "spki", format: "pem" })).export({
      format: "jwk",
    });
    return createHash("sha256").update(JSON.stringify({ crv, e, kty, n, x, y })).digest("base64url");
  } catch {
    // JWK does not support this key type.
    return undefined;
  }
}

function sha256(content: string | Uint8Array): string {
  return hash("sha256", content, "base64url");
}
