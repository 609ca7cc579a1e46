import process from "node:process";
import type { VerifierConfiguration, VerifierOptions } from "./configuration.ts";
import { issuerIdentifier, parseIssuers, settingsRules } from "./issuer-options.ts";
import {
  callback,
  knownOptions,
  nonEmptyList,
  nonEmptyString,
  type OptionRules,
  seconds,
} from "../values/known-options.ts";
import { withoutPrototype } from "../values/object-member.ts";
import { defaults } from "./defaults.ts";
import { rejectContradiction } from "./profile-options.ts";
import { defaultProfileRules, profiles } from "./profiles.ts";
import { normaliseTokenType } from "./token-types.ts";

const MAX_VERIFIED_TOKENS = 1_000_000;

/** The option rules for {@link VerifierOptions}, and for option types that include it. */
export const verifierRules: OptionRules<VerifierOptions> = {
  ...settingsRules,
  issuer: {
    expected: `${issuerIdentifier.expected}, a non-empty array of { issuer, audience, ... }, or a function that returns such an object for an iss`,
    accepts: (value) =>
      issuerIdentifier.accepts(value) || typeof value === "function" || (Array.isArray(value) && value.length > 0),
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
 * Checks a verifier's options. If they contain neither `issuer` nor `jwks`, completes them from environment variables.
 *
 * @throws TypeError that names the option
 */
export function parseVerifierOptions(options: VerifierOptions): VerifierConfiguration {
  const given = knownOptions("the verifier's options", options, verifierRules, "not-given");
  const filled = given.issuer === undefined && given.jwks === undefined ? withEnvironment(given) : given;
  const profileRules = filled.profile === undefined ? defaultProfileRules : profiles[filled.profile];
  const { issuers, issuerFunction, algorithms } = parseIssuers(filled, profileRules);
  const tokenTypes = (filled.tokenTypes ?? profileRules.tokenTypes)?.map((type) => type && normaliseTokenType(type));
  const { clockTolerance = profileRules.clockTolerance.default, maxTokenAge } = filled;
  const profiled = { profile: filled.profile, profileRules, issuers, tokenTypes, clockTolerance, maxTokenAge };
  rejectContradiction(profiled);
  return Object.freeze({
    issuers,
    issuerFunction: issuerFunction && {
      find: issuerFunction.find,
      parse(returned: unknown, name: string) {
        const issuer = issuerFunction.parse(returned, name);
        rejectContradiction({ ...profiled, issuers: [issuer] });
        return issuer;
      },
    },
    algorithms,
    profileRules,
    introspectionMayOmitCnf: issuers.some(
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

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns whether Node.js accepts every TLS server by default. Like Node.js, compares the variable with `"0"`. */
export function isTlsUnverified(env: Environment = process.env): boolean {
  return env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0";
}

/** Reads the options in an environment without checking their values. An empty variable counts as not set. */
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
