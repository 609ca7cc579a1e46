// Runs a test again for each mutant that it reaches. What a mutant costs is then the time of one test, where Stryker's own
// runner loads all test files anew for each: minutes for all of core instead of most of a day.

import { TestRunner } from "vitest";
import { addResult, currentRound, isOwn, resultsIn } from "./round.mjs";

/** More often than any code of ours is reached in a test: a mutant that loops for ever ends here. */
const HIT_LIMIT = 200_000;

const round = currentRound();
/** @type {{ activeMutant?: string | undefined, currentTestId?: string | undefined, hitCount?: number | undefined,
 *   hitLimit?: number | undefined, mutantCoverage?: { static: object, perTest: Record<string, object> } }} */
// oxlint-disable-next-line eslint/no-underscore-dangle -- its name in the instrumented code
const stryker = (/** @type {any} */ (globalThis).__stryker__ ??= {});

/**
 * One test and its mutants. It runs without one, then with each; after a failure once more without, to see that it was the
 * mutant.
 *
 * @typedef {{ test: any, hasBegun: boolean, waiting: string[], active: string | undefined, failed: string | undefined }} Trial
 */

export default class MutantRunner extends TestRunner {
  /** @type {Set<string>} */
  alive = new Set();
  /** @type {Trial | undefined} */
  trial;
  started = 0;

  /** @override @param {any} file */
  async onBeforeRunSuite(file) {
    if (file.filepath !== undefined) {
      // Those of other workers, too.
      const killed = new Set(resultsIn(round.results).map((result) => result.killed));
      this.alive = new Set(Object.keys(round.mutants ?? {}).filter((id) => !killed.has(id)));
    }
    await super.onBeforeRunSuite?.(file);
  }

  /** @override @param {any} test */
  async onBeforeRunTask(test) {
    await super.onBeforeRunTask(test);
    this.trial = undefined;
    test.retry = 0;
    if (round.kind === "reach") return;
    const name = nameOf(test);
    const reached = round.reached[name];
    const waiting = (reached?.mutants ?? []).filter(
      (id) => this.alive.has(id) && (!round.own || isOwn(test.file.filepath, round.mutants[id] ?? "")),
    );
    if (reached === undefined || waiting.length === 0 || reached.ms > round.slowest || test.fails) test.mode = "skip";
    if (test.mode === "skip") return;
    this.trial = { test, hasBegun: false, waiting, active: undefined, failed: undefined };
    test.repeats = 2 * waiting.length + 1;
  }

  /** @override @param {any} test */
  onBeforeTryTask(test) {
    this.started = performance.now();
    const { trial } = this;
    if (round.kind === "reach") stryker.currentTestId = nameOf(test);
    if (trial !== undefined) {
      test.result.state = "run";
      test.result.errors = undefined;
      // The first time, and after a failure, none.
      const isPlain = !trial.hasBegun || trial.failed !== undefined;
      trial.active = isPlain ? undefined : trial.waiting.shift();
      stryker.activeMutant = trial.active;
      stryker.hitCount = 0;
      stryker.hitLimit = HIT_LIMIT;
    }
    super.onBeforeTryTask(test);
  }

  /** @param {any} test */
  onAfterRetryTask(test) {
    stryker.activeMutant = undefined;
    stryker.currentTestId = undefined;
    const hasFailed = test.result.state === "fail";
    const name = nameOf(test);
    if (round.kind === "reach") {
      const mutants = Object.keys(stryker.mutantCoverage?.perTest[name] ?? {});
      if (hasFailed) addResult(round.results, { broken: "none", by: sentenceOf(test) });
      else addResult(round.results, { reached: name, ms: performance.now() - this.started, mutants });
    } else if (this.trial !== undefined) {
      this.judge(this.trial, hasFailed);
    }
  }

  /** @param {Trial} trial @param {boolean} hasFailed */
  judge(trial, hasFailed) {
    const { test, failed } = trial;
    const by = sentenceOf(test);
    trial.hasBegun = true;
    if (trial.active !== undefined) {
      if (hasFailed) trial.failed = trial.active;
    } else if (hasFailed) {
      // Not by the mutant, or something that it has left behind: the test can say nothing more.
      addResult(round.results, { broken: failed ?? "none", by });
      trial.waiting = [];
      trial.failed = undefined;
    } else if (failed !== undefined) {
      addResult(round.results, { killed: failed, by });
      this.alive.delete(failed);
      trial.failed = undefined;
    }
    // Ends the repetitions.
    if (trial.waiting.length === 0 && trial.failed === undefined) test.result.pending = true;
  }

  /** @override */
  onAfterRunFiles() {
    if (round.kind === "reach") addResult(round.results, { loaded: Object.keys(stryker.mutantCoverage?.static ?? {}) });
    super.onAfterRunFiles?.();
  }
}

/**
 * The file and the place of a test in it: a name may hold what is random.
 *
 * @param {any} test
 * @returns {string}
 */
function nameOf(test) {
  return `${test.file.filepath} > ${test.id}`;
}

/** @param {any} test @returns {string} */
function sentenceOf(test) {
  const names = [test.name];
  for (let { suite } = test; suite !== undefined; { suite } = suite) names.unshift(suite.name);
  return `${test.file.filepath} > ${names.join(" > ")}`;
}
