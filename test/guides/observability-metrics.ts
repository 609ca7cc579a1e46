import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { DecisionEvent, IntrospectionEvent, KeysEvent } from "@certbound/express";
import type { Attributes, Meter } from "@opentelemetry/api";

/** Records decisions, key fetches and introspections as metrics. Returns a function that stops recording. */
export function recordMetrics(meter: Meter): () => void {
  const decisions = meter.createCounter("certbound.decisions", { unit: "{decision}" });
  const durations = meter.createHistogram("certbound.decision.duration", {
    unit: "s",
    // A cached token takes microseconds, a signature a millisecond, and a request to the issuer as long as the issuer takes.
    advice: { explicitBucketBoundaries: [0.00001, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.1, 1, 5] },
  });
  const fetches = meter.createCounter("certbound.key_fetches", { unit: "{fetch}" });
  const keyCounts = meter.createGauge("certbound.keys", { unit: "{key}" });
  const introspections = meter.createCounter("certbound.introspections", { unit: "{introspection}" });

  const listeners = {
    "certbound:decision": (message: unknown) => {
      const { outcome, code, issuer, cached, duration } = message as DecisionEvent;
      decisions.add(1, attributesOf({ outcome, code, issuer }));
      durations.record(duration / 1000, attributesOf({ outcome, issuer, cached }));
    },
    "certbound:keys": (message: unknown) => {
      const { issuer, outcome, keys } = message as KeysEvent;
      fetches.add(1, attributesOf({ outcome, issuer }));
      if (keys !== undefined) keyCounts.record(keys, attributesOf({ issuer }));
    },
    "certbound:introspection": (message: unknown) => {
      const { issuer, outcome } = message as IntrospectionEvent;
      introspections.add(1, attributesOf({ outcome, issuer }));
    },
  };
  for (const [channel, listener] of Object.entries(listeners)) subscribe(channel, listener);
  return () => {
    for (const [channel, listener] of Object.entries(listeners)) unsubscribe(channel, listener);
  };
}

/** Names attributes as OpenTelemetry requires: in a namespace, and omitted without a value. */
function attributesOf(members: Readonly<Record<string, string | boolean | undefined>>): Attributes {
  const given = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [`certbound.${name}`, value]));
}
