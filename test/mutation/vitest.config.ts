import type { ViteUserConfig } from "vitest/config";
import shared from "../vitest.config.ts";

/**
 * The unit tests of core, as Stryker runs them against every mutant. One worker runs all files without clearing it in
 * between, since loading jose and making certificates anew for each file takes longer than the tests.
 */
const config: ViteUserConfig = {
  ...shared,
  test: { ...shared.test, include: ["packages/core/test/**/*.test.ts"], isolate: false, reporters: [] },
};
export default config;
