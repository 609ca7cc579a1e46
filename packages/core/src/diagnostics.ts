import { channel } from "node:diagnostics_channel";

/** What is published on the diagnostics channel `certbound:introspection`; it holds nothing of a token. */
export interface IntrospectionEvent {
  /** The configured issuer. */
  readonly issuer: string;
  /**
   * `active`, `inactive`: the issuer answered. `unavailable`: it did not. `cache-unavailable`: the shared cache failed or
   * was slow, and is left alone for some seconds. `cache-refused`: an entry of the shared cache is not authentic.
   */
  readonly outcome: "active" | "inactive" | "unavailable" | "cache-unavailable" | "cache-refused";
  /** What happened, in words of ours. */
  readonly detail?: string;
  /** How long it took, in milliseconds. */
  readonly duration?: number;
}

const introspection = channel("certbound:introspection");

/** Tells those who listen to `certbound:introspection`. */
export function publishIntrospection(issuer: string, event: Omit<IntrospectionEvent, "issuer">): void {
  if (introspection.hasSubscribers) introspection.publish(Object.freeze({ issuer, ...event }));
}
