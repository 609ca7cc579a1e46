/**
 * @typedef {import("./requests.mjs").Answer} Answer
 * @typedef {[name: string, measure: (answers: Answer[]) => number][]} Rows
 */

const EXAMPLES = 10;

/** @param {Answer} answer */
export const isWrong = ({ answer, allowed }) => !allowed.includes(answer);

/**
 * Prints what was answered to each kind of request and in each phase, and what should have been.
 *
 * @param {Answer[]} answers
 */
export function printAnswers(answers) {
  const distinct = [...new Set(answers.map(({ answer }) => answer))].toSorted();
  /** @type {Rows} */
  const counts = [
    ["requests", (each) => each.length],
    ...distinct.map((given) => /** @type {Rows[number]} */ ([given, (each) => count(each, given)])),
    ["wrong", (each) => each.filter(isWrong).length],
  ];
  printTable(answers, ({ kind }) => kind.name, counts);
  printTable(answers, ({ phase }) => phase, [
    ...counts,
    ["known key, p50 in ms", (each) => knownKeyLatency(each, 0.5)],
    ["known key, p99 in ms", (each) => knownKeyLatency(each, 0.99)],
  ]);
  for (const { phase, api, kind, answer, allowed } of answers.filter(isWrong).slice(0, EXAMPLES)) {
    console.log(`wrong: ${phase}, ${api.name}, ${kind.name}: ${answer}; allowed: ${allowed.join(", ") || "nothing"}`);
  }
}

/** @param {Answer[]} answers @param {string} given */
function count(answers, given) {
  return answers.filter(({ answer }) => answer === given).length;
}

/** @param {Answer[]} answers @param {number} part */
function knownKeyLatency(answers, part) {
  const known = answers.filter(({ kind }) => kind.name === "known key").map(({ took }) => took);
  return Math.round(known.toSorted((a, b) => a - b)[Math.floor(part * (known.length - 1))] ?? 0);
}

/**
 * Prints a column for each group, in the order of their first answers.
 *
 * @param {Answer[]} answers
 * @param {(answer: Answer) => string} groupOf
 * @param {Rows} rows
 */
function printTable(answers, groupOf, rows) {
  const groups = [...new Set(answers.map(groupOf))];
  const width = Math.max(...rows.map(([name]) => name.length));
  const printRow = (/** @type {string} */ name, /** @type {(group: string) => string} */ cell) =>
    console.log(name.padEnd(width), ...groups.map((group) => cell(group).padStart(Math.max(group.length, 5) + 1)));
  console.log("");
  printRow("", (group) => group);
  for (const [name, measure] of rows) {
    printRow(name, (group) => String(measure(answers.filter((answer) => groupOf(answer) === group))));
  }
}
