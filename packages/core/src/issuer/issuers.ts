import type { IssuerConfiguration, VerifierConfiguration } from "../options/configuration.ts";
import { AccessTokenError } from "../errors.ts";
import { createIntrospector, type Introspector } from "./introspection/introspector.ts";
import { createIssuerLookup } from "./issuer-lookup.ts";
import { createKeySources } from "./keys/issuer-keys.ts";
import type { KeySource } from "./keys/key-source.ts";

/** A configured issuer, with what its tokens are verified by. */
export interface Issuer {
  readonly configuration: IssuerConfiguration;
  readonly keys: KeySource;
  /** Returns whether its tokens are still accepted; false once the permission of an issuer function is over. */
  readonly isPermitted: () => boolean;
  /** Given where the issuer is asked about tokens: opaque ones, JWTs, or both. */
  readonly introspector: Introspector | undefined;
}

/** The one issuer that is asked about opaque tokens. */
export interface OpaqueTokenIssuer {
  readonly issuer: IssuerConfiguration;
  readonly introspector: Introspector;
}

/** The configured issuers. */
export interface Issuers {
  /** Finds the issuer that a token names, character by character; undefined where a function finds it. */
  named(issuer: unknown): Issuer | undefined;
  /**
   * Finds the issuer that a token names with the application's function; undefined where the issuers are configured.
   *
   * @throws AccessTokenError `ERR_KEYS_UNAVAILABLE` when too many calls are in progress
   * @throws Error for whatever the function throws, or returns outside its type
   */
  readonly lookUp: ((issuer: unknown) => Promise<Issuer | undefined>) | undefined;
  readonly opaqueTokenIssuer: OpaqueTokenIssuer | undefined;
  /** @throws AccessTokenError `ERR_KEYS_UNAVAILABLE`, `ERR_INTROSPECTION_UNAVAILABLE` */
  ready(): Promise<void>;
}

/** Creates the key sources and introspectors of the configured issuers. */
export function createIssuers(verifier: VerifierConfiguration): Issuers {
  const keysOf = createKeySources(verifier.issuers, verifier);
  const issuers = verifier.issuers.map((issuer) => createIssuer(issuer, verifier, keysOf(issuer)));
  const { issuerFunction } = verifier;
  const byName = new Map<unknown, Issuer>(issuers.map((issuer) => [issuer.configuration.issuer, issuer]));
  return {
    named: (issuer) => byName.get(issuer),
    lookUp:
      issuerFunction &&
      createIssuerLookup<Issuer>(issuerFunction, ({ configuration, isPermitted }) => ({
        ...createIssuer(configuration, verifier, keysOf(configuration)),
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
  // Without a signature to verify, an issuer need not publish keys.
  const needsKeys = !jwtsAsOpaque || signedResponse;
  try {
    await Promise.all([needsKeys ? keys.ready() : undefined, introspector?.ready()]);
  } catch (error) {
    throw error instanceof AccessTokenError ? ofIssuer(error, configuration.issuer) : error;
  }
}

/** Adds to the detail which of the issuers failed. */
function ofIssuer({ code, detail, retryAfter }: AccessTokenError, issuer: string): AccessTokenError {
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

/** Returns whether an issuer is asked about its JWTs as well. */
export function introspectsEveryJwt(issuer: Issuer): issuer is Issuer & { readonly introspector: Introspector } {
  return issuer.introspector !== undefined && issuer.configuration.introspection?.always === true;
}
