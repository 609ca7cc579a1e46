import type { Attributes } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { recordMetrics } from "../../examples/observability/telemetry.ts";
import { findLeaksOf } from "../secrecy/leaks.ts";
import { collectDurations } from "./durations.ts";
import { createScene, type Scene } from "./scene.ts";

let scene: Scene;
beforeAll(async () => {
  scene = await createScene();
});
afterAll(() => scene.close());

describe("recordMetrics", () => {
  test("uses names and units that follow OpenTelemetry's conventions", async () => {
    const read = startRecording();
    await causeAllEvents();
    const descriptors = [...(await read()).values()].map(({ descriptor, dataPointType }) => [
      descriptor.name,
      descriptor.unit,
      DataPointType[dataPointType],
    ]);
    expect(descriptors).toEqual([
      ["certbound.decisions", "{decision}", "SUM"],
      ["certbound.key_fetches", "{fetch}", "SUM"],
      ["certbound.introspections", "{introspection}", "SUM"],
      ["certbound.decision.duration", "s", "HISTOGRAM"],
      ["certbound.key_fetch.duration", "s", "HISTOGRAM"],
      ["certbound.introspection.duration", "s", "HISTOGRAM"],
      ["certbound.key.count", "{key}", "GAUGE"],
    ]);
  });

  test("counts decisions by outcome, code, issuer and error type", async () => {
    const { issuer } = scene.issuer;
    const read = startRecording();
    await causeAllEvents();
    const { issuer: closed } = scene.closedIssuer;
    expect(countsOf(await read(), "certbound.decisions")).toEqual([
      [{ outcome: "accepted", issuer }, 2],
      [{ outcome: "rejected", code: "ERR_BINDING_MISMATCH", issuer }, 1],
      [{ outcome: "rejected", code: "ERR_TOKEN_MALFORMED" }, 1],
      [{ outcome: "reported", code: "ERR_BINDING_MISMATCH", issuer }, 1],
      [{ outcome: "failed", issuer, "error.type": "_OTHER" }, 1],
      [{ outcome: "rejected", code: "ERR_KEYS_UNAVAILABLE", issuer: closed, "error.type": "ERR_KEYS_UNAVAILABLE" }, 1],
    ]);
  });

  test("counts key fetches and introspections, and records the number of keys", async () => {
    const { issuer } = scene.issuer;
    const read = startRecording();
    // Creates verifiers that have no keys yet.
    const another = await createScene();
    onTestFinished(another.close);
    expect(await another.request("/accounts")).toBe(200);
    expect(await another.request("/keyless")).toBe(503);
    const opaque = await scene.issuer.opaqueToken({ boundTo: scene.client });
    expect(await scene.request("/opaque", { token: opaque })).toBe(200);
    scene.issuer.introspectAs("not-a-jwt", {});
    expect(await scene.request("/opaque", { token: "not-a-jwt" })).toBe(503);
    const metrics = await read();
    expect(countsOf(metrics, "certbound.key_fetches")).toEqual([
      [{ outcome: "fetched", issuer: another.issuer.issuer }, 1],
      [{ outcome: "failed", issuer: another.closedIssuer.issuer }, 1],
    ]);
    expect(countsOf(metrics, "certbound.key.count")).toEqual([[{ issuer: another.issuer.issuer }, 1]]);
    expect(countsOf(metrics, "certbound.introspections")).toEqual([
      [{ outcome: "active", issuer }, 1],
      [{ outcome: "unavailable", issuer }, 1],
    ]);
    expect(histogramsOf(metrics, "certbound.introspection.duration")).toMatchObject([
      [{ outcome: "active", issuer }, { count: 1 }],
    ]);
  });

  test("records durations in seconds, in buckets that distinguish cached tokens", async () => {
    const { issuer } = scene.issuer;
    const decisions = collectDurations("certbound:decision");
    const fetches = collectDurations("certbound:keys");
    const read = startRecording();
    const token = await scene.issuer.accessToken({ boundTo: scene.client });
    for (let call = 0; call < 3; call += 1) await scene.request("/accounts", { token });
    const another = await createScene();
    onTestFinished(another.close);
    await another.request("/accounts");
    const metrics = await read();
    const durations = histogramsOf(metrics, "certbound.decision.duration");
    expect(durations.map(([attributes, { count }]) => [attributes, count])).toEqual([
      [{ outcome: "accepted", issuer, cached: false }, 1],
      [{ outcome: "accepted", issuer, cached: true }, 2],
      [{ outcome: "accepted", issuer: another.issuer.issuer, cached: false }, 1],
    ]);
    expect(totalOf(durations)).toBeCloseTo(secondsOf(decisions), 9);
    expect(durations[0]?.[1].buckets.boundaries.slice(0, 2)).toEqual([0.000_01, 0.000_1]);
    const keyFetches = histogramsOf(metrics, "certbound.key_fetch.duration");
    expect(totalOf(keyFetches)).toBeCloseTo(secondsOf(fetches), 9);
    expect(keyFetches[0]?.[1].buckets.boundaries[0]).toBe(0.005);
  });

  test("starts the counters that alerts watch at 0, with the attributes of the events", async () => {
    const { issuer } = scene.issuer;
    const read = startRecording([issuer]);
    const zeros = await read();
    const mismatch = { code: "ERR_BINDING_MISMATCH", issuer };
    expect(countsOf(zeros, "certbound.decisions")).toEqual([
      [{ outcome: "rejected", ...mismatch }, 0],
      [{ outcome: "reported", ...mismatch }, 0],
      [{ outcome: "failed", issuer, "error.type": "_OTHER" }, 0],
    ]);
    expect(countsOf(zeros, "certbound.key_fetches")).toEqual([
      [{ outcome: "stale", issuer }, 0],
      [{ outcome: "failed", issuer }, 0],
    ]);
    expect(countsOf(zeros, "certbound.introspections")).toEqual([
      [{ outcome: "unavailable", issuer }, 0],
      [{ outcome: "cache-refused", issuer }, 0],
    ]);
    await scene.request("/accounts", { identity: scene.thief });
    await scene.request("/report-only", { identity: scene.thief });
    await scene.request("/failing");
    expect(countsOf(await read(), "certbound.decisions")).toEqual([
      [{ outcome: "rejected", ...mismatch }, 1],
      [{ outcome: "reported", ...mismatch }, 1],
      [{ outcome: "failed", issuer, "error.type": "_OTHER" }, 1],
    ]);
  });

  test("records no token, certificate, thumbprint, client or detail", async () => {
    const read = startRecording();
    await causeAllEvents();
    const text = JSON.stringify([...(await read()).values()]);
    const { token, client, thief } = scene;
    const [, payload = "", signature = ""] = token.split(".");
    const secrets = { token, payload, signature, thumbprint: client.thumbprint, certificate: client.certificate };
    expect(findLeaksOf({ ...secrets, "thief's thumbprint": thief.thumbprint })(text)).toEqual([]);
    expect(text).not.toContain("client-1");
    expect(text).not.toContain("thumbprint");
  });

  test("stops when the returned function is called", async () => {
    const { provider, read } = createReader();
    const stop = recordMetrics(provider.getMeter("certbound"), []);
    stop();
    await causeAllEvents();
    expect([...(await read()).keys()]).toEqual([]);
  });
});

/** Sends a request for each outcome of a decision. */
async function causeAllEvents(): Promise<void> {
  const statuses = [
    await scene.request("/accounts"),
    await scene.request("/accounts", { identity: scene.thief }),
    await scene.request("/accounts", { token: "not-a-jwt" }),
    await scene.request("/report-only", { identity: scene.thief }),
    await scene.request("/failing"),
    await scene.request("/keyless"),
    await scene.request("/opaque"),
  ];
  expect(statuses).toEqual([200, 401, 401, 200, 500, 503, 200]);
}

type Metrics = ReadonlyMap<string, MetricData>;

function createReader(): { readonly provider: MeterProvider; readonly read: () => Promise<Metrics> } {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
  onTestFinished(() => provider.shutdown());
  const read = async (): Promise<Metrics> => {
    exporter.reset();
    await provider.forceFlush();
    const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((each) => each.metrics));
    return new Map(metrics.map((metric) => [metric.descriptor.name, metric]));
  };
  return { provider, read };
}

/** Records until the test ends. Returns a function that returns the metrics so far. */
function startRecording(issuers: readonly string[] = []): () => Promise<Metrics> {
  const { provider, read } = createReader();
  onTestFinished(recordMetrics(provider.getMeter("certbound"), issuers));
  return read;
}

function countsOf(metrics: Metrics, name: string): readonly (readonly [Attributes, number])[] {
  const points = metrics.get(name)?.dataPoints as readonly DataPoint<number>[];
  return points.map(({ attributes, value }) => [shortened(attributes), value]);
}

function histogramsOf(metrics: Metrics, name: string): readonly (readonly [Attributes, Histogram])[] {
  const points = metrics.get(name)?.dataPoints as readonly DataPoint<Histogram>[];
  return points.map(({ attributes, value }) => [shortened(attributes), value]);
}

/** Removes the namespace of certbound from the names of the attributes. */
function shortened(attributes: Attributes): Attributes {
  const names = /^certbound\.(?:(?:decision|key_fetch|introspection)\.(?:outcome|code|cached)|issuer)$/;
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [names.test(name) ? name.replace(/.*\./, "") : name, value]),
  );
}

function totalOf(histograms: readonly (readonly [Attributes, Histogram])[]): number {
  return histograms.reduce((total, [, { sum = 0 }]) => total + sum, 0);
}

function secondsOf(durations: readonly number[]): number {
  return durations.reduce((total, duration) => total + duration, 0) / 1000;
}
