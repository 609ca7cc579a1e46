import type { Buffer } from "node:buffer";
import { createHash, createPublicKey, hash, type KeyObject, type X509Certificate } from "node:crypto";
import { certificateThumbprint } from "@certbound/core";
import type { OtherCertificate } from "../inputs/presented-certificate.ts";
import { printable } from "../rendering/printable.ts";
import { type Cause, claimOf, type Facts, numberOf } from "./cause.ts";
import { boundThumbprint, rightThumbprint } from "./confirmation-causes.ts";

const mismatch = ["ERR_BINDING_MISMATCH"] as const;

/** Why the token is bound to another certificate than the one that is presented. */
export const mismatchCauses: readonly Cause[] = [
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
    applies: (facts) => textsOf(facts).some((text) => sha256(text) === boundThumbprint(facts)),
    reason: "x5t#S256 is the SHA-256 of the PEM text, not of the DER that it encodes",
    fix: "decode the base64 between the lines before it is hashed",
  },
  {
    id: "thumbprint-of-public-key",
    codes: mismatch,
    applies: ({ presented: { x509 }, ...facts }) => spkiThumbprint(x509) === boundThumbprint(facts),
    reason: "x5t#S256 is the SHA-256 of the certificate's public key, not of the certificate",
    fix: rightThumbprint,
  },
  {
    id: "thumbprint-of-jwk",
    codes: mismatch,
    applies: ({ presented: { x509 }, ...facts }) => jwkThumbprint(x509) === boundThumbprint(facts),
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

function among(facts: Facts, from: OtherCertificate["from"]): OtherCertificate | undefined {
  return facts.presented.others.find(
    (other) => other.from === from && certificateThumbprint(other.x509) === boundThumbprint(facts),
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

function sha256(content: string | Uint8Array): string {
  return hash("sha256", content, "base64url");
}
