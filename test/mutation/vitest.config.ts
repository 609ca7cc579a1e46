import type { ViteUserConfig } from "vitest/config";
import shared from "../vitest.config.ts";

/**
 * The unit tests of core, as Stryker runs them against every mutant. One worker runs all files without clearing it in
 * between, since loading jose and making certificates anew for each file takes longer than the tests. Without the tests of
 * properties: what one of thousands of random inputs would find is to be shown by a test of that case.
 */
const config: ViteUserConfig = {
  ...shared,
  test: {
    ...shared.test,
    include: ["packages/core/test/**/*.test.ts"],
    exclude: ["packages/core/test/properties/**"],
    isolate: false,
    setupFiles: ["test/mutation/coverage-per-file.ts"],
    reporters: [],
  },
};
export default config;
