import type { Surroundings } from "../surroundings.ts";
import { UsageError } from "../usage-error.ts";
import { readCertificateFile } from "./certificate-file.ts";
import { readSource } from "./text-source.ts";

/**
 * Reads the certificates of authorities, as PEM. Node passes over what is none, and would trust nobody.
 *
 * @throws UsageError for a file without one
 */
export async function readAuthorities(
  names: readonly string[],
  surroundings: Surroundings,
): Promise<readonly string[]> {
  const files = await Promise.all(
    names.map(async (name) => readCertificateFile(name, await readSource(name, "--ca", surroundings))),
  );
  const empty = files.find(({ fault }) => fault !== undefined);
  if (empty !== undefined) throw new UsageError(`--ca: there is no certificate in it (${String(empty.fault)})`);
  return files.flatMap(({ certificates }) => certificates.map(String));
}
