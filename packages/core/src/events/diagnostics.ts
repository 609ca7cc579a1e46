import { channel } from "node:diagnostics_channel";

/** The message of the diagnostics channel `certbound:introspection`. It does not contain any part of a token. */
export interface IntrospectionEvent {
  /** The configured issuer. */
  readonly issuer: string;
  /**
   * `active`, `inactive`: the issuer responded. `unavailable`: it did not send a usable response, or the request was not sent
   * because too many requests to it, or too many reads of the shared cache, were in flight. `cache-unavailable`: the shared
   * cache failed or was slow, and is not used for 5 s. `cache-refused`: an entry of the shared cache is not authentic.
   */
  readonly outcome: "active" | "inactive" | "unavailable" | "cache-unavailable" | "cache-refused";
  /** What happened, as a sentence. */
  readonly detail?: string;
  /** How long the introspection took, in milliseconds. */
  readonly duration?: number;
}

/** The message of the diagnostics channel `certbound:keys`, published after every attempt to fetch keys of an issuer. */
export interface KeysEvent {
  /** The configured issuer. */
  readonly issuer: string;
  /**
   * `fetched`: these keys are used from now on. `stale`: the fetch failed, and the previous keys stay in use until they are 70
   * minutes old. `failed`: the fetch failed without previous keys, so tokens that need keys are rejected with 503.
   */
  readonly outcome: "fetched" | "stale" | "failed";
  /** The number of keys that can verify a signature; only if the outcome is `fetched`. */
  readonly keys?: number;
  /** Why the keys could not be fetched, as a sentence. */
  readonly detail?: string;
  /** How long the attempt took, in milliseconds. */
  readonly duration: number;
}

const introspection = channel("certbound:introspection");
const keys = channel("certbound:keys");

/** Publishes an event on `certbound:introspection`. */
export function publishIntrospection(issuer: string, event: Omit<IntrospectionEvent, "issuer">): void {
  if (introspection.hasSubscribers) introspection.publish(Object.freeze({ issuer, ...event }));
}

/** Publishes an event on `certbound:keys`. */
export function publishKeys(issuer: string, event: Omit<KeysEvent, "issuer">): void {
  if (keys.hasSubscribers) keys.publish(Object.freeze({ issuer, ...event }));
}
