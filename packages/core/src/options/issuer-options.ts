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
import type { IntrospectionOptions } from "./introspection-configuration.ts";
import { parseIntrospection } from "./introspection-options.ts";
import { isJsonObject } from "../values/json-object.ts";
import {
  knownOptions,
  nonEmptyList,
  nonEmptyString,
  type OptionRule,
  type OptionRules,
} from "../values/known-options.ts";
import { withoutPrototype } from "../values/object-member.ts";
import type { ProfileRules } from "./profiles.ts";
import { signatureAlgorithms } from "./signature-algorithms.ts";
import { hasCredentials, isSecureUrl } from "../values/secure-url.ts";

/** The option rules for {@link IssuerSettings}. */
export const settingsRules: OptionRules<IssuerSettings> = {
  audience: {
    expected: "a non-empty string, a non-empty array of such strings, or null to skip the check",
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

/** The rule of an issuer identifier. */
export const issuerIdentifier: OptionRule = {
  expected: "a non-empty string that is not a URL with credentials",
  accepts: (value) => typeof value === "string" && value !== "" && !hasCredentials(value),
};

const issuerRules: OptionRules<IssuerOptions> = { ...settingsRules, issuer: issuerIdentifier };

/** The issuers of a configuration, which come from a list or from a function of the application. */
export type ParsedIssuers = Pick<VerifierConfiguration, "issuers" | "issuerFunction" | "algorithms">;

/**
 * Checks the options of the issuers.
 *
 * @throws TypeError that names the option
 */
export function parseIssuers(options: VerifierOptions, profileRules: ProfileRules): ParsedIssuers {
  if (typeof options.issuer === "function") return parseIssuerFunction(options, options.issuer, profileRules);
  const issuers = listIssuers(options, profileRules);
  return {
    issuers,
    issuerFunction: undefined,
    algorithms: new Set(issuers.flatMap((issuer) => [...issuer.algorithms])),
  };
}

function parseIssuerFunction(
  options: VerifierOptions,
  find: Extract<VerifierOptions["issuer"], (...parameters: never) => unknown>,
  profileRules: ProfileRules,
): ParsedIssuers {
  const { audience, algorithms, fetch } = options;
  rejectCommonOptions(options);
  const common = { fetchIsGiven: fetch !== undefined, permitted: profileRules.algorithms };
  return {
    issuers: [],
    issuerFunction: {
      find,
      parse(returned, issuer) {
        const result = knownOptions("the result of issuer()", returned as IssuerOptions, issuerRules, "not-given");
        if (result.issuer !== issuer) {
          throw new TypeError("certbound: issuer() must return the options of the issuer that it was called with");
        }
        return parseIssuer(withoutPrototype({ audience, algorithms, ...result }), { ...common, isListed: false });
      },
    },
    // An issuer may override the common option `algorithms`.
    algorithms: new Set(profileRules.algorithms ?? Object.keys(signatureAlgorithms)),
  };
}

function rejectCommonOptions({ jwks, introspection }: VerifierOptions): void {
  for (const [name, value] of Object.entries({ jwks, introspection })) {
    if (value === undefined) continue;
    throw new TypeError(`certbound: option "${name}" must be set in the options of each issuer`);
  }
}

function listIssuers(options: VerifierOptions, profileRules: ProfileRules): readonly IssuerConfiguration[] {
  const { issuer, audience, jwks, algorithms, introspection, fetch } = options;
  if (issuer === undefined || typeof issuer === "function") {
    throw new TypeError('certbound: option "issuer" is required (without jwks, CERTBOUND_ISSUER can be set instead)');
  }
  const common = { fetchIsGiven: fetch !== undefined, permitted: profileRules.algorithms, isListed: true };
  if (typeof issuer === "string") {
    return [parseIssuer({ issuer, audience, jwks, algorithms, introspection }, common)];
  }
  rejectCommonOptions(options);
  const issuers = issuer.map((entry) => {
    const settings = knownOptions("the options of an issuer", entry, issuerRules, "not-given");
    return parseIssuer(withoutPrototype({ audience, algorithms, ...settings }), common);
  });
  if (new Set(issuers.map((entry) => entry.issuer)).size < issuers.length) {
    throw new TypeError('certbound: option "issuer" lists the same issuer twice');
  }
  if (issuers.filter((entry) => entry.introspection?.opaqueTokens).length > 1) {
    throw new TypeError(
      'certbound: option "introspection" may enable opaqueTokens for one issuer only, since an opaque token does not name its issuer',
    );
  }
  return issuers;
}

interface IssuerContext {
  readonly fetchIsGiven: boolean;
  /** The algorithms of the profile. */
  readonly permitted: ProfileRules["algorithms"];
  /** False for the result of an issuer function, which introspects only JWTs: an opaque token does not name its issuer. */
  readonly isListed: boolean;
}

function parseIssuer(
  options: IssuerOptions,
  { fetchIsGiven, permitted, isListed }: IssuerContext,
): IssuerConfiguration {
  const { issuer, audience, jwks, algorithms, introspection } = options;
  if ((issuer as string | undefined) === undefined) {
    throw new TypeError('certbound: option "issuer" is missing in the options of an issuer');
  }
  if (audience === undefined) {
    throw new TypeError('certbound: option "audience" is required (an explicit null accepts tokens for any API)');
  }
  const forbidden = permitted && algorithms?.find((algorithm) => !permitted.includes(algorithm));
  if (forbidden !== undefined) {
    throw new TypeError(`certbound: option "algorithms" contains ${forbidden}, which the profile does not allow`);
  }
  return Object.freeze({
    issuer,
    audience: typeof audience === "string" ? [audience] : audience && [...audience],
    algorithms: new Set(algorithms ?? permitted ?? Object.keys(signatureAlgorithms)),
    keys: keyLocation(issuer, jwks),
    introspection:
      introspection &&
      parseIntrospection(isListed ? introspection : withoutOpaqueTokens(introspection), {
        discoverable: isDiscoverable(issuer),
        fetchIsGiven,
      }),
  });
}

function withoutOpaqueTokens(introspection: IntrospectionOptions): IntrospectionOptions {
  const { opaqueTokens = false, ...others } = withoutPrototype(introspection);
  if (others.jwtsAsOpaque) {
    throw new TypeError(
      'certbound: option "jwtsAsOpaque" is not allowed in the result of issuer(): its JWTs are always verified locally',
    );
  }
  if (!opaqueTokens) return { ...others, opaqueTokens };
  throw new TypeError(
    'certbound: option "opaqueTokens" is not allowed in the result of issuer(): an opaque token does not name its issuer',
  );
}

function keyLocation(issuer: string, jwks: IssuerSettings["jwks"]): KeyLocation {
  if (jwks === undefined) {
    if (!isDiscoverable(issuer)) {
      throw new TypeError(
        'certbound: option "issuer" must be an https URL without query and fragment, or option "jwks" must be given',
      );
    }
    return { kind: "discovery", issuer };
  }
  if (typeof jwks === "string" || jwks instanceof URL) return { kind: "url", url: new URL(jwks) };
  return { kind: "set", jwks: copyKeySet(jwks) };
}

/** Copies a key set, so that later changes to the application's object have no effect. */
function copyKeySet(jwks: JsonWebKeySet): JsonWebKeySet {
  let copy: unknown;
  try {
    copy = JSON.parse(JSON.stringify(jwks));
  } catch {
    // The message of the error is dropped: it may quote the input.
  }
  if (!isJsonWebKeySet(copy))
    throw new TypeError('certbound: option "jwks" must be a key set that can be serialized as JSON');
  return copy;
}

/** An issuer identifier has neither query nor fragment (RFC 8414 section 2). */
function isDiscoverable(issuer: string): boolean {
  return isSecureUrl(issuer) && !/[?#]/.test(issuer);
}
