import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Counts the decisions of this process's APIs by outcome, code and client. Returns a function that stops and returns them. */
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
