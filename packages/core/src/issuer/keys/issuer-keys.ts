import type { IssuerConfiguration, JsonWebKeySet } from "../../options/configuration.ts";
import { discoverMetadata } from "../discovery.ts";
import { boundedFetch } from "../issuer-request.ts";
import { createBoundedCache } from "../../runtime/bounded-cache.ts";
import { createKeySet } from "./key-set.ts";
import { type KeySource, unknownKey } from "./key-source.ts";
import { createRemoteKeys } from "./remote-keys.ts";

/** The options of a verifier that its key sources use. */
interface KeyRequests {
  readonly fetch: typeof globalThis.fetch;
}

/** How many key sources are kept to be shared. */
const MAX_SHARED = 1000;

/**
 * Returns what creates the key sources of these issuers, and of those that a function finds later: those with the same `jwks` URL
 * share one, its cool-down, and the keys that outlive an outage.
 */
export function createKeySources(
  issuers: readonly IssuerConfiguration[],
  requests: KeyRequests,
): (configuration: IssuerConfiguration) => KeySource {
  const names = new Map<string, string[]>();
  for (const { issuer, keys } of issuers) {
    if (keys.kind === "url") names.set(keys.url.href, [...(names.get(keys.url.href) ?? []), issuer]);
  }
  const shared = createBoundedCache<KeySource>({ max: MAX_SHARED });
  return (configuration) => {
    const { issuer, keys } = configuration;
    if (keys.kind === "set") return createIssuerKeys(configuration, requests);
    const location = keys.kind === "url" ? keys.url.href : `discovery of ${issuer}`;
    const source = shared.get(location) ?? createIssuerKeys(configuration, requests, names.get(location));
    shared.set(location, source, {});
    return source;
  };
}

/**
 * Creates the key source that an issuer's configuration asks for.
 *
 * @param issuers the issuers that will share it
 */
export function createIssuerKeys(
  { issuer, keys }: IssuerConfiguration,
  { fetch }: KeyRequests,
  issuers: readonly string[] = [issuer],
): KeySource {
  if (keys.kind === "set") return staticKeys(keys.jwks);
  const bounded = boundedFetch(fetch);
  const locate = async (): Promise<URL> =>
    keys.kind === "url" ? keys.url : new URL((await discoverMetadata(issuer, "jwks_uri", bounded)).jwks_uri);
  return createRemoteKeys({ issuers, locate, fetch: bounded });
}

function staticKeys(jwks: JsonWebKeySet): KeySource {
  const set = createKeySet(jwks);
  if (set.problem !== undefined) throw new TypeError(`certbound: option "jwks" ${set.problem}`);
  // A key made from a PEM has no kid. In the configuration, such a key fits a token with any kid.
  const unnamed = createKeySet({ keys: jwks.keys.filter((key) => !Object.hasOwn(key, "kid")) }, set);
  return {
    async find(header) {
      const named = set.find(header);
      const found = header.keyId === undefined ? named : [...named, ...unnamed.find({ ...header, keyId: undefined })];
      if (found.length === 0) throw unknownKey();
      return found;
    },
    holds: (key) => set.holds(key),
    async ready() {},
  };
}
