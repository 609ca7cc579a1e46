import { isClientKey, parseClientKey } from "./client-key.ts";
import { copyClientTls, isClientTls } from "./client-tls.ts";
import { defaults } from "./defaults.ts";
import type {
  ClientAuthentication,
  ClientAuthenticationMethod,
  IntrospectionConfiguration,
  IntrospectionOptions,
} from "./introspection-configuration.ts";
import {
  callback,
  knownOptions,
  nonEmptyString,
  onlyTrue,
  type OptionRule,
  type OptionRules,
  seconds,
} from "../values/known-options.ts";
import { hasCredentials, isSecureUrl } from "../values/secure-url.ts";

type Credential = "clientSecret" | "clientKey" | "clientTls" | "bearerToken";

/** What each method authenticates with. */
const methods: Readonly<Record<ClientAuthenticationMethod, Credential | undefined>> = {
  client_secret_basic: "clientSecret",
  client_secret_post: "clientSecret",
  private_key_jwt: "clientKey",
  tls_client_auth: "clientTls",
  self_signed_tls_client_auth: "clientTls",
  bearer: "bearerToken",
  none: undefined,
};

const credentials: Readonly<Record<Credential, ClientAuthenticationMethod>> = {
  clientSecret: "client_secret_basic",
  clientKey: "private_key_jwt",
  clientTls: "tls_client_auth",
  bearerToken: "bearer",
};

const MIN_CACHE_KEY_LENGTH = 32;

const flag: OptionRule = { expected: "true or false", accepts: (value) => typeof value === "boolean" };

const rules: OptionRules<IntrospectionOptions> = {
  endpoint: {
    expected: "an https URL, or http on a loopback address, without credentials",
    accepts: (value) =>
      (typeof value === "string" || value instanceof URL) && isSecureUrl(value) && !hasCredentials(value),
  },
  clientId: nonEmptyString,
  clientAuthentication: {
    expected: `one of ${Object.keys(methods).join(", ")}`,
    accepts: (value) => typeof value === "string" && Object.hasOwn(methods, value),
  },
  clientSecret: nonEmptyString,
  clientKey: { expected: "a private JWK, a private CryptoKey, or { key, kid } with one", accepts: isClientKey },
  clientTls: { expected: "{ cert, key } that belong together, with passphrase and ca if needed", accepts: isClientTls },
  bearerToken: callback,
  tokenTypeHint: flag,
  opaqueTokens: flag,
  jwtsAsOpaque: flag,
  always: flag,
  returnsConfirmation: onlyTrue,
  signedResponse: flag,
  cacheDuration: seconds(0, 3600),
  cache: { expected: "a store with get and set, such as a Keyv", accepts: isStore },
  cacheKey: {
    expected: `a string of at least ${MIN_CACHE_KEY_LENGTH} characters`,
    accepts: (value) => typeof value === "string" && value.length >= MIN_CACHE_KEY_LENGTH,
  },
};

/**
 * Checks the introspection options of an issuer.
 *
 * @param discoverable whether the endpoint can be found in the issuer's metadata
 * @param fetchIsGiven whether the application makes the requests to the issuer
 * @throws TypeError that names the option
 */
export function parseIntrospection(
  options: unknown,
  { discoverable, fetchIsGiven }: { readonly discoverable: boolean; readonly fetchIsGiven: boolean },
): IntrospectionConfiguration {
  const given = knownOptions("the introspection options", options, rules, "not-given");
  const { endpoint, clientId, opaqueTokens = true, jwtsAsOpaque = false, always = false } = given;
  if ((clientId as string | undefined) === undefined) throw mistake("clientId", "is missing");
  if (endpoint === undefined && !discoverable) throw mistake("endpoint", "is required for an issuer without metadata");
  if (jwtsAsOpaque && always) throw mistake("jwtsAsOpaque", "excludes always, which verifies JWTs first");
  if (jwtsAsOpaque && !opaqueTokens) throw mistake("jwtsAsOpaque", "needs opaqueTokens, which is false");
  if (!opaqueTokens && !always)
    throw mistake("opaqueTokens", "is false and always is not true: nothing is introspected");
  return Object.freeze({
    endpoint: endpoint === undefined ? undefined : new URL(endpoint),
    clientId,
    authentication: parseAuthentication(given, fetchIsGiven),
    tokenTypeHint: given.tokenTypeHint ?? true,
    opaqueTokens,
    jwtsAsOpaque,
    always,
    returnsConfirmation: given.returnsConfirmation ?? false,
    signedResponse: given.signedResponse ?? false,
    cacheDuration: given.cacheDuration ?? defaults.introspection.cacheDuration,
    cache: parseCache(given),
  });
}

function parseAuthentication(given: IntrospectionOptions, fetchIsGiven: boolean): ClientAuthentication {
  const found = (Object.keys(credentials) as Credential[]).filter((name) => given[name] !== undefined);
  const [credential, surplus] = found;
  if (surplus !== undefined) throw mistake(surplus, `is given beside ${credential}: a client authenticates in one way`);
  const method = given.clientAuthentication ?? (credential && credentials[credential]);
  if (method === undefined) throw mistake("clientSecret", "is missing, or clientKey, clientTls or bearerToken");
  if (credential !== undefined && methods[method] !== credential) {
    throw mistake("clientAuthentication", `is ${method}, which does not go with ${credential}`);
  }
  const { clientSecret, clientKey, clientTls, bearerToken } = given;
  if (method === "none") return { method };
  if (method === "bearer") {
    if (bearerToken === undefined) throw mistake("bearerToken", "is missing, and bearer needs it");
    return { method, bearerToken };
  }
  if (method === "client_secret_basic" || method === "client_secret_post") {
    if (clientSecret === undefined) throw mistake("clientSecret", `is missing, and ${method} needs it`);
    return { method, secret: clientSecret };
  }
  if (method === "private_key_jwt") {
    if (clientKey === undefined) throw mistake("clientKey", `is missing, and ${method} needs it`);
    return { method, ...parseClientKey(clientKey) };
  }
  if (clientTls === undefined && !fetchIsGiven) throw mistake("clientTls", `is missing, and ${method} needs it`);
  if (clientTls !== undefined && fetchIsGiven) {
    throw mistake("clientTls", "has no effect beside the option fetch, which has to present the certificate itself");
  }
  return { method, tls: clientTls && copyClientTls(clientTls) };
}

function parseCache({ cache, cacheKey, cacheDuration }: IntrospectionOptions): IntrospectionConfiguration["cache"] {
  if (cache === undefined && cacheKey === undefined) return undefined;
  if (cacheKey === undefined)
    throw mistake("cacheKey", "is required with cache: without it, whoever writes to it decides");
  if (cache === undefined) throw mistake("cacheKey", "is of no use without cache");
  if (cacheDuration === 0) throw mistake("cache", "is of no use when cacheDuration is 0");
  return { store: cache, key: cacheKey };
}

function isStore(value: unknown): boolean {
  const { get, set } = Object(value) as { readonly get?: unknown; readonly set?: unknown };
  return typeof get === "function" && typeof set === "function";
}

function mistake(option: keyof IntrospectionOptions, problem: string): TypeError {
  return new TypeError(`certbound: option "${option}" in the introspection options ${problem}`);
}
