import process from "node:process";
import type { ViteUserConfig } from "vitest/config";
import shared from "../../test/vitest.config.ts";

/** Runs the unit tests that `mutation.mjs` selects. */
const config: ViteUserConfig = {
  ...shared,
  test: { ...shared.test, include: process.env["MUTATION_TESTS"]?.split(",") ?? [], reporters: ["dot"] },
};
export default config;
