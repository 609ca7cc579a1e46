import process from "node:process";
import type { ViteUserConfig } from "vitest/config";
import shared from "../../test/vitest.config.ts";

/** The unit tests that `mutation.mjs` names. */
const config: ViteUserConfig = {
  ...shared,
  test: { ...shared.test, include: process.env["MUTATION_TESTS"]?.split(",") ?? [], reporters: ["dot"] },
};
export default config;
