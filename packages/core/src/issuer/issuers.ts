import type { IssuerConfiguration, VerifierConfiguration } from "../options/configuration.ts";
import { AccessTokenError } from "../errors.ts";
import { createIntrospector, type Introspector } from "./introspection/introspector.ts";
import { createIssuerLookup } from "./issuer-lookup.ts";
import { createKeySources } from "./keys/issuer-keys.ts";
import type { KeySource } from "./keys/key-source.ts";

/** An accepted issuer, with its keys and its introspector. */
export interface Issuer {
  readonly configuration: IssuerConfiguration;
  readonly keys: KeySource;
  /** Returns whether its tokens are still accepted; false once the result of an `issuer` function has expired. */
  readonly isPermitted: () => boolean;
  /** Introspects opaque tokens, JWTs or both; undefined if introspection is not configured. */
  readonly introspector: Introspector | undefined;
}

/** The issuer that introspects opaque tokens. */
export interface OpaqueTokenIssuer {
  readonly issuer: IssuerConfiguration;
  readonly introspector: Introspector;
}

/** The issuers that a verifier accepts. */
export interface Issuers {
  /**
   * Returns the configured issuer with this `iss`, compared character by character. Always undefined if the application uses an
   * `issuer` function.
   */
  named(iss: unknown): Issuer | undefined;
  /**
   * Finds the issuer with this `iss` through the application's `issuer` function. The member is undefined if the application
   * does not use an `issuer` function.
   *
   * @throws AccessTokenError `ERR_KEYS_UNAVAILABLE` if too many calls are in progress
   * @throws Error if the function throws, or returns a value of the wrong type
   */
  readonly lookUp: ((iss: unknown) => Promise<Issuer | undefined>) | undefined;
  readonly opaqueTokenIssuer: OpaqueTokenIssuer | undefined;
  /**
   * Fetches the keys and locates the introspection endpoints of the configured issuers.
   *
   * @throws AccessTokenError `ERR_KEYS_UNAVAILABLE`, `ERR_INTROSPECTION_UNAVAILABLE`
   */
  ready(): Promise<void>;
}

/** Creates the issuers of a verifier, with their key sources and introspectors. */
export function createIssuers(verifier: VerifierConfiguration): Issuers {
  const createKeySource = createKeySources(verifier.issuers, verifier);
  const issuers = verifier.issuers.map((issuer) => createIssuer(issuer, verifier, createKeySource(issuer)));
  const { issuerFunction } = verifier;
  const byName = new Map<unknown, Issuer>(issuers.map((issuer) => [issuer.configuration.issuer, issuer]));
  return {
    named: (iss) => byName.get(iss),
    lookUp:
      issuerFunction &&
      createIssuerLookup<Issuer>(issuerFunction, ({ configuration, isPermitted }) => ({
        ...createIssuer(configuration, verifier, createKeySource(configuration)),
        isPermitted,
      })),
    opaqueTokenIssuer: findOpaqueTokenIssuer(issuers),
    async ready() {
      await Promise.all(issuers.map(readyIssuer));
    },
  };
}

async function readyIssuer({ configuration, keys, introspector }: Issuer): Promise<void> {
  const { jwtsAsOpaque = false, signedResponse = true } = configuration.introspection ?? {};
  // An issuer does not need keys if no signature is verified.
  const needsKeys = !jwtsAsOpaque || signedResponse;
  try {
    await Promise.all([needsKeys ? keys.ready() : undefined, introspector?.ready()]);
  } catch (error) {
    throw error instanceof AccessTokenError ? withIssuer(error, configuration.issuer) : error;
  }
}

function withIssuer({ code, detail, retryAfter }: AccessTokenError, issuer: string): AccessTokenError {
  return new AccessTokenError(code, { detail: `${issuer}: ${detail}`, retryAfter });
}

function createIssuer(configuration: IssuerConfiguration, verifier: VerifierConfiguration, keys: KeySource): Issuer {
  const { introspection } = configuration;
  const introspector = introspection && createIntrospector({ ...configuration, introspection }, { keys, verifier });
  return { configuration, keys, introspector, isPermitted: () => true };
}

function findOpaqueTokenIssuer(issuers: readonly Issuer[]): OpaqueTokenIssuer | undefined {
  for (const { configuration: issuer, introspector } of issuers) {
    if (introspector !== undefined && issuer.introspection?.opaqueTokens) return { issuer, introspector };
  }
  return undefined;
}

/** Returns whether an issuer introspects each of its JWTs after it has been verified (option `always`). */
export function introspectsEveryJwt(issuer: Issuer): issuer is Issuer & { readonly introspector: Introspector } {
  return issuer.introspector !== undefined && issuer.configuration.introspection?.always === true;
}
