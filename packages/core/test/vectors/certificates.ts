import { readFileSync } from "node:fs";

/** A recorded certificate, without its key. */
export interface RecordedCertificate {
  readonly name: string;
  /** PEM; the leaf comes first in a chain. */
  readonly pem: string;
  /** SHA-256 of the first certificate in base64url: `openssl x509 -outform der | openssl dgst -sha256 -binary`. */
  readonly thumbprint: string;
}

/** Certificates with common and uncommon properties. */
export const recordedCertificates: readonly RecordedCertificate[] = [
  recorded("rsa2048", "ew9ZKBbb-nRP7b_58XKnhblFaj4S1X_eeBSO5kyfucM"),
  recorded("ec256", "jzWFfaP4T-M_oojWc4MV3ktdL_DOSDVmGJIHsQ0hZAA"),
  recorded("ed25519", "omoYFh0H1JxLID0e6WhLzUMrRlXdq7IpmgdRFqIFHPg"),
  recorded("chain-full", "rougTusL2JNunM17JGgW_XVZjEvqNRi8F36h26Kby7o"),
  recorded("big6k", "JpcVEaOysOUufkRx2-z7Bi_vj1TikAgTiUulxGjaG8g"),
  recorded("utf8name", "mXrm75fJ8EQ-Zd-fFRjg-FQ_f_ygrfPNfn_cqSGOKSE"),
];

function recorded(name: string, thumbprint: string): RecordedCertificate {
  return { name, pem: readFileSync(new URL(`${name}.pem`, import.meta.url), "utf8"), thumbprint };
}
