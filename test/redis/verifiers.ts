import {
  AccessTokenError,
  type AccessTokenErrorCode,
  createVerifier,
  type IntrospectionCache,
  type IntrospectionOptions,
  type Verifier,
  type VerifierOptions,
} from "@certbound/core";
import { createSelfSignedCertificate, type Identity, type Issuer } from "@certbound/testing";

/** The client that tokens are issued to. */
export const client = await createSelfSignedCertificate({ commonName: "client" });

/** Another client with a certificate. */
export const thief = await createSelfSignedCertificate({ commonName: "thief" });

/** The `cacheKey` of all processes that share a cache. */
export const cacheKey = "the secret of the whole fleet, 44 characters";

/** A different `cacheKey`. */
export const anotherKey = `${cacheKey}.`;

/** The `cacheDuration` in seconds. */
export const CACHE_DURATION = 30;

/** The settings that differ between verifiers. */
export interface IntrospectionSettings {
  /** Defaults to {@link cacheKey}. */
  readonly key?: string | undefined;
  readonly signedResponse?: boolean | undefined;
}

/** Returns verifier options without the cache, so that they can be sent to another process. */
export function optionsFor(
  { issuer, audience, introspectionClient }: Issuer,
  { key = cacheKey, signedResponse }: IntrospectionSettings = {},
): VerifierOptions & { readonly introspection: IntrospectionOptions } {
  const settings = { cacheKey: key, cacheDuration: CACHE_DURATION, signedResponse };
  return { issuer, audience, introspection: { ...introspectionClient, ...settings } };
}

/** Creates a verifier with an empty local cache and this shared cache. */
export function verifierWith(
  cache: IntrospectionCache,
  issuer: Issuer,
  { clock, ...settings }: IntrospectionSettings & { readonly clock?: () => number } = {},
): Verifier {
  const { introspection, ...options } = optionsFor(issuer, settings);
  return createVerifier({ ...options, clock, introspection: { ...introspection, cache } });
}

/** Returns "accepted" or the error code; rethrows errors that are not an AccessTokenError. */
export async function outcomeOf(
  verifier: Verifier,
  token: string,
  { certificate }: Identity,
): Promise<AccessTokenErrorCode | "accepted"> {
  return verifier.verify(token, { clientCertificate: certificate }).then(
    () => "accepted",
    (error: unknown) => {
      if (error instanceof AccessTokenError) return error.code;
      throw error;
    },
  );
}

/** Returns the number of introspection requests that an issuer has received. */
export function introspectionsOf({ requests, introspectionEndpoint }: Issuer): number {
  return requests.filter((path) => path === introspectionEndpoint.pathname).length;
}
