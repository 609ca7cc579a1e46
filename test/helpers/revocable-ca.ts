import { sign, X509Certificate } from "node:crypto";
import type { Identity } from "@certbound/testing";
import { issueCertificate } from "../../packages/testing/src/certificates/issue-certificate.ts";

/** A CA that also signs certificate revocation lists, unlike the CAs of the test kit. */
export interface RevocableCa {
  /** PEM */
  readonly certificate: string;
  readonly issueClientCertificate: () => Promise<Identity>;
  /** Creates a revocation list (RFC 5280 section 5) with these certificates, as PEM. It is one day old by default. */
  readonly revocationList: (revoked: readonly Identity[], daysOld?: number) => string;
}

const day = 24 * 60 * 60 * 1000;

/** Creates a CA that issues client certificates and revocation lists. */
export async function createRevocableCa(commonName = "Revocable CA"): Promise<RevocableCa> {
  const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) };
  const shared = { ...validity, keyType: "ec", key: undefined, alternativeNames: [] } as const;
  const { certificate, key } = await issueCertificate({ ...shared, usage: "ca", commonName });
  const ca = { commonName, keyType: "ec", certificate, key } as const;
  return {
    certificate,
    issueClientCertificate: () => issueCertificate({ ...shared, usage: "client", commonName: "client-1" }, ca),
    revocationList: (revoked, daysOld = 1) => {
      const issued = time(-daysOld * day);
      const list = sequence(ecdsaWithSha256, nameOf(commonName), issued, time(day), ...entriesOf(revoked));
      const signature = der(0x03, Buffer.concat([Buffer.of(0), sign("sha256", list, key)]));
      const base64 = sequence(list, ecdsaWithSha256, signature).toString("base64");
      return `-----BEGIN X509 CRL-----\n${base64.replaceAll(/.{1,64}/g, "$&\n")}-----END X509 CRL-----\n`;
    },
  };
}

/** Returns the list of revoked certificates, or an empty array if there are none, because the list must then be omitted. */
function entriesOf(revoked: readonly Identity[]): readonly Buffer[] {
  const entries = revoked.map(({ certificate }) => {
    const { serialNumber } = new X509Certificate(certificate);
    // Without the leading zero, a number whose first bit is set would be negative.
    const number = Buffer.from(/^[89A-F]/.test(serialNumber) ? `00${serialNumber}` : serialNumber, "hex");
    return sequence(der(0x02, number), time(-day));
  });
  return entries.length === 0 ? [] : [sequence(...entries)];
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const header = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

const ecdsaWithSha256 = sequence(der(0x06, Buffer.from("2a8648ce3d040302", "hex")));

function nameOf(commonName: string): Buffer {
  const attribute = sequence(der(0x06, Buffer.from("550403", "hex")), der(0x0c, Buffer.from(commonName)));
  return sequence(der(0x31, attribute));
}

function time(offset: number): Buffer {
  const text = new Date(Date.now() + offset).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return der(0x17, Buffer.from(text.slice(2)));
}
