import { subscribe } from "node:diagnostics_channel";
import type { DecisionEvent } from "@certbound/express";

/** The number of requests by outcome, code and client since the process started. */
export const counts = new Map<string, number>();

export function count(message: unknown): void {
  const { outcome, code = "-", clientId = "unknown" } = message as DecisionEvent;
  const name = `${outcome} ${code} ${clientId}`;
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

subscribe("certbound:decision", count);
