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

/** Whoever the tokens are issued to. */
export const client = await createSelfSignedCertificate({ commonName: "client" });

/** Somebody else with a certificate. */
export const thief = await createSelfSignedCertificate({ commonName: "thief" });

/** The secret that those who share a cache have. */
export const cacheKey = "the secret of the whole fleet, 44 characters";

/** A secret that is not theirs. */
export const anotherKey = `${cacheKey}.`;

/** For how many seconds an answer is used. */
export const CACHE_DURATION = 30;

/** What differs between verifiers of one issuer. */
export interface IntrospectionSettings {
  /** The `cacheKey`; by default that of the fleet. */
  readonly key?: string | undefined;
  readonly signedResponse?: boolean | undefined;
}

/** Gives the options of a verifier but for the cache, so that they can be sent to another process. */
export function optionsFor(
  { issuer, audience, introspectionClient }: Issuer,
  { key = cacheKey, signedResponse }: IntrospectionSettings = {},
): VerifierOptions & { readonly introspection: IntrospectionOptions } {
  const settings = { cacheKey: key, cacheDuration: CACHE_DURATION, signedResponse };
  return { issuer, audience, introspection: { ...introspectionClient, ...settings } };
}

/** Creates a verifier that caches nothing yet, but may find something in the cache. */
export function verifierWith(
  cache: IntrospectionCache,
  issuer: Issuer,
  { clock, ...settings }: IntrospectionSettings & { readonly clock?: () => number } = {},
): Verifier {
  const { introspection, ...options } = optionsFor(issuer, settings);
  return createVerifier({ ...options, clock, introspection: { ...introspection, cache } });
}

/** Names how a verification ends; whatever is no AccessTokenError is thrown on. */
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

/** Counts how often an issuer was asked about a token. */
export function introspectionsOf({ requests, introspectionEndpoint }: Issuer): number {
  return requests.filter((path) => path === introspectionEndpoint.pathname).length;
}
