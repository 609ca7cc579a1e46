import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { ClientTls } from "./introspection-configuration.ts";
import { knownOptions, nonEmptyString, type OptionRule, type OptionRules } from "../values/known-options.ts";
import { withoutPrototype } from "../values/object-member.ts";

const pem: OptionRule = {
  expected: "PEM, as a string or bytes",
  accepts: (value) => nonEmptyString.accepts(value) || value instanceof Uint8Array,
};

const certificates: OptionRule = {
  expected: "certificates as PEM, a string or bytes",
  accepts: (value) => pem.accepts(value) && areCertificates(Buffer.from(value as string).toString("latin1")),
};

const rules: OptionRules<ClientTls> = { cert: pem, key: pem, ca: certificates, passphrase: nonEmptyString };

/**
 * Tells whether a value is a certificate with the key that belongs to it.
 *
 * @throws TypeError that names the member that is unknown or ill-typed
 */
export function isClientTls(value: unknown): value is ClientTls {
  const given = knownOptions<ClientTls>("clientTls", value, rules, "not-given") as Partial<ClientTls>;
  if (given.cert === undefined || given.key === undefined) return false;
  // What OpenSSL says may quote what it was given.
  return succeeds(() => createSecureContext(given as Record<string, unknown>));
}

/** Copies the bytes too: an application may wipe its own when it has handed them over. */
export function copyClientTls(given: ClientTls): ClientTls {
  const { cert, key, passphrase, ca } = withoutPrototype(given);
  return Object.freeze({ cert: copyOf(cert), key: copyOf(key), passphrase, ca: ca && copyOf(ca) });
}

/** Node passes over what is no certificate here, and would trust nobody. */
function areCertificates(text: string): boolean {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.length > 0 && blocks.every((block) => succeeds(() => new X509Certificate(block)));
}

function copyOf(part: string | Uint8Array): string | Uint8Array {
  return typeof part === "string" ? part : Buffer.from(part);
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
