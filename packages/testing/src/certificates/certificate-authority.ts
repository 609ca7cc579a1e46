import { randomBytes } from "node:crypto";
import { assertKnownOptions } from "../known-options.ts";
import { parseCertificateOptions } from "./certificate-options.ts";
import type { CertificateDefaults, CertificateOptions, CertificateProfile } from "./certificate-options.ts";
import type { Identity } from "./identity.ts";
import { issueCertificate } from "./issue-certificate.ts";
import type { AuthorityKeyType, SigningCa } from "./issue-certificate.ts";

/** Options of a certificate authority; all are optional. */
export interface CertificateAuthorityOptions {
  /** Defaults to a different name for each CA, so that several CAs can be in the same trust store. */
  readonly commonName?: string;
  /** Defaults to `"ec"`. */
  readonly keyType?: AuthorityKeyType;
}

/** Issues certificates that chain to a self-signed root, which is kept in memory only. */
export interface CertificateAuthority {
  /** The CA certificate as PEM. Configure the certificate of the root, not of an intermediate CA, as trusted. */
  readonly certificate: string;
  /** Issues a certificate with the extended key usage clientAuth. */
  readonly issueClientCertificate: (options?: CertificateOptions) => Promise<Identity>;
  /** Issues a certificate with the extended key usage serverAuth, by default for `localhost`, `127.0.0.1` and `::1`. */
  readonly issueServerCertificate: (options?: CertificateOptions) => Promise<Identity>;
  /** Creates an intermediate CA. Its certificates have a `chain` that leads to the root. */
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
 * Its certificates have no key identifiers, and it does not publish revocation lists.
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#createCertificateAuthority -->
 * ```ts
 * const ca = await createCertificateAuthority();
 * const { key, certificate: cert } = await ca.issueServerCertificate();
 * const client = await ca.issueClientCertificate({ commonName: "client-1" });
 *
 * // The handshake fails for clients without a certificate of this CA.
 * const tls = { key, cert, ca: ca.certificate, requestCert: true, rejectUnauthorized: true };
 * const { url, close } = await startServer(createServer(tls, app));
 * const { body } = await mtlsRequest(`${url}/accounts`, { ca: ca.certificate, identity: client });
 * await close();
 * ```
 *
 * @throws TypeError for an unknown option or an invalid value
 */
export async function createCertificateAuthority(
  options: CertificateAuthorityOptions = {},
): Promise<CertificateAuthority> {
  return issueCa(options);
}

/**
 * Creates a self-signed client certificate (RFC 8705 section 2.2).
 *
 * A server accepts it only with `rejectUnauthorized: false`, or if it trusts this certificate.
 *
 * @example
 * <!-- source: test/api-examples/testing.examples.ts#createSelfSignedCertificate -->
 * ```ts
 * const client = await createSelfSignedCertificate({ commonName: "client-1" });
 * const token = await issuer.accessToken({ boundTo: client });
 *
 * // 200 if the server has rejectUnauthorized: false; the binding does not need a chain (RFC 8705 section 2.2)
 * const { status } = await mtlsRequest(`${url}/accounts`, { ca, identity: client, token });
 * ```
 *
 * @throws TypeError for an unknown option or an invalid value
 */
export async function createSelfSignedCertificate(options: CertificateOptions = {}): Promise<Identity> {
  return issueCertificate(parseCertificateOptions(options, clientDefaults));
}

async function issueCa(
  options: CertificateAuthorityOptions,
  parent?: { readonly ca: SigningCa; readonly chain: string },
): Promise<CertificateAuthority> {
  const { commonName, keyType } = parseCaOptions(options);
  const { certificate, key } = await issueCertificate(caProfile(commonName, keyType), parent?.ca);
  const ca: SigningCa = { commonName, keyType, certificate, key };
  const chain = parent === undefined ? "" : certificate + parent.chain;
  const issue = async (certificateOptions: CertificateOptions, defaults: CertificateDefaults): Promise<Identity> => {
    const identity = await issueCertificate(parseCertificateOptions(certificateOptions, defaults), ca);
    return chain === "" ? identity : { ...identity, chain };
  };
  return {
    certificate,
    issueClientCertificate: (certificateOptions = {}) => issue(certificateOptions, clientDefaults),
    issueServerCertificate: (certificateOptions = {}) => issue(certificateOptions, serverDefaults),
    issueIntermediate: (caOptions = {}) => issueCa(caOptions, { ca, chain }),
  };
}

function parseCaOptions(options: CertificateAuthorityOptions): Required<CertificateAuthorityOptions> {
  assertKnownOptions(options, ["commonName", "keyType"]);
  const { commonName = `Test CA ${randomBytes(4).toString("hex")}`, keyType = "ec" } = options;
  if (typeof commonName !== "string" || commonName === "") {
    throw new TypeError("commonName is not a non-empty string");
  }
  if (keyType !== "ec" && keyType !== "rsa") {
    throw new TypeError(`keyType "${String(keyType)}" of a CA is not ec or rsa`);
  }
  return { commonName, keyType };
}

/** Makes the CA certificate valid from ten years ago to ten years from now, to cover the certificates that it issues. */
function caProfile(commonName: string, keyType: AuthorityKeyType): CertificateProfile {
  return {
    usage: "ca",
    commonName,
    keyType,
    key: undefined,
    notBefore: new Date(Date.now() - 10 * year),
    notAfter: new Date(Date.now() + 10 * year),
    alternativeNames: [],
  };
}
