import { appendFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule, TestSuite } from "vitest/node";

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Lists the skipped tests and ends the output with `N passed, N failed[, N skipped]`, alone on the last line.
 * When the environment variable TEST_TALLY names a file, the three numbers are appended to it instead.
 */
export function plainReporter(): Reporter {
  let tally: Tally | undefined;
  return {
    onInit() {
      // At exit, because the coverage summary is printed after the run has ended.
      process.once("exit", () => {
        if (tally !== undefined) report(tally);
      });
    },
    onTestRunEnd(modules, unhandledErrors) {
      const tests = modules.flatMap((module) => [...module.children.allTests()]);
      const skipped = tests.filter((test) => test.result().state === "skipped");
      for (const test of skipped) console.log(`skipped: ${nameOf(test)}`);
      tally = {
        passed: tests.filter((test) => test.ok() && test.result().state === "passed").length,
        failed: tests.filter((test) => !test.ok()).length + modules.reduce(addErrors, unhandledErrors.length),
        skipped: skipped.length,
      };
    },
  };
}

/** Counts what fails outside a test: a file that cannot be loaded, a hook that throws. */
function addErrors(sum: number, module: TestModule): number {
  const groups: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()];
  return groups.reduce((errors, group) => errors + group.errors().length, sum);
}

function nameOf(test: TestCase): string {
  const result = test.result();
  const note = result.state === "skipped" ? result.note : undefined;
  return `${test.module.relativeModuleId} > ${test.fullName}${note === undefined ? "" : ` (${note})`}`;
}

function report({ passed, failed, skipped }: Tally): void {
  const file = process.env["TEST_TALLY"];
  if (file !== undefined && file !== "") appendFileSync(file, `${passed} ${failed} ${skipped}\n`);
  else process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
}
