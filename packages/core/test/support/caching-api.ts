import type { Issuer } from "@certbound/testing";
import { expect, vi } from "vitest";
import type { AccessTokenClaims } from "../../src/access-token.ts";
import type { JsonWebKeySet, VerifierOptions } from "../../src/options/configuration.ts";
import type { VerifyOptions } from "../../src/requirements.ts";
import { type Endpoint, json, startEndpoint } from "./endpoint.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { client, now, verifierOf } from "./verification.ts";

/** An API that caches tokens, and fetches the issuer's keys from an endpoint of the test. */
export interface CachingApi {
  /** The endpoint with the keys. */
  readonly published: Endpoint;
  /** Verifies a token and returns the outcome; by default with the certificate that the tokens are bound to. */
  readonly outcome: (token: string, use?: Partial<VerifyOptions>) => Promise<Outcome>;
  /** Returns the claims of an accepted token: the same object for as long as it is cached. */
  readonly claims: (token: string, use?: Partial<VerifyOptions>) => Promise<AccessTokenClaims>;
  /** Sets the clock to this many seconds after the tokens were issued; it may be set back. */
  readonly setClock: (seconds: number) => void;
  /** Replaces the keys, advances the time by 10 s, and has the keys fetched. `performance` must be faked. */
  readonly replaceKeys: (jwks: JsonWebKeySet) => Promise<void>;
}

/** Starts such an API, whose endpoint is closed after the test. */
export async function startCachingApi(issuer: Issuer, options: VerifierOptions = {}): Promise<CachingApi> {
  const published = await startEndpoint(json(issuer.jwks));
  let time = now;
  const verifier = verifierOf(issuer, { jwks: `${published.url}/jwks`, clock: () => time, ...options });
  const verify = (token: string, use: Partial<VerifyOptions> = {}) =>
    verifier.verify(token, { clientCertificate: client.certificate, ...use });
  return {
    published,
    outcome: (token, use) => outcomeOf(verify(token, use)),
    claims: async (token, use) => (await verify(token, use)).claims,
    setClock: (seconds) => {
      time = now + seconds * 1000;
    },
    replaceKeys: async (jwks) => {
      published.respondWith(json(jwks));
      vi.advanceTimersByTime(10_000);
      const fetches = published.requests.length;
      // A token with an unknown kid triggers the fetch. Its times are valid, so that it is not rejected before.
      const unknown = await issuer.accessToken({
        boundTo: client,
        header: { kid: "unknown" },
        claims: { iat: time / 1000, exp: time / 1000 + 300 },
      });
      await outcomeOf(verify(unknown));
      expect(published.requests).toHaveLength(fetches + 1);
    },
  };
}
