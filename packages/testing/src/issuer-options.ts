import { assertKnownOptions } from "./known-options.ts";
import { isAsymmetricAlgorithm } from "./signature-algorithm.ts";
import type { AsymmetricAlgorithm } from "./signature-algorithm.ts";

/** Configures an issuer; everything has a default. */
export interface IssuerOptions {
  /** JWS algorithms, one key pair each; the first one signs unless a token asks otherwise. Defaults to ES256. */
  readonly algorithms?: readonly string[];
  /** The time in milliseconds since 1970 that tokens are issued at. Defaults to `Date.now`. */
  readonly clock?: () => number;
  /** Defaults to `https://api.example.com`. */
  readonly audience?: string;
  /** The issuer identifier in tokens and metadata. Defaults to the origin of the issuer's own server. */
  readonly issuer?: string;
}

/** Holds the options of an issuer after parsing; only the identifier may still be open. */
export interface IssuerSettings {
  readonly algorithms: readonly AsymmetricAlgorithm[];
  readonly clock: () => number;
  readonly audience: string;
  readonly issuer: string | undefined;
}

/**
 * Turns the options of an issuer into settings.
 *
 * @throws TypeError for an unknown option, and for algorithms that are none or without a key pair
 */
export function parseIssuerOptions(options: IssuerOptions): IssuerSettings {
  assertKnownOptions(options, ["algorithms", "clock", "audience", "issuer"]);
  const { algorithms = ["ES256"], clock = Date.now, audience = "https://api.example.com" } = options;
  if (algorithms.length === 0) throw new TypeError("An issuer needs at least one algorithm");
  return {
    algorithms: algorithms.map(parseAlgorithm),
    clock,
    audience,
    issuer: options.issuer,
  };
}

function parseAlgorithm(algorithm: string): AsymmetricAlgorithm {
  if (isAsymmetricAlgorithm(algorithm)) return algorithm;
  throw new TypeError(`An issuer cannot sign with "${algorithm}"`);
}
