import { channel } from "node:diagnostics_channel";

/** What is published on the diagnostics channel `certbound:introspection`; it holds nothing of a token. */
export interface IntrospectionEvent {
  /** The configured issuer. */
  readonly issuer: string;
  /**
   * `active`, `inactive`: the issuer answered. `unavailable`: it gave no usable answer, or was not asked, because too many
   * requests to it or reads of the shared cache were in flight. `cache-unavailable`: the shared cache failed or
   * was slow, and is left alone for some seconds. `cache-refused`: an entry of the shared cache is not authentic.
   */
  readonly outcome: "active" | "inactive" | "unavailable" | "cache-unavailable" | "cache-refused";
  /** What happened, in words of ours. */
  readonly detail?: string;
  /** How long it took, in milliseconds. */
  readonly duration?: number;
}

/** What is published on the diagnostics channel `certbound:keys`, whenever keys of an issuer were to be fetched. */
export interface KeysEvent {
  /** The configured issuer. */
  readonly issuer: string;
  /**
   * `fetched`: these keys are used from now on. `stale`: they could not be fetched, and those of before are used, for an hour
   * after they were due at most. `failed`: they could not be fetched, and there are none: tokens that need them are answered
   * with 503.
   */
  readonly outcome: "fetched" | "stale" | "failed";
  /** How many keys can verify a signature; of `fetched` only. */
  readonly keys?: number;
  /** Why they could not be fetched, in words of ours. */
  readonly detail?: string;
  /** How long it took, in milliseconds. */
  readonly duration: number;
}

const introspection = channel("certbound:introspection");
const keys = channel("certbound:keys");

/** Tells those who listen to `certbound:introspection`. */
export function publishIntrospection(issuer: string, event: Omit<IntrospectionEvent, "issuer">): void {
  if (introspection.hasSubscribers) introspection.publish(Object.freeze({ issuer, ...event }));
}

/** Tells those who listen to `certbound:keys`. */
export function publishKeys(issuer: string, event: Omit<KeysEvent, "issuer">): void {
  if (keys.hasSubscribers) keys.publish(Object.freeze({ issuer, ...event }));
}
