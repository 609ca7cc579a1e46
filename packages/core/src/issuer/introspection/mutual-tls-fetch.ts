import { type LoadedUndici, loadUndici } from "../../../undici.cjs";
import type { ClientTls } from "../../options/introspection-configuration.ts";
import { withoutPrototype } from "../../values/object-member.ts";

/**
 * Creates a fetch that presents a client certificate (RFC 8705 section 2) and always verifies the server's certificate.
 *
 * Needs the package undici, because the fetch of Node cannot present a certificate.
 *
 * @throws TypeError if undici is not installed or does not load
 */
export function mutualTlsFetch(
  tls: ClientTls,
  { undici, cause }: LoadedUndici = loadUndici(),
): typeof globalThis.fetch {
  if (undici === undefined) throw missingUndici(cause);
  const { Agent, fetch } = undici;
  const { cert, key, passphrase, ca } = withoutPrototype(tls);
  // undici copies these options to an object with a prototype. All members are listed here, so no inherited value is used.
  // NODE_TLS_REJECT_UNAUTHORIZED=0 changes only the default of rejectUnauthorized.
  const connect = withoutPrototype<Record<string, unknown>>({ cert, key, passphrase, ca, rejectUnauthorized: true });
  const dispatcher = new Agent(withoutPrototype({ connect }));
  // The types of undici's fetch and of Node's fetch differ slightly.
  return ((url: string, init?: object) =>
    fetch(url, withoutPrototype({ ...init, dispatcher }))) as unknown as typeof globalThis.fetch;
}

/** Matches the messages of Node.js and bundlers for a missing package, but not the errors of undici itself. */
const notInstalled = /^.*["']undici["']|^require is not defined/;

function missingUndici(cause: unknown): TypeError {
  const reason = notInstalled.test(cause instanceof Error ? cause.message : "")
    ? "which is not installed, or was not installed when the application was bundled"
    : `which failed to load on Node.js ${process.version}; check which versions of Node.js it supports`;
  return new TypeError(
    `certbound: option "clientTls" in the introspection options needs the package undici, ${reason}`,
    {
      cause,
    },
  );
}
