import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { hrTimeToMilliseconds } from "@opentelemetry/core";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import type { RequestHandler } from "express";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { recordSpans } from "../../examples/observability/telemetry.ts";
import { findLeaksOf } from "../secrecy/leaks.ts";
import { collectDurations } from "./durations.ts";
import { createScene, type Scene } from "./scene.ts";

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer("certbound");

/** The server spans of the current test. */
let serverSpans: ReadableSpan[] = [];

/** Runs the rest of the request in a server span, as the HTTP instrumentation does. */
const serverSpan: RequestHandler = ({ method, path }, response, next) => {
  const span = tracer.startSpan(`${method} ${path}`, { kind: SpanKind.SERVER });
  // The spans of the SDK can be read.
  serverSpans.push(span as unknown as ReadableSpan);
  response.on("finish", () => span.end());
  context.with(trace.setSpan(context.active(), span), next);
};

let scene: Scene;
beforeAll(async () => {
  // The HTTP instrumentation relies on a global context manager.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  scene = await createScene(serverSpan);
});
afterAll(async () => {
  context.disable();
  await Promise.all([scene.close(), provider.shutdown()]);
});
beforeEach(() => {
  exporter.reset();
  serverSpans = [];
  onTestFinished(recordSpans(tracer));
});

describe("recordSpans", () => {
  test("describes an accepted request by a span below the span of the HTTP server", async () => {
    // Fetches the keys.
    await scene.request("/accounts");
    const durations = collectDurations("certbound:decision");
    expect(await scene.request("/accounts")).toBe(200);
    const decision = spansNamed("certbound.decision")[1];
    expect(decision).toMatchObject({
      name: "certbound.decision",
      kind: SpanKind.INTERNAL,
      parentSpanContext: serverSpans[1]?.spanContext(),
      status: { code: SpanStatusCode.UNSET },
    });
    expect(decision?.attributes).toEqual({
      "certbound.decision.outcome": "accepted",
      "certbound.decision.binding": "verified",
      "certbound.decision.cached": true,
      "certbound.issuer": scene.issuer.issuer,
      "certbound.client.id": "client-1",
    });
    expect(millisecondsOf(decision?.duration)).toBeCloseTo(durations[0] ?? Number.NaN, 2);
  });

  test("does not mark the span of a rejected request as an error", async () => {
    expect(await scene.request("/accounts", { identity: scene.thief })).toBe(401);
    const [decision] = spansNamed("certbound.decision");
    expect(decision?.status).toEqual({ code: SpanStatusCode.UNSET });
    expect(decision?.attributes).toMatchObject({
      "certbound.decision.outcome": "rejected",
      "certbound.decision.code": "ERR_BINDING_MISMATCH",
      "certbound.decision.detail": expect.stringContaining("stolen token"),
    });
    expect(decision?.attributes).not.toHaveProperty("error.type");
  });

  test("marks the span of a 503 as an error, with the code as its type", async () => {
    expect(await scene.request("/keyless")).toBe(503);
    const [decision] = spansNamed("certbound.decision");
    const detail: unknown = decision?.attributes["certbound.decision.detail"];
    expect(decision?.status).toEqual({ code: SpanStatusCode.ERROR, message: detail });
    expect(decision?.attributes).toMatchObject({
      "error.type": "ERR_KEYS_UNAVAILABLE",
      "certbound.decision.code": "ERR_KEYS_UNAVAILABLE",
    });
  });

  test("marks the span of a 500 as an error", async () => {
    expect(await scene.request("/failing")).toBe(500);
    const [decision] = spansNamed("certbound.decision");
    expect(decision?.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(decision?.attributes).toMatchObject({ "certbound.decision.outcome": "failed", "error.type": "_OTHER" });
  });

  test("describes a fetch of keys and an introspection by spans with the address of the issuer", async () => {
    const another = await createScene(serverSpan);
    onTestFinished(another.close);
    expect(await another.request("/accounts")).toBe(200);
    expect(await another.request("/keyless")).toBe(503);
    expect(await another.request("/opaque")).toBe(200);
    const addressOf = (issuer: string) => ({
      "certbound.issuer": issuer,
      "server.address": "127.0.0.1",
      "server.port": Number(new URL(issuer).port),
    });
    const [fetched, failed] = spansNamed("certbound.key_fetch");
    expect(fetched?.status).toEqual({ code: SpanStatusCode.UNSET });
    expect(fetched?.attributes).toEqual({
      "certbound.key_fetch.outcome": "fetched",
      "certbound.key.count": 1,
      ...addressOf(another.issuer.issuer),
    });
    expect(failed?.status).toEqual({ code: SpanStatusCode.ERROR, message: expect.stringContaining("ECONNREFUSED") });
    expect(failed?.attributes).toEqual({
      "certbound.key_fetch.outcome": "failed",
      "error.type": "_OTHER",
      ...addressOf(another.closedIssuer.issuer),
    });
    expect(spansNamed("certbound.introspection").map(({ attributes }) => attributes)).toEqual([
      { "certbound.introspection.outcome": "active", ...addressOf(another.issuer.issuer) },
    ]);
  });

  test("creates a span for the decision, but not for an introspection without a response", async () => {
    scene.issuer.introspectAs("not-a-jwt", {});
    expect(await scene.request("/opaque", { token: "not-a-jwt" })).toBe(503);
    expect(spansNamed("certbound.introspection")).toEqual([]);
    const [decision] = spansNamed("certbound.decision");
    expect(decision?.attributes).toMatchObject({ "error.type": "ERR_INTROSPECTION_UNAVAILABLE" });
  });

  test("assigns concurrent requests that share a verification to their own server spans", async () => {
    const token = await scene.issuer.accessToken({ boundTo: scene.client });
    const count = 5;
    await Promise.all(Array.from({ length: count }, () => scene.request("/accounts", { token })));
    const servers = serverSpans.map((span) => span.spanContext().spanId);
    const parents = spansNamed("certbound.decision").map((span) => span.parentSpanContext?.spanId);
    expect(new Set(servers).size).toBe(count);
    expect(new Set(parents)).toEqual(new Set(servers));
  });

  test("never starts a span before its parent", async () => {
    for (let call = 0; call < 20; call += 1) await scene.request("/accounts");
    const servers = new Map(serverSpans.map((span) => [span.spanContext().spanId, span]));
    const leads = spansNamed("certbound.decision").map((span) => {
      const parent = servers.get(span.parentSpanContext?.spanId ?? "");
      return millisecondsOf(span.startTime) - millisecondsOf(parent?.startTime);
    });
    expect(leads).toHaveLength(20);
    expect(Math.min(...leads)).toBeGreaterThanOrEqual(0);
  });

  test("records no token, certificate or thumbprint", async () => {
    await scene.request("/accounts");
    await scene.request("/accounts", { identity: scene.thief });
    await scene.request("/keyless");
    await scene.request("/failing");
    await scene.request("/opaque");
    const spans = [...spansNamed("certbound.decision"), ...spansNamed("certbound.key_fetch")];
    const text = JSON.stringify(
      spans.map(({ name, attributes, status, events }) => [name, attributes, status, events]),
    );
    const { token, client, thief } = scene;
    const [, payload = "", signature = ""] = token.split(".");
    const secrets = { token, payload, signature, thumbprint: client.thumbprint, certificate: client.certificate };
    expect(spans.length).toBeGreaterThan(4);
    expect(findLeaksOf({ ...secrets, "thief's thumbprint": thief.thumbprint })(text)).toEqual([]);
  });

  test("stops when the returned function is called", async () => {
    const idle = new InMemorySpanExporter();
    const another = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(idle)] });
    const stop = recordSpans(another.getTracer("certbound"));
    stop();
    await scene.request("/accounts");
    expect(idle.getFinishedSpans()).toEqual([]);
  });
});

function spansNamed(name: string): readonly ReadableSpan[] {
  return exporter.getFinishedSpans().filter((span) => span.name === name);
}

function millisecondsOf(time: ReadableSpan["duration"] | undefined): number {
  return time === undefined ? Number.NaN : hrTimeToMilliseconds(time);
}
