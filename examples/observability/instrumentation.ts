import { trace } from "@opentelemetry/api";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { recordMetrics, recordSpans } from "./telemetry.ts";

/** Serves the metrics on `http://127.0.0.1:9464/metrics`, and creates spans if a tracer provider is registered. */
export async function startTelemetry(issuers: readonly string[], port = 9464): Promise<() => Promise<void>> {
  const exporter = new PrometheusExporter({ host: "127.0.0.1", port, preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  const stopMetrics = recordMetrics(provider.getMeter("certbound"), issuers);
  const stopSpans = recordSpans(trace.getTracer("certbound"));
  await exporter.startServer();
  return async () => {
    stopMetrics();
    stopSpans();
    await provider.shutdown();
  };
}
