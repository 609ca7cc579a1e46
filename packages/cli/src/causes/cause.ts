import type { AccessTokenErrorCode, JsonWebKeySet, SignatureAlgorithm, VerifierOptions } from "@certbound/core";
import { ownMember } from "@certbound/core/internal";
import type { IssuerRequest } from "../inputs/http-requests.ts";
import type { Presented } from "../inputs/presented-certificate.ts";
import type { TokenReading } from "../inputs/token-input.ts";

/** The configuration of the API, as given on the command line. */
export interface Rules extends Pick<VerifierOptions, "profile" | "tokenTypes" | "clockTolerance" | "maxTokenAge"> {
  readonly issuer: string | undefined;
  readonly audience: readonly string[] | null | undefined;
  readonly jwks: JsonWebKeySet | string | undefined;
  readonly algorithms: readonly SignatureAlgorithm[] | undefined;
  readonly scopes: readonly string[];
}

/** The input for finding the cause of a rejection. */
export interface Facts {
  readonly token: TokenReading;
  readonly rules: Rules;
  readonly presented: Presented;
  readonly issuerRequests: readonly IssuerRequest[];
  /** The keys of the configured issuer. */
  readonly keys: JsonWebKeySet | undefined;
  /** Seconds since the epoch. */
  readonly now: number;
  /** The options whose input starts with a byte order mark. */
  readonly markedInputs: readonly string[];
}

/** A likely reason for a rejection, and how to fix it. */
export interface Cause {
  /** Stable, for use by programs. */
  readonly id: string;
  /** The error codes that this cause can explain. */
  readonly codes: readonly AccessTokenErrorCode[];
  /** Returns true if this is the cause. If omitted, the cause applies unless an earlier cause does. */
  readonly applies?: (facts: Facts) => boolean;
  /** Why the token was rejected. Values in the text are escaped. */
  readonly reason: string | ((facts: Facts) => string);
  readonly fix: string | ((facts: Facts) => string);
}

/** The cause that was found. */
export interface FoundCause {
  readonly id: string;
  readonly reason: string;
  readonly fix: string;
}

/** Returns a claim of the token. Ignores inherited properties. */
export function claimOf({ token }: Pick<Facts, "token">, name: string): unknown {
  return ownMember(token.claims ?? {}, name);
}

/** Returns a string as it is, and an empty string for any other value. String() overflows the stack for deeply nested arrays. */
export function stringOrEmpty(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Returns a number as it is, and NaN for any other value. Number() throws for `{ "valueOf": 1, "toString": 1 }`. */
export function numberOrNaN(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}
