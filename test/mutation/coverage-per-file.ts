import { afterAll } from "vitest";

/**
 * Stryker reports after each file which mutants its tests have reached, and in a worker that is never cleared what all
 * files before it have reached as well: with a hundred files, more than there is memory for. Here each file begins anew.
 */

interface Coverage {
  readonly static: object;
  perTest: object;
}

interface Reporting {
  readonly meta: { mutantCoverage?: Coverage };
}

interface Shared {
  /** What Stryker's own code counts in. */
  __stryker__?: { readonly mutantCoverage?: Coverage };
  /** The file before. */
  reporting?: Reporting | undefined;
}

const shared = globalThis as Shared;
const coverage = shared.__stryker__?.mutantCoverage;
if (coverage !== undefined && shared.reporting !== undefined) {
  // It may not have been sent yet: it keeps what it has counted, and the code that counts goes on in the same object.
  shared.reporting.meta.mutantCoverage = { ...coverage };
  coverage.perTest = {};
}
// Vitest reads the first parameter as a list of fixtures.
// oxlint-disable-next-line no-empty-pattern
afterAll(({}, suite) => {
  shared.reporting = suite as Reporting;
});
