// Compares subjects by the CPU time of the process, in turn and over many rounds.

import { cpuUsage } from "node:process";

/**
 * A subject: a function to measure. A returned promise is awaited.
 *
 * @typedef {{ readonly name: string, readonly run: () => unknown }} Subject
 * @typedef {{ readonly name: string, readonly microseconds: number, readonly ratio: number, readonly low: number, readonly high: number }} Measurement
 */

const BATCH = 15_000;

/** @param {() => unknown} run @param {number} count @param {number} atOnce @returns {Promise<number>} CPU time per call in microseconds */
async function batch(run, count, atOnce) {
  const before = cpuUsage();
  for (let done = 0; done < count; done += atOnce) {
    if (atOnce === 1) await run();
    else await Promise.all(Array.from({ length: atOnce }, run));
  }
  const { user, system } = cpuUsage(before);
  return (user + system) / count;
}

/**
 * Runs the subjects in turn and relates each figure to the figure of the first subject in the same round, so that a
 * temporary slowdown of the machine affects both.
 *
 * @param {readonly Subject[]} subjects @param {{ rounds: number, atOnce?: number }} options @returns {Promise<Measurement[]>}
 */
export async function compare(subjects, { rounds, atOnce = 1 }) {
  const counts = [];
  for (const { run } of subjects) {
    await batch(run, 40 * atOnce, atOnce);
    const perCall = await batch(run, 80 * atOnce, atOnce);
    counts.push(Math.max(atOnce, Math.ceil(BATCH / Math.max(perCall, 0.5) / atOnce) * atOnce));
  }
  /** @type {number[][]} */
  const figures = subjects.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < subjects.length; turn += 1) {
      const index = (turn + round) % subjects.length;
      figures[index]?.push(await batch(subjects[index]?.run ?? (() => {}), counts[index] ?? 1, atOnce));
    }
  }
  const base = figures[0] ?? [];
  return subjects.map(({ name }, index) => {
    const subjectFigures = figures[index] ?? [];
    const ratios = subjectFigures.map((figure, round) => figure / (base[round] ?? 1));
    const [low, ratio, high] = [0.1, 0.5, 0.9].map((part) => quantile(ratios, part));
    return { name, microseconds: quantile(subjectFigures, 0.5), ratio: ratio ?? 0, low: low ?? 0, high: high ?? 0 };
  });
}

/** @param {readonly number[]} values @param {number} part */
export function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
