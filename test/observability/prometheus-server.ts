import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProgram } from "../helpers/program.ts";
import { freePorts } from "../proxies/free-ports.ts";

/** The name of the executable. */
export const prometheusBinary = "prometheus";

/** A Prometheus server on 127.0.0.1 that uses the example's configuration with shorter intervals. */
export interface Prometheus {
  /** Evaluates an expression now. Returns the values of all series. */
  readonly query: (expression: string) => Promise<readonly number[]>;
  readonly rules: () => Promise<readonly AlertRule[]>;
  readonly close: () => Promise<void>;
}

/** An alert as `GET /api/v1/rules` describes it. */
export interface AlertRule {
  readonly name: string;
  readonly query: string;
  /** The value of `for`, in seconds. */
  readonly duration: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: "inactive" | "pending" | "firing";
  readonly health: "ok" | "err" | "unknown";
  readonly alerts: readonly { readonly annotations: Readonly<Record<string, string>> }[];
}

const example = fileURLToPath(new URL("../../examples/observability/", import.meta.url));

/** Starts a Prometheus server that scrapes this port of 127.0.0.1. The first scrape is 5 seconds later, which cannot be configured. */
export async function startPrometheus(scrapedPort: number): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "certbound-prometheus-"));
  copyFileSync(join(example, "certbound.rules.yml"), join(folder, "certbound.rules.yml"));
  writeFileSync(join(folder, "prometheus.yml"), configuration(scrapedPort));
  const [port = 0] = await freePorts(1);
  const args = [
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const program = await startProgram({ binary: prometheusBinary, args, folder }, [{ host: "127.0.0.1", port }]);
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const body = (await response.json()) as { readonly data?: unknown; readonly error?: string };
    if (!response.ok) throw new Error(`${path}: ${body.error}\n${program.output()}`);
    return body.data;
  };
  return {
    query: async (expression) => {
      const data = (await get(`query?query=${encodeURIComponent(expression)}`)) as QueryData;
      return data.result.map(({ value: [, value] }) => Number(value));
    },
    rules: async () => ((await get("rules")) as RulesData).groups.flatMap(({ rules }) => rules),
    close: async () => {
      await program.kill();
      rmSync(folder, { recursive: true });
    },
  };
}

interface QueryData {
  readonly result: readonly { readonly value: readonly [number, string] }[];
}

interface RulesData {
  readonly groups: readonly { readonly rules: readonly AlertRule[] }[];
}

/** Returns the example's configuration with another port, and with intervals that are suitable for a test. */
function configuration(scrapedPort: number): string {
  const text = readFileSync(join(example, "prometheus.yml"), "utf8");
  const changed = text.replaceAll("_interval: 15s", "_interval: 200ms").replace(":9464", `:${scrapedPort}`);
  const intervals = changed.match(/_interval: 200ms/g);
  if (intervals?.length !== 2 || !changed.includes(`:${scrapedPort}`)) throw new Error("prometheus.yml has changed");
  return changed;
}
