import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { problemsOf } from "../../tools/check-snippets.mjs";
import { readDashboard, withVariables } from "./dashboard.ts";

const dashboard = readDashboard();
const panels = dashboard.panels.filter(({ type }) => type !== "row");

test("the dashboard has a title, a schema version and unique ids", () => {
  expect(dashboard).toMatchObject({ uid: "certbound", title: "certbound", schemaVersion: expect.any(Number) });
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(panels.length).toBeGreaterThan(10);
});

test("the data source of every panel and query is a variable", () => {
  const [variable] = dashboard.templating.list;
  expect(variable).toMatchObject({ name: "datasource", type: "datasource", query: "prometheus" });
  const sources = [
    ...dashboard.templating.list.slice(1).map(({ datasource }) => datasource),
    ...panels.flatMap(({ datasource, targets = [] }) => [datasource, ...targets.map((target) => target.datasource)]),
  ];
  for (const source of sources) expect(source).toEqual({ type: "prometheus", uid: "${datasource}" });
});

test("every panel has a description, a unit and expressions of the selected job, whose variables are known", () => {
  for (const { title, description, fieldConfig, targets = [] } of panels) {
    const described = { title, description, unit: fieldConfig?.defaults.unit, targets: targets.length > 0 };
    const unit: unknown = expect.stringMatching(/^(?:ops|s|short|percentunit)$/);
    expect(described).toEqual({ title, description: expect.stringMatching(/\.$/), unit, targets: true });
    for (const { expr } of targets) {
      expect(expr).toContain('job=~"$job"');
      expect(withVariables(expr)).not.toContain("$");
    }
  }
});

test("panels do not overlap", () => {
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
});

test("every alert links to an existing section of the documentation", () => {
  const rules = readFileSync(new URL("../../examples/observability/certbound.rules.yml", import.meta.url), "utf8");
  const links = [...rules.matchAll(/runbook_url: (\S+)/g)].map(([, link = ""]) => link);
  expect(links).toHaveLength(rules.match(/- alert:/g)?.length ?? 0);
  for (const link of links) expect(link).toMatch(/^docs\/[\w-]+\.md#/);
  expect(problemsOf("rules.md", links.map((link) => `[runbook](${link})`).join("\n"))).toEqual([]);
  expect(problemsOf("rules.md", "[runbook](docs/errors.md#absent)")).toHaveLength(1);
});
