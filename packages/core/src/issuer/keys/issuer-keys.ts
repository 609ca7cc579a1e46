import type { IssuerConfiguration, JsonWebKeySet } from "../../options/configuration.ts";
import { discoverMetadata } from "../discovery.ts";
import { boundedFetch } from "../exchange.ts";
import { createKeySet } from "./key-set.ts";
import { type KeySource, unknownKey } from "./key-source.ts";
import { createRemoteKeys } from "./remote-keys.ts";

/** Creates the key source that an issuer's configuration asks for. */
export function createIssuerKeys(
  { issuer, keys }: IssuerConfiguration,
  { fetch }: { readonly fetch: typeof globalThis.fetch },
): KeySource {
  if (keys.kind === "set") return staticKeys(keys.jwks);
  const bounded = boundedFetch(fetch);
  const locate = async (): Promise<URL> =>
    keys.kind === "url" ? keys.url : new URL((await discoverMetadata(issuer, "jwks_uri", bounded)).jwks_uri);
  return createRemoteKeys({ issuer, locate, fetch: bounded });
}

function staticKeys(jwks: JsonWebKeySet): KeySource {
  const set = createKeySet(jwks);
  if (set.problem !== undefined) throw new TypeError(`certbound: option "jwks" ${set.problem}`);
  return {
    async find(header) {
      const found = set.find(header);
      if (found.length === 0) throw unknownKey();
      return found;
    },
    holds: (key) => set.holds(key),
    async ready() {},
  };
}
