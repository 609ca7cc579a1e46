import { channel } from "node:diagnostics_channel";

/** The message of the diagnostics channel `certbound:introspection`. It does not contain any part of a token. */
export interface IntrospectionEvent {
  /** The configured issuer. */
  readonly issuer: string;
  /**
   * `active` or `inactive`: the issuer reported this state of the token. `unavailable`: the issuer did not send a usable
   * response, or no request was sent because too many requests to the issuer or too many reads of the shared cache were in
   * flight. `cache-unavailable`: the shared cache failed or timed out, and will not be used for the next 5 s.
   * `cache-refused`: an entry of the shared cache is not authentic and was ignored.
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
   * `fetched`: the fetched keys are used from now on. `stale`: the fetch failed, and the previous keys stay in use until
   * they are 70 minutes old. `failed`: the fetch failed and there are no usable previous keys. Tokens of this issuer whose
   * signature must be verified are then rejected with 503.
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
