import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { DecisionEvent } from "@certbound/express";
import type { Level, Logger } from "pino";

/** Logs every decision except "accepted". Returns a function that stops logging. */
export function logDecisions(log: Logger): () => void {
  const write = (message: unknown): void => {
    const decision = message as DecisionEvent;
    if (decision.outcome === "accepted") return;
    // The event contains no token, no certificate, and no claim except client_id or azp.
    log[levelOf(decision)](decision, `access token ${decision.outcome}`);
  };
  subscribe("certbound:decision", write);
  return () => void unsubscribe("certbound:decision", write);
}

function levelOf({ outcome, code }: DecisionEvent): Level {
  // A failure of the API or the issuer, not of the client.
  if (outcome === "failed" || code?.endsWith("_UNAVAILABLE")) return "error";
  // A token may have been stolen, or a request may have bypassed the proxy.
  if (code === "ERR_BINDING_MISMATCH" || code === "ERR_CERTIFICATE_UNTRUSTED") return "warn";
  // Any client can send any number of invalid tokens.
  return "info";
}
