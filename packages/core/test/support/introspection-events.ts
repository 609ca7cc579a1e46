import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { onTestFinished } from "vitest";
import type { IntrospectionEvent } from "../../src/events/diagnostics.ts";

/** The events of the channel while a test runs. */
export interface Events {
  readonly all: readonly IntrospectionEvent[];
  /** The outcomes, in order. */
  readonly outcomes: () => readonly string[];
  /** Returns the first event with this outcome; waits for it if there has been none. */
  readonly first: (outcome: IntrospectionEvent["outcome"]) => Promise<IntrospectionEvent>;
}

/** Collects the events of the channel until the test ends, optionally only those of one issuer. */
export function listen(issuer?: string): Events {
  const all: IntrospectionEvent[] = [];
  const waiting = new Set<() => void>();
  const listener = (message: unknown): void => {
    const event = message as IntrospectionEvent;
    if (issuer !== undefined && event.issuer !== issuer) return;
    all.push(event);
    for (const check of waiting) check();
  };
  subscribe("certbound:introspection", listener);
  onTestFinished(() => void unsubscribe("certbound:introspection", listener));
  return {
    all,
    outcomes: () => all.map(({ outcome }) => outcome),
    first: (outcome) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = all.find((event) => event.outcome === outcome);
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
  };
}
