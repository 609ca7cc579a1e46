// Measures subjects against each other: in turn, many rounds, by the CPU time of the process.

import { cpuUsage } from "node:process";

/**
 * A subject: what is done once, and whether it is waited for.
 *
 * @typedef {{ readonly name: string, readonly run: () => unknown }} Subject
 * @typedef {{ readonly name: string, readonly microseconds: number, readonly ratio: number, readonly low: number, readonly high: number }} Measurement
 */

const BATCH = 15_000;

/** @param {() => unknown} run @param {number} count @param {number} atOnce @returns {Promise<number>} microseconds of CPU for each */
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
 * Runs the subjects in turn, and compares each round's figures with the first subject's of the same round, so that a
 * machine that is slower for a while slows both.
 *
 * @param {readonly Subject[]} subjects @param {{ rounds: number, atOnce?: number }} options @returns {Promise<Measurement[]>}
 */
export async function compare(subjects, { rounds, atOnce = 1 }) {
  const counts = [];
  for (const { run } of subjects) {
    await batch(run, 40 * atOnce, atOnce);
    const each = await batch(run, 80 * atOnce, atOnce);
    counts.push(Math.max(atOnce, Math.ceil(BATCH / Math.max(each, 0.5) / atOnce) * atOnce));
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
    const own = figures[index] ?? [];
    const ratios = own.map((figure, round) => figure / (base[round] ?? 1));
    const [low, ratio, high] = [0.1, 0.5, 0.9].map((part) => quantile(ratios, part));
    return { name, microseconds: quantile(own, 0.5), ratio: ratio ?? 0, low: low ?? 0, high: high ?? 0 };
  });
}

/** @param {readonly number[]} values @param {number} part */
export function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
