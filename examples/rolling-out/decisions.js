import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Counts what the APIs of this process decide, by outcome, code and client, until it is asked for the numbers. */
export function countDecisions() {
  const counts = new Map();
  const count = ({ outcome, code = "-", clientId = "(unknown)" }) => {
    const row = `${outcome} ${code} ${clientId}`;
    counts.set(row, (counts.get(row) ?? 0) + 1);
  };
  subscribe("certbound:decision", count);
  return () => {
    unsubscribe("certbound:decision", count);
    return Object.fromEntries(counts);
  };
}
