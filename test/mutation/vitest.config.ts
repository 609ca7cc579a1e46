import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin, ViteUserConfig } from "vitest/config";
import shared from "../vitest.config.ts";
import { currentRound } from "./round.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const round = currentRound();
const instrumented = JSON.parse(readFileSync(round.instrumented, "utf8")) as Record<string, string>;

/** Gives the sources of core with all their mutants. */
const mutants: Plugin = {
  name: "certbound:mutants",
  enforce: "pre",
  load: (id) => instrumented[id.slice(root.length)] ?? null,
};

/**
 * The unit tests of core, run against mutants. Without the tests of properties: what one of thousands of random inputs would
 * find is to be shown by a test of that case.
 */
const config: ViteUserConfig = {
  ...shared,
  plugins: [mutants],
  test: {
    ...shared.test,
    include: ["packages/core/test/**/*.test.ts"],
    exclude: ["packages/core/test/properties/**"],
    isolate: false,
    ...(round.kind !== "load" && { runner: fileURLToPath(new URL("mutant-runner.mjs", import.meta.url)) }),
    testTimeout: round.kind === "kill" ? 10_000 : 60_000,
    // A mutant may do anything.
    dangerouslyIgnoreUnhandledErrors: round.kind !== "load",
    reporters: ["dot"],
  },
};
export default config;
