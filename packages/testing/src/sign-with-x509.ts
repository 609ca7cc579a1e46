// The types of @peculiar/x509 name BufferSource, CryptoKey and other globals of browsers.
/// <reference lib="dom" />
// @peculiar/x509 asks for a Reflect polyfill that is loaded before it.
import "reflect-metadata";
import { createPrivateKey, createPublicKey, generateKeyPair } from "node:crypto";
import type { KeyPairKeyObjectResult } from "node:crypto";
import { promisify } from "node:util";
import * as x509 from "@peculiar/x509";
import type { AlternativeNameKind } from "./alternative-name.ts";
import type { CertificateProfile } from "./certificate-options.ts";
import { createIdentity } from "./identity.ts";
import type { Identity } from "./identity.ts";
import type { KeyType } from "./key-type.ts";
import type { SigningAuthority } from "./signing-authority.ts";

const generateKeys = promisify(generateKeyPair);

const keyGenerators: Readonly<Record<KeyType, () => Promise<KeyPairKeyObjectResult>>> = {
  ec: () => generateKeys("ec", { namedCurve: "P-256" }),
  rsa: () => generateKeys("rsa", { modulusLength: 2048 }),
  ed25519: () => generateKeys("ed25519"),
};

const importAlgorithms: Readonly<Record<KeyType, Algorithm | EcKeyImportParams | RsaHashedImportParams>> = {
  ec: { name: "ECDSA", namedCurve: "P-256" },
  rsa: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ed25519: { name: "Ed25519" },
};

const generalNames: Readonly<Record<AlternativeNameKind, x509.GeneralNameType>> = {
  DNS: "dns",
  IP: "ip",
  URI: "url",
  email: "email",
};

/**
 * Issues a certificate for any key type and any name, signed by the authority or, without one, by itself.
 *
 * The authority's key may be of another type than the certificate's.
 */
export async function signWithX509(
  profile: CertificateProfile,
  authority: SigningAuthority | undefined,
): Promise<Identity> {
  const key = profile.key ?? (await generateKey(profile.keyType));
  const subject = new x509.Name([{ CN: [{ utf8String: profile.commonName }] }]);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject,
      issuer: authority ? new x509.X509Certificate(authority.certificate).subjectName : subject,
      notBefore: profile.notBefore,
      notAfter: profile.notAfter,
      publicKey: createPublicKey(key).export({ type: "spki", format: "der" }),
      signingKey: await importSigningKey(authority ?? { key, keyType: profile.keyType }),
      // the rest of the algorithm is that of the signing key
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
      extensions: extensionsOf(profile),
    },
    crypto,
  );
  return createIdentity(certificate.toString("pem"), key);
}

async function generateKey(keyType: KeyType): Promise<string> {
  const { privateKey } = await keyGenerators[keyType]();
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

function importSigningKey(signer: { readonly key: string; readonly keyType: KeyType }): Promise<CryptoKey> {
  const der = createPrivateKey(signer.key).export({ type: "pkcs8", format: "der" });
  return crypto.subtle.importKey("pkcs8", der, importAlgorithms[signer.keyType], false, ["sign"]);
}

function extensionsOf(profile: CertificateProfile): x509.Extension[] {
  const extensions = usageExtensions(profile.usage);
  if (profile.alternativeNames.length === 0) return extensions;
  const names = profile.alternativeNames.map(({ kind, value }) => new x509.GeneralName(generalNames[kind], value));
  return [...extensions, new x509.SubjectAlternativeNameExtension(names)];
}

function usageExtensions(usage: CertificateProfile["usage"]): x509.Extension[] {
  const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags;
  if (usage === "authority") {
    return [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
    ];
  }
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([usage === "client" ? clientAuth : serverAuth]),
  ];
}
