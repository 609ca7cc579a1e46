import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Identity } from "@certbound/testing";

/** A folder with certificate and key files, for programs that read files. */
export interface CertificateFolder {
  readonly path: string;
  /** Runs curl with the certificate `name`, and returns its stderr. */
  readonly curl: (url: string, name: string | undefined, ...args: readonly string[]) => Promise<string>;
  readonly remove: () => void;
}

/** Creates a folder with `ca.pem`, and `<name>.pem` and `<name>-key.pem` of each identity. */
export function createCertificateFolder(ca: string, identities: Readonly<Record<string, Identity>>): CertificateFolder {
  const path = mkdtempSync(join(tmpdir(), "certbound-troubleshooting-"));
  writeFileSync(join(path, "ca.pem"), ca);
  for (const [name, { certificate, key }] of Object.entries(identities)) {
    writeFileSync(join(path, `${name}.pem`), certificate);
    writeFileSync(join(path, `${name}-key.pem`), key, { mode: 0o600 });
  }
  return {
    path,
    curl: async (url, name, ...args) => {
      const identity = name === undefined ? [] : ["--cert", `${name}.pem`, "--key", `${name}-key.pem`];
      const parameters = ["-sS", "--noproxy", "*", ...identity, ...args, url];
      try {
        return (await promisify(execFile)("curl", parameters, { cwd: path })).stderr;
      } catch (error) {
        return (error as { readonly stderr: string }).stderr;
      }
    },
    remove: () => rmSync(path, { recursive: true }),
  };
}
