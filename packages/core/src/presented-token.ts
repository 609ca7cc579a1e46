import type { AccessToken } from "./access-token.ts";
import { isOpaqueToken } from "./opaque-token.ts";
import { tokenDigest } from "./token-digest.ts";

/**
 * An access token as a client presents it: once it was accepted, one object for as long as the requests of a connection bring
 * the same.
 *
 * What is kept here follows from the text, or is compared with all that it depends on; no verdict is.
 */
export interface PresentedToken {
  readonly text: string;
  /** What the text was read from: a header, or what a resolver gave. */
  readonly source: string;
  readonly isOpaque: boolean;
  /** Names it in a memory; computed when it is first asked for. */
  readonly name: () => string;
  /** What it was last accepted as, so that the same claims and certificate need not be put together again. */
  accepted: AccessToken | undefined;
  /** Whether its connection is known by it. */
  isKept: boolean;
}

/** Creates a presented token. */
export function presentedToken(text: string, source: string): PresentedToken {
  let digest: string | undefined;
  const name = (): string => (digest ??= tokenDigest(text));
  return { text, source, isOpaque: isOpaqueToken(text), name, accepted: undefined, isKept: false };
}
