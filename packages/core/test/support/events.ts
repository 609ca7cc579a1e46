import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { onTestFinished } from "vitest";
import type { DecisionEvent } from "../../src/events/decision.ts";
import type { KeysEvent } from "../../src/events/diagnostics.ts";

interface Events {
  readonly "certbound:decision": DecisionEvent;
  readonly "certbound:keys": KeysEvent;
}

/** Collects the events of a channel until the test ends, optionally only those of one issuer. */
export function eventsOf<Channel extends keyof Events>(channel: Channel, issuer?: string): readonly Events[Channel][] {
  const events: Events[Channel][] = [];
  const listener = (message: unknown): void => {
    const event = message as Events[Channel];
    if (issuer === undefined || event.issuer === issuer) events.push(event);
  };
  subscribe(channel, listener);
  onTestFinished(() => void unsubscribe(channel, listener));
  return events;
}
