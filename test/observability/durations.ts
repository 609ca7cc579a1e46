import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { KeysEvent } from "@certbound/core";
import { onTestFinished } from "vitest";

/** Collects the durations of the events of a channel until the test ends, in milliseconds. */
export function collectDurations(channel: "certbound:decision" | "certbound:keys"): readonly number[] {
  const durations: number[] = [];
  // The events of both channels have a duration.
  const add = (message: unknown): void => void durations.push((message as Pick<KeysEvent, "duration">).duration);
  subscribe(channel, add);
  onTestFinished(() => void unsubscribe(channel, add));
  return durations;
}
