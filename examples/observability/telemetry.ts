// Metrics and spans of certbound for OpenTelemetry. Copy this file. It needs only @opentelemetry/api.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { DecisionEvent, IntrospectionEvent, KeysEvent } from "@certbound/express";
import { type Attributes, type Meter, SpanStatusCode, type Tracer } from "@opentelemetry/api";

/**
 * Records decisions, fetches of keys, and introspections as metrics. Returns a function that stops recording.
 *
 * The counters that alerts watch start at 0 for each of the configured `issuers`. Prometheus computes increases from the
 * difference of two samples, and would miss the first stolen token if the counter appeared with the value 1.
 */
export function recordMetrics(meter: Meter, issuers: readonly string[]): () => void {
  const counters = createCounters(meter);
  const histograms = createHistograms(meter);
  const keyCount = meter.createGauge("certbound.key.count", {
    description: "Keys of the issuer that can verify a signature, at the last successful fetch.",
    unit: "{key}",
  });
  for (const issuer of issuers) startAtZero(counters, issuer);

  return listen({
    "certbound:decision": (message) => {
      const event = message as DecisionEvent;
      const { outcome, code, issuer, cached, duration } = event;
      const attributes = { "certbound.decision.outcome": outcome, "certbound.issuer": issuer };
      const error = { "certbound.decision.code": code, "error.type": errorType(event) };
      counters.decisions.add(1, defined({ ...attributes, ...error }));
      // Omits the code, because each additional value of an attribute adds a series for every bucket.
      histograms.decisions.record(duration / 1000, defined({ ...attributes, "certbound.decision.cached": cached }));
    },
    "certbound:keys": (message) => {
      const { issuer, outcome, keys, duration } = message as KeysEvent;
      const attributes = { "certbound.key_fetch.outcome": outcome, "certbound.issuer": issuer };
      counters.keyFetches.add(1, attributes);
      histograms.keyFetches.record(duration / 1000, attributes);
      if (keys !== undefined) keyCount.record(keys, { "certbound.issuer": issuer });
    },
    "certbound:introspection": (message) => {
      const { issuer, outcome, duration } = message as IntrospectionEvent;
      const attributes = { "certbound.introspection.outcome": outcome, "certbound.issuer": issuer };
      counters.introspections.add(1, attributes);
      if (duration !== undefined) histograms.introspections.record(duration / 1000, attributes);
    },
  });
}

/**
 * Creates a span for every decision, fetch of keys, and introspection that has a duration. Returns a function that
 * stops creating spans.
 *
 * The parent is the active span, usually that of the HTTP request. Events are published at the end of the operation.
 */
export function recordSpans(tracer: Tracer): () => void {
  const record = (name: string, { duration, detail }: TimedEvent, attributes: Attributes): void => {
    // Date.now() has no fractions. Rounding the duration down prevents a span that starts before its parent.
    const startTime = Date.now() - Math.floor(duration);
    const span = tracer.startSpan(name, { startTime, attributes });
    if ("error.type" in attributes)
      span.setStatus({ code: SpanStatusCode.ERROR, ...(detail !== undefined && { message: detail }) });
    span.end(startTime + duration);
  };

  return listen({
    "certbound:decision": (message) => {
      const event = message as DecisionEvent;
      const attributes = {
        "certbound.decision.outcome": event.outcome,
        "certbound.decision.code": event.code,
        "certbound.decision.detail": event.detail,
        "certbound.decision.binding": event.binding,
        "certbound.decision.cached": event.cached,
        "certbound.issuer": event.issuer,
        "certbound.client.id": event.clientId,
        "error.type": errorType(event),
      };
      record("certbound.decision", event, defined(attributes));
    },
    "certbound:keys": (message) => {
      const event = message as KeysEvent;
      const { issuer, outcome, keys } = event;
      const attributes = {
        "certbound.key_fetch.outcome": outcome,
        "certbound.key.count": keys,
        "certbound.issuer": issuer,
        ...serverOf(issuer),
        "error.type": outcome === "fetched" ? undefined : "_OTHER",
      };
      record("certbound.key_fetch", event, defined(attributes));
    },
    "certbound:introspection": (message) => {
      const { issuer, outcome, duration } = message as IntrospectionEvent;
      // Without a duration, there was no usable response, or the shared cache failed.
      if (duration === undefined) return;
      const attributes = { "certbound.introspection.outcome": outcome, "certbound.issuer": issuer };
      record("certbound.introspection", { duration }, { ...attributes, ...serverOf(issuer) });
    },
  });
}

type TimedEvent = Pick<DecisionEvent, "duration" | "detail">;
type Counters = ReturnType<typeof createCounters>;

function createCounters(meter: Meter) {
  return {
    decisions: meter.createCounter("certbound.decisions", {
      description: "Requests by outcome and error code.",
      unit: "{decision}",
    }),
    keyFetches: meter.createCounter("certbound.key_fetches", {
      description: "Attempts to fetch the keys of an issuer.",
      unit: "{fetch}",
    }),
    introspections: meter.createCounter("certbound.introspections", {
      description: "Attempts to introspect a token, and failures of the shared cache.",
      unit: "{introspection}",
    }),
  };
}

function createHistograms(meter: Meter) {
  // A decision takes microseconds for a cached token, less than a millisecond with a signature, much longer with a request.
  const decisionBuckets = [
    0.000_01, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ];
  // The boundaries that OpenTelemetry recommends for HTTP requests.
  const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
  const create = (name: string, description: string, explicitBucketBoundaries: number[]) =>
    meter.createHistogram(name, { description, unit: "s", advice: { explicitBucketBoundaries } });
  return {
    decisions: create("certbound.decision.duration", "Duration of decisions.", decisionBuckets),
    keyFetches: create("certbound.key_fetch.duration", "Duration of attempts to fetch keys.", requestBuckets),
    introspections: create("certbound.introspection.duration", "Duration of introspection requests.", requestBuckets),
  };
}

/** Creates the series in which a single event matters. The attributes must equal those of the events. */
function startAtZero({ decisions, keyFetches, introspections }: Counters, issuer: string): void {
  const mismatch = { "certbound.decision.code": "ERR_BINDING_MISMATCH", "certbound.issuer": issuer };
  for (const outcome of ["rejected", "reported"])
    decisions.add(0, { "certbound.decision.outcome": outcome, ...mismatch });
  decisions.add(0, { "certbound.decision.outcome": "failed", "certbound.issuer": issuer, "error.type": "_OTHER" });
  for (const outcome of ["stale", "failed"])
    keyFetches.add(0, { "certbound.key_fetch.outcome": outcome, "certbound.issuer": issuer });
  for (const outcome of ["unavailable", "cache-refused"])
    introspections.add(0, { "certbound.introspection.outcome": outcome, "certbound.issuer": issuer });
}

/** Returns the `error.type` of a 5xx. Rejections with 4xx are errors of the client, so they have no `error.type`. */
function errorType({ outcome, code }: DecisionEvent): string | undefined {
  if (outcome === "failed") return "_OTHER";
  return outcome === "rejected" && code?.endsWith("_UNAVAILABLE") ? code : undefined;
}

/** Returns the host of the issuer's identifier, if it is a URL. */
function serverOf(issuer: string): Attributes {
  if (!URL.canParse(issuer)) return {};
  const { hostname, port } = new URL(issuer);
  return { "server.address": hostname, ...(port !== "" && { "server.port": Number(port) }) };
}

function defined(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

function listen(listeners: Readonly<Record<string, (message: unknown) => void>>): () => void {
  const channels = Object.entries(listeners);
  for (const [channel, listener] of channels) subscribe(channel, listener);
  return () => {
    for (const [channel, listener] of channels) unsubscribe(channel, listener);
  };
}
