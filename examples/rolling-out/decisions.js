import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Counts the decisions of all APIs in this process. Returns a function that stops counting and returns the counts. */
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
