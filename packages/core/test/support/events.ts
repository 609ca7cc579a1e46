import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { onTestFinished } from "vitest";
import type { DecisionEvent } from "../../src/events/decision.ts";
import type { KeysEvent } from "../../src/events/diagnostics.ts";

interface Events {
  readonly "certbound:decision": DecisionEvent;
  readonly "certbound:keys": KeysEvent;
}

/** Hears what is published on a channel until the test ends; of one issuer, where others may still speak. */
export function eventsOf<Channel extends keyof Events>(channel: Channel, issuer?: string): readonly Events[Channel][] {
  const heard: Events[Channel][] = [];
  const listener = (message: unknown): void => {
    const event = message as Events[Channel];
    if (issuer === undefined || event.issuer === issuer) heard.push(event);
  };
  subscribe(channel, listener);
  onTestFinished(() => void unsubscribe(channel, listener));
  return heard;
}
