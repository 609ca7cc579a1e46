import { appendFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule, TestSuite } from "vitest/node";

interface Tally {
  readonly passed: number;
  /** One line for each failure: the test, and the first line of its first error. */
  readonly failures: readonly string[];
  readonly skipped: number;
}

/**
 * Lists the skipped tests and prints `N passed, N failed[, N skipped]` as the last line.
 *
 * If the environment variable TEST_TALLY names a file, appends the three numbers to that file instead, and the failures
 * to a file with the additional extension `.failures`.
 */
export function plainReporter(): Reporter {
  let tally: Tally | undefined;
  return {
    onInit() {
      // At exit, because the coverage summary is printed after the run.
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
        failures: [
          ...tests.filter((test) => !test.ok()).map((test) => failureOf(nameOf(test), test.result().errors ?? [])),
          ...modules.flatMap(failuresOutsideTests),
          ...unhandledErrors.map((error) => failureOf("unhandled error", [error])),
        ],
        skipped: skipped.length,
      };
    },
  };
}

/** Lists failures outside tests, such as a file that cannot be loaded or a hook that throws. */
function failuresOutsideTests(module: TestModule): string[] {
  const groups: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()];
  return groups.flatMap((group) => group.errors().map((error) => failureOf(module.relativeModuleId, [error])));
}

function failureOf(location: string, [error]: readonly { readonly message: string }[]): string {
  return `${location}: ${error?.message.split("\n", 1)[0] ?? ""}`;
}

function nameOf(test: TestCase): string {
  const result = test.result();
  const note = result.state === "skipped" ? result.note : undefined;
  return `${test.module.relativeModuleId} > ${test.fullName}${note === undefined ? "" : ` (${note})`}`;
}

function report({ passed, failures, skipped }: Tally): void {
  const file = process.env["TEST_TALLY"];
  if (file !== undefined && file !== "") {
    appendFileSync(file, `${passed} ${failures.length} ${skipped}\n`);
    if (failures.length > 0) appendFileSync(`${file}.failures`, `${failures.join("\n")}\n`);
  } else
    process.stdout.write(`\n${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
}
