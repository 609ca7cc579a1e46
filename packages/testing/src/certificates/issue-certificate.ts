// The types of @peculiar/x509 refer to BufferSource, CryptoKey and other browser globals.
/// <reference lib="dom" />
// @peculiar/x509 needs a Reflect polyfill that is loaded first.
import "reflect-metadata";
import { createPrivateKey, createPublicKey, generateKeyPair } from "node:crypto";
import type { KeyPairKeyObjectResult } from "node:crypto";
import { promisify } from "node:util";
import * as x509 from "@peculiar/x509";
import { generate } from "selfsigned";
import type { AlternativeNameKind } from "./certificate-names.ts";
import type { CertificateProfile, KeyType } from "./certificate-options.ts";
import { createIdentity } from "./identity.ts";
import type { Identity } from "./identity.ts";

/** The key type of a CA. */
export type AuthorityKeyType = "ec" | "rsa";

/** A CA's certificate and private key, which sign other certificates. */
export interface SigningCa {
  readonly commonName: string;
  readonly keyType: AuthorityKeyType;
  /** PEM */
  readonly certificate: string;
  /** PKCS#8 PEM */
  readonly key: string;
}

/** A certificate that the package selfsigned can issue if the CA has a key of the same type. */
type PlainProfile = CertificateProfile & { readonly keyType: AuthorityKeyType };

/**
 * Issues a certificate that the CA signs, or, without a CA, a self-signed one.
 *
 * Uses the package selfsigned where possible. It does not support Ed25519 keys, a key type that differs from the CA's,
 * or names that need escaping. For these, @peculiar/x509 signs a certificate with the dates and extensions of a template
 * that selfsigned issued.
 */
export async function issueCertificate(profile: CertificateProfile, ca?: SigningCa): Promise<Identity> {
  if (isPlain(profile, ca)) return issuePlainCertificate(profile, ca);
  const template = await issuePlainCertificate({ ...profile, commonName: "template", keyType: "ec", key: undefined });
  return replaceNamesAndKeys(template, profile, ca);
}

/** A name that needs no escaping in RFC 4514. */
const plainName = /^[A-Za-z0-9](?:[A-Za-z0-9 .-]*[A-Za-z0-9])?$/;

function isPlain(profile: CertificateProfile, ca: SigningCa | undefined): profile is PlainProfile {
  const { commonName, keyType } = ca ?? profile;
  return (
    profile.keyType !== "ed25519" &&
    profile.keyType === keyType &&
    plainName.test(profile.commonName) &&
    plainName.test(commonName)
  );
}

type Extensions = NonNullable<NonNullable<Parameters<typeof generate>[1]>["extensions"]>;

const usageExtensions: Readonly<Record<CertificateProfile["usage"], Extensions>> = {
  ca: [
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
  ],
  client: [
    { name: "basicConstraints", cA: false, critical: true },
    { name: "keyUsage", digitalSignature: true, critical: true },
    { name: "extKeyUsage", clientAuth: true },
  ],
  server: [
    { name: "basicConstraints", cA: false, critical: true },
    { name: "keyUsage", digitalSignature: true, critical: true },
    { name: "extKeyUsage", serverAuth: true },
  ],
};

/** The GeneralName tags (RFC 5280 section 4.2.1.6). */
const nameTypes: Readonly<Record<AlternativeNameKind, 1 | 2 | 6 | 7>> = { email: 1, DNS: 2, URI: 6, IP: 7 };

async function issuePlainCertificate(profile: PlainProfile, ca?: SigningCa): Promise<Identity> {
  const { commonName, keyType, key, notBefore, notAfter } = profile;
  const pem = await generate([{ name: "commonName", value: commonName }], {
    // The defaults of selfsigned are RSA and SHA-1.
    keyType,
    algorithm: "sha256",
    curve: "P-256",
    keySize: 2048,
    notBeforeDate: notBefore,
    notAfterDate: notAfter,
    extensions: extensionsOf(profile),
    ...(key !== undefined && { keyPair: { privateKey: key, publicKey: publicKeyOf(key) } }),
    ...(ca && { ca: { key: ca.key, cert: ca.certificate } }),
  });
  return createIdentity(pem.cert, pem.private);
}

function extensionsOf({ usage, alternativeNames }: CertificateProfile): Extensions {
  const extensions = usageExtensions[usage];
  if (alternativeNames.length === 0) return extensions;
  const altNames = alternativeNames.map(({ kind, value }) => ({ type: nameTypes[kind], value }));
  return [...extensions, { name: "subjectAltName", altNames }];
}

function publicKeyOf(key: string): string {
  return createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
}

/** Issues a certificate with the dates and extensions of the template, and the names and keys of the profile and the CA. */
async function replaceNamesAndKeys(
  { certificate: template }: Identity,
  { commonName, keyType, key: existingKey }: CertificateProfile,
  ca: SigningCa | undefined,
): Promise<Identity> {
  const { notBefore, notAfter, extensions } = new x509.X509Certificate(template);
  const key = existingKey ?? (await generateKey(keyType));
  const subject = new x509.Name([{ CN: [{ utf8String: commonName }] }]);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject,
      issuer: ca ? new x509.X509Certificate(ca.certificate).subjectName : subject,
      notBefore,
      notAfter,
      extensions,
      publicKey: createPublicKey(key).export({ type: "spki", format: "der" }),
      signingKey: await importSigningKey(ca ?? { key, keyType }),
      // Only the hash is used: the signing key determines the rest of the algorithm.
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    },
    crypto,
  );
  return createIdentity(certificate.toString("pem"), key);
}

const generateKeys = promisify(generateKeyPair);

const keyGenerators: Readonly<Record<KeyType, () => Promise<KeyPairKeyObjectResult>>> = {
  ec: () => generateKeys("ec", { namedCurve: "P-256" }),
  rsa: () => generateKeys("rsa", { modulusLength: 2048 }),
  ed25519: () => generateKeys("ed25519"),
};

async function generateKey(keyType: KeyType): Promise<string> {
  const { privateKey } = await keyGenerators[keyType]();
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

const importAlgorithms: Readonly<Record<KeyType, Algorithm | EcKeyImportParams | RsaHashedImportParams>> = {
  ec: { name: "ECDSA", namedCurve: "P-256" },
  rsa: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ed25519: { name: "Ed25519" },
};

function importSigningKey(signer: { readonly key: string; readonly keyType: KeyType }): Promise<CryptoKey> {
  const der = createPrivateKey(signer.key).export({ type: "pkcs8", format: "der" });
  return crypto.subtle.importKey("pkcs8", der, importAlgorithms[signer.keyType], false, ["sign"]);
}
