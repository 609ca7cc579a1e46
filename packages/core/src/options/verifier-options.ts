import process from "node:process";
import {
  isJsonWebKeySet,
  type IssuerConfiguration,
  type IssuerOptions,
  type IssuerSettings,
  type JsonWebKeySet,
  type KeyLocation,
  type VerifierConfiguration,
  type VerifierOptions,
} from "./configuration.ts";
import { parseIntrospection } from "./introspection-options.ts";
import { isJsonObject } from "../values/json-object.ts";
import {
  callback,
  knownOptions,
  nonEmptyList,
  nonEmptyString,
  type OptionRule,
  type OptionRules,
  seconds,
} from "../values/known-options.ts";
import { withoutPrototype } from "../values/object-member.ts";
import { refuseContradiction } from "./profile-options.ts";
import { defaults } from "./defaults.ts";
import { defaultDemands, type ProfileDemands, profiles } from "./profiles.ts";
import { signatureAlgorithms } from "./signature-algorithms.ts";
import { normaliseTokenType } from "./token-types.ts";
import { hasCredentials, isSecureUrl } from "../values/secure-url.ts";

const MAX_VERIFIED_TOKENS = 1_000_000;

const settingsRules: OptionRules<IssuerSettings> = {
  audience: {
    expected: "a non-empty string, a non-empty array of them, or null to skip the check",
    accepts: (value) => value === null || nonEmptyString.accepts(value) || nonEmptyList(nonEmptyString).accepts(value),
  },
  jwks: {
    expected:
      "a key set ({ keys: [...] } with at least one key), or its URL: https, or http on a loopback address, without credentials",
    accepts: (value) =>
      value instanceof URL || typeof value === "string"
        ? isSecureUrl(value) && !hasCredentials(value)
        : isJsonWebKeySet(value) && value.keys.length > 0,
  },
  algorithms: nonEmptyList({
    expected: `one of ${Object.keys(signatureAlgorithms).join(", ")}`,
    accepts: (value) => typeof value === "string" && Object.hasOwn(signatureAlgorithms, value),
  }),
  introspection: { expected: "an object: { clientId, clientSecret, ... }", accepts: isJsonObject },
};

const issuerIdentifier: OptionRule = {
  expected: "a non-empty string, which is not a URL with credentials",
  accepts: (value) => typeof value === "string" && value !== "" && !hasCredentials(value),
};

const issuerRules: OptionRules<IssuerOptions> = { ...settingsRules, issuer: issuerIdentifier };

/** The rules of a verifier's options, for option types that include them. */
export const verifierRules: OptionRules<VerifierOptions> = {
  ...settingsRules,
  issuer: {
    expected: `${issuerIdentifier.expected}, or a non-empty array of { issuer, audience, ... }`,
    accepts: (value) => issuerIdentifier.accepts(value) || (Array.isArray(value) && value.length > 0),
  },
  profile: {
    expected: `one of ${Object.keys(profiles).join(", ")}`,
    accepts: (value) => typeof value === "string" && Object.hasOwn(profiles, value),
  },
  tokenTypes: nonEmptyList({
    expected: "a typ value such as at+jwt, or null for none",
    accepts: (value) => value === null || nonEmptyString.accepts(value),
  }),
  clockTolerance: seconds(0, 300),
  maxTokenAge: seconds(1),
  verifiedTokens: {
    expected: `false, or a whole number of tokens from 1 to ${MAX_VERIFIED_TOKENS}`,
    accepts: (value) =>
      value === false || (Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= MAX_VERIFIED_TOKENS),
  },
  certificatePolicy: callback,
  fetch: callback,
  clock: callback,
};

/**
 * Checks a verifier's options, filled from the environment where they name neither issuer nor keys.
 *
 * @throws TypeError that names the option
 */
export function parseVerifierOptions(options: VerifierOptions): VerifierConfiguration {
  const given = knownOptions("the verifier's options", options, verifierRules, "not-given");
  const filled = given.issuer === undefined && given.jwks === undefined ? withEnvironment(given) : given;
  const demands = filled.profile === undefined ? defaultDemands : profiles[filled.profile];
  const issuers = parseIssuers(filled, demands);
  const tokenTypes = (filled.tokenTypes ?? demands.tokenTypes)?.map((type) => type && normaliseTokenType(type));
  const { clockTolerance = demands.clockTolerance.usual, maxTokenAge } = filled;
  refuseContradiction({ profile: filled.profile, demands, issuers, tokenTypes, clockTolerance, maxTokenAge });
  return Object.freeze({
    issuers,
    demands,
    confirmationMayBeUntold: issuers.some(
      ({ introspection }) => introspection?.opaqueTokens === true && !introspection.returnsConfirmation,
    ),
    tokenTypes: tokenTypes && new Set(tokenTypes),
    clockTolerance,
    maxTokenAge,
    verifiedTokens: filled.verifiedTokens === false ? 0 : (filled.verifiedTokens ?? defaults.verifiedTokens),
    certificatePolicy: filled.certificatePolicy,
    fetch: filled.fetch ?? globalThis.fetch,
    clock: filled.clock ?? Date.now,
  });
}

/** The variables of an environment. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Tells whether Node.js accepts every TLS server, unless the connection says otherwise; reads the variable as Node.js does. */
export function isTlsUnverified(env: Environment = process.env): boolean {
  return env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0";
}

/** Reads the options that an environment gives; an empty variable counts as not set. Their values are not checked. */
export function environmentOptions(env: Environment): {
  readonly issuer: string | undefined;
  readonly audience: readonly string[] | undefined;
  readonly jwks: string | undefined;
} {
  const { CERTBOUND_ISSUER: issuer, CERTBOUND_AUDIENCE: audience, CERTBOUND_JWKS_URI: jwks } = withoutPrototype(env);
  return {
    issuer: issuer || undefined,
    audience: audience ? audience.split(",").map((item) => item.trim()) : undefined,
    jwks: jwks || undefined,
  };
}

function withEnvironment(given: VerifierOptions): VerifierOptions {
  const { issuer, audience, jwks } = environmentOptions(process.env);
  if (issuer && !issuerIdentifier.accepts(issuer)) {
    throw new TypeError("certbound: CERTBOUND_ISSUER must not be a URL with credentials");
  }
  if (jwks && !settingsRules.jwks.accepts(jwks)) {
    throw new TypeError(
      "certbound: CERTBOUND_JWKS_URI must be an https URL, or http on a loopback address, without credentials",
    );
  }
  if (audience?.includes("")) throw new TypeError("certbound: CERTBOUND_AUDIENCE has an empty item");
  const { audience: givenAudience = audience } = given;
  return withoutPrototype({ ...given, issuer, audience: givenAudience, jwks });
}

function parseIssuers(options: VerifierOptions, demands: ProfileDemands): readonly IssuerConfiguration[] {
  const { issuer, audience, jwks, algorithms, introspection, fetch } = options;
  if (issuer === undefined) {
    throw new TypeError('certbound: option "issuer" is required (or CERTBOUND_ISSUER, where jwks is not given either)');
  }
  const common = { fetchIsGiven: fetch !== undefined, permitted: demands.algorithms };
  if (typeof issuer === "string") {
    return [parseIssuer({ issuer, audience, jwks, algorithms, introspection }, common)];
  }
  for (const [name, value] of Object.entries({ jwks, introspection })) {
    if (value === undefined) continue;
    throw new TypeError(`certbound: with several issuers, option "${name}" belongs to each of them`);
  }
  const issuers = issuer.map((entry) => {
    const own = knownOptions("the options of an issuer", entry, issuerRules, "not-given");
    return parseIssuer(withoutPrototype({ audience, algorithms, ...own }), common);
  });
  if (new Set(issuers.map((entry) => entry.issuer)).size < issuers.length) {
    throw new TypeError('certbound: option "issuer" names an issuer twice');
  }
  if (issuers.filter((entry) => entry.introspection?.opaqueTokens).length > 1) {
    throw new TypeError('certbound: option "introspection" has opaqueTokens for one issuer only: a token names none');
  }
  return issuers;
}

interface CommonToIssuers {
  readonly fetchIsGiven: boolean;
  /** The algorithms of the profile. */
  readonly permitted: ProfileDemands["algorithms"];
}

function parseIssuer(options: IssuerOptions, { fetchIsGiven, permitted }: CommonToIssuers): IssuerConfiguration {
  const { issuer, audience, jwks, algorithms, introspection } = options;
  if ((issuer as string | undefined) === undefined) {
    throw new TypeError('certbound: option "issuer" is missing in the options of an issuer');
  }
  if (audience === undefined) {
    throw new TypeError('certbound: option "audience" is required; null, written out, accepts tokens for any API');
  }
  const surplus = permitted && algorithms?.find((algorithm) => !permitted.includes(algorithm));
  if (surplus !== undefined) {
    throw new TypeError(`certbound: option "algorithms" has ${surplus}, which the profile does not permit`);
  }
  return Object.freeze({
    issuer,
    audience: typeof audience === "string" ? [audience] : audience && [...audience],
    algorithms: new Set(algorithms ?? permitted ?? Object.keys(signatureAlgorithms)),
    keys: keyLocation(issuer, jwks),
    introspection:
      introspection && parseIntrospection(introspection, { discoverable: isDiscoverable(issuer), fetchIsGiven }),
  });
}

function keyLocation(issuer: string, jwks: IssuerSettings["jwks"]): KeyLocation {
  if (jwks === undefined) {
    if (!isDiscoverable(issuer)) {
      throw new TypeError(
        'certbound: option "issuer" must be an https URL without query and fragment, or jwks be given',
      );
    }
    return { kind: "discovery", issuer };
  }
  if (typeof jwks === "string" || jwks instanceof URL) return { kind: "url", url: new URL(jwks) };
  return { kind: "set", jwks: copyKeySet(jwks) };
}

/** Copies a key set: what the application does to its object later does not change the keys. */
function copyKeySet(jwks: JsonWebKeySet): JsonWebKeySet {
  let copy: unknown;
  try {
    copy = JSON.parse(JSON.stringify(jwks));
  } catch {
    // The errors of JSON quote what they were given.
  }
  if (!isJsonWebKeySet(copy)) throw new TypeError('certbound: option "jwks" must be a key set that JSON can express');
  return copy;
}

/** An issuer identifier has neither query nor fragment (RFC 8414 section 2). */
function isDiscoverable(issuer: string): boolean {
  return isSecureUrl(issuer) && !/[?#]/.test(issuer);
}
