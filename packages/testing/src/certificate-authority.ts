import { randomBytes } from "node:crypto";
import { parseCertificateOptions } from "./certificate-options.ts";
import type { CertificateOptions, CertificateProfile } from "./certificate-options.ts";
import type { Identity } from "./identity.ts";
import { issueCertificate } from "./issue-certificate.ts";
import { assertKnownOptions } from "./known-options.ts";
import type { AuthorityKeyType, SigningAuthority } from "./signing-authority.ts";

/** Configures a certificate authority; everything has a default. */
export interface CertificateAuthorityOptions {
  /** Defaults to a name of its own for each authority, so that two in one trust store are told apart. */
  readonly commonName?: string;
  /** Defaults to `"ec"`. */
  readonly keyType?: AuthorityKeyType;
}

/** Issues certificates that chain to one self-signed root, which lives in memory only. */
export interface CertificateAuthority {
  /** The root certificate as PEM: what a server or a client is given to trust. */
  readonly certificate: string;
  /** Issues a certificate with the extended key usage clientAuth. */
  readonly issueClientCertificate: (options?: CertificateOptions) => Promise<Identity>;
  /** Issues a certificate with the extended key usage serverAuth, by default for this machine's names. */
  readonly issueServerCertificate: (options?: CertificateOptions) => Promise<Identity>;
}

const year = 365 * 24 * 60 * 60 * 1000;

/**
 * Creates a certificate authority for tests.
 *
 * It writes no key identifiers, serves no revocation lists and issues no intermediate certificates.
 *
 * @throws TypeError for an unknown option or an impossible value
 */
export async function createCertificateAuthority(
  options: CertificateAuthorityOptions = {},
): Promise<CertificateAuthority> {
  const { commonName, keyType } = parseAuthorityOptions(options);
  const root = await issueCertificate(authorityProfile(commonName, keyType));
  const authority: SigningAuthority = {
    commonName,
    keyType,
    certificate: root.certificate,
    key: root.key,
  };
  return {
    certificate: root.certificate,
    issueClientCertificate: async (certificateOptions = {}) =>
      issueCertificate(parseCertificateOptions(certificateOptions, clientDefaults), authority),
    issueServerCertificate: async (certificateOptions = {}) =>
      issueCertificate(parseCertificateOptions(certificateOptions, serverDefaults), authority),
  };
}

const clientDefaults = {
  usage: "client",
  commonName: "client-1",
  subjectAlternativeNames: [],
} as const;

const serverDefaults = {
  usage: "server",
  commonName: "localhost",
  subjectAlternativeNames: ["DNS:localhost", "IP:127.0.0.1", "IP:::1"],
} as const;

function parseAuthorityOptions(options: CertificateAuthorityOptions): Required<CertificateAuthorityOptions> {
  assertKnownOptions(options, ["commonName", "keyType"]);
  const { commonName = `Test CA ${randomBytes(4).toString("hex")}`, keyType = "ec" } = options;
  if (typeof commonName !== "string" || commonName === "") {
    throw new TypeError("commonName is not a non-empty string");
  }
  if (keyType !== "ec" && keyType !== "rsa") {
    throw new TypeError(`keyType "${String(keyType)}" of an authority is not ec or rsa`);
  }
  return { commonName, keyType };
}

/** Twenty years around now, so that certificates of past and future dates lie within. */
function authorityProfile(commonName: string, keyType: AuthorityKeyType): CertificateProfile {
  return {
    usage: "authority",
    commonName,
    keyType,
    key: undefined,
    notBefore: new Date(Date.now() - 10 * year),
    notAfter: new Date(Date.now() + 10 * year),
    alternativeNames: [],
  };
}
