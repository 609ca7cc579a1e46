import { readFileSync } from "node:fs";

/** The parts of a Grafana dashboard that the tests use. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly Variable[] };
  readonly panels: readonly Panel[];
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
  readonly datasource?: DataSource;
}

interface DataSource {
  readonly type: string;
  readonly uid: string;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: DataSource;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly { readonly refId: string; readonly datasource: DataSource; readonly expr: string }[];
}

const file = new URL("../../examples/observability/grafana-dashboard.json", import.meta.url);

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(file, "utf8")) as Dashboard;
}

/** Replaces the variables of an expression, as Grafana does. */
export function withVariables(expression: string): string {
  return expression.replaceAll("$__rate_interval", "1m").replaceAll("$job", ".*");
}
