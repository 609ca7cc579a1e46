import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedCertificate,
  type Identity,
} from "@certbound/testing";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** All certificates of these tests. */
interface Certificates {
  readonly authority: CertificateAuthority;
  /** The certificate of the CA, in PEM. */
  readonly ca: string;
  readonly server: Identity;
  /** The client certificate that the proxy presents to the API. */
  readonly proxy: Identity;
  readonly clients: Readonly<Record<ClientName, Identity>>;
}

/** The certificates, and a folder with the files that a proxy needs. */
export interface Pki extends Certificates {
  readonly folder: string;
  readonly remove: () => void;
}

/** The clients; `large` has a certificate of 6 KB, `tooLarge` a certificate of 20 KB. */
export type ClientName = "rsa" | "ec" | "ed25519" | "thief" | "selfSigned" | "large" | "tooLarge";

let certificates: Promise<Certificates> | undefined;

/** Creates a folder with the certificates for one proxy. Keys are generated once for each test file. */
export async function createPki(): Promise<Pki> {
  const all = await (certificates ??= createCertificates());
  const { ca, server, proxy } = all;
  const folder = mkdtempSync(join(tmpdir(), "certbound-proxy-"));
  const files = {
    "ca.pem": ca,
    "server.pem": server.certificate,
    "server-key.pem": server.key,
    "server-and-key.pem": server.certificate + server.key,
    "proxy.pem": proxy.certificate,
    "proxy-key.pem": proxy.key,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  return { ...all, folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function createCertificates(): Promise<Certificates> {
  const authority = await createCertificateAuthority();
  const clients = {
    rsa: await authority.issueClientCertificate({ keyType: "rsa" }),
    ec: await authority.issueClientCertificate({ keyType: "ec" }),
    ed25519: await authority.issueClientCertificate({ keyType: "ed25519" }),
    thief: await authority.issueClientCertificate(),
    selfSigned: await createSelfSignedCertificate(),
    large: await authority.issueClientCertificate({ subjectAlternativeNames: namesOf(6_000) }),
    tooLarge: await authority.issueClientCertificate({ subjectAlternativeNames: namesOf(20_000) }),
  };
  const server = await authority.issueServerCertificate();
  const proxy = await authority.issueClientCertificate({ commonName: "proxy" });
  return { authority, ca: authority.certificate, server, proxy, clients };
}

/** Returns alternative names that take about `bytes` bytes in a certificate. */
function namesOf(bytes: number): readonly string[] {
  return Array.from({ length: Math.floor(bytes / 32) }, (_, index) => {
    return `DNS:${String(index).padStart(6, "0")}.clients.example.com`.padEnd(34, "x");
  });
}
