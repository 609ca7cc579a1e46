// The types of @peculiar/x509 name CryptoKey and other globals of browsers.
/// <reference lib="dom" />
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

/** What a client certificate of these tests has besides its key. */
export interface OddCertificate {
  readonly extensions?: readonly x509.Extension[];
  readonly notAfter?: Date;
}

/** An authority that signs whatever it is given. */
export interface OddAuthority {
  /** PEM. */
  readonly certificate: string;
  /** Issues a certificate as PEM. */
  readonly issue: (odd: OddCertificate) => Promise<string>;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const day = 24 * 60 * 60 * 1000;

/** Creates an authority for certificates that the test kit does not make. */
export async function createOddAuthority(): Promise<OddAuthority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) };
  const root = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: "CN=Odd CA",
      keys,
      signingAlgorithm: algorithm,
      ...validity,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    },
    crypto,
  );
  return {
    certificate: root.toString("pem"),
    async issue({ extensions = [], notAfter = validity.notAfter }) {
      const { publicKey } = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
      const issued = await x509.X509CertificateGenerator.create(
        {
          subject: "CN=client",
          issuer: root.subjectName,
          publicKey,
          signingKey: keys.privateKey,
          signingAlgorithm: algorithm,
          notBefore: validity.notBefore,
          notAfter,
          extensions: [...extensions],
        },
        crypto,
      );
      return issued.toString("pem");
    },
  };
}

/** The extended key usages of these object identifiers. */
export function extendedKeyUsage(...usages: readonly string[]): x509.Extension {
  return new x509.ExtendedKeyUsageExtension([...usages], true);
}

/** Subject alternative names of which Node can decode none: a name of a kind that its type does not have. */
export function undecodableAlternativeNames(): x509.Extension {
  // IA5String "ogn.us" under a tag that belongs to no name.
  return new x509.Extension("2.5.29.17", false, Buffer.from("0408676f762e7573", "hex"));
}

/** The basic constraints of a CA. */
export function ofAuthority(): x509.Extension {
  return new x509.BasicConstraintsExtension(true, undefined, true);
}
