import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { onTestFinished } from "vitest";
import type { IntrospectionEvent } from "../../src/events/diagnostics.ts";

/** What is published on the channel while a test runs. */
export interface Events {
  readonly all: readonly IntrospectionEvent[];
  /** The outcomes, in order. */
  readonly outcomes: () => readonly string[];
  /** Waits for an event of this outcome, unless there was one. */
  readonly first: (outcome: IntrospectionEvent["outcome"]) => Promise<IntrospectionEvent>;
}

/** Listens to the channel until the test ends; to what is of one issuer, where those of other tests may still speak. */
export function listen(issuer?: string): Events {
  const all: IntrospectionEvent[] = [];
  const waiting = new Set<() => void>();
  const listener = (message: unknown): void => {
    const event = message as IntrospectionEvent;
    if (issuer !== undefined && event.issuer !== issuer) return;
    all.push(event);
    for (const look of waiting) look();
  };
  subscribe("certbound:introspection", listener);
  onTestFinished(() => void unsubscribe("certbound:introspection", listener));
  return {
    all,
    outcomes: () => all.map(({ outcome }) => outcome),
    first: (outcome) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = all.find((event) => event.outcome === outcome);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}
