import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { DecisionEvent } from "@certbound/express";
import type { Level, Logger } from "pino";

/** Writes a line for every request that is not simply accepted. Gives what ends it. */
export function logDecisions(log: Logger): () => void {
  const write = (message: unknown): void => {
    const decision = message as DecisionEvent;
    if (decision.outcome === "accepted") return;
    // It holds no token, no certificate, and no claim but client_id or azp.
    log[levelOf(decision)](decision, `access token ${decision.outcome}`);
  };
  subscribe("certbound:decision", write);
  return () => void unsubscribe("certbound:decision", write);
}

function levelOf({ outcome, code }: DecisionEvent): Level {
  // Ours, not the client's.
  if (outcome === "failed" || code?.endsWith("_UNAVAILABLE")) return "error";
  // Somebody may have stolen a token, or go past the proxy.
  if (code === "ERR_BINDING_MISMATCH" || code === "ERR_CERTIFICATE_UNTRUSTED") return "warn";
  // Anybody can send a bad token, as often as they like.
  return "info";
}
