import { randomBytes } from "node:crypto";
import { assertKnownOptions } from "../known-options.ts";
import { parseCertificateOptions } from "./certificate-options.ts";
import type { CertificateDefaults, CertificateOptions, CertificateProfile } from "./certificate-options.ts";
import type { Identity } from "./identity.ts";
import { issueCertificate } from "./issue-certificate.ts";
import type { AuthorityKeyType, SigningAuthority } from "./issue-certificate.ts";

/** Configures a certificate authority; everything has a default. */
export interface CertificateAuthorityOptions {
  /** Defaults to a name of its own for each authority, so that two in one trust store are told apart. */
  readonly commonName?: string;
  /** Defaults to `"ec"`. */
  readonly keyType?: AuthorityKeyType;
}

/** Issues certificates that chain to one self-signed root, which lives in memory only. */
export interface CertificateAuthority {
  /** The authority's own certificate as PEM: that of a root is what a server or a client is given to trust. */
  readonly certificate: string;
  /** Issues a certificate with the extended key usage clientAuth. */
  readonly issueClientCertificate: (options?: CertificateOptions) => Promise<Identity>;
  /** Issues a certificate with the extended key usage serverAuth, by default for `localhost`, `127.0.0.1` and `::1`. */
  readonly issueServerCertificate: (options?: CertificateOptions) => Promise<Identity>;
  /** Creates an authority below this one. What it issues has a `chain`, by which those who trust the root trust it. */
  readonly issueIntermediate: (options?: CertificateAuthorityOptions) => Promise<CertificateAuthority>;
}

const year = 365 * 24 * 60 * 60 * 1000;

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

/**
 * Creates a certificate authority for tests.
 *
 * It writes no key identifiers and serves no revocation lists.
 *
 * @throws TypeError for an unknown option or an impossible value
 */
export async function createCertificateAuthority(
  options: CertificateAuthorityOptions = {},
): Promise<CertificateAuthority> {
  return issueAuthority(options);
}

/**
 * Creates the certificate of a client that has no authority: it is signed with its own key
 * (RFC 8705 section 2.2).
 *
 * A server that lets nothing but chains to its authorities pass must be told to accept it, by
 * `rejectUnauthorized: false` or by trusting this very certificate.
 *
 * @throws TypeError for an unknown option or an impossible value
 */
export async function createSelfSignedCertificate(options: CertificateOptions = {}): Promise<Identity> {
  return issueCertificate(parseCertificateOptions(options, clientDefaults));
}

async function issueAuthority(
  options: CertificateAuthorityOptions,
  above?: { readonly authority: SigningAuthority; readonly chain: string },
): Promise<CertificateAuthority> {
  const { commonName, keyType } = parseAuthorityOptions(options);
  const { certificate, key } = await issueCertificate(authorityProfile(commonName, keyType), above?.authority);
  const authority: SigningAuthority = { commonName, keyType, certificate, key };
  const chain = above === undefined ? "" : certificate + above.chain;
  const issue = async (certificateOptions: CertificateOptions, defaults: CertificateDefaults): Promise<Identity> => {
    const identity = await issueCertificate(parseCertificateOptions(certificateOptions, defaults), authority);
    return chain === "" ? identity : { ...identity, chain };
  };
  return {
    certificate,
    issueClientCertificate: (certificateOptions = {}) => issue(certificateOptions, clientDefaults),
    issueServerCertificate: (certificateOptions = {}) => issue(certificateOptions, serverDefaults),
    issueIntermediate: (authorityOptions = {}) => issueAuthority(authorityOptions, { authority, chain }),
  };
}

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

/** Twenty years around now, so that certificates of dates up to ten years away lie within. */
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
