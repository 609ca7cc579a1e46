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

/** The option with the credential of each method. */
const methods: Readonly<Record<ClientAuthenticationMethod, Credential | undefined>> = {
  client_secret_basic: "clientSecret",
  client_secret_post: "clientSecret",
  private_key_jwt: "clientKey",
  tls_client_auth: "clientTls",
  self_signed_tls_client_auth: "clientTls",
  bearer: "bearerToken",
  none: undefined,
};

/** The default method of each credential. */
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
  clientKey: {
    expected: "a private JWK, a private CryptoKey, or { key, kid } with a private CryptoKey",
    accepts: isClientKey,
  },
  clientTls: {
    expected: "{ cert, key } with the private key of the certificate, and passphrase and ca if needed",
    accepts: isClientTls,
  },
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
 * @param discoverable whether the endpoint can come from the issuer's metadata
 * @param fetchIsGiven whether the `fetch` option sends the requests to the issuer
 * @throws TypeError that names the option
 */
export function parseIntrospection(
  options: unknown,
  { discoverable, fetchIsGiven }: { readonly discoverable: boolean; readonly fetchIsGiven: boolean },
): IntrospectionConfiguration {
  const given = knownOptions("the introspection options", options, rules, "not-given");
  const { endpoint, clientId, opaqueTokens = true, jwtsAsOpaque = false, always = false } = given;
  if ((clientId as string | undefined) === undefined) throw invalidOption("clientId", "is missing");
  if (endpoint === undefined && !discoverable)
    throw invalidOption(
      "endpoint",
      "is required, because metadata is found only for an issuer that is an https URL without query and fragment",
    );
  if (jwtsAsOpaque && always)
    throw invalidOption("jwtsAsOpaque", "cannot be combined with always, which verifies JWTs first");
  if (jwtsAsOpaque && !opaqueTokens) throw invalidOption("jwtsAsOpaque", "cannot be combined with opaqueTokens: false");
  if (!opaqueTokens && !always)
    throw invalidOption("opaqueTokens", "is false, and always is not true, so no token would be introspected");
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
  const [credential, second] = found;
  if (second !== undefined) throw invalidOption(second, `cannot be combined with ${credential}: give one credential`);
  const method = given.clientAuthentication ?? (credential && credentials[credential]);
  if (method === undefined)
    throw invalidOption("clientSecret", "is missing: give clientSecret, clientKey, clientTls or bearerToken");
  if (credential !== undefined && methods[method] !== credential) {
    throw invalidOption("clientAuthentication", `is ${method}, which does not use ${credential}`);
  }
  const { clientSecret, clientKey, clientTls, bearerToken } = given;
  if (method === "none") return { method };
  if (method === "bearer") {
    if (bearerToken === undefined) throw invalidOption("bearerToken", "is missing, but bearer needs it");
    return { method, bearerToken };
  }
  if (method === "client_secret_basic" || method === "client_secret_post") {
    if (clientSecret === undefined) throw invalidOption("clientSecret", `is missing, but ${method} needs it`);
    return { method, secret: clientSecret };
  }
  if (method === "private_key_jwt") {
    if (clientKey === undefined) throw invalidOption("clientKey", `is missing, but ${method} needs it`);
    return { method, ...parseClientKey(clientKey) };
  }
  if (clientTls === undefined && !fetchIsGiven) throw invalidOption("clientTls", `is missing, but ${method} needs it`);
  if (clientTls !== undefined && fetchIsGiven) {
    throw invalidOption(
      "clientTls",
      'has no effect together with option "fetch", which must present the certificate itself',
    );
  }
  return { method, tls: clientTls && copyClientTls(clientTls) };
}

function parseCache({ cache, cacheKey, cacheDuration }: IntrospectionOptions): IntrospectionConfiguration["cache"] {
  if (cache === undefined && cacheKey === undefined) return undefined;
  if (cacheKey === undefined)
    throw invalidOption(
      "cacheKey",
      "is required with cache: without it, anyone who can write to the store could forge responses",
    );
  if (cache === undefined) throw invalidOption("cacheKey", "has no effect without cache");
  if (cacheDuration === 0) throw invalidOption("cache", "has no effect when cacheDuration is 0");
  return { store: cache, key: cacheKey };
}

function isStore(value: unknown): boolean {
  const { get, set } = Object(value) as { readonly get?: unknown; readonly set?: unknown };
  return typeof get === "function" && typeof set === "function";
}

function invalidOption(option: keyof IntrospectionOptions, problem: string): TypeError {
  return new TypeError(`certbound: option "${option}" in the introspection options ${problem}`);
}
