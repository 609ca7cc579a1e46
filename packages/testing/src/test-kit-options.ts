import { createClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { assertKnownOptions } from "./known-options.ts";
import type { AuthorityKeyType } from "./issue-certificate.ts";

/** Configures a test kit; everything has a default. */
export interface TestKitOptions {
  /**
   * JWS algorithms of the issuer, one key pair each; the first one signs unless a token asks otherwise. Defaults to ES256.
   */
  readonly algorithms?: readonly string[];
  /** The API that tokens are for. Defaults to `https://api.example.com`. */
  readonly audience?: string;
  /** Defaults to a clock that stands still at the present time of the machine. */
  readonly clock?: Clock;
  /** The key type of the authority. Defaults to `"ec"`. */
  readonly keyType?: AuthorityKeyType;
  /**
   * Whether servers with `serverOptions` end the handshake of clients without a certificate of the authority. Defaults to
   * false.
   */
  readonly rejectUnauthorized?: boolean;
}

/** Holds the options of a test kit after defaults; what is only passed on is checked where it is used. */
export interface TestKitSettings {
  readonly clock: Clock;
  readonly rejectUnauthorized: boolean;
  readonly authority: { readonly keyType?: AuthorityKeyType };
  readonly issuer: { readonly clock: Clock; readonly algorithms?: readonly string[]; readonly audience?: string };
}

/**
 * Turns the options of a test kit into settings.
 *
 * @throws TypeError for an unknown option, and for a clock or a `rejectUnauthorized` that is none
 */
export function parseTestKitOptions(options: TestKitOptions): TestKitSettings {
  assertKnownOptions(options, ["algorithms", "audience", "clock", "keyType", "rejectUnauthorized"]);
  const { algorithms, audience, clock = createClock(), keyType, rejectUnauthorized = false } = options;
  if (!isClock(clock)) throw new TypeError("clock is not made by createClock");
  if (typeof rejectUnauthorized !== "boolean") throw new TypeError("rejectUnauthorized is not true or false");
  if (audience !== undefined && typeof audience !== "string") throw new TypeError("audience is not a string");
  return {
    clock,
    rejectUnauthorized,
    authority: keyType === undefined ? {} : { keyType },
    issuer: { clock, ...(algorithms && { algorithms }), ...(audience !== undefined && { audience }) },
  };
}

function isClock(value: unknown): boolean {
  return typeof value === "function" && "advance" in value && "set" in value;
}
