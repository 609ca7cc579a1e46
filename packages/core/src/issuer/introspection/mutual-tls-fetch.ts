import { createRequire } from "node:module";
import type * as Undici from "undici";
import type { ClientTls } from "../../options/introspection-configuration.ts";
import { withoutPrototype } from "../../values/object-member.ts";

const ownRequire = createRequire(import.meta.url);

/**
 * Makes a fetch that presents a client certificate (RFC 8705 section 2) and always verifies that of the server.
 *
 * @param require finds undici
 * @throws TypeError when undici is not installed: Node's own fetch has no way to present one
 */
export function mutualTlsFetch(tls: ClientTls, require: NodeJS.Require = ownRequire): typeof globalThis.fetch {
  const { Agent, fetch } = loadUndici(require);
  const { cert, key, passphrase, ca } = withoutPrototype(tls);
  // undici copies these to an object with a prototype: what is written out here, it cannot inherit there.
  // NODE_TLS_REJECT_UNAUTHORIZED=0 changes only the default of rejectUnauthorized.
  const connect = withoutPrototype<Record<string, unknown>>({ cert, key, passphrase, ca, rejectUnauthorized: true });
  const dispatcher = new Agent(withoutPrototype({ connect }));
  // The types of undici's fetch and of Node's differ in details of no concern here.
  return ((url: string, init?: object) =>
    fetch(url, withoutPrototype({ ...init, dispatcher }))) as unknown as typeof globalThis.fetch;
}

function loadUndici(require: NodeJS.Require): typeof Undici {
  try {
    return require("undici") as typeof Undici;
  } catch (cause) {
    throw new TypeError('certbound: option "clientTls" in the introspection options needs the package undici', {
      cause,
    });
  }
}
