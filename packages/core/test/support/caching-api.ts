import type { Issuer } from "@certbound/testing";
import { expect, vi } from "vitest";
import type { AccessTokenClaims } from "../../src/access-token.ts";
import type { JsonWebKeySet, VerifierOptions } from "../../src/options/configuration.ts";
import type { VerifyOptions } from "../../src/requirements.ts";
import { type Endpoint, json, startEndpoint } from "./endpoint.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { client, now, verifierOf } from "./verification.ts";

/** An API that caches tokens, whose issuer publishes its keys where the test can replace them. */
export interface CachingApi {
  /** Where the keys are. */
  readonly published: Endpoint;
  /** How verifying ended; the client that the tokens are bound to presents its certificate, unless the use says otherwise. */
  readonly outcome: (token: string, use?: Partial<VerifyOptions>) => Promise<Outcome>;
  /** The claims of an accepted token: the same object for as long as it is cached. */
  readonly claims: (token: string, use?: Partial<VerifyOptions>) => Promise<AccessTokenClaims>;
  /** Sets the clock, in seconds after the tokens were issued; it may go back. */
  readonly setClock: (seconds: number) => void;
  /** Replaces the keys, and has them fetched; the process is 10 s older then. `performance` must be faked. */
  readonly replaceKeys: (jwks: JsonWebKeySet) => Promise<void>;
}

/** Starts such an API, which ends with the test. */
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
      published.answer(json(jwks));
      vi.advanceTimersByTime(10_000);
      const fetches = published.requests.length;
      // A key that nobody knows is looked for; the time in this token is no matter.
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
