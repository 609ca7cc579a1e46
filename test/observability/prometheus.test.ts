import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createVerifier } from "@certbound/core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startTelemetry } from "../../examples/observability/instrumentation.ts";
import { describeWithProgram } from "../helpers/program.ts";
import { freePorts } from "../proxies/free-ports.ts";
import { readDashboard, withVariables } from "./dashboard.ts";
import { type Prometheus, prometheusBinary, startPrometheus } from "./prometheus-server.ts";
import { createScene, type Scene } from "./scene.ts";

const DEADLINE = { timeout: 15_000, interval: 50 };

describeWithProgram(prometheusBinary, "Prometheus", () => {
  let scene: Scene;
  let stopTelemetry: () => Promise<void>;
  let prometheus: Prometheus;
  beforeAll(async () => {
    const [port = 0] = await freePorts(1);
    [scene, prometheus] = await Promise.all([createScene(), startPrometheus(port)]);
    stopTelemetry = await startTelemetry([scene.issuer.issuer], port);
  });
  afterAll(async () => {
    await prometheus.close();
    await stopTelemetry();
    await scene.close();
  });

  // Runs while Prometheus waits before its first scrape.
  describeWithProgram("promtool", "the alerts", () => {
    test("fire only in the described situations", async () => {
      const file = fileURLToPath(new URL("alerts.yml", import.meta.url));
      // Rejects with the differences if a test fails.
      const { stdout } = await promisify(execFile)("promtool", ["test", "rules", file]);
      expect(stdout).toContain("SUCCESS");
    });
  });

  test("raises the alert for token theft after a single request with a stolen token", async () => {
    const mismatches = 'certbound_decisions_total{certbound_decision_code="ERR_BINDING_MISMATCH"}';
    const theft = async () => {
      const rules = await prometheus.rules();
      return rules.find(({ name }) => name === "CertboundPossibleTokenTheft");
    };
    await vi.waitFor(async () => {
      expect(await prometheus.query(mismatches)).toEqual([0, 0]);
      expect(await theft()).toMatchObject({ state: "inactive", health: "ok" });
    }, DEADLINE);
    expect(await scene.request("/accounts", { identity: scene.thief })).toBe(401);
    await vi.waitFor(async () => expect((await theft())?.state).toMatch(/pending|firing/), DEADLINE);
    const [alert] = (await theft())?.alerts ?? [];
    expect(alert?.annotations).toMatchObject({
      summary: "accounts-api: tokens were presented with another certificate",
      description: expect.stringContaining(`Issuer: ${scene.issuer.issuer}.`),
    });
  });

  describe("with all kinds of events", () => {
    const dashboard = readDashboard();
    beforeAll(async () => {
      // Rates need two samples with different values.
      await causeEvents(scene);
      const introspected = 'certbound_introspections_total{certbound_introspection_outcome="active"} > 0';
      await vi.waitFor(async () => expect(await prometheus.query(introspected)).toHaveLength(1), DEADLINE);
      await causeEvents(scene);
    });

    test("evaluates all alerts without errors, each of which has a severity and a description", async () => {
      const rules = await vi.waitFor(async () => {
        const current = await prometheus.rules();
        expect(current.map(({ health }) => health)).toEqual(current.map(() => "ok"));
        return current;
      }, DEADLINE);
      expect(rules).toHaveLength(8);
      for (const { duration, labels, annotations } of rules) {
        expect(duration).toBeGreaterThan(0);
        expect(labels["severity"]).toMatch(/^(?:warning|critical)$/);
        expect(Object.keys(annotations).toSorted()).toEqual(["description", "runbook_url", "summary"]);
      }
    });

    test("has data for every selector in the alerts", async () => {
      const expressions = (await prometheus.rules()).map(({ query }) => query);
      const selectors = new Set(expressions.flatMap((expression) => expression.match(/\w*\{[^}]*\}/g) ?? []));
      expect(selectors.size).toBeGreaterThan(8);
      for (const selector of selectors) {
        await vi.waitFor(async () => {
          const values = await prometheus.query(selector);
          expect({ selector, empty: values.length === 0 }).toEqual({ selector, empty: false });
        }, DEADLINE);
      }
    });

    const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ refId, expr }) => ({ title, refId, expr })),
    );
    test.each(queries)("has data for query $refId of the dashboard's panel $title", async ({ expr }) => {
      await vi.waitFor(async () => {
        const values = await prometheus.query(withVariables(expr));
        expect(values.some(Number.isFinite)).toBe(true);
      }, DEADLINE);
    });

    test("has data for the dashboard's variable", async () => {
      expect(dashboard.templating.list[1]?.query).toMatchObject({
        query: "label_values(certbound_decisions_total, job)",
      });
      expect(await prometheus.query("count by (job) (certbound_decisions_total)")).toHaveLength(1);
    });
  });
});

/** Causes every kind of event that does not need a long time. */
async function causeEvents(scene: Scene): Promise<void> {
  const { issuer, audience } = scene.issuer;
  const opaque = await scene.issuer.opaqueToken({ boundTo: scene.client });
  const statuses = [
    await scene.request("/accounts"),
    await scene.request("/accounts"),
    await scene.request("/accounts", { identity: scene.thief }),
    await scene.request("/report-only", { identity: scene.thief }),
    await scene.request("/failing"),
    await scene.request("/keyless"),
    await scene.request("/opaque", { token: opaque }),
  ];
  expect(statuses).toEqual([200, 200, 401, 200, 500, 503, 200]);
  // Fetches the keys again.
  await createVerifier({ issuer, audience }).ready();
}
