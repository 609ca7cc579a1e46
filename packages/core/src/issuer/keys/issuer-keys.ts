import type { IssuerConfiguration, JsonWebKeySet } from "../../options/configuration.ts";
import { discoverMetadata } from "../discovery.ts";
import { boundedFetch } from "../issuer-request.ts";
import { createBoundedCache } from "../../runtime/bounded-cache.ts";
import { createKeySet } from "./key-set.ts";
import { type KeySource, unknownKey } from "./key-source.ts";
import { createRemoteKeys } from "./remote-keys.ts";

/** The verifier options that key sources use. */
interface KeyRequests {
  readonly fetch: typeof globalThis.fetch;
}

/** The maximum number of cached key sources. */
const MAX_SHARED = 1000;

/**
 * Creates a function that returns the key source of an issuer. The issuer can be configured, or found by an `issuer`
 * function.
 *
 * Issuers with the same `jwks` URL share a key source, including its cool-down and its cached keys.
 */
export function createKeySources(
  issuers: readonly IssuerConfiguration[],
  requests: KeyRequests,
): (configuration: IssuerConfiguration) => KeySource {
  const issuersByUrl = new Map<string, string[]>();
  for (const { issuer, keys } of issuers) {
    if (keys.kind === "url") issuersByUrl.set(keys.url.href, [...(issuersByUrl.get(keys.url.href) ?? []), issuer]);
  }
  const shared = createBoundedCache<KeySource>({ max: MAX_SHARED });
  return (configuration) => {
    const { issuer, keys } = configuration;
    if (keys.kind === "set") return createIssuerKeys(configuration, requests);
    const location = keys.kind === "url" ? keys.url.href : `discovery of ${issuer}`;
    const source = shared.get(location) ?? createIssuerKeys(configuration, requests, issuersByUrl.get(location));
    shared.set(location, source, {});
    return source;
  };
}

/**
 * Creates the key source of an issuer.
 *
 * @param issuers the issuers that share the key source, for events
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
  // A configured key without kid, for example converted from a PEM file, matches tokens with any kid.
  const withoutKeyId = createKeySet({ keys: jwks.keys.filter((key) => !Object.hasOwn(key, "kid")) }, set);
  return {
    async find(header) {
      const matching = set.find(header);
      const all =
        header.keyId === undefined ? matching : [...matching, ...withoutKeyId.find({ ...header, keyId: undefined })];
      if (all.length === 0) throw unknownKey();
      return all;
    },
    holds: (key) => set.holds(key),
    async ready() {},
  };
}
