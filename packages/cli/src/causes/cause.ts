import type { AccessTokenErrorCode, JsonWebKeySet, SignatureAlgorithm, VerifierOptions } from "@certbound/core";
import { ownMember } from "@certbound/core/internal";
import type { Exchange } from "../inputs/http-exchange.ts";
import type { Presented } from "../inputs/presented-certificate.ts";
import type { TokenReading } from "../inputs/token-input.ts";

/** How the API is configured, as far as the command line says. */
export interface Rules extends Pick<VerifierOptions, "profile" | "tokenTypes" | "clockTolerance" | "maxTokenAge"> {
  readonly issuer: string | undefined;
  readonly audience: readonly string[] | null | undefined;
  readonly jwks: JsonWebKeySet | string | undefined;
  readonly algorithms: readonly SignatureAlgorithm[] | undefined;
  readonly scopes: readonly string[];
}

/** All that is known when the cause of a rejection is looked for. */
export interface Facts {
  readonly token: TokenReading;
  readonly rules: Rules;
  readonly presented: Presented;
  readonly exchanges: readonly Exchange[];
  /** The keys of the configured issuer. */
  readonly keys: JsonWebKeySet | undefined;
  /** Seconds since the epoch. */
  readonly now: number;
  /** The options whose input begins with a byte order mark. */
  readonly markedInputs: readonly string[];
}

/** A likely reason for a rejection, and what to do about it. */
export interface Cause {
  /** Stable, for programs. */
  readonly id: string;
  /** The rejections that it may be the reason for. */
  readonly codes: readonly AccessTokenErrorCode[];
  /** Tells whether it is, from what is known; the rejection itself is core's. Left out: it is when nothing else is. */
  readonly applies?: (facts: Facts) => boolean;
  /** Why it was rejected. Values in it are made harmless. */
  readonly reason: string | ((facts: Facts) => string);
  readonly fix: string | ((facts: Facts) => string);
}

/** A cause, found. */
export interface FoundCause {
  readonly id: string;
  readonly reason: string;
  readonly fix: string;
}

/** A claim of the token, if it has one of that name itself. */
export function claimOf({ token }: Pick<Facts, "token">, name: string): unknown {
  return ownMember(token.claims ?? {}, name);
}

/** Returns a value out of JSON if it is a text, else an empty text: String() overflows the stack for a deeply nested list. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Returns a value out of JSON if it is a number, else NaN: Number() throws for `{ "valueOf": 1, "toString": 1 }`. */
export function numberOf(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}
