import { type LoadedUndici, loadUndici } from "../../../undici.cjs";
import type { ClientTls } from "../../options/introspection-configuration.ts";
import { withoutPrototype } from "../../values/object-member.ts";

/**
 * Makes a fetch that presents a client certificate (RFC 8705 section 2) and always verifies that of the server.
 *
 * @param loaded undici: Node's own fetch has no way to present a certificate
 * @throws TypeError when undici is not installed, or does not load
 */
export function mutualTlsFetch(
  tls: ClientTls,
  { undici, cause }: LoadedUndici = loadUndici(),
): typeof globalThis.fetch {
  if (undici === undefined) throw missingUndici(cause);
  const { Agent, fetch } = undici;
  const { cert, key, passphrase, ca } = withoutPrototype(tls);
  // undici copies these to an object with a prototype: what is written out here, it cannot inherit there.
  // NODE_TLS_REJECT_UNAUTHORIZED=0 changes only the default of rejectUnauthorized.
  const connect = withoutPrototype<Record<string, unknown>>({ cert, key, passphrase, ca, rejectUnauthorized: true });
  const dispatcher = new Agent(withoutPrototype({ connect }));
  // The types of undici's fetch and of Node's differ in details of no concern here.
  return ((url: string, init?: object) =>
    fetch(url, withoutPrototype({ ...init, dispatcher }))) as unknown as typeof globalThis.fetch;
}

/** The messages of Node.js and of bundlers name the package that is missing; undici fails with other ones. */
const notInstalled = /^.*["']undici["']|^require is not defined/;

function missingUndici(cause: unknown): TypeError {
  const reason = notInstalled.test(cause instanceof Error ? cause.message : "")
    ? "which is not installed, or was not when the application was bundled"
    : `which failed to load on Node.js ${process.version}; check which versions of Node.js it supports`;
  return new TypeError(
    `certbound: option "clientTls" in the introspection options needs the package undici, ${reason}`,
    {
      cause,
    },
  );
}
