import { channel } from "node:diagnostics_channel";

/** The message of the diagnostics channel `certbound:introspection`, without any content of a token. */
export interface IntrospectionEvent {
  /** The configured issuer. */
  readonly issuer: string;
  /**
   * `active`, `inactive`: the issuer responded. `unavailable`: it sent no usable response, or no request was sent, because
   * too many requests to it or reads of the shared cache were in flight. `cache-unavailable`: the shared cache failed or was
   * slow, and is not used for some seconds. `cache-refused`: an entry of the shared cache is not authentic.
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
   * `fetched`: these keys are used from now on. `stale`: they could not be fetched, and the previous ones stay in use, for at
   * most an hour after they were due. `failed`: they could not be fetched, and none are left from before, so tokens that need
   * them are rejected with 503.
   */
  readonly outcome: "fetched" | "stale" | "failed";
  /** How many keys can verify a signature; only if the outcome is `fetched`. */
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
