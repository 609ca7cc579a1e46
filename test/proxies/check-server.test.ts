import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CheckServerReport, ServerCheck } from "../../packages/cli/src/index.ts";
import { runCli } from "../../packages/cli/test/running.ts";
import { describeWithProgram } from "../helpers/program.ts";
import { createPki, type Pki } from "./pki.ts";
import { binaryOf } from "./proxies.ts";
import { type RunningProxy, startOnFreePorts } from "./stage.ts";

describeWithProgram(binaryOf("nginx"), "certbound check-server with nginx", () => {
  let pki: Pki;
  let running: RunningProxy;
  beforeAll(async () => {
    pki = await createPki();
    const { certificate, key } = pki.clients.ec;
    writeFileSync(join(pki.folder, "client.pem"), certificate + key, { mode: 0o600 });
    running = await startOnFreePorts(
      {
        proxy: "nginx",
        configuration: "nginx-check-server.conf",
        fronts: [{ listener: "VERIFIED_PORT" }, { listener: "ANY_PORT" }],
      },
      { folder: pki.folder, values: { PKI: pki.folder } },
    );
  });
  afterAll(async () => {
    await running.proxy.stop();
    pki.remove();
  });

  async function renegotiation(listener: keyof RunningProxy["ports"]): Promise<ServerCheck | undefined> {
    const [identity, ca] = [join(pki.folder, "client.pem"), join(pki.folder, "ca.pem")];
    const url = `https://localhost:${running.ports[listener]}/`;
    const options = ["--token", "-", "--cert", identity, "--key", identity, "--ca", ca, "--json"];
    const { stdout } = await runCli(["check-server", url, ...options], { stdin: "a.b.c2ln" });
    return (JSON.parse(stdout) as CheckServerReport).checks.find(({ name }) => name === "renegotiation");
  }

  test("reports that nginx rejects a renegotiation", async () => {
    expect(await renegotiation("VERIFIED_PORT")).toMatchObject({
      verdict: "good",
      seen: expect.stringMatching(/^rejected \((?:ERR_SSL_NO_RENEGOTIATION|ECONNRESET)\)$/),
    });
  });

  test("reports that ssl_protocols TLSv1.3 excludes renegotiation", async () => {
    expect(await renegotiation("ANY_PORT")).toMatchObject({
      verdict: "good",
      seen: "TLS 1.3 only (ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION)",
    });
  });
});
