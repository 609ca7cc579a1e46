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
  expected: "certificates as PEM, in a string or bytes",
  accepts: (value) => pem.accepts(value) && areCertificates(Buffer.from(value as string).toString("latin1")),
};

const rules: OptionRules<ClientTls> = { cert: pem, key: pem, ca: certificates, passphrase: nonEmptyString };

/**
 * Returns whether a value is a certificate with its private key.
 *
 * @throws TypeError that names an unknown or ill-typed member
 */
export function isClientTls(value: unknown): value is ClientTls {
  const given = knownOptions<ClientTls>("clientTls", value, rules, "not-given") as Partial<ClientTls>;
  if (given.cert === undefined || given.key === undefined) return false;
  // The message of an OpenSSL error is dropped: it may quote the key.
  return succeeds(() => createSecureContext(given as Record<string, unknown>));
}

/** Copies the options, including buffers, because an application may overwrite its buffers after it has passed them. */
export function copyClientTls(given: ClientTls): ClientTls {
  const { cert, key, passphrase, ca } = withoutPrototype(given);
  return Object.freeze({ cert: copyOf(cert), key: copyOf(key), passphrase, ca: ca && copyOf(ca) });
}

/** Checks each certificate, because Node silently ignores invalid ones. */
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
