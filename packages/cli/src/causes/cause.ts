import type { AccessTokenErrorCode } from "@certbound/core";
import type { Facts } from "../explain/facts.ts";

/** A likely reason for a refusal, and what to do about it. */
export interface Cause {
  /** Stable, for programs. */
  readonly id: string;
  /** The refusals that it may be the reason for. */
  readonly codes: readonly AccessTokenErrorCode[];
  /** Tells whether it is, from what is known; the refusal itself is core's. Left out: it is when nothing else is. */
  readonly applies?: (facts: Facts) => boolean;
  /** Why it was refused. Values in it are made harmless. */
  readonly reason: string | ((facts: Facts) => string);
  readonly fix: string | ((facts: Facts) => string);
}

/** A cause, found. */
export interface FoundCause {
  readonly id: string;
  readonly reason: string;
  readonly fix: string;
}
